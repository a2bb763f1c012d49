"""A package with steps of its own, installed for a test: processes that the test starts find it too."""

from __future__ import annotations

import os
from pathlib import Path

SOURCE = '''
"""Steps that do little, slowly if asked to, and some that go wrong at one case."""

import os
import time
from dataclasses import dataclass, replace

import numpy as np

from napari_medsynth.core.errors import HostError
from napari_medsynth.core.labels import LabelMap, LabelTable
from napari_medsynth.core.settings import setting
from napari_medsynth.core.step import Step
from napari_medsynth.core.volume import Volume

TABLE = LabelTable.from_names({1: "heart", 2: "liver"})


@dataclass(frozen=True, kw_only=True)
class Toy(Step):
    """Makes a noisy image and two boxes of labels, or adds noise to the image that is there."""

    name = "toy"
    size: tuple[int, int, int] = setting((6, 8, 10), "voxels (z, y, x)")
    seconds: float = setting(0.0, "how long it takes at least")
    fails_at: int = setting(-1, "index of a case at which it raises an error of this package")
    breaks_at: int = setting(-1, "index of a case at which it has a bug")
    dies_at: int = setting(-1, "index of a case at which its process is killed")

    def draw(self, case, rng):
        return {"scenario": "even" if rng.random() < 0.5 else "odd", "seed": int(rng.integers(2**53)), "row": 2}

    def apply(self, case, params):
        self._go_wrong(int(case.id[-6:]))
        time.sleep(self.seconds)
        noise = np.random.default_rng(params["seed"]).integers(0, 255, self.size, np.uint8)
        if case.labels is not None:
            return case if case.image is None else replace(case, image=replace(case.image, array=case.image.array // 2))
        labels = np.zeros(self.size, np.uint8)
        labels[: params["row"]] = 1
        if params["scenario"] == "even":
            labels[params["row"] :, :2] = 2
        return replace(case, image=Volume(noise), labels=LabelMap(labels, table=TABLE))

    def _go_wrong(self, index):
        if index == self.fails_at:
            raise HostError("there is no room for a toy")
        if index == self.breaks_at:
            raise ZeroDivisionError("a bug in a toy")
        if index == self.dies_at:
            os._exit(9)
'''

METADATA = "Metadata-Version: 2.1\nName: medsynth-toys\nVersion: 1\n"
ENTRY = "[napari_medsynth.steps]\ntoy = medsynth_toys:Toy\n"


def install(folder: Path, monkeypatch) -> None:
    """Put the package into ``folder``, where this process and those that it starts find it until the test ends."""
    info = folder / "medsynth_toys-1.dist-info"
    info.mkdir(parents=True)
    (folder / "medsynth_toys.py").write_text(SOURCE, encoding="utf-8")
    (info / "METADATA").write_text(METADATA, encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
