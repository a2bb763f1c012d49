"""What the shifts do to an image, by the stages of rendering; see :mod:`.shifts`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from ..core.box import Box
from ..core.case import Case
from ..core.errors import ConfigError
from ..core.labels import LabelMap
from ..core.rng import child_seed
from ..core.volume import Volume
from ..rendering.acquisition import Acquisition
from ..rendering.artefacts.kspace import axes_of, floor_of
from ..rendering.artefacts.motion import Motion
from ..rendering.artefacts.noise import Noise
from ..rendering.bias import log_field
from ..rendering.carrying import carry
from ..rendering.grid import grid_params
from ..rendering.intensity import Adjustment
from ..rendering.lattice import Lattice
from ..rendering.stage import Params

Part = TypeVar("Part", Volume, LabelMap)
Rng = np.random.Generator

#: Standard deviation of a Gaussian whose full width at half its height is 1.
_SIGMA = 1 / math.sqrt(8 * math.log(2))

#: Distance between the nodes of a bias field, about.
_NODES_MM = 100.0

#: When the patient moves, as shares of the time that the image takes.
_MOVES_AT = (0.35, 0.46, 0.54, 0.65)

#: Percentiles that an image's range is taken to lie between: single bright voxels do not count.
_RANGE = (0.5, 99.5)


def coarser(image: Volume, level: float, rng: Rng) -> Volume:
    """Take an image in voxels ``level`` times as large along both axes of its slices, and bring it back to its grid.

    Slices lie across the axis with the thickest voxels, the first of them if there are several. What the larger voxels
    see is Gaussian with a full width at half maximum of a voxel, less what the image's own voxels blurred already
    (Cardoso et al., "Scale factor point spread function matching", MICCAI 2015).
    """
    return _taken(image, level, axes_of(Lattice.of(image))[1:])


def thicker(image: Volume, level: float, rng: Rng) -> Volume:
    """Take a volume in slices ``level`` times as thick, as :func:`coarser` does, and bring it back to its grid."""
    return _taken(image, level, axes_of(Lattice.of(image))[:1])


def noisier(image: Volume, level: float, rng: Rng) -> Volume:
    """Add noise of a deviation of ``level`` times the image's range: Rician, but in CT and where values are negative.

    The range is that of the 0.5th to the 99.5th percentile.
    """
    lattice, seed = Lattice.of(image), child_seed(rng)
    rician = image.modality != "CT" and image.array.min() >= 0
    low, high = np.percentile(image.array, _RANGE)
    params = {"std": level * float(high - low), "seed": seed, "swap": False, "coils": int(rician), "g_factor": 1.0}
    return _each_channel(image, lambda part: Noise.apply(part, params, lattice))


def uneven(image: Volume, level: float, rng: Rng) -> Volume:
    """Multiply an image by the exponential of a smooth random field whose mean is 0 and whose deviation is ``level``.

    The field is rendering's, with a node every 100 mm or so: coils and tissue change brightness over such distances. An
    image with negative values is taken relative to its lowest one.
    """
    lattice = Lattice.of(image)
    nodes = [
        1 if n == 1 else max(2, 1 + round(e / _NODES_MM)) for n, e in zip(lattice.shape, lattice.extent, strict=True)
    ]
    params = {"std": 1.0, "nodes": nodes, "seed": child_seed(rng)}
    field = log_field(params, lattice, torch.device("cpu")).slab(0, lattice.shape[0])[0]
    field = (field - field.mean()).mul_(level / float(field.std(correction=0).clamp_min(1e-6))).exp_()

    def change(part: torch.Tensor) -> torch.Tensor:
        floor = floor_of(part)
        return part.sub_(floor).mul_(field).add_(floor)

    return _each_channel(image, change)


def moved(image: Volume, level: float, rng: Rng) -> Volume:
    """Take an image of a patient who moves four times with a strength of ``level``, as rendering does.

    Where to is drawn, but not when: movement far from the middle of k-space would hardly show, whatever its strength.
    """
    lattice, count = Lattice.of(image), len(_MOVES_AT)
    params = Motion(strength=(level, level), movements=(count, count)).draw(lattice, rng)
    params["poses"] = [[time, *pose[1:]] for time, pose in zip(_MOVES_AT, params["poses"], strict=True)]
    return _each_channel(image, lambda part: Motion.apply(part, params, lattice))


def bent(image: Volume, level: float, rng: Rng) -> Volume:
    """Raise an image to the power ``level``, its range taken as 0 … 1; what lies beyond the range is clipped."""
    return _adjusted(image, {"gamma": level, "invert": False})


def inverted(image: Volume, level: float, rng: Rng) -> Volume:
    """Exchange bright and dark in the image's range; what lies beyond the range is clipped."""
    if level not in (0, 1):
        raise ConfigError(f"inversion shift has level {level:g}; expected 0 or 1")
    return _adjusted(image, {"gamma": 1.0, "invert": True})


def turned(case: Case, level: float, rng: Rng) -> Case:
    """Turn all of a case in the plane of its slices by ``level`` degrees about the middle, to a side that is drawn.

    What comes in from outside has the image's lowest value and is background.
    """
    degrees = level * (1 if rng.random() < 0.5 else -1)

    def change(part: Part | None) -> Part | None:
        return None if part is None else _turned(part, degrees)

    return replace(
        case,
        image=change(case.image),
        labels=change(case.labels),
        instances=change(case.instances),
        host=change(case.host),
    )


def _taken(image: Volume, level: float, axes: Sequence[int]) -> Volume:
    lattice = Lattice.of(image)
    voxel, sigma = list(lattice.spacing), [0.0, 0.0, 0.0]
    for axis in axes:
        voxel[axis] *= level
        sigma[axis] = _SIGMA * math.sqrt(level**2 - 1) * lattice.spacing[axis]
    scanner = Acquisition(lattice, {"voxel": voxel, "sigma": sigma})
    return _each_channel(image, lambda part: scanner.back(scanner.take(part)))


def _adjusted(image: Volume, params: Params) -> Volume:
    low, high = (float(end) for end in np.percentile(image.array, _RANGE))
    adjust = Adjustment({"clip": None, "normalise": False, **params}, low, high)

    def change(part: torch.Tensor) -> torch.Tensor:
        adjust(part)
        return part

    return _each_channel(image, change)


def _turned(part: Part, degrees: float) -> Part:
    """Turn an image or label map; a frame of one voxel of background is what lies outside of it."""
    lattice = Lattice.of(part)
    rotation = [0.0, 0.0, 0.0]
    rotation[axes_of(lattice)[0]] = degrees
    warp = {"rotation": rotation, "scaling": [1.0] * 3, "shearing": [0.0] * 6, "translation": [0.0] * 3}
    framed = _framed(part)
    params = {"drawn_on": grid_params(framed), "crop": None, "flip": None, "warp": {**warp, "elastic": None}}
    made = carry(framed, {**params, "channels": [{"resolution": None}]})
    start = (1,) * part.ndim
    return replace(made.crop(Box(start, tuple(n + 1 for n in part.shape))), affine=part.affine)


def _framed(part: Part) -> Part:
    leading = part.array.ndim - part.ndim
    outside = 0 if isinstance(part, LabelMap) else part.array.min()
    frame = [(0, 0)] * leading + [(1, 1)] * part.ndim
    array = np.pad(part.array, frame, constant_values=outside)
    return replace(part, array=array, affine=part.affine.shifted((-1,) * part.ndim if part.ndim == 3 else (0, -1, -1)))


def _each_channel(image: Volume, change: Callable[[torch.Tensor], torch.Tensor]) -> Volume:
    """Return an image each channel of which ``change`` has made anew of ``(z, y, x)`` float32 that is its own."""
    channels = image.array.astype(np.float32).reshape(-1, *image.shape3)
    made = [change(torch.from_numpy(channel.copy())).numpy() for channel in channels]
    return replace(image, array=np.stack(made).reshape(image.array.shape))
