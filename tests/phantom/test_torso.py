"""The torso: what it is made of, how bodies differ, and how it is painted."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage

from napari_medsynth.phantom.anatomy import Painted, Variation
from napari_medsynth.phantom.catalogue import catalogue
from napari_medsynth.phantom.frame import Frame
from napari_medsynth.phantom.torso import PAINTERS, Torso

TORSO = Torso()
CATALOGUE = catalogue("torso")
EVERYTHING = frozenset(entry.name for entry in CATALOGUE.targets)
VALUE = {entry.name: entry.label.value for entry in CATALOGUE.structures}
USUAL = Variation(0.05, 0.2, 0.15)
NONE = Variation(0.0, 0.0, 0.0)
EXTREME = Variation(0.5, 0.9, 1.0)
SHAPE = (108, 86, 120)


def frame(shape=SHAPE, region="whole"):
    view = CATALOGUE.regions[region]
    z, y, x = (e / n for e, n in zip(view.extent, shape, strict=True))
    return Frame(shape, (z, y, x), view.centre)


def body(present=EVERYTHING, variation=USUAL, seed=0):
    return TORSO.draw(present, variation, np.random.default_rng(seed))


def without(*names):
    return EVERYTHING - CATALOGUE.members(names)


def places(painted: Painted, view: Frame, name: str):
    """Where the voxels of a structure lie: ``(n, 3)`` in mm."""
    index = np.nonzero(painted.labels == VALUE[name])
    return np.stack([line[n] for line, n in zip(view.lines(), index, strict=True)], axis=1)


def volume(painted: Painted, view: Frame, *names: str) -> float:
    """Millilitres of structures or groups."""
    values = [VALUE[name] for name in CATALOGUE.members(names)]
    return float(np.isin(painted.labels, values).sum() * np.prod(view.spacing) / 1000)


@pytest.fixture(scope="module")
def usual():
    """The average body, without variation."""
    return TORSO.paint(body(variation=NONE), frame(), 0.0)


@pytest.fixture(scope="module")
def extremes():
    """Bodies with more noise than anyone should ask for."""
    return [TORSO.paint(body(variation=EXTREME, seed=seed), frame(), 0.0) for seed in range(3)]


# ------------------------------------------------------------------------------------------------ the catalogue


def test_the_catalogue_is_complete():
    assert len(CATALOGUE.structures) >= 45
    assert len({entry.name for entry in CATALOGUE.structures}) == len(CATALOGUE.structures)
    assert {entry.shape for entry in CATALOGUE.structures} == set(PAINTERS)
    names = {entry.name for entry in CATALOGUE.structures}
    for entry in CATALOGUE.structures:
        assert set(entry.neighbours) <= names, entry.name
        assert entry.label.tissue
        assert entry.label.colour is not None


def test_the_structures_of_the_document_are_there():
    document = ["left_lung", "right_lung", "heart", "liver", "spleen", "pancreas", "left_kidney", "right_kidney"]
    assert all(CATALOGUE.members([name]) for name in [*document, "L1", "L2", "L3", "L4", "L5"])
    assert CATALOGUE.members(["left_kidney"]) == {"left_kidney_cortex", "left_kidney_medulla"}


@pytest.mark.parametrize("group", list(CATALOGUE.groups))
def test_each_group_stands_for_structures(group):
    assert CATALOGUE.members([group]) <= EVERYTHING


def test_skin_fat_and_muscle_are_context():
    assert not {"skin", "subcutaneous_fat", "muscle", "internal_fat"} & EVERYTHING


# ------------------------------------------------------------------------------------------------ drawing


def test_a_body_is_plain_json_and_follows_from_its_seed():
    made = body(seed=3)
    assert json.loads(json.dumps(made)) == made
    assert body(seed=3) == made
    assert body(seed=4) != made


def test_what_is_drawn_for_a_structure_does_not_depend_on_what_else_is_there():
    whole, part = body(), body(present=frozenset({"liver"}))
    assert part["present"] == ["liver"]
    assert {key: value for key, value in whole.items() if key != "present"} == {
        key: value for key, value in part.items() if key != "present"
    }


def test_without_variation_every_body_has_the_sizes_of_the_catalogue():
    made = body(variation=NONE, seed=1)
    assert made["habitus"]["scale"] == [1, 1, 1]
    for entry in CATALOGUE.structures:
        drawn = made["structures"][entry.name]
        assert drawn["shift"] == [0, 0, 0]
        assert drawn["size"] == [1, 1, 1]
        assert drawn["value"] == entry.intensity


@pytest.mark.parametrize("part", ["position", "size", "intensity"])
def test_each_kind_of_noise_changes_bodies(part):
    more = Variation(**{"position": 0.0, "size": 0.0, "intensity": 0.0, part: 0.2})
    kept = {"position": "shift", "size": "size", "intensity": "value"}
    still, moved = body(variation=NONE)["structures"]["liver"], body(variation=more)["structures"]["liver"]
    assert {key for key in kept.values() if still[key] != moved[key]} == {kept[part]}


@pytest.mark.parametrize("seed", range(5))
def test_no_noise_takes_an_organ_far_from_its_place_or_size(seed):
    made = body(variation=EXTREME, seed=seed)
    low, high = CATALOGUE.limits
    for name, drawn in made["structures"].items():
        assert np.abs(drawn["shift"]).max() <= 12, name
        assert 0.8 <= min(drawn["size"]) <= max(drawn["size"]) <= 1.25, name
        assert low <= drawn["value"] <= high, name


# ------------------------------------------------------------------------------------------------ the average body


def test_every_structure_can_be_seen(usual):
    found = set(np.unique(usual.labels)) - {0}
    assert found == set(VALUE.values()) - {VALUE["pleural_fluid"]}


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("liver", 1000, 1900),
        ("spleen", 107, 315),
        ("left_kidney", 120, 230),
        ("right_kidney", 120, 230),
        ("pancreas", 40, 120),
        ("heart", 500, 900),
        ("left_lung", 1300, 3000),
        ("right_lung", 1500, 3500),
        ("bladder", 80, 300),
        ("gallbladder", 10, 50),
        ("L3", 30, 90),
    ],
)
def test_organs_have_the_size_of_an_adult_s(usual, name, low, high):
    assert low <= volume(usual, frame(), name) <= high


@pytest.mark.parametrize(
    ("name", "axis", "low", "high"),
    [("left_kidney_cortex", 0, 95, 125), ("right_kidney_cortex", 0, 95, 125), ("liver", 0, 130, 180)],
)
def test_organs_have_the_length_of_an_adult_s(usual, name, axis, low, high):
    assert low <= np.ptp(places(usual, frame(), name)[:, axis]) <= high


def test_values_are_those_of_the_catalogue(usual):
    for name in ("liver", "spleen", "aorta", "left_kidney_cortex", "muscle", "left_upper_lobe", "bladder", "sacrum"):
        median = float(np.median(usual.values[usual.labels == VALUE[name]]))
        assert abs(median - CATALOGUE[name].intensity) < 25, name


def test_the_right_lung_has_three_lobes_one_over_the_other(usual):
    upper, middle, lower = (
        places(usual, frame(), f"right_{n}_lobe").mean(axis=0) for n in ("upper", "middle", "lower")
    )
    assert upper[0] > middle[0] > lower[0]
    assert middle[1] < lower[1]  # the middle lobe lies in front


def test_lungs_have_vessels(usual):
    lung = usual.values[usual.labels == VALUE["left_lower_lobe"]]
    assert np.median(lung) < -780
    assert (lung > -300).sum() > 50


def test_gas_in_the_stomach_stands_in_front_of_its_fluid(usual):
    inside = usual.labels == VALUE["stomach"]
    y = np.broadcast_to(frame().lines()[1][:, None], SHAPE)
    gas, fluid = inside & (usual.values < -700), inside & (np.abs(usual.values) < 60)
    assert gas.sum() > 20
    assert y[gas].mean() < y[fluid].mean()


# ------------------------------------------------------------------------------------------------ whatever the noise


def test_left_stays_left(extremes):
    for painted in extremes:
        for entry in CATALOGUE.structures:
            found = places(painted, frame(), entry.name)
            if entry.label.side and len(found):
                assert (found[:, 2].mean() > 0) == (entry.label.side == "left"), entry.name


def test_vertebrae_stay_in_order(extremes):
    names = [entry.name for entry in CATALOGUE.structures if "disc" in entry.details]
    assert len(names) == 17
    for painted in extremes:
        heights = [places(painted, frame(), name)[:, 0].mean() for name in names]
        assert all(np.diff(heights) < -8)


@pytest.mark.parametrize("curve", [0.51, 0.75, 0.99])
@pytest.mark.parametrize("name", ["esophagus", "trachea"])
def test_what_runs_along_the_spine_is_not_cut_by_it(name, curve):
    """However bent the spine is: there is room between vertebrae and heart for the gullet, behind an open windpipe."""
    drawn = body(variation=NONE)
    drawn["habitus"]["curve"] = curve
    view = frame((90, 116, 160), "thorax")
    here = TORSO.paint(drawn, view, 0.0).labels == VALUE[name]
    assert ndimage.label(here, np.ones((3, 3, 3)))[1] == 1
    heights = view.lines()[0][here.any(axis=(1, 2))]
    assert heights.max() == view.lines()[0].max()
    assert heights.min() < (115 if name == "esophagus" else 235)
    area = here.sum(axis=(1, 2)).astype(float)[view.lines()[0] > heights.min() + 10] * np.prod(view.spacing[1:])
    assert area.min() > (30 if name == "esophagus" else 170), "mm²"


def test_organs_stay_inside_the_body(extremes):
    for painted in extremes:
        inner = ndimage.binary_erosion(painted.labels > 0, border_value=1)
        outside = np.unique(painted.labels[~inner])
        assert not {name for name in EVERYTHING if VALUE[name] in outside}


def test_the_body_is_one_piece(extremes):
    for painted in extremes:
        assert ndimage.label(painted.labels > 0)[1] == 1


# ------------------------------------------------------------------------------------------------ what is absent


@pytest.mark.parametrize(
    ("gone", "low", "high"),
    [
        ("left_kidney", -130, -40),
        ("spleen", -130, -40),
        ("L3", 20, 100),
        ("left_lung", -15, 40),
        ("liver", -130, -40),
        ("heart", -130, -40),
    ],
)
def test_the_place_of_what_is_absent_is_taken_by_what_surrounds_it(usual, gone, low, high):
    present = without(gone)
    painted = TORSO.paint(body(present, NONE), frame(), 0.0)
    members = [VALUE[name] for name in CATALOGUE.members([gone])]
    assert not np.isin(painted.labels, members).any()
    place = ndimage.binary_erosion(np.isin(usual.labels, members), iterations=1)
    assert low <= float(np.median(painted.values[place])) <= high


def test_what_is_absent_changes_nothing_elsewhere(usual):
    painted = TORSO.paint(body(without("left_kidney", "L3"), NONE), frame(), 0.0)
    near = np.isin(usual.labels, [VALUE[name] for name in CATALOGUE.members(["left_kidney", "L3"])])
    far = ~ndimage.binary_dilation(near, iterations=8)
    assert np.array_equal(painted.labels[far], usual.labels[far])
    assert np.array_equal(painted.values[far], usual.values[far])


def test_the_canal_runs_on_where_a_vertebra_is_missing(usual):
    painted = TORSO.paint(body(without("L3"), NONE), frame(), 0.0)
    assert volume(painted, frame(), "spinal_canal") >= volume(usual, frame(), "spinal_canal")


@pytest.mark.parametrize(
    ("present", "low", "high"),
    [("thoracic", 10, None), ("abdominal", None, 60), ("intervertebral_discs", None, None)],
)
def test_no_disc_hangs_between_vertebrae_that_are_missing(usual, present, low, high):
    discs = places(TORSO.paint(body(CATALOGUE.members([present]), NONE), frame(), 0.0), frame(), "intervertebral_discs")
    whole = places(usual, frame(), "intervertebral_discs")
    top, bottom = whole[:, 0].max(), whole[:, 0].min()
    assert (discs[:, 0].min() > low) if low is not None else (discs[:, 0].min() == bottom)
    assert (discs[:, 0].max() < high) if high is not None else (discs[:, 0].max() == top)


def test_a_body_with_nothing_in_it_can_be_painted():
    painted = TORSO.paint(body(frozenset()), frame((40, 40, 40)), 0.5)
    assert not set(np.unique(painted.labels)) & {VALUE[name] for name in EVERYTHING}


# ------------------------------------------------------------------------------------------------ the grid


@pytest.mark.parametrize("shape", [(16, 16, 8), (8, 8, 8), (8, 200, 9), (9, 8, 150), (120, 8, 8)])
@pytest.mark.parametrize("region", list(CATALOGUE.regions))
def test_any_grid_can_be_painted(shape, region):
    painted = TORSO.paint(body(), frame(shape, region), 0.5)
    assert painted.values.shape == painted.labels.shape == shape
    assert (painted.values.dtype, painted.labels.dtype) == (np.float32, np.uint8)
    low, high = CATALOGUE.limits
    assert np.isfinite(painted.values).all()
    assert low <= painted.values.min() <= painted.values.max() <= high


def test_a_place_outside_the_body_is_air():
    painted = TORSO.paint(body(), Frame((8, 8, 8), (2.0, 2.0, 2.0), (0.0, -400.0, 0.0)), 0.0)
    assert not painted.labels.any()
    assert (painted.values == CATALOGUE.air).all()


def test_the_body_does_not_depend_on_the_grid(usual):
    fine = frame((216, 172, 240))
    painted = TORSO.paint(body(variation=NONE), fine, 0.0)
    for name in ("liver", "left_kidney", "heart", "spinal_canal", "aorta", "left_hip", "right_lung"):
        assert volume(painted, fine, name) == pytest.approx(volume(usual, frame(), name), rel=0.06), name


def test_a_region_shows_the_same_body(usual):
    whole, step = frame(), frame().step
    low, count = (50, 10, 30), (30, 60, 60)
    centre = [
        float(line[a + (n - 1) // 2] + (0 if n % 2 else s / 2))
        for line, a, n, s in zip(whole.lines(), low, count, step, strict=True)
    ]
    part = TORSO.paint(body(variation=NONE), Frame(count, whole.spacing, tuple(centre)), 0.0)
    box = tuple(slice(a, a + n) for a, n in zip(low, count, strict=True))
    assert (part.labels != usual.labels[box]).mean() < 1e-3
    assert np.abs(part.values - usual.values[box]).mean() < 0.1


def test_painting_a_slab_at_a_time_gives_the_same_image(monkeypatch):
    whole = TORSO.paint(body(), frame((40, 40, 44)), 0.5)
    monkeypatch.setattr("napari_medsynth.phantom.torso._SLAB", 3 * 40 * 44)
    slabs = TORSO.paint(body(), frame((40, 40, 44)), 0.5)
    assert np.array_equal(slabs.labels, whole.labels)
    np.testing.assert_allclose(slabs.values, whole.values, atol=0.01)


def test_blur_widens_edges():
    made, view = body(variation=NONE), frame((20, 200, 60), "abdomen")
    sharp, soft = (TORSO.paint(made, view, blur).values for blur in (0.0, 2.0))
    assert np.abs(np.diff(soft, axis=1)).max() < 0.6 * np.abs(np.diff(sharp, axis=1)).max()
