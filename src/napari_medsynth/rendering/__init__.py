"""Labels become images: warp, contrast, scanner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .background import ClusterBackground
    from .carry import carry
    from .dataset import RenderDataset, render_batch
    from .estimate import estimate_prior
    from .preset import preset, preset_names
    from .prior import Prior, read_prior, write_prior
    from .step import Render
    from .transform import Rendered

__all__ = [
    "ClusterBackground",
    "Prior",
    "Render",
    "RenderDataset",
    "Rendered",
    "carry",
    "estimate_prior",
    "preset",
    "preset_names",
    "read_prior",
    "render_batch",
    "write_prior",
]

_HOME = {
    "ClusterBackground": "background",
    "Prior": "prior",
    "Render": "step",
    "RenderDataset": "dataset",
    "Rendered": "transform",
    "carry": "carry",
    "estimate_prior": "estimate",
    "preset": "preset",
    "preset_names": "preset",
    "read_prior": "prior",
    "render_batch": "dataset",
    "write_prior": "prior",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
