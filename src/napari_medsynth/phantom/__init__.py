"""Anatomy made from nothing: labels and images whose ground truth is exact.

``step`` is the phantom step. It asks ``scenarios`` which structures there are, an ``anatomy`` (``classic`` or
``torso``, whose structures are listed in a ``catalogue``) to draw a body and to paint it in a ``frame``, and
``artefacts`` to take its image. ``thorax`` is a chest of fixed size for demonstrations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily
from .thorax import thorax  # at once: its module has the same name, and would be found in its place

if TYPE_CHECKING:
    from .catalogue import Catalogue, Structure
    from .masks import masks_of
    from .scenarios import Scenario, builtin_scenarios, read_scenarios
    from .step import Phantom

__all__ = [
    "Catalogue",
    "Phantom",
    "Scenario",
    "Structure",
    "builtin_scenarios",
    "masks_of",
    "read_scenarios",
    "thorax",
]

_HOME = {
    "Catalogue": "catalogue",
    "Phantom": "step",
    "Scenario": "scenarios",
    "Structure": "catalogue",
    "builtin_scenarios": "scenarios",
    "masks_of": "masks",
    "read_scenarios": "scenarios",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
