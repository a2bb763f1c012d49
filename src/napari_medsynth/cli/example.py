"""``medsynth example``: pictures of what is rendered from a label map; needs no data."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, cast

from tyro.conf import arg

from ..core.case import Case
from ..core.labels import LabelMap
from ..core.progress import Job, Progress
from ..core.volume import Volume
from .console import Console

if TYPE_CHECKING:
    from PIL import Image

#: Voxels of the phantom, along z, y, x: about 1.3 mm, 1.6 mm from right to left.
_SIZE = (200, 116, 96)

#: Pixels per millimetre.
_SCALE = 1.3

_ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_GAP, _TITLE, _BACK, _TEXT = 6, 22, (18, 18, 20), (226, 226, 226)


class _Column(NamedTuple):
    """Pictures of one size above each other, and what stands over them."""

    title: str
    pictures: tuple[Image.Image, ...]


@dataclass(frozen=True, kw_only=True)
class Example:
    """Draw what becomes of one label map: the lumbar spine of a phantom, which is made first.

    synth: the labels, and images of other contrasts, shapes and scanners with their own labels. contrast: one anatomy
    and one scanner, from T1 to T2.
    """

    demo: Annotated[Literal["synth", "contrast"], arg(help="what to draw")] = "synth"
    output_dir: Annotated[Path, arg(aliases=("-o",), help="folder to write to")] = Path("example")
    seed: Annotated[int, arg(help="seed of all random draws")] = 7

    def run(self, console: Console) -> None:
        """Make the phantom, render it, draw."""
        from ..io import write_bytes

        demos = {"synth": _synth, "contrast": _contrast}
        columns = console.finish(demos[self.demo](self.seed))
        path = self.output_dir / f"{self.demo}.png"
        write_bytes(path, _sheet(columns))
        console.wrote(path)


def _synth(seed: int) -> Job[list[_Column]]:
    """Render T1, T2 and random contrasts, two of each."""
    from ..rendering.step import Render

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
        columns.append(_Column(name, _sagittal(steps[name](spine, seed=seed, index=number))))
    return columns


def _contrast(seed: int) -> Job[list[_Column]]:
    """Render one anatomy with one scanner at each alpha."""
    from ..compat.spine import SpineSynthGenerator

    yield Progress(0, len(_ALPHAS) + 1, "making a spine")
    spine = _spine(seed)
    labels = cast("LabelMap", spine.labels)
    generator = SpineSynthGenerator(resolution_range=(1.0, 1.5), seed=seed)
    columns = [_labels(spine)]
    for number, alpha in enumerate(_ALPHAS, 1):
        yield Progress(number, len(_ALPHAS) + 1, f"rendering alpha {alpha}")
        image = Volume(generator.image(labels, 0, alpha), labels.affine, "MR")
        columns.append(_Column(f"alpha {alpha}", _sagittal(replace(spine, image=image))[:1]))
    return columns


def _spine(seed: int) -> Case:
    """Make the lumbar spine of a phantom: a label map, with a table of what its values are."""
    from ..phantom.step import Phantom

    step = Phantom(anatomy="torso", region="lumbar spine", image_size=_SIZE, scenario="normal_complete")
    return replace(step(Case(id="spine"), seed=seed), image=None, history=())


def _labels(case: Case) -> _Column:
    from PIL import ImageEnhance

    return _Column("labels", (ImageEnhance.Brightness(_sagittal(case)[1]).enhance(2.0),))


def _sagittal(case: Case) -> tuple[Image.Image, Image.Image]:
    """Cut the plane through most of the spine: the image, and the spine's labels over it."""
    from ..datasets.planes import planes_of, shown_structures
    from ..phantom.catalogue import catalogue

    spine = catalogue("torso").members(["spine"])
    structures = shown_structures(case, [entry.name for entry in catalogue("torso").targets if entry.name in spine])
    return planes_of(case, structures)[2].drawn(_SCALE, [structure.colour for structure in structures])


def _sheet(columns: Sequence[_Column]) -> bytes:
    """Put columns beside each other; returns a PNG."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = columns[0].pictures[0].size
    rows = max(len(column.pictures) for column in columns)
    sheet = Image.new("RGB", (len(columns) * (width + _GAP) - _GAP, _TITLE + rows * (height + _GAP) - _GAP), _BACK)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for number, column in enumerate(columns):
        left = number * (width + _GAP)
        draw.text((left + 4, 2), column.title, fill=_TEXT, font=font)
        for row, picture in enumerate(column.pictures):
            sheet.paste(picture, (left, _TITLE + row * (height + _GAP)))
    data = io.BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()
