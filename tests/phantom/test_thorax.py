from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from napari_medsynth.core.errors import ConfigError, GridError, HostError
from napari_medsynth.phantom import thorax
from napari_medsynth.phantom.canvas import Canvas, capsule, superellipsoid
from napari_medsynth.phantom.labels import THORAX, VALUE
from napari_medsynth.phantom.trees import grow
from napari_medsynth.tumor.lungs import find_lungs

COARSE = {"shape": (48, 96, 112), "spacing": (5.0, 3.4, 3.4)}


@pytest.fixture(scope="module")
def chest():
    return thorax()


def inner(case, name, depth=2):
    """The voxels of a structure, without its rim."""
    return ndimage.binary_erosion(case.labels.array == VALUE[name], iterations=depth)


def middle(case, name):
    """Mean position of a structure in the world, (x, y, z) in mm, RAS."""
    return case.labels.affine.to_world(np.argwhere(case.labels.array == VALUE[name]).mean(axis=0))


def test_is_a_ct_in_canonical_orientation_around_the_worlds_origin(chest):
    image = chest.image
    assert (chest.id, image.modality, image.array.dtype) == ("thorax", "CT", np.int16)
    assert image.shape == (96, 192, 224)
    assert image.affine.orientation == "SPL"
    assert image.spacing == pytest.approx((2.5, 1.7, 1.7))
    assert image.affine.to_world((np.array(image.shape) - 1) / 2) == pytest.approx((0, 0, 0), abs=1e-9)


def test_every_structure_of_the_table_is_there(chest):
    assert set(chest.labels.values()) == {entry.value for entry in THORAX}


def test_organs_lie_on_the_patients_own_sides(chest):
    at = {name: middle(chest, name) for name in VALUE}
    assert at["right lung"][0] > 50
    assert at["left lung"][0] < -50
    assert at["heart"][0] < -10
    assert at["liver"][0] > 20 > -50 > at["spleen"][0]
    assert at["vertebrae"][1] < -40
    assert at["sternum"][1] > 70
    assert at["airways"][2] > at["heart"][2] > at["liver"][2]


def test_labels_know_tissue_and_side(chest):
    table = chest.labels.table
    assert table.values_of(tissue="lung") == (VALUE["right lung"], VALUE["left lung"])
    assert table[VALUE["right lung"]].side == "right"
    assert table.values_of(tissue="lesion") == (VALUE["tumor"],)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("fat", -110, -80),
        ("muscle", 35, 65),
        ("right lung", -900, -800),
        ("left lung", -900, -800),
        ("airways", -1010, -950),
        ("heart", 75, 145),
        ("aorta", 125, 150),
        ("liver", 95, 115),
        ("spleen", 105, 130),
        ("vertebrae", 150, 300),
    ],
)
def test_hounsfield_units_are_those_of_the_tissue(chest, name, low, high):
    assert low < np.median(chest.image.array[inner(chest, name)]) < high


def test_noise_is_that_of_a_diagnostic_scan(chest):
    liver = chest.image.array[inner(chest, "liver", 4)]
    assert 15 < liver.std() < 25


def test_lies_on_a_table_in_air(chest):
    image, labels = chest.image.array, chest.labels.array
    assert (labels[:, 0] == 0).all()
    assert np.median(image[:, 0]) == pytest.approx(-1000, abs=5)
    under = (labels == 0) & (np.arange(labels.shape[1]) > 165)[None, :, None]
    assert (image[under] > -500).sum() > 1000


def test_edges_of_the_lungs_are_partial_volumes(chest):
    lung = chest.labels.mask([VALUE["right lung"], VALUE["left lung"]])
    rim = lung & ~ndimage.binary_erosion(lung)
    between = (chest.image.array > -750) & (chest.image.array < -150)
    assert between[rim].mean() > 0.4


def test_each_lung_is_one_piece_of_usual_size(chest):
    for side, low, high in ((1, 1.8, 2.8), (2, 1.5, 2.6)):
        parts, _ = ndimage.label(chest.host.array == side)
        sizes = np.bincount(parts.ravel())[1:]
        assert sizes.max() > 0.99 * sizes.sum()
        assert low < sizes.sum() * chest.host.voxel_ml / 1000 < high


def test_lungs_hold_vessels_and_get_denser_towards_the_back(chest):
    inside = ndimage.binary_erosion(chest.host.array > 0, iterations=3) & (chest.instances.array == 0)
    vessels = inside & (chest.image.array > -500)
    assert 0.015 < vessels.sum() / inside.sum() < 0.08
    front, back = (inside & ~vessels & side[None, :, None] for side in (np.arange(192) < 80, np.arange(192) > 120))
    assert chest.image.array[back].mean() > chest.image.array[front].mean() + 10


def test_lungs_are_found_where_they_were_made(chest):
    found = find_lungs(chest.image)
    for side in (1, 2):
        one, other = found.array == side, chest.host.array == side
        assert 2 * (one & other).sum() / (one.sum() + other.sum()) > 0.96


def test_host_is_the_lungs_with_their_tumors(chest):
    lungs = chest.labels.mask(chest.labels.table.values_of(tissue="lung"))
    assert np.array_equal(chest.host.array > 0, lungs | (chest.instances.array > 0))
    assert [(e.value, e.side) for e in chest.host.table] == [(1, "right"), (2, "left")]
    assert chest.host.affine.to_world(np.argwhere(chest.host.array == 1).mean(axis=0))[0] > 50


@pytest.mark.parametrize("seed", range(3))
def test_tumors_are_solid_sized_as_told_and_by_turns_isolated_and_at_the_wall(seed):
    case = thorax(seed=seed, tumors=2)
    assert case.instances.values() == (1, 2)
    assert np.array_equal(case.instances.array > 0, case.labels.array == VALUE["tumor"])
    outside = ndimage.distance_transform_edt(case.host.array > 0, sampling=case.host.spacing)
    for number, wall in ((1, False), (2, True)):
        mask = case.instances.array == number
        diameter = (6000 / np.pi * mask.sum() * case.instances.voxel_ml) ** (1 / 3)
        assert 10 < diameter < 31
        assert (outside[mask].min() < 3) == wall
        assert -30 < np.median(case.image.array[ndimage.binary_erosion(mask)]) < 60


def test_tumors_keep_apart():
    case = thorax(**COARSE, tumors=14, seed=1)
    assert case.instances.values() == tuple(range(1, 15))
    grown = [ndimage.binary_dilation(case.instances.array == n) for n in range(1, 15)]
    assert np.sum(grown, axis=0).max() == 1


def test_each_tumor_is_one_piece_even_where_spicules_are_thin_for_the_grid():
    for seed in range(4):
        case = thorax((30, 60, 70), (8.0, 5.4, 5.4), seed=seed, tumors=6)
        assert all(ndimage.label(case.instances.array == n, np.ones((3, 3, 3)))[1] == 1 for n in range(1, 7))


def test_no_tumors_if_none_are_asked_for():
    case = thorax(**COARSE, tumors=0)
    assert case.instances.values() == ()
    assert VALUE["tumor"] not in case.labels.values()


def test_same_seed_gives_the_same_bytes_and_another_one_another_patient():
    one, again, other = (thorax(**COARSE, seed=s) for s in (4, 4, 5))
    for part in ("image", "labels", "instances", "host"):
        assert getattr(one, part).array.tobytes() == getattr(again, part).array.tobytes()
    assert one.image.array.tobytes() != other.image.array.tobytes()
    assert not np.array_equal(one.instances.array, other.instances.array)


def test_global_random_state_is_neither_used_nor_changed():
    before = np.random.get_state()[1].copy()
    thorax(**COARSE)
    assert np.array_equal(np.random.get_state()[1], before)


def test_anatomy_does_not_depend_on_the_grid(chest):
    coarse = thorax(**COARSE)
    for name in ("right lung", "left lung", "heart", "liver", "vertebrae", "aorta"):
        fine_ml = (chest.labels.array == VALUE[name]).sum() * chest.labels.voxel_ml
        assert (coarse.labels.array == VALUE[name]).sum() * coarse.labels.voxel_ml == pytest.approx(fine_ml, rel=0.05)


def test_a_grid_much_coarser_than_vessels_still_works():
    assert thorax((100, 40, 40), (6, 14, 14), tumors=0).image.is_finite


@pytest.mark.parametrize("tumors", [-1, 21, 1.5, True])
def test_refuses_a_number_of_tumors_it_cannot_make(tumors):
    with pytest.raises(ConfigError, match=r"tumors is .*; expected a whole number from 0 to 20"):
        thorax(**COARSE, tumors=tumors)


@pytest.mark.parametrize("shape", [(96, 192), (7, 64, 64), (16.0, 64, 64)])
def test_refuses_a_shape_it_cannot_make(shape):
    with pytest.raises(ConfigError, match="shape is"):
        thorax(shape)


@pytest.mark.parametrize(("spacing", "error"), [((1, 1), ConfigError), ((0, 1, 1), GridError), ((1, -1, 1), GridError)])
def test_refuses_a_spacing_it_cannot_make(spacing, error):
    with pytest.raises(error, match="spacing is"):
        thorax(spacing=spacing)


def test_says_so_when_there_is_no_room_for_a_tumor():
    with pytest.raises(HostError, match="no room for tumor 1 of 2"):
        thorax((16, 32, 32), (1, 1, 1))


def test_distances_are_in_millimetres_at_the_surface():
    canvas = Canvas((21, 21, 21), (1.0, 1.0, 1.0))
    exact = np.sqrt(canvas.z**2 + canvas.y**2 + canvas.x**2) - 7
    near = np.abs(exact) < 1
    ball = superellipsoid((canvas.z, canvas.y, canvas.x), (7.0, 7.0, 7.0))
    assert np.abs(ball - exact)[near].max() < 0.1
    rod = capsule((canvas.z, canvas.y, canvas.x), np.array((4.0, 0.0, 0.0)), 3.0, 1.0)
    assert rod[10, 10, 10] == pytest.approx(-3)
    assert rod[14, 10, 10] == pytest.approx(-1)
    assert rod[18, 10, 10] == pytest.approx(3)


def test_a_voxel_is_covered_by_as_much_as_lies_inside():
    canvas = Canvas((8, 8, 8), (2.0, 2.0, 2.0))
    canvas.paint(canvas.x - 0.5 + np.zeros_like(canvas.hu), 0.0, 1)
    assert canvas.hu[0, 0, 2:6].tolist() == pytest.approx([0, 0, -750, -1000])
    assert canvas.labels[0, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


def test_painted_volume_is_right_to_a_part_of_a_voxel():
    canvas = Canvas((24, 24, 24), (1.0, 1.0, 1.0))
    box, ball = canvas.ellipsoid((0.3, -0.2, 0.4), (8.0, 8.0, 8.0))
    canvas.paint(ball, 0.0, 1, box)
    assert (canvas.hu + 1000).sum() / 1000 == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.01)


def test_vessel_trees_taper_and_reach_all_that_they_supply():
    points = np.random.default_rng(1).uniform(-40, 40, (300, 3))
    branches = grow((0.0, 0.0, -60.0), 6.0, points)
    assert branches[0][3] == pytest.approx(6)
    assert min(b[3] for b in branches) == pytest.approx(6 * 300 ** (-1 / 3))
    assert all(wide >= narrow for _, _, wide, narrow in branches)
    ends = np.array([stop for _, stop, _, _ in branches])
    gaps = np.linalg.norm(points[:, None] - ends[None], axis=2).min(axis=1)
    assert gaps.max() < 12


def test_vessel_trees_end_where_points_coincide():
    assert len(grow((0.0, 0.0, 0.0), 3.0, np.ones((50, 3)))) == 1


def test_importing_the_room_loads_no_heavy_library():
    code = "import sys, napari_medsynth.phantom; print(*[m for m in ('torch', 'scipy', 'skimage') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert out.stdout.strip() == ""
