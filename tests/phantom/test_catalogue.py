"""The catalogue of the classic anatomy is the documentation's; unknown names are answered with the nearest."""

from __future__ import annotations

import pytest

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.phantom.catalogue import catalogue

#: The tables of the phantom documentation: width × depth × height, intensity, shape.
DOCUMENTED = {
    "left_lung": ((0.15, 0.25, 0.35), 150, "ellipsoid"),
    "right_lung": ((0.18, 0.25, 0.35), 150, "ellipsoid"),
    "heart": ((0.12, 0.15, 0.2), 200, "ellipsoid"),
    "liver": ((0.25, 0.2, 0.3), 180, "ellipsoid"),
    "spleen": ((0.08, 0.1, 0.15), 170, "ellipsoid"),
    "pancreas": ((0.15, 0.04, 0.08), 160, "ellipsoid"),
    "left_kidney": ((0.08, 0.12, 0.15), 160, "kidney"),
    "right_kidney": ((0.08, 0.12, 0.15), 160, "kidney"),
    **{f"L{n}": ((0.06, 0.06, 0.08), 220, "cylinder") for n in range(1, 6)},
}


def test_the_targets_are_the_documented_structures_in_the_documented_order():
    assert [entry.name for entry in catalogue("classic").targets] == list(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_size_intensity_and_shape_are_the_documented_ones(name):
    entry = catalogue("classic")[name]
    size, intensity, shape = DOCUMENTED[name]
    assert (entry.size[::-1], entry.intensity, entry.shape) == (size, intensity, shape)


def test_positions_are_those_that_the_document_tells_in_words():
    known = catalogue("classic")
    for name in ("left_lung", "left_kidney", "spleen"):
        assert known[name].centre[2] > 0, "the patient's left is +x"
    for name in ("right_lung", "right_kidney", "liver"):
        assert known[name].centre[2] < 0
    heights = [known[name].centre[0] for name in ("left_lung", "heart", "liver", "L3", "L4", "L5")]
    assert heights == sorted(heights, reverse=True)
    assert min(known[f"L{n}"].centre[1] for n in range(1, 6)) > max(
        known[name].centre[1] for name in DOCUMENTED if not name.startswith("L")
    )


def test_the_body_is_context_not_a_target():
    body = catalogue("classic")["body"]
    assert not body.target
    assert "body" not in catalogue("classic").names


def test_a_side_is_in_the_label_table_for_what_has_one():
    sides = {label.name: label.side for label in catalogue("classic").table}
    assert {name: side for name, side in sides.items() if side} == {
        "left_lung": "left",
        "right_lung": "right",
        "spleen": "left",
        "left_kidney": "left",
        "right_kidney": "right",
    }


def test_a_group_stands_for_its_members_and_their_members():
    known = catalogue("classic")
    assert known.members(["thoracic"]) == {"left_lung", "right_lung", "heart"}
    assert known.members(["spine", "heart"]) == {"L1", "L2", "L3", "L4", "L5", "heart"}
    assert known.members(["thoracic", "abdominal"]) == {entry.name for entry in known.targets}


def test_an_unknown_structure_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="'classic' has no structure 'left_kidny'; did you mean 'left_kidney'"):
        catalogue("classic").members(["left_kidny"])
    with pytest.raises(ConfigError, match="did you mean 'pancreas'"):
        catalogue("classic")["pancrea"]


def test_every_region_lies_in_the_field_of_view():
    for region in catalogue("classic").regions.values():
        for centre, extent in zip(region.centre, region.extent, strict=True):
            assert abs(centre) + extent / 2 <= 0.5
