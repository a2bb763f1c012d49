"""Names and signatures that other tools and documents use, as thin faces over the rooms below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .phantoms import SyntheticAnatomyGenerator, SyntheticDatasetGenerator
    from .spine import SpineSynthGenerator, SyntheticDataset

__all__ = ["SpineSynthGenerator", "SyntheticAnatomyGenerator", "SyntheticDataset", "SyntheticDatasetGenerator"]

_HOME = {
    "SpineSynthGenerator": "spine",
    "SyntheticAnatomyGenerator": "phantoms",
    "SyntheticDataset": "spine",
    "SyntheticDatasetGenerator": "phantoms",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
