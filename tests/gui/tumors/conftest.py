"""A small lung to place lesions in, with a viewer's model and without OpenGL."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.tumor.library import SeedLibrary
from napari_medsynth.tumor.synthetic import SyntheticLesion
from napari_medsynth.widgets.layers import image_layer_data
from napari_medsynth.widgets.tumors.placer import Placer
from napari_medsynth.widgets.tumors.scatter import survey
from napari_medsynth.widgets.tumors.sources import Source

SHAPE = (24, 60, 64)
MIDDLE = (12, 30, 32)


def blob():
    """The lung: an ellipsoid in the middle."""
    axes = [(np.arange(n) - m) / r for n, m, r in zip(SHAPE, MIDDLE, (11, 26, 28), strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return z**2 + y**2 + x**2 < 1


@pytest.fixture
def scan():
    """A scan of 24×60×64 voxels of 2.5×1×1 mm: noisy lung in soft tissue, away from the world's origin."""
    noise = np.random.default_rng(0).normal(0, 15, SHAPE)
    array = np.where(blob(), -850, 40) + noise
    return Volume(array.astype(np.int16), Affine.from_spacing((2.5, 1, 1), origin=(50, -30, 700)), "CT")


@pytest.fixture
def lung(scan):
    return LabelMap(blob().astype(np.uint8), scan.affine)


@pytest.fixture
def layer(viewer, scan):
    data, how, _ = image_layer_data(scan, name="scan")
    return viewer.add_image(data, **how)


@pytest.fixture
def bare(viewer, layer):
    """A placer that knows no organ."""
    return Placer(viewer, layer)


@pytest.fixture
def placer(bare, lung):
    """A placer that knows the lung."""
    bare.take_survey(finish(survey(bare.case, lung)))
    return bare


@pytest.fixture
def source():
    return Source.from_kind("solid", 8.0, seed=1)


@pytest.fixture
def library(tmp_path):
    """Two made seeds on disk, one of them 6 mm and one 9 mm."""
    found = SeedLibrary.create(tmp_path / "library")
    found.add(SyntheticLesion(kind="solid", diameter_mm=mm, seed=n).make() for n, mm in enumerate((6.0, 9.0)))
    return found
