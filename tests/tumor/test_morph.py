"""What a morph may be, and what morphs are drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medsynth.core.errors import ConfigError
from napari_medsynth.tumor.morph import NODULE_DIAMETERS, Morph, Variation


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("cls", "wrong", "named"),
    [
        (Morph, {"scale": 0.0}, "Morph.scale"),
        (Morph, {"stretch": (1.0, 1.0, 9.0)}, "Morph.stretch"),
        (Morph, {"rotation_deg": (0.0, 0.0)}, "Morph.rotation_deg"),
        (Morph, {"elastic_mm": -1.0}, "Morph.elastic_mm"),
        (Morph, {"volume_ml": 0.0}, "Morph.volume_ml"),
        (Morph, {"new_texture": 1.5}, "Morph.new_texture"),
        (Morph, {"hu_shift": float("nan")}, "Morph.hu_shift"),
        (Variation, {"size": "big"}, "Variation.size"),
        (Variation, {"scale": (1.5, 0.5)}, "Variation.scale"),
        (Variation, {"elastic": (0.0, 0.9)}, "Variation.elastic"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(cls, wrong, named):
    with pytest.raises(ConfigError, match=named):
        cls(**wrong)


def test_only_the_identity_is_called_so():
    assert Morph(seed=9, elastic_grid_mm=20).is_identity
    assert not Morph(scale=1.1).is_identity
    assert not Morph(flip=(False, False, True)).is_identity


@given(st.integers(0, 2**32), st.floats(3, 90))
def test_a_drawn_morph_keeps_to_the_ranges_and_is_kept_as_json(seed, diameter):
    how = Variation()
    morph = how.draw(diameter, rng(seed))
    assert how.scale[0] - 1e-9 <= morph.scale <= how.scale[1] + 1e-9
    assert all(how.stretch[0] <= s <= how.stretch[1] for s in morph.stretch)
    assert abs(morph.rotation_deg[0]) <= how.rotation_deg
    assert max(abs(a) for a in morph.rotation_deg[1:]) <= how.tilt_deg
    assert morph.elastic_mm <= how.elastic[1] * diameter * morph.scale + 1e-9
    assert Morph.from_json(morph.to_json()) == morph


def test_the_same_stream_draws_the_same_morph_and_another_another():
    assert Variation().draw(9, rng(4)) == Variation().draw(9, rng(4)) != Variation().draw(9, rng(5))


def test_sizes_follow_the_distribution_of_nodules():
    drawn = [Variation(size="nodule").diameter(10, stream) for stream in [rng(1)] for _ in range(3000)]
    for share, diameter in NODULE_DIAMETERS[1:-1]:
        assert np.quantile(drawn, share) == pytest.approx(diameter, rel=0.08)


def test_sizes_in_a_range_do_not_depend_on_the_seed():
    stream = rng(2)
    drawn = [Variation(size="range", diameter_mm=(6, 8)).diameter(40, stream) for _ in range(200)]
    assert 6 <= min(drawn) < 6.3
    assert 7.7 < max(drawn) <= 8


def test_texture_is_made_anew_only_where_the_seed_is_magnified():
    how = {"stretch": (1, 1), "elastic": (0, 0)}
    assert Variation(scale=(1, 1), **how).draw(9, rng()).new_texture == 0
    assert Variation(scale=(3, 3), **how).draw(9, rng()).new_texture > 0.4
