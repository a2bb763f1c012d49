"""Where a recipe can be taken from: other panels, a file, the clipboard."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QApplication, QFileDialog, QMenu, QPushButton

from ...core.errors import ConfigError, MedsynthError
from ...core.recipe import Recipe


class TakeFrom(QPushButton):
    """A button with a menu of places to take a recipe from.

    Parameters
    ----------
    viewer
        Whose panels offer recipes.
    take
        Is given the text of the recipe.
    failed
        Is told, in one line, why there is none.
    """

    def __init__(self, viewer: Any, take: Callable[[str], None], failed: Callable[[str], None]) -> None:
        super().__init__()
        self._viewer, self._take, self._failed = viewer, take, failed
        self.setText("Take from…")
        self.setToolTip("Take the recipe over from an open panel, a file or the clipboard")
        self.setMenu(QMenu(self))
        self.menu().aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List the places that there are now."""
        menu, offers = self.menu(), recipes_on_offer(self._viewer)
        menu.clear()
        for name, recipe in offers.items():
            menu.addAction(f"{name.partition(' (')[0]} panel").triggered.connect(partial(self._give, recipe))
        if not offers:
            menu.addAction("Phantom panel (not open)").setEnabled(False)
        menu.addAction("File…").triggered.connect(lambda: self._choose())
        menu.addAction("Clipboard").triggered.connect(lambda: self._take(QApplication.clipboard().text()))

    def take_file(self, path: Path) -> None:
        """Take a recipe file."""
        try:
            Recipe.read(path)
            self._take(path.read_text("utf-8"))
        except MedsynthError as error:
            self._failed(str(error))

    def _give(self, recipe: Recipe, *_: object) -> None:
        self._take(recipe.to_yaml())

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Recipe", "", "Recipes (*.yaml *.yml);;All files (*)")
        if chosen:
            self.take_file(Path(chosen))


def recipes_on_offer(viewer: Any) -> dict[str, Recipe]:
    """Return the recipe of each open panel that has one, by the panel's name.

    A panel offers one by a method ``recipe()`` that returns a :class:`Recipe`, or raises :class:`ConfigError` while
    what it shows cannot be used.

    Parameters
    ----------
    viewer
        The viewer; a model without window has no panels.
    """
    window = getattr(viewer, "window", None)
    found: dict[str, Recipe] = {}
    for name, panel in {} if window is None else dict(window.dock_widgets).items():
        offer = getattr(panel, "recipe", None)
        if callable(offer):
            recipe = _recipe(offer)
            if recipe is not None:
                found[name] = recipe
    return found


def _recipe(offer: Any) -> Recipe | None:
    try:
        made = offer()
    except ConfigError:
        return None
    return made if isinstance(made, Recipe) else None
