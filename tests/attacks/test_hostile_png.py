"""PNG files that are cut short, damaged or lie about themselves, and those that Pillow would change silently."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from napari_medsynth.core.errors import ReadError
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_volume, write_volume

GREY = np.random.default_rng(0).integers(0, 255, (30, 40), np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows):
    """A PNG made by hand."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture
def scan(tmp_path):
    write_volume(Volume(GREY), tmp_path / "scan.png")
    return tmp_path / "scan.png"


@pytest.mark.parametrize("share", [0, 0.001, 0.02, 0.1, 0.5, 0.9, 0.99])
def test_cut_short(scan, share):
    data = scan.read_bytes()
    scan.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ReadError, match=r"scan\.png is (cut short|not a PNG)"):
        read_volume(scan)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_one_damaged_byte(scan, share):
    data = bytearray(scan.read_bytes())
    data[int(len(data) * share)] ^= 0x55
    scan.write_bytes(data)
    with pytest.raises(ReadError, match="cut short or damaged"):
        read_volume(scan)


def test_text_as_png(scan):
    scan.write_text("no picture" * 10)
    with pytest.raises(ReadError, match="not a PNG"):
        read_volume(scan)


@pytest.mark.parametrize(("width", "height"), [(60000, 60000), (0, 5), (2**31 - 1, 2**31 - 1), (20000, 20000)])
def test_sizes_that_make_no_sense(tmp_path, width, height):
    (tmp_path / "bomb.png").write_bytes(png(width, height, 8, 0, bytes(10)))
    with pytest.raises(ReadError, match=r"expected at most|are allowed|at least one"):
        read_volume(tmp_path / "bomb.png")


@pytest.mark.parametrize("colour", [2, 4, 6])
def test_16_bit_colours_are_refused_because_pillow_would_halve_them(tmp_path, colour):
    (tmp_path / "deep.png").write_bytes(png(1, 1, 16, colour, bytes(9)))
    with pytest.raises(ReadError, match="16-bit colours"):
        read_volume(tmp_path / "deep.png")


def test_transparency_is_refused_and_opacity_is_not(tmp_path):
    pixels = np.full((3, 4, 4), 255, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "opaque.png")
    assert read_volume(tmp_path / "opaque.png").array.shape == (3, 3, 4)
    pixels[0, 0, 3] = 254
    Image.fromarray(pixels).save(tmp_path / "clear.png")
    with pytest.raises(ReadError, match="partly transparent"):
        read_volume(tmp_path / "clear.png")


def test_moving_pictures_are_refused(tmp_path):
    frames = [Image.fromarray(GREY + n) for n in range(2)]
    frames[0].save(tmp_path / "film.png", save_all=True, append_images=frames[1:])
    with pytest.raises(ReadError, match="holds 2 pictures"):
        read_volume(tmp_path / "film.png")


@pytest.mark.parametrize(("mode", "dtype", "top"), [("1", "u1", 1), ("L", "u1", 255), ("I;16", "u2", 65535)])
def test_grey_values_as_stored(tmp_path, mode, dtype, top):
    values = np.array([[0, top], [top, 0]], dtype)
    image = Image.fromarray(values.astype(bool)) if mode == "1" else Image.fromarray(values)
    assert image.mode == mode
    image.save(tmp_path / "grey.png")
    found = read_volume(tmp_path / "grey.png").array
    assert found.dtype == dtype
    assert np.array_equal(found, values)


def test_a_palette_is_colours_in_an_image_and_numbers_in_labels(tmp_path):
    indexed = Image.new("P", (2, 2))
    indexed.putpalette([0, 0, 0, 200, 10, 20, 30, 210, 40])
    indexed.putdata([0, 1, 2, 1])
    indexed.save(tmp_path / "voc.png")
    colours = read_volume(tmp_path / "voc.png")
    assert colours.channels
    assert colours.array[:, 0, 1].tolist() == [200, 10, 20]
    assert read_labels(tmp_path / "voc.png").array.tolist() == [[0, 1], [2, 1]]


def test_a_mask_saved_as_grey_colours_is_a_mask_and_true_colours_are_not(tmp_path):
    mask = np.repeat(np.array([[0, 255], [255, 0]], np.uint8)[..., None], 3, axis=2)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert read_labels(tmp_path / "mask.png").array.tolist() == [[0, 255], [255, 0]]
    mask[0, 0, 2] = 1
    Image.fromarray(mask).save(tmp_path / "mask.png")
    with pytest.raises(ReadError, match="holds colours"):
        read_labels(tmp_path / "mask.png")
