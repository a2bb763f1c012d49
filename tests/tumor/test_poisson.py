"""The harmonic field: exact on the faces, equal to a direct solution, and smooth."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.tumor.poisson import harmonic

shapes = st.tuples(*[st.integers(3, 6)] * 3)
spacings = st.tuples(*[st.floats(0.5, 4.0)] * 3)


def directly(faces, spacing):
    """Solve the same equations as one dense linear system."""
    inner = np.argwhere(np.ones(np.subtract(faces.shape, 2), dtype=bool)) + 1
    number = {tuple(p): n for n, p in enumerate(inner)}
    matrix, right = np.zeros((len(inner), len(inner))), np.zeros(len(inner))
    for row, point in enumerate(inner):
        for axis, step in enumerate(spacing):
            matrix[row, row] += 2 / step**2
            for way in (-1, 1):
                beside = tuple(point + way * np.eye(3, dtype=int)[axis])
                if beside in number:
                    matrix[row, number[beside]] -= 1 / step**2
                else:
                    right[row] += faces[beside] / step**2
    return np.linalg.solve(matrix, right)


@given(shapes, spacings, st.integers(0, 1000))
def test_it_equals_a_direct_solution_and_the_faces_are_exact(shape, spacing, seed):
    faces = np.random.default_rng(seed).normal(0, 100, shape)
    field = harmonic(faces, spacing)
    np.testing.assert_allclose(field[1:-1, 1:-1, 1:-1].ravel(), directly(faces, spacing), atol=1e-8)
    outer = np.ones(shape, dtype=bool)
    outer[1:-1, 1:-1, 1:-1] = False
    np.testing.assert_array_equal(field[outer], faces[outer])


def test_only_the_faces_count():
    faces = np.random.default_rng(0).normal(0, 100, (6, 7, 8))
    other = faces.copy()
    other[1:-1, 1:-1, 1:-1] += 500
    np.testing.assert_array_equal(harmonic(faces, (1, 1, 1)), harmonic(other, (1, 1, 1)))


def test_a_box_without_an_inside_stays_as_it_is():
    flat = np.random.default_rng(0).normal(0, 100, (2, 7, 8))
    np.testing.assert_array_equal(harmonic(flat, (1, 1, 1)), flat)
