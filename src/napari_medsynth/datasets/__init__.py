"""Many cases on disk: HDF5 files a split, written whole or not at all, read lazily and with suspicion.

The names below are loaded when they are first used: importing this package loads neither h5py nor torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.lazy import lazily

if TYPE_CHECKING:
    from .folder import DatasetFolder
    from .lazy import LazyMedicalDataset
    from .picture import visualize_sample
    from .reader import Split
    from .report import write_report
    from .runner import make_dataset

__all__ = [
    "DatasetFolder",
    "LazyMedicalDataset",
    "Split",
    "make_dataset",
    "visualize_sample",
    "write_report",
]

_HOME = {
    "DatasetFolder": "folder",
    "LazyMedicalDataset": "lazy",
    "Split": "reader",
    "make_dataset": "runner",
    "visualize_sample": "picture",
    "write_report": "report",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
