"""Events written short, for tests that state every event in one line.

An event's id is its place in the test: its type and its time, so that two events in a test are two identities.
Definitions: docs/events.md.
"""

Event = dict[str, object]


def signup(customer: str, time: str, plan: str = "pro", mrr_minor: int = 1_000, **members: object) -> Event:
    """Return a signup."""
    return _event("signup", customer, time, members, plan=plan, mrr_minor=mrr_minor)


def change(customer: str, time: str, plan: str, mrr_minor: int, **members: object) -> Event:
    """Return an upgrade; which way it goes follows from the MRR."""
    return _event("upgrade", customer, time, members, plan=plan, mrr_minor=mrr_minor)


def cancel(customer: str, time: str, **members: object) -> Event:
    """Return a cancel."""
    return _event("cancel", customer, time, members)


def revoke(customer: str, time: str, revokes: object, **members: object) -> Event:
    """Return a revoke, by default of an event from the source of cancels."""
    return _event("revoke", customer, time, members, revokes=revokes)


def survey(customer: str, time: str, kind: str = "nps", score: int | None = None, **members: object) -> Event:
    """Return a survey; answered unless the members say otherwise."""
    return _event("survey", customer, time, members, kind=kind, **({} if score is None else {"score": score}))


def renewal(customer: str, time: str, outcome: str) -> Event:
    """Return a renewal."""
    return _event("renewal", customer, time, {}, outcome=outcome)


def onboarding(customer: str, time: str, **members: object) -> Event:
    """Return an onboarding; completed unless the members say otherwise."""
    return _event("onboarding", customer, time, members)


def activity(customer: str, time: str) -> Event:
    """Return an activity."""
    return _event("activity", customer, time, {})


def _event(kind: str, customer: str, time: str, members: Event, /, **own: object) -> Event:
    """Return an event; a time without an hour is the day's first instant."""
    instant = time if "T" in time else f"{time}T00:00:00Z"
    identity: Event = {"type": kind, "id": f"{kind} {time}", "customer_id": customer, "time": instant}
    return identity | own | members
