"""The step that places tumors: exact ground truth, nothing else changed, made again bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth import Case, InsertTumors, Label, LabelMap, LabelTable, Recipe, Volume
from napari_medsynth.core.errors import ConfigError, GridError, HostError, RecordError, SeedError
from napari_medsynth.core.record import Record
from napari_medsynth.core.step import replay
from napari_medsynth.tumor import Placement, SeedLibrary, Variation, lesion_csv, lesion_rows
from napari_medsynth.tumor.cut import pack, unpack
from organ import airy_organ, made_seed

SMALL = Variation(size="range", diameter_mm=(6, 10))


@pytest.fixture(scope="module")
def case():
    return airy_organ()


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    library = SeedLibrary.create(tmp_path_factory.mktemp("library") / "seeds")
    library.add([made_seed(7.0, seed=1), made_seed(9.0, seed=2, kind="part-solid")])
    return library


@pytest.fixture(scope="module")
def step(library):
    return InsertTumors(library=library.folder, count=(3, 3), variation=SMALL)


@pytest.fixture(scope="module")
def made(case, step):
    return step(case, seed=7)


def test_every_voxel_away_from_the_lesions_is_untouched(case, made):
    changed = made.image.array != case.image.array
    near = np.zeros_like(changed)
    for entry in made.history[-1].params["lesions"]:
        z, y, x = (int(v) for v in entry["centre"])
        near[max(z - 12, 0) : z + 12, max(y - 16, 0) : y + 16, max(x - 16, 0) : x + 16] = True
    assert changed.any()
    assert not (changed & ~near).any()
    assert made.image.array.dtype == case.image.array.dtype
    assert made.image.affine is case.image.affine


def test_labels_and_instances_agree_and_name_the_tumors(case, made):
    assert made.instances.values() == (1, 2, 3)
    value = made.history[-1].params["value"]
    assert made.labels.table[value].tissue == "lesion"
    assert np.array_equal(made.labels.array == value, made.instances.array > 0)
    kept = made.instances.array == 0
    assert np.array_equal(made.labels.array[kept], case.labels.array[kept])
    assert made.labels.table[1].name == "lung"


def test_lesions_are_brighter_than_what_was_there(case, made):
    inside = made.instances.array > 0
    assert np.median(made.image.array[inside]) > np.median(case.image.array[inside]) + 150


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(case, step, made):
    again, other = step(case, seed=7), step(case, seed=8)
    assert again.image.array.tobytes() == made.image.array.tobytes()
    assert again.history == made.history
    assert other.image.array.tobytes() != made.image.array.tobytes()


def test_history_kept_as_json_gives_the_same_voxels_without_the_host(case, made):
    """What a file keeps is enough: the organ that held the lesions in need not be there any more."""
    kept = tuple(Record.from_json(r) for r in json.loads(json.dumps([r.to_json() for r in made.history])))
    again = replay(replace(case, host=None), kept)
    assert np.array_equal(again.image.array, made.image.array)
    assert np.array_equal(again.instances.array, made.instances.array)


def test_recipe_and_call_give_the_same_voxels(case, step, made):
    recipe = Recipe.from_yaml(Recipe(steps=(step,), seed=7).to_yaml())
    assert np.array_equal(recipe(case).image.array, made.image.array)


def test_a_second_step_goes_on_counting(case, step, made):
    twice = step(made, seed=8)
    assert twice.instances.values() == (1, 2, 3, 4, 5, 6)
    assert np.array_equal(
        twice.instances.array[made.instances.array > 0], made.instances.array[made.instances.array > 0]
    )


def test_global_random_state_is_neither_used_nor_touched(case, step, made):
    before = np.random.get_state()[1].copy()
    step(case, seed=7)
    assert np.array_equal(before, np.random.get_state()[1])


def test_made_lesions_need_no_library(case):
    made = InsertTumors(count=(2, 2), kinds=("calcified",), variation=SMALL)(case, seed=1)
    assert made.instances.values() == (1, 2)
    assert "made, calcified" in lesion_csv(made)


def test_sizes_follow_what_was_asked(case):
    """Range 8 to 8 mm: each lesion's own ball has that diameter, within the voxels' coarseness."""
    step = InsertTumors(count=(4, 4), kinds=("solid",), variation=Variation(size="range", diameter_mm=(8, 8)))
    rows = lesion_rows(step(case, seed=5))
    assert len(rows) == 4
    assert all(abs(row.diameter_mm - 8) < 1.2 for row in rows)


def test_an_organ_too_small_is_told_in_the_record_not_passed_over(case, library):
    step = InsertTumors(library=library.folder, count=(2, 2), variation=Variation(size="range", diameter_mm=(100, 110)))
    made = step(case, seed=1)
    assert [m["lesion"] for m in made.history[-1].params["not_placed"]] == [1, 2]
    assert "the host" in made.history[-1].params["not_placed"][0]["why"]
    assert np.array_equal(made.image.array, case.image.array)
    assert made.instances.values() == ()


def test_a_place_chosen_by_hand_is_used_and_what_it_breaks_is_told(case, library):
    step = InsertTumors(library=library.folder, at=((20.0, 36.0, 50.0), (3.0, 6.0, 6.0)), variation=SMALL)
    made = step(case, seed=2)
    [first, second] = lesion_rows(made)
    assert np.allclose(first.figures.centre_zyx, (20, 36, 50), atol=2.5)
    assert np.allclose(second.figures.centre_zyx, (3, 6, 6), atol=2.5)
    assert made.history[-1].params["remarks"] == ["lesion 2: less than 95% of the lesion would lie inside the host"]


def test_a_place_outside_the_scan_is_refused(case, library):
    step = InsertTumors(library=library.folder, at=((500.0, 36.0, 50.0),), variation=SMALL)
    with pytest.raises(HostError, match=r"lies outside the scan of \(40, 72, 72\) voxels"):
        step(case, seed=2)


@pytest.mark.parametrize("orientation", ["SPL", "RAS", "LIP"])
def test_any_orientation_of_the_scan_gives_lesions_inside_its_organ(orientation, library):
    case = airy_organ(orientation=orientation)
    made = InsertTumors(library=library.folder, count=(2, 2), variation=SMALL)(case, seed=3)
    inside = made.instances.array > 0
    assert made.instances.values() == (1, 2)
    assert case.host.array[inside].mean() > 0.94


def test_a_seed_that_changed_since_is_not_used_in_its_place(case, made, tmp_path):
    other = SeedLibrary.create(tmp_path / "other")
    ids = [entry["seed_id"] for entry in made.history[-1].params["lesions"]]
    other.add([replace(s, info=replace(s.info, id=n)) for n in set(ids) for s in [made_seed(6.0, seed=99)]])
    record = made.history[-1]
    moved = Record(
        record.step, record.version, {**record.config, "library": str(tmp_path / "other")}, record.params, {}
    )
    with pytest.raises(RecordError, match="has checksum"):
        replay(case, (moved,))


def test_bad_input_is_told_in_one_line(case, step, tmp_path):
    with pytest.raises(HostError, match="case 'empty' has no image"):
        step(Case(id="empty"), seed=1)
    with pytest.raises(GridError, match=r"shape \(72, 72\); expected \(z, y, x\)"):
        step(Case(id="flat", image=Volume(case.image.array[0])), seed=1)
    nan = Volume(np.where(case.host.array > 0, np.nan, 1.0), case.image.affine)
    with pytest.raises(HostError, match="NaN or infinite"):
        step(Case(id="nan", image=nan), seed=1)
    with pytest.raises(SeedError):
        InsertTumors(library=tmp_path / "nowhere")(case, seed=1)
    with pytest.raises(SeedError, match="none of them fits the settings"):
        replace(step, seed_volume_ml=(500, 600))(case, seed=1)
    with pytest.raises(ConfigError, match="low end first"):
        InsertTumors(count=(3, 1))
    with pytest.raises(ConfigError, match="kinds is empty"):
        InsertTumors(kinds=())


def test_a_soft_tissue_scan_without_lungs_is_refused(step):
    rng = np.random.default_rng(0)
    image = Volume(rng.normal(40, 10, (30, 60, 60)).astype(np.int16), modality="CT")
    with pytest.raises(HostError, match="lung"):
        step(Case(id="belly", image=image), seed=1)


def test_a_wall_that_cuts_a_lesion_is_kept_as_text():
    mask = np.random.default_rng(1).random((5, 7, 9)) > 0.4
    assert np.array_equal(unpack(pack(mask), mask.shape), mask)
    with pytest.raises(RecordError, match="expected 40 for"):
        unpack(pack(mask[:2]), mask.shape)
    with pytest.raises(RecordError, match="damaged"):
        unpack("not base 64!", mask.shape)


def test_pleural_lesions_do_not_grow_into_the_wall(case, library):
    """The wall keeps its voxels: none outside the organ becomes darker or is called tumor."""
    step = InsertTumors(
        library=library.folder, count=(4, 4), variation=SMALL, placement=Placement(wall="juxta-pleural", inside=0.7)
    )
    made = step(case, seed=4)
    assert len(made.instances.values()) == 4
    outside = case.host.array == 0
    assert not (made.instances.array[outside] > 0).any()
    assert (made.image.array[outside] >= case.image.array[outside]).all()


def test_labels_grow_to_hold_many_lesions(case):
    crowded = replace(case, instances=LabelMap(np.full(case.image.shape, 0, np.uint16), case.image.affine))
    many = np.zeros(case.image.shape, np.uint8)
    many[0, 0, 0] = 255
    crowded = replace(crowded, instances=LabelMap(many, case.image.affine))
    made = InsertTumors(count=(1, 1), variation=SMALL)(crowded, seed=1)
    assert made.instances.values() == (255, 256)


@pytest.mark.parametrize(("name", "value"), [("", 2), ("GTV", None)])
def test_tumors_that_the_label_map_has_already_are_kept_clear_of(case, library, name, value):
    """They are known by the value that new ones get, or by a name, also where the table tells no tissue."""
    labels = case.labels.array.copy()
    labels[14:26, 24:48, 24:48] = 2
    table = LabelTable((*case.labels.table, Label(2, name))) if name else case.labels.table
    sick = replace(case, labels=LabelMap(labels, case.image.affine, table))
    step = InsertTumors(
        library=library.folder, count=(6, 6), value=value, variation=SMALL, placement=Placement(gap_mm=4, vessels=1)
    )
    made = step(sick, seed=6)
    new = np.argwhere(made.instances.array > 0)
    away = np.maximum(np.maximum((14, 24, 24) - new, new - (25, 47, 47)), 0) * case.image.spacing
    assert len(made.instances.values()) >= 3
    assert made.history[-1].params["value"] == 2
    assert np.linalg.norm(away, axis=1).min() > 4
