"""How far synthetic training is from real training, and what closes the gap."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.segmentation.reality_gap import OVERALL, CaseScore, gap

PATIENTS = 12


def scored(means, seed=0, noise=0.01, training=0, scans=2):
    """Scores of two scans each of 12 patients: how hard a patient is, is the same for every model."""
    hard = np.random.default_rng(99).normal(0, 0.08, PATIENTS)
    rng = np.random.default_rng(seed)
    return [
        CaseScore(f"c{p}_{s}", f"p{p}", name, float(mean + hard[p] + rng.normal(0, noise)), training)
        for p in range(PATIENTS)
        for s in range(scans)
        for name, mean in means.items()
    ]


def test_the_gap_and_what_fine_tuning_closes_of_it_are_found():
    a, b = scored({"disc": 0.6, "canal": 0.7}, 1), scored({"disc": 0.8, "canal": 0.71}, 2)
    tuned = {5: scored({"disc": 0.7, "canal": 0.7}, 3), 20: scored({"disc": 0.78, "canal": 0.71}, 4)}
    found = gap(a, b, finetuned=tuned)
    rows = {row.name: row for row in found.structures}
    assert list(rows) == [OVERALL, "disc", "canal"]
    disc = rows["disc"]
    assert disc.difference.estimate == pytest.approx(0.2, abs=0.01)
    assert disc.difference.high - disc.difference.low < 0.03
    assert disc.a.high - disc.a.low > 0.05  # patients differ more than models: only pairs show the gap so well
    assert disc.b.estimate - disc.a.estimate == pytest.approx(disc.difference.estimate)
    assert [closed.cases for closed in disc.closed] == [5, 20]
    assert [closed.share.estimate for closed in disc.closed] == pytest.approx([0.5, 0.9], abs=0.05)
    assert all(c.share.low < c.share.estimate < c.share.high for c in disc.closed)
    assert rows[OVERALL].difference.estimate == pytest.approx(0.105, abs=0.01)
    assert (found.cases, found.patients, disc.difference.n) == (24, 12, 12)


def test_where_there_is_no_gap_no_share_of_it_is_stated():
    a, b = scored({"disc": 0.7}, 1, 0.02), scored({"disc": 0.7}, 2, 0.02)
    (closed,) = gap(a, b, finetuned={5: scored({"disc": 0.75}, 3)}).structures[1].closed
    assert math.isnan(closed.share.estimate)
    assert closed.note == "B − A is not surely different from 0: there is no gap to close"
    assert closed.score.estimate == pytest.approx(0.75, abs=0.05)


def test_trainings_of_several_seeds_are_averaged_before_they_are_paired():
    a = [*scored({"disc": 0.5}, 1, 0, 0), *scored({"disc": 0.7}, 1, 0, 1)]
    found = gap(a, scored({"disc": 0.8}, 2, 0))
    assert found.structures[1].difference.estimate == pytest.approx(0.2)
    assert found.structures[1].difference.n == PATIENTS
    assert found.seeds == {"A": 2, "B": 1}


def test_only_what_both_models_were_scored_on_is_compared():
    a, b = scored({"disc": 0.6}, 1, 0), scored({"disc": 0.8, "canal": 0.9}, 2, 0)
    a[0] = CaseScore(a[0].case, a[0].patient, "disc", math.nan)
    found = gap(a, b[2:])
    assert [row.name for row in found.structures] == [OVERALL, "disc"]
    assert found.cases == 23
    assert found.structures[0].difference == found.structures[1].difference
    assert found.structures[0].b.estimate == pytest.approx(found.structures[1].b.estimate)


def test_one_patient_gives_numbers_but_no_interval():
    a, b = (scored({"disc": mean}, 1, 0)[:2] for mean in (0.6, 0.8))
    found = gap(a, b, finetuned={5: a})
    row = found.structures[1]
    assert row.difference.estimate == pytest.approx(0.2)
    assert row.difference.note == row.closed[0].note == "no interval: N = 1"


def test_the_gap_is_plain_json_and_does_not_hang_on_the_order_of_the_scores():
    a, b, tuned = (scored({"disc": mean, "canal": mean}, n) for n, mean in enumerate((0.6, 0.8, 0.7)))
    found = gap(a, b, finetuned={5: tuned}, metric="HD95", seed=7)
    text = json.dumps(found.to_json(), allow_nan=False)
    assert json.loads(text)["structures"][0]["closed"][0]["cases"] == 5
    assert json.loads(text)["metric"] == "HD95"
    shuffled = [a[n] for n in np.random.default_rng(0).permutation(len(a))]
    again = gap(shuffled, b, finetuned={5: tuned}, metric="HD95", seed=7)
    rows = {row.name: row for row in again.structures}
    for row in found.structures:
        assert rows[row.name].difference.low == pytest.approx(row.difference.low, abs=1e-9)
        assert rows[row.name].closed[0].share.high == pytest.approx(row.closed[0].share.high, abs=1e-9)


def test_models_without_a_case_in_common_and_a_case_of_two_patients_are_refused():
    a = scored({"disc": 0.6})
    with pytest.raises(ConfigError, match="in common"):
        gap(a, scored({"canal": 0.6}))
    other = [CaseScore(a[0].case, "someone else", "disc", 0.5)]
    with pytest.raises(ConfigError, match="case 'c0_0' is of patients 'p0' and 'someone else'"):
        gap(a, other)
