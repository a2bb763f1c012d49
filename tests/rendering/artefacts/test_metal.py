"""Metal makes a void with a bright rim in MR, and streaks through itself in CT."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medsynth.core.rng import stream
from napari_medsynth.rendering.artefacts.distortion import distort
from napari_medsynth.rendering.artefacts.metal import Metal
from napari_medsynth.rendering.artefacts.streaks import add_streaks
from napari_medsynth.rendering.lattice import Lattice

CUBE = Lattice((61, 61, 61), (1.0, 1.0, 1.0))
MIDDLE = (30, 30, 30)


def mr(image, strength=0.5, radius=4.0, lattice=CUBE, centre=MIDDLE, field=0, read=2):
    return distort(image.clone(), {"strength": strength, "radius": radius}, lattice, centre, field, read, 0.0)


class TestMr:
    def test_there_is_a_void_at_the_metal_and_a_bright_rim(self):
        found = mr(torch.ones(CUBE.shape))
        assert found[28:33, 28:33, 28:33].mean() < 0.2
        assert found.min() == 0
        assert found.max() > 1.3

    def test_far_away_nothing_changes(self):
        image = torch.rand(CUBE.shape, generator=torch.Generator().manual_seed(1))
        found = mr(image, strength=0.29, radius=2.0)
        far = torch.ones(CUBE.shape, dtype=torch.bool)
        far[16:45, 16:45, 12:49] = False
        assert torch.equal(found[far], image[far])
        assert not torch.equal(found, image)

    def test_signal_moves_along_the_read_out_axis_only(self):
        image = torch.zeros(CUBE.shape)
        image[:, 36] = 1
        for read in (0, 2):
            found = mr(image, read=read)
            assert (found[:, [*range(36), *range(37, 61)]] == 0).all()
        assert (mr(image, read=1)[:, 37:] > 0).any()

    @pytest.mark.parametrize(("place", "shift"), [((30, 42, 30), -2), ((42, 30, 30), 4), ((30, 18, 30), -2)])
    def test_a_shift_is_that_of_a_dipole(self, place, shift):
        """Twice the radius away it is an eighth of that at the ball; along the field twice that beside it, opposite."""
        image = torch.zeros(CUBE.shape)
        image[place] = 1
        line = mr(image, strength=0.1 ** (1 / 3), radius=6.0)[place[0], place[1]]  # 16 mm at the surface
        assert np.average(np.arange(61), weights=line) == pytest.approx(30 + shift, abs=0.1)
        assert 0.85 < float(line.sum()) < 1

    def test_without_dephasing_signal_is_kept(self, monkeypatch):
        from napari_medsynth.rendering.artefacts import distortion

        monkeypatch.setattr(distortion, "DEPHASING", 0)
        image = torch.ones(CUBE.shape)
        z, y, x = np.ogrid[-30:31, -30:31, -30:31]
        metal = int((z**2 + y**2 + x**2 <= 16).sum())
        assert float(mr(image).sum()) == pytest.approx(CUBE.voxels - metal, abs=0.1 * metal)

    def test_it_grows_with_the_metal(self):
        image = torch.ones(CUBE.shape)
        void = [int((mr(image, radius=radius) < 0.5).sum()) for radius in (2.0, 4.0, 6.0)]
        assert void[0] < void[1] < void[2]

    def test_it_reaches_as_far_as_its_strength_says(self):
        """At 1 the shift is 1 mm five radii away (across the field)."""
        image = torch.ones(CUBE.shape)
        wide = [int((mr(image, strength)[30, :, 30] < 0.9).sum()) for strength in (0.25, 0.5, 1.0)]
        assert wide[0] < 0.7 * wide[1] < 0.7 * 0.7 * wide[2]
        image = torch.zeros(CUBE.shape)
        image[30, 30 + 22, 30] = 1
        line = mr(image, strength=1.0)[30, 52]
        assert np.average(np.arange(61), weights=line) == pytest.approx(30 - 160 / 5.5**3, abs=0.1)

    @pytest.mark.parametrize(("orientation", "field"), [("SPL", 0), ("PSL", 1), ("RAI", 2)])
    def test_the_field_runs_from_foot_to_head(self, orientation, field):
        lattice = Lattice(CUBE.shape, CUBE.spacing, orientation)
        image = torch.ones(CUBE.shape)
        params = Metal(strength=(0.5, 0.5)).draw(lattice, stream(2))
        metal = {**params, "places": [[0.5, 0.5, 0.5]], "radius": 4.0, "swap": False}
        assert torch.equal(Metal.apply(image.clone(), metal, CUBE), mr(image, field=field))

    def test_in_a_flat_image_it_runs_along_y_unless_the_image_shows_where_it_does(self):
        image = torch.rand((1, 60, 60), generator=torch.Generator().manual_seed(1))
        for orientation, field in (("SPL", 1), ("LSP", 1), ("LPS", 2)):
            lattice = Lattice((1, 60, 60), (1.0, 1.0, 1.0), orientation)
            params = {**Metal(strength=1).draw(lattice, stream(1)), "places": [[0.5, 0.5, 0.5]], "swap": False}
            found = Metal.apply(image.clone(), params, lattice)
            metal = {"strength": 1.0, "radius": params["radius"]}
            assert torch.equal(found, distort(image.clone(), metal, lattice, (0, 30, 30), field, 2, 0.0))

    def test_millimetres_count_not_voxels(self):
        fine = Lattice((61, 121, 61), (1.0, 0.5, 1.0))
        found = mr(torch.ones(fine.shape), lattice=fine, centre=(30, 60, 30))[:, ::2]
        assert ((found - mr(torch.ones(CUBE.shape))).abs() < 0.3).float().mean() > 0.99

    def test_it_lies_in_tissue(self):
        image = torch.zeros(CUBE.shape)
        image[14:47, 14:47, 14:47] = 1
        metal = Metal(strength=(0.1, 0.1), radius=(2, 2))
        for seed in range(10):
            params = metal.draw(CUBE, stream(seed))
            params["places"] = [[0.1, 0.5, 0.5], *params["places"]]
            found = metal.apply(image.clone(), params, CUBE)
            assert (found[14:47, 14:47, 14:47] == 0).any()


def test_the_kind_follows_from_the_image_unless_it_is_said():
    image = torch.full(CUBE.shape, 40.0)
    image[:, :6] = -1000
    drawn = {kind: Metal(strength=1, kind=kind).draw(CUBE, stream(3)) for kind in (None, "ct", "mr")}
    made = {kind: Metal.apply(image.clone(), params, CUBE) for kind, params in drawn.items()}
    assert torch.equal(made[None], made["ct"])
    assert not torch.equal(made["mr"], made["ct"])
    image += 1000
    made = {kind: Metal.apply(image.clone(), params, CUBE) for kind, params in drawn.items()}
    assert torch.equal(made[None], made["mr"])


class TestCt:
    def taken(self, strength=0.5, radius=4.0, shape=(21, 128, 160), centre=(10, 60, 70), spacing=(1.0, 1.0, 1.0)):
        image = torch.full(shape, 40.0)
        image[:, :4], image[:, 0, 0] = -1000.0, 1500.0
        params = {"strength": strength, "radius": radius, "seed": 3}
        return image, add_streaks(image.clone(), params, Lattice(shape, spacing), centre)

    def test_metal_is_brighter_than_all_else(self):
        before, after = self.taken()
        assert after[10, 60, 70] > before.max()

    def test_only_slices_with_metal_have_streaks(self):
        before, after = self.taken()
        changed = (after != before).any(2).any(1)
        assert changed[7:14].all()
        assert not changed[:6].any()
        assert not changed[15:].any()

    def test_streaks_are_brighter_and_darker_and_weaker_further_away(self):
        before, after = self.taken()
        change = (after - before)[10, 10:].numpy()
        y, x = np.mgrid[10:128, :160]
        far = np.hypot(y - 60, x - 70)
        spread = [change[(far > low) & (far < low + 10)].std() for low in (10, 30, 60)]
        assert spread[0] > spread[1] > spread[2] > 0
        ring = change[(far > 25) & (far < 40)]
        assert ring.min() < -20
        assert ring.max() > 20
        assert abs(ring.mean()) < 0.3 * ring.std()

    def test_a_streak_is_a_line_through_the_metal(self):
        before, after = self.taken(shape=(21, 161, 161), centre=(10, 80, 80))
        change = (after - before)[10, 20:141, 20:141].numpy()
        mirrored = change[::-1, ::-1]
        assert np.corrcoef(change.ravel(), mirrored.ravel())[0, 1] > 0.99
        y, x = (60 + 40 * np.array(f(np.linspace(0, np.pi, 40))) for f in (np.sin, np.cos))
        near, further = (
            change[y.astype(int), x.astype(int)],
            change[(1.2 * y - 12).astype(int), (1.2 * x - 12).astype(int)],
        )
        assert np.corrcoef(near, further)[0, 1] > 0.5

    def test_streaks_are_weaker_where_less_metal_is_passed(self):
        before, after = self.taken(radius=5.0)
        spread = [(after - before)[slice_, 10:].abs().quantile(0.9) for slice_ in (10, 13, 14)]
        assert spread[0] > 1.15 * spread[1] > 1.15 * 1.15 * spread[2] > 0

    def test_nothing_gets_darker_than_air(self):
        assert self.taken(strength=1.0)[1].min() == -1000

    def test_they_lie_in_axial_slices_however_these_are_stored(self):
        image = torch.rand(9, 24, 20, generator=torch.Generator().manual_seed(1))
        params = Metal(kind="ct", strength=(1, 1)).draw(Lattice((9, 24, 20), (3.0, 1.0, 1.0)), stream(4))
        straight = Metal.apply(image.clone(), params, Lattice((9, 24, 20), (3.0, 1.0, 1.0)))
        for order, orientation in (((1, 0, 2), "PSL"), ((1, 2, 0), "PLS")):
            turned = Lattice(tuple(image.permute(order).shape), tuple((3.0, 1.0, 1.0)[n] for n in order), orientation)
            drawn = Metal(kind="ct", strength=(1, 1)).draw(turned, stream(4))
            drawn["places"] = [[place[n] for n in order] for place in drawn["places"]]
            found = Metal.apply(image.permute(order).clone(), drawn, turned)
            torch.testing.assert_close(found, straight.permute(order), rtol=0, atol=1e-5)

    def test_streaks_are_about_0_3_of_the_range_near_the_metal_at_strength_1(self):
        before, after = self.taken(strength=1.0)
        change = (after - before)[10, 10:].numpy()
        y, x = np.mgrid[10:128, :160]
        far = np.hypot(y - 60, x - 70)
        ring = change[(far > 11) & (far < 13)]
        assert ring.std() == pytest.approx(0.3 * 2500, rel=0.35)
