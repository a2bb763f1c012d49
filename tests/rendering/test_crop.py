"""Where a part of the result begins."""

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.rng import stream
from napari_medsynth.rendering.crop import draw_crop
from napari_medsynth.rendering.lattice import Lattice

LATTICE = Lattice((5, 40, 30), (1.0, 1.0, 1.0))


def test_without_a_size_there_is_no_crop():
    assert draw_crop(None, LATTICE, stream(1)) is None


def test_every_place_inside_is_drawn_and_none_outside():
    starts = np.array([draw_crop((3, 40, 28), LATTICE, stream(1, n))["start"] for n in range(200)])
    assert np.array_equal(starts.min(axis=0), (0, 0, 0))
    assert np.array_equal(starts.max(axis=0), (2, 0, 2))


def test_the_whole_is_a_crop():
    assert draw_crop(LATTICE.shape, LATTICE, stream(1)) == {"start": [0, 0, 0], "shape": [5, 40, 30]}


def test_a_crop_larger_than_the_label_map_is_refused():
    with pytest.raises(ConfigError, match=r"crop is 6×10×10 voxels .* label map 5×40×30"):
        draw_crop((6, 10, 10), LATTICE, stream(1))
