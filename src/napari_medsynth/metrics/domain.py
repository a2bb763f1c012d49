"""How well two sets of images can be told apart, and by what: :func:`domain_gap`."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import ConfigError
from ..core.rng import stream
from ..core.volume import Volume
from .intervals import Interval, finite
from .patches import FEATURES, patch_features

FOLDS = 5

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FeatureShift:
    """How much one feature differs between two sets.

    Parameters
    ----------
    name
        One of :data:`~napari_medsynth.metrics.patches.FEATURES`.
    a, b
        Mean in each set; each image counts the same.
    difference
        ``(a − b)`` in pooled standard deviations of patches (Cohen's d).
    """

    name: str
    a: float
    b: float
    difference: float


@dataclass(frozen=True)
class DomainGap:
    """How far apart two sets of images are.

    Parameters
    ----------
    auc
        How well a classifier that never saw an image's patient says which set a patch of it is from: 0.5 not at all,
        1 always. Below 0.5 by chance only.
    features
        What differs, largest difference first.
    patches
        Looked at in all.
    """

    auc: Interval
    features: tuple[FeatureShift, ...]
    patches: int

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        rows = [{"name": f.name, "a": f.a, "b": f.b, "difference": finite(f.difference)} for f in self.features]
        return {"auc": self.auc.to_json(), "features": rows, "patches": self.patches}


def domain_gap(
    a: Mapping[str, Volume],
    b: Mapping[str, Volume],
    *,
    patients: Mapping[str, str] | None = None,
    seed: int,
    size: int = 32,
    patches: int = 20,
    level: float = 0.95,
    resamples: int = 400,
) -> DomainGap:
    """Train a classifier to tell the patches of two sets of images apart.

    Images are brought to 0 … 1 as a network gets them, so that it is not the unit that tells. A logistic regression on
    :data:`~napari_medsynth.metrics.patches.FEATURES` is trained and tested by cross-validation in which all images of
    a patient are in one fold.

    Parameters
    ----------
    a, b
        Images by name: rendered and real ones, for example. Of comparable anatomy and spacing, or that is what tells
        them apart.
    patients
        By name of an image, whose it is; left out, each name is one patient. An image rendered of a real one's labels
        has that one's patient.
    seed
        Of patches, folds and resampling.
    size
        Side of a patch, in voxels of the slices.
    patches
        Patches of each image.
    level, resamples
        Of the interval, which is of percentiles from resampling patients.

    Raises
    ------
    ConfigError
        If a set has fewer than two patients, or no image with room for a patch in which there is anything.
    """
    sets = (a, b)
    owner = {name: name for images in sets for name in images} | dict(patients or {})
    rows, domain, image, groups = [], [], [], []
    for number, images in enumerate(sets):
        for name, volume in images.items():
            found = patch_features(volume, size, patches, stream(seed, 0, f"patches {name}"))
            rows.append(found)
            domain += [number] * len(found)
            image += [(number, name)] * len(found)
            groups += [owner[name]] * len(found)
    codes = _codes(groups)
    target = np.array(domain, dtype=np.int64)
    _require_patients(target, codes)
    features = np.concatenate(rows)
    said = cross_validated(features, target, codes, seed)
    auc = _auc_interval(target, said, codes, seed, level, resamples)
    return DomainGap(auc, _differences(features, target, _codes(image)), len(target))


def _codes(names: Sequence[Hashable]) -> IntArray:
    numbers = {name: n for n, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _require_patients(target: IntArray, groups: IntArray) -> None:
    for number, name in enumerate("ab"):
        count = len(np.unique(groups[target == number]))
        if count < 2:
            raise ConfigError(f"set {name} has patches of {count} patients; expected 2 or more, to test on unseen ones")


def cross_validated(features: FloatArray, target: IntArray, groups: IntArray, seed: int) -> FloatArray:
    """Return for each patch how much it looks like the second set, by a classifier that saw nothing of its patient.

    Parameters
    ----------
    features
        ``(patches, features)``.
    target
        ``(patches,)`` 0 for the first set, 1 for the second.
    groups
        ``(patches,)`` number of the patient.
    seed
        Of the folds.

    Returns
    -------
    said
        ``(patches,)`` larger for the second set.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fewest = min(len(np.unique(groups[target == number])) for number in (0, 1))
    state = int(stream(seed, 0, "folds").integers(2**31))
    folds = StratifiedGroupKFold(min(FOLDS, fewest), shuffle=True, random_state=state)
    judge = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000))
    said = cross_val_predict(judge, features, target, groups=groups, cv=folds, method="decision_function")
    return np.asarray(said, dtype=np.float64)


def _auc_interval(
    target: IntArray, said: FloatArray, groups: IntArray, seed: int, level: float, resamples: int
) -> Interval:
    from sklearn.metrics import roc_auc_score

    count = int(groups.max()) + 1
    rng = stream(seed, 0, "domain bootstrap")
    estimate, sampled = float(roc_auc_score(target, said)), []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(count, size=count), minlength=count)[groups]
        if weight[target == 0].any() and weight[target == 1].any():
            sampled.append(roc_auc_score(target, said, sample_weight=weight))
    low, high = np.percentile(sampled, (50 * (1 - level), 50 * (1 + level)))
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate), count, level, "percentile")


def _differences(features: FloatArray, target: IntArray, images: IntArray) -> tuple[FeatureShift, ...]:
    weight = 1 / np.bincount(images)[images]
    means, variances = [], []
    for number in (0, 1):
        mine = target == number
        means.append(np.average(features[mine], axis=0, weights=weight[mine]))
        variances.append(np.average((features[mine] - means[-1]) ** 2, axis=0, weights=weight[mine]))
    pooled = np.sqrt(np.mean(variances, axis=0))
    rows = [
        FeatureShift(name, float(one), float(other), float((one - other) / sd) if sd > 0 else math.nan)
        for name, one, other, sd in zip(FEATURES, *means, pooled, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: -abs(row.difference) if not math.isnan(row.difference) else 0.0))
