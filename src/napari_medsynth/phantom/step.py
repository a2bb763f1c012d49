"""A body made from nothing: the step :class:`Phantom`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from ..core.case import Case
from ..core.errors import ConfigError
from ..core.labels import LabelMap
from ..core.settings import setting
from ..core.step import Step
from ..core.volume import Volume
from ..io.limits import VARIABLE, budget
from . import artefacts
from .anatomy import Anatomy, Name, Variation, anatomy
from .catalogue import Catalogue, catalogue
from .frame import Frame
from .scenarios import MIXED, Scenario, builtin_scenarios, choose, named, scenarios_for

#: What a set of structures is called that no scenario names.
CUSTOM = "custom"

_SLAB = 1 << 22  #: voxels painted at once: in float32 they take little memory beside the image and its labels
_BYTES_PER_VOXEL = 3  #: of an image and its labels, at most

RegionName = Literal["whole", "thorax", "abdomen", "lumbar spine"]


@dataclass(frozen=True, kw_only=True)
class Phantom(Step):
    """Make an anatomical phantom: an image and the label map it was painted from.

    The body does not depend on the image's size, so that a small preview shows the body that will be made. The record
    keeps the drawn body, the name of the scenario and the structures that the body has.
    """

    name: ClassVar[str] = "phantom"
    version: ClassVar[int] = 1

    anatomy: Name = setting("classic", "classic: 13 simple solids, 0 to 255; torso: a CT-like human, HU")
    image_size: tuple[int, int, int] = setting((128, 128, 64), "Size, z, y, x", unit="voxels", low=8, high=2048)
    spacing: tuple[float, float, float] | None = setting(
        None, "Voxel size, z, y, x; left out, the region fills the image", unit="mm", low=0.05, high=100
    )
    region: RegionName = setting("whole", "Part of the body in the image")
    scenario: str = setting(MIXED, "Clinical situation by its name; 'mixed' draws one by the shares of all")
    scenarios: Path | None = setting(None, "YAML file with scenarios of your own, in place of the built-in ones")
    present: tuple[str, ...] | None = setting(None, "Structures or groups to show, in place of a scenario's")
    position_noise: float = setting(
        0.05, "Standard deviation of positions, relative to the field of view", low=0, high=0.5
    )
    size_noise: float = setting(0.2, "Standard deviation of sizes, relative to each", low=0, high=0.9)
    intensity_noise: float = setting(0.15, "Standard deviation of intensities, relative to each", low=0, high=1)
    blur: float | None = setting(
        None, "Standard deviation of the point spread; left out, the anatomy's own", unit="voxels", low=0, high=10
    )
    bias_field: float | None = setting(
        None, "Largest relative change by the bias field; left out, the anatomy's own", low=0, high=0.9
    )
    noise: float | None = setting(
        None, "Standard deviation of the noise, in the image's unit; left out, the anatomy's own", low=0, high=1000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scenarios is None and self.scenario != MIXED:
            named(self.scenario, builtin_scenarios())
        if self.present is not None:
            catalogue(self.anatomy).members(self.present)

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        """Draw scenario, body and artefacts.

        Raises
        ------
        ConfigError
            If the case has an image or labels already, or the scenario is not known.
        ReadError
            If the file of scenarios cannot be read.
        """
        _require_empty(case)
        scenario = choose(self.scenario, self.known_scenarios(), rng)
        known = self.catalogue
        chosen = scenario.structures(known) if self.present is None else known.members(self.present)
        variation = Variation(self.position_noise, self.size_noise, self.intensity_noise)
        return {
            "scenario": scenario.name if self.present is None else CUSTOM,
            "present": [entry.name for entry in known.targets if entry.name in chosen],
            **artefacts.draw(rng),
            "body": self._anatomy.draw(chosen, variation, rng),
        }

    def apply(self, case: Case, params: Mapping[str, Any]) -> Case:
        """Paint the body and take its image.

        Raises
        ------
        ConfigError
            If the case has an image or labels already, or the image is too large for this machine.
        """
        _require_empty(case)
        self._require_affordable()
        known, frame = self.catalogue, self.frame
        scanner = artefacts.Scanner(
            self._own("bias_field"), self._own("noise"), known.limits, np.uint8 if known.limits[1] < 256 else np.int16
        )
        image = np.empty(frame.shape, scanner.dtype)
        labels = np.empty(frame.shape, np.uint8)
        for start, stop in _slabs(frame.shape):
            painted = self._anatomy.paint(params["body"], frame.slab(start, stop), self._own("blur"))
            scanner.take(painted.values, params, image, start)
            labels[start:stop] = painted.labels
        affine = frame.affine
        return replace(case, image=Volume(image, affine, known.modality), labels=LabelMap(labels, affine, known.table))

    @property
    def frame(self) -> Frame:
        """Which part of the body the image shows, and how finely."""
        known = self.catalogue
        region = known.regions[self.region]
        scale = known.field_of_view if known.unit == "fraction" else (1.0, 1.0, 1.0)
        z, y, x = (e * s / n for e, s, n in zip(region.extent, scale, self.image_size, strict=True))
        return Frame(self.image_size, self.spacing or (z, y, x), region.centre, scale)

    @property
    def catalogue(self) -> Catalogue:
        """The structures of its anatomy."""
        return catalogue(self.anatomy)

    def known_scenarios(self) -> tuple[Scenario, ...]:
        """Return the scenarios that can be drawn.

        Raises
        ------
        ReadError
            If the file of scenarios cannot be read.
        ConfigError
            If it holds anything else, or a scenario that the anatomy cannot show, or lacks the one that is asked for.
        """
        found = builtin_scenarios() if self.scenarios is None else scenarios_for(self.scenarios, self.anatomy)
        if self.scenario != MIXED:
            named(self.scenario, found)
        return found

    @property
    def _anatomy(self) -> Anatomy:
        return anatomy(self.anatomy)

    def _require_affordable(self) -> None:
        needed, allowed = self.frame.voxels * _BYTES_PER_VOXEL, budget()
        if needed > allowed:
            found = f"Phantom.image_size is {self.image_size}, which takes {needed} bytes"
            raise ConfigError(f"{found}; at most {allowed} are allowed here (set {VARIABLE} to change that)")

    def _own(self, name: str) -> float:
        value = getattr(self, name)
        return float(self.catalogue.artefacts[name] if value is None else value)


def _require_empty(case: Case) -> None:
    for part in ("image", "labels"):
        if getattr(case, part) is not None:
            raise ConfigError(f"case {case.id!r} has {part} already; expected an empty case to make a phantom in")


def _slabs(shape: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
    """Cut an image into slabs of whole chunks of the scanner; how follows from its shape alone."""
    chunk = artefacts.chunk_slices(shape)
    step = chunk * max(1, _SLAB // (chunk * shape[1] * shape[2]))
    for start in range(0, shape[0], step):
        yield start, min(start + step, shape[0])
