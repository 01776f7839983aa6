"""The exposition of a snapshot's rolling counts for Prometheus, made by the first scrape after they have changed.

Every count of the KPI catalogue is a gauge `tenure_<count>{window, dimension, value}`; stocks have no `window`. All
customers are dimension="all", value="". Facts without effect are of all customers alone, and have a `kind` too. Names
and meanings: docs/kpis.md and docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kpis.counting.counts import NO_EFFECT, SURVEY, Counts
from kpis.counting.rolling import ALL, Block, Snapshot
from kpis.customer.feedback_codes import KINDS, STATUSES, WAYS
from kpis.rows import KINDS_WITHOUT_EFFECT
from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT, MATURING
from schemas.catalogue.formulas import Count
from schemas.instruments import (
    DAILY_CANCELLATIONS,
    DAILY_CUSTOMERS_AT_START,
    MATURED_CUSTOMERS,
    SURVEYS_BY_WAY,
    Instrument,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition_of(snapshot: Snapshot) -> bytes:
    """Return the counts of a snapshot in Prometheus' text format.

    Nothing of a worker that owns no complete partition.
    """
    if not snapshot.partitions:
        return b""
    lines: list[str] = []
    for count in COUNTS:
        lines += _header(count.metric, count.meaning)
        for dimension, block in snapshot.blocks.items():
            lines += _stock(count, dimension, block) if count.kind == "stock" else _windows(count, dimension, block)
    lines += _header(FACTS_WITHOUT_EFFECT.metric, FACTS_WITHOUT_EFFECT.meaning)
    lines += _without_effect(snapshot.blocks[ALL])
    lines += _header(SURVEYS_BY_WAY.name, SURVEYS_BY_WAY.help)
    lines += _surveys(snapshot.blocks[ALL])
    lines += _days(DAILY_CANCELLATIONS, snapshot.daily.cancellations)
    lines += _days(DAILY_CUSTOMERS_AT_START, snapshot.daily.customers_at_start)
    lines += _header(MATURED_CUSTOMERS.name, MATURED_CUSTOMERS.help)
    lines += _matured(snapshot.closed)
    return ("\n".join(lines) + "\n").encode()


def _header(metric: str, meaning: str) -> Iterator[str]:
    yield f"# HELP {metric} {escaped_help(meaning)}"
    yield f"# TYPE {metric} gauge"


def _stock(count: Count, dimension: str, block: Block) -> Iterator[str]:
    for label, amount in zip(_labels(dimension, block), block.stock[count.name].tolist(), strict=True):
        yield f"{count.metric}{{{label}}} {amount}"


def _windows(count: Count, dimension: str, block: Block) -> Iterator[str]:
    labels = _labels(dimension, block)
    for window, counts in block.windows.items():
        for label, amount in zip(labels, counts[count.name].tolist(), strict=True):
            yield f'{count.metric}{{window="{window}",{label}}} {amount}'


def _without_effect(block: Block) -> Iterator[str]:
    (label,) = _labels(ALL, block)
    for window, counts in block.windows.items():
        for kind in KINDS_WITHOUT_EFFECT:
            amount = int(counts[f"{NO_EFFECT}/{kind}"][0])
            yield f'{FACTS_WITHOUT_EFFECT.metric}{{window="{window}",{label},kind="{kind}"}} {amount}'


def _surveys(block: Block) -> Iterator[str]:
    for window, counts in block.windows.items():
        for kind in KINDS:
            for way in WAYS:
                for status in STATUSES:
                    amount = int(counts[f"{SURVEY}/{kind}/{way}/{status}"][0])
                    labels = f'window="{window}",kind="{kind}",via="{way}",status="{status}"'
                    yield f"{SURVEYS_BY_WAY.name}{{{labels}}} {amount}"


def _days(family: Instrument, days: Mapping[int, int]) -> Iterator[str]:
    yield from _header(family.name, family.help)
    for ago, amount in days.items():
        yield f'{family.name}{{days_ago="{ago}",weeks_ago="{-(-ago // 7)}",weekday="{ago % 7}"}} {amount}'


def _matured(closed: Mapping[str, Counts]) -> Iterator[str]:
    for window, counts in closed.items():
        for count in MATURING:
            yield f'{MATURED_CUSTOMERS.name}{{count="{count}",window="{window}"}} {int(counts[count][0])}'


def _labels(dimension: str, block: Block) -> list[str]:
    return [f'dimension="{dimension}",value="{escaped(value)}"' for value in block.values]


_ESCAPES: Mapping[int, str] = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES: Mapping[int, str] = str.maketrans({"\\": r"\\", "\n": r"\n"})


def escaped(value: str) -> str:
    """Return a label's value as it is written between quotation marks."""
    return value.translate(_ESCAPES)


def escaped_help(text: str) -> str:
    """Return a family's help as it is written."""
    return text.translate(_HELP_ESCAPES)
