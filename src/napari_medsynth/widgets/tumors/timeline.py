"""Undo and redo: :class:`Timeline`."""

from __future__ import annotations

from typing import Generic, TypeVar

State = TypeVar("State")

#: Steps that can be undone; states are small, but not nothing.
MOST_STEPS = 200


class Timeline(Generic[State]):
    """The states that something had, and which of them it has now.

    Parameters
    ----------
    start
        The first state.
    """

    def __init__(self, start: State) -> None:
        self._states = [start]
        self._now = 0

    @property
    def now(self) -> State:
        """The present state."""
        return self._states[self._now]

    @property
    def states(self) -> tuple[State, ...]:
        """All states that undo and redo can reach."""
        return tuple(self._states)

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier state."""
        return self._now > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a state that was undone."""
        return self._now + 1 < len(self._states)

    def push(self, state: State) -> None:
        """Go on to a new state; what was undone is forgotten."""
        self._states = [*self._states[: self._now + 1], state][-MOST_STEPS - 1 :]
        self._now = len(self._states) - 1

    def undo(self) -> State:
        """Go back one state, if there is one, and return the present state."""
        self._now = max(self._now - 1, 0)
        return self.now

    def redo(self) -> State:
        """Go forth one state, if there is one, and return the present state."""
        self._now = min(self._now + 1, len(self._states) - 1)
        return self.now
