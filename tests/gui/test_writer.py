"""The writers: the file's own orientation and affine come back, with history; cases whole."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Layer

from napari_medsynth.core.errors import GridError, WriteError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.io import read_case, read_labels, read_sidecar, read_volume, verify, write_volume
from napari_medsynth.widgets.layers import image_layer_data, labels_layer_data
from napari_medsynth.widgets.reader import read_layers
from napari_medsynth.widgets.writer import write_case, write_image, write_labels


def tuple_of(layer):
    """What napari gives a writer."""
    return layer.as_layer_data_tuple()


def layer_of(data):
    return Layer.create(*data)


class TestImage:
    @pytest.mark.parametrize("orientation", ["SPL", "RAS", "PSR", "AIR"])
    @pytest.mark.parametrize("degrees", [0, 20, 44])
    def test_the_very_file_comes_back(self, tmp_path, ct, turned, orientation, degrees):
        write_volume(turned(ct, degrees).reoriented(orientation), tmp_path / "a.nii.gz")
        (data,) = read_layers(str(tmp_path / "a.nii.gz"))
        assert write_image(str(tmp_path / "b.nii.gz"), *tuple_of(layer_of(data))[:2]) == [str(tmp_path / "b.nii.gz")]
        first, again = read_volume(tmp_path / "a.nii.gz"), read_volume(tmp_path / "b.nii.gz")
        np.testing.assert_array_equal(again.array, first.array)
        np.testing.assert_array_equal(again.affine.matrix, first.affine.matrix)

    def test_a_moved_layer_keeps_the_files_axes_and_takes_its_new_place(self, tmp_path, ct):
        layer = layer_of(image_layer_data(ct.reoriented("RAS"), name="scan"))
        layer.translate = layer.translate + np.array((0, 0, 5))
        write_image(str(tmp_path / "b.nii.gz"), *tuple_of(layer)[:2])
        again = read_volume(tmp_path / "b.nii.gz")
        assert again.affine.orientation == "RAS"
        np.testing.assert_allclose(again.reoriented().affine.origin, (5, -20, 30))

    def test_history_and_modality_are_kept_beside_it(self, tmp_path, ct, record):
        layer = layer_of(image_layer_data(ct, name="scan", history=(record,)))
        write_image(str(tmp_path / "b.nii"), *tuple_of(layer)[:2])
        assert read_sidecar(tmp_path / "b.nii").history == (record,)
        assert read_sidecar(tmp_path / "b.nii").modality == "CT"

    def test_a_name_without_suffix_becomes_nifti(self, tmp_path):
        assert write_image(str(tmp_path / "b"), np.zeros((3, 4, 5)), {}) == [str(tmp_path / "b.nii.gz")]

    def test_a_strangers_layer_is_written_as_it_lies(self, tmp_path):
        layer = Image(np.zeros((3, 4, 5), np.float32), scale=(2, 1, 1))
        write_image(str(tmp_path / "b.nii.gz"), *tuple_of(layer)[:2])
        assert read_volume(tmp_path / "b.nii.gz").spacing == (2, 1, 1)

    @pytest.mark.parametrize(("name", "error"), [("b.tif", WriteError), ("b.nii.gz", GridError)])
    def test_what_cannot_be_written_leaves_nothing(self, tmp_path, name, error):
        shape = (3, 4, 5) if error is WriteError else (2, 3, 4, 5)
        with pytest.raises(error):
            write_image(str(tmp_path / name), np.zeros(shape), {})
        assert not list(tmp_path.iterdir())


def test_labels_come_back_with_axes_table_and_history(tmp_path, labels, record):
    filed = labels.reoriented("RAS")
    layer = layer_of(labels_layer_data(filed, name="seg", history=(record,)))
    write_labels(str(tmp_path / "thing.mha"), *tuple_of(layer)[:2])
    again = read_labels(tmp_path / "thing.mha")
    np.testing.assert_array_equal(again.array, filed.array)
    assert again.table == labels.table
    assert read_sidecar(tmp_path / "thing.mha").history == (record,)


class TestCase:
    def layers(self, ct, labels, record, *roles):
        image = layer_of(image_layer_data(ct, name="scan", history=(record,)))
        masks = {"labels": labels, "instances": LabelMap(labels.array == 7, labels.affine)}
        made = [layer_of(labels_layer_data(masks[role], name=role, role=role, history=(record,))) for role in roles]
        return [tuple_of(layer) for layer in (*made, image)]

    @pytest.mark.parametrize("roles", [("labels", "instances"), ("instances", "labels")])
    def test_a_case_is_whole_whatever_the_order_of_layers(self, tmp_path, ct, labels, record, roles):
        assert write_case(str(tmp_path / "p1"), self.layers(ct, labels, record, *roles)) == [str(tmp_path / "p1")]
        assert verify(tmp_path / "p1") == []
        case = read_case(tmp_path / "p1")
        assert case.id == "p1"
        assert case.labels.values() == (1, 7)
        assert case.instances.values() == (1,)
        assert case.labels.table == labels.table
        assert case.history == (record,)
        np.testing.assert_array_equal(case.image.array, ct.array)

    def test_instances_alone_stay_instances(self, tmp_path, ct, labels, record):
        write_case(str(tmp_path / "p1"), self.layers(ct, labels, record, "instances"))
        assert read_case(tmp_path / "p1").labels is None

    def test_painted_labels_of_a_stranger_are_labels(self, tmp_path, ct):
        painted = tuple_of(Labels(np.ones(ct.shape, int), scale=(3, 1.5, 1), translate=(30, 20, -10)))
        image = tuple_of(layer_of(image_layer_data(ct, name="scan")))
        write_case(str(tmp_path / "p1"), [image, painted])
        assert read_case(tmp_path / "p1").labels.values() == (1,)

    def test_a_case_that_is_opened_and_saved_is_the_same(self, tmp_path, ct, labels, record):
        write_case(str(tmp_path / "p1"), self.layers(ct, labels, record, "labels", "instances"))
        layers = [tuple_of(layer_of(data)) for data in read_layers(str(tmp_path / "p1"))]
        write_case(str(tmp_path / "again" / "p1"), layers)
        for name in ("case.json", "image.nii.gz", "labels.nii.gz", "instances.nii.gz"):
            assert (tmp_path / "again" / "p1" / name).read_bytes() == (tmp_path / "p1" / name).read_bytes()

    def test_other_grids_are_refused(self, tmp_path, ct):
        image = tuple_of(layer_of(image_layer_data(ct, name="scan")))
        with pytest.raises(GridError, match="same grid"):
            write_case(str(tmp_path / "p1"), [image, tuple_of(Labels(np.ones(ct.shape, int)))])
        assert not list(tmp_path.iterdir())

    def test_a_folder_in_use_is_left_alone(self, tmp_path, ct, labels, record):
        (tmp_path / "p1").mkdir()
        (tmp_path / "p1" / "thesis.txt").write_text("irreplaceable")
        with pytest.raises(WriteError):
            write_case(str(tmp_path / "p1"), self.layers(ct, labels, record, "labels"))
        assert [item.name for item in (tmp_path / "p1").iterdir()] == ["thesis.txt"]
