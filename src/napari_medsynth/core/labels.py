"""Which voxel is what: :class:`LabelMap`, and what each value means: :class:`LabelTable`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from .errors import LabelError, shown
from .grid import Gridded
from .record import plain

MAX_LABEL = 65535
Side = Literal["", "left", "right"]

#: Voxels that are looked at together: they fit into the processor's cache.
_CHUNK = 1 << 18

_LESION_WORDS = ("tumor", "tumour", "lesion", "nodule", "gtv")


@dataclass(frozen=True)
class Label:
    """What one value of a label map stands for.

    Parameters
    ----------
    value
        1 … 65535; 0 is background and has no entry.
    name
        Name of the structure, e.g. ``"right lung"``.
    tissue
        What it is made of, for steps that need to know, e.g. ``"lung"`` or ``"lesion"``; empty if not known.
    side
        ``"left"`` or ``"right"`` of the patient; empty for what has no side.
    colour
        Display colour as ``(r, g, b)``, 0 … 1; None lets the viewer choose.
    context
        Whether it only surrounds what the case is about, as skin and fat do: it is shown clear and has no mask.
    """

    value: int
    name: str
    tissue: str = ""
    side: Side = ""
    colour: tuple[float, float, float] | None = None
    context: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 1 <= self.value <= MAX_LABEL:
            raise LabelError(f"label {self.name!r} has value {self.value!r}; expected a whole number 1 … {MAX_LABEL}")
        if not isinstance(self.name, str) or not isinstance(self.tissue, str):
            raise LabelError(f"label {self.value} has name {self.name!r}, tissue {self.tissue!r}; expected text")
        if self.side not in ("", "left", "right"):
            raise LabelError(f"label {self.name!r} has side {self.side!r}; expected 'left', 'right' or ''")
        if self.colour is not None and not _is_colour(self.colour):
            raise LabelError(f"label {self.name!r} has colour {self.colour!r}; expected three numbers from 0 to 1")
        if not isinstance(self.context, bool):
            raise LabelError(f"label {self.name!r} has context {self.context!r}; expected true or false")

    @property
    def is_lesion(self) -> bool:
        """Whether it is a lesion: its tissue says so, or its name has a word for one in it."""
        return self.tissue.lower() == "lesion" or any(word in self.name.lower() for word in _LESION_WORDS)


@dataclass(frozen=True)
class LabelTable:
    """The meaning of each value of a label map; ordered by value, no value twice."""

    entries: tuple[Label, ...] = ()

    def __post_init__(self) -> None:
        entries = tuple(sorted(self.entries, key=lambda e: e.value))
        values = [e.value for e in entries]
        twice = next((a for a, b in pairwise(values) if a == b), None)
        if twice is not None:
            raise LabelError(f"label table names value {twice} more than once; expected each value once")
        object.__setattr__(self, "entries", entries)

    @classmethod
    def from_names(cls, names: Mapping[int, str]) -> Self:
        """Make a table of ``{value: name}``."""
        return cls(tuple(Label(int(value), name) for value, name in names.items()))

    def __iter__(self) -> Iterator[Label]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, value: int) -> Label:
        """Return the entry of ``value``; one that is not listed is called ``"label <value>"``."""
        return next((e for e in self.entries if e.value == value), Label(int(value), f"label {value}"))

    def values_of(self, *, tissue: str | None = None, name: str | None = None) -> tuple[int, ...]:
        """Return the values whose entry has this tissue or this name, letter case ignored."""
        chosen = (e for e in self.entries if tissue is None or e.tissue.lower() == tissue.lower())
        return tuple(e.value for e in chosen if name is None or e.name.lower() == name.lower())

    def lesions(self) -> tuple[int, ...]:
        """Return the values of lesions; see :attr:`Label.is_lesion`."""
        return tuple(entry.value for entry in self.entries if entry.is_lesion)

    def with_label(self, label: Label) -> LabelTable:
        """Return a table in which ``label`` is listed, in place of any entry of the same value."""
        return LabelTable((*(e for e in self.entries if e.value != label.value), label))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the entries as plain JSON values; defaults are left out."""
        kept = ("value", "name")
        entries = (plain(asdict(entry)) for entry in self.entries)
        return [{k: v for k, v in entry.items() if k in kept or v not in ("", None, False)} for entry in entries]

    @classmethod
    def from_json(cls, entries: object) -> Self:
        """Make a table of what :meth:`to_json` gave.

        Raises
        ------
        LabelError
            If an entry is not of that form.
        """
        if not isinstance(entries, list):
            raise LabelError(f"label table is {type(entries).__name__}; expected a list of entries")
        return cls(tuple(_label(entry) for entry in entries))


@dataclass(frozen=True, eq=False, repr=False)
class LabelMap(Gridded):
    """Whole numbers 0 … 65535 on a grid, ``(y, x)`` or ``(z, y, x)``; 0 is background.

    Parameters
    ----------
    array
        Integers or booleans; kept as ``uint8`` or ``uint16``.
    affine
        Where the voxels lie; 1 mm voxels if left out.
    table
        What each value means.

    Raises
    ------
    LabelError
        If the array holds anything but whole numbers from 0 to 65535.
    """

    table: LabelTable = field(default_factory=LabelTable)

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", as_labels(self.array))
        super().__post_init__()

    def values(self) -> tuple[int, ...]:
        """Return the values present, without background, in ascending order; looked for once."""
        return self._values

    def with_table(self, table: LabelTable) -> Self:
        """Return the same voxels with other names; if their values are known, they stay so."""
        named = copy(self)
        object.__setattr__(named, "table", table)
        return named

    @cached_property
    def _values(self) -> tuple[int, ...]:
        flat, found = self.array.reshape(-1), np.zeros(MAX_LABEL + 1, dtype=bool)
        for start in range(0, flat.size, _CHUNK):
            part = flat[start : start + _CHUNK]
            found[part[0]] = True
            found[part[1:][part[1:] != part[:-1]]] = True  # a value comes in long runs: few voxels begin one
        return tuple(int(v) for v in np.flatnonzero(found) if v)

    def mask(self, values: int | Iterable[int]) -> npt.NDArray[np.bool_]:
        """Return where the map holds one of ``values``; :class:`LabelError` if one of those cannot be a label."""
        wanted = np.array([values] if isinstance(values, int | np.integer) else list(values), dtype=np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() > MAX_LABEL):
            raise LabelError(f"asked for labels {wanted.tolist()}; expected whole numbers from 0 to {MAX_LABEL}")
        table = np.zeros(MAX_LABEL + 1, dtype=bool)
        table[wanted] = True
        if self.array.dtype == np.uint8:
            table = table[:256]
        return np.take(table, self.array)


def as_labels(array: npt.NDArray[Any], what: str = "label map") -> npt.NDArray[Any]:
    """Return ``array`` as ``uint8`` or ``uint16`` labels without changing a value.

    Raises
    ------
    LabelError
        If a value is not a whole number from 0 to 65535; the message lists some and how many there are.
    """
    array = np.asarray(array)
    if array.dtype in (np.uint8, np.uint16):
        return array
    if array.dtype == bool:
        return array.view(np.uint8) if array.flags.c_contiguous else array.astype(np.uint8)
    if array.dtype.kind not in "iuf":
        raise LabelError(f"{what} has voxels of type {array.dtype}; expected whole numbers from 0 to {MAX_LABEL}")
    if array.size:
        _require_whole(array, what)
    top = int(array.max()) if array.size else 0
    return array.astype(np.uint8 if top < 256 else np.uint16)


def _require_whole(array: npt.NDArray[Any], what: str) -> None:
    with np.errstate(invalid="ignore"):
        bad = ~((array >= 0) & (array <= MAX_LABEL))
        if array.dtype.kind == "f":
            bad |= array != np.floor(array)
    if bad.any():
        few = ", ".join(f"{v:g}" for v in np.unique(array[bad])[:5])
        found = f"{int(bad.sum())} voxels that are not labels ({few}, …)"
        raise LabelError(f"{what} holds {found}; expected whole numbers from 0 to {MAX_LABEL}")


def _label(entry: object) -> Label:
    allowed = set(Label.__dataclass_fields__)
    if not isinstance(entry, dict) or not {"value", "name"} <= set(entry) <= allowed:
        expected = f"value and name, and none but {sorted(allowed)}"
        raise LabelError(f"label table entry is {shown(entry)}; expected {expected}")
    colour = entry.get("colour")
    return Label(**{**entry, "colour": tuple(colour) if isinstance(colour, list) else colour})


def _is_colour(colour: object) -> bool:
    parts = colour if isinstance(colour, tuple) else ()
    return len(parts) == 3 and all(isinstance(p, int | float) and 0 <= p <= 1 for p in parts)
