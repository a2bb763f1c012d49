"""One file of a dataset, read case by case: :class:`Split`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..core.affine import Affine
from ..core.case import Case
from ..core.errors import MedsynthError, ReadError
from ..core.labels import LabelMap, LabelTable
from ..core.record import Record
from ..core.volume import Volume
from ..io.limits import require_affordable
from .checksum import Facts
from .opening import Handle, columns_of, header_of
from .schema import HISTORY, IMAGES, INSTANCES, LABELS, MASKS

Array = npt.NDArray[Any]


class Split:
    """The cases of one HDF5 file: a split of a dataset, or a single case while the dataset is being made.

    Voxels are read when they are asked for. It can be given to other processes, forked or spawned, where it opens the
    file anew; close it, or use it in a ``with`` block. Files of the layout that other tools write (``images``,
    ``masks``, ``presence_labels`` and ``scenarios`` only) are read too.

    Attributes
    ----------
    path
        The file.
    meta
        What holds for all its cases.
    name
        ``"train"``, ``"val"`` or ``"test"``; empty for a single case.
    columns
        What is kept of each case beside its voxels.
    header
        What the file says of itself.
    """

    def __init__(self, path: str | os.PathLike[str], max_bytes: int | None = None) -> None:
        self.path = Path(path)
        self._max_bytes = max_bytes
        self._handle = Handle(self.path, max_bytes)
        try:
            file = self._handle.file()
            header = header_of(file, self.path, max_bytes)
            self.columns = columns_of(file, self.path, header, max_bytes)
        except BaseException:
            self.close()
            raise
        self.header, self.meta, self.name = header, header.meta, header.split
        self._handle.keep(header.blocks)
        self._arrays = frozenset(header.blocks)

    @classmethod
    def open(cls, path: str | os.PathLike[str], max_bytes: int | None = None) -> Self:
        """Open a file.

        Parameters
        ----------
        max_bytes
            Most bytes that one array may take; see :func:`napari_medsynth.io.limits.budget` for the default.

        Raises
        ------
        ReadError
            If it is missing, damaged, not a dataset, of a newer version, asks for other files, or is too large.
        """
        return cls(path, max_bytes)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names of the structures in the order of masks and presence."""
        return self.meta.names

    @property
    def table(self) -> LabelTable:
        """What the values of the label maps mean."""
        return self.meta.table

    @property
    def image_size(self) -> tuple[int, ...]:
        """Voxels of every case along ``(z, y, x)``."""
        return self.meta.image_size

    @property
    def modality(self) -> str:
        """As in :class:`~napari_medsynth.core.volume.Volume`."""
        return self.meta.modality

    @property
    def presence(self) -> npt.NDArray[np.bool_]:
        """``(N, S)``: which structures each case has."""
        return self.columns.presence

    @property
    def scenarios(self) -> list[str]:
        """Scenario of each case; empty where it has none."""
        return list(self.columns.scenarios)

    @property
    def case_ids(self) -> list[str]:
        """Name of each case."""
        return list(self.columns.case_ids)

    @property
    def checksums(self) -> list[str]:
        """SHA-256 of each case; empty in files of other makers."""
        return list(self.columns.checksums)

    @property
    def spacing(self) -> npt.NDArray[np.float64]:
        """``(N, 3)``: millimetres along ``(z, y, x)`` of each case."""
        return self.columns.spacing

    @property
    def has_images(self) -> bool:
        """Whether the cases have images."""
        return IMAGES in self._arrays

    @property
    def has_labels(self) -> bool:
        """Whether the cases have label maps or masks that can be read as such."""
        return LABELS in self._arrays or MASKS in self._arrays

    @property
    def has_instances(self) -> bool:
        """Whether cases may have instance maps."""
        return INSTANCES in self._arrays

    def image(self, index: int) -> Array:
        """Return the voxels of a case's image, ``(z, y, x)``, as stored.

        Raises
        ------
        ReadError
            If the cases have no images, or this one's is damaged.
        IndexError
            If there is no such case.
        """
        return self._required(IMAGES, index)

    def labels(self, index: int) -> Array:
        """Return a case's label map, ``(z, y, x)`` uint8 or uint16; raises as :meth:`image` does.

        In a file that has masks only, they are numbered from 1 in their order; if two of them overlap, that is an
        error.
        """
        if LABELS in self._arrays or MASKS not in self._arrays:
            return self._required(LABELS, index)
        masks = self.masks(index)
        count = masks.sum(axis=0, dtype=np.uint16)
        if count.max() > 1:
            found = f"{int((count > 1).sum())} voxels that lie in several masks"
            raise ReadError(f"{self.path} (case {index}) has {found}; expected one structure a voxel in a label map")
        values = np.asarray(self.meta.values, np.uint16 if max(self.meta.values) > 255 else np.uint8)
        labels = np.zeros(self.meta.image_size, values.dtype)
        for mask, value in zip(masks, values, strict=True):
            labels[mask != 0] = value
        return labels

    def masks(self, index: int) -> npt.NDArray[np.uint8]:
        """Return the masks of a case's structures, ``(S, z, y, x)``, 0 or 1; raises as :meth:`image` does."""
        shape = (len(self.meta.structures), *self.meta.image_size)
        require_affordable(self.path, (max(shape[0], 1), *shape[1:]), 1, self._max_bytes)
        masks = np.zeros(shape, np.uint8)
        if LABELS in self._arrays:
            labels = self.labels(index)
            for mask, value, there in zip(masks, self.meta.values, self.presence[index], strict=True):
                if there:
                    np.equal(labels, value, out=mask.view(np.bool_))
        else:
            for row in range(len(masks)):
                masks[row] = self._required(MASKS, index, row) != 0
        return masks

    def stored_mask(self, index: int, structure: int) -> Array:
        """Return one mask as it is stored, which :meth:`masks` does not read if there are labels."""
        return self._required(MASKS, index, structure)

    def instances(self, index: int) -> Array | None:
        """Return which voxel belongs to which lesion; None if the case has no such map. Raises as :meth:`image`."""
        return self._block(INSTANCES, index) if INSTANCES in self._arrays else None

    def history(self, index: int) -> tuple[Record, ...]:
        """Return the records of the steps that made a case, oldest first; raises as :meth:`image` does."""
        if HISTORY not in self._arrays:
            return ()
        with self._explained(index):
            records = json.loads(self.history_text(index))
            if not isinstance(records, list):
                raise ValueError("its history is no list")
            return tuple(Record.from_json(record) for record in records)

    def history_text(self, index: int) -> bytes:
        """Return a case's history as it is stored, JSON in UTF-8."""
        stored = self._handle.blocks(HISTORY).read(self._checked(index))
        if stored is None:
            raise ReadError(f"{self.path} (case {index}) has no history stored")
        return bytes(stored.tobytes().rstrip(b"\0"))

    def facts(self, index: int) -> Facts:
        """Return what is kept of a case beside its voxels and its history."""
        index, columns = self._checked(index), self.columns
        return Facts(
            case_id=columns.case_ids[index],
            scenario=columns.scenarios[index],
            index=int(columns.indices[index]),
            seed=int(columns.seeds[index]),
            affine=columns.affines[index],
        )

    def affine(self, index: int) -> Affine:
        """Return where a case's voxels lie; raises as :meth:`image` does."""
        with self._explained(index):
            return Affine(self.columns.affines[self._checked(index)])

    def case(self, index: int) -> Case:
        """Return a case with all its parts; raises as :meth:`image` does."""
        index = self._checked(index)
        affine = self.affine(index)
        instances = self.instances(index)
        with self._explained(index):
            return Case(
                id=self.columns.case_ids[index],
                image=Volume(self.image(index), affine, self.modality) if self.has_images else None,
                labels=LabelMap(self.labels(index), affine, self.table) if self.has_labels else None,
                instances=None if instances is None else _lesions(instances, affine),
                history=self.history(index),
            )

    def cases(self) -> Iterator[Case]:
        """Return all cases, one after the other."""
        return (self.case(index) for index in range(len(self)))

    def chunk(self, name: str, *place: int) -> bytes | None:
        """Return packed bytes as they lie in the file; see :meth:`.blocks.Blocks.chunk`."""
        return self._handle.blocks(name).chunk(*place)

    def close(self) -> None:
        """Close the file; it is opened again if more is asked for."""
        self._handle.close()

    def _block(self, name: str, index: int, *place: int) -> Array | None:
        return self._handle.blocks(name).read(self._checked(index), *place)

    def _required(self, name: str, index: int, *place: int) -> Array:
        index = self._checked(index)
        if name not in self._arrays:
            raise ReadError(f"{self.path} has no {name}; expected a dataset whose cases have some")
        found = self._block(name, index, *place)
        if found is None and name == MASKS:
            return np.zeros(self.meta.image_size, np.uint8)
        if found is None:
            raise ReadError(f"{self.path} (case {index}) has no {name} stored")
        return found

    def _checked(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"case {index} was asked for; {self.path} has {len(self)}")
        return int(index) % len(self)

    @contextmanager
    def _explained(self, index: int) -> Iterator[None]:
        """Say which case holds what makes no sense."""
        try:
            yield
        except (ReadError, IndexError):
            raise
        except (MedsynthError, ValueError, RecursionError) as error:
            raise ReadError(f"{self.path} (case {index}) is damaged: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self._max_bytes)

    def __repr__(self) -> str:
        return f"Split({str(self.path)!r}: {len(self)} cases, {len(self.meta.structures)} structures)"


def _lesions(instances: Array, affine: Affine) -> LabelMap:
    from ..tumor.truth import instance_table

    return LabelMap(instances, affine, instance_table(instances))
