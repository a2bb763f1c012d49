"""The sections of a report: which figures are shown, how, and what is said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..phantom.scenarios import MIXED, builtin_scenarios
from . import report_page as page
from .charts import Bars, Ridge, Spread, bar_chart, histogram, ridges, spreads
from .montage import Shot
from .report_figures import Measures, Tally
from .schema import Meta
from .svg import figure


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that a report shows.

    Parameters
    ----------
    title
        Name of the dataset.
    meta, metadata
        What holds for all its cases, and what ``metadata.json`` says.
    counted, measures
        Figures of each split, and of a sample of cases.
    pictures
        Some cases.
    colours
        Of each structure, ``#rrggbb``.
    """

    title: str
    meta: Meta
    metadata: Mapping[str, Any]
    counted: Sequence[Tally]
    measures: Measures
    pictures: Sequence[Shot]
    colours: Sequence[str]

    @property
    def cases(self) -> int:
        """How many cases there are in all splits."""
        return sum(tally.cases for tally in self.counted)


def report_html(found: Findings) -> str:
    """Return the page."""
    head = [page.heading(found.title), page.tiles(_facts(found))]
    sections = (
        *_pictures(found),
        *_presence(found),
        *_scenarios(found),
        *_intensities(found),
        *_volumes(found),
        _origin(found),
    )
    return page.page(f"{found.title}: dataset report", head, sections)


def expected_shares(metadata: Mapping[str, Any]) -> dict[str, float]:
    """Return the documented share of each scenario; none unless a phantom drew among the documented scenarios."""
    recipe = metadata.get("recipe")
    steps = recipe.get("steps") if isinstance(recipe, dict) else None
    phantoms = (
        [s["phantom"] for s in steps if isinstance(s, dict) and "phantom" in s] if isinstance(steps, list) else []
    )
    wanted = {"scenario": MIXED, "scenarios": None, "present": None}
    drawn = any(isinstance(p, dict) and all(p.get(key) == value for key, value in wanted.items()) for p in phantoms)
    return {scenario.name: scenario.share for scenario in builtin_scenarios()} if drawn else {}


def _facts(found: Findings) -> Iterator[tuple[str, str]]:
    yield _thousands(found.cases), "cases"
    yield from ((_thousands(tally.cases), f"in {tally.split}") for tally in found.counted)
    axes = "z, y, x" if len(found.meta.image_size) == 3 else "y, x"
    yield " × ".join(str(n) for n in found.meta.image_size), f"voxels ({axes})"
    yield _spacing(found.counted), "mm (z, y, x)"
    yield str(len(found.meta.structures)), "structures"
    yield _bytes(sum(tally.size for tally in found.counted)), "on disk"


def _pictures(found: Findings) -> Iterator[str]:
    if found.pictures:
        figures = "\n".join(page.picture(shot.png, shot.caption) for shot in found.pictures)
        named = page.legend(zip(found.meta.names, found.colours, strict=True))
        which = "The first case of each scenario, then others" if _scenario_counts(found) else "Cases of all splits"
        note = f"{which}: axial, coronal and sagittal, plain and with structures."
        yield page.section("Cases", note, named, f'<div class="cases">\n{figures}\n</div>')


def _presence(found: Findings) -> Iterator[str]:
    if not found.meta.structures:
        return
    rows = []
    for number, name in enumerate(found.meta.names):
        total = sum(int(tally.presence[number]) for tally in found.counted)
        shares = [int(tally.presence[number]) / tally.cases for tally in found.counted]
        rows.append(Bars(name, shares, f"{total / found.cases:.0%}"))
    series = [tally.split for tally in found.counted]
    named = page.legend((name, f"series-{number}") for number, name in enumerate(series))
    note = "Share of the cases in which a structure occurs; on the right, of all splits together."
    yield page.section("Presence", note, named, page.chart(bar_chart(rows, series, "Presence of each structure")))


def _scenarios(found: Findings) -> Iterator[str]:
    counts = _scenario_counts(found)
    if not counts:
        return
    expected = expected_shares(found.metadata)
    names = [*expected, *(name for name in counts if name not in expected)]
    rows = [Bars(name, [counts[name] / found.cases], _thousands(counts[name]), expected.get(name)) for name in names]
    note = "Share of the cases that have each scenario; on the right, how many those are."
    note += " The upright line is the documented share." if expected else ""
    yield page.section("Scenarios", note, page.chart(bar_chart(rows, ["all splits"], "Share of each scenario")))


def _scenario_counts(found: Findings) -> Counter[str]:
    counts: Counter[str] = Counter()
    for tally in found.counted:
        counts.update(tally.scenarios)
    return counts


def _intensities(found: Findings) -> Iterator[str]:
    measures, unit = found.measures, "HU" if found.meta.modality == "CT" else ""
    if measures.edges is None:
        return
    parts = [page.chart(histogram(measures.edges, measures.whole.astype(float), "Intensities of whole images", unit))]
    shown = [
        Ridge(name, counts.astype(float), colour)
        for name, counts, colour in zip(found.meta.names, measures.parts, found.colours, strict=True)
        if counts.any()
    ]
    if shown:
        note = "Each as high as its row; on the right, the mean."
        parts += [
            page.subsection("By structure", note),
            page.chart(ridges(measures.edges, shown, "By structure", unit)),
        ]
    note = f"Voxels of whole images, on a logarithmic scale; the outermost bars hold what lies beyond. {_sample(found)}"
    yield page.section("Intensities", note, *parts)


def _volumes(found: Findings) -> Iterator[str]:
    rows, numbers = [], []
    for name, volumes, colour in zip(found.meta.names, found.measures.volumes, found.colours, strict=True):
        if volumes:
            low, quarter, middle, three_quarters, high = (
                float(q) for q in np.quantile(volumes, (0, 0.25, 0.5, 0.75, 1))
            )
            rows.append(Spread(name, (low, quarter, middle, three_quarters, high), colour))
            numbers.append((name, str(len(volumes)), *(figure(v) for v in (middle, low, high))))
    if rows:
        note = f"From the smallest to the largest, the middle half, and the median. {_sample(found)}"
        head = ("structure", "cases", "median mL", "smallest mL", "largest mL")
        listed = page.folded("The same in numbers", page.table(head, numbers))
        yield page.section("Volumes", note, page.chart(spreads(rows, "Volume of each structure", "mL")), listed)


def _origin(found: Findings) -> str:
    files = page.table(
        ("file", "cases", "size", "per case"),
        [(t.file, _thousands(t.cases), _bytes(t.size), _bytes(t.size // t.cases)) for t in found.counted],
    )
    made_by = found.metadata.get("package_version", "")
    note = f"Made by napari-medsynth {made_by}, seed {found.meta.seed}." if made_by else f"Seed {found.meta.seed}."
    recipe = [page.subsection("Recipe", "Makes the same dataset again."), page.verbatim(found.meta.recipe)]
    return page.section("Files and origin", note, files, *(recipe if found.meta.recipe else []))


def _sample(found: Findings) -> str:
    if found.measures.cases == found.cases:
        return f"Measured on all {_thousands(found.cases)} cases."
    return f"Measured on {_thousands(found.measures.cases)} of {_thousands(found.cases)} cases."


def _spacing(counted: Sequence[Tally]) -> str:
    """The spacing of all cases, as ranges where they differ."""
    low = np.min([tally.spacing[0] for tally in counted], axis=0)
    high = np.max([tally.spacing[1] for tally in counted], axis=0)
    pairs = [(f"{a:.3g}", f"{b:.3g}") for a, b in zip(low, high, strict=True)]
    return " × ".join(a if a == b else f"{a}–{b}" for a, b in pairs)


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _bytes(count: int) -> str:
    size, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            break
        size /= 1000
    return f"{size:.3g} {unit}"
