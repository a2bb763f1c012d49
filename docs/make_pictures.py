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

import napari
from qtpy.QtWidgets import QApplication

from napari_medsynth.cli.app import main as medsynth

IMAGES = Path(__file__).parent / "images"


def before_after() -> None:
    """The demo's own picture."""
    with tempfile.TemporaryDirectory() as folder:
        medsynth(["demo", "--output", f"{folder}/demo"])
        shutil.copyfile(f"{folder}/demo/case/before_after.png", IMAGES / "before_after.png")


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
    before_after()
    panel()
