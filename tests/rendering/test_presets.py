"""Presets: whole, in words that labels use, and with the order of tissues that radiologists expect."""

from __future__ import annotations

from importlib.resources import files

import pytest

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.schemes import scheme, scheme_names
from napari_medsynth.core.tissues import TISSUES
from napari_medsynth.core.yaml_text import parse_yaml
from napari_medsynth.phantom.catalogue import catalogue
from napari_medsynth.rendering.presets import preset, preset_names
from napari_medsynth.rendering.prior import BACKGROUND, Prior

NAMES = (
    "synthseg", "abdomen-ct", "abdomen-mr", "brain-flair", "brain-t1", "brain-t2", "breast-us", "spine-t1", "spine-t2"
)  # fmt: skip
TISSUE_NAMES = tuple(name for name in NAMES if name != "synthseg")

#: Words for parts of organs that have names of their own in the phantoms, and no tissue.
PARTS = {"kidney cortex", "kidney medulla"}


def middle(name: str, tissue: str) -> float:
    return preset(name).prior.classes[tissue].mean.at(0.5)


def test_the_presets_are_those_of_the_documentation():
    assert preset_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_whole_and_says_where_it_comes_from(name):
    found = preset(name)
    assert found.name == name
    assert len(found.description) > 20
    assert len(found.source) > 40
    assert found.modality in ("MR", "CT", "US")
    assert found.scheme in scheme_names()
    assert found.toward is None or found.toward in NAMES
    assert all(key == stage.name for key, stage in found.stages.items())


@pytest.mark.parametrize("name", TISSUE_NAMES)
def test_its_classes_are_words_of_the_vocabulary(name):
    assert set(preset(name).prior.classes) <= {*TISSUES, *PARTS, BACKGROUND}


@pytest.mark.parametrize("name", TISSUE_NAMES)
def test_it_has_intensities_for_every_label_of_its_scheme_and_for_what_has_none(name):
    found = preset(name)
    assert {entry.tissue for entry in scheme(found.scheme)} <= set(found.prior.classes)
    assert {"air", BACKGROUND, "surroundings", "lesion"} <= set(found.prior.classes)


@pytest.mark.parametrize("name", ["abdomen-ct", "abdomen-mr", "spine-t1", "spine-t2"])
def test_every_phantom_can_be_taken_with_every_scanner_for_the_trunk(name):
    tissues = {entry.tissue for anatomy in ("torso", "classic") for entry in catalogue(anatomy).table}
    assert tissues <= set(preset(name).prior.classes)


@pytest.mark.parametrize("name", ["spine-t1", "spine-t2"])
@pytest.mark.parametrize("labels", ["spider", "spine14", "tptbox", "lumbar-discs"])
def test_every_scheme_of_the_spine_can_be_taken_with_both_contrasts(name, labels):
    assert {entry.tissue for entry in scheme(labels)} <= set(preset(name).prior.classes)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("brain-t1", ("air", "csf", "cortex", "deep grey", "thalamus", "white matter", "fat")),
        ("brain-t2", ("cortical bone", "pallidum", "white matter", "cortex", "choroid plexus", "csf")),
        ("brain-flair", ("csf", "white matter", "cortex", "lesion")),
        ("brain-t1", ("skull", "marrow", "fat")),
        ("spine-t1", ("cortical bone", "csf", "spinal canal", "cord", "bone", "fat")),
        ("spine-t1", ("endplate", "disc", "bone")),
        ("spine-t2", ("endplate", "muscle", "bone", "fat", "spinal canal", "csf")),
        ("spine-t2", ("cord", "spinal canal")),
        ("abdomen-mr", ("vessel", "muscle", "liver", "spleen", "kidney", "fluid")),
        ("breast-us", ("fluid", "lesion", "fat", "gland", "skin")),
    ],
)
def test_tissues_are_as_bright_as_that_contrast_shows_them(name, order):
    means = [middle(name, tissue) for tissue in order]
    assert means == sorted(means)


@pytest.mark.parametrize(
    ("tissue", "low", "high"),
    [
        ("air", -1024, -950), ("lung", -900, -780), ("fat", -120, -80), ("fluid", 0, 20), ("muscle", 40, 75),
        ("spleen", 100, 140), ("liver", 95, 125), ("pancreas", 80, 115), ("kidney", 150, 210), ("vessel", 130, 180),
        ("bone", 150, 300), ("cortical bone", 700, 1500), ("csf", 0, 15),
    ],
)  # fmt: skip
def test_hounsfield_units_are_those_of_the_portal_venous_phase(tissue, low, high):
    assert low <= middle("abdomen-ct", tissue) <= high


def test_ct_keeps_its_unit():
    stages = preset("abdomen-ct").stages
    assert "bias_field" not in stages
    assert "intensity" not in stages or not stages["intensity"].normalise
    assert stages["noise"].kind == "gaussian"
    assert stages["noise"].std[0] >= 1


def test_t1_and_t2_lie_opposite_each_other_and_have_the_same_classes():
    for region in ("brain", "spine"):
        t1, t2 = preset(f"{region}-t1"), preset(f"{region}-t2")
        assert (t1.toward, t2.toward) == (t2.name, t1.name)
        assert set(t1.prior.classes) == set(t2.prior.classes)


def test_discs_of_one_spine_differ_in_t2():
    assert preset("spine-t2").prior.classes["disc"].each > 15


def test_synthseg_is_its_published_prior():
    prior = preset("synthseg").prior
    assert not prior.classes
    assert str(prior.default.mean) == "25 … 225"
    assert str(prior.default.std) == "5 … 25"
    assert [(entry.probability, str(entry.prior.mean), str(entry.prior.std)) for entry in prior.background] == [
        (0.05, "0", "0"),
        (0.25, "0 … 15", "0 … 5"),
    ]


def test_synthseg_leaves_every_stage_at_its_published_default():
    stages = preset("synthseg").stages
    assert set(stages) == {"warp", "flip", "bias_field", "intensity", "resolution"}
    assert all(stage == type(stage)() for stage in stages.values())


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(ConfigError, match=r"^there is no preset 'spine-t3'; did you mean 'spine-t[12]'\?$"):
        preset("spine-t3")
    with pytest.raises(ConfigError, match=r"expected one of abdomen-ct, .*, synthseg$"):
        preset("xyz")


def test_a_preset_may_be_spelled_with_underscores_and_capitals():
    assert preset("Spine_T2").name == "spine-t2"


def test_a_presets_intensities_are_a_prior_file_of_their_own():
    folder = files("napari_medsynth.rendering") / "preset_data"
    for name in NAMES:
        values = parse_yaml((folder / f"{name}.yaml").read_text(encoding="utf-8"), name)
        kept = {key: values[key] for key in ("classes", "default", "background", "random") if key in values}
        assert Prior.from_json(kept, name) == preset(name).prior
