"""Radiomic features of a nodule: first order, gradient at the margin, ring, and GLCM (Haralick et al. 1973).

All are measured on the image and the lesion's mask alone, ``(z, y, x)`` at 1 mm, so that real and inserted nodules
are measured in the same way. Size and shape are left out: they tell one seed from another, not real from inserted.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
from scipy import ndimage, stats
from skimage.feature import graycomatrix, graycoprops

from napari_medsynth.core.box import Box
from napari_medsynth.tumor.measure import signed_distance

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

DISTANCES = tuple(range(-4, 5))  #: mm; of the profile

_MARGIN = 7  #: voxels of the scan that are looked at around the mask
_GREY = np.linspace(-1000, 300, 27)  #: edges of the grey levels, 50 HU wide
_SPACING = (1.0, 1.0, 1.0)
_DIRECTIONS = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
_GLCM = ("contrast", "dissimilarity", "homogeneity", "ASM", "correlation")


class Nodule:
    """A mask in a scan, cut down to its surroundings."""

    def __init__(self, image: npt.NDArray[np.generic], mask: Mask) -> None:
        box = Box.around(mask)
        assert box is not None, "an empty mask has no features"
        around = box.grown((_MARGIN,) * 3).clipped(mask.shape)
        self.hu = image[around.slices].astype(np.float32)
        self.mask = mask[around.slices]
        self.distance = signed_distance(self.mask, _SPACING)

    def profile(self) -> npt.NDArray[np.float64]:
        """Median HU at −4 … +4 mm from the contour; NaN where there are fewer than five voxels."""
        rows = [self.hu[np.abs(self.distance - d) <= 0.6] for d in DISTANCES]
        return np.array([np.median(row) if row.size >= 5 else np.nan for row in rows])

    def features(self) -> dict[str, float]:
        """First order, margin, ring and GLCM, by name."""
        return {**self._first_order(), **self._margin(), **self._ring(), **self._texture()}

    def _first_order(self) -> dict[str, float]:
        inside = self.hu[self.mask]
        found = _spread("inside", inside)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a flat region has no skewness: 0
            shape = np.nan_to_num([stats.skew(inside), stats.kurtosis(inside)])
        counts = np.histogram(inside, _GREY)[0] / inside.size
        found["inside entropy"] = float(stats.entropy(counts[counts > 0]))
        return {**found, "inside skewness": float(shape[0]), "inside kurtosis": float(shape[1])}

    def _margin(self) -> dict[str, float]:
        """Steepness at the contour: of the image, and along the way out of the lesion."""
        slope = np.stack(np.gradient(self.hu))
        out = np.stack(np.gradient(self.distance))
        out /= np.maximum(np.linalg.norm(out, axis=0), 1e-3)
        rim = np.abs(self.distance) <= 1.2
        found = _spread("margin gradient", np.linalg.norm(slope, axis=0)[rim])
        found |= _spread("margin slope", (slope * out).sum(axis=0)[rim])
        for low, high in ((-1.2, 0), (0, 1.2), (1.2, 2.2)):
            shell = self.hu[(self.distance > low) & (self.distance <= high)]
            found |= _spread(f"shell {high:+g} mm", shell)
        return found

    def _ring(self) -> dict[str, float]:
        return _spread("ring", self.hu[(self.distance > 2) & (self.distance <= 4)])

    def noise(self) -> dict[str, float]:
        """What is left when the neighbourhood's mean is taken away: noise, and what resampling leaves of it."""
        rest = self.hu - ndimage.uniform_filter(self.hu, 3)
        near, far = self.mask, (self.distance > 2) & (self.distance <= 5)
        found = {"fine inside": float(rest[near].std()), "fine around": float(rest[far].std())}
        found["fine ratio"] = found["fine inside"] / max(found["fine around"], 1)
        for axis, name in enumerate("zyx"):
            second = np.abs(np.diff(self.hu, 2, axis=axis))
            inner = np.moveaxis(np.moveaxis(near, axis, 0)[1:-1], 0, axis)
            found[f"second difference {name}"] = float(np.median(second[inner]))
        return found

    def _texture(self) -> dict[str, float]:
        found = _glcm("inside", self.hu, self.mask)
        return {**found, **_glcm("rim", self.hu, np.abs(self.distance) <= 2)}


def _spread(name: str, values: Array) -> dict[str, float]:
    low, middle, high = np.percentile(values, (10, 50, 90))
    return {
        f"{name} mean": float(values.mean()), f"{name} sd": float(values.std()),
        f"{name} p10": float(low), f"{name} p50": float(middle), f"{name} p90": float(high),
    }  # fmt: skip


def _glcm(name: str, hu: Array, where: Mask) -> dict[str, float]:
    """Co-occurrence of neighbours inside ``where``, in the axial planes, all directions together."""
    grey = np.where(where, np.digitize(hu, _GREY) + 1, 0).astype(np.uint8)
    levels = len(_GREY) + 2
    total = np.zeros((levels, levels, 1, 1))
    for plane in grey[where.any(axis=(1, 2))]:
        pairs = graycomatrix(plane, [1], _DIRECTIONS, levels=levels, symmetric=True)
        total[..., 0, 0] += pairs[..., 0, :].sum(axis=-1)
    total[0] = total[:, 0] = 0  # pairs with what lies outside
    total /= max(total.sum(), 1)
    found = {f"GLCM {name} {p}": float(graycoprops(total, p)[0, 0]) for p in _GLCM}
    found[f"GLCM {name} entropy"] = float(stats.entropy(total[total > 0])) if total.any() else 0.0
    return found
