"""Which grid a rendering was drawn for, so that it is not repeated on another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.affine import Affine
from ..core.errors import GridError, RecordError, shown
from ..core.grid import Gridded
from .stage import Params


def grid_params(labels: Gridded) -> Params:
    """Return shape and affine as JSON: ``{"shape": [z, y, x], "affine": [[…] × 3]}``, a 2D shape as ``[y, x]``."""
    rows = [[round(float(v), 6) for v in row] for row in labels.affine.matrix[:3]]
    return {"shape": list(labels.shape), "affine": rows}


def require_grid(part: Gridded, params: Mapping[str, Any]) -> None:
    """Make sure that ``part`` is on the grid for which ``params`` were drawn.

    Raises
    ------
    GridError
        If it is on another one; the message names both.
    RecordError
        If the params do not say for which.
    """
    found = params.get("drawn_on")
    if not isinstance(found, Mapping) or set(found) != {"shape", "affine"}:
        raise RecordError(f"a rendering has drawn_on = {shown(found)}; expected the shape and affine of its label map")
    shape, affine = tuple(found["shape"]), Affine([*found["affine"], [0, 0, 0, 1]])  # type: ignore[arg-type]
    if part.shape != shape or not part.affine.is_close(affine, part.shape3):
        mine, theirs = ("×".join(str(n) for n in sizes) for sizes in (part.shape, shape))
        raise GridError(
            f"{part!r} is {mine} voxels on {part.affine} and the rendering {theirs} on {affine}; expected the same grid"
        )
