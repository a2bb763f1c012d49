"""What the values of a label map mean: :func:`named_labels` before, :func:`relabelled` after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..core.errors import LabelError
from ..core.labels import LabelMap, LabelTable, Side
from ..core.schemes import scheme as scheme_of

#: Words of names that say on which side of the patient a structure is.
SIDES: dict[str, Side] = {"left": "left", "l": "left", "lh": "left", "right": "right", "r": "right", "rh": "right"}


def named_labels(
    labels: LabelMap, scheme: str | None, preset_scheme: str | None, tissues: Iterable[tuple[int, str]] = ()
) -> LabelMap:
    """Return a label map whose table says what each value is.

    Parameters
    ----------
    labels
        Any label map; its voxels stay as they are.
    scheme
        Name of a scheme that comes before the label map's own table; None takes the table.
    preset_scheme
        Name of the scheme for values that neither names; None if there is none.
    tissues
        Values and their tissue, which come before all else.

    Raises
    ------
    ConfigError
        If there is no scheme of that name.
    LabelError
        If the label map is all background.
    """
    if not labels.values():
        raise LabelError(f"label map of {labels.shape} voxels is all background; expected labels to render")
    sources = [scheme_of(name) for name in (scheme, preset_scheme) if name is not None]
    ordered = (*sources[:1], labels.table, *sources[1:]) if scheme is not None else (labels.table, *sources)
    entries = {entry.value: entry for table in reversed(ordered) for entry in table}
    table = LabelTable(tuple(entries.values()))
    for value, tissue in tissues:
        table = table.with_label(replace(table[value], tissue=tissue))
    return labels.with_table(table)


def relabelled(table: LabelTable, names: Mapping[int, int]) -> LabelTable:
    """Return the table of a label map some of whose values have been changed.

    Parameters
    ----------
    table
        What the values were.
    names
        Value of a label and what it is now; 0 for background.

    Returns
    -------
    LabelTable
        A value that stands for several labels now is called what it was called, or else as the first of them.
    """
    entries = {entry.value: entry for entry in table if entry.value not in names}
    known = {entry.value for entry in table}
    for old, new in names.items():
        if new:
            entries.setdefault(new, replace(table[new if new in known else old], value=new))
    return LabelTable(tuple(entries.values()))
