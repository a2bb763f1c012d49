"""The truth of a case in the values of a model: :func:`truth_for`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.errors import LabelError, shown
from ..core.labels import LabelMap, LabelTable
from ..core.schemes import scheme
from ..learning.card import ModelCard
from .prepare import Relabel, looked_up
from .tested import relabel_of


@dataclass(frozen=True, eq=False)
class Truth:
    """What a model should have found.

    Parameters
    ----------
    labels
        With the model's values and names.
    targets
        The model's value of each value of the case; 0 for what is left out.
    left_out
        Names of structures that the model does not know; they are background.
    """

    labels: LabelMap
    targets: Mapping[int, int]
    left_out: tuple[str, ...]


def truth_for(card: ModelCard, labels: LabelMap, case: str) -> Truth:
    """Bring a case's labels to a model's values: by their names, else as its training did, else as they are.

    Parameters
    ----------
    card
        Of the model.
    labels
        Of the case; where they have no names, the scheme of the training names them.
    case
        For messages.

    Raises
    ------
    LabelError
        If a value means one thing in the case and another in the model, or they have no structure in common.
    """
    relabel = relabel_of(card)
    named = relabel.named(labels)
    targets = {value: _target(card, relabel, named.table, value, case) for value in labels.values()}
    if targets and not any(targets.values()):
        theirs = ", ".join(named.table[value].name for value in targets)
        ours = ", ".join(entry.name for entry in card.labels)
        raise LabelError(
            f"case {case} has {shown(theirs)} and model {card.name} finds {shown(ours)}; expected the same"
        )
    left_out = tuple(named.table[v].name for v, t in targets.items() if not t and not named.table[v].context)
    array = looked_up(targets, named.array)
    return Truth(LabelMap(array, named.affine, card.labels), targets, left_out)


def _target(card: ModelCard, relabel: Relabel, table: LabelTable, value: int, case: str) -> int:
    """Return the model's value of a label of a case; 0 if it does not know it."""
    name = table[value].name
    same = card.labels.values_of(name=name)
    if same and _is_name(name, value):
        return same[0]
    target = relabel.target(value, table)
    entries = [entry for entry in card.labels if entry.value == target]
    if not entries:
        return 0
    meant = _meant(relabel, value, target, entries[0].name)
    if _is_name(name, value) and meant and meant.lower() != name.lower():
        found = f"label {value} is {shown(name)} in case {case} and {shown(meant)} for model {card.name}"
        raise LabelError(f"{found}; expected the same meaning (the case needs a table of names, or another model)")
    return target


def _meant(relabel: Relabel, value: int, target: int, name: str) -> str:
    """Return what a value meant when the model was trained; empty if that is not known."""
    if relabel.values is None:
        return name if _is_name(name, target) else ""
    if relabel.scheme is not None:
        return scheme(relabel.scheme)[value].name
    joined = sum(to == target for _, to in relabel.values) > 1
    return "" if joined or not _is_name(name, target) else name


def _is_name(name: str, value: int) -> bool:
    """Whether it says more than the number."""
    return name != f"label {value}"
