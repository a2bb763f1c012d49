"""Every kind of bad input, given as a person would: one clear line that names the file, status 1, nothing written."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from napari_medsynth import LabelMap, Volume
from napari_medsynth.cli.app import main
from napari_medsynth.io import write_labels, write_volume
from napari_medsynth.phantom.thorax import thorax
from napari_medsynth.tumor import SeedLibrary, SyntheticLesion


@pytest.fixture(scope="module")
def chest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chest")
    case = thorax((48, 96, 112), (5.0, 3.4, 3.4), tumors=1)
    write_volume(case.image, folder / "ct.nii.gz")
    write_labels(case.host, folder / "lungs.nii.gz")
    write_labels(LabelMap(case.instances.array, case.image.affine), folder / "lesions.nii.gz")
    SeedLibrary.create(folder / "seeds").add([SyntheticLesion(diameter_mm=14, seed=n).make() for n in (1, 2)])
    return folder


def nifti(path, array):
    """Write an array as it is, axes x, y, z …, whatever it holds."""
    nib.Nifti1Image(array, np.eye(4)).to_filename(path)
    return path


def refused(capsys, tmp_path, *words):
    """Run a command that must fail; returns its one line. Nothing may be left of its output."""
    out = tmp_path / "out"
    assert main([*(str(w) for w in words), "-o", str(out)]) == 1
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1, said
    assert "Traceback" not in said
    assert "internal error" not in said
    assert not out.exists()
    assert not list(tmp_path.glob("*.partial"))
    return said


def insert(chest, image="ct.nii.gz", *more):
    return ["tumor", "insert", chest / image, "--library", chest / "seeds", "--count", "1", *more]


def demo(image, labels, *more):
    return ["demo", "--data", image, labels, *more]


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("cut.nii.gz", lambda data: data[: len(data) // 2]),
        ("empty.nii.gz", lambda data: b""),
        ("text.nii.gz", lambda data: b"this is not a scan\n" * 40),
        ("text.nii", lambda data: b"this is not a scan\n" * 40),
        ("flipped.nii.gz", lambda data: data[:-2000] + bytes([data[-2000] ^ 255]) + data[-1999:]),
    ],
)
def test_a_damaged_scan(chest, tmp_path, capsys, name, spoil):
    bad = tmp_path / name
    bad.write_bytes(spoil((chest / "ct.nii.gz").read_bytes()))
    assert name in refused(capsys, tmp_path, *insert(chest, bad))


def test_a_scan_that_is_not_there(chest, tmp_path, capsys):
    assert "nowhere.nii.gz" in refused(capsys, tmp_path, *insert(chest, tmp_path / "nowhere.nii.gz"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_not_finite(chest, tmp_path, capsys, value):
    array = np.zeros((8, 9, 10), np.float32)
    array[2:4, 3, 3] = value
    said = refused(capsys, tmp_path, *insert(chest, nifti(tmp_path / "hole.nii.gz", array)))
    assert "hole.nii.gz" in said
    assert "2" in said


def test_a_scan_with_time(chest, tmp_path, capsys):
    said = refused(capsys, tmp_path, *insert(chest, nifti(tmp_path / "4d.nii.gz", np.zeros((6, 7, 8, 3), np.int16))))
    assert "4d.nii.gz" in said
    assert "3" in said


def test_a_flat_scan(chest, tmp_path, capsys):
    write_volume(Volume(np.zeros((20, 30), np.int16)), tmp_path / "flat.nii.gz")
    assert "(20, 30)" in refused(capsys, tmp_path, *insert(chest, tmp_path / "flat.nii.gz"))


def test_image_and_labels_on_different_grids(chest, tmp_path, capsys):
    write_labels(LabelMap(np.ones((5, 6, 7), np.uint8)), tmp_path / "other.nii.gz")
    said = refused(capsys, tmp_path, *demo(chest / "ct.nii.gz", tmp_path / "other.nii.gz"))
    assert "48×96×112" in said
    assert "5×6×7" in said


def test_labels_that_are_not_whole(chest, tmp_path, capsys):
    array = np.zeros((112, 96, 48), np.float32)
    array[5, 5, 5] = 0.5
    said = refused(capsys, tmp_path, *demo(chest / "ct.nii.gz", nifti(tmp_path / "half.nii.gz", array)))
    assert "half.nii.gz" in said
    assert "0.5" in said


def test_a_label_value_that_is_absent(chest, tmp_path, capsys):
    said = refused(capsys, tmp_path, *demo(chest / "ct.nii.gz", chest / "lesions.nii.gz", "--lesion", "9"))
    assert "9" in said


def test_a_label_map_without_any_label(chest, tmp_path, capsys):
    empty = LabelMap(np.zeros((48, 96, 112), np.uint8), thorax((48, 96, 112), (5.0, 3.4, 3.4), tumors=0).image.affine)
    write_labels(empty, tmp_path / "none.nii.gz")
    said = refused(capsys, tmp_path, *demo(chest / "ct.nii.gz", tmp_path / "none.nii.gz"))
    assert "labels of case ct are all 0" in said


def test_a_scan_without_lungs(chest, tmp_path, capsys):
    belly = np.random.default_rng(0).normal(40, 10, (64, 64, 20)).astype(np.int16)
    said = refused(capsys, tmp_path, *insert(chest, nifti(tmp_path / "belly.nii.gz", belly)))
    assert "lung" in said


def test_an_empty_host(chest, tmp_path, capsys):
    write_labels(LabelMap(np.zeros((48, 96, 112), np.uint8), _affine(chest)), tmp_path / "none.nii.gz")
    assert "empty" in refused(capsys, tmp_path, *insert(chest, "ct.nii.gz", "--lungs", tmp_path / "none.nii.gz"))


def test_a_place_outside(chest, tmp_path, capsys):
    assert "outside the scan" in refused(capsys, tmp_path, *insert(chest, "ct.nii.gz", "--at", "900,4,4"))


def test_a_damaged_seed_is_named_and_the_rest_of_the_library_stays_usable(chest, tmp_path, capsys):
    library = SeedLibrary.create(tmp_path / "lib")
    library.add([SyntheticLesion(diameter_mm=14, seed=n).make() for n in (1, 2)])
    (tmp_path / "lib" / "synthetic-solid-1_image.nii.gz").write_bytes(b"not a seed")
    words = ["tumor", "insert", chest / "ct.nii.gz", "--library", tmp_path / "lib", "--count", "1"]
    tried = [str(w) for w in words]
    status = {seed: main([*tried, "--seed", str(seed), "-o", str(tmp_path / f"out-{seed}")]) for seed in range(6)}
    said = capsys.readouterr().err
    assert set(status.values()) == {0, 1}
    assert "synthetic-solid-1" in said
    assert "Traceback" not in said
    assert all((tmp_path / f"out-{seed}").exists() == (code == 0) for seed, code in status.items())


def test_an_output_folder_that_cannot_be_written(chest, tmp_path, capsys):
    """A file stands where a folder is needed: the same for root, whom no permission stops."""
    (tmp_path / "file").write_text("in the way")
    words = [str(w) for w in insert(chest)]
    assert main([*words, "-o", str(tmp_path / "file" / "out")]) == 1
    said = capsys.readouterr().err
    assert "file" in said
    assert len(said.strip().splitlines()) == 1
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_full_disk_in_the_middle_of_writing(chest, tmp_path):
    """No file may grow past 100 kB: as with a full disk, writing the scan fails half-way."""

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    words = [sys.executable, "-m", "napari_medsynth", *(str(w) for w in insert(chest)), "-o", str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", preexec_fn=full, check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "out" in done.stderr
    assert list(tmp_path.iterdir()) == []


def _affine(chest):
    from napari_medsynth.io import read_volume

    return read_volume(chest / "ct.nii.gz").affine
