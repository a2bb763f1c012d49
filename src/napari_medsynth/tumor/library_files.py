"""The files of one seed in a library: :class:`SeedFiles`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import MedsynthError, SeedError
from ..core.labels import LabelMap, LabelTable
from ..io import read_labels, read_volume, write_bytes, write_labels, write_volume
from .extract import SEED_TABLE
from .library_index import INDEX, LOCK
from .seed import Seed, SeedInfo, checksum
from .synthlung import LISTING
from .thumbnail import thumbnail_png


@dataclass(frozen=True)
class SeedFiles:
    """Reads and writes the files of seeds in ``folder``; which of them count, the index says."""

    folder: Path

    def image(self, seed_id: str) -> Path:
        """Path of the crop."""
        return self.folder / f"{seed_id}_image.nii.gz"

    def mask(self, seed_id: str) -> Path:
        """Path of the mask."""
        return self.folder / f"{seed_id}_label.nii.gz"

    def thumbnail(self, seed_id: str) -> Path:
        """Path of the picture."""
        return self.folder / "thumbnails" / f"{seed_id}.png"

    def all_of(self, seed_id: str) -> tuple[Path, ...]:
        """Every file that belongs to a seed; ``_image.json`` holds what NIfTI has no place for."""
        sidecar = self.folder / f"{seed_id}_image.json"
        return self.image(seed_id), self.mask(seed_id), sidecar, self.thumbnail(seed_id)

    def read(self, info: SeedInfo) -> Seed:
        """Read a seed.

        Raises
        ------
        SeedError
            If its files are missing, damaged, or not those that were stored.
        """
        paths = self.image(info.id), self.mask(info.id)
        try:
            image, mask = read_volume(paths[0]), read_labels(paths[1])
            image.require_same_grid(mask, paths[0].name, paths[1].name)
        except MedsynthError as error:
            raise SeedError(f"seed {info.id} cannot be loaded: {error}") from error
        if checksum(image, mask) != info.sha256:
            raise SeedError(f"seed {info.id} in {self.folder} is altered: its checksum is not the recorded one")
        return Seed(image=image, mask=replace(mask, table=SEED_TABLE), info=info)

    def write(self, seed: Seed) -> None:
        """Write a seed; raises :class:`WriteError` if that fails."""
        write_volume(seed.image, self.image(seed.info.id))
        bare = LabelMap(seed.mask.array, seed.mask.affine, LabelTable())  # the table is always the same
        write_labels(bare, self.mask(seed.info.id))
        self.draw(seed)

    def draw(self, seed: Seed) -> None:
        """Write the picture of a seed."""
        write_bytes(self.thumbnail(seed.info.id), thumbnail_png(seed))

    def delete(self, ids: Iterable[str]) -> None:
        """Delete every file of these seeds."""
        for seed_id in ids:
            for path in self.all_of(seed_id):
                path.unlink(missing_ok=True)

    def missing(self, ids: Iterable[str]) -> list[str]:
        """Return one line for each file without which a seed cannot be loaded; looks at names only."""
        present = {path.name for path in self.folder.glob("*")}
        needed = ((seed_id, path) for seed_id in ids for path in (self.image(seed_id), self.mask(seed_id)))
        return [f"seed {seed_id} lacks {path}" for seed_id, path in needed if path.name not in present]

    def strays(self, ids: Collection[str]) -> list[str]:
        """Return one line for each file that belongs to none of these seeds."""
        ours = {path for seed_id in ids for path in self.all_of(seed_id)}
        ours |= {self.folder / name for name in (INDEX, LOCK, LISTING)}
        files = sorted(p for p in (*self.folder.glob("*"), *self.folder.glob("thumbnails/*")) if p.is_file())
        return [f"{path} belongs to no seed of the library" for path in files if path not in ours]
