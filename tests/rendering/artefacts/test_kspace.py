"""Motion, ghosts, ringing, fold-over, spikes and zippers are what theory says of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_medsynth.core.rng import stream
from napari_medsynth.rendering.artefacts import motion, reading
from napari_medsynth.rendering.artefacts.ghosting import Ghosting
from napari_medsynth.rendering.artefacts.gibbs import Gibbs
from napari_medsynth.rendering.artefacts.kspace import axes_of
from napari_medsynth.rendering.artefacts.motion import Motion
from napari_medsynth.rendering.artefacts.reading import Reading
from napari_medsynth.rendering.artefacts.spikes import Spikes
from napari_medsynth.rendering.artefacts.wrap import Wrap
from napari_medsynth.rendering.artefacts.zipper import Zipper
from napari_medsynth.rendering.lattice import Lattice


def lattice_of(image, spacing=(1.0, 1.0, 1.0)):
    return Lattice(tuple(image.shape), spacing)


def square(size=64, low=24, high=40):
    image = torch.zeros(1, size, size)
    image[:, low:high, low:high] = 1
    return image


class TestAxes:
    def test_slices_lie_across_the_thickest_voxels(self):
        assert axes_of(Lattice((9, 9, 9), (1.0, 4.0, 1.0))) == (1, 0, 2)
        assert axes_of(Lattice((9, 9, 9), (1.0, 1.0, 4.0)), swap=True) == (2, 1, 0)

    def test_they_lie_across_z_if_voxels_are_cubes_or_there_is_one_slice(self):
        assert axes_of(Lattice((9, 9, 9), (1.0, 1.0, 1.0))) == (0, 1, 2)
        assert axes_of(Lattice((1, 9, 9), (1.0, 1.0, 5.0)), swap=True) == (0, 2, 1)


class TestMotion:
    def reading(self, poses, shape=(64, 64), spacing=(1.0, 1.0)):
        return Reading(np.array(poses, float), shape, spacing, torch.device("cpu"))

    def test_a_shift_that_never_changes_shifts_the_image(self):
        image = torch.rand(3, 64, 48, generator=torch.Generator().manual_seed(1))
        moved = self.reading([[0, 5 * 0.5, -7 * 2.0]] * 64, (64, 48), (0.5, 2.0)).take(image)
        torch.testing.assert_close(moved, image.roll((5, -7), (1, 2)), rtol=0, atol=1e-5)

    def test_an_angle_that_never_changes_turns_the_image(self):
        image = torch.rand(2, 64, 64, generator=torch.Generator().manual_seed(1))
        turned = self.reading([[90, 0, 0]] * 64).take(image)
        torch.testing.assert_close(turned, torch.rot90(image, -1, (1, 2)), rtol=0, atol=1e-4)

    def test_it_turns_in_millimetres(self):
        """A disc stays a disc where voxels are oblong."""
        y, x = (np.arange(60) - 29.5) * 1.0, (np.arange(30) - 14.5) * 2.0
        disc = torch.from_numpy((np.hypot(y[:, None], x) < 20).astype(np.float32))[None]
        turned = self.reading([[37, 0, 0]] * 60, (60, 30), (1.0, 2.0)).take(disc)
        assert ((turned - disc).abs() > 0.6).sum() < 0.02 * disc.sum()

    def test_each_line_is_read_in_its_own_pose(self, monkeypatch):
        monkeypatch.setattr(reading, "magnitude", torch.complex)  # before the absolute value is taken
        image = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(2))
        poses = np.zeros((64, 3))
        poses[20:30, 2] = 4
        found = torch.fft.fft(self.reading(poses).take(image), dim=1)
        still, moved = (torch.fft.fft(v, dim=1) for v in (image, image.roll(4, 2)))
        torch.testing.assert_close(found[:, 20:30], moved[:, 20:30].to(found.dtype), rtol=0, atol=1e-4)
        torch.testing.assert_close(found[:, :20], still[:, :20].to(found.dtype), rtol=0, atol=1e-4)

    def test_the_image_stays_where_its_labels_are(self):
        """What is read in the middle of k-space is in its place, whatever happens before and after."""
        image = square()
        lattice = lattice_of(image)
        for seed in range(6):
            moving = Motion(strength=(0.5, 0.5), movements=(3, 3))
            found = moving.apply(image.clone(), moving.draw(lattice, stream(seed)), lattice)[0]
            weight = found.numpy() ** 2
            middle = [np.average(np.arange(64), weights=weight.sum(1 - axis)) for axis in (0, 1)]
            assert middle == pytest.approx([31.5, 31.5], abs=2.5)

    def test_sudden_movement_has_few_poses_and_slow_movement_many(self):
        params = {"strength": 1.0, "poses": [[0.3, 0.5, 0.5, -0.5], [0.6, -0.5, 1, 0.2]]}
        sudden, slow = (motion._poses(100, {**params, "kind": kind}) for kind in ("sudden", "slow"))
        assert len(np.unique(sudden, axis=0)) == 3
        assert len(np.unique(slow[:, 1])) > 50
        assert len(np.unique(slow[:, 0])) <= 8
        assert (sudden[0] == slow[0]).all()
        assert (sudden[0] == 0).all()
        assert np.ptp(sudden, axis=0) == pytest.approx([10, 10, 7])

    def test_lines_are_read_from_one_end_of_k_space_to_the_other(self):
        params = {"strength": 1.0, "kind": "sudden", "poses": [[0.2, 0, 1, 0], [0.8, 0, -1, 0]]}
        shifts = np.fft.fftshift(motion._poses(100, params)[:, 1])
        assert (shifts[:20] == -10).all()
        assert (shifts[20:80] == 0).all()
        assert (shifts[80:] == -20).all()

    def test_movement_takes_hardly_any_energy(self):
        image = square()
        moving = Motion(strength=(1, 1), movements=(4, 4))
        found = moving.apply(image.clone(), moving.draw(lattice_of(image), stream(3)), lattice_of(image))
        assert float(found.square().sum()) == pytest.approx(float(image.square().sum()), rel=0.1)


class TestGhosting:
    def found(self, image, **params):
        lattice = lattice_of(image)
        params = {"strength": 1.0, "phases": [0.0, 0.0], "swap": False, "kind": "pulsation", **params}
        return Ghosting.apply(image.clone(), params, lattice)

    @pytest.mark.parametrize("ghosts", [2, 3, 4, 6])
    def test_copies_lie_at_multiples_of_a_share_of_the_field_of_view(self, ghosts):
        image = torch.zeros(1, 48, 32)
        image[:, 7, 9] = 1
        found = self.found(image, ghosts=ghosts)[0]
        rows = (7 + 48 // ghosts * np.arange(ghosts)) % 48
        assert sorted(np.flatnonzero(found[:, 9] > 1e-3)) == sorted(rows)
        assert (found[:, :9] < 1e-4).all()

    @pytest.mark.parametrize("ghosts", [2, 3, 4, 5])
    def test_at_strength_1_the_nearest_are_0_6_as_bright(self, ghosts):
        image = torch.zeros(1, 60, 32)
        image[:, 7, 9] = 1
        found = self.found(image, ghosts=ghosts)[0]
        assert float(found[7, 9]) == pytest.approx(1, abs=1e-4)
        assert float(found[(7 + 60 // ghosts) % 60, 9]) == pytest.approx(0.6, abs=1e-3)

    @pytest.mark.parametrize("seed", range(12))
    def test_a_quarter_of_the_strength_is_seen_on_tissue(self, seed):
        """Whatever their phase, the nearest copies change even tissue by a tenth or more of what they are of."""
        image = torch.full((1, 60, 32), 0.5)
        image[:, 5, 9] = 1.5
        lattice = lattice_of(image)
        params = Ghosting(strength=(0.25, 0.25)).draw(lattice, stream(seed)) | {"swap": False}
        row = 5 + round(60 / params["ghosts"])
        found = Ghosting.apply(image.clone(), params, lattice)[0]
        assert abs(float(found[row, 9] - found[row, 12])) > 0.1

    def test_further_copies_are_weaker(self):
        image = torch.zeros(1, 48, 32)
        image[:, 7, 9] = 1
        near, far = self.found(image, ghosts=4)[0, [19, 31], 9].tolist()
        assert near == pytest.approx(4 * far, rel=1e-3)

    def test_they_lie_along_the_other_axis_if_the_axes_are_swapped(self):
        image = torch.zeros(1, 32, 48)
        image[:, 7, 9] = 1
        found = self.found(image, ghosts=2, swap=True)[0]
        assert found[7, 33] == pytest.approx(0.6, abs=1e-4)

    def test_their_phase_decides_whether_they_add_up(self):
        image = torch.ones(1, 48, 32)
        assert self.found(image, ghosts=2, phases=[0.0, 0.0]).mean() == pytest.approx(1.6, abs=1e-4)
        assert self.found(image, ghosts=2, phases=[0.5, 0.0]).mean() == pytest.approx(0.4, abs=1e-4)

    def test_breathing_copies_edges_and_leaves_what_is_even(self):
        image = square()
        found = self.found(image, ghosts=2, kind="breathing", strength=0.3)[0]
        ghost = found[:, 30][[*range(18), *range(46, 64)]]
        assert ghost.max() > 0.05
        assert ghost[:5].max() < 0.1 * ghost.max()

    def test_breathing_keeps_all_energy(self):
        image = torch.rand(2, 48, 40, generator=torch.Generator().manual_seed(1))
        found = self.found(image, ghosts=3, kind="breathing")
        assert float(found.square().sum()) == pytest.approx(float(image.square().sum()), rel=1e-5)


class TestGibbs:
    def found(self, image, strength, both=False):
        return Gibbs.apply(image.clone(), {"strength": strength, "swap": False, "both": both}, lattice_of(image))[0]

    @pytest.mark.parametrize("strength", [0.4, 0.7, 1.0])
    def test_an_edge_overshoots_by_nine_percent(self, strength):
        """Wilbraham 1848: the partial sums of a step reach 1.0895 of it, however many terms there are."""
        image = torch.ones(1, 1024, 4)
        image[:, 256:768] = 2
        top = float(self.found(image, strength).max()) - 1
        assert top == pytest.approx(1.0895, abs=0.02)

    def test_it_rings_more_widely_the_less_was_measured(self):
        image = torch.ones(1, 512, 4)
        image[:, 128:384] = 2
        places = [int(self.found(image, s)[128:256, 0].argmax()) for s in (0.3, 0.6, 1.0)]
        assert places[0] < places[1] < places[2]

    def test_what_was_measured_stays_as_it_was(self):
        image = torch.rand(1, 64, 48, generator=torch.Generator().manual_seed(1)) + 2
        found = torch.fft.fft2(self.found(image, 1.0))
        torch.testing.assert_close(found[:6], torch.fft.fft2(image[0])[:6], rtol=0, atol=2e-3)
        assert found[8:57].abs().max() < 2e-3

    def test_it_rings_along_one_axis_or_both(self):
        image = 1 + square()
        one, both = self.found(image, 1.0), self.found(image, 1.0, both=True)
        assert (one[:, :20] - one[0, 0]).abs().max() < 1e-5
        assert (both[28:36, 10:22] - both[0, 0]).abs().max() > 0.02

    def test_an_even_image_stays_even(self):
        torch.testing.assert_close(self.found(torch.full((2, 31, 40), 3.0), 0.8), torch.full((31, 40), 3.0))


class TestWrap:
    @pytest.mark.parametrize(("strength", "outside"), [(0.5, 20), (1.0, 40)])
    def test_what_lies_outside_the_field_of_view_is_added_on_the_other_side(self, strength, outside):
        image = torch.rand(3, 100, 24, generator=torch.Generator().manual_seed(1))
        found = Wrap.apply(image.clone(), {"strength": strength, "swap": False}, lattice_of(image))
        view = 100 - outside
        assert torch.equal(found[:, outside:view], image[:, outside:view])
        assert torch.equal(found[:, :outside], image[:, :outside] + image[:, view:])
        assert torch.equal(found[:, view:], found[:, :outside])

    def test_it_is_an_image_of_that_field_of_view_continued(self):
        image = torch.rand(1, 100, 24, generator=torch.Generator().manual_seed(1))
        found = Wrap.apply(image.clone(), {"strength": 1.0, "swap": False}, lattice_of(image))
        folded = image[:, :60].clone()
        folded[:, :40] += image[:, 60:]
        torch.testing.assert_close(found, torch.cat([folded, folded[:, :40]], dim=1))

    def test_air_of_ct_folded_onto_air_is_air(self):
        image = torch.full((2, 50, 24), -1000.0)
        image[:, 15:35] = 40
        found = Wrap.apply(image.clone(), {"strength": 0.5, "swap": False}, lattice_of(image))
        assert torch.equal(found, image)


class TestSpikes:
    def found(self, image, points, strength=1.0):
        return Spikes.apply(image.clone(), {"strength": strength, "points": points}, lattice_of(image))

    def test_a_spike_is_one_point_of_k_space(self):
        image = 10 + torch.rand(1, 64, 48, generator=torch.Generator().manual_seed(1))
        found = self.found(image, [[0.0, 8 / 32, 3 / 24, 1.0, 0.0]], strength=0.1)
        change = torch.fft.fft2(found - image)[0].abs()
        (row, column), (mirrored, _) = (divmod(int(n), 48) for n in change.ravel().topk(2).indices)
        assert (row, column) in {(8, 3), (56, 45)}
        assert mirrored in {8, 56}
        others = change.ravel().topk(3).values
        assert others[2] < 0.1 * others[0]

    def test_stripes_are_a_quarter_of_the_brightest_voxel_at_strength_1(self):
        image = torch.full((1, 64, 48), 2.0)
        change = self.found(image, [[0.0, 0.25, 0.25, 1.0, 0.0]]) - 2
        assert float(change.max()) == pytest.approx(0.5, abs=0.01)
        both = self.found(image, [[0.0, 0.25, 0.25, 1.0, 0.0], [0.0, 0.5, 0.125, 0.6, 0.3]]) - 2
        assert float(both.max()) < 0.51

    def test_points_lie_apart_from_the_middle_of_k_space(self):
        lattice = Lattice((4, 40, 40), (1.0, 1.0, 1.0))
        points = [p for n in range(50) for p in Spikes(count=(3, 3)).draw(lattice, stream(n))["points"]]
        radii = [np.hypot(row, column) for _, row, column, *_ in points]
        assert min(radii) >= 0.05
        assert max(radii) <= 0.7


class TestZipper:
    def test_lines_cross_the_read_out_axis_where_they_were_drawn_and_nothing_else_changes(self):
        image = torch.rand(3, 40, 51, generator=torch.Generator().manual_seed(1))
        params = {"strength": 0.8, "places": [0.2, 0.7], "swap": False, "seed": 3}
        change = (Zipper.apply(image.clone(), params, lattice_of(image)) - image).abs().mean((0, 1)).numpy()
        assert set(np.flatnonzero(change > 0)) == {9, 10, 11, 34, 35, 36}
        assert change[10] > 2 * change[9]

    def test_a_line_is_dashed(self):
        """It adds here and takes away there, about every voxel."""
        image = torch.full((1, 200, 31), 1.0)
        params = {"strength": 0.5, "places": [0.5], "swap": False, "seed": 3}
        change = (Zipper.apply(image.clone(), params, lattice_of(image)) - image)[0, :, 15]
        assert 0.3 < float((change > 0).float().mean()) < 0.7
        assert int((change[1:] * change[:-1] < 0).sum()) > 100

    def test_on_a_dark_background_it_is_at_most_as_bright_as_the_brightest_voxel_times_its_strength(self):
        image = torch.zeros(2, 200, 31)
        image[:, :, :5] = 4
        params = {"strength": 0.5, "places": [0.8], "swap": False, "seed": 3}
        line = Zipper.apply(image, params, lattice_of(image))[:, :, 24]
        assert float(line.max()) <= 2.001
        assert float(line.mean()) > 1

    def test_slices_differ(self):
        image = torch.ones(2, 40, 31)
        params = {"strength": 0.5, "places": [0.5], "swap": False, "seed": 3}
        found = Zipper.apply(image, params, lattice_of(image))
        assert not torch.equal(found[0], found[1])
