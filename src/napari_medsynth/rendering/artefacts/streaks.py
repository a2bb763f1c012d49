"""What metal does in CT: streaks through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...core.rng import stream
from ..lattice import Lattice

HIGHEST = 0.3  #: typical height of streaks near the metal at strength 1, as a share of the image's range
METAL = 0.5  #: how far metal is above the brightest voxel, as a share of the image's range
ANGLES, RADII = 512, 256  #: of the table in polar coordinates
HARDENING, LASTING, PASSING = 1.0, 0.4, 0.25  #: parts of the error: beam hardening, noise of all slices, of each

FloatArray = npt.NDArray[np.float64]


def add_streaks(
    image: torch.Tensor, params: Mapping[str, Any], lattice: Lattice, centre: tuple[int, int, int]
) -> torch.Tensor:
    """Overwrite the slices (across the first axis) that a ball of metal touches.

    Too little radiation comes through metal, so each projection is wrong there by an amount that differs from angle to
    angle: by beam hardening smoothly, by noise at random. Filtered back projection draws each error as a bright or
    dark line through the metal with weaker lines of the other sign beside it. That is computed here in polar
    coordinates around the metal.

    Parameters
    ----------
    image
        ``(z, y, x)`` float32.
    params
        With ``strength``, ``seed``, and ``radius`` in mm.
    lattice
        The voxels of ``image``.
    centre
        The voxel in the middle of the ball.
    """
    lowest, highest = image.amin(), image.amax()
    radius = params["radius"]
    z, y, x = ((np.arange(n) - c) * s for n, c, s in zip(lattice.shape, centre, lattice.spacing, strict=True))
    distance = np.hypot(y[:, None], x)
    grid = _polar(distance, np.arctan2(y[:, None], x)).to(image.device)
    touched = np.flatnonzero(np.abs(z) < radius)
    table = _table(radius, float(distance.max()), len(touched), params["seed"])
    for number, streaks in zip(touched, table, strict=True):
        chord = float(np.sqrt(radius**2 - z[number] ** 2))
        height = HIGHEST * params["strength"] * chord / radius * (highest - lowest)
        share = torch.from_numpy(streaks.astype(np.float32)).to(image.device)[None, None]
        seen = torch.nn.functional.grid_sample(share, grid, padding_mode="border", align_corners=True)[0, 0]
        covered = np.clip((chord - distance) / min(lattice.spacing[1:]) + 0.5, 0, 1).astype(np.float32)
        metal = torch.from_numpy(covered).to(image.device)
        part = image[number]
        part += seen * height * (1 - metal) + metal * (highest + METAL * (highest - lowest) - part)
        part.clamp_(min=lowest)
    return image


def _polar(distance: FloatArray, angle: FloatArray) -> torch.Tensor:
    """Return where in the table each voxel ``(y, x)`` lies, as ``grid_sample`` wants it: ``(1, y, x, 2)``, -1 … 1."""
    across = 2 * np.mod(angle, np.pi) / np.pi - 1
    down = 2 * distance / max(distance.max(), 1e-6) - 1
    return torch.from_numpy(np.stack([across, down], axis=-1).astype(np.float32))[None]


def _table(radius: float, farthest: float, slices: int, seed: int) -> FloatArray:
    """Return streaks ``(slice, distance, angle)``, from 0 to ``farthest`` mm and over half a turn, both ends included.

    The filtered projection of a normal profile of width ``w`` is ``1 - 2 u D(u)`` with ``u = t / (w √2)`` and Dawson's
    integral ``D``: a peak between two valleys, with no area.
    """
    from scipy.special import dawsn

    angles = np.pi * np.arange(ANGLES) / ANGLES
    distances = np.linspace(0, farthest, RADII)
    u = distances[:, None] * np.sin(angles) / (0.5 * radius * np.sqrt(2))
    profile = np.fft.rfft(1 - 2 * u * dawsn(u))
    error = np.fft.rfft(_errors(angles, slices, seed))
    streaks = np.fft.irfft(profile * error[:, None], n=ANGLES)
    near = np.argmin(np.abs(distances - 3 * radius))
    streaks /= max(float(streaks[:, near].std()), 1e-12)
    return np.concatenate([streaks, streaks[..., :1]], axis=-1)


def _errors(angles: FloatArray, slices: int, seed: int) -> FloatArray:
    """Return how wrong the projection through the metal is at each angle, ``(slice, angle)``."""
    rng = stream(seed)
    hardening = -np.cos(2 * (angles - rng.uniform(0, np.pi)))
    lasting = rng.normal(size=len(angles))
    passing = rng.normal(size=(slices, len(angles)))
    return HARDENING * hardening + LASTING * lasting + PASSING * passing
