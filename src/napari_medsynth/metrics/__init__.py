"""How alike two label maps are, how sure that is, and how far apart two sets of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .calibration import Reliability, reliability
    from .detection import Froc, Hits, froc, match_lesions
    from .domain import DomainGap, domain_gap
    from .intervals import Interval, bootstrap_interval, paired_difference, paired_ratio
    from .overlap import Overlap
    from .scoring import StructureScore, mean_dice, scores
    from .surface import surface_agreement

__all__ = [
    "DomainGap",
    "Froc",
    "Hits",
    "Interval",
    "Overlap",
    "Reliability",
    "StructureScore",
    "bootstrap_interval",
    "domain_gap",
    "froc",
    "match_lesions",
    "mean_dice",
    "paired_difference",
    "paired_ratio",
    "reliability",
    "scores",
    "surface_agreement",
]

_HOME = {
    "DomainGap": "domain",
    "Froc": "detection",
    "Hits": "detection",
    "Interval": "intervals",
    "Overlap": "overlap",
    "Reliability": "calibration",
    "StructureScore": "scoring",
    "bootstrap_interval": "intervals",
    "domain_gap": "domain",
    "froc": "detection",
    "match_lesions": "detection",
    "mean_dice": "scoring",
    "paired_difference": "intervals",
    "paired_ratio": "intervals",
    "reliability": "calibration",
    "scores": "scoring",
    "surface_agreement": "surface",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
