"""How long it takes to place one lesion in a whole scan, and how much memory.

    python benchmarks/insertion.py [--data DIR] [--runs N]

The host has 512×512×134 voxels: a real scan if there is one, else a made thorax, both brought to that size by
repeating slices and pixels. Peers' numbers were measured on another quiet machine of the same kind and are printed for
scale; what is measured here is ours and, in the same run, the least that any method must do (copy the scan, paste).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_medsynth import Case, Volume
from napari_medsynth.core.affine import Affine
from napari_medsynth.tumor import (
    Blend,
    Insertion,
    InsertTumors,
    Morph,
    Placement,
    SeedLibrary,
    SyntheticLesion,
    Variation,
    find_lungs,
)
from napari_medsynth.tumor.host import prepare_host
from napari_medsynth.tumor.lesion import shape
from napari_medsynth.tumor.prepare import prepare

SHAPE = (134, 512, 512)
MORPH = {"rotation_deg": (40.0, 10.0, 5.0), "elastic_mm": 0.5, "hu_shift": 10.0}
PEERS = (
    ("SyntheticTumors, start-up (10 textures)", "60 s"),
    ("SyntheticTumors, one call at 512×512×200", "0.3 – 1.0 s"),
    ("SynthLung, load and paste one", "3.1 s"),
)


def host_scan(data: Path) -> Volume:
    """The real scan, or a made one, as 512×512×134 voxels of 0.98×0.98×2.2 mm."""
    ct = data / "lung4d_113" / "113_HM10395_ct.nii.gz"
    if ct.exists():
        from napari_medsynth.io import read_volume

        image = read_volume(ct, modality="CT").reoriented()
    else:
        from napari_medsynth.phantom.thorax import thorax

        image = thorax(tumors=0).image
    index = [np.linspace(0, n - 1, m).round().astype(int) for n, m in zip(image.shape, SHAPE, strict=True)]
    spacing = [s * n / m for s, n, m in zip(image.spacing, image.shape, SHAPE, strict=True)]
    return Volume(image.array[np.ix_(*index)], Affine.from_spacing(spacing), "CT")


def median_time(work: Callable[[], object], runs: int) -> float:
    """Median wall time in seconds, after one run that is not counted."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def lesion_rows(image: Volume, name: str, seed_mm: float, runs: int) -> list[tuple[str, str, str]]:
    """Times of the parts of one insertion by hand: shape on the grid, blend, and the whole."""
    seed = SyntheticLesion(diameter_mm=seed_mm, seed=3).make()
    prepare(seed)
    centre = tuple(n / 2 + 0.3 for n in image.shape)
    fresh = iter(range(1_000_000))

    def shaped():
        return shape(prepare(seed), Morph(**MORPH, seed=next(fresh)), image.affine, centre)

    lesion = shaped()
    entry = Insertion(centre=centre, morph=Morph(**MORPH), blend=Blend())

    def whole():
        entry = Insertion(centre=centre, morph=Morph(**MORPH, seed=next(fresh)), blend=Blend())
        return entry.patch(entry.lesion(seed, image), image, image.spacing)

    size = "×".join(str(n) for n in lesion.box.shape)
    return [
        (f"{name}: morph onto the host's grid ({size} voxels)", f"{median_time(shaped, runs):.3f} s", ""),
        (f"{name}: blend", f"{median_time(lambda: entry.patch(lesion, image, image.spacing), runs):.3f} s", ""),
        (f"{name}: one insertion", f"{median_time(whole, runs):.3f} s", "≤ 0.05 s" if seed_mm < 20 else "≤ 0.3 s"),
    ]


def step_rows(image: Volume, runs: int) -> list[tuple[str, str, str]]:
    """Times of the step as a whole, host known, with everything it writes into the case."""
    case = Case(id="host", image=image, host=find_lungs(image))
    prepare_host(case.host)
    with tempfile.TemporaryDirectory() as folder:
        library = SeedLibrary.create(Path(folder) / "seeds")
        library.add([SyntheticLesion(diameter_mm=d, seed=d).make() for d in (7, 9, 12)])
        variation = Variation(size="range", diameter_mm=(9, 9))
        step = InsertTumors(library=library.folder, count=(1, 1), variation=variation, placement=Placement())
        seeds = iter(range(1_000_000))
        params = step.draw(case, np.random.default_rng(0))
        return [
            ("copy scan, labels and instances", f"{median_time(lambda: copies(image), runs):.3f} s", ""),
            ("draw seed, morph and place, 9 mm", f"{median_time(lambda: step.draw(case, rng(seeds)), runs):.3f} s", ""),
            (
                "apply to the case (new scan, labels)",
                f"{median_time(lambda: step.apply(case, params), runs):.3f} s",
                "",
            ),
        ]


def rng(seeds) -> np.random.Generator:
    return np.random.default_rng(next(seeds))


def copies(image: Volume) -> tuple[np.ndarray, ...]:
    """The least that any method does to give a new scan, a label map and an instance map."""
    return image.array.copy(), np.zeros(image.shape, np.uint8), np.zeros(image.shape, np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MEDSYNTH_DATA", "../shared/data")))
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    image = host_scan(options.data)
    print(f"host: {image}")
    ball_100_ml = (6 * 100_000 / np.pi) ** (1 / 3)
    rows = lesion_rows(image, "9 mm nodule", 9.0, options.runs)
    rows += lesion_rows(image, "100 mL tumor", ball_100_ml, options.runs)
    rows += step_rows(replace(image), options.runs)
    for what, took, target in rows:
        print(f"  {what:<62} {took:>9}   {target}")
    for what, took in PEERS:
        print(f"  {what:<62} {took:>9}   (peer, measured elsewhere)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory of this process, the scan's {image.array.nbytes / 2**20:.0f} MiB in it: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
