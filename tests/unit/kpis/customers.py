"""Customers written as tables, one event a line, for tests that state rows and steps by hand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Final

from kpis.customer.state import Customer, decode
from kpis.fold.contribution import contribution
from kpis.fold.fold import Fold
from kpis.names import Names
from kpis.rows import (
    CANCELLED,
    DOWNGRADED,
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
    POINTS,
    REACTIVATED,
    UPGRADED,
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
}  # fmt: skip
START: Final = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
#: The bucket of START.
FIRST: Final = int(START.timestamp() * 1000) // HOUR_MS


def record(line: str, number: int) -> bytes:
    """Return an event of customer c out of a line such as `12.5 signup pro 1000`: hours after START, type, members.

    Members are plan and MRR of a signup or a change, else `name=value`.
    """
    hours, kind, *rest = line.split()
    at = START + dt.timedelta(hours=float(hours))
    members: dict[str, object] = {"id": f"e{number}", "type": kind, "customer_id": "c", "time": at.isoformat()}
    if kind in {"signup", "upgrade"}:
        members |= {"plan": rest[0], "mrr_minor": int(rest[1])}
        rest = rest[2:]
    for member in rest:
        name, _, value = member.partition("=")
        members[name] = {"true": True, "false": False}.get(value, int(value) if value.isdigit() else value)
    return json.dumps(members).encode()


def folded(lines: Sequence[str], *, short_cuts: bool = True) -> tuple[Customer, list[str]]:
    """Return the customer after all lines, and the rows that the fold wrote."""
    names = Names()
    for plan in PLANS[1:]:
        names.plan(plan)
    decoded = Decoder(latest_ms=LATEST_MS).decode([Line(record(line, n)) for n, line in enumerate(lines)])
    assert not decoded.refused, decoded.refused
    states, rows = Fold(names, short_cuts=short_cuts).fold(decoded.events, decoded.times, {})
    return decode(states["c"]) if states else Customer(), written(rows)


def pure_rows(customer: Customer) -> list[str]:
    """Return the rows of the pure function."""
    return written(contribution(customer, HOUR_MS))


def written(rows: Iterable[Row]) -> list[str]:
    """Return rows summed and in words: name, plan, buckets i and j since START, count, money; sorted."""
    parts: list[Row] = []
    for code, plan, profile, i, j, n, m in rows:
        if code == ENGAGED and i < j:  # stands for both
            parts += [(code, plan, profile, j, j, n, m), (ENGAGED_AGAIN, plan, profile, i, j, n, m)]
        else:
            parts.append((code, plan, profile, i, j, n, m))
    summed: list[Row] = []
    difference([], parts, summed)
    return sorted(
        f"{_name(code)} {PLANS[plan]} {i - FIRST} {j - FIRST} {n} {m}" for code, plan, _, i, j, n, m in summed
    )


def _name(code: int) -> str:
    return f"FEEDBACK+{code - FEEDBACK}" if FEEDBACK <= code < POINTS else NAMES[code]
