"""Charts of a report as inline SVG: no script, no file beside it, and colours that follow the page.

Every chart is 720 units wide and as high as it has rows. Marks carry a ``<title>``, which browsers show as a tooltip
and screen readers speak; text is escaped here. Colours are CSS classes of :mod:`.report_page`, except where a
structure has a colour of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from .svg import NAMES, WIDTH, Counts, figure, round_ticks, svg_chart, svg_line, svg_name, svg_rect, svg_text

_VALUES = 60  # room for the values on the right
_PLOT = WIDTH - NAMES - _VALUES
_BAR = 9
_ROW = 24
_FOOT = 22


@dataclass(frozen=True)
class Bars:
    """One category: a share for each series, what is said beside them, and perhaps the share to be expected."""

    name: str
    shares: Sequence[float]
    value: str
    expected: float | None = None


@dataclass(frozen=True)
class Ridge:
    """One structure's histogram: how many voxels lie in each bin."""

    name: str
    counts: Counts
    colour: str


@dataclass(frozen=True)
class Spread:
    """Smallest, lower quartile, median, upper quartile and largest value of one structure."""

    name: str
    quantiles: tuple[float, float, float, float, float]
    colour: str


def bar_chart(rows: Sequence[Bars], series: Sequence[str], label: str) -> str:
    """Draw shares 0 … 1 as horizontal bars, one group a row; a tick stands where a share was expected.

    Parameters
    ----------
    rows
        The categories, from the top.
    series
        Names of the series; bar ``n`` has the class ``series-n``.
    label
        What the chart shows, for those who do not see it.
    """
    top = max([share for row in rows for share in (*row.shares, row.expected or 0.0)], default=0.0)
    full = 1.0 if top > 0.5 else max(math.ceil(top * 20) / 20, 0.05)
    step = len(series) * _BAR + 11
    height = len(rows) * step
    parts = list(_grid(round_ticks(0.0, full), (0.0, full), height, "{:.0%}"))
    for number, row in enumerate(rows):
        parts += _bar_row(row, series, number * step + 5, full)
    return svg_chart(height + _FOOT, label, parts)


def histogram(edges: Counts, counts: Counts, label: str, unit: str) -> str:
    """Draw how many voxels have which intensity; heights are logarithmic, because air outnumbers everything else."""
    height = 190
    logs = np.log10(np.maximum(counts, 1.0))
    top = max(float(logs.max()), 1.0)
    left, right = NAMES / 3, WIDTH - 16.0
    x = left + (np.asarray(edges) - edges[0]) / (edges[-1] - edges[0]) * (right - left)
    y = height - logs / top * (height - 12)
    parts = []
    for power in range(1, math.floor(top) + 1):
        level = height - power / top * (height - 12)
        parts.append(svg_line(left, level, right, level, "grid"))
        parts.append(svg_text(left - 6, level + 4, f"10{_raised(power)}", "end"))
    parts.append(f'<path class="area" d="{_steps(x, y, height)}"/>')
    for tick in round_ticks(float(edges[0]), float(edges[-1])):
        at = left + (tick - edges[0]) / (edges[-1] - edges[0]) * (right - left)
        parts.append(svg_text(at, height + 15, f"{tick:g}", "middle"))
    parts.append(svg_line(left, height, right, height, "axis"))
    parts.append(svg_text(right, height + 15, unit, "end"))
    return svg_chart(height + _FOOT, label, parts)


def ridges(edges: Counts, rows: Sequence[Ridge], label: str, unit: str) -> str:
    """Draw one small histogram a row, each as high as its row, over one axis of intensities."""
    height = len(rows) * _ROW
    span = (float(edges[0]), float(edges[-1]))
    parts = list(_grid(round_ticks(*span), span, height, "{:g}"))
    x = NAMES + (np.asarray(edges) - span[0]) / (span[1] - span[0]) * _PLOT
    for number, row in enumerate(rows):
        base = (number + 1) * _ROW
        peak = max(float(row.counts.max()), 1.0)
        centre = _mean(edges, row.counts)
        parts.append(svg_name(row.name, base - 7))
        title = escape(f"{row.name}: mean {figure(centre)}")
        outline = _steps(x, base - row.counts / peak * (_ROW - 3), base)
        parts.append(f'<path class="ridge" fill="{escape(row.colour)}" d="{outline}"><title>{title}</title></path>')
        parts.append(svg_text(WIDTH, base - 7, figure(centre), "end"))
    parts.append(svg_text(WIDTH, height + 16, unit, "end"))
    return svg_chart(height + _FOOT, label, parts)


def spreads(rows: Sequence[Spread], label: str, unit: str) -> str:
    """Draw ranges of values on a logarithmic axis: a line from end to end, a bar over the middle half, the median."""
    height = len(rows) * _ROW
    low = math.floor(min(math.log10(max(row.quantiles[0], 1e-6)) for row in rows))
    high = max(math.ceil(max(math.log10(max(row.quantiles[4], 1e-6)) for row in rows)), low + 1)
    powers = np.asarray(10.0 ** np.arange(low, high + 1), np.float64)
    parts = list(_grid(powers, (10.0**low, 10.0**high), height, "", logarithmic=True))
    for number, row in enumerate(rows):
        middle = number * _ROW + _ROW / 2
        x = [NAMES + (math.log10(max(v, 1e-6)) - low) / (high - low) * _PLOT for v in row.quantiles]
        title = escape(f"{row.name}: {figure(row.quantiles[0])} to {figure(row.quantiles[4])} {unit}")
        parts.append(svg_name(row.name, middle + 4))
        parts.append(svg_line(x[0], middle, x[4], middle, "whisker"))
        width = max(x[3] - x[1], 1.0)
        parts.append(svg_rect(x[1], middle - 5, width, 10, f'class="ridge" fill="{escape(row.colour)}"', title))
        parts.append(svg_line(x[2], middle - 8, x[2], middle + 8, "median"))
        parts.append(svg_text(WIDTH, middle + 4, figure(row.quantiles[2]), "end"))
    parts.append(svg_text(WIDTH, height + 16, unit, "end"))
    return svg_chart(height + _FOOT, label, parts)


def _bar_row(row: Bars, series: Sequence[str], top: float, full: float) -> Iterator[str]:
    middle = top + len(series) * _BAR / 2
    yield svg_name(row.name, middle + 4)
    for number, (name, share) in enumerate(zip(series, row.shares, strict=True)):
        title = escape(f"{row.name}, {name}: {share:.1%}")
        yield svg_rect(NAMES, top + number * _BAR, share / full * _PLOT, _BAR - 1.5, f'class="series-{number}"', title)
    if row.expected is not None:
        x = NAMES + row.expected / full * _PLOT
        yield svg_line(x, top - 3, x, top + len(series) * _BAR + 2, "median")
    yield svg_text(WIDTH, middle + 4, row.value, "end")


def _grid(
    ticks: Counts, span: tuple[float, float], height: float, form: str, *, logarithmic: bool = False
) -> Iterator[str]:
    """Upright lines at ``ticks`` and their values below; the axis goes from ``span[0]`` to ``span[1]``."""
    place = math.log10 if logarithmic else float
    low, high = place(span[0]), place(span[1])
    for tick in ticks:
        x = NAMES + (place(float(tick)) - low) / (high - low) * _PLOT
        yield svg_line(x, 0, x, height, "grid")
        yield svg_text(x, height + 16, form.format(float(tick)) or figure(float(tick)), "middle")


def _mean(edges: Counts, counts: Counts) -> float:
    middles = (np.asarray(edges)[:-1] + np.asarray(edges)[1:]) / 2
    return float((middles * counts).sum() / max(counts.sum(), 1.0))


def _steps(x: Counts, y: Counts, base: float) -> str:
    """Outline of a histogram: ``x`` the edges of the bins, ``y`` their tops."""
    points = [f"{a:.1f},{h:.1f}H{b:.1f}" for a, b, h in zip(x[:-1], x[1:], y, strict=True)]
    return f"M{x[0]:.1f},{base:.1f}L{'L'.join(points)}V{base:.1f}Z"


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
