"""HDF5 files from anywhere, opened with suspicion.

An HDF5 file can name other files (external links, external storage, virtual datasets), ask for filters that are
plugins, unpack to a thousand times its size or more, and declare any size. Nothing of that is followed: only hard links
of the root group to plain datasets are, sizes are checked before anything is allocated, and whatever the library
raises on damage becomes a :class:`ReadError` that names the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..core.errors import MedsynthError, ReadError, shown
from ..io.limits import require_affordable, require_held

#: Filters that every build of HDF5 or h5py brings: gzip, shuffle, checksum, lzf.
DEFLATE, SHUFFLE, FLETCHER, LZF = 1, 2, 3, 32000

#: No label table or recipe is longer.
MAX_TEXT = 64 * 1024**2

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@contextmanager
def explained(path: Path, what: str = "") -> Iterator[None]:
    """Turn whatever h5py raises on a damaged file into one line that names it."""
    try:
        yield
    except MedsynthError:
        raise
    except FileNotFoundError as error:
        raise ReadError(f"{path} does not exist") from error
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError) as error:
        part = f" ({what})" if what else ""
        raise ReadError(f"{path}{part} is cut short or damaged: {shown(str(error))}") from error


def opened(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises
    ------
    ReadError
        If it is missing, no ordinary file, not HDF5, or damaged.
    """
    with explained(path):
        if path.exists() and not path.is_file():
            raise ReadError(f"{path} is not a file; expected an HDF5 file")
        with path.open("rb") as file:
            if file.read(len(_SIGNATURE)) != _SIGNATURE:
                raise ReadError(f"{path} is not an HDF5 file")
        return h5py.File(path, "r")  # with the default locking, so that users may open it a second time


def members(file: h5py.File, path: Path) -> set[str]:
    """Return the names in the root group, without opening what they name."""
    with explained(path):
        return {str(name) for name in file}


def dataset(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Return a dataset of the root group that lies wholly in this file and needs no plugin.

    Raises
    ------
    ReadError
        If it is anything else.
    """
    key = name.encode()
    with explained(path, name):
        if key not in file.id:
            raise ReadError(f"{path} has no {name!r}; expected a dataset of that name")
        if file.id.links.get_info(key).type != h5py.h5l.TYPE_HARD:
            raise ReadError(f"{path} has a link in place of {name!r}; links are not followed")
        found = h5py.Dataset(h5py.h5d.open(file.id, key))  # which opens nothing but a dataset
        _require_inside(found, name, path)
        _require_plain_type(found, name, path)
        return found


def require_stored(found: h5py.Dataset, path: Path, max_bytes: int | None = None) -> None:
    """Raise :class:`ReadError` unless all of a small dataset is there and fits into memory."""
    sizes = [*found.shape, 1]
    if 0 in sizes:
        return
    needed = require_affordable(path, sizes, found.dtype.itemsize, max_bytes)
    with explained(path):
        require_held(path, needed, found.id.get_storage_size(), compressed=found.chunks is not None)


def text(attributes: h5py.AttributeManager, name: str, path: Path, default: str | None = None) -> str:
    """Return a text attribute of the file.

    Raises
    ------
    ReadError
        If it is missing and has no default, or is not one text.
    """
    with explained(path, name):
        if name not in attributes:
            if default is None:
                raise ReadError(f"{path} has no attribute {name!r}; expected a text")
            return default
        kind = attributes.get_id(name)
        if kind.shape != () or kind.dtype.kind not in "OS" or kind.dtype.itemsize > MAX_TEXT:
            raise ReadError(f"{path} has attribute {name!r} of {kind.dtype} {kind.shape}; expected one text")
        if kind.dtype.kind == "O" and h5py.check_string_dtype(kind.dtype) is None:
            raise ReadError(f"{path} has attribute {name!r} that is not a text")
        value = attributes[name]
        value = value.decode() if isinstance(value, bytes) else value
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            raise ReadError(f"{path} has attribute {name!r} that is no text of at most {MAX_TEXT} bytes")
        return value


def json_of(attributes: h5py.AttributeManager, name: str, path: Path) -> Any:
    """Return the plain values of an attribute that holds JSON."""
    try:
        return json.loads(text(attributes, name, path))
    except (ValueError, RecursionError) as error:
        raise ReadError(f"{path} has attribute {name!r} that is not JSON: {shown(str(error))}") from error


def whole_numbers(attributes: h5py.AttributeManager, name: str, path: Path, most: int) -> tuple[int, ...]:
    """Return an attribute of at most ``most`` whole numbers; one number is a tuple of one."""
    with explained(path, name):
        if name not in attributes:
            raise ReadError(f"{path} has no attribute {name!r}; expected whole numbers")
        kind = attributes.get_id(name)
        if kind.dtype.kind not in "iu" or len(kind.shape) > 1 or np.prod(kind.shape, dtype=float) > most:
            raise ReadError(f"{path} has attribute {name!r} of {kind.dtype} {kind.shape}; expected whole numbers")
        return tuple(int(value) for value in np.atleast_1d(attributes[name]))


def _require_inside(found: h5py.Dataset, name: str, path: Path) -> None:
    """Refuse storage in other files, and filters that are plugins or come twice."""
    plist = found.id.get_create_plist()
    if plist.get_layout() == h5py.h5d.VIRTUAL:
        raise ReadError(f"{path} has a virtual dataset {name!r}; other files are not followed")
    if plist.get_external_count():
        raise ReadError(f"{path} keeps {name!r} in other files; they are not followed")
    filters = [plist.get_filter(n)[0] for n in range(plist.get_nfilters())]
    strange = sorted(set(filters) - {DEFLATE, SHUFFLE, FLETCHER, LZF})
    if strange or len(set(filters)) < len(filters) or {DEFLATE, LZF} <= set(filters):
        expected = "expected gzip or lzf, shuffle and fletcher32, each at most once"
        raise ReadError(f"{path} packs {name!r} with filters {filters[:8]}; {expected}")


def _require_plain_type(found: h5py.Dataset, name: str, path: Path) -> None:
    """Refuse compounds, references, variable-length lists and numbers that no processor has."""
    kind = found.dtype
    if kind.kind == "O" and h5py.check_string_dtype(kind) is not None:
        return
    standard = kind.kind in "iufbS" and kind.subdtype is None
    if kind.kind in "iuf" and standard:
        standard = kind.itemsize <= 8 and found.id.get_type().equal(h5py.h5t.py_create(kind))
    if not standard:
        raise ReadError(f"{path} has {name!r} of type {shown(kind)}; expected numbers or texts")
