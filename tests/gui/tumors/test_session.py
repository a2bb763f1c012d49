"""Whatever was placed, taken out, undone and redone: the voxels are what a replay of the history gives."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.box import Box
from napari_medsynth.core.case import Case
from napari_medsynth.core.step import replay
from napari_medsynth.tumor.blend import CONTEXT, Blend
from napari_medsynth.tumor.insert import Insertion, InsertTumors
from napari_medsynth.tumor.synthetic import SyntheticLesion
from napari_medsynth.widgets.tumors.session import Batch, Placed, Session

from .conftest import MIDDLE

BY_HAND = Batch(step=InsertTumors())


def lesion(scan, number, offset, batch=BY_HAND, diameter_mm=8.0):
    """A solid lesion, ``offset`` voxels from the middle; each differs in texture and noise."""
    made = SyntheticLesion(kind="solid", diameter_mm=diameter_mm, seed=number)
    centre = tuple(float(m + o) for m, o in zip(MIDDLE, offset, strict=True))
    entry = Insertion(centre=centre, synthetic=made, blend=Blend(seed=number), instance=number)
    seed = made.make()
    return Placed(entry=entry, seed=seed, box=entry.lesion(seed, scan).box.clipped(scan.shape), batch=batch)


@pytest.fixture
def session(scan):
    return Session(scan)


@pytest.fixture
def three(scan, session):
    """Three lesions, each overlapping the one before it."""
    found = [lesion(scan, n + 1, (0, 0, 5 * n)) for n in range(3)]
    for placed in found:
        session.add([placed])
    return found


def require_replay(session):
    case = replay(Case(id="scan", image=session.image), session.records())
    np.testing.assert_array_equal(session.voxels, case.image.array)
    if session.placed:
        np.testing.assert_array_equal(session.instances, case.instances.array)
    else:
        assert not session.instances.any()


def test_the_scan_itself_is_never_changed(scan, session, three):
    before = scan.array.copy()
    session.remove(2)
    assert (session.voxels != before).any()
    np.testing.assert_array_equal(scan.array, before)


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_taking_one_of_three_overlapping_lesions_out_leaves_what_the_other_two_alone_would_give(session, three, gone):
    session.remove(gone)
    assert [p.entry.instance for p in session.placed] == [n for n in (1, 2, 3) if n != gone]
    require_replay(session)


def test_undo_and_redo_give_the_same_voxels_again(session, three):
    seen = [session.voxels.copy()]
    session.remove(1)
    seen.append(session.voxels.copy())
    session.undo()
    np.testing.assert_array_equal(session.voxels, seen[0])
    session.redo()
    np.testing.assert_array_equal(session.voxels, seen[1])
    require_replay(session)


def test_undoing_everything_gives_the_scan_back(scan, session, three):
    for _ in three:
        session.undo()
    np.testing.assert_array_equal(session.voxels, scan.array)
    assert not session.can_undo
    require_replay(session)


def test_random_edits_always_equal_their_replay(scan, session):
    rng = np.random.default_rng(3)
    for _ in range(16):
        what = rng.integers(6)
        if what == 0 and session.placed:
            session.remove(session.placed[int(rng.integers(len(session.placed)))].entry.instance)
        elif what == 1:
            session.undo()
        elif what == 2:
            session.redo()
        else:
            session.add([lesion(scan, session.next_instance, rng.integers((-2, -8, -8), (3, 9, 9)))])
    assert session.placed
    require_replay(session)


def test_undo_keeps_boxes_and_not_volumes(scan, session, three):
    for _ in range(5):
        session.undo()
        session.redo()
    boxes = sum(np.prod(p.box.shape) for p in three) * (2 + 2 + 2 + 1)  # old and new voxels, old instances, mask
    assert session.kept_bytes <= boxes
    assert boxes < scan.array.nbytes / 4


def test_a_lesion_beside_the_one_taken_out_is_blended_again_for_it_took_its_noise_from_there(scan, session):
    for number, side in ((1, -12), (2, 12)):
        session.add([lesion(scan, number, (0, 0, side), diameter_mm=14.0)])
    first, second = session.placed
    assert not first.box.overlaps(second.box)
    before = session.voxels[second.box.slices].copy()
    session.remove(1)
    assert (session.voxels[second.box.slices] != before).any()
    require_replay(session)


def test_a_lesion_far_from_the_one_taken_out_is_not_blended_again(scan, session, monkeypatch):
    session.add([lesion(scan, 1, (0, 0, -20))])
    session.add([lesion(scan, 2, (0, 0, 20))])
    monkeypatch.setattr(Insertion, "patch", lambda *_: pytest.fail("was blended again"))
    session.remove(1)
    assert session.placed[0].entry.instance == 2


def test_voxels_that_a_lesion_reads_lie_in_the_context_that_decides_whether_it_is_blended_again(scan):
    far = np.array(scan.array)
    placed = lesion(scan, 1, (0, 0, 0))
    around = placed.box.grown(CONTEXT).clipped(scan.shape)
    outside = np.ones(scan.shape, dtype=bool)
    outside[around.slices] = False
    far[outside] = 3000
    shaped = placed.entry.lesion(placed.seed, scan)
    here = placed.entry.patch(shaped, scan.array, scan.spacing)
    there = placed.entry.patch(shaped, far, scan.spacing)
    np.testing.assert_array_equal(here.values, there.values)


def test_lesions_placed_together_share_one_record(scan, session):
    drawn = Batch(step=InsertTumors(count=(1, 1)), rng={"seed": 7, "case": 0, "occurrence": 0})
    session.add([lesion(scan, 1, (0, 0, -20))])
    session.add([lesion(scan, 2, (0, -10, 0))])
    session.add([lesion(scan, 3, (0, 0, 20), drawn)])
    first, second = session.records()
    assert [len(r.params["lesions"]) for r in (first, second)] == [2, 1]
    assert (first.rng, second.rng["seed"]) == ({}, 7)


def test_numbers_go_on_after_the_highest(scan, session, three):
    session.remove(1)
    assert session.next_instance == 4
    session.remove(3)
    assert session.next_instance == 3


def test_box_of_a_lesion_at_the_edge_is_cut_off_there(scan, session):
    placed = lesion(scan, 1, (-12, 0, 0))
    session.add([placed])
    assert placed.box == placed.box.clipped(scan.shape) == Box(placed.box.start, placed.box.stop)
    require_replay(session)
