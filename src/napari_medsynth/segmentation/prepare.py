"""Cases as a network learns from them: on the working grid, each voxel with its class, :func:`prepare_cases`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import psutil

from ..core.case import Case
from ..core.errors import ConfigError, GridError, LabelError, shown
from ..core.labels import MAX_LABEL, Label, LabelMap, LabelTable
from ..core.progress import Job, Progress
from ..core.schemes import scheme as scheme_of
from ..core.volume import Volume
from ..datasets.found import FoundCase
from .settings import TrainSettings
from .spec import InputSpec
from .working import normalised, to_working, with_channels

Floats = npt.NDArray[np.float32]

#: Share of the free memory that prepared cases may take.
_SHARE = 0.6

#: Bytes a voxel that examples are made from, beside image and labels as they were read.
_BYTES = 4


@dataclass(frozen=True)
class Relabel:
    """Which value of a label map becomes which value of the model, and what those are called.

    Parameters
    ----------
    values
        Pairs of a value and the one that the model gives it; values that are not listed become background. None leaves
        all as they are.
    scheme
        What the values of files mean, where they do not say; of a table of ``values``, what those mean that it makes.
    """

    values: tuple[tuple[int, int], ...] | None = None
    scheme: str | None = None

    @classmethod
    def of(cls, settings: TrainSettings) -> Relabel:
        """Return that of a training."""
        return cls(settings.relabel or None, settings.scheme)

    def named(self, labels: LabelMap) -> LabelMap:
        """Return a label map with a table; one of its own comes before the scheme."""
        table = labels.table if len(labels.table) or self.scheme is None else scheme_of(self.scheme)
        return labels.with_table(table)

    def target(self, value: int, table: LabelTable) -> int:
        """Return the model's value of a label; what only surrounds the organs of a phantom is background."""
        if self.values is None:
            return 0 if table[value].context else value
        return dict(self.values).get(value, 0)

    def applied(self, labels: LabelMap) -> LabelMap:
        """Return a label map with the model's values and their names."""
        labels = self.named(labels)
        known = {value: self.target(value, labels.table) for value in labels.values()}
        return LabelMap(looked_up(known, labels.array), labels.affine, self.table(labels, known))

    def targets(self, tables: Iterable[LabelTable]) -> LabelTable:
        """Return the classes: all values that are made by a table of values, whether a case has them or not.

        Parameters
        ----------
        tables
            What the cases have; where there is no table of values, the classes are the union of these.
        """
        found = {entry.value: entry for entry in _joined(tables)}
        if self.values is None:
            return LabelTable(tuple(found.values()))
        meant = LabelTable() if self.scheme is None else scheme_of(self.scheme)
        for value, target in self.values:
            if target and target not in found:
                found[target] = replace(meant[value], value=target)
        return LabelTable(tuple(found[target] for target in sorted(found)))

    def table(self, labels: LabelMap, known: Mapping[int, int]) -> LabelTable:
        """Return what the model's values are called: as the only label that they stand for, or as in the scheme."""
        made: dict[int, Label] = {}
        for value, target in known.items():
            if target:
                made.setdefault(target, replace(labels.table[value], value=target))
        return LabelTable(tuple(made.values()))


def spine14_relabel() -> tuple[tuple[int, int], ...]:
    """Return SPIDER's values and the 14 classes of them: vertebrae 1-6, discs 7-12 and the canal 13; see ``spine14``.

    Vertebrae and discs above the sixth, and vertebrae that are partly visible, become background.
    """
    vertebrae, discs = ((k, k) for k in range(1, 7)), ((200 + k, 6 + k) for k in range(1, 7))
    return (*vertebrae, (100, 13), *discs)


@dataclass(frozen=True, eq=False)
class Prepared:
    """One case on the working grid: RAS+, at the spacing of an input.

    Parameters
    ----------
    id, patient
        As in :class:`~napari_medsynth.datasets.found.FoundCase`.
    image
        The scan, its intensities as they were; None if it is not needed.
    labels
        With the values of the files and their names: what is rendered.
    classes
        ``(z, y, x)`` or ``(y, x)`` uint8 or uint16: the class of each voxel, 0 background.
    table
        What the classes are; class ``k`` is the ``k``-th entry.
    spec
        What the network is given.
    class_of
        The class of each value of ``labels`` that is not background; examples are rendered by it.
    """

    id: str
    patient: str
    image: Volume | None
    labels: LabelMap
    classes: npt.NDArray[Any]
    table: LabelTable
    spec: InputSpec
    class_of: Mapping[int, int] = field(default_factory=dict)

    @property
    def inputs(self) -> Floats:
        """The image as a network gets it: float32 ``(C, z, y, x)`` or ``(C, y, x)``; made anew each time.

        Raises
        ------
        ConfigError
            If the case has no image.
        """
        if self.image is None:
            raise ConfigError(f"case {self.id} has no image; expected one")
        array = normalised(self.image.array, self.spec)
        return array if self.image.channels else array[None]


def read_working(found: FoundCase, settings: TrainSettings) -> Case:
    """Read a case and bring it to the working grid; its image only if the source of the examples is not synthetic.

    Raises
    ------
    ConfigError
        If it lacks labels, or an image where all examples are real.
    LabelError
        If its labels are all background.
    GridError
        If it is 2D and the network 3D, or the image has other channels than the network.
    """
    wanted = settings.source == "real" or (settings.source == "mixed" and found.image is not None)
    case = found.read(image=wanted)
    if case.labels is None or (wanted and case.image is None):
        part = "labels" if case.labels is None else "image"
        raise ConfigError(f"case {found.id} has no {part}; expected one, as the examples are {settings.source!r}")
    if not case.labels.values():
        raise LabelError(f"the labels of case {found.id} are all background; expected a structure to learn")
    spec = settings.inputs
    try:
        image = None if case.image is None else to_working(with_channels(case.image, spec), spec)
        return Case(id=case.id, image=image, labels=to_working(case.labels, spec))
    except GridError as error:
        raise GridError(f"case {found.id}: {error}") from error


def prepare_cases(
    found: Sequence[FoundCase], settings: TrainSettings, *, table: LabelTable | None = None
) -> Job[tuple[Prepared, ...]]:
    """Read cases and bring them to the working grid and to classes.

    Parameters
    ----------
    found
        What to read.
    settings
        Source, scheme, relabelling and input.
    table
        The classes, if they are known already; else those of :meth:`Relabel.targets`.

    Returns
    -------
    Job
        Reports each case; returns them in their order.

    Raises
    ------
    LabelError
        If a case is empty, or has a structure that is not in ``table``; the message names both.
    ConfigError
        If together they do not fit into memory, or as :func:`read_working` says.
    GridError, ReadError
        As :func:`read_working` and :meth:`FoundCase.read` say.
    """
    relabel, read, room = Relabel.of(settings), list[_Read](), _Room()
    for number, one in enumerate(found):
        yield Progress(number, len(found), f"reading {one.id}")
        read.append(_Read.of(one, read_working(one, settings), relabel))
        room.take(read[-1].case, number + 1, len(found))
    if table is None:
        table = relabel.targets(relabel.table(one.labels, one.targets) for one in read)
    return tuple(one.prepared(table, settings.inputs) for one in read)


def looked_up(known: Mapping[int, int], array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array of labels with other values; those that are not in ``known`` become 0."""
    top = max(known.values(), default=0)
    table = np.zeros(256 if array.dtype == np.uint8 else MAX_LABEL + 1, np.uint8 if top < 256 else np.uint16)
    for value, target in known.items():
        table[value] = target
    return np.take(table, array)


@dataclass(frozen=True, eq=False)
class _Read:
    """A case that was read, and the model's value of each label that it has."""

    found: FoundCase
    case: Case
    labels: LabelMap
    targets: Mapping[int, int]

    @classmethod
    def of(cls, found: FoundCase, case: Case, relabel: Relabel) -> _Read:
        """Name the labels of a case; :class:`LabelError` if none of them is kept."""
        labels = relabel.named(cast("LabelMap", case.labels))
        targets = {value: relabel.target(value, labels.table) for value in labels.values()}
        if not any(targets.values()):
            kept = f"case {found.id} has the labels {shown(sorted(targets))}, and none of them is kept"
            raise LabelError(f"{kept}; expected a structure to learn (TrainSettings.relabel says which are kept)")
        return cls(found, case, labels, targets)

    def prepared(self, table: LabelTable, spec: InputSpec) -> Prepared:
        """Give each voxel its class; :class:`LabelError` if a structure is not in the table."""
        number = {entry.value: place for place, entry in enumerate(table, 1)}
        unknown = sorted({target for target in self.targets.values() if target and target not in number})
        if unknown:
            found = f"case {self.found.id} has the label {unknown[0]}, which no training case has"
            raise LabelError(f"{found} ({shown(list(number))}); expected it there too, or 'relabel' to leave it out")
        class_of = {value: number[target] for value, target in self.targets.items() if target}
        classes = looked_up(class_of, self.labels.array)
        return Prepared(
            id=self.found.id,
            patient=self.found.patient,
            image=self.case.image,
            labels=self.labels,
            classes=classes,
            class_of=class_of,
            table=table,
            spec=spec,
        )


class _Room:
    """Memory for prepared cases: what is free when the first is read, less what a training needs itself."""

    def __init__(self) -> None:
        self._limit = psutil.virtual_memory().available * _SHARE
        self._taken = 0

    def take(self, case: Case, done: int, count: int) -> None:
        """Count a case in; :class:`ConfigError` if there is no room for it."""
        parts = [part.array for part in (case.image, case.labels) if part is not None]
        self._taken += sum(array.nbytes for array in parts) + _BYTES * parts[-1].size
        if self._taken > self._limit:
            sizes = f"{self._taken / 2**30:.1f} GiB, and {self._limit / 2**30:.1f} GiB are free for them"
            hint = "expected fewer cases, or larger voxels (InputSpec.spacing)"
            raise ConfigError(f"{done} of {count} cases, brought to the working grid, take {sizes}; {hint}")


def _joined(tables: Iterable[LabelTable]) -> LabelTable:
    """Return the union of tables; a value is called as in the first that names it."""
    found: dict[int, Label] = {}
    for table in tables:
        for entry in table:
            if entry.value not in found or found[entry.value].name == f"label {entry.value}":
                found[entry.value] = entry
    return LabelTable(tuple(found.values()))
