"""What a NIfTI header may say, and what we make of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from napari_medsynth.core.errors import LabelError, ReadError
from napari_medsynth.io import read_labels, read_volume


def saved(folder, array, affine=None, change=None, kind=nibabel.Nifti1Image, name="scan.nii"):
    """Write ``array`` (x, y, z …) with nibabel, after ``change`` was made to its header."""
    image = kind(array, np.eye(4) if affine is None else affine, dtype=array.dtype)
    if change is not None:
        change(image.header)
    nibabel.save(image, folder / name)
    return folder / name


def patched(path: Path, **fields):
    """Set fields of the header of a file as it lies there."""
    data = bytearray(path.read_bytes())
    header = nibabel.Nifti1Header(bytes(data[:348]), check=False)
    for key, value in fields.items():
        header[key] = value
    data[:348] = header.binaryblock
    path.write_bytes(bytes(data))
    return path


CUBE = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def test_axes_are_z_y_x(tmp_path):
    found = read_volume(saved(tmp_path, CUBE, np.diag([2.0, 3, 4, 1])))
    assert np.array_equal(found.array, CUBE.T)
    assert found.array.flags.c_contiguous
    assert found.spacing == (4, 3, 2)


def test_big_endian_is_read_in_native_order(tmp_path):
    image = nibabel.Nifti1Image(CUBE, np.diag([2.0, 3, 4, 1]))
    image = nibabel.Nifti1Image(CUBE, None, header=image.header.as_byteswapped())
    nibabel.save(image, tmp_path / "swapped.nii")
    found = read_volume(tmp_path / "swapped.nii")
    assert np.array_equal(found.array, CUBE.T)
    assert found.array.dtype == np.int16
    assert found.array.dtype.isnative


def test_nifti_2_is_read(tmp_path):
    found = read_volume(saved(tmp_path, CUBE, kind=nibabel.Nifti2Image))
    assert np.array_equal(found.array, CUBE.T)


def test_extensions_are_passed_over(tmp_path):
    image = nibabel.Nifti1Image(CUBE, np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"a" * 1000))
    nibabel.save(image, tmp_path / "scan.nii.gz")
    assert np.array_equal(read_volume(tmp_path / "scan.nii.gz").array, CUBE.T)


def test_sform_wins_then_qform_then_voxel_sizes(tmp_path):
    turned = np.array([[0, -2.0, 0, 5], [2, 0, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1]])

    def both(header):
        header.set_sform(np.diag([1.0, 1, 1, 1]), 1)
        header.set_qform(turned, 1)

    path = saved(tmp_path, CUBE, change=both)
    assert read_volume(path).affine.origin == (0, 0, 0)
    patched(path, sform_code=0)
    np.testing.assert_allclose(read_volume(path).affine.matrix, turned[:, [2, 1, 0, 3]], atol=1e-6)
    patched(path, sform_code=0, qform_code=0)
    assert np.array_equal(read_volume(path).affine.matrix, nibabel.load(path).affine[:, [2, 1, 0, 3]])
    assert read_volume(path).spacing == (2, 2, 2)


@pytest.mark.parametrize(("unit", "spacing"), [("meter", 2000), ("mm", 2), ("micron", 0.002), ("unknown", 2)])
def test_lengths_become_millimetres(tmp_path, unit, spacing):
    found = read_volume(saved(tmp_path, CUBE, np.diag([2.0, 2, 2, 1]), lambda h: h.set_xyzt_units(unit)))
    assert found.spacing == pytest.approx((spacing,) * 3)


@pytest.mark.parametrize(
    ("slope", "inter", "dtype"),
    [(1, 0, "int16"), (2, -1024, "int16"), (4000, 0, "int32"), (0.5, 0.25, "float32"), (0, 5, "int16")],
)
def test_scaling_gives_whole_numbers_where_it_can(tmp_path, slope, inter, dtype):
    path = patched(saved(tmp_path, CUBE), scl_slope=slope, scl_inter=inter)
    found = read_volume(path).array
    expected = CUBE.T if slope == 0 else CUBE.T * float(slope) + inter  # the standard: slope 0 means no scaling
    assert found.dtype == dtype
    assert np.array_equal(found, expected)


def test_halved_even_numbers_are_whole(tmp_path):
    path = patched(saved(tmp_path, (CUBE * 2).astype(np.uint8)), scl_slope=0.5, scl_inter=-3)
    assert read_volume(path).array.dtype == np.int16
    assert np.array_equal(read_volume(path).array, CUBE.T - 3)


@pytest.mark.parametrize("slope", [np.inf, -np.inf])
def test_scaling_that_makes_no_sense_is_refused(tmp_path, slope):
    path = patched(saved(tmp_path, CUBE), scl_slope=slope)
    with pytest.raises(ReadError, match=r"scan\.nii has slope -?inf and intercept 0"):
        read_volume(path)


@pytest.mark.parametrize("shape", [(2, 3, 4, 1), (2, 3, 4, 1, 1)])
def test_trailing_axes_of_one_are_dropped(tmp_path, shape):
    assert np.array_equal(read_volume(saved(tmp_path, CUBE.reshape(shape))).array, CUBE.T)


@pytest.mark.parametrize("shape", [(2, 3, 2, 2), (2, 3, 2, 1, 2), (24,)])
def test_other_shapes_are_refused_with_the_shape(tmp_path, shape):
    with pytest.raises(ReadError, match=r"scan\.nii has shape \(2[, 0-9]*,?\).*expected one 2D or 3D image"):
        read_volume(saved(tmp_path, CUBE.reshape(shape)))


def test_rgb_voxels_become_channels(tmp_path):
    colours = np.arange(72, dtype=np.uint8).reshape(2, 3, 4, 3)
    packed = np.ascontiguousarray(colours).view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    found = read_volume(saved(tmp_path, packed))
    assert found.channels
    assert np.array_equal(found.array, colours.transpose(3, 2, 1, 0))


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_voxels_are_refused(tmp_path, dtype):
    with pytest.raises(ReadError, match=r"voxels of type complex.*expected integers or floats"):
        read_volume(saved(tmp_path, CUBE.astype(dtype)))


def test_2d_without_a_third_axis_gets_a_normal(tmp_path):
    path = saved(tmp_path, CUBE[:, :, 0], np.diag([2.0, 3, 1, 1]))
    patched(path, srow_z=(0, 0, 0, 0))
    found = read_volume(path)
    assert found.spacing == (3, 2)
    np.testing.assert_allclose(found.affine.matrix[:3, 0], (0, 0, 1))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_an_error_or_filled(tmp_path, value):
    array = CUBE.astype(np.float32)
    array[0, 0, 0] = value
    array[1, 2, 3] = np.nan
    path = saved(tmp_path, array)
    with pytest.raises(ReadError, match=r"scan\.nii holds 2 voxels that are NaN or infinite"):
        read_volume(path)
    found = read_volume(path, nonfinite="fill").array
    assert (found[0, 0, 0], found[3, 2, 1], found[3, 2, 0]) == (1, 1, array[0, 2, 3])


def test_nothing_finite_cannot_be_filled(tmp_path):
    path = saved(tmp_path, np.full((2, 2, 2), np.nan, np.float32))
    with pytest.raises(ReadError, match="holds no finite voxel"):
        read_volume(path, nonfinite="fill")


@pytest.mark.parametrize("value", [0.5, -1, 70000, np.nan, np.inf])
def test_labels_have_to_be_whole_numbers(tmp_path, value):
    array = CUBE.astype(np.float64)
    array[0, 0, 0] = value
    with pytest.raises(LabelError, match=r"scan\.nii holds 1 voxels that are not labels"):
        read_labels(saved(tmp_path, array))


def test_labels_stored_as_floats_are_fine(tmp_path):
    found = read_labels(saved(tmp_path, CUBE.astype(np.float64)))
    assert found.array.dtype == np.uint8
    assert np.array_equal(found.array, CUBE.T)


@pytest.mark.parametrize(
    ("sizes", "word"),
    [((0, 1, 1), "voxels measure"), ((-1, 1, 1), "voxels measure"), ((np.nan, 1, 1), "voxels measure")],
)
def test_voxel_sizes_have_to_be_finite_and_positive(tmp_path, sizes, word):
    path = patched(saved(tmp_path, CUBE), sform_code=0, qform_code=1, pixdim=(1, *sizes, 0, 0, 0, 0))
    with pytest.raises(ReadError, match=word):
        read_volume(path)


@pytest.mark.parametrize("row", [(0, 0, 0, 0), (np.nan, 0, 0, 0), (0, 1, 0, 0)])
def test_a_singular_affine_is_refused(tmp_path, row):
    path = patched(saved(tmp_path, CUBE), srow_x=row)
    with pytest.raises(ReadError, match=r"scan\.nii does not say where its voxels lie"):
        read_volume(path)


def test_huge_voxels_stay_finite(tmp_path):
    assert read_volume(saved(tmp_path, CUBE, np.diag([1e6, 1e6, 1e6, 1]))).spacing == (1e6, 1e6, 1e6)


def test_sizes_beyond_nifti_1_are_kept(tmp_path):
    from napari_medsynth.core.volume import Volume
    from napari_medsynth.io import write_volume

    long = Volume(np.arange(40000, dtype=np.uint16).reshape(1, 1, 40000))
    write_volume(long, tmp_path / "long.nii.gz")
    assert np.array_equal(read_volume(tmp_path / "long.nii.gz").array, long.array)
    assert nibabel.load(tmp_path / "long.nii.gz").shape == (40000, 1, 1)


def test_a_file_in_several_gzip_members_is_whole(tmp_path):
    data = saved(tmp_path, CUBE).read_bytes()
    (tmp_path / "parts.nii.gz").write_bytes(gzip.compress(data[:360]) + gzip.compress(data[360:]))
    assert np.array_equal(read_volume(tmp_path / "parts.nii.gz").array, CUBE.T)


def test_missing_file_and_unknown_suffix_are_named(tmp_path):
    with pytest.raises(ReadError, match=r"none\.nii\.gz does not exist"):
        read_volume(tmp_path / "none.nii.gz")
    with pytest.raises(ReadError, match=r"suffix '\.jpg'; expected \.nii"):
        read_volume(tmp_path / "scan.jpg")
