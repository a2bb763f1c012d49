"""Which intensities the labels of one image have: :func:`draw_intensities`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..core.errors import LabelError, shown
from ..core.labels import Label, LabelMap
from ..core.rng import stream
from ..core.schemes import scheme, scheme_names
from ..core.settings import nearest
from .distribution import standard_normal
from .naming import SIDES
from .prior import BACKGROUND, ClassPrior, Prior

#: Where a label map has one of these, it covers the body, and what is outside is air; else it is tissue that has no
#: label.
COVERING = frozenset(("fat", "skin", "soft tissue", "surroundings"))

#: As :class:`~napari_medsynth.rendering.background.ClusterBackground` names regions, the darkest first.
_REGION = re.compile(rf"{BACKGROUND} (\d+)")

_MAX_LISTED = 10
_DIGITS = 6
_SIDE = re.compile(rf"\b({'|'.join(SIDES)})\b")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  #: between the words of "leftLung"


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
    picked = dict(chosen)
    mine = _drawn_all(_Classes(ours, labels, values, picked), seed, channel, random)
    other = mine if theirs is None else _drawn_all(_Classes(theirs, labels, values, picked), seed, channel, random)
    return [
        [value, _between(a[0], b[0], alpha), _between(a[1], b[1], alpha)]
        for value, a, b in zip(values, mine, other, strict=True)
    ]


def classes_of(labels: LabelMap, prior: Prior, chosen: Iterable[tuple[int, str]] = ()) -> dict[int, str | None]:
    """Return the name of each label's class, as :func:`draw_intensities` finds it; None if the prior has none for it.

    Parameters
    ----------
    labels, chosen
        As for :func:`draw_intensities`.
    prior
        Intensities of the classes.
    """
    found = _Classes(prior, labels, (0, *labels.values()), dict(chosen)).found
    return {value: None if entry is None else entry[0] for value, entry in found.items()}


def smooth_shares(labels: LabelMap, prior: Prior, chosen: Iterable[tuple[int, str]] = ()) -> list[list[float]]:
    """Return ``[value, share]`` of the labels of whose variance the prior knows how much is smooth.

    Parameters
    ----------
    labels, prior, chosen
        As for :func:`classes_of`.
    """
    found = _Classes(prior, labels, (0, *labels.values()), dict(chosen)).found
    known = ((value, entry[1].smooth) for value, entry in found.items() if entry is not None)
    return [[value, share] for value, share in known if share is not None]


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Return a name as it is compared: small letters, words apart by one space."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


@lru_cache(maxsize=4096)
def without_side(name: str) -> str:
    """Return a plain name without the words for left and right."""
    for spelled in (plain_name(name), plain_name(_CAMEL.sub(" ", name))):
        rest = " ".join(_SIDE.sub(" ", spelled).split())
        if rest and rest != spelled:
            return rest
    return plain_name(name)


@dataclass(frozen=True)
class _Classes:
    """Which class of a prior each label is of."""

    prior: Prior
    labels: LabelMap
    values: Sequence[int]
    chosen: Mapping[int, str]

    @cached_property
    def found(self) -> dict[int, tuple[str, ClassPrior] | None]:
        """Name of each label's class and what its intensities may be; None where the prior has none for it."""
        return {value: self._of(value) for value in self.values}

    @cached_property
    def regions(self) -> int:
        """How many regions the background was divided into."""
        return sum(_REGION.fullmatch(self.own_name(value)) is not None for value in self.values)

    def own_name(self, value: int) -> str:
        """Return what a label is called apart from its side."""
        return without_side(self._entries[value].name if value in self._entries else f"label {value}")

    def complaint(self) -> str:
        """Say which labels have no class, and what would help."""
        missing = [value for value, entry in self.found.items() if entry is None]
        wrong = next((value for value in missing if value in self.chosen), None)
        if wrong is not None:
            name = self.chosen[wrong]
            given = f"label {wrong} is to be of class {shown(name)}, which {self.prior.source} does not have"
            return f"{given}; {nearest(plain_name(name), self.prior.classes)}"
        words = [f"{value} ({self.labels.table[value].name})" if value else "0 (background)" for value in missing]
        more = f" and {len(words) - _MAX_LISTED} more" if len(words) > _MAX_LISTED else ""
        given = f"{self.prior.source} has no intensities for {', '.join(words[:_MAX_LISTED])}{more}"
        classes = ", ".join(sorted(self.prior.classes))
        fitting = [name for name in scheme_names() if self._would_know(missing, name)]
        named = f" ({' or '.join(fitting)})" if fitting else ""
        hint = f"a 'scheme' that names them{named}, or 'tissues' to give them one of its classes ({classes})"
        return f"{given}; expected {hint}"

    def _would_know(self, values: Iterable[int], name: str) -> bool:
        """Whether the prior would have a class for all these values if they were named by a scheme."""
        table = scheme(name)
        known = {entry.value for entry in table if plain_name(entry.tissue) in self._known}
        return known.issuperset(values)

    def _of(self, value: int) -> tuple[str, ClassPrior] | None:
        for name in self._candidates(value):
            if name in self._known:
                return name, self._known[name]
        if self.prior.default is not None:
            return self._own_class(value), self.prior.default
        if value == 0 and self.labels.array.all():
            return BACKGROUND, ClassPrior.constant(0.0, 0.0)  # of which there is none
        return None

    def _own_class(self, value: int) -> str:
        if value in self.chosen:
            return plain_name(self.chosen[value])
        return self.own_name(value) if value else BACKGROUND

    def _candidates(self, value: int) -> Iterator[str]:
        if value in self.chosen:
            yield plain_name(self.chosen[value])
        elif value == 0:
            yield from ("air", BACKGROUND) if self._is_covered else (BACKGROUND,)
        else:
            entry = self.labels.table[value]
            unnamed = f"label {value}"  # as a prior calls it that was measured where the value had no name
            yield from (plain_name(entry.name), without_side(entry.name), unnamed, plain_name(entry.tissue))

    @cached_property
    def _entries(self) -> dict[int, Label]:
        return {entry.value: entry for entry in self.labels.table}

    @cached_property
    def _known(self) -> dict[str, ClassPrior]:
        return {plain_name(name): entry for name, entry in self.prior.classes.items()}

    @cached_property
    def _is_covered(self) -> bool:
        present = (self._entries[value] for value in self.values if value in self._entries)
        return any(plain_name(entry.tissue) in COVERING for entry in present)


def _drawn_all(classes: _Classes, seed: int, channel: int, random: float) -> list[tuple[float, float]]:
    """Return mean and deviation of each value."""
    prior = classes.prior
    no_means, no_stds = (bool(u < random) for u in stream(seed, channel, "contrast").random(2))
    drawn = []
    for value, found in classes.found.items():
        if found is None:
            raise LabelError(classes.complaint())
        name, entry = found
        rare = _rare_background(prior, seed, channel) if value == 0 else None
        mean = rare.mean if rare else prior.random.mean if no_means else entry.mean
        std = rare.std if rare else prior.random.std if no_stds else entry.std
        at_mean, at_std = (float(u) for u in stream(seed, channel, f"class {name}").random(2))
        own = entry.each if not (rare or no_means) else 0.0
        each = own * _shift(classes, value, seed, channel) if own else 0.0
        drawn.append((mean.at(at_mean) + each, max(0.0, std.at(at_std))))
    return drawn


def _rare_background(prior: Prior, seed: int, channel: int) -> ClassPrior | None:
    """Return what the background is in some images only, if this is one of them."""
    left = float(stream(seed, channel, BACKGROUND).random())
    for entry in prior.background:
        if left < entry.probability:
            return entry.prior
        left -= entry.probability
    return None


def _shift(classes: _Classes, value: int, seed: int, channel: int) -> float:
    """How far the mean of one label lies from its class's, in standard deviations of such; a pair has the same.

    Regions of a clustered background go from dark to bright; they are shifted by part of a wave over them, so that
    those of like intensity in the real image stay alike, and their borders are no contours.
    """
    name = classes.own_name(value)
    region = _REGION.fullmatch(name)
    if region is None:
        return standard_normal(float(stream(seed, channel, f"label {name}").random()))
    phase, width = stream(seed, channel, "regions").random(2)
    place = int(region[1]) / classes.regions
    return math.sqrt(2) * math.cos(2 * math.pi * (phase + (0.25 + 0.5 * width) * place))


def _between(start: float, end: float, share: float) -> float:
    return round(start + (end - start) * share if share < 1 else end, _DIGITS)
