"""Contrast: which intensities the labels of one image get."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_medsynth.core.errors import LabelError
from napari_medsynth.core.labels import Label, LabelMap, LabelTable
from napari_medsynth.rendering.contrast import classes_of, draw_intensities
from napari_medsynth.rendering.distribution import Distribution
from napari_medsynth.rendering.naming import named_labels
from napari_medsynth.rendering.presets import preset
from napari_medsynth.rendering.prior import ClassPrior, Prior, Sometimes

WIDE = ClassPrior(Distribution("uniform", (0, 200)), Distribution("uniform", (1, 9)))
DARK = ClassPrior(Distribution("uniform", (0, 10)), Distribution("uniform", (1, 2)))


def labels(*entries: Label, top: int | None = None) -> LabelMap:
    values = range(1 + (top or max((entry.value for entry in entries), default=0)))
    return LabelMap(np.array([values], dtype=np.uint16), table=LabelTable(entries))


def drawn(*args, **kwargs) -> dict[int, tuple[float, float]]:
    return {int(value): (mean, std) for value, mean, std in draw_intensities(*args, **{"seed": 3, **kwargs})}


KIDNEYS = labels(Label(1, "left kidney", "kidney", "left"), Label(2, "kidney_right", "kidney", "right"))


@pytest.mark.parametrize(
    ("left", "right"),
    [("left lung", "right lung"), ("lung_L", "lung_R"), ("ctx-lh-insula", "ctx-rh-insula"), ("leftLung", "rightLung")],
)
def test_both_sides_of_a_structure_are_of_one_class_however_the_side_is_written(left, right):
    found = drawn(labels(Label(1, left), Label(2, right), Label(3, "spleen")), Prior({}, WIDE))
    assert found[1] == found[2] != found[3]


def test_every_value_present_is_listed_in_order_with_the_background_first():
    found = draw_intensities(labels(top=3), Prior({}, WIDE), seed=0)
    assert [row[0] for row in found] == [0, 1, 2, 3]
    assert all(round(value, 6) == value for row in found for value in row)


def test_a_class_is_found_by_name_then_without_its_side_then_by_tissue_then_by_default():
    spine = labels(
        Label(1, "L3", "bone"), Label(2, "left rib", "bone", "left"), Label(3, "Sacrum", "Bone"), Label(4, "x")
    )
    prior = Prior({"l3": WIDE, "rib": WIDE, "bone": WIDE}, WIDE)
    assert classes_of(spine, prior) == {0: "background", 1: "l3", 2: "rib", 3: "bone", 4: "x"}


def test_labels_of_one_class_share_their_intensities():
    assert drawn(KIDNEYS, Prior({"kidney": WIDE, "background": WIDE}))[1] == drawn(KIDNEYS, Prior({}, WIDE))[2]
    found = drawn(KIDNEYS, Prior({}, WIDE))
    assert found[1] == found[2] != found[0]


def test_a_label_more_changes_no_other():
    few, more = labels(Label(1, "a"), Label(2, "b")), labels(Label(1, "a"), Label(2, "b"), Label(3, "c"))
    before, after = drawn(few, Prior({}, WIDE)), drawn(more, Prior({}, WIDE))
    assert all(after[value] == before[value] for value in before)


def test_seeds_and_channels_draw_anew():
    one = [drawn(KIDNEYS, Prior({}, WIDE), seed=s, channel=c) for s, c in ((1, 0), (1, 0), (2, 0), (1, 1))]
    assert one[0] == one[1]
    assert one[0] != one[2]
    assert one[0] != one[3]


def test_alpha_0_and_1_are_exactly_the_two_presets_and_between_it_is_linear():
    ours, theirs = preset("spine-t1").prior, preset("spine-t2").prior
    spine = named_labels(labels(top=13), "spine14", None)
    ends = [np.array(draw_intensities(spine, prior, seed=8)) for prior in (ours, theirs)]
    at = {alpha: np.array(draw_intensities(spine, ours, theirs, alpha=alpha, seed=8)) for alpha in (0, 0.25, 0.5, 1)}
    assert np.array_equal(at[0], ends[0])
    assert np.array_equal(at[1], ends[1])
    assert np.allclose(at[0.25], 0.75 * ends[0] + 0.25 * ends[1], atol=2e-6)
    assert np.allclose(at[0.5], (ends[0] + ends[1]) / 2, atol=2e-6)
    assert np.abs(ends[0] - ends[1])[:, 1].max() > 50


def test_both_presets_see_the_same_random_numbers():
    ours, theirs = (Prior({}, ClassPrior(Distribution("uniform", (low, low + 10)), WIDE.std)) for low in (0, 100))
    for seed in range(20):
        a, b = (drawn(KIDNEYS, prior, seed=seed)[1][0] for prior in (ours, theirs))
        assert b - a == pytest.approx(100, abs=1e-5)


def test_each_lets_labels_of_one_class_differ_but_not_the_two_of_a_pair():
    prior = Prior({"disc": ClassPrior(WIDE.mean, WIDE.std, each=10), "background": DARK})
    discs = labels(*(Label(n, f"disc {n}", "disc") for n in range(1, 6)), Label(6, "disc 5 left", "disc", "left"))
    means = np.array([[drawn(discs, prior, seed=s)[n][0] for n in range(1, 7)] for s in range(200)])
    within = (means[:, :5] - means[:, :5].mean(axis=1, keepdims=True)).std() * np.sqrt(5 / 4)
    assert within == pytest.approx(10, rel=0.1)
    assert np.array_equal(means[:, 4], means[:, 5])


def test_deviations_are_never_negative():
    prior = Prior({}, ClassPrior(WIDE.mean, Distribution("normal", (0, 5))))
    assert min(drawn(KIDNEYS, prior, seed=s)[1][1] for s in range(50)) == 0


@pytest.mark.parametrize(("tissue", "expected"), [("skin", "air"), ("soft tissue", "air"), ("liver", "background")])
def test_background_is_air_only_where_labels_cover_the_body(tissue, expected):
    prior = Prior(dict.fromkeys(("air", "background", "skin", "soft tissue", "liver"), WIDE))
    assert classes_of(labels(Label(1, "x", tissue)), prior)[0] == expected


def test_a_prior_may_lack_the_background_only_where_there_is_none():
    full = LabelMap(np.ones((2, 2), dtype=np.uint8), table=LabelTable((Label(1, "liver"),)))
    assert drawn(full, Prior({"liver": WIDE}))[0] == (0, 0)
    with pytest.raises(LabelError, match=r"no intensities for 0 \(background\)"):
        drawn(labels(Label(1, "liver")), Prior({"liver": WIDE}))


def test_random_contrast_takes_means_and_deviations_apart_from_each_other():
    random = ClassPrior(Distribution("uniform", (1000, 1001)), Distribution("uniform", (100, 101)))
    prior = Prior({"kidney": DARK, "background": DARK}, random=random)
    found = [drawn(KIDNEYS, prior, random=0.5, seed=s)[1] for s in range(400)]
    kinds = [(mean >= 1000, std >= 100) for mean, std in found]
    for kind in ((False, False), (False, True), (True, False), (True, True)):
        assert kinds.count(kind) / len(kinds) == pytest.approx(0.25, abs=0.08)
    assert not any(mean >= 1000 for mean, _ in (drawn(KIDNEYS, prior, seed=s)[1] for s in range(50)))


def test_labels_of_a_class_do_not_differ_where_its_mean_is_random():
    prior = Prior({"kidney": ClassPrior(WIDE.mean, WIDE.std, each=9000), "background": DARK})
    assert all(25 <= drawn(KIDNEYS, prior, random=1, seed=s)[1][0] <= 225 for s in range(20))


def test_synthseg_draws_its_published_distributions():
    prior = preset("synthseg").prior
    rows = [drawn(labels(Label(1, "a"), Label(2, "b")), prior, seed=s) for s in range(1500)]
    means, stds = (np.array([row[1][n] for row in rows]) for n in (0, 1))
    assert stats.kstest(means, stats.uniform(25, 200).cdf).pvalue > 0.01
    assert stats.kstest(stds, stats.uniform(5, 20).cdf).pvalue > 0.01
    assert abs(np.corrcoef(means, [row[2][0] for row in rows])[0, 1]) < 0.08
    black = np.mean([row[0] == (0, 0) for row in rows])
    low = np.mean([0 < row[0][0] <= 15 and row[0][1] <= 5 for row in rows])
    assert black == pytest.approx(0.05, abs=0.02)
    assert low == pytest.approx(0.25, abs=0.04)
    assert all(25 <= row[0][0] <= 225 for row in rows if row[0][0] > 15)


def test_what_someone_chose_comes_before_the_name():
    prior = Prior({"kidney": DARK, "left kidney": DARK, "fat": WIDE, "background": DARK})
    assert classes_of(KIDNEYS, prior, ((1, "Fat"),))[1] == "fat"
    assert drawn(KIDNEYS, prior, seed=5, chosen=((1, "fat"),))[1][0] > 10


def test_labels_given_one_class_share_the_default_as_one():
    found = drawn(labels(Label(1, "a"), Label(2, "b")), Prior({}, WIDE), chosen=((1, "grey"), (2, "grey")))
    assert found[1] == found[2]


def test_a_class_that_the_prior_does_not_have_is_refused_with_the_nearest():
    with pytest.raises(
        LabelError, match=r"^label 1 is to be of class 'boone', which preset 'spine-t2' does not have; did"
    ):
        drawn(labels(Label(1, "a")), preset("spine-t2").prior, chosen=((1, "boone"),))


def test_labels_without_intensities_are_listed_and_what_would_help_is_said():
    prior = Prior({"liver": WIDE, "spleen": WIDE}, source="mine.yaml")
    with pytest.raises(LabelError) as caught:
        drawn(labels(Label(1, "liver"), Label(2, "L1", "bone"), top=14), prior)
    text = str(caught.value)
    assert text.startswith("mine.yaml has no intensities for 0 (background), 2 (L1), 3 (label 3), 4 (label 4)")
    assert "(label 10) and 4 more; expected" in text
    assert "(liver, spleen)" in text
    assert "'tissues'" in text
    assert "'scheme'" in text
    assert "\n" not in text


def test_the_other_prior_must_know_every_label_too():
    other = Prior({"liver": WIDE, "background": WIDE}, source="theirs")
    with pytest.raises(LabelError, match=r"^theirs has no intensities for 1 \(a\)"):
        drawn(labels(Label(1, "a")), Prior({}, WIDE), other, alpha=0.5)


def test_rare_backgrounds_come_as_often_as_they_say():
    prior = Prior({}, WIDE, (Sometimes(0.3, ClassPrior.constant(-5, 0)), Sometimes(0.6, ClassPrior.constant(-6, 0))))
    found = [drawn(KIDNEYS, prior, seed=s)[0][0] for s in range(600)]
    assert found.count(-5) / 600 == pytest.approx(0.3, abs=0.06)
    assert found.count(-6) / 600 == pytest.approx(0.6, abs=0.06)


def test_labels_without_a_class_are_told_which_scheme_would_name_them():
    array = np.array([[[0, 41, 49, 50, 100]]], dtype=np.uint8)
    labels = named_labels(LabelMap(array), None, "spider")
    with pytest.raises(LabelError, match=r"for 41 .*; expected a 'scheme' that names them \(.*tptbox.*\), or"):
        draw_intensities(labels, preset("spine-t2").prior, seed=1)


def test_regions_of_like_intensity_in_a_clustered_background_stay_alike():
    regions = labels(*(Label(n, f"background {n}", "surroundings", context=True) for n in range(1, 13)))
    steps, spans = [], []
    for seed in range(40):
        means = np.array(
            [mean for value, (mean, _) in drawn(regions, preset("spine-t2").prior, seed=seed).items() if value]
        )
        steps.append(np.abs(np.diff(means)).max())
        spans.append(np.ptp(means))
    assert np.median(steps) < 0.35 * np.median(spans)
    assert np.median(spans) > 30
