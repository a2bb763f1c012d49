"""A step takes a :class:`Case` and gives a :class:`Case`; drawing is split from applying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, ClassVar

import numpy as np

from .case import Case
from .errors import ConfigError, RecordError, shown
from .progress import Job, Progress
from .record import Record, plain
from .rng import stream
from .settings import Settings, nearest

GROUP = "napari_medsynth.steps"


@dataclass(frozen=True, kw_only=True)
class Step(Settings):
    """Base of every step: settings plus two functions.

    :meth:`draw` takes every random decision and returns it as JSON; :meth:`apply` does what was decided and is
    deterministic. A step is found by its name through the entry-point group ``napari_medsynth.steps``.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        """Take every random decision for this case; plain JSON values."""
        raise NotImplementedError

    def apply(self, case: Case, params: Mapping[str, Any]) -> Case:
        """Return the case changed as ``params`` say; the same bytes for the same params."""
        raise NotImplementedError

    def __call__(self, case: Case, *, seed: int, index: int = 0, occurrence: int = 0) -> Case:
        """Draw and apply; ``index`` is the case's in its dataset, ``occurrence`` counts earlier steps of this name."""
        record = self._draw_record(case, seed, index, occurrence)
        return self.apply(case, record.params).with_record(record)

    def run(self, case: Case, *, seed: int, index: int = 0, occurrence: int = 0) -> Job[Case]:
        """Do the same as a job that reports how far it is; its result is the case."""
        record = self._draw_record(case, seed, index, occurrence)
        made = yield from self.applying(case, record.params)
        return made.with_record(record)

    def applying(self, case: Case, params: Mapping[str, Any]) -> Job[Case]:
        """Do what :meth:`apply` does, as a job; a step whose work is long reports its parts."""
        yield Progress(0, 1, self.name)
        return self.apply(case, params)

    def applied(self, case: Case, params: Mapping[str, Any], rng: Mapping[str, int] | None = None) -> Case:
        """Apply ``params`` that someone chose, by hand or earlier, and record it."""
        record = self._record_of(params, rng or {})
        return self.apply(case, record.params).with_record(record)

    def _draw_record(self, case: Case, seed: int, index: int, occurrence: int) -> Record:
        params = self.draw(case, stream(seed, index, self.name, occurrence))
        return self._record_of(params, {"seed": int(seed), "case": int(index), "occurrence": int(occurrence)})

    def _record_of(self, params: Mapping[str, Any], rng: Mapping[str, int]) -> Record:
        kept = plain(dict(params))  # what a replay will get, so that both see the same values
        return Record(self.name, self.version, plain(self.to_json()), kept, plain(dict(rng)))


@cache
def step_class(name: str) -> type[Step]:
    """Return the step of this name, ours or another package's.

    Raises
    ------
    ConfigError
        If there is none; the nearest name is given.
    """
    found = {e.name: e for e in entry_points(group=GROUP)}
    key = name.replace("-", "_")
    if key not in found:
        raise ConfigError(f"there is no step {shown(name)}; {nearest(key, found)}")
    loaded: type[Step] = found[key].load()
    return loaded


def step_names() -> tuple[str, ...]:
    """Return the names of all installed steps, in alphabetical order."""
    return tuple(sorted(e.name for e in entry_points(group=GROUP)))


def replay(case: Case, history: tuple[Record, ...]) -> Case:
    """Apply the steps of a history again, with the params it holds.

    Raises
    ------
    RecordError
        If a step has changed its meaning since.
    """
    for record in history:
        cls = step_class(record.step)
        if record.version != cls.version:
            found = f"history has step {record.step!r} of version {record.version}"
            raise RecordError(f"{found}; this installation has version {cls.version}")
        case = cls.from_json(record.config, record.step).applied(case, record.params, record.rng)
    return case
