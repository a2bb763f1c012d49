"""MetaImage and NRRD files that are cut short, damaged, lie about themselves or point elsewhere."""

from __future__ import annotations

import gzip
import re
import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from napari_medsynth.core.errors import ReadError
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_volume

ARRAY = np.random.default_rng(0).integers(-1000, 1000, (10, 12, 14)).astype(np.int16)


@pytest.fixture(params=[("mha", True), ("mha", False), ("nrrd", True), ("nrrd", False)], ids=lambda p: f"{p[0]}-{p[1]}")
def scan(request, tmp_path):
    """A whole file, compressed or not."""
    suffix, packed = request.param
    sitk.WriteImage(sitk.GetImageFromArray(ARRAY), str(tmp_path / f"scan.{suffix}"), packed)
    return tmp_path / f"scan.{suffix}"


def edited(path, pattern, replacement):
    """Replace the one match of ``pattern`` in the bytes of a file."""
    data, count = re.subn(pattern, replacement, path.read_bytes(), count=1)
    assert count == 1
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_cut_short(scan, share, capfd):
    data = scan.read_bytes()
    scan.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ReadError, match=r"scan\.(mha|nrrd)"):
        read_volume(scan)
    assert capfd.readouterr() == ("", "")  # ITK is never asked, and so has nothing to print


def test_one_damaged_byte_of_a_packed_file(scan, capfd):
    """ITK itself reads a damaged MetaImage as if it were whole."""
    data = bytearray(scan.read_bytes())
    packed = b"CompressedData = True" in data or b"encoding: gzip" in data
    data[-len(data) // 3] ^= 0x55
    scan.write_bytes(data)
    if packed:
        with pytest.raises(ReadError, match=r"is damaged|is cut short|bytes of voxels"):
            read_volume(scan)
    else:  # nothing in an uncompressed file could tell
        assert read_volume(scan).shape == (10, 12, 14)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "sizes", [b"32767 32767 32767", b"14 12 99", b"14 -12 10", b"0 12 10", b"14 x 10", b"", b"9" * 99]
)
def test_sizes_that_make_no_sense(scan, sizes):
    edited(scan, rb"(DimSize = |sizes: )[0-9 ]+", rb"\g<1>" + sizes)
    with pytest.raises(ReadError, match=r"cut short|at most|at least one|whole numbers|bytes of voxels"):
        read_volume(scan)


def test_a_bomb_is_refused(tmp_path):
    """More voxels than the header declares: nothing is allocated for them."""
    bomb = zlib.compress(bytes(50_000_000), 9)
    head = b"ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = True\n"
    head += f"CompressedDataSize = {len(bomb)}\n".encode()
    head += b"DimSize = 4 4 4\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    (tmp_path / "bomb.mha").write_bytes(head + bomb)
    with pytest.raises(ReadError, match="or more bytes of voxels; expected 64"):
        read_volume(tmp_path / "bomb.mha")


@pytest.mark.parametrize("spacing", [b"0 1 1", b"-1 1 1", b"nan 1 1", b"inf 1 1", b"a b c", b"1 1", b"1 1 1 1"])
def test_spacing_that_makes_no_sense(tmp_path, spacing):
    path = tmp_path / "scan.mha"
    sitk.WriteImage(sitk.GetImageFromArray(ARRAY), str(path))
    edited(path, rb"ElementSpacing = [0-9. ]+", b"ElementSpacing = " + spacing)
    with pytest.raises(ReadError, match="ElementSpacing"):
        read_volume(path)


@pytest.mark.parametrize("direction", [b"(0,0,0)", b"(nan,0,0)", b"(0,1,0)"])
def test_nrrd_axes_that_make_no_sense(tmp_path, direction):
    path = tmp_path / "scan.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(ARRAY), str(path))
    edited(path, rb"space directions: \(1,0,0\)", b"space directions: " + direction)
    with pytest.raises(ReadError, match=r"scan\.nrrd"):
        read_volume(path)


@pytest.fixture
def secret(tmp_path):
    """A file outside the folder that headers may name."""
    (tmp_path / "secret.raw").write_bytes(b"S" * 64)
    (tmp_path / "inside").mkdir()
    return tmp_path / "secret.raw"


def mhd(folder, target):
    text = "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 4 4 4\nElementType = MET_UCHAR\n"
    text += f"ElementDataFile = {target}\n"
    (folder / "scan.mhd").write_text(text, encoding="utf-8")
    return folder / "scan.mhd"


def nhdr(folder, target, suffix="nhdr"):
    text = f"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 4 4\nencoding: raw\ndata file: {target}\n\n"
    (folder / f"scan.{suffix}").write_text(text, encoding="utf-8")
    return folder / f"scan.{suffix}"


@pytest.mark.parametrize("header", [mhd, nhdr, lambda f, t: nhdr(f, t, "nrrd")], ids=["mhd", "nhdr", "nrrd"])
class TestDetached:
    """Voxels in another file than the header."""

    def test_beside_the_header_is_read(self, tmp_path, header):
        (tmp_path / "voxels.raw").write_bytes(bytes(range(64)))
        assert np.array_equal(read_volume(header(tmp_path, "voxels.raw")).array.ravel(), np.arange(64))

    def test_outside_is_refused(self, secret, header):
        for target in ("../secret.raw", str(secret), "/etc/passwd", "../../../../../../../etc/passwd", ""):
            with pytest.raises(ReadError, match=r"expected a file in its own folder|which does not exist"):
                read_volume(header(secret.parent / "inside", target))

    def test_outside_by_a_link_is_refused(self, secret, header):
        (secret.parent / "inside" / "link.raw").symlink_to(secret)
        with pytest.raises(ReadError, match="expected a file in its own folder"):
            read_volume(header(secret.parent / "inside", "link.raw"))

    def test_lists_and_patterns_are_refused(self, tmp_path, header):
        for target in ("LIST", "slice%03d.raw 1 9 1"):
            with pytest.raises(ReadError, match=r"expected one file|does not exist"):
                read_volume(header(tmp_path, target))

    def test_too_few_voxels(self, tmp_path, header):
        (tmp_path / "voxels.raw").write_bytes(bytes(63))
        with pytest.raises(ReadError, match=r"voxels\.raw is cut short"):
            read_volume(header(tmp_path, "voxels.raw"))


def test_nrrd_with_a_later_data_file_field_does_not_slip_through(secret):
    """ITK reads a field whatever its letter case or spaces; so do we."""
    folder = secret.parent / "inside"
    for key in ("data file", "datafile", "Data File", "DATAFILE"):
        text = f"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 4 4\nencoding: raw\n{key}: ../secret.raw\n\n"
        (folder / "scan.nrrd").write_bytes(text.encode() + bytes(64))
        with pytest.raises(ReadError):
            read_volume(folder / "scan.nrrd")


def test_two_data_files_do_not_slip_through(secret):
    """The first of two fields counts for some readers, the last for others."""
    folder = secret.parent / "inside"
    (folder / "voxels.raw").write_bytes(bytes(64))
    for names in (("voxels.raw", "../secret.raw"), ("../secret.raw", "voxels.raw")):
        lines = "".join(f"data file: {name}\n" for name in names)
        (folder / "scan.nhdr").write_text(
            f"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 4 4\nencoding: raw\n{lines}\n"
        )
        with pytest.raises(ReadError):
            read_volume(folder / "scan.nhdr")
        lines = "".join(f"ElementDataFile = {name}\n" for name in names)
        head = "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 4 4 4\nElementType = MET_UCHAR\n"
        (folder / "scan.mhd").write_text(head + lines)
        if names[0] != "voxels.raw":
            with pytest.raises(ReadError):
                read_volume(folder / "scan.mhd")
        else:
            assert not read_volume(folder / "scan.mhd").array.any()


@pytest.mark.parametrize(
    "line",
    [
        "ElementDataFile : ../secret.raw",
        " ElementDataFile = ../secret.raw",
        "\tElementDataFile = ../secret.raw",
        "elementdatafile = ../secret.raw",
        "Comment = x\rElementDataFile = ../secret.raw",
        "DimSize = 1 1 1",
        "dimsize = 1 1 1",
        "DimSize : 30000 30000 30000",
        "Comment =\0",
    ],
)
def test_lines_that_itk_may_read_otherwise_are_refused(secret, line):
    folder = secret.parent / "inside"
    (folder / "voxels.raw").write_bytes(bytes(64))
    head = f"ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 4 4 4\n{line}\nElementType = MET_UCHAR\n"
    (folder / "scan.mhd").write_text(f"{head}ElementDataFile = voxels.raw\n", newline="")
    with pytest.raises(ReadError, match=r"expected (a key and its value|it once)"):
        read_volume(folder / "scan.mhd")


@pytest.mark.parametrize("declared", [1, 100, 10**6, -1])
def test_a_wrong_compressed_size_is_refused(tmp_path, declared):
    """ITK would inflate that many bytes and keep what comes of it."""
    path = tmp_path / "scan.mha"
    sitk.WriteImage(sitk.GetImageFromArray(ARRAY), str(path), True)
    edited(path, rb"CompressedDataSize = \d+", f"CompressedDataSize = {declared}".encode())
    with pytest.raises(ReadError, match=rf"declares {declared} compressed bytes; it holds \d+"):
        read_volume(path)
    edited(path, rb"CompressedDataSize = .*\n", b"")
    with pytest.raises(ReadError, match="CompressedDataSize = ''"):
        read_volume(path)


@pytest.mark.parametrize("encoding", ["ascii", "hex", "bzip2", "rot13"])
def test_other_encodings_are_refused(tmp_path, encoding):
    text = f"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4 4 4\nencoding: {encoding}\n\n"
    (tmp_path / "scan.nrrd").write_text(text, encoding="utf-8")
    with pytest.raises(ReadError, match="expected raw or gzip"):
        read_volume(tmp_path / "scan.nrrd")


@pytest.mark.parametrize(("shape", "fine"), [((1, 2, 3, 4), True), ((2, 2, 3, 4), False)])
def test_4d(tmp_path, shape, fine):
    image = sitk.GetImageFromArray(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape), isVector=False)
    sitk.WriteImage(image, str(tmp_path / "scan.mha"))
    if fine:
        assert read_volume(tmp_path / "scan.mha").shape == (2, 3, 4)
    else:
        with pytest.raises(ReadError, match=r"shape \(4, 3, 2, 2\).*expected one 2D or 3D"):
            read_volume(tmp_path / "scan.mha")


def test_nrrd_in_another_space_lies_in_the_same_place(tmp_path):
    """NRRD's right-anterior-superior is our world."""
    text = "NRRD0004\ntype: uchar\ndimension: 3\nspace: right-anterior-superior\nsizes: 4 4 4\n"
    text += "space directions: (2,0,0) (0,3,0) (0,0,4)\nkinds: domain domain domain\nencoding: gzip\n"
    text += "space origin: (10,20,30)\n\n"
    (tmp_path / "scan.nrrd").write_bytes(text.encode() + gzip.compress(bytes(64)))
    found = read_volume(tmp_path / "scan.nrrd")
    assert isinstance(found, Volume)
    assert found.affine.origin == (10, 20, 30)
    assert found.affine.orientation == "SAR"
    assert found.spacing == (4, 3, 2)
