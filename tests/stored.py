"""Small datasets as tests need them: cases of noise and boxes, packed, put together and described."""

from __future__ import annotations

import shutil

import numpy as np

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.record import Record
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.assemble import Outline, assemble
from napari_medsynth.datasets.folder import write_metadata
from napari_medsynth.datasets.packing import pack
from napari_medsynth.datasets.parts import parts_in, write_part
from napari_medsynth.datasets.plan import plan_splits
from napari_medsynth.datasets.schema import UNFINISHED, Meta

SIZE = (6, 7, 8)
TABLE = LabelTable((Label(1, "liver", "liver"), Label(2, "spleen"), Label(5, "tumor", "lesion")))
PLACE = Affine.from_spacing((3.0, 1.5, 1.25), (10.0, -20.0, 30.0))


def made_case(index, *, size=SIZE, dtype="int16", lesions=False):
    """A case whose voxels, structures, scenario and history depend on its index."""
    rng = np.random.default_rng(index)
    labels = np.zeros(size, np.uint8)
    for place, value in enumerate((1, 2, 5)):
        if (index + place) % 3:  # each case lacks one
            labels[place : place + 2, 1 : 2 + index % 4 + place] = value
    affine = PLACE if len(size) == 3 else Affine.from_spacing((1.5, 1.25))
    scenario = ("whole", "resected")[index % 2]
    instances = LabelMap((labels == 5).astype(np.uint8), affine) if lesions else None
    return Case(
        id=f"case_{index:06d}",
        image=Volume(rng.integers(0, 200, size).astype(dtype), affine, "CT"),
        labels=LabelMap(labels, affine, TABLE),
        instances=instances,
        history=(Record("toy", 1, {"noise": 1.0}, {"scenario": scenario, "text": "ä" * index}, {"seed": 7}),),
    )


def parts(folder, cases, order=None):
    """Keep cases as parts of a dataset that is being made; ``order`` is that of their making."""
    for index in range(len(cases)) if order is None else order:
        meta = Meta.of(cases[index], recipe="seed: 7\nsteps: [toy]\n", seed=7)
        write_part(folder, index, pack(cases[index], meta, index=index, seed=7))
    return parts_in(folder)


def dataset(folder, cases=10, **fractions):
    """Make a whole dataset; ``cases`` are cases or how many."""
    cases = [made_case(index) for index in range(cases)] if isinstance(cases, int) else cases
    found = parts(folder, cases)
    outline = Outline.of(found.values())
    for name, indices in plan_splits(len(cases), **fractions).items():
        finish(assemble({index: found[index] for index in indices}, outline, folder / f"{name}.h5", name))
    shutil.rmtree(folder / UNFINISHED)
    write_metadata(folder)
    return folder


def same(a, b):
    """Whether two cases have the same parts."""
    pairs = [(getattr(a, name), getattr(b, name)) for name in ("image", "labels", "instances")]
    assert (a.id, a.history) == (b.id, b.history)
    for one, other in pairs:
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one.array, other.array)
            assert one.array.dtype == other.array.dtype
            np.testing.assert_array_equal(one.affine.matrix, other.affine.matrix)
    return True


def second_of(split):
    """What another process is asked for."""
    return split.image(1).sum(), split.case_ids[1]
