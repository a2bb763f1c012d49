"""``medsynth example``: pictures of what is rendered from a label map and learned from it; needs no data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

from tyro.conf import arg

from ..core.case import Case
from ..core.labels import LabelMap
from ..core.progress import Job, Progress
from ..core.volume import Volume
from .console import Console

if TYPE_CHECKING:
    from PIL import Image

    from .example_drawing import Column

#: Voxels of the phantom, along z, y, x: about 1.3 mm, 1.6 mm from right to left.
_SIZE = (200, 116, 96)

#: Pixels per millimetre.
_SCALE = 1.3

_ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, kw_only=True)
class Example:
    """Draw what becomes of label maps: lumbar spines of phantoms, which are made first.

    synth: the labels, and images of other contrasts, shapes and scanners with their own labels. contrast: one anatomy
    and one scanner, from T1 to T2. training: examples, and how the loss falls in some steps of training on them.
    inference: spines that a network never saw, segmented by one that learned from rendered label maps for seconds.
    """

    demo: Annotated[Literal["synth", "inference", "training", "contrast", "all"], arg(help="what to draw")] = "all"
    output_dir: Annotated[Path, arg(aliases=("-o",), help="folder to write to")] = Path("example")
    seed: Annotated[int, arg(help="seed of all random draws")] = 7

    def run(self, console: Console) -> None:
        """Make the phantoms, render and train, draw."""
        from ..io import write_bytes
        from .example_drawing import png

        for name, job in JOBS.items():
            if self.demo in (name, "all"):
                path = self.output_dir / f"{name}.png"
                write_bytes(path, png(console.finish(job(self.seed))))
                console.wrote(path)


def _synth(seed: int) -> Job[Image.Image]:
    """Render T1, T2 and random contrasts, two of each."""
    from ..rendering.step import Render
    from .example_drawing import Column, sheet

    steps = {
        "T1": Render(preset="spine-t1"),
        "T2": Render(preset="spine-t2"),
        "random": Render(preset="spine-t1", random_contrast=1.0),
    }
    names = [*steps, *steps]
    yield Progress(0, len(names) + 1, "making a spine")
    spine = _spine(seed)
    columns = [_labels(spine)]
    for number, name in enumerate(names):
        yield Progress(number + 1, len(names) + 1, f"rendering {name}")
        columns.append(Column(name, _sagittal(steps[name](spine, seed=seed, index=number))))
    return sheet(columns)


def _contrast(seed: int) -> Job[Image.Image]:
    """Render one anatomy with one scanner at each alpha."""
    from ..compat.spine import SpineSynthGenerator
    from .example_drawing import Column, sheet

    yield Progress(0, len(_ALPHAS) + 1, "making a spine")
    spine = _spine(seed)
    labels = cast("LabelMap", spine.labels)
    generator = SpineSynthGenerator(resolution_range=(1.0, 1.5), seed=seed)
    columns = [_labels(spine)]
    for number, alpha in enumerate(_ALPHAS, 1):
        yield Progress(number, len(_ALPHAS) + 1, f"rendering alpha {alpha}")
        image = Volume(generator.image(labels, 0, alpha), labels.affine, "MR")
        columns.append(Column(f"alpha {alpha}", _sagittal(replace(spine, image=image))[:1]))
    return sheet(columns)


def _training(seed: int) -> Job[Image.Image]:
    """Train for some steps."""
    from .example_learning import training

    return (yield from training(seed))


def _inference(seed: int) -> Job[Image.Image]:
    """Train for some seconds and segment."""
    from .example_learning import inference

    return (yield from inference(seed))


#: What is drawn, by its name.
JOBS: dict[str, Callable[[int], Job[Image.Image]]] = {
    "synth": _synth,
    "contrast": _contrast,
    "training": _training,
    "inference": _inference,
}


def _spine(seed: int) -> Case:
    """Make the lumbar spine of a phantom: a label map, with a table of what its values are."""
    from ..phantom.step import Phantom

    step = Phantom(anatomy="torso", region="lumbar spine", image_size=_SIZE, scenario="normal_complete")
    return replace(step(Case(id="spine"), seed=seed), image=None, history=())


def _labels(case: Case) -> Column:
    from PIL import ImageEnhance

    from .example_drawing import Column

    return Column("labels", (ImageEnhance.Brightness(_sagittal(case)[1]).enhance(2.0),))


def _sagittal(case: Case) -> tuple[Image.Image, Image.Image]:
    """Cut the plane through most of the spine: the image, and the spine's labels over it."""
    from ..datasets.planes import planes_of, shown_structures
    from ..phantom.catalogue import catalogue

    spine = catalogue("torso").members(["spine"])
    structures = shown_structures(case, [entry.name for entry in catalogue("torso").targets if entry.name in spine])
    return planes_of(case, structures)[2].drawn(_SCALE, [structure.colour for structure in structures])
