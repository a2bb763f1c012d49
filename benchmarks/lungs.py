"""How long the search for the lungs takes, what memory it needs, and how well it agrees with contours.

    python benchmarks/lungs.py [--data DIR] [--scan CT --lungs LABELS] [--repeats N]

Without ``--scan`` the scan of ``lung4d_113`` is used, stretched in memory to 512×512×134 voxels; it has no contours.
``--lungs`` holds 1 for the right and 2 for the left lung. Beside ours runs the plain way: threshold, label, drop what
touches the border, keep the largest. Times are medians. Each method runs in a process of its own, so that its peak
memory is its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
from rich.console import Console
from rich.table import Table

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.volume import Volume
from napari_medsynth.tumor.lungs import find_lungs

SHAPE = (134, 512, 512)


def main() -> None:
    args = arguments()
    scan = args.scan or args.data / "lung4d_113" / "113_HM10395_ct.nii.gz"
    table = Table(title=f"{scan.name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for heading in ("method", "wall s", "CPU s", "peak MiB", "scan MiB", "Dice R", "Dice L"):
        table.add_column(heading, justify="left" if heading == "method" else "right", no_wrap=True)
    for method in ("find_lungs", "plain threshold"):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            table.add_row(method, *pool.apply(measured, (method, scan, args.lungs, args.repeats, args.scan is None)))
    Console().print(table)


def arguments() -> argparse.Namespace:
    default = os.environ.get("MEDSYNTH_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(default), help="folder of the real scans")
    parser.add_argument("--scan", type=Path, help="a chest CT in HU, NIfTI")
    parser.add_argument("--lungs", type=Path, help="its lungs, 1 right and 2 left, NIfTI")
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def measured(method: str, scan: Path, lungs: Path | None, repeats: int, stretch: bool) -> list[str]:
    ct = read(scan, np.int16, stretch)
    run = {"find_lungs": find_lungs, "plain threshold": plain}[method]
    walls, processor = [], []
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        found = run(ct)
        walls.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 2**20)
    numbers = [f"{statistics.median(walls):.2f}", f"{statistics.median(processor):.2f}"]
    numbers += [f"{peak:.0f}", f"{ct.array.nbytes / 2**20:.0f}"]
    if lungs is None:
        return [*numbers, "–", "–"]
    truth = read(lungs, np.uint8, stretch)
    if isinstance(found, np.ndarray):  # both lungs are one component here
        return [*numbers, f"{dice(found, truth.array > 0):.4f}", "both"]
    return numbers + [f"{dice(found.array == side, truth.array == side):.4f}" for side in (1, 2)]


def read(path: Path, kind: type, stretch: bool) -> Volume:
    """The volume with axes (z, y, x); the file's own array is read slice by slice, never as floats at once."""
    stored = nibabel.load(path)
    columns = stored.affine[:, [2, 1, 0, 3]]
    turned = (
        stored.dataobj.get_unscaled() if stored.dataobj.slope == 1 and stored.dataobj.inter == 0 else stored.dataobj
    )
    voxels = np.asarray(turned).astype(kind, copy=False).transpose(2, 1, 0)
    if stretch:
        voxels = voxels[np.linspace(0, len(voxels) - 1, SHAPE[0]).round().astype(int)]
        columns = columns * [[stored.shape[2] / SHAPE[0], 1, 1, 1]]
    return Volume(voxels, Affine(columns), "CT")


def plain(ct: Volume) -> np.ndarray:
    """Both lungs and the windpipe as one mask: threshold at -320 HU, label, drop the border, keep the largest."""
    from scipy import ndimage

    labels, _ = ndimage.label(ct.array < -320)
    sizes = np.bincount(labels.reshape(-1))
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        sizes[np.unique(edge)] = 0
    sizes[0] = 0
    return labels == sizes.argmax()


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


if __name__ == "__main__":
    main()
