"""What is copied makes the same lesions again, or is refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.io import read_case, write_volume
from napari_medsynth.tumor.insert import InsertTumors
from napari_medsynth.widgets.tumors.snippets import as_command, as_python, as_recipe

from .conftest import MIDDLE


@pytest.fixture
def scattered(placer):
    def scatter(seed, count=2):
        step = InsertTumors(count=(count, count), kinds=("solid",))
        placer.take_scattered(finish(placer.scatter_job(step, seed=seed)()))

    return scatter


@pytest.fixture
def by_hand(placer, source):
    placer.choose(source)
    placer.place(MIDDLE)
    placer.commit()
    return placer.session.records()


def recipe_of(tmp_path, text):
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return Recipe.read(path)


def test_recipe_of_two_scatterings_gives_the_same_voxels(placer, scattered, lung, tmp_path):
    scattered(5)
    scattered(5, count=1)
    recipe = recipe_of(tmp_path, as_recipe(placer.session.records()))
    case = placer.case.__class__(id="scan", image=placer.session.image, host=lung)
    np.testing.assert_array_equal(recipe(case).image.array, placer.session.voxels)


def test_scatterings_with_different_seeds_are_no_recipe(placer, scattered):
    scattered(5)
    scattered(6)
    with pytest.raises(ConfigError, match="copy as Python"):
        as_recipe(placer.session.records())


def test_command_of_a_scattering_names_its_options(placer, scattered):
    scattered(5)
    command = as_command(placer.session.records(), "my scan.nii.gz")
    assert command == "medsynth tumor insert 'my scan.nii.gz' -o out --count 2 --seed 5 --kinds solid"


def test_lesions_placed_by_hand_are_neither_recipe_nor_command(by_hand):
    for copy in (as_recipe, lambda records: as_command(records, "scan.nii.gz")):
        with pytest.raises(ConfigError, match="by hand"):
            copy(by_hand)


def test_a_scattering_that_someone_took_a_lesion_out_of_is_no_recipe(placer, scattered):
    scattered(5)
    placer.remove(placer.session.placed[0].entry.instance)
    with pytest.raises(ConfigError, match="taken out"):
        as_recipe(placer.session.records())


def test_a_scattering_inside_another_organ_is_no_recipe(placer):
    step = InsertTumors(count=(1, 1), kinds=("solid",), organ="organs: liver")
    placer.take_scattered(finish(placer.scatter_job(step, seed=5)()))
    with pytest.raises(ConfigError, match="inside 'organs: liver'"):
        as_recipe(placer.session.records())


def test_nothing_placed_is_nothing_to_copy():
    with pytest.raises(ConfigError, match="nothing was placed"):
        as_python((), "scan.nii.gz")


def test_python_repeats_lesions_placed_by_hand(placer, by_hand, tmp_path, monkeypatch):
    write_volume(placer.session.image, tmp_path / "scan.nii.gz")
    monkeypatch.chdir(tmp_path)
    exec(compile(as_python(by_hand, "scan.nii.gz"), "copied", "exec"), {})
    again = read_case(tmp_path / "out")
    np.testing.assert_array_equal(again.image.reoriented().array, placer.session.voxels)
    np.testing.assert_array_equal(again.instances.reoriented().array, placer.session.instances)
