"""`medsynth phantom` as a person types it: what it writes, says and refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from napari_medsynth.cli.app import main
from napari_medsynth.core.progress import finish
from napari_medsynth.datasets import Split

SMALL = ("--image-size", "12,16,14", "--total-samples", "10", "--workers", "1")
ONLY = ("--skip-visualization", "--skip-training-test")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dataset of ten samples."""
    folder = tmp_path_factory.mktemp("phantom") / "made"
    assert main(["phantom", *SMALL, *ONLY, "-o", str(folder)]) == 0
    return folder


def phantom(folder, *words):
    return main(["phantom", *SMALL, *ONLY, "-o", str(folder), *words])


def test_it_tells_how_many_samples_there_are_and_how_often_each_structure_occurs(made, capsys):
    assert phantom(made, "--skip-generation") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("train: 7 samples of 12 x 16 x 14 voxels, ")
    assert said[1].startswith("val: 2 samples")
    assert said[2].startswith("test: 1 sample")
    assert said[3].split() == ["present", "in", "train", "val", "test"]
    with Split.open(made / "train.h5") as split:
        rates = dict(zip(split.structure_names, split.presence.mean(axis=0), strict=True))
    found = {line.split()[0]: line.split()[1] for line in said[4:]}
    assert found == {name: f"{rate:.1%}" for name, rate in rates.items()}


def test_verbose_tells_the_recipe_and_the_scenarios_too(tmp_path, capsys):
    assert phantom(tmp_path / "out", "--scenario", "splenectomy", "--verbose") == 0
    said = capsys.readouterr().out
    assert "scenario: splenectomy" in said
    assert "  splenectomy: 7" in said
    assert f"wrote {tmp_path / 'out'}" in said


def test_flags_reach_the_samples(tmp_path):
    flags = ("--anatomy", "torso", "--spacing", "30,20,25", "--region", "abdomen", "--scenario", "splenectomy")
    assert phantom(tmp_path / "out", *flags, "--total-samples", "1", "--seed", "3") == 0
    with Split.open(tmp_path / "out" / "train.h5") as split:
        case = split.case(0)
    record = case.history[0]
    assert case.image.modality == "CT"
    assert case.image.spacing == pytest.approx((30, 20, 25))
    assert (record.config["region"], record.params["scenario"], record.rng["seed"]) == ("abdomen", "splenectomy", 3)
    assert "spleen" not in record.params["present"]


def test_scenarios_can_come_from_a_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("scenarios:\n  - {name: two organs, present: [heart, liver]}\n", encoding="utf-8")
    assert phantom(tmp_path / "out", "--scenarios", str(file)) == 0
    with Split.open(tmp_path / "out" / "train.h5") as split:
        assert set(split.scenarios) == {"two organs"}
        assert np.array_equal(np.flatnonzero(split.presence.any(axis=0)), [2, 3])


def test_a_sample_of_each_split_is_drawn(made, capsys):
    assert main(["phantom", "--skip-generation", "--skip-training-test", "-o", str(made)]) == 0
    for name in ("train", "val", "test"):
        path = made / f"sample_{name}.png"
        assert f"wrote {path}" in capsys.readouterr().out or name != "train"
        with Image.open(path) as picture:
            assert min(picture.size) > 300
    assert main(["verify", str(made)]) == 0


def test_a_network_learns_from_it(made, capsys):
    assert main(["phantom", "--skip-generation", "--skip-visualization", "-o", str(made), "--verbose"]) == 0
    said = capsys.readouterr().out
    assert "presence_labels [" in said
    line = next(line for line in said.splitlines() if line.startswith("training loop"))
    first, last = line.split("loss ")[1].split(" -> ")
    assert float(last) < 0.8 * float(first)


def test_training_leaves_the_global_generators_alone_and_repeats_itself(made):
    import torch

    from napari_medsynth.cli.training_check import check_training

    before = torch.get_rng_state()
    first, again = finish(check_training(made, seed=1)), finish(check_training(made, seed=1))
    assert torch.equal(torch.get_rng_state(), before)
    assert first == again
    assert first.losses != finish(check_training(made, seed=2)).losses


def test_the_same_command_again_finds_it_finished_and_another_is_refused(made, capsys):
    before = {path: path.stat().st_mtime_ns for path in made.glob("*.h5")}
    assert phantom(made) == 0
    assert {path: path.stat().st_mtime_ns for path in made.glob("*.h5")} == before
    assert phantom(made, "--seed", "43") == 1
    assert "seed" in capsys.readouterr().err


def test_progress_is_told_to_programs(tmp_path, capsys):
    assert phantom(tmp_path / "out", "--progress", "json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"progress", "wrote", "note", "done"} == {event["event"] for event in events}
    assert max(event["done"] for event in events if event["event"] == "progress") == 10
    assert events[-1]["event"] == "done"


@pytest.mark.parametrize(
    ("flags", "status", "said"),
    [
        (("--validation-split", "0.7", "--test-split", "0.3"), 1, "less than 1"),
        (("--validation-split", "1.0"), 1, "validation_split"),
        (("--test-split", "-0.1"), 1, "test_split"),
        (("--total-samples", "0"), 1, "at least 1"),
        (("--total-samples", "-3"), 1, "at least 1"),
        (("--total-samples", "many"), 2, "total-samples"),
        (("--image-size", "64,64"), 2, "3"),
        (("--image-size", "64,64,0"), 2, "image_size"),
        (("--image-size", "64,-64,64"), 2, "image_size"),
        (("--image-size", "64,64,6.5"), 2, "6.5"),
        (("--image-size", "large"), 2, "large"),
        (("--position-noise", "-0.1"), 2, "position_noise"),
        (("--size-noise", "2"), 2, "size_noise"),
        (("--intensity-noise", "nan"), 2, "intensity_noise"),
        (("--scenario", "splenektomy"), 2, "did you mean 'splenectomy'"),
        (("--scenarios", "nowhere.yaml"), 1, "medsynth: nowhere.yaml does not exist"),
        (("--anatomy", "clasic"), 2, "classic"),
        (("--workers", "0"), 1, "workers"),
        (("--seed", "-1"), 1, "seed"),
        (("--sede", "1"), 2, "seed"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words_and_nothing_is_written(tmp_path, capsys, flags, status, said):
    assert phantom(tmp_path / "out", *flags) == status
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not list(tmp_path.rglob("*.h5"))


def test_a_dataset_that_is_not_there_is_named(tmp_path, capsys):
    assert phantom(tmp_path / "nothing", "--skip-generation") == 1
    assert "nothing" in capsys.readouterr().err
