"""Settings of a step: one frozen dataclass is the form, the flags and the lines of a recipe.

Each field is made with :func:`setting`, which keeps its help, unit and range. :class:`Settings` checks them
whenever one is made, and :meth:`Settings.from_json` refuses keys that it does not know.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from .errors import ConfigError, shown

#: A number that YAML 1.1 takes for text, because it has no point: ``1e-3``.
_EXPONENT = re.compile(r"[-+]?\d+[eE][-+]?\d+")


@dataclass(frozen=True)
class About:
    """What a person needs to know of a setting: its help, its unit, and the range it may lie in (ends included)."""

    help: str
    unit: str = ""
    low: float | None = None
    high: float | None = None

    def describe(self) -> str:
        """Return the help with unit and range, for a tooltip or ``--help``."""
        bounds = "" if self.low is None and self.high is None else f"{_end(self.low)} … {_end(self.high)}"
        tail = " ".join(part for part in (bounds, self.unit) if part)
        return f"{self.help} ({tail})" if tail else self.help


def setting(
    default: Any = MISSING,
    help: str = "",  # noqa: A002 - the word that argparse, click and tyro users look for
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
) -> Any:
    """Make a dataclass field with help, unit and range; a pair of numbers is an interval, low end first."""
    return dataclasses.field(default=default, metadata={"about": About(help, unit, low, high)})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of every group of settings.

    Raises
    ------
    ConfigError
        If a value is of the wrong type or outside its range; the message names the setting.
    """

    def __post_init__(self) -> None:
        cls = type(self)
        for field in dataclasses.fields(self):
            where = f"{cls.__name__}.{field.name}"
            value = _converted(getattr(self, field.name), hints_of(cls)[field.name], where)
            _require_in_range(value, about(field), where)
            object.__setattr__(self, field.name, value)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, defaults included."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, values: object, where: str = "") -> Self:
        """Make settings of a mapping, as read from YAML or JSON; what is left out keeps its default.

        Raises
        ------
        ConfigError
            If a key is unknown (the nearest one is named), a value does not fit, or one that is needed is missing.
        """
        where = where or cls.__name__
        if not isinstance(values, Mapping):
            raise ConfigError(f"{where} is {shown(values)}; expected a mapping of settings")
        fields = {f.name: f for f in dataclasses.fields(cls)}
        known = {str(key).replace("-", "_"): value for key, value in values.items()}
        if len(known) < len(values):
            raise ConfigError(f"{where} has one setting twice, spelled with '-' and with '_'; expected it once")
        for key in known:
            if key not in fields:
                raise ConfigError(f"{where} has no setting {shown(key)}; {nearest(key, fields)}")
        missing = [n for n, f in fields.items() if n not in known and f.default is f.default_factory is MISSING]
        if missing:
            raise ConfigError(f"{where} lacks {missing[0]!r}; it has no default")
        return cls(**known)


def about(field: dataclasses.Field[Any]) -> About:
    """Return what is known of a settings field."""
    found = field.metadata.get("about")
    return found if isinstance(found, About) else About(help="")


def hints_of(cls: type) -> dict[str, Any]:
    """Return the resolved type of each field."""
    return _hints_of(cls)


@cache
def _hints_of(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def nearest(word: str, known: Any) -> str:
    """Return 'did you mean …' or, if nothing is near, 'expected one of …'."""
    names = sorted(str(k) for k in known)
    plain_names = {name.lower().replace("-", "_"): name for name in names}
    close = difflib.get_close_matches(word[:100].lower().replace("-", "_"), plain_names, n=1, cutoff=0.5)
    return f"did you mean {plain_names[close[0]]!r}?" if close else f"expected one of {', '.join(names)}"


def _converted(value: Any, hint: Any, where: str) -> Any:
    """Return ``value`` as the type that ``hint`` asks for, changing only its container (list → tuple, str → Path …)."""
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays: recipes and records keep plain ones
        value = value.tolist()
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _converted_union(value, args, where)
    if origin is Literal:
        if value not in args:
            raise ConfigError(f"{where} is {shown(value)}; {nearest(value if isinstance(value, str) else '', args)}")
        return value
    if origin is tuple:
        return _converted_tuple(value, args, where)
    if isinstance(hint, type) and issubclass(hint, Settings):
        return value if isinstance(value, hint) else hint.from_json(value, where)
    return _converted_scalar(value, hint, where)


def _converted_union(value: Any, args: tuple[Any, ...], where: str) -> Any:
    if value is None and type(None) in args:
        return None
    problems = []
    for option in (a for a in args if a is not type(None)):
        try:
            return _converted(value, option, where)
        except ConfigError as error:
            problems.append(error)
    raise problems[0]


def _converted_tuple(value: Any, args: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    if args == (float, float) and isinstance(value, int | float) and not isinstance(value, bool):
        value = (value, value)  # an interval of one number
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where} is {shown(value)}; expected a list")
    if len(args) == 2 and args[1] is Ellipsis:
        args = (args[0],) * len(value)
    if len(value) != len(args):
        raise ConfigError(f"{where} has {len(value)} values; expected {len(args)}")
    return tuple(_converted(v, a, where) for v, a in zip(value, args, strict=True))


def _converted_scalar(value: Any, hint: type, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return _as_float(value, where)
    if hint is float and isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        words = {int: "a whole number", float: "a number", str: "text", bool: "true or false", Path: "a path"}
        raise ConfigError(f"{where} is {shown(value)}; expected {words.get(hint, hint.__name__)}")
    return value


def _as_float(value: int, where: str) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise ConfigError(f"{where} is {shown(value)}; expected a number that a float can hold") from error


def _require_in_range(value: Any, info: About, where: str) -> None:
    if isinstance(value, tuple):
        for part in value:
            _require_in_range(part, info, where)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        low = -math.inf if info.low is None else info.low
        high = math.inf if info.high is None else info.high
        if not low <= value <= high or value in (math.inf, -math.inf):
            bounds = "a finite number" if info.low is info.high is None else f"{_end(info.low)} to {_end(info.high)}"
            unit = f" {info.unit}" if info.unit else ""
            raise ConfigError(f"{where} is {shown(value)}; expected {bounds}{unit}")


def require_interval(settings: Settings, *names: str) -> None:
    """Raise :class:`ConfigError` for the first of these pairs whose low end lies above its high end."""
    for name in names:
        low, high = getattr(settings, name)
        if low > high:
            raise ConfigError(f"{type(settings).__name__}.{name} is {(low, high)!r}; expected the low end first")


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def _end(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:g}"
