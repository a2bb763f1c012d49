"""What is asked of ``medsynth segment``: :class:`Asked`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...learning.card import ModelCard
from ...segmentation.options import PredictOptions
from ...segmentation.step import Segment


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A model, how it is applied, and where.

    Parameters
    ----------
    path, card
        The model.
    options
        How it is applied.
    device
        ``"auto"``, or PyTorch's name of a device.
    anyway
        Whether it is applied to an image that it was not made for.
    """

    path: Path
    card: ModelCard
    options: PredictOptions
    device: str = "auto"
    anyway: bool = False

    @property
    def name(self) -> str:
        """What the model is called."""
        return self.card.name or self.path.stem

    def step(self) -> Segment:
        """Return the step of a recipe that does the same."""
        return Segment(model=self.path, options=self.options, device=self.device)

    def words(self, image: str, labels: str, uncertainty: str) -> list[str]:
        """Return the words after ``medsynth``; options that have their defaults are left out."""
        words = ["segment", image, "--model", str(self.path), "-o", labels]
        if self.options.flips != PredictOptions().flips:
            words += ["--flips", self.options.flips]
        if self.options.largest_component:
            words += ["--largest-component"]
        if self.options.uncertainty:
            words += ["--uncertainty", uncertainty]
        if self.device != "auto":
            words += ["--device", self.device]
        return [*words, "--anyway"] if self.anyway else words
