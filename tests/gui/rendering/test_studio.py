"""What the preview shows is what Apply makes: in every plane, with every stage."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, LabelError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import finish
from napari_medsynth.rendering.artefacts.motion import Motion
from napari_medsynth.rendering.artefacts.noise import Noise
from napari_medsynth.rendering.bias import BiasField
from napari_medsynth.rendering.flip import Flip
from napari_medsynth.rendering.intensity import Intensity
from napari_medsynth.rendering.resolution import Resolution
from napari_medsynth.rendering.step import Render
from napari_medsynth.rendering.texture import Texture
from napari_medsynth.rendering.warp import Warp
from napari_medsynth.widgets.rendering.studio import Studio
from napari_medsynth.widgets.rendering.where import Where

from .conftest import head

SMOOTH = """
default: {mean: {uniform: [25, 225]}, std: 0}
"""

STAGES = {
    "warp": Warp(),
    "flip": Flip(prob=1.0),
    "bias_field": BiasField(prob=1.0, std=(0.6, 0.6)),
    "intensity": Intensity(),
    "resolution": Resolution(prob_min=0, prob_iso=1, iso=(2.5, 3.5)),
}
NONE = {name: type(stage)(prob=0) for name, stage in STAGES.items()}


@pytest.fixture(scope="module")
def studio():
    return Studio(head((48, 64, 56), (1.0, 1.0, 1.0)))


@pytest.fixture
def smooth(tmp_path):
    """Intensities without noise."""
    path = tmp_path / "smooth.yaml"
    path.write_text(SMOOTH)
    return path


def whole(studio, step, seed):
    return finish(studio.making(step, seed))


def correlation(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


@pytest.mark.parametrize("where", [Where(0, 20), Where(1, 40), Where(2, 15)], ids=["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("names", [[name] for name in STAGES] + [list(STAGES)], ids=" ".join)
def test_a_slice_is_as_in_the_whole_image(studio, smooth, where, names):
    step = Render(prior=smooth, **{**NONE, **{name: STAGES[name] for name in names}})
    for seed in (1, 2):
        draft = studio.draft(step, seed, where)
        made = whole(studio, step, seed)
        expected = made.image.array[where.box(made.image.shape).slices]
        assert draft.array.shape == expected.shape
        assert draft.start == where.box(made.image.shape).start
        assert correlation(draft.array, expected) > 0.97
        assert draft.params == made.history[-1].params


@pytest.mark.parametrize("slices", ["axial", "coronal"])
def test_thick_slices_lie_where_they_lie_in_the_whole_image(studio, smooth, slices):
    thick = Resolution(prob_min=0, prob_iso=0, aniso=(6.3, 6.3), slices=slices)
    step = Render(prior=smooth, **{**NONE, "resolution": thick})
    made = whole(studio, step, 3).image.array
    for index in (3, 20, 45):
        where = Where(0, index)
        assert correlation(studio.draft(step, 3, where).array, made[where.box(made.shape).slices]) > 0.98


def test_texture_and_noise_are_as_strong_as_in_the_whole_image(studio):
    step = Render(**NONE, texture=Texture(share=(0.5, 0.5)), noise=Noise(std=(8.0, 8.0)))
    where = Where(0, 24)
    made = whole(studio, step, 4).image.array
    inside = studio.labels.array[24] == 2
    ours, theirs = studio.draft(step, 4, where).array[0][inside], made[24][inside]
    assert ours.std() == pytest.approx(theirs.std(), rel=0.25)


def test_artefacts_of_the_whole_image_are_shown_out_of_the_whole_image(studio):
    step = Render(motion=Motion(strength=(0.6, 0.6)))
    where = Where(1, 30)
    exact = studio.exact(step, 5, where, threading.Event())
    made = whole(studio, step, 5).image.array
    np.testing.assert_array_equal(exact.array, made[where.box(made.shape).slices])


def test_nothing_finer_is_made_where_the_slice_is_exact_or_nobody_waits(studio):
    assert studio.exact(Render(), 1, Where(0, 3), threading.Event()) is None
    gone = threading.Event()
    gone.set()
    assert studio.exact(Render(motion=Motion()), 6, Where(0, 3), gone) is None


def test_a_crop_is_shown_where_it_is(studio, smooth):
    step = Render(prior=smooth, crop=(20, 24, 28), **NONE)
    made = whole(studio, step, 8)
    start = made.history[-1].params["crop"]["start"]
    draft = studio.draft(step, 8, Where(0, start[0] + 4))
    assert draft.start == (start[0] + 4, start[1], start[2])
    assert correlation(draft.array, made.image.array[4:5]) > 0.97
    outside = studio.draft(step, 8, Where(0, start[0] + 20))
    assert outside.array is None
    assert outside.note == f"This seed takes slices {start[0]} to {start[0] + 19}; you look at slice {start[0] + 20}"


def test_the_scanners_own_voxels_are_shown_on_those_of_the_labels(studio, smooth):
    step = Render(prior=smooth, grid="acquisition", **{**NONE, "resolution": STAGES["resolution"]})
    assert studio.draft(step, 1, Where(0, 9)).array.shape == (1, 64, 56)


def test_a_2d_map_is_its_only_slice(smooth):
    volume = head((48, 64, 56), (1.0, 1.0, 1.0))
    flat = Studio(LabelMap(volume.array[24], volume.affine))
    step = Render(prior=smooth)
    draft = flat.draft(step, 1, Where(0, 0))
    expected = step(Case(id="labels", labels=flat.labels), seed=1).image.array
    assert draft.start == (0, 0)
    assert correlation(draft.array, expected) > 0.99


def test_labels_without_intensities_are_listed(studio):
    odd = LabelMap(np.where(studio.labels.array == 24, np.uint16(999), studio.labels.array), studio.labels.affine)
    with pytest.raises(LabelError, match="999"):
        Studio(odd).draft(Render(preset="brain-t1"), 1, Where(0, 3))


def test_what_is_too_large_is_refused(studio):
    with pytest.raises(ConfigError, match="48 × 64 × 56 voxels take"):
        studio.require_affordable(1000)
    studio.require_affordable(10**9)
