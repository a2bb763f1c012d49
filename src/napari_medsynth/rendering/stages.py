"""All stages by name, in the order in which they happen."""

from __future__ import annotations

from .artefacts.ghosting import Ghosting
from .artefacts.gibbs import Gibbs
from .artefacts.metal import Metal
from .artefacts.motion import Motion
from .artefacts.noise import Noise
from .artefacts.shadow import Shadow
from .artefacts.speckle import Speckle
from .artefacts.spikes import Spikes
from .artefacts.wrap import Wrap
from .artefacts.zipper import Zipper
from .bias import BiasField
from .flip import Flip
from .intensity import Intensity
from .resolution import Resolution
from .stage import Artefact, Stage
from .texture import Texture
from .warp import Warp

#: Happen on the acquisition's grid, one after another.
ARTEFACTS: tuple[type[Artefact], ...] = (
    Speckle, Shadow, Metal, Motion, Ghosting, Wrap, Gibbs, Spikes, Zipper, Noise
)  # fmt: skip

#: Between the shape and the artefacts.
IMAGING: tuple[type[Stage], ...] = (Texture, BiasField, Intensity, Resolution)

_ALL: tuple[type[Stage], ...] = (Warp, Flip, *IMAGING, *ARTEFACTS)
STAGES: dict[str, type[Stage]] = {stage.name: stage for stage in _ALL}
