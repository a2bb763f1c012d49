"""Forms made from settings: each kind of field, labels, tooltips, errors beneath, exact round trips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from magicgui.widgets import CheckBox, ComboBox, FileEdit, FloatSlider, Slider, SpinBox

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.rng import MAX_SEED
from napari_medsynth.core.settings import Settings, require_interval, setting
from napari_medsynth.tumor.blend import Blend
from napari_medsynth.tumor.insert import InsertTumors
from napari_medsynth.tumor.morph import Morph, Variation
from napari_medsynth.tumor.place import Placement
from napari_medsynth.tumor.synthetic import SyntheticLesion
from napari_medsynth.widgets.form import form_of


@dataclass(frozen=True, kw_only=True)
class Inner(Settings):
    depth: float = setting(1.0, "How deep", unit="mm", low=0, high=5)


@dataclass(frozen=True, kw_only=True)
class Kinds(Settings):
    edge_mm: float = setting(0.5, "Width of the edge", unit="mm", low=0, high=10)
    shift_hu: float = setting(-20.0, "Added", unit="HU")
    count: int = setting(3, "How many", low=0, high=20)
    seed: int = setting(0, "Root seed", low=0, high=MAX_SEED)
    keep: bool = setting(True, "Keep vessels")
    kind: Literal["solid", "cavitated"] = setting("solid", "Which")
    organ: str = setting("lung", "Where")
    library: Path | None = setting(None, "Folder of seeds")
    volume_ml: float | None = setting(None, "Asked volume", unit="mL", low=0.01, high=100)
    hu: tuple[float, float] = setting((-10.0, 10.0), "Between", unit="HU", low=-1000, high=1000)
    flip: tuple[bool, bool, bool] = setting((False, True, False), "Mirror")
    walls: tuple[Literal["isolated", "pleural"], ...] = setting((), "Only these")
    words: tuple[str, ...] = setting((), "Not these")
    places: tuple[tuple[float, float, float], ...] = setting((), "At")
    inner: Inner = setting(Inner(), "More")
    maybe: Inner | None = setting(None, "Perhaps")

    def __post_init__(self):
        super().__post_init__()
        require_interval(self, "hu")


@dataclass(frozen=True, kw_only=True)
class Needy(Settings):
    size: float = setting(help="Needed", low=1, high=2)
    other: int = setting(1, "Not needed")


OTHER = Kinds(
    edge_mm=1.23456789,
    shift_hu=0.1 + 0.2,
    count=7,
    seed=MAX_SEED,
    keep=False,
    kind="cavitated",
    organ="liver",
    library=Path("seeds"),
    volume_ml=1 / 3,
    hu=(-1 / 3, 2 / 3),
    flip=(True, False, True),
    walls=("pleural",),
    words=("a", "b c"),
    places=((1.5, 2.0, 1 / 3), (4.0, 5.0, 6.0)),
    inner=Inner(depth=2.0),
    maybe=Inner(depth=0.1),
)


@pytest.fixture
def form(qapp):
    return form_of(Kinds)


@pytest.mark.parametrize(
    "cls", [Kinds, Morph, Variation, Placement, Blend, SyntheticLesion, InsertTumors], ids=lambda cls: cls.__name__
)
def test_a_new_form_shows_the_defaults(qapp, cls):
    form = form_of(cls)
    assert form.settings() == cls()
    assert form.error == ""


def test_what_was_set_comes_back_exactly(form):
    form.set(OTHER)
    assert form.settings() == OTHER
    form.set(Kinds())
    assert form.settings() == Kinds()


def test_what_a_person_changes_is_taken(form):
    form.set(OTHER)
    form.row("edge_mm").value = 2.5
    form.row("kind").value = "solid"
    form.row("places").value = "1, 2, 3"
    changed = form.settings()
    assert (changed.edge_mm, changed.kind, changed.places) == (2.5, "solid", ((1.0, 2.0, 3.0),))
    assert changed.volume_ml == OTHER.volume_ml


def test_an_unticked_value_is_left_out(form):
    form.set(OTHER)
    form.row("volume_ml")[0].value = False
    assert form.settings().volume_ml is None
    assert not form.row("volume_ml")[1].enabled


@pytest.mark.parametrize(
    ("name", "kind"),
    [("edge_mm", FloatSlider), ("count", Slider), ("seed", SpinBox), ("keep", CheckBox), ("kind", ComboBox)],
)
def test_each_type_has_its_widget(form, name, kind):
    assert isinstance(form.row(name), kind)


def test_ranges_are_those_of_the_settings(form):
    assert (form.row("edge_mm").min, form.row("edge_mm").max) == (0, 10)
    assert (form.row("seed").min, form.row("seed").max) == (0, MAX_SEED)
    assert (form.row("hu")[0].min, form.row("hu")[1].max) == (-1000, 1000)


def test_a_number_without_bounds_can_be_any(form):
    form.row("shift_hu").value = -123456
    assert form.settings().shift_hu == -123456


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("edge_mm", "Edge (mm)"),
        ("shift_hu", "Shift (HU)"),
        ("hu", "HU"),
        ("volume_ml", "Volume (mL)"),
        ("seed", "Seed"),
    ],
)
def test_labels_are_words_with_the_unit(form, name, label):
    assert form.row(name).label == label


def test_the_tooltip_is_help_with_range_and_unit(form):
    assert form.row("edge_mm").tooltip == "Width of the edge (0 … 10 mm)"


def test_an_error_is_shown_beneath_and_goes_away(form):
    form.row("hu")[0].value = 50
    assert form.error == "Kinds.hu is (50.0, 10.0); expected the low end first"
    with pytest.raises(ConfigError, match="low end first"):
        form.settings()
    form.row("hu")[0].value = 5
    assert form.error == ""


def test_text_that_is_no_place_is_an_error(form):
    form.row("places").value = "here"
    assert "expected numbers such as" in form.error


def test_setting_emits_once_and_a_change_emits(form):
    seen = []
    form.changed.connect(seen.append)
    form.set(OTHER)
    assert len(seen) == 1
    form.row("inner").row("depth").value = 3.0
    assert len(seen) == 2


class TestOnly:
    def test_only_some_fields_in_this_order(self, qapp):
        form = form_of(Kinds, only=("seed", "edge_mm"))
        assert [row.name for row in form][:2] == ["seed", "edge_mm"]
        assert len(form) == 3

    def test_hidden_fields_keep_what_was_set(self, qapp):
        form = form_of(Kinds, only=("edge_mm",))
        form.set(OTHER)
        form.row("edge_mm").value = 3
        assert form.settings().organ == "liver"
        assert form.settings().edge_mm == 3

    def test_unknown_fields_are_named(self, qapp):
        with pytest.raises(ConfigError, match="did you mean 'edge_mm'"):
            form_of(Kinds, only=("edge",))

    def test_a_field_without_default_must_be_shown(self, qapp):
        with pytest.raises(ConfigError, match="lacks 'size'"):
            form_of(Needy, only=("other",))
        assert form_of(Needy).settings().size == 1


def test_advanced_fields_appear_when_asked_for(qtbot):
    form = form_of(Kinds, advanced=("seed",))
    qtbot.addWidget(form.native)
    form.show()
    assert not form.row("seed").native.isVisible()
    form["more_settings"].value = True
    assert form.row("seed").native.isVisible()
    assert form.settings() == Kinds()


def test_options_reach_the_widget(qapp):
    form = form_of(Kinds, options={"library": {"mode": "d"}})
    assert isinstance(form.row("library")[1], FileEdit)
    assert form.row("library")[1].mode.value == "d"
