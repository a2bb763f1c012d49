"""Other images and label maps taken through the same warp: :func:`carry`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from ..core.errors import RecordError
from ..core.labels import LabelMap
from ..core.record import Record
from ..core.volume import Volume
from .acquisition import Acquisition
from .codes import Codes, shared
from .flip import swapped_pairs
from .geometry import Geometry
from .grid import require_grid
from .lattice import Lattice

Part = TypeVar("Part", Volume, LabelMap)


def carry(part: Part, source: Record | Mapping[str, Any], *, grid: Literal["labels", "acquisition"] = "labels") -> Part:
    """Take another image or label map of the same patient through the crop, warp and flip of a rendering.

    Parameters
    ----------
    part
        On the grid of the label map that was rendered. An image is interpolated linearly, channel by channel; of a
        label map the nearest voxel is taken, and where the rendering is mirrored, the labels that are partners in its
        own table are exchanged, as :func:`~napari_medsynth.rendering.flip.swapped_pairs` has it.
    source
        The rendering's record, from the history of the case that it made, or its params.
    grid
        The voxels of the rendering's result, where ``source`` is its params; a record knows them. On those of the
        acquisition, an image is blurred and sampled as the first channel of the rendering was.

    Returns
    -------
    part
        On the grid of the rendering's result; an image is float32.

    Raises
    ------
    GridError
        If the part is on another grid than the label map was; the message names both.
    RecordError
        If the record is not one of a rendering.
    """
    if isinstance(source, Record):
        if source.step != "render":
            raise RecordError(f"record is of step {source.step!r}; expected 'render', whose warp is to be repeated")
        return carry(part, source.params, grid=source.config["grid"])
    require_grid(part, source)
    lattice = Lattice.of(part)
    geometry = Geometry(lattice, source)
    resolution = source["channels"][0]["resolution"] if grid == "acquisition" else None
    scanner = Acquisition(Lattice(geometry.shape, lattice.spacing), resolution)
    affine = scanner.affine(part.affine.shifted(geometry.start))
    if isinstance(part, LabelMap):
        found = _labels(part, geometry, scanner, mirrored=source["flip"] is not None)
    else:
        found = _image(part, geometry, scanner)
    return replace(part, array=found[..., 0, :, :] if part.ndim == 2 else found, affine=affine)


def _labels(part: LabelMap, geometry: Geometry, scanner: Acquisition, *, mirrored: bool) -> npt.NDArray[Any]:
    codes = Codes.of(part).swapped(swapped_pairs(part) if mirrored else ())
    return codes.decoded(scanner.labels(geometry.labels(codes.tensor)))


def _image(part: Volume, geometry: Geometry, scanner: Acquisition) -> npt.NDArray[np.float32]:
    leading = part.array.shape[: part.array.ndim - part.ndim]
    array = part.array.astype(np.float32, copy=False).reshape(-1, *part.shape3)
    taken = [scanner.take(channel) for channel in geometry.image(shared(array))]
    found: npt.NDArray[np.float32] = torch.stack(taken).numpy()
    return found.reshape(*leading, *found.shape[1:])
