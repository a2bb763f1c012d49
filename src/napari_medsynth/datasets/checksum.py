"""What makes two stored cases the same: :func:`checksum`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is kept of a case beside its voxels and its history.

    Parameters
    ----------
    case_id, scenario
        At most 64 bytes each.
    index
        The case's in the whole dataset.
    seed
        Root seed of its random streams.
    affine
        ``(4, 4)`` float64, as in :class:`~napari_medsynth.core.affine.Affine`.
    """

    case_id: str
    scenario: str
    index: int
    seed: int
    affine: npt.NDArray[np.float64]


def content_sum(arrays: dict[str, npt.NDArray[Any]]) -> str:
    """Return the SHA-256 of voxels: names, types, sizes and values, whatever the type on disk of labels."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        if array.dtype == np.uint16 and name != "images" and array.max(initial=0) < 256:
            array = array.astype(np.uint8)  # a neighbour with more labels makes a whole dataset uint16
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def checksum(facts: Facts, content: str, history: bytes, modality: str = "") -> str:
    """Return the SHA-256 of a whole case.

    Parameters
    ----------
    content
        That of its voxels, see :func:`content_sum`.
    history
        The records of the steps that made it, JSON in UTF-8.
    modality
        As in :class:`~napari_medsynth.core.volume.Volume`.
    """
    known = [facts.case_id, facts.scenario, facts.index, facts.seed, modality, content]
    digest = hashlib.sha256(json.dumps(known).encode())
    digest.update(np.ascontiguousarray(facts.affine, "<f8").data)
    digest.update(history)
    return digest.hexdigest()
