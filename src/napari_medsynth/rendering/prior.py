"""What intensities each class may have: :class:`Prior`, and its file.

::

    classes:
      white matter:
        mean: {normal: [110, 8]}
        std: {uniform: [4, 9]}
      disc:
        mean: {values: [60, 85, 140]}
        std: 9
        each: 15
        smooth: 0.8
    default:
      mean: {uniform: [25, 225]}
      std: {uniform: [5, 25]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from ..core.errors import ConfigError, shown
from ..core.settings import nearest
from ..core.yaml_text import parse_yaml, read_text
from .distribution import Distribution, number

#: Name of the class of what no label covers, value 0.
BACKGROUND = "background"

#: What else a class may say.
_MORE = ("each", "smooth")


@dataclass(frozen=True)
class ClassPrior:
    """What the intensities of one class may be.

    Parameters
    ----------
    mean
        Of its voxels.
    std
        Standard deviation of its voxels about their mean; never drawn below 0.
    each
        Standard deviation by which the means of several labels of this class differ in one image, as those of discs
        that have aged differently do; 0: they share one mean.
    smooth
        Share of its variance that is not from voxel to voxel but wider, 0 … 1; None if that is not known. It takes the
        place of the share that the stage *texture* draws.

    Raises
    ------
    ConfigError
        If a deviation is listed as negative, or the share lies outside 0 … 1.
    """

    mean: Distribution
    std: Distribution
    each: float = 0.0
    smooth: float | None = None

    def __post_init__(self) -> None:
        if self.std.kind != "normal" and self.std.low < 0:
            raise ConfigError(f"std goes down to {self.std.low:g}; expected 0 or more")
        object.__setattr__(self, "each", number(self.each, "each"))
        if self.each < 0:
            raise ConfigError(f"each is {self.each:g}; expected 0 or more")
        if self.smooth is not None and not 0 <= number(self.smooth, "smooth") <= 1:
            raise ConfigError(f"smooth is {self.smooth:g}; expected 0 to 1")

    @classmethod
    def constant(cls, mean: float, std: float) -> Self:
        """Return one that is always the same."""
        return cls(Distribution.constant(mean), Distribution.constant(std))

    def to_json(self) -> dict[str, Any]:
        """Return it as a prior file has it."""
        found = {"mean": self.mean.to_json(), "std": self.std.to_json()}
        more = {"each": self.each or None, "smooth": self.smooth}
        return found | {key: value for key, value in more.items() if value is not None}

    @classmethod
    def from_json(cls, value: object, where: str) -> Self:
        """Make one of a mapping with ``mean``, ``std`` and perhaps more; :class:`ConfigError` if it is not one."""
        values = _mapping(value, where, ("mean", "std"), _MORE)
        mean, std = (Distribution.from_json(values[key], f"{where}, {key}") for key in ("mean", "std"))
        try:
            return cls(mean, std, values.get("each", 0.0), values.get("smooth"))
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error


#: Billot et al. 2023, "SynthSeg": any contrast, on a scale of 0 … 255.
RANDOM = ClassPrior(Distribution("uniform", (25.0, 225.0)), Distribution("uniform", (5.0, 25.0)))


@dataclass(frozen=True)
class Sometimes:
    """What the background is in some images only: with this probability, that."""

    probability: float
    prior: ClassPrior

    @classmethod
    def from_json(cls, value: object, where: str) -> Self:
        """Make one of a mapping with ``probability``, ``mean`` and ``std``; :class:`ConfigError` if it is not one."""
        values = dict(_mapping(value, where, ("probability", "mean", "std"), _MORE))
        probability = values.pop("probability")
        if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
            raise ConfigError(f"{where}, probability is {shown(probability)}; expected a number from 0 to 1")
        return cls(float(probability), ClassPrior.from_json(values, where))

    def to_json(self) -> dict[str, Any]:
        """Return it as a prior file has it."""
        return {"probability": self.probability, **self.prior.to_json()}


@dataclass(frozen=True)
class Prior:
    """What intensities each class may have.

    Parameters
    ----------
    classes
        By name of the class: that of a structure or of a tissue; ``"background"`` is what no label covers.
    default
        What every other label has, each drawn for itself; None if there are no others.
    background
        What the background is in some images only, in place of its own class or the default.
    random
        What means or deviations are drawn from where an image is given a contrast of no particular kind.
    source
        Where it comes from, for messages.
    """

    classes: Mapping[str, ClassPrior]
    default: ClassPrior | None = None
    background: tuple[Sometimes, ...] = ()
    random: ClassPrior = RANDOM
    source: str = field(default="the prior", compare=False)

    def to_json(self) -> dict[str, Any]:
        """Return it as its file has it."""
        found: dict[str, Any] = {"classes": {name: entry.to_json() for name, entry in self.classes.items()}}
        if self.default is not None:
            found["default"] = self.default.to_json()
        if self.background:
            found["background"] = [entry.to_json() for entry in self.background]
        return found if self.random == RANDOM else {**found, "random": self.random.to_json()}

    @classmethod
    def from_json(cls, value: object, where: str) -> Self:
        """Make a prior of plain values.

        Raises
        ------
        ConfigError
            If a key is unknown (the nearest is named) or a value is not what it should be.
        """
        values = _mapping(value, where, (), ("classes", "default", "background", "random"))
        classes, rare = values.get("classes", {}), values.get("background", [])
        if not isinstance(classes, Mapping) or not all(isinstance(name, str) for name in classes):
            raise ConfigError(f"{where} has classes = {shown(classes)}; expected a mapping of names to mean and std")
        if not isinstance(rare, list):
            raise ConfigError(f"{where} has background = {shown(rare)}; expected a list")
        if not classes and "default" not in values:
            raise ConfigError(f"{where} has neither classes nor a default; expected intensities")
        random = values.get("random")
        return cls(
            {name: ClassPrior.from_json(entry, f"{where}, class {name!r}") for name, entry in classes.items()},
            ClassPrior.from_json(values["default"], f"{where}, default") if "default" in values else None,
            tuple(Sometimes.from_json(entry, f"{where}, background {n}") for n, entry in enumerate(rare, 1)),
            RANDOM if random is None else ClassPrior.from_json(random, f"{where}, random"),
            where,
        )


def read_prior(path: Path) -> Prior:
    """Read a prior file.

    Raises
    ------
    ReadError
        If it cannot be read, is not text or too large.
    ConfigError
        If it is not valid YAML, has unknown keys, or values that are not intensities.
    """
    return _parsed(read_text(path, "intensities of classes"), str(path))


@lru_cache(maxsize=8)
def _parsed(text: str, where: str) -> Prior:
    """Return the prior of a text: a dataset reads its file for each case, and understanding it takes longer."""
    return Prior.from_json(parse_yaml(text, where), where)


def write_prior(prior: Prior, path: Path) -> None:
    """Write a prior file; reading it gives an equal prior."""
    from ..io.atomic import write_text

    write_text(path, yaml_of(prior))


def yaml_of(prior: Prior) -> str:
    """Return the text of a prior file."""
    import yaml

    return yaml.safe_dump(prior.to_json(), sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def _mapping(value: object, where: str, needed: tuple[str, ...], also: tuple[str, ...] = ()) -> Mapping[str, Any]:
    known = (*needed, *also)
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} is {shown(value)}; expected a mapping with {', '.join(known)}")
    for key in value:
        if key not in known:
            raise ConfigError(f"{where} has no key {shown(key)}; {nearest(str(key), known)}")
    missing = [key for key in needed if key not in value]
    if missing:
        raise ConfigError(f"{where} lacks {missing[0]!r}; expected {', '.join(needed)}")
    return value
