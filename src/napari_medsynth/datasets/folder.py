"""A dataset on disk as a whole: :class:`DatasetFolder`, and the file that says what is in it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ..core.errors import ConfigError, ReadError, shown
from ..core.version import __version__
from ..core.yaml_text import MAX_BYTES, parse_yaml
from ..io.atomic import write_json
from ..io.plainfile import read_json
from ..io.sidecar import require_version
from .parts import parts_in
from .reader import Split
from .schema import METADATA, PLAN, SCHEMA, SPLITS, UNFINISHED, VERSION

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.h5")


@dataclass(frozen=True, kw_only=True)
class DatasetFolder:
    """A folder with a file a split.

    Parameters
    ----------
    path
        The folder.
    splits
        The file of each split by its name, in the order training, validation, test.
    structure_names
        Names of the structures in the order of masks and presence.
    metadata
        What ``metadata.json`` says; empty in a folder without one.
    done, total
        How many cases are made and how many there are to be.
    is_finished
        Whether all cases are made and put together.
    """

    path: Path
    splits: Mapping[str, Path]
    structure_names: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    done: int = 0
    total: int = 0
    is_finished: bool = True

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, allow_unfinished: bool = False) -> Self:
        """Open a dataset; its files are not opened yet.

        Parameters
        ----------
        allow_unfinished
            Whether one that is still being made, or was interrupted, is opened with the splits that it has.

        Raises
        ------
        ReadError
            If there is no dataset, a split is missing, the metadata is damaged, of a newer version or names files
            elsewhere, or the dataset is not finished.
        """
        path = Path(path)
        if not path.is_dir():
            raise ReadError(f"{path} {'is a file' if path.exists() else 'does not exist'}; expected a dataset's folder")
        if (path / METADATA).is_file():
            return cls._finished(path)
        if (path / UNFINISHED / PLAN).is_file():
            return cls._unfinished(path, allow_unfinished)
        splits = {name: path / f"{name}.h5" for name in SPLITS if (path / f"{name}.h5").is_file()}
        if not splits:
            raise ReadError(f"{path} holds no dataset; expected {METADATA} and {SPLITS[0]}.h5")
        return cls._of_files(path, splits, {})

    def split(self, name: str) -> Split:
        """Open a split; :class:`ReadError` if there is none of that name, or as :meth:`.reader.Split.open`."""
        if name not in self.splits:
            raise ReadError(f"{self.path} has no split {shown(name)}; expected one of {', '.join(self.splits)}")
        return Split.open(self.splits[name])

    @classmethod
    def _finished(cls, path: Path) -> Self:
        metadata = read_json(path / METADATA)
        splits = split_files(path, metadata)
        missing = next((file for file in splits.values() if not file.is_file()), None)
        if missing is not None:
            raise ReadError(f"{missing} is missing; {METADATA} names it")
        return cls._of_files(path, splits, metadata)

    @classmethod
    def _of_files(cls, path: Path, splits: Mapping[str, Path], metadata: Mapping[str, Any]) -> Self:
        names, total = metadata.get("structure_names"), metadata.get("total_samples")
        if isinstance(names, list) and isinstance(total, int) and all(isinstance(name, str) for name in names):
            known = tuple(names)
        else:  # another maker's
            opened = [Split.open(file) for file in splits.values()]
            known, total = opened[0].structure_names, sum(len(split) for split in opened)
            for split in opened:
                split.close()
        return cls(path=path, splits=splits, structure_names=known, metadata=metadata, done=total, total=total)

    @classmethod
    def _unfinished(cls, path: Path, allowed: bool) -> Self:
        plan = read_json(path / UNFINISHED / PLAN)
        total = plan.get("count")
        if isinstance(total, bool) or not isinstance(total, int) or total < 1:
            raise ReadError(f"{path / UNFINISHED / PLAN} has count {shown(total)}; expected how many cases there are")
        splits = {name: path / f"{name}.h5" for name in SPLITS if (path / f"{name}.h5").is_file()}
        held = set(parts_in(path))
        names: tuple[str, ...] = ()
        for file in splits.values():
            with Split.open(file) as split:
                held |= {int(index) for index in split.columns.indices}
                names = split.structure_names
        done = min(len(held), total)
        if not allowed:
            found = f"{path} is not finished: {done} of {total} cases are made"
            raise ReadError(f"{found}; run the same command again to go on")
        return cls(path=path, splits=splits, structure_names=names, done=done, total=total, is_finished=False)


def split_files(folder: Path, metadata: Mapping[str, Any]) -> dict[str, Path]:
    """Return the file of each split that a ``metadata.json`` names.

    Raises
    ------
    ReadError
        If it is damaged, of a newer version, or names anything but plain files in the folder.
    """
    path = folder / METADATA
    if "schema" not in metadata and "splits" not in metadata:  # another maker's, who names no files
        files = {name: folder / f"{name}.h5" for name in SPLITS if (folder / f"{name}.h5").is_file()}
        if not files:
            raise ReadError(f"{folder} holds no dataset; expected {SPLITS[0]}.h5")
        return files
    if metadata.get("schema") != SCHEMA:
        raise ReadError(f"{path} has schema {shown(metadata.get('schema'))}; expected {SCHEMA!r}")
    require_version(metadata.get("schema_version"), VERSION, path)
    splits = metadata.get("splits")
    if not isinstance(splits, dict) or not splits or not set(splits) <= set(SPLITS):
        raise ReadError(f"{path} has splits {shown(splits)}; expected some of {', '.join(SPLITS)}")
    files = {}
    for name in (name for name in SPLITS if name in splits):
        file = splits[name].get("file") if isinstance(splits[name], dict) else None
        if not isinstance(file, str) or not _PLAIN_NAME.fullmatch(file):
            raise ReadError(f"{path} names the file {shown(file)}; expected plain names within the folder")
        files[name] = folder / file
    return files


def write_metadata(folder: Path, **extra: Any) -> Path:
    """Write ``metadata.json``, which makes a dataset finished, from what its split files hold.

    Parameters
    ----------
    extra
        Further entries, plain JSON values.

    Raises
    ------
    ReadError
        If a split file cannot be read, or there is none.
    WriteError
        If it cannot be written.
    """
    files = {name: path for name in SPLITS if (path := folder / f"{name}.h5").is_file()}
    if not files:
        raise ReadError(f"{folder} has no {SPLITS[0]}.h5; expected a file of cases")
    write_json(folder / METADATA, {**described(files), "package_version": __version__, **extra})
    return folder / METADATA


def described(files: Mapping[str, Path]) -> dict[str, Any]:
    """Return what ``metadata.json`` says of the files of some splits, at least one; raises as :meth:`.Split.open`."""
    entries: dict[str, dict[str, Any]] = {}
    scenarios: set[str] = set()
    spacings: set[tuple[float, ...]] = set()
    for name, path in files.items():
        with Split.open(path) as split:
            meta = split.meta
            entries[name] = {"file": path.name, "cases": len(split), "checksum": sum_of_sums(split.checksums)}
            scenarios |= set(split.scenarios)
            spacings |= {tuple(row) for row in split.spacing.tolist()}
    recipe = recipe_of(meta.recipe, path)
    return {
        "structure_names": list(meta.names),
        "image_size": list(meta.image_size),
        "generation_params": _variation(recipe),
        "scenarios": sorted(scenarios - {""}),
        "total_samples": sum(entry["cases"] for entry in entries.values()),
        "spacing": list(spacings.pop()) if len(spacings) == 1 else None,
        "modality": meta.modality,
        "label_table": meta.table.to_json(),
        "seed": meta.seed,
        "recipe": recipe,
        "splits": entries,
        "schema": SCHEMA,
        "schema_version": VERSION,
    }


def sum_of_sums(checksums: Sequence[str]) -> str:
    """Return the SHA-256 over the checksums of all cases of a split, in their order."""
    return hashlib.sha256("\n".join(checksums).encode()).hexdigest()


def recipe_of(text: str, path: Path) -> dict[str, Any] | None:
    """Return the plain values of a recipe in YAML, as JSON would give them; None if there is none.

    Raises
    ------
    ReadError
        If it is no recipe; ``path`` is for the message.
    """
    try:
        value = _expanded(parse_yaml(text, str(path))) if text else None
    except (ConfigError, TypeError, ValueError, RecursionError) as error:
        raise ReadError(f"{path} has a recipe that cannot be read: {shown(str(error))}") from error
    if value is not None and not isinstance(value, dict):
        raise ReadError(f"{path} has a recipe that is {type(value).__name__}; expected a mapping")
    return value


def _expanded(value: object) -> Any:
    """Return ``value`` as JSON gives it back; an alias in YAML may stand for more than any memory holds."""
    pieces, size = [], 0
    for piece in json.JSONEncoder(allow_nan=False).iterencode(value):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BYTES:
            raise ValueError(f"it holds more than {MAX_BYTES} bytes")
    return json.loads("".join(pieces))


def _variation(recipe: Mapping[str, Any] | None) -> dict[str, float]:
    """How much a phantom's bodies differ, under the names that readers of the plain layout look for."""
    names = ("position_noise", "size_noise", "intensity_noise")
    steps = recipe.get("steps") if recipe else None
    phantoms = (step.get("phantom") for step in steps if isinstance(step, dict)) if isinstance(steps, list) else ()
    settings = next((found for found in phantoms if isinstance(found, dict)), {})
    return {name: settings[name] for name in names if name in settings}
