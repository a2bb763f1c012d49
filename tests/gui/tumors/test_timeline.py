from __future__ import annotations

from napari_medsynth.widgets.tumors.timeline import MOST_STEPS, Timeline


def test_undo_and_redo_walk_through_the_states_and_stop_at_the_ends():
    line = Timeline(0)
    line.push(1)
    line.push(2)
    assert [line.undo(), line.undo(), line.undo()] == [1, 0, 0]
    assert not line.can_undo
    assert [line.redo(), line.redo(), line.redo()] == [1, 2, 2]
    assert not line.can_redo


def test_a_new_state_forgets_what_was_undone():
    line = Timeline("a")
    line.push("b")
    line.undo()
    line.push("c")
    assert not line.can_redo
    assert line.states == ("a", "c")


def test_the_oldest_states_are_forgotten_in_the_end():
    line = Timeline(0)
    for n in range(1, 2 * MOST_STEPS):
        line.push(n)
    assert len(line.states) == MOST_STEPS + 1
    assert line.now == 2 * MOST_STEPS - 1
