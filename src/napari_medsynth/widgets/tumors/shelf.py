"""The seed library that the tabs share: :class:`Shelf`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from psygnal import Signal

from ...core.errors import MedsynthError, SeedError
from ...tumor.insert import open_library
from ...tumor.library import SeedLibrary
from ...tumor.seed import Seed, SeedInfo


class Shelf:
    """A library folder that need not exist yet: it is made when the first seed is put into it.

    Parameters
    ----------
    folder
        The folder.

    Attributes
    ----------
    changed : Signal()
        Another folder was opened, or its seeds changed.
    """

    changed = Signal()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._library: SeedLibrary | None = None
        self._problem = ""
        self._open()

    @property
    def folder(self) -> Path:
        """Where the library is."""
        return self._folder

    @property
    def infos(self) -> tuple[SeedInfo, ...]:
        """The seeds; none if there is no library."""
        return () if self._library is None else self._library.infos

    @property
    def problems(self) -> tuple[str, ...]:
        """What cannot be used, one line each; the rest is as good."""
        if self._problem:
            return (self._problem,)
        return () if self._library is None else self._library.problems

    def open(self, folder: Path) -> None:
        """Go on with another folder."""
        self._folder = folder
        self._open()
        self.changed.emit()

    def thumbnail(self, seed_id: str) -> Path:
        """Return the path of a seed's picture; raises :class:`SeedError` if the seed is damaged."""
        return self._present().thumbnail(seed_id)

    def add(self, seeds: Iterable[Seed]) -> tuple[str, ...]:
        """Store seeds and return the ids of the new ones; raises as :meth:`SeedLibrary.add` does."""
        if self._library is None and not self._problem:
            self._library = SeedLibrary.create(self._folder)
        new = self._present().add(seeds)
        self._open()
        self.changed.emit()
        return new

    def remove(self, ids: Sequence[str]) -> None:
        """Remove seeds; raises as :meth:`SeedLibrary.remove` does."""
        self._present().remove(ids)
        self._open()
        self.changed.emit()

    def merge(self, folder: Path) -> tuple[str, ...]:
        """Store all seeds of another library too and return the ids of the new ones."""
        other = SeedLibrary.open(folder)
        return self.add(other.load(info.id) for info in other.infos)

    def _present(self) -> SeedLibrary:
        if self._library is None:
            raise SeedError(self._problem or f"{self._folder} holds no seed library yet; expected one with seeds")
        return self._library

    def _open(self) -> None:
        self._library, self._problem = None, ""
        if self._folder.exists() and not _is_empty(self._folder):
            try:
                self._library = open_library(self._folder)
            except MedsynthError as error:
                self._problem = str(error)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
