"""The members of a number add up to it, whatever arrived in whatever order.

Members are found from the definitions, customer by customer; the numbers come from rows and cells. Neither knows the
other, so each is a check of the other.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from hypothesis import given

from kpis.members.exclusions import EXCLUSIONS, Exclusions
from kpis.members.explain import Explained, Explaining, candidates
from kpis.members.lenses import DIFFERENCES
from kpis.members.rules import MEMBERSHIPS, Memberships
from kpis.members.view import Window
from schemas.catalogue.counts import COUNT_BY_NAME, COUNTS
from schemas.instants import milliseconds
from tests.oracle.logs import Log
from tests.property.cases import Case, bounded, cases, check_log
from tests.property.folding import Folded, Line

SHAPES = ("first slice", "everything", "first weeks")


def explained(
    folded: Folded, count: str, at: datetime, window: str, *, limit: int = 3, dimension: str | None = None
) -> Explained:
    """Return the members of a count of one window, over all partitions."""
    return explained_shares(folded, MEMBERSHIPS[count], at, window, EXCLUSIONS[count], limit=limit, dimension=dimension)


def explained_shares(
    folded: Folded,
    shares: Memberships,
    at: datetime,
    window: str,
    misses: Exclusions | None = None,
    *,
    limit: int = 0,
    dimension: str | None = None,
) -> Explained:
    """Return the members of anything that customers have shares in."""
    windows = folded.windows
    boundary = milliseconds(at) // windows.bucket_ms
    start = windows.start(window, boundary)
    span = Window(start * windows.bucket_ms, boundary * windows.bucket_ms, windows.bucket_ms)
    explaining = Explaining(shares, misses, span, limit=limit, dimension=dimension)
    for number, states in enumerate(folded.states):
        for candidate in candidates(span, number, folded.names[number], states.items()):
            explaining.take(candidate)
    return explaining.explained()


def _folded(case: Case, log: Log) -> Folded:
    folded = Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts)
    folded.batches(log.records, case.batch)
    return folded


def _wrong_sums(case: Case, log: Log) -> list[str]:
    """Return which sums are not the report's; each case looks at one window, one dimension, and all counts."""
    folded = _folded(case, log)
    random = Random(f"{case.seed}/explained")
    dimension = random.choice((None, "plan", "country", "channel", *log.options.dimensions))
    window = random.choice(folded.windows.names)
    out: list[str] = []
    for at, report in zip(log.at, folded.report(log.at, [dimension] if dimension else []), strict=True):
        for count in COUNTS:
            found = explained(folded, count.name, at, window, dimension=dimension)
            entries = report["segments"][dimension] if dimension else {"": report}
            for value in {*found.by_value, *entries}:
                entry = entries.get(value)
                expected = 0
                if entry is not None:
                    expected = (entry["totals"] if count.kind == "stock" else entry["windows"][window])[count.name]
                if found.by_value.get(value, 0) != expected:
                    out.append(f"{count.name} {window} {at} {dimension}={value}: {found}, expected {expected}")
            out += [
                f"{count.name}: {member} is not the sum of its reasons"
                for member in found.members
                if not member.whys or sum(why.amount for why in member.whys) != member.amount
            ]
    return out


@bounded(60)
@given(cases(*SHAPES))
def test_members_of_every_count_add_up_to_the_number_in_every_segment(case: Case) -> None:
    """An explanation that does not add up explains another number."""
    check_log(case, case.log(), lambda log: _wrong_sums(case, log))


def _parting(case: Case, log: Log) -> list[str]:
    """Return where the cancellations that lenses count differently do not make up the difference."""
    folded = _folded(case, log)
    out: list[str] = []
    for at, report in zip(log.at, folded.report(log.at, []), strict=True):
        for window in folded.windows.names:
            counts = report["windows"][window]
            sums = {name: explained_shares(folded, shares, at, window).total for name, shares in DIFFERENCES.items()}
            of_start = counts["cancellations"] - counts["cancellations_of_new"]
            expected = (of_start, counts["cancellations"])
            standard = counts["customers_lost"] + sums["returned"] + sums["repeated"]
            if (standard, standard + sums["of_new"]) != expected:
                out.append(f"{window} {at}: lost {counts['customers_lost']}, {sums}, expected {expected}")
    return out


@bounded(40)
@given(cases(*SHAPES))
def test_lenses_differ_by_exactly_the_customers_that_are_named(case: Case) -> None:
    """Two figures for churn are believed once every customer between them has a name."""
    check_log(case, case.log(), lambda log: _parting(case, log))


def _stories(folded: Folded, log: Log) -> list[object]:
    """Return what is told of members and near misses, but for where their records lie."""
    out: list[object] = []
    for count in COUNT_BY_NAME:
        found = explained(folded, count, log.at[-1], "30d", limit=100)
        for member in (*found.members, *found.near_misses):
            whys = [(why.amount, why.rule, [(e.text, e.identity) for e in why.events]) for why in member.whys]
            out.append((count, member.customer_id, whys))
    return out


@bounded(30)
@given(cases(*SHAPES))
def test_two_orders_of_arrival_tell_the_same_story(case: Case) -> None:
    """Why somebody counts cannot hang on whose records were faster."""
    log = case.written()
    one = _stories(_folded(case, case.arriving(log, "one")), log)
    other = _stories(_folded(Case(case.shape, case.seed, case.events), case.arriving(log, "other")), log)
    assert sorted(map(repr, one)) == sorted(map(repr, other))


@bounded(30)
@given(cases(*SHAPES))
def test_every_event_that_is_told_lies_where_it_is_said_to_lie(case: Case) -> None:
    """Somebody who looks a record up must find the event that decided, and no other one."""
    log = case.log()
    folded = _folded(case, log)
    for count in COUNT_BY_NAME:
        found = explained(folded, count, log.at[-1], "365d" if "365d" in folded.windows.names else "month", limit=100)
        for member in (*found.members, *found.near_misses):
            for event in (event for why in member.whys for event in why.events):
                batch = folded.decoder.decode([Line(log.records[event.offset])])
                (decoded,) = batch.events
                identity = folded.folds[0].context.identity_of(decoded.source, decoded.id)
                assert (decoded.customer_id, batch.times[0]) == (member.customer_id, event.at_ms)
                assert (identity, event.topic) == (event.identity, "log")
