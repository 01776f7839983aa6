"""Trials of targets: how often one would have warned and paged in the last year, had it held.

Each local midnight is judged by the counts as of then, with all that is known now, as the alert rules judge it. Rules
look every quarter of a minute and at what was known: what began and ended between two midnights is not seen here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kpis.counting.rolling import ALL, Block
from kpis.instants import instant_text
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.verdicts import PAGE_WINDOWS, Z_PAGE, Z_WARN, is_beyond, target_in
from schemas.documents.targets import FiringSpell, TargetTrial
from streams.errors import UsageError
from streams.readable import readable
from streams.settings.settings import Settings
from tenure.operations.targets import current
from tenure.reports.history import midnights, read_past


class Tried(NamedTuple):
    """A target that is tried.

    Attributes:
        ratio: The KPI.
        window: Its window.
        value: What it should be.
        dimension: Of a segment; `all` for all customers.
        segment: The segment's value; empty for all customers.
    """

    ratio: Ratio
    window: str
    value: float
    dimension: str = ALL
    segment: str = ""


async def trial_of(settings: Settings, tried: Tried, *, now_ms: int) -> TargetTrial:
    """Return what a target would have come to in the last year, beside those that hold.

    Raises:
        UsageError: There is no such segment, or no stream.
        ConfigurationError, TablesUnavailable: The stream cannot be read.
    """
    at_ms = midnights(None, None, time_zone=settings.business_time_zone, now_ms=now_ms)
    by = [] if tried.dimension == ALL else [tried.dimension]
    past = await read_past(settings, at_ms=at_ms, by=by)
    of = tried.ratio.name, tried.dimension, tried.segment
    others = {
        target.window: target.value
        for target in await current(settings)
        if target.value is not None and (target.kpi, target.dimension, target.segment) == of
    }
    return judged(past.at_ms, past.blocks[tried.dimension], tried, others)


def judged(at_ms: Sequence[int], blocks: Sequence[Block], tried: Tried, others: Mapping[str, float]) -> TargetTrial:
    """Return the trial of some instants.

    Args:
        at_ms: The instants, ascending (ms since 1970 UTC).
        blocks: The counts as of each.
        tried: The target.
        others: Targets of the same KPI and customers that hold, by window.

    Raises:
        UsageError: See `trial_of`.
    """
    targets = {**others, tried.window: tried.value}
    if tried.segment not in (blocks[0].values if blocks else [tried.segment]):
        there = ", ".join(readable(value) for value in blocks[0].values if value) or "none"
        raise UsageError(f"--value {readable(tried.segment)}: {tried.dimension} has only {there} by name")
    paging = {window: target_in(tried.ratio, targets, window) for window in PAGE_WINDOWS}
    are_counted = all(window in block.windows for block in blocks[:1] for window in PAGE_WINDOWS)
    is_judged = tried.ratio.is_proportion and tried.dimension == ALL
    can_page = is_judged and are_counted and None not in paging.values()
    warned: list[bool] = []
    paged: list[bool] = []
    values: list[float] = []
    for block in blocks:
        counts = _counts(block, tried, tried.window)
        value = tried.ratio.evaluate(counts)
        if value is not None:
            values.append(value)
        warned.append(is_beyond(tried.ratio, counts, tried.value, z=Z_WARN))
        paged.append(
            can_page
            and all(
                target is not None and is_beyond(tried.ratio, _counts(block, tried, window), target, z=Z_PAGE)
                for window, target in paging.items()
            )
        )
    return TargetTrial(
        kpi=tried.ratio.name,
        window=tried.window,
        value=tried.value,
        dimension=tried.dimension,
        segment=tried.segment,
        first=instant_text(at_ms[0]) if at_ms else None,
        last=instant_text(at_ms[-1]) if at_ms else None,
        midnights=len(at_ms),
        with_value=len(values),
        lowest=min(values, default=None),
        median=float(np.median(values)) if values else None,
        highest=max(values, default=None),
        can_page=can_page,
        warnings=_spells(at_ms, warned),
        pages=_spells(at_ms, paged),
    )


def _counts(block: Block, tried: Tried, window: str) -> dict[str, int]:
    if window not in block.windows:
        raise UsageError(f"WINDOW {window}: it is counted in {', '.join(block.windows)} only")
    place = block.values.index(tried.segment)
    found = {name: int(amounts[place]) for name, amounts in block.windows[window].items()}
    return found | {name: int(amounts[place]) for name, amounts in block.stock.items()}


def _spells(at_ms: Sequence[int], fired: Sequence[bool]) -> list[FiringSpell]:
    """Return each run of midnights at which it fired."""
    spells: list[FiringSpell] = []
    for n, (instant, now) in enumerate(zip(at_ms, fired, strict=True)):
        if not now:
            continue
        if n and fired[n - 1]:
            last = spells.pop()
            spells.append(FiringSpell(first=last.first, last=instant_text(instant), midnights=last.midnights + 1))
        else:
            spells.append(FiringSpell(first=instant_text(instant), last=instant_text(instant), midnights=1))
    return spells
