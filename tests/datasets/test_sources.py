"""Real scans and label maps are found, paired, and never found twice."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import ConfigError, ReadError, SplitError
from napari_medsynth.core.labels import LabelMap, LabelTable
from napari_medsynth.core.volume import Volume
from napari_medsynth.datasets.sources import find_sources, pair_sources
from napari_medsynth.io import write_case, write_labels, write_volume


def scan(path, number):
    path.parent.mkdir(exist_ok=True)
    write_volume(Volume(np.full((3, 4, 5), number, np.int16), modality="CT"), path)
    return path


def mask(path, number):
    path.parent.mkdir(exist_ok=True)
    write_labels(LabelMap(np.full((3, 4, 5), number, np.uint8)), path)
    return path


@pytest.mark.parametrize("word", ["_labels", "_label", "_seg", "_segmentation", "_mask", "-seg"])
def test_a_folder_of_scans_with_label_maps_beside_them(tmp_path, word):
    for n in range(3):
        scan(tmp_path / f"p{n}.nii.gz", n)
        mask(tmp_path / f"p{n}{word}.nii.gz", n + 10)
    found = find_sources([tmp_path])
    assert [source.id for source in found] == ["p0", "p1", "p2"]
    for n, source in enumerate(found):
        case = source.read()
        assert case.id == source.id
        assert (case.image.array == n).all()
        assert (case.labels.array == n + 10).all()


def test_a_file_is_found_with_its_label_map_whichever_of_the_two_is_named(tmp_path):
    image, labels = scan(tmp_path / "p.nii.gz", 1), mask(tmp_path / "p_seg.nii.gz", 2)
    by_image, by_labels = find_sources([image])[0], find_sources([labels])[0]
    assert by_image == by_labels
    assert (by_image.image, by_image.labels) == (image, labels)


def test_a_scan_alone_and_a_label_map_alone(tmp_path):
    scan(tmp_path / "a.nii.gz", 1)
    mask(tmp_path / "b_seg.nii.gz", 2)
    one, two = find_sources([tmp_path])
    assert (one.read().image is None, one.read().labels is None) == (False, True)
    assert (two.read().image is None, two.read().labels is None) == (True, False)


def test_case_folders_keep_what_they_know(tmp_path):
    table = LabelTable.from_names({1: "spleen"})
    for name in ("b", "a"):
        image = Volume(np.full((3, 4, 5), ord(name), np.int16), modality="CT")
        write_case(
            Case(id="x", image=image, labels=LabelMap(np.ones((3, 4, 5), np.uint8), table=table)), tmp_path / name
        )
    found = find_sources([tmp_path])
    assert [source.id for source in found] == ["a", "b"]
    assert found[0].read().labels.table == table
    assert found[0].read().image.modality == "CT"
    assert find_sources([tmp_path / "b", tmp_path / "a"]) == found[::-1]


def test_files_are_paired_in_the_order_given(tmp_path):
    images = [scan(tmp_path / f"{name}.nii.gz", n) for n, name in enumerate("xy")]
    labels = [mask(tmp_path / f"{name}.nii.gz", n) for n, name in enumerate("qp")]
    assert [source.labels for source in pair_sources(images, labels)] == labels
    with pytest.raises(ConfigError, match="there are 2 images and 1 label maps; expected as many of each"):
        pair_sources(images, labels[:1])


def test_two_folders_are_paired_by_name(tmp_path):
    for n, name in enumerate(("b", "a")):
        scan(tmp_path / "images" / f"{name}_0000.nii.gz", n)
        mask(tmp_path / "labels" / f"{name}.nii.gz", n)
    found = pair_sources([tmp_path / "images"], [tmp_path / "labels"])
    assert [(source.image.name, source.labels.name) for source in found] == [
        ("a_0000.nii.gz", "a.nii.gz"),
        ("b_0000.nii.gz", "b.nii.gz"),
    ]
    scan(tmp_path / "images" / "c_0000.nii.gz", 5)
    with pytest.raises(ConfigError, match=r"c_0000\.nii\.gz has no label map of the same name in the other folder"):
        pair_sources([tmp_path / "images"], [tmp_path / "labels"])


def test_label_maps_alone(tmp_path):
    labels = [mask(tmp_path / f"{n}.nii.gz", n) for n in range(2)]
    assert [source.image for source in pair_sources([], labels)] == [None, None]
    assert pair_sources([], []) == ()


def test_the_same_files_twice_are_refused(tmp_path):
    one, two = scan(tmp_path / "a.nii.gz", 1), scan(tmp_path / "b.nii.gz", 1)
    with pytest.raises(SplitError, match=r"a\.nii\.gz' and '.*b\.nii\.gz' are the same; expected each source once"):
        find_sources([one, two])


def test_sources_of_one_name_get_ids_of_their_own(tmp_path):
    found = find_sources([scan(tmp_path / "a" / "ct.nii.gz", 1), scan(tmp_path / "b" / "ct.nii.gz", 2)])
    assert [source.id for source in found] == ["ct", "ct-2"]


def test_a_name_of_any_length_and_script_makes_an_id(tmp_path):
    [source] = find_sources([scan(tmp_path / f"Übung {'x' * 100}.nii.gz", 1)])
    assert Case(id=f"{source.id}_{999_999:06d}").id.endswith("_999999")


def test_a_changed_file_changes_the_checksum(tmp_path):
    first = find_sources([scan(tmp_path / "a.nii.gz", 1)])
    again = find_sources([tmp_path / "a.nii.gz"])
    assert first == again
    scan(tmp_path / "a.nii.gz", 2)
    assert find_sources([tmp_path / "a.nii.gz"]) != first


def test_places_without_a_case_are_named(tmp_path):
    with pytest.raises(ReadError, match="nowhere does not exist; expected a case, an image or a folder of them"):
        find_sources([tmp_path / "nowhere"])
    with pytest.raises(ReadError, match="holds no case and no image"):
        find_sources([tmp_path])


def test_folders_without_an_image_are_named(tmp_path):
    for places in (([tmp_path], []), ([], [tmp_path]), ([tmp_path], [tmp_path])):
        with pytest.raises(ReadError, match=r"holds no image; expected files such as scan\.nii\.gz"):
            pair_sources(*places)


def test_two_label_maps_beside_a_scan_are_refused(tmp_path):
    image = scan(tmp_path / "a.nii.gz", 1)
    mask(tmp_path / "a_seg.nii.gz", 1)
    mask(tmp_path / "a_mask.nii.gz", 2)
    with pytest.raises(ConfigError, match=r"has 2 label maps beside it, a_seg\.nii\.gz and a_mask\.nii\.gz"):
        find_sources([image])


@pytest.mark.data
def test_real_scans_and_label_maps(data_dir):
    folder = data_dir / "totalseg_ct"
    [ct] = pair_sources([folder / "example_ct_sm.nii.gz"], [folder / "example_seg.nii.gz"])
    assert len(ct.read().labels.values()) == 41
    brains = pair_sources([], [data_dir / "brain_labels"])
    assert len(brains) == 3
    assert brains[0].read().image is None
