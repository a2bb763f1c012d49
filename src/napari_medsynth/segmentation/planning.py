"""How large tiles can be, and whether an image can be segmented at all: :class:`Planner`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

from torch import nn

from ..core.errors import ConfigError
from .memory import free_bytes, peak_bytes, weight_bytes
from .options import TileOptions
from .spec import InputSpec
from .tiles import Averaged
from .working import WorkingGrid

#: Share of the free memory that may be taken.
SHARE = 0.9

#: Tiles that go through the network together if there is memory, of two axes and of three; on a processor, and else.
_BATCH = {"cpu": (4, 1), "cuda": (16, 2), "mps": (16, 2)}

#: Tiles get no smaller than this by themselves: a network sees too little.
_LEAST = 32

_FLOAT = 4

#: Peaks of networks that are still there, by mirror images and shape: found once, not once for each image.
_PEAKS: WeakKeyDictionary[nn.Module, dict[tuple[object, ...], int]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Plan:
    """How an image is segmented.

    Parameters
    ----------
    tile
        Voxels of a tile, ``(z, y, x)`` or ``(row, column)``.
    batch
        Tiles that go through the network together.
    slices
        Slices that are segmented together; 1 where the network sees all three axes.
    host_bytes, device_bytes
        The memory that it takes at most, on the machine and on a graphics card.
    """

    tile: tuple[int, ...]
    batch: int
    slices: int
    host_bytes: int
    device_bytes: int


@dataclass(frozen=True, kw_only=True)
class Planner:
    """What a plan depends on.

    Parameters
    ----------
    network
        Gives ``(B, classes, *tile)``.
    spec
        What it is given.
    grid
        Of the image.
    options
        A tile and a batch that are given there are taken; each axis of a tile is rounded up to what a network takes.
    classes
        Classes with background.
    divisor
        What each axis of a tile has to be a multiple of.
    device
        ``"cpu"``, ``"cuda"`` or ``"mps"``.
    uncertainty
        Whether a map of it is made too.
    """

    network: Averaged
    spec: InputSpec
    grid: WorkingGrid
    options: TileOptions
    classes: int
    divisor: int
    device: str
    uncertainty: bool = False

    def plan(self) -> Plan:
        """Find tiles for which there is memory: those of training or, if it is short, fewer together or smaller ones.

        Raises
        ------
        ConfigError
            If there is not enough memory; the message says how much is needed and free.
        """
        host, card = (free_bytes(device) * SHARE for device in ("cpu", self.device))
        for tile, batch in self._choices():
            found = self.of(tile, batch)
            if found.host_bytes <= host and found.device_bytes <= card:
                return found
        raise self._refusal(found, host, card)

    def of(self, tile: tuple[int, ...], batch: int) -> Plan:
        """Return the plan of these tiles, whether there is memory for it or not."""
        padded = [max(n, t) for n, t in zip(self.size, tile, strict=True)]
        steps = [max(1, int(t * (1 - self.options.overlap))) for t in tile]
        windows = math.prod(1 + math.ceil((n - t) / step) for n, t, step in zip(padded, tile, steps, strict=True))
        slices = min(self.stack, max(1, batch // windows))
        peak = _peak_of(self.network, (min(batch, windows * slices), self.spec.in_channels, *tile))
        host = self._image_bytes + _FLOAT * slices * math.prod(padded) * (self.classes + 2 * self.spec.in_channels)
        host += _FLOAT * 4 * math.prod(self.grid.turned_shape) * slices // self.stack  # one class on the image's grid
        if self.device == "cuda":
            return Plan(tile, batch, slices, host, peak + weight_bytes(self.network))
        return Plan(tile, batch, slices, host + peak, 0)

    @cached_property
    def size(self) -> tuple[int, ...]:
        """Sizes of the image along the axes that tiles have."""
        shape, sliced = self.grid.shape, self.spec.ndim < len(self.grid.shape)
        return tuple(n for axis, n in enumerate(shape) if not (sliced and axis == self.spec.axis))

    @cached_property
    def stack(self) -> int:
        """How many slices it has; 1 where the network sees all axes."""
        return math.prod(self.grid.shape) // math.prod(self.size)

    @property
    def _image_bytes(self) -> int:
        """What the image takes while it is brought to the working grid, and its labels."""
        image = _FLOAT * self.spec.channels * (2 * math.prod(self.grid.turned_shape) + 3 * math.prod(self.grid.shape))
        return image + (2 + _FLOAT * self.uncertainty) * math.prod(self.grid.turned_shape)

    def _choices(self) -> Iterator[tuple[tuple[int, ...], int]]:
        """Give tiles and batches, the best first."""
        tile = self._first_tile()
        batch = self.options.batch or _BATCH[self.device][self.spec.ndim - 2]
        yield tile, batch
        while self.options.batch is None and batch > 1:
            batch //= 2
            yield tile, batch
        least = max(-(-_LEAST // self.divisor), 2) * self.divisor
        while self.options.tile is None and max(tile) > least:
            largest = tile.index(max(tile))
            smaller = max(least, tile[largest] * 3 // 4 // self.divisor * self.divisor)
            tile = tuple(smaller if axis == largest else n for axis, n in enumerate(tile))
            yield tile, batch

    def _first_tile(self) -> tuple[int, ...]:
        asked = self.options.tile or self.spec.patch
        if len(asked) != self.spec.ndim:
            expected = f"expected {self.spec.ndim} numbers for a network that is given {self.spec.kind}"
            raise ConfigError(f"tile is {list(asked)}; {expected}")
        tile = tuple(-(-n // self.divisor) * self.divisor for n in asked)
        # One voxel at the deepest level has no mean and deviation to be normalised with.
        return tile if max(tile) > self.divisor else (2 * self.divisor,) * len(tile)

    def _refusal(self, found: Plan, host: float, card: float) -> ConfigError:
        on_card = found.device_bytes > card
        where = f"memory of {self.device}" if on_card else "memory"
        needed, free = (found.device_bytes, card) if on_card else (found.host_bytes, host)
        tile = "×".join(str(n) for n in found.tile)
        has = f"segmenting this image takes {needed / 1e9:.2f} GB of {where} in tiles of {tile}"
        return ConfigError(f"{has}; {free / 1e9:.2f} GB are free (crop the image, or free memory)")


def _peak_of(network: Averaged, shape: tuple[int, ...]) -> int:
    known, key = _PEAKS.setdefault(network.network, {}), (network.mirrors, *shape)
    if key not in known:
        known[key] = peak_bytes(network, shape)
    return known[key]
