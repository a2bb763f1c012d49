"""Priors: distributions of intensities, and the file that holds them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.errors import ConfigError, ReadError
from napari_medsynth.core.yaml_text import parse_yaml
from napari_medsynth.rendering.distribution import MAX_INTENSITY, Distribution
from napari_medsynth.rendering.prior import RANDOM, ClassPrior, Prior, Sometimes, read_prior, write_prior, yaml_of

NUMBERS = st.floats(-1000, 1000, allow_nan=False).map(lambda x: round(x, 6))
DISTRIBUTIONS = st.one_of(
    st.tuples(NUMBERS, NUMBERS).map(lambda p: Distribution("uniform", tuple(sorted(p)))),
    st.tuples(NUMBERS, NUMBERS).map(lambda p: Distribution("normal", (p[0], abs(p[1])))),
    st.lists(NUMBERS, min_size=1, max_size=5).map(lambda p: Distribution("values", tuple(p))),
)


def test_quantiles_of_each_kind():
    assert Distribution("uniform", (10, 20)).at(0.25) == 12.5
    assert Distribution("normal", (100, 10)).at(0.5) == 100
    assert Distribution("normal", (100, 10)).at(0.8413447460685429) == pytest.approx(110)
    values = Distribution("values", (3, 1, 2))
    assert [values.at(u) for u in (0.0, 0.34, 0.67, 0.999999)] == [1, 2, 3, 3]
    assert Distribution.constant(7).at(0.9) == 7


@pytest.mark.parametrize("quantile", [0.0, 1 - 2**-53])
def test_a_normal_distribution_has_no_infinite_draws(quantile):
    assert abs(Distribution("normal", (0, 1)).at(quantile)) < 5


@given(DISTRIBUTIONS, st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_larger_quantile_never_gives_less(distribution, first, second):
    low, high = sorted((first, second))
    assert distribution.at(low) <= distribution.at(high)


@given(DISTRIBUTIONS, DISTRIBUTIONS, st.floats(0, 50).map(lambda x: round(x, 6)))
def test_the_text_of_a_prior_gives_an_equal_prior(mean, std, each):
    std = Distribution(std.kind, tuple(sorted(abs(v) for v in std.parameters)))
    entry = ClassPrior(mean, std, each)
    prior = Prior({"disc": entry, "null": entry, "Größe: 1": entry}, entry, (Sometimes(0.25, entry),), entry)
    assert Prior.from_json(parse_yaml(yaml_of(prior), "p"), "p") == prior


def test_reading_what_was_written_gives_an_equal_prior(tmp_path):
    entry = ClassPrior(Distribution("normal", (1 / 3, 1e-5)), Distribution("values", (2, 1e5)), 0.1)
    prior = Prior({"disc": entry, "Größe: 1": entry}, entry, (Sometimes(0.25, entry),), entry)
    write_prior(prior, tmp_path / "p.yaml")
    assert read_prior(tmp_path / "p.yaml") == prior


def test_a_file_may_be_as_short_as_this(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("classes:\n  liver: {mean: 110, std: {uniform: [5, 9]}}\n")
    prior = read_prior(path)
    liver = ClassPrior(Distribution.constant(110), Distribution("uniform", (5, 9)))
    assert prior == Prior({"liver": liver}, random=RANDOM)
    assert prior.source == str(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes: {a: {mean: {uniform: [5, 1]}, std: 1}}", r"class 'a', mean: uniform is \[5.0, 1.0\]; .* low end"),
        ("classes: {a: {mean: .nan, std: 1}}", "class 'a', mean: uniform has nan; expected a finite number"),
        ("classes: {a: {mean: 1.0e+300, std: 1}}", "expected a finite number"),
        ("classes: {a: {mean: 1, std: -3}}", "class 'a': std goes down to -3; expected 0 or more"),
        ("classes: {a: {mean: 1, std: {values: [3, -1]}}}", "std goes down to -1; expected 0 or more"),
        ("classes: {a: {mean: {normal: [1, -2]}, std: 1}}", "standard deviation -2; expected 0 or more"),
        ("classes: {a: {mean: {normal: [1]}, std: 1}}", "normal has 1 numbers; expected 2"),
        ("classes: {a: {mean: {values: []}, std: 1}}", "values has 0 numbers"),
        ("classes: {a: {mean: {gaussian: [1, 2]}, std: 1}}", r"expected a number, \{uniform:"),
        ("classes: {a: {mean: true, std: 1}}", "mean is True; expected a number"),
        ("classes: {a: {mean: [1, 2], std: 1}}", "mean is .* expected a number"),
        ("classes: {a: {mean: {uniform: [a, b]}, std: 1}}", "uniform has 'a'; expected a finite number"),
        ("classes: {a: {mean: 1}}", "class 'a' lacks 'std'"),
        ("classes: {a: {mean: 1, std: 1, stdd: 2}}", "class 'a' has no key 'stdd'; did you mean 'std'"),
        ("classes: {a: {mean: 1, std: 1, each: -1}}", "each is -1; expected 0 or more"),
        ("classes: {1: {mean: 1, std: 1}}", "expected a mapping of names"),
        ("classes: [1]", "expected a mapping of names"),
        ("clases: {}", "has no key 'clases'; did you mean 'classes'"),
        ("{}", "neither classes nor a default"),
        ("- 1", "expected a mapping"),
        ("", "is None; expected a mapping"),
        ("default: 3", "default is 3; expected a mapping"),
        ("default: {mean: 1, std: 1}\nbackground: {}", "background = {}; expected a list"),
        ("default: {mean: 1, std: 1}\nbackground: [{probability: 2, mean: 1, std: 1}]", "probability is 2; expected"),
        ("default: {mean: 1, std: 1}\nbackground: [{mean: 1, std: 1}]", "background 1 lacks 'probability'"),
        ("a: [1", "not valid YAML"),
        ("classes: {a: {mean: 1, std: 1}, a: {mean: 2, std: 1}}", "is there twice"),
        ("classes: !!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_prior_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_prior(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path):
    with pytest.raises(ReadError, match="does not exist"):
        read_prior(tmp_path / "none.yaml")
    large = tmp_path / "large.yaml"
    large.write_text("#" * 2_000_000)
    with pytest.raises(ReadError, match="more than 1000000 bytes"):
        read_prior(large)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReadError, match="is not text"):
        read_prior(binary)


def test_a_file_that_is_read_again_is_understood_once_until_it_changes(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("default: {mean: 1, std: 1}")
    first = read_prior(path)
    assert read_prior(path) is first
    path.write_text("default: {mean: 2, std: 1}")
    assert read_prior(path).default == ClassPrior.constant(2, 1)


def test_aliases_cannot_blow_up_a_message(tmp_path):
    path = tmp_path / "bomb.yaml"
    rows = ["a0: &a0 [1, 1]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    path.write_text("\n".join(rows))
    with pytest.raises(ConfigError) as caught:
        read_prior(path)
    assert len(str(caught.value)) < 1000


def test_numbers_have_an_end():
    with pytest.raises(ConfigError, match="finite number"):
        Distribution("uniform", (0, MAX_INTENSITY * 2))
    with pytest.raises(ConfigError, match="finite number"):
        Distribution("uniform", (0, math.inf))
    with pytest.raises(ConfigError, match="10001 numbers"):
        Distribution("values", tuple(range(10_001)))


def test_a_distribution_is_shown_as_people_write_it():
    shown = [str(Distribution(k, p)) for k, p in (("uniform", (1, 2)), ("normal", (5, 0.5)), ("values", (1, 9)))]
    assert shown == ["1 … 2", "5 ± 0.5", "1 or … 9"]
    assert str(Distribution.constant(3)) == "3"
