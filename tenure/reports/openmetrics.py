"""The past as OpenMetrics text, for `promtool tsdb create-blocks-from openmetrics`.

Every family once, every series in the order of time: the counts as workers export them, and beside them what recording
rules would have made of them (`segment:tenure_<count>:sum`, `segment:<ratio>:ratio`), for rules do not run on the past.
Names and meanings: docs/kpis.md and docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kpis.counting.counts import NO_EFFECT, SURVEY, Counts
from kpis.counting.rolling import ALL, Block
from kpis.customer.feedback_codes import KINDS, STATUSES, WAYS
from kpis.rows import KINDS_WITHOUT_EFFECT
from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT
from schemas.catalogue.formulas import Count, Ratio
from schemas.catalogue.ratios import RATIOS, has_windows
from schemas.instruments import SURVEYS_BY_WAY
from streams.metrics.exposition import escaped, escaped_help
from tenure.reports.history import Past

#: counts by name -> one number for each value of the dimension; None where there is no sample
Numbers = Callable[[Counts], list[Any]]


def openmetrics_of(past: Past, *, job: str, instance: str) -> Iterator[str]:
    """Yield the lines, with their ends.

    Args:
        past: Counts as of several instants.
        job: The label that the live series have from Prometheus.
        instance: As `job`; of any of the workers, for sums over workers do not ask whose a sample was.
    """
    target = f'instance="{escaped(instance)}",job="{escaped(job)}"'
    for count in COUNTS:
        has_window = count.kind == "window"
        yield from _family(past, count.metric, count.meaning, _of_count(count), target, has_window=has_window)
    metric, meaning = FACTS_WITHOUT_EFFECT.metric, FACTS_WITHOUT_EFFECT.meaning
    yield from _without_effect(past, metric, meaning, target)
    yield from _surveys(past, target)
    for count in COUNTS:
        name, summed, has_window = f"segment:{count.metric}:sum", _summed(count.meaning), count.kind == "window"
        yield from _family(past, name, summed, _of_count(count), has_window=has_window)
    yield from _without_effect(past, f"segment:{metric}:sum", _summed(meaning))
    for ratio in RATIOS:
        name, has_window = f"segment:{ratio.name}:ratio", has_windows(ratio)
        yield from _family(past, name, ratio.meaning, _of_ratio(ratio), has_window=has_window)
    yield "# EOF\n"


def _summed(meaning: str) -> str:
    return f"Summed over workers: {meaning}"


def _of_count(count: Count) -> Numbers:
    def numbers(counts: Counts) -> list[Any]:
        return list(counts[count.name].tolist())

    return numbers


def _of_ratio(ratio: Ratio) -> Numbers:
    def numbers(counts: Counts) -> list[Any]:
        by_name = {name: counts[name].tolist() for name in ratio.counts}
        columns = zip(*by_name.values(), strict=True)
        return [ratio.evaluate(dict(zip(by_name, column, strict=True))) for column in columns]

    return numbers


def _family(
    past: Past, name: str, meaning: str, numbers: Numbers, target: str | None = None, *, has_window: bool
) -> Iterator[str]:
    """Yield one family: all dimensions, windows and values."""
    yield from _header(name, meaning)
    for dimension, blocks in past.blocks.items():
        if not blocks:
            continue
        segments = [f'dimension="{dimension}",value="{escaped(value)}"' for value in blocks[0].values]
        windows = blocks[0].windows if has_window else (None,)
        for window in windows:
            columns = [numbers(_counts_of(block, window)) for block in blocks]
            for place, segment in enumerate(segments):
                parts = (segment, None if window is None else f'window="{window}"', target)
                labels = ",".join(part for part in parts if part)
                yield from _series(past, f"{name}{{{labels}}}", [column[place] for column in columns])


def _counts_of(block: Block, window: str | None) -> Counts:
    """Return the counts of a window; a ratio may ask for stocks beside them."""
    return block.stock if window is None else {**block.stock, **block.windows[window]}


def _without_effect(past: Past, name: str, meaning: str, target: str | None = None) -> Iterator[str]:
    yield from _header(name, meaning)
    blocks = past.blocks[ALL]
    for window in blocks[0].windows if blocks else ():
        for kind in KINDS_WITHOUT_EFFECT:
            parts = (f'dimension="{ALL}",kind="{kind}",value="",window="{window}"', target)
            amounts = [int(block.windows[window][f"{NO_EFFECT}/{kind}"][0]) for block in blocks]
            yield from _series(past, f"{name}{{{','.join(part for part in parts if part)}}}", amounts)


def _surveys(past: Past, target: str) -> Iterator[str]:
    yield from _header(SURVEYS_BY_WAY.name, SURVEYS_BY_WAY.help)
    blocks = past.blocks[ALL]
    for window in blocks[0].windows if blocks else ():
        for kind in KINDS:
            for way in WAYS:
                for status in STATUSES:
                    name = f"{SURVEY}/{kind}/{way}/{status}"
                    labels = f'kind="{kind}",status="{status}",via="{way}",window="{window}",{target}'
                    amounts = [int(block.windows[window][name][0]) for block in blocks]
                    yield from _series(past, f"{SURVEYS_BY_WAY.name}{{{labels}}}", amounts)


def _header(name: str, meaning: str) -> Iterator[str]:
    yield f"# TYPE {name} gauge\n"
    yield f"# HELP {name} {escaped_help(meaning)}\n"


def _series(past: Past, series: str, numbers: list[Any]) -> Iterator[str]:
    for at_ms, number in zip(past.at_ms, numbers, strict=True):
        if number is not None:
            yield f"{series} {number} {at_ms // 1000}\n"
