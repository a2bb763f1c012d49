"""What flows through everything: :class:`Case`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Self

from .errors import ConfigError, shown
from .labels import LabelMap
from .record import Record
from .volume import Volume

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """One patient, real or made: an image, its ground truth, and how both came to be.

    Parameters
    ----------
    id
        Letters, digits, ``.``, ``_`` and ``-``; at most 64. Safe as a file name.
    image
        The scan; None before it is rendered.
    labels
        Which voxel is which structure.
    instances
        Which voxel belongs to which lesion: 1, 2, 3 … in the order of placing.
    host
        The organ in which lesions may be placed, if it is known already. Working knowledge, not ground truth:
        it saves finding the organ again and is never written with the case.
    history
        The records of the steps that made this case, oldest first.

    Raises
    ------
    ConfigError
        If the id cannot be a file name.
    GridError
        If image, labels, instances and host are not on one grid.
    """

    id: str
    image: Volume | None = None
    labels: LabelMap | None = None
    instances: LabelMap | None = None
    host: LabelMap | None = None
    history: tuple[Record, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise ConfigError(f"case id is {shown(self.id)}; expected 1 to 64 letters, digits, '.', '_' or '-'")
        parts = [(n, getattr(self, n)) for n in ("image", "labels", "instances", "host")]
        present = [(name, part) for name, part in parts if part is not None]
        for name, part in present[1:]:
            present[0][1].require_same_grid(part, present[0][0], name)

    def with_record(self, record: Record, **changes: Any) -> Self:
        """Return the case with ``changes`` made and ``record`` added to its history."""
        return replace(self, history=(*self.history, record), **changes)


def case_id(text: str) -> str:
    """Make a valid case id of any text, e.g. a file name."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("._-")[:64]
    return kept or "case"
