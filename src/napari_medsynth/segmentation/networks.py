"""The networks that can be trained and loaded, by name: nothing that is not listed here is ever built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from ..core.settings import Settings, setting
from .spec import InputSpec

if TYPE_CHECKING:
    from torch import nn

Name = Literal["unet", "dynunet", "segresnet", "swinunetr", "attentionunet"]


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(Settings):
    """Which network, and how large."""

    name: Name = setting("unet", "Architecture; all but 'unet' are MONAI's own")
    base_features: int = setting(8, "Features of the first level; each level below has twice as many", low=4, high=128)
    levels: int = setting(5, "Resolutions; those of 'unet' are 5, of 'swinunetr' 6", low=3, high=7)


def build(settings: NetworkSettings, spec: InputSpec, num_classes: int, *, seed: int = 0) -> nn.Module:
    """Make a network with fresh weights; the global generators are neither used nor touched.

    Parameters
    ----------
    settings
        Which one.
    spec
        What it is given: 2D or 3D, how many channels.
    num_classes
        Classes, background included.
    seed
        Seed of the weights.

    Returns
    -------
    Module
        Takes float32 ``(B, C, *patch)``, each axis a multiple of :func:`divisor`, and gives logits of that size.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return _MAKERS[settings.name](settings, spec.ndim, spec.in_channels, num_classes)


def divisor(settings: NetworkSettings) -> int:
    """Return what each axis of an input has to be a multiple of."""
    levels = {"unet": 5, "swinunetr": 6}.get(settings.name, settings.levels)
    return int(2 ** (levels - 1))


def _unet(settings: NetworkSettings, ndim: int, channels: int, classes: int) -> nn.Module:
    from .unet import UNet

    return UNet(channels, classes, settings.base_features, spatial_dims=ndim)


def _dynunet(settings: NetworkSettings, ndim: int, channels: int, classes: int) -> nn.Module:
    from monai.networks.nets import DynUNet

    strides = [1] + [2] * (settings.levels - 1)
    kernels = [3] * settings.levels
    filters = [min(settings.base_features * 2**level, 512) for level in range(settings.levels)]
    net: nn.Module = DynUNet(ndim, channels, classes, kernels, strides, strides[1:], filters=filters)
    return net


def _segresnet(settings: NetworkSettings, ndim: int, channels: int, classes: int) -> nn.Module:
    from monai.networks.nets import SegResNet

    down = (1, *([2] * (settings.levels - 2)), 4)
    groups = next(n for n in (8, 4, 2, 1) if settings.base_features % n == 0)
    net: nn.Module = SegResNet(
        ndim,
        settings.base_features,
        channels,
        classes,
        norm=("GROUP", {"num_groups": groups}),
        blocks_down=down,
        blocks_up=(1,) * (settings.levels - 1),
    )
    return net


def _swinunetr(settings: NetworkSettings, ndim: int, channels: int, classes: int) -> nn.Module:
    from monai.networks.nets import SwinUNETR

    size = max(12, round(settings.base_features / 12) * 12)  # it has to be a multiple of 12
    net: nn.Module = SwinUNETR(channels, classes, feature_size=size, spatial_dims=ndim)
    return net


def _attentionunet(settings: NetworkSettings, ndim: int, channels: int, classes: int) -> nn.Module:
    from monai.networks.nets import AttentionUnet

    features = [settings.base_features * 2**level for level in range(settings.levels)]
    net: nn.Module = AttentionUnet(ndim, channels, classes, features, [2] * (settings.levels - 1))
    return net


Maker = Callable[[NetworkSettings, int, int, int], "nn.Module"]
_MAKERS: dict[str, Maker] = {
    "unet": _unet,
    "dynunet": _dynunet,
    "segresnet": _segresnet,
    "swinunetr": _swinunetr,
    "attentionunet": _attentionunet,
}

assert set(_MAKERS) == set(get_args(Name))  # noqa: S101 - a typo here is a bug of ours
