"""Rules for places: each is kept when places are drawn, and one line says so when none can be found."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_medsynth import Case, LabelMap, LabelTable
from napari_medsynth.core.errors import ConfigError, HostError
from napari_medsynth.tumor.host import host_of, prepare_host
from napari_medsynth.tumor.insert import surroundings
from napari_medsynth.tumor.lesion import shape
from napari_medsynth.tumor.morph import Morph
from napari_medsynth.tumor.place import Placement, broken_rule, find_place
from napari_medsynth.tumor.prepare import prepare
from organ import airy_organ, made_seed


@pytest.fixture(scope="module")
def case():
    return airy_organ()


@pytest.fixture(scope="module")
def there(case):
    return surroundings(case, prepare_host(case.host))


def lesion_in(case, diameter_mm=9.0):
    middle = [n // 2 for n in case.image.shape]
    return shape(prepare(made_seed(diameter_mm)), Morph(), case.image.affine, middle)


def mask_of(lesion, case):
    mask = np.zeros(case.image.shape, dtype=bool)
    box = lesion.box.clipped(case.image.shape)
    mask[box.slices] = lesion.mask[box.within(lesion.box).slices]
    return mask


@pytest.mark.parametrize("seed", range(5))
def test_most_of_the_lesion_lies_inside_the_host(case, there, seed):
    found, why = find_place(lesion_in(case), there, Placement(inside=0.95), np.random.default_rng(seed))
    assert why == ""
    mask = mask_of(found, case)
    assert (mask & (case.host.array > 0)).sum() >= 0.95 * mask.sum()


@pytest.mark.parametrize("seed", range(5))
def test_an_isolated_lesion_keeps_away_from_the_wall(case, there, seed):
    rules = Placement(wall="isolated", wall_gap_mm=4)
    found, why = find_place(lesion_in(case), there, rules, np.random.default_rng(seed))
    assert why == ""
    depth = ndimage.distance_transform_edt(case.host.array > 0, sampling=case.image.spacing)
    assert depth[mask_of(found, case)].min() > 4


@pytest.mark.parametrize("seed", range(5))
def test_a_juxta_pleural_lesion_touches_the_wall(case, there, seed):
    rules = Placement(wall="juxta-pleural", inside=0.8)
    found, why = find_place(lesion_in(case), there, rules, np.random.default_rng(seed))
    assert why == ""
    depth = ndimage.distance_transform_edt(case.host.array > 0, sampling=case.image.spacing)
    assert depth[mask_of(found, case)].min() <= 1.5


@pytest.mark.parametrize("seed", range(3))
def test_a_juxta_vascular_lesion_has_a_vessel_beside_it_and_not_in_it(case, there, seed):
    rules = Placement(wall="juxta-vascular", vessels=0.05, tries=2000)
    found, why = find_place(lesion_in(case, 7.0), there, rules, np.random.default_rng(seed))
    assert why == ""
    mask = mask_of(found, case)
    vessel = (case.image.array > -400) & ndimage.binary_erosion(case.host.array > 0, iterations=4)
    gap = ndimage.distance_transform_edt(~vessel, sampling=case.image.spacing)
    assert gap[mask].min() <= 2.0
    assert (mask & vessel).sum() <= 0.1 * mask.sum()


def test_lesions_keep_their_distance_from_each_other(case, there):
    rng = np.random.default_rng(3)
    placed = []
    for _ in range(6):
        found, why = find_place(lesion_in(case, 7.0), there, Placement(gap_mm=6), rng)
        assert why == ""
        there = there.with_lesion(found)
        placed.append(mask_of(found, case))
    for n, mask in enumerate(placed):
        away = ndimage.distance_transform_edt(~mask, sampling=case.image.spacing)
        others = np.any([m for k, m in enumerate(placed) if k != n], axis=0)
        assert away[others].min() > 6


def test_a_lesion_that_the_table_knows_is_kept_clear_of(case):
    """Lesions that were in the scan before, in labels or in instances, count as well."""
    known = np.zeros(case.image.shape, np.uint8)
    known[15:25, 26:46, 26:46] = 1
    with_lesion = replace(case, instances=LabelMap(known, case.image.affine))
    there = surroundings(with_lesion, prepare_host(case.host))
    at_it = lesion_in(case)
    assert "another lesion" in broken_rule(at_it, there, Placement())


def test_a_lesion_larger_than_its_host_is_refused_with_both_sizes(case, there):
    found, why = find_place(lesion_in(case, 68.0), there, Placement(), np.random.default_rng(0))
    assert found is None
    assert re.fullmatch(r"the lesion has 16\d\.\d mL and the host 1\d\d\.\d mL", why)


def test_a_lesion_too_thick_for_its_host_is_refused_with_both_sizes(case, there):
    rules = Placement(wall="isolated", wall_gap_mm=20)
    found, why = find_place(lesion_in(case, 20.0), there, rules, np.random.default_rng(0))
    assert found is None
    assert "mm deep at most and the lesion, of 20 mm, needs a place 28 mm or more from the wall" in why


def test_when_no_try_succeeds_the_commonest_reason_is_told(case, there):
    found, why = find_place(lesion_in(case, 40.0), there, Placement(inside=1.0, tries=7), np.random.default_rng(0))
    assert found is None
    assert "7 tries" in why
    assert "inside the host" in why


def test_the_same_draws_give_the_same_place(case, there):
    places = [find_place(lesion_in(case), there, Placement(), np.random.default_rng(11))[0].box for _ in range(2)]
    assert places[0] == places[1]


def test_an_empty_host_is_refused(case):
    with pytest.raises(HostError, match="host label map is empty"):
        prepare_host(LabelMap(np.zeros(case.image.shape, np.uint8), case.image.affine))


def test_a_labelled_organ_serves_as_host(case):
    """Any organ that has a name or a tissue in the label table can take lesions."""
    bare = replace(case, host=None)
    assert np.array_equal(host_of(bare, "lung").array, case.host.array)
    with pytest.raises(HostError, match="organ is 'liver'; expected 'lung' or a name in the label table: lung"):
        host_of(bare, "liver")


def test_numbers_out_of_range_are_refused_with_the_range():
    with pytest.raises(ConfigError, match=r"Placement.inside is 1.5; expected 0.05 to 1"):
        Placement(inside=1.5)
    with pytest.raises(ConfigError, match="did you mean 'juxta-pleural'"):
        Placement(wall="juxta-plural")


def test_an_organ_that_is_named_and_not_there_is_refused(case):
    """A phantom without lungs has them in its label table; tumors are not placed in the middle of nowhere."""
    names = {1: "left_lung", 2: "liver"}
    labels = LabelMap(np.full(case.image.shape, 2, np.uint8), case.image.affine, LabelTable.from_names(names))
    with pytest.raises(HostError, match="no voxel of 'left_lung', though its label table names it"):
        host_of(Case(id="resected", image=case.image, labels=labels), "left_lung")
