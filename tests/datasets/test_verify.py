"""`verify` names what is missing, altered, there twice, or not as recorded, and never crashes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest

from napari_medsynth.cli.app import main
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets import DatasetFolder
from napari_medsynth.datasets.folder import write_metadata
from napari_medsynth.datasets.parts import part_path
from napari_medsynth.datasets.schema import PLAN, UNFINISHED
from napari_medsynth.datasets.verify import checking, verify
from napari_medsynth.io.atomic import write_json
from stored import SIZE, dataset, made_case, parts


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("data"))


@pytest.fixture
def folder(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "data")
    return tmp_path / "data"


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def altered(path, name, change):
    """Change a dataset of a file in place, as a stray program would."""
    with h5py.File(path, "a") as file:
        change(file[name])


def add_one(place):
    def change(data):
        data[place] += 1

    return change


def test_a_whole_dataset_has_no_problem(folder):
    assert verify(folder) == []
    assert [verify(folder / f"{name}.h5") for name in ("train", "val", "test")] == [[], [], []]


def test_pictures_and_a_report_may_lie_beside(folder):
    (folder / "sample_train.png").touch()
    (folder / "report.html").touch()
    assert verify(folder) == []


def test_a_missing_split_is_named(folder):
    (folder / "val.h5").unlink()
    missing, count = verify(folder)
    assert missing == f"{folder / 'val.h5'} is missing"
    assert count == f"{folder} has 8 of 10 cases; missing: 7, 8"


@pytest.mark.parametrize(
    ("name", "place", "found"),
    [
        ("images", (2, 3, 3, 3), "is altered: its checksum is not the recorded one"),
        ("labels", (2, 0, 0, 0), "is altered: its checksum is not the recorded one"),
        ("seeds", 2, "is altered"),
        ("indices", 2, "is altered"),
        ("affines", (2, 0, 3), "is altered"),
        ("spacing", (2, 0), r"has spacing \[4.0, 1.5, 1.25\], unlike its affine"),
        ("masks", (2, 1, 0, 0, 0), "has a mask of 'spleen', unlike its labels"),
    ],
)
def test_an_altered_case_is_named(folder, name, place, found):
    altered(folder / "train.h5", name, add_one(place))
    problems = verify(folder / "train.h5")
    assert re.search(rf"train\.h5 \(case 2, case_000002\) {found}", problems[0])
    assert all("case_000002" in problem for problem in problems)


def test_altered_texts_and_presence_are_named(folder):
    def flip(data):
        data[1, 0] ^= 1

    altered(folder / "train.h5", "presence_labels", flip)
    altered(folder / "train.h5", "scenarios", lambda data: data.__setitem__(3, b"other"))
    altered(folder / "val.h5", "checksums", lambda data: data.__setitem__(0, b"0" * 64))
    altered(folder / "test.h5", "history", lambda data: data.__setitem__(0, b"[]"))
    first, second, third, checksum, fourth, scenarios = verify(folder)
    assert "(case 1, case_000001) has presence 0 of 'liver', unlike its labels" in first
    assert "(case 3, case_000003) is altered" in second
    assert "val.h5 (case 0, case_000007) is altered" in third
    assert "val.h5 has checksum" in checksum
    assert "test.h5 (case 0, case_000009) is altered" in fourth
    assert "data has scenarios ['other'" in scenarios


def test_a_flipped_byte_in_packed_voxels_is_found_and_the_others_are_still_read(folder):
    path = folder / "train.h5"
    with h5py.File(path) as file:
        chunk = file["images"].id.get_chunk_info_by_coord((4, 0, 0, 0))
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 0x10
    path.write_bytes(data)
    assert "(case 4, case_000004)" in only(verify(folder))


def test_a_file_that_is_cut_short_is_named(folder):
    data = (folder / "val.h5").read_bytes()
    (folder / "val.h5").write_bytes(data[: len(data) // 2])
    assert any("val.h5 is cut short or damaged" in problem for problem in verify(folder))


def test_a_case_twice_in_one_split(folder):
    with h5py.File(folder / "train.h5", "a") as file:
        for name in file:
            file[name][3] = file[name][1]
    problems = verify(folder)
    assert any("(case 3, case_000001) is a duplicate of" in problem for problem in problems)
    assert any("missing: 3" in problem for problem in problems)


def test_a_case_of_training_copied_into_the_test(folder):
    with h5py.File(folder / "train.h5") as train, h5py.File(folder / "test.h5", "a") as test:
        for name in test:
            test[name][0] = train[name][5]
    problems = verify(folder)
    found = next(problem for problem in problems if "duplicate" in problem)
    assert "test.h5 (case 0, case_000005) is a duplicate of" in found
    assert "train.h5 (case 5, case_000005): both have the same id" in found


def test_the_same_voxels_under_another_name_in_two_splits(tmp_path):
    cases = [made_case(index) for index in range(9)]
    folder = dataset(tmp_path / "data", [*cases, replace(cases[0], id="innocent")])
    found = only(verify(folder))
    assert "test.h5 (case 0, innocent) holds the same voxels as" in found
    assert "train.h5 (case 0, case_000000)" in found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("structure_names", ["liver", "spleen", "heart"]),
        ("image_size", [1, 2, 3]),
        ("seed", 8),
        ("modality", "MR"),
        ("recipe", None),
        ("label_table", []),
    ],
)
def test_metadata_that_disagrees(folder, key, value):
    path = folder / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), key: value}))
    problems = verify(folder)
    assert [
        f"{name}.h5 has {key} " in problem for name, problem in zip(("train", "val", "test"), problems, strict=True)
    ] == [True] * 3


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("scenarios", ["nobody"], "scenarios"),
        ("generation_params", {"size_noise": 9}, "generation_params"),
        ("spacing", [9, 9, 9], "spacing"),
        ("order", {"recipe": {"seed": 8}, "count": 10}, "recipe"),
        ("order", {"recipe": {"seed": 7, "steps": ["toy"]}, "count": 11}, "total_samples"),
    ],
)
def test_metadata_that_disagrees_with_all_files_together(folder, key, value, what):
    path = folder / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), key: value}))
    assert f"data has {what} " in only(verify(folder))


@pytest.mark.parametrize("total", [None, "ten", 12])
def test_a_count_that_disagrees(folder, total):
    path = folder / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "total_samples": total}))
    assert "total_samples" in only(verify(folder)) or "missing: 10, 11" in only(verify(folder))


def test_a_file_that_the_metadata_does_not_know(folder):
    shutil.copy(folder / "val.h5", folder / "extra.h5")
    assert only(verify(folder)) == f"{folder / 'extra.h5'} is not listed in metadata.json"


def test_splits_that_were_exchanged(folder):
    (folder / "train.h5").rename(folder / "x")
    (folder / "val.h5").rename(folder / "train.h5")
    (folder / "x").rename(folder / "val.h5")
    assert any("train.h5 has split 'val'; metadata.json says 'train'" in problem for problem in verify(folder))


def test_an_unfinished_dataset_is_verified_as_far_as_it_is(tmp_path):
    parts(tmp_path, [made_case(index) for index in range(4)])
    write_json(tmp_path / UNFINISHED / PLAN, {"count": 10})
    assert only(verify(tmp_path)) == f"{tmp_path} is not finished: 4 of 10 cases are made"
    data = part_path(tmp_path, 2).read_bytes()
    part_path(tmp_path, 2).write_bytes(data[:-100])
    shutil.copy(part_path(tmp_path, 0), part_path(tmp_path, 1))
    _, copied, cut = verify(tmp_path)
    assert "case_000001.h5 holds the cases [0]; expected case 1 only" in copied
    assert "case_000002.h5" in cut


def test_other_makers_files_are_read_in_full(tmp_path):
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file.create_dataset("images", data=np.random.default_rng(0).random((3, *SIZE)), chunks=True, compression="gzip")
    assert verify(tmp_path) == []
    with h5py.File(tmp_path / "train.h5") as file:
        place = file["images"].id.get_chunk_info(0).byte_offset
    data = bytearray((tmp_path / "train.h5").read_bytes())
    data[place + 100] ^= 0xFF
    (tmp_path / "train.h5").write_bytes(data)
    assert any("is damaged" in problem for problem in verify(tmp_path))


def test_the_command_names_the_problems(folder, capsys):
    assert main(["verify", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder} is whole and as recorded\n"
    assert main(["verify", str(folder / "train.h5")]) == 0
    altered(folder / "train.h5", "seeds", add_one(2))
    assert main(["verify", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert "(case 2, case_000002) is altered" in out
    assert "has 1 problem" in err
    write_metadata(folder)


#: Runs in a child, in case the library crashes; prints how many damaged files of each outcome there were.
CHILD = """
import sys
from collections import Counter
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[2])
from stored import made_case, same
from napari_medsynth.core.errors import ReadError
from napari_medsynth.datasets.reader import Split
from napari_medsynth.datasets.verify import verify

target = Path(sys.argv[1])
whole = target.read_bytes()
rng = np.random.default_rng(5)
seen = Counter()
for turn in range(int(sys.argv[3])):
    data = bytearray(whole)
    for _ in range(rng.integers(1, 4)):
        if not data:
            break
        place = int(rng.integers(0, len(data) if turn % 2 else min(len(data), 6000)))
        kind = rng.integers(0, 4)
        if kind == 0:
            data[place] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[place : place + 8] = rng.bytes(8)
        elif kind == 2:
            del data[place : place + int(rng.integers(1, 9))]
        else:
            del data[place:]
    target.write_bytes(data)
    problems = verify(target)
    assert all("\\n" not in problem for problem in problems), problems
    try:
        with Split.open(target) as split:
            kept = list(split.cases())
            unchanged = len(kept) == 7 and all(same(case, made_case(n)) for n, case in enumerate(kept))
    except (ReadError, AssertionError):
        unchanged = False
    assert unchanged or problems, f"turn {turn}: damage that nobody notices"
    seen["named" if problems else "unchanged"] += 1
print(dict(seen))
"""


def test_damage_anywhere_is_named_or_changes_nothing(folder, request):
    tests = request.config.rootpath / "tests"
    words = [folder / "train.h5", tests, "300"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    assert "named" in done.stdout
    assert done.stderr == ""


def test_it_tells_how_far_it_is(folder):
    """Reading a large dataset takes minutes."""
    steps = []
    assert finish(checking(folder), steps.append) == []
    assert [step.done for step in steps] == list(range(len(steps)))
    assert len(steps) == DatasetFolder.open(folder).total
