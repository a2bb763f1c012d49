"""Hypothesis strategies for what flows through the house: places in the patient and images there."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.volume import Volume

WHOLE = ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
REAL = ("float32", "float64")

_ORIENTATIONS = [
    "".join(letters)
    for sides in permutations(("RL", "AP", "SI"))
    for letters in ((a, b, c) for a in sides[0] for b in sides[1] for c in sides[2])
]


def orientations():
    """All 48 ways in which three array axes can run along the body."""
    return st.sampled_from(_ORIENTATIONS)


@st.composite
def affines(draw, oblique=True, sheared=False, float32=False):
    """Affines of any orientation and spacing; turned and sheared if allowed, rounded to float32 if asked for."""
    millimetres = st.floats(0.05, 20, allow_subnormal=False)
    places = st.floats(-2000, 2000, allow_subnormal=False)
    base = Affine.from_spacing(
        draw(st.tuples(*[millimetres] * 3)), draw(st.tuples(*[places] * 3)), draw(orientations())
    )
    matrix = base.matrix.copy()
    if oblique and draw(st.booleans()):
        matrix[:3, :3] = _turn(draw(st.tuples(*[st.floats(-np.pi, np.pi)] * 3))) @ matrix[:3, :3]
    if sheared:
        matrix[:3, 1] += draw(st.floats(0.1, 0.6)) * matrix[:3, 2] / base.spacing[2] * base.spacing[1]
    return Affine(np.float64(np.float32(matrix)) if float32 else matrix)


@st.composite
def volumes(draw, dtypes=WHOLE + REAL, places=None, max_side=6):
    """3D images of any type and place, slices of one voxel included."""
    shape = draw(hnp.array_shapes(min_dims=3, max_dims=3, max_side=max_side))
    return Volume(draw(_arrays(shape, draw(st.sampled_from(dtypes)))), draw(affines() if places is None else places))


@st.composite
def label_maps(draw, places=None, max_side=6):
    """3D label maps with values up to 65535."""
    shape = draw(hnp.array_shapes(min_dims=3, max_dims=3, max_side=max_side))
    return LabelMap(
        draw(_arrays(shape, draw(st.sampled_from(("uint8", "uint16"))))), draw(affines() if places is None else places)
    )


def _arrays(shape, dtype):
    finite = {"allow_nan": False, "allow_infinity": False} if np.dtype(dtype).kind == "f" else None
    return hnp.arrays(dtype, shape, elements=finite)


def _turn(angles):
    """Rotation about x, then y, then z, in radians."""
    turned = np.eye(3)
    for axis, angle in enumerate(angles):
        one = np.eye(3)
        rows = [n for n in range(3) if n != axis]
        one[np.ix_(rows, rows)] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        turned = one @ turned
    return turned
