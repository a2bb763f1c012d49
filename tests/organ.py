"""A small made scan to place lesions in: an airy organ with a wall, a vessel and noise."""

from __future__ import annotations

import numpy as np

from napari_medsynth import Case, Label, LabelMap, LabelTable, Volume
from napari_medsynth.core.affine import Affine
from napari_medsynth.tumor import SyntheticLesion
from napari_medsynth.tumor.seed import Seed

LUNG = LabelTable((Label(1, "lung", tissue="lung"),))


def airy_organ(shape=(40, 72, 72), spacing=(1.5, 1.0, 1.0), seed: int = 0, orientation: str = "SPL") -> Case:
    """An ellipsoid of −850 HU in soft tissue of 40 HU, crossed by a vessel; noise of 15 HU; its label is 1."""
    affine = Affine.from_spacing(spacing, (12.0, -7.0, 30.0), orientation)
    grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    inside = sum(g**2 for g in grid) < 0.85
    hu = np.where(inside, -850.0, 40.0)
    middle = shape[1] // 2
    hu[:, middle - 2 : middle + 2, shape[2] // 2 - 2 : shape[2] // 2 + 2] = 40
    hu += np.random.default_rng(seed).normal(0, 15, shape)
    labels = LabelMap(inside.astype(np.uint8), affine, LUNG)
    image = Volume(np.rint(hu).astype(np.int16), affine, "CT")
    return Case(id="organ", image=image, labels=labels, host=LabelMap(inside.astype(np.uint8), affine))


def made_seed(diameter_mm: float = 9.0, **more) -> Seed:
    """A solid made lesion."""
    return SyntheticLesion(diameter_mm=diameter_mm, **more).make()
