"""The learning rate of each step: :func:`rate`."""

from __future__ import annotations

import math

from .settings import FitSettings

#: The cosine ends at this share of the highest rate.
_END = 0.01

#: A plateau halves the rate after so many epochs without a better validation.
PLATEAU = 5


def rate(settings: FitSettings, step: int, done: float, lowered: int) -> float:
    """Return the learning rate of a step.

    It rises in a line during the warm-up, and from there is constant, is halved at each plateau, or falls along half a
    cosine (Loshchilov & Hutter 2017) to a hundredth.

    Parameters
    ----------
    settings
        Its highest value and how it falls.
    step
        Steps before this one.
    done
        Share of the training that is done, 0 … 1.
    lowered
        How many plateaus there were.
    """
    high = settings.lr * min(1.0, (step + 1) / (settings.warmup + 1))
    if settings.schedule == "plateau":
        return high * 0.5**lowered
    if settings.schedule == "cosine":
        return high * (_END + (1 - _END) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0))))
    return high
