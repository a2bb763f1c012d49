"""``medsynth train``: what it trains, where that goes, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from napari_medsynth import LabelMap, Volume
from napari_medsynth.cli.app import main
from napari_medsynth.cli.flags import parsed
from napari_medsynth.cli.train import Train
from napari_medsynth.core.errors import ConfigError
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets.finding import find_cases
from napari_medsynth.datasets.splitting import read_split
from napari_medsynth.io import write_labels, write_volume
from napari_medsynth.learning.model_file import read_card
from napari_medsynth.learning.run import Run
from napari_medsynth.segmentation.dummy import dummy_data
from napari_medsynth.segmentation.settings import TrainSettings
from napari_medsynth.segmentation.spine import spine_settings

#: One step a training of the smallest network.
TINY = ["--base-features", "4", "--inputs.spacing", "6,6", "--inputs.patch", "48,32", "--batch-size", "2"]
TINY += ["--epochs", "1", "--steps-per-epoch", "1", "--device", "cpu"]


@pytest.fixture(scope="module")
def spines(tmp_path_factory):
    """Five small patients in SPIDER's layout."""
    return finish(dummy_data(tmp_path_factory.mktemp("data") / "spines", patients=5, size=(64, 40, 48)))


def flags(*words):
    return parsed(Train, words, prog="medsynth train", example="medsynth train")


def train(*words):
    assert main(["train", *TINY, *map(str, words)]) == 0


def test_what_is_not_given_suits_spider_s_spines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert flags().settings() == spine_settings()
    assert flags("--num-classes", "8").settings() == spine_settings(8)
    assert flags("--lr", "0.01").settings().fit.lr == 0.01


def test_of_other_data_it_suits_any(tmp_path):
    (tmp_path / "imagesTr").mkdir()
    assert flags("--data-dir", str(tmp_path)).settings() == TrainSettings()
    assert flags("--data-dir", str(tmp_path), "--layout", "spider").settings() == spine_settings()


@pytest.mark.parametrize("name", ["settings.json", "settings.yaml"])
def test_flags_win_over_the_file_and_the_file_over_defaults(name, tmp_path):
    settings = TrainSettings.from_json(
        {"source": "mixed", "relabel": [[3, 1]], "network": {"base_features": 4}, "fit": {"epochs": 3, "lr": 0.01}}
    )
    (tmp_path / name).write_text(json.dumps(settings.to_json()))
    found = flags("--config", str(tmp_path / name), "--epochs", "5", "--network", "segresnet")
    assert found.model == "mixed"
    assert found.settings().fit.epochs == 5
    assert found.settings().network.name == "segresnet"
    assert found.settings().network.base_features == 4
    assert found.settings().relabel == ((3, 1),)
    assert found.settings().fit.lr == 0.01


def test_a_file_with_a_setting_that_does_not_exist_is_refused_with_the_nearest(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("netwrok: {name: unet}\n")
    assert main(["train", "--config", str(tmp_path / "mine.yaml")]) == 2
    assert "mine.yaml has no setting 'netwrok'; did you mean 'network'?" in capsys.readouterr().err


def test_both_models_share_one_split_and_lie_beside_their_folders(spines, tmp_path, capsys):
    train("--data-dir", spines, "--save-dir", tmp_path)
    said = capsys.readouterr().out
    split = read_split(tmp_path / "split.json", find_cases(spines))
    patients = [{name.partition("_")[0] for name in part} for part in (split.train, split.val, split.test)]
    assert [len(part) for part in patients] == [3, 1, 1]
    assert not patients[0] & patients[1]
    for name, source in (("model_a_synthetic", "synthetic"), ("model_b_real", "real")):
        card = read_card(tmp_path / f"{name}_best")
        seen = {case["id"] for case in card.training["cases"]["train"]}
        assert seen == {case for case in split.train if case.endswith("_t1")}
        assert card.training["settings"]["source"] == source
        assert [entry.value for entry in card.labels] == list(range(1, 14))
        assert Run(tmp_path / name).state() == "finished"
        assert f"{name}: epoch 1 is the best, validation Dice" in said
        assert f"wrote {tmp_path / name}_best.safetensors" in said
    assert "spinal canal" in said


def test_the_train_panel_s_form(spines, tmp_path, capsys):
    settings = flags(*TINY).settings().to_json() | {"source": "real"}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    words = ["--config", tmp_path / "settings.json", "--data-dir", spines, "--run", tmp_path / "runs" / "mine"]
    assert main(["train", *map(str, words), "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any(e["event"] == "progress" and e["note"].startswith("epoch 1/1") for e in events)
    assert events[-1] == {"event": "done", "wrote": [str(tmp_path / "runs" / "mine_best.safetensors")]}
    about = Run(tmp_path / "runs" / "mine").about()
    assert about["settings"]["source"] == "real"
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {
        "mine", "mine_best.safetensors", "mine_best.json"
    }  # fmt: skip


def test_a_training_that_was_there_is_kept(spines, tmp_path, capsys):
    for seed in ("1", "2"):
        train("--data-dir", spines, "--save-dir", tmp_path, "--model", "A", "--seed", seed)
    assert f"is kept as {tmp_path / 'earlier' / 'model_a_synthetic-1'}" in capsys.readouterr().out
    kept, now = (read_card(tmp_path / name) for name in ("earlier/model_a_synthetic-1_best", "model_a_synthetic_best"))
    assert (kept.training["seed"], now.training["seed"]) == (1, 2)


def test_fine_tuning_begins_with_model_a_and_sees_the_cases_that_were_asked_for(spines, tmp_path):
    train("--data-dir", spines, "--save-dir", tmp_path, "--model", "finetune", "--real-cases", 1)
    first, tuned = (read_card(tmp_path / f"{name}_best") for name in ("model_a_synthetic", "model_a_finetuned_1"))
    assert tuned.training["start"]["weights_sha256"] == first.weights_sha256
    assert len(tuned.training["cases"]["train"]) == 1
    assert len(first.training["cases"]["train"]) == 3
    train("--data-dir", spines, "--save-dir", tmp_path, "--model", "finetune", "--real-cases", 2)
    assert read_card(tmp_path / "model_a_synthetic_best").weights_sha256 == first.weights_sha256
    more = read_card(tmp_path / "model_a_finetuned_2_best").training["cases"]["train"]
    assert tuned.training["cases"]["train"][0] in more


def test_other_data_have_the_classes_of_their_labels(tmp_path):
    rng = np.random.default_rng(0)
    for number, name in enumerate("abcde"):
        mask = np.zeros((6, 40, 40), np.uint8)
        mask[:, 8 : 20 + number, 8:20], mask[:, 24:32, 20:36] = 5, 9
        write_volume(Volume(mask * 20 + rng.normal(100, 5, mask.shape).astype(np.float32)), tmp_path / f"{name}.nii.gz")
        write_labels(LabelMap(mask), tmp_path / f"{name}_labels.nii.gz")
    words = ["--data-dir", tmp_path, "--run", tmp_path / "out" / "mine", "--model", "mixed"]
    train(*words, "--inputs.spacing", "none", "--inputs.patch", "32,32", "--inputs.plane", "axial")
    assert [entry.value for entry in read_card(tmp_path / "out" / "mine_best").labels] == [5, 9]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--run", "mine"], "--run is one training and --model is 'both'; expected A, B or mixed"),
        (["--model", "finetune"], "without --real-cases; expected how many"),
        (["--model", "B", "--real-cases", "9"], "--real-cases is 9; expected 1 to 3"),
        (["--layout", "hdf5"], "metadata.json"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_trained(words, says, spines, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *TINY, "--data-dir", str(spines), "--save-dir", "saved", *words]) == 1
    assert says in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_split_of_other_cases_is_not_replaced(spines, tmp_path, capsys):
    other = finish(dummy_data(tmp_path / "other", patients=3, size=(64, 40, 48)))
    train("--data-dir", other, "--save-dir", tmp_path / "saved", "--model", "A")
    before = (tmp_path / "saved" / "split.json").read_bytes()
    assert main(["train", *TINY, "--data-dir", str(spines), "--save-dir", str(tmp_path / "saved")]) == 1
    assert "split.json" in capsys.readouterr().err
    assert (tmp_path / "saved" / "split.json").read_bytes() == before


def test_a_split_of_dummy_data_gives_way(spines, tmp_path):
    finish(dummy_data(tmp_path / "dummy_data", patients=3, size=(64, 40, 48)))
    train("--use-dummy-data", "--save-dir", tmp_path, "--model", "A")
    train("--data-dir", spines, "--save-dir", tmp_path, "--model", "A")
    assert len(read_split(tmp_path / "split.json", find_cases(spines)).train) == 6


def test_validation_cases_of_another_folder(spines, tmp_path):
    other = finish(dummy_data(tmp_path / "other", patients=1, size=(64, 40, 48), seed=9))
    with pytest.raises(SystemExit):
        flags("--val-dir")
    for folder in (other / "images" / "images", other / "masks" / "masks"):
        for path in folder.glob("1_*"):
            path.rename(path.with_name(path.name.replace("1_", "77_", 1)))
    train("--data-dir", spines, "--val-dir", other, "--save-dir", tmp_path / "saved", "--model", "B")
    cases = read_card(tmp_path / "saved" / "model_b_real_best").training["cases"]
    assert [case["id"] for case in cases["val"]] == ["77_t1"]
    assert len(cases["train"]) == 4


def test_help_comes_without_heavy_libraries():
    code = "import sys; from napari_medsynth.cli.app import main; main(['train', '--help']); "
    code += "print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert "--use-dummy-data" in done.stdout
    assert not {"torch", "monai", "lightning", "napari", "SimpleITK", "h5py"} & set(done.stderr.split())


def command(*words):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return [sys.executable, "-m", "napari_medsynth", "train", *map(str, words)], environment


@pytest.mark.slow
def test_stopped_it_keeps_the_best_and_goes_on_to_the_same_end(spines, tmp_path):
    # the same number of threads in both processes: another one adds up in another order
    words = [*TINY, "--epochs", "30", "--data-dir", spines, "--model", "A", "--seed", "5", "--threads", "1"]
    train(*words, "--run", tmp_path / "whole")
    line, environment = command(*words, "--run", tmp_path / "cut", "--progress", "json")
    process = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL)
    run = Run(tmp_path / "cut")
    limit = time.monotonic() + 100
    while len(run.log()) < 2 and time.monotonic() < limit:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert run.state() == "stopped"
    assert run.best.exists()
    train(*words, "--run", tmp_path / "cut", "--resume")
    losses = [[entry["loss"] for entry in Run(tmp_path / name).log()] for name in ("whole", "cut")]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 30


@pytest.mark.slow
def test_two_processes_train_together_and_one_speaks(spines, tmp_path):
    words = [*TINY, "--data-dir", spines, "--save-dir", tmp_path, "--devices", "2", "--progress", "json"]
    line, environment = command(*words)
    done = subprocess.run(line, env=environment, capture_output=True, encoding="utf-8", timeout=170, check=False)
    assert done.returncode == 0, done.stderr
    events = [json.loads(text) for text in done.stdout.splitlines()]
    models = [str(tmp_path / f"{name}_best.safetensors") for name in ("model_a_synthetic", "model_b_real")]
    assert [event["path"] for event in events if event["event"] == "wrote"] == models
    assert [event["event"] for event in events].count("done") == 1
    for name in ("model_a_synthetic", "model_b_real"):
        assert [entry["epoch"] for entry in Run(tmp_path / name).log()] == [1]


def test_a_number_of_classes_that_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="number of classes is 13"):
        flags("--use-dummy-data", "--num-classes", "13")
