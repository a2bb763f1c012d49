"""Other images and label maps taken through the same warp."""

from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import GridError, RecordError
from napari_medsynth.core.labels import LabelMap, LabelTable
from napari_medsynth.core.record import Record
from napari_medsynth.core.step import replay
from napari_medsynth.core.volume import Volume
from napari_medsynth.rendering.carrying import carry
from napari_medsynth.rendering.flip import Flip
from napari_medsynth.rendering.grid import grid_params
from napari_medsynth.rendering.lattice import Lattice
from napari_medsynth.rendering.resolution import Resolution
from napari_medsynth.rendering.step import Render
from napari_medsynth.rendering.warp import Warp

TABLE = LabelTable.from_names({1: "left lung", 2: "right lung", 3: "heart"})
PLACE = Affine.from_spacing((2.0, 1.0, 1.5), origin=(10, -20, 30))


def label_map(shape=(20, 30, 24)):
    blocks = np.random.default_rng(0).integers(0, 4, [-(-n // 4) for n in shape]).astype(np.uint8)
    for axis, size in enumerate(shape):
        blocks = blocks.repeat(4, axis=axis).take(range(size), axis=axis)
    return LabelMap(blocks, PLACE, TABLE)


def params_of(labels, *, warp=True, flip=False, crop=None, voxel=None):
    lattice = Lattice.of(labels)
    sigma = [0.5 * s for s in lattice.spacing]
    return {
        "seed": 1,
        "drawn_on": grid_params(labels),
        "crop": crop,
        "warp": Warp(translation=2).decide(lattice, 4) if warp else None,
        "flip": Flip(prob=1).decide_for(labels, 4) if flip else None,
        "channels": [{"resolution": voxel and {"voxel": voxel, "thickness": voxel, "sigma": sigma}}],
    }


def test_the_rendered_labels_are_those_that_are_carried():
    labels = label_map()
    step = Render(flip=Flip(prob=1), crop=(16, 20, 20))
    made = step(Case(id="x", labels=labels), seed=3)
    found = carry(labels, made.history[-1])
    assert np.array_equal(found.array, made.labels.array)
    assert found.same_grid(made.labels)
    assert found.table == labels.table
    again = replay(Case(id="x", labels=labels), made.history)
    assert np.array_equal(carry(labels, again.history[-1].params).array, made.labels.array)


def test_on_the_grid_of_the_acquisition_parts_lie_on_the_rendered_image():
    labels = label_map()
    step = Render(grid="acquisition", resolution=Resolution(prob_iso=1, prob_min=0, iso=(3, 3.5)))
    made = step(Case(id="x", labels=labels), seed=3)
    assert made.labels.shape != labels.shape
    assert np.array_equal(carry(labels, made.history[-1]).array, made.labels.array)
    image = carry(Volume(labels.array.astype(np.float64), PLACE), made.history[-1])
    assert image.same_grid(made.labels)
    params = made.history[-1].params
    assert np.array_equal(carry(labels, params, grid="acquisition").array, made.labels.array)
    assert carry(labels, params).shape == labels.shape


def test_an_image_goes_where_the_labels_go():
    labels = label_map()
    params = params_of(labels, flip=True)
    heart = carry(LabelMap((labels.array == 3).astype(np.uint8), PLACE), params)
    image = carry(Volume((labels.array == 3).astype(np.int16), PLACE, "MR"), params)
    assert image.modality == "MR"
    assert image.array.dtype == np.float32
    assert ((image.array > 0.5) == (heart.array == 1)).mean() > 0.99
    assert len(np.unique(image.array)) > 100  # linear: values in between


def test_channels_are_carried_one_by_one():
    labels = label_map()
    array = np.random.default_rng(1).random((2, *labels.shape)).astype(np.float32)
    params = params_of(labels, flip=True, voxel=[4.0, 1.0, 1.5])
    for grid in ("labels", "acquisition"):
        both = carry(Volume(array, PLACE, channels=True), params, grid=grid)
        assert both.channels
        for n in (0, 1):
            assert np.array_equal(both.array[n], carry(Volume(array[n], PLACE), params, grid=grid).array)


def test_a_mirrored_map_has_the_partners_of_its_own_table_exchanged():
    labels = label_map()
    params = params_of(labels, warp=False, flip=True)
    found = carry(labels, params).array
    expected = np.array([0, 2, 1, 3])[np.flip(labels.array, 2)]
    assert np.array_equal(found, expected)
    other = LabelMap(labels.array, PLACE, LabelTable.from_names({1: "left rib", 3: "right rib"}))
    assert np.array_equal(carry(other, params).array, np.array([0, 3, 2, 1])[np.flip(labels.array, 2)])
    one_value = LabelMap(labels.array, PLACE, LabelTable.from_names({1: "left rib", 9: "right rib"}))
    assert np.array_equal(carry(one_value, params).array, np.flip(labels.array, 2))  # it has no 9, and gets none
    instances = LabelMap(labels.array, PLACE)
    assert np.array_equal(carry(instances, params).array, np.flip(labels.array, 2))


def test_without_warp_flip_and_crop_nothing_changes():
    labels = label_map()
    image = Volume(np.random.default_rng(1).random(labels.shape).astype(np.float32), PLACE)
    params = params_of(labels, warp=False)
    assert np.array_equal(carry(labels, params).array, labels.array)
    assert np.array_equal(carry(image, params).array, image.array)


def test_a_crop_lies_where_its_voxels_were():
    labels = label_map()
    crop = {"start": [2, 5, 3], "shape": [10, 11, 12]}
    found = carry(labels, params_of(labels, warp=False, crop=crop))
    assert np.array_equal(found.array, labels.array[2:12, 5:16, 3:15])
    assert np.allclose(found.affine.origin, PLACE.to_world((2, 5, 3)))


def test_2d_parts_stay_2d():
    labels = LabelMap(label_map().array[3], table=TABLE)
    params = params_of(labels, flip=True, crop={"start": [0, 2, 3], "shape": [1, 20, 15]})
    assert carry(labels, params).shape == (20, 15)
    colour = Volume(np.ones((3, *labels.shape), np.uint8), channels=True)
    assert carry(colour, params).array.shape == (3, 20, 15)


@pytest.mark.parametrize(
    "other", [Affine.from_spacing((2.0, 1.0, 1.0)), Affine.from_spacing((2.0, 1.0, 1.5), orientation="SAR")]
)
def test_a_part_on_another_grid_is_refused_and_both_are_named(other):
    labels = label_map()
    with pytest.raises(GridError) as error:
        carry(LabelMap(labels.array, other), params_of(labels))
    assert repr(other) in str(error.value)
    assert repr(PLACE) in str(error.value)
    with pytest.raises(GridError, match=r"10×30×24.*20×30×24"):
        carry(LabelMap(labels.array[:10], PLACE), params_of(labels))


def test_a_record_of_another_step_is_refused():
    labels = label_map()
    record = Record("render", 1, {"grid": "labels"}, params_of(labels), {})
    assert carry(labels, record).shape == labels.shape
    with pytest.raises(RecordError, match="step 'phantom'; expected 'render'"):
        carry(labels, replace(record, step="phantom"))


def test_params_without_a_grid_are_refused():
    labels = label_map()
    with pytest.raises(RecordError, match="expected the shape and affine"):
        carry(labels, {**params_of(labels), "drawn_on": None})
