"""Flags from dataclasses: what tyro does, plus this package's settings and tuples in one word.

A :class:`~napari_medsynth.core.settings.Settings` class, and so every step, becomes flags whose help comes with
range and unit; a group of settings inside another becomes flags with its name before them (``--morph.scale``). A
group that may be None is None if none of its flags is given; else the others have the defaults of its class.

Tuples are one word with commas (``--at 10,200,100``), except that paths, which may hold commas, are separate words
(``--data ct.nii.gz labels.nii.gz``). Two numbers are an interval, and one number stands for both its ends. What may be
None is given as ``none``. A setting that is a list of lists is no flag: a command takes it from a file.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

from ..core.errors import ConfigError, MedsynthError, shown
from ..core.settings import Settings, about, hints_of

Made = TypeVar("Made")

REGISTRY = ConstructorRegistry()

_WORDS = {int: "a whole number", float: "a number", bool: "true or false"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parsed(cls: type[Made], words: Sequence[str], *, prog: str, example: str) -> Made:
    """Make a dataclass of flags, ``-`` and ``_`` alike; its docstring and ``example`` are its ``--help``.

    A class whose defaults are those of a file that a flag names has ``defaults(words)``, which returns them as one of
    its instances; see :func:`known`.

    Raises
    ------
    MedsynthError
        If a setting is outside its range.
    SystemExit
        Status 0 after ``--help``; 2 for flags that are wrong, after telling so on stderr.
    """
    description = f"{inspect.cleandoc(cls.__doc__ or '')}\n\nexample:\n  {example}"
    defaults = getattr(cls, "defaults", None)
    default = tyro.MISSING_NONPROP if defaults is None else defaults(words)
    made: Made = tyro.cli(cls, args=list(words), prog=prog, description=description, default=default, registry=REGISTRY)
    return made


def known(cls: type[Made], words: Sequence[str]) -> Made:
    """Make a dataclass of those words that are its flags; all others are passed over, ``--help`` too.

    Raises
    ------
    SystemExit
        Status 2 for flags that are wrong, after telling so on stderr.
    """
    made, _ = tyro.cli(cls, args=list(words), return_unknown_args=True, add_help=False, registry=REGISTRY)
    return made


@REGISTRY.struct_rule
def _settings(info: StructTypeInfo) -> StructConstructorSpec | None:
    cls = info.type
    if not (isinstance(cls, type) and issubclass(cls, Settings)):
        return None
    given = info.default if isinstance(info.default, cls) else None
    before = _values(given)
    fields = [_field(f, before.get(f.name, _default(f)), hints_of(cls)[f.name]) for f in _flagged(cls)]
    return StructConstructorSpec(instantiate=partial(_made, cls, before), fields=tuple(fields))


@dataclasses.dataclass(frozen=True)
class _LeftOut:
    """Stands for a flag of an optional group that was not given; shown as what it would be if others were."""

    shown_as: Any


@dataclasses.dataclass(frozen=True)
class _Optional:
    """Stands for a group of settings that may be None; tyro would make subcommands of it."""

    cls: ClassVar[type[Settings]]
    value: Settings | None


def _optional(cls: type[Settings]) -> type[_Optional]:
    return type(f"Optional{cls.__name__}", (_Optional,), {"cls": cls})


@REGISTRY.struct_rule
def _optional_settings(info: StructTypeInfo) -> StructConstructorSpec | None:
    if not (isinstance(info.type, type) and issubclass(info.type, _Optional)):
        return None
    cls = info.type.cls
    given = info.default.value if isinstance(info.default, _Optional) else None
    before = _values(given)
    fields = [
        _field(f, _LeftOut(before.get(f.name, _default(f))), hints_of(cls)[f.name] | _LeftOut) for f in _flagged(cls)
    ]
    return StructConstructorSpec(instantiate=partial(_made_if_given, cls, given), fields=tuple(fields))


def _values(settings: Settings | None) -> dict[str, Any]:
    return {} if settings is None else {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}


def _made_if_given(cls: type[Settings], before: Settings | None, **values: Any) -> Settings | None:
    given = {name: value for name, value in values.items() if not isinstance(value, _LeftOut)}
    return _made(cls, _values(before), **given) if given else before


def _flagged(cls: type[Settings]) -> list[dataclasses.Field[Any]]:
    """Fields that are flags: all but lists of lists."""
    return [field for field in dataclasses.fields(cls) if not _is_nested(hints_of(cls)[field.name])]


def _is_nested(hint: Any) -> bool:
    is_list = get_origin(hint) is tuple
    return any(_is_nested(a) or (is_list and get_origin(a) is tuple) for a in get_args(hint))


def _field(field: dataclasses.Field[Any], default: Any, hint: Any) -> StructFieldSpec:
    group = [a for a in get_args(hint) if isinstance(a, type) and issubclass(a, Settings)]
    if group and _is_tuple_or_union(hint):
        hint = _optional(group[0])
        default = hint(default)
    return StructFieldSpec(name=field.name, type=hint, default=default, helptext=about(field).describe())


def _made(cls: type[Settings], before: dict[str, Any], **values: Any) -> Settings:
    try:
        return cls(**{**before, **values})
    except ConfigError as error:
        # Not a ValueError any more: tyro would draw a box around that instead of letting us say it in one line.
        raise MedsynthError(str(error)) from error


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return tyro.MISSING_NONPROP


@REGISTRY.primitive_rule
def _several_paths(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """A fixed number of paths, or none, as that many words."""
    options = [info.type] if info.type_origin is tuple else [a for a in get_args(info.type) if a is not type(None)]
    count = len(get_args(options[0])) if len(options) == 1 else 0
    if not count or get_origin(options[0]) is not tuple or set(get_args(options[0])) != {Path}:
        return None
    return PrimitiveConstructorSpec(
        nargs=count,
        metavar=" ".join(["PATH"] * count),
        instance_from_str=lambda words: tuple(Path(word) for word in words),
        is_instance=lambda value: True,
        str_from_instance=lambda paths: ["none"] if paths is None else [str(path) for path in paths],
    )


@REGISTRY.primitive_rule
def _one_word(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Other tuples and unions as one word; the rest, and unions of settings, is tyro's."""
    hint: Any = info.type
    if not (_is_tuple_or_union(hint) and _is_simple(hint)):
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=_metavar(hint),
        instance_from_str=lambda words: _value(words[0], hint),
        is_instance=lambda value: True,
        str_from_instance=lambda value: [_text(value)],
    )


def _is_tuple_or_union(hint: Any) -> bool:
    return get_origin(hint) in (tuple, Union, types.UnionType)


def _is_simple(hint: Any) -> bool:
    if _is_tuple_or_union(hint):
        has_paths = get_origin(hint) is tuple and Path in get_args(hint)
        return not has_paths and all(_is_simple(a) for a in get_args(hint))
    return hint in (int, float, bool, str, Path, type(None), _LeftOut, Ellipsis) or get_origin(hint) is Literal


def _value(text: str, hint: Any) -> Any:
    """Return what one word of a command line stands for; :class:`ConfigError` if it does not fit ``hint``."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(text, args)
    if origin is tuple:
        return _tuple(text, args)
    if origin is Literal:
        return _choice(text, args)
    try:
        return _TRUTH[text.lower()] if hint is bool else hint(text)
    except (ValueError, KeyError) as error:
        raise ConfigError(f"{shown(text)} is not {_WORDS[hint]}") from error


def _one_of(text: str, hints: tuple[Any, ...]) -> Any:
    if text.lower() == "none" and type(None) in hints:
        return None
    problems = []
    for hint in (h for h in hints if h not in (type(None), _LeftOut)):
        try:
            return _value(text, hint)
        except ConfigError as error:
            problems.append(str(error))
    raise ConfigError("; ".join(dict.fromkeys(problems)))


def _tuple(text: str, hints: tuple[Any, ...]) -> tuple[Any, ...]:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if hints[-1:] == (Ellipsis,):
        hints = (hints[0],) * len(parts)
    if len(parts) == 1 and _is_interval(hints):
        parts *= 2
    if len(parts) != len(hints):
        raise ConfigError(f"{shown(text)} has {len(parts)} values; expected {len(hints)} with commas between them")
    return tuple(_value(part, hint) for part, hint in zip(parts, hints, strict=True))


def _is_interval(hints: tuple[Any, ...]) -> bool:
    return hints in ((int, int), (float, float))


def _choice(text: str, choices: tuple[Any, ...]) -> Any:
    for choice in choices:
        if str(choice).replace("_", "-") == text.replace("_", "-"):
            return choice
    raise ConfigError(f"{shown(text)} is not one of {', '.join(str(c) for c in choices)}")


def _metavar(hint: Any) -> str:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        words = [_metavar(a) for a in args if a not in (type(None), _LeftOut)]
        return "|".join(word for word in words if f"{word}[,{word}]" not in words)
    if origin is tuple and _is_interval(args):
        return f"{_metavar(args[0])}[,{_metavar(args[0])}]"
    if origin is tuple:
        return ",".join("…" if a is Ellipsis else _metavar(a) for a in args)
    if origin is Literal:
        return "{" + ",".join(str(a) for a in args) + "}"
    return {str: "TEXT", Path: "PATH"}.get(hint, str(hint.__name__).upper())


def _text(value: Any) -> str:
    if isinstance(value, _LeftOut):
        return _text(value.shown_as)
    if isinstance(value, tuple):
        return ",".join(_text(v) for v in value)
    return "none" if value is None else str(value)
