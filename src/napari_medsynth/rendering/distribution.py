"""What one number may be: :class:`Distribution`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, Self

from ..core.errors import ConfigError, shown

Kind = Literal["uniform", "normal", "values"]

#: No intensity lies further out; beyond it float32 would lose the noise.
MAX_INTENSITY = 1e6

_MAX_VALUES = 10_000
_FORMS = "a number, {uniform: [low, high]}, {normal: [mean, std]} or {values: [...]}"
_STANDARD = NormalDist()


@dataclass(frozen=True)
class Distribution:
    """What one number may be.

    Parameters
    ----------
    kind
        ``"uniform"`` with parameters low and high, ``"normal"`` with mean and standard deviation, or ``"values"``:
        one of those listed, all equally likely.
    parameters
        As ``kind`` says. Values are kept in ascending order.

    Raises
    ------
    ConfigError
        If the parameters are not finite, too many or too few, or low lies above high.
    """

    kind: Kind
    parameters: tuple[float, ...]

    def __post_init__(self) -> None:
        numbers = tuple(number(value, self.kind) for value in self.parameters)
        if self.kind == "values":
            if not 1 <= len(numbers) <= _MAX_VALUES:
                raise ConfigError(f"values has {len(numbers)} numbers; expected 1 to {_MAX_VALUES}")
            numbers = tuple(sorted(numbers))
        elif len(numbers) != 2:
            raise ConfigError(f"{self.kind} has {len(numbers)} numbers; expected 2")
        elif self.kind == "uniform" and numbers[0] > numbers[1]:
            raise ConfigError(f"uniform is {list(numbers)}; expected the low end first")
        elif self.kind == "normal" and numbers[1] < 0:
            raise ConfigError(f"normal has standard deviation {numbers[1]:g}; expected 0 or more")
        object.__setattr__(self, "parameters", numbers)

    @classmethod
    def constant(cls, value: float) -> Self:
        """Return one that is always ``value``."""
        return cls("uniform", (value, value))

    @property
    def low(self) -> float:
        """The least that it can be, for a normal distribution four standard deviations below its mean."""
        first, second = self.parameters[0], self.parameters[-1]
        return first - 4 * second if self.kind == "normal" else first

    def at(self, quantile: float) -> float:
        """Return the number below which this share of all draws lies, ``0 <= quantile < 1``.

        A uniform random number gives a draw; the same number gives two distributions draws that correspond.
        """
        first, second = self.parameters[0], self.parameters[-1]
        if self.kind == "uniform":
            return first + (second - first) * quantile
        if self.kind == "normal":
            return first + second * standard_normal(quantile)
        return self.parameters[int(quantile * len(self.parameters))]

    def __str__(self) -> str:
        first, second = self.parameters[0], self.parameters[-1]
        if first == second and self.kind != "normal":
            return f"{first:g}"
        between = {"uniform": "…", "normal": "±", "values": "or …"}[self.kind]
        return f"{first:g} {between} {second:g}"

    def to_json(self) -> Any:
        """Return it as a prior file has it."""
        first, second = self.parameters[0], self.parameters[-1]
        if self.kind == "uniform" and first == second:
            return first
        return {self.kind: list(self.parameters)}

    @classmethod
    def from_json(cls, value: object, where: str) -> Self:
        """Make one of a number or a mapping of its kind to its parameters; :class:`ConfigError` if it is neither."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = {"uniform": [value, value]}
        if not isinstance(value, Mapping) or len(value) != 1:
            raise ConfigError(f"{where} is {shown(value)}; expected {_FORMS}")
        [(kind, parameters)] = value.items()
        if kind not in ("uniform", "normal", "values") or not isinstance(parameters, list):
            raise ConfigError(f"{where} is {shown(value)}; expected {_FORMS}")
        try:
            return cls(kind, tuple(parameters))
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error


def standard_normal(quantile: float) -> float:
    """Return the quantile of the standard normal distribution, cut at those of 1e-6 and 1 - 1e-6 (4.75)."""
    return _STANDARD.inv_cdf(min(max(quantile, 1e-6), 1 - 1e-6))


def number(value: object, where: str) -> float:
    """Return ``value`` as a finite number; :class:`ConfigError` that begins with ``where`` if it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_INTENSITY:
        raise ConfigError(f"{where} has {shown(value)}; expected a finite number up to ±{MAX_INTENSITY:g}")
    return float(value)
