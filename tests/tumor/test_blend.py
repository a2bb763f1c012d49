"""Lesions made part of a scan: only their voxels change, and they look as if they had been scanned there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.box import Box
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, HostError
from napari_medsynth.core.progress import finish
from napari_medsynth.io import read_labels, read_volume
from napari_medsynth.tumor.blend import Blend, blend
from napari_medsynth.tumor.extract import extract_seeds
from napari_medsynth.tumor.lesion import shape
from napari_medsynth.tumor.morph import Morph
from napari_medsynth.tumor.prepare import prepare
from napari_medsynth.tumor.synthetic import SyntheticLesion

METHODS = ("matte", "distance", "poisson", "paste")
GRID = Affine.from_spacing((1, 1, 1))
SPACING = (1.0, 1.0, 1.0)
CENTRE = (20.0, 24.0, 24.0)
SEED = SyntheticLesion(diameter_mm=12, seed=5, texture_hu=5).make()


def lung(noise=15.0, level=-850.0, dtype=np.int16, shape=(40, 48, 48)):
    hu = level + np.random.default_rng(1).normal(0, noise, shape)
    return (np.rint(hu) if np.dtype(dtype).kind in "iu" else hu).astype(dtype)


def solid(seed=SEED, centre=CENTRE):
    return shape(prepare(seed), Morph(), GRID, centre)


def placed(image, how, lesion=None, host=None):
    """The whole scan with the lesion in it, and the lesion's mask."""
    lesion = solid() if lesion is None else lesion
    inside = None if host is None else host[lesion.box.clipped(image.shape).slices]
    patch = blend(image, SPACING, lesion, how, inside)
    new, mask = image.copy(), np.zeros(image.shape, dtype=bool)
    new[patch.box.slices] = patch.values
    mask[patch.box.slices] = patch.mask
    return new, mask


@pytest.mark.parametrize("method", METHODS)
def test_only_voxels_with_a_share_of_the_lesion_change(method):
    image, lesion = lung(), solid()
    new, mask = placed(image, Blend(method=method), lesion)
    share = np.zeros(image.shape, dtype=np.float32)
    share[lesion.box.slices] = lesion.share
    if method == "distance":  # has its own edge
        share = np.maximum(share, mask)
    np.testing.assert_array_equal(new[share == 0], image[share == 0])
    assert (new[mask] > image[mask]).mean() > 0.95
    assert image.flags.writeable  # the scan itself was not touched
    np.testing.assert_array_equal(image, lung())


def test_the_lesion_keeps_its_own_density_in_lung():
    for level in (-920, -750):
        new, _ = placed(lung(level=level), Blend())
        deep = solid().distance < -3
        assert np.median(new[solid().box.slices][deep]) == pytest.approx(SEED.info.core_hu, abs=12)


def test_the_rim_is_half_of_the_new_lung_not_of_the_old():
    """A seed pasted as it is brings a shell of its old lung along."""
    hosts = [lung(level=level, noise=0) for level in (-700, -950)]
    rim = np.abs(solid().distance) < 0.5
    shells = [np.median(placed(host, Blend())[0][solid().box.slices][rim]) for host in hosts]
    assert 60 < shells[0] - shells[1] < 190
    pasted = [placed(host, Blend(method="paste"))[0][solid().box.slices][solid().mask & rim] for host in hosts]
    np.testing.assert_array_equal(pasted[0], pasted[1])


def test_relative_shifts_with_what_is_around_and_absolute_does_not():
    seed = SyntheticLesion(hu=20, ring_hu=60, diameter_mm=12, texture_hu=2).make()  # a metastasis in the liver
    liver = lung(level=110, noise=5)
    deep = solid(seed=seed).distance < -3
    found = {
        match: np.median(placed(liver, Blend(match=match), solid(seed=seed))[0][solid(seed=seed).box.slices][deep])
        for match in ("relative", "auto", "absolute")
    }
    assert found["relative"] == found["auto"] == pytest.approx(70, abs=6)
    assert found["absolute"] == pytest.approx(20, abs=6)


def test_poisson_follows_a_slope_of_the_surroundings():
    seed = SyntheticLesion(hu=20, ring_hu=60, diameter_mm=12, texture_hu=2).make()
    slope = (60 + 2.0 * (np.arange(48) - 24)) * np.ones((40, 48, 48))
    new, _ = placed(slope, Blend(method="poisson", match_noise=False), solid(seed=seed))
    line = new[20, 24, 20:29]
    assert np.polyfit(np.arange(9), line, 1)[0] == pytest.approx(2, abs=0.8)


def test_a_wider_edge_is_softer():
    image = lung(noise=0)
    steep = [np.abs(np.diff(placed(image, Blend(edge_mm=mm))[0][20, 24].astype(float))).max() for mm in (0, 3, 6)]
    assert steep[0] > 1.3 * steep[1] > 1.5 * steep[2]
    method = [np.abs(np.diff(placed(image, Blend(method="distance", edge_mm=mm))[0][20, 24].astype(float))).max()
              for mm in (1, 6)]  # fmt: skip
    assert method[0] > 2 * method[1]


@pytest.mark.parametrize("noise", [5.0, 20.0, 45.0])
def test_noise_in_the_lesion_is_that_of_the_scan(noise):
    seed = SyntheticLesion(diameter_mm=22, seed=5, texture_hu=0).make()
    lesion = solid(seed=seed)
    new, _ = placed(lung(noise=noise), Blend(), lesion)
    deep = lesion.distance < -3
    fine = np.diff(new[lesion.box.slices].astype(float), axis=2)[deep[..., 1:] & deep[..., :-1]]
    assert fine.std() / np.sqrt(2) == pytest.approx(noise, rel=0.25, abs=3)


def test_a_noisy_seed_is_calmed_in_a_quiet_scan():
    seed = SyntheticLesion(diameter_mm=22, seed=5, texture_hu=0).make()
    rough = np.rint(seed.image.array + np.random.default_rng(0).normal(0, 50, seed.image.shape)).astype(np.int16)
    lesion = solid(seed=replace(seed, image=replace(seed.image, array=rough)))
    deep = lesion.distance < -3
    spread = [
        placed(lung(noise=8), Blend(match_noise=m), lesion)[0][lesion.box.slices][deep].std() for m in (True, False)
    ]
    assert spread[0] < 0.6 * spread[1]


def test_added_noise_depends_on_its_seed_alone():
    first, same, other = (placed(lung(noise=40), Blend(seed=seed))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_vessels_of_the_host_stay_visible_unless_asked_otherwise():
    image = lung(noise=0)
    image[:, 22:26, 22:26] = 250  # brighter than the lesion
    kept, _ = placed(image, Blend(match_noise=False))
    gone, _ = placed(image, Blend(match_noise=False, keep_vessels=False))
    assert kept[20, 24, 24] == 250
    assert gone[20, 24, 24] < 120


def test_nothing_is_a_vessel_where_all_is_soft_tissue():
    """A dark lesion in the liver must not vanish behind what is brighter."""
    seed = SyntheticLesion(hu=-20, ring_hu=60, diameter_mm=12, texture_hu=2).make()
    liver = lung(level=60, noise=4)
    liver[:, 22:26, 22:26] = 200
    new, mask = placed(liver, Blend(), solid(seed=seed))
    assert np.median(new[mask]) < 0
    assert new[20, 24, 24] < 30


@pytest.fixture
def at_the_wall():
    """A lesion that touches a wall at x ≥ 30, half of whose first voxel is air; scan, host and lesion."""
    image = lung(noise=0)
    image[..., 30:], image[..., 29] = 40, -405
    host = np.zeros(image.shape, dtype=bool)
    host[..., :29] = True
    return image, host, solid(centre=(20.0, 24.0, 23.5))


def test_no_dark_line_is_left_between_a_lesion_and_the_wall_it_touches(at_the_wall):
    image, host, lesion = at_the_wall
    new, mask = placed(image, Blend(match_noise=False), lesion, host)
    assert mask[20, 24, 28]
    assert new[20, 24, 24:32].min() > -150


@pytest.mark.parametrize("method", METHODS)
def test_the_wall_is_not_part_of_the_lesion_and_gets_no_darker(at_the_wall, method):
    image, host, lesion = at_the_wall
    image[..., 30:] = 10  # darker than the lesion, so that a lesion pasted over it shows
    new, mask = placed(image, Blend(method=method), lesion.moved((0, 0, 3)), host)
    assert not mask[~host].any()
    assert (new[~host] >= image[~host]).all()
    np.testing.assert_array_equal(new[..., 31:], image[..., 31:])


@settings(max_examples=12)
@given(st.sampled_from(METHODS), st.tuples(*[st.integers(-12, 60)] * 3))
def test_a_lesion_across_the_border_of_the_scan_changes_what_is_inside(method, centre):
    image, lesion = lung(), solid(centre=tuple(float(c) for c in centre))
    if lesion.box.clipped(image.shape).is_empty:
        with pytest.raises(HostError, match="outside the scan"):
            blend(image, SPACING, lesion, Blend(method=method))
        return
    patch = blend(image, SPACING, lesion, Blend(method=method))
    assert patch.box == lesion.box.clipped(image.shape)
    assert patch.values.shape == patch.mask.shape == patch.box.shape
    assert patch.values.dtype == image.dtype


@pytest.mark.parametrize(("dtype", "top"), [(np.int8, 127), (np.uint8, 255), (np.int16, 3000)])
def test_whole_numbers_are_rounded_and_kept_in_range(dtype, top):
    seed = SyntheticLesion(hu=2000, ring_hu=0, diameter_mm=12).make()
    image = np.zeros((40, 48, 48), dtype=dtype)
    new, mask = placed(image, Blend(match="absolute", match_noise=False), solid(seed=seed))
    assert new.dtype == dtype
    assert new.max() == top if top < 2000 else 1500 < new.max() <= top
    assert new[mask].min() >= 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fractions_are_kept(dtype):
    new, mask = placed(lung(dtype=dtype), Blend())
    assert new.dtype == dtype
    assert (new[mask] % 1 != 0).any()


@pytest.mark.parametrize("wrong", [{"method": "alpha"}, {"edge_mm": -1.0}, {"match": "both"}, {"seed": -1}])
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=f"Blend.{next(iter(wrong))}"):
        Blend(**wrong)


def nodule(data_dir, name):
    """A patch of a real scan, its nodule, and the seed cut from it."""
    folder = data_dir / "node21_nodules"
    image, labels = read_volume(folder / f"{name}_image.mha"), read_labels(folder / f"{name}_label.mha")
    (seed,) = finish(extract_seeds(Case(id=name, image=image, labels=labels), [1], organ="lung"))
    return image, labels.mask(1), seed


@pytest.mark.data
@pytest.mark.parametrize("name", ["nodule_01", "nodule_02", "nodule_04", "nodule_15"])
def test_a_real_nodule_pasted_where_it_was_changes_no_voxel(data_dir, name):
    image, mask, seed = nodule(data_dir, name)
    apart = prepare(seed)
    lesion = shape(apart, Morph(), image.affine, image.affine.to_index(apart.centre))
    patch = blend(image.array, image.spacing, lesion, Blend(method="paste"))
    np.testing.assert_array_equal(patch.mask, mask[patch.box.slices])
    np.testing.assert_array_equal(patch.values, image.array[patch.box.slices])


@pytest.mark.data
def test_a_real_nodule_at_the_wall_leaves_the_wall_behind(data_dir):
    _, _, seed = nodule(data_dir, "nodule_22")
    apart = prepare(seed)
    wall = (apart.distance > 2) & (seed.image.array > -300)
    assert wall.sum() > 100
    assert apart.share[wall].mean() < 0.05
    box = Box.around(apart.share > 0.5)
    assert box is not None
    assert np.prod(box.shape) < 3 * (seed.mask.array == 1).sum()
