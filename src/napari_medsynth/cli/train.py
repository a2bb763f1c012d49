"""``medsynth train``: networks that learn from rendered label maps, from real images, or from both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from tyro.conf import Fixed, Suppress, arg

from ..core.errors import ConfigError
from ..core.yaml_text import read_yaml
from ..io.plainfile import read_json
from ..learning.settings import FitSettings
from ..rendering.step import Render
from ..segmentation.networks import Name, NetworkSettings
from ..segmentation.settings import Augment, TrainSettings
from ..segmentation.spec import InputSpec
from ..segmentation.spine import spine_settings
from .console import Console
from .flags import known

if TYPE_CHECKING:
    from ..learning.run import Run
    from .train_plan import Planned

Layout = Literal["auto", "spider", "nnunet", "msd", "hdf5", "monai", "folder"]
Model = Literal["A", "B", "both", "mixed", "finetune"]

#: The model that a file of settings describes, by its source.
_MODEL_OF: dict[str, Model] = {"synthetic": "A", "real": "B", "mixed": "mixed"}


@dataclass(frozen=True, kw_only=True)
class _Basis:
    """The flags that the defaults of the others depend on."""

    data_dir: Annotated[Path, arg(help="folder of the data")] = Path("./data")
    num_classes: Annotated[
        int, arg(help="classes of SPIDER's data, background and canal included; other data have those of their labels")
    ] = 14
    use_dummy_data: Annotated[
        bool, arg(help="train on phantoms, which are made in SAVE_DIR/dummy_data if they are not there")
    ] = False
    layout: Annotated[Layout, arg(help="how the data are laid out; auto looks")] = "auto"
    config: Annotated[Path | None, arg(help="YAML or JSON file of settings; flags that are given win over it")] = None

    @property
    def is_spider(self) -> bool:
        """Whether the data are SPIDER's, as far as a glance tells; so are none, which only ``--help`` gets past."""
        if self.use_dummy_data or self.layout != "auto":
            return self.use_dummy_data or self.layout == "spider"
        return not self.data_dir.exists() or (self.data_dir / "images" / "images").is_dir()

    def settings(self) -> TrainSettings:
        """Return the settings that flags change: those of the file, else the spine's for SPIDER's data."""
        if self.config is not None:
            read = read_json if self.config.suffix == ".json" else lambda path: read_yaml(path, "settings")
            return TrainSettings.from_json(read(self.config), str(self.config))
        return spine_settings(self.num_classes) if self.is_spider else TrainSettings()


@dataclass(frozen=True, kw_only=True)
class Train(_Basis):
    """Train networks to segment: model A on rendered label maps only, model B on real images.

    Cases are split by patient into training, validation and test; SAVE_DIR/split.json says how, and all models share
    it. Each training has a folder, SAVE_DIR/model_a_synthetic or SAVE_DIR/model_b_real, and its best model lies beside
    it: model_a_synthetic_best.safetensors and .json. A training of the same name that was there is kept in
    SAVE_DIR/earlier.

    Without --config, what is not given is as it suits sagittal slices of SPIDER's lumbar spines if the data are laid
    out as those are, else as it suits most data.
    """

    save_dir: Annotated[Path, arg(help="folder to save models to")] = Path("./models/saved")
    model: Annotated[
        Model,
        arg(
            help="A: from rendered label maps; B: from real images; both: A and B; mixed: one model from both; "
            "finetune: A, then REAL_CASES real cases"
        ),
    ] = "both"
    folder: Annotated[Path | None, arg(name="run", help="folder of one training, in place of one in SAVE_DIR")] = None
    resume: Annotated[bool, arg(help="go on with trainings that did not come to their end")] = False
    val_dir: Annotated[Path | None, arg(help="folder of validation cases; none takes some of DATA_DIR")] = None
    validation_split: Annotated[float, arg(help="fraction of patients for validation")] = 0.2
    test_split: Annotated[float, arg(help="fraction of patients that no training sees")] = 0.2
    contrast: Annotated[
        Literal["t1", "t2", "any"], arg(help="SPIDER's scans that are learned from; all are tested on")
    ] = "t1"
    real_cases: Annotated[int | None, arg(help="real cases that B, mixed and finetune learn from; none: all")] = None
    network: Annotated[Name, arg(help="architecture")] = "unet"
    base_features: Annotated[int, arg(help="features of the first level; each level below has twice as many")] = 8
    levels: Annotated[int, arg(help="resolutions of networks other than unet")] = 5
    start: Annotated[Path | None, arg(help="model whose weights are the start")] = None
    real_share: Annotated[float, arg(help="share of examples of real images in mixed")] = 0.5
    foreground: Annotated[float, arg(help="share of examples that are taken where there is a structure")] = 0.5
    scheme: Annotated[str | None, arg(help="what label values mean, where the files do not say")] = None
    fit: Annotated[FitSettings, arg(name="")] = field(default_factory=FitSettings)
    inputs: InputSpec = field(default_factory=InputSpec)
    render: Render = field(default_factory=Render)
    augment: Augment = field(default_factory=Augment)
    base: Annotated[Fixed[TrainSettings], Suppress] = field(default_factory=TrainSettings)

    @classmethod
    def defaults(cls, words: Sequence[str]) -> Self:
        """Return what holds where no flag is given; raises as reading the file of settings does."""
        basis = known(_Basis, words)
        base = basis.settings()
        return cls(
            model="both" if basis.config is None else _MODEL_OF[base.source],
            network=base.network.name,
            base_features=base.network.base_features,
            levels=base.network.levels,
            start=base.start,
            real_share=base.real_share,
            foreground=base.foreground,
            scheme=base.scheme,
            fit=base.fit,
            inputs=base.inputs,
            render=base.render,
            augment=base.augment,
            base=base,
        )

    def settings(self) -> TrainSettings:
        """Return what file and flags say together."""
        size = {"name": self.network, "base_features": self.base_features, "levels": self.levels}
        return replace(
            self.base,
            real_share=self.real_share,
            start=self.start,
            network=NetworkSettings.from_json(size),
            inputs=self.inputs,
            render=self.render,
            augment=self.augment,
            scheme=self.scheme,
            foreground=self.foreground,
            fit=self.fit,
        )

    def run(self, console: Console) -> None:
        """Find the cases, split them, train one model after the other, and tell how good they are."""
        from ..learning.devices import is_main_process
        from ..segmentation.training import train
        from .train_plan import make_room

        main = is_main_process()
        if not main:  # processes that train together all run this command; one speaks and prepares
            console.mute()
        for planned in self._planned(console):
            goes_on = self.resume and planned.run.exists()
            kept = make_room(planned.run) if main and not goes_on else None
            if kept is not None:
                console.say(f"{planned.run.folder} was there already and is kept as {kept}")
            job = train(planned.cases, planned.run, planned.settings, split=planned.split, resume=goes_on)
            trained = console.finish(job)
            for line in dice_lines(trained.run):
                console.say(line)
            console.wrote(trained.model)

    def _planned(self, console: Console) -> list[Planned]:
        """Return the trainings in their order; dummy data and the split are made if they are not there."""
        from ..datasets.finding import find_cases
        from ..datasets.splitting import split_cases
        from .train_plan import DUMMY, SPLIT, divided, plan, plan_one, shared_split

        settings = self.settings()
        if self.folder is not None and self.model in ("both", "finetune"):
            found = f"--run is one training and --model is {self.model!r}"
            raise ConfigError(f"{found}; expected A, B or mixed (to fine-tune, B with --start)")
        data = self._dummy_data(console) if self.use_dummy_data else self.data_dir
        cases = find_cases(data, "spider" if self.use_dummy_data else self.layout)
        given = () if self.val_dir is None else find_cases(self.val_dir)
        shares = {"validation": 0.0 if given else self.validation_split, "test": self.test_split}
        if self.folder is not None:
            split = split_cases(cases, **shares, seed=self.fit.seed)
        else:
            path = self.save_dir / SPLIT
            split = shared_split(path, cases, **shares, seed=self.fit.seed, dummy=self.save_dir / DUMMY)
        parts = divided(cases, split, given, contrast=self.contrast)
        if self.folder is not None:
            return [plan_one(self.model, parts, settings, self.folder, count=self.real_cases)]
        return plan(self.model, parts, settings, self.save_dir, count=self.real_cases)

    def _dummy_data(self, console: Console) -> Path:
        """Return the folder of dummy data; they are made if they are not there."""
        from ..segmentation.dummy import dummy_data, is_dummy
        from .train_plan import DUMMY

        folder = (self.save_dir if self.folder is None else self.folder.parent) / DUMMY
        if not is_dummy(folder):
            console.wrote(console.finish(dummy_data(folder)))
        return folder


def dice_lines(run: Run) -> list[str]:
    """Say how good the best model of a training is on its validation cases, structure by structure."""
    entry = next((entry for entry in reversed(run.log()) if entry["best"]), None)
    if entry is None or entry["val_dice"] is None:
        return [f"{run.name}: there was nothing to validate on; the last epoch is kept"]
    width = max(len(name) for name in entry["dice"])
    found = {name: "not there" if dice is None else f"{dice:.3f}" for name, dice in entry["dice"].items()}
    lines = [f"  {name:<{width}}  {text}" for name, text in found.items()]
    return [f"{run.name}: epoch {entry['epoch']} is the best, validation Dice {entry['val_dice']:.3f}", *lines]
