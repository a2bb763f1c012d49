"""Models in a folder, by their cards: :func:`list_models`. No weights are opened, and PyTorch is not loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...core.errors import MedsynthError
from ...io.plainfile import read_json_value
from ...learning.card import FORMAT, ModelCard
from ...learning.model_file import SUFFIX, model_paths, read_card
from ...segmentation.spec import InputSpec

KIND = "segmentation"

_MOST_NAMED = 8  #: structures that are named in a line
_SOURCES = {"synthetic": "rendered label maps", "real": "real images", "mixed": "rendered and real images"}


@dataclass(frozen=True)
class Listed:
    """A model in a folder.

    Parameters
    ----------
    path
        Its file of weights.
    card
        What it is; None if that cannot be used.
    problem
        Why it cannot be used; empty if it can.
    """

    path: Path
    card: ModelCard | None = None
    problem: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.stem if self.card is None else self.card.name or self.path.stem

    @cached_property
    def inputs(self) -> InputSpec | None:
        """What its network is given."""
        return None if self.card is None else InputSpec.from_json(self.card.inputs, "model card inputs")

    @property
    def dice(self) -> float | None:
        """Mean Dice of the cases that it was validated on; None if the card does not say."""
        return None if self.card is None else validation_dice(self.card.metrics)

    @property
    def voxel(self) -> str:
        """Millimetres of the voxels that it sees, as text; empty for those of the image."""
        spacing = None if self.inputs is None else self.inputs.spacing
        if spacing is None:
            return ""
        parts = [f"{mm:.3g}" for mm in spacing]
        return parts[0] if len(set(parts)) == 1 else " × ".join(parts)

    def describe(self) -> str:
        """Say in a few lines what it finds, in what, and where it comes from."""
        if self.card is None or self.inputs is None:
            return self.problem
        return "\n".join((f"Finds {_structures(self.card)}.", f"In {_images(self)}.", _training(self)))


def list_models(folder: Path) -> tuple[Listed, ...]:
    """List the models of a folder by name, those that cannot be used too; empty if there is no such folder.

    Files that belong to no model are left out.
    """
    if not folder.is_dir():
        return ()
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        return (Listed(folder, problem=f"{folder} cannot be read ({error.strerror})"),)
    weights = [path for path in files if path.suffix == SUFFIX]
    alone = [path for path in files if path.suffix == ".json" and model_paths(path)[0] not in weights]
    listed = [looked_at(path) for path in weights]
    listed += [_without_weights(path) for path in alone if _is_card(path)]
    return tuple(sorted(listed, key=lambda model: model.path.name.lower()))


def looked_at(path: Path) -> Listed:
    """Read the card of a model whose file of weights is there."""
    try:
        card = read_card(path)
        found = Listed(path, card)
        if card.kind != KIND:
            return Listed(path, problem=f"it is a model of kind {card.kind!r}; expected {KIND!r}")
        if found.inputs is not None and len(card.labels):
            return found
        return Listed(path, problem="its card names no structure")
    except MedsynthError as error:
        return Listed(path, problem=str(error))


def validation_dice(metrics: Mapping[str, Any]) -> float | None:
    """Return the mean Dice of the validation that a card tells of; None if it does not."""
    told = metrics.get("validation")
    found = told.get("dice") if isinstance(told, Mapping) else told
    if isinstance(found, Mapping):
        values = [value for value in found.values() if isinstance(value, int | float)]
        found = sum(values) / len(values) if values else None
    return float(found) if isinstance(found, int | float) else None


def _without_weights(path: Path) -> Listed:
    weights = model_paths(path)[0]
    return Listed(weights, problem=f"{weights.name} is missing; there is only its card")


def _is_card(path: Path) -> bool:
    try:
        value = read_json_value(path)
    except MedsynthError:
        return False
    return isinstance(value, dict) and value.get("format") == FORMAT


def _structures(card: ModelCard) -> str:
    names = [entry.name.replace("_", " ") for entry in card.labels]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _images(model: Listed) -> str:
    inputs = model.inputs
    if inputs is None:
        return ""
    kinds = {"slices": f"{inputs.plane} slices", "slab": f"{inputs.plane} slabs of {inputs.slab} slices"}
    channels = f", {inputs.channels} channels" if inputs.channels > 1 else ""
    voxel = f" of {model.voxel} mm" if model.voxel else ""
    return f"{inputs.modality or 'images of any kind'}, {kinds.get(inputs.kind, inputs.kind)}{voxel}{channels}"


def _training(model: Listed) -> str:
    parts = list(_trained(model.card.training if model.card else {}))
    words = f"Trained on {', '.join(parts)}." if parts else "Its card does not say what it was trained on."
    return words if model.dice is None else f"{words} Validation Dice {model.dice:.3f}."


def _trained(training: Mapping[str, Any]) -> Iterator[str]:
    settings = training.get("settings")
    source = settings.get("source") if isinstance(settings, Mapping) else None
    if isinstance(source, str):
        yield _SOURCES.get(source, source)
    cases = training.get("cases")
    count = cases.get("train") if isinstance(cases, Mapping) else None
    if isinstance(count, list):
        count = len(count)
    if isinstance(count, int):
        yield f"{count} case{'s' * (count != 1)}"
    epochs = training.get("epochs")
    if isinstance(epochs, int):
        yield f"{epochs} epoch{'s' * (epochs != 1)}"
