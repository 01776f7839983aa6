"""Counts by SQL over the relations are those of the counters, in every segment, whatever arrived in whatever order."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from kpis.customer.state import decode
from kpis.instants import instant_of
from kpis.names import PLAN
from kpis.population.records import RecordsScope, records_of
from schemas.catalogue.counts import COUNT_BY_NAME, COUNTS
from schemas.instants import milliseconds
from schemas.relations import OF_CUSTOMERS
from tenure.outlets.arrow_tables import ArrowRows
from tests.property.any_order import INSTANTS, Arrival, arrivals_of
from tests.property.cases import bounded
from tests.property.folding import Folded
from tests.property.test_explaining import WINDOWS, numbers_of
from tests.recount.test_any_order import BY

#: The plan that a count's segment by plan uses, what it adds, and of which rows: `s`, `e` are customers at both ends.
COUNTS_BY_SQL: Final = {
    "customers_active": ("plan", "1", "customers WHERE active"),
    "mrr": ("plan", "mrr", "customers WHERE active"),
    "customers_paused": ("plan", "1", "customers WHERE paused"),
    "customers_with_several": ("plan", "1", "customers WHERE active AND subscriptions_counting > 1"),
    "subscriptions_active": ("plan", "1", "subscriptions WHERE counts"),
    "subscription_mrr": ("plan", "mrr", "subscriptions WHERE counts"),
    "customers_at_start": ("plan", "1", "s WHERE active"),
    "mrr_at_start": ("plan", "mrr", "s WHERE active"),
    "customers_lost": ("s.plan", "1", "s JOIN e USING (customer_id) WHERE s.active AND NOT e.active"),
    "customers_retained": ("s.plan", "1", "s JOIN e USING (customer_id) WHERE s.active AND e.active"),
    "mrr_retained_net": ("s.plan", "e.mrr", "s JOIN e USING (customer_id) WHERE s.active AND e.active"),
    "mrr_retained_gross": (
        "s.plan",
        "least(s.mrr, e.mrr)",
        "s JOIN e USING (customer_id) WHERE s.active AND e.active",
    ),
    "signups": ("signup_plan", "1", "customers WHERE inside(signed_up_at)"),
    "dropoff_matured": ("signup_plan", "1", "customers WHERE inside(signed_up_at + INTERVAL 7 DAY)"),
    "dropoff_cancelled": (
        "signup_plan",
        "1",
        (
            "customers AS c WHERE inside(signed_up_at + INTERVAL 7 DAY) AND NOT EXISTS (SELECT 1 FROM history AS h"
            " WHERE h.customer_id = c.customer_id AND h.open AND h.from_at < c.signed_up_at + INTERVAL 7 DAY"
            " AND (h.until_at IS NULL OR h.until_at >= c.signed_up_at + INTERVAL 7 DAY))"
        ),
    ),
    "onboarding_completed": (
        "signup_plan",
        "1",
        (
            "customers WHERE inside(signed_up_at + INTERVAL 7 DAY)"
            " AND onboarded_at >= signed_up_at AND onboarded_at < signed_up_at + INTERVAL 7 DAY"
        ),
    ),
    "trials_matured": ("trial_plan", "1", "customers WHERE inside(after_trial(trial_at))"),
    "trials_converted": (
        "trial_plan",
        "1",
        "customers WHERE inside(after_trial(trial_at)) AND active_first_at < after_trial(trial_at)",
    ),
    "customers_engaged": (
        "plan",
        "1",
        (
            "customers AS c WHERE active AND (used_last_at >= start_at() OR EXISTS (SELECT 1 FROM surveys AS v"
            " WHERE v.customer_id = c.customer_id AND v.status = 'answered' AND inside(v.occurred_at)))"
        ),
    ),
    "customers_new": ("plan_after", "1", "m WHERE kind = 'new'"),
    "mrr_new": ("plan_after", "mrr_change", "m WHERE kind = 'new'"),
    "customers_reactivated": ("plan_after", "1", "m WHERE kind = 'reactivation'"),
    "mrr_reactivated": ("plan_after", "mrr_change", "m WHERE kind = 'reactivation'"),
    "cancellations": ("plan_before", "1", "m WHERE kind = 'cancellation'"),
    "mrr_churned": ("plan_before", "-mrr_change", "m WHERE kind = 'cancellation'"),
    "cancellations_involuntary": ("plan_before", "1", "m WHERE kind = 'cancellation' AND involuntary"),
    "cancellations_of_new": (
        "plan_before",
        "1",
        "m WHERE kind = 'cancellation' AND customer_id NOT IN (SELECT customer_id FROM s WHERE active)",
    ),
    "upgrades": ("plan_before", "1", "m WHERE kind = 'upgrade'"),
    "downgrades": ("plan_before", "1", "m WHERE kind = 'downgrade'"),
    "mrr_expansion": (
        "plan_before",
        "mrr_change",
        "m WHERE kind IN ('upgrade', 'downgrade', 'other') AND mrr_change > 0",
    ),
    "mrr_contraction": (
        "plan_before",
        "-mrr_change",
        "m WHERE kind IN ('upgrade', 'downgrade', 'other') AND mrr_change < 0",
    ),
    "renewals_renewed": ("plan", "1", "renewals WHERE outcome = 'renewed' AND inside(occurred_at)"),
    "renewals_declined": ("plan", "1", "renewals WHERE outcome = 'declined' AND inside(occurred_at)"),
    "renewals_failed": ("plan", "1", "renewals WHERE outcome = 'failed' AND inside(occurred_at)"),
    "survey_sent": ("plan", "1", "surveys WHERE status = 'sent' AND inside(occurred_at)"),
    "survey_answered": ("plan", "1", "surveys WHERE status = 'answered' AND inside(occurred_at)"),
    "survey_dismissed": ("plan", "1", "surveys WHERE status = 'dismissed' AND inside(occurred_at)"),
    "nps_promoters": ("plan", "1", "answers WHERE kind = 'nps' AND score >= 9"),
    "nps_passives": ("plan", "1", "answers WHERE kind = 'nps' AND score IN (7, 8)"),
    "nps_detractors": ("plan", "1", "answers WHERE kind = 'nps' AND score <= 6"),
    "csat_satisfied": ("plan", "1", "answers WHERE kind = 'csat' AND score >= 4"),
    "csat_answered": ("plan", "1", "answers WHERE kind = 'csat'"),
}
_PREPARED: Final = """
CREATE MACRO start_at() AS TIMESTAMP '{start}';
CREATE MACRO end_at() AS TIMESTAMP '{end}';
CREATE MACRO inside(x) AS x >= start_at() AND x < end_at();
CREATE MACRO after_trial(x) AS x + INTERVAL {trial_days} DAY;
CREATE VIEW s AS SELECT * FROM history WHERE from_at < start_at() AND (until_at IS NULL OR until_at >= start_at());
CREATE VIEW e AS SELECT * FROM history WHERE from_at < end_at() AND (until_at IS NULL OR until_at >= end_at());
CREATE VIEW m AS SELECT * FROM movements WHERE inside(bucket_at);
CREATE VIEW answers AS SELECT * FROM surveys WHERE status = 'answered' AND inside(occurred_at);
"""


def connected(folded: Folded, start_ms: int, end_ms: int) -> duckdb.DuckDBPyConnection:
    """Return a database with the relations of customers as of an instant, and the ends of a window."""
    scope = RecordsScope(end_ms, folded.windows.bucket_ms, folded.what)
    names = [relation.name for relation in OF_CUSTOMERS]
    dimensions = folded.names[0].dimensions[1:]
    rows = {each.name: ArrowRows(each.columns_with(dimensions), zoned=False) for each in OF_CUSTOMERS}
    for number, states in enumerate(folded.states):
        for customer_id, state in states.items():
            made = records_of(customer_id, decode(state), number, folded.names[number], scope, names)
            for name, found in made.rows.items():
                rows[name].take(found)
    connection = duckdb.connect(":memory:")
    for name, taken in rows.items():
        connection.register("given", taken.table())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")  # noqa: S608 - a name of ours
        connection.unregister("given")
    start, end = (instant_of(each).replace(tzinfo=None).isoformat(" ") for each in (start_ms, end_ms))
    connection.execute(_PREPARED.format(start=start, end=end, trial_days=folded.what.trial_days))
    return connection


def counted(connection: duckdb.DuckDBPyConnection, name: str, by: str) -> dict[str, int]:
    """Return a count by value of a dimension, or of all customers under "", without zeros."""
    plan, amount, rows = COUNTS_BY_SQL[name]
    of_both = plan.startswith("s.")
    column = {"": "''", PLAN: plan}.get(by, f"s.{by}" if of_both else by)
    query = f"SELECT {column} AS value, CAST(sum({amount}) AS BIGINT) AS amount FROM {rows} GROUP BY 1"  # noqa: S608
    return {value: found for value, found in connection.execute(query).fetchall() if found}


@bounded(60)
@given(arrivals_of(), st.sampled_from(INSTANTS), WINDOWS, st.sampled_from(("", *BY)))
def test_counts_by_sql_are_those_of_the_counters(arrival: Arrival, at: datetime, window: str, by: str) -> None:
    """Whoever asks by SQL and whoever reads /metrics must not argue."""
    folded = arrival.folded()
    windows = folded.windows
    end = milliseconds(at) // windows.bucket_ms
    (report,) = folded.report([at], [by] if by else [])
    entries = report["segments"][by] if by else {"": report}
    with connected(folded, windows.start(window, end) * windows.bucket_ms, end * windows.bucket_ms) as connection:
        for name in COUNTS_BY_SQL:
            assert counted(connection, name, by) == numbers_of(COUNT_BY_NAME[name], entries, window), name


def test_all_counts_but_those_of_the_second_week_and_of_subscriptions_are_asked_for() -> None:
    """What the relations cannot tell stands in `counts`, and docs/sql.md says so."""
    assert {count.name for count in COUNTS} - COUNTS_BY_SQL.keys() == {
        "dropoff_silent", "dropoff_silent_matured", "onboarding_matured", "subscriptions_started",
        "subscriptions_ended",
    }  # fmt: skip
