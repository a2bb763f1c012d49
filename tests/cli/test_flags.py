"""Settings and tuples as flags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from tyro.conf import arg

from napari_medsynth.cli.flags import parsed
from napari_medsynth.core.errors import MedsynthError
from napari_medsynth.core.settings import Settings, setting


@dataclass(frozen=True, kw_only=True)
class Shape(Settings):
    scale: float = setting(1.0, "size against the seed's", low=0.1, high=5.0)
    turn: tuple[float, float, float] = setting((0.0, 0.0, 0.0), "turn about each axis", unit="degrees")


@dataclass(frozen=True, kw_only=True)
class Rim(Settings):
    width: tuple[float, float] = setting((1.0, 3.0), "how wide", unit="mm", low=0.0, high=50.0)
    turns: tuple[int, int] | None = setting((1, 2), "how often", low=0)
    kind: Literal["sharp", "soft"] = setting("sharp", "its edge")
    smooth_it: bool = setting(True, "smooth it")


@dataclass(frozen=True, kw_only=True)
class Place(Settings):
    library: Path = setting(help="folder of seeds")
    count: int | tuple[int, int] = setting(1, "how many", low=0, high=100)
    mode: Literal["free", "at_wall"] = setting("free", "where")
    wall: Literal["near", "far"] | None = setting(None, "how near")
    names: tuple[str, ...] = setting((), "which seeds")
    keep: bool = setting(True, "keep what is there")
    data: tuple[Path, Path] | None = setting(None, "image and labels")
    shape: Shape = setting(Shape(scale=2.0), "how to change it")
    rim: Rim | None = setting(None, "what the rim looks like")
    halo: Rim | None = setting(Rim(width=(2.0, 4.0)), "what is around it")
    pairs: tuple[tuple[int, str], ...] = setting(((1, "a"),), "a list of lists")


@dataclass(frozen=True, kw_only=True)
class Insert:
    """Place tumors."""

    place: Annotated[Place, arg(name="")]


def place(*words):
    return parsed(Insert, ["--library", "seeds", *words], prog="medsynth insert", example="medsynth insert").place


def test_what_is_not_given_keeps_its_default():
    assert place() == Place(library=Path("seeds"))


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["--count", "3"], {"count": 3}),
        (["--count", "1,3"], {"count": (1, 3)}),
        (["--mode", "at_wall"], {"mode": "at_wall"}),
        (["--wall", "near"], {"wall": "near"}),
        (["--wall", "none"], {"wall": None}),
        (["--names", "a,b"], {"names": ("a", "b")}),
        (["--names", ""], {"names": ()}),
        (["--no-keep"], {"keep": False}),
        (["--data", "a,b.nii", "c.nii"], {"data": (Path("a,b.nii"), Path("c.nii"))}),
        (["--shape.scale", "0.5"], {"shape": Shape(scale=0.5)}),
        (["--shape.turn=-90,0,0.5"], {"shape": Shape(scale=2.0, turn=(-90.0, 0.0, 0.5))}),
        (["--rim.width", "1,2"], {"rim": Rim(width=(1.0, 2.0))}),
        (["--rim.width", "2"], {"rim": Rim(width=(2.0, 2.0))}),
        (["--rim.width", "1,3"], {"rim": Rim()}),
        (["--rim.turns", "3"], {"rim": Rim(turns=(3, 3))}),
        (["--rim.turns", "none", "--rim.kind", "soft"], {"rim": Rim(turns=None, kind="soft")}),
        (["--rim.smooth-it", "false"], {"rim": Rim(smooth_it=False)}),
        (["--rim.smooth_it", "no"], {"rim": Rim(smooth_it=False)}),
        (["--halo.kind", "soft"], {"halo": Rim(width=(2.0, 4.0), kind="soft")}),
    ],
)
def test_each_kind_of_setting_is_a_flag(words, changed):
    assert place(*words) == Place(library=Path("seeds"), **changed)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--count", "some"], "'some' is not a whole number"),
        (["--count", "1,2,3"], "'1,2,3' has 3 values; expected 2"),
        (["--rim.width", "wide"], "'wide' is not a number"),
        (["--rim.kind", "hard"], "'hard' is not one of sharp, soft"),
        (["--pairs", "1,a"], "pairs"),
        (["--wall", "by"], "'by' is not one of near, far"),
        (["--shape.turn", "0,0,up"], "'up' is not a number"),
    ],
)
def test_a_word_that_does_not_fit_says_why(words, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        place(*words)
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_value_outside_its_range_is_refused_in_one_line():
    with pytest.raises(MedsynthError, match=r"^Shape.scale is 9.0; expected 0.1 to 5$"):
        place("--shape.scale", "9")
    with pytest.raises(MedsynthError, match=r"^Rim.width is 51.0; expected 0 to 50 mm$"):
        place("--rim.width", "51")


def test_help_gives_range_unit_and_default(capsys):
    with pytest.raises(SystemExit, match="0"):
        place("--help")
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--count INT[,INT] how many (0 … 100) (default: 1)" in out
    assert "turn about each axis (degrees) (default: 0.0,0.0,0.0)" in out
    assert "size against the seed's (0.1 … 5) (default: 2.0)" in out
    assert "folder of seeds (required)" in out
    assert "--data PATH PATH image and labels (default: none)" in out
    assert "what the rim looks like" in out
    assert "--rim.width FLOAT[,FLOAT] how wide (0 … 50 mm) (default: 1.0,3.0)" in out
    assert "--rim.smooth-it BOOL smooth it (default: True)" in out
    assert "--halo.width FLOAT[,FLOAT] how wide (0 … 50 mm) (default: 2.0,4.0)" in out
    assert "pairs" not in out
