"""How long a dataset of phantoms takes: ``python benchmarks/datasets.py [--count 1000] [--workers 2] [--memory]``.

The documented generator needs 8 minutes for 1 000 samples of 128×128×64 (0.5 s each); ours at most one, on two cores.
Where the time goes is measured in this process; the whole is ``medsynth dataset`` in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from napari_medsynth.core.case import Case
from napari_medsynth.core.progress import finish
from napari_medsynth.core.recipe import Recipe
from napari_medsynth.datasets.assemble import Outline, assemble
from napari_medsynth.datasets.packing import pack
from napari_medsynth.datasets.parts import write_part
from napari_medsynth.datasets.schema import Meta

RECIPE = "seed: 42\nsteps:\n  - phantom: {{image_size: {size}}}\n"

#: Seconds that the documentation of the generator gives for 1 000 samples, by their size.
DOCUMENTED = {(64, 64, 32): 120, (128, 128, 64): 480, (256, 256, 128): 1980, (512, 512, 256): 7920}

#: Runs a command and prints the most memory that it and, separately, its largest child took, in kB. A process's own
#: ru_maxrss begins with that of the one that started it.
MEASURED = """
import re, resource, sys
from pathlib import Path
from napari_medsynth.cli.app import main
status = main(sys.argv[1:])
own = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="samples in the dataset")
    parser.add_argument("--size", default="128,128,64", help="Z,Y,X")
    parser.add_argument("--workers", type=int, default=2, help="processes that make cases")
    parser.add_argument("--memory", action="store_true", help="also compare the memory for 20 and for 200 cases")
    options = parser.parse_args()
    size = tuple(int(n) for n in options.size.split(","))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe = folder / "recipe.yaml"
        recipe.write_text(RECIPE.format(size=list(size)))
        console = Console()
        console.print(parts_table(recipe, folder / "parts"))
        console.print(whole_table(recipe, folder / "data", size, options.count, options.workers))
        if options.memory:
            console.print(memory_table(recipe, folder, options.workers))


def parts_table(recipe: Path, folder: Path, count: int = 20) -> Table:
    """Where the time of one case goes, in this process."""
    table = Table("step", "ms a case", title=f"one case, median of {count}")
    seconds: dict[str, list[float]] = {"make": [], "pack": [], "write": []}
    made = Recipe.read(recipe)
    paths = {}
    for index in range(count + 1):  # the first pays for what is loaded and kept
        marks = [time.perf_counter()]
        case = made(Case(id=f"case_{index:06d}"), index=index)
        marks.append(time.perf_counter())
        data = pack(case, Meta.of(case), index=index, seed=made.seed)
        marks.append(time.perf_counter())
        paths[index] = write_part(folder, index, data)
        marks.append(time.perf_counter())
        for step, start, end in zip(seconds, marks[:-1], marks[1:], strict=True):
            seconds[step].append(end - start)
    for step, found in seconds.items():
        table.add_row(step, f"{1000 * median(found[1:]):.1f}")
    start = time.perf_counter()
    finish(assemble(paths, Outline.of(paths.values()), folder / "train.h5", "train"))
    table.add_row("assemble", f"{1000 * (time.perf_counter() - start) / len(paths):.1f}")
    return table


def whole_table(recipe: Path, folder: Path, size: tuple[int, ...], count: int, workers: int) -> Table:
    """A whole dataset, as from the command line."""
    table = Table("what", "", "documented", title=f"{count} samples of {'×'.join(map(str, size))}, {workers} workers")
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run(recipe, folder, count, workers)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    known = DOCUMENTED.get(size)  # type: ignore[call-overload]
    documented = known * count / 1000 if known else None
    table.add_row("seconds", f"{seconds:.1f}", f"{documented:.0f}" if documented else "")
    if documented:
        table.add_row("times as fast", f"{documented / seconds:.1f}", "1")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    table.add_row("processor seconds (processes that ended)", f"{processor:.1f}", "")
    table.add_row("samples/s", f"{count / seconds:.1f}", f"{count / documented:.1f}" if documented else "")
    table.add_row("MB on disk", f"{sum(p.stat().st_size for p in folder.iterdir()) / 1e6:.0f}", "")
    return table


def memory_table(recipe: Path, folder: Path, workers: int) -> Table:
    """Whether memory grows with the number of cases."""
    table = Table("cases", "owner, MB", "largest worker, MB", title=f"most memory, {workers} workers")
    for count in (20, 200):
        owner, worker = run(recipe, folder / f"memory{count}", count, workers)
        table.add_row(str(count), f"{owner / 1000:.0f}", f"{worker / 1000:.0f}")
    return table


def run(recipe: Path, folder: Path, count: int, workers: int) -> Iterator[int]:
    """Make a dataset in a process of its own and return the most memory, in kB, of it and of its largest child."""
    words = ["dataset", recipe, "-n", count, "-o", folder, "--workers", workers, "--no-report", "--progress", "none"]
    command = [sys.executable, "-c", MEASURED, *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return map(int, done.stdout.splitlines()[-1].split())


if __name__ == "__main__":
    main()
