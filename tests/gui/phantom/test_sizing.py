"""A preview shows the body that will be made, coarser; what is too large is refused before it is begun."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError
from napari_medsynth.phantom.step import Phantom
from napari_medsynth.widgets.phantom.sizing import QUICK, coarse, estimated

from .conftest import SMALL

LARGE = Phantom(image_size=(200, 160, 40))


def sides(step):
    return np.multiply(step.frame.shape, step.frame.spacing)


@pytest.mark.parametrize("anatomy", ["classic", "torso"])
@pytest.mark.parametrize("spacing", [None, (2.0, 1.0, 5.0)])
@pytest.mark.parametrize("region", ["whole", "lumbar spine"])
def test_a_coarse_step_shows_the_same_field_of_view(anatomy, spacing, region):
    step = replace(LARGE, anatomy=anatomy, spacing=spacing, region=region)
    small = coarse(step)
    assert small.frame.voxels <= QUICK
    assert small.frame.centre == step.frame.centre
    np.testing.assert_allclose(sides(small), sides(step))


def test_voxels_of_a_preview_are_no_finer_than_those_of_the_image_and_else_nearly_cubes():
    fine = Phantom(image_size=(512, 512, 256))
    z, y, x = coarse(fine).frame.spacing
    assert max(z, y, x) < 1.15 * min(z, y, x)
    assert coarse(LARGE).frame.spacing[2] == pytest.approx(LARGE.frame.spacing[2], rel=0.05)
    assert all(few <= many for few, many in zip(coarse(LARGE).image_size, LARGE.image_size, strict=True))


def test_a_small_image_is_its_own_preview():
    assert coarse(SMALL) == SMALL


@pytest.mark.parametrize("anatomy", ["classic", "torso"])
def test_a_preview_is_of_the_very_same_body(anatomy):
    step = Phantom(anatomy=anatomy, image_size=(72, 72, 72))
    full, small = (one(Case(id="phantom"), seed=5) for one in (step, coarse(step)))
    assert small.image.shape != full.image.shape
    assert small.history[0].params == full.history[0].params


def test_blur_keeps_its_width_in_millimetres():
    step = Phantom(image_size=(200, 160, 160), blur=2.0)
    small = coarse(step)
    edge = np.prod(small.frame.spacing) ** (1 / 3) / np.prod(step.frame.spacing) ** (1 / 3)
    assert small.blur * edge == pytest.approx(2.0)


def test_the_estimate_says_voxels_millimetres_and_memory():
    text = str(estimated(Phantom(image_size=(100, 100, 200), spacing=(2.5, 1.0, 0.5))))
    assert text == "2.0 M voxels · 2.5 × 1 × 0.5 mm · 8.0 MB"
    assert str(estimated(SMALL)).startswith("7,680 voxels · ")


def test_what_exceeds_the_budget_is_refused_with_both_sizes():
    huge = estimated(Phantom(image_size=(2048, 2048, 2048)))
    with pytest.raises(ConfigError, match=r"2048 × 2048 × 2048 voxels take 137\.4 GB .* at most 4\.0 GB"):
        huge.require_affordable(4_000_000_000)
    estimated(SMALL).require_affordable(10_000_000)
