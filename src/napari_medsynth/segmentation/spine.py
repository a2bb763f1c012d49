"""Settings for training on SPIDER's lumbar spines: :func:`spine_settings`."""

from __future__ import annotations

from ..core.errors import ConfigError
from ..rendering.resolution import Resolution
from ..rendering.step import Render
from .settings import TrainSettings
from .spec import InputSpec

#: SPIDER's values: those of discs begin above 200, the canal's is 100, and a spine has so many vertebrae at most.
_DISCS, _CANAL, _LEVELS = 200, 100, 25


def spine_settings(classes: int = 14) -> TrainSettings:
    """Return settings for sagittal slices of the lumbar spine, labelled as SPIDER does.

    Label maps are rendered as T1 half of the time and with intensities at random else, in voxels of up to 4 mm: a
    network that saw one contrast only segments little in others.

    Parameters
    ----------
    classes
        Background, the canal, and as many vertebrae as discs, counted from below.

    Raises
    ------
    ConfigError
        If the number does not fit that.
    """
    coarser = Resolution(prob_iso=0.5, prob_min=0.25, iso=(0, 4), aniso=(3, 5), slices="sagittal")
    return TrainSettings(
        inputs=InputSpec(kind="slices", plane="sagittal", spacing=(1.0, 1.0), patch=(192, 192), modality="MR"),
        render=Render(preset="spine-t1", random_contrast=0.5, resolution=coarser),
        scheme="spider",
        relabel=spine_relabel(classes),
    )


def spine_relabel(classes: int = 14) -> tuple[tuple[int, int], ...]:
    """Return SPIDER's values and those of a model: of 14 classes, vertebrae 1-6, discs 7-12 and the canal 13.

    Raises
    ------
    ConfigError
        As :func:`spine_settings` does.
    """
    levels, odd = divmod(classes - 2, 2)
    if odd or not 1 <= levels <= _LEVELS:
        found = f"the number of classes is {classes}"
        expected = "background, the canal, and as many vertebrae as discs: an even number from 4 to 52, as 14"
        raise ConfigError(f"{found}; expected {expected}")
    numbers = range(1, levels + 1)
    vertebrae, discs = ((n, n) for n in numbers), ((_DISCS + n, levels + n) for n in numbers)
    return (*vertebrae, (_CANAL, 2 * levels + 1), *discs)
