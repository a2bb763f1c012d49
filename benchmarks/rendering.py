"""How long it takes to render a label map: warp, contrast, bias field, gamma and resolution, as SynthSeg does it.

    python benchmarks/rendering.py [--sizes 128 256] [--runs N] [--threads N]
        [--peers SCRIPT --python PYTHON --names torchio cornucopia-notexture …]
        [--synthseg CHECKOUT --synthseg-python PYTHON] [--device cuda]

Each figure comes from a fresh process: the median and the least of N images after one that is not counted, all
through the step ``Render(preset="synthseg")`` with a new seed each, and the peak memory above what the process had with
all libraries and the label map loaded. The label map is a real brain of 26 labels if ``MEDSYNTH_DATA`` has it, cut or
padded about its centre, else one made of ellipsoids.

Then: where the time goes, each stage beside what this machine needs for the work that cannot be left out, measured in
the same process; cost against the number of labels, and against the number of voxels.

``--peers`` names a script that times other packages. It is run with ``--peer NAME --size N --n RUNS --threads N
--labels FILE`` in the interpreter ``--python``, for the same label map, and prints one JSON object a line with
``median_s``, ``min_s``, ``peak_rss_mib`` and ``rss_before_mib``. ``--synthseg`` adds the peer ``synthseg``, which needs
a checkout and an interpreter of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

REAL = Path("brain_labels", "brain_26_labels.nii.gz")
#: Seconds, and MiB above the input: what the full chain may take on two cores.
TARGETS = {128: (0.10, 300), 256: (0.80, 700)}
PEERS = ("torchio", "cornucopia-notexture", "monai", "floor-torch")
OFF = {"prob": 0.0}
STAGES = ("warp", "bias_field", "intensity", "resolution")
#: That a voxel moves at the least: its label in and out, its value out, in and out, its class for training.
BYTES = 1 + 1 + 3 * 4 + 8


def main() -> None:
    options = parsed()
    if options.work:
        print(json.dumps(WORK[options.work](options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            against_peers(options, size, written(brain(size, options), folder, f"brain{size}"))
        largest = max(options.sizes)
        breakdown(options, largest, written(brain(largest, options), folder, "brain"))
        against_labels(options, folder)
        against_voxels(options, folder)
        if options.device != "cpu":
            batched(options, folder)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--runs", type=int, default=7, help="images of ours")
    parser.add_argument("--peer-runs", type=int, default=3, help="images of each peer")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", type=Path, help="script that times other packages")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has them")
    parser.add_argument("--names", nargs="+", default=list(PEERS), help="which of them")
    parser.add_argument("--synthseg", type=Path, help="checkout of SynthSeg, for the same script")
    parser.add_argument("--synthseg-python", help="interpreter that has TensorFlow for it")
    parser.add_argument("--patience", type=float, default=300, help="seconds after which a peer is given up")
    parser.add_argument("--device", default="cpu", help="cuda adds a batch on the GPU")
    parser.add_argument("--work", choices=sorted(WORK), help=argparse.SUPPRESS)
    parser.add_argument("--labels", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


# ---- label maps


def brain(size: int, options: argparse.Namespace) -> np.ndarray:
    """A real label map of ``size``³ voxels, or one made of ellipsoids."""
    named = os.environ.get("MEDSYNTH_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not (folder / REAL).is_file():
        return ellipsoids(size)
    from napari_medsynth.io import read_labels

    whole = read_labels(folder / REAL).array
    if size > max(whole.shape):
        return ellipsoids(size)
    part = np.zeros((size,) * 3, whole.dtype)
    cut = tuple(slice(max(0, n - size) // 2, max(0, n - size) // 2 + min(n, size)) for n in whole.shape)
    at = tuple(slice(max(0, size - n) // 2, max(0, size - n) // 2 + min(n, size)) for n in whole.shape)
    part[at] = whole[cut]
    return part


def ellipsoids(size: int, labels: int = 26) -> np.ndarray:
    rng = np.random.default_rng(0)
    z, y, x = np.ogrid[tuple(slice(-1, 1, size * 1j) for _ in range(3))]
    array = (z**2 + y**2 + x**2 < 0.8).astype(np.uint8)
    for label in range(2, labels):
        centre, radius = rng.uniform(-0.5, 0.5, 3), rng.uniform(0.08, 0.25, 3)
        parts = [((axis - c) / r) ** 2 for axis, c, r in zip((z, y, x), centre, radius, strict=True)]
        array[sum(parts) < 1] = label
    return array


def parcels(size: int, labels: int) -> np.ndarray:
    """Regions, as many as wanted: each voxel belongs to the nearest of so many points."""
    from scipy.spatial import cKDTree

    cells = 32
    points = np.random.default_rng(0).uniform(0, cells, (labels, 3))
    places = np.indices((cells,) * 3).reshape(3, -1).T
    nearest = cKDTree(points).query(places)[1].astype(np.uint8).reshape((cells,) * 3) + np.uint8(labels < 256)
    return np.ascontiguousarray(np.kron(nearest, np.ones((size // cells,) * 3, np.uint8)))


def written(array: np.ndarray, folder: str, name: str) -> Path:
    """Keep a label map where a fresh process finds it: ``.npy`` for ours, NIfTI for peers."""
    import nibabel as nib

    path = Path(folder, f"{name}.npy")
    np.save(path, array)
    nib.Nifti1Image(array, np.eye(4)).to_filename(path.with_suffix(".nii.gz"))
    return path


# ---- what is printed


def against_peers(options: argparse.Namespace, size: int, labels: Path) -> None:
    print(f"\n{size}³ voxels, {np.unique(np.load(labels)).size} labels, {options.threads} threads")
    print(f"  {'':<24}{'median s':>10}{'least s':>10}{'MiB over input':>16}")
    mine = fresh("images", options, labels)
    seconds, memory = TARGETS.get(size, (None, None))
    print(row("ours", mine) + (f"    target {seconds} s, {memory} MiB" if seconds else ""))
    if options.peers:
        for name in options.names:
            told(name, peer(name, options.python, options, labels, size), mine)
        if options.synthseg:
            found = peer("synthseg", options.synthseg_python or options.python, options, labels, size)
            told("synthseg", found, mine)
        print(row("ours, again", fresh("images", options, labels)))


def told(name: str, found: dict[str, Any] | str, mine: dict[str, Any]) -> None:
    if isinstance(found, str):
        print(f"  {name:<24}{found}")
    else:
        print(row(name, found) + f"    {found['median'] / mine['median']:.1f} × ours")


def row(name: str, found: dict[str, Any]) -> str:
    return f"  {name:<24}{found['median']:10.3f}{found['least']:10.3f}{found['over']:16.0f}"


def breakdown(options: argparse.Namespace, size: int, labels: Path) -> None:
    found = fresh("stages", options, labels)
    stages, limits = found["stages"], found["limits"]
    print(f"\nwhere the time goes, {size}³: what each stage adds, and what its work takes by itself")
    for name, seconds in stages.items():
        limit, why = limits.get(name, (None, ""))
        print(f"  {name:<24}{seconds:10.3f}" + (f"   {limit:10.3f}   {why}" if limit is not None else ""))
    total = sum(limit for limit, _ in limits.values())
    print(f"  {'together':<24}{found['full']:10.3f}   {total:10.3f}   {found['full'] / total:.1f} × the work by itself")
    rates = ", ".join(f"{name} {value}" for name, value in found["rates"].items())
    print(f"  this machine: {rates}")


def against_labels(options: argparse.Namespace, folder: str) -> None:
    print("\nagainst the number of labels, 128³, least of the runs")
    base = None
    for count in (5, 26, 100, 200):
        least = fresh("images", options, written(parcels(128, count), folder, f"parcels{count}"))["least"]
        base = base or least
        print(f"  {count:4} labels {least:8.3f} s   {least / base:.2f} × that of 5")


def against_voxels(options: argparse.Namespace, folder: str) -> None:
    print("\nagainst the number of voxels, least of the runs")
    found = {
        size: fresh("images", options, written(brain(size, options), folder, f"voxels{size}"))["least"]
        for size in (64, 96, 128, 192, 256)
    }
    for size, seconds in found.items():
        ratio = seconds / found[128] / (size / 128) ** 3
        print(
            f"  {size:4}³ {seconds:8.3f} s   {seconds / size**3 * 1e9:6.1f} ns a voxel   {ratio:.2f} × linear from 128³"
        )


def batched(options: argparse.Namespace, folder: str) -> None:
    import torch

    if not torch.cuda.is_available():
        print("\nno GPU here: the batch on a GPU was not measured")
        return
    found = fresh("gpu", options, written(brain(256, options), folder, "gpu"))
    print(f"\n{found['device']}: batch of {found['batch']} at 256³: {found['median']:.4f} s, {found['over']:.0f} MiB")
    print(
        f"  {found['ratio']:.1f} × the time of moving {found['bytes']} bytes a voxel at {found['bandwidth']:.0f} GB/s"
    )


# ---- processes


def fresh(work: str, options: argparse.Namespace, labels: Path) -> dict[str, Any]:
    """Do one piece of work in a process of its own, and return what it says."""
    words = [sys.executable, __file__, "--work", work, "--labels", labels, "--runs", options.runs]
    words += ["--threads", options.threads, "--device", options.device]
    done = subprocess.run(
        [str(word) for word in words], env=environment(options), check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def environment(options: argparse.Namespace) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(options.threads))}


def peer(name: str, python: str, options: argparse.Namespace, labels: Path, size: int) -> dict[str, Any] | str:
    """Time a peer; a line that says why not if it does not run."""
    words = [python, options.peers, "--peer", name, "--size", size, "--n", options.peer_runs]
    words += ["--threads", options.threads, "--labels", labels.with_suffix(".nii.gz")]
    words += ["--synthseg", options.synthseg] if name == "synthseg" else []
    try:
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=options.patience)
    except subprocess.TimeoutExpired:
        return f"not done after {options.patience:.0f} s"
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
    said = json.loads(lines[-1])
    over = said["peak_rss_mib"] - said["rss_before_mib"]
    return {"median": said["median_s"], "least": said["min_s"], "over": over}


# ---- what a fresh process does


def images(options: argparse.Namespace) -> dict[str, Any]:
    """Time and memory of whole images."""
    make = maker(options)
    before = memory("VmRSS")
    make(0)
    times = [seconds(lambda seed=seed: make(seed)) for seed in range(1, options.runs + 1)]
    return {"median": statistics.median(times), "least": min(times), "over": memory("VmHWM") - before}


def stages(options: argparse.Namespace) -> dict[str, Any]:
    """What each stage adds: all with it less all without it, taking turns on the same draws; the rest is painting."""
    ways = {"full": maker(options), "bare": maker(options, **dict.fromkeys((*STAGES, "flip"), OFF))}
    ways |= {name: maker(options, **{name: OFF}) for name in STAGES}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for seed in range(options.runs + 1):
        for name, make in ways.items():
            times[name].append(seconds(lambda make=make, seed=seed: make(seed)))
    took = {name: np.array(found[1:]) for name, found in times.items()}
    added = {name: float(np.median(took["full"] - took[name])) for name in STAGES}
    added["painting"] = float(np.median(took["bare"]))
    limits, rates = limit(np.load(options.labels))
    return {"full": float(np.median(took["full"])), "stages": added, "limits": limits, "rates": rates}


def limit(labels: np.ndarray) -> tuple[dict[str, tuple[float, str]], dict[str, str]]:
    """Seconds that the work of each stage takes by itself, shared out to all threads, and the machine's rates."""
    import torch

    from napari_medsynth.rendering.random import NormalNoise

    size = labels.size
    flat = torch.from_numpy(labels.astype(np.uint8)).reshape(-1)
    codes = flat.to(torch.int32)
    places, table = torch.arange(size, dtype=torch.int32), torch.rand(256)
    field, other, found = torch.rand(size), torch.empty(size), torch.empty_like(flat)
    room, noise = torch.empty(size, dtype=torch.int32), NormalNoise(0, torch.device("cpu"))

    def spread(work: Callable[..., object], *arrays: Any) -> float:
        """Least seconds of work on slabs of arrays, all threads taking turns."""
        from napari_medsynth.rendering.workers import side_by_side

        def part(number: int, start: int, stop: int) -> None:
            work(number, *(array[start:stop] for array in arrays))

        return best(lambda: list(side_by_side(part, (size, 1, 1), torch.device("cpu"))))

    copy = spread(lambda n, a, b: b.copy_(a), field, other)
    normal = spread(lambda n, a, b: noise.fill(n, a, b), other, room)
    gather = spread(lambda n, a, b: torch.index_select(flat, 0, a, out=b), places, found)
    lookup = spread(lambda n, a, b: torch.index_select(table, 0, a, out=b), codes, other)
    exp = spread(lambda n, a, b: torch.exp(a, out=b), field, other)
    power = spread(lambda n, a, b: (torch.pow(a, 1.3, out=b), a.aminmax()), field, other)
    limits = {
        "warp": (gather, "one label looked up for each voxel"),
        "painting": (normal + 2 * lookup, "a normal number and two table lookups for each voxel"),
        "bias_field": (exp, "an exponential of each voxel"),
        "intensity": (power, "least and greatest value, a power of each voxel"),
        "resolution": (2 * copy, "every voxel read and written twice"),
    }
    randn = best(lambda: torch.randn(size, out=other))
    rates = {
        "copies": f"{8 * size / copy / 1e9:.1f} GB/s",
        "draws": f"{size / normal / 1e6:.0f} million normal numbers/s (torch.randn: {size / randn / 1e6:.0f})",
    }
    return limits, rates


def gpu(options: argparse.Namespace) -> dict[str, Any]:
    """A batch of four on a GPU, drawn before, beside the time of moving what must be moved."""
    import torch

    from napari_medsynth import LabelMap
    from napari_medsynth.rendering import RenderDataset, render_batch

    device = torch.device(options.device)
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    labels = LabelMap(np.load(options.labels))
    dataset = RenderDataset([labels] * 4)
    drawn = [dataset.drawn[n] for n in range(4)]

    def batch() -> None:
        render_batch(drawn, dataset.step, device=device)
        wait()

    field, other = torch.rand(labels.array.size, device=device), torch.empty(labels.array.size, device=device)
    wait()
    copy = best(lambda: (other.copy_(field), wait()))
    batch()
    median = statistics.median(seconds(batch) for _ in range(options.runs))
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else "CPU",
        "batch": len(drawn),
        "median": median,
        "over": torch.cuda.max_memory_allocated(device) / 2**20 if cuda else 0,
        "bandwidth": 8 * labels.array.size / copy / 1e9,
        "bytes": BYTES,
        "ratio": median / (len(drawn) * copy * BYTES / 8),
    }


def maker(options: argparse.Namespace, **changes: Any) -> Callable[[int], object]:
    """Return a function that renders the label map with a seed."""
    import torch

    from napari_medsynth import Case, LabelMap
    from napari_medsynth.rendering import Render, engine  # noqa: F401 - loaded before anything is measured

    torch.set_num_threads(options.threads)
    case = Case(id="benchmark", labels=LabelMap(np.load(options.labels)))
    step = Render(preset="synthseg", **changes)
    return lambda seed: step(case, seed=seed)


def memory(name: str) -> float:
    """MiB: ``VmRSS`` now, ``VmHWM`` at most so far. (What ``getrusage`` says of a child includes its parent.)"""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(work: Callable[[], object], runs: int = 5) -> float:
    return min(seconds(work) for _ in range(runs))


WORK = {"images": images, "stages": stages, "gpu": gpu}

if __name__ == "__main__":
    main()
