"""The training loop: what it yields, how it ends, what each setting does."""

from __future__ import annotations

import json
import logging
import random
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import torch

import fitting
from fitting import Toy, ToyExamples, ToyLearner, toy_settings
from napari_medsynth.core.errors import ConfigError, TrainingError
from napari_medsynth.core.progress import finish
from napari_medsynth.learning.beside import Teller
from napari_medsynth.learning.devices import available
from napari_medsynth.learning.rates import rate


def test_a_training_logs_each_epoch_and_keeps_the_best(tmp_path):
    toy = Toy(tmp_path / "run")
    notes = []
    fitted = finish(toy.job(), notes.append)
    log = toy.run.log()
    assert [entry["epoch"] for entry in log] == [1, 2, 3]
    assert [entry["step"] for entry in log] == [4, 8, 12]
    assert [entry["epoch"] for entry in log if entry["best"]] == [entry["epoch"] for entry in toy.kept]
    assert fitted.score == max(-entry["val_loss"] for entry in log)
    assert fitted.epochs == 3
    assert fitted.reason == "epochs"
    assert (notes[-1].done, notes[-1].total) == (12, 12)
    assert notes[-1].note.startswith(f"epoch 3/3 · loss {log[-1]['loss']:.3f} · validation score ")


def test_the_same_settings_give_the_same_losses_from_any_thread(tmp_path):
    first, second = Toy(tmp_path / "a"), Toy(tmp_path / "b")
    first.fit()
    thread = threading.Thread(target=second.fit)
    thread.start()
    thread.join()
    assert first.losses() == second.losses()
    other = Toy(tmp_path / "c", toy_settings(seed=43))
    other.fit()
    assert first.losses() != other.losses()


def test_nothing_global_is_used_or_changed(tmp_path):
    torch.manual_seed(1), np.random.default_rng(1)
    state = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    filters, logger = list(warnings.filters), logging.getLogger("lightning.pytorch")
    quiet = logger.level, list(logger.filters)

    def check(_):
        assert torch.equal(torch.get_rng_state(), state[0])
        assert list(warnings.filters) == filters
        assert (logger.level, logger.filters) == quiet

    expected = Toy(tmp_path / "a")
    finish(expected.job(), check)
    check(None)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == state[1:]
    disturbed = Toy(tmp_path / "b")
    finish(disturbed.job(), lambda _: torch.rand(3))
    assert disturbed.losses() == expected.losses()


def test_it_says_nothing_and_leaves_no_other_files(tmp_path, capfd):
    Toy(tmp_path / "run").fit()
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["checkpoints", "log.jsonl"]


def test_workers_make_the_same_examples(tmp_path):
    alone, helped = Toy(tmp_path / "a"), Toy(tmp_path / "b", toy_settings(workers=2))
    alone.fit()
    helped.fit()
    assert helped.losses() == alone.losses()


def test_closing_stops_at_the_next_batch_and_leaves_the_last_epoch(tmp_path):
    toy = Toy(tmp_path / "run", toy_settings(epochs=1000))
    job = toy.job()
    while len(toy.run.log()) < 2:
        next(job)
    job.close()
    count = len(toy.run.log())
    assert count < 1000
    assert not [thread for thread in threading.enumerate() if thread.name == "medsynth-train"]
    toy.settings = toy_settings(epochs=count + 1)
    assert toy.fit(resume=True).epochs == count + 1


def test_ctrl_c_between_two_yields_stops_too(tmp_path, monkeypatch):
    toy = Toy(tmp_path / "run", toy_settings(epochs=1000))
    job = toy.job()
    next(job)

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Teller, "next", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(job)
    assert not [thread for thread in threading.enumerate() if thread.name == "medsynth-train"]


def test_ctrl_c_while_it_stops_does_not_leave_it_running(tmp_path, monkeypatch):
    """A thread in torch that outlives the interpreter takes the process down."""
    toy = Toy(tmp_path / "run", toy_settings(epochs=1000))
    job = toy.job()
    next(job)
    wait, times = threading.Event.wait, iter(range(100))

    def interrupted(self, timeout=None):
        if threading.current_thread() is threading.main_thread() and next(times) < 2:
            raise KeyboardInterrupt
        return wait(self, timeout)

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        job.close()
    assert next(times) > 2
    assert not [thread for thread in threading.enumerate() if thread.name == "medsynth-train"]


def test_a_loss_that_is_no_number_names_the_cases(tmp_path):
    toy = Toy(tmp_path / "run", examples=ToyExamples(bad=(5,)))
    with pytest.raises(TrainingError, match=r"the loss of a batch made of c4, c5, c6, c7 is nan; expected a finite"):
        toy.fit()
    assert [entry["epoch"] for entry in toy.kept] == [1]
    assert [entry["epoch"] for entry in toy.run.log()] == [1]


@pytest.fixture
def no_better(monkeypatch):
    """Every validation finds the same."""
    monkeypatch.setattr(ToyLearner, "validated", lambda self: {"val_loss": 1.0, "score": -1.0})


def test_patience_ends_a_training_that_gets_no_better(tmp_path, no_better):
    fitted = Toy(tmp_path / "run", toy_settings(epochs=50, patience=2)).fit()
    assert (fitted.reason, fitted.epochs, fitted.best_epoch) == ("patience", 3, 1)


def test_minutes_end_a_training_in_an_epoch_and_what_was_learned_is_validated(tmp_path):
    toy = Toy(tmp_path / "run", toy_settings(steps_per_epoch=10**9, minutes=0.01, validate_every=3))
    fitted = toy.fit()
    assert fitted.reason == "minutes"
    assert [entry["epoch"] for entry in toy.kept] == [1]
    assert toy.run.log()[0]["val_loss"] is not None


def test_validation_comes_as_often_as_asked_and_at_the_end(tmp_path):
    toy = Toy(tmp_path / "run", toy_settings(epochs=5, validate_every=3))
    toy.fit()
    assert [entry["epoch"] for entry in toy.run.log() if entry["val_loss"] is not None] == [3, 5]


def test_without_validation_the_latest_is_kept(tmp_path):
    toy = Toy(tmp_path / "run", cases=0)
    assert toy.fit().score is None
    assert [entry["epoch"] for entry in toy.kept] == [1, 2, 3]


def test_accumulated_batches_are_as_one(tmp_path):
    whole = Toy(tmp_path / "a", toy_settings(batch_size=8), dropout=0.0)
    parts = Toy(tmp_path / "b", toy_settings(batch_size=4, accumulate=2), dropout=0.0)
    whole.fit()
    parts.fit()
    assert parts.run.log()[-1]["step"] == whole.run.log()[-1]["step"] == 6
    assert parts.losses() == pytest.approx(whole.losses(), rel=1e-5)


def test_the_average_is_validated_and_kept_and_the_weights_trained(tmp_path):
    toy = Toy(tmp_path / "run", toy_settings(ema=0.99, epochs=1, lr=0.1))
    seen = []
    toy.kept = type(
        "Kept", (list,), {"append": lambda self, entry: seen.append(toy.learner.network[0].weight.clone())}
    )()
    toy.fit()
    assert torch.equal(seen[0], toy.learner.validated_with[-1])
    assert not torch.allclose(seen[0], toy.learner.network[0].weight)


def test_the_learning_rate_warms_up_and_falls():
    cosine = toy_settings(lr=1.0, warmup=3)
    assert [rate(cosine, step, 0.0, 0) for step in range(4)] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert rate(cosine, 100, 0.5, 0) == pytest.approx(0.505)
    assert rate(cosine, 100, 1.0, 0) == pytest.approx(0.01)
    assert rate(toy_settings(lr=1.0, schedule="plateau"), 100, 0.9, 2) == 0.25
    assert rate(toy_settings(lr=1.0, schedule="constant"), 100, 0.9, 2) == 1.0


def test_a_plateau_halves_the_learning_rate(tmp_path, no_better):
    toy = Toy(tmp_path / "run", toy_settings(epochs=12, lr=0.01, schedule="plateau"))
    toy.fit()
    assert [entry["lr"] for entry in toy.run.log()] == [0.01] * 6 + [0.005] * 5 + [0.0025]


def test_half_precision_works_where_it_can(tmp_path):
    Toy(tmp_path / "a", toy_settings(precision="bf16-mixed", epochs=1)).fit()
    with pytest.raises(ConfigError, match=r"precision is '16-mixed', which needs a GPU; expected '32' or 'bf16-mixed'"):
        Toy(tmp_path / "b", toy_settings(precision="16-mixed")).fit()


def test_a_device_that_is_not_there_is_refused(tmp_path):
    missing = next(name for name in ("mps", "cuda") if name not in available())
    with pytest.raises(ConfigError, match=rf"device is '{missing}', which is not there; expected 'auto' or one of"):
        Toy(tmp_path / "run", toy_settings(device=missing)).fit()


def test_several_machines_need_a_launcher(tmp_path):
    with pytest.raises(ConfigError, match=r"nodes is 2; expected the same command to be started on each machine"):
        Toy(tmp_path / "run", toy_settings(nodes=2)).fit()


def test_two_processes_are_as_one_with_twice_the_batch(tmp_path):
    """Each takes half of every batch; only the first one writes."""
    one = Toy(tmp_path / "one", toy_settings(epochs=2, batch_size=8), dropout=0.0)
    one.fit()
    settings = json.dumps({"epochs": 2, "batch_size": 4, "devices": 2})
    command = [sys.executable, fitting.__file__, str(tmp_path / "two"), settings, "steady"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    log = Toy(tmp_path / "two").run.log()
    assert [entry["epoch"] for entry in log] == [1, 2]
    assert [entry["loss"] for entry in log] == pytest.approx(one.losses(), rel=1e-4)
