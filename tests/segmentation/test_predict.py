"""Inference: labels come out on the image's own grid, blended over tiles, whatever its axes, voxels and size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knowing_network import Levels, levels_model, levels_spec
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ConfigError, GridError
from napari_medsynth.core.labels import Label, LabelTable
from napari_medsynth.core.progress import Progress, finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.rendering.workers import one_thread
from napari_medsynth.segmentation import planning
from napari_medsynth.segmentation.components import keep_largest
from napari_medsynth.segmentation.inference import inputs_of, mirrors_of
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.prediction import Prediction, PredictOptions, predict
from napari_medsynth.segmentation.spec import InputSpec

TABLE = LabelTable((Label(5, "left lung", side="left"), Label(9, "right lung", side="right"), Label(300, "liver")))
VALUES = np.array([0, 5, 9, 300])


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny images gain nothing from more."""
    with one_thread():
        yield


def scan_of(shape: tuple[int, ...], affine: Affine, seed: int = 0) -> tuple[Volume, np.ndarray]:
    """Blocks of 4 voxels of random class, as an image of their levels, and the labels that are right."""
    small = np.random.default_rng(seed).integers(0, 4, [-(-n // 4) for n in shape])
    classes = small
    for axis in range(len(shape)):
        classes = np.repeat(classes, 4, axis=axis)
    classes = classes[tuple(slice(n) for n in shape)]
    return Volume((classes / 3).astype(np.float32), affine), VALUES[classes]


def found_in(image: Volume, spec: InputSpec, **options: object) -> Prediction:
    """Apply the network that knows the answer."""
    return finish(predict(levels_model(spec, TABLE), image, PredictOptions(**options), device="cpu"))  # type: ignore[arg-type]


SPECS = [
    levels_spec(plane="sagittal"),
    levels_spec(plane="coronal"),
    levels_spec(kind="slab", plane="axial", slab=3),
    levels_spec(kind="patches", patch=(16, 16, 16)),
    levels_spec(kind="volumes", patch=(32, 16, 32)),
]


@settings(max_examples=25, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    order=st.permutations("SPL"),
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    shape=st.tuples(st.integers(1, 21), st.integers(1, 21), st.integers(1, 21)),
    seed=st.integers(0, 99),
)
def test_any_axes_in_same_axes_out(
    spec: InputSpec, order: list[str], flips: tuple[bool, ...], shape: tuple[int, int, int], seed: int
) -> None:
    """Where nothing is resampled, every voxel gets its own label, however the array lies in the patient."""
    other = dict(zip("SPLIAR", "IARSPL", strict=True))
    letters = "".join(other[c] if flip else c for c, flip in zip(order, flips, strict=True))
    image, truth = scan_of(shape, Affine.from_spacing((2.0, 0.8, 1.3), (4, 5, 6), letters), seed)
    labels = found_in(image, spec).labels
    np.testing.assert_array_equal(labels.array, truth)
    assert labels.same_grid(image)
    np.testing.assert_array_equal(labels.affine.matrix, image.affine.matrix)


@pytest.mark.parametrize(
    "spec", [levels_spec(spacing=(0.7, 1.1)), levels_spec(kind="patches", patch=(16, 16, 16), spacing=(1, 1, 1))]
)
@pytest.mark.parametrize("orientation", ["SPL", "LPI", "ASR"])
def test_a_resampled_scan_comes_back_in_its_place(spec: InputSpec, orientation: str) -> None:
    """Two classes, so that no edge passes through a third one's level."""
    affine = Affine.from_spacing((1.5, 0.9, 1.2), (4, 5, 6), orientation)
    classes = np.zeros((24, 30, 28), np.uint8)
    classes[4:16, 6:18, 12:26] = 1
    table = LabelTable.from_names({7: "block"})
    made = finish(predict(levels_model(spec, table), Volume(classes.astype(float), affine), device="cpu"))
    both = 2 * np.count_nonzero((made.labels.array == 7) & (classes == 1))
    assert both / (np.count_nonzero(made.labels.array) + classes.sum()) > 0.93
    assert made.labels.same_grid(Volume(classes, affine))


def test_a_mirrored_scan_gets_mirrored_labels_from_a_real_network() -> None:
    """The array of a scan may be stored in any direction: the patient is the same, and so are the labels."""
    spec = InputSpec(kind="patches", patch=(16, 32, 32), spacing=(1.0, 1.5, 1.5))
    model = SegmentationModel.new("m", NetworkSettings(base_features=4), spec, TABLE)
    array = np.random.default_rng(1).random((14, 17, 20)).astype(np.float32)
    plain = Volume(array, Affine.from_spacing((2.0, 1.0, 1.0)))
    turned = plain.reoriented("RAI")
    first, second = (finish(predict(model, image, device="cpu")).labels for image in (plain, turned))
    np.testing.assert_array_equal(first.reoriented("RAI").array, second.array)


def test_an_oblique_scan_keeps_its_affine() -> None:
    angle = 0.4
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = Affine(turn @ Affine.from_spacing((2.0, 1.0, 1.0), (3, 4, 5), "LSA").matrix)
    image, truth = scan_of((9, 18, 20), affine)
    labels = found_in(image, SPECS[0]).labels
    np.testing.assert_array_equal(labels.array, truth)
    np.testing.assert_array_equal(labels.affine.matrix, affine.matrix)


def test_a_flat_image_gives_a_flat_label_map() -> None:
    image, truth = scan_of((37, 21), Affine.from_spacing((0.5, 0.5)))
    labels = found_in(image, SPECS[0]).labels
    np.testing.assert_array_equal(labels.array, truth)


def test_labels_have_the_model_s_names_and_volumes() -> None:
    image, truth = scan_of((8, 8, 8), Affine.from_spacing((2.0, 1.0, 1.0)))
    made = found_in(image, SPECS[0])
    assert made.labels.table == TABLE
    assert made.volumes() == {e.name: np.count_nonzero(truth == e.value) * 0.002 for e in TABLE}


def test_tiles_are_blended_without_seams() -> None:
    """Neither the tiles nor how many go together change what a network finds that looks at one voxel."""
    image, _ = scan_of((20, 45, 50), Affine.from_spacing())
    noisy = replace(image, array=np.clip(image.array + np.random.default_rng(0).normal(0, 0.2, image.shape), 0, 1))
    whole = found_in(noisy, levels_spec(plane="axial", patch=(64, 64)), uncertainty=True)
    tiled = found_in(noisy, levels_spec(plane="axial"), uncertainty=True, overlap=0.3, batch=7)
    np.testing.assert_array_equal(whole.labels.array, tiled.labels.array)
    assert whole.uncertainty is not None
    assert tiled.uncertainty is not None
    np.testing.assert_allclose(whole.uncertainty.array, tiled.uncertainty.array, atol=1e-5)


def test_uncertainty_is_0_where_the_network_is_sure_and_1_where_all_classes_are_alike() -> None:
    class Half(Levels):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            made = super().forward(batch)
            made[..., made.shape[-1] // 2 :] = 0
            return made

    spec = levels_spec(plane="axial")
    model = levels_model(spec, TABLE)
    model = SegmentationModel(Half(4), model.card)
    made = finish(predict(model, Volume(np.zeros((3, 16, 16))), PredictOptions(uncertainty=True), device="cpu"))
    assert made.uncertainty is not None
    sure, unsure = made.uncertainty.array[..., 8:], made.uncertainty.array[..., :8]  # RAS+ reverses this x
    assert sure.max() < 0.01
    assert unsure.min() > 0.999


def test_a_mirror_image_counts_left_as_right() -> None:
    """Of a network that calls what lies on one side of a tile left and on the other right, both views agree."""

    class Sides(Levels):
        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            ramp = torch.linspace(1, -1, batch.shape[-1], device=batch.device).expand(batch[:, :1].shape)
            nothing = torch.full_like(ramp, -5)
            return torch.cat([nothing, 5 * ramp, -5 * ramp, nothing], dim=1)

    spec = levels_spec(plane="axial", patch=(16, 16))
    model = SegmentationModel(Sides(4), levels_model(spec, TABLE).card)
    image = Volume(np.zeros((2, 16, 16)))
    once, twice = (
        finish(predict(model, image, PredictOptions(flips=flips), device="cpu")).labels
        for flips in ("none", "left-right")
    )
    np.testing.assert_array_equal(once.array, twice.array)
    assert set(once.array[..., :8].flat) == {9}  # x runs to the left in this image: the first half is the right one


@pytest.mark.parametrize(
    ("spec", "side", "count"),
    [(SPECS[0], None, 3), (SPECS[1], -1, 3), (SPECS[2], -1, 3), (SPECS[3], -1, 7)],
)
def test_mirror_images_of_each_input(spec: InputSpec, side: int | None, count: int) -> None:
    image = Volume(np.zeros((4, 4, 4)))
    sides = mirrors_of("left-right", TABLE, image, spec)
    assert [m.axes for m in sides] == ([] if side is None else [(side,)])
    assert all(m.classes == (0, 2, 1, 3) for m in sides)
    assert len(mirrors_of("all", TABLE, image, spec)) == count
    assert mirrors_of("none", TABLE, image, spec) == []


def test_a_slab_has_its_neighbours_as_channels_and_zeros_beyond_the_ends() -> None:
    image = Volume(np.arange(1, 5)[:, None, None] * np.full((4, 8, 8), 0.2))
    slabs = inputs_of(image, levels_spec(kind="slab", plane="axial", slab=3))
    assert slabs.shape == (4, 3, 8, 8)
    np.testing.assert_allclose(
        slabs[:, :, 0, 0], [[0, 0.2, 0.4], [0.2, 0.4, 0.6], [0.4, 0.6, 0.8], [0.6, 0.8, 0]], atol=1e-6
    )


def test_only_the_largest_part_of_each_structure_is_kept() -> None:
    classes = np.zeros((20, 20), np.uint8)
    classes[2:8, 2:8] = 1
    classes[8:10, 8:10] = 1  # touches at a corner
    classes[15:17, 15:17] = 1
    classes[0, 19] = classes[12:14, 2] = 2
    kept = keep_largest(classes)
    assert np.count_nonzero(kept == 1) == 40
    assert np.count_nonzero(kept == 2) == 2
    assert kept[15, 15] == kept[0, 19] == 0
    assert classes[15, 15] == 1


def test_only_the_largest_part_is_kept_on_request() -> None:
    image = np.zeros((3, 30, 30))
    image[:, 2:10, 2:10] = image[:, 20:22, 20:22] = 1
    labels = found_in(Volume(image), SPECS[3], largest_component=True).labels
    assert labels.array[1, 4, 4] == 300
    assert labels.array[1, 21, 21] == 0


def test_progress_counts_tiles_and_ends() -> None:
    image, _ = scan_of((3, 20, 20), Affine.from_spacing())
    told: list[Progress] = []
    finish(predict(levels_model(levels_spec(plane="axial"), TABLE), image, device="cpu"), told.append)
    counts = [p.done for p in told]
    assert counts == sorted(counts)
    assert told[-1] == Progress(12, 12, "tile 12 of 12")


def test_a_network_is_as_it_was_afterwards_even_if_stopped() -> None:
    model = levels_model(SPECS[0], TABLE)
    model.network.train()
    image, _ = scan_of((3, 20, 20), Affine.from_spacing())
    job = predict(model, image, device="cpu")
    for _ in range(3):
        next(job)
    assert not model.network.training
    assert torch.is_inference_mode_enabled() is False
    job.close()
    assert model.network.training


def test_wrong_channels_and_flat_images_are_refused() -> None:
    with pytest.raises(GridError, match="2 channels; expected 1"):
        found_in(Volume(np.zeros((2, 9, 9)), channels=True), SPECS[0])
    with pytest.raises(GridError, match="2D"):
        found_in(Volume(np.zeros((9, 9))), SPECS[3])
    with pytest.raises(ConfigError, match=r"tile is \[16, 16\]; expected 3 numbers"):
        found_in(Volume(np.zeros((9, 9, 9))), SPECS[3], tile=(16, 16))


def test_no_such_device_is_refused() -> None:
    with pytest.raises(ConfigError, match="tpu"):
        finish(predict(levels_model(SPECS[0], TABLE), Volume(np.zeros((4, 4, 4))), device="tpu"))


def test_tiles_become_smaller_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = levels_spec(kind="patches", patch=(96, 96, 96))
    image, truth = scan_of((20, 40, 40), Affine.from_spacing())
    monkeypatch.setattr(planning, "free_bytes", lambda device: 30e6)
    made = found_in(image, spec)
    assert max(made.tile) < 96
    assert min(made.tile) >= 32
    np.testing.assert_array_equal(made.labels.array, truth)


def test_a_tile_of_which_a_network_would_see_one_voxel_is_made_larger() -> None:
    """Its deepest level has to have something to normalise."""
    model = SegmentationModel.new("m", NetworkSettings(base_features=4), levels_spec(), TABLE)
    made = finish(predict(model, Volume(np.zeros((1, 16, 16))), PredictOptions(tile=(10, 16)), device="cpu"))
    assert made.tile == (32, 32)


def test_too_little_memory_is_refused_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "free_bytes", lambda device: 1e5)
    job = predict(levels_model(SPECS[3], TABLE), Volume(np.zeros((64, 64, 64))), device="cpu")
    with pytest.raises(
        ConfigError,
        match=r"takes \d+\.\d\d GB of memory in tiles of 16×16×16; 0\.00 GB are free",
    ):
        next(job)
