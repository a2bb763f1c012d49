"""Text headers of MetaImage and NRRD, read before ITK sees the file.

ITK follows a detached header to any file of the machine, allocates whatever a header asks for, reads a damaged
compressed MetaImage as if it were whole, and takes a spacing of 0 for 1. So what a header says is checked here first.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ReadError
from .limits import require_affordable, require_held
from .plainfile import reading

_MAX_HEADER = 256 * 1024
_CHUNK = 1024**2
_ANY_DEFLATE = 32 + zlib.MAX_WBITS  # zlib's or gzip's wrapping, whichever is there

_META_BYTES = {
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

_NRRD_BYTES = {
    1: "signed char|int8|int8_t|uchar|unsigned char|uint8|uint8_t",
    2: "short|short int|signed short|signed short int|int16|int16_t"
    "|ushort|unsigned short|unsigned short int|uint16|uint16_t",
    4: "int|signed int|int32|int32_t|uint|unsigned int|uint32|uint32_t|float",
    8: "longlong|long long|long long int|signed long long|signed long long int|int64|int64_t"
    "|ulonglong|unsigned long long|unsigned long long int|uint64|uint64_t|double",
}


_META_LINE = re.compile(rb"([A-Za-z]\w*)[ \t]*=(.*)|[ \t]*")

#: A field; or a note ``key:=value``, a comment or an empty line, which have no first group.
_NRRD_LINE = re.compile(rb"([A-Za-z][A-Za-z ]*):(?!=)(.*)|[^:]+:=.*|#.*|[ \t]*")


@dataclass(frozen=True)
class _Data:
    """Where the voxels are: in which file, from which byte, how many values and bytes of them, whether deflated."""

    file: Path
    start: int
    values: int
    needed: int
    packed: bool


def check(path: Path, max_bytes: int | None = None) -> int:
    """Return the number of values, channels counted.

    Raises
    ------
    ReadError
        If the header makes no sense, or the voxels are not all there, intact, in the header's folder or below.
    """
    with reading(path):
        meta = path.suffix.lower() in (".mha", ".mhd")
        data = _metaimage(path, max_bytes) if meta else _nrrd(path, max_bytes)
        held = data.file.stat().st_size - data.start
        require_held(data.file, data.needed, held, compressed=data.packed)
        if data.packed:
            _require_intact(data)
        return data.values


def _metaimage(path: Path, max_bytes: int | None) -> _Data:
    with open(path, "rb") as file:
        head = file.read(_MAX_HEADER)
    match = re.search(rb"^ElementDataFile *= *([^\r\n]*?)[ \r]*\n", head, re.MULTILINE)
    if match is None:
        raise ReadError(f"{path} is not a MetaImage: it has no line 'ElementDataFile = …'")
    fields = _fields(head[: match.start()], _META_LINE, path)
    if "elementdatafile" in fields:
        raise ReadError(f"{path} names its voxels twice; expected one line 'ElementDataFile = …'")
    if fields.get("binarydata", "true").lower() not in ("true", "1"):
        raise ReadError(f"{path} holds its voxels as text; expected binary")
    _require_positive(fields.get("elementspacing", "1"), path, "ElementSpacing")
    sizes = _whole(fields.get("dimsize", ""), path, "DimSize")
    channels = _whole(fields.get("elementnumberofchannels", "1"), path, "ElementNumberOfChannels")
    kind = fields.get("elementtype", "").removesuffix("_ARRAY")
    if kind not in _META_BYTES:
        raise ReadError(f"{path} has ElementType {kind!r}; expected one of {', '.join(_META_BYTES)}")
    needed = require_affordable(path, (*sizes, *channels), _META_BYTES[kind], max_bytes)
    values = math.prod((*sizes, *channels))
    packed = fields.get("compresseddata", "false").lower() in ("true", "1")
    name = match[1].decode("utf-8", "replace")
    if name.upper() == "LOCAL":
        return _Data(path, match.end(), values, needed, packed)
    skipped = _whole(fields.get("headersize", "0"), path, "HeaderSize")[0]
    return _Data(_beside(path, name), max(0, skipped), values, needed, packed)


def _nrrd(path: Path, max_bytes: int | None) -> _Data:
    with open(path, "rb") as file:
        head = file.read(_MAX_HEADER)
    if not head.startswith(b"NRRD000"):
        raise ReadError(f"{path} is not a NRRD file: it starts with {head[:8]!r}")
    end = re.search(rb"\r?\n\r?\n", head)
    lines = (head[: end.start()] if end else head).partition(b"\n")[2]
    fields = _fields(lines, _NRRD_LINE, path)
    name = fields.get("data file", fields.get("datafile"))
    if name is None and end is None:
        raise ReadError(f"{path} is cut short: its header has no end")
    for key in ("byte skip", "byteskip", "line skip", "lineskip"):
        if fields.get(key, "0") != "0":
            raise ReadError(f"{path} has {key} = {fields[key]}; expected voxels without a skip before them")
    kind = " ".join(fields.get("type", "").lower().split())
    itemsize = next((n for n, names in _NRRD_BYTES.items() if kind in names.split("|")), None)
    if itemsize is None:
        raise ReadError(f"{path} has voxels of type {kind!r}; expected integers or floats")
    encoding = fields.get("encoding", "").lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise ReadError(f"{path} has encoding {encoding!r}; expected raw or gzip")
    sizes = _whole(fields.get("sizes", ""), path, "sizes")
    needed, values = require_affordable(path, sizes, itemsize, max_bytes), math.prod(sizes)
    if name is not None:
        return _Data(_beside(path, name), 0, values, needed, encoding != "raw")
    return _Data(path, end.end() if end else 0, values, needed, encoding != "raw")


def _fields(head: bytes, pattern: re.Pattern[bytes], path: Path) -> dict[str, str]:
    """Return the header's keys, in lower case, with their values.

    A line of another form and a key that comes twice are refused: ITK might read it otherwise than we do.
    """
    found: dict[str, str] = {}
    for line in head.splitlines():
        match = pattern.fullmatch(line)
        if match is None:
            raise ReadError(f"{path} has the header line {line[:60]!r}; expected a key and its value")
        if match[1] is None:
            continue
        key = match[1].decode("ascii").strip().lower()
        if key in found:
            raise ReadError(f"{path} says {key!r} twice; expected it once")
        found[key] = match[2].decode("latin-1").strip()
    return found


def _whole(text: str, path: Path, what: str) -> tuple[int, ...]:
    if not re.fullmatch(r"-?\d{1,18}( +-?\d{1,18}){0,9}", text):
        raise ReadError(f"{path} has {what} = {text!r}; expected whole numbers")
    return tuple(int(n) for n in text.split())


def _require_positive(text: str, path: Path, what: str) -> None:
    try:
        values = [float(v) for v in text.split()]
    except ValueError as error:
        raise ReadError(f"{path} has {what} = {text!r}; expected numbers") from error
    if not all(math.isfinite(v) and v > 0 for v in values):
        raise ReadError(f"{path} has {what} = {text}; expected finite values above 0 mm")


def _beside(path: Path, name: str) -> Path:
    """Return the file of a detached header's voxels, which has to lie in the header's folder or below."""
    folder = path.parent.resolve()
    target = (folder / name).resolve()
    if name.startswith("LIST") or "%" in name or "\0" in name:
        raise ReadError(f"{path} spreads its voxels over {name!r}; expected one file")
    if not target.is_relative_to(folder):
        raise ReadError(f"{path} takes its voxels from {name!r}; expected a file in its own folder")
    if not target.is_file():
        raise ReadError(f"{path} takes its voxels from {name!r}, which does not exist")
    return target


def _require_intact(data: _Data) -> None:
    """Inflate the voxels once without keeping them, which checks their number and their checksum."""
    inflater, count = zlib.decompressobj(_ANY_DEFLATE), 0
    with open(data.file, "rb") as file:
        file.seek(data.start)
        try:
            while not inflater.eof and count <= data.needed:
                chunk = inflater.unconsumed_tail or file.read(_CHUNK)
                out = inflater.decompress(chunk, _CHUNK)
                count += len(out)
                if not chunk and not out and not inflater.eof:
                    raise ReadError(f"{data.file} is cut short: it holds {count} of {data.needed} bytes of voxels")
        except zlib.error as error:
            raise ReadError(f"{data.file} is damaged: {error}") from error
    if count != data.needed:
        raise ReadError(f"{data.file} holds {count} or more bytes of voxels; expected {data.needed}")
