"""The organ that takes a lesion, made ready for placing: :class:`Host`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..core.box import Box
from ..core.case import Case
from ..core.errors import HostError
from ..core.labels import LabelMap
from .lungs import find_lungs

Mask = npt.NDArray[np.bool_]

_STEP_MM = 2.5  #: distances to the wall are measured on a grid about this wide: lesions are larger


@dataclass(frozen=True, eq=False, kw_only=True)
class Host:
    """An organ and how far each place in it is from its wall.

    Parameters
    ----------
    labels
        The organ's voxels: all that are not 0.
    box
        The smallest box around it.
    stride
        Voxels from one place of ``wall_mm`` to the next, along ``(z, y, x)``.
    wall_mm
        Distance in mm to the wall, inside the organ; 0 outside. On a coarse grid that starts at ``box.start``.
    """

    labels: LabelMap
    box: Box
    stride: tuple[int, int, int]
    wall_mm: npt.NDArray[np.float32]

    @property
    def volume_ml(self) -> float:
        """Volume of the organ in mL, as the coarse grid sees it."""
        return float((self.wall_mm > 0).sum() * np.prod(self.stride)) * self.labels.voxel_ml

    def inside(self, box: Box) -> Mask:
        """Which voxels of ``box`` belong to the organ; ``box`` must lie inside the scan."""
        return np.asarray(self.labels.array[box.slices] != 0)

    def places(self, nearest_mm: float, farthest_mm: float) -> npt.NDArray[np.intp]:
        """Coarse places, as flat indices of ``wall_mm``, whose distance to the wall lies in this range."""
        return np.flatnonzero((self.wall_mm >= nearest_mm) & (self.wall_mm <= farthest_mm))

    def draw(self, places: npt.NDArray[np.intp], rng: np.random.Generator) -> tuple[int, int, int]:
        """Draw a voxel ``(z, y, x)`` of the scan near one of these places."""
        place = np.unravel_index(int(places[rng.integers(len(places))]), self.wall_mm.shape)
        jitter = [int(rng.integers(-(s // 2), s - s // 2)) for s in self.stride]
        z, y, x = (a + int(p) * s + j for a, p, s, j in zip(self.box.start, place, self.stride, jitter, strict=True))
        return z, y, x


@lru_cache(maxsize=8)
def prepare_host(labels: LabelMap) -> Host:
    """Measure an organ for placing; kept for the next call with the same label map.

    Raises
    ------
    HostError
        If the label map is empty or 2D.
    """
    if labels.ndim != 3:
        raise HostError(f"host has shape {labels.shape}; lesions are placed in volumes (z, y, x)")
    box = Box.around(labels.array != 0)
    if box is None:
        raise HostError("host label map is empty; expected the voxels of an organ")
    stride = tuple(max(1, round(_STEP_MM / s)) for s in labels.spacing)
    coarse = labels.array[box.slices][tuple(slice(None, None, s) for s in stride)] != 0
    spacing = [s * n for s, n in zip(labels.spacing, stride, strict=True)]
    z, y, x = stride
    return Host(labels=labels, box=box, stride=(z, y, x), wall_mm=_depth(coarse, spacing))


def host_of(case: Case, organ: str = "lung") -> LabelMap:
    """Return the organ that takes lesions: the case's own host, its labels of that name or tissue, or its lungs.

    Raises
    ------
    HostError
        If the organ is not among the labels and is not ``"lung"``, if no voxel has its label, or if there is no lung
        in the scan.
    """
    if case.host is not None:
        return case.host
    if case.labels is not None:
        table = case.labels.table
        values = table.values_of(name=organ) or table.values_of(tissue=organ)
        if values:
            return _labelled(case.id, case.labels, values, organ)
    if organ != "lung":
        known = sorted({e.name for e in case.labels.table}) if case.labels is not None else []
        raise HostError(
            f"organ is {organ!r}; expected 'lung' or a name in the label table: {', '.join(known) or 'none'}"
        )
    if case.image is None:
        raise HostError(f"case {case.id!r} has no image; expected a CT in which to find the lungs")
    return find_lungs(case.image)


def _labelled(name: str, labels: LabelMap, values: tuple[int, ...], organ: str) -> LabelMap:
    inside = labels.mask(values)
    if not inside.any():
        raise HostError(f"case {name!r} has no voxel of {organ!r}, though its label table names it; expected a host")
    return LabelMap(inside, labels.affine)


def _depth(inside: Mask, spacing: list[float]) -> npt.NDArray[np.float32]:
    """Distance in mm from each place inside to the nearest outside; what lies beyond the scan counts as inside."""
    from scipy import ndimage

    # SciPy's transform is slow on whole scans; this grid is coarse enough for it
    depth = ndimage.distance_transform_edt(inside, sampling=spacing) if not inside.all() else inside * 1e3
    return np.asarray(depth, dtype=np.float32)
