"""Schemes: what values of well-known data sets mean, in words that contrasts know."""

from __future__ import annotations

import pytest

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.schemes import scheme, scheme_names
from napari_medsynth.core.tissues import TISSUES

NAMES = ("breast", "freesurfer", "lumbar-discs", "spider", "spine14", "totalsegmentator", "tptbox")


def test_the_schemes_are_those_of_the_documentation():
    assert scheme_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_label_has_a_tissue_of_the_vocabulary(name):
    assert {entry.tissue for entry in scheme(name)} <= set(TISSUES)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_called_left_or_right_has_that_side(name):
    sides = {"left": "left", "lh": "left", "right": "right", "rh": "right"}
    for entry in scheme(name):
        words = entry.name.lower().replace("_", " ").replace("-", " ").split()
        called = next((sides[word] for word in words if word in sides), "")
        assert entry.side == called or entry.name == "atrial_appendage_left"  # of which there is no other


@pytest.mark.parametrize(
    ("name", "value", "structure", "tissue", "side"),
    [
        ("freesurfer", 2, "Left-Cerebral-White-Matter", "white matter", "left"),
        ("freesurfer", 42, "Right-Cerebral-Cortex", "cortex", "right"),
        ("freesurfer", 24, "CSF", "csf", ""),
        ("freesurfer", 511, "Skin", "skin", ""),
        ("freesurfer", 2035, "ctx-rh-insula", "cortex", "right"),
        ("totalsegmentator", 5, "liver", "liver", ""),
        ("totalsegmentator", 2, "kidney_right", "kidney", "right"),
        ("totalsegmentator", 31, "vertebrae_L1", "bone", ""),
        ("totalsegmentator", 51, "heart", "heart", ""),
        ("totalsegmentator", 117, "costal_cartilages", "cartilage", ""),
        ("spider", 1, "vertebra 1", "bone", ""),
        ("spider", 100, "spinal canal", "spinal canal", ""),
        ("spider", 101, "vertebra 1 partly visible", "bone", ""),
        ("spider", 225, "disc 25", "disc", ""),
        ("spine14", 13, "spinal canal", "spinal canal", ""),
        ("tptbox", 60, "spinal cord", "cord", ""),
        ("tptbox", 100, "disc", "disc", ""),
        ("lumbar-discs", 5, "disc 5", "disc", ""),
        ("breast", 1, "lesion", "lesion", ""),
    ],
)
def test_values_mean_what_their_makers_say(name, value, structure, tissue, side):
    entry = scheme(name)[value]
    assert (entry.name, entry.tissue, entry.side) == (structure, tissue, side)


def test_totalsegmentator_has_all_117_structures_and_spine14_thirteen():
    assert [entry.value for entry in scheme("totalsegmentator")] == list(range(1, 118))
    assert [entry.value for entry in scheme("spine14")] == list(range(1, 14))


def test_the_head_around_the_brain_is_context():
    context = {entry.value for entry in scheme("freesurfer") if entry.context}
    assert {165, 258, 507, 511, 515} <= context
    assert not context & {2, 3, 24, 41, 85}


def test_an_unknown_scheme_names_the_nearest():
    with pytest.raises(ConfigError, match=r"^there is no scheme 'totalsegmentor'; did you mean 'totalsegmentator'\?$"):
        scheme("totalsegmentor")


def test_a_scheme_may_be_spelled_with_underscores_and_capitals():
    assert scheme("Lumbar_Discs") is not None
    assert scheme("Lumbar_Discs") == scheme("lumbar-discs")
