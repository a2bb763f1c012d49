"""Intensities of the labels, measured on an image layer: :func:`estimated`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.labels import LabelMap
from ...rendering.estimate import estimate_prior
from ...rendering.naming import named_labels
from ...rendering.presets import preset
from ...rendering.prior import Prior
from ...rendering.step import Render
from ..layers import volume_of

if TYPE_CHECKING:
    from napari.layers import Image


def estimated(image: Image, labels: LabelMap, step: Render) -> Prior:
    """Return what intensities the labels have in an image layer, on the scale of the preset that they replace.

    A preset of CT is in HU, and so is the image: few layers say that they are CT. Others are on a scale of 0 … 255.

    Parameters
    ----------
    image
        The layer.
    labels
        Labels on its grid.
    step
        Says what the labels are called, and which preset's intensities are replaced.

    Raises
    ------
    GridError
        If the image lies elsewhere, or is in colour.
    LabelError
        If the labels are all background.
    """
    volume = volume_of(image)
    volume.require_same_grid(labels, f"image layer {image.name!r}", "the label map")
    own = preset(step.preset)
    named = named_labels(labels, step.scheme, own.scheme, step.tissues)
    return estimate_prior([(volume, named)], hounsfield=own.modality == "CT")
