"""Corrected results as cases to train on: :func:`case_of` and :func:`add_case`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...core.case import Case
from ...core.errors import LabelError, MedsynthError
from ...io.names import INDEX
from ...learning.model_file import read_card
from ..from_layer import as_filed, labels_of, volume_of
from ..metadata import history_of, info_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels


def case_of(image: Image, labels: Labels, name: str) -> Case:
    """Return an image and its labels, as they are now, as a case in the orientation of the image's file.

    Raises
    ------
    GridError
        If they are not on one grid.
    LabelError
        If there is nothing in the labels.
    """
    found = labels_of(labels)
    if not found.values():
        raise LabelError(f"layer {labels.name!r} is empty; expected labels to train on")
    scan = volume_of(image)
    scan.require_same_grid(found, f"image {image.name!r}", f"layer {labels.name!r}")
    history = max(history_of(image), history_of(labels), key=len)
    filed, marked = as_filed(scan, info_of(image)), as_filed(found, info_of(labels))
    if not filed.same_grid(marked):  # they are from files of other orientations
        filed, marked = scan, found
    return Case(id=name, image=filed, labels=marked, history=history)


def add_case(image: Image, labels: Labels, folder: Path, name: str) -> Path:
    """Write a case into a folder of cases; returns its own folder. An older one of that name is never replaced.

    Raises
    ------
    WriteError
        If there is one of that name, or it cannot be written; nothing half-written is left.
    """
    from ...io import write_case

    return write_case(case_of(image, labels, name), folder / name)


def cases_in(folder: Path) -> tuple[str, ...]:
    """Return the names of the cases in a folder; none if it cannot be read."""
    try:
        return tuple(sorted(path.parent.name for path in folder.glob(f"*/{INDEX}")))
    except OSError:
        return ()


def preset_of(labels: Labels) -> str:
    """Return the preset that the model behind a result learned from; empty if that is not known."""
    try:
        record = next((r for r in reversed(history_of(labels)) if r.step == "segment"), None)
        training = {} if record is None else read_card(str(record.config.get("model", ""))).training
    except MedsynthError:  # the model was moved since
        return ""
    settings = training.get("settings", {})
    render = settings.get("render", {}) if isinstance(settings, dict) else {}
    return str(render.get("preset", "")) if isinstance(render, dict) and settings.get("source") != "real" else ""
