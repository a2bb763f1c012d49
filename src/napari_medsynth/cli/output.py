"""Where a command puts an image with its labels: :class:`Output`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core.case import Case
from ..core.errors import ConfigError, WriteError
from ..core.recipe import Recipe
from ..core.volume import Volume
from ..io.names import PNG, WRITTEN, format_of, split_suffix


@dataclass(frozen=True)
class Output:
    """Two files, an image and its labels, or one folder for both.

    Parameters
    ----------
    image
        The image; without a suffix, the folder.
    labels_out
        The label map, if it is not to lie beside the image under its name and ``_labels``.

    Raises
    ------
    WriteError
        If a suffix is of no format that is written.
    ConfigError
        If both names are the same, or the folder's labels are to lie elsewhere.
    """

    image: Path
    labels_out: Path | None = None

    def __post_init__(self) -> None:
        if self.is_folder and self.labels_out is not None:
            raise ConfigError(f"--labels-out is {self.labels_out} and {self.image} is a folder; expected one of them")
        for path in () if self.is_folder else self.paths:
            if format_of(path) not in WRITTEN:
                raise WriteError(f"{path} has suffix {format_of(path)!r}; expected one of {', '.join(WRITTEN)}")
        if self.image == self.labels_out:
            raise ConfigError(f"--output and --labels-out are both {self.image}; expected two names")

    @property
    def is_folder(self) -> bool:
        """Whether image and labels go into one folder."""
        return not self.image.suffix

    @property
    def labels(self) -> Path:
        """Where the labels go, if not into a folder."""
        stem, suffix = split_suffix(self.image)
        return self.labels_out or self.image.with_name(f"{stem}_labels{suffix}")

    @property
    def paths(self) -> list[Path]:
        """What is written."""
        return [self.image] if self.is_folder else [self.image, self.labels]

    def numbered(self, count: int) -> list[Output]:
        """Return one place for each of several images, or this one for one."""
        if count == 1:
            return [self]
        return [
            Output(_numbered(self.image, n), self.labels_out and _numbered(self.labels_out, n)) for n in range(count)
        ]

    def require_usable(self, source: Path, ndim: int, *, overwrite: bool) -> None:
        """Make sure that it can hold an image of this many axes, and that nothing that is needed is there.

        Raises
        ------
        WriteError
            If something is there that may not be replaced, or PNG is to hold a volume.
        """
        for path in self.paths:
            if path.exists() and path.samefile(source):
                raise WriteError(f"{path} is what is read; choose another name to write to")
            taken = any(path.iterdir()) if path.is_dir() else path.exists()
            if taken and not overwrite:
                raise WriteError(f"{path} is there already; choose another name or allow overwriting")
            if ndim == 3 and format_of(path) in PNG:
                raise WriteError(f"{path} cannot hold a volume; expected one of {', '.join(WRITTEN[:-1])}")

    def write(self, case: Case, recipe: Recipe, *, overwrite: bool) -> None:
        """Write image and labels with the case's history, both or neither; a folder gets the recipe too."""
        from ..io import write_case, write_pair

        if self.is_folder:
            write_case(case, self.image, extras={"recipe.yaml": recipe.to_yaml()}, overwrite=overwrite)
            return
        if case.image is None or case.labels is None:
            raise ConfigError(f"case {case.id!r} has no image or no labels to write")
        image = as_picture(case.image) if format_of(self.image) in PNG else case.image
        write_pair(image, case.labels, self.image, self.labels, history=case.history)


def as_picture(image: Volume) -> Volume:
    """Return an image as 8-bit grey: its least value 0, its greatest 255."""
    array = image.array.astype(np.float64)
    low, high = array.min(), array.max()
    scaled = (array - low) * (255 / (high - low)) if high > low else np.zeros_like(array)
    return replace(image, array=np.round(scaled).astype(np.uint8))


def _numbered(path: Path, number: int) -> Path:
    stem, suffix = split_suffix(path)
    return path.with_name(f"{stem}_{number:03d}{suffix}")
