"""What a scanner adds to a painted anatomy: a bias field, noise, and whole numbers.

All of it is done in one pass, a chunk of slices at a time, so that a chunk is still in the cache when its next
operation comes. How the image is cut into chunks follows from its shape alone, and each chunk has a random stream of
its own, named by the seed and its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.noise import fill_normal, normal_quantiles
from ..core.rng import child_seed

FloatArray = npt.NDArray[np.float32]

_CHUNK = 1 << 16  #: voxels in a chunk, at least: three float32 arrays of them and the quantiles fit into 1 MiB


@dataclass(frozen=True)
class Scanner:
    """How an image is taken.

    Parameters
    ----------
    bias_field
        Largest relative change of the image by the bias field; 0 for none.
    noise
        Standard deviation of the noise, in the image's unit; white and normal.
    limits
        Lowest and highest value of a voxel; what lies beyond is set to them.
    dtype
        Integer type of the voxels.
    """

    bias_field: float
    noise: float
    limits: tuple[float, float]
    dtype: type[np.uint8 | np.int16]

    def take(
        self, values: FloatArray, params: Mapping[str, Any], image: npt.NDArray[np.uint8 | np.int16], first: int = 0
    ) -> None:
        """Fill slices of an image with painted values and the artefacts that :func:`draw` drew.

        Parameters
        ----------
        values
            ``(z, y, x)``: what was painted, all slices or some.
        params
            What :func:`draw` gave.
        image
            ``(z, y, x)``, of :attr:`dtype`: the whole image; those slices are written.
        first
            Which slice of the image is the first of ``values``; a multiple of :func:`chunk_slices`.
        """
        slices = chunk_slices(image.shape)
        field = _Field(image.shape, params["bias"], self.bias_field)
        quantiles = normal_quantiles() * np.float32(self.noise)
        taken, work = (np.empty((slices, *image.shape[1:]), dtype=np.float32) for _ in range(2))
        for start in range(0, len(values), slices):
            part = values[start : start + slices]
            out, spare, there = taken[: len(part)], work[: len(part)], first + start
            fill_normal(out, params["noise_seed"], there // slices, quantiles)
            out += field.applied(part, there, spare)
            np.rint(out, out=out)
            np.clip(out, *map(np.float32, self.limits), out=out)
            np.copyto(image[there : there + len(part)], out, casting="unsafe")


def draw(rng: np.random.Generator) -> dict[str, Any]:
    """Draw the form of a bias field and the seed of the noise, whatever their strength and the grid."""
    coefficients = rng.normal(size=8)
    line = np.linspace(-1, 1, 9)
    z, y, x = line[:, None, None], line[:, None], line
    largest = np.abs(sum(c * t for c, t in zip(coefficients, _terms(z, y, x), strict=True))).max()
    return {"bias": [round(float(c), 6) for c in coefficients / largest], "noise_seed": child_seed(rng)}


def chunk_slices(shape: tuple[int, ...]) -> int:
    """Return how many slices are taken at once."""
    return min(shape[0], -(-_CHUNK // (shape[1] * shape[2])))


def _terms(z: Any, y: Any, x: Any) -> tuple[Any, ...]:
    """Polynomials of the bias field on -1 … 1: those without ``z`` first, then those that are ``z`` times something."""
    return y, x, y * x, y * y - 0.5, x * x - 0.5, z, z * y, z * x


class _Field:
    """A bias field ``1 + strength · (P(y, x) + z · Q(y, x))``; only two maps are kept, never the volume."""

    def __init__(self, shape: tuple[int, ...], coefficients: list[float], strength: float) -> None:
        z, y, x = (np.linspace(-1, 1, n) for n in shape)
        terms = [c * strength * t for c, t in zip(coefficients, _terms(1.0, y[:, None], x), strict=True)]
        flat = np.zeros(shape[1:])
        self.still = (1 + flat + sum(terms[:5])).astype(np.float32)
        self.moving = (flat + sum(terms[5:])).astype(np.float32)
        self.z = z.astype(np.float32)[:, None, None]
        self.is_flat = strength == 0

    def applied(self, part: FloatArray, start: int, work: FloatArray) -> FloatArray:
        """Return slices, the first of number ``start``, times the field; ``work`` is overwritten."""
        if self.is_flat:
            return part
        np.multiply(self.moving, self.z[start : start + len(part)], out=work)
        work += self.still
        work *= part
        return work
