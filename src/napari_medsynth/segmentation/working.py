"""From a scan to what a network sees, and back: :func:`to_working`, :func:`normalised`, :class:`WorkingGrid`.

The working grid has the axes of the body in the order ``(z, y, x)``, each growing towards head, front and right (RAS+),
and the voxel size that the network was trained with. An oblique scan keeps its direction. A 2D image has no such axes:
it is only resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from ..core.affine import Affine
from ..core.errors import ConfigError, GridError
from ..core.grid import Gridded, unreorder
from ..core.labels import LabelMap
from ..core.volume import Volume
from .spec import InputSpec

if TYPE_CHECKING:
    from ..rendering.banded import Banded

    Matrices = Sequence[Banded | None]

Part = TypeVar("Part", bound=Gridded)
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.float64]

#: Letters of the working grid's axes z, y, x: RAS+.
ORIENTATION = "SAR"

#: Voxel sizes that differ by less than this share are the same: headers round them.
TOLERANCE = 1e-3

#: Luma of red, green and blue (ITU-R BT.601), as Pillow's mode "L" has it.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

#: Deviation of a Gaussian in units of its full width at half maximum.
_SIGMA_OF_WIDTH = 1 / (2 * np.sqrt(2 * np.log(2)))


@dataclass(frozen=True, kw_only=True)
class WorkingGrid:
    """Where the voxels of an image are on the working grid, and the other way round.

    Parameters
    ----------
    turned_shape, order, flips
        The image with its axes as in RAS+, and how they become so.
    shape, affine
        Of the working grid, ``(z, y, x)`` or ``(y, x)``.
    ratios
        Size of a working voxel in voxels of the image, per axis of the working grid; exactly 1 where nothing is
        resampled.
    """

    turned_shape: tuple[int, ...]
    order: tuple[int, ...]
    flips: tuple[bool, ...]
    shape: tuple[int, ...]
    affine: Affine
    ratios: tuple[float, ...]

    @classmethod
    def of(cls, part: Gridded, spec: InputSpec) -> Self:
        """Return that of an image or label map; no voxel is touched.

        Raises
        ------
        GridError
            If the image is 2D and the network is not.
        """
        order, flips, turned, shape = (0, 1), (False, False), part.affine, part.shape
        if part.ndim == 3:
            order, flips = part.affine.order_for(ORIENTATION)  # type: ignore[assignment]
            turned = part.affine.reordered(order, flips, part.shape)
            shape = tuple(part.shape[n] for n in order)
        ratios = np.ones(part.ndim)
        for axis, step in zip(resampled_axes(part.ndim, spec), spec.spacing or (), strict=False):
            ratio = step / turned.spacing[axis - part.ndim]
            ratios[axis] = ratio if abs(ratio - 1) > TOLERANCE else 1.0
        new = tuple(max(1, round(n / ratio)) for n, ratio in zip(shape, ratios, strict=True))
        return cls(
            turned_shape=shape,
            order=order,
            flips=flips,
            shape=new,
            affine=_resized(turned, shape, new, ratios),
            ratios=tuple(float(r) for r in ratios),
        )

    @property
    def is_resampled(self) -> bool:
        """Whether any axis has other voxels than the image."""
        return any(ratio != 1 for ratio in self.ratios)

    def there(self) -> list[Places | None]:
        """Return, per axis, the place of each working voxel on the image's; None where they are the same."""
        return [_places(*sizes) for sizes in zip(self.turned_shape, self.shape, self.ratios, strict=True)]

    def back(self) -> list[Places | None]:
        """Return, per axis, the place of each voxel of the image on the working grid; None where they are the same."""
        inverse = (1 / ratio for ratio in self.ratios)
        return [_places(*sizes) for sizes in zip(self.shape, self.turned_shape, inverse, strict=True)]

    def restored(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an array of ``turned_shape`` with the axes of the image, contiguous."""
        return np.ascontiguousarray(unreorder(array, self.order, self.flips))


def to_working(part: Part, spec: InputSpec) -> Part:
    """Bring an image or a label map to the working grid.

    Parameters
    ----------
    part
        A :class:`~napari_medsynth.core.volume.Volume` or :class:`~napari_medsynth.core.labels.LabelMap`.
    spec
        What the network is given. Of slices and slabs, the distance between slices stays as it is.

    Returns
    -------
    Volume or LabelMap
        An image is interpolated linearly, float32, and blurred first along axes that become coarser; labels are those
        of the nearest voxel. Where the voxel sizes agree, nothing is resampled.

    Raises
    ------
    GridError
        If the image is 2D and the network is not.

    Notes
    -----
    Both grids have the same centre, so that a mirrored image has a mirrored working image. The blur gives the point
    spread of the old voxels that of the new (Cardoso et al., MICCAI 2015): its full width at half maximum is
    ``√(new² - old²)``.
    """
    grid = WorkingGrid.of(part, spec)
    turned = part.reoriented(ORIENTATION)
    if not grid.is_resampled:
        return turned
    if isinstance(turned, LabelMap):
        return replace(turned, array=_nearest(turned.array, grid.there()), affine=grid.affine)
    matrices = matrices_of(grid.there(), grid.turned_shape, grid.ratios)
    channels = turned.array if isinstance(turned, Volume) and turned.channels else turned.array[None]
    made = np.stack([interpolated(channel, matrices) for channel in channels])
    array = made if channels is turned.array else made[0]
    return replace(turned, array=array, affine=grid.affine)


def resampled_axes(ndim: int, spec: InputSpec) -> tuple[int, ...]:
    """Return the axes of an image of ``ndim`` axes that ``spec.spacing`` and ``spec.patch`` are about.

    Raises
    ------
    GridError
        If the image is 2D and the network is not.
    """
    if ndim == 2 and spec.kind != "slices":
        raise GridError(f"the image is 2D and the network is given {spec.kind}; expected a 3D image")
    if spec.ndim == ndim:
        return tuple(range(ndim))
    return tuple(axis for axis in range(3) if axis != spec.axis)


def with_channels(image: Volume, spec: InputSpec) -> Volume:
    """Return an image of as many channels as the network takes; a colour picture becomes grey where that is one.

    Raises
    ------
    GridError
        If it has others.
    """
    count = image.array.shape[0] if image.channels else 1
    if count == spec.channels:
        return image
    if spec.channels == 1 and count in (3, 4):  # the fourth is how opaque a pixel is
        grey = np.tensordot(_LUMA, image.array[:3].astype(np.float32), axes=1)
        return replace(image, array=grey, channels=False)
    raise GridError(f"the image has {count} channel{'s' * (count > 1)}; expected {spec.channels}")


def normalised(array: npt.NDArray[Any], spec: InputSpec) -> Floats:
    """Bring intensities to the convention of a network, each channel by itself.

    Parameters
    ----------
    array
        Finite real numbers; the first axis is that of channels where ``spec.channels`` is more than one.
    spec
        Its ``intensity`` and ``window``.

    Returns
    -------
    array
        float32 of the same shape. ``percentile`` and ``window`` give 0 … 1, and what lies outside becomes 0 or 1. Where
        both percentiles are one value, the whole range is meant. An image of one value becomes 0 everywhere.

    Raises
    ------
    ConfigError
        If a voxel is NaN or infinite.
    """
    if spec.channels > 1:
        return np.stack([_channel(channel, spec) for channel in array])
    return _channel(array, spec)


def _channel(array: npt.NDArray[Any], spec: InputSpec) -> Floats:
    values = np.asarray(array, dtype=np.float32)
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ConfigError("the image holds voxels that are NaN or infinite; expected numbers (fill them first)")
    if spec.intensity == "zscore":
        spread = float(values.std(dtype=np.float64))
        constant = spread <= 1e-7 * max(abs(low), abs(high))
        return np.zeros_like(values) if constant else (values - np.float32(values.mean(dtype=np.float64))) / spread
    if spec.window is not None:
        low, high = spec.window
    else:
        ends = np.percentile(values, (0.5, 99.5))
        low, high = (float(e) for e in ends) if ends[1] > ends[0] else (low, high)
    if high <= low:
        return np.zeros_like(values)
    scaled: Floats = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return scaled


def matrices_of(places: Sequence[Places | None], sizes: Sequence[int], ratios: Sequence[float]) -> Matrices:
    """Return what interpolates at ``places`` along z, y and x; None changes nothing.

    Parameters
    ----------
    places
        Per axis, z, y, x or y, x: where the new voxels are, in old ones.
    sizes
        Old voxels along each axis.
    ratios
        Size of a new voxel in old ones; above 1, the image is blurred first.
    """
    import torch

    from ..rendering.banded import Banded, gaussian, linear

    made: list[Banded | None] = [None] * (3 - len(places))
    for at, size, ratio in zip(places, sizes, ratios, strict=True):
        if at is None:
            made.append(None)
            continue
        weights = linear(at, size)
        if ratio > 1:
            sigma = _SIGMA_OF_WIDTH * float(np.sqrt(ratio**2 - 1))
            weights = weights @ gaussian(np.arange(size, dtype=np.float64), size, sigma)
        made.append(Banded.of(weights, torch.device("cpu")))
    return made


def interpolated(array: npt.NDArray[Any], matrices: Matrices) -> Floats:
    """Return ``array`` ``(z, y, x)`` or ``(y, x)`` interpolated along its axes, float32."""
    import torch

    from ..rendering.banded import applied

    values = torch.from_numpy(np.array(array, dtype=np.float32, order="C", ndmin=3))
    z = matrices[0]
    made: Floats = applied(matrices, values, 0, values.shape[0] if z is None else z.rows).numpy()
    return made if array.ndim == 3 else made[0]


def _places(old: int, new: int, ratio: float) -> Places | None:
    """Return where ``new`` voxels, larger by ``ratio``, are among ``old`` ones with the same centre."""
    if ratio == 1:
        return None
    return np.asarray((np.arange(new) - (new - 1) / 2) * ratio + (old - 1) / 2, dtype=np.float64)


def _nearest(array: npt.NDArray[Any], places: Sequence[Places | None]) -> npt.NDArray[Any]:
    for axis, at in enumerate(places):
        if at is not None:
            index = np.clip(np.rint(at), 0, array.shape[axis] - 1).astype(np.intp)
            array = np.take(array, index, axis=axis)
    return array


def _resized(affine: Affine, old: Sequence[int], new: Sequence[int], ratios: npt.NDArray[np.float64]) -> Affine:
    """Return the affine of a grid with the same centre and voxels larger by ``ratios``."""
    start = (np.array(old) - 1) / 2 - (np.array(new) - 1) / 2 * ratios
    matrix = affine.shifted((0,) * (3 - len(old)) + tuple(start)).matrix.copy()
    matrix[:3, 3 - len(old) : 3] *= ratios
    return Affine(matrix)
