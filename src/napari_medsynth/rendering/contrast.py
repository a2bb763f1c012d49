"""Which intensities the labels of one image have: :func:`draw_intensities`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..core.errors import LabelError
from ..core.labels import Label, LabelMap
from ..core.rng import stream
from ..core.settings import nearest
from .distribution import standard_normal
from .prior import BACKGROUND, ClassPrior, Prior

#: Where a label map has one of these, it covers the body, and what is outside is air; else it is tissue that has no
#: label.
COVERING = frozenset(("fat", "skin", "soft tissue", "surroundings"))

_MAX_LISTED = 10
_DIGITS = 6
_SIDE = re.compile(r"\b(left|right|lh|rh|l|r)\b")


def draw_intensities(
    labels: LabelMap,
    ours: Prior,
    theirs: Prior | None = None,
    *,
    alpha: float = 0.0,
    random: float = 0.0,
    seed: int,
    channel: int = 0,
    chosen: Iterable[tuple[int, str]] = (),
) -> list[list[float]]:
    """Draw mean and standard deviation of every label, and of the background.

    The class of a label is its own name if the prior has it, with or without its side, else its tissue, else one of
    its own, which takes the prior's default. Each class draws from a stream named after it, so that a label more
    changes no other, and both priors see the same random numbers: on the way from one to the other all changes
    smoothly. Background is of the class ``"air"`` where labels cover the body (see :data:`COVERING`), else of the
    class ``"background"``.

    Parameters
    ----------
    labels
        With the names and tissues of its values.
    ours, theirs
        The prior, and the one towards which intensities are moved.
    alpha
        How far they are moved: 0 is ours, 1 theirs.
    random
        Probability that all means, and apart from that all deviations, come from the prior's ``random`` distributions,
        as SynthSeg's ``mix_prior_and_random`` does.
    seed
        Of the whole rendering.
    channel
        Which image of several on the same anatomy.
    chosen
        Values and classes that someone chose, which come before name and tissue.

    Returns
    -------
    list
        ``[value, mean, std]`` for 0 and every value present, in ascending order.

    Raises
    ------
    LabelError
        If a prior has no intensities for a label; the message lists them, or ten of them and how many there are.
    """
    values = (0, *labels.values())
    draws = [_Draw(prior, labels, dict(chosen), seed, channel, random) for prior in (ours, theirs or ours)]
    mine, other = (draw.all(values) for draw in draws)
    return [
        [value, _between(a[0], b[0], alpha), _between(a[1], b[1], alpha)]
        for value, a, b in zip(values, mine, other, strict=True)
    ]


def plain_name(name: str) -> str:
    """Return a name as it is compared: small letters, words apart by one space."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


def without_side(name: str) -> str:
    """Return a plain name without the words for left and right."""
    return " ".join(_SIDE.sub(" ", plain_name(name)).split()) or plain_name(name)


@dataclass(frozen=True)
class _Draw:
    """One prior's intensities for one image."""

    prior: Prior
    labels: LabelMap
    chosen: Mapping[int, str]
    seed: int
    channel: int
    random: float

    def all(self, values: Sequence[int]) -> list[tuple[float, float]]:
        """Return mean and deviation of each value."""
        found = {value: self._class_of(value) for value in values}
        missing = [value for value, entry in found.items() if entry is None]
        if missing:
            raise LabelError(self._complaint(missing))
        return [self._drawn(value, *entry) for value, entry in found.items() if entry is not None]

    def _class_of(self, value: int) -> tuple[str, ClassPrior] | None:
        """Return the name of a label's class and what its intensities may be."""
        for name in self._candidates(value):
            if name in self._classes:
                return name, self._classes[name]
        if self.prior.default is not None:
            return self._own_class(value), self.prior.default
        if value == 0 and self.labels.array.min() > 0:
            return BACKGROUND, _NOTHING
        return None

    def _candidates(self, value: int) -> Iterator[str]:
        if value in self.chosen:
            yield plain_name(self.chosen[value])
        elif value == 0:
            yield from ("air", BACKGROUND) if self._covered else (BACKGROUND,)
        elif value in self._entries:
            entry = self._entries[value]
            yield from (plain_name(entry.name), without_side(entry.name), plain_name(entry.tissue))

    def _own_class(self, value: int) -> str:
        if value in self.chosen:
            return plain_name(self.chosen[value])
        return without_side(self.labels.table[value].name) if value else BACKGROUND

    @cached_property
    def _entries(self) -> dict[int, Label]:
        return {entry.value: entry for entry in self.labels.table}

    @cached_property
    def _classes(self) -> dict[str, ClassPrior]:
        return {plain_name(name): entry for name, entry in self.prior.classes.items()}

    @cached_property
    def _covered(self) -> bool:
        present = (self._entries.get(value) for value in self.labels.values())
        return any(entry is not None and entry.tissue in COVERING for entry in present)

    @cached_property
    def _is_random(self) -> tuple[bool, bool]:
        """Whether means and whether deviations are those of no particular contrast."""
        means, stds = stream(self.seed, self.channel, "contrast").random(2) < self.random
        return bool(means), bool(stds)

    def _drawn(self, value: int, name: str, entry: ClassPrior) -> tuple[float, float]:
        quantiles = stream(self.seed, self.channel, f"class {name}").random(2)
        rare = self._rare() if value == 0 else None
        if rare is not None:
            mean, std = rare.mean, rare.std
        else:
            mean = self.prior.random.mean if self._is_random[0] else entry.mean
            std = self.prior.random.std if self._is_random[1] else entry.std
        shift = self._shift(value) * entry.each if entry.each and not self._is_random[0] else 0.0
        return mean.at(float(quantiles[0])) + shift, max(0.0, std.at(float(quantiles[1])))

    def _rare(self) -> ClassPrior | None:
        """Return what the background is in some images only, if this is one of them."""
        left = float(stream(self.seed, self.channel, BACKGROUND).random())
        for entry in self.prior.background:
            if left < entry.probability:
                return entry.prior
            left -= entry.probability
        return None

    def _shift(self, value: int) -> float:
        """How far one label's mean lies from its class's, in standard deviations; a pair has the same."""
        own = without_side(self.labels.table[value].name) if value else BACKGROUND
        return standard_normal(float(stream(self.seed, self.channel, f"label {own}").random()))

    def _complaint(self, missing: Sequence[int]) -> str:
        wrong = [value for value in missing if value in self.chosen]
        if wrong:
            name = self.chosen[wrong[0]]
            found = f"label {wrong[0]} is to be of class {name!r}, which {self.prior.source} does not have"
            return f"{found}; {nearest(plain_name(name), self.prior.classes)}"
        table = self.labels.table
        words = ["0 (background)" if value == 0 else f"{value} ({table[value].name})" for value in missing]
        more = f" and {len(words) - _MAX_LISTED} more" if len(words) > _MAX_LISTED else ""
        found = f"{self.prior.source} has no intensities for {', '.join(words[:_MAX_LISTED])}{more}"
        classes = ", ".join(sorted(self.prior.classes))
        return f"{found}; expected 'tissues' to give them one of its classes ({classes}), or a 'scheme' that names them"


_NOTHING = ClassPrior.constant(0.0, 0.0)  #: of a background that is not there


def _between(start: float, end: float, share: float) -> float:
    return round(start + (end - start) * share, _DIGITS) if share < 1 else round(end, _DIGITS)
