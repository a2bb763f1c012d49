"""Nested state (of networks, optimisers, loops) as tensors and plain JSON, and back: no pickle anywhere.

Dictionaries keep their order and keys that are numbers; tuples stay tuples; infinities and NaN have names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..core.errors import ReadError, WriteError, shown

Tensors = dict[str, torch.Tensor]


def packed(value: Any) -> tuple[Any, Tensors]:
    """Return plain JSON, and the tensors that it refers to by their number.

    Raises
    ------
    WriteError
        If there is anything in it but numbers, text, tensors, and dictionaries, lists and tuples of them.
    """
    tensors: Tensors = {}
    return _packed(value, tensors), tensors


def unpacked(plain: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """Return what :func:`packed` was given.

    Raises
    ------
    ReadError
        If it is not of that form.
    """
    if not isinstance(plain, dict):
        return [unpacked(item, tensors) for item in plain] if isinstance(plain, list) else plain
    if len(plain) != 1:
        raise ReadError(f"state has {shown(plain)}; expected one of {', '.join(_FORMS)}")
    ((form, content),) = plain.items()
    try:
        return _FORMS[form](content, tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise ReadError(f"state has {form!r}: {shown(content)}, which is not of that form") from error


def _packed(value: Any, tensors: Tensors) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)  # none shares memory
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"dict": [[_packed(key, tensors), _packed(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_packed(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_packed(item, tensors) for item in value]
    raise WriteError(f"state has {shown(value)}; expected numbers, text and tensors")


def _dict(content: Any, tensors: Mapping[str, torch.Tensor]) -> dict[Any, Any]:
    return {unpacked(key, tensors): unpacked(item, tensors) for key, item in content}


def _tuple(content: Any, tensors: Mapping[str, torch.Tensor]) -> tuple[Any, ...]:
    return tuple(unpacked(item, tensors) for item in content)


Reader = Callable[[Any, Mapping[str, torch.Tensor]], Any]
_FORMS: dict[str, Reader] = {
    "dict": _dict,
    "tuple": _tuple,
    "tensor": lambda content, tensors: tensors[content],
    "float": lambda content, _: float(content),
}
