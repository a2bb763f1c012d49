"""From a label map to an image of it: :func:`rendering`."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..core.box import Box
from ..core.case import Case
from ..core.labels import LabelMap, LabelTable
from ..core.progress import Job, Progress, finish, told_as
from ..core.volume import Volume
from .acquisition import Acquisition
from .bias import log_field
from .codes import Codes
from .geometry import Geometry
from .intensity import Adjustment
from .lattice import Lattice
from .naming import relabelled
from .painter import Painter, noise_seed
from .presets import preset
from .stages import ARTEFACTS
from .workers import side_by_side

if TYPE_CHECKING:
    from .step import Render

#: What is done for each channel, one after another.
_PHASES = ("paint", "scan", "bring back to the label map's voxels")


def rendering(
    case: Case,
    labels: LabelMap,
    params: Mapping[str, Any],
    step: Render,
    *,
    device: str | torch.device = "cpu",
    window: Box | None = None,
) -> Job[Case]:
    """Give a case an image, and its labels as they are in that image.

    Nothing is drawn and nothing is read: the same params give the same bits, for any number of threads.

    Parameters
    ----------
    case
        Its instances, if it has any, are taken through the same crop, warp and flip.
    labels
        Its labels, with names and tissues.
    params
        What ``step`` drew.
    step
        Which labels are kept, and on which grid the result lies.
    device
        Where it is made. Noise of a GPU is its own; all else agrees to rounding.
    window
        Make only this box of the result ``(z, y, x)``, counted from the crop's first voxel. Labels in it are those of
        the whole; so are intensities, but for the noise, what is blurred over the box's edges, and the box's own range.

    Returns
    -------
    Case
        ``image`` is float32. Where the stage *intensity* normalises, it lies in 0 … 1 before artefacts, which can take
        it a little beyond; else it is in the unit of the intensities. CT that is not normalised is in whole HU.
    """
    scene = _Scene(labels, params, step, torch.device(device), window)
    images = yield from scene.images()
    affine = labels.affine.shifted(scene.geometry.start)
    if scene.grid is not None:
        affine = scene.grid.affine(affine)
    flat = labels.ndim == 2
    array = np.stack([image.cpu().numpy() for image in images]) if len(images) > 1 else images[0].cpu().numpy()[None]
    array = array[:, 0] if flat else array

    def decoded(codes: Codes, found: torch.Tensor, table: LabelTable) -> LabelMap:
        values = codes.decoded(found)
        return LabelMap(values[0] if flat else values, affine, table)

    made = decoded(_outcome(scene.codes, labels, step), scene.labels(), relabelled(labels.table, dict(step.relabel)))
    instances = None
    if case.instances is not None:
        codes = Codes.of(case.instances, scene.device)
        instances = decoded(codes, scene.carried(codes.tensor), case.instances.table)
    several = len(images) > 1
    image = Volume(array if several else array[0], affine, _modality(params, 0), channels=several)
    return Case(id=case.id, image=image, labels=made, instances=instances, history=case.history)


def rendered(
    case: Case,
    labels: LabelMap,
    params: Mapping[str, Any],
    step: Render,
    *,
    device: str | torch.device = "cpu",
    window: Box | None = None,
) -> Case:
    """Run :func:`rendering` to its end."""
    return finish(rendering(case, labels, params, step, device=device, window=window))


def render_tensor(
    labels: LabelMap, params: Mapping[str, Any], step: Render, *, device: str | torch.device = "cpu"
) -> tuple[torch.Tensor, torch.Tensor]:
    """Render a label map for training: nothing leaves the device.

    Parameters
    ----------
    labels
        With names and tissues.
    params
        What ``step`` drew.
    step
        Which labels are kept, and on which grid the result lies.
    device
        Where it is made.

    Returns
    -------
    image
        ``(c, z, y, x)`` float32.
    labels
        ``(z, y, x)`` int64.
    """
    scene = _Scene(labels, params, step, torch.device(device), None)
    images = finish(scene.images())
    table = torch.from_numpy(_outcome(scene.codes, labels, step).values).to(scene.device)
    return torch.stack(images), table[scene.labels().to(torch.int64)]


class _Scene:
    """One rendering under way."""

    def __init__(
        self, labels: LabelMap, params: Mapping[str, Any], step: Render, device: torch.device, window: Box | None
    ) -> None:
        lattice = Lattice.of(labels)
        self.device, self._params, self._window = device, params, window
        self.geometry = Geometry(lattice, params, device, window)
        codes = Codes.of(labels, device).renamed(dict(params["omitted"]))
        self._source = codes.tensor
        pairs = params["flip"]["swap"] if params["flip"] else []
        present = {int(value) for value, *_ in params["channels"][0]["intensities"]}
        self.codes = codes.swapped(pairs)
        # Intensities are those of the labels present: one whose partner is not keeps its own on the other side.
        self._painted_as = codes.swapped(pair for pair in pairs if present.issuperset(pair))
        crop = params["crop"]
        #: The voxels of the whole result, of which a window may be a part.
        self._lattice = Lattice(tuple(crop["shape"]), lattice.spacing) if crop else lattice
        self._part = Lattice(self.geometry.shape, lattice.spacing)
        #: The scanner's grid, if the result lies on it: the first channel's.
        self.grid = self._acquisition(0) if step.grid == "acquisition" else None
        self._warped = torch.empty(0, device=device)

    def images(self) -> Job[list[torch.Tensor]]:
        """Make all channels, ``(z, y, x)`` each."""
        count = len(self._params["channels"])
        total = 1 + len(_PHASES) * count
        yield Progress(0, total, "warp labels")
        self._warped = self.geometry.labels(self._source)
        images = []
        for number in range(count):
            progress = partial(_progress, 1 + len(_PHASES) * number, total)
            images.append((yield from told_as(self._image(number), progress)))
        return images

    def labels(self) -> torch.Tensor:
        """Return the codes of the result's labels; :meth:`images` comes first."""
        return self._warped if self.grid is None else self.grid.labels(self._warped)

    def carried(self, tensor: torch.Tensor) -> torch.Tensor:
        """Take other labels on the same grid to where those of the result are."""
        found = self.geometry.labels(tensor)
        return found if self.grid is None else self.grid.labels(found)

    def _acquisition(self, number: int) -> Acquisition:
        return Acquisition(self._part, self._params["channels"][number]["resolution"], self.device)

    def _image(self, number: int) -> Generator[int, None, torch.Tensor]:
        """Make one channel, yielding the number of the phase that it is in."""
        channel = self._params["channels"][number]
        image = torch.empty(self.geometry.shape, device=self.device)
        adjustment = yield from self._painted(number, image)
        scanner = self.grid or self._acquisition(number)
        low = yield from told_as(scanner.taking(image, adjustment), lambda _: 1)
        for stage in ARTEFACTS:
            drawn = channel[stage.name]
            low = stage.apply(low, drawn, scanner.lattice) if drawn else low
            yield 1
        if self.grid is None:
            low = yield from told_as(scanner.bringing_back(low, out=image), lambda _: 2)
        is_hu = _modality(self._params, number) == "CT" and not (channel["intensity"] or {}).get("normalise")
        return low.round_() if is_hu else low

    def _painted(self, number: int, image: torch.Tensor) -> Generator[int, None, Adjustment | None]:
        """Paint a channel, with its bias field; return what is to be done with its range."""
        channel = self._params["channels"][number]
        seed = noise_seed(self._params["seed"], number)
        painter = Painter(self._warped, self._painted_as, channel, seed, self._lattice, self._window)
        bias, intensity = channel["bias_field"], channel["intensity"]
        field = log_field(bias, self._lattice, self.device, self._window) if bias and bias["std"] > 0 else None
        ranges: list[tuple[float, float]] = []

        def paint(part: int, start: int, stop: int) -> None:
            out = image[start:stop]
            painter.paint(part, start, stop, out)
            if field is not None:
                out.mul_(field.slab(start, stop)[0].exp_())
            if intensity:
                low, high = torch.aminmax(out)
                ranges.append((float(low), float(high)))

        for _ in side_by_side(paint, self.geometry.shape, self.device):
            yield 0
        if not intensity:
            return None
        return Adjustment(intensity, min(low for low, _ in ranges), max(high for _, high in ranges))


def _progress(before: int, total: int, phase: int) -> Progress:
    return Progress(before + phase, total, _PHASES[phase])


def _outcome(codes: Codes, labels: LabelMap, step: Render) -> Codes:
    """Return codes that stand for what the result calls them: background, unless they are kept."""
    values = set(codes.values.tolist())
    context = {entry.value for entry in labels.table if entry.context}
    kept = values - context if step.targets is None else values & set(step.targets)
    names = dict(step.relabel)
    return codes.renamed({value: names.get(value, value) if value in kept else 0 for value in values})


def _modality(params: Mapping[str, Any], number: int) -> str:
    return preset(params["channels"][number]["preset"]).modality
