"""find_vessels: what is dense in a lung, without noise."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import GridError
from napari_medsynth.core.volume import Volume
from napari_medsynth.tumor.lungs import find_lungs
from napari_medsynth.tumor.vessels import find_vessels

SHAPE, SPACING = (20, 40, 40), (1.0, 1.0, 1.0)


def lung() -> np.ndarray:
    return np.full(SHAPE, -850, dtype=np.int16)


def test_a_vessel_is_found_where_it_runs():
    ct = lung()
    ct[2:18, 10:13, 20:22] = 30
    assert np.array_equal(find_vessels(ct, np.ones(SHAPE, bool), SPACING), ct == 30)


def test_what_lies_outside_the_host_is_no_vessel():
    ct, host = lung(), np.ones(SHAPE, bool)
    ct[2:18, 10:14, 5:25] = 30
    host[:, :, :15] = False
    found = find_vessels(ct, host, SPACING)
    assert not found[~host].any()
    assert np.array_equal(found[:, :, 17:], ct[:, :, 17:] == 30)


def test_the_rim_of_the_lung_is_no_vessel():
    ct, host = lung(), np.ones(SHAPE, bool)
    host[:, :, :15] = False
    ct[:, :, :16] = -100
    assert not find_vessels(ct, host, SPACING).any()


def test_single_dense_voxels_are_noise():
    ct = lung()
    ct[10, 20, 20] = ct[5, 5, 5:8] = 200
    assert not find_vessels(ct, np.ones(SHAPE, bool), SPACING).any()


def test_noise_is_told_by_its_size_in_millimetres():
    ct = lung()
    ct[10, 20, 20:23] = 200
    assert find_vessels(ct, np.ones(SHAPE, bool), (3.0, 1.0, 1.0)).sum() == 3
    assert not find_vessels(ct, np.ones(SHAPE, bool), (2.0, 1.0, 1.0)).any()


def test_a_box_keeps_the_end_of_a_vessel_that_goes_on_outside():
    ct = lung()
    ct[:2, 10, 10] = 30
    assert find_vessels(ct, np.ones(SHAPE, bool), SPACING).sum() == 2


def test_a_box_gives_what_the_whole_gives():
    rng = np.random.default_rng(3)
    ct = (lung() + rng.normal(0, 60, SHAPE)).astype(np.float32)
    ct[2:18, 10:13, 18:24] = 30
    host, box = np.ones(SHAPE, bool), (slice(4, 16), slice(5, 30), slice(12, 32))
    assert np.array_equal(find_vessels(ct, host, SPACING)[box], find_vessels(ct[box], host[box], SPACING))


def test_no_dense_voxel_means_no_vessel():
    assert not find_vessels(lung(), np.ones(SHAPE, bool), SPACING).any()
    assert not find_vessels(lung() + 900, np.zeros(SHAPE, bool), SPACING).any()


def test_shapes_that_differ_are_refused():
    with pytest.raises(GridError, match=r"ct is \(20, 40, 40\) and host \(3, 3, 3\) voxels; expected two volumes"):
        find_vessels(lung(), np.ones((3, 3, 3), bool), SPACING)


@pytest.mark.data
def test_vessels_fill_a_few_hundredths_of_a_real_lung(data_dir):
    stored = nibabel.load(data_dir / "lung4d_113" / "113_HM10395_ct.nii.gz")
    part = np.asanyarray(stored.dataobj[..., 40:95]).transpose(2, 1, 0)
    ct = Volume(part, Affine.from_spacing(stored.header.get_zooms()[::-1]), "CT")
    right = find_lungs(ct).array == 1
    share = find_vessels(ct.array, right, ct.spacing).sum() / right.sum()
    assert 0.02 < share < 0.10
