"""``medsynth phantom``: a dataset of phantoms, with pictures, statistics and a try at training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from ..core.recipe import Recipe
from ..phantom.step import Phantom as PhantomStep
from .console import Console

OUTPUT = Path("../data/synthetic_medical_dataset_hdf5")


@dataclass(frozen=True, kw_only=True)
class Phantom:
    """Make a dataset of phantoms: train.h5, val.h5, test.h5 and metadata.json.

    Then tell what it holds, draw a sample of each split and a report, and show that a network learns from it. The
    same command goes on where it was interrupted.
    """

    total_samples: Annotated[int, arg(help="samples, in all splits together")] = 1000
    output_dir: Annotated[Path, arg(aliases=("-o",), help="folder of the dataset")] = OUTPUT
    validation_split: Annotated[float, arg(help="fraction of the samples for validation")] = 0.2
    test_split: Annotated[float, arg(help="fraction of the samples for testing")] = 0.1
    skip_generation: Annotated[bool, arg(help="make nothing; take the dataset that is there")] = False
    skip_visualization: Annotated[bool, arg(help="draw no samples")] = False
    skip_training_test: Annotated[bool, arg(help="leave the training loop out")] = False
    seed: Annotated[int, arg(help="seed of all random draws")] = 42
    workers: Annotated[int | None, arg(help="processes that make samples; none takes as many as pay off")] = None
    scheduler: Annotated[str | None, arg(help="Dask scheduler to use instead, e.g. tcp://10.0.0.5:8786")] = None
    phantom: Annotated[PhantomStep, arg(name="")] = field(default_factory=PhantomStep)

    def run(self, console: Console) -> None:
        """Make, count, draw, train."""
        if not self.skip_generation:
            self._generate(console)
        _describe(console, self.output_dir)
        if not self.skip_visualization:
            _draw(console, self.output_dir)
        if not self.skip_training_test:
            self._train(console)

    def _generate(self, console: Console) -> None:
        from ..datasets.runner import make_dataset

        self.phantom.known_scenarios()  # a file that cannot be used is no fault of the first case
        recipe = Recipe(steps=(self.phantom,), seed=self.seed)
        if console.verbose:
            console.say(recipe.to_yaml().rstrip())
        was_finished = (self.output_dir / "metadata.json").is_file()
        job = make_dataset(
            recipe,
            self.total_samples,
            self.output_dir,
            validation_split=self.validation_split,
            test_split=self.test_split,
            workers=self.workers,
            scheduler=self.scheduler,
        )
        console.wrote(console.finish(job))
        if was_finished:
            console.say(f"{self.output_dir} was finished before, with the same samples")

    def _train(self, console: Console) -> None:
        from .training_check import check_training

        result = console.finish(check_training(self.output_dir, self.seed))
        first, last = result.losses[0], result.losses[-1]
        console.say(f"training loop: {len(result.losses)} epochs, loss {first:.3f} -> {last:.3f}")
        if console.verbose:
            console.say(f"  a batch: image {list(result.images)}, presence_labels {list(result.presence)}")
            console.say("  loss of each epoch: " + ", ".join(f"{loss:.3f}" for loss in result.losses))


def _describe(console: Console, folder: Path) -> None:
    """Tell how many samples each split has, and how often each structure occurs; scenarios too if asked for more."""
    from ..datasets import DatasetFolder

    dataset = DatasetFolder.open(folder)
    rates: dict[str, list[float]] = {name: [] for name in dataset.structure_names}
    for name, path in dataset.splits.items():
        with dataset.split(name) as split:
            size = " x ".join(str(n) for n in split.image_size)
            samples = f"{len(split)} sample{'s' if len(split) > 1 else ''}"
            console.say(f"{name}: {samples} of {size} voxels, {path.stat().st_size / 1e6:.1f} MB")
            if console.verbose:
                _tell_scenarios(console, Counter(split.scenarios))
            for structure, rate in zip(rates, split.presence.mean(axis=0).tolist(), strict=True):
                rates[structure].append(rate)
    for line in _table(list(dataset.splits), rates):
        console.say(line)


def _draw(console: Console, folder: Path) -> None:
    """Draw the first sample of each split beside its file, and write the report if there is none."""
    from ..datasets import DatasetFolder, visualize_sample, write_report

    dataset = DatasetFolder.open(folder)
    for name in dataset.splits:
        picture = folder / f"sample_{name}.png"
        with dataset.split(name) as split:
            visualize_sample(split, 0, path=picture)
        console.wrote(picture)
    if not (folder / "report.html").is_file():
        console.wrote(write_report(folder))


def _tell_scenarios(console: Console, counts: Counter[str]) -> None:
    for scenario, count in counts.most_common():
        console.say(f"  {scenario or 'no scenario'}: {count}")


def _table(splits: list[str], rates: Mapping[str, list[float]]) -> list[str]:
    """Lines of a table: how often each structure is present in each split."""
    width = max((len(name) for name in rates), default=0)
    lines = [f"{'present in':<{width}}" + "".join(f"{name:>9}" for name in splits)] if rates else []
    return lines + [f"{name:<{width}}" + "".join(f"{rate:>9.1%}" for rate in row) for name, row in rates.items()]
