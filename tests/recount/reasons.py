"""Reasons of cancellations and of survey answers, and features of engaged customers, by their slugs.

Definitions: section 5, reasons and features.
"""

from collections import Counter
from datetime import datetime
from typing import Literal

from tests.recount.customers import Book, Customer
from tests.recount.instants import instant_ms
from tests.recount.report import segment_of, windows_at

MOST_NAMED = 20
REST = "other"
NO_SLUG = "none"
#: Counts by value of the dimension, which is empty for all customers, and by slug.
Found = dict[str, Counter[str]]


def reasons(
    book: Book,
    at: datetime,
    window: str,
    of: Literal["cancellations", "survey_answers", "features"],
    by: str | None = None,
    *,
    involuntary: bool | None = None,
) -> Found:
    """Return the counts of one window as of T, all slugs of them.

    Args:
        book: The log as it was read.
        at: T, aware.
        window: Its name, `30d` or `month`.
        of: What to count.
        by: A dimension; `plan` is the one that the count is segmented by.
        involuntary: Of cancellations: only those that were, or were not.
    """
    end_ms = instant_ms(at)
    start_ms = windows_at(end_ms, book.options)[window]
    found: Found = {}
    for customer in book.customers.values():
        if of == "cancellations":
            named = _cancellations(customer, start_ms, end_ms, involuntary)
        elif of == "survey_answers":
            named = _answers(customer, start_ms, end_ms)
        else:
            named = _features(customer, start_ms, end_ms)
        for plan, slug in named:
            value = segment_of(customer, by, plan) if by else ""
            found.setdefault(value, Counter())[slug] += 1
    return found


def lost_mrr(book: Book, at: datetime, window: str, by: str | None = None) -> Found:
    """Return the MRR (minor units) that was lost by cancellations of one window as of T, where it is not 0."""
    end_ms = instant_ms(at)
    start_ms = windows_at(end_ms, book.options)[window]
    found: Found = {}
    for customer in book.customers.values():
        for movement in customer.timeline.movements:
            if movement.name == "cancellation" and start_ms <= movement.bucket_start_ms < end_ms and movement.mrr_minor:
                value = segment_of(customer, by, movement.plan) if by else ""
                found.setdefault(value, Counter())[movement.reason] += movement.mrr_minor
    return found


def largest(counts: Counter[str]) -> dict[str, int]:
    """Return the twenty largest counts, equal ones by slug, and the sum of the rest as `other`."""
    ranked = sorted(counts.items(), key=lambda named: (-named[1], named[0]))
    named = dict(ranked[:MOST_NAMED])
    rest = sum(count for _, count in ranked[MOST_NAMED:])
    return named | ({REST: named.get(REST, 0) + rest} if rest else {})


def _cancellations(customer: Customer, start_ms: int, end_ms: int, involuntary: bool | None) -> list[tuple[str, str]]:
    """Return plan and reason of each cancellation in the window."""
    return [
        (movement.plan, movement.reason)
        for movement in customer.timeline.movements
        if movement.name == "cancellation" and start_ms <= movement.bucket_start_ms < end_ms
        if involuntary is None or movement.involuntary is involuntary
    ]


def _answers(customer: Customer, start_ms: int, end_ms: int) -> list[tuple[str, str]]:
    """Return plan and reason of each answered survey in the window."""
    return [
        (plan, survey.reason or NO_SLUG)
        for survey, plan in customer.surveys
        if survey.status == "answered" and start_ms <= survey.at_ms < end_ms
    ]


def _features(customer: Customer, start_ms: int, end_ms: int) -> list[tuple[str, str]]:
    """Return the plan and each feature that the customer, active at the end, used in the window."""
    now = customer.timeline.state_at(end_ms)
    if not now.active:
        return []
    used = {feature or NO_SLUG for at_ms, feature in customer.activities if start_ms <= at_ms < end_ms}
    return [(now.plan, feature) for feature in sorted(used)]
