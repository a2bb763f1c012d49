"""Cases, random streams and progress."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case, case_id
from napari_medsynth.core.errors import ConfigError, GridError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import Progress, finish, told_as
from napari_medsynth.core.record import Record
from napari_medsynth.core.rng import MAX_SEED, child_seed, stream
from napari_medsynth.core.volume import Volume


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ((0,), [455846, 602761, 928109]),
        ((7, 0, "insert_tumors"), [202534, 565344, 754336]),
        ((7, 1, "insert_tumors"), [959443, 619279, 416509]),
        ((7, 0, "insert_tumors", 1), [254339, 806731, 366800]),
        ((9007199254740991, 2147483648, "phantom", 3), [83845, 584352, 36650]),
    ],
)
def test_streams_never_change_silently(key, first):
    assert stream(*key).integers(0, 1_000_000, 3).tolist() == first


def test_streams_do_not_depend_on_the_order_in_which_they_are_made():
    keys = [(s, c, n, o) for s in (0, 1) for c in (0, 1) for n in ("a", "b") for o in (0, 1)]
    forward = {k: stream(*k).integers(2**60) for k in keys}
    backward = {k: stream(*k).integers(2**60) for k in reversed(keys)}
    assert forward == backward
    assert len(set(forward.values())) == len(keys)


def test_global_generators_are_neither_used_nor_touched():
    before = np.random.get_state()[1].copy()
    stream(3).normal(size=10)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 1.0, True, "7", None])
def test_a_seed_that_json_cannot_keep_is_refused(seed):
    with pytest.raises(ConfigError, match="expected a whole number from 0 to"):
        stream(seed)


def test_numpy_integers_are_seeds_too():
    assert stream(np.int64(5)).integers(2**60) == stream(5).integers(2**60)


@pytest.mark.parametrize("key", [(1, -1), (1, 0, "a", -1)])
def test_a_stream_of_a_negative_case_is_refused(key):
    with pytest.raises(ConfigError, match="expected numbers from 0"):
        stream(*key)


def test_child_seeds_are_seeds():
    rng = stream(1)
    seeds = [child_seed(rng) for _ in range(100)]
    assert len(set(seeds)) == 100
    assert all(0 <= s <= MAX_SEED and isinstance(s, int) for s in seeds)


def job(log, steps=3):
    try:
        for n in range(steps):
            yield Progress(n, steps, f"part {n}")
        return "result"
    finally:
        log.append("closed")


def test_finish_reports_each_step_and_gives_the_result():
    log, reports = [], []
    assert finish(job(log), reports.append) == "result"
    assert reports == [Progress(0, 3, "part 0"), Progress(1, 3, "part 1"), Progress(2, 3, "part 2")]
    assert log == ["closed"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_a_job_that_is_interrupted_is_closed(stop):
    log = []

    def report(progress):
        if progress.done == 1:
            raise stop

    running = job(log)
    with pytest.raises(stop):
        finish(running, report)
    assert log == ["closed"]


def test_a_job_inside_another_one_is_told_in_its_words_and_closed_with_it():
    log = []
    outer = told_as(job(log), lambda step: step.done + 10)
    assert [next(outer), next(outer)] == [10, 11]
    outer.close()
    assert log == ["closed"]
    assert finish(told_as(job(log), lambda step: step.note)) == "result"


def test_an_error_in_a_job_comes_out():
    def failing():
        yield Progress(0, 1)
        raise GridError("no")

    with pytest.raises(GridError, match="no"):
        finish(failing())


@pytest.mark.parametrize("name", ["a", "lung_001", "A.b-c", "0" * 64])
def test_an_id_is_a_safe_file_name(name):
    assert Case(id=name).id == name


@pytest.mark.parametrize("name", ["", ".", "../x", "/etc/x", "a b", "a\x00", "a\n", "-a", "0" * 65, "ä", 7, None])
def test_an_id_that_is_no_file_name_is_refused(name):
    with pytest.raises(ConfigError, match="case id is"):
        Case(id=name)


@pytest.mark.parametrize("text", ["../../etc/passwd", "a b c.nii.gz", "", "...", "-x", "ä", "x" * 200, "a\n"])
def test_an_id_can_be_made_of_any_text(text):
    Case(id=case_id(text))


@pytest.mark.parametrize("part", ["labels", "instances", "host"])
def test_all_parts_of_a_case_share_one_grid(part):
    image = Volume(np.zeros((3, 4, 5)))
    Case(id="a", image=image, **{part: LabelMap(np.zeros((3, 4, 5), int))})
    for other in (
        LabelMap(np.zeros((3, 4, 6), int)),
        LabelMap(np.zeros((3, 4, 5), int), Affine.from_spacing(origin=(0, 0, 0.5))),
        LabelMap(np.zeros((3, 4, 5), int), Affine.from_spacing((1, 1, 2))),
        LabelMap(np.zeros((3, 4, 5), int), Affine.from_spacing(orientation="SAL")),
    ):
        with pytest.raises(GridError, match=f"image is .* and {part}"):
            Case(id="a", image=image, **{part: other})


def test_labels_and_instances_without_an_image_share_one_grid_too():
    with pytest.raises(GridError, match="labels is 2×2 voxels and instances is 2×3"):
        Case(id="a", labels=LabelMap(np.zeros((2, 2), int)), instances=LabelMap(np.zeros((2, 3), int)))


def test_a_record_is_added_at_the_end():
    first, second = (Record(name, 1, {}, {}, {}) for name in "ab")
    case = Case(id="a").with_record(first).with_record(second, id="b")
    assert (case.id, case.history) == ("b", (first, second))
