"""An image: :class:`Volume`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import GridError
from .grid import Gridded


@dataclass(frozen=True, eq=False, repr=False)
class Volume(Gridded):
    """An image ``(y, x)`` or ``(z, y, x)`` of real numbers; with ``channels``, their axis comes first.

    Parameters
    ----------
    array
        Voxel values. CT is in Hounsfield units.
    affine
        Where the voxels lie; 1 mm voxels if left out.
    modality
        DICOM's word where there is one: ``"CT"``, ``"MR"``, ``"US"`` …; empty if not known.
    channels
        Whether the first axis holds channels (colour, or several contrasts on one grid).

    Raises
    ------
    GridError
        If the array is not 2D or 3D, is empty, or does not hold real numbers.
    """

    modality: str = ""
    channels: bool = False

    def _check(self, array: npt.NDArray[Any]) -> None:
        super()._check(array)
        if array.dtype.kind not in "iufb":
            raise GridError(f"image has voxels of type {array.dtype}; expected real numbers")

    @property
    def _leading(self) -> int:
        return int(self.channels)

    @property
    def is_finite(self) -> bool:
        """Whether no voxel is NaN or infinite."""
        return self.array.dtype.kind != "f" or bool(np.isfinite(self.array).all())
