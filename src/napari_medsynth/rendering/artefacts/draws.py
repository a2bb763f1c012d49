"""Random fields of the artefacts, made of a seed on the device where they are needed.

A draw takes 16 random bits, which choose one of 2¹⁶ equally likely values of the distribution.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from ...core.noise import normal_quantiles, random_bits
from ...core.rng import child_seed, stream

FloatArray = npt.NDArray[np.float32]


def normal(shape: tuple[int, ...], seed: int, part: int, device: torch.device) -> torch.Tensor:
    """Return standard normal numbers; ``part`` tells the fields of one seed apart."""
    return _drawn(normal_quantiles(), shape, seed, 2 * part, device)


def chi_square(freedom: int, shape: tuple[int, ...], seed: int, part: int, device: torch.device) -> torch.Tensor:
    """Return the sum of the squares of as many standard normal numbers; no field of :func:`normal` goes into it."""
    return _drawn(_chi_square(freedom), shape, seed, 2 * part + 1, device)


def _drawn(quantiles: FloatArray, shape: tuple[int, ...], seed: int, part: int, device: torch.device) -> torch.Tensor:
    if device.type == "cpu":
        size = int(np.prod(shape))
        return torch.from_numpy(quantiles.take(random_bits(seed, part, size).reshape(shape), mode="wrap"))
    generator = torch.Generator(device).manual_seed(child_seed(stream(seed, part)))
    chosen = torch.randint(len(quantiles), shape, generator=generator, device=device)
    return torch.from_numpy(quantiles.copy()).to(device)[chosen]


@cache
def _chi_square(freedom: int) -> FloatArray:
    from scipy.special import chdtri

    size = len(normal_quantiles())
    quantiles = chdtri(freedom, 1 - (np.arange(size) + 0.5) / size)
    return np.asarray(quantiles * (freedom / np.mean(quantiles)), dtype=np.float32)
