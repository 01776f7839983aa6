"""Cohorts: customers by the month or ISO week in which they were first active, and who of them is active later.

Not shares for the terminal: rows with sums, from which shares follow.
Definitions: section 5, cohort table and revenue cohorts; the contract, columns of `cohorts --csv`.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tests.recount.customers import Book, Customer
from tests.recount.instants import instant_ms, local_instant_ms, local_moment, months_later, weeks_later
from tests.recount.options import Options
from tests.recount.report import ratio, segment_of

LATER: dict[str, Callable[[datetime, int], datetime]] = {"month": months_later, "week": weeks_later}


@dataclass(frozen=True, kw_only=True)
class CohortRow:
    """One cohort after one number of periods.

    Attributes:
        dimension: Empty for all customers, as is `value`.
        cohort: `2026-03`, or `2026-W09`.
        size: Customers of the cohort (count).
        period: Periods after each customer's own f; in period 0 all but `mrr_start` is None.
        matured: Customers whose f + period is at or before T (count).
        active: Of these, who is active then (count).
        share: Active over matured.
        mrr_start: Of the matured, the MRR at the end of the bucket of f; in period 0 of all (minor units).
        mrr_net: Of the matured, the MRR after the period (minor units).
        mrr_gross: Of the matured, the smaller of both of each (minor units).
    """

    dimension: str
    value: str
    cohort: str
    size: int
    period: int
    matured: int | None
    active: int | None
    share: float | None
    mrr_start: int
    mrr_net: int | None
    mrr_gross: int | None


@dataclass(frozen=True)
class _Member:
    """One customer of a cohort: its MRR at the start, and whether it was active and its MRR after each period."""

    mrr_start_minor: int
    later: tuple[tuple[bool, int], ...]


def cohort_rows(book: Book, at: datetime, period: Literal["month", "week"], by: str | None = None) -> list[CohortRow]:
    """Return the rows of every cohort, of all customers or by the values of a dimension.

    Args:
        book: The log as it was read.
        at: T, aware.
        period: Length of the periods.
        by: A dimension; for `plan` a customer is under the plan with which it counts in `customers_new`.
    """
    cohorts: dict[tuple[str, str], list[_Member]] = defaultdict(list)
    for customer in book.customers.values():
        first_ms = customer.timeline.first_active_ms
        if first_ms is None or first_ms >= instant_ms(at):
            continue
        value = start_segment(customer, by)
        name = cohort_name(local_moment(first_ms, book.options.zone), period)
        cohorts[value, name].append(_member(customer, first_ms, instant_ms(at), LATER[period], book.options))
    rows = []
    for (value, name), members in sorted(cohorts.items()):
        oldest = max(len(member.later) for member in members)
        rows += [_row(by or "", value, name, members, number) for number in range(oldest + 1)]
    return rows


def start_segment(customer: Customer, by: str | None) -> str:
    """Return the value of a dimension with which a customer began; empty for all customers."""
    if by is None:
        return ""
    return segment_of(customer, by, next(each.plan for each in customer.timeline.movements if each.name == "new"))


def cohort_name(local: datetime, period: str) -> str:
    """Return the name of the calendar month, or ISO week, of a local time."""
    if period == "month":
        return f"{local:%Y-%m}"
    year, week, _ = local.isocalendar()
    return f"{year}-W{week:02}"


def _member(
    customer: Customer, first_ms: int, at_ms: int, later: Callable[[datetime, int], datetime], options: Options
) -> _Member:
    local = local_moment(first_ms, options.zone)
    bucket_end_ms = first_ms // options.bucket_ms * options.bucket_ms + options.bucket_ms
    found: list[tuple[bool, int]] = []
    while (then_ms := local_instant_ms(later(local, len(found) + 1), options.zone)) <= at_ms:
        state = customer.timeline.state_at(then_ms)
        found.append((state.active, state.mrr_minor))
    return _Member(customer.timeline.state_at(bucket_end_ms).mrr_minor, tuple(found))


def _row(dimension: str, value: str, name: str, members: list[_Member], period: int) -> CohortRow:
    matured = [member for member in members if len(member.later) >= period]
    mrr_start = sum(member.mrr_start_minor for member in matured)
    if period == 0:
        return CohortRow(
            dimension=dimension,
            value=value,
            cohort=name,
            size=len(members),
            period=0,
            matured=None,
            active=None,
            share=None,
            mrr_start=mrr_start,
            mrr_net=None,
            mrr_gross=None,
        )
    then = [member.later[period - 1] for member in matured]
    active = sum(is_active for is_active, _ in then)
    return CohortRow(
        dimension=dimension,
        value=value,
        cohort=name,
        size=len(members),
        period=period,
        matured=len(matured),
        active=active,
        share=ratio(active, len(matured)),
        mrr_start=mrr_start,
        mrr_net=sum(mrr_minor for _, mrr_minor in then),
        mrr_gross=sum(
            min(member.mrr_start_minor, mrr_minor) for member, (_, mrr_minor) in zip(matured, then, strict=True)
        ),
    )
