"""`medsynth export` and `medsynth import` as a person types them."""

from __future__ import annotations

import pytest

from napari_medsynth.cli.app import main
from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.datasets import make_dataset
from napari_medsynth.phantom.step import Phantom


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    recipe = Recipe(steps=(Phantom(image_size=(10, 12, 11)),), seed=3)
    return finish(make_dataset(recipe, 5, tmp_path_factory.mktemp("made") / "toy", workers=1))


@pytest.mark.parametrize(("form", "name"), [("nifti", "pairs"), ("nnunet", "Dataset501_Toy"), ("monai", "list")])
def test_out_and_in_again_is_the_same_dataset(dataset, tmp_path, capsys, form, name):
    out, back = tmp_path / name, tmp_path / "back"
    assert main(["export", str(dataset), "--to", form, "-o", str(out)]) == 0
    assert f"wrote {out}" in capsys.readouterr().out
    assert main(["import", str(out), "--from", form, "-o", str(back)]) == 0
    said = capsys.readouterr().out
    assert f"wrote {back}\n" in said
    assert f"wrote {back / 'report.html'}" in said
    assert (back / "train.h5").read_bytes() == (dataset / "train.h5").read_bytes()
    assert main(["verify", str(back)]) == 0


def test_no_report_is_written_if_none_is_wanted(dataset, tmp_path):
    out, back = tmp_path / "pairs", tmp_path / "back"
    assert main(["export", str(dataset), "--to", "nifti", "-o", str(out)]) == 0
    assert main(["import", str(out), "--from", "nifti", "-o", str(back), "--no-report"]) == 0
    assert {p.name for p in back.iterdir()} == {"train.h5", "val.h5", "test.h5", "metadata.json"} - {
        name for name in ("test.h5",) if not (dataset / name).exists()
    }


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["export", "nowhere", "--to", "nifti", "-o", "out"], 1, "nowhere"),
        (["export", "DATASET", "--to", "nnunet", "-o", "out"], 1, "DatasetXXX_Name"),
        (["export", "DATASET", "--to", "dicom", "-o", "out"], 2, ""),
        (["import", "nowhere", "--from", "nifti", "-o", "out"], 1, "nowhere"),
        (["import", "nowhere", "--from", "nnunet", "-o", "out"], 1, "nowhere"),
        (["import", "nowhere", "--from", "monai", "-o", "out"], 1, "nowhere"),
        (["import", "DATASET", "--from", "nifti", "-o", "out"], 1, "no image"),
        (["import", "DATASET", "-o", "out"], 2, ""),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(dataset, tmp_path, monkeypatch, capsys, words, status, line):
    monkeypatch.chdir(tmp_path)
    assert main([str(dataset) if word == "DATASET" else word for word in words]) == status
    said = capsys.readouterr().err
    assert line in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("share", ["1.0", "-0.1", "nan"])
def test_fractions_that_cannot_be_used_are_refused(dataset, tmp_path, capsys, share):
    assert main(["export", str(dataset), "--to", "nifti", "-o", str(tmp_path / "pairs")]) == 0
    words = ["import", str(tmp_path / "pairs"), "--from", "nifti", "-o", str(tmp_path / "back")]
    assert main([*words, f"--validation-split={share}"]) == 1
    assert "validation_split" in capsys.readouterr().err
    assert not (tmp_path / "back").exists()
