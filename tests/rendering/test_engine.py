"""From a label map to an image of it."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.box import Box
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.rng import stream
from napari_medsynth.core.step import replay
from napari_medsynth.rendering.carrying import carry
from napari_medsynth.rendering.engine import render_tensor, rendered, rendering
from napari_medsynth.rendering.step import Render

SHAPE = (40, 75, 66)
AFFINE = Affine.from_spacing((2.0, 1.0, 1.2), (10, -20, 30))
OFF = {"prob": 0}
PLAIN = {"warp": OFF, "flip": OFF, "bias_field": OFF, "intensity": OFF, "resolution": OFF}


def labels(shape=SHAPE, dtype=np.uint8, scale=1):
    """A head of four labels: shells, and a left and a right part."""
    z, y, x = (np.linspace(-1, 1, n) for n in shape)
    radius = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    array = np.digitize(-radius, [-0.9, -0.75]).astype(dtype)
    array[radius < 0.5] = 3
    array[(radius < 0.5) & np.broadcast_to(x > 0, shape)] = 4
    names = (Label(scale, "skin", context=True), Label(2 * scale, "brain"))
    sides = (Label(3 * scale, "left part", side="left"), Label(4 * scale, "right part", side="right"))
    return LabelMap(array * dtype(scale), AFFINE, LabelTable((*names, *sides)))


def case(**changes):
    return Case(id="head", labels=changes.pop("labels", labels()), **changes)


def same(first, second):
    parts = [(first.image, second.image), (first.labels, second.labels)]
    return all(a.array.tobytes() == b.array.tobytes() and a.array.dtype == b.array.dtype for a, b in parts)


def drawn(step, source, seed=7):
    return step.draw(source, stream(seed, step=step.name))


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


BUSY = Render(
    texture={"share": (0.2, 0.6), "partial_volume": (1, 1)},
    resolution={"prob_iso": 1, "prob_min": 0, "iso": (2.5, 3)},
    also=("brain-t1",),
    tissues=((1, "skin"), (2, "white matter"), (3, "csf"), (4, "csf")),
)


@pytest.mark.parametrize("step", [Render(), BUSY], ids=["synthseg", "all"])
def test_any_number_of_threads_gives_the_same_bits(threads, step):
    # Many small slabs of odd sizes, so that threads and their operations cut them in many ways.
    source = case(labels=labels((67, 131, 127)))
    made = []
    for count in (1, 2, 3, 5):
        threads(count)
        made.append(step(source, seed=7))
        assert torch.get_num_threads() == count
    assert all(same(made[0], other) for other in made[1:])


def test_threads_to_come_keep_their_number_of_processors(threads):
    threads(3)
    Render()(case(), seed=7)
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert found == [3]


def test_two_renderings_at_once_do_not_disturb_each_other(threads):
    threads(2)
    alone, together = Render()(case(), seed=7), {}
    workers = [threading.Thread(target=lambda n=n: together.update({n: Render()(case(), seed=7)})) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(same(alone, made) for made in together.values())
    assert len(together) == 3


def test_a_history_gives_the_same_bits_again():
    made = BUSY(case(), seed=7)
    assert same(made, replay(case(), made.history))


def test_other_seeds_give_other_images():
    assert not same(Render()(case(), seed=7), Render()(case(), seed=8))


def test_an_image_lies_where_its_labels_do():
    made = Render()(case(), seed=7)
    assert made.image.same_grid(made.labels)
    assert made.image.same_grid(labels())
    assert made.image.array.dtype == np.float32
    assert made.image.modality == "MR"
    assert made.host is None


@pytest.mark.parametrize("seed", range(6))
def test_a_normalised_image_lies_between_0_and_1_before_artefacts(seed):
    image = Render()(case(), seed=seed).image.array
    assert image.min() >= -1e-6
    assert 0.2 < image.max() <= 1 + 1e-6


def test_labels_lie_under_what_they_name():
    """Without noise, each label of the result has one intensity, also when left and right are exchanged."""
    step = Render(**{**PLAIN, "warp": {}, "flip": {"prob": 1}})
    source = case()
    params = drawn(step, source)
    channel = params["channels"][0]
    channel["intensities"] = [[value, 10.0 * value + 5, 0.0] for value, _, _ in channel["intensities"]]
    made = rendered(source, step.read_labels(source), params, replace(step, targets=(1, 2, 3, 4)))
    assert np.array_equal(made.image.array, made.labels.array * 10.0 + 5)
    assert set(np.unique(made.labels.array)) == {0, 1, 2, 3, 4}


def test_a_label_whose_partner_is_not_there_keeps_its_intensity_on_the_other_side():
    """A left kidney alone becomes a right one; no intensity was drawn for that, as there is none before the flip."""
    both = labels()
    alone = replace(both, array=np.where(both.array == 4, 0, both.array))
    step = Render(**{**PLAIN, "flip": {"prob": 1}})
    source = case(labels=alone)
    params = drawn(step, source)
    params["flip"]["swap"] = [[3, 4]]
    params["channels"][0]["intensities"] = [[0, 0.0, 0.0], [1, 10.0, 0.0], [2, 20.0, 0.0], [3, 30.0, 0.0]]
    made = rendered(source, step.read_labels(source), params, step)
    assert set(np.unique(made.image.array[made.labels.array == 4])) == {30.0}
    assert not (made.labels.array == 3).any()


def test_context_is_left_out_of_the_labels_unless_asked_for():
    assert Render()(case(), seed=7).labels.values() == (2, 3, 4)
    assert Render(targets=(1, 3))(case(), seed=7).labels.values() == (1, 3)
    assert Render(targets=(1, 3))(case(), seed=7).labels.table[2].name == "brain"


def test_values_beyond_255_stay_what_they_are():
    small, large = case(), case(labels=labels(dtype=np.uint16, scale=1000))
    first, second = (Render()(source, seed=7) for source in (small, large))
    assert np.array_equal(first.labels.array.astype(np.int64) * 1000, second.labels.array)


def test_instances_go_where_the_labels_go():
    source = case(instances=LabelMap((labels().array == 3).astype(np.uint16) * 2, AFFINE))
    made = Render(flip=OFF)(source, seed=7)
    assert np.array_equal(made.instances.array == 2, made.labels.array == 3)


def test_several_channels_show_the_same_anatomy():
    made = BUSY(case(), seed=7)
    assert made.image.channels
    assert made.image.array.shape == (2, *SHAPE)
    assert made.image.shape == made.labels.shape
    alone = replace(BUSY, also=())(case(), seed=7)
    assert made.image.array[0].tobytes() == alone.image.array.tobytes()


def test_a_channel_has_noise_of_its_own():
    source = case(labels=LabelMap(np.ones((20, 40, 40), np.uint8)))
    array = Render(**PLAIN, also=("synthseg",))(source, seed=7).image.array
    assert abs(np.corrcoef(array[0].ravel(), array[1].ravel())[0, 1]) < 0.03


def test_a_flat_map_gives_a_flat_image():
    flat = LabelMap(labels().array[20], AFFINE, labels().table)
    made = Render()(Case(id="flat", labels=flat), seed=7)
    assert made.image.array.shape == made.labels.array.shape == SHAPE[1:]
    assert made.image.same_grid(flat)


def test_one_slice_gives_the_image_of_the_flat_map():
    flat = LabelMap(labels().array[20], AFFINE, labels().table)
    slice_ = LabelMap(labels().array[20:21], Affine.from_spacing((1.2, 1.0, 1.2), (10, -20, 30)), labels().table)
    first, second = (Render(flip=OFF)(Case(id="a", labels=part), seed=7) for part in (flat, slice_))
    assert np.array_equal(first.image.array, second.image.array[0])


def test_a_crop_is_a_part_of_the_whole():
    step = Render(crop=(20, 30, 40), flip=OFF)
    made = step(case(), seed=7)
    params = drawn(step, case())
    start = params["crop"]["start"]
    whole = rendered(case(), labels(), {**params, "crop": None}, step)
    box = Box(tuple(start), tuple(a + n for a, n in zip(start, (20, 30, 40), strict=True)))
    assert np.array_equal(made.labels.array, whole.labels.array[box.slices])
    assert made.labels.affine.is_close(AFFINE.shifted(start), (20, 30, 40))


def test_the_scanners_grid_covers_the_same_field_of_view():
    step = Render(grid="acquisition", resolution={"prob_iso": 1, "prob_min": 0, "iso": (3, 4)})
    made = step(case(), seed=7)
    assert made.image.same_grid(made.labels)
    assert all(2.2 < s < 5 for s in made.image.spacing)
    before, after = (np.array(p.shape3) * p.spacing for p in (labels(), made.image))
    assert after == pytest.approx(before)
    assert set(made.labels.values()) == {2, 3, 4}


def test_on_the_scanners_grid_labels_still_lie_under_what_they_name():
    step = Render(**{**PLAIN, "resolution": {"prob_iso": 1, "prob_min": 0, "iso": (2, 3)}}, grid="acquisition")
    source = case(labels=labels((80, 90, 90)))
    params = drawn(step, source)
    channel = params["channels"][0]
    channel["intensities"] = [[value, 100.0 * (value >= 3), 0.0] for value, _, _ in channel["intensities"]]
    made = rendered(source, step.read_labels(source), params, step)
    inside = made.labels.array >= 3
    assert ((made.image.array > 50) == inside).mean() > 0.99


def test_a_window_is_the_whole_at_that_place():
    step = Render(resolution=OFF, texture={"share": (0.5, 0.5)})
    source = case()
    params = drawn(step, source)
    channel = params["channels"][0]
    channel["intensity"] = {"clip": [0.0, 300.0], "normalise": False, "gamma": 1.0, "invert": False}
    smooth = [[value, mean, 0.02 * mean] for value, mean, _ in channel["intensities"]]
    channel["intensities"] = smooth
    box = Box((10, 20, 15), (18, 60, 50))
    whole = rendered(source, step.read_labels(source), params, step)
    part = rendered(source, step.read_labels(source), params, step, window=box)
    assert np.array_equal(part.labels.array, whole.labels.array[box.slices])
    assert part.image.affine.is_close(whole.image.crop(box).affine, box.shape)
    # Bias field and warp are as they are there; what differs is the white half of 2 % noise.
    ratio = part.image.array / np.maximum(whole.image.array[box.slices], 1e-3)
    assert np.median(ratio) == pytest.approx(1, abs=0.01)
    assert (np.abs(ratio - 1) < 0.15).mean() > 0.99


def test_a_window_without_noise_is_the_whole_at_that_place_to_the_bit():
    step = Render(resolution=OFF, intensity=OFF)
    source = case()
    params = drawn(step, source)
    channel = params["channels"][0]
    channel["intensities"] = [[value, mean, 0.0] for value, mean, _ in channel["intensities"]]
    box = Box((11, 20, 15), (12, 60, 50))
    whole, part = (rendered(source, labels(), params, step, window=window) for window in (None, box))
    assert np.array_equal(part.image.array, whole.image.array[box.slices])


def test_ct_is_in_whole_hounsfield_units():
    source = case(labels=LabelMap(labels().array, AFFINE))
    step = Render(preset="abdomen-ct", scheme="totalsegmentator")
    made = step(source, seed=7)
    assert made.image.modality == "CT"
    assert np.array_equal(made.image.array, np.rint(made.image.array))
    assert made.image.array.max() > 20


def test_tensors_for_training_are_the_cases_own():
    source = case()
    for step in (BUSY, replace(BUSY, grid="acquisition")):
        params = drawn(step, source)
        made = rendered(source, step.read_labels(source), params, step)
        image, found = render_tensor(step.read_labels(source), params, step)
        assert np.array_equal(image.numpy(), made.image.array)
        assert found.dtype == torch.int64
        assert np.array_equal(found.numpy(), made.labels.array)


def test_what_is_carried_along_goes_where_the_labels_go():
    made = Render()(case(), seed=7)
    other = carry(labels(), made.history[-1])
    assert np.array_equal(np.where(other.array == 1, 0, other.array), made.labels.array)


def test_a_job_that_is_stopped_leaves_no_thread_behind(threads):
    threads(2)
    step, source = Render(), case(labels=labels((80, 120, 120)))
    job = rendering(source, step.read_labels(source), drawn(step, source), step)
    notes = [next(job).note for _ in range(3)]
    job.close()
    assert notes[0] == "warp labels"
    assert not [t for t in threading.enumerate() if t.name.startswith("medsynth-render")]


def test_progress_never_goes_back_and_stays_below_its_total():
    step, source = BUSY, case()
    seen = list(rendering(source, step.read_labels(source), drawn(step, source), step))
    done = [p.done for p in seen]
    assert done == sorted(done)
    assert len({p.total for p in seen}) == 1
    assert done[-1] < seen[0].total


def test_an_error_in_a_slab_is_raised_and_not_swallowed():
    source = case()
    params = drawn(Render(), source)
    params["channels"][0]["bias_field"] = {"std": 0.3, "nodes": [2, 2, 2], "seed": -1}
    with pytest.raises(ValueError, match="non-negative"):
        rendered(source, labels(), params, Render())


def test_inputs_stay_as_they_are():
    source = case()
    before = source.labels.array.copy()
    BUSY(source, seed=7)
    assert np.array_equal(source.labels.array, before)
    assert source.image is None


def test_the_labels_of_the_result_may_be_those_of_the_input_but_are_read_only():
    made = Render(**PLAIN)(case(), seed=7)
    with pytest.raises(ValueError, match="read-only"):
        made.labels.array[0] = 1


def test_labels_can_have_other_values_in_the_result():
    step = Render.from_json({**PLAIN, "relabel": [[3, 9], [4, 9]]})
    made = step(case(), seed=7)
    source = labels().array
    assert np.array_equal(made.labels.array, np.select([source == 2, source >= 3], [2, 9], 0))
    assert (made.labels.table[2].name, made.labels.table[9].name) == ("brain", "left part")
    values = render_tensor(step.read_labels(case()), made.history[-1].params, step)[1]
    assert np.array_equal(values, made.labels.array)


@pytest.mark.parametrize("instead", [0, 2])
def test_what_is_omitted_is_what_is_in_its_place_in_image_and_labels(instead):
    step = Render.from_json({**PLAIN, "omit": [[3, instead, 0.5], [4, 0, 0]]})
    seen = set()
    for seed in range(20):
        made = step(case(), seed=seed)
        omitted = made.history[-1].params["omitted"]
        seen.add(bool(omitted))
        there, others = made.image.array[labels().array == 3], made.image.array[labels().array == instead]
        assert (3 in made.labels.values()) == (not omitted)
        if omitted:
            assert omitted == [[3, instead]]
            assert (made.labels.array[labels().array == 3] == instead).all()
            assert there.mean() == pytest.approx(others.mean(), abs=3)
            assert there.std() == pytest.approx(others.std(), rel=0.1)
    assert seen == {False, True}


def test_only_what_is_there_can_be_in_the_place_of_what_is_omitted():
    with pytest.raises(ConfigError, match=r"Render\.omit puts 9 in the place of a label; expected one that is in the"):
        Render(omit=((3, 9, 0.5),))(case(), seed=7)
    with pytest.raises(ConfigError, match=r"Render\.omit has \[3, 0, 2\.0\]; expected two labels"):
        Render(omit=((3, 0, 2.0),))
