"""What is asked of ``medsynth dataset``: :class:`Making`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ...core.progress import Job
from ...core.recipe import Recipe
from ...core.rng import MAX_SEED
from ...core.settings import Settings, setting
from ...datasets.plan import plan_splits
from ..child import Ended, child


@dataclass(frozen=True, kw_only=True)
class Making(Settings):
    """How many cases, for what, and who makes them.

    Raises
    ------
    ConfigError
        If a value cannot be used, or the splits leave nothing to train on.
    """

    count: int = setting(100, "number of cases", low=1, high=10_000_000)
    validation: float = setting(0.2, "fraction of the cases that is held back for validation", low=0, high=0.9)
    test: float = setting(0.1, "fraction of the cases that is held back for testing", low=0, high=0.9)
    seed: int = setting(0, "root seed of all random draws, whatever the recipe says", low=0, high=MAX_SEED)
    source: Path | None = setting(
        None, "folder of scans with label maps that the cases begin with; cases are made from nothing if left out"
    )
    workers: int | None = setting(
        None, "processes that make cases at the same time; as many as pay off if left out", low=1, high=1024
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.splits()

    def splits(self) -> dict[str, range]:
        """Return which cases go to which split."""
        return plan_splits(self.count, self.validation, self.test)

    def describe(self) -> str:
        """Return the sizes of the splits, in words."""
        words = {"train": "training", "val": "validation", "test": "testing"}
        return " · ".join(f"{len(cases)} for {words[name]}" for name, cases in self.splits().items())

    def words(self, recipe: Path, folder: Path) -> list[str]:
        """Return the words after ``medsynth``."""
        flags: dict[str, object] = {
            "-n": self.count,
            "-o": folder,
            "--validation-split": f"{self.validation:g}",
            "--test-split": f"{self.test:g}",
            "--seed": self.seed,
            "--source": self.source,
            "--workers": self.workers,
        }
        given = {name: value for name, value in flags.items() if value is not None}
        return ["dataset", str(recipe), *(str(word) for flag in given.items() for word in flag)]

    def run(self, recipe: Recipe, folder: Path) -> Job[Ended]:
        """Make the dataset in a process of its own, as a job; see :func:`~napari_medsynth.widgets.child.child`."""
        with TemporaryDirectory(prefix="medsynth-", ignore_cleanup_errors=True) as place:
            file = Path(place) / "recipe.yaml"
            file.write_text(recipe.to_yaml(), "utf-8")
            return (yield from child(self.words(file, folder)))

    def command(self, recipe: str, folder: Path) -> str:
        """Return lines for a shell (sh, bash, zsh): the text of the recipe is kept in a file, and the command run."""
        file = Path(f"{folder.name}.yaml")
        kept = f"cat > {shlex.quote(str(file))} <<'END'\n{recipe.rstrip()}\nEND\n"
        return f"{kept}{shlex.join(['medsynth', *self.words(file, folder)])}\n"
