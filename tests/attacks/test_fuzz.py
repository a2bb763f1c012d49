"""Files with random damage are read, or refused with one of our errors; nothing else, and no crash."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Runs in a child because ITK has aborted whole processes; prints how many files of each outcome there were.
CHILD = """
import sys, tempfile
from collections import Counter
from pathlib import Path
import numpy as np
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import MedsynthError
from napari_medsynth.core.labels import LabelMap, LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_case, read_labels, read_volume, verify, write_case, write_labels

name, count = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(11)
folder = Path(tempfile.mkdtemp(dir=sys.argv[3]))
shape = (6, 7) if name.endswith("png") else (5, 6, 7)
labels = LabelMap(rng.integers(0, 9, shape).astype(np.uint8), table=LabelTable.from_names({1: "a"}))
if name == "case.json":
    write_case(Case(id="x", labels=labels, image=Volume(labels.array)), folder / "case")
    target, read = folder / "case" / "case.json", lambda: read_case(folder / "case")
elif name == "scan.json":
    write_labels(labels, folder / "scan.nii")
    target, read = folder / "scan.json", lambda: read_labels(folder / "scan.nii")
else:
    write_labels(LabelMap(labels.array), folder / name)
    target, read = folder / name, lambda: (read_volume(target, max_bytes=10**7), read_labels(target, max_bytes=10**7))
whole = target.read_bytes()
seen = Counter()
for _ in range(count):
    data = bytearray(whole)
    for _ in range(rng.integers(1, 5)):
        place = int(rng.integers(0, min(len(data), 700)))
        kind = rng.integers(0, 4)
        if kind == 0:
            data[place] = int(rng.integers(0, 256))
        elif kind == 1:
            data[place] ^= 1 << int(rng.integers(0, 8))
        elif kind == 2:
            del data[place : place + int(rng.integers(1, 9))]
        else:
            data[place:place] = rng.bytes(int(rng.integers(1, 9)))
    target.write_bytes(data)
    try:
        read()
        seen["read"] += 1
    except MedsynthError as error:
        assert "\\n" not in str(error), error
        seen["refused"] += 1
    verify(target.parent if name == "case.json" else target)
print(dict(seen))
"""


@pytest.mark.parametrize(
    "name", ["scan.nii", "scan.nii.gz", "scan.mha", "scan.nrrd", "scan.png", "case.json", "scan.json"]
)
def test_random_damage(tmp_path, name):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, name, "250", tmp_path],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "refused" in done.stdout
    assert done.stderr == ""
