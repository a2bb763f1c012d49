"""How a case was made: one :class:`Record` a step, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from .errors import RecordError, shown


@dataclass(frozen=True)
class Record:
    """One step that was applied: enough to apply it again, voxel for voxel.

    Parameters
    ----------
    step
        Name of the step in the entry-point group ``napari_medsynth.steps``.
    version
        Version of the step's meaning; it grows when the same parameters would give other voxels.
    config
        The step's settings.
    params
        Every random decision that was taken, as plain JSON values.
    rng
        Which random stream took them: ``seed``, ``case`` and ``occurrence``. Empty for what a person decided.
    """

    step: str
    version: int
    config: Mapping[str, Any]
    params: Mapping[str, Any]
    rng: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Make a record of what :meth:`to_json` gave.

        Raises
        ------
        RecordError
            If it is not of that form.
        """
        keys = set(cls.__dataclass_fields__)
        if not isinstance(value, dict) or set(value) != keys:
            found = sorted(value) if isinstance(value, dict) else type(value).__name__
            raise RecordError(f"history record has {found}; expected {sorted(keys)}")
        kinds = {"step": str, "version": int, "config": dict, "params": dict, "rng": dict}
        for key, kind in kinds.items():
            if not isinstance(value[key], kind):
                raise RecordError(f"history record has {key} = {shown(value[key])}; expected {kind.__name__}")
        return cls(**value)


def plain(value: Any) -> Any:
    """Return ``value`` as JSON would give it back (tuples become lists), so that kept and read params are equal.

    Raises
    ------
    RecordError
        If it holds anything that JSON cannot keep, NaN included.
    """
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise RecordError(f"a step's parameters cannot be kept as JSON: {error}") from error
