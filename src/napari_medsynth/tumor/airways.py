"""Windpipe and main bronchi, which hold air but are not lung."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.box import Box
from .regions import Mask
from .thorax import Hu

#: Lumen of the windpipe in a slice; even a narrow one is empty in its middle.
_LUMEN_HU = -940
#: By how much above its median the lumen is grown, strictest first; walls are thin, so a lenient threshold leaks.
_LENIENCE_HU = (40, 60, 80, 100, 120, 140)
#: Windpipe in cross-section, mm²: a child's to one widened by disease (Griscom and Wohl 1986: men 100–400).
_SECTION = (30.0, 900.0)
#: Windpipe and main bronchi together hold less, in mm³; more means that the growth has leaked into a lung.
_LARGEST = 120e3
#: A step of the threshold that lets the volume grow by more than this factor, and mm³ on top, has leaked, too.
_LEAK = (1.7, 1500.0)
#: How far to each side of the windpipe the main bronchi are followed, in mm.
_REACH = 55.0
#: Slices of windpipe, in mm, that must lie above one another before it is believed.
_RUN = 12.0


def find_airways(hu: Hu, air: Mask, spacing: Sequence[float]) -> Mask:
    """Find the lumen of windpipe and main bronchi.

    The windpipe is the round, enclosed gas in the middle between the lungs; from it the threshold is loosened step
    by step until the region leaks into a lung, and the last step before is kept (after Mori et al. 1996).

    Parameters
    ----------
    hu
        ``(z, y, x)`` in HU, about 2 mm, axes to the head, the back and the left.
    air
        Air of lungs and airways, from :func:`.thorax.lung_air`.
    spacing
        Voxels in mm.

    Returns
    -------
    mask
        The lumen; empty if no windpipe is in view.
    """
    airways = np.zeros(hu.shape, dtype=bool)
    box = _middle(air, spacing)
    seeds = _windpipe(hu[box.slices], spacing)
    if not seeds.any():
        return airways
    airways[box.slices] = _grown(hu[box.slices], seeds, float(np.prod(spacing)))
    return airways


def _grown(hu: Hu, seeds: Mask, voxel: float) -> Mask:
    """Loosen the threshold until the region leaks; what it was before."""
    from scipy import ndimage

    found, most = seeds, _LARGEST
    for lenience in _LENIENCE_HU:
        labels, _ = ndimage.label((hu < np.median(hu[seeds]) + lenience) | seeds)
        grown = np.isin(labels, labels[seeds])
        volume = float(grown.sum()) * voxel
        if volume > most:
            break
        found, most = grown, min(_LARGEST, _LEAK[0] * volume + _LEAK[1])
    return found


def _middle(air: Mask, spacing: Sequence[float]) -> Box:
    """Box from the base of the lungs to the top of the image, a hand's width around the middle between the lungs."""
    outer = Box.around(air)
    if outer is None:
        return Box((0, 0, 0), (0, 0, 0))
    middle = (outer.start[2] + outer.stop[2]) / 2
    half = min(_REACH / spacing[2], (outer.stop[2] - outer.start[2]) / 2)
    low, high = int(middle - half), int(middle + half) + 1
    return Box((outer.start[0], outer.start[1], low), (air.shape[0], outer.stop[1], high)).clipped(air.shape)


def _windpipe(hu: Hu, spacing: Sequence[float]) -> Mask:
    """Lumen of the windpipe: gas, round in cross-section, in a run of slices that overlap each other."""
    from scipy import ndimage

    gas = hu < _LUMEN_HU
    plane = ndimage.generate_binary_structure(3, 1)
    plane[[0, 2]] = False  # each slice by itself
    labels, count = ndimage.label(gas, plane)
    round_ = np.zeros(count + 1, dtype=bool)
    area = spacing[1] * spacing[2]
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    for n, found in enumerate(ndimage.find_objects(labels), start=1):
        high, wide = (s.stop - s.start for s in found[1:])
        aspect = max(high * spacing[1], wide * spacing[2]) / min(high * spacing[1], wide * spacing[2])
        at_edge = any(s.start == 0 or s.stop == size for s, size in zip(found[1:], hu.shape[1:], strict=True))
        fits = _SECTION[0] <= sizes[n] * area <= _SECTION[1]
        round_[n] = fits and not at_edge and aspect < 2.2 and sizes[n] > 0.5 * high * wide
    return _longest_run(round_[labels], spacing)


def _longest_run(discs: Mask, spacing: Sequence[float]) -> Mask:
    """The discs that overlap from slice to slice over the longest way, if that is long enough."""
    from scipy import ndimage

    labels, count = ndimage.label(discs)
    spans = [(found[0].stop - found[0].start) for found in ndimage.find_objects(labels)]
    if count == 0 or max(spans) * spacing[0] < min(_RUN, discs.shape[0] * spacing[0]):
        return np.zeros(discs.shape, dtype=bool)
    return np.asarray(labels == 1 + int(np.argmax(spans)))
