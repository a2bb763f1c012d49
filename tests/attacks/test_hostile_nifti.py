"""NIfTI files that are cut short, damaged or lie about themselves."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys

import numpy as np
import pytest

from napari_medsynth.core.errors import ReadError
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_volume, write_volume

IMAGE = Volume(np.random.default_rng(0).integers(-1000, 1000, (10, 12, 14)).astype(np.int16))


@pytest.fixture(params=[".nii", ".nii.gz"])
def scan(request, tmp_path):
    write_volume(IMAGE, tmp_path / f"scan{request.param}")
    return tmp_path / f"scan{request.param}"


def plain(path):
    """Bytes of a file, unpacked."""
    return bytearray(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())


def put(path, data):
    """Write bytes, packed if the name says so."""
    path.write_bytes(gzip.compress(bytes(data)) if path.suffix == ".gz" else bytes(data))


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_cut_short(scan, share):
    data = scan.read_bytes()
    scan.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ReadError, match=r"scan\.nii(\.gz)? is (cut short|not a NIfTI)"):
        read_volume(scan)


@pytest.mark.parametrize("keep", [348, 352])
def test_header_only(scan, keep):
    put(scan, plain(scan)[:keep])
    with pytest.raises(ReadError, match="cut short"):
        read_volume(scan)


@pytest.mark.parametrize("data", [b"", b"This is no image at all.\n" * 100, b"\0" * 1000, b"\x1f\x8b"])
def test_empty_text_and_zeros(scan, data):
    scan.write_bytes(data)
    with pytest.raises(ReadError, match=r"scan\.nii"):
        read_volume(scan)


@pytest.mark.parametrize("place", [-3, -6])
def test_checksum_of_a_packed_file(tmp_path, place):
    write_volume(IMAGE, tmp_path / "scan.nii.gz")
    data = bytearray((tmp_path / "scan.nii.gz").read_bytes())
    data[place] ^= 0xFF
    (tmp_path / "scan.nii.gz").write_bytes(data)
    with pytest.raises(ReadError, match="cut short or damaged"):
        read_volume(tmp_path / "scan.nii.gz")


@pytest.mark.parametrize(
    ("dims", "found"),
    [
        ((3, 32767, 32767, 32767), "35184372088831 voxels|bytes"),
        ((3, -5, 12, 14), "at least one on each axis"),
        ((3, 0, 12, 14), "at least one on each axis"),
        ((9, 10, 12, 14), "9 axes"),
        ((-1, 10, 12, 14), "-1 axes"),
        ((0, 10, 12, 14), "0 axes"),
        ((7, 32767, 32767, 32767, 32767, 32767, 32767, 32767), "shape|bytes"),
    ],
)
def test_sizes_that_make_no_sense(scan, dims, found):
    data = plain(scan)
    struct.pack_into(f"<{len(dims)}h", data, 40, *dims)
    put(scan, data)
    with pytest.raises(ReadError, match=found):
        read_volume(scan)


@pytest.mark.parametrize("offset", [-1000.0, 1e9, 12.0, 352.5, float("nan"), float("inf"), 1e30])
def test_voxels_in_a_place_that_makes_no_sense(scan, offset):
    data = plain(scan)
    struct.pack_into("<f", data, 108, offset)
    put(scan, data)
    with pytest.raises(ReadError, match=r"puts its voxels at byte|cut short"):
        read_volume(scan)


@pytest.mark.parametrize("code", [0, 1, 999, -7])
def test_types_that_do_not_exist(scan, code):
    data = plain(scan)
    struct.pack_into("<h", data, 70, code)
    put(scan, data)
    with pytest.raises(ReadError, match=r"voxels of (data)?type"):
        read_volume(scan)


def test_half_of_a_pair(scan):
    data = plain(scan)
    data[344:348] = b"ni1\0"
    put(scan, data)
    with pytest.raises(ReadError, match="half of a header and image pair"):
        read_volume(scan)


def test_bomb_after_the_voxels(tmp_path):
    """A packed file may go on for ever after its voxels; we stop."""
    write_volume(IMAGE, tmp_path / "scan.nii")
    data = (tmp_path / "scan.nii").read_bytes()
    with gzip.open(tmp_path / "bomb.nii.gz", "wb", compresslevel=1) as file:
        file.write(data)
        for _ in range(80):
            file.write(bytes(1024**2))
    with pytest.raises(ReadError, match="bytes after its voxels"):
        read_volume(tmp_path / "bomb.nii.gz")


def test_the_budget_is_checked_before_anything_is_allocated(scan, monkeypatch):
    with pytest.raises(ReadError, match=r"declares 14×12×10×1 voxels, 3360 bytes; at most 3359 are allowed"):
        read_volume(scan, max_bytes=3359)
    monkeypatch.setenv("MEDSYNTH_MAX_BYTES", "3359")
    with pytest.raises(ReadError, match="MEDSYNTH_MAX_BYTES"):
        read_volume(scan)
    monkeypatch.setenv("MEDSYNTH_MAX_BYTES", "3360")
    assert np.array_equal(read_volume(scan).array, IMAGE.array)


CHILD = """
import resource, sys
from napari_medsynth.core.errors import ReadError
from napari_medsynth.io import nifti, read_volume
resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))
try:
    read_volume(sys.argv[1], max_bytes=10**15)
except ReadError as error:
    print(error)
"""


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_huge_claim_is_refused_with_little_memory(tmp_path, suffix):
    """1 GB of address space suffices, even where the budget allows everything."""
    path = tmp_path / f"scan{suffix}"
    write_volume(IMAGE, path)
    data = plain(path)
    struct.pack_into("<4h", data, 40, 3, 2000, 2000, 1000)
    put(path, bytes(data) + bytes(8_000_000_000 // 1032 + 10**6 if suffix == ".gz" else 0))
    if suffix == ".nii.gz":  # enough noise that the claim could be true
        path.write_bytes(path.read_bytes() + np.random.default_rng(0).bytes(9_000_000))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, path], capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    assert "cut short" in done.stdout or "too little memory" in done.stdout
    assert done.stderr == ""
