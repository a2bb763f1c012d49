"""The layouts that datasets are exported to and imported from: :data:`FORMATS`."""

from __future__ import annotations

from typing import Literal

from .layout import Layout
from .monai import Monai
from .nifti_pairs import NiftiPairs
from .nnunet import NnUnet

FormatName = Literal["nifti", "nnunet", "monai"]

FORMATS: dict[FormatName, Layout] = {"nifti": NiftiPairs(), "nnunet": NnUnet(), "monai": Monai()}
