from __future__ import annotations

import json

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import SeedError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume
from napari_medsynth.tumor.seed import SeedInfo, checksum

GOOD = {
    "id": "case-1",
    "source": "case",
    "patient": "case",
    "component": 1,
    "label": 1,
    "organ": "lung",
    "volume_ml": 0.5235987755982988,
    "diameters_mm": [11.0, 10.0, 9.0],
    "core_hu": 30.0,
    "ring_hu": -850,
    "attachment": "isolated",
    "sha256": "0" * 64,
}


def test_an_entry_survives_json():
    info = SeedInfo.from_json(json.loads(json.dumps(GOOD)))
    assert SeedInfo.from_json(json.loads(json.dumps(info.to_json()))) == info
    assert info.diameters_mm == (11.0, 10.0, 9.0)


def test_the_diameter_is_that_of_a_ball_of_the_same_volume():
    assert SeedInfo.from_json(GOOD).diameter_mm == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "../../etc/passwd"),
        ("id", ""),
        ("id", "x" * 65),
        ("id", 7),
        ("source", "x" * 300),
        ("component", 1.5),
        ("component", True),
        ("label", -1),
        ("volume_ml", float("nan")),
        ("volume_ml", float("inf")),
        ("volume_ml", -1.0),
        ("volume_ml", 10**400),
        ("core_hu", "30"),
        ("diameters_mm", [1, 2]),
        ("diameters_mm", [1, 2, float("nan")]),
        ("diameters_mm", "123"),
        ("attachment", "glued"),
        ("sha256", "0" * 63),
    ],
)
def test_an_entry_that_no_seed_could_have_is_refused_in_one_line(key, value):
    with pytest.raises(SeedError) as error:
        SeedInfo.from_json({**GOOD, key: value})
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("entry", [None, [], "x", {}, {**GOOD, "extra": 1}, {k: GOOD[k] for k in list(GOOD)[1:]}])
def test_an_entry_has_exactly_the_known_keys(entry):
    with pytest.raises(SeedError, match="expected a mapping"):
        SeedInfo.from_json(entry)


def test_the_checksum_covers_voxels_mask_type_and_place():
    image = np.arange(27, dtype=np.int16).reshape(3, 3, 3)
    mask = np.zeros((3, 3, 3), dtype=np.uint8)
    mask[1, 1, 1] = 1
    other_voxel, other_mask = image.copy(), mask.copy()
    other_voxel[0, 0, 0] = 9
    other_mask[0, 0, 0] = 1
    moved = Affine.from_spacing(origin=(0, 0, 1))
    sums = {
        checksum(Volume(image), LabelMap(mask)),
        checksum(Volume(other_voxel), LabelMap(mask)),
        checksum(Volume(image), LabelMap(other_mask)),
        checksum(Volume(image.astype(np.int32)), LabelMap(mask)),
        checksum(Volume(image, moved), LabelMap(mask, moved)),
    }
    assert len(sums) == 5
    assert checksum(Volume(image.copy()), LabelMap(mask.copy())) in sums
