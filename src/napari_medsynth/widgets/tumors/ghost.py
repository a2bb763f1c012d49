"""The lesion that is not placed yet: :class:`Ghost`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import SeedError
from ...core.volume import Volume
from ...tumor.blend import Blend, Patch, blend
from ...tumor.host import Host
from ...tumor.insert import Insertion
from ...tumor.lesion import Lesion, shape
from ...tumor.morph import Morph
from ...tumor.prepare import prepare
from ...tumor.seed import Seed
from ...tumor.sketch import cost, sketch
from .sources import Source

Index = tuple[int, int, int]

#: Lesions that cost more places than this (about 40 ms) are sketched first and worked out when the hand rests.
QUICK = 25_000

_Key = tuple[Seed, Morph]


class Ghost:
    """A lesion that a person is about to place: its source, how it is changed and blended, and where it is.

    Moving it is free, for the lesion is shaped once, in the middle of the scan, and shifted by whole voxels. When its
    shape changes and it is large, :attr:`lesion` is a sketch until :meth:`settle` or :meth:`accept` replaces it.

    Parameters
    ----------
    image
        The scan.
    """

    def __init__(self, image: Volume) -> None:
        self.image = image
        self.source: Source | None = None
        self.morph = Morph()
        self.blend = Blend()
        self.centre: Index | None = None
        self._middle: Index = tuple(n // 2 for n in image.shape)  # type: ignore[assignment]
        self._exact: tuple[_Key, Lesion] | None = None
        self._sketch: tuple[_Key, Lesion] | None = None

    @property
    def is_shown(self) -> bool:
        """Whether there is a lesion and a place for it."""
        return self.source is not None and self.centre is not None

    @property
    def is_exact(self) -> bool:
        """Whether :attr:`lesion` is what would be placed, and not a sketch of it."""
        return self._exact is not None and self._exact[0] == self._key

    @property
    def lesion(self) -> Lesion:
        """The lesion where it is now; a sketch if working it out would hold the viewer up."""
        if self.is_exact and self._exact is not None:
            return self._here(self._exact[1])
        seed, morph = self._key
        prepared = prepare(seed)
        if cost(prepared, morph, self.image.affine) <= QUICK:
            return self.settle()
        key = seed, replace(morph, hu_shift=0.0)  # brightness needs no new sketch
        if self._sketch is None or self._sketch[0] != key:
            self._sketch = key, sketch(prepared, key[1], self.image.affine, self._middle)
        return self._here(self._sketch[1].brighter(morph.hu_shift))

    @property
    def work(self) -> tuple[_Key, Any]:
        """What the present lesion is, and a call that works it out; the call may run in another thread."""
        seed, morph = self._key
        grid, middle = self.image.affine, self._middle
        return self._key, lambda: shape(prepare(seed), morph, grid, middle)

    def settle(self) -> Lesion:
        """Work the lesion out and return it where it is now."""
        if not self.is_exact:
            key, call = self.work
            self._exact = key, call()
        return self.lesion

    def accept(self, key: _Key, lesion: Lesion) -> bool:
        """Take what :attr:`work` gave; False if the lesion has changed since."""
        if self.source is None or key != self._key:
            return False
        self._exact = key, lesion
        return True

    def patch(self, voxels: npt.NDArray[Any], host: Host | None) -> Patch:
        """Blend the lesion into the scan as it is now; a sketch without the finest touches.

        Parameters
        ----------
        voxels
            The scan with the lesions that are placed already.
        host
            The organ that cuts the lesion off; None if none does.
        """
        lesion = self.lesion
        how = self.blend if self.is_exact else replace(self.blend, match_noise=False, keep_vessels=False)
        inside = None if host is None else host.inside(lesion.box.clipped(voxels.shape))
        return blend(voxels, self.image.spacing, lesion, how, inside)

    def insertion(self, instance: int, host: Host | None) -> tuple[Insertion, Lesion]:
        """Return the lesion as it is placed, and what a record keeps of it."""
        if self.source is None:
            raise SeedError("no lesion was chosen; expected a seed or a kind to place")
        here = self.settle()
        z, y, x = (float(n) for n in self._middle)
        entry = Insertion(centre=(z, y, x), morph=self.morph, blend=self.blend, instance=instance, **self.source.origin)
        return entry.moved_with(here.moved(self._back), here, host), here

    def moved_by(self, step: Sequence[int]) -> Index:
        """Return the place ``step`` voxels away, the nearest one inside the scan."""
        start = self._middle if self.centre is None else self.centre
        z, y, x = (int(np.clip(c + s, 0, n - 1)) for c, s, n in zip(start, step, self.image.shape, strict=True))
        return z, y, x

    def covers(self, places: npt.ArrayLike) -> bool:
        """Whether one of these places in the scan, ``(…, 3)`` in ``(z, y, x)``, lies in the lesion."""
        if not self.is_shown:
            return False
        lesion = self.lesion
        own = np.rint(np.asarray(places, dtype=np.float64)).astype(int).reshape(-1, 3) - lesion.box.start
        own = own[np.all((own >= 0) & (own < lesion.box.shape), axis=1)]
        return bool(lesion.mask[tuple(own.T)].any())

    @property
    def _key(self) -> _Key:
        if self.source is None:
            raise SeedError("no lesion was chosen; expected a seed or a kind to place")
        return self.source.seed, self.morph

    @property
    def _back(self) -> tuple[int, ...]:
        """The way from where the lesion is to the middle of the scan."""
        centre = self._middle if self.centre is None else self.centre
        return tuple(m - c for m, c in zip(self._middle, centre, strict=True))

    def _here(self, lesion: Lesion) -> Lesion:
        return lesion.moved([-b for b in self._back])
