"""Explanations of a number: makes the documents of `tenure explain --json` and `tenure lenses --json`.

Each number is counted twice: by adding up its members, and from the counters that `tenure kpi` reads. Both stand in
the answer, with whether they agree. What is printed: `schemas.documents.explanation` and docs/explain.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypedDict

from msgspec import UNSET, UnsetType

from kpis.choosing.chooser import Choice, Chooser, chooser_of
from kpis.choosing.groups import ScanQuestion, Taken
from kpis.customer.what_counts import WhatCounts
from kpis.instants import instant_text
from kpis.members.exclusions import EXCLUSIONS
from kpis.members.explain import Candidate, Explained, Explaining, Member
from kpis.members.fact_texts import FactText
from kpis.members.lenses import DIFFERENCES
from kpis.members.rules import MEMBERSHIPS, Memberships
from kpis.members.view import View, Window
from kpis.names import Names
from schemas.catalogue.counts import COUNT_BY_NAME, FACTS_WITHOUT_EFFECT
from schemas.catalogue.formulas import Count, Formula, Ratio
from schemas.catalogue.lenses import Lens
from schemas.catalogue.ratios import RATIO_BY_NAME
from schemas.documents.explanation import (
    ExplainedCustomer,
    ExplainedEvent,
    ExplainedPart,
    ExplainedReason,
    Explanation,
    ForgottenShare,
    LensComparison,
    LensDifference,
    LensRatio,
    Side,
)
from schemas.documents.report import Segment
from streams.errors import UsageError
from streams.settings.meaning import windows_of
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, Source, lacking, open_source, scanned_source, where_text
from tenure.reports.event_lookup import Known, Place, look_up
from tenure.reports.filtered import filtered_report_of
from tenure.stored.reading import report_of, stored_heads

_TRIES: Final = 3
#: Members that groups of customers keep each (count): a question for more looks at every customer.
_MOST_KEPT_MEMBERS: Final = 100
EXPLAINABLE: Final = {**COUNT_BY_NAME, FACTS_WITHOUT_EFFECT.name: FACTS_WITHOUT_EFFECT}
"""Every count that has members, by name."""


class ExplainQuery(NamedTuple):
    """A query about a number, to a stream or a file.

    Attributes:
        scope: Of which customers, as of when; it has one dimension at most.
        window: Its name, such as "30d".
        value: Only this value of the dimension.
        limit: Members, and near misses, that are shown (count).
    """

    scope: Scope
    window: str
    value: str | None = None
    limit: int = 20

    @property
    def dimension(self) -> str | None:
        """Sums are by its values."""
        return self.scope.by[0] if self.scope.by else None


def terms_of(kpi: str) -> list[tuple[Side, int, str]]:
    """Return (side, sign, count) of all counts that a count or a ratio of the catalogue is made of."""
    if kpi in EXPLAINABLE:
        return [("count", 1, kpi)]
    ratio = RATIO_BY_NAME[kpi]
    sides: tuple[tuple[Side, Formula], ...] = (("numerator", ratio.numerator), ("denominator", ratio.denominator))
    return [(side, sign, name) for side, formula in sides for sign, name in formula.terms]


async def read_explanation(settings: Settings, kpi: str, query: ExplainQuery) -> Explanation:
    """Return the members of a count, or of the counts that a ratio is made of.

    Args:
        settings: Of the stream: where its Redis and its Kafka are, and what its numbers mean.
        kpi: Name of a count or a ratio of the catalogue.
        query: Which window, and of whom.

    Raises:
        UsageError: No customer has, or had, the value that is asked for; or the count is of all customers only.
        TenureError: As `tenure.reports.customers.open_source` and `scan_all`.
    """
    terms = terms_of(kpi)
    if kpi == FACTS_WITHOUT_EFFECT.name and query.dimension is not None:
        raise UsageError(f"--by {query.dimension}: {kpi} is counted by kind, for all customers only; leave it out")
    if kpi == FACTS_WITHOUT_EFFECT.name and query.scope.where is not None:
        raise UsageError(f"--where: {kpi} is counted by kind, for all customers only; leave it out")
    counts = list(dict.fromkeys(count for _, _, count in terms))
    async with open_source(settings, query.scope) as source:
        span = window_until(settings, query.window, source.at_ms)
        found, numbers, moved = await _both(source, span, query, counts)
        known = await _known(source, found.values())
    has_window = any(EXPLAINABLE[count].kind == "window" for count in counts)
    ratio = RATIO_BY_NAME.get(kpi)
    parts = [
        _part(side, sign, count, explained=found[count], number=numbers[count], known=known)
        for side, sign, count in terms
    ]
    answer = Explanation(
        kpi=kpi,
        window=query.window if has_window else None,
        start=instant_text(span.start_ms) if has_window else None,
        value=UNSET if ratio is None else ratio.evaluate({count: found[count].total for count in counts}),
        parts=parts,
        agrees=all(part.agrees for part in parts),
        moved=moved,
        where=where_text(query.scope),
        **_head(settings, span, query),
    )
    return lacking(answer, source)


async def read_lenses(settings: Settings, query: ExplainQuery) -> LensComparison:
    """Return the four definitions of churn, and the customers that make them differ; arguments are as above."""
    ratios = [RATIO_BY_NAME[lens.ratio] for lens in Lens]
    counts = list(dict.fromkeys(name for ratio in ratios for name in ratio.counts))
    async with open_source(settings, query.scope) as source:
        span = window_until(settings, query.window, source.at_ms)
        found, numbers, moved = await _both(source, span, query, counts, DIFFERENCES)
        known = await _known(source, (found[name] for name in DIFFERENCES))
    sums = {count: numbers[count][0] for count in counts}
    values = sorted({value for count in counts for value in numbers[count][1]})
    by_value = {value: {count: numbers[count][1].get(value, 0) for count in counts} for value in values}
    fault = _fault_of_lenses(found, numbers)
    answer = LensComparison(
        window=query.window,
        start=instant_text(span.start_ms),
        counts=sums,
        lenses=_lenses(sums),
        segments=UNSET if query.dimension is None else {value: _lenses(of) for value, of in by_value.items()},
        differences={name: _difference(found[name], known) for name in DIFFERENCES},
        fault=fault,
        agrees=fault is None,
        moved=moved,
        **_head(settings, span, query),
    )
    return lacking(answer, source)


def window_until(settings: Settings, window: str, at_ms: int) -> Window:
    """Return the window [start, T) that a name stands for as of T."""
    windows = windows_of(settings)
    boundary = at_ms // windows.bucket_ms
    return Window(windows.start(window, boundary) * windows.bucket_ms, at_ms, windows.bucket_ms)


#: A number, and its parts by value of the dimension, from the counters.
Number = tuple[int, dict[str, int]]


async def _both(
    source: Source,
    span: Window,
    query: ExplainQuery,
    counts: Sequence[str],
    more: Mapping[str, Memberships] | None = None,
) -> tuple[dict[str, Explained], dict[str, Number], bool]:
    """Count by members and by counters.

    Where the two differ because the stream went on in between, it is tried again.

    Returns:
        Members, of `more` too; numbers; and whether the stream went on during the last try.
    """
    for _ in range(_TRIES - 1):
        found, numbers, moved = await _once(source, span, query, counts, more or {})
        if not moved or all(_agree(found[count], numbers[count]) for count in counts):
            return found, numbers, moved
    return await _once(source, span, query, counts, more or {})


async def _once(
    source: Source, span: Window, query: ExplainQuery, counts: Sequence[str], more: Mapping[str, Memberships]
) -> tuple[dict[str, Explained], dict[str, Number], bool]:
    what, shares = source.settings.what_counts, {count: MEMBERSHIPS[count] for count in counts} | dict(more)

    def begun(choice: Choice) -> _Explainings:
        found = {
            name: Explaining(
                mine,
                EXCLUSIONS.get(name),
                span,
                what,
                limit=query.limit,
                dimension=query.dimension,
                value=query.value,
                where=choice,
            )
            for name, mine in shares.items()
        }
        return _Explainings(found, span, what, chooser_of(choice))

    key = ("explain", tuple(shares), span, query.dimension, query.value, query.limit)
    question = ScanQuestion[_Explainings](key, begun, _Explainings.take)
    # Each number is a question of its own: groups are made where a filter is asked for, and others may follow.
    keeps = source.where is not None and query.limit <= _MOST_KEPT_MEMBERS
    asked = source if keeps else source._replace(kept=None)
    before: Mapping[int, bytes | None] = await stored_heads(source.tables, source.partitions)
    scan, names, heads = await scanned_source(asked, question)
    _check_value(query, names)
    if heads is not None:  # what is kept may be of before
        before = heads
    numbers = await _numbers(source, span, query, counts)
    found = {name: explaining.explained() for name, explaining in scan.by_name.items()}
    return found, numbers, before != await stored_heads(source.tables, source.partitions)


class _Explainings(NamedTuple):
    """The explanations of one pass, by name."""

    by_name: dict[str, Explaining]
    span: Window
    what: WhatCounts
    chooser: Chooser

    def take(self, taken: Taken) -> None:
        view = self.chooser.once("view", lambda: View(taken.customer, self.span, self.what))
        candidate = Candidate(taken.customer_id, taken.partition, taken.names, taken.state, view)
        for explaining in self.by_name.values():
            explaining.take(candidate)

    def add(self, other: _Explainings) -> None:
        for name, explaining in self.by_name.items():
            explaining.add(other.by_name[name])


def _check_value(query: ExplainQuery, names: Iterable[Names]) -> None:
    """Raise UsageError where a value is none of those that a dimension ever had."""
    dimension, value = query.dimension, query.value
    if dimension is None or value is None:
        return
    known = {name for part in names for name in part.values(dimension)}
    if value in known:
        return
    by_form = {name.casefold(): name for name in sorted(known)}
    close = difflib.get_close_matches(value.casefold(), by_form, n=1)
    hint = f"did you mean {by_form[close[0]]}?" if close else f"--by {dimension} alone lists those there are"
    raise UsageError(f"--value {value}: no customer has this {dimension}; {hint}")


async def _numbers(source: Source, span: Window, query: ExplainQuery, counts: Sequence[str]) -> dict[str, Number]:
    settings, tables, at_ms, by = source.settings, source.tables, [span.end_ms], query.scope.by
    if source.where is None:
        (report,) = await report_of(settings, tables, partitions=source.partitions, at_ms=at_ms, by=by)
    else:
        (report,) = await filtered_report_of(
            settings,
            tables,
            source.where,
            partitions=source.partitions,
            at_ms=at_ms,
            by=by,
            scans=None if source.kept is None else source.kept.combined,
        )
    whole = Segment(totals=report.totals, windows=report.windows)
    by_dimension = {} if report.segments is UNSET else report.segments
    entries = {"": whole} if query.dimension is None else by_dimension[query.dimension]
    return {count: _number(EXPLAINABLE[count], entries, query) for count in counts}


def _number(count: Count, entries: Mapping[str, Segment], query: ExplainQuery) -> Number:
    """Return a count by the report's numbers of all customers, under "", or of each value of the dimension."""
    by_value: Mapping[str, int]
    if count is FACTS_WITHOUT_EFFECT:
        by_kind = entries[""].windows[query.window].facts_without_effect
        assert by_kind is not UNSET, "only segments go without"
        by_value = by_kind
    else:
        is_stock = count.kind == "stock"
        by_value = {
            value: (entry.totals if is_stock else entry.windows[query.window]).count(count.name)
            for value, entry in entries.items()
            if query.value in (None, value)
        }
    return sum(by_value.values()), {value: number for value, number in by_value.items() if number}


class Looked(NamedTuple):
    """Knowledge of events, by place, and what their numbers count in the file that they are of."""

    place: str
    known: dict[Place, Known]


async def _known(source: Source, found: Iterable[Explained]) -> Looked:
    wanted = {
        Place(event.topic, event.partition_or(member.partition), event.offset): (member.customer_id, event.identity)
        for explained in found
        for member in (*explained.members, *explained.near_misses)
        for why in member.whys
        for event in why.events
    }
    return Looked(source.place, await look_up(source.settings, source.log, wanted))


class _Head(TypedDict):
    """The members that both answers share."""

    as_of: str
    dimension: str | None
    segment: str | None
    currency: str


def _head(settings: Settings, span: Window, query: ExplainQuery) -> _Head:
    return _Head(
        as_of=instant_text(span.end_ms),
        dimension=query.dimension,
        segment=query.value,
        currency=settings.default_currency,
    )


def _part(side: Side, sign: int, count: str, *, explained: Explained, number: Number, known: Looked) -> ExplainedPart:
    return ExplainedPart(
        side=side,
        sign=sign,
        count=count,
        unit=EXPLAINABLE[count].unit,
        sum=explained.total,
        counted=number[0],
        agrees=_agree(explained, number),
        by_value=_without_zeros(explained),
        customers=explained.customers,
        near=explained.near,
        members=[_member(member, known) for member in explained.members],
        near_misses=[_member(member, known) for member in explained.near_misses],
        forgotten=_forgotten(explained),
    )


def _forgotten(explained: Explained) -> ForgottenShare | UnsetType:
    amount, customers, near = explained.forgotten
    return ForgottenShare(customers=customers, amount=amount, near=near) if customers or near else UNSET


def _without_zeros(found: Explained) -> dict[str, int]:
    return {value: amount for value, amount in found.by_value.items() if amount}


def _agree(found: Explained, number: Number) -> bool:
    return _without_zeros(found) == number[1]


def _member(member: Member, known: Looked) -> ExplainedCustomer:
    reasons = [
        ExplainedReason(
            amount=why.amount,
            rule=why.rule,
            events=[explained_event(event, member.partition, known) for event in why.events],
        )
        for why in member.whys
    ]
    return ExplainedCustomer(
        customer_id=member.customer_id, amount=member.amount, partition=member.partition, reasons=reasons
    )


def explained_event(event: FactText, partition: int, known: Looked) -> ExplainedEvent:
    """Return an event as documents have it.

    Args:
        event: In words, and where its record lies.
        partition: Its customer's.
        known: What is known of events, this one among them.
    """
    partition = event.partition_or(partition)
    found = known.known[Place(event.topic, partition, event.offset)]
    return ExplainedEvent(
        event=event.text,
        id=found.event_id,
        source=found.source,
        topic=event.topic,
        partition=partition,
        offset=event.offset,
        place=UNSET if found.number is None else known.place,
        number=UNSET if found.number is None else found.number,
        note=found.note or UNSET,
    )


def _lenses(counts: dict[str, int]) -> dict[str, LensRatio]:
    return {lens.value: _lens(RATIO_BY_NAME[lens.ratio], counts) for lens in Lens}


def _lens(ratio: Ratio, counts: dict[str, int]) -> LensRatio:
    return LensRatio(
        churn=ratio.evaluate(counts),
        numerator=ratio.numerator.evaluate(counts),
        denominator=ratio.denominator.evaluate(counts),
        formula=f"({ratio.numerator}) / ({ratio.denominator})",
        meaning=ratio.meaning,
    )


def _difference(found: Explained, known: Looked) -> LensDifference:
    members = [_member(member, known) for member in found.members]
    return LensDifference(sum=found.total, customers=found.customers, members=members, forgotten=_forgotten(found))


def _fault_of_lenses(found: dict[str, Explained], numbers: dict[str, Number]) -> str | None:
    """Return which difference does not add up; None where all do, in every segment."""
    for count, number in numbers.items():
        if not _agree(found[count], number):
            return f"{count} is {number[0]} by the counters and {found[count].total} by its members"
    parts = {name: found[name].total for name in ("customers_lost", *DIFFERENCES)}
    if sum(parts.values()) != found["cancellations"].total:
        text = " + ".join(f"{name} {amount}" for name, amount in parts.items())
        return f"{text} is not {found['cancellations'].total}, the number of cancellations"
    return None
