"""A few numbers in a line of text: :class:`Numbers`."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QLineEdit

from ...core.errors import ConfigError


class Numbers(QLineEdit):
    """One number for all axes, or one for each; empty for what is usual.

    Parameters
    ----------
    title
        What the numbers are, for messages.
    kind
        ``int`` or ``float``.
    usual
        What is shown while it is empty.
    tooltip
        What they are for.
    """

    def __init__(self, title: str, kind: Callable[[str], float], usual: str, tooltip: str) -> None:
        super().__init__()
        self._title, self._kind = title, kind
        self.setPlaceholderText(usual)
        self.setToolTip(tooltip)

    def of(self, axes: int) -> tuple[float, ...] | None:
        """Return a number for each axis; None if it is empty.

        Raises
        ------
        ConfigError
            If it is something else.
        """
        words = self.text().replace(",", " ").replace("×", " ").split()
        if not words:
            return None
        try:
            found = tuple(self._kind(word) for word in words)
        except ValueError as error:
            raise ConfigError(f"{self._title} is {self.text()!r}; expected numbers such as 1 or 0.6, 0.6") from error
        if len(found) not in (1, axes):
            raise ConfigError(f"{self._title} has {len(found)} numbers; expected 1 or {axes}")
        return found * axes if len(found) == 1 else found
