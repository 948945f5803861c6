"""Pictures for pages: SVG that follows the reader's light or dark scheme."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Colours of the pictures, by what they are for: by day, by night. The stylesheet has the same.
COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14161a"),
    "ink": ("#000000", "#e8e9eb"),
    "grey": ("#6b6b6b", "#a3a8b0"),
    "blue": ("#0072b2", "#56b4e9"),
    "weeks": ("#003a5c", "#e6f4fd"),
    "years": ("#79bfe3", "#1f6f9f"),
    "never": ("#d9d9d9", "#3f454e"),
}

_SIZE = re.compile(r'\b(width|height)="([\d.]+)pt"')


@dataclass(frozen=True)
class Picture:
    """An SVG file and its size in pixels."""

    svg: str
    width: int
    height: int


def themed(svg: str) -> Picture:
    """Turn the day's colours into variables that change at night; text without a colour takes the ink."""
    for name, (day, _) in COLOURS.items():
        svg = re.sub(re.escape(day), f"var(--{name})", svg, flags=re.I)
    day, night = (";".join(f"--{n}:{both[k]}" for n, both in COLOURS.items()) for k in (0, 1))
    style = f"<style>svg{{{day};fill:var(--ink)}}@media (prefers-color-scheme:dark){{svg{{{night}}}}}</style>"
    end = svg.index(">", svg.index("<svg")) + 1
    size = {name: round(4 / 3 * float(points)) for name, points in _SIZE.findall(svg[:end])}
    return Picture(svg[:end] + style + svg[end:], **size)
