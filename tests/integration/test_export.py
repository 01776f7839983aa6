"""Exports and SQL of a running stream: both targets hold the same rows, and what counts are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.instants import milliseconds
from schemas.relations import OF_CUSTOMERS, RELATIONS
from services.installation import Installation
from services.postgres import PASSWORD, Postgres
from tests.recount.short_events import cancel, change, renewal, signup, survey
from tests.unit.tenure.outlets.exported import in_parquet

EVENTS: Final = [
    *(signup(f"c-{n}", "2026-01-05", "pro", 4900 + n, country="PT") for n in range(40)),
    *(change(f"c-{n}", "2026-02-05", "team", 9900) for n in range(0, 40, 5)),
    *(survey(f"c-{n}", "2026-02-06", "nps", n % 11) for n in range(0, 40, 3)),
    *(renewal(f"c-{n}", "2026-02-07", "renewed") for n in range(0, 40, 4)),
    *(cancel(f"c-{n}", "2026-02-20", reason="price") for n in range(0, 40, 7)),
]
SCHEMA: Final = "outlet"


@pytest.fixture
def running(installation: Installation) -> Installation:
    """A stream that has counted these events."""
    installation.create_topics()
    installation.worker()
    publish(installation, EVENTS)
    return installation


def publish(stream: Installation, events: list[dict[str, Any]]) -> None:
    """Send events, and wait until they are counted."""
    stream.publish(stream.file_of(json.dumps(event).encode() for event in events))
    stream.until_applied()


def run(stream: Installation, *arguments: str, **settings: str) -> Any:
    """Return what a command prints as JSON; no word of it, or of its log, holds the password."""
    result = stream.run(*arguments, "--json", **settings)
    assert result.returncode == 0, result.stderr
    assert PASSWORD not in result.stdout + result.stderr
    return json.loads(result.stdout)


def in_postgres(server: Postgres, relation: str) -> list[tuple[Any, ...]]:
    """Return the rows of a relation, instants as ms since 1970."""
    columns = ", ".join(each.name for each in RELATIONS[relation].columns)
    rows = server.rows(f"SELECT {columns} FROM {SCHEMA}.{relation}")  # noqa: S608 - names of ours
    return sorted([tuple(_plain(value) for value in row) for row in rows], key=repr)


def _plain(value: Any) -> Any:
    return milliseconds(value) if hasattr(value, "isoformat") else value


def test_both_targets_hold_the_same_rows_after_late_events_too(
    running: Installation, postgres: Postgres, tmp_path: Path
) -> None:
    """What was exported is brought up to date customer by customer, and is what an export from nothing writes."""
    out, settings = tmp_path / "out", {"TENURE_EXPORT_POSTGRES": postgres.dsn, "TENURE_LOG_LEVEL": "debug"}
    to_postgres = ("export", "--to", "postgres", "--schema", SCHEMA)
    assert run(running, *to_postgres, **settings)["changed"] == 40
    assert run(running, "export", "--to", "parquet", str(out))["changed"] == 40
    publish(running, [cancel("c-1", "2026-01-20"), signup("d-1", "2026-01-21", "pro", 100)])
    assert run(running, *to_postgres, **settings)["changed"] == 2
    assert run(running, "export", "--to", "parquet", str(out))["changed"] == 2
    found = in_parquet(out)
    for relation in OF_CUSTOMERS:
        names = [each.name for each in relation.columns]
        rows = [tuple(_plain(row[name]) for name in names) for row in found[relation.name]]
        assert sorted(rows, key=repr) == in_postgres(postgres, relation.name), relation.name
        assert rows, relation.name
    wrong = running.run(*to_postgres, TENURE_EXPORT_POSTGRES=f"postgresql://tenure:{PASSWORD}@127.0.0.1:1/x")
    assert wrong.returncode == 1
    assert PASSWORD not in wrong.stderr
    assert wrong.stderr.startswith("tenure: PostgreSQL")


def test_tables_that_are_there_are_written_without_the_right_to_make_any(
    running: Installation, postgres: Postgres
) -> None:
    """An administrator makes them once; what runs every hour needs no more than to write."""
    to_postgres = ("export", "--to", "postgres", "--schema", "narrow")
    assert run(running, *to_postgres, TENURE_EXPORT_POSTGRES=postgres.dsn)["changed"] == 40
    postgres.execute(
        f"CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}'",
        "REVOKE CREATE ON DATABASE postgres FROM PUBLIC",
        "GRANT USAGE ON SCHEMA narrow TO writer",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA narrow TO writer",
    )
    publish(running, [cancel("c-1", "2026-01-20")])
    narrow = postgres.dsn.replace("//tenure:", "//writer:")
    assert run(running, *to_postgres, TENURE_EXPORT_POSTGRES=narrow)["changed"] == 1


def test_sql_of_a_running_stream_counts_as_its_counters(running: Installation) -> None:
    """One is asked by analysts, the other by dashboards."""
    (report,) = run(running, "kpi", "--at", "2026-03-01", "--window", "30d")
    query = "SELECT count(*), sum(-mrr_change) FROM movements WHERE kind = 'cancellation' AND reason = 'price'"
    answer = run(running, "sql", query, "--at", "2026-03-01")
    counts = report["windows"]["30d"]
    assert answer["rows"] == [[counts["cancellations"], counts["mrr_churned"]]]
    active = run(running, "sql", "SELECT count(*), sum(mrr) FROM customers WHERE active", "--at", "2026-03-01")
    assert active["rows"] == [[report["totals"]["customers_active"], report["totals"]["mrr"]]]
    named = run(running, "sql", "SELECT amount FROM counts WHERE name = 'cancellations' AND value = 'PT'"
                " AND \"window\" = '30d'", "--at", "2026-03-01")  # fmt: skip
    assert named["rows"] == [[counts["cancellations"]]]
