"""Frames: where the voxels of an image lie in the body and in the world."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.phantom.frame import Frame

FRAME = Frame((40, 30, 21), (2.0, 3.0, 4.0), (0.1, -0.2, 0.05), (600.0, 450.0, 500.0))


@pytest.mark.parametrize(("start", "stop"), [(0, 40), (0, 7), (13, 14), (25, 40)])
def test_a_slab_shows_the_same_places_as_the_whole(start, stop):
    part = FRAME.slab(start, stop)
    assert part.shape == (stop - start, 30, 21)
    z, y, x = FRAME.lines()
    for mine, theirs in zip(part.lines(), (z[start:stop], y, x), strict=True):
        assert np.allclose(mine, theirs, atol=1e-6)
    assert part.affine.is_close(FRAME.affine.shifted((start, 0, 0)), part.shape)


def test_coordinates_of_the_anatomy_become_millimetres_in_the_world():
    """To the head is +z, to the back is -y and to the left is -x in RAS."""
    world = FRAME.affine.to_world((np.array(FRAME.shape) - 1) / 2)
    assert world == pytest.approx((-0.05 * 500, 0.2 * 450, 0.1 * 600))
    assert FRAME.step == pytest.approx((2 / 600, 3 / 450, 4 / 500))
    assert FRAME.voxels == 40 * 30 * 21


def test_a_box_holds_the_voxels_between_two_corners_and_at_most_one_more():
    z, y, x = FRAME.box((0.1, -0.25, 0.0), (0.12, -0.2, 0.04))
    for part, line, low, high in zip((z, y, x), FRAME.lines(), (0.1, -0.25, 0.0), (0.12, -0.2, 0.04), strict=True):
        wanted = np.flatnonzero((line >= low) & (line <= high))
        assert wanted[0] - 1 <= part.start <= wanted[0]
        assert wanted[-1] + 1 <= part.stop <= wanted[-1] + 2
