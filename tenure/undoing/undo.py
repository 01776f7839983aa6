"""Undoing of a producer's events: finds them, says what changes without them, and sends their revokes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from kpis.instants import end_of_bucket_ms, instant_text
from schemas.catalogue.counts import FACTS_WITHOUT_EFFECT
from schemas.catalogue.formulas import Kind
from schemas.catalogue.ratios import RATIOS
from schemas.documents.undo import ChangedNumber, Undoing, UndoneEvent
from schemas.events import Revoke
from schemas.wording import nearest_name
from streams.batching.sender import Outgoing
from streams.clock import WallClock
from streams.errors import CheckFailed
from streams.routing import Router
from streams.settings.meaning import decoder_of
from tenure.files.publish import check_topic, connected, deliver, reason_of
from tenure.reports.explain import EXPLAINABLE
from tenure.stored.opening import running_tables
from tenure.stored.reading import report_of
from tenure.undoing.change import TOTALS, Effect, Effects, WildRevoke
from tenure.undoing.finding import WildEvents, WildQuery, find_events
from tenure.undoing.revokes import HEADER_UNDONE_BY

if TYPE_CHECKING:
    from schemas.documents.report import Report
    from streams.settings.settings import Settings

_AT_ONCE: Final = 1_000


class UndoPlan(NamedTuple):
    """A plan to undo events: the document of a dry run, and the revokes to send."""

    document: Undoing
    revokes: list[WildRevoke]


async def plan_undo(
    settings: Settings, query: WildQuery, windows: Sequence[str], *, limit: int, tell: Callable[[str], None]
) -> UndoPlan:
    """Return what undoing a producer's events would send and change; nothing is sent.

    Args:
        settings: Of the stream: where its Kafka and its Redis are, and what its numbers mean.
        query: Which events.
        windows: Names of the windows whose numbers are wanted.
        limit: Events that are told one by one (count).
        tell: Told in a line what was not read.

    Raises:
        CheckFailed: There is no event of this source in the span; those that there are, are named.
        TenureError: As `find_events`, and `tenure.stored.opening.running_tables`.
    """
    decoder = decoder_of(settings)
    found = await find_events(settings, decoder, query, tell)
    _check_found(found, query)
    at_ms = end_of_bucket_ms(WallClock().now_ms(), settings.bucket_minutes)
    async with running_tables(settings) as (tables, mark):
        effects = Effects(settings, decoder, query.source, windows, at_ms)
        effect = await effects.of(tables, mark.partitions, found.by_customer)
        (report,) = await report_of(settings, tables, partitions=mark.partitions, at_ms=[at_ms])
    return UndoPlan(document_of(query, found, effect, report, limit), effect.revokes)


def _check_found(found: WildEvents, query: WildQuery) -> None:
    if found.by_customer or found.without_identity:
        return
    span = f"from {instant_text(query.since_ms)}" + (f" to {instant_text(query.until_ms)}" if query.until_ms else "")
    if query.source in found.sources:
        raise CheckFailed(f"{query.source} has sent no event of these types {span}, by {query.clock} time")
    known = [source for source, _ in found.sources.most_common(5)]
    there = f"there are {', '.join(known)}" if known else "nobody has"
    hint = nearest_name(query.source, list(found.sources))
    raise CheckFailed(f"no event of source {query.source} came {span}, by {query.clock} time; {there}{hint}")


def document_of(query: WildQuery, found: WildEvents, effect: Effect, report: Report, limit: int) -> Undoing:
    """Return a plan as `tenure undo --json` prints it.

    Args:
        query: Which events were looked for.
        found: Those that Kafka has.
        effect: Of their revokes.
        report: The numbers with the events.
        limit: Events that are told one by one (count).
    """
    first = sorted(effect.revokes, key=lambda each: (each.event.time_ms, each.customer_id, each.event_id))[:limit]
    before = report.totals.counts()
    after = _plus(before, effect.changes[TOTALS])
    windows = {}
    for name in effect.changes.keys() - {TOTALS}:
        counts = _window_counts(report, name)
        changed = {**after, **_plus(counts, effect.changes[name])}
        windows[name] = _changed({**before, **counts}, changed, "window")
    return Undoing(
        source=query.source,
        clock=query.clock.value,
        since=instant_text(query.since_ms),
        until=None if query.until_ms is None else instant_text(query.until_ms),
        events=dict(sorted(Counter(each.event.type for each in effect.revokes).items())),
        customers=len({each.customer_id for each in effect.revokes}),
        revoked_before=effect.revoked_before,
        not_counted_yet=effect.not_counted_yet,
        over_limit=effect.over_limit,
        without_identity=dict(sorted(found.without_identity.items())),
        as_of=report.as_of,
        totals=_changed(before, after, "stock"),
        windows={name: windows[name] for name in effect.changes if name in windows},
        examples=[
            UndoneEvent(
                customer_id=each.customer_id,
                type=each.event.type,
                id=each.event_id,
                time=instant_text(each.event.time_ms),
            )
            for each in first
        ],
        sent=None,
    )


def _plus(counts: Mapping[str, int], changes: Mapping[str, int]) -> dict[str, int]:
    return {name: number + changes.get(name, 0) for name, number in counts.items()}


def _window_counts(report: Report, window: str) -> dict[str, int]:
    """Return the counts of a window, facts without effect of all kinds together."""
    found = report.windows[window]
    idle = found.facts_without_effect
    return {**found.counts(), FACTS_WITHOUT_EFFECT.name: sum(idle.values()) if idle else 0}


def _changed(before: Mapping[str, int], after: Mapping[str, int], kind: Kind) -> list[ChangedNumber]:
    """Return the counts and ratios of a kind that are not the same; all counts that these need are given."""
    found = [
        ChangedNumber(kpi=name, unit=count.unit, before=before[name], after=after[name])
        for name, count in EXPLAINABLE.items()
        if count.kind == kind and before[name] != after[name]
    ]
    for ratio in RATIOS:
        if ratio.kind == kind and ratio.evaluate(before) != ratio.evaluate(after):
            was, now = ratio.evaluate(before), ratio.evaluate(after)
            found.append(ChangedNumber(kpi=ratio.name, unit=ratio.unit, before=was, after=now))
    return found


# ------------------------------------------------------------------------- sending


class SentRevokes(NamedTuple):
    """The outcome of sending revokes.

    Attributes:
        sent: Those that Kafka has (count).
        undelivered: Those that it did not take (count); sending them again is right.
        first_reason: Why the first of them was not taken.
    """

    sent: int
    undelivered: int
    first_reason: str


async def send_revokes(settings: Settings, revokes: Sequence[WildRevoke], *, by: str) -> SentRevokes:
    """Send revokes, each under its customer's key, and return how many Kafka has.

    Args:
        settings: Where Kafka is, and the names of the topics.
        revokes: As `plan_undo` has made them.
        by: Who sends them; each says so in a header.

    Raises:
        UsageError: The topic of revokes is not there; nothing was sent.
        TenureError: As `tenure.files.publish.connected`.
    """
    router, faults = Router(settings), list[Exception]()
    headers = ((HEADER_UNDONE_BY, by.encode("utf-8", "replace")),)
    async with connected(settings) as (producer, existing):
        if revokes:
            check_topic(settings.topic_of_type[Revoke.TYPE], existing, settings)
        for first in range(0, len(revokes), _AT_ONCE):
            records = []
            for each in revokes[first : first + _AT_ONCE]:
                route = router.route(each.value)
                records.append(Outgoing(route.topic, None, route.key, each.value, None, headers))
            faults += [fault for fault in await deliver(producer, records) if fault is not None]
    first_reason = (
        f"{reason_of(faults[0])}; run the command again: what was sent twice changes nothing" if faults else ""
    )
    return SentRevokes(len(revokes) - len(faults), len(faults), first_reason)
