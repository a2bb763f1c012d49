"""``medsynth verify``: whether what was written is still what it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ..core.errors import ReadError
from .console import Console

#: What a dataset's folder holds: files a finished one has, and the folder of one that is being made.
_DATASET = ("metadata.json", "train.h5", ".unfinished")


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Check that a dataset, a case, a seed library, a model or one file is complete, readable and as it was written."""

    path: Annotated[
        Positional[Path],
        arg(help="folder of a dataset, a case or a seed library, a model, or one file", metavar="PATH"),
    ]

    def run(self, console: Console) -> None:
        """Name each problem; fail if there is one."""
        problems = self._problems(console)
        for problem in problems:
            console.say(problem)
        if problems:
            raise ReadError(f"{self.path} has {len(problems)} problem{'s' if len(problems) > 1 else ''}")
        console.say(f"{self.path} is whole and as recorded")

    def _problems(self, console: Console) -> list[str]:
        if (self.path / "index.json").is_file():
            from ..tumor.library import SeedLibrary

            return SeedLibrary.open(self.path).verify()
        if self.path.suffix.lower() == ".h5" or any((self.path / name).exists() for name in _DATASET):
            from ..datasets.verify import checking

            return console.finish(checking(self.path))
        if self.path.suffix.lower() == ".safetensors":
            from ..learning.model_file import model_problems

            return model_problems(self.path)
        from ..io import verify

        return verify(self.path)
