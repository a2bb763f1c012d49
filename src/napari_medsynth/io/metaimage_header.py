"""The text header of a MetaImage, ``.mha`` or ``.mhd``."""

from __future__ import annotations

import math
import re
from pathlib import Path

from ..core.errors import ReadError
from .limits import require_affordable
from .text_header import Stored, fields_of, file_beside, head_of, whole_numbers

_LAST = "ElementDataFile"
_LAST_LINE = re.compile(rb"^ElementDataFile *= *([^\r\n]*?)[ \r]*\n", re.MULTILINE)
_LINE = re.compile(rb"([A-Za-z]\w*)[ \t]*=([\t -~\x80-\xff]*)|[ \t]*")

_BYTES = {
    "MET_CHAR": 1,
    "MET_UCHAR": 1,
    "MET_SHORT": 2,
    "MET_USHORT": 2,
    "MET_INT": 4,
    "MET_UINT": 4,
    "MET_LONG": 4,
    "MET_ULONG": 4,
    "MET_LONG_LONG": 8,
    "MET_ULONG_LONG": 8,
    "MET_FLOAT": 4,
    "MET_DOUBLE": 8,
}


_LENGTHS = ("ElementSpacing", "ElementSize")

#: How many numbers a field holds, as a power of the number of axes.
_NUMBERS = {
    **dict.fromkeys((*_LENGTHS, "Offset", "Position", "Origin", "CenterOfRotation"), 1),
    **dict.fromkeys(("TransformMatrix", "Rotation", "Orientation"), 2),
}


def stored(path: Path, max_bytes: int | None = None) -> Stored:
    """Return where the voxels are.

    Raises
    ------
    ReadError
        If the header makes no sense, asks for more than the budget, or names a file outside its folder.
    """
    head = head_of(path)
    last = _LAST_LINE.search(head)
    if last is None:
        raise ReadError(f"{path} is not a MetaImage: it has no line '{_LAST} = …'")
    fields = fields_of(head[: last.start()] + f"{_LAST} =".encode(), _LINE, path)
    _check(fields, path)
    sizes = (*whole_numbers(fields, "DimSize", path), *whole_numbers(fields, "ElementNumberOfChannels", path, "1"))
    needed = require_affordable(path, sizes, _itemsize(fields, path), max_bytes)
    packed = _is_true(fields, "CompressedData", path)
    # Without this number ITK takes too few bytes, and returns whatever they make.
    packed_bytes = whole_numbers(fields, "CompressedDataSize", path)[0] if packed else 0
    name = last[1].decode("utf-8", "replace")
    if name.upper() == "LOCAL":
        return Stored(path, last.end(), math.prod(sizes), needed, packed, packed_bytes)
    skipped = max(0, whole_numbers(fields, "HeaderSize", path, "0")[0])  # -1: the voxels are the end of the file
    return Stored(file_beside(path, name), skipped, math.prod(sizes), needed, packed, packed_bytes)


def _check(fields: dict[str, str], path: Path) -> None:
    if not _is_true(fields, "BinaryData", path):
        raise ReadError(f"{path} holds its voxels as text; expected BinaryData = True")
    dims, sizes = whole_numbers(fields, "NDims", path), whole_numbers(fields, "DimSize", path)
    if dims != (len(sizes),):
        raise ReadError(f"{path} has NDims = {dims[0]} and DimSize of {len(sizes)} numbers; expected as many")
    for key in (key for key in fields if key in _NUMBERS):
        values = _numbers(fields[key], path, key)
        if len(values) != len(sizes) ** _NUMBERS[key]:
            raise ReadError(f"{path} has {key} = {fields[key]}; expected {len(sizes) ** _NUMBERS[key]} numbers")
        if key in _LENGTHS and min(values) <= 0:
            raise ReadError(f"{path} has {key} = {fields[key]}; expected values above 0 mm")


def _numbers(text: str, path: Path, key: str) -> list[float]:
    try:
        values = [float(v) for v in text.split()]
    except ValueError as error:
        raise ReadError(f"{path} has {key} = {text!r}; expected numbers") from error
    if not all(map(math.isfinite, values)):
        raise ReadError(f"{path} has {key} = {text}; expected finite numbers")
    return values


def _itemsize(fields: dict[str, str], path: Path) -> int:
    kind = fields.get("ElementType", "").removesuffix("_ARRAY")
    if kind not in _BYTES:
        raise ReadError(f"{path} has ElementType {kind!r}; expected one of {', '.join(_BYTES)}")
    return _BYTES[kind]


def _is_true(fields: dict[str, str], key: str, path: Path) -> bool:
    text = fields.get(key, "False")
    if text.lower() not in ("true", "false"):
        raise ReadError(f"{path} has {key} = {text!r}; expected True or False")
    return text.lower() == "true"
