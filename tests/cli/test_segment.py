"""``medsynth segment``: an image and a model in, labels on the image's grid out, or one clear line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_medsynth.cli.app import main
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import RecordError
from napari_medsynth.core.labels import Label, LabelTable
from napari_medsynth.core.step import replay
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_sidecar, read_volume, write_case, write_volume
from napari_medsynth.rendering.workers import one_thread
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.prediction import PredictOptions
from napari_medsynth.segmentation.spec import InputSpec
from napari_medsynth.segmentation.step import Segment

TABLE = LabelTable((Label(4, "disc", tissue="disc", colour=(1.0, 0.5, 0.0)), Label(6, "canal")))
SPEC = InputSpec(plane="sagittal", spacing=(1.0, 1.0), patch=(32, 32), modality="MR")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model and an image that it suits."""
    folder = tmp_path_factory.mktemp("segment")
    SegmentationModel.new("tiny", NetworkSettings(base_features=4), SPEC, TABLE, seed=3).save(folder / "tiny")
    array = np.random.default_rng(0).integers(0, 900, (5, 30, 28)).astype(np.int16)
    affine = Affine.from_spacing((4.0, 1.2, 0.9), (1, 2, 3), "LPI")
    write_volume(Volume(array, affine, modality="MR"), folder / "scan.nii.gz")
    return folder


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny images gain nothing from more."""
    with one_thread():
        yield


def run(files: Path, *words: str, image: str = "scan.nii.gz", model: str = "tiny.safetensors") -> int:
    """Segment the scan."""
    return main(["segment", str(files / image), "--model", str(files / model), "--device", "cpu", *words])


def test_labels_are_on_the_image_s_grid_with_names_and_history(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "labels.nii.gz"
    assert run(files, "-o", str(output)) == 0
    labels, image = read_labels(output), read_volume(files / "scan.nii.gz")
    assert labels.same_grid(image)
    assert labels.table == TABLE
    assert set(labels.values()) <= {4, 6}
    (record,) = read_sidecar(output).history
    assert record.step == "segment"
    said = capsys.readouterr().out
    volume = np.count_nonzero(labels.array == 4) * labels.voxel_ml
    assert f"disc: {volume:.2f} mL" in said
    assert str(output) in said


def test_a_history_is_replayed_with_the_same_model_only(files: Path, tmp_path: Path) -> None:
    output = tmp_path / "labels.nii.gz"
    run(files, "-o", str(output))
    history = read_sidecar(output).history
    case = Case(id="scan", image=read_volume(files / "scan.nii.gz"))
    again = replay(case, history)
    assert again.labels is not None
    np.testing.assert_array_equal(again.labels.array, read_labels(output).array)
    SegmentationModel.new("b", NetworkSettings(base_features=4), SPEC, TABLE, seed=4).save(tmp_path / "tiny")
    moved = replace(history[0], config={**history[0].config, "model": str(tmp_path / "tiny.safetensors")})
    with pytest.raises(RecordError, match=r"has weights .*; the record is of"):
        replay(case, (moved,))


def test_the_step_gives_what_the_command_gives(files: Path, tmp_path: Path) -> None:
    run(files, "-o", str(tmp_path / "labels.nii.gz"), "--largest-component")
    case = Case(id="scan", image=read_volume(files / "scan.nii.gz"))
    step = Segment(model=files / "tiny.safetensors", options=PredictOptions(largest_component=True), device="cpu")
    made = step(case, seed=0)
    assert made.labels is not None
    assert made.image is case.image
    np.testing.assert_array_equal(made.labels.array, read_labels(tmp_path / "labels.nii.gz").array)


def test_uncertainty_is_written_beside(files: Path, tmp_path: Path) -> None:
    unsure = tmp_path / "unsure.nii.gz"
    assert run(files, "-o", str(tmp_path / "labels.nii.gz"), "--uncertainty", str(unsure), "--flips", "all") == 0
    volume = read_volume(unsure)
    assert volume.same_grid(read_volume(files / "scan.nii.gz"))
    assert 0 <= volume.array.min() < volume.array.max() <= 1


def test_several_images_go_to_a_folder(files: Path, tmp_path: Path) -> None:
    image = read_volume(files / "scan.nii.gz")
    write_case(Case(id="second", image=image), tmp_path / "second")
    words = [str(files / "scan.nii.gz"), str(tmp_path / "second"), "--model", str(files / "tiny"), "--device", "cpu"]
    assert main(["segment", *words, "-o", str(tmp_path / "found")]) == 0
    first, second = (read_labels(tmp_path / "found" / f"{name}.nii.gz") for name in ("scan", "second"))
    np.testing.assert_array_equal(first.array, second.array)


def test_a_picture_gets_a_picture_of_labels(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (3, 40, 36)).astype(np.uint8)
    write_volume(Volume(colour, channels=True), tmp_path / "picture.png")
    words = [str(tmp_path / "picture.png"), "--model", str(files / "tiny"), "--device", "cpu"]
    assert main(["segment", *words, "-o", str(tmp_path / "labels.png")]) == 0
    assert read_labels(tmp_path / "labels.png").shape == (40, 36)
    assert "mm²" in capsys.readouterr().out


def test_what_is_there_is_not_replaced_unless_told(files: Path, tmp_path: Path) -> None:
    output = tmp_path / "labels.nii.gz"
    output.write_bytes(b"mine")
    assert run(files, "-o", str(output)) == 1
    assert output.read_bytes() == b"mine"
    assert run(files, "-o", str(output), "--overwrite") == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-o", "OUT/labels.txt"], "expected one of .nii.gz"),
        (["-o", "OUT/labels.png"], "cannot hold a volume"),
        (["-o", "OUT/a.nii.gz", "--uncertainty", "OUT/a.nii.gz"], "would be written twice"),
        (["-o", "OUT/a.nii.gz", "--uncertainty", "OUT/a.png"], "expected one of .nii.gz, .nii, .mha, .nrrd"),
        (["-o", "OUT/a.nii.gz", "--device", "tpu"], "device is 'tpu'"),
        (["-o", "OUT/a.nii.gz", "--tile", "32,32,32"], "expected 2 numbers"),
        (["-o", "OUT/a.nii.gz", "--inputs.kind", "slab"], "is no MONAI bundle"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert run(files, *(word.replace("OUT", str(tmp_path)) for word in words)) == 1
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_image_is_not_written_over(files: Path) -> None:
    before = (files / "scan.nii.gz").read_bytes()
    assert run(files, "-o", str(files / "scan.nii.gz"), "--overwrite") == 1
    assert (files / "scan.nii.gz").read_bytes() == before


def test_no_such_model_and_no_such_image(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(files, "-o", str(tmp_path / "a.nii.gz"), model="none.safetensors") == 1
    assert "none.json does not exist" in capsys.readouterr().err
    assert run(files, "-o", str(tmp_path / "a.nii.gz"), image="none.nii.gz") == 1
    assert "none.nii.gz does not exist" in capsys.readouterr().err


def test_a_model_for_another_modality_is_refused_unless_told(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_volume(replace(read_volume(files / "scan.nii.gz"), modality="CT"), tmp_path / "ct.nii.gz")
    words = ["segment", str(tmp_path / "ct.nii.gz"), "--model", str(files / "tiny"), "--device", "cpu"]
    words += ["-o", str(tmp_path / "labels.nii.gz")]
    assert main(words) == 1
    assert "the image is CT; tiny was trained on MR (--anyway tries it)" in capsys.readouterr().err
    assert main([*words, "--anyway"]) == 0


def test_a_bundle_is_a_model_too(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch
    from monai.networks.nets import UNet

    folder = tmp_path / "bundle"
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True)
    network = {
        "_target_": "UNet",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 2,
        "channels": [4, 8],
        "strides": [2],
    }
    (folder / "configs" / "inference.json").write_text(json.dumps({"network_def": network}))
    (folder / "configs" / "metadata.json").write_text(json.dumps({"name": "b"}))
    with torch.random.fork_rng(devices=[]):
        torch.save(UNet(3, 1, 2, (4, 8), (2,)).state_dict(), folder / "models" / "model.pt")
    words = ["segment", str(files / "scan.nii.gz"), "--model", str(folder), "--device", "cpu"]
    words += ["-o", str(tmp_path / "labels.nii.gz")]
    assert main(words) == 1
    assert "does not take" in capsys.readouterr().err
    words += ["--inputs.kind", "patches", "--inputs.patch", "32,32,32", "--inputs.spacing", "2,2,2"]
    assert main(words) == 0
    labels = read_labels(tmp_path / "labels.nii.gz")
    assert labels.same_grid(read_volume(files / "scan.nii.gz"))
    case = replay(
        Case(id="scan", image=read_volume(files / "scan.nii.gz")), read_sidecar(tmp_path / "labels.nii.gz").history
    )
    assert case.labels is not None
    np.testing.assert_array_equal(case.labels.array, labels.array)
