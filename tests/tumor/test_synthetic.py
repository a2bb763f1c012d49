"""Lesions made of numbers alone: of the size and density that were asked for, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.tumor.measure import signed_distance
from napari_medsynth.tumor.seed import LESION, checksum
from napari_medsynth.tumor.synthetic import KINDS, SyntheticLesion


def inside(seed, depth_mm):
    """HU of the voxels deeper than this, and of the rest of the lesion."""
    distance = signed_distance(seed.mask.mask(LESION), seed.image.spacing)
    return seed.image.array[distance < -depth_mm], seed.image.array[(distance < -1) & (distance >= -depth_mm)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("diameter", [5.0, 12.0, 26.0])
def test_the_diameter_that_was_asked_for_is_reached(kind, diameter):
    seed = SyntheticLesion(kind=kind, diameter_mm=diameter, seed=3).make()
    assert seed.info.diameter_mm == pytest.approx(diameter, rel=0.02)


@settings(max_examples=10)
@given(st.sampled_from(KINDS), st.floats(4, 20), st.floats(1, 2), st.floats(0, 0.3), st.integers(0, 2**40))
def test_any_shape_reaches_its_volume_and_leaves_a_margin(kind, diameter, elongation, roughness, seed):
    made = SyntheticLesion(kind=kind, diameter_mm=diameter, elongation=elongation, roughness=roughness, seed=seed)
    lesion = made.make().mask.mask(LESION)
    assert not any(np.take(lesion, end, axis).any() for axis in range(3) for end in (0, -1))
    assert lesion.sum() * np.prod(made.make().image.spacing) == pytest.approx(np.pi / 6 * diameter**3, rel=0.03)


@pytest.mark.parametrize(
    ("kind", "core", "shell"),
    [
        ("solid", (-20, 80), (-60, 80)),
        ("ground-glass", (-680, -560), (-720, -540)),
        ("part-solid", (-60, 80), (-720, -450)),
        ("calcified", (320, 480), (-60, 200)),
        ("cavitated", (-1000, -850), (-350, 80)),
    ],
)
def test_each_kind_has_its_own_densities(kind, core, shell):
    deep, outer = inside(SyntheticLesion(kind=kind, diameter_mm=24, elongation=1, roughness=0.02).make(), 8)
    assert core[0] <= np.median(deep) <= core[1]
    assert shell[0] <= np.median(outer) <= shell[1]


def test_a_spiculated_lesion_reaches_further_than_a_smooth_one_of_its_volume():
    how = {"diameter_mm": 16.0, "elongation": 1.0, "roughness": 0.02, "seed": 1}
    reach = {}
    for kind in ("solid", "spiculated"):
        mask = SyntheticLesion(kind=kind, **how).make().mask
        points = mask.affine.to_world(np.argwhere(mask.mask(LESION)))
        reach[kind] = np.linalg.norm(points - points.mean(axis=0), axis=1).max()
    assert reach["spiculated"] > 1.25 * reach["solid"]


def test_the_same_settings_give_the_same_bytes_and_another_seed_another_lesion():
    first, same, other = (SyntheticLesion(seed=seed).make() for seed in (7, 7, 8))
    assert first.info == same.info
    assert checksum(first.image, first.mask) == first.info.sha256 != other.info.sha256


def test_the_surroundings_are_what_was_asked_for():
    seed = SyntheticLesion(ring_hu=60.0, hu=-40.0).make()
    assert np.median(seed.image.array[:3]) == pytest.approx(60, abs=3)
    assert seed.info.core_hu == pytest.approx(-40, abs=15)


@pytest.mark.parametrize("wrong", [{"diameter_mm": 0.5}, {"kind": "round"}, {"roughness": 2.0}, {"spicules": -1}])
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=f"SyntheticLesion.{next(iter(wrong))}"):
        SyntheticLesion(**wrong)
