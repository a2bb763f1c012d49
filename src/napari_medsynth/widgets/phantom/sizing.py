"""How large a phantom is, and how coarse its previews: :func:`estimated`, :func:`coarse`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from ...core.errors import ConfigError
from ...phantom.catalogue import catalogue
from ...phantom.step import Phantom

#: Voxels of a preview while a hand moves, and when it rests: about 44 and 100 along each axis.
QUICK, FINE = 48 * 48 * 36, 128 * 128 * 64

_FEWEST = 16  #: along an axis of a preview, unless the image itself has fewer
_KEPT = 4  #: bytes a voxel in the finished layers: whole numbers of the image, labels, and napari's copy of these
_PEAK = 16  #: bytes a voxel while they are made: intensities and coverages are worked out in float32


@dataclass(frozen=True)
class Estimate:
    """What a phantom takes.

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``.
    spacing
        Millimetres per voxel along ``(z, y, x)``.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]

    @property
    def voxels(self) -> int:
        """How many voxels the image has."""
        return prod(self.shape)

    @property
    def kept_bytes(self) -> int:
        """Memory of the finished layers."""
        return self.voxels * _KEPT

    @property
    def peak_bytes(self) -> int:
        """Most memory while they are made."""
        return self.voxels * _PEAK

    def __str__(self) -> str:
        millimetres = " × ".join(f"{mm:.3g}" for mm in self.spacing)
        return f"{_count(self.voxels)} voxels · {millimetres} mm · {_size(self.kept_bytes)}"

    def require_affordable(self, budget: int) -> None:
        """Raise :class:`ConfigError` if making it takes more than ``budget`` bytes."""
        if self.peak_bytes > budget:
            found = f"{' × '.join(map(str, self.shape))} voxels take {_size(self.peak_bytes)} while they are made"
            raise ConfigError(
                f"{found}; at most {_size(budget)} may be used here (set MEDSYNTH_MAX_BYTES to change it)"
            )


def estimated(step: Phantom) -> Estimate:
    """Return what a step's image takes."""
    return Estimate(step.frame.shape, step.frame.spacing)


def coarse(step: Phantom, voxels: int = QUICK) -> Phantom:
    """Return a step whose image shows the same field of view with at most so many voxels, if more than 4096.

    They are as near to cubes as may be without being finer than those of the image.
    """
    full = estimated(step)
    shape = _coarse_shape(full, voxels)
    if shape == full.shape:
        return step
    shares = [few / many for few, many in zip(shape, full.shape, strict=True)]
    z, y, x = (mm / share for mm, share in zip(full.spacing, shares, strict=True))
    own = catalogue(step.anatomy).artefacts["blur"] if step.blur is None else step.blur
    return replace(
        step,
        image_size=shape,
        spacing=None if step.spacing is None else (z, y, x),
        blur=own * prod(shares) ** (1 / 3),
    )


def _coarse_shape(full: Estimate, voxels: int) -> tuple[int, int, int]:
    edge = min(full.spacing)
    z, y, x = full.shape
    while z * y * x > voxels:
        edge *= 1.05
        sides = [n * mm for n, mm in zip(full.shape, full.spacing, strict=True)]
        z, y, x = (min(n, max(round(side / edge), _FEWEST)) for n, side in zip(full.shape, sides, strict=True))
    return z, y, x


def _count(number: int) -> str:
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number:,}"


def _size(count: int) -> str:
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1e7 else f"{count / 1e6:.1f} MB"
