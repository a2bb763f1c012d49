"""The table beside an image: one row a lesion."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from ..core.case import Case
from ..core.errors import LabelError
from .measure import LesionFigures, measure_lesions

COLUMNS = (
    "instance", "seed", "volume_ml", "diameter_mm", "longest_mm", "mean_hu", "sd_hu",
    "z", "y", "x", "x_mm", "y_mm", "z_mm",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One lesion: what it measures, and the seed that it was made of."""

    figures: LesionFigures
    seed: str

    @property
    def diameter_mm(self) -> float:
        """Diameter of the ball of the same volume."""
        return float((6000 * self.figures.volume_ml / 3.141592653589793) ** (1 / 3))

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, one cell a column of :data:`COLUMNS`; positions in world mm are RAS."""
        f = self.figures
        numbers = (f.volume_ml, self.diameter_mm, f.diameters_mm[0], f.mean_hu, f.sd_hu, *f.centre_zyx, *f.centre_mm)
        return (str(f.instance), self.seed, *(f"{n:.3f}" for n in numbers))


def lesion_rows(case: Case) -> tuple[Row, ...]:
    """Measure every lesion of a case's instance map.

    Raises
    ------
    LabelError
        If the case has no image or no instance map.
    """
    if case.image is None or case.instances is None:
        raise LabelError(f"case {case.id!r} lacks an image or an instance map; expected both to measure its lesions")
    names = _seed_names(case)
    return tuple(Row(f, names.get(f.instance, "")) for f in measure_lesions(case.image, case.instances))


def lesion_csv(case: Case) -> str:
    """Return the table of a case's lesions as CSV with a header line; raises as :func:`lesion_rows` does."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.cells() for row in lesion_rows(case))
    return text.getvalue()


def _seed_names(case: Case) -> dict[int, str]:
    """Return which seed each lesion was made of, from the case's history."""
    names: dict[int, str] = {}
    for record in case.history:
        for entry in record.params.get("lesions", []) if record.step == "insert_tumors" else []:
            made = entry.get("synthetic")
            names[entry["instance"]] = entry["seed_id"] if made is None else f"made, {made['kind']}"
    return names
