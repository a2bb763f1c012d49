"""Stands for ``medsynth train``: writes the folder of a run as the real one does, without a network.

Words: ``train --config FILE --data-dir DIR --run DIR --layout NAME [--resume] --progress json``. The name of the run
says how it goes: ``fails``, ``dumb`` (ends before it wrote a word), ``deaf`` (does not listen), else well.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path

import yaml
from PIL import Image

from napari_medsynth.learning.process import this_process
from napari_medsynth.learning.run import Run

EPOCH_S = 0.05

words = sys.argv[1:]
given = {flag: value for flag, value in pairwise(words) if flag.startswith("--")}
run = Run(Path(given["--run"]))
settings = yaml.safe_load(Path(given["--config"]).read_text(encoding="utf-8"))
assert Path(given["--data-dir"]).is_dir()


def say(event, **what):
    print(json.dumps({"event": event, **what}), flush=True)


def stand(state, message=""):
    run.write_about(
        {
            "task": "segmentation",
            "name": run.name,
            "settings": settings,
            "state": state,
            "process": this_process(),
            "message": message,
            "epochs": len(run.log()),
            "labels": [{"value": 1, "name": "organ"}, {"value": 7, "name": "lesion"}],
            "cases": {"train": 1, "val": 1},
        }
    )


def leave(*_):
    run.best.write_bytes(b"weights")
    stand("stopped")
    sys.exit(143)


if "dumb" in run.name:
    say("error", message="data has no labels; expected some", status=1)
    sys.exit(1)
if "late" in run.name:
    time.sleep(60)
signal.signal(signal.SIGTERM, leave)
say("progress", done=0, total=10, note="reading case-001")
stand("running")
run.samples.mkdir(exist_ok=True)
epochs = settings["fit"]["epochs"]
for epoch in range(len(run.log()) + 1, epochs + 1):
    time.sleep(EPOCH_S)
    if "fails" in run.name and epoch == 2:
        message = "the loss of a batch made of case-001 is nan; expected a finite number"
        stand("failed", message)
        say("error", message=message, status=1)
        sys.exit(1)
    Image.new("RGB", (60, 20), (20 * epoch % 255, 90, 90)).save(run.samples / f"epoch_{epoch:04d}.png")
    run.best.write_bytes(b"weights")
    dice = 1 - 1 / (epoch + 1)
    run.append(
        {
            "epoch": epoch,
            "step": epoch,
            "loss": 1 / epoch,
            "val_loss": 1.1 / epoch,
            "val_dice": dice,
            "dice": {"organ": dice, "lesion": None},
            "lr": 0.001,
            "seconds": EPOCH_S * epoch,
            "best": True,
        }
    )
    say("progress", done=epoch, total=epochs, note=f"epoch {epoch}/{epochs}")
stand("finished")
say("done", wrote=[str(run.best)])
