"""A part of the result, taken at random: only its voxels are made."""

from __future__ import annotations

import numpy as np

from ..core.errors import ConfigError
from .lattice import Lattice, Shape
from .stage import Params


def draw_crop(crop: Shape | None, lattice: Lattice, rng: np.random.Generator) -> Params | None:
    """Draw where a part of size ``crop`` begins; any place inside the lattice is as likely as any other.

    Parameters
    ----------
    crop
        Voxels ``(z, y, x)`` of the part; None takes the whole.
    lattice
        The voxels of the whole.
    rng
        Random stream of the crop.

    Returns
    -------
    params
        ``{"start": [z, y, x], "shape": [z, y, x]}`` in voxels, or None for the whole.

    Raises
    ------
    ConfigError
        If the part is larger than the whole.
    """
    if crop is None:
        return None
    if any(part > whole for part, whole in zip(crop, lattice.shape, strict=True)):
        found = f"Render.crop is {_size(crop)} voxels (z, y, x) and the label map {_size(lattice.shape)}"
        raise ConfigError(f"{found}; expected a crop that is no larger on any axis")
    start = [int(rng.integers(whole - part + 1)) for part, whole in zip(crop, lattice.shape, strict=True)]
    return {"start": start, "shape": list(crop)}


def _size(shape: Shape) -> str:
    return "×".join(str(n) for n in shape)
