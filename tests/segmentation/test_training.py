"""A training of a segmentation network, from cases on disk to the best model."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, ReadError, TrainingError, WriteError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.found import FoundCase
from napari_medsynth.datasets.splitting import Split
from napari_medsynth.io import write_case
from napari_medsynth.learning.process import this_process
from napari_medsynth.learning.run import Run, find_runs, stop_run
from napari_medsynth.segmentation.model import SegmentationModel
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.segmentation.training import growing_patch, train

TABLE = LabelTable((Label(1, "liver", colour=(1.0, 0.0, 0.0)), Label(5, "disc", colour=(0.0, 1.0, 0.0))))


def a_case(number: int, size: int = 32) -> Case:
    """A bright disc in a ring, somewhere."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:size, :size]
    distance = np.hypot(y - size / 2 - rng.uniform(-3, 3), x - size / 2 - rng.uniform(-3, 3))
    labels = np.select([distance < 5, distance < 11], [5, 1], 0).astype(np.uint8)
    image = np.select([labels == 5, labels == 1], [90.0, 50.0], 10.0) + rng.normal(0, 2, labels.shape)
    return Case(id=f"c{number}", image=Volume(image.astype(np.float32)), labels=LabelMap(labels, table=TABLE))


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Three cases in 2D on disk; the last is for validation."""
    folder = tmp_path_factory.mktemp("cases")
    found = []
    for number in range(3):
        case = a_case(number)
        write_case(case, folder / case.id)
        found.append(FoundCase(id=case.id, patient=case.id, image=folder / case.id))
    return tuple(found)


SPLIT = Split(train=("c0", "c1"), val=("c2",))


def settings_of(**fit) -> TrainSettings:
    fit = {"epochs": 2, "batch_size": 2, "steps_per_epoch": 2, "device": "cpu", "threads": 1, **fit}
    return TrainSettings.from_json(
        {
            "source": "real",
            "network": {"base_features": 4},
            "inputs": {"kind": "slices", "patch": [32, 32]},
            "augment": {"warp": False, "flip": False, "intensity": 0, "noise": 0, "blur": 0},
            "fit": fit,
        }
    )


def trained(cases, folder, settings=None, **options):
    return finish(train(cases, Run(Path(folder)), settings or settings_of(), split=SPLIT, **options))


def test_a_tiny_network_learns_one_image_by_heart(cases, tmp_path):
    settings = settings_of(epochs=3, steps_per_epoch=40, batch_size=1, lr=0.01, ema=0.95)
    same = (cases[0], replace(cases[1], id="c2"))
    split = Split(train=("c0",), val=("c2",))
    job = train(same, Run(tmp_path / "run"), settings, split=split)
    found = finish(job)
    assert found.fitted.score > 0.95
    model = SegmentationModel.read(found.model)
    assert model.values == (0, 1, 5)


def test_the_card_says_how_and_from_what_it_was_made(cases, tmp_path):
    settings = settings_of()
    result = trained(cases, tmp_path / "spine", settings)
    card = SegmentationModel.read(result.model).card
    log = result.run.log()
    assert result.model == tmp_path / "spine_best.safetensors"
    assert card.name == "spine"
    assert card.training["settings"] == settings.to_json()
    assert card.training["seed"] == 42
    assert card.training["epochs"] == result.fitted.best_epoch
    assert [case["patient"] for case in card.training["cases"]["train"]] == ["c0", "c1"]
    assert [case["id"] for case in card.training["cases"]["val"]] == ["c2"]
    assert len(card.data_sha256) == 64
    best = log[result.fitted.best_epoch - 1]
    assert card.metrics["validation"]["dice"] == best["val_dice"] == result.fitted.score
    assert list(best["dice"]) == ["liver", "disc"]
    assert best["val_dice"] == pytest.approx(sum(best["dice"].values()) / 2)


def test_the_folder_says_how_it_stands(cases, tmp_path):
    run = Run(tmp_path / "run")
    job = train(cases, run, settings_of(), split=SPLIT)
    states = []
    finish(job, lambda _: states.append(run.state()))
    assert set(states) == {"running"}
    about = run.about()
    assert run.state() == "finished"
    assert about["process"] == this_process()
    assert (about["task"], about["name"], about["epochs"]) == ("segmentation", "run", 2)
    assert about["cases"] == {"train": 2, "val": 1}
    assert [entry["name"] for entry in about["labels"]] == ["liver", "disc"]
    assert find_runs(tmp_path) == (run,)
    assert find_runs(run.folder) == (run,)
    with Image.open(run.samples / "epoch_0001.png") as picture:
        assert picture.size == (3 * 256 + 2 * 4, 256)
        truth = np.asarray(picture)[:, 260:516].reshape(-1, 3)
    reddish = (truth[:, 0] > truth[:, 1].astype(int) + 60).mean()
    greenish = (truth[:, 1] > truth[:, 0].astype(int) + 60).mean()
    assert 0.1 < reddish < 0.5
    assert 0.01 < greenish < 0.2


def test_stopped_and_resumed_it_is_as_if_it_had_not_been(cases, tmp_path):
    whole = trained(cases, tmp_path / "whole", settings_of(epochs=4))
    run = Run(tmp_path / "parts")
    job = train(cases, run, settings_of(epochs=4), split=SPLIT)
    while len(run.log()) < 2:
        next(job)
    job.close()
    assert run.state() == "stopped"
    assert run.best.exists()
    trained(cases, run.folder, settings_of(epochs=4), resume=True)
    assert run.state() == "finished"
    for one, other in zip(whole.run.log(), run.log(), strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_only_epochs_and_minutes_may_grow(cases, tmp_path):
    result = trained(cases, tmp_path / "run", settings_of(epochs=1))
    assert trained(cases, result.run.folder, settings_of(epochs=2), resume=True).fitted.epochs == 2
    with pytest.raises(ConfigError, match=r"run has fit.lr 0.001, and now 0.1; expected the same to go on"):
        trained(cases, result.run.folder, settings_of(epochs=2, lr=0.1), resume=True)
    with pytest.raises(ConfigError, match=r"fit.epochs 2, and now 1; expected no less to go on"):
        trained(cases, result.run.folder, settings_of(epochs=1), resume=True)
    with pytest.raises(ConfigError, match=r"holds a training that is finished; expected a new folder, or to resume it"):
        trained(cases, result.run.folder)


def test_from_a_damaged_checkpoint_it_goes_on_with_the_one_before_and_says_so(cases, tmp_path):
    run = trained(cases, tmp_path / "run", settings_of(epochs=3)).run
    newest = sorted(run.checkpoints.glob("*.safetensors"))[-1]
    os.truncate(newest, 1000)
    notes = []
    job = train(cases, run, settings_of(epochs=4), split=SPLIT, resume=True)
    finish(job, lambda step: notes.append(step.note))
    told = [note for note in notes if newest.name in note]
    assert len(told) == 1
    assert "going on after epoch" in told[0]
    assert newest.name in run.about()["message"]
    assert [entry["epoch"] for entry in run.log()] == [1, 2, 3, 4]


def test_an_image_of_nan_is_named(cases, tmp_path, monkeypatch):
    """However a NaN came into a batch: training stops, says which cases it was of, and the best model stays."""
    from napari_medsynth.segmentation.samples import Samples

    make = Samples.__getitem__

    def broken(self, index):
        item = make(self, index)
        return {**item, "image": item["image"] * float("nan")} if self.epoch and item["case"] == "c1" else item

    monkeypatch.setattr(Samples, "__getitem__", broken)
    run = Run(tmp_path / "run")
    with pytest.raises(TrainingError, match=r"batch made of .*c1.* is nan"):
        trained(cases, run.folder, settings_of(epochs=5, steps_per_epoch=1))
    assert run.state() == "failed"
    assert "is nan" in run.about()["message"]
    assert torch.isfinite(next(SegmentationModel.read(run.best).network.parameters())).all()


def test_a_full_disk_leaves_the_last_checkpoint_and_model(cases, tmp_path):
    run = trained(cases, tmp_path / "run", settings_of(epochs=2)).run
    kept = run.best.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(WriteError, match="the disk or quota is full"):
            trained(cases, run.folder, settings_of(epochs=4), resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert run.best.read_bytes() == kept
    assert run.state() == "failed"
    assert trained(cases, run.folder, settings_of(epochs=4), resume=True).fitted.epochs == 4


def test_fine_tuning_begins_with_the_weights_and_tells_where_they_came_from(cases, tmp_path):
    start = trained(cases, tmp_path / "a").model
    settings = replace(settings_of(epochs=1, lr=1e-8), start=start)
    result = trained(cases, tmp_path / "b", settings)
    assert result.fitted.score == SegmentationModel.read(result.model).card.metrics["validation"]["dice"]
    before, after = SegmentationModel.read(start), SegmentationModel.read(result.model)
    for old, new in zip(before.network.parameters(), after.network.parameters(), strict=True):
        torch.testing.assert_close(old, new, atol=1e-6, rtol=0)
    assert after.card.training["start"]["weights_sha256"] == before.card.weights_sha256
    assert after.card.training["start"]["training"] == before.card.training


@pytest.mark.parametrize("patch", [(32, 40), (16, 16)])
def test_patches_that_the_network_cannot_take_are_refused(patch, cases, tmp_path):
    settings = replace(settings_of(), inputs=replace(settings_of().inputs, patch=patch))
    expected = "expected multiples of 16 for network 'unet', one of them 32 or more"
    with pytest.raises(ConfigError, match=rf"patch is \[{patch[0]}, {patch[1]}\]; {expected}"):
        trained(cases, tmp_path / "run", settings)


def test_patches_may_be_narrow(cases, tmp_path):
    settings = replace(settings_of(epochs=1), inputs=replace(settings_of().inputs, patch=(16, 32)))
    assert trained(cases, tmp_path / "run", settings).fitted.epochs == 1


def test_progressive_patches_grow_to_the_full_size(cases, tmp_path):
    sizes = [growing_patch((192, 64), 16, 4, epoch) for epoch in range(6)]
    assert sizes == [(96, 32), (128, 48), (144, 48), (176, 64), (192, 64), (192, 64)]
    inputs = replace(settings_of().inputs, patch=(64, 64))
    seen = []
    settings = replace(settings_of(epochs=4, progressive=True), inputs=inputs)
    from napari_medsynth.segmentation.learner import SegmentationLearner

    step = SegmentationLearner.training_step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            SegmentationLearner,
            "training_step",
            lambda self, batch, index: seen.append(tuple(batch["image"].shape)) or step(self, batch, index),
        )
        trained(cases, tmp_path / "run", settings)
    assert [shape[2] for shape in seen[::2]] == [32, 48, 64, 64]


def test_the_batch_that_fits_is_found_once(cases, tmp_path):
    run = trained(cases, tmp_path / "run", settings_of(epochs=1, batch_size=0)).run
    assert run.about()["batch_size"] == 2  # no more than there are examples
    same = trained(cases, tmp_path / "same", settings_of(epochs=1, batch_size=2)).run
    assert run.log()[0]["loss"] == same.log()[0]["loss"]


def test_one_training_at_a_time(cases, tmp_path):
    run = Run(tmp_path / "run")
    with run.held(), pytest.raises(WriteError, match=rf"run is being written by process {os.getpid()}"):
        trained(cases, run.folder)


def test_a_run_whose_process_is_gone_is_interrupted(tmp_path):
    run = Run(tmp_path / "run")
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    about = {"state": "running", "process": {**this_process(), "pid": child.pid}}
    about["process"]["started"] = psutil.Process(child.pid).create_time()
    run.write_about(about)
    assert run.state() == "running"
    stop_run(run)
    assert child.wait() == -signal.SIGTERM
    assert run.state() == "interrupted"
    with pytest.raises(ConfigError, match=r"run is interrupted; expected a run that is running"):
        stop_run(run)


def test_a_number_that_was_given_to_another_process_is_not_the_run(tmp_path):
    run = Run(tmp_path / "run")
    run.write_about({"state": "running", "process": {**this_process(), "started": 1.0}})
    assert run.state() == "interrupted"
    run.write_about({"state": "walking"})
    with pytest.raises(ReadError, match=r"run.json has state 'walking'; expected one of running, finished"):
        run.state()
