"""How much memory a network takes for a tile, known before it is run: :func:`peak_bytes`, :func:`free_bytes`.

The network is run once without numbers: PyTorch's *meta* device knows the size of every tensor and keeps none of them.
What is alive at the same time is added up, and the most that it comes to is the answer.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

#: What operations take beside their input and output (copies in another order, workspace), as a share of the peak.
#: ``benchmarks/inference.py`` measures it: on a processor, U-Net, DynUNet and SegResNet take 0.4 … 1.3.
WORKSPACE = 1.5

#: A 3D convolution of a smaller batch of one, ``N * C * z * y``, is done by PyTorch as a product of matrices on a
#: processor (``use_mkldnn`` in its Convolution.cpp), of which one holds the neighbours of each voxel.
_SMALL = 20480

_CGROUP = Path("/sys/fs/cgroup")


def peak_bytes(network: nn.Module, shape: Sequence[int]) -> int:
    """Return the most memory that a network's tensors take at one time, its weights not counted.

    Parameters
    ----------
    network
        Any whose operations do not depend on the numbers.
    shape
        Of what it is given, ``(B, C, *tile)``, float32.
    """
    copy, batch = without_numbers(network), torch.empty(tuple(shape), device="meta")
    with torch.no_grad(), _Alive() as alive:
        copy(batch)
    return int((alive.most + batch.nbytes) * (1 + WORKSPACE))


def without_numbers(network: nn.Module) -> nn.Module:
    """Return a copy on the *meta* device, which takes no memory; the network stays as it is.

    ``torch.func.functional_call`` would do it without a copy, but loses the weights of networks that have a layer under
    two names, as MONAI's DynUNet has.
    """
    tensors = [tensor for both in (network.parameters(), network.buffers()) for tensor in both]
    known = {id(tensor): _without_numbers(tensor) for tensor in tensors}
    return deepcopy(network, known)


def _without_numbers(tensor: torch.Tensor) -> torch.Tensor:
    made = tensor.detach().to("meta")
    return nn.Parameter(made, requires_grad=False) if isinstance(tensor, nn.Parameter) else made


def weight_bytes(network: nn.Module) -> int:
    """Return the memory that weights and buffers take."""
    return sum(t.nbytes for both in (network.parameters(), network.buffers()) for t in both)


def free_bytes(device: str) -> int:
    """Return the memory that is free on a device: ``"cpu"``, ``"mps"`` (the same) or ``"cuda"``."""
    if device.startswith("cuda"):
        kept = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()  # PyTorch gives it out again
        return int(torch.cuda.mem_get_info()[0] + kept)
    import psutil

    return min([int(psutil.virtual_memory().available), *_group_limits()])


def _group_limits() -> list[int]:
    """Return what is free of the limits that a container or a batch system has set (Linux, cgroup version 2)."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    paths = [_CGROUP, *(_CGROUP / line[3:].lstrip("/") for line in lines if line.startswith("0::"))]
    return [free for path in paths if (free := _free_of(path)) is not None]


def _free_of(group: Path) -> int | None:
    try:
        limit, used = (group / "memory.max").read_text().strip(), int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    return max(0, int(limit) - used) if limit.isdigit() else None


def _neighbour_bytes(images: torch.Tensor, weight: torch.Tensor, made: torch.Tensor) -> int:
    """Return the size of the matrix that a convolution makes for itself; 0 if it makes none."""
    if images.ndim < 5 or len(images) > 1 or math.prod(images.shape[:4]) > _SMALL or math.prod(weight.shape[2:]) == 1:
        return 0
    return math.prod(weight.shape[1:]) * math.prod(made.shape[2:]) * images.itemsize


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the bytes of tensors that were made while it was on and are still there."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        if func is torch.ops.aten.convolution.default:
            self.most = max(self.most, self.now + _neighbour_bytes(args[0], args[1], made))
        return made

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key not in self._seen:
            self._seen.add(key)
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._remove, key, size)

    def _remove(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.now -= size
