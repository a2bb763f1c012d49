"""``medsynth example``: pictures of what is rendered from a label map; needs no data."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from ..core.case import Case
from ..core.progress import Job, Progress
from .console import Console

if TYPE_CHECKING:
    from PIL import Image

    from ..datasets.planes import Plane

#: Voxels of the phantom, of about 1.6 mm.
_SIZE = (160, 96, 96)

#: Pixels per millimetre.
_SCALE = 1.3

_ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_GAP, _TITLE, _BACK, _TEXT = 6, 22, (18, 18, 20), (226, 226, 226)


@dataclass(frozen=True, kw_only=True)
class Example:
    """Draw what becomes of one label map: the lumbar spine of a phantom, which is made first.

    synth: the labels, and images of them with other contrasts, shapes and scanners, each over its own labels.
    contrast: one anatomy and one scanner, from T1 to T2.
    """

    demo: Annotated[Literal["synth", "contrast"], arg(help="what to draw")] = "synth"
    output_dir: Annotated[Path, arg(aliases=("-o",), help="folder to write to")] = Path("example")
    seed: Annotated[int, arg(help="seed of all random draws")] = 7

    def run(self, console: Console) -> None:
        """Make the phantom, render it, draw."""
        from ..io import write_bytes

        demos: dict[str, Callable[[int], Job[bytes]]] = {"synth": _synth, "contrast": _contrast}
        picture = console.finish(demos[self.demo](self.seed))
        path = self.output_dir / f"{self.demo}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, picture)
        console.wrote(path)


def _synth(seed: int) -> Job[bytes]:
    """Render T1, T2 and random contrasts, two of each, and draw them over their labels."""
    from ..rendering.step import Render

    steps = {
        "T1": Render(preset="spine-t1"),
        "T2": Render(preset="spine-t2"),
        "random": Render(preset="spine-t1", random_contrast=1.0),
    }
    spine = yield from _spine(seed, 2 * len(steps) + 1)
    columns = [("labels", _sagittal(spine), False)]
    for number in range(2 * len(steps)):
        name = list(steps)[number % len(steps)]
        yield Progress(number + 1, 2 * len(steps) + 1, f"rendering {name}")
        columns.append((name, _sagittal(steps[name](spine, seed=seed, index=number)), True))
    return _sheet(columns)
