"""Charts of measurements that are uncertain, as inline SVG: :func:`line_chart`, :func:`interval_chart`.

As in :mod:`.charts`: text is escaped, marks have a title, colours are classes of :mod:`.report_page`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from .svg import NAMES, WIDTH, figure, round_ticks, svg_chart, svg_line, svg_name, svg_text

#: Series that have a colour of their own; further ones begin anew.
COLOURS = 6

_LEFT, _RIGHT, _HEIGHT, _TOP, _FOOT = 64.0, WIDTH - 24.0, 230.0, 10.0, 40.0
_ROW, _VALUES = 26, 150

Span = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """A measurement: where, how much, and between what it may lie; the ends are nan if that is not known."""

    x: float
    y: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Line:
    """Measurements that belong together; ``series`` is the number of their colour."""

    name: str
    points: Sequence[Point]
    series: int


@dataclass(frozen=True)
class Row:
    """One estimate with its interval, and what is said of it on the right."""

    name: str
    value: float
    low: float
    high: float
    text: str
    series: int = 0


def line_chart(lines: Sequence[Line], label: str, *, axes: tuple[str, str], diagonal: bool = False) -> str:
    """Draw lines in bands between 0 and 1.

    Parameters
    ----------
    lines
        What is drawn; points whose ``y`` is nan are left out.
    label
        What the chart shows, for those who do not see it.
    axes
        What is along x and y.
    diagonal
        Whether x is 0 … 1 too, with a line where both are equal.
    """
    drawn = [Line(one.name, [p for p in one.points if not math.isnan(p.y)], one.series) for one in lines]
    across = [point.x for one in drawn for point in one.points]
    span = (0.0, 1.0) if diagonal or not across else (min(across), max(across))
    frame = _Frame(span if span[1] > span[0] else (span[0] - 0.5, span[0] + 0.5))
    parts = list(frame.grid(sorted(set(across)) if not diagonal and len(set(across)) <= 8 else None))
    if diagonal:
        parts.append(svg_line(*frame.at(0, 0), *frame.at(1, 1), "ideal"))
    for one in drawn:
        parts += frame.band(one)
    for one in drawn:
        parts += frame.line(one)
    parts.append(svg_text((_LEFT + _RIGHT) / 2, _TOP + _HEIGHT + 34, axes[0], "middle"))
    parts.append(f'<text class="quiet" transform="rotate(-90)" x="{-(_TOP + _HEIGHT / 2):.1f}" y="16"'
                 f' text-anchor="middle">{escape(axes[1])}</text>')  # fmt: skip
    return svg_chart(_TOP + _HEIGHT + _FOOT, label, parts)


def interval_chart(rows: Sequence[Row], label: str, unit: str) -> str:
    """Draw estimates as dots in their intervals, one a row, with an upright line at 0."""
    ends = [v for row in rows for v in (row.value, row.low, row.high, 0.0) if math.isfinite(v)]
    low, high = min(ends), max(ends)
    margin = max((high - low) * 0.06, 0.01)
    low, high = low - margin, high + margin
    height, right = len(rows) * _ROW, WIDTH - _VALUES

    def at(value: float) -> float:
        return NAMES + (value - low) / (high - low) * (right - NAMES)

    parts = []
    for tick in round_ticks(low, high):
        parts += [
            svg_line(at(tick), 0, at(tick), height, "grid"),
            svg_text(at(tick), height + 16, figure(tick), "middle"),
        ]
    parts.append(svg_line(at(0), 0, at(0), height, "axis"))
    for number, row in enumerate(rows):
        middle = number * _ROW + _ROW / 2
        parts += [svg_name(row.name, middle + 4), svg_text(WIDTH, middle + 4, row.text, "end")]
        colour = row.series % COLOURS
        if math.isfinite(row.low) and math.isfinite(row.high):
            parts.append(svg_line(at(row.low), middle, at(row.high), middle, f"curve stroke-{colour}"))
        if math.isfinite(row.value):
            parts.append(_dot(at(row.value), middle, colour, f"{row.name}: {row.text}"))
    parts.append(svg_text(right, height + 34, unit, "end"))
    return svg_chart(height + _FOOT, label, parts)


@dataclass(frozen=True)
class _Frame:
    """The plot of a line chart: ``span`` along x, 0 … 1 along y."""

    span: Span

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point is drawn."""
        share = (x - self.span[0]) / (self.span[1] - self.span[0])
        return _LEFT + share * (_RIGHT - _LEFT), _TOP + (1 - y) * _HEIGHT

    def grid(self, levels: Sequence[float] | None) -> Iterator[str]:
        """Draw lines at round numbers, or at ``levels`` along x."""
        for y in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
            _, down = self.at(self.span[0], y)
            yield svg_line(_LEFT, down, _RIGHT, down, "axis" if y == 0 else "grid")
            yield svg_text(_LEFT - 8, down + 4, f"{y:.1f}", "end")
        for x in round_ticks(*self.span) if levels is None else levels:
            across, down = self.at(float(x), 0)
            yield svg_line(across, _TOP, across, down, "grid")
            yield svg_text(across, down + 16, figure(float(x)), "middle")

    def band(self, line: Line) -> Iterator[str]:
        """Draw between what the points may lie."""
        known = [p for p in line.points if not (math.isnan(p.low) or math.isnan(p.high))]
        if len(known) > 1:
            edge = [self.at(p.x, _clipped(p.high)) for p in known] + [
                self.at(p.x, _clipped(p.low)) for p in known[::-1]
            ]
            yield f'<path class="band series-{line.series % COLOURS}" d="M{_path(edge)}Z"/>'

    def line(self, line: Line) -> Iterator[str]:
        """Draw the line and its points."""
        places = [self.at(p.x, _clipped(p.y)) for p in line.points]
        if len(places) > 1:
            yield f'<path class="curve stroke-{line.series % COLOURS}" d="M{_path(places)}"/>'
        for point, place in zip(line.points, places, strict=True):
            ends = "" if math.isnan(point.low) else f" ({figure(point.low)} … {figure(point.high)})"
            yield _dot(*place, line.series % COLOURS, f"{line.name}, {figure(point.x)}: {figure(point.y)}{ends}")


def _clipped(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _dot(x: float, y: float, colour: int, title: str) -> str:
    return f'<circle class="series-{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(title)}</title></circle>'
