"""Make the pictures of the README and the docs, from a made chest: no scan of a patient is shown.

xvfb-run -a -s "-screen 0 1600x1000x24" .venv/bin/python docs/make_pictures.py
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import make_gallery
import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_medsynth import Case, Phantom, write_case
from napari_medsynth.cli.app import main as medsynth
from napari_medsynth.widgets.layers import image_layer_data, labels_layer_data
from napari_medsynth.widgets.planes import look_from
from napari_medsynth.widgets.training.keeper import is_alive

IMAGES = Path(__file__).parent / "images"


def before_after() -> None:
    """The demo's own picture."""
    with tempfile.TemporaryDirectory() as folder:
        medsynth(["demo", "--output", f"{folder}/demo"])
        shutil.copyfile(f"{folder}/demo/case/before_after.png", IMAGES / "before_after.png")


def torso() -> None:
    """A made body from the front and at four levels, in a soft-tissue window, beside its labels."""
    case = Phantom(anatomy="torso", image_size=(400, 224, 320), scenario="normal_complete")(Case(id="torso"), seed=7)
    height, depth, width = (round(n * mm) for n, mm in zip(case.image.shape, case.image.spacing, strict=True))
    front = [upright(part, (width, height)) for part in drawn(case, np.s_[::-1, 104])]
    levels = [drawn(case, np.s_[round(z * len(case.image.array))]) for z in (0.73, 0.57, 0.46, 0.13)]
    small = (width // 2, depth // 2)
    sheet = Image.new("RGB", (2 * width + 2 * small[0], max(height, 4 * small[1])))
    for column, part in enumerate(front):
        sheet.paste(part, (column * width, 0))
    for row, parts in enumerate(levels):
        for column, part in enumerate(parts):
            sheet.paste(upright(part, small), (2 * width + column * small[0], row * (sheet.height // 4)))
    sheet.resize((1400, round(sheet.height * 1400 / sheet.width)), Image.Resampling.LANCZOS).save(
        IMAGES / "torso.jpg", quality=88
    )


def drawn(case: Case, where: object) -> list[np.ndarray]:
    """A plane of a case in grey, and with the colours of its labels over it."""
    hu, labels = case.image.array[where].astype(np.float32), case.labels.array[where]
    grey = np.repeat(np.clip((hu + 160) / 400 * 255, 0, 255)[..., None], 3, axis=-1)
    palette = np.zeros((256, 3), np.float32)
    for entry in case.labels.table:
        palette[entry.value] = np.multiply(entry.colour, 255)
    mixed = np.where(labels[..., None] > 0, 0.45 * grey + 0.55 * palette[labels], grey)
    return [grey.astype(np.uint8), mixed.astype(np.uint8)]


def upright(pixels: np.ndarray, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BICUBIC)


def panel() -> None:
    """The Tumors panel: two lesions placed, one about to be."""
    viewer = napari.Viewer()
    viewer.window.resize(1440, 900)
    viewer.open_sample("napari-medsynth", "thorax-healthy")
    viewer.layers["thorax-healthy labels"].visible = False
    _, tumors = viewer.window.add_plugin_dock_widget("napari-medsynth", "Tumors")
    wait_until(lambda: tumors.place.desk.placer is not None and tumors.place.desk.placer.host is not None)
    placer = tumors.place.desk.placer
    for kind, place in (("spiculated", (50, 92, 62)), ("part-solid", (50, 120, 168)), ("solid", (50, 82, 160))):
        tumors.place.seeds.select(f"made:{kind}")
        wait_until(partial(is_chosen, placer, kind))
        placer.resize(22)
        placer.place(place)
        wait(0.5)
        if kind != "solid":
            tumors.place.desk.commit()
    viewer.dims.set_current_step(0, 50)
    viewer.scene.camera.zoom *= 1.15
    wait(1.5)
    viewer.window.screenshot(str(IMAGES / "panel.png"), flash=False)
    viewer.close()


def phantom_panel() -> None:
    """The Phantom panel: a torso from the front, before it is made in full."""
    viewer = napari.Viewer()
    viewer.window.resize(1440, 900)
    _, phantom = viewer.window.add_plugin_dock_widget("napari-medsynth", "Phantom")
    settings = phantom.form.settings
    settings.row("anatomy").value = "torso"
    for part, size in zip(settings.row("image_size"), (256, 160, 224), strict=True):
        part.value = size
    wait(4)
    phantom.views[1].click()
    viewer.dims.set_current_step(1, viewer.dims.nsteps[1] * 45 // 100)
    viewer.reset_view()
    wait(2)
    viewer.window.screenshot(str(IMAGES / "phantom_panel.png"), flash=False)
    viewer.close()


def render_panel() -> None:
    """The Render panel: a made body from the front as an abdomen MR, before it is made in full."""
    viewer = napari.Viewer()
    viewer.window.resize(1440, 900)
    case = Phantom(anatomy="torso", image_size=(256, 160, 224))(Case(id="torso"), seed=7)
    data, how, _ = labels_layer_data(case.labels, name="torso labels")
    viewer.add_labels(data, **how)
    _, render = viewer.window.add_plugin_dock_widget("napari-medsynth", "Render")
    render.form.contrast.choose("abdomen-mr")
    look_from(viewer, "Coronal")
    viewer.dims.set_current_step(1, viewer.dims.nsteps[1] * 45 // 100)
    viewer.layers[0].opacity = 0.2
    wait(4)
    wait_until(lambda: not render.view.draws.is_under_way and not render.view.previewer.is_busy)
    viewer.reset_view()
    wait(1)
    pixels = viewer.window.screenshot(flash=False)[..., :3]
    Image.fromarray(pixels).quantize(256).save(IMAGES / "render_panel.png", optimize=True)
    viewer.close()


def train_panel() -> None:
    """The Train panel: a small network learns discs, canal and aorta from rendered label maps, by the real command."""
    with tempfile.TemporaryDirectory() as folder:
        viewer = napari.Viewer()
        viewer.window.resize(1440, 900)
        for seed in (1, 2, 3):
            step = Phantom(anatomy="torso", region="lumbar spine", image_size=(72, 48, 48), scenario="normal_complete")
            data, how, _ = labels_layer_data(step(Case(id="spine"), seed=seed).labels, name=f"spine {seed}")
            viewer.add_labels(data, **{**how, "visible": seed == 3})
        _, train = viewer.window.add_plugin_dock_widget("napari-medsynth", "Train")
        ask_for_spines(train, folder)
        look_from(viewer, "Sagittal")
        viewer.dims.set_current_step(2, 24)
        train.new.start.click()
        wait_until(lambda: epochs_of(train, "spine from labels") >= 10, 900)
        wait(2)
        viewer.reset_view()
        wait(1)
        pixels = viewer.window.screenshot(flash=False)[..., :3]
        Image.fromarray(pixels).quantize(256).save(IMAGES / "train_panel.png", optimize=True)
        train.runs.view.stop.click()
        wait_until(lambda: not is_alive(train.runs.view.seen.run), 120)
        viewer.close()


def epochs_of(train: object, name: str) -> int:
    seen = train.runs.view.seen
    return len(seen.log) if seen is not None and seen.run.name == name else 0


def ask_for_spines(train: object, folder: str) -> None:
    """Tick all layers, and of their labels discs, canal and aorta."""
    new = train.new
    for number in range(new.data.layers.rowCount()):
        new.data.layers.item(number, 0).setCheckState(Qt.CheckState.Checked)
    wait_until(lambda: not new.data.is_busy and new.data.found is not None)
    new.data.none.click()
    for entry in new.data.structures.table:
        if any(word in entry.name for word in ("disc", "canal", "aorta")):
            new.data.structures.tick(entry.value)
    new.form.folder.setText(f"{folder}/models")
    new.form.keep_folder = lambda: None  # it is gone afterwards
    new.form.name.setText("spine from labels")
    new.form.render.setCurrentText("spine-t2")
    new.form.patch.setText("64, 48")
    new.form.lr.setText("0.005")
    new.form.steps.setValue(12)
    wait_until(new.start.isEnabled)


def segment_panel() -> None:
    """The Segment panel: a made spine, segmented by a model that learned from five others for a minute or two."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        cases = [spine(seed) for seed in range(1, 7)]
        for case in cases[:-1]:
            write_case(case, place / "cases" / case.id)
        (place / "order.yaml").write_text(ORDER.format(pairs=pairs_of(cases[0])))
        where = ["--data-dir", f"{place}/cases", "--layout", "folder", "--run", f"{place}/models/spine"]
        medsynth(["train", "--config", f"{place}/order.yaml", "--model", "B", "--test-split", "0", *where])
        viewer = napari.Viewer()
        viewer.window.resize(1440, 900)
        data, how, _ = image_layer_data(cases[-1].image, name="spine CT")
        viewer.add_image(data, **{**how, "contrast_limits": (-160, 300)})
        _, panel = viewer.window.add_plugin_dock_widget("napari-medsynth", "Segment")
        panel.segment.models.folder = place / "models"  # not by choose_folder(), which would remember it
        panel.segment.models.look()
        wait_until(lambda: panel.segment.run.isEnabled())
        panel.segment.start()
        wait_until(lambda: not panel.bar.is_busy, 600)
        look_from(viewer, "Sagittal")
        viewer.dims.set_current_step(2, viewer.dims.nsteps[2] // 2)
        viewer.reset_view()
        wait(2)
        pixels = viewer.window.screenshot(flash=False)[..., :3]
        Image.fromarray(pixels).quantize(256).save(IMAGES / "segment_panel.png", optimize=True)
        viewer.close()


#: What the model of the Segment panel's picture learns, and how.
ORDER = """\
source: real
inputs: {{kind: slices, plane: sagittal, patch: [96, 64], modality: CT, intensity: window, window: [-200, 400]}}
relabel: {pairs}
fit: {{epochs: 30, steps_per_epoch: 15, batch_size: 8, lr: 0.01, workers: 0, threads: 1}}
"""
TAUGHT = ("aorta", "spinal_canal", "intervertebral_discs", "sacrum")


def spine(seed: int) -> Case:
    step = Phantom(anatomy="torso", region="lumbar spine", image_size=(96, 60, 64), scenario="normal_complete")
    return step(Case(id=f"spine_{seed}"), seed=seed)


def pairs_of(case: Case) -> list[list[int]]:
    """What is learned keeps its values; all else is background."""
    return [[entry.value, entry.value] for entry in case.labels.table if entry.name in TAUGHT]


def dataset_panel() -> None:
    """The Dataset panel: paging through 40 bodies of which some have no left kidney."""
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--skip-visualization", "--skip-training-test", "--anatomy", "torso", "--workers", "2"]
        medsynth(["phantom", "--total-samples", "40", "--image-size", "128,96,112", "-o", f"{folder}/bodies", *flags])
        viewer = napari.Viewer()
        viewer.window.resize(1440, 900)
        _, dataset = viewer.window.add_plugin_dock_widget("napari-medsynth", "Dataset")
        dataset.look_through(Path(folder) / "bodies")
        wait(3)
        dataset.browse.slider.setValue(2)
        wait(2)
        viewer.dims.set_current_step(0, 58)
        viewer.reset_view()
        wait(2)
        viewer.window.screenshot(str(IMAGES / "dataset_panel.png"), flash=False)
        viewer.close()


def is_chosen(placer: object, kind: str) -> bool:
    source = placer.ghost.source
    return source is not None and source.name == f"made, {kind}"


def wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.instance().processEvents()
        time.sleep(0.01)


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError("the panel did not get there")
        wait(0.05)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    make_gallery.make()
    before_after()
    torso()
    panel()
    phantom_panel()
    render_panel()
    train_panel()
    segment_panel()
    dataset_panel()
