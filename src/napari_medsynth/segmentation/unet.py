"""The U-Net: :class:`UNet`."""

from __future__ import annotations

from monai.networks.nets import BasicUNet


class UNet(BasicUNet):  # type: ignore[misc]
    """U-Net of five levels (Ronneberger et al. 2015), with instance normalisation and leaky ReLU.

    Parameters
    ----------
    in_channels
        Channels of the image.
    num_classes
        Classes, background included.
    base_features
        Features of the first level; each level below has twice as many. In 2D 8, 16 and 32 make about 0.5, 2 and 7.8
        million parameters; in 3D about 1.4, 5.7 and 22.6.
    spatial_dims
        2 or 3.

    Examples
    --------
    >>> UNet(in_channels=1, num_classes=14, base_features=8).count_parameters()
    488358
    """

    def __init__(
        self, in_channels: int = 1, num_classes: int = 14, base_features: int = 8, spatial_dims: int = 2
    ) -> None:
        levels = tuple(base_features * 2**level for level in range(5))
        super().__init__(spatial_dims, in_channels, num_classes, features=(*levels, base_features))

    def count_parameters(self) -> int:
        """Return the number of parameters that are trained."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)
