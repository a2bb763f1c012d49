"""A model applied to an image: :func:`predict`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.labels import LabelMap
from ..core.progress import Job
from ..core.volume import Volume
from .options import PredictOptions

if TYPE_CHECKING:
    from .model import SegmentationModel

__all__ = ["PredictOptions", "Prediction", "predict"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model found.

    Parameters
    ----------
    labels
        On the image's own grid, with the model's names and colours.
    uncertainty
        Entropy of the probabilities as a share of the greatest possible: 0 sure, 1 all classes alike; None if it was
        not asked for.
    tile
        The tiles that were used, ``(z, y, x)`` or ``(row, column)``.
    batch
        How many went through the network together.
    """

    labels: LabelMap
    uncertainty: Volume | None
    tile: tuple[int, ...]
    batch: int

    def volumes(self) -> dict[str, float]:
        """Return the volume in mL of each structure of the model, by name; of a 2D image, of 1 mm thickness."""
        counts = np.bincount(self.labels.array.reshape(-1))
        found = {e.value: int(counts[e.value]) if e.value < len(counts) else 0 for e in self.labels.table}
        return {entry.name: found[entry.value] * self.labels.voxel_ml for entry in self.labels.table}


def predict(
    model: SegmentationModel, image: Volume, options: PredictOptions | None = None, *, device: str = "auto"
) -> Job[Prediction]:
    """Segment an image of any orientation and voxel size, tile by tile.

    The image is brought to the grid that the model was trained on and cut into overlapping tiles. What the network
    gives for them is blended with Gaussian weights (logits, or mean probabilities over mirror images), and
    probabilities are brought back to the image's grid.

    Parameters
    ----------
    model
        The network, which is where and as it was afterwards, and what it takes.
    image
        2D or 3D; a colour picture is made grey for a model that takes one channel.
    options
        Tiles, mirror images, largest part of each structure, uncertainty.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns
    -------
    Job
        Reports each batch of tiles; its result is a :class:`Prediction`. The same on the same machine each time;
        elsewhere, or with another number of threads, probabilities differ in their last digits, and with them labels
        where two classes are as good as equal.

    Raises
    ------
    GridError
        If the image is 2D and the model is not, or it has other channels.
    ConfigError
        If it holds NaN or infinite voxels, there is no such device, or there is not enough memory; the latter is known
        before anything is done.
    """
    from .inference import predicting

    return (yield from predicting(model, image, options or PredictOptions(), device))
