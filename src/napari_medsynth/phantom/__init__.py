"""Anatomy made from nothing: labels and images whose ground truth is exact."""

from __future__ import annotations

from .thorax import thorax

__all__ = ["thorax"]
