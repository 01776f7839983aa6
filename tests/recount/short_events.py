"""Events written short, and reports read short, for tests that state every event in one line.

An event's id is made of its type, time and subscription, so that two events of a test are two identities.
Definitions: the contract, events and JSON.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from tests.recount.equations import part
from tests.recount.options import DEFAULTS, Options
from tests.recount.records import Sent
from tests.recount.report import recount

Event = dict[str, object]
Counts = dict[str, int]
#: The instant that tests ask for; the window `month` is the January before it.
T = datetime(2026, 2, 1, tzinfo=UTC)


def signup(customer: str, time: str, plan: str = "pro", mrr_minor: int = 4_900, **members: object) -> Event:
    """Return a signup."""
    return event("signup", customer, time, members, plan=plan, mrr_minor=mrr_minor)


def change(customer: str, time: str, plan: str = "pro", mrr_minor: int = 4_900, **members: object) -> Event:
    """Return an upgrade; which way it goes follows from the MRR."""
    return event("upgrade", customer, time, members, plan=plan, mrr_minor=mrr_minor)


def cancel(customer: str, time: str, **members: object) -> Event:
    """Return a cancel."""
    return event("cancel", customer, time, members)


def pause(customer: str, time: str, **members: object) -> Event:
    """Return a pause."""
    return event("pause", customer, time, members)


def resume(customer: str, time: str, **members: object) -> Event:
    """Return a resume."""
    return event("resume", customer, time, members)


def revoke(customer: str, time: str, revokes: object, **members: object) -> Event:
    """Return a revoke, which names no source unless the members do."""
    return event("revoke", customer, time, members, revokes=revokes)


def survey(customer: str, time: str, kind: str = "nps", score: int | None = None, **members: object) -> Event:
    """Return a survey; answered unless the members say otherwise."""
    return event("survey", customer, time, members, kind=kind, **({} if score is None else {"score": score}))


def renewal(customer: str, time: str, outcome: str) -> Event:
    """Return a renewal."""
    return event("renewal", customer, time, {}, outcome=outcome)


def onboarding(customer: str, time: str, **members: object) -> Event:
    """Return an onboarding; completed unless the members say otherwise."""
    return event("onboarding", customer, time, members)


def activity(customer: str, time: str, **members: object) -> Event:
    """Return an activity."""
    return event("activity", customer, time, members)


def event(event_type: str, customer: str, time: str, members: Event, /, **own: object) -> Event:
    """Return an event; a time without an hour is the day's first instant, in UTC."""
    instant = time if "T" in time else f"{time}T00:00:00Z"
    event_id = f"{event_type} {time} {members.get('subscription_id', '')}".rstrip()
    return {"type": event_type, "id": event_id, "customer_id": customer, "time": instant} | own | members


def counted(
    log: Iterable[Sent], options: Options = DEFAULTS, *, at: datetime = T, window: str = "month", of: str = ""
) -> Counts:
    """Return the counts as of an instant and over a window that are not zero.

    Facts without effect are under names such as `without_effect.cancel`.

    Args:
        log: The records.
        options: Settings that the numbers depend on.
        at: T.
        window: Name of the window.
        of: A segment, `plan=pro`; all customers where empty.
    """
    dimension, _, value = of.partition("=")
    (document,) = recount(log, [at], options, [dimension] if of else [])
    numbers = part(document, "segments", dimension, value) if of else document
    found = part(numbers, "totals") | part(numbers, "windows", window)
    by_kind = {} if of else part(numbers, "windows", window, "facts_without_effect")
    found |= {f"without_effect.{kind}": count for kind, count in by_kind.items()}
    return {name: count for name, count in found.items() if isinstance(count, int) and count}


def fates_of(log: Iterable[Sent], options: Options = DEFAULTS) -> Counts:
    """Return what became of the records, without zeros."""
    events = part(recount(log, [T], options)[0], "events")
    named = events | {
        f"{name}.{each}": count for name in ("mended", "dead_letters") for each, count in part(events, name).items()
    }
    return {name: count for name, count in named.items() if isinstance(count, int) and count}
