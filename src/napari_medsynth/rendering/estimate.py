"""Intensities of classes, measured on real images: :func:`estimate_prior`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..core.labels import LabelMap
from ..core.volume import Volume
from .prior import Prior


def estimate_prior(
    images_and_labels: Iterable[tuple[Volume, LabelMap]], *, by: Literal["name", "tissue"] = "name"
) -> Prior:
    """Measure what intensities each class has."""
    raise NotImplementedError
