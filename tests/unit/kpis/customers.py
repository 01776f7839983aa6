"""Customers written as tables, one event a line, for tests that state rows and steps by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Final

from kpis.customer.facts import WORDS, LifecycleFact
from kpis.customer.history import History, history_of
from kpis.customer.state import Customer, decode
from kpis.customer.timeline import Standing, Step, Subscription
from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from kpis.fold.contribution import contribution
from kpis.fold.fold import Fold
from kpis.names import Names
from kpis.rows import (
    CANCELLED,
    CONVERTED,
    DOWNGRADED,
    ENDED,
    ENGAGED,
    ENGAGED_AGAIN,
    FEEDBACK,
    GONE,
    INVOLUNTARY,
    KEPT,
    LIVELY,
    MOVED,
    NEW,
    OF_NEW,
    ONBOARDED,
    PAUSED,
    POINTS,
    REACTIVATED,
    SEVERAL,
    SIGNED_UP,
    STARTED,
    SUBSCRIPTIONS,
    TRIAL,
    UPGRADED,
    WITHOUT_EFFECT,
    Row,
    difference,
)
from schemas.decoding.decoder import Decoder
from tests.property.folding import LATEST_MS, Line

HOUR_MS: Final = 3_600_000
PLANS: Final = ("none", "basic", "pro", "team")
NAMES: Final = {
    NEW: "NEW", REACTIVATED: "REACTIVATED", CANCELLED: "CANCELLED", UPGRADED: "UPGRADED", DOWNGRADED: "DOWNGRADED",
    MOVED: "MOVED", GONE: "GONE", LIVELY: "LIVELY", ONBOARDED: "ONBOARDED", ENGAGED: "ENGAGED",
    INVOLUNTARY: "INVOLUNTARY", OF_NEW: "OF_NEW", KEPT: "KEPT", ENGAGED_AGAIN: "ENGAGED_AGAIN",
    SIGNED_UP: "SIGNED_UP", TRIAL: "TRIAL", CONVERTED: "CONVERTED", PAUSED: "PAUSED", SEVERAL: "SEVERAL",
    SUBSCRIPTIONS: "SUBSCRIPTIONS", STARTED: "STARTED", ENDED: "ENDED",
    **{code: f"WITHOUT_EFFECT/{WORDS[kind]}" for kind, code in WITHOUT_EFFECT.items()},
}  # fmt: skip
#: Settings other than the defaults.
FREE_COUNT: Final = BY_DEFAULT._replace(free_plans=True)
PAUSED_LOST: Final = BY_DEFAULT._replace(paused=False)
START: Final = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
#: The bucket of START.
FIRST: Final = int(START.timestamp() * 1000) // HOUR_MS


def record(line: str, number: int) -> bytes:
    """Return an event of customer c out of a line such as `12.5 signup@A pro 1000 trial`.

    That is hours after START, the type, with a subscription behind an @, and members: plan and MRR of a signup or a
    change, then `name=value`, or a name alone for what is true.
    """
    hours, kind, *rest = line.split()
    kind, at_sign, subscription = kind.partition("@")
    at = START + dt.timedelta(hours=float(hours))
    members: dict[str, object] = {"id": f"e{number}", "type": kind, "customer_id": "c", "time": at.isoformat()}
    if at_sign:
        members["subscription_id"] = subscription
    if kind in {"signup", "upgrade", "downgrade"}:
        members |= {"plan": rest[0], "mrr_minor": int(rest[1])}
        rest = rest[2:]
    for member in rest:
        name, _, value = member.partition("=")
        members[name] = {"": True, "true": True, "false": False}.get(value, _number_or_text(value))
    return json.dumps(members).encode()


def _number_or_text(value: str) -> int | str:
    return int(value) if value.removeprefix("-").isdigit() else value


def records_of(lines: Sequence[str]) -> list[bytes]:
    """Return the events of lines, the ids of which are e0, e1 and so on."""
    return [record(line, n) for n, line in enumerate(lines)]


def plan_names() -> Names:
    """Return tables in which plans have the numbers of PLANS."""
    names = Names()
    for plan in PLANS[1:]:
        names.plan(plan)
    return names


def folded(
    lines: Sequence[str],
    *,
    short_cuts: bool = True,
    native: bool = True,
    what: WhatCounts = BY_DEFAULT,
    batch: int = 1000,
) -> tuple[Customer, list[str]]:
    """Return the customer after all lines, and the rows that the fold wrote, in batches of so many lines."""
    fold = Fold(plan_names(), short_cuts=short_cuts, native=native, what=what)
    states, rows = dict[str, bytes](), list[Row]()
    decoded = Decoder(latest_ms=LATEST_MS).decode([Line(each) for each in records_of(lines)])
    assert not decoded.refused, decoded.refused
    for start in range(0, len(lines), batch):
        _, new = fold.fold(decoded.events[start : start + batch], decoded.times[start : start + batch], states)
        rows += map(tuple, new.tolist())
    return decode(states["c"]) if states else Customer(), written(rows)


def known_history(lines: Sequence[str], what: WhatCounts = BY_DEFAULT) -> History:
    """Return the history of the customer after all lines."""
    return history_of(folded(lines, what=what)[0], HOUR_MS, what)


def pure_rows(customer: Customer, what: WhatCounts = BY_DEFAULT, *, since: int = 0) -> list[str]:
    """Return the rows of the pure function."""
    return written(contribution(customer, HOUR_MS, what, since=since))


def step_text(step: Step) -> str:
    """Return a step in words: hour, kind and subscription, and the customer after it; `-` where nothing happened."""
    fact = step.fact
    hours = (fact.at_ms - FIRST * HOUR_MS) / HOUR_MS
    kind = f"{hours:g} {fact_text(fact)} ->"
    return f"{kind} {standing_text(step.after)}" if step.has_effect else f"{kind} -"


def fact_text(fact: LifecycleFact) -> str:
    """Return a fact's kind, and its subscription behind an @ if it names one."""
    return WORDS[fact.KIND] + (f"@{fact.subscription}" if fact.subscription else "")


def standing_text(standing: Standing) -> str:
    """Return a customer in words: what is not closed, whether it is active, its plan, its MRR."""
    there = ", ".join(_subscription_text(each) for each in standing.subscriptions) or "closed"
    return f"{there} : {'active' if standing.active else 'inactive'} {PLANS[standing.plan]} {standing.mrr}"


def _subscription_text(each: Subscription) -> str:
    words = [each.id, PLANS[each.plan], str(each.price), "trial" * each.on_trial, "paused" * each.is_paused]
    return " ".join(word for word in words if word)


def written(rows: Iterable[Row]) -> list[str]:
    """Return rows summed and in words: name, plan, buckets i and j since START, count, money; sorted.

    A profile other than that of a signup without segments comes last.
    """
    parts: list[Row] = []
    for code, plan, profile, i, j, n, m in rows:
        if code == ENGAGED and i < j:  # stands for both
            parts += [(code, plan, profile, j, j, n, m), (ENGAGED_AGAIN, plan, profile, i, j, n, m)]
        else:
            parts.append((code, plan, profile, i, j, n, m))
    summed: list[Row] = []
    difference([], parts, summed)
    return sorted(
        f"{_name(code)} {PLANS[plan]} {i - FIRST} {j - FIRST} {n} {m}" + f" of {profile}" * bool(profile)
        for code, plan, profile, i, j, n, m in summed
    )


def _name(code: int) -> str:
    return f"FEEDBACK+{code - FEEDBACK}" if FEEDBACK <= code < POINTS else NAMES[code]
