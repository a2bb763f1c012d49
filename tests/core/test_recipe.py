"""Steps, their records and recipes: drawn once, applied and replayed voxel for voxel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from napari_medsynth.core import step as step_module
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, MedsynthError, ReadError, RecordError
from napari_medsynth.core.progress import Progress, finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.core.record import Record
from napari_medsynth.core.settings import setting
from napari_medsynth.core.step import Step, replay, step_class, step_names
from napari_medsynth.core.volume import Volume
from napari_medsynth.core.yaml_text import MAX_BYTES, parse_yaml


@dataclass(frozen=True, kw_only=True)
class AddNoise(Step):
    """A toy: adds one drawn number and noise made from a drawn seed."""

    name: ClassVar[str] = "add_noise"
    amount: float = setting(1.0, "how much", low=0.0, high=10.0)

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        return {"shift": rng.normal(), "pair": (rng.random(), 2), "noise": int(rng.integers(2**53))}

    def apply(self, case: Case, params: Mapping[str, Any]) -> Case:
        assert isinstance(params["pair"], list)
        noise = np.random.default_rng(params["noise"]).normal(size=case.image.shape)
        return replace(case, image=replace(case.image, array=case.image.array + params["shift"] + self.amount * noise))


@dataclass(frozen=True, kw_only=True)
class DrawNan(AddNoise):
    name: ClassVar[str] = "draw_nan"

    def draw(self, case: Case, rng: np.random.Generator) -> dict[str, Any]:
        return {"shift": float("nan")}


class Entry:
    def __init__(self, cls):
        self.name, self.cls = cls.name, cls

    def load(self):
        return self.cls


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    """The toy steps are the installed ones."""
    monkeypatch.setattr(step_module, "entry_points", lambda group: [Entry(AddNoise), Entry(DrawNan)])
    step_class.cache_clear()
    yield
    step_class.cache_clear()


@pytest.fixture
def case():
    return Case(id="a", image=Volume(np.zeros((2, 3, 4))))


def test_a_step_gives_the_same_voxels_for_the_same_seed_and_others_for_another(case):
    one, same, other = (AddNoise()(case, seed=seed).image.array for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not case.image.array.any()


def test_cases_and_occurrences_draw_different_numbers(case):
    arrays = [AddNoise()(case, seed=7, index=i, occurrence=o).image.array for i in (0, 1) for o in (0, 1)]
    assert len({a.tobytes() for a in arrays}) == 4


def test_a_step_run_as_a_job_gives_the_same_and_the_same_record(case):
    seen = []
    made = finish(AddNoise().run(case, seed=7, index=2, occurrence=1), seen.append)
    called = AddNoise()(case, seed=7, index=2, occurrence=1)
    np.testing.assert_array_equal(made.image.array, called.image.array)
    assert made.history == called.history
    assert seen == [Progress(0, 1, "add_noise")]


def test_a_history_replays_voxel_for_voxel(case):
    made = Recipe(seed=7, steps=(AddNoise(), AddNoise(amount=2)))(case)
    again = replay(case, tuple(Record.from_json(r.to_json()) for r in made.history))
    np.testing.assert_array_equal(again.image.array, made.image.array)
    assert again.history == made.history
    assert made.history[1].config == {"amount": 2.0}
    assert made.history[1].rng == {"seed": 7, "case": 0, "occurrence": 1}


def test_what_a_person_decided_replays_too_and_has_no_random_stream(case):
    made = AddNoise().applied(case, {"shift": 1.0, "pair": (1, 2), "noise": 3})
    assert made.history[0].rng == {}
    np.testing.assert_array_equal(replay(case, made.history).image.array, made.image.array)


def test_params_that_json_cannot_keep_are_refused(case):
    with pytest.raises(RecordError, match="cannot be kept as JSON"):
        DrawNan()(case, seed=1)


def test_a_history_of_another_version_is_refused(case):
    made = AddNoise()(case, seed=1)
    older = (replace(made.history[0], version=2),)
    with pytest.raises(RecordError, match="'add_noise' of version 2; this installation has version 1"):
        replay(case, older)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x", "history record has str"),
        ({"step": "a"}, "expected \\['config', 'params', 'rng', 'step', 'version'\\]"),
        ({"step": 1, "version": 1, "config": {}, "params": {}, "rng": {}}, "step = 1; expected str"),
        ({"step": "a", "version": 1, "config": [], "params": {}, "rng": {}}, r"config = \[\]; expected dict"),
    ],
)
def test_a_record_of_another_form_is_refused(value, said):
    with pytest.raises(RecordError, match=said):
        Record.from_json(value)


def test_steps_are_found_by_name_and_the_nearest_is_named():
    assert step_names() == ("add_noise", "draw_nan")
    assert step_class("add-noise") is AddNoise
    with pytest.raises(ConfigError, match="there is no step 'ad_noise'; did you mean 'add_noise'"):
        step_class("ad_noise")


def test_a_recipe_survives_yaml(case):
    recipe = Recipe(seed=7, steps=(AddNoise(amount=2), AddNoise()))
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_a_recipe_run_as_a_job_gives_the_same_and_reports_each_step(case):
    recipe = Recipe(seed=7, steps=(AddNoise(), AddNoise()))
    reports = []
    np.testing.assert_array_equal(finish(recipe.run(case), reports.append).image.array, recipe(case).image.array)
    assert reports == [Progress(0, 2, "add_noise"), Progress(1, 2, "add_noise"), Progress(2, 2, "done")]


def test_a_step_may_be_named_without_settings():
    assert Recipe.from_yaml("steps: [add_noise, {add-noise: }]").steps == (AddNoise(), AddNoise())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [add_noise]\nsead: 3", "r.yaml has no key 'sead'; did you mean 'seed'?"),
        ("seed: 3", "r.yaml has steps = None; expected a list"),
        ("steps: {}", "expected a list of steps"),
        ("- add_noise", "r.yaml is list; expected a mapping"),
        ("", "r.yaml is NoneType; expected a mapping"),
        ("steps: [add_nose]", "r.yaml, step 1 (add_nose): there is no step 'add_nose'; did you mean 'add_noise'?"),
        ("steps: [3]", "r.yaml, step 1 is 3; expected one step name"),
        ("steps: [{add_noise: {}, draw_nan: {}}]", "expected one step name"),
        (
            "steps: [add_noise, add_noise: {amuont: 1}]",
            "r.yaml, step 2 (add_noise) has no setting 'amuont'; did you mean",
        ),
        ("steps: [add_noise: {amount: 11}]", "r.yaml, step 1 (add_noise): AddNoise.amount is 11.0; expected 0 to 10"),
        ("steps: [add_noise: false]", "r.yaml, step 1 (add_noise) is False; expected a mapping"),
        ("steps: [add_noise]\nseed: -1", "seed is -1; expected a whole number"),
        ("steps: [add_noise]\nseed: 1.5", "seed is 1.5; expected a whole number"),
        ("steps: [add_noise]\nseed: 9007199254740992", "expected a whole number from 0 to 9007199254740991"),
        ("steps: [add_noise", "r.yaml is not valid YAML at line 1"),
        ("\x00", "r.yaml is not valid YAML"),
        ("seed: 2001-99-99", "a value is not of its type"),
        ("seed: !!bool maybe", "a value is not of its type"),
        ("seed: !!timestamp now", "a value is not of its type"),
        ("[" * 5000, "nested too deeply"),
        ("steps: [add_noise: {amount: 1, amount: 2}]", "at line 1: \"key 'amount' is there twice\""),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused_in_one_line(text, said):
    with pytest.raises(ConfigError) as caught:
        Recipe.from_yaml(text, "r.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_seed_that_numpy_drew_is_written_as_any_other():
    recipe = Recipe(steps=(AddNoise(amount=np.float64(2)),), seed=np.int64(3))
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_what_is_merged_may_be_said_again():
    text = "seed: 1\nsteps:\n- add_noise: &a {amount: 1}\n- add_noise: &b {<<: *a, amount: 2}\n- add_noise: {<<: *b}"
    assert [step.amount for step in Recipe.from_yaml(text).steps] == [1, 2, 2]


def test_yaml_tags_run_no_code(tmp_path):
    sentinel = tmp_path / "ran"
    for tag in (f"!!python/object/apply:os.mkdir ['{sentinel}']", f"!!python/object/new:os.mkdir ['{sentinel}']"):
        with pytest.raises(ConfigError, match="not valid YAML"):
            Recipe.from_yaml(f"steps: {tag}")
    assert not sentinel.exists()


@pytest.mark.parametrize(
    "place",
    [
        "steps: {}",
        "steps: [{}]",
        "steps: [add_noise: {}]",
        "steps: [add_noise: {{amount: {}}}]",
        "steps: [add_noise]\nseed: {}",
        "{}",
    ],
)
def test_an_alias_bomb_gives_a_short_message(place):
    layers = [f"&l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 20)]  # 9^19 leaves in 1 kB
    with pytest.raises(ConfigError) as caught:
        Recipe.from_yaml(place.format(f"[&l0 [x], {', '.join(layers)}]"))
    assert len(str(caught.value)) < 600


def test_aliases_that_make_a_small_text_endless_are_refused(tmp_path):
    """Each alias is a value of the right kind: whoever took them one by one would be busy for hours."""
    long = f"a0: &a0 [{', '.join(['1'] * 1000)}]"
    for text in (long + "".join(f"\na{n}: *a0" for n in range(1, 1001)), "a: &a {b: *a}"):
        with pytest.raises(ConfigError, match="p is not valid YAML: 'aliases make more than 1000000 values of it'"):
            parse_yaml(text, "p")
    assert len(parse_yaml(long + "".join(f"\na{n}: *a0" for n in range(1, 900)), "p")) == 900


def test_a_recipe_file_is_read(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("seed: 3\nsteps: [add_noise]\n")
    assert Recipe.read(path) == Recipe(seed=3, steps=(AddNoise(),))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, "does not exist"),
        (lambda p: p.mkdir(), "cannot be read"),
        (lambda p: p.write_bytes(b"\xff\xfe\x00"), "is not text"),
        (lambda p: p.write_text("#" * (MAX_BYTES + 1)), "has more than 1000000 bytes"),
    ],
)
def test_a_recipe_file_that_cannot_be_read_is_named(tmp_path, make, said):
    path = tmp_path / "r.yaml"
    make(path)
    with pytest.raises(ReadError, match=rf"r.yaml {said}"):
        Recipe.read(path)


def test_every_error_is_a_medsynth_error_and_the_python_kind_it_is():
    assert issubclass(ReadError, MedsynthError)
    assert issubclass(ReadError, OSError)
    assert issubclass(ConfigError, ValueError)
