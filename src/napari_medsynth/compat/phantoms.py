"""Phantoms and datasets of them by class: :class:`SyntheticAnatomyGenerator`, :class:`SyntheticDatasetGenerator`.

Faces of :class:`~napari_medsynth.phantom.step.Phantom` and :func:`~napari_medsynth.datasets.runner.make_dataset`:
what they make is what the step, the command and a recipe make of the same settings and seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..core.case import Case
from ..core.errors import ConfigError, shown
from ..core.progress import finish
from ..core.rng import stream
from ..phantom.anatomy import Name
from ..phantom.scenarios import MIXED
from ..phantom.step import Phantom
from .planned import PlannedDataset, Sample, sample_of, structure_names

Size = tuple[int, int, int]
Spacing = tuple[float, float, float]


class _Generator:
    """What both generators are made of: a step, and the seed of its draws."""

    _scenario: str

    def __init__(
        self,
        image_size: Size = (128, 128, 64),
        spacing: Spacing | None = None,
        seed: int = 42,
        anatomy: Name = "classic",
    ) -> None:
        self.step = Phantom(anatomy=anatomy, image_size=image_size, spacing=spacing, scenario=self._scenario)
        stream(seed)
        self.seed = seed


class SyntheticAnatomyGenerator(_Generator):
    """Makes one phantom after the other.

    Successive calls give different bodies; a new generator of the same seed gives the same ones again.

    Parameters
    ----------
    image_size
        Voxels along ``(z, y, x)``.
    spacing
        Millimetres per voxel along ``(z, y, x)``; None lets the body fill the image.
    seed
        Seed of all random draws.
    anatomy
        ``"classic"`` (13 structures, values 0 … 255) or ``"torso"`` (CT-like, in HU).

    Raises
    ------
    ConfigError
        If a setting cannot be used.
    """

    _scenario = "normal_complete"
    made = 0

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names of the structures in the order of masks and presence."""
        return structure_names(self.step)

    def generate_sample(
        self,
        present_structures: Sequence[str] | None = None,
        position_noise: float = 0.05,
        size_noise: float = 0.2,
        intensity_noise: float = 0.15,
    ) -> Sample:
        """Make the next phantom.

        Parameters
        ----------
        present_structures
            Names of the structures, or groups of them, that the body has; all if None.
        position_noise, size_noise, intensity_noise
            Standard deviations, relative to the field of view, each size and each intensity.

        Returns
        -------
        image
            float32 ``(Z, Y, X)``.
        masks
            uint8 ``(S, Z, Y, X)``, 0 or 1.
        presence
            uint8 ``(S,)``, 0 or 1.

        Raises
        ------
        ConfigError
            If a structure is not known (the nearest is named) or a noise is out of range.
        """
        if isinstance(present_structures, str):  # a sequence of letters, which nobody means
            raise ConfigError(f"present_structures is {shown(present_structures)}; expected a list of names")
        step = replace(
            self.step,
            present=None if present_structures is None else tuple(present_structures),
            position_noise=position_noise,
            size_noise=size_noise,
            intensity_noise=intensity_noise,
        )
        case = step(Case(id=f"sample_{self.made:06d}"), seed=self.seed, index=self.made)
        self.made += 1
        return sample_of(case, step)


class SyntheticDatasetGenerator(_Generator):
    """Plans datasets of phantoms with their scenarios, and makes them.

    Parameters
    ----------
    image_size, spacing, seed, anatomy
        As in :class:`SyntheticAnatomyGenerator`.
    """

    _scenario = MIXED

    def generate_dataset(
        self,
        total_samples: int = 1000,
        validation_split: float = 0.2,
        test_split: float = 0.1,
        position_noise: float = 0.05,
        size_noise: float = 0.2,
        intensity_noise: float = 0.15,
        scenario: str = MIXED,
    ) -> PlannedDataset:
        """Plan a dataset; nothing is made until a sample is asked for or all are saved.

        Raises
        ------
        ConfigError
            If the splits leave nothing to train with, or another value cannot be used.
        """
        step = replace(
            self.step,
            scenario=scenario,
            position_noise=position_noise,
            size_noise=size_noise,
            intensity_noise=intensity_noise,
        )
        return PlannedDataset(step, self.seed, total_samples, validation_split, test_split)

    def save_dataset_hdf5(
        self, dataset: PlannedDataset, path: str | Path, *, workers: int | None = None, scheduler: str | None = None
    ) -> Path:
        """Make all samples of a plan and write them; a folder that was interrupted is continued.

        Parameters
        ----------
        dataset
            What :meth:`generate_dataset` gave.
        path
            Folder to write to.
        workers
            Processes that make samples; None for as many as pay off.
        scheduler
            Address of a Dask scheduler that is running already, whose workers make them in place of ``workers``.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        WriteError
            If it cannot be written.
        ConfigError
            If the folder holds something else, or the dataset is not a planned one.
        """
        from ..datasets.runner import make_dataset

        if not isinstance(dataset, PlannedDataset):
            raise ConfigError(f"the dataset is of type {type(dataset).__name__}; expected what generate_dataset gave")
        job = make_dataset(
            dataset.recipe,
            dataset.total_samples,
            Path(path),
            validation_split=dataset.validation_split,
            test_split=dataset.test_split,
            workers=workers,
            scheduler=scheduler,
        )
        return finish(job)
