"""Label maps, priors and settings that cannot be used: one clear line each, and nothing left behind.

And what only looks odd, and must work: one slice, one voxel, flat bricks for voxels, hundreds of labels.
"""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from napari_medsynth import Case, LabelMap, LabelTable, Render, Volume, write_case
from napari_medsynth.cli.app import main
from napari_medsynth.core.affine import Affine
from napari_medsynth.core.errors import ConfigError, GridError, LabelError, ReadError, RecordError
from napari_medsynth.core.record import Record
from napari_medsynth.io import read_labels
from napari_medsynth.rendering import carry, estimate_prior, read_prior


def brain(shape=(12, 24, 20), spacing=(1.0, 1.0, 1.0)):
    """Boxes in boxes with values of FreeSurfer: cortex and white matter of one side, and a ventricle of none."""
    array = np.zeros(shape, np.uint8)
    for value, margin in ((3, 2), (2, 4), (14, 5)):
        array[tuple(slice(min(margin, n // 3), n - min(margin, n // 3)) for n in shape)] = value
    return LabelMap(array, Affine.from_spacing(spacing))


def case_of(labels):
    return Case(id="odd", labels=labels)


def rendered(labels, seed=1, **settings):
    return Render(**settings)(case_of(labels), seed=seed)


def nifti(path, array, affine=None):
    """Write an array as it is, axes x, y, z …, whatever it holds."""
    nib.Nifti1Image(array, np.eye(4) if affine is None else affine).to_filename(path)
    return path


def refused(capsys, folder, *words, status=1):
    """Run ``medsynth render``, which must fail; returns its one line. Nothing may be left of its output."""
    before = sorted(folder.rglob("*"))
    for out in (folder / "out.nii.gz", folder / "out"):
        assert main(["render", *(str(w) for w in words), "-o", str(out)]) == status
        said = capsys.readouterr().err.strip()
        assert len(said.splitlines()) == 1, said
        assert "Traceback" not in said
        assert "internal error" not in said
    assert sorted(folder.rglob("*")) == before
    return said


# ---- files


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.full((4, 5, 6), 1.5, np.float32), "1.5"),
        (np.full((4, 5, 6), -1, np.int16), "-1"),
        (np.full((4, 5, 6), 70000, np.int32), "70000"),
        (np.full((4, 5, 6), np.nan, np.float32), "nan"),
        (np.full((4, 5, 6), np.inf, np.float64), "inf"),
    ],
    ids=["no whole number", "negative", "above 65535", "NaN", "infinite"],
)
def test_a_file_whose_values_are_no_labels_is_refused(tmp_path, capsys, array, found):
    path = nifti(tmp_path / "labels.nii.gz", array)
    said = refused(capsys, tmp_path, path)
    assert "labels.nii.gz" in said
    assert found in said
    assert "65535" in said or "finite" in said.lower()
    with pytest.raises((LabelError, ReadError), match=r"labels\.nii\.gz"):
        read_labels(path)
    if np.isfinite(array).all():
        with pytest.raises(LabelError, match="expected whole numbers from 0 to 65535"):
            LabelMap(array)


def test_whole_numbers_kept_as_float_are_labels(tmp_path):
    path = nifti(tmp_path / "labels.nii.gz", brain().array.astype(np.float64).T)
    assert main(["render", str(path), "-o", str(tmp_path / "image.nii.gz"), "--keep-shape"]) == 0
    assert np.array_equal(read_labels(tmp_path / "image_labels.nii.gz").array, brain().array)


def test_a_file_that_is_all_background_is_refused(tmp_path, capsys):
    path = nifti(tmp_path / "empty.nii.gz", np.zeros((6, 6, 6), np.uint8))
    assert "all background" in refused(capsys, tmp_path, path)
    with pytest.raises(LabelError, match=r"all background; expected labels"):
        rendered(LabelMap(np.zeros((6, 6, 6), np.uint8)))


@pytest.mark.parametrize("where", ["sform", "pixdim"])
def test_a_file_with_nan_for_a_spacing_is_refused(tmp_path, capsys, where):
    path = nifti(tmp_path / "nowhere.nii", brain().array.T)
    image = nib.load(path)
    header = image.header.copy()
    if where == "sform":
        header["srow_y"] = np.nan
    else:
        header["pixdim"][2] = np.nan
        header["sform_code"], header["qform_code"] = 0, 0
    data = bytearray(path.read_bytes())
    data[: len(header.binaryblock)] = header.binaryblock
    path.write_bytes(data)
    assert "nowhere.nii" in refused(capsys, tmp_path, path)


def test_a_spacing_that_is_nan_is_refused():
    with pytest.raises(GridError, match="spacing is"):
        Affine.from_spacing((1.0, float("nan"), 1.0))
    matrix = np.eye(4)
    matrix[0, 0] = np.nan
    with pytest.raises(GridError, match="not finite"):
        LabelMap(np.ones((3, 3, 3), np.uint8), Affine(matrix))


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    assert "missing.nii.gz" in refused(capsys, tmp_path, tmp_path / "missing.nii.gz")


def test_an_image_in_place_of_labels_is_refused(tmp_path, capsys):
    scan = np.random.default_rng(0).normal(0, 100, (5, 6, 7)).astype(np.float32)
    assert "scan.nii.gz" in refused(capsys, tmp_path, nifti(tmp_path / "scan.nii.gz", scan))


# ---- what labels mean


def test_labels_without_intensities_are_all_listed(tmp_path, capsys):
    array = brain().array.copy()
    array[:, :3, :3], array[:, -3:, :3] = 201, 202
    with pytest.raises(LabelError, match=r"brain-t1.* 201 .* 202 ") as caught:
        rendered(LabelMap(array), preset="brain-t1")
    assert " 2 (" not in str(caught.value)
    assert "tissues" in str(caught.value)
    said = refused(capsys, tmp_path, nifti(tmp_path / "labels.nii.gz", array.T), "--preset", "brain-t1")
    assert "201" in said
    assert "202" in said
    tissues = ((201, "csf"), (202, "white matter"))
    assert rendered(LabelMap(array), preset="brain-t1", tissues=tissues).image is not None


def test_very_many_labels_without_intensities_are_counted():
    array = np.arange(60000, 60040, dtype=np.uint16).reshape(1, 5, 8)
    with pytest.raises(LabelError, match=r"and 30 more") as caught:
        rendered(LabelMap(array), preset="brain-t1")
    assert len(str(caught.value)) < 1500


def test_a_class_that_the_preset_does_not_have_is_named_with_the_nearest():
    with pytest.raises(LabelError, match="white matter"):
        rendered(brain(), preset="brain-t1", tissues=((2, "white mater"),))


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"preset": "brain-t3"}, "brain-t"),
        ({"also": ("brain-t22",)}, "brain-t2"),
        ({"preset": "brain-t1", "toward": "nothing at all", "contrast_alpha": 0.5}, "nothing at all"),
        ({"scheme": "freesurfr"}, "freesurfer"),
        ({"contrast_alpha": -0.1, "preset": "brain-t1"}, "contrast_alpha is -0.1; expected 0 to 1"),
        ({"contrast_alpha": 1.01, "preset": "brain-t1"}, "contrast_alpha is 1.01; expected 0 to 1"),
        ({"contrast_alpha": float("nan"), "preset": "brain-t1"}, "contrast_alpha is nan; expected 0 to 1"),
        ({"contrast_alpha": 0.5, "preset": "synthseg"}, "'synthseg' has no opposite; expected 'toward'"),
        ({"random_contrast": 2.0}, "random_contrast is 2.0; expected 0 to 1"),
        ({"crop": (13, 4, 4)}, r"crop is 13×4×4 .* 12×24×20.*; expected"),
        ({"crop": (0, 4, 4)}, "crop is 0; expected 1"),
        ({"targets": (70000,)}, "targets is 70000; expected 0 to 65535"),
        ({"noise": {"strenght": 1}}, "no setting 'strenght'"),
        ({"warp": {"rotation": 400}}, "rotation is 400"),
        ({"bias_field": {"std": (0.5, 0.1)}}, "low end first"),
        ({"resolution": {"aniso": (8.0, 1.0)}}, "low end first"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(settings, found):
    with pytest.raises(ConfigError, match=found) as caught:
        rendered(brain(), **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "found", "status"),
    [
        (["--preset", "brain-t3"], "did you mean", 2),
        (["--scheme", "freesurfr"], "freesurfer", 1),
        (["--preset", "brain-t1", "--contrast-alpha", "1.5"], "1.5", 2),
        (["--contrast-alpha", "0.5"], "no opposite", 1),
        (["--crop", "100,4,4"], "100×4×4", 1),
        (["--prior", "nowhere.yaml"], "nowhere.yaml", 1),
        (["--warp.rotation", "400"], "400", 2),
        (["--count", "0"], "0", 1),
    ],
)
def test_the_command_says_so_in_one_line(tmp_path, capsys, words, found, status):
    """With status 2 where a flag alone tells that it cannot be used."""
    labels = nifti(tmp_path / "labels.nii.gz", brain().array.T)
    assert found in refused(capsys, tmp_path, labels, *words, status=status)


# ---- priors


PRIOR = "classes:\n  liver: {mean: {uniform: [100, 120]}, std: 10}\n"


def test_a_prior_for_other_labels_lists_those_it_has_not(tmp_path, capsys):
    path = tmp_path / "liver.yaml"
    path.write_text(PRIOR)
    with pytest.raises(LabelError, match=r"liver.yaml has no intensities for .*2 \(Left-Cerebral-White-Matter\)"):
        rendered(brain(), prior=path)
    labels = nifti(tmp_path / "labels.nii.gz", brain().array.T)
    assert "liver.yaml" in refused(capsys, tmp_path, labels, "--prior", path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("classes: [", "not valid YAML"),
        ("", "prior"),
        ("- 1\n- 2\n", "prior"),
        ("classes: {}\n", "neither classes nor a default"),
        ("classes:\n  liver: {mean: 100}\n", "std"),
        ("classes:\n  liver: {mean: 100, std: -3}\n", "expected 0 or more"),
        ("classes:\n  liver: {mean: .nan, std: 3}\n", "finite"),
        ("classes:\n  liver: {mean: {gaussian: [1, 2]}, std: 3}\n", "uniform"),
        ("classes:\n  liver: {mean: {uniform: [2, 1]}, std: 3}\n", "2"),
        ("classes:\n  liver: {mean: {uniform: [1]}, std: 3}\n", "uniform"),
        ("classes:\n  liver: {mean: {values: []}, std: 3}\n", "values"),
        ("clases:\n  liver: {mean: 1, std: 3}\n", "did you mean 'classes'"),
        ("classes:\n  1: {mean: 1, std: 3}\n", "classes"),
        ("classes:\n  liver: {mean: 1, std: 3}\n  liver: {mean: 2, std: 3}\n", "twice"),
        ("default: {mean: 1, std: 1}\nbackground: [{probability: 2, mean: 1, std: 1}]\n", "from 0 to 1"),
        ("default: {mean: 1.0e+400, std: 1}\n", "finite"),
    ],
)
def test_a_damaged_prior_is_refused_by_name(tmp_path, text, found):
    path = tmp_path / "prior.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=found) as caught:
        read_prior(path)
    assert "prior.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_prior_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "prior.yaml"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(ReadError, match=r"prior.yaml is not text"):
        rendered(brain(), prior=path)


def test_a_prior_is_not_estimated_from_several_channels():
    colours = Volume(np.zeros((3, 12, 24, 20), np.float32), channels=True)
    with pytest.raises(GridError, match=r"3 channels; expected one"):
        estimate_prior([(colours, brain())])


# ---- cases


def test_a_case_without_labels_is_refused():
    image = Volume(np.zeros((4, 4, 4), np.float32))
    with pytest.raises(ConfigError, match=r"case 'scan' has no labels; expected a label map to render"):
        Render()(Case(id="scan", image=image), seed=1)


def test_an_image_of_several_channels_gives_way_to_the_new_one():
    colours = Volume(np.zeros((3, 12, 24, 20), np.float32), channels=True)
    case = Render()(replace(case_of(brain()), image=colours), seed=1)
    assert case.image.array.shape == (12, 24, 20)
    assert not case.image.channels


def test_a_record_of_another_step_cannot_be_carried():
    other = Record("phantom", 1, {}, {"body": {}}, {})
    with pytest.raises(RecordError, match=r"phantom.*render"):
        carry(brain(), other)


def test_a_map_of_another_size_cannot_be_carried():
    case = rendered(brain())
    with pytest.raises(GridError, match="expected"):
        carry(brain((6, 12, 10)), case.history[-1])


def test_nothing_is_left_when_a_later_step_of_a_recipe_fails(tmp_path, capsys):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("seed: 1\nsteps:\n  - render: {}\n  - render: {preset: brain-t1, tissues: [[2, nothing]]}\n")
    labels = nifti(tmp_path / "labels.nii.gz", brain().array.T)
    out = tmp_path / "out"
    assert main(["run", str(recipe), "-l", str(labels), "-o", str(out)]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not out.exists()


# ---- odd, and fine


@pytest.mark.parametrize("preset", ["synthseg", "brain-t1", "brain-flair"])
def test_one_slice_of_a_volume_is_a_2d_image(preset):
    flat = brain((24, 20), (1.0, 1.0))
    slice_ = LabelMap(flat.array[None], flat.affine)
    for seed in range(3):
        two, three = (rendered(labels, seed, preset=preset) for labels in (flat, slice_))
        assert two.image.shape == (24, 20)
        assert three.image.shape == (1, 24, 20)
        assert np.array_equal(two.image.array, three.image.array[0])
        assert np.array_equal(two.labels.array, three.labels.array[0])


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((3, 64, 64), (60.0, 0.3, 0.3)),
        ((64, 3, 64), (0.3, 60.0, 0.3)),
        ((40, 40, 40), (0.01, 10.0, 10.0)),
        ((2, 2, 200), (1.0, 1.0, 1.0)),
        ((30, 1, 30), (1.0, 1.0, 1.0)),
        ((30, 30, 1), (1.0, 500.0, 1.0)),
        ((1, 1, 50), (1.0, 1.0, 1.0)),
        ((1, 1, 1), (1.0, 1.0, 1.0)),
    ],
)
@pytest.mark.parametrize("grid", ["labels", "acquisition"])
def test_bricks_for_voxels_and_thin_stacks_are_rendered(shape, spacing, grid):
    labels = (
        brain(shape, spacing) if min(shape) > 1 else LabelMap(np.full(shape, 2, np.uint8), Affine.from_spacing(spacing))
    )
    for seed in range(4):
        case = rendered(labels, seed, grid=grid)
        assert np.isfinite(case.image.array).all()
        assert case.image.same_grid(case.labels)
        assert set(np.unique(case.labels.array)) <= {0, 2, 3, 14, 41, 42}
        if grid == "labels":
            assert case.image.shape == shape


def test_three_hundred_labels_of_16_bits_keep_their_values():
    values = np.arange(300) * 200 + 7
    array = np.kron(values.reshape(3, 10, 10), np.ones((2, 3, 3), int)).astype(np.uint16)
    still = {name: {"prob": 0} for name in ("warp", "flip")}
    labels = LabelMap(array, table=LabelTable.from_names({int(v): f"parcel {v}" for v in values}))
    case = rendered(labels, **still, bias_field={"prob": 0}, resolution={"prob": 0}, intensity={"prob": 0})
    assert np.array_equal(case.labels.array, array)
    for value, mean, std in case.history[-1].params["channels"][0]["intensities"]:
        voxels = case.image.array[array == value]
        assert value == 0 or np.abs(voxels.mean() - mean) < 5 * std / np.sqrt(voxels.size), value
    moved = rendered(labels)
    assert set(np.unique(moved.labels.array)) <= {0, *values}
    assert np.unique(moved.labels.array).size > 200


def test_a_structure_of_one_voxel_is_rendered():
    array = np.zeros((9, 9, 9), np.uint8)
    array[4, 4, 4] = 2
    for seed in range(5):
        case = rendered(LabelMap(array), seed)
        assert np.isfinite(case.image.array).all()
        assert set(np.unique(case.labels.array)) <= {0, 2, 41}


def test_a_label_map_without_background_is_rendered():
    case = rendered(LabelMap(np.full((8, 8, 8), 14, np.uint8)))
    assert np.isfinite(case.image.array).all()
    assert (case.labels.array == 14).all()


def test_a_case_on_disk_is_as_good_as_one_in_memory(tmp_path):
    write_case(case_of(brain()), tmp_path / "case")
    assert main(["render", str(tmp_path / "case"), "-o", str(tmp_path / "out"), "--seed", "1"]) == 0
