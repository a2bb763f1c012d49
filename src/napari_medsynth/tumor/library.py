"""A folder of seeds that can be searched without loading them: :class:`SeedLibrary`.

::

    library/
      index.json                  what is known of every seed
      <id>_image.nii.gz           the crop, where it was in the patient; opens in any viewer
      <id>_label.nii.gz           1 the lesion, 2 other lesions
      thumbnails/<id>.png

A seed counts as soon as the index lists it, and the index is replaced in one step, last when seeds are added and
first when they are removed: a process that dies in between leaves a library that is whole, and at worst files that
no one lists. Two processes may change one library at a time; the second waits for the first. Entries of a damaged
index that cannot be used are left out when it is next written.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from ..core.errors import SeedError
from .library_files import SeedFiles
from .library_index import is_library, locked, read_index, write_index
from .seed import LESION, Seed, SeedInfo, checksum
from .synthlung import is_synthlung, store_seeds

Interval = tuple[float, float]

_KEPT_IN_MEMORY = 64  # seeds; a draw takes the same ones again and again


class SeedLibrary:
    """Seeds on disk: add, remove, merge, search, load.

    Make one with :meth:`create` or :meth:`open`. It holds no open file and can be sent to worker processes.
    """

    def __init__(
        self, folder: Path, infos: dict[str, SeedInfo], problems: Iterable[str] = (), cut_from: Path | None = None
    ) -> None:
        self.folder = folder
        self._files = SeedFiles(folder)
        self._infos = infos
        self._index_problems = tuple(problems)
        self._cut_from = cut_from
        self._cached = lru_cache(maxsize=_KEPT_IN_MEMORY)(self._files.read)

    @classmethod
    def create(cls, folder: str | os.PathLike[str]) -> Self:
        """Make an empty library in a folder that is empty or not there yet.

        Raises
        ------
        SeedError
            If the folder holds anything.
        WriteError
            If it cannot be written.
        """
        path = Path(os.path.abspath(folder))  # workers may have another working directory
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise SeedError(f"{path} is not an empty folder; expected an empty or a new one for a seed library")
        write_index(path, {})
        return cls(path, {})

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open a library; only its index is read.

        A folder as SynthLung leaves it, with a ``dataset.json`` of seeds or of labelled scans, opens as well: its
        lesions are cut out into a temporary library, which cannot be changed and goes with the returned object. That
        takes as long as reading all of its images. What could not be cut out is listed in :attr:`problems`.

        Raises
        ------
        SeedError
            If the folder is neither, or its index is damaged.
        """
        path = Path(os.path.abspath(folder))
        if not is_library(path) and is_synthlung(path):
            return cls._cut(path)
        infos, problems = read_index(path)
        return cls(path, infos, problems)

    @classmethod
    def _cut(cls, listed: Path) -> Self:
        """Cut the lesions of a SynthLung folder into a temporary library."""
        temporary = tempfile.mkdtemp(prefix="medsynth-seeds-")
        library = cls.create(temporary)
        weakref.finalize(library, _delete_own, temporary, os.getpid())
        library._index_problems = tuple(store_seeds(listed, library.add))
        library._cut_from = listed
        return library

    @property
    def infos(self) -> tuple[SeedInfo, ...]:
        """What is known of every seed, in order of their ids."""
        return tuple(self._infos[key] for key in sorted(self._infos))

    @property
    def problems(self) -> tuple[str, ...]:
        """What keeps parts of the library from being used: bad entries, missing files. The rest is as good."""
        return (*self._index_problems, *self._files.missing(info.id for info in self.infos))

    def search(
        self,
        *,
        diameter_mm: Interval | None = None,
        volume_ml: Interval | None = None,
        attachment: str | Collection[str] | None = None,
        organ: str | None = None,
        patient: str | None = None,
        exclude_patients: Collection[str] = (),
    ) -> tuple[SeedInfo, ...]:
        """Return the seeds that meet every condition given, in order of their ids.

        Parameters
        ----------
        diameter_mm, volume_ml
            Lowest and highest, ends included; the diameter is that of the ball of the same volume.
        attachment
            One class or several of ``"isolated"``, ``"juxta-pleural"``, ``"juxta-vascular"``.
        organ, patient
            Exactly this one, letter case ignored for the organ.
        exclude_patients
            None of these, e.g. those whose scans are held back for validation.
        """
        kinds = (attachment,) if isinstance(attachment, str) else attachment
        found = (info for info in self.infos if info.patient not in exclude_patients)
        return tuple(
            info
            for info in found
            if _within(info.diameter_mm, diameter_mm)
            and _within(info.volume_ml, volume_ml)
            and (kinds is None or info.attachment in kinds)
            and (organ is None or info.organ.lower() == organ.lower())
            and (patient is None or info.patient == patient)
        )

    def load(self, seed_id: str) -> Seed:
        """Return a seed with its voxels; the last 64 stay in memory.

        Raises
        ------
        SeedError
            If there is none of this id, or its files are missing, damaged or not those that were stored.
        """
        return self._cached(self._info(seed_id))

    def thumbnail(self, seed_id: str) -> Path:
        """Return the path of a seed's picture, 96×96 pixels; it is drawn again if it has gone missing.

        Raises
        ------
        SeedError
            As :meth:`load` does.
        """
        path = self._files.thumbnail(self._info(seed_id).id)
        if not path.is_file():
            self._files.draw(self.load(seed_id))
        return path

    def add(self, seeds: Iterable[Seed]) -> tuple[str, ...]:
        """Store seeds; all of them are listed in the end, or, if one cannot be stored, none.

        Returns
        -------
        tuple of str
            Ids of those that are new; a seed that is stored already is passed over.

        Raises
        ------
        SeedError
            If another seed has the same id, or a seed is not 3D, has no lesion or is not what its checksum says.
        WriteError
            If it cannot be written.
        """
        self._require_changeable()
        new: dict[str, SeedInfo] = {}
        with locked(self.folder):
            stored, _ = read_index(self.folder)
            try:
                for seed in seeds:
                    if not _is_stored(seed, {**stored, **new}):
                        new[seed.info.id] = seed.info
                        self._files.write(seed)
                write_index(self.folder, stored | new)
            except BaseException:
                self._files.delete(new)
                raise
        self._infos, self._index_problems = stored | new, ()
        return tuple(new)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove seeds and delete their files.

        Raises
        ------
        SeedError
            If there is none of one of these ids; nothing is removed then.
        WriteError
            If the library cannot be changed.
        """
        self._require_changeable()
        gone = {self._info(seed_id).id for seed_id in ids}
        with locked(self.folder):
            stored, _ = read_index(self.folder)
            kept = {key: info for key, info in stored.items() if key not in gone}
            write_index(self.folder, kept)
            self._files.delete(gone)
        self._infos, self._index_problems = kept, ()

    def merge(self, other: SeedLibrary) -> tuple[str, ...]:
        """Store all seeds of another library too; returns the ids of the new ones and raises as :meth:`add` does."""
        return self.add(other.load(info.id) for info in other.infos)

    def verify(self) -> list[str]:
        """Read every seed and return what is wrong, one line each; empty if the library is whole."""
        found = list(self._index_problems)
        for info in self.infos:
            try:
                self._files.read(info)
            except SeedError as error:
                found.append(str(error))
            if not self._files.thumbnail(info.id).is_file():
                found.append(f"seed {info.id} has no thumbnail in {self.folder}")
        return found + self._files.strays(self._infos)

    def __len__(self) -> int:
        return len(self._infos)

    def __contains__(self, seed_id: object) -> bool:
        return seed_id in self._infos

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r}, {len(self)} seeds)"

    def __reduce__(self) -> tuple[Any, ...]:
        return SeedLibrary, (self.folder, self._infos, self._index_problems, self._cut_from)

    def _require_changeable(self) -> None:
        if self._cut_from is not None:
            raise SeedError(f"{self._cut_from} was opened as SynthLung left it; create a library and merge it there")

    def _info(self, seed_id: str) -> SeedInfo:
        if seed_id not in self._infos:
            raise SeedError(f"library {self.folder} has no seed {seed_id!r} among its {len(self)}")
        return self._infos[seed_id]


def _delete_own(folder: str, owner: int) -> None:
    """Delete a temporary library, but not in a forked worker, whose copy of the object goes first."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _is_stored(seed: Seed, stored: dict[str, SeedInfo]) -> bool:
    """Whether this very seed is stored; raises :class:`SeedError` if it must not be."""
    SeedInfo.from_json(seed.info.to_json())  # its id becomes a file name
    seed.image.require_same_grid(seed.mask, f"image of seed {seed.info.id}", "its mask")
    if seed.image.ndim != 3 or not seed.mask.mask(LESION).any():
        raise SeedError(f"seed {seed.info.id} has no voxel {LESION} in its mask or is not 3D; expected a lesion")
    if checksum(seed.image, seed.mask) != seed.info.sha256:
        raise SeedError(f"seed {seed.info.id} is not what its checksum says; make its info anew")
    known = stored.get(seed.info.id)
    if known is not None and known.sha256 != seed.info.sha256:
        raise SeedError(f"the library has another seed with the id {seed.info.id}; rename one of them")
    return known is not None


def _within(value: float, interval: Interval | None) -> bool:
    return interval is None or interval[0] <= value <= interval[1]
