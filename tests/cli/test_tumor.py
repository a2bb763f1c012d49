"""`medsynth tumor …` and `medsynth demo` as a person types them."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest
from PIL import Image

from napari_medsynth.cli.app import main
from napari_medsynth.io import read_case, read_labels, read_volume, write_labels, write_volume
from napari_medsynth.phantom.thorax import thorax
from napari_medsynth.tumor import SeedLibrary, SyntheticLesion


@pytest.fixture(scope="module")
def chest(tmp_path_factory):
    """A small chest on disk, its lungs, and a library of two seeds."""
    folder = tmp_path_factory.mktemp("chest")
    case = thorax((64, 128, 144), (3.75, 2.5, 2.5), tumors=0)
    write_volume(case.image, folder / "ct.nii.gz")
    write_labels(case.host, folder / "lungs.nii.gz")
    library = SeedLibrary.create(folder / "seeds")
    library.add([SyntheticLesion(diameter_mm=14, seed=n).make() for n in (1, 2)])
    return folder


def insert(chest, out, *more):
    return main(["tumor", "insert", str(chest / "ct.nii.gz"), "--library", str(chest / "seeds"), "-o", str(out), *more])


def test_insert_writes_scan_truth_table_and_recipe(chest, tmp_path, capsys):
    out = tmp_path / "out"
    assert insert(chest, out, "--count", "2", "--seed", "3", "--lungs", str(chest / "lungs.nii.gz")) == 0
    said = capsys.readouterr().out
    assert f"wrote {out}" in said
    case = read_case(out)
    scan = read_volume(chest / "ct.nii.gz")
    assert case.image.same_grid(scan)
    assert case.instances.values() == (1, 2)
    assert np.array_equal(case.labels.array > 0, case.instances.array > 0)
    rows = list(csv.DictReader((out / "lesions.csv").read_text().splitlines()))
    assert [row["instance"] for row in rows] == ["1", "2"]
    assert all(row["seed"].startswith("synthetic-solid") for row in rows)
    assert abs(float(rows[0]["volume_ml"]) - (case.instances.array == 1).sum() * scan.voxel_ml) < 1e-3
    assert main(["verify", str(out)]) == 0


def test_its_recipe_makes_the_same_case_again(chest, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    assert insert(chest, first, "--count", "1", "--seed", "5") == 0
    assert main(["run", str(first / "recipe.yaml"), "-i", str(chest / "ct.nii.gz"), "-o", str(again)]) == 0
    for name in ("image.nii.gz", "labels.nii.gz", "instances.nii.gz"):
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_a_tumor_goes_where_it_is_told_in_voxels_or_mm(chest, tmp_path):
    lungs = read_labels(chest / "lungs.nii.gz")
    z, y, x = np.argwhere(lungs.array == 1).mean(axis=0).round().astype(int)
    r, a, s = lungs.affine.to_world((z, y, x))
    assert insert(chest, tmp_path / "voxel", "--at", f"{z},{y},{x}") == 0
    assert insert(chest, tmp_path / "mm", f"--at-mm={r},{a},{s}") == 0
    voxel, mm = read_case(tmp_path / "voxel"), read_case(tmp_path / "mm")
    assert np.array_equal(voxel.instances.array, mm.instances.array)
    assert np.allclose(np.argwhere(voxel.instances.array).mean(axis=0), (z, y, x), atol=2)


@pytest.mark.parametrize(
    ("more", "status", "line"),
    [
        (("--at", "9999,5,5"), 1, "lies outside the scan"),
        (("--at", "1,2,3", "--at-mm", "1,2,3"), 1, "--at and --at-mm are both given"),
        (("--count", "many"), 2, ""),
        (("--variation.scale", "3,1"), 2, "low end first"),
        (("--library", "nowhere"), 1, "nowhere"),
        (("--lungs", "nowhere.nii.gz"), 1, "nowhere.nii.gz"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(chest, tmp_path, capsys, more, status, line):
    out = tmp_path / "out"
    assert insert(chest, out, *more) == status
    said = capsys.readouterr().err
    assert line in said
    if line:
        assert len(said.strip().splitlines()) == 1
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_what_could_not_be_placed_is_said(chest, tmp_path, capsys):
    size = ("--variation.size", "range", "--variation.diameter-mm", "120,130")
    assert insert(chest, tmp_path / "out", "--count", "1", *size) == 0
    assert "lesion 1 not placed:" in capsys.readouterr().out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; the same is tested with a full disk")
def test_a_read_only_folder_is_told(chest, tmp_path, capsys):
    tmp_path.chmod(0o555)
    assert insert(chest, tmp_path / "out", "--count", "1") == 1
    assert "out" in capsys.readouterr().err


def test_labels_of_another_grid_are_refused_with_both_grids(chest, tmp_path, capsys):
    lungs = read_labels(chest / "lungs.nii.gz")
    write_labels(type(lungs)(lungs.array[1:], lungs.affine), tmp_path / "other.nii.gz")
    assert insert(chest, tmp_path / "out", "--labels", str(tmp_path / "other.nii.gz")) == 1
    said = capsys.readouterr().err
    assert "64×128×144" in said
    assert "63×128×144" in said


def test_extract_fills_a_library_that_verify_can_check(tmp_path, capsys):
    case = thorax((64, 128, 144), (3.75, 2.5, 2.5), tumors=2)
    write_volume(case.image, tmp_path / "ct.nii.gz")
    write_labels(case.instances, tmp_path / "lesions.nii.gz")
    seeds = tmp_path / "seeds"
    command = ["tumor", "extract", *(str(tmp_path / f"{n}.nii.gz") for n in ("ct", "lesions")), "--library", str(seeds)]
    assert main([*command, "--lesion", "1,2", "--organ", "lung", "--patient", "anna"]) == 0
    assert f"wrote {seeds}" in capsys.readouterr().out
    library = SeedLibrary.open(seeds)
    assert [info.patient for info in library.infos] == ["anna", "anna"]
    assert main([*command, "--lesion", "1", "--organ", "lung", "--patient", "anna"]) == 0
    assert "(was there)" in capsys.readouterr().out
    assert main(["verify", str(seeds)]) == 0
    (seeds / "ct-1_image.nii.gz").write_bytes(b"damaged")
    assert main(["verify", str(seeds)]) == 1
    assert "ct-1" in capsys.readouterr().out
    assert main([*command, "--lesion", "7"]) == 1
    assert "7" in capsys.readouterr().err


def test_demo_needs_nothing_and_shows_what_it_did(tmp_path, capsys):
    out = tmp_path / "demo"
    assert main(["demo", "--output", str(out)]) == 0
    assert str(out / "case" / "before_after.png") in capsys.readouterr().out
    case = read_case(out / "case")
    placed = case.history[-1].params["lesions"]
    assert len(placed) == 3
    with Image.open(out / "case" / "before_after.png") as picture:
        assert picture.width > 1000
    assert len(SeedLibrary.open(out / "seeds")) == 2
    assert main(["demo", "--output", str(out)]) == 1  # it does not replace what is there unless told to
    assert main(["demo", "--output", str(out), "--overwrite"]) == 0
    run = ["run", str(out / "case" / "recipe.yaml"), "-i", str(out / "input"), "-o", str(tmp_path / "again")]
    assert main(run) == 0
    assert (tmp_path / "again" / "image.nii.gz").read_bytes() == (out / "case" / "image.nii.gz").read_bytes()


@pytest.mark.data
def test_demo_on_a_real_scan(data_dir, tmp_path, capsys):
    scan = data_dir / "lung4d_113"
    paths = [str(scan / f"113_HM10395_{part}.nii.gz") for part in ("ct", "label")]
    assert main(["demo", "--data", *paths, "--output", str(tmp_path / "demo"), "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1] == {"event": "done", "wrote": [str(tmp_path / "demo" / "case")]}
    case = read_case(tmp_path / "demo" / "case")
    assert len(case.instances.values()) == 3
    assert case.labels.table[1].name == "tumor"


@pytest.mark.data
def test_a_label_that_is_not_there_is_told_with_those_that_are(data_dir, tmp_path, capsys):
    scan = data_dir / "lung4d_113"
    paths = [str(scan / f"113_HM10395_{part}.nii.gz") for part in ("ct", "label")]
    assert main(["demo", "--data", *paths, "--lesion", "9", "--output", str(tmp_path / "demo")]) == 1
    said = capsys.readouterr().err
    assert "9" in said
    assert "1, 2, 3, 4" in said
    assert not (tmp_path / "demo").exists()
