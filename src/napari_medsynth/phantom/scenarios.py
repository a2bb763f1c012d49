"""Which structures a body has: :class:`Scenario`, the documented ones and those of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..core.errors import ConfigError, shown
from ..core.settings import nearest
from ..core.yaml_text import read_yaml
from .catalogue import Catalogue, catalogue

#: Asks for a scenario to be drawn by the shares of all.
MIXED = "mixed"

MAX_SCENARIOS = 1000
_MAX_TEXT = 200
_MAX_NAME = 64  #: bytes in UTF-8: datasets keep no more
_MAX_NAMES = 1000  #: of structures and groups in one list; YAML aliases make long lists cheap to write


@dataclass(frozen=True)
class Scenario:
    """A clinical situation: which structures are there.

    Parameters
    ----------
    name
        What it is called.
    share
        How often it is drawn, relative to the shares of the others.
    present
        Structures or groups of the catalogue that are there; None for all.
    absent
        Structures or groups that are not there although they are in ``present``.
    group, description, context
        For people: what kind it is, what is done, and why.
    """

    name: str
    share: float = 1.0
    present: tuple[str, ...] | None = None
    absent: tuple[str, ...] = ()
    group: str = ""
    description: str = ""
    context: str = ""

    def structures(self, catalogue: Catalogue) -> frozenset[str]:
        """Return the names of the target structures that are there.

        Raises
        ------
        ConfigError
            If the anatomy lacks a structure that the scenario names.
        """
        try:
            everything = [entry.name for entry in catalogue.targets]
            kept = catalogue.members(everything if self.present is None else self.present)
            return kept - catalogue.members(self.absent)
        except ConfigError as error:
            raise ConfigError(f"scenario {self.name!r}: {error}") from error


@cache
def builtin_scenarios() -> tuple[Scenario, ...]:
    """Return the scenarios of the documentation of the Synthetic Medical Dataset Generator; their shares sum to 1."""
    import yaml

    data = yaml.safe_load(files(__package__).joinpath("scenarios.yaml").read_text(encoding="utf-8"))
    entries = data["scenarios"]
    sizes = {group: sum(e["group"] == group for e in entries) for group in data["groups"]}
    shares = {group: share / sizes[group] for group, share in data["groups"].items()}
    return tuple(_scenario({**entry, "weight": shares[entry["group"]]}, "scenarios.yaml") for entry in entries)


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """Read scenarios of a YAML file.

    ::

        scenarios:
          - {name: donor, absent: [left_kidney], weight: 2, description: Kidney given away}
          - {name: two organs, present: [heart, liver]}

    Raises
    ------
    ReadError
        If the file cannot be read.
    ConfigError
        If it holds anything else; the message names the file, the scenario and the key.
    """
    data = read_yaml(path, "scenarios")
    if not isinstance(data, Mapping) or set(data) != {"scenarios"}:
        found = shown(list(data)) if isinstance(data, Mapping) else type(data).__name__
        raise ConfigError(f"{path} has {found}; expected the one key 'scenarios'")
    entries = data["scenarios"]
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_SCENARIOS:
        raise ConfigError(f"{path} has scenarios = {shown(entries)}; expected a list of 1 to {MAX_SCENARIOS}")
    made = tuple(_scenario(entry, f"{path}, scenario {n}") for n, entry in enumerate(entries, 1))
    names = [scenario.name for scenario in made]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{path} has scenario {shown(twice)} more than once; expected each name once")
    if not sum(scenario.share for scenario in made):
        raise ConfigError(f"{path} gives every scenario weight 0; expected one above 0")
    return made


def scenarios_for(path: Path, anatomy: str) -> tuple[Scenario, ...]:
    """Read the scenarios of a file for an anatomy; a file that has not changed is read once.

    All of them are checked, so that what is wrong with a rare one is said before the first case and not in the midst
    of a dataset.

    Raises
    ------
    ReadError, ConfigError
        As :func:`read_scenarios` does, and if the anatomy lacks a structure that a scenario names.
    """
    try:
        found = path.stat()
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
    except OSError:  # which reading it explains
        state = (0, 0, 0)
    return _scenarios_for(path, anatomy, state)


@lru_cache(maxsize=8)
def _scenarios_for(path: Path, anatomy: str, state: tuple[int, int, int]) -> tuple[Scenario, ...]:
    scenarios = read_scenarios(path)
    for scenario in scenarios:
        try:
            scenario.structures(catalogue(anatomy))
        except ConfigError as error:
            raise ConfigError(f"{path}, {error}") from error
    return scenarios


def choose(name: str, scenarios: Sequence[Scenario], rng: np.random.Generator) -> Scenario:
    """Return the scenario of this name, or one drawn by the shares if it is ``"mixed"``; one number is drawn anyway.

    Raises
    ------
    ConfigError
        If there is none of this name; the nearest is given.
    """
    at = rng.random()
    if name != MIXED:
        return named(name, scenarios)
    shares = np.cumsum([scenario.share for scenario in scenarios])
    return scenarios[int(np.searchsorted(shares, at * shares[-1], side="right"))]


def named(name: str, scenarios: Sequence[Scenario]) -> Scenario:
    """Return the scenario of this name; raises as :func:`choose` does."""
    found = next((scenario for scenario in scenarios if scenario.name == name), None)
    if found is None:
        raise ConfigError(f"there is no scenario {shown(name)}; {nearest(name, [*(s.name for s in scenarios), MIXED])}")
    return found


def _scenario(entry: object, where: str) -> Scenario:
    keys = ("name", "group", "description", "context", "present", "absent", "weight")
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where} is {shown(entry)}; expected a mapping with a name")
    for key in entry:
        if key not in keys:
            raise ConfigError(f"{where} has no key {shown(key)}; {nearest(str(key), keys)}")
    return Scenario(
        name=_name(entry.get("name", ""), where),
        **{key: _text(entry.get(key, ""), f"{where}, {key}") for key in keys[1:4]},
        share=_weight(entry.get("weight", 1), f"{where}, weight"),
        present=None if entry.get("present") is None else _names(entry["present"], f"{where}, present"),
        absent=_names(entry.get("absent", []), f"{where}, absent"),
    )


def _name(value: object, where: str) -> str:
    name = _text(value, f"{where}, name")
    if not name.strip() or name in (MIXED, "custom"):
        raise ConfigError(f"{where} has name {shown(name)}; expected one, and not 'mixed' or 'custom'")
    if not name.isprintable() or len(name.encode()) > _MAX_NAME:  # it goes to terminals, tables and files
        raise ConfigError(f"{where} has name {shown(name)}; expected printable text of at most {_MAX_NAME} bytes")
    return name


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise ConfigError(f"{where} is {shown(value)}; expected text of at most {_MAX_TEXT} characters")
    return value


def _weight(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e9:
        raise ConfigError(f"{where} is {shown(value)}; expected a number from 0 to 1e9")
    return float(value)


def _names(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MAX_NAMES or not all(isinstance(name, str) for name in value):
        expected = f"a list of at most {_MAX_NAMES} names of structures or groups"
        raise ConfigError(f"{where} is {shown(value)}; expected {expected}")
    return tuple(value)
