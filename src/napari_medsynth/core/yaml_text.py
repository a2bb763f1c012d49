"""Plain values from YAML that anyone may have written: bounded in size, no key twice, and its tags run no code."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

from .errors import ConfigError, ReadError, shown

MAX_BYTES = 1_000_000

#: Values in a text, those that aliases repeat counted each time.
MAX_VALUES = 1_000_000


def read_yaml(path: Path, expected: str) -> object:
    """Return the plain values of a YAML file of at most a million bytes.

    Parameters
    ----------
    path
        The file.
    expected
        What it should hold, for messages, e.g. ``"a recipe"``.

    Raises
    ------
    ReadError
        If the file cannot be read, is too large or is not text.
    ConfigError
        If it is not valid YAML.
    """
    return parse_yaml(read_text(path, expected), str(path))


def read_text(path: Path, expected: str) -> str:
    """Return the text of such a file; :class:`ReadError` if it cannot be read, is too large or is not text."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReadError(f"{path} is not text; expected {expected} in YAML") from error
    except FileNotFoundError as error:
        raise ReadError(f"{path} does not exist; expected {expected} in YAML") from error
    except OSError as error:
        raise ReadError(f"{path} cannot be read ({error.strerror}); expected {expected} in YAML") from error
    if len(data) > MAX_BYTES:
        raise ReadError(f"{path} has more than {MAX_BYTES} bytes; expected {expected}")
    return text


def parse_yaml(text: str, where: str) -> object:
    """Return the plain values of a YAML text; :class:`ConfigError` that begins with ``where`` if it is not valid."""
    import yaml

    try:
        loader = _loader()(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = "" if line is None else f" at line {line + 1}"
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise ConfigError(f"{where} is not valid YAML{place}: {shown(problem)}") from error
    except (ValueError, KeyError, AttributeError) as error:
        # PyYAML lets these through where a tag and its value do not fit, e.g. `!!bool maybe` or the date 2001-99-99.
        raise ConfigError(f"{where} is not valid YAML: a value is not of its type ({shown(str(error))})") from error
    except RecursionError as error:
        raise ConfigError(f"{where} is not valid YAML: it is nested too deeply") from error


def _count(node: Any, known: dict[int, float]) -> float:
    """Return how many values there are in a node of YAML, those that aliases repeat counted each time."""
    if id(node) not in known:
        known[id(node)] = math.inf  # while its parts are counted, one of which may be itself
        parts = node.value if isinstance(node.value, list) else []
        known[id(node)] = 1 + sum(_count(n, known) for part in parts for n in (part if type(part) is tuple else [part]))
    return known[id(node)]


@cache
def _loader() -> Any:
    """Return PyYAML's safe loader as one that refuses equal keys, and aliases that make a small text endless."""
    import yaml

    class Loader(yaml.SafeLoader):
        def get_single_node(self) -> Any:
            node = super().get_single_node()
            if node is not None and _count(node, {}) > MAX_VALUES:
                raise yaml.MarkedYAMLError(problem=f"aliases make more than {MAX_VALUES} values of it")
            return node

        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            seen = set()
            for key, _ in node.value:
                name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
                if name in seen:
                    raise yaml.MarkedYAMLError(problem=f"key {key.value!r} is there twice", problem_mark=key.start_mark)
                seen.update([name] if name else [])
            return node

    return Loader
