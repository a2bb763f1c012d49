"""What an image file cannot hold lies beside it, and files of others stay as they are."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ReadError, WriteError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.record import Record
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_sidecar, read_volume, verify, write_labels, write_volume

HISTORY = (Record("insert_tumors", 1, {"count": [1, 3]}, {"at": [1, 2, 3], "hü": 0.1}, {"seed": 7}),)
TABLE = LabelTable((Label(1, "right lung", "lung", "right", (0.1, 0.2, 0.3)), Label(7, "tumor")))
IMAGE = Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
MASK = LabelMap(np.ones((2, 3, 4), np.uint8), table=TABLE)


@pytest.mark.parametrize("name", ["scan.nii.gz", "scan.nii", "scan.mha", "scan.nrrd"])
def test_history_and_modality_come_back(tmp_path, name):
    write_volume(Volume(IMAGE.array, modality="CT"), tmp_path / name, history=HISTORY)
    assert (tmp_path / "scan.json").is_file()
    assert read_sidecar(tmp_path / name).history == HISTORY
    assert read_volume(tmp_path / name).modality == "CT"
    assert read_volume(tmp_path / name, modality="MR").modality == "MR"
    assert verify(tmp_path / name) == []


def test_the_label_table_comes_back(tmp_path):
    write_labels(MASK, tmp_path / "mask.nii.gz", history=HISTORY)
    assert read_labels(tmp_path / "mask.nii.gz").table == TABLE
    assert read_sidecar(tmp_path / "mask.nii.gz").history == HISTORY


def test_png_keeps_its_place(tmp_path):
    flat = Volume(np.ones((3, 4), np.uint8), Affine.from_spacing((0.5, 0.25), (1, 2, 3), "LSP"))
    write_volume(flat, tmp_path / "flat.png")
    assert np.array_equal(read_volume(tmp_path / "flat.png").affine.matrix, flat.affine.matrix)


def test_nothing_to_keep_makes_no_sidecar_and_removes_an_old_one(tmp_path):
    write_volume(IMAGE, tmp_path / "scan.nii.gz", history=HISTORY)
    write_volume(IMAGE, tmp_path / "scan.nii.gz")
    assert [p.name for p in tmp_path.iterdir()] == ["scan.nii.gz"]
    assert read_sidecar(tmp_path / "scan.nii.gz").is_empty


def test_keys_of_others_stay(tmp_path):
    """BIDS and dcm2niix put their own file there."""
    (tmp_path / "scan.json").write_text('{"Modality": "MR", "EchoTime": 0.03}')
    (tmp_path / "scan.nii.gz").write_bytes(b"")
    assert read_sidecar(tmp_path / "scan.nii.gz").modality == ""
    write_volume(IMAGE, tmp_path / "scan.nii.gz", history=HISTORY)
    assert read_sidecar(tmp_path / "scan.nii.gz").history == HISTORY
    write_volume(IMAGE, tmp_path / "scan.nii.gz")
    assert json.loads((tmp_path / "scan.json").read_bytes()) == {"Modality": "MR", "EchoTime": 0.03}


@pytest.mark.parametrize("text", ["no JSON", "[1, 2]", "{" * 100_000])
def test_a_file_that_cannot_be_kept_is_not_overwritten(tmp_path, text):
    (tmp_path / "scan.json").write_text(text, encoding="utf-8")
    with pytest.raises(WriteError, match=r"scan\.nii needs a sidecar in a place that is taken: .*scan\.json"):
        write_volume(IMAGE, tmp_path / "scan.nii", history=HISTORY)
    assert [p.name for p in tmp_path.iterdir()] == ["scan.json"]
    assert (tmp_path / "scan.json").read_text() == text


def test_two_images_of_one_stem_do_not_share_a_sidecar(tmp_path):
    write_volume(IMAGE, tmp_path / "scan.nii.gz", history=HISTORY)
    with pytest.raises(WriteError, match=r"scan\.json describes scan\.nii\.gz; choose another name than scan\.mha"):
        write_volume(IMAGE, tmp_path / "scan.mha")
    (tmp_path / "scan.png").write_bytes(b"")
    assert read_sidecar(tmp_path / "scan.png").is_empty


def test_a_renamed_pair_stays_a_pair(tmp_path):
    write_volume(IMAGE, tmp_path / "scan.nii.gz", history=HISTORY)
    (tmp_path / "scan.nii.gz").rename(tmp_path / "other.nii.gz")
    (tmp_path / "scan.json").rename(tmp_path / "other.json")
    assert read_sidecar(tmp_path / "other.nii.gz").history == HISTORY
    assert verify(tmp_path / "other.nii.gz") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, r"has version 2; this installation reads up to 1 \(update"),
        ({"version": "1"}, "has version '1'"),
        ({"history": 5}, "history = int"),
        ({"history": [{"step": 1}]}, "history record"),
        ({"labels": [{"value": -1, "name": "x"}]}, "value -1"),
        ({"labels": [{"value": 1, "name": "x", "colour": 5}]}, "damaged"),
        ({"modality": 5}, "modality = 5"),
        ({"affine": [[1, 2], [3, 4]]}, "damaged: affine has shape"),
        ({"affine": "no"}, "damaged"),
        ({"file": 3}, "damaged"),
    ],
)
def test_a_damaged_or_newer_sidecar_is_an_error(tmp_path, change, message):
    write_volume(IMAGE, tmp_path / "scan.nii", history=HISTORY)
    value = json.loads((tmp_path / "scan.json").read_bytes())
    value["napari-medsynth"].update(change)
    (tmp_path / "scan.json").write_text(json.dumps(value))
    with pytest.raises(ReadError, match=rf"scan\.json.*{message}"):
        read_volume(tmp_path / "scan.nii")


def test_an_image_that_was_altered_or_replaced_is_found(tmp_path):
    write_volume(IMAGE, tmp_path / "scan.nii", history=HISTORY)
    data = bytearray((tmp_path / "scan.nii").read_bytes())
    data[-1] ^= 1
    (tmp_path / "scan.nii").write_bytes(data)
    assert verify(tmp_path / "scan.nii") == [
        f"{tmp_path / 'scan.nii'} is altered: its checksum is not the recorded one"
    ]
    (tmp_path / "scan.nii").write_bytes(data[:-2])
    assert "cut short" in verify(tmp_path / "scan.nii")[0]
    (tmp_path / "scan.nii").unlink()
    assert "missing" in verify(tmp_path / "scan.nii")[0]


def test_without_a_sidecar_an_image_is_read_in_full(tmp_path):
    write_volume(IMAGE, tmp_path / "scan.nii.gz")
    assert verify(tmp_path / "scan.nii.gz") == []
    data = (tmp_path / "scan.nii.gz").read_bytes()
    (tmp_path / "scan.nii.gz").write_bytes(data[:-1])
    assert "cut short or damaged" in verify(tmp_path / "scan.nii.gz")[0]
