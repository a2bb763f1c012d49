"""What was placed, to be copied: :func:`copy_button`."""

from __future__ import annotations

from functools import partial

from ...core.errors import ConfigError
from ..copying import CopyButton
from ..filed import path_of, require_upright
from .desk import Desk
from .snippets import as_command, as_python, as_recipe

_KINDS = ("Recipe", "Command", "Python")


def copy_button(desk: Desk) -> CopyButton:
    """Return a button that copies what was placed as a recipe, a command or Python.

    Parameters
    ----------
    desk
        Whose scan it is about.
    """
    return CopyButton({kind: partial(_text_of, desk, kind) for kind in _KINDS})


def _text_of(desk: Desk, kind: str) -> str:
    placer = desk.placer
    if placer is None:
        raise ConfigError("no image is open")
    records, path = placer.session.records(), path_of(placer.layer, "scan.nii.gz")
    if kind == "Python":
        return as_python(records, path)
    require_upright(placer.layer)
    return as_recipe(records) if kind == "Recipe" else as_command(records, path)
