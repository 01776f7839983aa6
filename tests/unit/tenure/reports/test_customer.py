"""One customer: what each event did, what they come to, and the counts, which are those of a report of them alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from schemas.catalogue.counts import COUNTS
from tenure.cli import app
from tests.recount.short_events import (
    Event,
    activity,
    cancel,
    change,
    onboarding,
    pause,
    renewal,
    resume,
    revoke,
    signup,
    survey,
)

if TYPE_CHECKING:
    from click.testing import Result

AT = "2026-03-01"
LIFE: list[Event] = [
    signup("c1", "2026-01-05", "pro", 4900, country="PT", id="s1"),
    onboarding("c1", "2026-01-06"),
    change("c1", "2026-01-20", "team", 9900, id="u1"),
    change("c1", "2026-01-21", "team", 19900, id="u2"),
    revoke("c1", "2026-01-22", "u2", id="r1"),
    revoke("c1", "2026-01-23", "nothing", id="r2"),
    pause("c1", "2026-02-01", id="p1"),
    pause("c1", "2026-02-02", id="p2"),
    resume("c1", "2026-02-03", id="p3"),
    activity("c1", "2026-02-04") | {"feature": "export"},
    survey("c1", "2026-02-05", "nps", 9, id="n1"),
    survey("c1", "2026-02-06", "nps", 1, id="n2"),
    revoke("c1", "2026-02-07", "n2", id="r3"),
    renewal("c1", "2026-02-08", "renewed") | {"id": "w1"},
    signup("c1", "2026-02-10", "free", 0, subscription_id="sub-2", id="s2"),
    cancel("c1", "2026-02-11", id="x2", subscription_id="sub-2"),
    cancel("c1", "2026-06-01", id="x1", reason="price"),
]
OTHERS: list[Event] = [
    signup("c2", "2026-01-05", "pro", 100, id="s1"),
    cancel("c2", "2026-02-20", id="x1"),
    signup("C3", "2026-01-05", "pro", 100, id="s1"),
]


@pytest.fixture(autouse=True)
def _surroundings(nothing_set: None) -> None:
    del nothing_set


def run(*arguments: str, events: list[Event]) -> Result:
    """Run the command over a file of events."""
    Path("events.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return CliRunner().invoke(app, [*arguments, *_file_of(arguments[0]), "--at", AT])  # type: ignore[return-value]


def _file_of(command: str) -> list[str]:
    return ["events.ndjson"] if command == "replay" else ["--file", "events.ndjson"]


def customer(name: str = "c1", events: list[Event] | None = None) -> Any:
    """Return one customer of a file, as JSON."""
    result = run("customer", name, "--json", events=[*OTHERS, *LIFE] if events is None else events)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_each_event_says_what_it_did_and_where_its_record_lies() -> None:
    """Whoever asks why a customer is counted so reads it from top to bottom."""
    found = customer()
    told = {each["event"]["id"]: (each["kind"], each["status"], each["did"]) for each in found["timeline"]}
    assert told == {
        "s1": ("signup", "effect", "opened a subscription on plan pro, MRR 4900; the customer became active"),
        "u1": ("change", "effect", "changed a subscription: plan pro to team, MRR 4900 to 9900"),
        "u2": ("change", "revoked", "never counts: taken back by the revoke of 2026-01-22T00:00:00Z"),
        "r1": ("revoke", "effect", "takes u2 back"),
        "r2": ("revoke", "no_effect", "without effect: no event of its source has the id nothing"),
        "p1": ("pause", "effect", "paused a subscription"),
        "p2": (
            "pause",
            "no_effect",
            "without effect: a pause of a subscription, which was paused already",
        ),
        "p3": ("resume", "effect", "resumed a subscription"),
        "n1": ("survey", "effect", "counts, with plan team at the time"),
        "n2": ("survey", "revoked", "never counts: taken back by the revoke of 2026-02-07T00:00:00Z"),
        "r3": ("revoke", "effect", "takes n2 back"),
        "w1": ("renewal", "effect", "counts, with plan team at the time"),
        "s2": (
            "signup",
            "effect",
            "opened subscription sub-2 on plan free, MRR 0; it does not count: on a free plan, and free_plans is leads",
        ),
        "x2": ("cancel", "effect", "ended subscription sub-2"),
        "x1": ("cancel", "later", "ended a subscription; the customer became inactive"),
    }
    assert [each["at"] for each in found["timeline"]] == sorted(each["at"] for each in found["timeline"])
    assert all(each["event"]["source"] and each["event"]["topic"] for each in found["timeline"])


def test_subscriptions_movements_and_activity_are_those_of_t() -> None:
    """What is scheduled for later has not happened."""
    found = customer()
    assert (found["active"], found["mrr"], found["plan"]) == (True, 9900, "team")
    assert found["segments"] == {"country": "PT", "channel": "none"}
    assert [(each["id"], each["state"], each["counts"], each["mrr"]) for each in found["subscriptions"]] == [
        ("", "open", True, 9900),
        ("sub-2", "closed", False, 0),
    ]
    assert found["subscriptions"][1]["closed_at"] == "2026-02-11T00:00:00Z"
    assert [(each["kinds"], each["mrr_after"]) for each in found["movements"]] == [
        (["new"], 4900),
        (["upgrade"], 9900),
        (["other"], 0),
        (["other"], 9900),
    ]
    assert (found["activity"]["buckets"], found["activity"]["features"]) == (1, ["export"])
    assert found["activity"]["onboarded"] == ["2026-01-06T00:00:00Z"]


def test_counts_are_those_of_a_report_of_this_customer_alone() -> None:
    """They are made by the rules of explanations; the report is made by the counters."""
    found = customer()
    (report,) = json.loads(run("replay", "--json", events=LIFE).stdout)
    totals = {each["count"]: each["amount"] for each in found["totals"]}
    assert totals == {name: n for name, n in report["totals"].items() if n and name != "arpa"}
    for window, counts in found["windows"].items():
        names = {count.name for count in COUNTS if count.kind == "window"}
        told = {name: n for name, n in report["windows"][window].items() if name in names and n}
        amounts = {each["count"]: each["amount"] for each in counts}
        idle = sum(report["windows"][window]["facts_without_effect"].values())
        assert amounts.pop("facts_without_effect", 0) == idle
        assert amounts == told
    assert all(each["rules"] for counts in found["windows"].values() for each in counts)


def test_text_fits_in_a_hundred_columns() -> None:
    """It is read in a terminal beside a ticket."""
    result = run("customer", "c1", events=LIFE)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert "customer c1, partition 3, as of 2026-03-01T00:00:00Z" in lines
    assert "      [s1 from customer.signup; line 1]" in lines


@pytest.mark.parametrize(("name", "said"), [("c3", "did you mean 'C3'?"), ("c9", "no event of theirs was applied")])
def test_customer_who_is_not_there_is_said_to_be_so(name: str, said: str) -> None:
    """An empty timeline would be taken for the truth."""
    result = run("customer", name, events=OTHERS)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
