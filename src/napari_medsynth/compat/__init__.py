"""Names and signatures that other tools and documents use, as thin faces over the rooms below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .phantoms import SyntheticAnatomyGenerator, SyntheticDatasetGenerator
    from .spine import SpineSynthGenerator, SyntheticDataset
    from .spine_models import UNet, evaluate_model, load_model

__all__ = [
    "SpineSynthGenerator",
    "SyntheticAnatomyGenerator",
    "SyntheticDataset",
    "SyntheticDatasetGenerator",
    "UNet",
    "evaluate_model",
    "load_model",
]

_HOME = {
    "SpineSynthGenerator": "spine",
    "SyntheticAnatomyGenerator": "phantoms",
    "SyntheticDataset": "spine",
    "SyntheticDatasetGenerator": "phantoms",
    "UNet": "spine_models",
    "evaluate_model": "spine_models",
    "load_model": "spine_models",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
