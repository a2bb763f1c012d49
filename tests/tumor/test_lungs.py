"""find_lungs: on thoraxes made here, whose truth is known, and on real scans."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel
import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import GridError, HostError
from napari_medsynth.core.grid import reorder
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.tumor.lungs import find_lungs

SPACING = (3.0, 2.0, 2.0)
ROOM, LUNG, TISSUE, BONE, FOAM = -1000, -850, 40, 500, -930


@dataclass(frozen=True)
class Thorax:
    """A chest of ellipsoids in mm, seen from the head: x to the left, y to the back, z to the head; (0, 0, 0) in it."""

    spacing: tuple[float, float, float] = SPACING
    size: tuple[float, float, float] = (300.0, 300.0, 400.0)
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    right: bool = True
    left: bool = True
    bridge: bool = False
    bowel: bool = False
    mouth: bool = False
    tumor: bool = False
    nodule: bool = False
    lung: int = LUNG
    room: int = ROOM
    padding: int | None = None
    noise: float = 20.0

    def make(self) -> tuple[Volume, np.ndarray]:
        """The scan, and the truth: 1 right lung, 2 left."""
        z, y, x = self._grid()
        ct = np.full(np.broadcast_shapes(z.shape, y.shape, x.shape), self.room, dtype=np.float32)
        self._paint_body(ct, z, y, x)
        truth = self._paint_lungs(ct, z, y, x)
        self._paint_air(ct, z, y, x)
        ct += np.random.default_rng(5).normal(0, self.noise, ct.shape)
        if self.padding is not None:
            ct[np.broadcast_to(np.hypot(y - self.centre[1], x - self.centre[2]) > self.size[2] / 2, ct.shape)] = -9999
            ct = np.maximum(ct, self.padding)
        return Volume(ct.astype(np.int16), Affine.from_spacing(self.spacing), "CT"), truth

    def _grid(self) -> list[np.ndarray]:
        counts = [round(size / s) for size, s in zip(self.size, self.spacing, strict=True)]
        axes = [(np.arange(n) - n / 2) * s + c for n, s, c in zip(counts, self.spacing, self.centre, strict=True)]
        return np.meshgrid(*axes, indexing="ij", sparse=True)

    def _paint_body(self, ct, z, y, x):
        ct[_ball((z, y, x), (0, 0, 0), (1e4, 112, 170))] = TISSUE
        ct[_ball((z, y, x), (0, 85, 0), (1e4, 18, 18))] = BONE
        table = (np.abs(y - 135) < 12) & (np.abs(x) < 185) & (z > -1e4)
        ct[table] = FOAM
        ct[table & (np.abs(y - 135) > 9.5)] = -300
        for side in (-1, 1):  # arms beside the chest
            ct[_ball((z, y, x), (0, 20, side * 187), (1e4, 25, 13))] = TISSUE

    def _paint_lungs(self, ct, z, y, x) -> np.ndarray:
        truth = np.zeros(ct.shape, dtype=np.uint8)
        for value, wanted, side in ((1, self.right, -1), (2, self.left, 1)):
            lung = _ball((z, y, x), (0, 0, side * 82), (120, 85, 62)) if wanted else np.zeros(ct.shape, bool)
            lung &= ~_ball((z, y, x), (-120, 10, side * 82), (70, 60, 40))  # the dome of the diaphragm
            truth[lung] = value
        if self.bridge:
            sheet = (np.abs(x) < 30) & (np.abs(y + 45) < 6) & (np.abs(z) < 50)
            truth[sheet & (truth == 0)] = np.broadcast_to(np.where(x < 0, 1, 2), ct.shape)[sheet & (truth == 0)]
        ct[truth > 0] = self.lung
        vessels = (np.abs(y % 20 - 10) < 1.5) & (np.abs(z % 24 - 12) < 1.5) & (np.abs(x) > 50)
        ct[vessels & (truth > 0)] = TISSUE
        if self.nodule:
            ct[_ball((z, y, x), (10, 0, -90), (12, 12, 12))] = TISSUE
        if self.tumor:
            wall = _ball((z, y, x), (10, 0, -140), (35, 35, 35))
            ct[wall & (truth > 0)] = TISSUE
            truth[wall] = 0
        return truth

    def _paint_air(self, ct, z, y, x):
        lumen = self.room
        ct[(np.hypot(y - 5, x) < 12) & (z > 15)] = TISSUE  # windpipe and its wall
        ct[(np.hypot(y - 5, x) < 9) & (z > 15)] = lumen
        for side in (-1, 1):  # main bronchi, downwards and outwards into the lungs
            along = side * x
            ct[(np.hypot(z - 20 + 0.5 * along, y - 5) < 6) & (along >= 0) & (along < 45)] = lumen
        if self.bowel:
            ct[_ball((z, y, x), (-135, -40, 60), (14, 30, 60))] = lumen
        if self.mouth:
            ct[(z > 140) & (np.abs(x) < 12) & (y < 5)] = lumen


def _ball(grid, centre, radii) -> np.ndarray:
    return sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radii, strict=True)) <= 1


def dice(found: LabelMap, truth: np.ndarray, value: int) -> float:
    a, b = found.array == value, truth == value
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def agrees(found: LabelMap, truth: np.ndarray, least: float = 0.97) -> None:
    """Both lungs are found on their own side, to the given Dice."""
    scores = {value: dice(found, truth, value) for value in (1, 2) if (truth == value).any()}
    assert min(scores.values()) >= least, scores
    assert set(found.values()) == set(scores)


@pytest.mark.parametrize(
    "thorax",
    [
        pytest.param(Thorax(), id="plain"),
        pytest.param(Thorax(noise=0.0), id="without noise"),
        pytest.param(Thorax(noise=80.0), id="low dose"),
        pytest.param(Thorax(bridge=True), id="lungs that touch"),
        pytest.param(Thorax(bowel=True), id="gas in the bowel"),
        pytest.param(Thorax(mouth=True), id="open mouth"),
        pytest.param(Thorax(tumor=True), id="large tumor at the wall"),
        pytest.param(Thorax(nodule=True), id="nodule in a lung"),
        pytest.param(Thorax(lung=-935), id="emphysema"),
        pytest.param(Thorax(lung=-700), id="expiration"),
        pytest.param(Thorax(padding=-1024), id="padded with -1024"),
        pytest.param(Thorax(padding=-2000), id="padded with -2000"),
        pytest.param(Thorax(padding=-3024, size=(300, 300, 300)), id="padded with -3024"),
    ],
)
def test_both_lungs_are_found(thorax):
    image, truth = thorax.make()
    agrees(find_lungs(image), truth)


@pytest.mark.parametrize(
    "spacing", [(0.5, 2.0, 2.0), (1.0, 1.0, 1.0), (5.0, 0.8, 0.8), (3.0, 3.0, 3.0), (5.0, 2.0, 0.9)]
)
def test_slices_may_be_half_a_millimetre_or_five(spacing):
    image, truth = Thorax(spacing=spacing, size=(252.0, 260.0, 380.0)).make()
    agrees(find_lungs(image), truth, 0.96)


@pytest.mark.parametrize(
    ("size", "centre"),
    [
        pytest.param((300, 300, 220), (0, 0, 0), id="both flanks cut"),
        pytest.param((300, 130, 340), (0, 0, 0), id="front and back cut"),
        pytest.param((300, 300, 220), (0, 0, 60), id="one flank cut"),
        pytest.param((60, 300, 400), (20, 0, 0), id="slab"),
        pytest.param((9, 300, 400), (0, 0, 0), id="three slices"),
        pytest.param((3, 300, 400), (0, 0, 0), id="one slice"),
    ],
)
def test_the_field_of_view_may_cut_the_body(size, centre):
    image, truth = Thorax(size=size, centre=centre).make()
    agrees(find_lungs(image), truth, 0.96)


@pytest.mark.parametrize(("padding", "across"), [(-1024, 200), (-2000, 180), (-3024, 160)])
def test_a_round_field_of_view_may_cut_the_lungs(padding, across):
    image, truth = Thorax(padding=padding, size=(300, across, across)).make()
    seen = np.where(image.array > padding, truth, 0)
    agrees(find_lungs(image), seen, 0.95)


def test_an_enclosed_nodule_and_vessels_belong_to_the_lung_but_a_tumor_of_the_wall_does_not():
    image, _ = Thorax(nodule=True).make()
    assert (find_lungs(image).array[_at(image, (10, 0, -90), 10)] == 1).all()
    image, _ = Thorax(tumor=True).make()
    assert not find_lungs(image).array[_at(image, (10, 0, -140), 25)].any()


def _at(image: Volume, centre, radius) -> np.ndarray:
    axes = [(np.arange(n) - n / 2) * s for n, s in zip(image.shape, image.spacing, strict=True)]
    return _ball(np.meshgrid(*axes, indexing="ij", sparse=True), centre, (radius,) * 3)


@pytest.mark.parametrize("kept", ["right", "left"])
def test_a_single_lung_is_named_by_its_side(kept):
    image, truth = Thorax(right=kept == "right", left=kept == "left").make()
    found = find_lungs(image)
    agrees(found, truth)
    assert found.table[found.values()[0]].side == kept


def test_windpipe_and_main_bronchi_are_no_lung():
    image, _ = Thorax().make()
    found = find_lungs(image)
    z, y, x = (round(n / 2 + mm / s) for n, mm, s in zip(image.shape, (60, 5, 0), image.spacing, strict=True))
    assert image.array[z, y, x] < -900
    assert not found.array[:, y - 3 : y + 3, x - 8 : x + 8].any()


@pytest.mark.parametrize("orientation", ["SPL", "SAR", "IPL", "LPS", "RAS", "ASL", "PIR"])
def test_order_and_direction_of_axes_do_not_matter(orientation):
    image, _ = Thorax(bridge=True).make()
    expected = find_lungs(image)
    turned = image.reoriented(orientation)
    found = find_lungs(turned)
    assert found.same_grid(turned)
    assert np.array_equal(found.reoriented("SPL").array, expected.array)


def test_sides_are_the_patients_even_if_the_affine_mirrors():
    image, truth = Thorax().make()
    order, flips = (0, 1, 2), (False, False, True)
    mirrored = Volume(reorder(image.array, order, flips), Affine.from_spacing(SPACING, orientation="SPL"), "CT")
    agrees(find_lungs(mirrored), np.choose(truth[:, :, ::-1], [0, 2, 1]))


def test_the_result_lies_on_the_grid_of_the_scan_and_names_its_values():
    image, _ = Thorax().make()
    found = find_lungs(image)
    assert found.same_grid(image)
    assert found.array.dtype == np.uint8
    names = [(e.value, e.name, e.tissue, e.side) for e in found.table]
    assert names == [(1, "right lung", "lung", "right"), (2, "left lung", "lung", "left")]


def test_float_scans_and_nan_voxels_give_the_same_lungs():
    image, truth = Thorax().make()
    voxels = image.array.astype(np.float32)
    voxels[0, :5, :5] = np.nan
    agrees(find_lungs(Volume(voxels, image.affine)), truth)


@pytest.mark.parametrize(
    "thorax",
    [
        pytest.param(Thorax(right=False, left=False), id="soft tissue"),
        pytest.param(Thorax(right=False, left=False, bowel=True), id="bowel gas"),
        pytest.param(Thorax(size=(60, 300, 400), centre=(-250, 0, 0)), id="abdomen"),
    ],
)
def test_a_scan_without_lungs_is_refused(thorax):
    with pytest.raises(HostError, match=r"no lung found in ct: .* expected a chest CT in HU"):
        find_lungs(thorax.make()[0])


@pytest.mark.parametrize("value", [-1000, 0, 1024])
def test_an_even_volume_is_refused(value):
    with pytest.raises(HostError, match="no lung found"):
        find_lungs(Volume(np.full((20, 40, 40), value, dtype=np.int16)))


@pytest.mark.parametrize("kind", ["uint8", "uint16", "bool"])
def test_voxels_that_cannot_be_hu_are_refused(kind):
    image, _ = Thorax().make()
    with pytest.raises(HostError, match="expected a chest CT in HU"):
        find_lungs(Volume((image.array + 1100).clip(0, 255).astype(kind)))


def test_a_flat_image_is_refused():
    with pytest.raises(GridError, match=r"ct has shape \(40, 50\); expected one volume"):
        find_lungs(Volume(np.zeros((40, 50), dtype=np.int16)))


@pytest.fixture(scope="module")
def lung_ct(data_dir) -> Volume:
    stored = nibabel.load(data_dir / "lung4d_113" / "113_HM10395_ct.nii.gz")
    voxels = np.asanyarray(stored.dataobj).transpose(2, 1, 0)
    return Volume(voxels, Affine.from_spacing(stored.header.get_zooms()[::-1], orientation="SPL"), "CT")


@pytest.mark.data
def test_a_real_scan_gives_two_lungs_of_believable_size(lung_ct, data_dir):
    found = find_lungs(lung_ct)
    volumes = {v: float((found.array == v).sum()) * lung_ct.voxel_ml for v in (1, 2)}
    assert 1300 < volumes[1] < 1700  # mL
    assert 750 < volumes[2] < 1100
    within = lung_ct.array[found.array > 0]
    assert -900 < np.median(within) < -700
    tumor = np.asanyarray(nibabel.load(data_dir / "lung4d_113" / "113_HM10395_label.nii.gz").dataobj).transpose(2, 1, 0)
    assert not found.array[tumor == 4].any(), "a vertebra is no lung"


@pytest.mark.data
@pytest.mark.parametrize("thin", [(2, 1, 1), (1, 2, 2), (1, 2, 1)])
def test_a_real_scan_sampled_more_coarsely_gives_the_same_lungs(lung_ct, thin):
    few = tuple(slice(None, None, n) for n in thin)
    affine = Affine.from_spacing([s * n for s, n in zip(lung_ct.spacing, thin, strict=True)])
    agrees(find_lungs(Volume(lung_ct.array[few], affine)), find_lungs(lung_ct).array[few], 0.97)


@pytest.mark.data
def test_a_real_scan_cut_by_its_field_of_view_gives_the_same_lungs(lung_ct):
    part = (slice(30, 90), slice(130, 400), slice(130, 400))
    agrees(find_lungs(Volume(lung_ct.array[part], lung_ct.affine)), find_lungs(lung_ct).array[part], 0.95)


@pytest.mark.data
def test_a_predicted_lobe_map_agrees(data_dir):
    folder = data_dir / "totalseg_ct"
    stored, lobes = (nibabel.load(folder / f"{name}.nii.gz") for name in ("example_ct_sm", "example_seg"))
    image = Volume(np.asanyarray(stored.dataobj).transpose(2, 1, 0), Affine(stored.affine[:, [2, 1, 0, 3]]), "CT")
    parts = np.asanyarray(lobes.dataobj).transpose(2, 1, 0)
    truth = np.where(np.isin(parts, (12, 13, 14)), 1, np.where(np.isin(parts, (10, 11)), 2, 0))
    agrees(find_lungs(image), truth, 0.9)
