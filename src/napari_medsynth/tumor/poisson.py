"""A smooth field that takes given values on the faces of a box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def harmonic(faces: npt.NDArray[np.floating], spacing: Sequence[float]) -> npt.NDArray[np.float64]:
    """Fill a box with the field whose Laplacian is 0 and that equals ``faces`` on its outermost voxels.

    This is the correction of Poisson image editing (Pérez, Gangnet & Blake 2003) on a box, where the discrete sine
    transform solves it exactly.

    Parameters
    ----------
    faces
        ``(z, y, x)``; only the outermost voxels are used.
    spacing
        Millimetres per voxel along each axis.

    Returns
    -------
    numpy.ndarray
        Of the same shape; the outermost voxels are those of ``faces``.
    """
    from scipy import fft

    field = np.array(faces, dtype=np.float64)
    if min(field.shape) < 3:
        return field
    inner = (slice(1, -1),) * field.ndim
    field[inner] = 0
    source = np.zeros([n - 2 for n in field.shape])
    eigen = np.zeros_like(source)
    for axis, step in enumerate(spacing):
        before = tuple(slice(0, -2) if n == axis else slice(1, -1) for n in range(field.ndim))
        after = tuple(slice(2, None) if n == axis else slice(1, -1) for n in range(field.ndim))
        source += (field[before] + field[after]) / step**2
        count = source.shape[axis]
        along = (2 - 2 * np.cos(np.pi * np.arange(1, count + 1) / (count + 1))) / step**2
        eigen += along.reshape([-1 if n == axis else 1 for n in range(field.ndim)])
    field[inner] = fft.idstn(fft.dstn(source, type=1) / eigen, type=1)
    return field
