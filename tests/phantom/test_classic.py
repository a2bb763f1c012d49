"""Classic bodies: what noise may not break, and what is painted."""

from __future__ import annotations

from itertools import pairwise
from math import gamma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.rng import stream
from napari_medsynth.phantom.anatomy import Variation, anatomy
from napari_medsynth.phantom.frame import Frame
from napari_medsynth.phantom.shapes import cover, softness
from napari_medsynth.phantom.step import Phantom

CLASSIC = anatomy("classic")
KNOWN = CLASSIC.catalogue
ALL = frozenset(entry.name for entry in KNOWN.targets)
SPINE = ("L1", "L2", "L3", "L4", "L5")
ORGANS = tuple(sorted(ALL - set(SPINE)))
STILL = Variation(0, 0, 0)
DEFAULT = Variation(0.05, 0.2, 0.15)

variations = st.builds(Variation, st.floats(0, 0.5), st.floats(0, 0.9), st.floats(0, 1))
largest = st.just(Variation(0.5, 0.9, 1.0))
seeds = st.integers(0, 2**32)
SLACK = 2e-6  # drawn bodies are kept to six decimals


def drawn(variation=DEFAULT, seed=0, present=ALL):
    return CLASSIC.draw(present, variation, stream(seed))["structures"]


def ends(entry):
    centre, half = np.array(entry["centre"]), np.array(entry["size"]) / 2
    return centre - half, centre + half


def frame(*shape):
    return Phantom(image_size=shape).frame


def painted(structures, shape=(100, 80, 90), blur=0.0):
    return CLASSIC.paint({"structures": structures}, frame(*shape), blur)


@given(variations | largest, seeds)
def test_no_noise_takes_a_structure_out_of_its_room(variation, seed):
    body = drawn(variation, seed)
    for name in ALL:
        low, high = ends(body[name])
        room = np.array(KNOWN[name].details["room"])
        assert (low >= room[:, 0] - SLACK).all(), name
        assert (high <= room[:, 1] + SLACK).all(), name


@given(variations | largest, seeds)
def test_left_stays_left_and_right_stays_right(variation, seed):
    body = drawn(variation, seed)
    for name in ("left_lung", "left_kidney", "spleen"):
        assert ends(body[name])[0][2] > 0, name
    for name in ("right_lung", "right_kidney"):
        assert ends(body[name])[1][2] < 0, name
    assert body["liver"]["centre"][2] < body["spleen"]["centre"][2] or body["liver"]["centre"][2] < 0.12


@given(variations | largest, seeds)
def test_vertebrae_stay_in_order_and_apart_in_one_column(variation, seed):
    body = drawn(variation, seed)
    places = np.array([body[name]["centre"] for name in SPINE])
    for upper, lower in pairwise(SPINE):
        assert ends(body[upper])[0][0] > ends(body[lower])[1][0], f"{upper} stands on {lower}"
    assert np.ptp(places[:, 1:], axis=0).max() <= 0.016 + SLACK


@given(variations | largest, seeds)
def test_organs_stay_inside_the_body(variation, seed):
    body = drawn(variation, seed)
    half = np.array(body["body"]["size"])[1:] / 2
    angle = np.linspace(0, 2 * np.pi, 100)
    for name in ORGANS:
        centre, radii = np.array(body[name]["centre"])[1:], np.array(body[name]["size"])[1:] / 2
        points = (centre + radii * np.stack([np.sin(angle), np.cos(angle)], axis=-1)) / half
        assert (np.abs(points) ** 3).sum(axis=1).max() < 1, name


@given(variations | largest, seeds)
def test_neighbours_do_not_pass_through_each_other(variation, seed):
    body = drawn(variation, seed)
    for entry in KNOWN.targets:
        for other in entry.neighbours:
            a, b = body[entry.name], body[other]
            reach = (np.array(a["size"]) + b["size"]) / 2
            assert np.linalg.norm(np.subtract(a["centre"], b["centre"]) / reach) >= 1 - 1e-4, (entry.name, other)


@given(variations | largest, seeds)
def test_nothing_shrinks_to_nothing(variation, seed):
    body = drawn(variation, seed)
    for name in ALL:
        assert np.divide(body[name]["size"], KNOWN[name].size).min() > 0.1, name


@given(largest, seeds)
def test_intensities_stay_in_range(variation, seed):
    values = [entry["intensity"] for entry in drawn(variation, seed).values()]
    assert 0 <= min(values) <= max(values) <= 255


def test_without_noise_a_body_is_the_catalogue():
    for name, entry in drawn(STILL).items():
        assert entry["centre"] == pytest.approx(KNOWN[name].centre, abs=SLACK)
        assert entry["size"] == pytest.approx(KNOWN[name].size, abs=SLACK)
        assert entry["intensity"] == KNOWN[name].intensity


def test_noise_has_about_the_asked_deviation():
    """Rooms and neighbours take some of it; most is left."""
    bodies = [drawn(DEFAULT, seed) for seed in range(200)]
    for name in ("heart", "pancreas"):
        places = np.array([b[name]["centre"][0] for b in bodies])
        sizes = np.array([b[name]["size"][0] for b in bodies]) / KNOWN[name].size[0]
        looks = np.array([b[name]["intensity"] for b in bodies]) / KNOWN[name].intensity
        assert 0.035 < places.std() < 0.055
        assert 0.15 < sizes.std() < 0.22
        assert 0.12 < looks.std() < 0.16


def test_structures_of_one_tissue_resemble_each_other():
    bodies = [drawn(DEFAULT, seed) for seed in range(200)]
    pair = np.array([[b["L1"]["intensity"], b["L2"]["intensity"]] for b in bodies])
    assert np.corrcoef(pair.T)[0, 1] > 0.8
    pair = np.array([[b["L1"]["intensity"], b["heart"]["intensity"]] for b in bodies])
    assert abs(np.corrcoef(pair.T)[0, 1]) < 0.3


@given(variations, seeds, st.sets(st.sampled_from(sorted(ALL))))
def test_what_is_drawn_for_a_structure_does_not_depend_on_the_others(variation, seed, present):
    whole, part = drawn(variation, seed), drawn(variation, seed, frozenset(present))
    assert set(part) == present | {"body"}
    assert part == {name: whole[name] for name in part}


def test_a_structure_that_is_absent_is_absent_from_image_and_labels():
    whole, part = drawn(), drawn(present=ALL - {"left_kidney"})
    with_it, without = painted(whole), painted(part)
    value = KNOWN["left_kidney"].label.value
    was = with_it.labels == value
    assert was.sum() > 50
    assert not (without.labels == value).any()
    assert (without.labels[was] == KNOWN["body"].label.value).all()
    assert np.allclose(without.values[was], part["body"]["intensity"])
    elsewhere = with_it.values == without.values
    assert elsewhere.mean() > 0.98


@pytest.mark.parametrize("shape", [(160, 130, 140), (64, 64, 32), (30, 200, 90)])
@pytest.mark.parametrize("name", ["liver", "left_lung", "L3"])
def test_a_solid_has_its_volume_in_labels_and_in_the_image(shape, name):
    """Partial volume: what the edge takes from one voxel it gives to the next."""
    structures = drawn(STILL, present=frozenset({name}))
    found, bare = painted(structures, shape, blur=0.6), painted({"body": structures["body"]}, shape, blur=0.6)
    solid = {"ellipsoid": np.pi / 6, "cylinder": np.pi / 4}[KNOWN[name].shape]
    expected = solid * np.prod(np.multiply(KNOWN[name].size, shape))
    contrast = KNOWN[name].intensity - structures["body"]["intensity"]
    assert (found.values - bare.values).sum() / contrast == pytest.approx(expected, rel=0.04, abs=3)
    assert np.count_nonzero(found.labels == KNOWN[name].label.value) == pytest.approx(expected, rel=0.03, abs=20)


@pytest.mark.parametrize("blur", [0.0, 2.0])
def test_labels_are_what_the_middle_of_a_voxel_lies_in_whatever_the_blur(blur):
    structures = drawn(STILL, present=frozenset({"liver"}))
    z, y, x = np.meshgrid(*frame(100, 80, 90).lines(), indexing="ij")
    liver = structures["liver"]
    offsets = [(p - c) * 2 / s for p, c, s in zip((z, y, x), liver["centre"], liver["size"], strict=True)]
    inside = sum(o**2 for o in offsets) < 1
    found = painted(structures, blur=blur).labels == KNOWN["liver"].label.value
    assert np.count_nonzero(found != inside) < 5


@pytest.mark.parametrize("blur", [0.0, 0.6, 2.0])
def test_the_profile_of_an_edge_has_the_variance_of_voxel_and_point_spread(blur):
    distance = np.linspace(-20, 20, 20001, dtype=np.float32)
    profile = cover(distance.copy(), softness(blur)).astype(float)
    slope, middle = -np.diff(profile), (distance[1:] + distance[:-1]) / 2
    assert slope.sum() == pytest.approx(1)
    assert (slope * middle).sum() == pytest.approx(0, abs=1e-4)
    assert (slope * middle**2).sum() == pytest.approx(blur**2 + 1 / 12, rel=1e-3)


@pytest.mark.parametrize("blur", [0.0, 0.6, 2.0])
def test_an_edge_is_as_wide_as_voxel_and_point_spread_together(blur):
    """A vertebra's upper face lies across z: the slope of its edge has the variance of both."""
    structures = drawn(STILL, present=frozenset({"L3"}))
    structures["L3"] |= {"size": [0.3, 0.2, 0.2]}
    values = painted(structures, (200, 80, 80), blur).values
    line = values[:, 40 + round(0.13 * 80), 40]
    slope = -np.diff(line[66:130])  # from the middle of L3 up
    where = np.arange(len(slope))
    middle = (slope * where).sum() / slope.sum()
    variance = (slope * (where - middle) ** 2).sum() / slope.sum()
    assert variance == pytest.approx(blur**2 + 1 / 6, abs=0.1), "differences of neighbours add another 1/12"


def test_the_body_is_a_trunk_with_shoulders_in_air():
    structures = drawn(STILL, present=frozenset())
    found = painted(structures, (200, 160, 160))
    inside = found.labels == KNOWN["body"].label.value
    area = inside.sum(axis=(1, 2))
    half = np.multiply(KNOWN["body"].size[1:], 160) / 2
    section = 4 * half.prod() * gamma(4 / 3) ** 2 / gamma(5 / 3)  # of |y|³ + |x|³ <= 1
    assert (area[:180] == area[0]).all()
    assert area[0] == pytest.approx(section, rel=0.01)
    assert (np.diff(area[185:]) <= 0).all()
    assert area[-1] < area[0] / 2
    assert np.ptp(found.values[inside]) < structures["body"]["intensity"] / 2 + 1
    assert found.values[inside].max() == structures["body"]["intensity"]
    assert found.values[:, :5].max() == 0, "air"


def test_a_kidney_is_hollow_on_its_medial_side():
    structures = drawn(STILL, present=frozenset({"left_kidney", "right_kidney"}))
    labels = painted(structures, (160, 160, 160)).labels
    for name, towards_spine in (("left_kidney", -1), ("right_kidney", 1)):
        inside = labels == KNOWN[name].label.value
        z, y = (round((KNOWN[name].centre[n] + 0.5) * 160 - 0.5) for n in (0, 1))
        ends_at = [np.flatnonzero(inside[k, y])[0 if towards_spine < 0 else -1] for k in (z - 6, z, z + 6)]
        assert min(towards_spine * (ends_at[0] - ends_at[1]), towards_spine * (ends_at[2] - ends_at[1])) >= 2


def test_a_kidney_fills_the_box_that_the_catalogue_gives_it():
    structures = drawn(STILL, present=frozenset({"left_kidney"}))
    inside = painted(structures, (200, 200, 200)).labels == KNOWN["left_kidney"].label.value
    for axis in range(3):
        others = tuple(n for n in range(3) if n != axis)
        extent = inside.any(axis=others).sum()
        assert extent == pytest.approx(200 * KNOWN["left_kidney"].size[axis], abs=1.5)


@pytest.mark.parametrize("shape", [(12, 12, 8), (16, 16, 8), (12, 40, 9)])
def test_even_in_a_tiny_image_every_structure_has_a_voxel(shape):
    labels = painted(drawn(STILL), shape).labels
    assert {entry.label.value for entry in KNOWN.structures} <= set(np.unique(labels).tolist())


def test_a_crop_shows_what_the_whole_shows_there():
    body = {"structures": drawn()}
    whole = CLASSIC.paint(body, frame(120, 90, 100), 0.5)
    step = (1 / 120, 1 / 90, 1 / 100)
    crop = Frame((40, 30, 50), step, (-20 / 120, 0.0, 0.0))
    part = CLASSIC.paint(body, crop, 0.5)
    box = (slice(20, 60), slice(30, 60), slice(25, 75))
    assert np.allclose(part.values, whole.values[box], atol=0.01)
    assert (part.labels == whole.labels[box]).mean() > 0.9999


def test_what_lies_outside_the_image_is_not_painted():
    away = Frame((20, 20, 20), (0.01, 0.01, 0.01), (0.0, 0.0, 3.0))
    found = CLASSIC.paint({"structures": drawn()}, away, 0.5)
    assert not found.labels.any()
    assert not found.values.any()
