"""A network that segments, with all that is needed to use it: :class:`SegmentationModel`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from ..core.errors import ConfigError, ReadError
from ..core.labels import LabelTable
from ..learning.card import ModelCard
from ..learning.model_file import StrPath, read_model, write_model
from .foreign import ForeignNetwork
from .networks import NetworkSettings, build, divisor
from .spec import InputSpec

KIND = "segmentation"


@dataclass(frozen=True, eq=False)
class SegmentationModel:
    """Network and card.

    Parameters
    ----------
    network
        Takes float32 ``(B, C, *patch)`` and gives logits ``(B, classes, *patch)``.
    card
        What it takes, finds, and comes from.
    """

    network: nn.Module
    card: ModelCard
    spec: InputSpec = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spec", InputSpec.from_json(self.card.inputs, "model card inputs"))

    @classmethod
    def new(cls, name: str, settings: NetworkSettings, spec: InputSpec, labels: LabelTable, *, seed: int = 0) -> Self:
        """Make a model that has not learned anything; the same seed gives the same weights."""
        network = build(settings, spec, len(labels) + 1, seed=seed)
        card = ModelCard(kind=KIND, name=name, network=settings.to_json(), inputs=spec.to_json(), labels=labels)
        return cls(network, card)

    @classmethod
    def read(cls, path: StrPath, *, device: torch.device | str = "cpu") -> Self:
        """Read a model that :meth:`save` wrote; nothing of it is executed.

        Raises
        ------
        ReadError
            If a file is missing or damaged, it is another kind of model, or its weights are of another network.
        """
        weights, card = read_model(path)
        if card.kind != KIND:
            raise ReadError(f"{path} is a model of kind {card.kind!r}; expected {KIND!r}")
        try:
            network = _built(card, weights)
        except (ConfigError, ReadError) as error:
            raise ReadError(f"the card of {path}: {error}") from error
        except RuntimeError as error:
            raise ReadError(f"the weights of {path} are not those of the network on its card") from error
        return cls(network.to(device).eval(), card)

    @classmethod
    def from_bundle(cls, folder: StrPath, spec: InputSpec) -> SegmentationModel:
        """Read a MONAI bundle; see :func:`~napari_medsynth.segmentation.bundle.read_bundle`."""
        from .bundle import read_bundle

        return read_bundle(Path(folder), spec)

    def save(self, path: StrPath, **changes: Any) -> Path:
        """Write weights and card, with ``changes`` of the card; returns the file of weights."""
        return write_model(path, self.network.state_dict(), replace(self.card, **changes))

    @property
    def labels(self) -> LabelTable:
        """What it finds; class ``k`` of the network is the ``k``-th entry."""
        return self.card.labels

    @cached_property
    def values(self) -> tuple[int, ...]:
        """The value in a label map of each class, background first."""
        return (0, *(entry.value for entry in self.labels))

    @property
    def divisor(self) -> int:
        """What each axis of a tile has to be a multiple of."""
        if _is_foreign(self.card):
            return ForeignNetwork.from_json(self.card.network).divisor
        return divisor(NetworkSettings.from_json(self.card.network, "network"))


def _is_foreign(card: ModelCard) -> bool:
    return "architecture" in card.network


def _built(card: ModelCard, weights: Mapping[str, torch.Tensor]) -> nn.Module:
    """Return the network of a card with its weights."""
    spec, classes = InputSpec.from_json(card.inputs, "inputs"), len(card.labels) + 1
    if _is_foreign(card):
        inner = {name.removeprefix("network."): tensor for name, tensor in weights.items()}  # of what reverses its axes
        return ForeignNetwork.from_json(card.network).build(spec.ndim, inner)
    network = build(NetworkSettings.from_json(card.network, "network"), spec, classes)
    network.load_state_dict(weights)
    return network
