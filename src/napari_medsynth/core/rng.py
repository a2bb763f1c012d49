"""Random streams that depend on what is made, never on who makes it.

A stream is named by the root seed, the index of the case, the name of the step and how often that step came
before. One worker or sixteen, in any order, resumed or not: the same case draws the same numbers. Global NumPy
and torch generators are neither used nor touched.
"""

from __future__ import annotations

import zlib

import numpy as np

from .errors import ConfigError, shown

#: Seeds are kept in JSON, where whole numbers are exact up to here.
MAX_SEED = 2**53 - 1


def stream(seed: int, case: int = 0, step: str = "", occurrence: int = 0) -> np.random.Generator:
    """Return the random generator of one step on one case.

    Parameters
    ----------
    seed
        Root seed of the whole run, 0 … 2⁵³ − 1.
    case
        Index of the case in its dataset.
    step
        Name of the step, so that adding another step to a recipe does not change this one's draws.
    occurrence
        How often a step of this name came earlier in the recipe.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= MAX_SEED:
        raise ConfigError(f"seed is {shown(seed)}; expected a whole number from 0 to {MAX_SEED}")
    if case < 0 or occurrence < 0:
        raise ConfigError(f"stream is of case {case}, occurrence {occurrence}; expected numbers from 0")
    key = (int(case), zlib.crc32(step.encode()), int(occurrence))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(int(seed), spawn_key=key)))


def child_seed(rng: np.random.Generator) -> int:
    """Draw a seed that can be kept in JSON, for a noise field that is regenerated from it."""
    return int(rng.integers(0, MAX_SEED, endpoint=True))
