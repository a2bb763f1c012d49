"""What the artefacts of k-space share: slices, their phase and read-out axes, and complex arithmetic.

An image is the absolute value of what a scanner measures, so it has no negative values. An image that has some (CT)
is taken relative to its lowest value, which is what its background is.

The same bits must come out whatever the number of threads. torch's Fourier transforms, sums and roots keep that; its
product of complex numbers does not, as the voxels at the end of each thread's share are rounded differently. So complex
numbers are multiplied here by their real parts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from ..lattice import Lattice, Shape
from ..workers import side_by_side

ComplexArray = npt.NDArray[np.complex128]
Axes = tuple[int, int, int]
Parts = tuple[torch.Tensor, torch.Tensor]


def axes_of(lattice: Lattice, swap: bool = False) -> Axes:
    """Return the axis across the slices, the phase-encoding axis and the read-out axis.

    Slices lie across the axis with the thickest voxels, the first of them if there are several; a flat image is one
    slice. Without ``swap`` the phase is encoded along the first of the other two.
    """
    across = 0 if lattice.is_flat else int(np.argmax(lattice.spacing))
    first, second = (axis for axis in range(3) if axis != across)
    return (across, second, first) if swap else (across, first, second)


def floor_of(image: torch.Tensor) -> torch.Tensor:
    """Return the value that counts as no signal: 0, or the lowest value if that is negative."""
    return image.amin().clamp(max=0)


def replace_slices(image: torch.Tensor, axes: Axes, change: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Overwrite an image with its changed slices.

    Parameters
    ----------
    image
        ``(z, y, x)``.
    axes
        As :func:`axes_of` gives them.
    change
        Takes some slices, ``(slice, phase, read)`` and relative to :func:`floor_of`, and returns as many, newly made.
    """
    floor = floor_of(image)
    turned = image.permute(axes)

    def work(_: int, start: int, stop: int) -> None:
        slab = turned[start:stop]
        slab.copy_(change(slab - floor).add_(floor))

    slices, phase, read = turned.shape
    run(work, (slices, phase, read), image.device)
    return image


def run(work: Callable[[int, int, int], None], shape: Shape, device: torch.device) -> None:
    """Do what :func:`side_by_side` does, to the end."""
    for _ in side_by_side(work, shape, device):
        pass


def frequencies(size: int) -> npt.NDArray[np.float64]:
    """Return the whole numbers of periods in an image, in the order of the Fourier transform: 0, 1, … -2, -1."""
    return np.asarray(np.fft.fftfreq(size, 1 / size), dtype=np.float64)


def magnitude(real: torch.Tensor, imaginary: torch.Tensor) -> torch.Tensor:
    """Return the absolute value of complex numbers."""
    return (real.square() + imaginary.square()).sqrt_()


def parts_of(factor: ComplexArray, device: torch.device) -> Parts:
    """Return real and imaginary part of an array as tensors."""
    real, imaginary = (
        torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)).to(device) for part in (factor.real, factor.imag)
    )
    return real, imaginary


def product(signal: torch.Tensor, factor: Parts) -> torch.Tensor:
    """Return a complex tensor times a factor that broadcasts with it."""
    a, b, (c, d) = signal.real, signal.imag, factor
    return torch.complex(a * c - b * d, a * d + b * c)
