"""Finds the command that was asked for, runs it, and turns what went wrong into one line and an exit status.

========  ==========================================================================
status    meaning
========  ==========================================================================
0         done
1         it failed: one clear line on stderr; ``--verbose`` adds the traceback
2         the command line cannot be used; nothing was done
130, 143  interrupted (Ctrl-C, SIGTERM); nothing half-written is left
========  ==========================================================================
"""

from __future__ import annotations

import io
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import FrameType
from typing import Protocol

from .. import __version__
from ..core.errors import ConfigError, MedsynthError, shown
from ..core.settings import nearest
from .console import PROGRESS, Console


@dataclass(frozen=True)
class Command:
    """A command: ``module:Class`` in this room, loaded only when it is asked for, its summary and an example."""

    target: str
    summary: str
    example: str


class Runnable(Protocol):
    """What a command's class is: a dataclass whose fields are its flags."""

    def run(self, console: Console) -> None:
        """Do it; raise a :class:`MedsynthError` if it cannot be done."""


#: Every command there is; a new one is a line here and a dataclass with ``run(console)``.
COMMANDS = {
    "demo": Command(
        "demo:Demo",
        "the main job end to end, with a picture; needs no data",
        "medsynth demo --data ct.nii.gz labels.nii.gz --output demo",
    ),
    "phantom": Command(
        "phantom:Phantom",
        "a dataset of phantoms: anatomy made from nothing, with exact masks",
        'medsynth phantom --image-size "128,128,64" --total-samples 1000 --output-dir medical_dataset',
    ),
    "render": Command(
        "render:Render",
        "an image of a label map: any contrast, any scanner, its artefacts",
        "medsynth render labels.nii.gz -o image.nii.gz --contrast t2 --motion.strength 0.5 --seed 7",
    ),
    "prior": Command(
        "render:Prior",
        "what intensities structures have in your scans, for images that look like them",
        "medsynth prior scan.nii.gz labels.nii.gz -o prior.yaml",
    ),
    "tumor format": Command(
        "tumor:Format",
        "copy labelled scans under SynthLung's names",
        "medsynth tumor format --dataset msd --source Task06_Lung --output assets/images",
    ),
    "tumor seed": Command(
        "tumor:Seed",
        "cut the tumors out of formatted scans",
        "medsynth tumor seed --dataset msd --output assets/images",
    ),
    "tumor host": Command(
        "tumor:Host", "find the lungs of formatted scans", "medsynth tumor host --dataset msd --output assets/images"
    ),
    "tumor generate": Command(
        "tumor:Generate",
        "make scans with tumors of the seeds in the hosts",
        "medsynth tumor generate --dataset msd --count 20 --tumors-per-case 1,3 --seed 7",
    ),
    "tumor extract": Command(
        "tumor:Extract",
        "cut the lesions out of one labelled scan into a library",
        "medsynth tumor extract ct.nii.gz labels.nii.gz --lesion 1 --organ lung --library seeds",
    ),
    "tumor insert": Command(
        "tumor:Insert",
        "place tumors in one scan",
        "medsynth tumor insert ct.nii.gz --library seeds --count 3 --seed 7 -o out",
    ),
    "train": Command(
        "train:Train",
        "train a network on rendered label maps (A), on real images (B), or both",
        "medsynth train --data-dir ./data --model both --epochs 20",
    ),
    "evaluate": Command(
        "evaluate:Evaluate",
        "how good models are on images that they never saw, and where synthetic and real training differ",
        "medsynth evaluate --data-dir ./data --model compare",
    ),
    "segment": Command(
        "segment:Segment",
        "label an image with a model",
        "medsynth segment scan.nii.gz --model model_a_synthetic_best.safetensors -o labels.nii.gz",
    ),
    "compare": Command(
        "compare:Compare",
        "how well one label map agrees with another: Dice, distances, volumes",
        "medsynth compare labels.nii.gz expert.nii.gz -o scores.json",
    ),
    "example": Command(
        "example:Example",
        "pictures of what is rendered from a label map; needs no data",
        "medsynth example --demo contrast --output-dir example",
    ),
    "run": Command(
        "run:Run",
        "apply a recipe to a scan, or make a case from nothing",
        "medsynth run recipe.yaml -i ct.nii.gz -l organs.nii.gz -o out --seed 7",
    ),
    "dataset": Command(
        "dataset:Dataset",
        "many cases of a recipe, in parallel: HDF5 files for training, validation and test",
        "medsynth dataset recipe.yaml -n 1000 -o data --workers 4",
    ),
    "export": Command(
        "exchange:Export",
        "a dataset as NIfTI pairs, for nnU-Net or for MONAI",
        "medsynth export dataset --to nnunet -o nnUNet_raw/Dataset501_Phantoms",
    ),
    "import": Command(
        "exchange:Import",
        "a dataset of NIfTI pairs, of nnU-Net's or MONAI's files",
        "medsynth import nnUNet_raw/Dataset501_Phantoms --from nnunet -o dataset",
    ),
    "verify": Command("verify:Verify", "is this dataset, case or file whole and as recorded?", "medsynth verify out"),
}

#: What the first word of commands of two words stands for.
GROUPS = {"tumor": "cut tumors out of scans, keep them, and place them in others"}

OVERVIEW = """\
usage: medsynth {prefix}COMMAND [options]

Medical images with exact ground truth.

commands:
{commands}

with every command:
  --help             its options and an example
  --verbose          the traceback of an error
  --progress HOW     bar (the default; only on a terminal), json (one object a line) or none

medsynth --version prints the version.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ``medsynth`` command and return its exit status.

    Parameters
    ----------
    argv
        The words after ``medsynth``; those of this process if left out.
    """
    console = Console()
    _speak_any_language()
    with _terminable():
        try:
            return _ran(list(sys.argv[1:] if argv is None else argv), console)
        except MedsynthError as error:
            return console.failed(str(error), 1)
        except KeyboardInterrupt:
            return console.failed("interrupted", 130)
        except BrokenPipeError:
            return console.abandoned()
        except MemoryError:
            return console.failed("there is not enough memory for this", 1)
        except SystemExit as stop:
            return _status_of(stop, console)
        except Exception as error:  # noqa: BLE001 - the outermost boundary: a bug is one line too, unless --verbose
            found = f"{type(error).__name__}: {error}"
            return console.failed(f"internal error: {found}; run again with --verbose and report it", 1)


def _speak_any_language() -> None:
    """Let a terminal that knows only ASCII show × and … spelled out, where Python would give up."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _ran(words: list[str], console: Console) -> int:
    try:
        words = _without_common_options(words, console)
        command = _command(words, console)
    except MedsynthError as error:
        return console.failed(str(error), 2)
    if command is not None:
        command.run(console)
        console.done()
    return 0


def _without_common_options(words: list[str], console: Console) -> list[str]:
    """Take the options that every command has, wherever they stand, and return the other words."""
    rest = []
    waiting = iter(words)
    for word in waiting:
        name, _, value = word.partition("=")
        if word == "--verbose":
            console.verbose = True
        elif name == "--progress":
            how = value or next(waiting, "")
            if how not in PROGRESS:
                raise ConfigError(f"--progress is {shown(how)}; expected one of {', '.join(PROGRESS)}")
            console.progress = how
        else:
            rest.append(word)
    return rest


def _command(words: list[str], console: Console) -> Runnable | None:
    """Return what is to be run; None if it was only asked how."""
    group = words[0] if words and words[0] in GROUPS and _names(words[0]) else ""
    inner = words[1:] if group else words
    if not inner:
        raise ConfigError(f"no command given; see medsynth {group + ' ' if group else ''}--help")
    if inner[0] in ("-h", "--help"):
        console.say(_overview(group))
        return None
    name = f"{group} {inner[0]}".strip()
    if inner[-1] == "--version" and (words == ["--version"] or (name in COMMANDS and len(inner) == 2)):
        console.say(f"medsynth {__version__}")
        return None
    if name not in COMMANDS:
        raise ConfigError(f"there is no command {shown(name)}; {nearest(name, _names(group))}")
    return _parsed(name, inner[1:])


def _names(group: str) -> list[str]:
    """Names of the commands of a group, or without one, of groups and commands of one word."""
    if group:
        return [name for name in COMMANDS if name.startswith(f"{group} ")]
    return list(dict.fromkeys(name.split()[0] for name in COMMANDS))


def _overview(group: str) -> str:
    names = _names(group)
    summaries = {name: GROUPS[name] if name in GROUPS else COMMANDS[name].summary for name in names}
    lines = [f"  {name.removeprefix(group).strip():<17}  {summaries[name]}" for name in names]
    return OVERVIEW.format(prefix=f"{group} " if group else "", commands="\n".join(lines)).rstrip()


def _parsed(name: str, words: list[str]) -> Runnable:
    """Load the command and make it of its flags; leaves by SystemExit after ``--help`` or wrong flags."""
    from .flags import parsed

    entry = COMMANDS[name]
    module, _, attribute = entry.target.partition(":")
    cls: type[Runnable] = getattr(import_module(f"{__package__}.{module}"), attribute)
    return parsed(cls, words, prog=f"medsynth {name}", example=entry.example)


def _status_of(stop: SystemExit, console: Console) -> int:
    """Exit status after --help (0), wrong flags (2, told on stderr already) or SIGTERM (143)."""
    status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    if status == 2:
        console.event("error", message="the command line cannot be used; stderr says why", status=2)
    elif status:
        console.failed("terminated" if status > 128 else f"stopped: {stop.code}", status)
    return status


@contextmanager
def _terminable() -> Iterator[None]:
    """Let the first SIGTERM unwind the stack, so that temporary files are removed; later ones do not disturb that."""

    def leave(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # only there can signals be handled
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
