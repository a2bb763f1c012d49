"""Cases still to be made, handed out in batches: large enough to be worth the way, small enough to stop soon."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from .making import Made, Task
from .sources import Source

#: What a batch should take: Dask needs about two milliseconds for one, and Cancel should not wait long.
SECONDS = 0.1

#: Most bytes that a batch should bring back: a few are under way for each worker.
BYTES = 2 * 1024**2


class Batches:
    """The cases that are left.

    Parameters
    ----------
    recipe
        The recipe as JSON text.
    cases
        Index of each case, and what it begins with.
    """

    def __init__(self, recipe: str, cases: Iterable[tuple[int, Source | None]]) -> None:
        self._recipe = recipe
        self._left = deque(cases)
        self._seconds = SECONDS  # per case; the first batches have one case each, and tell how long it takes
        self._bytes = float(BYTES)

    def __len__(self) -> int:
        return len(self._left)

    @property
    def seconds_left(self) -> float:
        """How long one worker needs for the rest, as far as is known."""
        return self._seconds * len(self._left)

    def next(self, slots: int) -> Task:
        """Take the next batch, when ``slots`` of them are under way at a time; near the end they get smaller."""
        size = min(SECONDS / self._seconds, BYTES / self._bytes, math.ceil(len(self._left) / slots))
        return Task(self._recipe, tuple(self._left.popleft() for _ in range(max(1, int(size)))))

    def learn(self, made: Made) -> None:
        """Learn from a batch how long a case takes and how large it is."""
        count = len(made.parts)
        if count:
            self._seconds = max(made.seconds / count, 1e-6)
            self._bytes = max(sum(len(part.data) for part in made.parts) / count, 1.0)
