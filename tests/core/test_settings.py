"""Settings refuse what does not fit, and say what would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError, shown
from napari_medsynth.core.settings import About, Settings, nearest, require_interval, setting


@dataclass(frozen=True, kw_only=True)
class Edge(Settings):
    width: float = setting(1.0, "width of the edge", unit="mm", low=0.0, high=5.0)


@dataclass(frozen=True, kw_only=True)
class Place(Settings):
    library: Path = setting(help="folder of seeds")
    count: int | tuple[int, int] = setting(1, "how many", low=0, high=100)
    fraction: float = setting(0.95, "share inside the host", low=0.0, high=1.0)
    offset: float = setting(0.0, "shift")
    mode: Literal["isolated", "juxta-pleural"] = setting("isolated", "where")
    names: tuple[str, ...] = setting((), "which seeds")
    at: tuple[float, float, float] | None = setting(None, "position", unit="mm")
    points: tuple[tuple[float, float], ...] = setting((), "positions", low=0.0)
    keep: bool = setting(True, "keep what is there")
    label: str = setting("", "name")
    edge: Edge = setting(Edge(), "its edge")


def place(**values):
    return Place.from_json({"library": "seeds", **values})


@pytest.mark.parametrize(
    ("given", "name", "kept"),
    [
        ({"library": "a/b"}, "library", Path("a/b")),
        ({"count": 3}, "count", 3),
        ({"count": [1, 3]}, "count", (1, 3)),
        ({"fraction": 1}, "fraction", 1.0),
        ({"at": [1, 2, 3]}, "at", (1.0, 2.0, 3.0)),
        ({"at": None}, "at", None),
        ({"names": ["a", "b"]}, "names", ("a", "b")),
        ({"points": [[1, 2], [3, 4]]}, "points", ((1.0, 2.0), (3.0, 4.0))),
        ({"edge": {"width": 2}}, "edge", Edge(width=2.0)),
        ({"edge": {}}, "edge", Edge()),
        ({"keep": False}, "keep", False),
    ],
)
def test_plain_values_become_settings(given, name, kept):
    found = getattr(place(**given), name)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"count": "3"}, "Place.count is '3'; expected a whole number"),
        ({"count": 3.5}, "Place.count is 3.5; expected a whole number"),
        ({"count": True}, "Place.count is True; expected a whole number"),
        ({"count": -1}, "Place.count is -1; expected 0 to 100"),
        ({"count": [1, 101]}, "Place.count is 101; expected 0 to 100"),
        ({"fraction": "half"}, "Place.fraction is 'half'; expected a number"),
        ({"fraction": False}, "Place.fraction is False; expected a number"),
        ({"fraction": 1.01}, "Place.fraction is 1.01; expected 0 to 1"),
        ({"fraction": float("nan")}, "Place.fraction is nan; expected 0 to 1"),
        ({"fraction": None}, "Place.fraction is None; expected a number"),
        ({"offset": float("inf")}, "Place.offset is inf; expected a finite number"),
        ({"offset": float("nan")}, "Place.offset is nan; expected a finite number"),
        ({"offset": 10**400}, "expected a number that a float can hold"),
        ({"mode": "juxta_pleural"}, "Place.mode is 'juxta_pleural'; did you mean 'juxta-pleural'?"),
        ({"mode": 3}, "Place.mode is 3; expected one of isolated, juxta-pleural"),
        ({"names": "abc"}, "Place.names is 'abc'; expected a list"),
        ({"names": [1]}, "Place.names is 1; expected text"),
        ({"at": [1, 2]}, "Place.at has 2 values; expected 3"),
        ({"at": 3}, "Place.at is 3; expected a list"),
        ({"points": [[1, -2]]}, "Place.points is -2.0; expected 0 to any"),
        ({"points": [[1, float("nan")]]}, "Place.points is nan"),
        ({"keep": 1}, "Place.keep is 1; expected true or false"),
        ({"label": 1}, "Place.label is 1; expected text"),
        ({"library": 1}, "Place.library is 1; expected a path"),
        ({"edge": 1}, "Place.edge is 1; expected a mapping"),
        ({"edge": {"width": 6}}, "Edge.width is 6.0; expected 0 to 5 mm"),
        ({"edge": {"widht": 1}}, "Place.edge has no setting 'widht'; did you mean 'width'?"),
        ({"fractoin": 1}, "Place has no setting 'fractoin'; did you mean 'fraction'?"),
        ({"zzz": 1}, "Place has no setting 'zzz'; expected one of at, count, edge"),
        ({5: 1}, "Place has no setting '5'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(given, said):
    with pytest.raises(ConfigError) as caught:
        Place.from_json({"library": "seeds", **given})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_setting_without_default_is_asked_for():
    with pytest.raises(ConfigError, match="Place lacks 'library'; it has no default"):
        Place.from_json({})


def test_what_is_no_mapping_is_refused():
    with pytest.raises(ConfigError, match="step 1 is 'x'; expected a mapping"):
        Place.from_json("x", "step 1")


def test_one_setting_spelled_twice_is_refused():
    @dataclass(frozen=True, kw_only=True)
    class Two(Settings):
        max_tries: int = setting(1)

    assert Two.from_json({"max-tries": 2}).max_tries == 2
    with pytest.raises(ConfigError, match="one setting twice"):
        Two.from_json({"max-tries": 2, "max_tries": 3})


def test_settings_made_in_python_are_checked_too():
    with pytest.raises(ConfigError, match=r"Edge\.width is -1\.0"):
        Edge(width=-1)


def test_numbers_and_arrays_of_numpy_become_plain_ones():
    given = {"count": np.array([1, 3]), "at": tuple(np.arange(3.0)), "edge": {"width": np.float32(2)}}
    settings = place(**given)
    assert settings.to_json() == place(count=[1, 3], at=[0.0, 1.0, 2.0], edge={"width": 2.0}).to_json()
    assert type(settings.edge.width) is float
    with pytest.raises(ConfigError, match=r"width is -1\.0; expected"):
        Edge(width=np.float64(-1))


def test_settings_survive_json():
    settings = place(count=[1, 3], at=[1, 2, 3], edge={"width": 2}, points=[[1, 2]])
    assert Place.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_an_interval_has_its_low_end_first():
    @dataclass(frozen=True, kw_only=True)
    class Sizes(Settings):
        mm: tuple[float, float] = setting((3.0, 30.0))

        def __post_init__(self) -> None:
            super().__post_init__()
            require_interval(self, "mm")

    assert Sizes(mm=(4, 4)).mm == Sizes(mm=4).mm == (4, 4)
    with pytest.raises(ConfigError, match="expected the low end first"):
        Sizes(mm=(5, 4))


@pytest.mark.parametrize(
    ("info", "text"),
    [
        (About("width", "mm", 0, 5), "width (0 … 5 mm)"),
        (About("width", "mm"), "width (mm)"),
        (About("count", low=1), "count (1 … any)"),
        (About("name"), "name"),
    ],
)
def test_help_has_range_and_unit(info, text):
    assert info.describe() == text


def test_nearest_ignores_case_and_dashes():
    assert nearest("Juxta_Pleural", ("isolated", "juxta-pleural")) == "did you mean 'juxta-pleural'?"
    assert nearest("", ("b", "a")) == "expected one of a, b"


def test_what_is_shown_is_one_short_line_whatever_it_is():
    bomb = "x"
    for _ in range(60):
        bomb = [bomb] * 10
    for value in (bomb, "y" * 10_000, 1 << 1_000_000, {"k": bomb}, "two\nlines", object()):
        assert len(shown(value)) < 400
        assert "\n" not in shown(value)
    assert shown("short") == "'short'"
    assert shown([1, 2.5, None]) == "[1, 2.5, None]"
