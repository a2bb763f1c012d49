"""A folder with a DICOM series, written here with GDCM."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ReadError
from napari_medsynth.io import read_case, read_labels, read_volume, verify

ARRAY = np.random.default_rng(0).integers(-1000, 1000, (5, 6, 7)).astype(np.int16)
ROOT = "1.2.826.0.1.3680043.2.1125."


def write_series(folder, array=ARRAY, number=1, places=None, directions=None, **tags):
    """Write one slice a file: 0.7 mm pixels, 2.5 mm slices, an axial stack beginning at LPS (10, 20, 30)."""
    folder.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for n, values in enumerate(array):
        image = sitk.GetImageFromArray(values)
        image.SetSpacing((0.7, 0.7))
        place = (10, 20, 30 + 2.5 * n) if places is None else places[n]
        direction = (1, 0, 0, 0, 1, 0) if directions is None else directions[n]
        known = {
            "0008|0060": "CT",
            "0008|0008": "ORIGINAL\\PRIMARY\\AXIAL",
            "0020|000d": f"{ROOT}1",
            "0020|000e": f"{ROOT}1.{number}",
            "0008|0018": f"{ROOT}1.{number}.{n + 1}",
            "0020|0032": "\\".join(map(str, place)),
            "0020|0037": "\\".join(map(str, direction)),
            "0020|0013": str(n + 1),
            "0018|0050": "2.5",
            "0028|1052": "-1024",
            "0028|1053": "1",
            **tags,
        }
        for tag, value in known.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{number}_{(n * 3) % 5}.dcm"))  # file order is not slice order
        writer.Execute(image)
    return folder


def test_a_series_is_a_volume_in_ras(tmp_path, capfd):
    found = read_volume(write_series(tmp_path / "ct"))
    assert np.array_equal(found.array, ARRAY)
    assert found.modality == "CT"
    expected = Affine.from_spacing((2.5, 0.7, 0.7), (-10, -20, 30), "SPL")
    np.testing.assert_allclose(found.affine.matrix, expected.matrix, atol=1e-9)
    assert capfd.readouterr().err == ""


def test_a_series_is_a_case_and_is_whole(tmp_path):
    folder = write_series(tmp_path / "patient 1")
    assert read_case(folder).id == "patient-1"
    assert verify(folder) == []


def test_labels_can_be_a_series(tmp_path):
    folder = write_series(tmp_path / "mask", np.abs(ARRAY), **{"0028|1052": "0"})
    assert np.array_equal(read_labels(folder).array, np.abs(ARRAY))


def test_several_series_have_to_be_chosen_from(tmp_path):
    folder = write_series(tmp_path / "ct")
    write_series(folder, ARRAY + 1, number=2)
    with pytest.raises(ReadError, match=rf"2 DICOM series; choose one of .*{ROOT}1\.1.*{ROOT}1\.2"):
        read_volume(folder)
    names = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    chosen = next(name for name in names if name.startswith(f"{ROOT}1.2"))
    assert np.array_equal(read_volume(folder, series=chosen).array, ARRAY + 1)
    with pytest.raises(ReadError, match=r"has no DICOM series 9\.9"):
        read_volume(folder, series="9.9")


def test_a_missing_slice_is_an_error(tmp_path, capfd):
    """ITK only warns, and puts every slice beyond the gap in the wrong place."""
    folder = write_series(tmp_path / "ct")
    (folder / "1_1.dcm").unlink()
    with pytest.raises(ReadError, match=r"ct has slices 2\.5 to 5 mm apart; expected even steps"):
        read_volume(folder)
    assert capfd.readouterr().err == ""


def test_doubled_slices_are_an_error(tmp_path):
    places = [(10, 20, 30 + 2.5 * n) for n in (0, 1, 2, 2, 3)]
    with pytest.raises(ReadError, match=r"expected even steps|could not be read"):
        read_volume(write_series(tmp_path / "ct", places=places))


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_slice_that_is_cut_short(tmp_path, share):
    folder = write_series(tmp_path / "ct")
    data = (folder / "1_3.dcm").read_bytes()
    (folder / "1_3.dcm").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ReadError, match=r"ct (has slices|could not be read|has a slice)"):
        read_volume(folder)


def test_a_folder_without_a_series(tmp_path):
    with pytest.raises(ReadError, match="holds neither a case nor a DICOM series"):
        read_volume(tmp_path)


def test_the_budget_holds_for_a_series(tmp_path):
    with pytest.raises(ReadError, match=r"at most 100 are allowed"):
        read_volume(write_series(tmp_path / "ct"), max_bytes=100)
