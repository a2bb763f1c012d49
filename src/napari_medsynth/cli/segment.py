"""``medsynth segment``: labels for images, from a model."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from ..core.case import Case, case_id
from ..core.errors import ConfigError, WriteError
from ..io.names import PNG, WRITTEN, format_of, split_suffix
from ..segmentation.fitting import misfit
from ..segmentation.options import PredictOptions, TileOptions
from ..segmentation.spec import InputSpec
from ..segmentation.step import Segment as SegmentStep
from .console import Console

if TYPE_CHECKING:
    from ..segmentation.model import SegmentationModel
    from ..segmentation.prediction import Prediction


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Label images with a model: of any orientation and voxel size in, on the same grid out.

    Printed are the volumes of what is found. A model that was not made for an image (another modality, far larger
    voxels) is refused, except with --anyway; so is an image for which there is not enough memory.

    A MONAI bundle is a model too. Of its configuration only the network's name and arguments are read and nothing is
    executed, so --inputs.* have to say what the network is given; the defaults are not for it.
    """

    images: Annotated[
        Positional[tuple[Path, ...]],
        arg(help="images, or folders of cases", metavar="IMAGE …", help_behavior_hint="(required)"),
    ]
    model: Annotated[Path, arg(help="the model's .safetensors file, or the folder of a MONAI bundle")]
    output: Annotated[
        Path, arg(aliases=("-o",), help=".nii.gz, .nii, .mha, .nrrd, .png (2D); of several images, a folder")
    ]
    uncertainty: Annotated[
        Path | None, arg(help="also write how unsure the network is, 0 to 1; of several images, to this folder")
    ] = None
    device: Annotated[str, arg(help="auto, cpu, cuda or mps")] = "auto"
    anyway: Annotated[bool, arg(help="apply a model that was not made for the image")] = False
    overwrite: Annotated[bool, arg(help="replace what is there")] = False
    tiles: Annotated[TileOptions, arg(name="")] = field(default_factory=TileOptions)
    inputs: InputSpec = field(default_factory=InputSpec)

    def run(self, console: Console) -> None:
        """Read the model, then segment one image after the other; what cannot be written is found first."""
        targets = [self._targets(image) for image in self.images]
        self._require_usable(targets)
        step = self._step()
        model = step.read_model()
        for image, (labels, uncertainty) in zip(self.images, targets, strict=True):
            case = self._read(image, model, labels)
            made, found = console.finish(step.predicting(case, model))
            self._write(made, found, labels, uncertainty)
            _tell(found, console)
            for path in (labels, uncertainty):
                if path is not None:
                    console.wrote(path)

    def _step(self) -> SegmentStep:
        given = {f.name: getattr(self.tiles, f.name) for f in fields(TileOptions)}
        options = PredictOptions(**given, uncertainty=self.uncertainty is not None)
        from_bundle = self.model.is_dir() or self.inputs != InputSpec()
        inputs = self.inputs if from_bundle else None
        return SegmentStep(model=self.model, options=options, device=self.device, inputs=inputs)

    def _targets(self, image: Path) -> tuple[Path, Path | None]:
        """Return where the labels and the uncertainty of an image go."""
        if len(self.images) == 1:
            return self.output, self.uncertainty
        name = f"{split_suffix(image)[0]}.nii.gz"
        return self.output / name, None if self.uncertainty is None else self.uncertainty / name

    def _require_usable(self, targets: list[tuple[Path, Path | None]]) -> None:
        """Raise an error if something cannot be written where it is to go."""
        if not self.images:
            raise ConfigError("no image is given; expected one or more")
        paths = [path for pair in targets for path in pair if path is not None]
        for path in paths:
            kinds = WRITTEN if path in {labels for labels, _ in targets} else WRITTEN[:-1]
            if format_of(path) not in kinds:
                raise WriteError(f"{path} has suffix {format_of(path)!r}; expected one of {', '.join(kinds)}")
            if paths.count(path) > 1:
                raise ConfigError(f"{path} would be written twice; expected images and outputs of different names")
            if any(path.exists() and image.exists() and path.samefile(image) for image in self.images):
                raise WriteError(f"{path} is what is read; choose another name to write to")
            if path.exists() and not self.overwrite:
                raise WriteError(f"{path} is there already; choose another name or allow overwriting (--overwrite)")

    def _read(self, path: Path, model: SegmentationModel, labels: Path) -> Case:
        """Read an image; raise :class:`ConfigError` if the model was not made for it."""
        from ..io import read_case, read_sidecar, read_volume
        from ..io.names import INDEX

        if (path / INDEX).is_file():
            case = read_case(path)
        else:
            history = () if path.is_dir() else read_sidecar(path).history
            case = Case(id=case_id(split_suffix(path)[0]), image=read_volume(path), history=history)
        if case.image is None:
            raise ConfigError(f"{path} has no image; expected one to segment")
        if case.image.ndim == 3 and format_of(labels) in PNG:
            raise WriteError(f"{labels} cannot hold a volume; expected one of {', '.join(WRITTEN[:-1])}")
        reason = misfit(model.card, case.image)
        if reason and not self.anyway:
            raise ConfigError(f"{path} does not suit {self.model}: {reason} (--anyway tries it)")
        return case

    def _write(self, made: Case, found: Prediction, labels: Path, uncertainty: Path | None) -> None:
        from ..io import write_labels, write_pair

        for path in (labels, uncertainty):
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
        if uncertainty is None or found.uncertainty is None:
            write_labels(found.labels, labels, history=made.history)
        else:
            write_pair(found.uncertainty, found.labels, uncertainty, labels, history=made.history)


def _tell(found: Prediction, console: Console) -> None:
    """Print the size of each structure."""
    for name, volume in found.volumes().items():
        size = f"{volume:.2f} mL" if found.labels.ndim == 3 else f"{volume * 1000:.1f} mm²"
        console.say(f"{name}: {size}")
