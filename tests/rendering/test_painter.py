"""Labels become tissue."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_medsynth.core.box import Box
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.rendering.codes import Codes
from napari_medsynth.rendering.lattice import Lattice
from napari_medsynth.rendering.painter import Painter, TissueField, noise_seed

CPU = torch.device("cpu")
SIZE = (24, 60, 50)
LATTICE = Lattice(SIZE, (1.0, 1.0, 1.0))


def classes(count=4):
    """Blocks of `count` labels, 0 among them."""
    z, y, x = np.indices(SIZE)
    return ((z // 8 * 3 + y // 15 * 5 + x // 10) % count).astype(np.uint8)


def texture(share=(0.0, 0.0), fwhm=3.0, partial_volume=0.0):
    return {"share": list(share), "fwhm": fwhm, "partial_volume": partial_volume, "seed": 11}


def painted(array, intensities, drawn=None, window=None, lattice=LATTICE):
    codes = Codes.of(LabelMap(array))
    labels = codes.tensor if window is None else codes.tensor[window.slices].contiguous()
    painter = Painter(labels, codes, {"intensities": intensities, "smooth": [], "texture": drawn}, 7, lattice, window)
    out = torch.empty(labels.shape)
    painter.paint(0, 0, labels.shape[0], out)
    return out.numpy()


def table(means, stds):
    return [[value, mean, std] for value, (mean, std) in enumerate(zip(means, stds, strict=True))]


MEANS = [10.0, 60.0, 120.0, 200.0]


def test_each_class_has_its_mean_and_standard_deviation():
    array = classes()
    image = painted(array, table(MEANS, [1.0, 5.0, 10.0, 0.0]))
    for value, (mean, std) in enumerate(zip(MEANS, [1.0, 5.0, 10.0, 0.0], strict=True)):
        found = image[array == value]
        assert found.mean() == pytest.approx(mean, abs=0.2)
        assert found.std() == pytest.approx(std, rel=0.03, abs=1e-6)


def test_without_variation_an_image_is_its_means():
    array = classes()
    assert np.array_equal(painted(array, table(MEANS, [0.0] * 4)), np.take(MEANS, array).astype(np.float32))


def test_values_beyond_255_are_painted_too():
    array = classes().astype(np.uint16) * 1000
    image = painted(array, [[value * 1000, mean, 0.0] for value, mean in enumerate(MEANS)])
    assert np.array_equal(image, np.take(MEANS, array // 1000).astype(np.float32))


@pytest.mark.parametrize("share", [0.3, 0.8, 1.0])
def test_smooth_variation_keeps_a_classs_standard_deviation(share):
    image = painted(np.ones(SIZE, np.uint8), [[1, 50.0, 10.0]], texture((share, share), fwhm=1.5))
    assert image.std() == pytest.approx(10, rel=0.05)


def neighbours(image):
    inner = image - image.mean()
    return float((inner[..., 1:] * inner[..., :-1]).mean() / inner.var())


def test_the_share_says_how_smooth_it_is():
    ones = np.ones(SIZE, np.uint8)
    found = [neighbours(painted(ones, [[1, 50.0, 10.0]], texture((s, s)))) for s in (0.0, 0.5, 1.0)]
    assert found[0] == pytest.approx(0, abs=0.02)
    assert found[1] == pytest.approx(0.5 * found[2], abs=0.05)
    assert found[2] > 0.8


def test_wider_means_smoother():
    fields = [TissueField(texture(fwhm=f), LATTICE, CPU).slab(0, SIZE[0]).numpy() for f in (1.0, 3.0, 8.0)]
    assert np.all(np.diff([neighbours(f) for f in fields]) > 0.05)


def test_the_smooth_field_has_the_same_variance_everywhere():
    """Also at the edges, and between the nodes of its coarse grid."""
    lattice = Lattice((8, 20, 20), (1.0, 1.0, 1.0))
    many = np.stack([TissueField({"fwhm": 6.0, "seed": s}, lattice, CPU).slab(0, 8).numpy() for s in range(300)])
    variance = (many.astype(np.float64) ** 2).mean(axis=0)
    assert variance.mean() == pytest.approx(1, abs=0.05)
    for axis in range(3):
        profile = variance.mean(axis=tuple(n for n in range(3) if n != axis))
        assert profile == pytest.approx(1, abs=0.15)


def test_width_is_in_millimetres():
    lattice = Lattice((12, 40, 200), (4.0, 1.0, 0.25))
    made = TissueField({"fwhm": 5.0, "seed": 3}, lattice, CPU).slab(0, 12).numpy()
    along_x, along_y = (neighbours(made[..., ::4]), neighbours(made.swapaxes(1, 2)))
    assert along_x == pytest.approx(along_y, abs=0.06)


def test_a_slab_or_a_window_sees_the_smooth_field_as_it_is_there():
    whole = TissueField(texture(), LATTICE, CPU).slab(0, SIZE[0]).numpy()
    box = Box((3, 10, 20), (9, 31, 45))
    part = TissueField(texture(), LATTICE, CPU, box)
    assert part.slab(0, 6).numpy() == pytest.approx(whole[box.slices], abs=1e-5)
    assert part.slab(2, 4).numpy() == pytest.approx(whole[box.slices][2:4], abs=1e-5)


def test_neighbours_are_not_all_bright_at_the_same_places():
    array = classes(8)
    image = painted(array, [[value, 0.0, 10.0] for value in range(8)], texture((1.0, 1.0)))
    field = TissueField(texture(), LATTICE, CPU).slab(0, SIZE[0]).numpy()
    signs = {value: np.sign(np.corrcoef(image[array == value], field[array == value])[0, 1]) for value in range(8)}
    assert set(signs.values()) == {-1, 1}


def test_partial_volume_of_means_is_the_blur_of_every_classs_own_mask():
    array = classes()
    sigma = 2.0 / 2.3548200450309493
    masks = [ndimage.gaussian_filter((array == v).astype(float), sigma, mode="nearest", radius=4) for v in range(4)]
    expected = sum(mean * mask for mean, mask in zip(MEANS, masks, strict=True))
    image = painted(array, table(MEANS, [0.0] * 4), texture(partial_volume=2.0))
    assert image == pytest.approx(expected, abs=0.15)


def test_partial_volume_of_noise_is_the_blur_of_every_classs_variance():
    array, stds = classes(), [1.0, 20.0, 5.0, 10.0]
    sigma = 2.0 / 2.3548200450309493
    masks = [ndimage.gaussian_filter((array == v).astype(float), sigma, mode="nearest", radius=4) for v in range(4)]
    expected = np.sqrt(sum(std**2 * mask for std, mask in zip(stds, masks, strict=True)))
    noisy = painted(array, table(MEANS, stds), texture(partial_volume=2.0))
    quiet = painted(array, table(MEANS, [0.0] * 4), texture(partial_volume=2.0))
    white = painted(np.ones(SIZE, np.uint8), [[1, 0.0, 1.0]])
    assert noisy - quiet == pytest.approx(expected * white, abs=0.1)


def test_slabs_of_a_partial_volume_fit_together():
    codes = Codes.of(LabelMap(classes()))
    channel = {"intensities": table(MEANS, [0.0] * 4), "smooth": [], "texture": texture(partial_volume=3.0)}
    painter = Painter(codes.tensor, codes, channel, 7, LATTICE)
    whole, parts = torch.empty(SIZE), torch.empty(SIZE)
    painter.paint(0, 0, 24, whole)
    for number, start in enumerate(range(0, 24, 5)):
        stop = min(start + 5, 24)
        painter.paint(number, start, stop, parts[start:stop])
    assert parts.numpy() == pytest.approx(whole.numpy(), abs=1e-4)


def test_one_slice_is_painted_as_one_slice():
    array = classes()[:1]
    lattice = Lattice((1, *SIZE[1:]), (1.0, 1.0, 1.0))
    image = painted(array, table(MEANS, [5.0] * 4), texture((0.5, 0.5), 3.0, 1.0), lattice=lattice)
    assert np.isfinite(image).all()
    assert image.shape == array.shape


def test_channels_have_noise_of_their_own():
    assert noise_seed(7, 0) != noise_seed(7, 1)
    assert noise_seed(7, 0) == noise_seed(7, 0)


def test_where_the_share_of_a_class_is_known_it_is_not_drawn():
    codes = Codes.of(LabelMap(classes(2)))
    found = []
    for smooth in ([], [[1, 0.0]]):
        channel = {"intensities": table([0.0, 0.0], [0.0, 10.0]), "smooth": smooth, "texture": texture((1.0, 1.0), 8.0)}
        image = torch.empty(SIZE)
        Painter(codes.tensor, codes, channel, 7, LATTICE).paint(0, 0, SIZE[0], image)
        found.append(neighbours(image.numpy()[classes(2) == 1].reshape(1, -1)))
    assert found[0] > 0.5
    assert found[1] == pytest.approx(0, abs=0.03)
