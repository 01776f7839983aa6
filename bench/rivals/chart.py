"""`python -m bench.rivals.chart FIGURES.json`: the chart of docs/benchmarks.md, as SVG on standard output.

FIGURES.json is what `python -m bench.rivals --json` prints. One bar a rival, and beside the worker's that of its Redis.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 760
LABEL: Final = 220
ROW: Final = 30
TOP: Final = 62
_FONT: Final = 'font-family="system-ui, sans-serif" font-size="13"'
_OWN, _REDIS, _KAFKA = "#2a7f78", "#d98e32", "#9aa5ad"
_LEGEND: Final = ((_OWN, "the process itself"), (_REDIS, "Redis"), (_KAFKA, "Kafka, the broker"))


def chart(medians: Mapping[str, Mapping[str, float]]) -> str:
    """Return the chart of medians by rival, the least CPU first."""
    rows = sorted(medians.items(), key=lambda row: _sum(row[1]))
    most = max(_sum(found) for _, found in rows)
    height = TOP + ROW * len(rows) + 10
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {_FONT}>',
            "<title>CPU-seconds per million events, by rival; less is better</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            '<text x="10" y="22" font-weight="bold" fill="#222">CPU-seconds per million events (less is better)</text>',
            *_legend(),
            *(line for number, row in enumerate(rows) for line in _bar(*row, y=TOP + ROW * number, most=most)),
            "</svg>",
            "",
        ]
    )


def _sum(found: Mapping[str, float]) -> float:
    return found["cpu"] + found["redis"] + found["kafka"]


def _legend() -> Iterator[str]:
    for number, (colour, text) in enumerate(_LEGEND):
        x = LABEL + 160 * number
        yield f'<rect x="{x}" y="36" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="47" fill="#222">{text}</text>'


def _bar(name: str, found: Mapping[str, float], *, y: int, most: float) -> Iterator[str]:
    yield f'<text x="{LABEL - 10}" y="{y + 17}" text-anchor="end" fill="#222">{escape(name)}</text>'
    x = float(LABEL)
    for kind, colour in (("cpu", _OWN), ("redis", _REDIS), ("kafka", _KAFKA)):
        width = found[kind] / most * (WIDTH - LABEL - 60)
        yield f'<rect x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="{ROW - 10}" fill="{colour}"/>'
        x += width
    yield f'<text x="{x + 6:.1f}" y="{y + 17}" fill="#222">{_sum(found):.1f}</text>'


def main() -> None:
    """Draw the chart of a file."""
    sys.stdout.write(chart(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["medians"]))


if __name__ == "__main__":
    main()
