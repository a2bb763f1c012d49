"""What a segmentation network is given: :class:`InputSpec`.

Training makes it, the card keeps it, inference obeys it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..core.errors import ConfigError
from ..core.settings import Settings, setting

Kind = Literal["slices", "slab", "patches", "volumes"]
Plane = Literal["axial", "coronal", "sagittal"]

#: The array axis (of z, y, x in RAS+) that a plane's slices are stacked along.
AXIS = {"axial": 0, "coronal": 1, "sagittal": 2}


@dataclass(frozen=True, kw_only=True)
class InputSpec(Settings):
    """From a scan to what the network sees.

    A scan is brought to RAS+ orientation and to ``spacing``; its intensities are brought to the convention. ``slices``
    are 2D; a ``slab`` is 2.5D: neighbouring slices as channels, of which the middle one is segmented; ``patches`` and
    ``volumes`` are 3D.
    """

    kind: Kind = setting("slices", "2D slices, 2.5D slabs, 3D patches, or whole volumes")
    plane: Plane = setting("sagittal", "Plane of slices and slabs; 2D images are what they are")
    slab: int = setting(5, "Slices of a slab: an odd number", low=3, high=15)
    spacing: tuple[float, ...] | None = setting(
        None, "Voxel size, z, y, x, or of slices rows and columns; left out, as it is", unit="mm", low=0.01, high=100
    )
    patch: tuple[int, ...] = setting(
        (192, 192), "Size of training examples and tiles, z, y, x, or rows and columns", unit="voxels", low=8, high=4096
    )
    channels: int = setting(1, "Channels of an image", low=1, high=16)
    modality: str = setting("", "Modality of images that it was trained for: CT, MR, US; empty: any")
    intensity: Literal["percentile", "zscore", "window"] = setting(
        "percentile", "0.5th and 99.5th percentile to 0 and 1; mean to 0 and deviation to 1; or a window to 0 and 1"
    )
    window: tuple[float, float] | None = setting(None, "The window, e.g. -1000 400 HU")

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.patch) != self.ndim or (self.spacing is not None and len(self.spacing) != self.ndim):
            found = f"InputSpec.patch is {list(self.patch)}, spacing {list(self.spacing) if self.spacing else None}"
            raise ConfigError(f"{found}; expected {self.ndim} numbers each for {self.kind!r}")
        if self.slab % 2 == 0:
            raise ConfigError(f"InputSpec.slab is {self.slab}; expected an odd number")
        if (self.intensity == "window") != (self.window is not None):
            found = f"InputSpec.intensity is {self.intensity!r} and window {self.window}"
            raise ConfigError(f"{found}; expected a window exactly where intensity is 'window'")

    @property
    def ndim(self) -> int:
        """Axes of what the network sees: 2 for slices and slabs, else 3."""
        return 2 if self.kind in ("slices", "slab") else 3

    @property
    def in_channels(self) -> int:
        """Channels of what the network sees."""
        return self.channels * (self.slab if self.kind == "slab" else 1)

    @property
    def axis(self) -> int:
        """The array axis (z, y, x in RAS+) that slices are stacked along."""
        return AXIS[self.plane]
