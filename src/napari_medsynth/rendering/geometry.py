"""Where each voxel of the result comes from: :class:`Geometry`."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.functional import grid_sample

from ..core.box import Box
from ..core.errors import GridError
from ..core.rng import stream
from .fields import SmoothField
from .lattice import Lattice, Shape
from .warp import matrix, node_distances
from .workers import side_by_side

#: Each doubles a small displacement: 2⁷ steps, as in SynthSeg.
_SQUARINGS = 7


class Geometry:
    """Crop, warp and flip of one rendering, composed: each voxel of the result is looked up once.

    The affine part, the displacement and the flip are one coarse grid of places, linear in between, so that together
    they cost what any of them costs. The crop, and the window inside it, only say which voxels of the result are made:
    each of them is the same as in the whole.

    Parameters
    ----------
    lattice
        The voxels of the label map.
    params
        What :class:`Render` drew; ``crop``, ``warp`` and ``flip`` are read.
    device
        Where lookups happen.
    window
        Only this part of the result, counted from the crop's first voxel.

    Attributes
    ----------
    shape
        Voxels ``(z, y, x)`` of the result.
    start
        The first of them on the label map's lattice.
    """

    def __init__(
        self,
        lattice: Lattice,
        params: Mapping[str, Any],
        device: str | torch.device = "cpu",
        window: Box | None = None,
    ) -> None:
        box = _box(lattice, params["crop"], window)
        self.shape: Shape = box.shape  # type: ignore[assignment]
        self.start: Shape = box.start  # type: ignore[assignment]
        self._lattice = lattice
        self._mirrored = params["flip"]["axis"] if params["flip"] else None
        self._places = None
        if params["warp"]:
            places = source_places(lattice, params["warp"])
            if self._mirrored is not None:
                places = places.flip(1 + self._mirrored)
            self._places = SmoothField(places, lattice.shape, device, box)

    def labels(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the labels of the result: those nearest to the places that its voxels come from.

        Values are not exchanged between left and right; :meth:`Codes.swapped` does that without touching a voxel.

        Parameters
        ----------
        tensor
            ``(z, y, x)`` of any type on the label map's lattice and this geometry's device. It may be returned itself.
        """
        if self._places is None:
            return self._unwarped(tensor)
        places, out, flat = self._places, tensor.new_empty(self.shape), tensor.reshape(-1)
        room = _Room(tensor)

        def look_up(number: int, start: int, stop: int) -> None:
            here, index = room.of((3, stop - start, *self.shape[1:]))
            at = flat_index(places.slab(start, stop, out=here), self._lattice.shape, out=index)
            torch.index_select(flat, 0, at.view(-1), out=out[start:stop].view(-1))

        for _ in side_by_side(look_up, self.shape, tensor.device):
            pass
        return out

    def image(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return an image on the result's voxels, interpolated linearly; beyond the edge the nearest voxel.

        Parameters
        ----------
        tensor
            ``(…, z, y, x)`` float32 on the label map's lattice and this geometry's device; leading axes are channels.
            It may be returned itself.
        """
        if self._places is None:
            return self._unwarped(tensor)
        places, channels = self._places, tensor.reshape(1, -1, *tensor.shape[-3:])
        out, size = tensor.new_empty((channels.shape[1], *self.shape)), _sizes(self._lattice.shape, tensor.device)

        def interpolate(number: int, start: int, stop: int) -> None:
            out[:, start:stop] = _sampled(channels, places.slab(start, stop), size)[0]

        for _ in side_by_side(interpolate, self.shape, tensor.device):
            pass
        return out.view(*tensor.shape[:-3], *self.shape)

    def _unwarped(self, tensor: torch.Tensor) -> torch.Tensor:
        for axis, (start, size) in enumerate(zip(self.start, self.shape, strict=True)):
            first = self._lattice.shape[axis] - start - size if axis == self._mirrored else start
            tensor = tensor.narrow(axis - 3, first, size)
        return tensor.contiguous() if self._mirrored is None else tensor.flip(self._mirrored - 3)


class _Room(threading.local):
    """Memory that each thread works in, made once: what is fresh has to be cleared by the system each time."""

    def __init__(self, looked_up: torch.Tensor) -> None:
        self._whole = torch.int32 if looked_up.numel() < 2**31 else torch.int64
        self._device = looked_up.device
        self._arrays: tuple[torch.Tensor, torch.Tensor] | None = None

    def of(self, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a float32 array and one of whole numbers, of ``shape``."""
        if self._arrays is None or self._arrays[0].numel() < math.prod(shape):
            places = torch.empty(math.prod(shape), device=self._device)
            self._arrays = places, torch.empty_like(places, dtype=self._whole)
        places, whole = (array[: math.prod(shape)].view(shape) for array in self._arrays)
        return places, whole


def source_places(lattice: Lattice, warp: Mapping[str, Any]) -> torch.Tensor:
    """Return the places that nodes of the result come from, ``(3, a, b, c)`` float32.

    Component ``n`` is along axis ``n``, in voxels from the outer edge of the first one: voxel ``i`` is from ``i`` to
    ``i + 1``. The nodes' corners are the centres of the result's corner voxels.

    Parameters
    ----------
    lattice
        The voxels of the label map, and of the result before the crop.
    warp
        What :class:`Warp` drew.
    """
    moved = displacement(lattice, warp["elastic"])
    spacing = np.array(lattice.spacing)
    half = (np.array(lattice.shape) - 1) / 2 * spacing
    ticks = [
        np.linspace(-h, h, count) if count > 1 else np.zeros(1) for h, count in zip(half, moved.shape[1:], strict=True)
    ]
    x = np.stack(np.meshgrid(*ticks, indexing="ij")) + moved.numpy().astype(np.float64)
    shift = np.reshape(warp["translation"], (3, 1, 1, 1))
    source = np.einsum("ij,jzyx->izyx", matrix(warp), x - shift)
    places = (source + half.reshape(3, 1, 1, 1)) / spacing.reshape(3, 1, 1, 1) + 0.5
    return torch.from_numpy(places.astype(np.float32))


def displacement(lattice: Lattice, elastic: Mapping[str, Any] | None) -> torch.Tensor:
    """Return the elastic displacement in mm at its nodes, ``(3, a, b, c)`` float32; 0 if there is none.

    Integrated, it is the flow after unit time of the velocities that were drawn, by scaling and squaring (Arsigny et
    al., MICCAI 2006), and its nodes lie half as far apart. There are two nodes at least along each axis of more than
    one voxel.
    """
    moving = [size > 1 for size in lattice.shape]
    if elastic is None:
        return torch.zeros(3, *(1 + moves for moves in moving))
    nodes = stream(elastic["seed"]).standard_normal((3, *elastic["nodes"]))
    nodes *= elastic["std"] * np.reshape(moving, (3, 1, 1, 1))
    velocity = torch.from_numpy(nodes.astype(np.float32))
    return _flow(_finer(velocity, lattice, 2), lattice) if elastic["integrate"] else _finer(velocity, lattice, 1)


def _finer(field: torch.Tensor, lattice: Lattice, times: int) -> torch.Tensor:
    """Return a field at ``times`` as many nodes, and at two at least along each axis of more than one voxel."""
    z, y, x = (
        1 if size == 1 else max(times * (nodes - 1), 1) + 1
        for size, nodes in zip(lattice.shape, field.shape[1:], strict=True)
    )
    return SmoothField(field, (z, y, x)).slab(0, z)


def _flow(velocity: torch.Tensor, lattice: Lattice) -> torch.Tensor:
    """Return where a flow with these velocities has taken its nodes after unit time, by scaling and squaring."""
    counts = velocity.shape[1:]
    step = torch.tensor(node_distances(lattice, counts)).view(3, 1, 1, 1)
    per_node = torch.where(step > 0, 1 / step, 0)  # along an axis of one node nothing moves
    size = _sizes(counts, velocity.device)
    here = torch.stack(torch.meshgrid(*(torch.arange(count) + 0.5 for count in counts), indexing="ij"))
    moved = velocity * 0.5**_SQUARINGS
    for _ in range(_SQUARINGS):
        moved = moved + _sampled(moved[None], here + moved * per_node, size)[0]
    return moved


def _sizes(shape: Sequence[int], device: torch.device) -> torch.Tensor:
    """Return a shape as what places are compared with, ``(3, 1, 1, 1)``."""
    return torch.tensor(shape, dtype=torch.float32, device=device).view(3, 1, 1, 1)


def _sampled(images: torch.Tensor, places: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
    """Interpolate ``(1, k, z, y, x)`` linearly at ``places`` ``(3, …)`` in voxels from its edge; edges are repeated."""
    grid = (places * 2 / size - 1).flip(0).movedim(0, -1)  # (x, y, z), -1 … 1 from edge to edge
    found: torch.Tensor = grid_sample(images, grid[None], mode="bilinear", padding_mode="border", align_corners=False)
    return found


def flat_index(places: torch.Tensor, shape: Shape, out: torch.Tensor) -> torch.Tensor:
    """Return the flat index of the voxels in which ``places`` lie.

    Float32 holds whole numbers up to 2²⁴ only, so that places become whole numbers before they are put together.

    Parameters
    ----------
    places
        ``(3, …)`` float32 along ``(z, y, x)``, in voxels from the outer edge of the first one; overwritten. Places
        outside belong to the nearest voxel.
    shape
        Voxels that can be looked up.
    out
        ``(3, …)`` of a whole type that can count them; overwritten. The result is a part of it.
    """
    for place, size in zip(places, shape, strict=True):
        place.clamp_(0, size - 0.5)
    z, y, x = out.copy_(places)
    torch.add(y, z, alpha=shape[1], out=y)
    return torch.add(x, y, alpha=shape[2], out=x)


def _box(lattice: Lattice, crop: Mapping[str, Any] | None, window: Box | None) -> Box:
    """Return what is made of the result as a box on the label map's lattice."""
    start = crop["start"] if crop else (0, 0, 0)
    shape = crop["shape"] if crop else lattice.shape
    whole = Box(tuple(start), tuple(a + n for a, n in zip(start, shape, strict=True)))
    box = whole if window is None else window.shifted(start)
    inside = box.within(whole)
    if whole != whole.clipped(lattice.shape) or box.is_empty or inside != inside.clipped(whole.shape):
        found = f"crop {whole.start}–{whole.stop} and window {window} of a label map of shape {lattice.shape}"
        raise GridError(f"{found}; expected a window inside the crop, and that inside the label map")
    return box
