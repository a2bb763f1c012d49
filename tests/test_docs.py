"""What README and docs show runs as it stands: each `medsynth` line, block of Python and recipe, in order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from napari_medsynth import LabelMap
from napari_medsynth.cli.app import main
from napari_medsynth.core.progress import finish
from napari_medsynth.io import write_labels, write_volume
from napari_medsynth.phantom.thorax import thorax
from napari_medsynth.segmentation.dummy import dummy_data

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(bash|python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Files of the names that the pages use, small."""
    monkeypatch.chdir(tmp_path)
    size = ((48, 96, 112), (5.0, 3.4, 3.4))
    case = thorax(*size, tumors=1)
    lesions = LabelMap(case.instances.array, case.image.affine)
    for number in ("001", "002"):
        write_volume(case.image, tmp_path / "Task06_Lung" / "imagesTr" / f"lung_{number}.nii.gz")
        write_labels(lesions, tmp_path / "Task06_Lung" / "labelsTr" / f"lung_{number}.nii.gz")
    write_volume(case.image, tmp_path / "ct.nii.gz")
    write_labels(lesions, tmp_path / "labels.nii.gz")
    write_volume(case.image, tmp_path / "scan.nii.gz")
    write_labels(case.labels, tmp_path / "scan_labels.nii.gz")
    finish(dummy_data(tmp_path / "models" / "saved" / "dummy_data", patients=5, size=(64, 40, 48)))
    other = thorax(*size, seed=1, tumors=0)
    for name in ("other_ct", "a", "b", "healthy_1", "healthy_2"):
        write_volume(other.image, tmp_path / f"{name}.nii.gz")
    return tmp_path


def blocks(page):
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def small(code):
    """The same code with fewer repetitions; nothing else is changed."""
    code = code.replace("range(10)", "range(1)").replace("length=1000", "length=2").replace("length=500", "length=2")
    code = code.replace("persistent_workers=True", "persistent_workers=False").replace("[128, 128, 64]", "[16, 24, 16]")
    code = code.replace("[200, 150, 110]", "[40, 32, 28]").replace("epochs=10", "epochs=1, steps_per_epoch=1")
    code = code.replace("(1.0, 1.0), patch=(192, 192)", "(6.0, 6.0), patch=(48, 32)")
    code = code.replace("[1.0, 1.0], patch: [192, 192]", "[6.0, 6.0], patch: [48, 32]")
    code = code.replace("epochs: 10", "epochs: 1, steps_per_epoch: 1")
    return code.replace("num_workers=2", "num_workers=0")


def fewer(words):
    """The same command with fewer cases and epochs; `60,210,170` lies outside the small scan."""
    number = {"--count": "2", "-n": "6", "--total-samples": "6", "--epochs": "2" if "--resume" in words else "1"}
    words = [number.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    words = [w if w != "60,210,170" else "24,48,30" for w in words]
    small_ones = ["--inputs.spacing", "6,6", "--inputs.patch", "48,32", "--steps-per-epoch", "1"]
    return [*words, *small_ones] if words[:1] == ["train"] and "--config" not in words else words


def keep(text):
    """Write a block of YAML where the commands that follow look for it."""
    names = {"scenarios:": "mine.yaml", "classes:": "my-prior.yaml", "source:": "settings.yaml"}
    first = text.partition("\n")[0]
    name = "tissues.yaml" if first[0].isdigit() else names.get(first.partition(" ")[0], "recipe.yaml")
    Path(name).write_text(small(text), encoding="utf-8")


def commands(block):
    lines = [line.split("#")[0].strip() for line in block.splitlines()]
    return [line.removeprefix(".venv/bin/") for line in lines if "medsynth " in line and not line.startswith("pip")]


PAGES = (
    "README.md",
    "docs/script-tumors.md",
    "docs/phantoms.md",
    "docs/datasets.md",
    "docs/rendering.md",
    "docs/segmentation.md",
    "docs/evaluation.md",
)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_every_block_of_python_runs(page, folder, capsys):
    ran = 0
    for language, block in blocks(page):
        if language == "python":
            if "colleague" in block:
                assert main(["tumor", "extract", "ct.nii.gz", "labels.nii.gz", "--lesion", "1", "--library",
                             "colleague/seeds"]) == 0  # fmt: skip
            exec(compile(small(block), page, "exec"), {"__name__": "page"})  # the page's own code is what is tested
            ran += 1
            continue
        if language == "yaml":
            keep(block)
            continue
        for line in commands(block):
            assert main(fewer(shlex.split(line)[1:])) == 0, f"{line}: {capsys.readouterr().err}"
            ran += 1
    assert ran >= 3


def test_the_pages_name_only_files_that_exist():
    """Links to pages and pictures of the project lead somewhere."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
