"""A list of steps plus a seed, in YAML: :class:`Recipe`.

::

    seed: 7
    steps:
      - insert_tumors:
          library: seeds
          count: [1, 3]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from .case import Case
from .errors import ConfigError, shown
from .progress import Job, Progress
from .rng import stream
from .settings import nearest
from .step import Step, step_class
from .yaml_text import parse_yaml, read_yaml


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Steps in the order in which they are applied, and the seed of their random streams.

    A recipe without steps takes cases as they are, e.g. real ones into a dataset.

    Raises
    ------
    ConfigError
        If the seed is not a whole number from 0 to 2⁵³ − 1.
    """

    steps: tuple[Step, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        stream(self.seed)
        object.__setattr__(self, "seed", int(self.seed))  # NumPy's whole numbers cannot be written

    def __call__(self, case: Case, *, index: int = 0) -> Case:
        """Return ``case`` after all steps; ``index`` is the case's in its dataset."""
        for step, occurrence in self._counted():
            case = step(case, seed=self.seed, index=index, occurrence=occurrence)
        return case

    def run(self, case: Case, *, index: int = 0) -> Job[Case]:
        """Do the same as a job that reports each step; its result is the case."""
        for done, (step, occurrence) in enumerate(self._counted()):
            yield Progress(done, len(self.steps), step.name)
            case = step(case, seed=self.seed, index=index, occurrence=occurrence)
        yield Progress(len(self.steps), len(self.steps), "done")
        return case

    def _counted(self) -> Iterator[tuple[Step, int]]:
        seen: Counter[str] = Counter()
        for step in self.steps:
            yield step, seen[step.name]
            seen[step.name] += 1

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, defaults included."""
        return {"seed": self.seed, "steps": [{step.name: step.to_json()} for step in self.steps]}

    def to_yaml(self) -> str:
        """Return the text of a recipe file."""
        import yaml

        return yaml.safe_dump(self.to_json(), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)

    @classmethod
    def from_json(cls, value: object, where: str = "recipe") -> Self:
        """Make a recipe of plain values.

        Raises
        ------
        ConfigError
            If a key, step or setting is unknown (the nearest is named), or a value does not fit.
        """
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} is {type(value).__name__}; expected a mapping with 'seed' and 'steps'")
        for key in value:
            if key not in ("seed", "steps"):
                raise ConfigError(f"{where} has no key {shown(key)}; {nearest(str(key), ('seed', 'steps'))}")
        steps = value.get("steps")
        if not isinstance(steps, list):
            raise ConfigError(f"{where} has steps = {shown(steps)}; expected a list of steps")
        made = tuple(_step(item, f"{where}, step {n}") for n, item in enumerate(steps, 1))
        return cls(steps=made, seed=value.get("seed", 0))

    @classmethod
    def from_yaml(cls, text: str, where: str = "recipe") -> Self:
        """Make a recipe of the text of a recipe file; raises as :meth:`from_json` does."""
        return cls.from_json(parse_yaml(text, where), where)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a recipe file; raises :class:`ReadError` if it cannot be read, else as :meth:`from_json` does."""
        return cls.from_json(read_yaml(path, "a recipe"), str(path))


def _step(item: object, where: str) -> Step:
    if isinstance(item, str):
        item = {item: {}}
    if not isinstance(item, Mapping) or len(item) != 1:
        raise ConfigError(f"{where} is {shown(item)}; expected one step name with its settings")
    [(name, values)] = item.items()
    where = f"{where} ({name})"
    try:
        return step_class(str(name)).from_json({} if values is None else values, where)
    except ConfigError as error:
        known = str(error).startswith(where)
        raise error if known else ConfigError(f"{where}: {error}") from error
