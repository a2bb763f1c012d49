"""Models from strangers: nothing in them runs, nothing is written, and damage is one clear error."""

from __future__ import annotations

import json
import os
import pickle  # noqa: TID251 - to make what must never be unpickled
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_medsynth.cli.app import main
from napari_medsynth.core.errors import ReadError
from napari_medsynth.core.labels import LabelTable
from napari_medsynth.learning.foreign_weights import read_foreign_weights
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.spec import InputSpec

SPEC = InputSpec(kind="patches", patch=(32, 32, 32))
UNET = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": "@classes",
    "channels": [4, 8],
    "strides": [2],
    "norm": "batch",
}


class Bomb:
    """Makes a file if it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that an attack would make."""
    return tmp_path / "it_ran"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small model on disk."""
    made = SegmentationModel.new(
        "m", NetworkSettings(base_features=4), InputSpec(patch=(32, 32)), LabelTable.from_names({1: "a"})
    )
    return made.save(tmp_path / "model")


def unet_weights(classes: int = 3) -> dict[str, torch.Tensor]:
    """Weights of the network above."""
    from monai.networks.nets import UNet

    return UNet(3, 1, classes, (4, 8), (2,), norm="batch").state_dict()  # type: ignore[no-any-return]


def bundle(
    folder: Path, network: object = UNET, weights: object = None, metadata: object = None, **config: object
) -> Path:
    """Write a bundle as MONAI has them."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    described = {"imports": ["$import os"], "classes": 3, "network_def": network, **config}
    (folder / "configs" / "inference.json").write_text(json.dumps(described))
    names = {"channel_def": {"0": "background", "1": "spleen", "2": "tumor"}}
    known = {
        "name": "two organs",
        "network_data_format": {"inputs": {"image": {"modality": "CT"}}, "outputs": {"pred": names}},
    }
    (folder / "configs" / "metadata.json").write_text(json.dumps(known if metadata is None else metadata))
    torch.save(unet_weights() if weights is None else weights, folder / "models" / "model.pt")
    return folder


def test_a_bundle_gives_its_network_and_names(tmp_path: Path) -> None:
    made = SegmentationModel.from_bundle(bundle(tmp_path / "b"), SPEC)
    assert [e.name for e in made.labels] == ["spleen", "tumor"]
    assert (made.card.name, made.spec.modality, made.divisor) == ("two organs", "CT", 2)
    assert not made.network.training


def test_a_bundle_s_network_sees_its_axes_in_monai_s_order(tmp_path: Path) -> None:
    """MONAI's arrays are (x, y, z); ours are (z, y, x)."""
    from monai.networks.nets import UNet

    plain = UNet(3, 1, 3, (4, 8), (2,), norm="batch").eval()
    plain.load_state_dict(unet := unet_weights())
    made = SegmentationModel.from_bundle(bundle(tmp_path / "b", weights=unet), SPEC)
    image = torch.rand(1, 1, 8, 12, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = plain(image.permute(0, 1, 4, 3, 2)).permute(0, 1, 4, 3, 2)
        torch.testing.assert_close(made.network(image), expected)


def test_a_bundle_s_model_can_be_saved_and_read_again(tmp_path: Path) -> None:
    made = SegmentationModel.from_bundle(bundle(tmp_path / "b"), SPEC)
    again = SegmentationModel.read(made.save(tmp_path / "kept"))
    image = torch.rand(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(again.network(image), made.network(image))
    assert again.labels == made.labels


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("$__import__('os').system('touch MARK')", "expected one with a '_target_'"),
        ({"_target_": "os.system", "command": "touch MARK"}, "expected one of monai.networks.nets"),
        ({"_target_": "subprocess.run", "args": ["touch", "MARK"]}, "expected one of monai.networks.nets"),
        ({"_target_": "monai.networks.nets.TorchVisionFCModel"}, "expected one of MONAI's UNet"),
        ({"_target_": "monai.networks.nets.UNet.__init__"}, "expected one of"),
        ({**UNET, "in_channels": "$__import__('os').system('touch MARK')"}, "expected numbers, words"),
        ({**UNET, "norm": {"_target_": "os.system", "command": "touch MARK"}}, "expected numbers, words"),
        ({**UNET, "act": "@attack"}, "expected numbers, words"),
        ({**UNET, "act": "@imports#7"}, "expected an entry of its own"),
        ({**UNET, "act": "@loop"}, "nested too deeply"),
        ({**UNET, "act": "%other.json::attack"}, "expected numbers, words"),
        ({**UNET, "channels": [10**9, 10**9]}, "expected numbers, words"),
        ({**UNET, "channels": [4096, 4096]}, "weights are not those"),
        ({**UNET, "channels": [[[[[[[[1]]]]]]]]}, "expected numbers, words|nested too deeply"),
        ({**UNET, "colour": "red"}, "cannot be made of these arguments"),
        ({**UNET, "norm": "magic"}, "cannot be made of these arguments"),
        ({**UNET, "in_channels": 2}, "weights are not those"),
    ],
)
def test_no_description_of_a_network_runs_or_takes_more_than_its_weights(
    tmp_path: Path, mark: Path, network: object, reason: str
) -> None:
    described = json.loads(json.dumps(network).replace("MARK", str(mark)))
    attack = {"attack": {"_target_": "os.system", "command": f"touch {mark}"}, "loop": "@loop"}
    with pytest.raises(ReadError, match=reason):
        SegmentationModel.from_bundle(bundle(tmp_path / "b", described, **attack), SPEC)
    assert not mark.exists()


def test_what_a_bundle_s_other_entries_say_never_runs(tmp_path: Path, mark: Path) -> None:
    attack = f"$__import__('os').system('touch {mark}')"
    SegmentationModel.from_bundle(bundle(tmp_path / "b", initialize=[attack], device=attack), SPEC)
    assert not mark.exists()


def test_pickled_weights_never_run(tmp_path: Path, mark: Path) -> None:
    with pytest.raises(ReadError, match="nothing of it was executed"):
        SegmentationModel.from_bundle(bundle(tmp_path / "b", weights={"a": Bomb(mark)}), SPEC)
    assert not mark.exists()


def test_a_plain_pickle_is_no_weights(tmp_path: Path, mark: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(ReadError, match="not an archive of PyTorch's"):
        read_foreign_weights(path)
    assert not mark.exists()


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("model/data/0", bytes(10**7))
    with pytest.raises(ReadError, match="compressed parts"):
        read_foreign_weights(path)


@pytest.mark.parametrize("content", [{"a": 1}, [1, 2], {}, torch.zeros(3), {"state_dict": {"a": "b"}}])
def test_what_is_not_tensors_by_name_is_no_weights(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(ReadError, match="expected tensors by name"):
        read_foreign_weights(tmp_path / "model.pt")


def test_weights_beside_an_optimizer_are_found(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "state_dict": {"a": torch.ones(2)}}, tmp_path / "model.pt")
    assert list(read_foreign_weights(tmp_path / "model.pt")) == ["a"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_weights_that_are_cut_short_are_refused(tmp_path: Path, share: float) -> None:
    path = bundle(tmp_path / "b") / "models" / "model.pt"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ReadError, match=r"model\.pt"):
        SegmentationModel.from_bundle(tmp_path / "b", SPEC)


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        (
            {"network_data_format": {"outputs": {"pred": {"channel_def": {"0": "tumor core", "1": "edema"}}}}},
            "background first",
        ),
        ([], "expected a mapping"),
    ],
)
def test_metadata_that_cannot_be_used_is_refused(tmp_path: Path, metadata: object, reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        SegmentationModel.from_bundle(bundle(tmp_path / "b", metadata=metadata), SPEC)


def test_metadata_of_odd_types_is_passed_over(tmp_path: Path) -> None:
    odd = {"name": 7, "network_data_format": {"inputs": 3, "outputs": {"pred": {"channel_def": [1]}}}}
    made = SegmentationModel.from_bundle(bundle(tmp_path / "b", metadata=odd), SPEC)
    assert [e.name for e in made.labels] == ["label 1", "label 2"]


def test_a_bundle_of_another_orientation_is_refused(tmp_path: Path) -> None:
    steps = {"_target_": "Compose", "transforms": [{"_target_": "Orientationd", "keys": "image", "axcodes": "LPS"}]}
    with pytest.raises(ReadError, match="orientation 'LPS'; expected RAS"):
        SegmentationModel.from_bundle(bundle(tmp_path / "b", preprocessing=steps), SPEC)


def test_a_bundle_that_does_not_fit_what_it_is_given_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="does not take 2 channels"):
        SegmentationModel.from_bundle(bundle(tmp_path / "b"), InputSpec(kind="patches", patch=(32, 32, 32), channels=2))


@pytest.mark.parametrize("place", [0, 9, 200, -1])
def test_a_model_with_one_byte_changed_is_refused(model: Path, place: int) -> None:
    data = bytearray(model.read_bytes())
    data[place] ^= 1
    model.write_bytes(data)
    with pytest.raises(ReadError, match=r"model\.safetensors has checksum .* damaged"):
        SegmentationModel.read(model)


def test_a_model_with_the_card_of_another_is_refused(model: Path, tmp_path: Path) -> None:
    other = SegmentationModel.read(model).save(tmp_path / "other", name="other")
    torch_free = json.loads(other.with_suffix(".json").read_text(encoding="utf-8"))
    torch_free["weights_sha256"] = "0" * 64
    model.with_suffix(".json").write_text(json.dumps(torch_free))
    with pytest.raises(ReadError, match="another model's"):
        SegmentationModel.read(model)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 8,
        struct.pack("<Q", 2**60) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 90_000_000) + b"{" * 99,
    ],
)
def test_a_header_that_claims_too_much_is_refused(model: Path, data: bytes) -> None:
    import hashlib

    model.write_bytes(data)
    card = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    card["weights_sha256"] = hashlib.sha256(data).hexdigest()
    model.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(ReadError, match="not a whole safetensors file"):
        SegmentationModel.read(model)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"network": {"name": "os.system"}}, "NetworkSettings|network"),
        ({"network": {"architecture": "os.system", "arguments": {}}}, "expected one of MONAI's"),
        ({"network": {"architecture": "UNet", "arguments": {"act": "$import os"}}}, "expected numbers, words"),
        ({"network": {"architecture": "UNet"}}, "expected 'architecture' and 'arguments'"),
        ({"inputs": {"spacing": "x"}}, "spacing"),
        ({"kind": "generative"}, "kind 'generative'"),
        ({"labels": [{"value": 1, "name": "a"}, {"value": 1, "name": "b"}]}, "more than once"),
        ({"labels": []}, "weights .* are not those of the network"),
    ],
)
def test_a_card_that_lies_is_refused(model: Path, changes: dict[str, Any], reason: str) -> None:
    card = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))
    model.with_suffix(".json").write_text(json.dumps({**card, **changes}))
    with pytest.raises(ReadError, match=reason):
        SegmentationModel.read(model)


def test_verify_checks_models(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(model)]) == 0
    data = model.read_bytes()
    model.write_bytes(data[:-1])
    assert main(["verify", str(model)]) == 1
    assert "damaged" in capsys.readouterr().out
