"""A full disk, a read-only folder and a killed process leave nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import WriteError
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_case, read_volume, verify, write_case, write_volume

#: Writes noise, which cannot be packed, with at most 100 kB a file; prints the error.
FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import WriteError
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import write_case, write_volume

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
path = Path(sys.argv[1])
shape = (400, 400) if path.suffix == ".png" else (40, 80, 80)
image = Volume(np.random.default_rng(0).integers(0, 65535, shape, np.uint16))
try:
    if path.suffix:
        write_volume(image, path)
    else:
        write_case(Case(id="x", image=image), path, overwrite=True)
except WriteError as error:
    print(error)
    sys.exit(1)
"""


def run_full(path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, path], capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 1, (done.stdout, done.stderr)
    return done


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mha", "scan.nrrd", "scan.png"])
def test_a_full_disk_leaves_the_old_file(tmp_path, name):
    old = Volume(np.ones((3, 4), np.uint8))
    write_volume(old, tmp_path / name)
    done = run_full(tmp_path / name)
    assert f"{tmp_path / name} could not be written: " in done.stdout
    assert done.stderr == "" or name == "scan.mha"  # MetaIO prints a line of its own, past every switch of ITK
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert np.array_equal(read_volume(tmp_path / name).array, old.array)


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.png"])
def test_a_full_disk_is_said_with_numbers(tmp_path, name):
    assert "the disk or quota is full (" in run_full(tmp_path / name).stdout


def test_a_full_disk_leaves_the_old_case(tmp_path):
    write_case(Case(id="old", image=Volume(np.ones((3, 4, 5)))), tmp_path / "case")
    assert "the disk or quota is full" in run_full(tmp_path / "case").stdout
    assert [p.name for p in tmp_path.iterdir()] == ["case"]
    assert read_case(tmp_path / "case").id == "old"


@pytest.fixture
def read_only():
    """A folder that may not be written; root, who may write anywhere, is another user for that while."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(user)
    folder.chmod(0o755)
    folder.rmdir()  # fails if anything was left


@pytest.mark.parametrize("name", ["scan.nii.gz", "scan.mha", "scan.png"])
def test_a_read_only_folder(tmp_path, name, request):
    image = Volume(np.ones((3, 4), np.uint8))
    write_volume(image, tmp_path / name)  # loads the libraries while they can be read
    folder = request.getfixturevalue("read_only")
    with pytest.raises(WriteError, match=rf"{name} could not be written: the folder or file is read-only"):
        write_volume(image, folder / name)


def test_a_case_in_a_read_only_folder(tmp_path, request):
    case = Case(id="x", image=Volume(np.ones((3, 4, 5))))
    write_case(case, tmp_path / "case")
    folder = request.getfixturevalue("read_only")
    with pytest.raises(WriteError, match=r"case could not be written: the folder or file is read-only"):
        write_case(case, folder / "case")


def test_a_folder_that_may_not_be_written_even_by_root():
    with pytest.raises(WriteError, match=r"/proc/none/scan\.nii could not be written"):
        write_volume(Volume(np.ones((3, 4), np.uint8)), "/proc/none/scan.nii")


#: Replaces a case for ever; says when it has begun.
LOOP = """
import sys
import numpy as np
from napari_medsynth.core.case import Case
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import write_case

noise = np.random.default_rng(0).integers(0, 255, (20, 40, 40), np.uint8)
for n in range(10**6):
    write_case(Case(id=f"c{n}", image=Volume(noise + np.uint8(n))), sys.argv[1], overwrite=True)
    print(n, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges two folders in one step")
def test_a_killed_process_leaves_the_old_case_or_the_new_one(tmp_path):
    delays = np.random.default_rng(0).uniform(0, 0.05, 6)
    for n, delay in enumerate(delays):
        folder = tmp_path / str(n) / "case"
        with subprocess.Popen([sys.executable, "-c", LOOP, folder], stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
        assert verify(folder) == []
        assert read_case(folder).image.shape == (20, 40, 40)
        strange = [p.name for p in folder.parent.iterdir() if p.name != "case"]
        assert all(name.startswith(".case.") and ".partial" in name for name in strange)
