"""The working grid: every scan comes to it whatever its axes, and intensities follow the model's convention."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ConfigError, GridError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.segmentation.spec import InputSpec
from napari_medsynth.segmentation.working import WorkingGrid, normalised, to_working, with_channels

SLICES = InputSpec(plane="sagittal", spacing=(1.0, 1.0), patch=(32, 32))
PATCHES = InputSpec(kind="patches", spacing=(2.0, 1.0, 1.0), patch=(32, 32, 32))


def ball(shape: tuple[int, ...] = (24, 40, 30), orientation: str = "LPI") -> Volume:
    """A bright ball, off centre, in anisotropic voxels."""
    affine = Affine.from_spacing((3.0, 0.7, 1.4), origin=(5, -20, 40), orientation=orientation)
    places = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    world = affine.to_world(places)
    centre = affine.to_world((9, 22, 17))
    distance = np.linalg.norm(world - centre, axis=-1)
    return Volume(np.clip(12 - distance, 0, 4).astype(np.float32), affine)


def centroid(volume: Volume) -> np.ndarray:
    """Centre of mass in the world, mm."""
    places = np.stack(np.nonzero(volume.array), axis=1)
    return np.average(volume.affine.to_world(places), axis=0, weights=volume.array[tuple(places.T)])


@pytest.mark.parametrize("orientation", ["SPL", "LPI", "PSR", "IAR"])
@pytest.mark.parametrize("spec", [SLICES, PATCHES])
def test_a_structure_stays_where_it_is_in_the_patient(spec: InputSpec, orientation: str) -> None:
    scan = ball(orientation=orientation)
    working = to_working(scan, spec)
    assert working.affine.orientation == "SAR"
    np.testing.assert_allclose(centroid(working), centroid(scan), atol=0.15)


def test_slices_keep_the_distance_between_them_and_get_the_voxels_of_training() -> None:
    working = to_working(ball(orientation="SPL"), SLICES)
    np.testing.assert_allclose(working.spacing, (1.0, 1.0, 1.4))
    assert working.shape == (72, 28, 30)


def test_where_voxel_sizes_agree_nothing_is_resampled() -> None:
    scan = ball(orientation="PSR")
    own = scan.reoriented("SAR")
    working = to_working(scan, replace(PATCHES, spacing=tuple(s * 1.0005 for s in own.spacing)))
    np.testing.assert_array_equal(working.array, own.array)
    assert working.affine.is_close(own.affine, own.shape)


def test_labels_become_those_of_the_nearest_voxel() -> None:
    scan = ball()
    labels = LabelMap((scan.array > 2) * np.uint16(700), scan.affine)
    working = to_working(labels, PATCHES)
    assert working.values() == (700,)
    assert working.same_grid(to_working(scan, PATCHES))
    volume, before = (np.count_nonzero(m.array) * m.voxel_ml for m in (working, labels))
    assert volume == pytest.approx(before, rel=0.1)


def test_coarser_voxels_do_not_alias() -> None:
    """A pattern finer than the new voxels becomes grey, not stripes."""
    stripes = Volume(np.tile([0.0, 1.0], (16, 32)), Affine.from_spacing((1.0, 1.0)))
    working = to_working(stripes, InputSpec(spacing=(3.0, 3.0), patch=(16, 16)))
    inner = working.array[:, 2:-2]
    assert inner.std() < 0.1
    assert inner.mean() == pytest.approx(0.5, abs=0.05)


def test_a_flat_image_stays_flat_image_of_the_network_s_voxels() -> None:
    working = to_working(Volume(np.zeros((20, 30)), Affine.from_spacing((2.0, 1.0))), SLICES)
    assert working.shape == (40, 30)
    np.testing.assert_allclose(working.spacing, (1.0, 1.0))


def test_a_flat_image_is_refused_by_a_network_of_volumes() -> None:
    with pytest.raises(GridError, match="2D"):
        WorkingGrid.of(Volume(np.zeros((20, 30))), PATCHES)


def test_an_oblique_scan_keeps_its_direction() -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[0.9, -np.sqrt(0.19)], [np.sqrt(0.19), 0.9]]
    scan = ball()
    scan = replace(scan, affine=Affine(turn @ scan.affine.matrix))
    working = to_working(scan, PATCHES)
    assert working.affine.is_oblique
    np.testing.assert_allclose(centroid(working), centroid(scan), atol=0.15)


def test_percentiles_go_to_0_and_1() -> None:
    array = normalised(np.random.default_rng(0).normal(500, 100, (40, 50)), SLICES)
    assert array.dtype == np.float32
    assert (array.min(), array.max()) == (0, 1)
    assert np.median(array) == pytest.approx(0.5, abs=0.05)


def test_a_window_is_cut_off() -> None:
    spec = replace(SLICES, intensity="window", window=(-100.0, 300.0))
    np.testing.assert_allclose(normalised(np.array([[-2000, -100, 100, 300, 3000]]), spec), [[0, 0, 0.5, 1, 1]])


def test_zscore_has_mean_0_and_deviation_1() -> None:
    array = normalised(np.random.default_rng(0).normal(500, 100, (40, 50)), replace(SLICES, intensity="zscore"))
    assert (array.mean(), array.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))


@pytest.mark.parametrize("intensity", ["percentile", "zscore", "window"])
def test_an_image_of_one_value_becomes_one_value(intensity: str) -> None:
    window = (0.0, 1.0) if intensity == "window" else None
    array = normalised(np.full((9, 9), 1e6), replace(SLICES, intensity=intensity, window=window))  # type: ignore[arg-type]
    assert np.isfinite(array).all()
    assert np.ptp(array) == 0


def test_a_few_bright_voxels_in_air_are_not_lost() -> None:
    """Both percentiles are air; the whole range is meant then."""
    image = np.zeros((50, 50))
    image[25, 25:28] = 7
    assert normalised(image, SLICES)[25, 26] == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_no_numbers_are_refused(value: float) -> None:
    image = np.zeros((5, 5))
    image[2, 2] = value
    with pytest.raises(ConfigError, match="NaN or infinite"):
        normalised(image, SLICES)


def test_each_channel_is_normalised_by_itself() -> None:
    both = np.stack([np.linspace(0, 1, 100), np.linspace(-500, 3000, 100)]).reshape(2, 10, 10)
    array = normalised(both, replace(SLICES, channels=2))
    np.testing.assert_allclose(array[0], array[1], atol=1e-6)


def test_a_colour_picture_becomes_grey_for_a_network_of_one_channel() -> None:
    picture = Volume(np.stack([np.full((4, 4), v, np.uint8) for v in (255, 0, 0)]), channels=True)
    grey = with_channels(picture, SLICES)
    assert not grey.channels
    assert grey.array[0, 0] == pytest.approx(0.299 * 255)


def test_other_channels_are_refused_and_counted() -> None:
    with pytest.raises(GridError, match="2 channels; expected 1"):
        with_channels(Volume(np.zeros((2, 4, 4)), channels=True), SLICES)
