"""How long it takes to make a phantom: image with all artefacts, label map and masks, on one core.

    python benchmarks/phantoms.py [--runs N] [--sizes 64,64,32 128,128,64 …]

Beside ours, in the same run: what the phantom documentation says, a plain version in NumPy that does everything on
the whole grid, and phantominator's Shepp-Logan phantom, an image of ten ellipsoids without labels, noise or masks.
Times are the best of N, and parties take turns, so that other work on the machine disturbs none of them more. Then:
peak memory of a fresh process, and where the time goes against the machine's memory and random-number rates.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from math import prod

import numpy as np

from napari_medsynth.core.case import Case
from napari_medsynth.core.rng import stream
from napari_medsynth.phantom import Phantom, masks_of
from napari_medsynth.phantom.artefacts import Scanner

#: Seconds: what the document says a sample takes, and what ours may take at most.
DOCUMENT = {(64, 64, 32): (0.1, 0.005), (128, 128, 64): (0.5, 0.03), (256, 256, 128): (2.0, 0.25)}
DOCUMENT[512, 512, 256] = (8.0, 2.0)
TORSO = (256, 256, 128)
EMPTY = Case(id="benchmark")
LONG = 4.0  #: seconds

Work = Callable[[], object]


def ours(shape: tuple[int, int, int]) -> Work:
    step = Phantom(image_size=shape, scenario="normal_complete")
    seeds = iter(range(10**6))
    return lambda: masks_of(step(EMPTY, seed=next(seeds)).labels, step.catalogue.targets)


def torso(shape: tuple[int, int, int]) -> Work:
    step = Phantom(anatomy="torso", image_size=shape, scenario="normal_complete")
    seeds = iter(range(10**6))
    return lambda: step(EMPTY, seed=next(seeds))


def plain(shape: tuple[int, int, int]) -> Work:
    """The same body as ellipsoids, the straightforward way: every structure and every artefact on the whole grid."""
    from scipy.ndimage import gaussian_filter

    step = Phantom(image_size=shape, scenario="normal_complete")
    body = step.draw(EMPTY, stream(1))["body"]["structures"]

    def make() -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng(0)
        z, y, x = np.ogrid[tuple(slice(-0.5, 0.5, n * 1j) for n in shape)]
        image, labels = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
        masks = np.zeros((len(step.catalogue.targets), *shape), bool)
        for entry in step.catalogue.structures:
            (cz, cy, cx), (sz, sy, sx) = body[entry.name]["centre"], body[entry.name]["size"]
            inside = ((z - cz) / sz) ** 2 * entry.target + ((y - cy) / sy) ** 2 + ((x - cx) / sx) ** 2 <= 0.25
            image[inside] = body[entry.name]["intensity"]
            labels[inside] = entry.label.value
        for mask, entry in zip(masks, step.catalogue.targets, strict=True):
            mask[:] = labels == entry.label.value
        image = gaussian_filter(image, 0.6)
        image *= 1 + 0.15 * (z + x * y + y**2).astype(np.float32)
        image += rng.normal(0, 5, shape)
        return np.clip(np.rint(image), 0, 255).astype(np.uint8), labels, masks

    return make


def shepp_logan(shape: tuple[int, int, int]) -> Work | None:
    try:
        from phantominator import shepp_logan as make
    except ModuleNotFoundError:
        return None
    return lambda: make(shape)


def best_times(parties: dict[str, Work], runs: int) -> dict[str, float]:
    """Best wall time of each in seconds; they take turns, and one that takes long has a single turn."""
    best = dict.fromkeys(parties, float("inf"))
    for _ in range(runs):
        for name, work in parties.items():
            if best[name] < LONG or best[name] == float("inf"):
                start = time.perf_counter()
                work()
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def size_row(shape: tuple[int, int, int], runs: int, memory: float) -> str:
    parties = {"ours": ours(shape), "plain": plain(shape)}
    peer = shepp_logan(shape)
    if peer is not None:
        parties["peer"] = peer
    found = best_times(parties, max(4, min(10 * runs, 10**8 // prod(shape))))
    document, target = DOCUMENT.get(shape, (float("nan"), float("nan")))
    mine = found["ours"]
    others = "".join(
        f"{found[name]:10.3f} {found[name] / mine:6.1f}×" if name in found else f"{'–':>10} {'':7}"
        for name in ("plain", "peer")
    )
    size = "×".join(map(str, shape))
    return f"{size:<13}{document:10.1f}{mine:10.4f}{target:10.3f}{document / mine:9.0f}×{others}{memory:9.0f}"


def peak(shape: tuple[int, int, int]) -> float:
    """Peak memory of a fresh process that makes one phantom with masks, in MiB."""
    done = subprocess.run(
        [sys.executable, __file__, "--peak", ",".join(map(str, shape))], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def parts(shape: tuple[int, int, int], runs: int) -> None:
    """Print where the time goes, and what the machine can do."""
    step = Phantom(image_size=shape, scenario="normal_complete")
    known, voxels = step.catalogue, prod(shape)
    params = step.draw(EMPTY, stream(1))
    case = step.applied(EMPTY, params)
    z = shape[0] // 8
    slab = step.frame.slab(3 * z, 4 * z)
    values = Phantom._anatomy.fget(step).paint(params["body"], slab, 0.6).values
    image = np.empty(values.shape, np.uint8)

    def take() -> None:
        Scanner(0.15, 5.0, known.limits, np.uint8).take(values, params, image)

    few = max(3, runs // 4)
    whole = best_times({"whole": lambda: step.applied(EMPTY, params)}, few)["whole"]
    scan = best_times({"scan": take}, runs)["scan"] * voxels / values.size
    others = best_times(
        {"draw": lambda: step.draw(EMPTY, stream(1)), "masks": lambda: masks_of(case.labels, known.targets)}, few
    )
    rates = machine_rates(runs)
    noise = voxels / rates["draws"]
    rows = {
        "draw the body": others["draw"],
        "paint (distances, edges, labels)": whole - scan,
        "noise": noise,
        "bias field, round, clip, convert": scan - noise,
        "masks": others["masks"],
    }
    print(f"\nWhere the time goes, {'×'.join(map(str, shape))}:")
    for name, took in rows.items():
        print(f"  {name:<34}{took:8.3f} s{took / voxels * 1e9:8.2f} ns a voxel")
    print("This machine, one core:")
    print(f"  copying memory             {rates['copy'] / 1e9:8.1f} GB/s (read and written)")
    print(f"  our noise                  {rates['draws'] / 1e6:8.0f} million a second")
    print(f"  NumPy's float32 normals    {rates['normals'] / 1e6:8.0f} million a second (PCG64)")
    # Values written and read once as float32 in slabs, image and labels written, labels read once for the masks.
    bound = voxels * (4 + 4 + 1 + 2 + 1) / rates["copy"]
    print(f"  all memory traffic at that rate {bound:.3f} s, NumPy's normals alone {voxels / rates['normals']:.3f} s")


def machine_rates(runs: int) -> dict[str, float]:
    """Bytes a second of a large copy; draws a second of our noise and of NumPy's."""
    from napari_medsynth.phantom.artefacts import _draw_noise, _normal_quantiles

    source = np.ones(1 << 25, np.float32)
    target, small = np.empty_like(source), np.empty(1 << 17, np.float32)
    rng, table = np.random.default_rng(0), _normal_quantiles()
    found = best_times(
        {
            "copy": lambda: np.copyto(target, source),
            "draws": lambda: [_draw_noise(table, 1, n, small) for n in range(16)],
            "normals": lambda: [rng.standard_normal(dtype=np.float32, out=small) for _ in range(16)],
        },
        runs,
    )
    counts = {"copy": 2 * source.nbytes, "draws": 16 * small.size, "normals": 16 * small.size}
    return {name: counts[name] / took for name, took in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--sizes", nargs="*", default=[",".join(map(str, size)) for size in DOCUMENT])
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        ours(tuple(map(int, options.peak.split(","))))()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    sizes = [tuple(map(int, size.split(","))) for size in options.sizes]
    memory = {size: peak(size) for size in sizes}  # while this process is small: its children begin with its peak
    print("Classic with all artefacts, image, label map and masks; best wall time in s, peak memory in MiB")
    print(f"{'size':<13}{'document':>10}{'ours':>10}{'at most':>10}{'ratio':>10}", end="")
    print(f"{'plain':>10} {'ratio':>7}{'peer':>10} {'ratio':>7}{'memory':>9}")
    for size in sizes:
        print(size_row(size, options.runs, memory[size]), flush=True)
    if shepp_logan(sizes[0]) is None:
        print("peer: phantominator is not installed (pip install phantominator)")
    print(f"memory of the largest image as float32: {4 * prod(max(sizes, key=prod)) / 2**20:.0f} MiB")
    took = best_times({"torso": torso(TORSO)}, 3)["torso"]
    print(f"torso {'×'.join(map(str, TORSO))}: {took:.2f} s (at most 1)")
    parts(max(sizes, key=prod), options.runs)


if __name__ == "__main__":
    main()
