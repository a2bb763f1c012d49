"""Images and label maps as layers, and back: placement, metadata, colours, names."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import GridError, LabelError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.widgets.layers import (
    history_of,
    image_layer_data,
    labels_layer_data,
    labels_of,
    metadata_of,
    spatial_kwargs,
    unique_name,
    volume_of,
    with_history,
)

ORIENTATIONS = ("SPL", "RAS", "LPS", "PSR", "AIR", "IRA")


def image_layer(volume, **kwargs):
    data, arguments, _ = image_layer_data(volume, name="scan", **kwargs)
    return Image(data, **arguments)


def labels_layer(labels, **kwargs):
    data, arguments, _ = labels_layer_data(labels, name="labels", **kwargs)
    return Labels(data, **arguments)


class TestPlacement:
    def test_the_viewers_world_is_head_back_left_in_mm(self, ct):
        assert spatial_kwargs(ct) == {
            "scale": (3, 1.5, 1),
            "translate": (30, 20, -10),
            "units": ("mm",) * 3,
            "axis_labels": ("z", "y", "x"),
        }

    def test_a_2d_image_has_two_axes(self):
        image = Volume(np.zeros((4, 5)), Affine.from_spacing((0.5, 0.25), origin=(1, 2, 3)))
        assert spatial_kwargs(image)["axis_labels"] == ("y", "x")
        assert spatial_kwargs(image)["translate"] == (-2, -1)

    @pytest.mark.parametrize("orientation", ORIENTATIONS)
    def test_a_voxel_is_shown_at_its_place_whatever_the_files_axes(self, ct, orientation):
        turned_about = ct.reoriented(orientation)
        layer = image_layer(turned_about)
        index = np.array((1, 2, 3))
        x, y, z = turned_about.affine.to_world(index)
        shown = layer.world_to_data((z, -y, -x))
        assert layer.data[tuple(np.round(shown).astype(int))] == turned_about.array[tuple(index)]

    def test_other_orientations_are_refused_for_display(self, ct):
        with pytest.raises(GridError, match="array is oriented RAS; expected SPL"):
            spatial_kwargs(ct.reoriented("RAS"))

    def test_an_oblique_volume_is_shown_upright_about_its_true_middle(self, ct, turned):
        oblique = turned(ct, 20)
        layer = image_layer(oblique)
        middle = (np.array(oblique.shape) - 1) / 2
        x, y, z = oblique.affine.to_world(middle)
        np.testing.assert_allclose(layer.data_to_world(middle), (z, -y, -x))
        np.testing.assert_array_equal(layer.rotate, np.eye(3))


class TestImages:
    def test_voxels_are_not_copied(self, ct):
        assert np.shares_memory(image_layer_data(ct, name="scan")[0], ct.array)

    @pytest.mark.parametrize(("modality", "lowest", "window"), [("CT", 0, True), ("", -1000, True), ("", 0, False)])
    def test_ct_is_shown_in_the_lung_window(self, ct, modality, lowest, window):
        volume = Volume(ct.array - ct.array.min() + lowest, ct.affine, modality)
        kwargs = image_layer_data(volume, name="scan")[1]
        assert (kwargs.get("contrast_limits") == (-1350, 150)) is window
        assert kwargs["colormap"] == "gray"

    def test_mr_is_not_shown_as_ct_even_if_it_goes_below_zero(self, ct):
        assert "contrast_limits" not in image_layer_data(replace(ct, modality="MR"), name="scan")[1]

    def test_three_bytes_per_voxel_are_a_colour(self, viewer):
        colour = Volume(np.zeros((3, 4, 5), np.uint8), Affine.from_spacing((1, 1)), channels=True)
        data, kwargs, _ = image_layer_data(colour, name="photo")
        assert viewer.add_image(data, **kwargs).rgb

    def test_other_channels_are_layers_of_their_own(self, viewer):
        several = Volume(np.zeros((2, 3, 4, 5)), channels=True)
        data, kwargs, _ = image_layer_data(several, name="T1 and T2")
        assert [layer.data.shape for layer in viewer.add_image(data, **kwargs)] == [(3, 4, 5), (3, 4, 5)]


class TestLabels:
    def test_the_layer_can_be_painted_and_the_label_map_stays(self, labels):
        layer = labels_layer(labels)
        layer.data_setitem((np.array([0]),) * 3, 7)
        assert layer.data[0, 0, 0] == 7
        assert labels.array[0, 0, 0] == 0

    def test_colours_are_those_of_the_table(self, labels):
        np.testing.assert_allclose(labels_layer(labels).get_color(1), (0.5, 0.2, 0.1, 1), atol=0.01)

    def test_values_without_a_colour_there_get_one_of_their_own(self, labels):
        layer = labels_layer(labels)
        assert not np.allclose(layer.get_color(7), layer.get_color(1))
        assert not np.allclose(layer.get_color(7), layer.get_color(99))

    def test_each_label_has_a_name_and_a_volume(self, labels):
        features = labels_layer(labels).features
        assert features["index"].tolist() == [1, 7]
        assert features["name"].tolist() == ["liver", "lesion"]
        np.testing.assert_allclose(features["volume_mL"], [34 * 4.5e-3, 2 * 4.5e-3], atol=1e-3)

    def test_labels_that_cover_much_let_the_image_through(self, labels):
        body = LabelMap(np.ones(labels.shape, int), labels.affine)
        assert labels_layer(body).opacity < labels_layer(LabelMap(labels.mask(7), labels.affine)).opacity


class TestBack:
    @pytest.mark.parametrize("orientation", ORIENTATIONS)
    def test_image_and_place_come_back(self, ct, orientation):
        back = volume_of(image_layer(ct.reoriented(orientation)))
        np.testing.assert_array_equal(back.array, ct.array)
        np.testing.assert_allclose(back.affine.matrix, ct.affine.matrix, atol=1e-9)
        assert back.modality == "CT"

    def test_the_true_affine_of_an_oblique_volume_comes_back(self, ct, turned):
        oblique = turned(ct, 20)
        np.testing.assert_array_equal(volume_of(image_layer(oblique)).affine.matrix, oblique.affine.matrix)

    @pytest.mark.parametrize("change", [{"scale": (6, 1.5, 1)}, {"translate": (0, 0, 0)}])
    def test_a_layer_that_was_moved_or_scaled_is_taken_at_its_word(self, ct, change, turned):
        layer = image_layer(turned(ct, 20))
        for name, value in change.items():
            setattr(layer, name, value)
        affine = volume_of(layer).affine
        np.testing.assert_allclose(affine.spacing, layer.scale)
        z, y, x = layer.translate
        np.testing.assert_allclose(affine.origin, (-x, -y, z))
        assert not affine.is_oblique

    def test_a_cropped_layer_is_taken_at_its_word(self, ct, turned):
        layer = image_layer(turned(ct, 20))
        layer.data = layer.data[1:]
        assert not volume_of(layer).affine.is_oblique

    def test_a_strangers_layer_is_taken_at_its_word(self):
        layer = Image(np.zeros((3, 4, 5)), scale=(2, 1, 1), translate=(5, 6, 7), affine=np.diag((1, 2, 3, 1)))
        affine = volume_of(layer).affine
        assert affine.spacing == (2, 2, 3)
        assert affine.origin == (-21, -12, 5)

    def test_units_are_converted(self):
        affine = volume_of(Image(np.zeros((3, 4, 5)), scale=(20, 10, 10), units="um")).affine
        np.testing.assert_allclose(affine.spacing, (0.02, 0.01, 0.01))

    def test_what_is_not_a_length_is_refused(self):
        with pytest.raises(GridError, match="measured in second"):
            volume_of(Image(np.zeros((3, 4, 5)), units="second"))

    @pytest.mark.parametrize("how", [{"rotate": 10}, {"shear": [0.1]}])
    def test_rotated_and_sheared_layers_are_refused(self, how):
        with pytest.raises(GridError, match="'bent' is rotated or sheared"):
            volume_of(Image(np.zeros((3, 4)), name="bent", **how))

    def test_an_affine_that_turns_is_refused(self):
        turn = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
        with pytest.raises(GridError, match="rotated or sheared"):
            volume_of(Image(np.zeros((3, 4)), affine=turn))

    def test_of_several_resolutions_the_finest_is_taken(self):
        fine = np.arange(16 * 16 * 16, dtype=np.float32).reshape(16, 16, 16)
        layer = Image([fine, fine[::2, ::2, ::2]], multiscale=True, scale=(2, 2, 2))
        assert volume_of(layer).shape == (16, 16, 16)
        assert volume_of(layer).spacing == (2, 2, 2)

    def test_lazy_arrays_are_loaded(self):
        dask = pytest.importorskip("dask.array")
        volume = volume_of(Image(dask.ones((3, 4, 5), chunks=2)))
        assert isinstance(volume.array, np.ndarray)

    @pytest.mark.parametrize(
        ("layer", "message"),
        [
            (lambda: Image(np.zeros((2, 3, 4, 5))), "has 4 axes"),
            (lambda: Image(np.zeros((4, 5, 3), np.uint8), rgb=True), "is in colour"),
        ],
    )
    def test_more_axes_and_colours_are_refused(self, layer, message):
        with pytest.raises(GridError, match=message):
            volume_of(layer())

    def test_labels_come_back_with_their_table_as_a_copy(self, labels):
        layer = labels_layer(labels)
        back = labels_of(layer)
        layer.data[:] = 3
        np.testing.assert_array_equal(back.array, labels.array)
        assert back.table == labels.table

    def test_labels_of_any_integer_type_come_back_small(self):
        assert labels_of(Labels(np.full((2, 3), 300, dtype=np.int64))).array.dtype == np.uint16

    def test_labels_that_cannot_be_are_refused_by_the_layers_name(self):
        with pytest.raises(LabelError, match="'odd' holds 6 voxels"):
            labels_of(Labels(np.full((2, 3), -1), name="odd"))


class TestMetadata:
    def test_it_is_json_and_namespaced(self, ct, record):
        layer = image_layer(ct.reoriented("RAS"), history=(record,))
        ours = json.loads(json.dumps(metadata_of(layer)))
        assert ours == layer.metadata["napari-medsynth"]
        assert ours["orientation"] == "RAS"
        assert ours["version"] == 1

    def test_history_is_kept_and_replaced(self, ct, record):
        layer = image_layer(ct, history=(record,))
        assert history_of(layer) == (record,)
        layer.metadata["mine"] = 1
        with_history(layer, (record, record))
        assert history_of(layer) == (record, record)
        assert layer.metadata["mine"] == 1
        assert metadata_of(layer)["modality"] == "CT"

    def test_a_strangers_layer_has_none_and_can_get_some(self, record):
        layer = Image(np.zeros((3, 4)))
        assert metadata_of(layer) == {}
        with_history(layer, (record,))
        assert history_of(layer) == (record,)
        assert volume_of(layer).shape == (3, 4)

    def test_damage_and_newer_versions_are_told(self, ct):
        for key, value in {"version": 2, "affine": [[1]]}.items():
            layer = image_layer(ct)
            layer.metadata["napari-medsynth"][key] = value
            with pytest.raises(GridError, match="layer metadata"):
                volume_of(layer)

    def test_what_is_made_of_a_layer_keeps_its_files_orientation(self, ct):
        source = image_layer(ct.reoriented("RAS"))
        assert metadata_of(image_layer(volume_of(source), like=source))["orientation"] == "RAS"
        assert (
            metadata_of(labels_layer(LabelMap(np.zeros(ct.shape, int), ct.affine), like=source))["orientation"] == "RAS"
        )


def test_names_do_not_collide(viewer):
    for expected in ("scan", "scan 2", "scan 3"):
        name = unique_name(viewer.layers, "scan")
        assert name == expected
        viewer.add_image(np.zeros((3, 4)), name=name)


def test_context_is_clear_and_keeps_its_name_and_volume():
    """Skin and fat would hide what lies in them, in 3D too."""
    table = LabelTable(
        (Label(1, "liver", colour=(1.0, 0.0, 0.0)), Label(2, "skin", colour=(0.0, 1.0, 0.0), context=True))
    )
    labels = LabelMap(np.array([[[1, 2]]], np.uint8), table=table)
    _, how, _ = labels_layer_data(labels, name="labels")
    assert [tuple(how["colormap"].color_dict[value]) for value in (1, 2)] == [(1, 0, 0, 1), (0, 0, 0, 0)]
    assert how["features"]["name"] == ["liver", "skin"]
