"""Networks of MONAI's by name and plain arguments, for weights that others trained: :class:`ForeignNetwork`.

What is built is chosen from a list that is written here; a name is never imported. A network is first built without
memory (PyTorch's *meta* device) and gets the tensors of the weights, so that a description cannot claim more than the
weights have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from ..core.errors import ReadError, shown

if TYPE_CHECKING:
    import torch
    from torch import nn

#: Those that are built.
ARCHITECTURES = ("UNet", "BasicUNet", "DynUNet", "SegResNet", "SwinUNETR", "AttentionUnet")

#: What a description may hold at most: numbers, entries of a list, nested lists.
_LARGEST, _LONGEST, _DEEPEST = 4096, 64, 4

#: What a constructor raises for arguments that it cannot use.
_UNUSABLE = (TypeError, ValueError, KeyError, IndexError, AttributeError, AssertionError, RuntimeError, ArithmeticError)


@dataclass(frozen=True)
class ForeignNetwork:
    """A description that is safe to build.

    Parameters
    ----------
    architecture
        One of :data:`ARCHITECTURES`.
    arguments
        Numbers, words, and lists of them.

    Raises
    ------
    ReadError
        If it is another architecture, or an argument is anything else.
    """

    architecture: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise ReadError(f"the network is {shown(self.architecture)}; expected one of MONAI's {known}")
        _require_plain(self.arguments, "the network's arguments", 0)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Make one of what :meth:`to_json` gave."""
        if set(values) != {"architecture", "arguments"} or not isinstance(values["arguments"], dict):
            raise ReadError(f"the network is {shown(dict(values))}; expected 'architecture' and 'arguments'")
        return cls(values["architecture"], values["arguments"])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"architecture": self.architecture, "arguments": dict(self.arguments)}

    @property
    def divisor(self) -> int:
        """What each axis of an input has to be a multiple of."""
        if self.architecture in ("UNet", "AttentionUnet", "DynUNet"):
            strides = self.arguments.get("strides", ())
            return max(1, int(math.prod(max(step) if isinstance(step, list) else step for step in strides)))
        if self.architecture == "SegResNet":
            return int(2 ** (len(self.arguments.get("blocks_down", (1, 2, 2, 4))) - 1))
        return {"BasicUNet": 16, "SwinUNETR": 32}[self.architecture]

    def build(self, ndim: int, weights: Mapping[str, torch.Tensor]) -> nn.Module:
        """Build the network with these weights.

        Parameters
        ----------
        ndim
            Axes of its images.
        weights
            Tensors by name, as its ``state_dict`` has them.

        Returns
        -------
        Module
            Takes ``(B, C, z, y, x)``, as our own do; MONAI's order of axes is x, y, z.

        Raises
        ------
        ReadError
            If the arguments make no network, or the weights are another network's.
        """
        import torch

        try:
            with torch.device("meta"):
                network: nn.Module = self._maker()(**self.arguments)
        except _UNUSABLE as error:
            raise ReadError(f"MONAI's {self.architecture} cannot be made of these arguments: {_line(error)}") from error
        try:
            network.load_state_dict(dict(weights), assign=True)
        except RuntimeError as error:
            found = f"the weights are not those of MONAI's {self.architecture} with these arguments"
            raise ReadError(f"{found}: {_line(error)}") from error
        if any(t.is_meta for t in network.buffers()):
            raise ReadError(f"the weights lack a part of MONAI's {self.architecture}")
        return reversed_axes(network.float().requires_grad_(requires_grad=False), ndim)

    def _maker(self) -> Callable[..., nn.Module]:
        from monai.networks import nets

        makers = {
            "UNet": nets.UNet,
            "BasicUNet": nets.BasicUNet,
            "DynUNet": nets.DynUNet,
            "SegResNet": nets.SegResNet,
            "SwinUNETR": nets.SwinUNETR,
            "AttentionUnet": nets.AttentionUnet,
        }
        return makers[self.architecture]  # type: ignore[no-any-return]


def classes_of(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Return how many classes a network gives for inputs ``(1, C, *tile)``; nothing is computed.

    Raises
    ------
    ReadError
        If it cannot take them or gives anything but ``(1, K, *tile)``.
    """
    import torch

    from .memory import without_numbers

    copy = without_numbers(network).eval()
    try:
        with torch.no_grad():
            made = copy(torch.empty(shape, device="meta"))
    except _UNUSABLE as error:
        size = "×".join(str(n) for n in shape[2:])
        raise ReadError(f"the network does not take {shape[1]} channels of {size} voxels: {_line(error)}") from error
    if not isinstance(made, torch.Tensor) or (made.shape[0], *made.shape[2:]) != (1, *shape[2:]) or made.shape[1] < 2:
        found = tuple(made.shape) if isinstance(made, torch.Tensor) else type(made).__name__
        raise ReadError(f"the network gives {found} for {shape}; expected two classes or more of that size")
    return int(made.shape[1])


def reversed_axes(network: nn.Module, ndim: int) -> nn.Module:
    """Return a network that takes and gives its axes the other way round."""
    from .reversing import Reversed

    return Reversed(network, ndim)


def _require_plain(value: object, where: str, depth: int) -> None:
    """Raise :class:`ReadError` unless it is numbers, words, and lists or mappings of them, within limits."""
    parts: list[object] = []
    if isinstance(value, dict):
        parts = list(value.values())
        fine = all(isinstance(key, str) and key[:1] not in ("_", "$", "@") for key in value)
    elif isinstance(value, list):
        parts, fine = value, True
    elif isinstance(value, str):
        fine = value[:1] not in ("$", "@", "%") and len(value) <= _LONGEST
    else:
        fine = value is None or isinstance(value, bool) or (isinstance(value, int | float) and abs(value) <= _LARGEST)
    if not fine or len(parts) > _LONGEST or depth > _DEEPEST:
        raise ReadError(f"{where} hold {shown(value)}; expected numbers, words, and short lists of them")
    for part in parts:
        _require_plain(part, where, depth + 1)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
