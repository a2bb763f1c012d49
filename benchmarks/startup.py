"""How long it takes until something happens: the import, ``medsynth --help``, one command's help.

    python benchmarks/startup.py [--runs N]

Each is a fresh process; the median of N runs after one that is not counted. Beside them, the bare interpreter.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = (
    ("the interpreter alone", ["-c", "pass"], ""),
    ("import napari_medsynth", ["-c", "import napari_medsynth"], "≤ 0.15 s"),
    ("medsynth --help", ["-m", "napari_medsynth", "--help"], "≤ 0.4 s"),
    ("medsynth tumor insert --help", ["-m", "napari_medsynth", "tumor", "insert", "--help"], ""),
)


def wall(words: list[str], runs: int) -> float:
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    for what, words, target in COMMANDS:
        print(f"  {what:<32} {wall(words, runs):6.3f} s   {target}")


if __name__ == "__main__":
    main()
