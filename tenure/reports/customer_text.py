"""One customer in the terminal, in lines of 100 characters at most, but for names that are longer.

Pure: what `tenure.reports.customer` returns in, lines out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from kpis.members.rules import MEMBERSHIPS
from tenure.reports import formats
from tenure.reports.explain_text import event_place

if TYPE_CHECKING:
    from schemas.documents.customer import CustomerMovement, CustomerSubscription, CustomerTimeline, TimelineEntry

COLUMNS: Final = 100
_STATUS: Final = {"effect": " ", "no_effect": "–", "revoked": "×", "later": "…"}
_NAME_COLUMNS: Final = 26
_AMOUNT_COLUMNS: Final = 12


def customer_lines(found: CustomerTimeline) -> Iterator[str]:
    """Yield a customer line by line; names must be readable already."""
    yield from _head(found)
    if found.subscriptions:
        yield from ("", "Subscriptions")
    for subscription in found.subscriptions:
        yield from _wrapped(_subscription(subscription, found.currency), 2)
    yield from ("", "Timeline; – did nothing, × was taken back, … is not before T")
    for entry in found.timeline:
        yield from _entry(entry)
    if found.movements:
        yield from ("", "Movements")
    for movement in found.movements:
        yield from _wrapped(_movement(movement, found.currency), 2)
    yield from _activity(found)
    yield from _contributions(found)


def _head(found: CustomerTimeline) -> Iterator[str]:
    yield from _wrapped(f"customer {found.customer_id}, partition {found.partition}, as of {found.as_of}", 0)
    state = "active" if found.active else "not active"
    counting = sum(each.counts for each in found.subscriptions)
    parts = [state, f"plan {found.plan}", f"MRR {formats.money(found.mrr, found.currency)}"]
    parts.append("1 subscription counts" if counting == 1 else f"{counting:,} subscriptions count")
    yield from _wrapped(" · ".join(parts), 0)
    if found.segments:
        yield from _wrapped(" · ".join(f"{dimension} {value}" for dimension, value in found.segments.items()), 0)


def _subscription(each: CustomerSubscription, currency: str) -> str:
    named = each.id or "(without an id)"
    if each.state == "closed":
        return f"{named}  closed {each.closed_at}"
    state = f"{each.state}{', on trial' if each.trial else ''}"
    counts = f"counts with {formats.money(each.mrr, currency)}" if each.counts else f"does not count: {each.why_not}"
    return (
        f"{named}  {state}, plan {each.plan}, {formats.money(each.price, currency)}, since {each.open_since}; {counts}"
    )


def _entry(entry: TimelineEntry) -> Iterator[str]:
    yield from _wrapped(f"{_STATUS[entry.status]} {entry.event.event}", 0, 2)
    yield from _wrapped(entry.did, 6)
    yield from _wrapped(f"[{event_place(entry.event)}]", 6)


def _movement(each: CustomerMovement, currency: str) -> str:
    plans = each.plan_after if each.plan_before == each.plan_after else f"{each.plan_before} to {each.plan_after}"
    before, after = (formats.money(mrr, currency) for mrr in (each.mrr_before, each.mrr_after))
    reason = ""
    if each.reason is not None:
        reason = f", reason {each.reason}{', involuntary' if each.involuntary else ''}"
    return f"{each.bucket}  {' and '.join(each.kinds)}: {before} to {after}, plan {plans}{reason}"


def _activity(found: CustomerTimeline) -> Iterator[str]:
    activity = found.activity
    if activity.buckets:
        used = f"; features {', '.join(activity.features)}" if activity.features else ""
        span = f"from {activity.first} to {activity.last}"
        yield ""
        yield from _wrapped(f"Activity in {activity.buckets:,} bucket{'s'[: activity.buckets != 1]}, {span}{used}", 0)
    if activity.onboarded:
        yield ""
        yield from _wrapped(f"Onboarding completed {', '.join(activity.onboarded)}", 0)


def _contributions(found: CustomerTimeline) -> Iterator[str]:
    yield from ("", f"Counted as of {found.as_of}; money in minor units of {found.currency}")
    for each in found.totals:
        yield f"  {each.count:<{_NAME_COLUMNS}}{each.amount:>{_AMOUNT_COLUMNS},}"
    amounts = {window: {each.count: each.amount for each in counts} for window, counts in found.windows.items()}
    names = [name for name in MEMBERSHIPS if any(name in counts for counts in amounts.values())]
    per_line = (COLUMNS - 2 - _NAME_COLUMNS) // _AMOUNT_COLUMNS
    windows = list(amounts)
    for first in range(0, len(windows), per_line):
        chosen = windows[first : first + per_line]
        yield ""
        yield f"  {'in the window':<{_NAME_COLUMNS}}" + "".join(f"{window:>{_AMOUNT_COLUMNS}}" for window in chosen)
        for name in names:
            if any(name in amounts[window] for window in chosen):
                yield f"  {name:<{_NAME_COLUMNS}}" + "".join(_amount(amounts[window].get(name)) for window in chosen)


def _amount(amount: int | None) -> str:
    return f"{formats.count(amount):>{_AMOUNT_COLUMNS}}"


def _wrapped(text: str, indent: int, deeper: int = 4) -> Sequence[str]:
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + deeper),
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )
