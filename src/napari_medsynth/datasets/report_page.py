"""The page of a report: one HTML file with its style inside, light or dark as the reader's system, fit to print."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
:root { color-scheme: light dark;
  --page: #fbfbfa; --card: #ffffff; --ink: #1c1c1e; --quiet: #66666b; --line: #e3e3e1; --grid: #ececea;
  --one: #2a6fd0; --two: #e0762b; --three: #1c9c78; --four: #8a5fd0; --five: #b58a00; --six: #c2417c; --area: #7c8aa0; }
@media (prefers-color-scheme: dark) { :root {
  --page: #161618; --card: #1f1f22; --ink: #ececee; --quiet: #a0a0a6; --line: #36363a; --grid: #2d2d31;
  --one: #5b9bf3; --two: #f0965a; --three: #45c39c; --four: #b394f0; --five: #dcb53c; --six: #ec7fb0;
  --area: #7f8ea8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 32px 24px 64px; max-width: 1120px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
h1 { font-size: 27px; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 0 0 2px; } h3 { font-size: 15px; margin: 22px 0 0; }
summary { cursor: pointer; font-size: 14px; margin: 10px 0 8px; color: var(--quiet); }
p { margin: 2px 0 12px; max-width: 75ch; }
p, figcaption, .quiet { color: var(--quiet); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px; margin: 20px 0; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px 36px; margin: 18px 0 0; padding: 0; list-style: none; }
.tiles b { display: block; font-size: 22px; line-height: 1.2; font-weight: 600; }
.tiles span { color: var(--quiet); font-size: 13px; }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 18px; }
figure { margin: 0; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; border-radius: 6px; background: #121214; }
.wide { display: grid; gap: 18px; } .said { margin: 0; padding-left: 20px; max-width: 75ch; }
figcaption { font-size: 13px; margin-top: 4px; overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0 0 14px; padding: 0; list-style: none;
  font-size: 13px; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; max-width: 920px; height: auto; min-width: 560px; }
svg text { font-size: 12px; fill: var(--ink); }
svg text.quiet { fill: var(--quiet); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--grid); stroke-width: 1; } svg .axis { stroke: var(--quiet); stroke-width: 1; }
svg .median { stroke: var(--ink); stroke-width: 2; } svg .whisker { stroke: var(--quiet); stroke-width: 1.5; }
svg .area { fill: var(--area); } svg .ridge { stroke: var(--quiet); stroke-width: .5; }
svg .series-0, i.series-0 { fill: var(--one); background: var(--one); }
svg .series-1, i.series-1 { fill: var(--two); background: var(--two); }
svg .series-2, i.series-2 { fill: var(--three); background: var(--three); }
svg .series-3, i.series-3 { fill: var(--four); background: var(--four); }
svg .series-4, i.series-4 { fill: var(--five); background: var(--five); }
svg .series-5, i.series-5 { fill: var(--six); background: var(--six); }
svg .curve { fill: none; stroke-width: 2.5; } svg .band { opacity: .2; }
svg .ideal { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 5 4; }
svg .stroke-0 { stroke: var(--one); } svg .stroke-1 { stroke: var(--two); } svg .stroke-2 { stroke: var(--three); }
svg .stroke-3 { stroke: var(--four); } svg .stroke-4 { stroke: var(--five); } svg .stroke-5 { stroke: var(--six); }
table { border-collapse: collapse; font-size: 14px; }
th, td { text-align: left; padding: 4px 20px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { overflow-x: auto; font-size: 12.5px; line-height: 1.45; background: var(--page); border: 1px solid var(--line);
  border-radius: 6px; padding: 12px; margin: 12px 0 0; }
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --grid: #ddd;
    --one: #2a6fd0; --two: #e0762b; --three: #1c9c78; --four: #8a5fd0; --five: #b58a00; --six: #c2417c;
    --area: #7c8aa0; }
  body { padding: 0; max-width: none; font-size: 11pt; } section { border: 0; padding: 0; }
  pre { white-space: pre-wrap; } h2, h3, h2 + p, h3 + p { break-after: avoid; }
  svg { min-width: 0; break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def page(title: str, head: Iterable[str], sections: Iterable[str]) -> str:
    """Return the whole document; ``title`` is plain text, the rest is HTML.

    The policy in its head forbids everything that is not in the file itself, scripts too: a name that should slip
    through the escaping could still do nothing.
    """
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n{_lines(head)}\n</header>\n<main>\n{_lines(sections)}\n</main>\n</body>\n</html>\n"
    )


def heading(text: str) -> str:
    """Return the heading of the page."""
    return f"<h1>{escape(text)}</h1>"


def section(title: str, note: str, *parts: str) -> str:
    """Return a section: heading and note are plain text, ``parts`` are HTML."""
    return f"<section>\n<h2>{escape(title)}</h2>\n<p>{escape(note)}</p>\n{_lines(parts)}\n</section>"


def subsection(title: str, note: str) -> str:
    """Return a smaller heading with its note, both plain text."""
    return f"<h3>{escape(title)}</h3>\n<p>{escape(note)}</p>"


def folded(title: str, part: str) -> str:
    """Return HTML that is shown when its title is clicked."""
    return f"<details>\n<summary>{escape(title)}</summary>\n{part}\n</details>"


def tiles(facts: Iterable[tuple[str, str]]) -> str:
    """Return numbers in a row, each with what it counts below."""
    items = _lines(f"<li><b>{escape(value)}</b><span>{escape(what)}</span></li>" for value, what in facts)
    return f'<ul class="tiles">\n{items}\n</ul>'


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """Return names with a patch of colour; a colour is ``#rrggbb`` or the name of a CSS class."""
    items = _lines(f"<li><i {_patch(colour)}></i>{escape(name)}</li>" for name, colour in entries)
    return f'<ul class="legend">\n{items}\n</ul>'


def chart(svg: str) -> str:
    """Return a chart that scrolls by itself where the screen is narrow."""
    return f'<div class="scroll">{svg}</div>'


def picture(png: bytes, caption: str) -> str:
    """Return a picture that is part of the page."""
    data = base64.b64encode(png).decode("ascii")
    text = escape(caption)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"/><figcaption>{text}</figcaption></figure>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; all but the first column are numbers and stand to the right."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = _lines(f"<tr><td>{escape(first)}</td>{_numbers(rest)}</tr>" for first, *rest in rows)
    return f'<div class="scroll"><table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'


def plain(text: str) -> str:
    """Return text as HTML."""
    return escape(text)


def verbatim(text: str) -> str:
    """Return text as it is, e.g. a recipe."""
    return f"<pre>{escape(text)}</pre>"


def _numbers(cells: Iterable[str]) -> str:
    return "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)


def _patch(colour: str) -> str:
    return f'style="background:{escape(colour)}"' if colour.startswith("#") else f'class="{escape(colour)}"'


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
