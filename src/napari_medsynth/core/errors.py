"""Every error that this package raises on purpose.

::

    MedsynthError
    ├── ReadError        a file is missing, damaged, hostile or of the wrong kind
    ├── WriteError       a file could not be written; nothing half-written is left
    ├── ConfigError      a setting, recipe or command has a value that cannot be used
    ├── GridError        two arrays that must share a grid do not, or a grid makes no sense
    ├── LabelError       a label map holds values that cannot be labels
    ├── HostError        no organ in which a lesion could be placed
    ├── SeedError        a lesion cannot be cut out, or a stored seed is damaged
    ├── SplitError       training data would leak into held-back data
    ├── TrainingError    a network cannot be trained any further; what it had learned before is kept
    └── RecordError      history that cannot be replayed

Each message is one line that names the file or parameter, what was found and what was expected.
"""

from __future__ import annotations

import reprlib

MAX_SHOWN = 300


class MedsynthError(Exception):
    """Root of every error that this package raises on purpose."""


class ReadError(MedsynthError, OSError):
    """A file is missing, damaged, hostile or of the wrong kind."""


class WriteError(MedsynthError, OSError):
    """A file could not be written; nothing half-written is left behind."""


class ConfigError(MedsynthError, ValueError):
    """A setting, recipe or command has a value that cannot be used."""


class GridError(MedsynthError, ValueError):
    """Two arrays that must share a grid do not, or a grid makes no sense."""


class LabelError(MedsynthError, ValueError):
    """A label map holds values that cannot be labels."""


class HostError(MedsynthError, ValueError):
    """There is no organ in which a lesion could be placed."""


class SeedError(MedsynthError, ValueError):
    """A lesion cannot be cut out, or a stored seed is damaged."""


class SplitError(MedsynthError, ValueError):
    """Training data would leak into held-back data."""


class TrainingError(MedsynthError, ArithmeticError):
    """A network cannot be trained any further; what it had learned before is kept."""


class RecordError(MedsynthError, ValueError):
    """A history record cannot be replayed."""


class _ShortRepr(reprlib.Repr):
    """Like ``repr``, but bounded in time and length: YAML aliases can make a small file a huge value."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 3, 120, 160

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < 1000 else f"<number of {x.bit_length()} bits>"


def shown(value: object) -> str:
    """Return ``repr(value)`` for a message: one line, cut short where it is long."""
    text = " ".join(_ShortRepr().repr(value).split())
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]} …"
