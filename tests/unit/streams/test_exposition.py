"""The text that Prometheus reads, read back by Prometheus' own parser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from kpis.instants import milliseconds
from kpis.report import report
from schemas.catalogue import COUNTS
from schemas.instruments import SURVEYS_BY_WAY
from streams.exposition import exposition_of
from streams.live import ALL
from tests.property.cases import Case
from tests.unit.streams.snapshots import BOUNDARY, live_counts, snapshot_of

NASTY = 'say "\\hi"\\n\n'


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
    (entry,) = report(folded.tables(), folded.windows, [at], by=["plan"])
    return entry, _families(exposition_of(snapshot_of(live, {"plan": ["pro", "basic", "team", "none"]}, at=at)))


def test_every_count_of_the_catalogue_is_there_with_help_and_type(served: Served) -> None:
    """A metric that is missing is an empty panel, one without help a riddle."""
    _, families = served
    assert list(families) == [*(count.metric for count in COUNTS), SURVEYS_BY_WAY.name]
    assert {family.type for family in families.values()} == {"gauge"}
    assert {count.metric: count.meaning for count in COUNTS}.items() <= {
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


def test_stocks_have_no_window_and_no_series_comes_twice(served: Served) -> None:
    """Prometheus refuses a scrape with a duplicate, all of it."""
    _, families = served
    for count in COUNTS:
        samples = families[count.metric].samples
        series = [tuple(sorted(sample.labels.items())) for sample in samples]
        assert len(set(series)) == len(series)
        assert {"window" in sample.labels for sample in samples} == {count.kind == "window"}


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
