"""``medsynth compare``: the table that it prints, the file that it writes, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_medsynth.cli.app import main
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.io import write_labels

AFFINE = Affine.from_spacing((5.0, 1.0, 2.0))
TABLE = LabelTable((Label(1, "liver"), Label(2, "spleen"), Label(3, "cyst")))


def labels(rows, **values):
    array = np.zeros((4, 20, 10), np.uint8)
    array[:, :rows], array[:, 15:, :5] = 1, 2
    for place, value in values.items():
        array[0, 14, int(place[1:])] = value
    return LabelMap(array, AFFINE, TABLE)


@pytest.fixture
def maps(tmp_path, monkeypatch):
    """Of eight rows of liver six were found, a cyst was not, and the file has its axes in another order."""
    monkeypatch.chdir(tmp_path)
    write_labels(labels(6).reoriented("LPS"), tmp_path / "found.nii.gz")
    write_labels(labels(8, x0=3), tmp_path / "truth.nii.gz")
    return tmp_path


def test_each_structure_is_told_and_written(maps, capsys):
    assert main(["compare", "found.nii.gz", "truth.nii.gz", "-o", "scores.json"]) == 0
    said = capsys.readouterr().out
    written = json.loads((maps / "scores.json").read_text(encoding="utf-8"))
    liver, spleen, cyst = written["scores"]
    assert [score["name"] for score in written["scores"]] == ["liver", "spleen", "cyst"]
    assert liver["dice"] == pytest.approx(2 * 6 / (6 + 8))
    assert (liver["found_ml"], liver["truth_ml"]) == (pytest.approx(2.4), pytest.approx(3.2))
    assert (spleen["dice"], cyst["dice"]) == (1, 0)
    assert written["tolerance_mm"] == 2
    assert [line.split()[:2] for line in said.splitlines()[1:4]] == [
        ["liver", "0.857"], ["spleen", "1.000"], ["cyst", "0.000"]
    ]  # fmt: skip
    assert said.endswith("wrote scores.json\n")


def test_the_tolerance_is_that_of_the_surface_dice(maps, capsys):
    found = []
    for tolerance in ("0.5", "2.5"):
        words = ["compare", "found.nii.gz", "truth.nii.gz", "-o", f"{tolerance}.json", "--tolerance-mm", tolerance]
        assert main(words) == 0
        found.append(json.loads((maps / f"{tolerance}.json").read_text(encoding="utf-8"))["scores"][0]["surface_dice"])
    assert found[0] < found[1] == 1


def test_maps_of_other_voxels_are_refused_in_one_line(maps, capsys):
    write_labels(LabelMap(np.ones((4, 20, 9), np.uint8), AFFINE), maps / "other.nii.gz")
    assert main(["compare", "other.nii.gz", "truth.nii.gz", "-o", "scores.json"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (maps / "scores.json").exists()


def test_a_file_that_is_there_is_not_replaced_unless_asked(maps, capsys):
    (maps / "scores.json").write_text("mine")
    words = ["compare", "found.nii.gz", "truth.nii.gz", "-o", "scores.json"]
    assert main(words) == 1
    assert "scores.json exists; expected a new file, or --overwrite" in capsys.readouterr().err
    assert (maps / "scores.json").read_text(encoding="utf-8") == "mine"
    assert main([*words, "--overwrite"]) == 0
    assert json.loads((maps / "scores.json").read_text(encoding="utf-8"))
