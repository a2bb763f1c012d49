"""How fast a seed library opens, is searched and loaded: ``python benchmarks/library.py [--seeds 1000]``.

The library is made in a temporary folder, of balls of noise 4 to 30 mm wide, 1 mm voxels.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from napari_medsynth.core.case import Case
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.tumor.extract import extract_seeds
from napari_medsynth.tumor.library import SeedLibrary
from napari_medsynth.tumor.seed import Seed

_OPEN = """
import sys, time
start = time.perf_counter()
from napari_medsynth.tumor.library import SeedLibrary
imported = time.perf_counter()
SeedLibrary.open(sys.argv[1])
print(imported - start, time.perf_counter() - imported)
"""


def main() -> None:
    """Make a library, measure it, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="size of the library")
    parser.add_argument("--repeats", type=int, default=5, help="runs of which the median counts")
    options = parser.parse_args()
    table = Table("what", "seconds", "bar", title=f"a library of {options.seeds} seeds")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder) / "library", options.seeds, options.repeats):
            table.add_row(*row)
    Console().print(table)


def rows(folder: Path, count: int, repeats: int) -> Iterator[tuple[str, str, str]]:
    """Measure everything; one row each."""
    start = time.perf_counter()
    library = SeedLibrary.create(folder)
    library.add(made_seeds(count))
    yield f"cut out and add {count} (files, thumbnails, index)", f"{time.perf_counter() - start:.2f}", ""
    imported, opened = zip(*(in_a_fresh_process(folder) for _ in range(repeats)), strict=True)
    yield "import, in a fresh process", f"{median(imported):.3f}", ""
    yield "open, in a fresh process", f"{median(opened):.3f}", "0.5"
    yield "open again", timed(lambda: SeedLibrary.open(folder), repeats), ""
    yield "look for missing files", timed(lambda: library.problems, repeats), ""
    search = timed(lambda: library.search(diameter_mm=(8, 12), attachment="isolated", organ="lung"), repeats)
    yield "search by size, attachment and organ", search, ""
    ids = [info.id for info in library.infos]
    yield "load 100 seeds from the disk", timed(lambda: load(folder, ids), repeats), ""
    library.load(ids[0])
    yield "load one that is in memory", timed(lambda: library.load(ids[0]), repeats), ""


def load(folder: Path, ids: list[str]) -> None:
    """Load 100 seeds, none of them in memory before."""
    library = SeedLibrary.open(folder)
    for seed_id in ids[:100]:
        library.load(seed_id)


def made_seeds(count: int) -> Iterator[Seed]:
    """Cut balls out of noise, 4 to 30 mm wide."""
    rng = np.random.default_rng(0)
    for number in range(count):
        radius = rng.uniform(2, 15)
        size = int(2 * radius + 16)
        distance = np.linalg.norm(np.indices((size,) * 3) - size / 2, axis=0)
        image = rng.normal(-850, 30, distance.shape)
        image[distance < radius] += 880
        mask = LabelMap((distance < radius).astype(np.uint8))
        case = Case(id=f"made_{number:04d}", image=Volume(image.astype(np.int16), modality="CT"), labels=mask)
        yield from finish(extract_seeds(case, organ="lung"))


def in_a_fresh_process(folder: Path) -> tuple[float, float]:
    """Return the seconds that import and opening take when nothing is loaded yet."""
    done = subprocess.run([sys.executable, "-c", _OPEN, str(folder)], capture_output=True, text=True, check=True)
    imported, opened = done.stdout.split()
    return float(imported), float(opened)


def timed(action: Callable[[], object], repeats: int) -> str:
    """Return the median of the seconds that an action takes."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return f"{median(seconds):.4f}"


if __name__ == "__main__":
    main()
