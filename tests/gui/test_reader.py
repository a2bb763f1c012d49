"""The reader: every format, any axes, labels or image, cases; and one line for what cannot be read."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ReadError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import write_case, write_labels, write_volume
from napari_medsynth.widgets.layers import history_of, volume_of
from napari_medsynth.widgets.reader import get_reader


def opened(path):
    read = get_reader(str(path))
    assert read is not None
    return [Layer.create(*data) for data in read(str(path))]


def dicom_series(folder, array, uid, z0=0.0):
    """Write a small CT series, one file a slice."""
    import SimpleITK as sitk

    folder.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for n, plane in enumerate(array):
        image = sitk.GetImageFromArray(plane[None])
        image.SetSpacing((1.0, 1.5, 3.0))
        tags = {
            "0008|0060": "CT",
            "0020|000d": "1.2.3",
            "0020|000e": uid,
            "0008|0018": f"{uid}.{n + 1}",
            "0020|0013": str(n + 1),
            "0020|0032": f"0\\0\\{z0 + 3 * n}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
        }
        for tag, value in tags.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{uid}-{n}.dcm"))
        writer.Execute(image)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".mha", ".nrrd", ".NII.GZ"])
def test_an_image_opens_with_its_place_modality_and_history(tmp_path, ct, record, suffix):
    path = tmp_path / f"scan{suffix}"
    write_volume(ct, path, history=(record,))
    (layer,) = opened(path)
    assert (layer.name, type(layer).__name__) == ("scan", "Image")
    assert volume_of(layer).same_grid(ct)
    assert volume_of(layer).modality == "CT"
    assert history_of(layer) == (record,)


@pytest.mark.parametrize("orientation", ["RAS", "PSR", "AIR"])
def test_permuted_and_flipped_axes_open_upright(tmp_path, ct, orientation):
    write_volume(ct.reoriented(orientation), tmp_path / "scan.nii.gz")
    (layer,) = opened(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(layer.data, ct.array)
    np.testing.assert_array_equal(layer.affine.affine_matrix, np.eye(4))


def test_a_2d_file_opens_as_a_plane(tmp_path):
    write_volume(Volume(np.zeros((4, 5), np.int16), Affine.from_spacing((2, 3))), tmp_path / "plane.nii.gz")
    (layer,) = opened(tmp_path / "plane.nii.gz")
    assert layer.data.shape == (4, 5)
    np.testing.assert_allclose(layer.scale, (2, 3))


class TestLabelsOrImage:
    def test_a_sidecar_that_names_labels_says_labels(self, tmp_path, labels):
        write_labels(labels, tmp_path / "thing.nii.gz")
        (layer,) = opened(tmp_path / "thing.nii.gz")
        assert type(layer).__name__ == "Labels"
        assert layer.features["name"].tolist() == ["liver", "lesion"]

    @pytest.mark.parametrize("name", ["case_label", "Segmentation", "tumor-mask", "contours"])
    @pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float64])
    def test_a_name_may_say_labels(self, tmp_path, labels, name, dtype):
        write_volume(Volume(labels.array.astype(dtype), labels.affine), tmp_path / f"{name}.nii.gz")
        assert type(opened(tmp_path / f"{name}.nii.gz")[0]).__name__ == "Labels"

    @pytest.mark.parametrize("values", [[-1000, 0], [0.25, 1], range(1000)])
    def test_but_not_if_the_voxels_are_no_labels(self, tmp_path, values):
        array = np.resize(np.array(values, dtype=np.float32), (5, 20, 20))
        write_volume(Volume(array), tmp_path / "mask.nii.gz")
        assert type(opened(tmp_path / "mask.nii.gz")[0]).__name__ == "Image"

    def test_nor_if_the_sidecar_says_image(self, tmp_path, labels):
        write_volume(Volume(labels.array, labels.affine, "MR"), tmp_path / "segment.nii.gz")
        assert type(opened(tmp_path / "segment.nii.gz")[0]).__name__ == "Image"

    def test_without_such_a_name_whole_numbers_are_an_image(self, tmp_path, labels):
        write_volume(Volume(labels.array, labels.affine), tmp_path / "scan.nii.gz")
        assert type(opened(tmp_path / "scan.nii.gz")[0]).__name__ == "Image"


class TestFolders:
    def test_a_case_opens_with_all_its_layers(self, tmp_path, ct, labels, record):
        instances = LabelMap(labels.array == 7, labels.affine)
        write_case(Case(id="p1", image=ct, labels=labels, instances=instances, history=(record,)), tmp_path / "case")
        layers = opened(tmp_path / "case")
        assert [layer.name for layer in layers] == ["p1", "p1 labels", "p1 instances"]
        assert all(history_of(layer) == (record,) for layer in layers)

    def test_an_altered_case_is_refused(self, tmp_path, ct):
        write_case(Case(id="p1", image=ct), tmp_path / "case")
        with (tmp_path / "case" / "image.nii.gz").open("ab") as file:
            file.write(b"x")
        with pytest.raises(ReadError, match="not as it was written"):
            opened(tmp_path / "case")

    def test_a_dicom_series_opens(self, tmp_path, ct):
        dicom_series(tmp_path / "ct", ct.array, "1.2.3.4")
        (layer,) = opened(tmp_path / "ct")
        np.testing.assert_array_equal(layer.data, ct.array)
        assert volume_of(layer).modality == "CT"
        np.testing.assert_allclose(layer.scale, (3, 1.5, 1))

    def test_several_series_open_as_a_layer_each(self, tmp_path, ct):
        dicom_series(tmp_path / "ct", ct.array, "1.2.3.4")
        dicom_series(tmp_path / "ct", ct.array[:3], "1.2.3.5")
        assert sorted(layer.data.shape[0] for layer in opened(tmp_path / "ct")) == [3, 6]

    def test_a_series_with_a_gap_is_passed_over_and_named(self, tmp_path, ct):
        from napari.utils.notifications import notification_manager

        dicom_series(tmp_path / "ct", ct.array, "1.2.3.4")
        dicom_series(tmp_path / "ct", ct.array[:4], "1.2.3.5")
        (tmp_path / "ct" / "1.2.3.5-1.dcm").unlink()
        assert [layer.data.shape[0] for layer in opened(tmp_path / "ct")] == [6]
        assert "passed over" in notification_manager.records[-1].message

    def test_a_folder_of_something_else_is_left_to_others(self, tmp_path):
        (tmp_path / "notes.txt").write_text("nothing of ours")
        assert get_reader(str(tmp_path)) is None


class TestRefused:
    @pytest.mark.parametrize("path", ["scan.png", "scan.tif", "scan"])
    def test_other_formats_are_left_to_others(self, path):
        assert get_reader(path) is None

    def test_stacks_are_left_to_others(self):
        assert get_reader(["a.nii", "b.nii"]) is None
        assert get_reader(["a.nii"]) is not None

    @pytest.mark.parametrize("content", [b"", b"this is no NIfTI"])
    def test_damage_is_one_line_that_names_the_file(self, tmp_path, content):
        path = tmp_path / "scan.nii"
        path.write_bytes(content)
        with pytest.raises(ReadError, match=r"scan\.nii") as error:
            opened(path)
        assert "\n" not in str(error.value)

    def test_a_missing_file_is_one_line(self, tmp_path):
        with pytest.raises(ReadError, match=r"gone\.nii\.gz"):
            opened(tmp_path / "gone.nii.gz")


@pytest.mark.data
def test_real_scans_open_with_their_labels(data_dir):
    folder = data_dir / "totalseg_ct"
    layers = [layer for path in sorted(folder.glob("example_*")) for layer in opened(path)]
    kinds = {layer.name: type(layer).__name__ for layer in layers}
    assert kinds["example_ct_sm"] == "Image"
    assert kinds["example_seg"] == "Labels"


@pytest.mark.gui
@pytest.mark.parametrize("orientation", ["RAS", "PSR", "AIR"])
def test_permuted_files_can_be_sliced_and_turned_in_a_window(make_napari_viewer, tmp_path, ct, turned, orientation):
    """napari's own affine crashes here with a singular matrix."""
    write_volume(turned(ct, 20).reoriented(orientation), tmp_path / "scan.nii.gz")
    viewer = make_napari_viewer()
    for data, kwargs, _ in get_reader(str(tmp_path / "scan.nii.gz"))(str(tmp_path / "scan.nii.gz")):
        viewer.add_image(data, **kwargs)
    for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        viewer.dims.order = order
        viewer.dims.set_current_step(order[0], 2)
    viewer.dims.ndisplay = 3
    assert viewer.screenshot(flash=False).any()
