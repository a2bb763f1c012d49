"""Which tumors are placed, and how: :class:`TumorOptions`, shared by the step and the commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..core.errors import ConfigError
from ..core.settings import Settings, require_interval, setting
from .blend import Blend
from .morph import Variation
from .place import Placement
from .seed import Attachment
from .synthetic import KINDS, Kind


@dataclass(frozen=True, kw_only=True)
class TumorOptions(Settings):
    """Which tumors are placed, and how; all but how many and where."""

    library: Path | None = setting(None, "Folder of seeds; made lesions if left out")
    kinds: tuple[Kind, ...] = setting(KINDS, "Made lesions: which kinds")
    organ: str = setting("lung", "Where: 'lung', or a name or tissue in the label table")
    value: int | None = setting(
        None, "Value in the label map; the table's lesion if left out, else the next free", low=1, high=65535
    )
    attachment: tuple[Attachment, ...] = setting((), "Take only seeds that were attached so; any if empty")
    seed_volume_ml: tuple[float, float] = setting(
        (0.0, 2000.0), "Take only seeds of this volume", unit="mL", low=0, high=2000
    )
    exclude_patients: tuple[str, ...] = setting((), "Take no seed of these")
    variation: Variation = setting(Variation(), "How seeds are changed")
    placement: Placement = setting(Placement(), "Rules for their places")
    blend: Blend = setting(Blend(), "How they become part of the scan")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_interval(self, "seed_volume_ml")
        if not self.kinds and self.library is None:
            raise ConfigError(f"kinds is empty; expected one or more of {', '.join(KINDS)}")
