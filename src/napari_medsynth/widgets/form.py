"""A form for any group of settings: :func:`form_of`.

Help becomes the tooltip, the unit part of the label, the range the ends of a slider. What a person enters is checked
by the settings themselves, and an error is shown beneath.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from magicgui.widgets import CheckBox, Container, Label

from ..core.errors import ConfigError
from ..core.settings import About, Settings, about, hints_of, nearest
from .alignment import align
from .fields import Field, Optional, Places, Row, Several, Words, scalar_field, spin_field

S = TypeVar("S", bound=Settings)
Options = Mapping[str, Mapping[str, Any]]

_SUFFIXES = ("_mm", "_ml", "_deg", "_hu")  # the label has the unit already


def form_of(
    settings_class: type[S],
    *,
    only: Sequence[str] | None = None,
    advanced: Collection[str] = (),
    options: Options | None = None,
) -> SettingsForm[S]:
    """Make a form for a settings class.

    Parameters
    ----------
    settings_class
        The class; its fields become rows in their order.
    only
        Fields to show, in this order; the others keep their defaults, or what :meth:`SettingsForm.set` gave.
    advanced
        Those of the shown fields that appear only while "More settings" is ticked.
    options
        Further options for the magicgui widget of a field, e.g. ``{"library": {"mode": "d"}}``.

    Raises
    ------
    ConfigError
        If a name is no field of the class, or a field without default is not shown.
    """
    return SettingsForm(settings_class, only, advanced, options or {})


class _Hidden(Container):
    """Rows that a tick shows."""

    def show_if(self, wanted: bool) -> None:
        self.visible = wanted


class SettingsForm(Container, Generic[S]):
    """Rows for the fields of a settings class; made by :func:`form_of`.

    ``changed`` is emitted, with the form, when a person changed a value, and once by :meth:`set`.
    """

    def __init__(
        self,
        settings_class: type[S],
        only: Sequence[str] | None = None,
        advanced: Collection[str] = (),
        options: Options | None = None,
    ) -> None:
        super().__init__(labels=True)
        self.margins = (0, 0, 0, 0)
        self._class = settings_class
        known = {field.name: field for field in dataclasses.fields(settings_class)}
        shown = tuple(known) if only is None else tuple(only)
        _require_fields(settings_class, (*shown, *advanced, *(options or {})), known)
        self._kept = {n: f.default for n, f in known.items() if f.default is not dataclasses.MISSING}
        if missing := [n for n in known if n not in self._kept and n not in shown]:
            raise ConfigError(f"form of {settings_class.__name__} lacks {missing[0]!r}; it has no default")
        self._rows = {n: _field(settings_class, known[n], (options or {}).get(n, {})) for n in shown}
        self._more = CheckBox(text="More settings", value=False, name="more_settings", label="")
        self._error = Label(value="", name="problem", label=" ")
        self._error.native.setWordWrap(True)
        self._arrange(known, advanced)
        align(self)
        self._show({n: v for n, v in self._kept.items() if n in self._rows})
        self._check()
        self.changed.connect(self._check)

    def settings(self) -> S:
        """Return the settings that are shown.

        Raises
        ------
        ConfigError
            If they cannot be used; the form shows that message too.
        """
        return self._class(**{**self._kept, **{name: row.get() for name, row in self._rows.items()}})

    def set(self, settings: S) -> None:
        """Show settings; what they hold comes back exactly until a person changes it."""
        self._kept = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
        with self.changed.blocked():
            self._show({name: self._kept[name] for name in self._rows})
        self.changed.emit(self)

    @property
    def error(self) -> str:
        """What is wrong with what is shown; empty if nothing is."""
        return str(self._error.value)

    def row(self, name: str) -> Any:
        """Return the magicgui widget of a field, e.g. to connect to its ``changed`` alone."""
        return self._rows[name].widget

    def _arrange(self, known: Mapping[str, dataclasses.Field[Any]], advanced: Collection[str]) -> None:
        hidden = []
        for name, row in self._rows.items():
            info = about(known[name])
            row.widget.name, row.widget.label = name, label_of(name, info)
            if isinstance(row.widget, CheckBox):  # shows its text, and no label beside it
                row.widget.text = row.widget.label
            row.widget.tooltip = info.describe()
            if name in advanced:
                hidden.append(row.widget)
            else:
                self.append(row.widget)
        if hidden:
            more = _Hidden(widgets=hidden, labels=True, name="more", label=" ", visible=False)
            more.margins = (0, 0, 0, 0)
            self._more.changed.connect(more.show_if)
            self.extend([self._more, more])
        self.append(self._error)

    def _show(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            self._rows[name].set(value)

    def _check(self) -> None:
        """Show what is wrong, or nothing."""
        try:
            self.settings()
        except ConfigError as error:
            self._error.value = str(error)
        else:
            self._error.value = ""
        self._error.visible = bool(self._error.value)


def label_of(name: str, info: About) -> str:
    """Return what a form calls a field: ``edge_mm`` in mm is "Edge (mm)"."""
    stem = next((name.removesuffix(end) for end in _SUFFIXES if info.unit and name.endswith(end)), name)
    words = stem.replace("_", " ").replace("hu ", "HU ")
    words = "HU" if words == "hu" else words[:1].upper() + words[1:]
    return f"{words} ({info.unit})" if info.unit and info.unit not in words else words


class _Group:
    """Settings within settings: a form within the form."""

    def __init__(self, settings_class: type[Settings]) -> None:
        self.widget: SettingsForm[Any] = SettingsForm(settings_class)

    def get(self) -> Settings:
        return self.widget.settings()

    def set(self, value: Settings) -> None:
        self.widget.set(value)


def _field(cls: type[Settings], field: dataclasses.Field[Any], options: Mapping[str, Any]) -> Field:
    return _field_for(hints_of(cls)[field.name], about(field), options)


def _field_for(hint: Any, info: About, options: Mapping[str, Any]) -> Field:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return Optional(_field_for(next(a for a in args if a is not type(None)), info, options))
    if origin is tuple:
        return _tuple_field(args, info)
    if isinstance(hint, type) and issubclass(hint, Settings):
        return _Group(hint)
    return scalar_field(hint, info, options)


def _tuple_field(args: tuple[Any, ...], info: About) -> Field:
    if args[-1] is Ellipsis:
        return _list_field(args[0])
    return Row([spin_field(a, info) if a in (int, float) else scalar_field(a, info, {}) for a in args])


def _list_field(hint: Any) -> Field:
    """Any number of values: a choice of words, words, or tuples of numbers."""
    if get_origin(hint) is Literal:
        return Several(get_args(hint))
    if hint is str:
        return Words()
    if get_origin(hint) is tuple and set(get_args(hint)) <= {int, float}:
        return Places()
    raise ConfigError(f"a form has no widget for a list of {hint}; expected words or tuples of numbers")


def _require_fields(cls: type[Settings], names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"{cls.__name__} has no setting {name!r}; {nearest(name, known)}")
