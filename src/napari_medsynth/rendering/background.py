"""Regions of a real image where labels do not cover it: :class:`ClusterBackground`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..core.settings import setting
from ..core.step import Step


@dataclass(frozen=True, kw_only=True)
class ClusterBackground(Step):
    """Label the background of a real image by its intensities, so that it can be rendered too."""

    name: ClassVar[str] = "cluster_background"
    version: ClassVar[int] = 1

    k: int = setting(4, "How many kinds of tissue", low=1, high=16)
