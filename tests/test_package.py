"""What importing the package costs, which names it has, and who may import whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import napari_medsynth

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "napari", "qtpy", "PyQt6", "magicgui", "SimpleITK", "nibabel", "scipy", "skimage", "h5py", "dask")


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh process has loaded after ``code``."""
    script = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import napari_medsynth",
        "from napari_medsynth import Case, LabelMap, Recipe, Volume",
        "import napari_medsynth.io",
        "import napari_medsynth.tumor",
        "from napari_medsynth.cli.app import main; main(['--help'])",
        "from napari_medsynth.cli.app import main; main(['run', '--help'])",
    ],
)
def test_heavy_libraries_are_loaded_only_when_used(code):
    assert not loaded_after(code) & set(HEAVY)


def test_importing_the_package_or_asking_for_help_loads_not_even_numpy():
    assert "numpy" not in loaded_after("import napari_medsynth")
    assert not loaded_after("from napari_medsynth.cli.app import main; main(['--help'])") & {"numpy", "tyro", "rich"}


@pytest.mark.parametrize("name", napari_medsynth.__all__)
def test_every_public_name_is_there(name):
    assert getattr(napari_medsynth, name).__name__ == name
    assert name in dir(napari_medsynth)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'napari_medsynth' has no attribute 'Volum'"):
        _ = napari_medsynth.Volum


def test_the_import_contracts_hold():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_manifest_at_the_top_is_the_one_in_the_package():
    assert (ROOT / "napari.yaml").resolve() == Path(napari_medsynth.__file__).with_name("napari.yaml")
