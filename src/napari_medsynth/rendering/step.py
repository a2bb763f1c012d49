"""A label map gets an image: the step :class:`Render`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from ..core.case import Case
from ..core.errors import ConfigError, RecordError, shown
from ..core.labels import MAX_LABEL, LabelMap
from ..core.progress import Job
from ..core.rng import child_seed, stream
from ..core.settings import setting
from ..core.step import Step
from .artefacts.ghosting import Ghosting
from .artefacts.gibbs import Gibbs
from .artefacts.metal import Metal
from .artefacts.motion import Motion
from .artefacts.noise import Noise
from .artefacts.shadow import Shadow
from .artefacts.speckle import Speckle
from .artefacts.spikes import Spikes
from .artefacts.wrap import Wrap
from .artefacts.zipper import Zipper
from .bias import BiasField
from .contrast import draw_intensities, smooth_shares
from .crop import draw_crop
from .flip import Flip
from .grid import grid_params, require_grid
from .intensity import Intensity
from .lattice import Lattice
from .naming import named_labels
from .presets import Preset, preset
from .prior import Prior, read_prior
from .resolution import Resolution
from .stage import Params, Stage
from .stages import ARTEFACTS, IMAGING, STAGES
from .texture import Texture
from .warp import Warp


@dataclass(frozen=True, kw_only=True)
class Render(Step):
    """Make an image of a label map, as SynthSeg does: warp it, give each class an intensity, take it with a scanner.

    A stage that is left out is the preset's own, which may be none; one that is given takes its place, and
    ``{prob: 0}`` switches it off. With the same seed, switching one stage changes no other.

    Notes
    -----
    The model and the ranges of the preset ``synthseg`` are those of Billot et al., "SynthSeg: Segmentation of brain MRI
    scans of any contrast and resolution without retraining", Medical Image Analysis 86 (2023).
    """

    name: ClassVar[str] = "render"
    version: ClassVar[int] = 1

    preset: str = setting("synthseg", "Intensities and scanner")
    contrast_alpha: float | None = setting(
        None, "Where between the preset and the other one the intensities lie: 0 … 1", low=0, high=1
    )
    toward: str | None = setting(None, "The other preset; left out, the preset's opposite (T1: T2)")
    also: tuple[str, ...] = setting((), "Presets of further channels, taken of the same warped labels")
    prior: Path | None = setting(None, "YAML file of intensities, in place of those of 'preset'")
    random_contrast: float = setting(
        0.0, "Probability that means, and apart from that deviations, are random in place of the prior's", low=0, high=1
    )
    scheme: str | None = setting(None, "What values mean; left out, the label map's own table, else the preset's")
    tissues: tuple[tuple[int, str], ...] = setting((), "Value and class of labels that the table has wrong or not")
    targets: tuple[int, ...] | None = setting(
        None, "Labels that the result keeps; left out, all but context", low=0, high=65535
    )
    relabel: tuple[tuple[int, int], ...] = setting(
        (), "Value of a label and its value in the result, where one may stand for several", low=0, high=65535
    )
    omit: tuple[tuple[int, int, float], ...] = setting(
        (), "Value of a label, what is in its place in images that do not have it (0: background), their probability"
    )
    crop: tuple[int, int, int] | None = setting(
        None, "Size of a part taken at random, z, y, x; nothing else is made", unit="voxels", low=1, high=4096
    )
    grid: Literal["labels", "acquisition"] = setting("labels", "Voxels of the result: the label map's or the scanner's")
    warp: Warp | None = setting(None, "Shape")
    flip: Flip | None = setting(None, "Left and right")
    texture: Texture | None = setting(None, "Variation inside classes, and between them")
    bias_field: BiasField | None = setting(None, "Bias field")
    intensity: Intensity | None = setting(None, "Range and gamma")
    resolution: Resolution | None = setting(None, "Voxel size and slice thickness")
    speckle: Speckle | None = setting(None, "Speckle of ultrasound")
    shadow: Shadow | None = setting(None, "Shadows of ultrasound")
    metal: Metal | None = setting(None, "Metal")
    motion: Motion | None = setting(None, "Motion")
    ghosting: Ghosting | None = setting(None, "Ghosts")
    wrap: Wrap | None = setting(None, "Field of view too small")
    gibbs: Gibbs | None = setting(None, "Gibbs ringing")
    spikes: Spikes | None = setting(None, "Spikes in k-space")
    zipper: Zipper | None = setting(None, "Zipper lines")
    noise: Noise | None = setting(None, "Noise")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (self.preset, *self.also, *filter(None, [self.toward])):
            preset(name)
        for value, instead, probability in self.omit:
            if not (0 < value <= MAX_LABEL and 0 <= instead <= MAX_LABEL and 0 <= probability <= 1):
                found = f"Render.omit has {[value, instead, probability]}"
                raise ConfigError(f"{found}; expected two labels up to {MAX_LABEL} and a probability from 0 to 1")

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        """Draw shape, intensities and what the scanner adds.

        Returns
        -------
        dict
            ``seed`` of all that is not drawn here; ``drawn_on``, shape and affine of the label map; ``omitted``, pairs
            of a label and what is in its place; ``crop``, ``warp`` and ``flip``, None where they do not happen; and of
            each of ``channels`` its ``preset``, ``intensities`` ``[value, mean, std]`` of 0 and every label, ``smooth``
            ``[value, share]`` where the prior knows that share of the variance, and every other stage by its name.

        Raises
        ------
        ConfigError
            If the case has no labels, a part larger than the label map is asked for, or there is no other preset.
        LabelError
            If a preset has no intensities for a label; the message lists them.
        ReadError
            If the file of intensities cannot be read.
        """
        labels = self.read_labels(case)
        lattice = Lattice.of(labels)
        seed = child_seed(rng)
        own = preset(self.preset)
        warp, flip = (self._stage(name, own) for name in (Warp.name, Flip.name))
        params: Params = {
            "seed": seed,
            "drawn_on": grid_params(labels),
            "omitted": self._omitted(labels, seed),
            "crop": draw_crop(self.crop, lattice, stream(seed, step="crop")),
            "warp": warp and warp.decide(lattice, seed),
            "flip": flip and flip.decide_for(labels, seed),
        }
        part = replace(lattice, shape=self.crop or lattice.shape)
        names = (self.preset, *self.also)
        params["channels"] = [self._channel(name, n, labels, part, seed) for n, name in enumerate(names)]
        return params

    def apply(self, case: Case, params: Mapping[str, Any]) -> Case:
        """Return the case with an image, and with its labels as they are in that image; nothing is drawn.

        Raises
        ------
        GridError
            If the params were drawn for a label map on another grid.
        RecordError
            If they were drawn for other labels.
        """
        from .engine import rendered

        return rendered(case, self._labels_of(case, params), params, self)

    def applying(self, case: Case, params: Mapping[str, Any]) -> Job[Case]:
        """Do the same as a job that reports slabs."""
        from .engine import rendering

        return rendering(case, self._labels_of(case, params), params, self)

    def read_labels(self, case: Case) -> LabelMap:
        """Return the labels of a case with the names and tissues that their values have here.

        Raises
        ------
        ConfigError
            If it has none.
        LabelError
            If they are all background.
        """
        if case.labels is None:
            raise ConfigError(f"case {case.id!r} has no labels; expected a label map to render")
        return named_labels(case.labels, self.scheme, preset(self.preset).scheme, self.tissues)

    def stages(self) -> dict[str, Stage]:
        """Return the stages that can happen, by name, in their order: those given, else the preset's own."""
        own = preset(self.preset)
        found = {name: self._stage(name, own) for name in STAGES}
        return {name: stage for name, stage in found.items() if stage is not None and stage.prob > 0}

    def _labels_of(self, case: Case, params: Mapping[str, Any]) -> LabelMap:
        """Return the labels of a case, which have to be those that ``params`` were drawn for."""
        labels = self.read_labels(case)
        require_grid(labels, params)
        known = {int(value) for value, *_ in params["channels"][0]["intensities"]}
        others = [value for value in labels.values() if value not in known]
        if others:
            raise RecordError(f"a rendering has no intensities for labels {shown(others)}; expected its own label map")
        return labels

    def _omitted(self, labels: LabelMap, seed: int) -> list[list[int]]:
        """Return the labels that this image does not have, and what is in their place."""
        present = {0, *labels.values()}
        absent = next((instead for _, instead, _ in self.omit if instead not in present), None)
        if absent is not None:
            raise ConfigError(
                f"Render.omit puts {absent} in the place of a label; expected one that is in the label map"
            )
        return [[v, instead] for v, instead, chance in self.omit if stream(seed, v, "omit").random() < chance]

    def _channel(self, name: str, number: int, labels: LabelMap, lattice: Lattice, seed: int) -> Params:
        own = preset(name)
        ours = own.prior if self.prior is None or number > 0 else read_prior(self.prior)
        drawn: Params = {
            "preset": name,
            "intensities": self._intensities(own, ours, labels, seed, number),
            "smooth": smooth_shares(labels, ours, self.tissues),
        }
        for stage in (*IMAGING, *ARTEFACTS):
            settings = self._stage(stage.name, own)
            first = stage is Resolution and self.grid == "acquisition"  # all channels then share one grid
            drawn[stage.name] = settings and settings.decide(lattice, seed, 0 if first else number)
        return drawn

    def _intensities(self, own: Preset, ours: Prior, labels: LabelMap, seed: int, channel: int) -> list[list[float]]:
        theirs = None
        if self.contrast_alpha is not None:
            other = self.toward or own.toward
            if other is None:
                found = f"Render.contrast_alpha is {self.contrast_alpha} and preset {own.name!r} has no opposite"
                raise ConfigError(f"{found}; expected 'toward' to name the other preset")
            theirs = preset(other).prior
        return draw_intensities(
            labels,
            ours,
            theirs,
            alpha=self.contrast_alpha or 0.0,
            random=self.random_contrast,
            seed=seed,
            channel=channel,
            chosen=self.tissues,
        )

    def _stage(self, name: str, own: Preset) -> Any:
        given = getattr(self, name)
        return own.stages.get(name) if given is None else given
