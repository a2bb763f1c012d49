"""What other tools' layouts cannot hold, kept beside an export so that it comes back whole: ``medsynth.json``.

::

    {"napari-medsynth": {
       "version": 1, "format": "nnunet", "modality": "CT", "recipe": "seed: 7 …", "seed": 7,
       "labels": [{"value": 5, "name": "liver"}, …],     the label table
       "structures": [5, …],                             the values that masks are given for
       "label_values": [[1, 5], …],                      value in the files, value in the dataset
       "cases": [{"id": "case_000000", "split": "train", "seed": 7, "affine": [[…], …]}, …]}}

Without it, or where it does not fit the files any more, an import takes what the files themselves say: the affine here
counts only while the file has the same one, to the seven digits that NIfTI keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from ...core.affine import Affine
from ...core.errors import MedsynthError, ReadError, shown
from ...core.labels import Label, LabelTable
from ...io.plainfile import read_json
from ...io.sidecar import KEY, require_version, text_of
from ..folder import recipe_of
from ..schema import SPLITS

FILE = "medsynth.json"
VERSION = 1


@dataclass(frozen=True)
class CaseNote:
    """What is noted of one case: its split, the seed of its random streams, and its affine in full precision."""

    split: str
    seed: int
    affine: Affine

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Make one of plain JSON values; raises KeyError, TypeError, ValueError or MedsynthError if it is not one."""
        split, seed = value["split"], value["seed"]
        if split not in SPLITS:
            raise ValueError(f"split is {shown(split)}; expected one of {', '.join(SPLITS)}")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise ValueError(f"seed is {shown(seed)}; expected a whole number from 0")
        return cls(split, seed, Affine(np.asarray(value["affine"], dtype=np.float64)))


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What is noted of an export.

    Parameters
    ----------
    table
        The dataset's label table.
    structures
        The values that masks and presence are given for.
    label_values
        For each value in the files, other than 0, the one in the dataset; empty if they are the same.
    modality, recipe, seed
        As in :class:`~napari_medsynth.datasets.schema.Meta`.
    cases
        What is noted of each case, by its id, in the order of the dataset.
    """

    table: LabelTable
    structures: tuple[int, ...]
    label_values: Mapping[int, int] = field(default_factory=dict)
    modality: str = ""
    recipe: str = ""
    seed: int = 0
    cases: Mapping[str, CaseNote] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[Label, ...]:
        """The structures that masks and presence are given for."""
        return tuple(self.table[value] for value in self.structures)

    def to_json(self, form: str) -> dict[str, Any]:
        """Return plain JSON values; ``form`` is the name of the layout."""
        cases = [
            {"id": name, "split": note.split, "seed": note.seed, "affine": note.affine.matrix.tolist()}
            for name, note in self.cases.items()
        ]
        ours = {
            "version": VERSION,
            "format": form,
            "modality": self.modality,
            "recipe": self.recipe,
            "seed": self.seed,
            "labels": self.table.to_json(),
            "structures": list(self.structures),
            "label_values": [list(pair) for pair in self.label_values.items()],
            "cases": cases,
        }
        return {KEY: ours}

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read what is noted in an exported folder; None if there is nothing.

        Raises
        ------
        ReadError
            If it is damaged or newer than this installation.
        """
        path = folder / FILE
        if not path.exists():
            return None
        ours = read_json(path).get(KEY)
        if not isinstance(ours, dict):
            raise ReadError(f"{path} has no mapping {KEY!r}; expected what an export writes")
        require_version(ours.get("version"), VERSION, path)
        try:
            return cls(**_fields(ours, path))
        except KeyError as error:
            raise ReadError(f"{path} is damaged: it lacks {error}") from error
        except (MedsynthError, TypeError, ValueError) as error:
            raise ReadError(f"{path} is damaged: {error}") from error


def _fields(ours: Mapping[str, Any], path: Path) -> dict[str, Any]:
    seed = ours["seed"]
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ValueError(f"seed is {shown(seed)}; expected a whole number")
    values = {_value(there): _value(here) for there, here in ours["label_values"]}
    if len(set(values.values())) < len(ours["label_values"]):
        raise ValueError("label_values maps two values to one; expected a value for each")
    return {
        "table": LabelTable.from_json(ours["labels"]),
        "structures": tuple(sorted(_value(value) for value in ours["structures"])),
        "label_values": values,
        "modality": text_of(dict(ours), "modality", path),
        "recipe": _recipe(text_of(dict(ours), "recipe", path), path),
        "seed": seed,
        "cases": {str(case["id"]): CaseNote.from_json(case) for case in ours["cases"]},
    }


def _value(value: object) -> int:
    return Label(value, "").value  # type: ignore[arg-type]  # it checks that


def _recipe(text: str, path: Path) -> str:
    """Return the text of a recipe if it is one; its steps may be those of a package that is not here."""
    recipe = recipe_of(text, path)
    steps = [] if recipe is None else recipe.get("steps")
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise ValueError(f"its recipe has steps {shown(steps)}; expected a list of steps")
    return text
