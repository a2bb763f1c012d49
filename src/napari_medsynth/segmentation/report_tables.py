"""The tables of an evaluation's report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..datasets import report_page as page
from ..metrics.intervals import Interval
from .reality_gap import OVERALL
from .results import METRICS, Evaluation
from .summaries import Summary, summary

_HEADS = {
    "dice": "Dice",
    "hd95_mm": "Hausdorff 95 %, mm",
    "surface_dice": "surface Dice",
    "volume_error": "volume error",
}

_NOTE = (
    "Means of the scans as they are, with 95 % intervals. N is the number of scans that have the structure in the "
    "truth or in what was found. A structure that is missed, or found where there is none, has Dice 0 and the length "
    "of the image's diagonal as its distance. The volume error is |found − true| / true."
)


def summary_tables(found: Evaluation) -> Iterator[str]:
    """Give a table of each group of scans: every structure and series."""
    entries = summary(found)
    parts = []
    for number, group in enumerate(found.groups):
        mine = [entry for entry in entries if entry.group == group]
        if not mine:
            continue
        if group:
            parts.append(page.subsection(group, ""))
        table = page.table(["", *(_HEADS[metric] for metric in METRICS), "N"], list(_rows(found, mine)))
        parts.append(table if number == 0 else page.folded(f"Every structure of {group}", table))
    if parts:
        tolerance = found.made.get("options", {}).get("tolerance_mm")
        more = f" Surface Dice counts surfaces within {tolerance:g} mm as the same." if tolerance is not None else ""
        yield page.section("Structures", _NOTE + more, *parts)


def _rows(found: Evaluation, entries: Sequence[Summary]) -> Iterator[list[str]]:
    for structure in (OVERALL, *found.structures):
        for series in found.series:
            mine = {e.metric: e for e in entries if e.structure == structure and e.series == series}
            if mine:
                cells = [estimate(mine[metric].mean, _form(metric)) if metric in mine else "–" for metric in METRICS]
                label = structure if len(found.series) == 1 else f"{structure} · {series}"
                yield [label, *cells, str(max(entry.cases for entry in mine.values()))]


def _form(metric: str) -> str:
    return {"hd95_mm": "{:.1f}", "volume_error": "{:.0%}"}.get(metric, "{:.3f}")


def estimate(interval: Interval, form: str = "{:.3f}") -> str:
    """Return an estimate with its interval, e.g. ``0.912 (0.880 … 0.931)``."""
    if math.isnan(interval.estimate):
        return "–"
    value = form.format(interval.estimate)
    if math.isnan(interval.low):
        return f"{value} (no interval)"
    return f"{value} ({form.format(interval.low)} … {form.format(interval.high)})"


def signed(interval: Interval) -> str:
    """Return a difference of Dice in points of a hundredth, with its interval."""
    points = Interval(100 * interval.estimate, 100 * interval.low, 100 * interval.high, interval.n)
    return estimate(points, "{:+.1f}").replace("-", "−")


def named(case: str, group: str) -> str:
    """Return how a case is called: with its group, if that has a name."""
    return f"{case} ({group})" if group else case
