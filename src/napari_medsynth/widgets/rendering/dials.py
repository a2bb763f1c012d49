"""What of each stage a person turns: :data:`DIALS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ...core.settings import About, about
from ...rendering.stage import Stage
from ...rendering.stages import STAGES


@dataclass(frozen=True)
class Dial:
    """The one setting of a stage that its slider stands for; an interval becomes that very value.

    Parameters
    ----------
    stage
        Name of the stage.
    title
        What the panel calls it.
    setting
        Name of the setting; empty if the stage is only switched on and off.
    high
        Upper end of the slider; the lower one is 0.
    digits
        Digits after the point.
    """

    stage: str
    title: str
    setting: str = "strength"
    high: float = 1.0
    digits: int = 2

    @property
    def about(self) -> About:
        """Help, unit and range of the setting."""
        return about(next(field for field in fields(STAGES[self.stage]) if field.name == self.setting))

    @property
    def help(self) -> str:
        """What the stage is, and what its slider sets, for a tooltip."""
        lines = [(STAGES[self.stage].__doc__ or "").partition("\n")[0]]
        return "\n".join(lines + ([self.about.describe()] if self.setting else []))

    def value(self, stage: Stage) -> float:
        """Return where a stage's settings put the slider: the middle of an interval."""
        found = getattr(stage, self.setting)
        return float(sum(found) / 2 if isinstance(found, tuple) else found)

    def turned(self, stage: Stage, value: float) -> Stage:
        """Return a stage that always happens, with this value."""
        kind = type(getattr(stage, self.setting))
        changes: dict[str, Any] = {self.setting: (value, value) if kind is tuple else value}
        return replace(stage, prob=1.0, **changes)


SHAPE = (
    Dial("warp", "Warp (mm)", "elastic", 20.0, 1),
    Dial("flip", "Flip left and right", ""),
)
SCANNER = (
    Dial("texture", "Texture", "share"),
    Dial("bias_field", "Bias field", "std", 1.5),
    Dial("intensity", "Gamma", "gamma"),
    Dial("resolution", "Thick slices (mm)", "aniso", 12.0, 1),
)
ARTEFACTS = (
    Dial("noise", "Noise", "std", 0.25, 3),
    Dial("motion", "Motion"),
    Dial("ghosting", "Ghosts"),
    Dial("wrap", "Wrap-around"),
    Dial("gibbs", "Gibbs ringing"),
    Dial("spikes", "Spikes"),
    Dial("zipper", "Zipper lines"),
    Dial("metal", "Metal"),
    Dial("speckle", "Speckle"),
    Dial("shadow", "Shadows"),
)

#: All of them by stage, in the order in which the panel lists them.
DIALS: Mapping[str, Dial] = {dial.stage: dial for dial in (*SHAPE, *SCANNER, *ARTEFACTS)}

#: Upper end of the slider for noise where the unit is HU.
MOST_HU = 100.0
