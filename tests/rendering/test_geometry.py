"""Where each voxel of the result comes from."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_medsynth.core.box import Box
from napari_medsynth.core.errors import GridError
from napari_medsynth.core.rng import stream
from napari_medsynth.rendering.geometry import Geometry, _finer, _flow, displacement, flat_index, source_places
from napari_medsynth.rendering.lattice import Lattice
from napari_medsynth.rendering.warp import STEEPEST, Warp, matrix, node_distances

STILL = {"scaling": [1, 1, 1], "rotation": [0, 0, 0], "shearing": [0] * 6, "translation": [0, 0, 0], "elastic": None}


def geometry(lattice, warp=None, flip=None, crop=None, window=None):
    return Geometry(lattice, {"warp": warp, "flip": flip, "crop": crop}, window=window)


def noise(shape, labels=200):
    return torch.from_numpy(np.random.default_rng(3).integers(0, labels, shape).astype(np.uint8))


def blob(lattice, radius, centre=(0.0, 0.0, 0.0)):
    """A ball of ``radius`` mm, ``centre`` mm from the middle of the lattice."""
    places = np.meshgrid(
        *[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(lattice.shape, lattice.spacing, strict=True)], indexing="ij"
    )
    far = sum((p - c) ** 2 for p, c in zip(places, centre, strict=True))
    return torch.from_numpy((far < radius**2).astype(np.uint8))


def moments(labels, lattice):
    """Centre in mm from the middle, and volume in mm³."""
    index = np.argwhere(labels.numpy() > 0) * lattice.spacing
    middle = (np.array(lattice.shape) - 1) / 2 * lattice.spacing
    return index.mean(axis=0) - middle, len(index) * np.prod(lattice.spacing)


@pytest.fixture
def threads():
    """Sets how many threads PyTorch uses, for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


# without a warp


def test_where_nothing_happens_the_very_same_labels_come_back():
    labels = noise((5, 6, 7))
    found = geometry(Lattice((5, 6, 7), (1, 1, 1))).labels(labels)
    assert found.data_ptr() == labels.data_ptr()
    assert found.shape == labels.shape


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flip_alone_is_exact_also_of_a_part(axis):
    labels, lattice = noise((5, 6, 7)), Lattice((5, 6, 7), (3, 1, 2))
    flip = {"axis": axis, "swap": []}
    assert torch.equal(geometry(lattice, flip=flip).labels(labels), labels.flip(axis))
    crop = {"start": [1, 0, 2], "shape": [3, 5, 4]}
    part = geometry(lattice, flip=flip, crop=crop, window=Box((0, 2, 1), (2, 5, 4)))
    assert part.start == (1, 2, 3)
    assert torch.equal(part.labels(labels), labels.flip(axis)[1:3, 2:5, 3:6])
    assert torch.equal(part.image(labels[None].float()), labels.flip(axis)[None, 1:3, 2:5, 3:6].float())


# affine


def test_a_quarter_turn_is_exact_on_a_square():
    labels = noise((4, 9, 9))
    found = geometry(Lattice((4, 9, 9), (1, 1, 1)), {**STILL, "rotation": [90, 0, 0]}).labels(labels)
    assert torch.equal(found, labels.rot90(-1, (1, 2))) or torch.equal(found, labels.rot90(1, (1, 2)))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_turns_are_about_the_middle_and_in_mm_so_that_a_ball_stays_a_ball(axis):
    lattice = Lattice((20, 60, 40), (3.0, 1.0, 1.5))
    away = [12.0 * (n != axis) for n in range(3)]
    ball = blob(lattice, 9, away)
    found = geometry(lattice, {**STILL, "rotation": [30.0 * (n == axis) for n in range(3)]}).labels(ball)
    where, size = moments(found, lattice)
    before, size_before = moments(ball, lattice)
    assert abs(np.linalg.norm(where) - np.linalg.norm(before)) < 0.5
    assert np.dot(where, before) / np.linalg.norm(where) / np.linalg.norm(before) == pytest.approx(0.866, abs=0.02)
    assert size == pytest.approx(size_before, rel=0.03)
    spread = np.std(np.argwhere(found.numpy()) * lattice.spacing, axis=0)
    assert np.allclose(spread, 9 / np.sqrt(5), rtol=0.08)


def test_scaling_is_that_of_the_places_that_are_looked_up():
    lattice = Lattice((40, 40, 40), (1.0, 1.0, 1.0))
    found = geometry(lattice, {**STILL, "scaling": [1.25, 1.25, 1.25]}).labels(blob(lattice, 15))
    assert moments(found, lattice)[1] == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.02)


def test_the_anatomy_moves_by_the_shift():
    lattice = Lattice((16, 40, 40), (2.0, 1.0, 1.0))
    found = geometry(lattice, {**STILL, "translation": [4, -3, 5]}).labels(blob(lattice, 5))
    assert np.allclose(moments(found, lattice)[0], (4, -3, 5), atol=0.1)


def test_beyond_the_edge_the_nearest_voxel_is_repeated():
    labels = noise((1, 8, 8))
    found = geometry(Lattice((1, 8, 8), (1, 1, 1)), {**STILL, "translation": [0, 3, 0]}).labels(labels)
    assert torch.equal(found[0, 3:], labels[0, :5])
    assert torch.equal(found[0, :3], labels[0, :1].expand(3, 8))


# everything together


@pytest.mark.parametrize(("shape", "spacing"), [((33, 61, 47), (2.0, 1.0, 1.3)), ((1, 70, 81), (1.0, 1.0, 1.0))])
def test_a_crop_and_a_window_are_the_same_voxels_as_in_the_whole(shape, spacing):
    lattice, labels = Lattice(shape, spacing), noise(shape)
    warp, flip = Warp(translation=4).decide(lattice, 5), {"axis": 2, "swap": []}
    whole = geometry(lattice, warp, flip)
    crop = {"start": [n // 5 for n in shape], "shape": [max(1, n // 2) for n in shape]}
    window = Box((0, 3, 4), (crop["shape"][0], 20, 19))
    part = geometry(lattice, warp, flip, crop, window)
    box = window.shifted(crop["start"])
    assert part.shape == box.shape
    assert part.start == box.start
    assert torch.equal(part.labels(labels), whole.labels(labels)[box.slices])
    image = torch.rand((2, *shape), generator=torch.Generator().manual_seed(0))
    assert torch.equal(part.image(image), whole.image(image)[(slice(None), *box.slices)])


def test_a_mirror_of_the_warped_is_the_warped_and_mirrored():
    lattice, labels = Lattice((20, 30, 40), (2.0, 1.0, 1.0)), noise((20, 30, 40))
    warp = Warp().decide(lattice, 5)
    plain, mirrored = (geometry(lattice, warp, flip).labels(labels) for flip in (None, {"axis": 1, "swap": []}))
    assert (mirrored != plain.flip(1)).float().mean() < 1e-3  # but for places on the border of two voxels


def test_labels_and_image_come_from_the_same_places():
    lattice = Lattice((24, 30, 36), (2.0, 1.0, 1.2))
    warp = Warp(translation=3).decide(lattice, 8)
    image = torch.rand(lattice.shape, generator=torch.Generator().manual_seed(0))
    found = geometry(lattice, warp)
    places = found._places.slab(0, 24).numpy() - 0.5
    nearest = ndimage.map_coordinates(noise(lattice.shape).numpy(), places, order=0, mode="nearest")
    assert (found.labels(noise(lattice.shape)).numpy() != nearest).mean() < 1e-3
    linear = ndimage.map_coordinates(image.numpy(), places, order=1, mode="nearest")
    assert np.allclose(found.image(image).numpy(), linear, atol=1e-4)


def test_the_grid_of_places_says_where_every_node_comes_from():
    lattice = Lattice((21, 41, 41), (2.0, 1.0, 1.0))
    warp = Warp(translation=3).draw(lattice, stream(4))
    moved = displacement(lattice, warp["elastic"])
    places = source_places(lattice, warp)
    assert places.shape == moved.shape
    middle = np.array([10, 20, 20])
    for node, corner in (((0, 0, 0), (0, 0, 0)), ((-1, -1, -1), (20, 40, 40))):
        x = (np.array(corner) - middle) * lattice.spacing
        expected = matrix(warp) @ (x + moved[(slice(None), *node)].numpy() - warp["translation"])
        assert np.allclose(places[(slice(None), *node)].numpy() - 0.5, expected / lattice.spacing + middle, atol=1e-4)


@pytest.mark.parametrize("shape", [(96, 100, 120), (1, 700, 801)])
def test_the_bits_are_the_same_for_any_number_of_threads(shape, threads):
    lattice, labels = Lattice(shape, (2.0, 1.0, 1.0)), noise(shape)
    warp = Warp().decide(lattice, 5)
    made = []
    for count in (1, 2, 3, 5):
        threads(count)
        found = geometry(lattice, warp)
        made.append((found.labels(labels), found.image(labels.float())))
    for found, image in made[1:]:
        assert torch.equal(found, made[0][0])
        assert torch.equal(image, made[0][1])


# the elastic part


def jacobians(moved, steps):
    """Determinants at the corners, edges' middles and centres of all cells of a displacement that is linear in them."""
    cells = [s - 1 for s in moved.shape[1:]]
    corners = {
        (i, j, k): moved[:, i : i + cells[0], j : j + cells[1], k : k + cells[2]]
        for i in (0, 1)
        for j in (0, 1)
        for k in (0, 1)
    }
    for at in np.ndindex(3, 3, 3):
        share = [(1 - n / 2, n / 2) for n in at]
        slopes = []
        for axis, step in enumerate(steps):
            weights = [(-1.0, 1.0) if n == axis else share[n] for n in range(3)]
            slopes.append(
                sum(weights[0][i] * weights[1][j] * weights[2][k] * v for (i, j, k), v in corners.items()) / step
            )
        yield np.linalg.det(np.moveaxis(np.stack(slopes, axis=1), (0, 1), (-2, -1)) + np.eye(3))


@pytest.mark.parametrize(
    ("shape", "spacing", "nodes", "seeds"),
    [
        ((256, 256, 256), (1.0, 1.0, 1.0), (26, 26, 26), 1),
        ((256, 256, 256), (1.0, 1.0, 1.0), (11, 11, 11), 5),
        ((30, 101, 122), (3.0, 3.0, 3.0), (3, 11, 13), 5),
    ],
)
def test_the_strongest_warp_that_can_be_drawn_does_not_fold(shape, spacing, nodes, seeds):
    lattice = Lattice(shape, spacing)
    std = STEEPEST * min(node_distances(lattice, nodes))
    for seed in range(seeds):
        moved = displacement(lattice, {"std": std, "nodes": nodes, "integrate": True, "seed": seed}).numpy()
        steps = node_distances(lattice, moved.shape[1:])
        assert min(found.min() for found in jacobians(moved.astype(np.float64), steps)) > 0.05


def test_without_integration_such_a_warp_would_fold():
    lattice, nodes = Lattice((256, 256, 256), (1.0, 1.0, 1.0)), (11, 11, 11)
    moved = displacement(lattice, {"std": STEEPEST * 25.5, "nodes": nodes, "integrate": False, "seed": 0}).numpy()
    assert moved.shape == (3, *nodes)
    assert min(found.min() for found in jacobians(moved.astype(np.float64), [25.5] * 3)) < 0


@pytest.mark.parametrize("std", [2.0, 4.0])
def test_the_integrated_displacement_is_that_of_small_steps_on_all_voxels(std):
    lattice = Lattice((20, 22, 24), (4.0, 3.0, 2.0))
    elastic = {"std": std, "nodes": [4, 4, 3], "integrate": True, "seed": 11}
    velocity = displacement(lattice, {**elastic, "integrate": False})
    start = on_voxels(velocity, lattice)
    per_node = 1 / np.reshape(node_distances(lattice, elastic["nodes"]), (3, 1, 1, 1))
    place, steps = start.copy(), 64
    for _ in range(steps):
        middle = place + sampled(velocity, place) * per_node / steps / 2
        place += sampled(velocity, middle) * per_node / steps
    expected = (place - start) / per_node

    def error(moved):
        gap = sampled(moved, on_voxels(moved, lattice)) - expected
        return np.sqrt((gap**2).mean() / (expected**2).mean())

    assert error(displacement(lattice, elastic)) < 0.15
    assert error(_flow(_finer(velocity, lattice, 8), lattice)) < 0.03  # the rest is the coarseness of the nodes


def on_voxels(field, lattice):
    """Places of all voxels, counted in nodes."""
    ticks = [np.linspace(0, count - 1, size) for count, size in zip(field.shape[1:], lattice.shape, strict=True)]
    return np.stack(np.meshgrid(*ticks, indexing="ij"))


def sampled(field, places):
    return np.stack([ndimage.map_coordinates(v, places, order=1, mode="nearest") for v in field.double().numpy()])


def test_the_displacement_has_the_drawn_deviation():
    lattice = Lattice((256, 256, 256), (1.0, 1.0, 1.0))
    elastic = {"std": 3.0, "nodes": [11, 11, 11], "integrate": False, "seed": 5}
    assert displacement(lattice, elastic).std() == pytest.approx(3.0, rel=0.05)


def test_one_slice_is_bent_in_its_plane_only():
    lattice = Lattice((1, 90, 90), (1.0, 1.0, 1.0))
    moved = displacement(lattice, Warp().draw(lattice, stream(1))["elastic"])
    assert moved.shape[1] == 1
    assert not moved[0].any()
    assert moved[1:].abs().max() > 0.5


# large maps


def test_every_voxel_of_a_large_map_can_be_looked_up():
    """Float32 counts up to 2²⁴, int32 up to 2³¹."""
    for shape, whole in (((300, 512, 512), torch.int32), ((1400, 1300, 1300), torch.int64)):
        index = np.random.default_rng(0).integers(0, shape, (500, 3))
        index[:2] = np.array(shape) - 1, np.array(shape) - 2
        places = torch.from_numpy(index.T.copy()).float()[..., None, None] + 0.5
        found = flat_index(places, shape, torch.empty_like(places, dtype=whole)).flatten().numpy()
        assert np.array_equal(found, np.ravel_multi_index(index.T, shape))


def test_a_map_of_more_than_16_million_voxels_is_moved_exactly():
    shape = (4300, 64, 62)
    labels = torch.from_numpy((np.arange(np.prod(shape), dtype=np.int64) % 251).astype(np.uint8)).view(shape)
    found = geometry(Lattice(shape, (1, 1, 1)), {**STILL, "translation": [1, 0, 0]}).labels(labels)
    assert torch.equal(found[1:], labels[:-1])


# bad input


@pytest.mark.parametrize(
    ("crop", "window"),
    [
        ({"start": [0, 0, 5], "shape": [4, 5, 2]}, None),
        ({"start": [-1, 0, 0], "shape": [2, 2, 2]}, None),
        ({"start": [1, 1, 1], "shape": [2, 2, 2]}, Box((0, 0, 0), (3, 2, 2))),
        ({"start": [1, 1, 1], "shape": [2, 2, 2]}, Box((-1, 0, 0), (2, 2, 2))),
        (None, Box((1, 1, 1), (1, 2, 2))),
    ],
)
def test_a_part_that_is_not_inside_is_refused(crop, window):
    with pytest.raises(GridError, match="expected a window inside the crop"):
        geometry(Lattice((4, 5, 6), (1, 1, 1)), crop=crop, window=window)
