"""`tenure undo` on a real Kafka and Redis: what a producer gone wild has sent is found, told, and taken back once."""

from __future__ import annotations

import json
from typing import Any, Final

from kpis.instants import instant_text
from schemas.instants import DAY_MS
from services.installation import Installation, headers_of
from streams.clock import WallClock

WILD: Final = "billing-2"


def event(kind: str, number: int, days_ago: int, now_ms: int, **members: object) -> dict[str, Any]:
    """Return an event of some days ago."""
    at = instant_text(now_ms - days_ago * DAY_MS)
    return {"id": f"{kind}-{number}", "type": kind, "customer_id": f"c{number}", "time": at, **members}


def send(stream: Installation, events: list[dict[str, Any]]) -> None:
    """Send events to the mixed topic, and wait until they count."""
    producer = stream.producer()
    for each in events:
        producer.produce(stream.topics["events"], json.dumps(each).encode(), key=each["customer_id"].encode())
    assert producer.flush(30) == 0
    stream.until_applied()


def undo(stream: Installation, *arguments: str, status: int = 0) -> dict[str, Any]:
    """Return what `undo --json` prints about the wild source."""
    done = stream.run("undo", "--source", WILD, "--since", "1h", "--as", "ada", "--json", *arguments)
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    found["log"] = done.stderr
    return found


def numbers(stream: Installation) -> tuple[int, int, int]:
    """Return active customers, MRR and the cancellations of 30 days."""
    (report,) = stream.kpi()
    totals = report["totals"]
    return totals["customers_active"], totals["mrr"], report["windows"]["30d"]["cancellations"]


def test_cancels_of_a_wild_producer_are_told_first_and_then_taken_back_once(installation: Installation) -> None:
    """Somebody is called at night: the numbers of the morning must be right, whoever runs it again."""
    installation.create_topics()
    worker = installation.worker()
    now_ms = WallClock().now_ms()
    send(installation, [event("signup", n, 60, now_ms, plan="pro", mrr_minor=1000) for n in range(6)])
    good = numbers(installation)
    assert good == (6, 6000, 0)
    wild = [event("cancel", n, 2, now_ms, source=WILD) for n in range(4)]
    send(installation, [*wild, wild[0], event("activity", 5, 1, now_ms, source=WILD), event("cancel", 5, 1, now_ms)])
    assert numbers(installation) == (1, 1000, 5)
    dry = undo(installation)
    assert (dry["events"], dry["customers"], dry["without_identity"]) == ({"cancel": 4}, 4, {"activity": 1})
    assert dry["sent"] is None
    changed = {each["kpi"]: (each["before"], each["after"]) for each in (*dry["totals"], *dry["windows"]["30d"])}
    assert changed["customers_active"] == (1, 5)
    assert changed["mrr"] == (1000, 5000)
    assert changed["cancellations"] == (5, 1)
    assert changed["retention"] == (1 / 6, 5 / 6)
    assert numbers(installation) == (1, 1000, 5), "a dry run sends nothing"
    done = undo(installation, "--yes")
    assert done["sent"] == 4
    assert "events_undone" in done["log"]
    assert '"by": "ada"' in done["log"]
    installation.until_applied()
    assert numbers(installation) == (5, 5000, 1)
    revokes = installation.records_in(installation.topics["cancel"])
    assert [headers_of(each) for each in revokes] == [{"tenure-undone-by": b"ada"}] * 4
    again = undo(installation, "--yes")
    assert (again["sent"], again["revoked_before"]) == (0, 4)
    (customer,) = (json.loads(installation.run("customer", "c0", "--json").stdout),)
    told = {each["event"]["id"]: (each["status"], each["event"]["source"]) for each in customer["timeline"]}
    assert told == {
        "signup-0": ("effect", "customer.signup"),
        "cancel-0": ("revoked", WILD),
        f"undo:{WILD}:cancel-0": ("effect", WILD),
    }
    nothing = installation.run("undo", "--source", "billing", "--since", "1h")
    assert (nothing.returncode, nothing.stderr.count("\n")) == (1, 1)
    assert f"did you mean {WILD}?" in nothing.stderr
    assert worker.process.stop() == 0
