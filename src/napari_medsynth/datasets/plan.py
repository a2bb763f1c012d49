"""Which case goes to which split: :func:`plan_splits`."""

from __future__ import annotations

from fractions import Fraction

from ..core.errors import ConfigError
from .schema import SPLITS


def plan_splits(count: int, validation_split: float = 0.2, test_split: float = 0.1) -> dict[str, range]:
    """Return which indices belong to each split, those of training first; splits without a case are left out.

    Parameters
    ----------
    count
        How many cases there are, at least 1.
    validation_split, test_split
        Fractions of the cases, 0 or more, together below 1. Counts are rounded, halves up; what is left is for
        training, which always gets at least one case.

    Raises
    ------
    ConfigError
        If count or a fraction cannot be used.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ConfigError(f"the number of cases is {count!r}; expected a whole number of at least 1")
    validation = _fraction(validation_split, "validation_split")
    test = _fraction(test_split, "test_split")
    if validation + test >= 1:
        found = f"validation_split + test_split is {validation_split:g} + {test_split:g} = {float(validation + test):g}"
        raise ConfigError(f"{found}; expected less than 1, so that cases for training are left")
    held_back = [_rounded(count * validation), _rounded(count * test)]
    while sum(held_back) >= count:  # few cases and large fractions: both were rounded up
        held_back[held_back.index(max(held_back))] -= 1
    sizes = (count - sum(held_back), *held_back)
    starts = (0, sizes[0], sizes[0] + sizes[1])
    splits = {name: range(start, start + size) for name, start, size in zip(SPLITS, starts, sizes, strict=True)}
    return {name: indices for name, indices in splits.items() if indices}


def _fraction(value: float, name: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ConfigError(f"{name} is {value!r}; expected a fraction from 0 to below 1")
    return Fraction(str(value))  # as written: 0.7 + 0.3 is 1, and half of 5 is a half


def _rounded(value: Fraction) -> int:
    return int(value + Fraction(1, 2))
