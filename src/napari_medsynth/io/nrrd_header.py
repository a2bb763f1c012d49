"""The text header of a NRRD file, ``.nrrd`` or ``.nhdr``."""

from __future__ import annotations

import math
import re
from pathlib import Path

from ..core.errors import ReadError
from .limits import require_affordable
from .text_header import Stored, fields_of, file_beside, head_of, whole_numbers

#: A field; or a note ``key:=value``, a comment or an empty line, which have no first group.
_LINE = re.compile(rb"([A-Za-z][A-Za-z ]*):(?!=)([\t -~\x80-\xff]*)|[^:\0]+:=[^\0]*|#[^\0]*|[ \t]*")
_END = re.compile(rb"\r?\n\r?\n")

_NAMES = {
    1: "signed char|int8|int8_t|uchar|unsigned char|uint8|uint8_t",
    2: "short|short int|signed short|signed short int|int16|int16_t"
    "|ushort|unsigned short|unsigned short int|uint16|uint16_t",
    4: "int|signed int|int32|int32_t|uint|unsigned int|uint32|uint32_t|float",
    8: "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t"
    "|ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t|double",
}
_BYTES = {name: size for size, names in _NAMES.items() for name in names.split("|")}


def stored(path: Path, max_bytes: int | None = None) -> Stored:
    """Return where the voxels are.

    Raises
    ------
    ReadError
        If the header makes no sense, asks for more than the budget, or names a file outside its folder.
    """
    head = head_of(path)
    if not head.startswith(b"NRRD000"):
        raise ReadError(f"{path} is not a NRRD file: it starts with {head[:8]!r}")
    end = _END.search(head)
    lines = (head[: end.start()] if end else head).partition(b"\n")[2]
    fields = {key.lower(): value for key, value in fields_of(lines, _LINE, path).items()}
    name = fields.get("data file", fields.get("datafile"))
    if name is None and end is None:
        raise ReadError(f"{path} is cut short: its header has no end")
    packed = _is_packed(fields, path)
    sizes = whole_numbers(fields, "sizes", path)
    needed = require_affordable(path, sizes, _itemsize(fields, path), max_bytes)
    if name is not None:
        return Stored(file_beside(path, name), 0, math.prod(sizes), needed, packed)
    return Stored(path, end.end() if end else 0, math.prod(sizes), needed, packed)


def _is_packed(fields: dict[str, str], path: Path) -> bool:
    for key in ("byte skip", "byteskip", "line skip", "lineskip"):
        if fields.get(key, "0") != "0":
            raise ReadError(f"{path} has {key} = {fields[key]}; expected voxels without a skip before them")
    encoding = fields.get("encoding", "").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise ReadError(f"{path} has encoding {encoding!r}; expected raw or gzip")
    return encoding != "raw"


def _itemsize(fields: dict[str, str], path: Path) -> int:
    kind = " ".join(fields.get("type", "").lower().split())
    if kind not in _BYTES:
        raise ReadError(f"{path} has voxels of type {kind!r}; expected integers or floats")
    return _BYTES[kind]
