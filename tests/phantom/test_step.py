"""The phantom step: form, record, replay, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.record import Record
from napari_medsynth.core.settings import about
from napari_medsynth.core.step import replay, step_class
from napari_medsynth.core.yaml_text import read_yaml
from napari_medsynth.phantom import scenarios
from napari_medsynth.phantom.step import Phantom

EMPTY = Case(id="p")
SMALL = (32, 32, 24)


def made(seed=0, **settings):
    return Phantom(**{"image_size": SMALL, **settings})(EMPTY, seed=seed)


def params(case):
    return case.history[-1].params


def test_it_is_found_by_its_name():
    assert step_class("phantom") is Phantom


def test_the_defaults_are_the_documented_ones():
    step = Phantom()
    assert step.image_size == (128, 128, 64)
    assert (step.position_noise, step.size_noise, step.intensity_noise) == (0.05, 0.2, 0.15)


def test_every_setting_has_a_help_and_every_number_a_range():
    for field in fields(Phantom):
        assert about(field).help, field.name
        if "noise" in field.name:
            assert (about(field).low, about(field).high) != (None, None)


def test_image_and_labels_are_whole_numbers_on_one_grid():
    case = made(scenario="normal_complete")
    assert case.image.array.shape == case.labels.array.shape == SMALL
    assert case.image.array.dtype == case.labels.array.dtype == np.uint8
    assert case.image.modality == ""
    assert case.labels.table == Phantom().catalogue.table
    assert set(case.labels.values()) == set(range(1, 15))
    assert case.image.affine.orientation == "SPL"


def test_the_region_fills_the_image_unless_a_spacing_is_given():
    assert np.multiply(made().image.spacing, SMALL) == pytest.approx((600, 450, 500))
    assert made(spacing=(4, 3, 5)).image.spacing == pytest.approx((4, 3, 5))
    chest = made(region="thorax").image
    assert np.multiply(chest.spacing, SMALL) == pytest.approx((0.48 * 600, 0.64 * 450, 0.76 * 500))


def test_a_region_lies_where_it_is_in_the_whole():
    """The liver's middle is at the same world position in both."""
    settings = {"present": ("heart",), "image_size": (96, 96, 96)}
    whole, chest = made(**settings), made(**settings, region="thorax")
    middles = [c.labels.affine.to_world(np.argwhere(c.labels.array == 3).mean(axis=0)) for c in (whole, chest)]
    assert np.abs(middles[0] - middles[1]).max() < 2


def test_left_is_left_in_the_world():
    case = made(scenario="normal_complete", position_noise=0.0)
    x = [case.labels.affine.to_world(np.argwhere(case.labels.array == v).mean(axis=0))[0] for v in (1, 2)]
    assert x[0] < 0 < x[1], "RAS: the patient's left has negative x"


def test_a_preview_shows_the_body_that_will_be_made():
    small, large = made(seed=5), made(seed=5, image_size=(64, 48, 40))
    assert params(small) == params(large)


def test_the_record_names_scenario_and_structures():
    case = made(scenario="missing_L2_L3")
    assert params(case)["scenario"] == "missing_L2_L3"
    names = [entry.name for entry in Phantom().catalogue.targets]
    assert params(case)["present"] == [name for name in names if name not in ("L2", "L3")]


def test_structures_can_be_chosen_one_by_one_or_by_group():
    case = made(present=("kidneys", "heart"))
    assert params(case)["scenario"] == "custom"
    assert params(case)["present"] == ["heart", "left_kidney", "right_kidney"]
    assert set(case.labels.values()) == {3, 7, 8, 14}
    assert set(made(present=()).labels.values()) == {14}


def test_choosing_structures_leaves_the_rest_of_the_body_as_it_was():
    whole, part = made(scenario="normal_complete"), made(present=("liver",))
    assert params(part)["body"]["structures"]["liver"] == params(whole)["body"]["structures"]["liver"]
    assert params(part)["noise_seed"] == params(whole)["noise_seed"]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, again, other = made(seed=1), made(seed=1), made(seed=2)
    assert first.image.array.tobytes() == again.image.array.tobytes()
    assert first.image.array.tobytes() != other.image.array.tobytes()


def test_a_case_is_made_again_from_its_record_as_it_is_kept_on_disk():
    case = made(seed=3, scenario="splenectomy", spacing=(6.0, 5.0, 4.5))
    history = tuple(Record.from_json(json.loads(json.dumps(record.to_json()))) for record in case.history)
    again = replay(EMPTY, history)
    assert again.image.array.tobytes() == case.image.array.tobytes()
    assert again.labels.array.tobytes() == case.labels.array.tobytes()
    assert again.history == case.history


def test_a_case_is_made_again_without_the_file_of_its_scenario(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("scenarios: [{name: mine, absent: [liver]}]")
    case = made(scenarios=path, scenario="mine")
    assert params(case)["scenario"] == "mine"
    path.unlink()
    assert replay(EMPTY, case.history).image.array.tobytes() == case.image.array.tobytes()


def test_a_file_of_scenarios_takes_the_place_of_the_built_in_ones(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("scenarios: [{name: mine, absent: [liver]}]")
    assert {params(made(seed, scenarios=path))["scenario"] for seed in range(5)} == {"mine"}
    with pytest.raises(ConfigError, match="no scenario 'splenectomy'"):
        made(scenarios=path, scenario="splenectomy")


def test_a_scenario_that_cannot_be_shown_is_refused_at_once_however_rare_it_is(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("scenarios: [{name: mine, weight: 1000000}, {name: rare, weight: 0.001, absent: [livr]}]")
    with pytest.raises(ConfigError, match=r"mine\.yaml, scenario 'rare': .* 'livr'; did you mean 'liver'"):
        made(scenarios=path)
    path.write_text("scenarios: [{name: mine}, {name: rare, absent: [gallbladder]}]")
    assert params(made(scenarios=path, anatomy="torso", scenario="rare"))["scenario"] == "rare"
    with pytest.raises(ConfigError, match="'gallbladder'"):
        made(scenarios=path)


def test_a_file_of_scenarios_is_read_again_only_when_it_has_changed(tmp_path, monkeypatch):
    path = tmp_path / "mine.yaml"
    path.write_text("scenarios: [{name: mine}]")
    read = []
    monkeypatch.setattr(scenarios, "read_yaml", lambda *words: read.append(words) or read_yaml(*words))
    for seed in range(3):
        assert params(made(seed, scenarios=path))["scenario"] == "mine"
    assert len(read) == 1
    path.write_text("scenarios: [{name: yours}]")
    assert params(made(scenarios=path))["scenario"] == "yours"


def test_it_is_a_line_of_a_recipe():
    text = "seed: 4\nsteps:\n- phantom: {image-size: [32, 32, 24], scenario: splenectomy, present: null}\n"
    recipe = Recipe.from_yaml(text)
    assert recipe.steps == (Phantom(image_size=SMALL, scenario="splenectomy"),)
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe
    assert recipe(EMPTY).image.array.tobytes() == made(4, scenario="splenectomy").image.array.tobytes()


def test_mixed_gives_different_scenarios_to_different_cases():
    step = Phantom(image_size=(8, 8, 8))
    names = {params(step(EMPTY, seed=0, index=n))["scenario"] for n in range(40)}
    assert len(names) > 6


def test_artefacts_can_be_turned_off_and_up():
    settings = {"bias_field": 0.0, "blur": 0.0, "scenario": "normal_complete", "image_size": (64, 64, 64)}
    clean = made(noise=0.0, **settings)
    liver = clean.labels.array == 4
    core = clean.image.array[liver]
    assert np.median(core) == round(params(clean)["body"]["structures"]["liver"]["intensity"])
    noisy = made(noise=30.0, **settings)
    assert noisy.image.array[liver].std() > 15
    assert np.array_equal(noisy.labels.array, clean.labels.array)


@pytest.mark.parametrize("size", [(8, 8, 8), (9, 300, 11), (200, 10, 60)])
def test_any_size_can_be_made(size):
    assert made(image_size=size).image.array.shape == size


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_size": (128, 128)}, "image_size has 2 values; expected 3"),
        ({"image_size": (0, 64, 64)}, "image_size is 0; expected 8 to 2048 voxels"),
        ({"image_size": (64, 64, -3)}, "image_size is -3"),
        ({"image_size": (64, 64, 3000)}, "image_size is 3000"),
        ({"image_size": (64, 64.5, 64)}, "image_size is 64.5; expected a whole number"),
        ({"image_size": "64,64,64"}, "expected a list"),
        ({"spacing": (1, 1, 0)}, "spacing is 0"),
        ({"position_noise": -0.1}, "position_noise is -0.1; expected 0 to 0.5"),
        ({"position_noise": float("nan")}, "position_noise is nan"),
        ({"size_noise": 0.95}, "size_noise is 0.95; expected 0 to 0.9"),
        ({"intensity_noise": 1.1}, "intensity_noise is 1.1; expected 0 to 1"),
        ({"scenario": "splenctomy"}, "no scenario 'splenctomy'; did you mean 'splenectomy'"),
        ({"present": ("hart",)}, "no structure 'hart'; did you mean 'heart'"),
        ({"region": "toracs"}, "did you mean 'thorax'"),
        ({"anatomy": "clasic"}, "did you mean 'classic'"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(settings, message):
    with pytest.raises(ConfigError) as caught:
        Phantom(**settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["image", "labels"])
def test_a_case_that_is_not_empty_is_refused(part):
    full = made()
    case = replace(EMPTY, **{part: getattr(full, part)})
    with pytest.raises(ConfigError, match=f"case 'p' has {part} already"):
        Phantom(image_size=SMALL)(case, seed=0)
    with pytest.raises(ConfigError, match=f"case 'p' has {part} already"):
        Phantom(image_size=SMALL).applied(case, params(full))


def test_an_image_that_does_not_fit_into_memory_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setenv("MEDSYNTH_MAX_BYTES", "10000")
    with pytest.raises(ConfigError, match=r"image_size is .* \(set MEDSYNTH_MAX_BYTES"):
        made()


def test_an_image_painted_in_slabs_is_the_body_painted_at_once(monkeypatch):
    shape = (80, 130, 128)
    whole = made(image_size=shape, scenario="normal_complete")
    monkeypatch.setattr("napari_medsynth.phantom.step._SLAB", 1 << 18)
    sliced = made(image_size=shape, scenario="normal_complete")
    assert np.mean(whole.labels.array != sliced.labels.array) < 1e-5
    assert np.mean(whole.image.array != sliced.image.array) < 1e-3
