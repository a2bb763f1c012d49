"""Whether a model was made for an image: :func:`misfit`; it loads no PyTorch."""

from __future__ import annotations

from ..core.box import Box
from ..core.errors import ConfigError, GridError
from ..core.volume import Volume
from ..learning.card import ModelCard
from .spec import InputSpec
from .working import WorkingGrid, with_channels

#: Voxels that are so many times larger than those of training show too little.
COARSER = 4.0


def obstacle(card: ModelCard, image: Volume) -> str:
    """Return why a model cannot be applied to an image at all; empty if it can.

    Parameters
    ----------
    card
        The model's.
    image
        What it would be applied to; its voxels are not looked at.
    """
    if card.kind != "segmentation":
        return f"{card.name} is a model of kind {card.kind!r}; expected 'segmentation'"
    try:
        spec = InputSpec.from_json(card.inputs, "model card inputs")
        WorkingGrid.of(image, spec)
        count = image.array.shape[0] if image.channels else 1
        if count != spec.channels:
            with_channels(image.crop(_first_voxel(image)), spec)
    except (ConfigError, GridError) as error:
        return str(error)
    return ""


def misfit(card: ModelCard, image: Volume) -> str:
    """Return why a model was not made for an image; empty if it was, as far as its card says.

    It was not if it cannot be applied at all (see :func:`obstacle`), if it was trained on another modality, or if the
    image's voxels are more than four times larger than those it was trained on.
    """
    reason = obstacle(card, image)
    if reason:
        return reason
    spec = InputSpec.from_json(card.inputs, "model card inputs")
    if spec.modality and image.modality and spec.modality != image.modality:
        return f"the image is {image.modality}; {card.name} was trained on {spec.modality}"
    least = min(WorkingGrid.of(image, spec).ratios)
    if least < 1 / COARSER:
        return (
            f"the image's voxels are {1 / least:.1f} times larger than the {_size(spec)} mm of {card.name}'s training"
        )
    return ""


def _first_voxel(image: Volume) -> Box:
    return Box((0,) * image.ndim, (1,) * image.ndim)


def _size(spec: InputSpec) -> str:
    return "×".join(f"{step:g}" for step in spec.spacing or ())
