from __future__ import annotations

import gc
import json
import multiprocessing
import os
import pickle  # noqa: TID251 - what DataLoader sends to its workers
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import SeedError, WriteError
from napari_medsynth.core.labels import LabelMap
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_volume, write_labels, write_volume
from napari_medsynth.tumor import library_index
from napari_medsynth.tumor.extract import extract_seeds, put_back
from napari_medsynth.tumor.library import SeedLibrary
from napari_medsynth.tumor.seed import Seed, SeedInfo

SHAPE = (16, 32, 32)
AFFINE = Affine.from_spacing((2.0, 1.0, 1.0), origin=(12.5, -250.25, 1133.0), orientation="SPL")


def scan(radius=5.0, name="patient_1", centre=(8, 16, 16)):
    """A case with one ball of 30 HU in a lung, and the ball."""
    grid = np.indices(SHAPE).reshape(3, -1).T
    mask = (np.linalg.norm((grid - centre) * (2.0, 1.0, 1.0), axis=1) <= radius).reshape(SHAPE)
    image = np.random.default_rng(0).normal(-850, 20, SHAPE).astype(np.int16)
    image[mask] = 30
    return Case(id=name, image=Volume(image, AFFINE, "CT"), labels=LabelMap(mask, AFFINE))


def seed(radius=5.0, name="patient_1", **info) -> Seed:
    (cut,) = finish(extract_seeds(scan(radius, name), organ="lung"))
    return replace(cut, info=replace(cut.info, **info))


@pytest.fixture
def library(tmp_path):
    made = SeedLibrary.create(tmp_path / "lib")
    made.add([seed(3.0, "a"), seed(5.0, "b"), seed(7.0, "c")])
    return made


def edit_index(library, change):
    path = library.folder / "index.json"
    index = json.loads(path.read_text())
    change(index)
    path.write_text(json.dumps(index))


def test_a_stored_seed_comes_back_as_it_was(library):
    stored, loaded = seed(5.0, "b"), SeedLibrary.open(library.folder).load("b-1")
    assert loaded.info == stored.info
    assert np.array_equal(loaded.image.array, stored.image.array)
    assert np.array_equal(loaded.mask.array, stored.mask.array)
    assert (loaded.image.modality, loaded.image.array.dtype) == ("CT", np.int16)
    assert [entry.name for entry in loaded.mask.table] == ["lesion", "other lesion"]
    case = scan(5.0, "b")
    assert np.array_equal(put_back(case.image, loaded).array, case.image.array)


def test_an_opened_library_knows_its_seeds_without_loading_them(library):
    for path in library.folder.glob("*.nii.gz"):
        path.write_bytes(b"")
    opened = SeedLibrary.open(library.folder)
    assert [info.id for info in opened.infos] == ["a-1", "b-1", "c-1"]
    assert opened.infos == library.infos
    assert len(opened) == 3
    assert "b-1" in opened


def test_the_same_seeds_make_the_same_files(library, tmp_path):
    other = SeedLibrary.create(tmp_path / "other")
    other.add([seed(7.0, "c"), seed(5.0, "b"), seed(3.0, "a")])
    files = sorted(p.relative_to(library.folder) for p in library.folder.rglob("*") if p.is_file())
    assert len(files) == 3 * 4 + 2  # with the index and the lock
    for file in files:
        assert (library.folder / file).read_bytes() == (other.folder / file).read_bytes()


def test_search_meets_every_condition(library):
    library.add([seed(6.0, "d", attachment="juxta-vascular", organ="Liver", patient="p9")])

    def ids(**conditions):
        return [info.id for info in library.search(**conditions)]

    assert ids() == ["a-1", "b-1", "c-1", "d-1"]
    assert ids(diameter_mm=(8.0, 12.9)) == ["b-1", "d-1"]
    volume = library.load("b-1").info.volume_ml
    assert ids(volume_ml=(volume, volume)) == ["b-1"]
    assert ids(attachment="juxta-vascular") == ["d-1"]
    assert ids(attachment=("isolated", "juxta-vascular")) == ["a-1", "b-1", "c-1", "d-1"]
    assert ids(organ="liver") == ["d-1"]
    assert ids(patient="p9") == ["d-1"]
    assert ids(exclude_patients=("p9", "a")) == ["b-1", "c-1"]
    assert ids(diameter_mm=(8.0, 12.9), organ="lung") == ["b-1"]
    assert ids(patient="nobody") == []


def test_adding_a_seed_again_changes_nothing(library):
    before = {p: p.stat().st_mtime_ns for p in library.folder.glob("*.nii.gz")}
    assert library.add([seed(5.0, "b"), seed(4.0, "d")]) == ("d-1",)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_another_seed_with_the_same_id_is_refused_and_nothing_is_added(library):
    with pytest.raises(SeedError, match="another seed with the id b-1"):
        library.add([seed(4.0, "d"), seed(4.0, "b")])
    assert [info.id for info in SeedLibrary.open(library.folder).infos] == ["a-1", "b-1", "c-1"]
    assert library.verify() == []


def test_a_seed_that_is_not_what_it_says_is_refused(library):
    good = seed(4.0, "d")
    empty = LabelMap(np.zeros(good.mask.shape, dtype=np.uint8), good.mask.affine)
    for bad, message in [
        (replace(good, info=replace(good.info, sha256="0" * 64)), "not what its checksum says"),
        (replace(good, info=replace(good.info, id="../d")), "has id '../d'"),
        (replace(good, info=replace(good.info, volume_ml=float("nan"))), "volume_ml"),
        (replace(good, mask=empty), "expected a lesion"),
    ]:
        with pytest.raises(SeedError, match=message):
            library.add([bad])
    assert library.verify() == []


def test_removed_seeds_are_gone_with_their_files(library):
    library.remove(["a-1", "c-1"])
    assert [info.id for info in library.infos] == ["b-1"]
    assert [info.id for info in SeedLibrary.open(library.folder).infos] == ["b-1"]
    assert library.verify() == []
    with pytest.raises(SeedError, match="no seed 'a-1'"):
        library.load("a-1")


def test_nothing_is_removed_if_one_id_is_not_known(library):
    with pytest.raises(SeedError, match="no seed 'x-1' among its 3"):
        library.remove(["a-1", "x-1"])
    assert "a-1" in SeedLibrary.open(library.folder)


def test_merging_takes_what_is_new(library, tmp_path):
    other = SeedLibrary.create(tmp_path / "other")
    other.add([seed(5.0, "b"), seed(6.0, "d")])
    assert library.merge(other) == ("d-1",)
    assert library.verify() == []
    assert library.merge(library) == ()


def test_a_thumbnail_is_a_small_picture_that_is_drawn_anew_when_lost(library):
    from PIL import Image

    path = library.thumbnail("b-1")
    first = path.read_bytes()
    with Image.open(path) as picture:
        assert (picture.size, picture.mode) == ((96, 96), "RGB")
        pixels = np.asarray(picture).astype(int)
    coloured = np.argwhere(pixels[..., 0] - pixels[..., 2] > 100)
    assert coloured.min(axis=0) == pytest.approx(np.array([25, 25]), abs=3)  # 11 of 23 mm, in the middle
    assert coloured.max(axis=0) == pytest.approx(np.array([70, 70]), abs=3)
    assert pixels[48, 48].tolist() == [235, 235, 235]  # 30 HU in the lung window
    path.unlink()
    assert library.thumbnail("b-1").read_bytes() == first


def test_a_thumbnail_shows_the_patient_from_below_whatever_the_axes(library, tmp_path):
    original = scan(4.0, "d", centre=(8, 9, 23))
    other_axes = Case(id="d", image=original.image.reoriented("RIA"), labels=original.labels.reoriented("RIA"))
    other = SeedLibrary.create(tmp_path / "other")
    library.add(finish(extract_seeds(original, margin_mm=12.0)))
    other.add(finish(extract_seeds(other_axes, margin_mm=12.0)))
    assert library.thumbnail("d-1").read_bytes() == other.thumbnail("d-1").read_bytes()


def test_a_loaded_seed_stays_in_memory(library):
    assert library.load("b-1") is library.load("b-1")


def test_a_seed_that_was_replaced_is_not_the_old_one(library):
    old = library.load("b-1")
    library.remove(["b-1"])
    library.add([seed(6.0, "b")])
    assert library.load("b-1").info.volume_ml > old.info.volume_ml


def test_a_library_can_be_sent_to_a_worker(library):
    library.load("b-1")
    copy = pickle.loads(pickle.dumps(library))
    assert copy.infos == library.infos
    assert copy.load("b-1").info == library.load("b-1").info


def test_the_working_directory_may_change(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = SeedLibrary.create("lib")
    made.add([seed()])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert made.load("patient_1-1").info == seed().info


def damaged_files():
    def cut_short(path):
        path.write_bytes(path.read_bytes()[:-40])

    def one_voxel_changed(path):
        image = read_volume(path)
        array = image.array.copy()
        array[0, 0, 0] += 1
        write_volume(replace(image, array=array), path)

    def another_seed(path):
        shutil.copy(path.with_name("a-1_image.nii.gz"), path)

    def text(path):
        path.write_text("no image")

    return [cut_short, one_voxel_changed, another_seed, text, Path.unlink]


@pytest.mark.parametrize("damage", damaged_files())
def test_a_damaged_seed_is_refused_and_the_rest_stays_usable(library, damage):
    damage(library.folder / "b-1_image.nii.gz")
    opened = SeedLibrary.open(library.folder)
    with pytest.raises(SeedError, match="b-1") as error:
        opened.load("b-1")
    assert "\n" not in str(error.value)
    assert opened.load("a-1").info.source == "a"
    assert opened.load("c-1").info.source == "c"
    assert [line for line in opened.verify() if "b-1" in line]


def test_an_altered_mask_is_seen(library):
    shutil.copy(library.folder / "a-1_label.nii.gz", library.folder / "b-1_label.nii.gz")
    with pytest.raises(SeedError, match="b-1"):
        SeedLibrary.open(library.folder).load("b-1")


def test_problems_list_missing_files_without_reading(library):
    assert library.problems == ()
    (library.folder / "b-1_label.nii.gz").unlink()
    (library.folder / "c-1_image.nii.gz").unlink()
    first, second = SeedLibrary.open(library.folder).problems
    assert "b-1_label.nii.gz" in first
    assert "c-1_image.nii.gz" in second


def test_verify_lists_what_belongs_to_no_seed_and_lost_thumbnails(library):
    assert library.verify() == []
    (library.folder / "thumbnails" / "a-1.png").unlink()
    (library.folder / "stray.nii.gz").write_bytes(b"")
    (library.folder / "dataset.json").write_text("[]")  # a library may be listed in SynthLung's way too
    found = library.verify()
    assert len(found) == 2
    assert "a-1 has no thumbnail" in found[0]
    assert "stray.nii.gz belongs to no seed" in found[1]


def test_an_entry_that_cannot_be_used_does_not_take_the_rest_with_it(library):
    def spoil(index):
        index["seeds"][1]["id"] = "../../../etc/passwd"
        index["seeds"].append(index["seeds"][0])

    edit_index(library, spoil)
    opened = SeedLibrary.open(library.folder)
    assert [info.id for info in opened.infos] == ["a-1", "c-1"]
    assert "entry 2 cannot be used" in opened.problems[0]
    assert "entry 4 has the id a-1 of an earlier one" in opened.problems[1]
    opened.add([seed(4.0, "d")])
    assert opened.problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": "x", "version": 1, "seeds": []}',
        '{"format": "napari-medsynth seed library", "version": 2, "seeds": []}',
        '{"format": "napari-medsynth seed library", "version": 1, "seeds": {}}',
        "[" * 100_000,
        "\x00\xff",
    ],
)
def test_a_damaged_index_is_refused_in_one_line(library, text):
    (library.folder / "index.json").write_text(text, encoding="utf-8")
    with pytest.raises(SeedError) as error:
        SeedLibrary.open(library.folder)
    assert "\n" not in str(error.value)
    assert str(library.folder) in str(error.value)


def test_a_folder_without_index_is_no_library(tmp_path):
    with pytest.raises(SeedError, match="is not a seed library"):
        SeedLibrary.open(tmp_path)
    with pytest.raises(SeedError, match="is not a seed library"):
        SeedLibrary.open(tmp_path / "nowhere")


def test_a_library_is_not_made_over_something_else(library, tmp_path):
    with pytest.raises(SeedError, match="not an empty folder"):
        SeedLibrary.create(library.folder)
    (tmp_path / "file").write_text("x")
    with pytest.raises(SeedError, match="not an empty folder"):
        SeedLibrary.create(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert len(SeedLibrary.create(tmp_path / "empty")) == 0


def test_a_crash_while_adding_leaves_the_library_as_it_was(library):
    class CrashError(Exception):
        pass

    def seeds():
        yield seed(4.0, "d")
        raise CrashError

    with pytest.raises(CrashError):
        library.add(seeds())
    assert SeedLibrary.open(library.folder).verify() == []
    assert "d-1" not in library


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom file modes stop")
def test_a_read_only_library_opens_and_refuses_changes(library):
    library.folder.chmod(0o555)
    try:
        with pytest.raises(WriteError):
            SeedLibrary.open(library.folder).add([seed(4.0, "d")])
    finally:
        library.folder.chmod(0o755)


def _add_some(folder, name):
    opened = SeedLibrary.open(folder)
    for number in range(4):
        opened.add([seed(3.0 + number, f"{name}{number}")])


def test_two_processes_that_add_at_once_lose_nothing(library):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_some, args=(library.folder, name)) for name in ("x", "y")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    opened = SeedLibrary.open(library.folder)
    assert len(opened) == 3 + 8
    assert opened.verify() == []


def test_an_open_library_keeps_what_another_process_added(library):
    other = SeedLibrary.open(library.folder)
    other.add([seed(4.0, "d")])
    library.add([seed(6.0, "e")])
    for seen in (library, SeedLibrary.open(library.folder)):
        assert [info.id for info in seen.infos] == ["a-1", "b-1", "c-1", "d-1", "e-1"]


def test_a_library_that_stays_locked_is_an_error_not_a_hang(library, monkeypatch):
    monkeypatch.setattr(library_index, "PATIENCE", 0.1)
    with library_index.locked(library.folder), pytest.raises(SeedError, match="changed by another process"):
        library.add([seed(4.0, "d")])
    assert library.add([seed(4.0, "d")]) == ("d-1",)


def test_an_info_read_from_json_can_be_a_key(library):
    assert hash(SeedInfo.from_json(library.infos[0].to_json())) == hash(library.infos[0])


@pytest.mark.data
def test_real_nodules_survive_the_library(data_dir, tmp_path):
    made = SeedLibrary.create(tmp_path / "lib")
    for number in (0, 18):
        path = data_dir / "node21_nodules" / f"nodule_{number:02d}_image.mha"
        image, labels = (
            read_volume(path, modality="CT"),
            read_labels(path.with_name(path.name.replace("image", "label"))),
        )
        made.add(finish(extract_seeds(Case(id=f"n{number}", image=image, labels=labels))))
    opened = SeedLibrary.open(made.folder)
    assert [info.id for info in opened.infos] == ["n0-1", "n18-1", "n18-2"]
    assert opened.verify() == []
    assert np.array_equal(put_back(image, opened.load("n18-1")).array, image.array)


def test_the_temporary_library_of_another_format_goes_with_its_object(tmp_path):
    given = scan()
    write_volume(given.image, tmp_path / "source_msd_1_image.nii.gz")
    write_labels(given.labels, tmp_path / "source_msd_1_label.nii.gz")
    entry = {"image": "source_msd_1_image.nii.gz", "label": "source_msd_1_label.nii.gz"}
    (tmp_path / "dataset.json").write_text(json.dumps([entry]))
    opened = SeedLibrary.open(tmp_path)
    folder = opened.folder
    copy = pickle.loads(pickle.dumps(opened))
    del copy
    gc.collect()
    assert folder.is_dir()  # a worker's copy does not take it away
    del opened
    gc.collect()
    assert not folder.exists()
    with pytest.raises(SeedError, match="is not a seed library"):
        SeedLibrary.open(folder)
