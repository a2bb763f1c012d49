"""The rows of a form: how one setting is shown, read and set. Chosen in :mod:`.form`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, get_origin

from magicgui.widgets import (
    CheckBox,
    ComboBox,
    Container,
    FileEdit,
    FloatSlider,
    FloatSpinBox,
    LineEdit,
    Select,
    Slider,
    SpinBox,
    Widget,
)

from ..core.errors import ConfigError
from ..core.rng import MAX_SEED
from ..core.settings import About

_MOST_STEPS = 200  #: of a slider for whole numbers; above, a spin box
_FAR = 1e9  #: end of a spin box for a number without bound


class Field(Protocol):
    """One setting in a form."""

    @property
    def widget(self) -> Widget:
        """What the form shows."""

    def get(self) -> Any:
        """Return the value that is shown."""

    def set(self, value: Any) -> None:
        """Show a value."""


class Single:
    """A value with a widget of its own.

    Sliders and spin boxes round; what was set comes back exactly until a person changes it.
    """

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self._set: Any = widget.value
        self._shown: Any = widget.value

    def get(self) -> Any:
        """Return the value that is shown."""
        value = self.widget.value
        return self._set if value == self._shown else value

    def set(self, value: Any) -> None:
        """Show a value."""
        self.widget.value = value
        self._set, self._shown = value, self.widget.value


class Row:
    """A tuple of fixed length: its parts beside each other."""

    def __init__(self, parts: Sequence[Field]) -> None:
        self._parts = parts
        self.widget = Container(widgets=[p.widget for p in parts], layout="horizontal", labels=False)
        self.widget.margins = (0, 0, 0, 0)

    def get(self) -> tuple[Any, ...]:
        """Return the values that are shown."""
        return tuple(part.get() for part in self._parts)

    def set(self, value: Sequence[Any]) -> None:
        """Show values, one per part."""
        for part, one in zip(self._parts, value, strict=True):
            part.set(one)


class Several:
    """A choice of several words out of some."""

    def __init__(self, choices: Sequence[str]) -> None:
        self.widget = Select(choices=list(choices))
        self.widget.native.setMaximumHeight(24 * len(choices))

    def get(self) -> tuple[str, ...]:
        """Return the chosen words."""
        return tuple(self.widget.value)

    def set(self, value: Sequence[str]) -> None:
        """Choose words."""
        self.widget.value = list(value)


class Words:
    """Any number of words, separated by commas."""

    def __init__(self) -> None:
        self.widget = LineEdit()

    def get(self) -> tuple[str, ...]:
        """Return the words."""
        return tuple(word for part in self.widget.value.split(",") if (word := part.strip()))

    def set(self, value: Sequence[str]) -> None:
        """Show words."""
        self.widget.value = ", ".join(value)


class Places:
    """Any number of tuples of numbers: commas within, semicolons between them."""

    def __init__(self) -> None:
        self.widget = LineEdit()

    def get(self) -> tuple[tuple[float, ...], ...]:
        """Return the tuples.

        Raises
        ------
        ConfigError
            If something is no number.
        """
        places = [part for part in self.widget.value.split(";") if part.strip()]
        try:
            return tuple(tuple(float(number) for number in place.split(",")) for place in places)
        except ValueError as error:
            found = f"{self.widget.label} is {self.widget.value!r}"
            raise ConfigError(f"{found}; expected numbers such as 40, 120.5, 96; 42, 80, 100") from error

    def set(self, value: Sequence[Sequence[float]]) -> None:
        """Show tuples."""
        self.widget.value = "; ".join(", ".join(f"{number!r}" for number in place) for place in value)


class Optional:
    """A value that may be left out: a tick in front of it."""

    def __init__(self, inner: Field) -> None:
        self._inner = inner
        self._tick = CheckBox(value=False, text="")
        self._tick.tooltip = "Tick to set it; else it is left out"
        self._tick.max_width = 24
        self.widget = Container(widgets=[self._tick, inner.widget], layout="horizontal", labels=False)
        self.widget.margins = (0, 0, 0, 0)
        self._tick.changed.connect(self._follow)
        self._follow(False)

    def get(self) -> Any:
        """Return the value, or None if it is not ticked."""
        return self._inner.get() if self._tick.value else None

    def set(self, value: Any) -> None:
        """Show a value; None takes the tick away."""
        self._tick.value = value is not None
        if value is not None:
            self._inner.set(value)

    def _follow(self, ticked: bool) -> None:
        self._inner.widget.enabled = ticked


def scalar_field(hint: Any, info: About, options: Mapping[str, Any]) -> Single:
    """Return the field of a number, text, path, tick or choice of one.

    Raises
    ------
    ConfigError
        If there is no widget for the type.
    """
    if get_origin(hint) is Literal:
        return Single(ComboBox(choices=list(get_args(hint)), **options))
    if hint in (int, float):
        return Single(_number(hint, info, options))
    kinds = {bool: CheckBox, str: LineEdit, Path: FileEdit}
    if hint not in kinds:
        raise ConfigError(f"a form has no widget for {hint}; expected a number, text, path, tick or choice")
    if hint is bool:
        options = {"text": "", **options}
    return Single(kinds[hint](**options))


def spin_field(hint: type, info: About) -> Single:
    """Return the field of a number that shares its row with others: a spin box, whatever the range."""
    return Single(_spin(hint, info, {}))


def _number(hint: type, info: About, options: Mapping[str, Any]) -> Any:
    if info.low is None or info.high is None or (hint is int and info.high - info.low > _MOST_STEPS):
        return _spin(hint, info, options)
    if hint is int:
        return Slider(value=int(info.low), min=int(info.low), max=int(info.high), **options)
    return FloatSlider(value=info.low, min=info.low, max=info.high, step=_step(info), **options)


def _spin(hint: type, info: About, options: Mapping[str, Any]) -> Any:
    far = MAX_SEED if hint is int else _FAR
    low, high = (-far if info.low is None else info.low), (far if info.high is None else info.high)
    if hint is int:
        return SpinBox(value=max(int(low), 0), min=int(low), max=int(high), **options)
    return FloatSpinBox(value=max(low, 0.0), min=low, max=high, step=_step(info), **options)


def _step(info: About) -> float:
    """A power of ten, or half of one, that divides the range into one hundred to five hundred steps."""
    if info.low is None or info.high is None or info.high <= info.low:
        return 1.0
    power = 10.0 ** math.floor(math.log10((info.high - info.low) / 100))
    return power if (info.high - info.low) / power <= 500 else 5 * power
