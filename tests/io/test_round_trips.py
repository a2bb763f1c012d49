"""What is written is what is read: voxels, types and places, in every format."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import WriteError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_volume, write_labels, write_volume
from strategies import affines, label_maps, volumes


def there_and_back(volume, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scan{suffix}"
        write_volume(volume, path)
        return read_volume(path)


def assert_same_voxels(expected, found):
    assert found.array.dtype == expected.array.dtype
    assert found.array.shape == expected.array.shape
    assert np.array_equal(found.array, expected.array)
    assert found.channels == expected.channels


@given(volumes(places=affines(float32=True)), st.sampled_from([".nii", ".nii.gz"]))
def test_nifti_keeps_voxels_and_the_very_same_matrix(volume, suffix):
    found = there_and_back(volume, suffix)
    assert_same_voxels(volume, found)
    assert np.array_equal(found.affine.matrix, volume.affine.matrix)


@given(volumes(places=affines(sheared=True, float32=True), max_side=3))
def test_nifti_keeps_shear(volume):
    assert np.array_equal(there_and_back(volume, ".nii").affine.matrix, volume.affine.matrix)


@given(volumes(places=affines()))
def test_nifti_rounds_a_place_to_float32_and_no_further(volume):
    found = there_and_back(volume, ".nii").affine.matrix
    assert np.array_equal(found, volume.affine.matrix.astype(np.float32))


@given(volumes(), st.sampled_from([".mha", ".nrrd"]))
def test_metaimage_and_nrrd_keep_voxels_and_place(volume, suffix):
    found = there_and_back(volume, suffix)
    assert_same_voxels(volume, found)
    np.testing.assert_allclose(found.affine.matrix, volume.affine.matrix, rtol=1e-12, atol=1e-9)


@given(label_maps(), st.sampled_from([".nii.gz", ".mha", ".nrrd"]))
def test_labels_keep_values(labels, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"mask{suffix}"
        write_labels(labels, path)
        assert np.array_equal(read_labels(path).array, labels.array)


@given(volumes(dtypes=("int16",), max_side=4))
def test_other_software_sees_the_same_voxel_at_the_same_place(volume):
    """ITK, which works in LPS, and nibabel, in RAS, agree with us for every format."""
    last = np.array(volume.shape) - 1
    world = volume.affine.to_world(last)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".nii.gz", ".mha", ".nrrd"):
            path = str(Path(folder) / f"scan{suffix}")
            write_volume(volume, path)
            image = sitk.ReadImage(path)
            lps = np.array(image.TransformIndexToPhysicalPoint([int(n) for n in last[::-1]]))
            np.testing.assert_allclose(lps * (-1, -1, 1), world, atol=2e-2)
            assert image[[int(n) for n in last[::-1]]] == volume.array[tuple(last)]
        image = nibabel.load(Path(folder) / "scan.nii.gz")
        np.testing.assert_allclose(nibabel.affines.apply_affine(image.affine, last[::-1]), world, atol=1e-2)
        assert np.asarray(image.dataobj)[tuple(last[::-1])] == volume.array[tuple(last)]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".nrrd", ".png"])
def test_2d_stays_2d(tmp_path, suffix):
    image = Volume(np.arange(12, dtype=np.uint16).reshape(3, 4), Affine.from_spacing((0.5, 0.25), (7, -3, 0)))
    write_volume(image, tmp_path / f"flat{suffix}")
    found = read_volume(tmp_path / f"flat{suffix}")
    assert_same_voxels(image, found)
    assert np.array_equal(found.affine.matrix, image.affine.matrix)


@given(affines(float32=True))
def test_2d_nifti_lies_in_any_plane(affine):
    image = Volume(np.ones((2, 3), np.uint8), affine)
    found = there_and_back(image, ".nii")
    assert found.shape == (2, 3)
    assert np.array_equal(found.affine.matrix, affine.matrix)


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".nrrd"])
def test_one_slice_stays_3d(tmp_path, suffix):
    write_volume(Volume(np.ones((1, 4, 5), np.int16)), tmp_path / f"slice{suffix}")
    assert read_volume(tmp_path / f"slice{suffix}").shape == (1, 4, 5)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".nrrd"])
@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 2, 4, 5)])
def test_channels_stay_in_front(tmp_path, suffix, shape):
    image = Volume(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape), channels=True)
    write_volume(image, tmp_path / f"colour{suffix}")
    found = read_volume(tmp_path / f"colour{suffix}")
    assert_same_voxels(image, found)
    assert found.affine.is_close(image.affine, image.shape3, 1e-6)


@pytest.mark.parametrize("kind", ["bool", "float16", ">i2", ">f4"])
@pytest.mark.parametrize("suffix", [".nii", ".mha", ".nrrd"])
def test_types_that_no_format_holds_are_widened(tmp_path, kind, suffix):
    image = Volume(np.arange(8).reshape(2, 2, 2).astype(kind))
    write_volume(image, tmp_path / f"scan{suffix}")
    found = read_volume(tmp_path / f"scan{suffix}").array
    assert found.dtype == {"bool": "u1", "float16": "f4", ">i2": "i2", ">f4": "f4"}[kind]
    assert found.dtype.isnative
    assert np.array_equal(found, image.array)


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_shear_and_oblique_planes_are_refused_where_they_would_be_lost(tmp_path, suffix):
    matrix = np.eye(4)
    matrix[0, 1] = 0.3
    path = tmp_path / f"scan{suffix}"
    with pytest.raises(WriteError, match=r"scan\.\w+ cannot hold sheared axes.*write \.nii\.gz"):
        write_volume(Volume(np.ones((2, 2, 2)), Affine(matrix)), path)
    for place in (Affine.from_spacing(orientation="LSP"), Affine.from_spacing((1, 1), (0, 0, 5))):
        with pytest.raises(WriteError, match=r"not axial at z = 0.*write \.nii\.gz"):
            write_volume(Volume(np.ones((2, 2)), place), path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".nrrd", ".png"])
def test_same_image_same_bytes(tmp_path, suffix):
    image = Volume(np.random.default_rng(1).integers(0, 255, (30, 40), np.uint8))
    for name in ("a", "b"):
        write_volume(image, tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_a_packed_file_holds_no_name_and_no_time(tmp_path):
    write_volume(Volume(np.ones((2, 2))), tmp_path / "scan.nii.gz")
    head = (tmp_path / "scan.nii.gz").read_bytes()[:10]  # RFC 1952: magic, deflate, flags, time, extra flags, system
    assert head[:8] == b"\x1f\x8b\x08\0\0\0\0\0"


@pytest.mark.parametrize(("shear", "qform"), [(0.0, 1), (0.3, 0)])
def test_qform_is_there_unless_it_would_lie(tmp_path, shear, qform):
    matrix = np.diag([0.5, 0.5, 2, 1])
    matrix[0, 1] = shear
    write_volume(Volume(np.ones((2, 3, 4), np.uint8), Affine(matrix)), tmp_path / "scan.nii")
    header = nibabel.load(tmp_path / "scan.nii").header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, qform)
    if qform:
        np.testing.assert_allclose(header.get_qform(), header.get_sform(), atol=1e-6)


def test_what_png_cannot_hold_is_refused(tmp_path):
    with pytest.raises(WriteError, match=r"scan\.png cannot hold 2×2×2 .*PNG takes 2D uint8 or uint16"):
        write_volume(Volume(np.ones((2, 2, 2), "int16")), tmp_path / "scan.png")
    assert not list(tmp_path.iterdir())


def test_unknown_suffix_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(WriteError, match=r"suffix '\.dcm'; expected one of \.nii\.gz"):
        write_volume(Volume(np.ones((2, 2))), tmp_path / "scan.dcm")


def test_odd_names_work(tmp_path):
    for suffix in (".nii.gz", ".mha", ".nrrd", ".png"):
        path = tmp_path / "Ordner mit Leerzeichen" / f"Größe 1.5 ü{suffix}"
        write_labels(LabelMap(np.ones((2, 3), np.uint8)), path)
        assert read_labels(path).shape == (2, 3)


@pytest.mark.data
def test_real_scans_read_as_nibabel_and_itk_read_them(data_dir):
    for path in sorted(data_dir.glob("*/*.nii.gz")):
        if path.stat().st_size > 2_000_000:
            continue
        found, expected = read_volume(path), nibabel.load(path)
        assert np.array_equal(found.array, np.asarray(expected.dataobj).T), path
        assert np.array_equal(found.affine.matrix, expected.affine[:, [2, 1, 0, 3]]), path
    for path in sorted([*data_dir.glob("*/nodule_0*.mha"), *data_dir.glob("*/*.nrrd")]):
        assert np.array_equal(read_volume(path).array, sitk.GetArrayFromImage(sitk.ReadImage(str(path)))), path
