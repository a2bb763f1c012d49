"""Datasets of the toys' recipe, made by the runner, and what tests ask of them."""

from __future__ import annotations

import hashlib

import pytest

from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.datasets import Split, batches, make_dataset


def recipe(seed=7, **settings):
    return Recipe.from_json({"seed": seed, "steps": [{"toy": settings}]})


def made(folder, count=10, **options):
    options.setdefault("workers", 1)
    settings = options.pop("settings", {})
    return finish(make_dataset(recipe(**settings), count, folder, **options))


def begun(folder, done, count=24):
    """Make a dataset until so many of its cases are done, and stop there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "SECONDS", 1e-9)  # one case at a time, however fast this machine is
        job = make_dataset(recipe(), count, folder, workers=1)
        while next(job).done < done:
            pass
        job.close()


def sums(folder):
    """Checksum of every file of a dataset."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def cases_of(path):
    with Split.open(path) as split:
        return split.case_ids
