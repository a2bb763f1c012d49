"""How long what follows the hand takes: the ghost of a lesion in a scan of 512×512×134 voxels, the previews of a body
and of a rendering of 256×256×256.

Run with ``python benchmarks/viewer.py``; on a machine without a display, ``xvfb-run -a python benchmarks/viewer.py``.
Goal: at most 100 ms after a slider or a click, whatever the scan's size. *model* is the work of this package and of
napari's layers, *window* includes drawing, without a graphics card by the processor. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from napari.components import ViewerModel

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.phantom.step import Phantom
from napari_medsynth.rendering.step import Render
from napari_medsynth.tumor.prepare import prepare
from napari_medsynth.widgets.layers import image_layer_data, labels_layer_data
from napari_medsynth.widgets.phantom.made import made_small
from napari_medsynth.widgets.phantom.preview import Preview
from napari_medsynth.widgets.phantom.sizing import FINE, QUICK
from napari_medsynth.widgets.rendering.panel import RenderPanel
from napari_medsynth.widgets.rendering.preview import Preview as SlicePreview
from napari_medsynth.widgets.rendering.studio import Studio
from napari_medsynth.widgets.rendering.where import Where
from napari_medsynth.widgets.tumors.placer import Placer
from napari_medsynth.widgets.tumors.scatter import survey
from napari_medsynth.widgets.tumors.sources import Source

SHAPE, SPACING = (134, 512, 512), (2.5, 0.7, 0.7)
SIZES = {"9 mm": 9.0, "100 mL": 57.6}  # diameters in mm of the balls of these volumes
REPEATS = 15


def scan() -> tuple[Volume, LabelMap]:
    """A noisy scan that is lung all over."""
    noise = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
    image = Volume((noise * 30 - 850).astype(np.int16), Affine.from_spacing(SPACING), "CT")
    return image, LabelMap(np.ones(SHAPE, np.uint8), image.affine)


def placer_in(viewer, image: Volume, lung: LabelMap) -> Placer:
    data, how, _ = image_layer_data(image, name="scan")
    placer = Placer(viewer, viewer.add_image(data, **how))
    placer.take_survey(finish(survey(placer.case, lung)))
    return placer


def actions(placer: Placer) -> dict[str, Callable[[int], object]]:
    """What a hand does, by name; the number makes each time differ from the one before."""
    middle = [n // 2 for n in SHAPE]
    return {
        "click": lambda n: placer.place([middle[0], middle[1] + 5 * (n % 7), middle[2]]),
        "size": lambda n: placer.reshape(scale=1 + 0.01 * n),
        "rotation": lambda n: placer.reshape(rotation_deg=(3.0 * n, 0, 0)),
        "elasticity": lambda n: placer.reshape(elastic_mm=0.5 + 0.05 * n),
        "HU shift": lambda n: placer.reshape(hu_shift=3.0 * n),
        "edge": lambda n: placer.reblend(edge_mm=0.1 * (n + 1)),
        "in full": lambda n: (placer.reshape(hu_shift=-3.0 * n), placer.ghost.settle()),  # in the background
        "at rest": lambda n: placer.settle(),
        "Enter": lambda n: (placer.place([middle[0], middle[1] + 5 * n, middle[2]]), placer.commit()),
        "undo": lambda n: placer.undo(),
    }


def measured(act: Callable[[int], object], drawn: Callable[[], None]) -> tuple[float, float]:
    """Median and largest time in ms."""
    times = []
    for number in range(REPEATS):
        start = time.perf_counter()
        act(number)
        drawn()
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times)), max(times)


def report(where: str, viewer, drawn: Callable[[], None]) -> None:
    image, lung = scan()
    placer = placer_in(viewer, image, lung)
    for size, diameter in SIZES.items():
        source = Source.from_kind("solid", diameter, seed=1)
        prepare(source.seed)  # done in the background when a seed is picked
        placer.choose(source)
        for name, act in actions(placer).items():
            middle, worst = measured(act, drawn)
            print(f"{where:<8}{size:<8}{name:<12}{middle:8.1f}{worst:9.1f}", flush=True)
        placer.reshape(scale=1.0, elastic_mm=0.0, rotation_deg=(0, 0, 0), hu_shift=0.0)
        placer.reblend(edge_mm=0.0)
    print(
        f"{where:<8}undo keeps {placer.session.kept_bytes / 1e6:.1f} MB; the scan has {image.array.nbytes / 1e6:.0f} MB"
    )


def report_bodies(where: str, viewer, drawn: Callable[[], None]) -> None:
    """A slider of the Phantom panel; in the panel itself the body is made in a worker thread."""
    for anatomy in ("classic", "torso"):
        for name, voxels in (("moving", QUICK), ("at rest", FINE)):
            preview, body = Preview(viewer), Phantom(anatomy=anatomy, image_size=(256, 256, 128))
            act = partial(show_body, preview, body, voxels)
            act(0)
            middle, worst = measured(act, drawn)
            print(f"{where:<8}{anatomy:<8}{name:<12}{middle:8.1f}{worst:9.1f}", flush=True)
            preview.close()


def show_body(preview: Preview, body: Phantom, voxels: int, number: int) -> None:
    preview.show(made_small(replace(body, size_noise=0.1 + 0.01 * number), 7, voxels))


def shells(side: int = 256) -> LabelMap:
    """Twenty labels, one around the other, of FreeSurfer's values."""
    values = np.array([0, 24, 3, 42, 2, 41, 4, 43, 10, 49, 11, 50, 12, 51, 13, 52, 17, 53, 18, 54, 16], np.uint8)
    axis = np.linspace(-1, 1, side, dtype=np.float32) ** 2
    radius = np.sqrt(axis[:, None, None] + axis[:, None] + axis)
    return LabelMap(values[np.clip((0.95 - radius) * 22 + 1, 0, 20).astype(np.uint8)])


def report_rendering(where: str, viewer, drawn: Callable[[], None]) -> None:
    """A slider of the Render panel; in the panel itself the slice is made in a worker thread."""
    labels = shells()
    data, how, _ = labels_layer_data(labels, name="labels")
    layer, studio, preview = viewer.add_labels(data, **how), Studio(labels), SlicePreview(viewer)
    for preset in ("synthseg", "brain-t1"):
        for plane, axis in (("axial", 0), ("coronal", 1), ("sagittal", 2)):
            act = partial(show_slice, preview, studio, layer, preset, Where(axis, 128))
            act(0)
            middle, worst = measured(act, drawn)
            print(f"{where:<8}{preset:<9}{plane:<12}{middle:7.1f}{worst:9.1f}", flush=True)
    preview.remove()
    viewer.layers.remove(layer)


def show_slice(preview: SlicePreview, studio: Studio, layer, preset: str, where: Where, number: int) -> None:
    step = Render(preset=preset, random_contrast=0.01 * number)
    draft = studio.draft(step, 7, where)
    preview.show(draft.array, draft.start, layer)


def report_drag(viewer, drawn: Callable[[], None]) -> None:
    """How long the event loop is held up while a slider of the Render panel is dragged for three seconds."""
    data, how, _ = labels_layer_data(shells(), name="labels")
    layer, panel = viewer.add_labels(data, **how), RenderPanel(viewer)
    viewer.window.add_dock_widget(panel, name="Render")
    panel.form.contrast.choose("brain-t1")
    shown: list[float] = []
    panel.view.drafted.connect(lambda _: shown.append(time.perf_counter()))
    for phase, seconds in (("loading", 8.0), ("dragging", 3.0)):
        gaps, start = [], time.perf_counter()
        shown.clear()
        last = moved = start
        while last - start < seconds:
            drawn()
            now = time.perf_counter()
            gaps.append(1000 * (now - last))
            last = now
            if phase == "dragging" and now - moved > 0.02:
                moved = now
                panel.form.contrast.slider.setValue((now - start) / seconds)
            time.sleep(0.001)
        rate = len(shown) / seconds
        print(f"{'loop':<8}{phase:<21}{np.percentile(gaps, 95):7.1f}{max(gaps):9.1f}   {rate:.1f} slices/s")
    while panel.view.previewer.is_busy or panel.view.draws.is_under_way:
        drawn()
    viewer.window.remove_dock_widget(panel)
    viewer.layers.remove(layer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model-only", action="store_true", help="do not open a window")
    only_model = parser.parse_args().model_only
    print(f"{'where':<8}{'of':<9}{'what':<12}{'ms':>7}{'worst':>9}")
    report_rendering("model", ViewerModel(), lambda: None)
    report_bodies("model", ViewerModel(), lambda: None)
    report("model", ViewerModel(), lambda: None)
    if only_model or (sys.platform == "linux" and not os.environ.get("DISPLAY")):
        return
    import napari
    from napari.qt import get_qapp

    viewer = napari.Viewer()
    report_drag(viewer, get_qapp().processEvents)
    report_rendering("window", viewer, get_qapp().processEvents)
    report_bodies("window", viewer, get_qapp().processEvents)
    report("window", viewer, get_qapp().processEvents)
    viewer.close()


if __name__ == "__main__":
    main()
