"""Small cases and models, fitted for a moment, that evaluations are tried with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.segmentation.inference import inputs_of
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.networks import NetworkSettings
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.segmentation.spec import InputSpec

TABLE = LabelTable((Label(1, "disc", tissue="disc"), Label(2, "canal", tissue="spinal canal")))
SPEC = InputSpec(kind="slices", plane="axial", patch=(32, 32), spacing=(1.0, 1.0), modality="MR")
SHAPE = (3, 32, 32)


def tiny_case(number, name=None):
    """A bright disc above a brighter canal, in noise."""
    rng = np.random.default_rng(number)
    _, y, x = np.mgrid[tuple(slice(n) for n in SHAPE)]
    row, column = 13 + rng.uniform(-2, 2, 2)
    array = np.zeros(SHAPE, np.uint8)
    array[(y - row) ** 2 + (x - column) ** 2 < 40] = 1
    array[(y - row - 10) ** 2 + (x - column) ** 2 < 14] = 2
    image = np.choose(array, [100, 300, 500]) + rng.normal(0, 15, SHAPE)
    affine = Affine.from_spacing((4.0, 1.0, 1.0))
    labels = LabelMap(array, affine, TABLE)
    return Case(id=name or f"case{number}", image=Volume(image.astype(np.float32), affine, "MR"), labels=labels)


def tiny_model(name, source="", *, seed=1, steps=0, start=False, trained=(), table=TABLE):
    """A model that was fitted in so many steps; its card says it learned from ``source``, with ``trained`` cases."""
    model = SegmentationModel.new(name, NetworkSettings(base_features=4), SPEC, table, seed=seed)
    case = tiny_case(100)
    inputs, classes = inputs_of(case.image, SPEC), torch.from_numpy(case.labels.array.astype(np.int64))
    optimizer = torch.optim.Adam(model.network.parameters(), lr=1e-2)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model.network(inputs), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.network.eval()
    if not source:
        return model
    settings = TrainSettings(source=source, inputs=SPEC, start="start" if start else None).to_json()
    settings["fit"]["seed"] = seed
    facts = [{"id": name, "patient": patient, "sha256": [sha]} for name, patient, sha in trained]
    training = {"settings": settings, "cases": {"train": facts, "val": []}}
    return SegmentationModel(model.network, replace(model.card, training=training))
