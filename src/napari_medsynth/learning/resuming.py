"""What may be different when a training goes on: :func:`require_same`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import ConfigError, shown

#: What may grow, and what does not change what is learned.
_MAY_GROW = ("fit.epochs", "fit.minutes")
_MAY_CHANGE = ("fit.device", "fit.threads", "fit.workers")


def require_same(before: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Raise :class:`ConfigError`, naming it, for the first setting that may not be different when a run goes on.

    Parameters
    ----------
    before, now
        Settings as JSON. ``fit.epochs`` and ``fit.minutes`` may grow; ``fit.device``, ``fit.threads`` and
        ``fit.workers`` may change.
    where
        What the message calls the run.
    """
    old, new = _flat(before), _flat(now)
    for name in (name for name in {**old, **new} if old.get(name) != new.get(name) and name not in _MAY_CHANGE):
        then, wanted = old.get(name), new.get(name)
        if name not in _MAY_GROW:
            raise ConfigError(f"{where} has {name} {shown(then)}, and now {shown(wanted)}; expected the same to go on")
        if then is None or (wanted is not None and wanted < then):
            raise ConfigError(f"{where} has {name} {shown(then)}, and now {shown(wanted)}; expected no less to go on")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found
