"""`medsynth render` and `medsynth prior` as a person types them: what they write, say and refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from napari_medsynth import Case, Phantom, Recipe, Render
from napari_medsynth.cli.app import main
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.step import replay
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_case, read_labels, read_sidecar, read_volume, write_case, write_labels, write_volume
from napari_medsynth.rendering import preset_names

TABLE = LabelTable((Label(1, "vertebra", "bone"), Label(2, "disc", "disc"), Label(3, "muscle", "muscle")))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Folder with a small label map, in 3D and 2D, of voxels that are not cubes."""
    monkeypatch.chdir(tmp_path)
    array = np.zeros((12, 16, 14), np.uint8)
    array[2:10, 2:14, 2:12] = 3
    array[3:6, 5:11, 4:10] = 1
    array[6:9, 5:11, 4:10] = 2
    labels = LabelMap(array, Affine.from_spacing((2.0, 1.5, 1.0)), TABLE)
    write_labels(labels, tmp_path / "labels.nii.gz")
    write_labels(LabelMap(array[4], table=TABLE), tmp_path / "slice.png")
    return tmp_path


def render(*words):
    return main(["render", "labels.nii.gz", "-o", "image.nii.gz", *words])


def params():
    return read_sidecar("image.nii.gz").history[-1].params


def test_an_image_and_its_labels_are_written_with_their_record(folder, capsys):
    assert render("--seed", "7") == 0
    assert capsys.readouterr().out == "wrote image.nii.gz\nwrote image_labels.nii.gz\n"
    image, labels, source = (
        read_volume("image.nii.gz"),
        read_labels("image_labels.nii.gz"),
        read_labels("labels.nii.gz"),
    )
    assert image.modality == "MR"
    assert image.shape == labels.shape == source.shape
    np.testing.assert_array_equal(image.affine.matrix, source.affine.matrix)
    assert not np.array_equal(labels.array, source.array)  # as they are in the image: warped
    assert {entry.name for entry in labels.table} >= {"vertebra", "disc", "muscle"}
    for path in ("image.nii.gz", "image_labels.nii.gz"):
        assert main(["verify", path]) == 0
        again = replay(Case(id="labels", labels=source), read_sidecar(path).history)
        np.testing.assert_array_equal(again.image.array, image.array)
        np.testing.assert_array_equal(again.labels.array, labels.array)


def test_it_is_what_python_makes_of_the_same_settings(folder):
    assert render("--seed", "3", "--preset", "spine-t2", "--noise.std", "0.1", "--warp.rotation", "20") == 0
    step = Render.from_json({"preset": "spine-t2", "noise": {"std": [0.1, 0.1]}, "warp": {"rotation": 20}})
    made = step(Case(id="labels", labels=read_labels("labels.nii.gz")), seed=3)
    np.testing.assert_array_equal(read_volume("image.nii.gz").array, made.image.array)


def test_the_seed_decides(folder):
    images = []
    for seed in ("1", "1", "2"):
        assert render("--seed", seed, "--overwrite") == 0
        images.append(read_volume("image.nii.gz").array)
    np.testing.assert_array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


@pytest.mark.parametrize(
    ("words", "preset"),
    [
        ([], "synthseg"),
        (["--contrast", "t1"], "spine-t1"),
        (["--contrast", "t2"], "spine-t2"),
        (["--contrast", "random"], "synthseg"),
        (["--contrast", "random", "--preset", "brain-t1"], "synthseg"),
        (["--preset", "spine-t2", "--contrast", "t1"], "spine-t1"),
        (["--preset", "spine_t2"], "spine_t2"),
    ],
)
def test_a_contrast_is_that_of_the_family(folder, words, preset):
    assert render(*words) == 0
    assert params()["channels"][0]["preset"] == preset


def test_alpha_lies_between_a_contrast_and_its_opposite(folder):
    found = {}
    for alpha in ("0", "0.5", "1"):
        assert render("--contrast", "t1", "--contrast-alpha", alpha, "--overwrite") == 0
        found[alpha] = np.array(params()["channels"][0]["intensities"])[:, 1]
    np.testing.assert_allclose(found["0.5"], (found["0"] + found["1"]) / 2, atol=1e-4)
    assert np.abs(found["0"] - found["1"]).max() > 10


def test_keep_shape_leaves_every_label_where_it_is(folder):
    assert render("--keep-shape") == 0
    np.testing.assert_array_equal(read_labels("image_labels.nii.gz").array, read_labels("labels.nii.gz").array)
    assert params()["warp"] is params()["flip"] is None


def test_a_flag_of_a_stage_switches_it_on_and_prob_0_off(folder):
    assert render("--motion.strength", "0.5", "--bias-field.prob", "0", "--bias_field.std", "0.1") == 0
    channel = params()["channels"][0]
    assert channel["motion"] is not None
    assert channel["bias_field"] is None
    assert channel["ghosting"] is None


def test_a_part_and_the_grid_of_the_scanner(folder):
    flags = ("--resolution.iso", "4", "--resolution.prob-iso", "1", "--resolution.prob-min", "0")
    assert render("--crop", "8,12,10", "--grid", "acquisition", *flags) == 0
    image, labels = read_volume("image.nii.gz"), read_labels("image_labels.nii.gz")
    assert image.shape == labels.shape
    assert image.spacing == pytest.approx(labels.spacing)
    assert all(n < full for n, full in zip(image.shape, (8, 12, 10), strict=True))


def test_further_channels_are_of_the_same_body(folder):
    assert render("--preset", "spine-t1", "--also", "spine-t2") == 0
    image = read_case("image.nii.gz", "image_labels.nii.gz").image
    assert image.channels
    assert image.array.shape == (2, 12, 16, 14)
    assert [channel["preset"] for channel in params()["channels"]] == ["spine-t1", "spine-t2"]


@pytest.mark.parametrize(("name", "labels"), [("a.mha", "a_labels.mha"), ("a.nrrd", "b.nii"), ("b/a.nii.gz", None)])
def test_the_suffix_is_the_format(folder, name, labels):
    words = ["--labels-out", labels] if labels == "b.nii" else []
    assert main(["render", "labels.nii.gz", "--output", name, *words]) == 0
    assert read_volume(name).shape == (12, 16, 14)
    assert read_labels(labels or "b/a_labels.nii.gz").shape == (12, 16, 14)


def test_a_slice_is_written_as_a_picture(folder):
    assert main(["render", "slice.png", "-o", "image.png"]) == 0
    image = read_volume("image.png")
    assert (image.array.dtype, image.array.min(), image.array.max()) == (np.uint8, 0, 255)
    assert set(read_labels("image_labels.png").values()) <= {1, 2, 3}
    assert main(["render", "slice.png", "-o", "exact.nii.gz"]) == 0
    exact = read_volume("exact.nii.gz").array.astype(np.float64)
    scaled = (exact - exact.min()) * 255 / (exact.max() - exact.min())
    assert np.abs(scaled.squeeze() - image.array).max() <= 0.5


def test_several_images_are_numbered_and_the_first_is_the_one_alone(folder):
    assert render("--count", "3", "--seed", "5") == 0
    images = [read_volume(f"image_00{n}.nii.gz").array for n in range(3)]
    assert [read_labels(f"image_00{n}_labels.nii.gz").shape for n in range(3)] == [(12, 16, 14)] * 3
    assert not np.array_equal(images[0], images[1])
    assert not np.array_equal(images[1], images[2])
    assert render("--seed", "5") == 0
    np.testing.assert_array_equal(read_volume("image.nii.gz").array, images[0])


def test_without_a_suffix_a_case_is_written_with_its_recipe(folder, capsys):
    assert main(["render", "labels.nii.gz", "-o", "out", "--seed", "4", "--noise.std", "0.02"]) == 0
    assert capsys.readouterr().out == "wrote out\n"
    made = read_case("out")
    assert main(["verify", "out"]) == 0
    recipe = Recipe.read(folder / "out" / "recipe.yaml")
    assert recipe.seed == 4
    assert recipe.steps[0].noise.std == (0.02, 0.02)
    assert main(["run", "out/recipe.yaml", "-l", "labels.nii.gz", "-o", "again"]) == 0
    np.testing.assert_array_equal(read_case("again").image.array, made.image.array)


def test_a_case_keeps_its_names_history_and_lesions(folder, capsys):
    phantom = Phantom(image_size=(16, 24, 16))(Case(id="body"), seed=1)
    instances = LabelMap((phantom.labels.array == phantom.labels.array.max()).astype(np.uint8), phantom.image.affine)
    write_case(Case(id="body", image=phantom.image, labels=phantom.labels, instances=instances,
                    history=phantom.history), "body")  # fmt: skip
    assert main(["render", "body", "-o", "out"]) == 0
    made = read_case("out")
    assert made.id == "body"
    assert [record.step for record in made.history] == ["phantom", "render"]
    assert made.image.modality == "MR"
    assert made.instances is not None
    assert main(["render", "body", "-o", "image.nii.gz"]) == 0
    assert "lesion" in capsys.readouterr().out


def test_tissues_of_a_file_come_before_the_table(folder):
    (folder / "t.yaml").write_text("3: disc\n", encoding="utf-8")
    assert render("--contrast", "t2", "--tissues", "t.yaml") == 0
    table = read_labels("image_labels.nii.gz").table
    assert table[3].tissue == "disc"
    assert read_sidecar("image.nii.gz").history[-1].config["tissues"] == [[3, "disc"]]


def test_progress_is_told_to_programs(folder, capsys):
    assert render("--progress", "json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [e["path"] for e in events if e["event"] == "wrote"] == ["image.nii.gz", "image_labels.nii.gz"]
    assert any(e["event"] == "progress" for e in events)
    assert events[-1]["event"] == "done"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--contrast", "ct"], 1, "--contrast is 'ct' and there is no preset 'spine-ct'"),
        (["--contrast", "us", "--preset", "brain-t1"], 1, "no preset 'brain-us'"),
        (["--contrast", "t3"], 2, "t3"),
        (["--preset", "spine-t3"], 2, "did you mean 'spine-t"),
        (["--contrast-alpha", "1.5"], 2, "Render.contrast_alpha is 1.5; expected 0 to 1"),
        (["--contrast-alpha", "0.5"], 1, "'synthseg' has no opposite"),
        (["--noise.std", "-1"], 2, "Noise.std is -1.0"),
        (["--noise.sdt", "1"], 2, "noise.std"),
        (["--motion", "1"], 2, "motion"),
        (["--keep-shape", "--warp.rotation", "5"], 1, "--keep-shape and flags of warp or flip are given"),
        (["--labels-out", "image.nii.gz"], 1, "are both image.nii.gz"),
        (["--labels-out", "labels.tif"], 1, "labels.tif has suffix '.tif'"),
        (["--output", "image.jpg"], 1, "image.jpg has suffix '.jpg'"),
        (["--output", "image.png"], 1, "image.png cannot hold a volume"),
        (["--output", "labels.nii.gz", "--overwrite"], 1, "labels.nii.gz is what is read"),
        (["--output", "out", "--labels-out", "l.mha"], 1, "out is a folder"),
        (["--count", "0"], 1, "--count is 0"),
        (["--seed", "-1"], 1, "seed is -1"),
        (["--tissues", "no.yaml"], 1, "no.yaml does not exist"),
        (["--tissues", "list.yaml"], 1, "list.yaml is list; expected a line 'value: class'"),
        (["--tissues", "wrong.yaml"], 1, "wrong.yaml has 'disc': 3; expected a whole number and a name"),
        (["--prior", "no.yaml"], 1, "no.yaml does not exist"),
        (["--crop", "99,99,99"], 1, "99"),
        (["--crop", "8,8"], 2, "expected 3"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words_and_nothing_is_written(folder, capsys, words, status, said):
    (folder / "list.yaml").write_text("[3]", encoding="utf-8")
    (folder / "wrong.yaml").write_text("disc: 3", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert render(*words) == status
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("there", ["image.nii.gz", "image_labels.nii.gz"])
def test_what_is_there_is_replaced_only_if_that_is_asked_for(folder, capsys, there):
    (folder / there).write_bytes(b"mine")
    assert render() == 1
    assert f"{there} is there already" in capsys.readouterr().err
    assert (folder / there).read_bytes() == b"mine"
    assert render("--overwrite") == 0
    assert main(["verify", there]) == 0


def test_an_image_that_cannot_be_written_leaves_the_old_pair(folder, monkeypatch):
    """The labels are written after the image; if that fails, neither is new."""
    from napari_medsynth.io import files

    assert render() == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    whole = files.write_voxels

    def full(volume, path, name):
        whole(volume, path, name)
        if name.name == "image_labels.nii.gz":
            raise OSError(28, "no space left on device")

    monkeypatch.setattr(files, "write_voxels", full)
    assert render("--seed", "1", "--overwrite") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_ctrl_c_leaves_nothing(folder, monkeypatch, capsys):
    from napari_medsynth.rendering import engine

    def stopped(*args, **kwargs):
        yield from ()
        raise KeyboardInterrupt

    before = sorted(folder.iterdir())
    monkeypatch.setattr(engine, "rendering", stopped)
    assert render() == 130
    assert capsys.readouterr().err == "medsynth: interrupted\n"
    assert sorted(folder.iterdir()) == before


def test_help_names_every_preset(capsys):
    assert main(["render", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(name in said for name in preset_names())


def test_a_prior_of_a_scan_makes_images_like_it(folder, capsys):
    labels = read_labels("labels.nii.gz")
    values = np.array([10.0, 120, 40, 80])[labels.array] + np.random.default_rng(0).normal(0, 4, labels.shape)
    write_volume(Volume(values.astype(np.float32), labels.affine, modality="CT"), "scan.nii.gz")
    assert main(["prior", "scan.nii.gz", "labels.nii.gz", "-o", "p.yaml"]) == 0
    assert capsys.readouterr().out.endswith("wrote p.yaml\n")
    assert set(yaml.safe_load((folder / "p.yaml").read_text())["classes"]) >= {"vertebra", "disc", "muscle"}
    assert render("--preset", "abdomen-ct", "--prior", "p.yaml", "--keep-shape") == 0
    drawn = {value: mean for value, mean, _ in params()["channels"][0]["intensities"]}
    assert (drawn[1], drawn[2], drawn[3]) == pytest.approx((120, 40, 80), abs=5)


@pytest.mark.parametrize(("flags", "means"), [(["--modality", "ct"], (-1000, 60, 40)), ([], (0, 255, 250))])
def test_a_prior_keeps_hounsfield_units_if_the_file_or_a_flag_says_ct(folder, capsys, flags, means):
    """NIfTI does not say what a scan shows; one that looks like CT is pointed out."""
    labels = read_labels("labels.nii.gz")
    values = np.array([-1000, 60, 40, -20], np.int16)[labels.array]
    write_volume(Volume(values, labels.affine), "scan.nii.gz")
    assert main(["prior", "scan.nii.gz", "labels.nii.gz", "-o", "p.yaml", *flags]) == 0
    assert ("--modality CT keeps them in HU" in capsys.readouterr().out) is not bool(flags)
    classes = yaml.safe_load((folder / "p.yaml").read_text())["classes"]
    found = [classes[name]["mean"] for name in ("background", "vertebra", "disc")]
    assert found == pytest.approx(means, abs=1)


def test_a_prior_of_several_scans_and_cases(folder):
    labels = read_labels("labels.nii.gz")
    for name, shift in (("a", 0), ("b", 40)):
        values = np.array([0.0, 120, 40, 80])[labels.array] + shift
        image = Volume(values.astype(np.float32), labels.affine, modality="CT")
        write_volume(image, f"{name}.nii.gz")
        write_case(Case(id=name, image=image, labels=labels), name)
    assert main(["prior", "a.nii.gz", "labels.nii.gz", "b.nii.gz", "labels.nii.gz", "-o", "files.yaml"]) == 0
    assert main(["prior", "a", "b", "--by", "tissue", "-o", "cases.yaml"]) == 0
    assert set(yaml.safe_load((folder / "cases.yaml").read_text())["classes"]) >= {"bone", "disc", "muscle"}
    assert main(["render", "labels.nii.gz", "-o", "out", "--prior", "cases.yaml", "--preset", "spine-t1"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["labels.nii.gz"], "labels.nii.gz has no label map"),
        (["no.nii.gz", "labels.nii.gz"], "no.nii.gz"),
        (["labels.nii.gz", "labels.nii.gz", "--scheme", "nobody"], "nobody"),
        ([], "from no image"),
    ],
)
def test_a_prior_of_nothing_is_refused(folder, capsys, words, said):
    assert main(["prior", *words, "-o", "p.yaml"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert not (folder / "p.yaml").exists()


def test_a_prior_replaces_a_file_only_if_that_is_asked_for(folder, capsys):
    (folder / "p.yaml").write_text("mine")
    assert main(["prior", "labels.nii.gz", "labels.nii.gz", "-o", "p.yaml"]) == 1
    assert "p.yaml is there already" in capsys.readouterr().err
    assert main(["prior", "labels.nii.gz", "labels.nii.gz", "-o", "p.yaml", "--overwrite"]) == 0


RECIPE = """\
seed: 7
steps:
  - phantom: {anatomy: torso, image_size: [24, 32, 32], region: abdomen}
  - render: {preset: abdomen-mr, noise: {std: [0.01, 0.02]}}
"""


def test_a_body_is_rendered_by_a_recipe_and_by_a_dataset(folder):
    """The phantom's own image gives way to the rendered one, and the history says so."""
    (folder / "r.yaml").write_text(RECIPE, encoding="utf-8")
    assert main(["run", "r.yaml", "-o", "out"]) == 0
    made = read_case("out")
    assert made.image.modality == "MR"
    assert made.image.array.dtype == np.float32
    assert [record.step for record in made.history] == ["phantom", "render"]
    again = replay(Case(id=made.id), made.history)
    np.testing.assert_array_equal(again.image.array, made.image.array)
    flags = ["--workers", "1", "--no-report", "--validation-split", "0", "--test-split", "0"]
    assert main(["dataset", "r.yaml", "-n", "2", "-o", "data", *flags]) == 0
    assert main(["verify", "data"]) == 0
