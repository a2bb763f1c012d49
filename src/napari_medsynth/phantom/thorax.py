"""A small chest CT made from formulas: :func:`thorax`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..core.affine import Affine
from ..core.case import Case
from ..core.errors import ConfigError
from ..core.labels import Label, LabelMap, LabelTable
from ..core.rng import stream
from ..core.volume import Volume
from . import chest_wall, viscera
from .canvas import Canvas, FloatArray
from .labels import THORAX, VALUE
from .lesions import add_tumors

MAX_TUMORS = 20
_NOISE_HU = 18.0  #: standard deviation of the finished image's noise
_BLUR = 0.5  #: Gaussian point spread in voxels, standard deviation: the noise gets the grain of a soft kernel
_HOST = LabelTable((Label(1, "right lung", "lung", "right"), Label(2, "left lung", "lung", "left")))


def thorax(
    shape: Sequence[int] = (96, 192, 224),
    spacing: Sequence[float] = (2.5, 1.7, 1.7),
    *,
    seed: int = 0,
    tumors: int = 2,
) -> Case:
    """Make a CT-like chest of a lying adult, arms raised, with contrast medium and tumors in the lungs.

    It is kept small, for demonstrations and tests: one body of fixed size whose lung vessels, texture, noise and
    tumors are drawn anew for each seed. It is no model of a population; organs are simple solids, bronchi end
    after the lobar ones, and there is no scatter or beam hardening.

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``. The chest lies in the middle and keeps its size: it needs about
        240 × 326 × 381 mm; a smaller field of view cuts it off, a larger one adds air around it.
    spacing
        Millimetres per voxel along ``(z, y, x)``.
    seed
        Root seed, 0 … 2⁵³ − 1; the same one gives the same bytes.
    tumors
        How many, 0 … 20, with diameters of 12 to 28 mm: by turns isolated with a lobed edge, and spiculated
        at the chest wall.

    Returns
    -------
    Case
        ``thorax``: image (int16 HU, modality CT, axes "SPL", centre at the world's origin), labels (see
        :data:`~napari_medsynth.phantom.labels.THORAX`), instances (tumors 1, 2, …) and host (right lung 1, left
        lung 2, tumors included).

    Raises
    ------
    ConfigError
        If shape or the number of tumors cannot be used.
    GridError
        If the spacing cannot be used.
    HostError
        If there is no room for a tumor.
    """
    size = _checked_shape(shape)
    if isinstance(tumors, bool) or not isinstance(tumors, int) or not 0 <= tumors <= MAX_TUMORS:
        raise ConfigError(f"tumors is {tumors!r}; expected a whole number from 0 to {MAX_TUMORS}")
    affine = _centred(size, spacing)
    rng = stream(seed, step="thorax")
    canvas = Canvas(size, affine.spacing)
    texture = _texture(size, affine.spacing, rng)
    lung, cage = _paint(canvas, texture, rng)
    host = _host(canvas, affine)
    instances = add_tumors(canvas, lung, cage, texture, tumors, rng)
    return Case(
        id="thorax",
        image=Volume(_scanned(canvas, rng), affine, "CT"),
        labels=LabelMap(canvas.labels, affine, THORAX),
        instances=LabelMap(instances, affine, LabelTable.from_names({n + 1: f"tumor {n + 1}" for n in range(tumors)})),
        host=host,
    )


def _checked_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    if len(shape) != 3 or not all(isinstance(n, int | np.integer) and n >= 8 for n in shape):
        raise ConfigError(f"shape is {tuple(shape)}; expected three whole numbers (z, y, x) of at least 8 voxels")
    return int(shape[0]), int(shape[1]), int(shape[2])


def _centred(shape: tuple[int, int, int], spacing: Sequence[float]) -> Affine:
    """Return the affine in canonical orientation whose middle is the world's origin."""
    if len(spacing) != 3:
        raise ConfigError(f"spacing is {tuple(spacing)}; expected three lengths (z, y, x) in mm")
    at_corner = Affine.from_spacing(spacing)
    x, y, z = at_corner.to_world((np.asarray(shape) - 1) / 2)
    return Affine.from_spacing(spacing, origin=(-x, -y, -z))


def _texture(shape: tuple[int, ...], spacing: Sequence[float], rng: np.random.Generator) -> FloatArray:
    """Smooth noise of unit variance with a grain of about 4 mm."""
    from scipy import ndimage

    white = rng.standard_normal(shape, dtype=np.float32)
    smooth = ndimage.gaussian_filter(white, 1.7 / np.asarray(spacing), truncate=2.5)
    return np.asarray(smooth / smooth.std(), dtype=np.float32)


def _paint(canvas: Canvas, texture: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Paint the patient from the outside in; return the distances to the lungs and to the chest wall."""
    cage = chest_wall.cage_distance(canvas)
    heart, under = viscera.heart_distance(canvas), viscera.under_distance(canvas)
    lung = viscera.lung_distance(canvas, cage, heart, under)
    chest_wall.add_table(canvas)
    chest_wall.add_body(canvas, cage, texture)
    viscera.add_lungs(canvas, lung, texture)
    viscera.add_heart(canvas, heart)
    viscera.add_abdomen(canvas, cage, under)
    viscera.add_vessels(canvas)
    chest_wall.add_bones(canvas, cage)
    viscera.add_trees(canvas, lung, rng)
    return lung, cage


def _host(canvas: Canvas, affine: Affine) -> LabelMap:
    values = np.zeros(256, dtype=np.uint8)
    values[[VALUE["right lung"], VALUE["left lung"]]] = 1, 2
    return LabelMap(values[canvas.labels], affine, _HOST)


def _scanned(canvas: Canvas, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Blur by the point spread and add noise of the same grain; whole HU, air no lower than -1024."""
    from scipy import ndimage

    kernel = ndimage.gaussian_filter1d(np.eye(1, 9, 4)[0], _BLUR)
    white = rng.standard_normal(canvas.hu.shape, dtype=np.float32)
    white *= np.float32(_NOISE_HU / np.sum(kernel**2) ** 1.5)
    white += canvas.hu
    blurred = ndimage.gaussian_filter(white, _BLUR)
    return np.asarray(np.clip(np.rint(blurred), -1024, 3071), dtype=np.int16)
