"""What was drawn, in a line: :func:`summary_of`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .dials import ARTEFACTS


def summary_of(params: Mapping[str, Any]) -> str:
    """Return a line that says what this seed gives.

    Parameters
    ----------
    params
        What the ``render`` step drew.
    """
    return "This seed: " + (" · ".join(_parts(params, params["channels"][0])) or "no stage happens")


def _parts(params: Mapping[str, Any], channel: Mapping[str, Any]) -> Iterator[str]:
    if params["flip"] is not None:
        yield "flipped"
    if channel["bias_field"] is not None:
        yield f"bias field {channel['bias_field']['std']:.2f}"
    if channel["resolution"] is not None:
        yield " × ".join(f"{mm:.3g}" for mm in channel["resolution"]["voxel"]) + " mm"
    for dial in ARTEFACTS:
        drawn = channel[dial.stage]
        if drawn is not None:
            yield f"{dial.title.lower()} {drawn[dial.setting]:.2g}"
