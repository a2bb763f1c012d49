"""Folders as SynthLung leaves them: its names, its float voxels, its boxes around several lesions at once."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest

from napari_medsynth.core.errors import SeedError
from napari_medsynth.tumor.library import SeedLibrary
from napari_medsynth.tumor.seed import LESION, OTHER
from napari_medsynth.tumor.synthlung import read_listing, write_listing

AFFINE = np.diag([-0.7, -0.7, 1.25, 1.0])
AFFINE[:3, 3] = (180.0, 170.0, -300.0)


def whole_scan():
    """A scan with two lesions, as ``(x, y, z)``."""
    grid = np.indices((60, 50, 30)).transpose(1, 2, 3, 0) * (0.7, 0.7, 1.25)
    near = np.linalg.norm(grid - (14, 14, 15), axis=-1) <= 5
    far = np.linalg.norm(grid - (30, 20, 20), axis=-1) <= 3
    image = np.random.default_rng(0).normal(-850, 20, near.shape)
    image[near | far] = 35
    return image.round().astype(np.int16), (near | far).astype(np.uint8)


def save(array, path):
    nib.Nifti1Image(array, AFFINE).to_filename(path)


def as_synthlung_cuts(image, label):
    """The box around all labelled voxels, everything else −1024, both as float32."""
    hits = np.argwhere(label)
    box = tuple(slice(a, b + 1) for a, b in zip(hits.min(axis=0), hits.max(axis=0), strict=True))
    image, label = image[box].astype(np.float32), label[box].astype(np.float32)
    return np.where(label > 0, image, -1024).astype(np.float32), label


@pytest.fixture
def run_in(tmp_path, monkeypatch):
    """The folder that SynthLung was run in, with its listings of seeds and sources."""
    monkeypatch.chdir(tmp_path)
    image, label = whole_scan()
    source, seeds = tmp_path / "assets/images/source", tmp_path / "assets/images/seeds"
    for folder, prefix, pair in [
        (source, "source", (image, label)),
        (seeds, "seed", as_synthlung_cuts(image, label)),
    ]:
        folder.mkdir(parents=True)
        for array, kind in zip(pair, ("image", "label"), strict=True):
            save(array, folder / f"{prefix}_msd_lung_001_{kind}.nii.gz")
    listed = "./assets/images/source/source_msd_lung_001_{}.nii.gz"
    write(source, [{"image": listed.format("image"), "label": listed.format("label")}])
    listed = "./assets/images/seeds/seed_msd_lung_001_{}.nii.gz"
    write(seeds, [{"seed_image": listed.format("image"), "seed_label": listed.format("label")}])
    return tmp_path


def write(folder, entries):
    (folder / "dataset.json").write_text(json.dumps(entries, indent=4))


def test_seeds_open_as_one_seed_per_lesion(run_in):
    library = SeedLibrary.open(run_in / "assets/images/seeds")
    assert [info.id for info in library.infos] == ["msd_lung_001-1", "msd_lung_001-2"]
    _, label = whole_scan()
    total = sum(info.volume_ml for info in library.infos)
    assert total == pytest.approx(label.sum() * 0.7 * 0.7 * 1.25 / 1000)
    assert {(i.patient, i.organ, i.attachment, i.core_hu) for i in library.infos} == {
        ("msd_lung_001", "lung", "isolated", 35)
    }
    assert library.problems == ()


def test_what_such_seeds_do_not_know_of_their_surroundings_stays_unknown(run_in):
    library = SeedLibrary.open(run_in / "assets/images/seeds")
    for info in library.infos:
        seed = library.load(info.id)
        lesion = seed.mask.array == LESION
        assert info.ring_hu == -850
        assert (seed.image.array[~lesion] == -1024).all()
        assert (seed.image.array[lesion] == 35).all()
        margins = np.argwhere(lesion).min(axis=0) * seed.image.spacing
        assert (margins >= 4.0).all()


def test_every_value_of_such_a_seed_is_lesion(run_in):
    image, label = whole_scan()
    label[30:] *= 2  # the second lesion has another value
    folder = run_in / "assets/images/seeds"
    for array, kind in zip(as_synthlung_cuts(image, label), ("image", "label"), strict=True):
        save(array, folder / f"seed_msd_lung_001_{kind}.nii.gz")
    assert len(SeedLibrary.open(folder)) == 2


def test_other_lesions_of_the_same_box_are_known_but_blank(run_in):
    image, label = whole_scan()
    label[30:33, 20:23, 15:17] = 1
    image[30:33, 20:23, 15:17] = 35  # 3 mm beside the first lesion
    folder = run_in / "assets/images/seeds"
    for array, kind in zip(as_synthlung_cuts(image, label), ("image", "label"), strict=True):
        save(array, folder / f"seed_msd_lung_001_{kind}.nii.gz")
    library = SeedLibrary.open(folder)
    seeds = [library.load(info.id) for info in library.infos]
    assert any((seed.mask.array == OTHER).any() for seed in seeds)
    assert all((seed.image.array[seed.mask.array == OTHER] == -1024).all() for seed in seeds)


def test_sources_open_with_their_lesions_cut_out_on_the_way(run_in):
    library = SeedLibrary.open(run_in / "assets/images/source")
    assert [info.id for info in library.infos] == ["msd_lung_001-1", "msd_lung_001-2"]
    assert [info.ring_hu for info in library.infos] == pytest.approx([-850, -850], abs=5)
    image, _ = whole_scan()
    seed = library.load("msd_lung_001-1")
    start = np.rint(np.linalg.inv(AFFINE) @ (*seed.image.affine.origin, 1))[:3].astype(int)
    box = tuple(slice(a, a + n) for a, n in zip(start, seed.image.shape[::-1], strict=True))
    assert np.array_equal(seed.image.array, image[box].T)


def test_a_folder_that_was_moved_opens_from_anywhere(run_in, tmp_path, monkeypatch):
    moved = tmp_path / "elsewhere"
    (run_in / "assets/images/seeds").rename(moved)
    monkeypatch.chdir("/")
    assert len(SeedLibrary.open(moved)) == 2


def test_files_elsewhere_are_found_from_the_working_directory(run_in):
    listing = run_in / "listing"
    listing.mkdir()
    (run_in / "assets/images/seeds/dataset.json").rename(listing / "dataset.json")
    assert len(SeedLibrary.open(listing)) == 2


def test_a_folder_of_ours_is_not_changed_and_does_not_change(run_in):
    folder = run_in / "assets/images/seeds"
    before = sorted(folder.rglob("*"))
    library = SeedLibrary.open(folder)
    with pytest.raises(SeedError, match="create a library and merge"):
        library.remove(["msd_lung_001-1"])
    with pytest.raises(SeedError, match="create a library and merge"):
        library.add([library.load("msd_lung_001-1")])
    assert sorted(folder.rglob("*")) == before
    mine = SeedLibrary.create(run_in / "mine")
    assert mine.merge(library) == ("msd_lung_001-1", "msd_lung_001-2")
    assert mine.verify() == []


def test_an_entry_without_seed_is_a_problem_and_the_rest_is_as_good(run_in):
    folder = run_in / "assets/images/source"
    image, label = whole_scan()
    save(image, folder / "source_msd_lung_002_image.nii.gz")
    save(label * 0, folder / "source_msd_lung_002_label.nii.gz")
    entries = json.loads((folder / "dataset.json").read_text())
    pair = {key: value.replace("001", "002") for key, value in entries[0].items()}
    lost = {key: value.replace("001", "003") for key, value in entries[0].items()}
    write(folder, [pair, *entries, lost])
    library = SeedLibrary.open(folder)
    assert len(library) == 2
    empty, missing = library.problems
    assert "msd_lung_002 has no usable seed" in empty
    assert "msd_lung_003 has no usable seed" in missing
    write(folder, [pair])
    with pytest.raises(SeedError, match="msd_lung_002 has no usable seed"):
        SeedLibrary.open(folder)


@pytest.mark.parametrize(
    "listed",
    ["/etc/hostname", "../../../../../../etc/hostname", "assets/../../../../etc/hostname", "..\\..\\etc\\hostname"],
)
def test_a_path_does_not_lead_out(run_in, listed):
    folder = run_in / "assets/images/seeds"
    write(folder, [{"seed_image": listed, "seed_label": listed}])
    _, (entry,) = read_listing(folder)
    assert entry.image == folder / "hostname"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[1]",
        '[{"a": "b"}]',
        '[{"seed_image": 1, "seed_label": "x"}]',
        '[{"seed_image": "", "seed_label": "x"}]',
        '[{"seed_image": "a\\u0000b", "seed_label": "x"}]',
        '[{"seed_image": "a", "seed_label": "b"}, {"image": "a", "label": "b"}]',
        "[" * 100_000,
    ],
)
def test_a_damaged_listing_is_refused_in_one_line(run_in, text):
    folder = run_in / "assets/images/seeds"
    (folder / "dataset.json").write_text(text, encoding="utf-8")
    with pytest.raises(SeedError) as error:
        SeedLibrary.open(folder)
    assert "\n" not in str(error.value)
    assert "dataset.json" in str(error.value)


def test_hosts_hold_no_seeds(run_in):
    write(run_in, [{"host_image": "a_image.nii.gz", "host_label": "a_label.nii.gz"}])
    with pytest.raises(SeedError, match="lists hosts"):
        SeedLibrary.open(run_in)


@pytest.mark.parametrize("form", ["source", "seed", "host"])
def test_a_listing_is_written_as_synthlung_does(tmp_path, form):
    pair = (tmp_path / f"{form}_msd_1_image.nii.gz", tmp_path / f"{form}_msd_1_label.nii.gz")
    path = write_listing(tmp_path, form, [pair])
    prefix = "" if form == "source" else f"{form}_"
    expected = [{f"{prefix}image": str(pair[0]), f"{prefix}label": str(pair[1])}]
    assert path.read_text() == json.dumps(expected, indent=4)
    pair[0].touch()
    found, (entry,) = read_listing(tmp_path)
    assert (found, entry.name, entry.image) == (form, "msd_1", pair[0])
