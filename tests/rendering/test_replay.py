"""A rendering can be made again, bit for bit, from its record; and switching one stage changes no other."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_medsynth import Case, LabelMap, LabelTable, Recipe, Render, read_case, write_case
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import GridError, RecordError
from napari_medsynth.core.record import Record
from napari_medsynth.core.rng import stream
from napari_medsynth.core.step import replay
from napari_medsynth.rendering.stages import ARTEFACTS, STAGES

#: Values that mean something in the scheme of each preset.
VALUES = {
    "synthseg": (3, 2, 4, 10, 24),
    "spine-t2": (100, 3, 2, 203, 202),
    "breast-us": (1, 1, 1, 1, 1),
    "abdomen-ct": (5, 2, 3, 1, 13),
}
SHAPE, SPACING = (20, 28, 24), (2.0, 1.0, 1.5)
OFF = {"prob": 0.0}
ARTEFACT_NAMES = [stage.name for stage in ARTEFACTS]
#: So that each can be seen at work, whatever the preset.
STRONG = {"prob": 1.0, "strength": (0.6, 0.6)}


def labelled(preset="synthseg", shape=SHAPE, dtype=np.uint8):
    array = np.zeros(shape, dtype)
    for number, value in enumerate(VALUES[preset]):
        array[tuple(slice(n * (number + 1) // 14, n - n * (number + 2) // 14) for n in shape)] = value
    return Case(id="case", labels=LabelMap(array, Affine.from_spacing(SPACING[-len(shape) :], (5.0, -3.0, 8.0))))


def same(first, second):
    """Every part of two cases has the same bytes and lies in the same place."""
    for name in ("image", "labels", "instances"):
        mine, theirs = getattr(first, name), getattr(second, name)
        assert (mine is None) == (theirs is None), name
        if mine is not None:
            assert mine.array.dtype == theirs.array.dtype
            assert mine.array.tobytes() == theirs.array.tobytes(), name
            assert mine.same_grid(theirs)


def strong(name):
    """An artefact so strong that it shows; noise has its strength in the image's unit."""
    return {name: {"prob": 1.0, "std": (0.1, 0.1)} if name == "noise" else STRONG}


@pytest.mark.parametrize("preset", VALUES)
@pytest.mark.parametrize("grid", ["labels", "acquisition"])
def test_the_history_makes_the_same_bytes_again(preset, grid):
    case = labelled(preset)
    for seed in range(3):
        made = Render(preset=preset, grid=grid)(case, seed=seed)
        same(made, replay(case, made.history))
        same(made, Render(preset=preset, grid=grid)(case, seed=seed))


@pytest.mark.parametrize("name", ARTEFACT_NAMES)
def test_each_artefact_is_replayed_and_changes_the_image(name):
    case = labelled()
    step = Render(preset="synthseg", **strong(name))
    made = step(case, seed=3)
    assert made.history[-1].params["channels"][0][name]
    same(made, replay(case, made.history))
    plain = Render(preset="synthseg")(case, seed=3)
    assert not np.array_equal(made.image.array, plain.image.array)
    assert np.array_equal(made.labels.array, plain.labels.array)


def test_everything_at_once_is_replayed_through_a_folder(tmp_path):
    """All artefacts, two channels, a crop, texture: written, read, replayed in another process."""
    everything = {key: value for name in ARTEFACT_NAMES for key, value in strong(name).items()}
    step = Render(
        preset="brain-t1", also=("brain-t2",), contrast_alpha=0.3, crop=(12, 20, 16), texture={}, **everything
    )
    case = labelled()
    write_case(case, tmp_path / "before")
    made = step(case, seed=5)
    write_case(made, tmp_path / "after")
    back = read_case(tmp_path / "after")
    same(made, back)
    assert back.image.array.shape == (2, 12, 20, 16)
    same(made, replay(read_case(tmp_path / "before"), back.history))
    code = (
        "import sys; from napari_medsynth import read_case; from napari_medsynth.core.step import replay;"
        "before, after = map(read_case, sys.argv[1:]); made = replay(before, after.history);"
        "assert made.image.array.tobytes() == after.image.array.tobytes();"
        "assert made.labels.array.tobytes() == after.labels.array.tobytes()"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "before", tmp_path / "after"], check=True, timeout=120)


def test_a_recipe_in_yaml_makes_the_same_bytes():
    step = Render(
        preset="spine-t2", contrast_alpha=0.5, noise={"std": (0.03, 0.03)}, motion=STRONG, tissues=((4, "csf"),)
    )
    recipe = Recipe(steps=(step,), seed=9)
    again = Recipe.from_yaml(recipe.to_yaml())
    assert again == recipe
    same(recipe(labelled("spine-t2")), again(labelled("spine-t2")))


def test_two_renderings_in_one_recipe_differ_and_are_replayed():
    case = labelled()
    made = Recipe(steps=(Render(), Render()), seed=4)(case)
    once = Recipe(steps=(Render(),), seed=4)(case)
    assert len(made.history) == 2
    assert made.history[0].params == once.history[0].params
    assert made.history[1].params["seed"] != made.history[0].params["seed"]
    same(made, replay(case, made.history))


def test_a_history_of_another_grid_or_other_labels_is_refused():
    """What was drawn for one label map is not quietly done to another."""
    case = labelled()
    history = Render()(case, seed=1).history
    shifted = LabelMap(case.labels.array, case.labels.affine.shifted((0, 0, 3)))
    for other in (LabelMap(case.labels.array[:, 1:], case.labels.affine), shifted):
        with pytest.raises(GridError, match="expected the same grid"):
            replay(Case(id="other", labels=other), history)
    other = LabelMap(np.where(case.labels.array == 3, 17, case.labels.array), case.labels.affine)
    with pytest.raises(RecordError, match=r"no intensities for labels \[17\]; expected its own label map"):
        replay(Case(id="other", labels=other), history)


def test_a_prior_is_that_of_the_first_channel(tmp_path):
    path = tmp_path / "dark.yaml"
    path.write_text("default: {mean: 1, std: 0}")
    case, also = labelled("spine-t2"), ("spine-t1",)
    own, dark = (
        Render(preset="spine-t2", also=also, prior=prior).draw(case, stream(1))["channels"] for prior in (None, path)
    )
    assert {mean for _, mean, _ in dark[0]["intensities"]} == {1.0}
    assert dark[1] == own[1]


def test_a_2d_case_is_replayed():
    case = labelled(shape=SHAPE[1:])
    everything = {key: value for name in ARTEFACT_NAMES for key, value in strong(name).items()}
    made = Render(preset="synthseg", texture={}, **everything)(case, seed=2)
    assert made.image.shape == SHAPE[1:]
    same(made, replay(case, made.history))


def test_labels_of_16_bits_give_the_same_image_as_of_8():
    """Below 256, the type of the array makes no difference."""
    eight, sixteen = labelled(), labelled(dtype=np.uint16)
    same_image = [Render()(case, seed=6).image.array.tobytes() for case in (eight, sixteen)]
    assert same_image[0] == same_image[1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_mirrored_label_keeps_its_intensity_whether_its_partner_is_there_or_not(dtype):
    """White matter has two sides, cortex one: mirrored, it is called the other side's and looks as it did."""
    array = np.zeros((12, 20, 20), dtype)
    array[2:10, 3:17, 3:9], array[2:10, 3:17, 11:17], array[4:8, 6:12, 13:16] = 2, 41, 3
    still = dict.fromkeys(("warp", "bias_field", "intensity", "resolution"), OFF)
    made = Render(**still, flip={"prob": 1})(Case(id="brain", labels=LabelMap(array)), seed=3)
    means = {int(row[0]): row[1] for row in made.history[-1].params["channels"][0]["intensities"]}
    assert set(np.unique(made.labels.array)) == {0, 2, 41, 42}
    for value, source in ((2, 2), (41, 41), (42, 3)):
        assert made.image.array[made.labels.array == value].mean() == pytest.approx(means[source], abs=6)


# ---- what a record holds


@pytest.mark.parametrize("preset", VALUES)
def test_a_record_is_small_and_holds_no_field(preset):
    """Fields are made again from their seeds: the record of a rendering is a few kilobytes, and all of it is JSON."""
    everything = {key: value for name in ARTEFACT_NAMES for key, value in strong(name).items()}
    made = Render(preset=preset, texture={}, **everything)(labelled(preset), seed=1)
    text = json.dumps(made.history[-1].to_json())
    assert len(text) < 20_000
    same(made, replay(labelled(preset), (Record.from_json(json.loads(text)),)))


def test_numbers_in_a_record_have_six_digits_at_most():
    everything = {key: value for name in ARTEFACT_NAMES for key, value in strong(name).items()}
    params = Render(preset="brain-t1", contrast_alpha=0.37, texture={}, **everything).draw(labelled(), stream(3))

    def numbers(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return [n for part in value for n in numbers(part)]
        return [value] if isinstance(value, float) else []

    found = numbers(params["channels"] + [params["warp"]])
    assert len(found) > 50
    assert all(round(n, 6) == n for n in found)


# ---- stages do not disturb one another


def drawn(case, **settings):
    return Render(preset="synthseg", **settings).draw(case, stream(12))


def others(params, name):
    """Everything that was drawn but what one stage did."""
    channels = [{key: value for key, value in channel.items() if key != name} for channel in params["channels"]]
    return {key: value for key, value in params.items() if key not in (name, "channels")} | {"channels": channels}


@pytest.mark.parametrize("name", STAGES)
def test_switching_a_stage_changes_what_no_other_draws(name):
    case = labelled()
    on, off, often = (drawn(case, **{name: {"prob": p}}) for p in (1.0, 0.0, 0.999999))
    assert others(on, name) == others(off, name) == others(often, name) == others(drawn(case), name)
    where = (lambda p: p[name]) if name in ("warp", "flip") else (lambda p: p["channels"][0][name])
    assert where(on)
    assert where(off) is None
    assert where(on) == where(often)


def test_another_contrast_changes_neither_shape_nor_scanner():
    case = labelled()
    first = Render(preset="brain-t1").draw(case, stream(1))
    second = Render(preset="brain-t1", contrast_alpha=0.5).draw(case, stream(1))
    assert first["warp"] == second["warp"]
    assert others(first, "intensities") == others(second, "intensities")
    assert first["channels"][0]["intensities"] != second["channels"][0]["intensities"]


def test_the_way_from_one_contrast_to_the_other_is_smooth():
    """Mean and deviation of every label move in a straight line with alpha; its ends are the two presets."""
    case = labelled()
    alphas = (0.0, 0.25, 0.5, 1.0)
    rows = np.array(
        [
            Render(preset="brain-t1", contrast_alpha=a).draw(case, stream(1))["channels"][0]["intensities"]
            for a in alphas
        ]
    )
    for alpha, row in zip(alphas, rows, strict=True):
        assert np.allclose(row, rows[0] + alpha * (rows[-1] - rows[0]), atol=2e-6)
    ends = [Render(preset=p).draw(case, stream(1))["channels"][0]["intensities"] for p in ("brain-t1", "brain-t2")]
    assert np.allclose(rows[0], ends[0])
    assert np.allclose(rows[-1], ends[1])


def test_one_more_label_changes_no_other():
    case = labelled()
    more = case.labels.array.copy()
    more[:2] = 16
    params = [Render(preset="synthseg").draw(c, stream(8)) for c in (case, replace(case, labels=LabelMap(more)))]
    few, many = ({int(row[0]): row for row in p["channels"][0]["intensities"]} for p in params)
    assert set(many) - set(few) == {16}
    assert all(many[value] == row for value, row in few.items())
    assert params[0]["warp"]["scaling"] == params[1]["warp"]["scaling"]


def test_a_channel_more_changes_none_before():
    case = labelled()
    one = Render(preset="brain-t1").draw(case, stream(2))
    two = Render(preset="brain-t1", also=("brain-t2", "brain-t1")).draw(case, stream(2))
    assert two["channels"][0] == one["channels"][0]
    assert two["channels"][2]["intensities"] != one["channels"][0]["intensities"]
    assert two["warp"] == one["warp"]


def test_an_image_does_not_depend_on_what_its_label_table_says_besides():
    """Colours and names that no preset knows of change nothing where every label has a class of its own."""
    case = labelled()
    named = replace(case.labels, table=LabelTable.from_names({2: "left thing", 16: "unused"}))
    still = {"flip": OFF}
    first, second = (Render(**still)(replace(case, labels=labels), seed=1) for labels in (case.labels, named))
    assert first.image.shape == second.image.shape
    assert np.array_equal(first.labels.array, second.labels.array)
