"""Counts out of rows, by hand; and the identities between counts, each of which is found when it is violated.

Definitions: docs/definitions.md, section "Counts".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from kpis.counting.cells import cells_of
from kpis.counting.counts import Counts, derive, edges, prefixes, shape_of, stocks
from kpis.counting.invariants import disagreements, violations
from kpis.counting.report import Table, report, segments_of
from kpis.counting.windows import Windows
from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from kpis.fold.fold import Fold
from kpis.names import PLAN
from schemas.decoding.decoder import Decoder
from schemas.documents.document import plain
from tests.property.folding import LATEST_MS, Line
from tests.recount.report import recount
from tests.unit.kpis.customers import FIRST, FREE_COUNT, PAUSED_LOST, START, plan_names, record
from tests.unit.kpis.recounts import options_of

#: Events, each behind its customer, that every count but those of feedback can be told from; T is hour 1000, and the
#: window of 30 days begins at hour 280.
LOG = [
    "a 0 signup@A basic 1000",
    "a 100 signup@B pro 3000",
    "a 200 activity",
    "a 300 cancel@A",
    "b 290 signup team 500 trial",
    "b 300 onboarding",
    "b 400 upgrade team 500",
    "c 50 signup basic 700 trial",
    "c 200 upgrade basic 700",
    "c 950 pause",
    "d 60 signup basic 700 trial",
    "d 700 cancel",
    "e 500.1 signup pro 100",
    "e 500.2 cancel involuntary",
    "f 10 signup basic 0",
    "f 500 resume",
    "g 600 revoke revokes=never",
]
T = 1000
#: Of all customers, and by plan: what is not zero.
EXPECTED: dict[str, dict[str, int]] = {
    "": {
        "customers_active": 3, "customers_paused": 1, "subscriptions_active": 3, "subscription_mrr": 3500, "mrr": 3500,
        "customers_at_start": 2, "mrr_at_start": 4700, "customers_retained": 2,
        "mrr_retained_gross": 3000, "mrr_retained_net": 3000,
        "signups": 2, "customers_new": 2, "mrr_new": 600,
        "cancellations": 1, "cancellations_involuntary": 1, "cancellations_of_new": 1, "mrr_churned": 100,
        "downgrades": 1, "mrr_contraction": 1700,
        "dropoff_matured": 2, "dropoff_cancelled": 1, "dropoff_silent_matured": 5, "dropoff_silent": 4,
        "onboarding_matured": 2, "onboarding_completed": 1,
        "trials_matured": 2, "trials_converted": 1,
        "subscriptions_started": 1, "subscriptions_ended": 1,
        "facts_without_effect/resume": 1, "facts_without_effect/revoke": 1,
    },
    "basic": {
        "customers_active": 1, "customers_paused": 1, "subscriptions_active": 1,
        "customers_at_start": 1, "mrr_at_start": 700, "customers_retained": 1, "mrr_contraction": 700,
        "dropoff_silent_matured": 4, "dropoff_silent": 3, "trials_matured": 2, "trials_converted": 1,
        "subscriptions_ended": 1,
    },
    "pro": {
        "customers_active": 1, "subscriptions_active": 1, "subscription_mrr": 3000, "mrr": 3000,
        "customers_at_start": 1, "mrr_at_start": 4000, "customers_retained": 1,
        "mrr_retained_gross": 3000, "mrr_retained_net": 3000,
        "signups": 1, "customers_new": 1, "mrr_new": 100,
        "cancellations": 1, "cancellations_involuntary": 1, "cancellations_of_new": 1, "mrr_churned": 100,
        "downgrades": 1, "mrr_contraction": 1000,
        "dropoff_matured": 1, "dropoff_cancelled": 1, "onboarding_matured": 1,
    },
    "team": {
        "customers_active": 1, "subscriptions_active": 1, "subscription_mrr": 500, "mrr": 500,
        "signups": 1, "customers_new": 1, "mrr_new": 500, "subscriptions_started": 1,
        "dropoff_matured": 1, "dropoff_silent_matured": 1, "dropoff_silent": 1,
        "onboarding_matured": 1, "onboarding_completed": 1,
    },
}  # fmt: skip


def records(log: Sequence[str]) -> list[bytes]:
    """Return the events of lines such as `a 0 signup basic 10`, a customer in front of what `record` reads."""
    split = (line.partition(" ") for line in log)
    return [record(f"{rest} customer_id={customer}", n) for n, (customer, _, rest) in enumerate(split)]


def table_of(log: Sequence[str], what: WhatCounts = BY_DEFAULT) -> tuple[Table, Windows]:
    """Return the counters of a partition that has seen these lines."""
    windows, names = Windows(trial_days=what.trial_days), plan_names()
    decoded = Decoder(latest_ms=LATEST_MS).decode([Line(each) for each in records(log)])
    assert not decoded.refused
    _, rows = Fold(names, what=what).fold(decoded.events, decoded.times, {})
    return Table(names, cells_of(rows, names, windows)), windows


def counts_of(log: Sequence[str], hour: int, window: str, *, by_plan: bool = False) -> tuple[Counts, Counts, Counts]:
    """Return the stocks as of an hour, those as of the window's start, and the window's counts; one line a plan."""
    table, windows = table_of(log)
    boundary = FIRST + hour
    where = segments_of([table], PLAN)
    values = len(where.values) if by_plan else 1
    value = where.value if by_plan else np.zeros_like(where.value)
    prefix = prefixes(
        edges(windows, boundary, [window]),
        where.column,
        value,
        where.bucket,
        where.amount,
        shape=shape_of(windows, values),
    )
    found = derive(prefix, windows, boundary, window)
    return stocks(prefix, boundary), stocks(prefix, windows.start(window, boundary)), found


@pytest.mark.parametrize("plan", EXPECTED)
def test_counts_are_those_computed_by_hand(plan: str) -> None:
    """What everything that is shown is made of."""
    stock, _, window = counts_of(LOG, T, "30d", by_plan=bool(plan))
    value = ["none", "basic", "pro", "team"].index(plan) if plan else 0
    found = {name: int(counts[value]) for name, counts in (stock | window).items()}
    assert {name: n for name, n in found.items() if n} == EXPECTED[plan]


@pytest.mark.parametrize(
    "what",
    [BY_DEFAULT, FREE_COUNT, PAUSED_LOST, BY_DEFAULT._replace(trial_days=7)],
    ids=["default", "free plans count", "paused ones are lost", "trials of a week"],
)
def test_the_recount_finds_the_same_counts_at_all_times(what: WhatCounts) -> None:
    """It was written from the definitions alone."""
    table, windows = table_of(LOG, what)
    hours = [1, 101, 301, 401, 501, 701, 951, T, 1200, 2000]
    found = plain(report([table], windows, [FIRST + hour for hour in hours], by=[PLAN, "country"]))
    expected = recount(
        records(LOG), [START + dt.timedelta(hours=hour) for hour in hours], options_of(what), [PLAN, "country"]
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert _without_events(ours) == _without_events(theirs)


def _without_events(document: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in document.items() if name != "events"}


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        (0, [0, 0, 0, 0, 0, 0]),
        (1, [1, 0, 0, 1, 10, 10]),
        (6, [1, 0, 1, 2, 40, 40]),
        (10, [1, 0, 1, 2, 10, 10]),
        (13, [1, 1, 1, 2, 0, 0]),
        (21, [1, 1, 0, 1, 0, 0]),
        (25, [1, 1, 0, 1, 0, 0]),
        (31, [1, 0, 0, 1, 50, 50]),
        (41, [0, 0, 0, 0, 0, 0]),
    ],
)
def test_stocks_follow_subscriptions(hour: int, expected: list[int]) -> None:
    """Active, paused, with several, subscriptions, their MRR, the customers'."""
    log = [
        "a 0 signup@A basic 10",
        "a 5 signup@B pro 30",
        "a 9 pause@B",
        "a 12 pause@A",
        "a 20 cancel@A",
        "a 24 upgrade@B pro 50",
        "a 30 resume@B",
        "a 40 cancel@B",
    ]
    assert [int(counts[0]) for counts in counts_of(log, hour, "30d")[0].values()] == expected


#: Which of stocks, stocks at the start and counts of the window is wrong, by how much, and what is found.
WRONG = [
    ("window", "customers_lost", 1, "customers_at_start = customers_retained + customers_lost"),
    ("window", "customers_new", 1, "customers_active - customers_at_start = customers_new + customers_reactivated"),
    ("window", "customers_reactivated", 1, "customers_active - customers_at_start = customers_new"),
    ("window", "cancellations", 1, "customers_active - customers_at_start = customers_new"),
    ("stock", "mrr", 1, "mrr - mrr_at_start = mrr_new + mrr_expansion + mrr_reactivated - mrr_contraction"),
    ("window", "mrr_contraction", 1, "mrr - mrr_at_start = mrr_new"),
    ("stock", "subscription_mrr", 1, "subscription_mrr = mrr"),
    ("stock", "subscriptions_active", 1, "subscriptions_active - subscriptions_active at the start = "),
    ("start", "subscriptions_active", 1, "subscriptions_active - subscriptions_active at the start = "),
    ("window", "subscriptions_started", 1, "subscriptions_active - subscriptions_active at the start = "),
    ("window", "subscriptions_ended", 1, "subscriptions_active - subscriptions_active at the start = "),
    ("stock", "customers_with_several", 9, "customers_with_several <= customers_active"),
    ("stock", "customers_active", 9, "customers_active <= subscriptions_active"),
    ("window", "customers_engaged", 9, "customers_engaged <= customers_active"),
    ("window", "cancellations_of_new", 9, "cancellations_of_new <= cancellations"),
    ("window", "cancellations_involuntary", 9, "cancellations_involuntary <= cancellations"),
    ("window", "dropoff_cancelled", 9, "dropoff_cancelled <= dropoff_matured"),
    ("window", "dropoff_silent", 9, "dropoff_silent <= dropoff_silent_matured"),
    ("window", "onboarding_completed", 9, "onboarding_completed <= onboarding_matured"),
    ("window", "trials_converted", 9, "trials_converted <= trials_matured"),
    ("window", "mrr_retained_gross", 9999, "mrr_retained_gross <= mrr_at_start"),
    ("window", "mrr_retained_net", -1, "mrr_retained_gross <= mrr_retained_net"),
    ("window", "csat_satisfied", 1, "csat_satisfied <= csat_answered"),
    ("window", "upgrades", -1, "upgrades >= 0"),
    ("window", "facts_without_effect/pause", -1, "facts_without_effect/pause >= 0"),
    ("stock", "customers_paused", -9, "customers_paused >= 0"),
]
#: Where customers move between values only these are no rule.
FLOWS = ("subscription_mrr = ", "customers_active - ", "subscriptions_active - ", "mrr - ")


@pytest.mark.parametrize(("part", "name", "by", "said"), WRONG)
def test_each_identity_is_found_when_it_is_violated(part: str, name: str, by: int, said: str) -> None:
    """A check that cannot fail would show wrong numbers as right ones."""
    parts = dict(zip(("stock", "start", "window"), counts_of(LOG, T, "30d"), strict=True))
    assert list(violations(*parts.values(), moves_between_values=False)) == []
    parts[part] = parts[part] | {name: parts[part][name] + by}
    found = list(violations(*parts.values(), moves_between_values=False))
    assert any(text.startswith(said) for text in found), found
    by_plan = list(violations(*parts.values(), moves_between_values=True))
    assert not any(text.startswith(FLOWS) for text in by_plan)


def test_by_plan_the_identities_without_flows_hold() -> None:
    """There the net moves between plans come in, and subscriptions have plans of their own."""
    counts = counts_of(LOG, 301, "30d", by_plan=True)  # a has moved from basic to pro
    assert list(violations(*counts, moves_between_values=True)) == []
    assert list(violations(*counts, moves_between_values=False)) != []


def test_a_dimension_that_does_not_add_up_is_found() -> None:
    """Each dimension has cells of its own: what was written to one and not to another shows here."""
    _, _, everyone = counts_of(LOG, T, "30d")
    _, _, split = counts_of(LOG, T, "30d", by_plan=True)
    assert list(disagreements(everyone, {PLAN: split})) == []
    wrong = split | {"trials_matured": split["trials_matured"] + np.array([0, 0, 1, 0])}
    assert list(disagreements(everyone, {PLAN: wrong})) == ["trials_matured over all values of plan = trials_matured"]
