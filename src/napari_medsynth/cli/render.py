"""``medsynth render`` and ``medsynth prior``: images of label maps, and the intensities that they are made with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from ..core.case import Case, case_id
from ..core.errors import ConfigError, WriteError, shown
from ..core.recipe import Recipe
from ..core.yaml_text import read_yaml
from ..io.names import INDEX
from ..rendering.flip import Flip
from ..rendering.presets import preset_names
from ..rendering.step import Render as RenderStep
from ..rendering.warp import Warp
from .console import Console
from .output import Output

if TYPE_CHECKING:
    from ..core.labels import LabelMap
    from ..core.volume import Volume

#: Whose T1 and T2 are meant if no preset says otherwise.
FAMILY = "spine"

#: Where a scan goes below, it is likely to be CT: air is at -1000 HU, and MR has no negative values.
LOW_HU = -500


@dataclass(frozen=True, kw_only=True)
class Render:
    """Make an image of a label map: of any contrast, as a scanner would take it, with its artefacts.

    Written are the image and the labels as they are in it, each with the record of how it was made. An OUTPUT without
    a suffix is a folder, which gets the recipe too.

    A stage (warp, noise …) of which no flag is given is as the preset has it, and most do not happen there at all. Its
    flags replace the preset's settings; --STAGE.prob 0 switches it off. One number in place of two is both ends.

    presets: synthseg, abdomen-ct, abdomen-mr, brain-flair, brain-t1, brain-t2, breast-us, spine-t1, spine-t2
    """

    labels: Annotated[
        Positional[Path], arg(help="label map, or the folder of a case that was written", metavar="LABELS")
    ]
    output: Annotated[Path, arg(aliases=("-o",), help=".nii.gz, .nii, .mha, .nrrd, .png (2D), or a folder")]
    contrast: Annotated[
        Literal["t1", "t2", "flair", "ct", "mr", "us", "random"] | None,
        arg(help=f"the preset of this contrast in the same family, that of the {FAMILY} if none; random: synthseg"),
    ] = None
    seed: Annotated[int, arg(help="seed of all random draws")] = 0
    count: Annotated[int, arg(help="how many images; _000 … is added to the names of several")] = 1
    labels_out: Annotated[Path | None, arg(help="where the labels go; none is OUTPUT with _labels")] = None
    tissues: Annotated[Path | None, arg(help="YAML file of what labels are, a line 'value: class' each")] = None
    keep_shape: Annotated[bool, arg(help="neither warp nor flip: labels stay where they are")] = False
    overwrite: Annotated[bool, arg(help="replace what is there")] = False
    render: Annotated[RenderStep, arg(name="")] = field(default_factory=RenderStep)

    def run(self, console: Console) -> None:
        """Read, render, write; what cannot be written is found before anything is made."""
        if self.count < 1:
            raise ConfigError(f"--count is {self.count}; expected 1 or more")
        outputs = Output(self.output, self.labels_out).numbered(self.count)
        recipe = Recipe(steps=(self._step(),), seed=self.seed)
        case = self._start(console)
        for output in outputs:
            output.require_usable(self.labels, case.labels.ndim if case.labels else 0, overwrite=self.overwrite)
        if console.verbose:
            console.say(recipe.to_yaml().rstrip())
        for index, output in enumerate(outputs):
            made = console.finish(recipe.steps[0].run(case, seed=recipe.seed, index=index))
            output.write(made, recipe, overwrite=self.overwrite)
            for path in output.paths:
                console.wrote(path)

    def _step(self) -> RenderStep:
        """Return the step with what the shorthands stand for."""
        step = self.render
        if self.contrast is not None:
            step = replace(step, preset=preset_of(self.contrast, step.preset))
        if self.tissues is not None:
            step = replace(step, tissues=read_tissues(self.tissues))
        if self.keep_shape:
            if step.warp or step.flip:
                raise ConfigError("--keep-shape and flags of warp or flip are given; expected one or the other")
            step = replace(step, warp=Warp(prob=0), flip=Flip(prob=0))
        return step

    def _start(self, console: Console) -> Case:
        from ..io import read_case, read_labels, read_sidecar

        if (self.labels / INDEX).is_file():
            case = read_case(self.labels)
            if case.instances is not None and self.output.suffix:
                console.say("which voxel is which lesion is written to a folder only: an output without a suffix")
            return case
        labels = read_labels(self.labels)
        name = case_id(self.labels.name.partition(".")[0])
        return Case(id=name, labels=labels, history=read_sidecar(self.labels).history)


@dataclass(frozen=True, kw_only=True)
class Prior:
    """Measure what intensities each structure has in scans with labels, for images that look like them.

    Measured are median and median deviation, which outliers do not move; of several scans, how much these vary too.
    Write the file, look at it, change it, and give it to: medsynth render LABELS --prior FILE.
    """

    scans: Annotated[
        Positional[tuple[Path, ...]],
        arg(
            help="scans, each followed by its label map, or folders of cases",
            metavar="IMAGE LABELS …",
            help_behavior_hint="(required)",
        ),
    ]
    output: Annotated[Path, arg(aliases=("-o",), help="YAML file to write")]
    by: Annotated[
        Literal["name", "tissue"], arg(help="one class for each name, or one for all labels of the same tissue")
    ] = "name"
    scheme: Annotated[str | None, arg(help="what values mean; none goes by the label map's own table")] = None
    modality: Annotated[
        str | None, arg(help="what the scans are: CT stays in HU, all else goes to 0 … 255; none goes by the files")
    ] = None
    overwrite: Annotated[bool, arg(help="replace the file if it is there")] = False

    def run(self, console: Console) -> None:
        """Read, measure, write."""
        from ..rendering.estimate import estimate_prior
        from ..rendering.prior import write_prior

        if self.output.exists() and not self.overwrite:
            raise WriteError(f"{self.output} is there already; choose another name or allow overwriting")
        prior = estimate_prior(self._pairs(console), by=self.by)
        for name, found in prior.classes.items():
            console.say(f"{name}: {found.mean} ± {found.std}")
        write_prior(prior, self.output)
        console.wrote(self.output)

    def _pairs(self, console: Console) -> Iterator[tuple[Volume, LabelMap]]:
        """Read one scan after the other."""
        from ..io import read_case
        from ..rendering.naming import named_labels

        waiting = iter(self.scans)
        for path in waiting:
            labels = None if (path / INDEX).is_file() else next(waiting, None)
            case = read_case(path, labels)
            if case.image is None or case.labels is None:
                raise ConfigError(f"{path} has no label map; expected image and labels in turn, or folders of cases")
            image = case.image if self.modality is None else replace(case.image, modality=self.modality.upper())
            if not image.modality and image.array.min() < LOW_HU:
                console.say(f"{path} has values as CT has and does not say what it is: --modality CT keeps them in HU")
            yield image, named_labels(case.labels, self.scheme, None)


def preset_of(contrast: str, preset: str) -> str:
    """Return the preset of a contrast in the family of another, e.g. ``"brain-t1"`` for T1 and ``"brain-t2"``.

    Raises
    ------
    ConfigError
        If that family has no such preset.
    """
    if contrast == "random":
        return "synthseg"
    family = preset.replace("_", "-").rpartition("-")[0] or FAMILY
    found = f"{family}-{contrast}"
    if found not in preset_names():
        known = ", ".join(preset_names())
        raise ConfigError(f"--contrast is {contrast!r} and there is no preset {found!r}; --preset knows {known}")
    return found


def read_tissues(path: Path) -> tuple[tuple[int, str], ...]:
    """Read what labels are: a YAML file of values and their classes.

    Raises
    ------
    ReadError
        If it cannot be read.
    ConfigError
        If it is anything else.
    """
    values = read_yaml(path, "values and their classes")
    if not isinstance(values, dict):
        raise ConfigError(f"{path} is {type(values).__name__}; expected a line 'value: class' for each label")
    for value, name in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or not isinstance(name, str):
            raise ConfigError(f"{path} has {shown(value)}: {shown(name)}; expected a whole number and a name")
    return tuple(values.items())
