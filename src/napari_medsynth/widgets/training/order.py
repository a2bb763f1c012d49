"""What is asked of ``medsynth train``: :class:`Order`; it is written beside its run, started and gone on with."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ...core.case import Case
from ...core.errors import ConfigError, MedsynthError, WriteError
from ...core.labels import LabelTable
from ...core.progress import Job, Progress
from ...io import write_case, write_json, write_text
from ...io.plainfile import read_json
from ...learning.run import Run
from ...segmentation.settings import TrainSettings
from ..child import PROGRAM
from ..layers import history_of, labels_of, volume_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels

#: What the panel leaves in the folder of a run.
CONFIG, OUTPUT, ORDER, DATA = "config.yaml", "output.txt", "order.json", "data"


@dataclass(frozen=True, kw_only=True)
class Order:
    """A training to be started, or one that was.

    Parameters
    ----------
    run
        Its folder.
    settings
        What is trained, and how.
    data
        The folder of its cases.
    layout
        Their layout, or ``"auto"``.
    test
        Share of the patients that it does not see.
    """

    run: Run
    settings: TrainSettings
    data: Path
    layout: str = "auto"
    test: float = 0.2

    @classmethod
    def of(cls, run: Run) -> Order:
        """Return the order that a run of this panel was started by.

        Raises
        ------
        ConfigError
            If something else started it.
        """
        try:
            kept = read_json(run.folder / ORDER)
            settings = TrainSettings.from_json(kept["settings"], str(run.folder / ORDER))
            data, layout, test = Path(str(kept["data"])), str(kept["layout"]), float(kept["test"])
        except (MedsynthError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{run.name} was not started in this panel; repeat its command with --resume") from error
        return cls(run=run, settings=settings, data=data, layout=layout, test=test)

    def words(self, *, resume: bool = False) -> list[str]:
        """Return the words after ``medsynth``."""
        words = ["train", *self._flags(self.run.folder / CONFIG)]
        return [*words, "--resume"] if resume else words

    def write(self) -> None:
        """Write what the process reads, and what :meth:`of` does.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        folder = self.run.folder
        made_folder(folder)
        write_text(folder / CONFIG, self.config())
        about = {"data": str(self.data), "layout": self.layout, "test": self.test, "settings": self.settings.to_json()}
        write_json(folder / ORDER, about)

    def config(self) -> str:
        """Return the settings as YAML."""
        return yaml.safe_dump(self.settings.to_json(), sort_keys=False, allow_unicode=True)

    def command(self) -> str:
        """Return lines for a shell (sh, bash, zsh): the settings are kept in a file, and the command run."""
        file = f"{self.run.name}.yaml"
        words = shlex.join(["medsynth", "train", *self._flags(Path(file))])
        return f"cat > {shlex.quote(file)} <<'END'\n{self.config()}END\n{words}\n"

    def python(self) -> str:
        """Return a script that trains the same."""
        return f"""\
from pathlib import Path

from napari_medsynth.core.progress import finish
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.datasets.splitting import split_cases
from napari_medsynth.learning.run import Run
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.segmentation.training import train

settings = TrainSettings.from_json({_given(self.settings.to_json(), TrainSettings().to_json())!r})
cases = find_cases(Path({str(self.data)!r}), layout={self.layout!r})
split = split_cases(cases, test={self.test!r}, seed=settings.fit.seed)
finish(train(cases, Run(Path({str(self.run.folder)!r})), settings, split=split), print)
"""

    def _flags(self, config: Path) -> list[str]:
        flags = {
            "--config": config,
            "--data-dir": self.data,
            "--run": self.run.folder,
            "--layout": self.layout,
            "--test-split": f"{self.test:g}",
        }
        return [str(word) for flag in flags.items() for word in flag]


def writing_cases(pairs: Sequence[tuple[Labels, Image | None]], folder: Path, names: LabelTable) -> Job[Path]:
    """Write layers as case folders.

    Parameters
    ----------
    pairs
        Labels layers, each with its image layer if it has one.
    folder
        A new folder.
    names
        What the values are to be called.

    Returns
    -------
    Job
        Yields after each case; returns ``folder``.

    Raises
    ------
    WriteError, GridError, LabelError
        If a layer cannot be written, or its image is on other voxels.
    """
    made_folder(folder)
    for number, (layer, image) in enumerate(pairs, 1):
        yield Progress(number - 1, len(pairs), f"writing {layer.name}")
        labels = labels_of(layer)
        for entry in names:
            labels = labels.with_table(labels.table.with_label(entry))
        volume = None if image is None else volume_of(image)
        case = Case(id=f"case-{number:03d}", image=volume, labels=labels, history=history_of(layer))
        write_case(case, folder / case.id)
    return folder


def started(order: Order, *, resume: bool = False, program: Sequence[str] = PROGRAM) -> subprocess.Popen[bytes]:
    """Start the process that trains. It outlives the viewer, and says what it does in a file of the run.

    Raises
    ------
    WriteError
        If that file cannot be written.
    ConfigError
        If the process cannot be started.
    """
    path = order.run.folder / OUTPUT
    try:
        output = open(path, "wb")  # noqa: SIM115 - closed below, when the process has it
    except OSError as error:
        raise WriteError(f"{path} could not be written: {error.strerror}") from error
    with output:
        try:
            return subprocess.Popen(  # noqa: S603 - a list of words; no shell
                [*program, *order.words(resume=resume), "--progress", "json"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUTF8": "1"},
                start_new_session=True,  # a signal that ends the viewer does not reach it
            )
        except OSError as error:
            raise ConfigError(f"{program[0]} cannot be started ({error.strerror}); expected Python") from error


def made_folder(folder: Path) -> None:
    """Make a folder; raises :class:`WriteError` if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"{folder} could not be made: {error.strerror}") from error


def _given(values: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """What is not as usual; of groups, the same."""
    found = {}
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(usual.get(name), dict):
            value = _given(value, usual[name])
            if value:
                found[name] = value
        elif value != usual.get(name):
            found[name] = value
    return found
