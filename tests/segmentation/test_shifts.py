"""Scans made worse by a known amount."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_volume
from napari_medsynth.segmentation.shifts import SHIFTS

PLACE = Affine.from_spacing((4, 1, 1.5), (10, 20, 30), "RAS")
ALL = sorted(SHIFTS)
PIXELS = [name for name in ALL if not SHIFTS[name].volumes_only]


def case(ndim=3, modality="MR", name="one"):
    """A body with three organs in it, on a grid of 8 × 40 × 36 voxels."""
    z, y, x = np.ogrid[-4:4, -20:20, -18:18]
    labels = (((y / 14) ** 2 + (x / 13) ** 2 + (z / 9) ** 2) < 1).astype(np.uint8)
    for value, (row, column) in enumerate(((-6, -5), (-6, 5), (5, 0)), start=2):
        labels[((y - row) ** 2 + (x - column) ** 2 + z**2) < 16] = value
    image = np.array([0, 300, 600, 900, 450], np.int16)[labels]
    if modality == "CT":
        image = image - 1000
    if ndim == 2:
        labels, image = labels[4], image[4]
    return Case(id=name, image=Volume(image, PLACE, modality), labels=LabelMap(labels, PLACE))


def strongest(shift):
    return max(shift.levels, key=lambda level: abs(level - shift.neutral))


@pytest.mark.parametrize("name", ALL)
def test_where_nothing_is_to_change_the_case_itself_comes_back(name):
    one, shift = case(), SHIFTS[name]
    assert shift.name == name
    assert shift.apply(one, shift.neutral, 1) is one
    assert shift.neutral in shift.levels
    assert list(shift.levels) == sorted(shift.levels)


@pytest.mark.parametrize("name", ALL)
def test_a_shift_changes_the_image_on_its_grid_and_the_same_seed_changes_it_alike(name):
    one, shift = case(), SHIFTS[name]
    level = strongest(shift)
    made, again = shift.apply(one, level, 3), shift.apply(one, level, 3)
    assert np.array_equal(made.image.array, again.image.array)
    assert made.image.same_grid(one.image)
    assert made.image.array.dtype == np.float32
    assert np.abs(made.image.array - one.image.array).max() > 50
    assert one.image.array.dtype == np.int16
    if name != "rotation":
        assert made.labels is one.labels


@pytest.mark.parametrize("name", ["noise", "bias_field", "motion"])
def test_cases_differ_by_their_id_and_by_the_seed(name):
    shift = SHIFTS[name]
    one = shift.apply(case(), strongest(shift), 3).image.array
    assert not np.array_equal(one, shift.apply(case(name="other"), strongest(shift), 3).image.array)
    assert not np.array_equal(one, shift.apply(case(), strongest(shift), 4).image.array)


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("gamma", "inversion")])
def test_a_higher_level_takes_a_case_further_from_what_it_was(name):
    one, shift = case(), SHIFTS[name]
    apart = [np.abs(shift.apply(one, level, 5).image.array - one.image.array).mean() for level in shift.levels]
    assert apart == sorted(apart)
    assert apart[-1] > 1.5 * apart[1]


@pytest.mark.parametrize("name", PIXELS)
@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_2d_images_and_channels_are_shifted_as_volumes_are(name, modality):
    flat, shift = case(2, modality), SHIFTS[name]
    level = strongest(shift)
    made = shift.apply(flat, level, 3)
    assert made.image.same_grid(flat.image)
    colour = replace(flat.image, array=np.stack([flat.image.array] * 2), channels=True)
    both = shift.apply(replace(flat, image=colour), level, 3).image.array
    assert np.array_equal(both[0], made.image.array)
    assert np.array_equal(both[1], made.image.array)


def test_coarser_voxels_lose_what_lies_between_them_in_the_plane_and_nothing_across():
    """A pattern of 4 voxels is gone in voxels 4 times as large; what is even stays, and so does the mean."""
    stripes = 100 + 50 * np.sign(np.sin(np.arange(64) * np.pi / 2 + 0.1))
    slices = np.linspace(1, 2, 8)[:, None, None]
    rows = Case(id="rows", image=Volume(slices * np.broadcast_to(stripes[:, None], (8, 64, 32)), PLACE))
    made = SHIFTS["resolution"].apply(rows, 4, 0).image.array
    inner = made[:, 16:-16]
    assert np.ptp(inner[3]) < 0.05 * np.ptp(rows.image.array[3])
    assert made.mean(axis=(1, 2)) == pytest.approx(rows.image.array.mean(axis=(1, 2)), rel=0.02)
    thick = SHIFTS["slice_thickness"].apply(rows, 4, 0).image.array
    assert np.ptp(thick[3]) == pytest.approx(np.ptp(rows.image.array[3]), rel=0.1)


def test_noise_is_rician_in_mr_and_added_in_ct_and_only_gets_stronger():
    ct, mr = case(modality="CT"), case()
    weak, strong = (SHIFTS["noise"].apply(ct, level, 3).image.array - ct.image.array for level in (0.05, 0.2))
    assert strong == pytest.approx(4 * weak, abs=1e-2)
    assert strong.std() == pytest.approx(0.2 * np.ptp(np.percentile(ct.image.array, (0.5, 99.5))), rel=0.02)
    made = SHIFTS["noise"].apply(mr, 0.1, 3).image.array
    air = made[mr.labels.array == 0]
    assert made.min() >= 0
    assert air.mean() == pytest.approx(np.sqrt(np.pi / 2) * 0.1 * 900, rel=0.05)


def test_a_bias_field_has_the_deviation_that_was_asked_for():
    one = Case(id="even", image=Volume(np.full((6, 50, 40), 200.0), PLACE))
    field = np.log(SHIFTS["bias_field"].apply(one, 0.3, 2).image.array / 200)
    assert (field.mean(), field.std()) == pytest.approx((0, 0.3), abs=1e-4)
    assert np.abs(np.diff(field, axis=1)).max() < 0.1
    ct = case(modality="CT")
    assert SHIFTS["bias_field"].apply(ct, 0.3, 2).image.array[0, 0, 0] == -1000


def test_a_turn_by_90_degrees_is_that_of_the_arrays_labels_included():
    rng = np.random.default_rng(0)
    place = Affine.from_spacing((3, 1, 1))
    image, labels = rng.random((2, 9, 9)).astype(np.float32), rng.integers(0, 4, (2, 9, 9), np.uint8)
    instances, host = (LabelMap(labels > 2, place), LabelMap(labels > 0, place))
    one = Case(id="x", image=Volume(image, place), labels=LabelMap(labels, place), instances=instances, host=host)
    made = SHIFTS["rotation"].apply(one, 90, 1)
    times = next(k for k in (1, 3) if np.array_equal(np.rot90(labels, k, (1, 2)), made.labels.array))
    assert made.image.array == pytest.approx(np.rot90(image, times, (1, 2)), abs=1e-4)
    assert np.array_equal(made.instances.array, made.labels.array > 2)
    assert np.array_equal(made.host.array, made.labels.array > 0)
    assert made.labels.same_grid(one.labels)


def test_what_comes_in_from_outside_is_background():
    full = Case(
        id="x", image=Volume(np.full((30, 30), 50.0) + np.eye(30)), labels=LabelMap(np.ones((30, 30), np.uint8))
    )
    made = SHIFTS["rotation"].apply(full, 45, 1)
    assert made.labels.array[0, 0] == made.labels.array[-1, -1] == 0
    assert made.image.array[0, 0] == pytest.approx(50)
    assert 0.75 < made.labels.array.mean() < 0.9
    assert made.labels.array[15, 15] == 1


def test_gamma_bends_and_inversion_turns_the_range_around():
    ramp = Case(id="x", image=Volume(np.linspace(0, 1000, 2001).reshape(3, 667)))
    low, high = np.percentile(ramp.image.array, (0.5, 99.5))
    share = np.clip((ramp.image.array - low) / (high - low), 0, 1)
    bent = SHIFTS["gamma"].apply(ramp, 2, 0).image.array
    assert bent == pytest.approx(low + (high - low) * share**2, abs=0.05)
    assert SHIFTS["inversion"].apply(ramp, 1, 0).image.array == pytest.approx(high - (high - low) * share, abs=0.05)
    with pytest.raises(ConfigError, match=r"level 0\.5"):
        SHIFTS["inversion"].apply(ramp, 0.5, 0)


def test_what_cannot_be_shifted_is_refused():
    with pytest.raises(ConfigError, match=r"resolution shift has level 0\.5; expected 1 to 16"):
        SHIFTS["resolution"].apply(case(), 0.5, 0)
    with pytest.raises(ConfigError, match="slice_thickness shift of case 'one': the image is one slice"):
        SHIFTS["slice_thickness"].apply(case(2), 2, 0)
    flat = Case(id="flat", image=Volume(case().image.array[:1]))
    assert SHIFTS["slice_thickness"].misfit(flat) == "the image is one slice; expected a volume"
    assert not SHIFTS["resolution"].misfit(flat)
    with pytest.raises(ConfigError, match="no image"):
        SHIFTS["noise"].apply(replace(case(), image=None), 0.1, 0)
    broken = case().image.array.astype(np.float32).copy()
    broken[0, 0, 0] = np.nan
    with pytest.raises(ConfigError, match="not finite"):
        SHIFTS["noise"].apply(Case(id="x", image=Volume(broken)), 0.1, 0)


def real_slice(data_dir):
    image = read_volume(data_dir / "spine_ivd" / "11_t2.mha")
    labels = read_labels(data_dir / "spine_ivd" / "11_label.mha").array
    middle = int(np.argmax((labels > 0).sum(axis=(1, 2))))
    image = Volume(image.array[middle], image.affine, "MR")
    return Case(id="11", image=image, labels=LabelMap(labels[middle], image.affine))


@pytest.mark.data
@pytest.mark.parametrize("name", [name for name in PIXELS if name != "rotation"])
def test_a_real_slice_stays_where_its_labels_are(data_dir, name):
    """Nowhere does a shifted image fit the original better than where that lies."""
    one = real_slice(data_dir)
    places = {(y, x): np.roll(one.image.array, (y, x), (0, 1)) for y in (-5, 0, 5) for x in (-5, 0, 5)}
    for level in SHIFTS[name].levels:
        made = SHIFTS[name].apply(one, level, 0).image.array
        assert np.isfinite(made).all()
        alike = {at: abs(np.corrcoef(made.reshape(-1), moved.reshape(-1))[0, 1]) for at, moved in places.items()}
        assert max(alike, key=alike.get) == (0, 0)
        assert alike[0, 0] > 0.6


@pytest.mark.data
def test_discs_of_a_real_slice_turn_with_it(data_dir):
    one = real_slice(data_dir)
    for level in SHIFTS["rotation"].levels:
        made = SHIFTS["rotation"].apply(one, level, 0)
        for disc in one.labels.values():
            before, after = (case.image.array[case.labels.array == disc].mean() for case in (one, made))
            assert after == pytest.approx(before, rel=0.05)
