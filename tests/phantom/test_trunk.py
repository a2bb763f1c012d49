"""The tools that the torso is painted with: distances, curves, texture, the spine's line."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.phantom.anatomy import Variation
from napari_medsynth.phantom.catalogue import catalogue
from napari_medsynth.phantom.torso import Torso
from napari_medsynth.phantom.trunk import fields
from napari_medsynth.phantom.trunk.body import Body
from napari_medsynth.phantom.trunk.curves import Profile, smooth
from napari_medsynth.phantom.trunk.texture import Texture

LINE = np.arange(-40.0, 40.5, 1.0, dtype=np.float32)
GRID = (LINE[:, None, None], LINE[:, None], LINE)


@pytest.fixture(scope="module")
def body():
    drawn = Torso().draw(frozenset(), Variation(0.05, 0.2, 0.15), np.random.default_rng(0))
    return Body(catalogue("torso"), drawn)


def inside(distance):
    """Millilitres within a shape on the grid, counted in cubic millimetres."""
    return float((distance < 0).sum())


def test_an_ellipsoid_has_its_volume_and_its_distance_at_the_surface():
    distance = fields.ellipsoid(GRID, (30.0, 20.0, 12.0))
    assert inside(distance) == pytest.approx(4 / 3 * np.pi * 30 * 20 * 12, rel=0.01)
    assert distance[40, 40 + 23, 40] == pytest.approx(3, rel=0.15)
    assert distance[40 + 28, 40, 40] == pytest.approx(-2, rel=0.15)


def test_a_capsule_has_the_exact_distance():
    distance = fields.capsule(GRID, np.array((20.0, 0, 0)), 5.0, 5.0)
    assert distance[40 + 10, 40 + 9, 40] == pytest.approx(4)
    assert distance[40 + 30, 40, 40] == pytest.approx(5)


def test_a_plate_is_as_thick_as_it_is_said_to_be():
    square = np.array([(0.0, -25, -25), (0, -25, 25), (0, 25, 25), (0, 25, -25)])
    distance = fields.plate(GRID, square, 3.0, 0.0, 0.0)
    through = LINE[distance[:, 40, 40] < 0]
    assert (through.min(), through.max()) == (-2, 2)
    assert (distance[:, 40, 40 + 32] > 0).all()


def test_a_bulging_plate_stands_out_to_one_side():
    square = np.array([(0.0, -25, -25), (0, -25, 25), (0, 25, 25), (0, 25, -25)])
    one, other = (fields.plate(GRID, square, 3.0, 0.0, bulge)[:, 40, 40] for bulge in (8.0, -8.0))
    assert LINE[one < 0].mean() == pytest.approx(-LINE[other < 0].mean(), abs=0.5)
    assert abs(LINE[one < 0].mean()) > 4


def test_turning_moves_an_axis_where_it_should_go():
    z, y, _ = (np.broadcast_to(part, (81, 81, 81)) for part in fields.turned(GRID, (90, 0, 0)))
    assert y[40, 40, 40 + 10] == pytest.approx(-10, abs=1e-4)
    assert z[45, 40, 40] == 5


@pytest.mark.parametrize(
    ("rounded", "sharp"), [(fields.smooth_minimum, np.minimum), (fields.smooth_maximum, np.maximum)]
)
def test_a_rounded_corner_differs_only_near_the_corner(rounded, sharp):
    one, other = np.broadcast_arrays(LINE[:, None], LINE)
    apart = np.abs(one - other)
    result = rounded(one, other, 10.0)
    assert np.array_equal(result[apart >= 10], sharp(one, other)[apart >= 10])
    assert np.abs(result - sharp(one, other))[apart == 0].max() == pytest.approx(2.5)


def test_a_profile_passes_through_its_rows_and_never_overshoots():
    profile = Profile([[10, 5.0], [0, 1.0], [20, 5.0], [30, 0.0]])
    place = np.linspace(-10, 40, 501)
    (values,) = profile(place)
    assert [float(profile(np.array(z))[0]) for z in (0, 10, 20, 30)] == pytest.approx([1, 5, 5, 0])
    assert 0 <= values.min() <= values.max() <= 5
    (slope,) = profile.slopes(np.array(5.0))
    assert slope > 0.2


def test_a_course_keeps_its_points():
    points = np.array([(0.0, 0, 0), (10, 0, 5), (20, 10, 5)])
    fine = smooth(points, 4)
    assert len(fine) == 9
    np.testing.assert_allclose(fine[::4], points)


def test_texture_belongs_to_places_not_to_voxels():
    fine, coarse = (Texture(5, LINE[::n], LINE[::n])(LINE[::n], slice(None), slice(None)) for n in (1, 2))
    np.testing.assert_allclose(fine[::2, ::2, ::2], coarse, atol=1e-5)
    assert 0.5 < fine.std() < 1.5
    assert np.array_equal(Texture(5, LINE, LINE)(LINE[7:9], slice(3, 8), slice(1, 4)), fine[7:9, 3:8, 1:4])


def test_texture_has_no_seams():
    line = np.arange(90.0, 102.0, 0.5, dtype=np.float32)  # the tile is repeated every 96 mm
    steps = np.abs(np.diff(Texture(5, LINE, line)(LINE, slice(None), slice(None)), axis=2)).mean(axis=(0, 1))
    assert steps.max() < 2 * np.median(steps)


def test_places_on_the_spine_s_line_are_told_by_their_level(body):
    line = body.backbone
    s = line.middles
    z = line.heights_of(s)
    found, behind = line.straightened(z, line.middle(z))
    np.testing.assert_allclose(found, s, atol=0.5)
    np.testing.assert_allclose(behind, 0, atol=0.5)


def test_the_spine_bends_backwards_in_the_chest_and_forwards_in_the_loins(body):
    line = body.backbone
    y = line.middle(line.heights_of(line.tops))
    names = [part.name for part in line.vertebrae]
    assert y[names.index("T7")] > y[names.index("T1")]
    assert y[names.index("T7")] > y[names.index("L3")] < y[-1]


def test_the_spine_keeps_its_length_whatever_its_vertebrae_measure(body):
    line = body.backbone
    usual = sum(part.entry.size[0] + part.details["disc"] for part in line.vertebrae)
    assert line.tops[-1] == pytest.approx(usual)
    discs = np.diff(line.tops) - line.heights
    assert discs / line.heights == pytest.approx([p.details["disc"] / p.entry.size[0] for p in line.vertebrae])
