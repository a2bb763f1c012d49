"""Scenarios: the documented ones with their shares, and those of a user's file."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from napari_medsynth.core.errors import ConfigError, ReadError
from napari_medsynth.core.rng import stream
from napari_medsynth.core.yaml_text import MAX_BYTES
from napari_medsynth.phantom.catalogue import catalogue
from napari_medsynth.phantom.scenarios import builtin_scenarios, choose, read_scenarios

CLASSIC = catalogue("classic")
ALL = {entry.name for entry in CLASSIC.targets}
ABSENT = {
    "normal_complete": set(),
    "normal_thoracic": ALL - {"left_lung", "right_lung", "heart"},
    "normal_abdominal": {"left_lung", "right_lung", "heart"},
    "left_nephrectomy": {"left_kidney"},
    "right_nephrectomy": {"right_kidney"},
    "splenectomy": {"spleen"},
    "bilateral_nephrectomy": {"left_kidney", "right_kidney"},
    "left_lung_resection": {"left_lung"},
    "missing_L4": {"L4"},
    "missing_L2_L3": {"L2", "L3"},
}


def written(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_scenarios_are_all_there_in_the_documented_order():
    names = [scenario.name for scenario in builtin_scenarios()]
    assert names == [*ABSENT, "complex_abdominal_surgery", "minimal_structures", "extensive_resection"]


@pytest.mark.parametrize("name", ABSENT)
def test_each_lacks_what_its_name_says(name):
    scenario = next(s for s in builtin_scenarios() if s.name == name)
    assert scenario.structures(CLASSIC) == ALL - ABSENT[name]


def test_the_vague_ones_lack_several_organs():
    left = {s.name: s.structures(CLASSIC) for s in builtin_scenarios()}
    assert len(left["minimal_structures"]) <= 3
    assert len(ALL - left["extensive_resection"]) >= 5
    assert {"left_lung", "right_lung", "heart"} < left["complex_abdominal_surgery"] < ALL


def test_groups_have_the_documented_shares_and_equal_ones_within():
    shares = Counter()
    for scenario in builtin_scenarios():
        shares[scenario.group] += scenario.share
    assert dict(shares) == pytest.approx(
        {"normal": 0.40, "surgical": 0.35, "traumatic or congenital": 0.20, "edge case": 0.05}
    )
    for group in shares:
        assert len({s.share for s in builtin_scenarios() if s.group == group}) == 1


def test_mixed_draws_by_these_shares():
    rng = stream(0)
    drawn = Counter(choose("mixed", builtin_scenarios(), rng).group for _ in range(5000))
    assert drawn["normal"] / 5000 == pytest.approx(0.40, abs=0.02)
    assert drawn["surgical"] / 5000 == pytest.approx(0.35, abs=0.02)
    assert drawn["traumatic or congenital"] / 5000 == pytest.approx(0.20, abs=0.02)
    assert drawn["edge case"] / 5000 == pytest.approx(0.05, abs=0.01)


def test_asking_for_one_takes_as_many_random_numbers_as_drawing_one():
    named, mixed = stream(3), stream(3)
    choose("splenectomy", builtin_scenarios(), named)
    choose("mixed", builtin_scenarios(), mixed)
    assert named.random() == mixed.random()


def test_an_unknown_scenario_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="no scenario 'left_nefrectomy'; did you mean 'left_nephrectomy'"):
        choose("left_nefrectomy", builtin_scenarios(), stream(0))


def test_a_file_holds_scenarios_of_ones_own(tmp_path):
    path = written(
        tmp_path,
        "scenarios:\n- {name: donor, absent: [left_kidney, spine], weight: 3, description: Gave one}\n"
        "- {name: two, present: [heart, kidneys], absent: [left_kidney]}\n",
    )
    donor, two = read_scenarios(path)
    assert (donor.share, donor.description, two.share) == (3, "Gave one", 1)
    assert donor.structures(CLASSIC) == ALL - {"left_kidney", "L1", "L2", "L3", "L4", "L5"}
    assert two.structures(CLASSIC) == {"heart", "right_kidney"}
    rng = stream(0)
    drawn = Counter(choose("mixed", (donor, two), rng).name for _ in range(1000))
    assert drawn["donor"] / 1000 == pytest.approx(0.75, abs=0.05)


def test_a_scenario_with_weight_0_is_never_drawn(tmp_path):
    path = written(tmp_path, "scenarios: [{name: a, weight: 0}, {name: b}, {name: c, weight: 0}]")
    rng = stream(0)
    assert {choose("mixed", read_scenarios(path), rng).name for _ in range(100)} == {"b"}
    lowest = SimpleNamespace(random=lambda: 0.0)
    assert choose("mixed", read_scenarios(path), lowest).name == "b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenarios: [{name: a, absnt: [liver]}]", "scenario 1 has no key 'absnt'; did you mean 'absent'"),
        ("scenario: []", "expected the one key 'scenarios'"),
        ("- a", "has list; expected the one key"),
        ("scenarios: []", "expected a list of 1 to"),
        ("scenarios: [left_nephrectomy]", "scenario 1 is 'left_nephrectomy'; expected a mapping"),
        ("scenarios: [{absent: [liver]}]", "has name ''"),
        ("scenarios: [{name: mixed}]", "has name 'mixed'"),
        ("scenarios: [{name: custom}]", "has name 'custom'"),
        ("scenarios: [{name: a}, {name: a}]", "has scenario 'a' more than once"),
        ("scenarios: [{name: a, weight: -1}]", "weight is -1; expected a number from 0"),
        ("scenarios: [{name: a, weight: .nan}]", "weight is nan"),
        ("scenarios: [{name: a, weight: true}]", "weight is True"),
        ("scenarios: [{name: a, weight: 0}]", "gives every scenario weight 0"),
        ("scenarios: [{name: a, absent: liver}]", "absent is 'liver'; expected a list"),
        ("scenarios: [{name: 3}]", "name is 3; expected text"),
        ("scenarios: [{name: ' '}]", "has name ' '"),
        ('scenarios: [{name: "a\\e[31m"}]', "expected printable text"),
        ('scenarios: [{name: "a\\0b"}]', "expected printable text"),
        (f"scenarios: [{{name: {'ä' * 33}}}]", "of at most 64 bytes"),
        (f"scenarios: [{{name: a, present: [{'heart, ' * 1001}]}}]", "a list of at most 1000 names"),
        ("scenarios: [{name: a, absent: [liver], absent: [spleen]}]", "key 'absent' is there twice"),
        ("scenarios: [{name: a}]\nscenarios: [{name: b}]", "at line 2: \"key 'scenarios' is there twice\""),
        (f"{{{', '.join(f'{n}: 0' for n in range(5000))}}}", "has [0, 1, 2, 3, 4, 5, ...]; expected the one key"),
        ("scenarios: [{name: [", "not valid YAML"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("scenarios: [{name: a, weight: !!float x}]", "not valid YAML"),
        ("[" * 3000, "not valid YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_scenarios(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_structure_that_the_anatomy_lacks_is_named_with_the_nearest(tmp_path):
    (scenario,) = read_scenarios(written(tmp_path, "scenarios: [{name: a, absent: [livr]}]"))
    with pytest.raises(
        ConfigError, match="scenario 'a': anatomy 'classic' has no structure 'livr'; did you mean 'liver'"
    ):
        scenario.structures(CLASSIC)


def test_files_that_cannot_be_read_say_why(tmp_path):
    with pytest.raises(ReadError, match=r"none\.yaml"):
        read_scenarios(tmp_path / "none.yaml")
    with pytest.raises(ReadError, match="cannot be read"):
        read_scenarios(tmp_path)
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ReadError, match="more than"):
        read_scenarios(big)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReadError, match="not text"):
        read_scenarios(binary)
