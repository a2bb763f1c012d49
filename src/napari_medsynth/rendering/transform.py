"""Rendering as one of MONAI's dictionary transforms: :class:`Rendered`."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from monai.data.meta_tensor import MetaTensor
from monai.data.utils import to_affine_nd
from monai.transforms.transform import MapTransform, RandomizableTransform
from monai.utils.misc import ensure_tuple

from ..core.affine import Affine
from ..core.case import Case
from ..core.errors import ConfigError, shown
from ..core.labels import LabelMap, LabelTable
from ..core.record import Record, plain
from ..core.rng import MAX_SEED, stream
from ..core.volume import Volume
from .carrying import carry
from .engine import rendered
from .step import Render

Axes = Literal["xyz", "zyx"]
Part = TypeVar("Part", Volume, LabelMap)


class Rendered(MapTransform, RandomizableTransform):
    """Give the label map of an item an image, anew each time; for ``monai.transforms.Compose``.

    Takes and gives channel-first arrays: NumPy's, PyTorch's, or MONAI's with their affine, which moves along. The
    image is float32, the label map keeps its type; both stay on the label map's device.

    Parameters
    ----------
    keys
        Key of the label map, ``(1, x, y, z)`` or ``(1, x, y)``.
    image_key
        Key under which the image is put, ``(C, x, y, z)`` or ``(C, x, y)``, whatever was there.
    step
        How label maps are rendered; SynthSeg's way if left out.
    also_labels, also_images
        Keys of other label maps and images on the same grid, which the same warp moves: by the nearest voxel, and
        linearly.
    tables
        For keys of label maps, what their values mean, so that a flip swaps left and right. Without one, the step's
        scheme says it of the label map that is rendered, and the others have no sides.
    record_key
        Key under which the record of what was drawn is put, as a JSON text; not put if left out.
    prob
        Probability that it happens. Otherwise the item stays as it is, with the image that it has.
    axes
        Order of the spatial axes: MONAI's readers give ``"xyz"``. Arrays without an affine have voxels of 1 mm.
    allow_missing_keys
        Whether an item without the label map passes unchanged.

    Notes
    -----
    ``set_random_state`` and MONAI's ``DataLoader`` seed it as they do MONAI's own transforms. Where a stream must not
    depend on the number of workers, use :class:`~napari_medsynth.rendering.dataset.RenderDataset`.

    Raises
    ------
    ConfigError
        If there is not one key, or a key is used twice; in use, if an array is not of such a shape.
    GridError
        If other label maps or images are not on the label map's grid.
    LabelError
        If the label map holds anything but whole numbers, or the preset has no intensities for one.
    """

    def __init__(
        self,
        keys: Hashable | Sequence[Hashable] = "label",
        image_key: Hashable = "image",
        step: Render | None = None,
        *,
        also_labels: Hashable | Sequence[Hashable] = (),
        also_images: Hashable | Sequence[Hashable] = (),
        tables: Mapping[Hashable, LabelTable] | None = None,
        record_key: Hashable | None = None,
        prob: float = 1.0,
        axes: Axes = "xyz",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        if len(self.keys) != 1:
            raise ConfigError(f"Rendered.keys is {shown(self.keys)}; expected the key of one label map")
        if axes not in ("xyz", "zyx"):
            raise ConfigError(f"Rendered.axes is {shown(axes)}; expected 'xyz' or 'zyx'")
        self.image_key = image_key
        self.step = Render() if step is None else step
        self.also_labels: tuple[Hashable, ...] = ensure_tuple(also_labels)
        self.also_images: tuple[Hashable, ...] = ensure_tuple(also_images)
        self.tables = dict(tables or {})
        self.record_key = record_key
        self.axes = axes
        self._seed = 0
        written = [*self.keys, image_key, *self.also_labels, *self.also_images]
        written += [] if record_key is None else [record_key]
        twice = sorted({str(key) for key in written if written.count(key) > 1})
        if twice:
            raise ConfigError(f"Rendered has key {twice[0]!r} twice; expected another for each array")

    def randomize(self, data: Any = None) -> None:
        """Draw whether it happens, and the seed of everything else."""
        super().randomize(None)
        self._seed = int(self.R.randint(0, MAX_SEED, dtype=np.int64))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with an image, and with its label map and the others as they are in that image."""
        found = dict(data)
        for key in self.key_iterator(found):
            self.randomize()
            if self._do_transform:
                found.update(self._made(found, key))
            elif self.image_key not in found:
                absent = f"the item has no {shown(self.image_key)} to keep"
                raise ConfigError(f"{absent}; expected an image, as Rendered.prob is {self.prob:g}")
        return found

    def _made(self, data: Mapping[Hashable, Any], key: Hashable) -> dict[Hashable, Any]:
        """Return what changes in an item."""
        labels = self._labels(data, key)
        case, step = Case(id="item", labels=labels), self.step
        params = plain(step.draw(case, stream(self._seed, step=step.name)))
        made = rendered(case, step.read_labels(case), params, step, device=torch.as_tensor(data[key]).device)
        parts: dict[Hashable, Volume | LabelMap | None] = {self.image_key: made.image, key: made.labels}
        for name in self.also_labels:
            parts[name] = carry(_on_grid(self._labels(data, name), labels, name, key), params, grid=step.grid)
        for name in self.also_images:
            parts[name] = carry(_on_grid(self._image(data, name), labels, name, key), params, grid=step.grid)
        changed: dict[Hashable, Any] = {
            name: self._like(part, data[key if name == self.image_key else name])
            for name, part in parts.items()
            if part is not None
        }
        if self.record_key is not None:
            rng = {"seed": self._seed, "case": 0, "occurrence": 0}
            record = Record(step.name, step.version, plain(step.to_json()), params, rng)
            changed[self.record_key] = json.dumps(record.to_json())
        return changed

    def _labels(self, data: Mapping[Hashable, Any], key: Hashable) -> LabelMap:
        array, affine = self._grid(data, key)
        if len(array) != 1:
            raise ConfigError(f"{shown(key)} has {len(array)} channels; expected a label map with one")
        return LabelMap(array[0], affine, self.tables.get(key, LabelTable()))

    def _image(self, data: Mapping[Hashable, Any], key: Hashable) -> Volume:
        array, affine = self._grid(data, key)
        return Volume(array if len(array) > 1 else array[0], affine, channels=len(array) > 1)

    def _grid(self, data: Mapping[Hashable, Any], key: Hashable) -> tuple[npt.NDArray[Any], Affine]:
        """Return an item's array with its spatial axes in this package's order, and where it lies."""
        if key not in data:
            raise ConfigError(f"the item has no {shown(key)}; expected it, as Rendered was told of it")
        value = data[key]
        array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
        if array.ndim not in (3, 4):
            raise ConfigError(f"{shown(key)} has shape {array.shape}; expected a channel, then two or three axes")
        if not isinstance(value, MetaTensor):
            return self._turned(array), Affine.from_spacing((1.0, 1.0, 1.0), orientation="SAR")
        matrix = np.asarray(to_affine_nd(3, value.affine.detach().cpu().numpy()), np.float64)
        return self._turned(array), Affine(self._turned_matrix(matrix))

    def _like(self, part: Volume | LabelMap, like: Any) -> torch.Tensor:
        """Return an image or label map as the item's own array ``like``: order of axes, type, device, metadata."""
        array = part.array if isinstance(part, Volume) and part.channels else part.array[None]
        tensor = torch.from_numpy(self._turned(array).copy())  # what a case holds is read-only
        own = torch.as_tensor(like)
        tensor = tensor.to(own.device, own.dtype if isinstance(part, LabelMap) else torch.float32)
        if not isinstance(like, MetaTensor):
            return tensor
        affine = to_affine_nd(len(like.affine) - 1, self._turned_matrix(part.affine.matrix))
        meta = {**like.meta, "affine": torch.from_numpy(affine)}
        return MetaTensor(tensor, meta=meta, applied_operations=like.applied_operations)

    def _turned(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Reverse the spatial axes, unless they are in this package's order; its own inverse."""
        return array if self.axes == "zyx" else array.transpose(0, *range(array.ndim - 1, 0, -1))

    def _turned_matrix(self, matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Reverse the columns of the axes likewise. In 2D the third axis, which is no array's, stays the normal."""
        return matrix if self.axes == "zyx" else matrix[:, [2, 1, 0, 3]]


def _on_grid(part: Part, labels: LabelMap, name: Hashable, key: Hashable) -> Part:
    labels.require_same_grid(part, str(key), str(name))
    return part
