"""What every model shares: fitting, checkpoints, runs on disk, cards, weights, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .card import ModelCard
    from .model_file import read_card, read_model, write_model
    from .run import Run, find_runs, stop_run
    from .settings import FitSettings

__all__ = ["FitSettings", "ModelCard", "Run", "find_runs", "read_card", "read_model", "stop_run", "write_model"]

_HOME = {
    "FitSettings": "settings",
    "ModelCard": "card",
    "Run": "run",
    "find_runs": "run",
    "read_card": "model_file",
    "read_model": "model_file",
    "stop_run": "run",
    "write_model": "model_file",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
