"""The Make tab: what is asked for, what the folder holds already, and the process that does it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from qtpy.QtWidgets import QApplication

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.datasets.reader import Split
from napari_medsynth.datasets.unfinished import Order
from napari_medsynth.widgets.datasets.making import Making
from napari_medsynth.widgets.datasets.offers import recipes_on_offer
from napari_medsynth.widgets.datasets.recipe_edit import RecipeEdit
from napari_medsynth.widgets.datasets.target import Target

from .conftest import COUNT, RECIPE


@pytest.fixture
def tab(panel):
    """The Make tab with a small recipe."""
    panel.make.recipe.show_text(RECIPE)
    return panel.make


def ask(tab, folder, **values):
    """Fill the form in."""
    tab.form.set(Making(**{"seed": 3, "workers": 1, **values}))
    tab.folder.setText(str(folder))
    tab.look_at_folder()


def interrupted(folder, dataset, kept=3):
    """Make it look as if the dataset's making had been stopped after some cases."""
    hidden = folder / ".unfinished"
    hidden.mkdir(parents=True)
    order = Order.of(Recipe.from_yaml(RECIPE), COUNT, 0.2, 0.1, ())
    (hidden / "plan.json").write_text(json.dumps(order.to_json()))
    for n in range(kept):
        shutil.copy(dataset / "test.h5", hidden / f"{n:09d}.h5")
    return folder


class TestRecipeEdit:
    @pytest.fixture
    def edit(self, qtbot):
        made = RecipeEdit()
        qtbot.addWidget(made)
        return made

    def test_what_is_typed_is_read_when_the_hand_rests(self, qtbot, edit):
        edit.text.setPlainText(RECIPE)
        assert edit.recipe is None
        qtbot.waitUntil(lambda: edit.recipe is not None)
        assert edit.recipe == Recipe.from_yaml(RECIPE)
        assert edit.told.isHidden()

    def test_what_is_wrong_is_shown_beneath(self, edit):
        edit.show_text(RECIPE.replace("image_size", "image_sise"))
        assert edit.recipe is None
        assert "did you mean 'image_size'" in edit.problem
        assert not edit.told.isHidden()

    def test_nothing_is_no_recipe_and_no_error(self, edit):
        edit.show_text("  \n")
        assert (edit.recipe, edit.problem) == (None, "")


class TestTakingARecipe:
    def test_from_a_panel_that_offers_one(self, qtbot):
        class Panel:
            def __init__(self, recipe):
                self.recipe = recipe

        def unusable():
            raise ConfigError("image_size is 0")

        mine = Recipe.from_yaml(RECIPE)
        panels = {"Phantom": Panel(lambda: mine), "Broken": Panel(unusable), "Text": Panel("words"), "Bare": object()}

        class Viewer:
            class window:  # noqa: N801 - as napari calls it
                dock_widgets = panels

        assert recipes_on_offer(Viewer) == {"Phantom": mine}

    def test_a_viewer_without_window_offers_none(self, viewer):
        assert recipes_on_offer(viewer) == {}

    def test_from_a_file(self, tab, tmp_path):
        (tmp_path / "mine.yaml").write_text(RECIPE.replace("seed: 3", "seed: 41"))
        tab.take_from.take_file(tmp_path / "mine.yaml")
        assert tab.recipe.recipe.seed == 41

    def test_a_file_without_a_recipe_is_told_and_changes_nothing(self, tab, tmp_path):
        (tmp_path / "mine.yaml").write_text("nothing: at all")
        before = tab.recipe.recipe
        tab.take_from.take_file(tmp_path / "mine.yaml")
        assert "mine.yaml" in tab.told.text()
        assert tab.recipe.recipe == before

    def test_from_the_clipboard(self, tab):
        QApplication.clipboard().setText(RECIPE.replace("seed: 3", "seed: 42"))
        tab.take_from.fill()
        tab.take_from.menu().actions()[-1].trigger()
        assert tab.recipe.recipe.seed == 42

    def test_the_menu_says_what_would_help_when_no_panel_is_open(self, tab):
        tab.take_from.fill()
        first = tab.take_from.menu().actions()[0]
        assert (first.text(), first.isEnabled()) == ("Phantom panel (not open)", False)


class TestAsking:
    def test_the_panel_begins_with_a_recipe_that_works(self, panel):
        assert panel.make.recipe.recipe is not None
        assert panel.make.make.toolTip() == "Not now: choose a folder first"

    def test_the_seed_follows_the_recipe_until_it_is_entered(self, tab):
        assert tab.form.settings().seed == 3
        tab.form.row("seed").value = 7
        tab.recipe.show_text(RECIPE + "    noise: 0.1\n")
        assert tab.form.settings().seed == 7
        tab.recipe.show_text(RECIPE.replace("seed: 3", "seed: 5"))
        assert tab.form.settings().seed == 5

    def test_the_sizes_of_the_splits_are_shown(self, tab, tmp_path):
        ask(tab, tmp_path / "new", count=100, test=0.0)
        assert tab.state.text() == "80 for training · 20 for validation"

    def test_splits_that_leave_nothing_to_train_on_are_an_error(self, tab, tmp_path):
        ask(tab, tmp_path / "new")
        tab.form.row("validation").value, tab.form.row("test").value = 0.5, 0.5
        assert "0.5 + 0.5 = 1" in tab.form.error
        assert not tab.make.isEnabled()

    def test_a_recipe_that_cannot_be_used_disables_the_button_and_says_so(self, tab, tmp_path):
        ask(tab, tmp_path / "new")
        assert tab.make.isEnabled()
        tab.recipe.show_text("steps: {}")
        assert tab.make.toolTip() == "Not now: the recipe cannot be used"

    def test_words_are_those_of_the_command(self):
        making = Making(count=6, validation=0.25, test=0.0, seed=9)
        words = making.words(Path("r.yaml"), Path("out"))
        assert words == ["dataset", "r.yaml", "-n", "6", "-o", "out", "--validation-split", "0.25", "--test-split", "0",
                         "--seed", "9"]  # fmt: skip
        more = Making(source=Path("scans"), workers=2).words(Path("r.yaml"), Path("out"))
        assert more[-4:] == ["--source", "scans", "--workers", "2"]

    @pytest.mark.skipif(sys.platform == "win32", reason="needs sh")
    def test_the_copied_command_makes_the_same_dataset(self, tab, dataset, tmp_path):
        ask(tab, tmp_path / "it's mine", count=COUNT)
        tab.copy.click()
        medsynth = f'medsynth() {{ "{sys.executable}" -m napari_medsynth "$@"; }}\n'
        subprocess.run(["sh", "-ec", medsynth + QApplication.clipboard().text()], cwd=tmp_path, check=True)
        with Split.open(tmp_path / "it's mine" / "train.h5") as made, Split.open(dataset / "train.h5") as known:
            assert made.checksums == known.checksums


class TestFolder:
    def test_a_new_or_empty_one_is_fine(self, tmp_path):
        assert Target.of(tmp_path / "new").kind == "empty"
        assert Target.of(tmp_path).kind == "empty"

    @pytest.mark.parametrize("name", ["a.txt", "train.h5", "metadata.json"])
    def test_anything_else_is_left_alone(self, tab, tmp_path, name):
        (tmp_path / name).write_text("mine")
        ask(tab, tmp_path)
        assert tab.make.toolTip() == "Not now: the folder holds something else; choose a new or empty one"

    def test_a_file_is_no_folder(self, tmp_path):
        (tmp_path / "a").write_text("mine")
        assert Target.of(tmp_path / "a").kind == "other"

    def test_a_finished_dataset_can_be_looked_through(self, qtbot, tab, dataset):
        ask(tab, dataset)
        assert not tab.make.isEnabled()
        assert not tab.look.isHidden()
        with qtbot.waitSignal(tab.wanted) as asked:
            tab.look.click()
        assert asked.args == [dataset]

    def test_an_unfinished_one_of_the_same_settings_goes_on(self, tab, dataset, tmp_path):
        ask(tab, interrupted(tmp_path / "some", dataset), count=COUNT)
        assert tab.make.text() == f"Resume (3 of {COUNT} done)"
        assert tab.make.isEnabled()
        assert tab.adopt.isHidden()

    def test_cases_in_finished_splits_count(self, dataset, tmp_path):
        folder = interrupted(tmp_path / "some", dataset)
        shutil.copy(dataset / "train.h5", folder / "train.h5")
        assert Target.of(folder).done == 14 + 3

    def test_one_of_other_settings_says_in_what_they_differ_and_shows_them(self, tab, dataset, tmp_path):
        ask(tab, interrupted(tmp_path / "some", dataset), count=7, seed=4)
        assert "another" not in tab.make.text()
        assert not tab.make.isEnabled()
        assert "seed is 3, and 4 was asked for" in tab.state.text()
        tab.adopt.click()
        assert (tab.form.settings().count, tab.form.settings().seed) == (COUNT, 3)
        assert tab.recipe.recipe == Recipe.from_yaml(RECIPE)
        assert tab.make.isEnabled()

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"count": "many"}', '{"count": -3, "recipe": {}}'])
    def test_a_damaged_plan_is_told_and_nothing_is_overwritten(self, tab, dataset, tmp_path, text):
        folder = interrupted(tmp_path / "some", dataset)
        (folder / ".unfinished" / "plan.json").write_text(text)
        ask(tab, folder, count=COUNT)
        assert not tab.make.isEnabled()
        tab.take_settings()
        assert tab.recipe.recipe == Recipe.from_yaml(RECIPE)
