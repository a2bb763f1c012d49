"""The charts of an evaluation's report: contrast, robustness, reality gap, calibration, rendered against real."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..datasets import report_page as page
from ..datasets.curves import COLOURS, Line, Point, Row, interval_chart, line_chart
from .reality_gap import OVERALL, Gap
from .report_tables import estimate, signed
from .results import Evaluation
from .summaries import Curve, curves, gap_of, summary

#: Features that are listed of the classifier.
_FEATURES = 6

#: Bins of fewer voxels say nothing.
_LEAST = 50


def contrast(found: Evaluation) -> Iterator[str]:
    """Give the mean Dice of each kind of scan, if there are several."""
    if len(found.groups) < 2:
        return
    number = {series: n for n, series in enumerate(found.series)}
    rows = [
        Row(f"{entry.group} · {entry.series}", entry.mean.estimate, entry.mean.low, entry.mean.high,
            estimate(entry.mean), number[entry.series])
        for entry in sorted(summary(found, ("dice",)), key=lambda e: found.groups.index(e.group))
        if entry.structure == OVERALL
    ]  # fmt: skip
    note = "Mean Dice over all structures on each kind of scan: what a change of contrast or scanner costs."
    drawn = page.chart(interval_chart(rows, "Mean Dice of each kind of scan", "Dice"))
    yield page.section("Kinds of scan", note, drawn)


def robustness(found: Evaluation) -> Iterator[str]:
    """Give a chart of each shift."""
    drawn = curves(found)
    if not drawn:
        return
    about = {condition.shift: condition for condition in found.conditions}
    parts = [_legend(found)]
    for shift, lines in drawn.items():
        unit = about[shift].unit
        parts.append(page.subsection(shift.replace("_", " "), about[shift].about))
        axes = (f"{shift.replace('_', ' ')}{f' ({unit})' if unit else ''}", "mean Dice")
        chart = line_chart([_line(found, curve) for curve in lines], f"Mean Dice under {shift}", axes=axes)
        parts.append(page.chart(chart))
    where = f" of kind {found.groups[0]}" if found.groups[0] else ""
    note = f"Mean Dice over all structures of the scans{where}, made worse step by step; bands are 95 % intervals."
    yield page.section("Robustness", note, *parts)


def reality_gap(found: Evaluation) -> Iterator[str]:
    """Give model A against model B in each group of scans."""
    parts = []
    for group in found.groups:
        gap = gap_of(found, group)
        if gap is not None:
            parts += [page.subsection(group, "")] if group else []
            parts += [_gap_table(gap), page.chart(interval_chart(_gap_rows(gap), "Difference B − A", "points of Dice"))]
    if parts:
        note = (
            "A learned from rendered label maps only, B from real images. Dice of both on the same scans, and the "
            "difference B − A in points (hundredths of Dice): where its interval lies right of 0, real training is "
            "better; left of it, synthetic training. Closed is the share of that difference that fine-tuning A on so "
            "many real cases makes up; there is none where the interval of the difference holds 0."
        )
        yield page.section("Reality gap", note, *parts)


def calibration(found: Evaluation) -> Iterator[str]:
    """Give how often models are right against how sure they are."""
    if not found.calibration:
        return
    parts: list[str] = [_legend(found)]
    for group in found.groups:
        mine = {s: entry[group] for s, entry in found.calibration.items() if group in entry}
        lines = [_reliability(found, series, entry["curve"]) for series, entry in mine.items()]
        parts += [page.subsection(group, "")] if group else []
        axes = ("how sure it is", "how often it is right")
        parts.append(page.chart(line_chart(lines, "Reliability", axes=axes, diagonal=True)))
        rows = [
            [series, *(_number(entry.get(k)) for k in ("ece", "classwise_ece", "brier"))]
            for series, entry in mine.items()
        ]
        parts.append(page.table(("", "calibration error", "by structure", "Brier score"), rows))
    note = (
        "Near structures (5 voxels), on the scans as they are. Below the broken line a model is surer than it should "
        "be. The calibration error is the mean distance from that line; 0 is best, as it is for the Brier score."
    )
    yield page.section("Calibration", note, *parts)


def domain(found: Evaluation) -> Iterator[str]:
    """Give how well rendered images can be told from real ones."""
    if not found.domain:
        return
    parts = []
    for series, entry in found.domain.items():
        auc = entry["auc"]
        sure = f" ({auc['low']:.2f} … {auc['high']:.2f})" if auc.get("low") is not None else ""
        parts.append(
            page.subsection(series, f"Area under the curve {auc['estimate']:.2f}{sure}, {entry['patches']} patches")
        )
        rows = [
            [feature["name"], f"{feature['a']:.3g}", f"{feature['b']:.3g}", _number(feature["difference"], "{:+.2f}")]
            for feature in entry["features"][:_FEATURES]
        ]
        parts.append(page.table(("feature", "rendered", "real", "difference, deviations"), rows))
    note = (
        "A classifier looks at patches of images that were rendered of the test labels, and of the real scans. 0.5 "
        "means that it cannot tell them apart, 1 that it always can. Rendering at random is meant to be told apart: it "
        "has to cover the real scans, not to look like them. The features that differ most say where to look."
    )
    yield page.section("Rendered and real images", note, *parts)


def _legend(found: Evaluation) -> str:
    return page.legend((series, f"series-{n % COLOURS}") for n, series in enumerate(found.series))


def _line(found: Evaluation, curve: Curve) -> Line:
    points = [Point(x, m.estimate, m.low, m.high) for x, m in zip(curve.levels, curve.means, strict=True)]
    return Line(curve.series, points, found.series.index(curve.series))


def _reliability(found: Evaluation, series: str, curve: Mapping[str, Any]) -> Line:
    pairs = zip(curve["confidence"], curve["accuracy"], strict=True)
    points = [
        Point(x, y)
        for (x, y), count in zip(pairs, curve["count"], strict=True)
        if count >= _LEAST and x is not None and y is not None
    ]
    return Line(series, points, found.series.index(series))


def _gap_table(gap: Gap) -> str:
    closed = gap.structures[0].closed
    head = ["", "A (synthetic)", "B (real)", "B − A, points"]
    for one in closed:
        head += [f"A + {one.cases} real", "closed"]
    rows = []
    for row in gap.structures:
        cells = [row.name, estimate(row.a), estimate(row.b), signed(row.difference)]
        for one in row.closed:
            cells += [estimate(one.score), estimate(one.share, "{:.0%}") if not one.note else "–"]
        rows.append(cells)
    return page.table(head, rows)


def _gap_rows(gap: Gap) -> list[Row]:
    rows = []
    for row in gap.structures:
        value, low, high = (100 * v for v in (row.difference.estimate, row.difference.low, row.difference.high))
        rows.append(Row(row.name, value, low, high, signed(row.difference), 0 if row.name == OVERALL else 3))
    return rows


def _number(value: float | None, form: str = "{:.3f}") -> str:
    return "–" if value is None or math.isnan(value) else form.format(value)
