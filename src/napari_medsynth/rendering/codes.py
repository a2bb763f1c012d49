"""Label maps as the engine reads them: small whole numbers that index tables, :class:`Codes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..core.labels import MAX_LABEL, LabelMap

#: Voxels that are recoded at a time: they fit into the processor's cache.
_CHUNK = 1 << 16


@dataclass(frozen=True, eq=False)
class Codes:
    """One small number a voxel, and which label each number stands for.

    What is known of a label, such as its mean intensity, is a table with one entry a code: looking it up costs the same
    for five labels and for two hundred.

    Parameters
    ----------
    tensor
        Codes ``(z, y, x)``; ``uint8`` if there are at most 256 labels, else ``int32``.
    values
        The label that each code stands for, ``(codes,)``.
    """

    tensor: torch.Tensor
    values: npt.NDArray[np.int64]

    @classmethod
    def of(cls, labels: LabelMap, device: str | torch.device = "cpu") -> Codes:
        """Return the codes of a label map; a ``uint8`` map is its own codes and is not copied on the CPU."""
        array = labels.array.reshape(labels.shape3)
        if array.dtype == np.uint8:
            return cls(shared(array).to(device), np.arange(256))
        values = np.array((0, *labels.values()))
        table = np.zeros(MAX_LABEL + 1, dtype=np.uint8 if len(values) <= 256 else np.int32)
        table[values] = np.arange(len(values))
        return cls(torch.from_numpy(_looked_up(table, array)).to(device), values)

    def swapped(self, pairs: Iterable[Iterable[int]]) -> Codes:
        """Return the same codes with the labels of each pair exchanged; no voxel is touched."""
        both = [(left, right) for left, right in pairs]
        return self.renamed({**dict(both), **{right: left for left, right in both}})

    def renamed(self, known: Mapping[int, int]) -> Codes:
        """Return the same codes standing for other labels; one that is not in ``known`` stays. No voxel is touched."""
        return replace(self, values=np.array([known.get(value, value) for value in self.values.tolist()]))

    def lut(self, known: Mapping[int, float], default: float = 0.0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Return a table ``(codes,)`` on the codes' device with what is known of each label.

        Parameters
        ----------
        known
            Label and what is known of it.
        default
            For codes whose label is not in ``known``.
        dtype
            Type of the table.
        """
        table = [known.get(value, default) for value in self.values.tolist()]
        return torch.tensor(table, dtype=dtype, device=self.tensor.device)

    def decoded(self, codes: torch.Tensor) -> npt.NDArray[Any]:
        """Return the labels that ``codes``, of any shape, stand for, as ``uint8`` or ``uint16``.

        Parameters
        ----------
        codes
            Codes as in :attr:`tensor`, for example after a warp.
        """
        table = self.values.astype(np.uint8 if self.values.max() < 256 else np.uint16)
        found = codes.cpu().numpy()
        same = table.dtype == found.dtype and np.array_equal(table, np.arange(len(table)))
        return found if same else _looked_up(table, found)


class _Writable:
    """Shows a read-only array as one that may be written, and keeps it alive."""

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self.owner = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}


def shared(array: npt.NDArray[Any]) -> torch.Tensor:
    """Return a tensor on the memory of a contiguous array that may be read-only: nobody may write into it.

    PyTorch has no read-only tensors and warns about such arrays.
    """
    return torch.from_numpy(np.asarray(_Writable(array)))


def _looked_up(table: npt.NDArray[Any], array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return ``table[array]``, a part at a time: NumPy widens indices to eight bytes on the way."""
    out = np.empty(array.shape, dtype=table.dtype)
    flat, made = array.reshape(-1), out.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        np.take(table, flat[start : start + _CHUNK], out=made[start : start + _CHUNK])
    return out
