"""The same bytes for any number of threads, in any process; and something sensible for any small label map."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_medsynth import Case, LabelMap, Render
from napari_medsynth.core.affine import Affine
from napari_medsynth.rendering.stages import ARTEFACTS
from napari_medsynth.rendering.workers import side_by_side

PRESETS = ("synthseg", "spine-t2", "breast-us", "abdomen-ct")
THREADS = (1, 2, 3, 5)
#: Odd sizes, so that threads get unequal shares; several slabs of every kind.
SHAPE = (67, 109, 131)

STRONG = {
    s.name: {"prob": 1.0, **({"std": (5, 5)} if s.name == "noise" else {"strength": (0.7, 0.7)})} for s in ARTEFACTS
}
SETTINGS = {
    "plain": {},
    "acquisition": {"grid": "acquisition", "resolution": {"prob_iso": 1, "iso": (2.2, 3.1)}},
    "unblurred": {"resolution": {"prob": 0}, "texture": {"partial_volume": (1.5, 1.5)}},
    **{name: {name: stage} for name, stage in STRONG.items()},
}


def brick(shape=SHAPE, spacing=(1.0, 1.0, 1.0), values=(0, 2, 41, 14, 16, 1, 5), seed=0):
    """Blocks of values, at random."""
    rng = np.random.default_rng(seed)
    small = rng.choice(np.array(values, np.uint16), [-(-n // 7) for n in shape])
    for axis in range(len(shape)):
        small = np.repeat(small, 7, axis)
    array = small[tuple(slice(n) for n in shape)].copy()
    array[tuple(0 for _ in shape)] = values[1]
    return Case(id="brick", labels=LabelMap(array, Affine.from_spacing(spacing)))


def digest(case):
    return hashlib.sha256(case.image.array.tobytes() + case.labels.array.tobytes()).hexdigest()


@pytest.fixture
def threads():
    """Set the number of threads; it is set back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_presets_give_the_same_bytes_for_any_number_of_threads(threads):
    case = brick(values=(0, 1, 2, 5, 3))
    for preset in PRESETS:
        tissues = ((2, "fat"), (5, "muscle"), (3, "fluid")) if preset == "breast-us" else ()
        found = set()
        for count in THREADS:
            threads(count)
            found.add(digest(Render(preset=preset, tissues=tissues)(case, seed=4)))
        assert len(found) == 1, preset


@pytest.mark.parametrize("name", SETTINGS)
def test_each_stage_gives_the_same_bytes_for_any_number_of_threads(threads, name):
    case = brick()
    found = []
    for count in THREADS:
        threads(count)
        found.append(digest(Render(**SETTINGS[name])(case, seed=7)))
    assert len(set(found)) == 1, dict(zip(THREADS, found, strict=True))


def test_a_rendering_leaves_the_number_of_threads_and_the_generators_as_they_were(threads):
    threads(3)
    before = np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes()
    Render()(brick((20, 30, 40)), seed=1)
    after = np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes()
    assert torch.get_num_threads() == 3
    assert before == after


def test_each_worker_uses_one_thread_for_an_operation(threads):
    """Else two workers with two threads each get in one another's way, and products depend on how they are cut."""
    threads(3)
    seen = []
    list(side_by_side(lambda *_: seen.append(torch.get_num_threads()), (12, 256, 512), torch.device("cpu")))
    assert set(seen) == {1}
    assert torch.get_num_threads() == 3


CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from test_threads import SETTINGS, brick, digest
from napari_medsynth import Render
for name in ("plain", "motion", "gibbs"):
    print(digest(Render(**SETTINGS[name])(brick(), seed=7)))
"""


def test_another_process_with_one_thread_gives_the_same_bytes(threads):
    threads(2)
    here = [digest(Render(**SETTINGS[name])(brick(), seed=7)) for name in ("plain", "motion", "gibbs")]
    environment = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")}
    words = [sys.executable, "-c", CHILD, os.path.dirname(__file__)]
    done = subprocess.run(words, env=environment, check=True, capture_output=True, text=True, timeout=150)
    assert done.stdout.split() == here


def test_a_render_in_another_thread_gives_the_same_bytes():
    """As in a viewer, which renders in the background."""
    from concurrent.futures import ThreadPoolExecutor

    cases = [brick((40, 50, 60), seed=n) for n in range(3)]
    here = [digest(Render()(case, seed=1)) for case in cases]
    with ThreadPoolExecutor(3) as pool:
        there = list(pool.map(lambda case: digest(Render()(case, seed=1)), cases))
    assert here == there


# ---- anything


@st.composite
def small_cases(draw):
    """2D and 3D, thin and long, of voxels from flat to tall, one slice and one voxel included."""
    dims = draw(st.sampled_from((2, 3, 3)))
    shape = draw(st.tuples(*[st.integers(1, 14)] * dims))
    spacing = draw(st.tuples(*[st.sampled_from((0.3, 1.0, 1.7, 6.0))] * dims))
    values = [*draw(st.lists(st.sampled_from((0, 2, 41, 14, 3, 300, 65535)), min_size=1, max_size=5)), 14]
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    array = rng.choice(np.array(values, np.uint16), shape)
    array.flat[-1] = 14  # a map of background only is refused
    return Case(id="any", labels=LabelMap(array, Affine.from_spacing(spacing)))


@st.composite
def renders(draw):
    chosen = draw(st.lists(st.sampled_from(sorted(STRONG)), max_size=2, unique=True))
    preset = draw(st.sampled_from(("synthseg", "synthseg", "spine-t2", "breast-us", "abdomen-ct", "brain-flair")))
    words = {"brain-flair": "csf"}
    tissue = words.get(preset, "fat" if preset != "synthseg" else "anything")
    tissues = tuple((value, tissue) for value in (2, 41, 14, 3, 300, 65535))
    texture = draw(st.sampled_from(({}, {"texture": {"partial_volume": (0.5, 2.0)}}, {"texture": {"prob": 0}})))
    grid = draw(st.sampled_from(("labels", "labels", "acquisition")))
    return Render(preset=preset, grid=grid, tissues=tissues, **texture, **{name: STRONG[name] for name in chosen})


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(case=small_cases(), step=renders(), seed=st.integers(0, 2**53 - 1))
def test_any_small_label_map_is_rendered(case, step, seed):
    """Finite values, labels that were there (or their partners on the other side), everything on one grid."""
    made = step(case, seed=seed)
    assert np.isfinite(made.image.array).all()
    assert made.image.array.dtype == np.float32
    before, after = set(np.unique(case.labels.array)), set(np.unique(made.labels.array))
    assert after <= before | {2, 41, 3, 42}
    if made.history[-1].params["flip"] is None:
        assert after <= before
    assert made.image.same_grid(made.labels)
    assert made.image.ndim == case.labels.ndim
    if step.grid == "labels":
        assert made.image.same_grid(case.labels)
