"""Labels become images: warp, contrast, scanner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
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
    from .background import ClusterBackground
    from .bias import BiasField
    from .carrying import carry
    from .dataset import RenderDataset, render_batch
    from .estimate import estimate_prior
    from .flip import Flip
    from .intensity import Intensity
    from .presets import preset, preset_names
    from .prior import Prior, read_prior, write_prior
    from .resolution import Resolution
    from .step import Render
    from .texture import Texture
    from .transform import Rendered
    from .warp import Warp

__all__ = [
    "BiasField",
    "ClusterBackground",
    "Flip",
    "Ghosting",
    "Gibbs",
    "Intensity",
    "Metal",
    "Motion",
    "Noise",
    "Prior",
    "Render",
    "RenderDataset",
    "Rendered",
    "Resolution",
    "Shadow",
    "Speckle",
    "Spikes",
    "Texture",
    "Warp",
    "Wrap",
    "Zipper",
    "carry",
    "estimate_prior",
    "preset",
    "preset_names",
    "read_prior",
    "render_batch",
    "write_prior",
]

_HOME = {
    "BiasField": "bias",
    "ClusterBackground": "background",
    "Flip": "flip",
    "Ghosting": "artefacts.ghosting",
    "Gibbs": "artefacts.gibbs",
    "Intensity": "intensity",
    "Metal": "artefacts.metal",
    "Motion": "artefacts.motion",
    "Noise": "artefacts.noise",
    "Prior": "prior",
    "Render": "step",
    "RenderDataset": "dataset",
    "Rendered": "transform",
    "Resolution": "resolution",
    "Shadow": "artefacts.shadow",
    "Speckle": "artefacts.speckle",
    "Spikes": "artefacts.spikes",
    "Texture": "texture",
    "Warp": "warp",
    "Wrap": "artefacts.wrap",
    "Zipper": "artefacts.zipper",
    "carry": "carrying",
    "estimate_prior": "estimate",
    "preset": "presets",
    "preset_names": "presets",
    "read_prior": "prior",
    "render_batch": "dataset",
    "write_prior": "prior",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
