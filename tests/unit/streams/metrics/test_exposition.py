"""The text that Prometheus reads, read back by Prometheus' own parser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from kpis.counting.report import report
from kpis.counting.rolling import ALL
from kpis.instants import instant_of
from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT, MATURING
from schemas.documents.document import plain
from schemas.instants import milliseconds
from schemas.instruments import MATURED_CUSTOMERS, SURVEYS_BY_WAY, WITH_THE_COUNTS
from streams.metrics.exposition import exposition_of
from tests.property.cases import Case
from tests.unit.streams.snapshots import BOUNDARY, live_counts, snapshot_of

NASTY = 'say "\\hi"\\n\n'


def _event(kind: str, customer: str, days: float) -> bytes:
    """Return an event so many days before BOUNDARY."""
    time = instant_of(int((BOUNDARY - days * 24) * 3_600_000)).isoformat()
    own = {"plan": "pro", "mrr_minor": 10} if kind == "signup" else {}
    return json.dumps({"type": kind, "id": kind, "customer_id": customer, "time": time, **own}).encode()


#: Cancellations of the last day and of the ninth last; a signup whose seventh day ends in the running bucket.
RECENT = [
    *(_event("signup", customer, 29.5) for customer in "abc"),
    _event("signup", "d", 7.01),
    _event("signup", "e", 10),
    _event("cancel", "a", 8.5),
    _event("cancel", "e", 8.9),
    _event("cancel", "b", 0.2),
]


def _families(text: bytes) -> dict[str, Metric]:
    parse = text_string_to_metric_families
    return {family.name: family for family in parse(text.decode())}


Served = tuple[dict[str, Any], dict[str, Metric]]


@pytest.fixture(scope="module")
def served() -> Served:
    """The report of a log with everything in it, and the families that are served of it."""
    log = Case("everything", seed=11, events=60).log()
    folded, live = live_counts(log.records, partitions=2)
    at = milliseconds(log.at[0]) // folded.windows.bucket_ms
    (entry,) = plain(report(folded.tables(), folded.windows, [at], by=["plan"]))
    return entry, _families(exposition_of(snapshot_of(live, {"plan": ["pro", "basic", "team", "none"]}, at=at)))


def test_every_count_of_the_catalogue_is_there_with_help_and_type(served: Served) -> None:
    """A metric that is missing is an empty panel, one without help a riddle."""
    _, families = served
    counts = (*COUNTS, FACTS_WITHOUT_EFFECT)
    assert list(families) == [*(count.metric for count in counts), *(kpi.name for kpi in WITH_THE_COUNTS)]
    assert {family.type for family in families.values()} == {"gauge"}
    assert {count.metric: count.meaning for count in counts}.items() <= {
        name: family.documentation for name, family in families.items()
    }.items()


def test_samples_are_the_numbers_of_the_report(served: Served) -> None:
    """What is scraped and what is printed may not differ."""
    entry, families = served
    expected = {(ALL, ""): entry} | {("plan", plan): found for plan, found in entry["segments"]["plan"].items()}
    seen = 0
    for count in COUNTS:
        for sample in families[count.metric].samples:
            labels = sample.labels
            found = expected.get((labels["dimension"], labels["value"]))
            if found is not None:
                window = labels.get("window")
                numbers = found["totals"] if window is None else found["windows"][window]
                assert sample.value == numbers[count.name], sample
                seen += 1
    assert seen > 400
    surveys = {tuple(sample.labels.values()): sample.value for sample in families[SURVEYS_BY_WAY.name].samples}
    assert surveys == {
        (window, kind, way, status): n
        for window, numbers in entry["windows"].items()
        for kind, ways in numbers["surveys"].items()
        for way, statuses in ways.items()
        for status, n in statuses.items()
    }


def test_facts_without_effect_are_of_all_customers_by_window_and_kind(served: Served) -> None:
    """They belong to no segment: whoever sums over a dimension must not find them there."""
    entry, families = served
    samples = families[FACTS_WITHOUT_EFFECT.metric].samples
    assert {(s.labels["dimension"], s.labels["value"]) for s in samples} == {(ALL, "")}
    found = {(s.labels["window"], s.labels["kind"]): s.value for s in samples}
    assert found == {
        (window, kind): amount
        for window, numbers in entry["windows"].items()
        for kind, amount in numbers["facts_without_effect"].items()
    }
    assert len(found) == len(samples) == 5 * len(entry["windows"])
    assert any(found.values())


def test_stocks_have_no_window_and_no_series_comes_twice(served: Served) -> None:
    """Prometheus refuses a scrape with a duplicate, all of it."""
    _, families = served
    for count in COUNTS:
        samples = families[count.metric].samples
        series = [tuple(sorted(sample.labels.items())) for sample in samples]
        assert len(set(series)) == len(series)
        assert {"window" in sample.labels for sample in samples} == {count.kind == "window"}


def test_what_matures_is_also_shown_as_of_the_last_closed_boundary() -> None:
    """In the running bucket a customer's seventh day may have minutes left: an alert may not take it for over."""
    at, (folded, live) = BOUNDARY, live_counts(RECENT)
    families = _families(exposition_of(snapshot_of(live, at=at)))
    (entry,) = report(folded.tables(), folded.windows, [at - 1])
    found = {tuple(sample.labels.values()): sample.value for sample in families[MATURED_CUSTOMERS.name].samples}
    expected = {(name, window): n.count(name) for window, n in entry.windows.items() for name in MATURING}
    assert found == expected
    now = families["tenure_dropoff_matured"].samples
    assert {s.value for s in now if s.labels["window"] == "1d"} != {found["dropoff_matured", "1d"]}


def test_days_say_how_long_ago_they_were_and_which_are_whole_weeks_apart() -> None:
    """Rules compare a day with the same hours of the weeks before; a label spares them the arithmetic."""
    _, live = live_counts(RECENT)
    families = _families(exposition_of(snapshot_of(live)))
    days = {tuple(s.labels.values()): s.value for s in families["tenure_daily_cancellations"].samples}
    assert list(days)[:9] == [("0", "0", "0"), *((str(n), "1", str(n % 7)) for n in range(1, 8)), ("8", "2", "1")]
    assert len(days) == 29
    assert {labels: value for labels, value in days.items() if value} == {("0", "0", "0"): 1, ("8", "2", "1"): 2}
    starts = {tuple(s.labels.values()): s.value for s in families["tenure_daily_customers_at_start"].samples}
    assert starts == {
        ("0", "0", "0"): 3,
        ("7", "1", "0"): 2,
        ("14", "2", "0"): 3,
        ("21", "3", "0"): 3,
        ("28", "4", "0"): 3,
    }


def test_label_values_are_escaped() -> None:
    """A plan with a quote in its name must not end the label, nor the scrape."""
    event = {
        "type": "signup",
        "id": "a",
        "customer_id": "a",
        "time": "2025-01-01T00:00:00Z",
        "plan": NASTY,
        "mrr_minor": 7,
    }
    _, live = live_counts([json.dumps(event).encode()])
    families = _families(exposition_of(snapshot_of(live, {"plan": [NASTY]}, at=BOUNDARY)))
    values = {s.labels["value"]: s.value for s in families["tenure_mrr"].samples if s.labels["dimension"] == "plan"}
    assert values == {NASTY: 7, "other": 0}


def test_worker_without_partitions_serves_no_counts() -> None:
    """Zeros would look like a company without customers."""
    _, live = live_counts([])
    live.drop(0)
    assert exposition_of(snapshot_of(live)) == b""
