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
        self.announce()

    def thumbnail(self, seed_id: str) -> Path:
        """Return the path of a seed's picture; raises :class:`SeedError` if the seed is damaged."""
        return self._present().thumbnail(seed_id)

    def store(self, seeds: Iterable[Seed]) -> tuple[str, ...]:
        """Store seeds and return the ids of the new ones; raises as :meth:`SeedLibrary.add` does.

        This and the next three may run in another thread; call :meth:`announce` in the main one when they are done.
        """
        if not self._problem and self._library is None:
            return SeedLibrary.create(self._folder).add(seeds)
        return self._present().add(seeds)

    def remove(self, ids: Sequence[str]) -> None:
        """Remove seeds; raises as :meth:`SeedLibrary.remove` does."""
        self._present().remove(ids)

    def merge(self, folder: Path) -> tuple[str, ...]:
        """Store all seeds of another library too and return the ids of the new ones."""
        other = SeedLibrary.open(folder)
        return self.store(other.load(info.id) for info in other.infos)

    def verify(self) -> list[str]:
        """Read every seed and return what is wrong, one line each."""
        return [self._problem] if self._problem else [] if self._library is None else self._library.verify()

    def announce(self) -> None:
        """Read the library again and tell that it has changed."""
        self._open()
        self.changed.emit()

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
