"""What the folder that a dataset is to go to holds already: :class:`Target`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ...core.errors import ConfigError, MedsynthError
from ...core.recipe import Recipe
from ...datasets.schema import METADATA, PLAN, UNFINISHED
from ...datasets.unfinished import Order
from ...io.plainfile import read_json
from .making import Making

Kind = Literal["empty", "unfinished", "finished", "other"]


@dataclass(frozen=True)
class Target:
    """An output folder.

    Parameters
    ----------
    kind
        ``"empty"`` (or not there yet), a dataset that is ``"unfinished"`` or ``"finished"``, or something
        ``"other"``, which is left alone.
    done
        Cases of an unfinished dataset that are there.
    order
        What was asked for when a dataset was begun.
    """

    kind: Kind
    done: int = 0
    order: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Target:
        """Look at a folder; what cannot be read is ``"other"``."""
        try:
            return cls._of(folder)
        except (MedsynthError, OSError):
            return cls("other")

    @classmethod
    def _of(cls, folder: Path) -> Target:
        plan, metadata = folder / UNFINISHED / PLAN, folder / METADATA
        if plan.is_file():
            order = read_json(plan)
            return cls("unfinished", _cases_in(folder, order), order)
        if metadata.is_file():
            known = read_json(metadata).get("order")
            return cls("finished", order=known if isinstance(known, dict) else {})
        is_empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
        return cls("empty" if is_empty else "other")

    @property
    def count(self) -> int:
        """How many cases were asked for; 0 if nobody knows."""
        count = self.order.get("count")
        return count if isinstance(count, int) else 0

    def settings(self) -> tuple[Recipe, Making]:
        """Return what was asked for.

        Raises
        ------
        ConfigError
            If the folder does not say, or says what this version cannot do.
        """
        recipe = Recipe.from_json(self.order.get("recipe"), "the recipe of the folder's dataset")
        return recipe, replace(_making(self.order), seed=recipe.seed)

    def difference(self, recipe: Recipe, making: Making) -> str:
        """Say in what the folder's dataset differs from what is asked for now; empty if it is the same.

        Scans that a dataset begins with are not compared here: that takes reading them.
        """
        seeded = replace(recipe, seed=making.seed)
        asked = Order.of(seeded, making.count, making.validation, making.test, ())
        return asked.difference({**self.order, "sources": []})


def _cases_in(folder: Path, order: Mapping[str, Any]) -> int:
    """Count the finished cases: parts, and those of splits that are put together already."""
    parts = sum(1 for path in (folder / UNFINISHED).glob("*.h5") if not path.name.startswith("."))
    try:
        making = _making(order)
    except ConfigError:
        return parts
    whole = sum(len(cases) for name, cases in making.splits().items() if (folder / f"{name}.h5").is_file())
    return min(parts + whole, making.count)


def _making(order: Mapping[str, Any]) -> Making:
    names = {"count": "count", "validation": "validation_split", "test": "test_split"}
    return Making.from_json(
        {mine: order[name] for mine, name in names.items() if name in order}, "the folder's dataset"
    )
