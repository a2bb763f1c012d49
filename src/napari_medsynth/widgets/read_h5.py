"""Datasets for the reader: the first case of a file or folder, and word of where to see the others."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import ReadError
from .layers import LayerData

SUFFIX = ".h5"


def is_dataset(path: Path) -> bool:
    """Whether a file or folder is a dataset that can be opened here; what others keep in HDF5 is left to others.

    Of a file only the names in its root group and one attribute are looked at, whatever its size.
    """
    return _is_folder(path) if path.is_dir() else path.suffix.lower() == SUFFIX and _is_split(path)


def read_dataset(path: Path) -> list[LayerData]:
    """Read the first case into layers, and tell how many there are and where to page through them.

    Raises
    ------
    ReadError
        If the dataset is damaged, not finished or empty.
    """
    from .datasets.case_layers import layers_of
    from .datasets.opened import Opened

    dataset = Opened(path)
    with dataset.split(dataset.split_names[0]) as split:
        if not len(split):
            raise ReadError(f"{split.path} holds no case; expected at least one")
        layers = layers_of(split, 0)
        if len(split) > 1 or len(dataset.split_names) > 1:
            _tell(split.path.name, len(split))
    return layers


def _is_folder(path: Path) -> bool:
    from ..datasets.schema import METADATA, SCHEMA
    from ..io.plainfile import read_json

    try:
        return (path / METADATA).is_file() and read_json(path / METADATA).get("schema") == SCHEMA
    except ReadError:  # whoever wrote that, it was nobody we know
        return False


def _is_split(path: Path) -> bool:
    from ..datasets.safety import members, opened, text
    from ..datasets.schema import IMAGES, MASKS, PRESENCE, SCENARIOS, SCHEMA

    try:
        with opened(path) as file:
            plain = {IMAGES, MASKS, PRESENCE, SCENARIOS} <= members(file, path)
            return plain or text(file, "schema", path, "") == SCHEMA
    except ReadError:
        return False


def _tell(name: str, count: int) -> None:
    from napari.utils.notifications import show_info

    where = "Plugins › MedSynth › Dataset"
    show_info(f"This is the first of {count} case{'s' * (count > 1)} in {name}; {where} pages through them")
