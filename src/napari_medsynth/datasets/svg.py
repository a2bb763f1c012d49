"""Marks of charts as SVG; text is escaped here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.float64]

#: Units that a chart is wide, and that the names on its left take.
WIDTH = 720
NAMES = 196

_LONGEST = 26  # letters of a name that fit


def figure(value: float) -> str:
    """Return a number with three figures, or all before the point, in groups of three."""
    if abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", "−")


def round_ticks(low: float, high: float) -> Counts:
    """About five round numbers from ``low`` to ``high``."""
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next(f for f in (1, 2, 5, 10) if rough <= f * unit * 1.0001)
    return np.asarray(np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step, np.float64)


def svg_chart(height: float, label: str, parts: Sequence[str]) -> str:
    """Return the chart: ``label`` says what it shows to those who do not see it."""
    body = "\n".join(parts)
    box = f'viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}"'
    return f'<svg {box} role="img" aria-label="{escape(label)}" xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>'


def svg_name(name: str, y: float) -> str:
    """Return a name left of the plot, cut short where it is long."""
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return f'<text x="{NAMES - 8}" y="{y:.1f}" text-anchor="end">{escape(short)}<title>{escape(name)}</title></text>'


def svg_text(x: float, y: float, text: str, anchor: str) -> str:
    """Return a quiet text; ``anchor`` is ``start``, ``middle`` or ``end``."""
    return f'<text class="quiet" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def svg_line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """Return a line of a class of the page."""
    return f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def svg_rect(x: float, y: float, width: float, height: float, look: str, title: str) -> str:
    """Return a box; ``look`` are attributes, ``title`` is escaped already."""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {look} {box} rx="1.5"><title>{title}</title></rect>'
