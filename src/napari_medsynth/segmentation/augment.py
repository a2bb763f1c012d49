"""Examples of model B: a part of a real image, bent and changed in its intensities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..core.rng import child_seed
from ..rendering.acquisition import Acquisition
from ..rendering.codes import shared
from ..rendering.flip import side_axis, swapped_pairs
from ..rendering.geometry import Geometry
from ..rendering.lattice import Lattice
from ..rendering.warp import Warp
from .scans import Part, Scan
from .settings import Augment

Floats = npt.NDArray[np.float32]

#: Deviation of the logarithm of gamma, of contrast and of brightness where the change is strongest (1).
_GAMMA, _CONTRAST, _BRIGHTNESS = 0.7, 0.5, 0.3

#: How often each of noise and blur happens.
_PROB = 0.5


class Augmenter:
    """Gives parts of one scan, each time another way.

    Parameters
    ----------
    scan
        It has an image.
    settings
        What may change.
    """

    def __init__(self, scan: Scan, settings: Augment) -> None:
        self._scan, self._settings = scan, settings
        self._warp = Warp()
        axis = side_axis(scan.labels)
        self._mirror = axis if settings.flip and scan.shape[axis] > 1 and scan.spec.kind != "slices" else None
        if scan.spec.kind == "slices" and settings.flip and axis > 0:
            self._mirror = axis
        self._swap = _class_swap(scan)

    def __call__(self, part: Part, rng: np.random.Generator) -> tuple[Floats, torch.Tensor]:
        """Return image, float32 ``(C, s, r, c)``, and classes, int64 ``(s, r, c)``, of a part."""
        inputs = self._scan.inputs
        if inputs is None:
            raise ValueError(f"case {self._scan.id} has no image")
        box = part.box.slices
        image = torch.from_numpy(inputs[(slice(None), *box)].astype(np.float32))
        classes = shared(self._scan.classes[box])
        lattice = replace(Lattice.of(self._scan.labels), shape=part.box.shape)  # type: ignore[arg-type]
        params = self._decided(part, lattice, rng)
        geometry = Geometry(lattice, params)
        found = geometry.labels(classes.contiguous()).to(torch.int64)
        if params["flip"]:
            found = self._swap[found]
        return self._changed(geometry.image(image).numpy(), rng), found

    def _decided(self, part: Part, lattice: Lattice, rng: np.random.Generator) -> Mapping[str, Any]:
        flips, seed = rng.random() < 0.5, child_seed(rng)
        return {
            "crop": {"start": list(part.start), "shape": list(part.shape)},
            "warp": self._warp.decide(lattice, seed) if self._settings.warp else None,
            "flip": {"axis": self._mirror} if flips and self._mirror is not None else None,
        }

    def _changed(self, image: Floats, rng: np.random.Generator) -> Floats:
        """Change the intensities; what is drawn does not depend on what is switched on."""
        gamma, contrast, brightness = self._settings.intensity * rng.standard_normal(3)
        chances, width, deviation = rng.random(2), rng.random(), rng.random()
        noise_rng = np.random.Generator(np.random.SFC64(child_seed(rng)))
        low, high = float(image.min()), float(image.max())
        if high <= low:
            return image
        if self._settings.blur and chances[0] < _PROB:
            image = _blurred(image, width * self._settings.blur)
        if self._settings.intensity:
            image = np.clip((image - low) / np.float32(high - low), 0, 1)
            np.power(image, np.float32(math.exp(_GAMMA * gamma)), out=image)
            image *= np.float32(math.exp(_CONTRAST * contrast) * (high - low))
            image += np.float32(_BRIGHTNESS * brightness * (high - low) + low)
        if self._settings.noise and chances[1] < _PROB:
            noise = noise_rng.standard_normal(image.shape, np.float32)
            image = image + noise * np.float32(deviation * self._settings.noise * (high - low))
        return image


def _class_swap(scan: Scan) -> torch.Tensor:
    """Return the class of each class in the mirror."""
    table = torch.arange(max(scan.class_of.values()) + 1)
    for left, right in swapped_pairs(scan.labels):
        ours, theirs = scan.class_of.get(left), scan.class_of.get(right)
        if ours is not None and theirs is not None:
            table[ours], table[theirs] = theirs, ours
    return table


def _blurred(image: Floats, sigma: float) -> Floats:
    """Blur ``(C, s, r, c)`` by ``sigma`` voxels along each axis of more than one."""
    size = image.shape[1:]
    lattice = Lattice(size, (1.0, 1.0, 1.0))
    scanner = Acquisition(lattice, {"voxel": [1.0] * 3, "sigma": [sigma] * 3})
    return torch.stack([scanner.take(torch.from_numpy(channel)) for channel in image]).numpy()
