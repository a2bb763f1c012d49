"""Spine MRI of label maps by class: :class:`SpineSynthGenerator`, :class:`SyntheticDataset`.

Faces of :class:`~napari_medsynth.rendering.step.Render`: the contrasts are its presets, the artefacts its stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from ..core.case import Case
from ..core.errors import ConfigError, LabelError, shown
from ..core.labels import LabelMap
from ..core.rng import stream
from ..core.volume import Volume
from ..rendering.presets import preset
from ..rendering.resolution import Resolution
from ..rendering.stages import STAGES
from ..rendering.step import Render

#: Label maps as loaders of ``.mha`` and ``.npy`` files give them, or with their voxel size and names.
Labels = npt.NDArray[Any] | LabelMap

#: The preset of each contrast, and the probability that its intensities are random in place of the preset's.
_CONTRASTS = {"T1": ("spine-t1", 0.0), "T2": ("spine-t2", 0.0), "random": ("spine-t1", 1.0)}

#: Values up to here are the 14 classes: background, vertebrae 1-6, discs 7-12, canal 13. Higher ones are SPIDER's.
_LAST_CLASS = 13

#: How often large voxels are large along all axes; else along one, as thick slices are.
_PROB_ISO = 0.5


class SpineSynthGenerator:
    """Makes spine MRI of label maps, another image at each call.

    Images lie on the label map, voxel on voxel: it stays the ground truth as it is. For other shapes as well, use
    :class:`~napari_medsynth.rendering.step.Render`. A new generator of the same seed gives the same images again.

    Parameters
    ----------
    contrast_type
        ``"T1"``, ``"T2"``, or ``"random"``: any intensity for any tissue.
    resolution_range
        Smallest and largest voxel of the scan in voxels of the label map, from 1; half of the scans have such voxels
        along all axes, half along one.
    add_bias_field, add_noise, add_motion
        Whether images have a smooth inhomogeneity, Gaussian noise, and the ghosts of a patient who moved.
    seed
        Seed of all random draws.

    Raises
    ------
    ConfigError
        If a setting cannot be used.
    """

    def __init__(
        self,
        contrast_type: str = "T1",
        resolution_range: tuple[float, float] = (1.0, 4.0),
        add_bias_field: bool = True,
        add_noise: bool = True,
        add_motion: bool = False,
        *,
        seed: int = 42,
    ) -> None:
        known = {name.lower(): name for name in _CONTRASTS}
        if str(contrast_type).lower() not in known:
            raise ConfigError(f"contrast_type is {shown(contrast_type)}; expected 'T1', 'T2' or 'random'")
        stream(seed)
        self.contrast_type = known[str(contrast_type).lower()]
        self.resolution_range = _factors(resolution_range)
        self.add_bias_field = add_bias_field
        self.add_noise = add_noise
        self.add_motion = add_motion
        self.seed = seed
        self.made = 0

    def generate_synthetic_mri(self, label_map: Labels, contrast_alpha: float | None = None) -> npt.NDArray[np.float32]:
        """Make the next image.

        Parameters
        ----------
        label_map
            Whole numbers ``(y, x)`` or ``(z, y, x)``: the 14 classes 0 … 13 (vertebrae 1-6, discs 7-12, canal 13) or,
            if one is larger, SPIDER's values. A :class:`~napari_medsynth.core.labels.LabelMap` with a table says
            itself what they mean, and how large its voxels are; those of an array are taken as 1 mm.
        contrast_alpha
            0 is T1, 1 is T2, and between them the intensities go over; the contrast type if left out.

        Returns
        -------
        ndarray
            float32, 0 … 1, of the label map's shape.

        Raises
        ------
        LabelError
            If the label map is empty, or holds anything but labels of the spine; the message lists them.
        ConfigError
            If ``contrast_alpha`` is not 0 … 1.
        """
        made = self.image(label_map, self.made, contrast_alpha)
        self.made += 1
        return made

    def image(self, label_map: Labels, index: int, contrast_alpha: float | None = None) -> npt.NDArray[np.float32]:
        """Return the image of a label map that call number ``index`` gives; else as :meth:`generate_synthetic_mri`."""
        labels = label_map if isinstance(label_map, LabelMap) else LabelMap(np.asarray(label_map))
        step = self.step(labels, contrast_alpha)
        image = cast("Volume", step(Case(id="spine", labels=labels), seed=self.seed, index=index).image)
        return cast("npt.NDArray[np.float32]", np.clip(image.array, 0, 1))

    def step(self, labels: LabelMap, contrast_alpha: float | None = None) -> Render:
        """Return the step that renders this label map, e.g. to put it into a recipe."""
        name, random = _CONTRASTS["T1" if contrast_alpha is not None else self.contrast_type]
        own = preset(name).stages
        voxel = min(labels.spacing)
        low, high = (round(factor * voxel, 6) for factor in self.resolution_range)
        kept = {"warp": False, "flip": False}  # the caller's label map is the truth of the image
        wanted = {"bias_field": self.add_bias_field, "noise": self.add_noise, "motion": self.add_motion}
        stages: dict[str, Any] = {
            stage: replace(own.get(stage) or STAGES[stage](), prob=float(on))
            for stage, on in {**kept, **wanted}.items()
        }
        stages["noise"] = replace(stages["noise"], kind="gaussian")
        return Render(
            preset=name,
            toward=None if contrast_alpha is None else _CONTRASTS["T2"][0],
            contrast_alpha=contrast_alpha,
            random_contrast=random,
            scheme=_scheme_of(labels),
            resolution=Resolution(prob_iso=_PROB_ISO, prob_min=0.0, iso=(low, high), aniso=(low, high)),
            **stages,
        )


class SyntheticDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Images with their label maps, made when they are asked for: pairs, as training loops take them.

    An item depends on the generator's seed and on its index alone, whatever the number of workers; :meth:`set_epoch`
    gives others.

    Parameters
    ----------
    label_maps
        As for :meth:`SpineSynthGenerator.generate_synthetic_mri`.
    generator
        Makes the images.
    num_augmentations
        Images of each label map. Item ``n`` is of label map ``n`` modulo their number.

    Raises
    ------
    ConfigError
        If there is no label map, or no image of each.
    """

    def __init__(
        self, label_maps: Sequence[Labels], generator: SpineSynthGenerator, num_augmentations: int = 5
    ) -> None:
        if not len(label_maps):
            raise ConfigError("SyntheticDataset.label_maps is empty; expected at least one label map")
        if num_augmentations < 1:
            raise ConfigError(f"num_augmentations is {shown(num_augmentations)}; expected a whole number above 0")
        self.label_maps = tuple(m if isinstance(m, LabelMap) else LabelMap(np.asarray(m)) for m in label_maps)
        self.generator = generator
        self.num_augmentations = num_augmentations
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.label_maps) * self.num_augmentations

    def set_epoch(self, epoch: int) -> None:
        """Make other images in each epoch. Call it before the workers of that epoch start."""
        if epoch < 0:
            raise ConfigError(f"epoch is {epoch}; expected a whole number from 0")
        self.epoch = epoch

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return an image, float32 ``(1, y, x)`` or ``(1, z, y, x)``, 0 … 1, and its labels, int64 without a channel.

        The shapes are those that a network and a cross-entropy loss take.

        Raises
        ------
        IndexError
            If there is no such item.
        LabelError
            If the label map cannot be rendered.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of a dataset of {len(self)}")
        number = index % len(self.label_maps)
        labels = self.label_maps[number]
        try:
            image = self.generator.image(labels, self.epoch * len(self) + index)
        except LabelError as error:
            raise LabelError(f"label map {number}: {error}") from error
        return torch.from_numpy(image[None]), torch.from_numpy(labels.array.astype(np.int64))


def _scheme_of(labels: LabelMap) -> str | None:
    """Return the scheme that values without a table are of."""
    if len(labels.table):
        return None
    return "spine14" if max(labels.values(), default=0) <= _LAST_CLASS else "spider"


def _factors(value: Any) -> tuple[float, float]:
    """Return the smallest and the largest factor of voxel size."""
    expected = "expected two numbers from 1 to 20 voxels, the smaller one first"
    try:
        low, high = (float(number) for number in value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"resolution_range is {shown(value)}; {expected}") from error
    if not 1 <= low <= high <= 20:
        raise ConfigError(f"resolution_range is {shown(value)}; {expected}")
    return low, high
