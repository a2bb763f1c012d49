from __future__ import annotations

import numpy as np
import pytest

from napari_medsynth.core.affine import Affine
from napari_medsynth.core.case import Case
from napari_medsynth.core.errors import GridError, SeedError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.core.progress import finish
from napari_medsynth.core.volume import Volume
from napari_medsynth.io import read_labels, read_volume
from napari_medsynth.tumor.extract import extract_seeds, put_back
from napari_medsynth.tumor.seed import LESION, OTHER

SHAPE = (30, 60, 60)
AFFINE = Affine.from_spacing((2.0, 1.0, 1.0), origin=(100.0, -50.0, 20.0))


def ball(centre, radius, shape=SHAPE, spacing=(2.0, 1.0, 1.0)):
    grid = np.indices(shape).reshape(3, -1).T
    inside = np.linalg.norm((grid - centre) * spacing, axis=1) <= radius
    return inside.reshape(shape)


def lung(wall_from=50):
    """Lung with a chest wall at the high end of x."""
    image = np.random.default_rng(0).normal(-850, 20, SHAPE).astype(np.int16)
    image[:, :, wall_from:] = 40
    return image


def case(image, labels, table=(), host=None, name="patient_1"):
    host_map = None if host is None else LabelMap(host, AFFINE)
    labels = LabelMap(np.asarray(labels, dtype=np.uint8), AFFINE, LabelTable(tuple(table)))
    return Case(id=name, image=Volume(image, AFFINE, "CT"), labels=labels, host=host_map)


def nodule(centre=(15, 30, 25), radius=5.0):
    """One nodule of 30 HU in a lung."""
    image, mask = lung(), ball(centre, radius)
    image[mask] = 30
    return image, mask


def seeds_of(given, values=None, **options):
    return finish(extract_seeds(given, values, **options))


def test_a_seed_knows_what_it_was_cut_from():
    image, mask = nodule()
    (seed,) = seeds_of(case(image, mask), organ="lung")
    info = seed.info
    assert (info.id, info.source, info.patient) == ("patient_1-1", "patient_1", "patient_1")
    assert (info.component, info.label, info.organ, info.attachment) == (1, 1, "lung", "isolated")
    assert info.volume_ml == pytest.approx(mask.sum() * 2 / 1000)
    assert info.core_hu == 30
    assert info.ring_hu == pytest.approx(-850, abs=5)
    assert info.diameters_mm == pytest.approx((10, 10, 10), rel=0.15)


def test_the_crop_lies_where_it_was_with_its_margin():
    image, mask = nodule()
    (seed,) = seeds_of(case(image, mask), margin_mm=6.0)
    start = np.rint(AFFINE.to_index(seed.image.affine.origin)).astype(int)
    box = tuple(slice(a, a + n) for a, n in zip(start, seed.image.shape, strict=True))
    assert np.array_equal(seed.image.array, image[box])
    assert np.array_equal(seed.mask.array == LESION, mask[box])
    hits = np.argwhere(seed.mask.array == LESION)
    assert (hits.min(axis=0) == (3, 6, 6)).all()
    assert (np.array(seed.image.shape) - 1 - hits.max(axis=0) == (3, 6, 6)).all()


def test_the_margin_ends_at_the_edge_of_the_scan():
    image, mask = nodule(centre=(2, 4, 25), radius=4.0)
    (seed,) = seeds_of(case(image, mask))
    assert seed.image.affine.origin == tuple(AFFINE.to_world((0, 0, 25 - 4 - 6)))


def test_every_component_of_every_value_becomes_a_seed_and_corners_join():
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[5, 5, 5] = labels[6, 6, 6] = 2  # touch at a corner
    labels[20, 20, 20] = 1
    labels[20, 20, 24] = 1
    seeds = seeds_of(case(lung(), labels), [1, 2])
    assert [(s.info.component, s.info.label) for s in seeds] == [(1, 1), (2, 1), (3, 2)]
    assert [round(s.info.volume_ml * 1000) for s in seeds] == [2, 2, 4]
    assert [s.info.id for s in seeds] == ["patient_1-1", "patient_1-2", "patient_1-3"]


def test_other_lesions_in_the_crop_are_marked_and_kept_out_of_the_ring():
    image, mask = nodule(radius=3.0)
    neighbours = ball((15, 30, 25), 8.0) & ~ball((15, 30, 25), 5.0)
    neighbours[:, :, 27:] = False  # most of the ring
    image[neighbours] = -600
    labels = mask + 2 * neighbours.astype(np.uint8)
    table = [Label(1, "tumor"), Label(2, "other nodule")]
    (seed,) = seeds_of(case(image, labels, table), [1])
    assert (seed.mask.array == OTHER).sum() == neighbours.sum()
    assert (seed.mask.array == LESION).sum() == mask.sum()
    assert seed.info.ring_hu == pytest.approx(-850, abs=8)


def test_small_components_are_left_out_but_numbers_stay():
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[2, 2, 2] = 1
    labels[ball((15, 30, 25), 5.0)] = 1
    (seed,) = seeds_of(case(lung(), labels), min_ml=0.1)
    assert seed.info.component == 2
    with pytest.raises(SeedError, match="2 lesions, all smaller than min_ml = 5"):
        seeds_of(case(lung(), labels), min_ml=5.0)


@pytest.mark.parametrize("name", ["Tumour", "left nodule", "GTV-1", "Lesion", "primary tumor"])
def test_the_table_tells_which_value_is_the_lesion(name):
    image, mask = nodule()
    labels = mask * np.uint8(4)
    labels[0, 0, 0] = 1
    (seed,) = seeds_of(case(image, labels, [Label(4, name), Label(1, "lung")]))
    assert seed.info.label == 4


def test_the_tissue_lesion_tells_it_too():
    image, mask = nodule()
    labels = mask * np.uint8(4)
    labels[0, 0, 0] = 1
    (seed,) = seeds_of(case(image, labels, [Label(4, "mass", "lesion"), Label(1, "lung")]))
    assert seed.info.label == 4


def test_a_single_value_without_a_name_is_the_lesion():
    image, mask = nodule()
    assert seeds_of(case(image, mask * np.uint8(9)))[0].info.label == 9


def test_a_lesion_at_the_wall_is_juxta_pleural():
    image, mask = nodule(centre=(15, 30, 46))
    image[:, :, 50:] = 40
    assert seeds_of(case(image, mask))[0].info.attachment == "juxta-pleural"


def test_the_ring_of_a_lesion_at_the_wall_is_lung():
    image, mask = nodule(centre=(15, 30, 46))
    image[:, :, 50:] = 40
    assert seeds_of(case(image, mask))[0].info.ring_hu == pytest.approx(-850, abs=5)


def test_a_lesion_near_the_wall_but_not_at_it_is_isolated():
    image, mask = nodule(centre=(15, 30, 41))
    assert seeds_of(case(image, mask))[0].info.attachment == "isolated"


def test_a_lesion_at_a_vessel_is_juxta_vascular():
    image, mask = nodule()
    image[15, 29:32, 5:45] = np.maximum(image[15, 29:32, 5:45], 20)
    assert seeds_of(case(image, mask))[0].info.attachment == "juxta-vascular"


def test_a_blurred_rim_is_no_vessel():
    image, mask = nodule()
    image[ball((15, 30, 25), 7.0) & ~mask] = -400
    assert seeds_of(case(image, mask))[0].info.attachment == "isolated"


def test_a_host_says_where_the_wall_is():
    image, mask = nodule(centre=(15, 30, 25))
    host = np.ones(SHAPE, dtype=np.uint8)
    assert seeds_of(case(image, mask, host=host))[0].info.attachment == "isolated"
    host[:, :, 31:] = 0  # the wall begins where the nodule ends, though HU does not show it
    assert seeds_of(case(image, mask, host=host))[0].info.attachment == "juxta-pleural"


def test_a_host_keeps_what_is_outside_of_it_out_of_the_ring():
    image, mask = nodule(centre=(15, 30, 25))
    image[:, :, 31:] = -700
    host = np.ones(SHAPE, dtype=np.uint8)
    host[:, :, 31:] = 0
    assert seeds_of(case(image, mask, host=host))[0].info.ring_hu == pytest.approx(-850, abs=5)


def test_a_liver_lesion_keeps_soft_tissue_in_its_ring():
    image = np.full(SHAPE, 100, dtype=np.int16)
    mask = ball((15, 30, 25), 5.0)
    image[mask] = 40
    info = seeds_of(case(image, mask), organ="liver")[0].info
    assert (info.core_hu, info.ring_hu, info.attachment) == (40, 100, "isolated")


def test_progress_counts_the_lesions():
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[5, 5, 5] = labels[20, 20, 20] = 1
    steps = []
    finish(extract_seeds(case(lung(), labels)), steps.append)
    assert [(s.done, s.total) for s in steps] == [(1, 2), (2, 2)]


def test_what_cannot_be_cut_out_is_refused_in_one_line():
    image, mask = nodule()
    two = mask.astype(np.uint8)
    two[0, 0, 0] = 3
    table = [Label(1, "lung"), Label(3, "heart")]
    for given, options, message in [
        (case(image, mask), {"values": [5]}, "no voxel with label 5; present are 1"),
        (case(image, two, table), {"values": [5]}, r"present are 1 \(lung\), 3 \(heart\)"),
        (case(image, two), {}, "choose values from 1, 3"),
        (case(image, two * (two == 1), table), {}, r"choose values from 1 \(lung\)"),
        (case(image, mask), {"values": []}, "no label value was chosen"),
        (case(image, np.zeros(SHAPE)), {}, "all 0"),
        (case(image, mask), {"margin_mm": 1.0}, "margin_mm is 1.0; expected at least 4 mm"),
        (case(image, mask), {"margin_mm": float("nan")}, "margin_mm is nan"),
        (Case(id="x", labels=LabelMap(mask)), {}, "x has no image"),
        (Case(id="x", image=Volume(image)), {}, "x has no labels"),
        (Case(id="x", image=Volume(image[0]), labels=LabelMap(mask[0])), {}, "expected one 3D scan"),
    ]:
        with pytest.raises(SeedError, match=message) as error:
            seeds_of(given, **options)
        assert "\n" not in str(error.value)


def test_image_and_labels_on_different_grids_are_no_case():
    image, mask = nodule()
    with pytest.raises(GridError, match="same grid"):
        Case(id="x", image=Volume(image, AFFINE), labels=LabelMap(mask))


def test_a_seed_goes_back_where_it_came_from():
    image, mask = nodule()
    (seed,) = seeds_of(case(image, mask))
    blank = np.where(ball((15, 30, 25), 6.0), -1000, image).astype(np.int16)
    back = put_back(Volume(blank, AFFINE, "CT"), seed)
    assert np.array_equal(back.array, image)
    assert (back.modality, back.array.dtype) == ("CT", np.int16)


def test_a_seed_does_not_go_where_it_does_not_fit():
    image, mask = nodule()
    (seed,) = seeds_of(case(image, mask))
    half_a_voxel_off = Affine.from_spacing((2.0, 1.0, 1.0), origin=(100.5, -50.0, 20.0))
    with pytest.raises(SeedError, match="not on the voxels"):
        put_back(Volume(image, half_a_voxel_off), seed)
    with pytest.raises(SeedError, match="not on the voxels"):
        put_back(Volume(image, Affine.from_spacing(origin=(100.0, -50.0, 20.0))), seed)
    with pytest.raises(SeedError, match="outside"):
        put_back(Volume(image[:12], AFFINE), seed)
    with pytest.raises(SeedError, match="uint8 cannot hold"):
        put_back(Volume(np.zeros(SHAPE, dtype=np.uint8), AFFINE), seed)


@pytest.mark.data
def test_a_real_tumor_goes_back_voxel_for_voxel(data_dir):
    folder = data_dir / "lung4d_113"
    image = read_volume(folder / "113_HM10395_ct.nii.gz", modality="CT")
    labels = read_labels(folder / "113_HM10395_label.nii.gz")
    seeds = seeds_of(Case(id="113", image=image, labels=labels), [1, 2], organ="lung")
    assert [s.info.label for s in seeds] == [1, 2, 2, 2]
    assert seeds[0].info.volume_ml == pytest.approx(67.56, abs=0.01)
    assert seeds[0].info.attachment == "juxta-pleural"  # it touches the mediastinum
    blank = np.where(labels.array > 0, -1000, image.array).astype(np.int16)
    for seed in seeds:
        start = np.rint(image.affine.to_index(seed.image.affine.origin)).astype(int)
        blank[tuple(slice(a, a + n) for a, n in zip(start, seed.image.shape, strict=True))] = -1000
    back = Volume(blank, image.affine)
    for seed in seeds:
        back = put_back(back, seed)
    assert np.array_equal(back.array[labels.mask([1, 2])], image.array[labels.mask([1, 2])])
    changed = back.array != image.array
    assert set(np.unique(labels.array[changed])) <= {0, 3, 4}  # what was blanked beside the seeds' boxes


@pytest.mark.data
def test_the_attachments_of_real_nodules_are_what_one_sees(data_dir):
    seen = {"00": "isolated", "07": "juxta-vascular", "10": "juxta-vascular", "15": "juxta-pleural"}
    seen |= {"16": "isolated", "18": "juxta-pleural", "19": "juxta-vascular", "20": "juxta-pleural"}
    for number, expected in seen.items():
        path = data_dir / "node21_nodules" / f"nodule_{number}_image.mha"
        labels = read_labels(path.with_name(f"nodule_{number}_label.mha"))
        given = Case(id=f"node21_{number}", image=read_volume(path, modality="CT"), labels=labels)
        info = seeds_of(given)[0].info
        assert (number, info.attachment) == (number, expected)
        assert -950 < info.ring_hu < -650
