"""Left and right exchanged: the image mirrored, and each label given its partner's value."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.labels import Label, LabelMap, LabelTable
from ..core.rng import stream
from ..core.settings import setting
from .lattice import Lattice
from .naming import SIDES
from .stage import Params, Stage

#: Words of names as they are written: "left lung", "kidney_left", "ctx-lh-insula", "leftLung"; "L1" is one, a vertebra.
_WORD = re.compile(r"[A-Za-z][0-9]+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True, kw_only=True)
class Flip(Stage):
    """Mirror the patient: left becomes right, and a label that has a partner on the other side gets its value.

    The axis is the one that runs most nearly from right to left; that of a 2D map of unknown place is x. With the
    values of partners exchanged, what now is a left kidney is called one. Billot et al. (SynthSeg, 2023) mirror every
    second image.
    """

    name: ClassVar[str] = "flip"

    prob: float = setting(0.5, "Probability that left and right are exchanged", low=0, high=1)

    def draw(self, lattice: Lattice, rng: np.random.Generator) -> Params:
        """Return the mirror of a lattice of which no more is known: along x, no labels exchanged."""
        return {"axis": 2, "swap": []}

    def decide_for(self, labels: LabelMap, seed: int) -> Params | None:
        """Return how these labels are mirrored, or None if they are not this time.

        Parameters
        ----------
        labels
            Their affine says which axis runs from side to side, and their table what has a side.
        seed
            Of the whole rendering.

        Returns
        -------
        params
            ``{"axis": 0 … 2, "swap": [[left value, right value], …]}`` with the pairs of :func:`swapped_pairs`. None,
            too, if there is one voxel only from side to side, as in a sagittal slice: its mirror would belong
            elsewhere.
        """
        axis = side_axis(labels)
        if stream(seed, 0, self.name).random() >= self.prob or labels.shape3[axis] == 1:
            return None
        return {"axis": axis, "swap": [list(pair) for pair in swapped_pairs(labels)]}


def side_axis(labels: LabelMap) -> int:
    """Return which of the axes ``(z, y, x)`` runs most nearly from side to side of the patient."""
    return next(n for n, letter in enumerate(labels.affine.orientation) if letter in "RL")


def swapped_pairs(labels: LabelMap) -> tuple[tuple[int, int], ...]:
    """Return ``(left value, right value)`` of the pairs whose values are exchanged where a map is mirrored.

    They are those of which one or both are in the map. A map that has both sides of no pair calls both by one value:
    none are exchanged.
    """
    present = set(labels.values())
    pairs = tuple(pair for pair in side_pairs(labels.table) if not present.isdisjoint(pair))
    return pairs if any(present.issuperset(pair) for pair in pairs) else ()


def side_pairs(table: LabelTable) -> tuple[tuple[int, int], ...]:
    """Return ``(left value, right value)`` of labels that are the same but for their side.

    The side is the entry's own, or else a word of its name; partners have the same name without such words ("left
    lung" and "right lung", "kidney_left" and "kidney_right", "ctx-lh-insula" and "ctx-rh-insula"). Labels without a
    partner are in no pair, and no value is in two.
    """
    found: dict[tuple[str, ...], dict[str, list[int]]] = defaultdict(lambda: {"left": [], "right": []})
    for entry in table:
        side, rest = _side_and_rest(entry)
        if side:
            found[rest][side].append(entry.value)
    return tuple(sorted(pair for both in found.values() for pair in zip(both["left"], both["right"], strict=False)))


def _side_and_rest(entry: Label) -> tuple[str, tuple[str, ...]]:
    """Return the side of a label, empty if it has none, and the words of its name that are not about sides."""
    words = [word.lower() for word in _WORD.findall(entry.name)]
    named = {SIDES[word] for word in words if word in SIDES}
    side = entry.side or (named.pop() if len(named) == 1 else "")
    return side, tuple(word for word in words if word not in SIDES)
