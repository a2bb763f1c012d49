"""Tumors cut out as seeds, morphed, placed and blended into other scans.

A lesion goes through these files in this order: ``extract`` cuts it out, ``library`` keeps it, ``prepare`` unmixes it
from its surroundings, ``morph`` says how it is changed, ``lesion`` brings it onto the host's grid, ``place`` finds
where it may go, ``blend`` makes it part of the scan, and ``insert`` is the step that does all of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .blend import Blend
    from .extract import extract_seeds, put_back
    from .insert import Insertion, InsertTumors
    from .library import SeedLibrary
    from .lungs import find_lungs
    from .morph import Morph, Variation
    from .on_the_fly import TumorDataset
    from .place import Placement
    from .seed import Seed, SeedInfo
    from .synthetic import SyntheticLesion
    from .table import lesion_csv, lesion_rows
    from .vessels import find_vessels

__all__ = [
    "Blend",
    "InsertTumors",
    "Insertion",
    "Morph",
    "Placement",
    "Seed",
    "SeedInfo",
    "SeedLibrary",
    "SyntheticLesion",
    "TumorDataset",
    "Variation",
    "extract_seeds",
    "find_lungs",
    "find_vessels",
    "lesion_csv",
    "lesion_rows",
    "put_back",
]

_HOME = {
    "Blend": "blend",
    "InsertTumors": "insert",
    "Insertion": "insert",
    "Morph": "morph",
    "Placement": "place",
    "Seed": "seed",
    "SeedInfo": "seed",
    "SeedLibrary": "library",
    "SyntheticLesion": "synthetic",
    "TumorDataset": "on_the_fly",
    "Variation": "morph",
    "extract_seeds": "extract",
    "find_lungs": "lungs",
    "find_vessels": "vessels",
    "lesion_csv": "table",
    "lesion_rows": "table",
    "put_back": "extract",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
