"""How a slice is read in k-space while it moves: :class:`Reading`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import grid_sample

from .kspace import frequencies, magnitude, parts_of, product

FloatArray = npt.NDArray[np.float64]


class Reading:
    """Each line of k-space is read in a pose of its own.

    Parameters
    ----------
    poses
        ``(phase, 3)``: the angle in degrees and the shifts in mm along the phase-encoding and the read-out axis in
        which each line is read, in the order of the Fourier transform. The slice is turned about its middle, and then
        shifted.
    shape
        Voxels along the phase-encoding and the read-out axis.
    spacing
        Millimetres per voxel along these.
    device
        Where slices are.
    """

    def __init__(
        self, poses: FloatArray, shape: tuple[int, int], spacing: tuple[float, float], device: torch.device
    ) -> None:
        angles = poses[:, 0]
        self._runs = np.split(np.arange(len(angles)), np.flatnonzero(np.diff(angles)) + 1)
        self._angles = angles
        self._grids = {a: _turned(shape, spacing, a).to(device) for a in np.unique(angles) if a != 0}
        there = poses[:, 1:2] / spacing[0] * frequencies(shape[0])[:, None] / shape[0]
        there = there + poses[:, 2:3] / spacing[1] * frequencies(shape[1]) / shape[1]
        self._shift = parts_of(np.exp(-2j * np.pi * there), device)

    def take(self, slices: torch.Tensor) -> torch.Tensor:
        """Return the image of slices ``(slice, phase, read)``; what comes in from outside is like the border."""
        signal = torch.empty(slices.shape, dtype=torch.complex64, device=slices.device)
        for angle in np.unique(self._angles):
            grid = self._grids.get(angle)
            posed = slices
            if grid is not None:
                posed = grid_sample(slices[None], grid, padding_mode="border", align_corners=False)[0]
            half = torch.fft.rfft2(posed)
            for run in self._runs:
                if self._angles[run[0]] == angle:
                    signal[:, run[0] : run[-1] + 1] = _lines(half, run, slices.shape[2])
        back = torch.fft.ifft2(product(signal, self._shift))
        return magnitude(back.real, back.imag)


def _lines(half: torch.Tensor, run: npt.NDArray[np.int64], size: int) -> torch.Tensor:
    """Return whole lines of a real image's transform, of which half is known: the rest mirrors it."""
    opposite = torch.from_numpy(-run % half.shape[1]).to(half.device)
    mirrored = half[:, opposite, 1 : (size + 1) // 2].conj().flip(2)
    return torch.cat([half[:, run[0] : run[-1] + 1], mirrored], dim=2)


def _turned(shape: tuple[int, int], spacing: tuple[float, float], angle: float) -> torch.Tensor:
    """Return from where each voxel of a turned slice comes, as ``grid_sample`` wants it: ``(1, phase, read, 2)``."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    half = [0.5 * n * s for n, s in zip(shape, spacing, strict=True)]
    rows, columns = ((np.arange(n) + 0.5) * s - h for n, s, h in zip(shape, spacing, half, strict=True))
    row, column = (cos * rows[:, None] - sin * columns) / half[0], (sin * rows[:, None] + cos * columns) / half[1]
    return torch.from_numpy(np.stack([column, row], axis=-1).astype(np.float32))[None]
