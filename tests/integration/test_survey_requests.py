"""Surveys that are due, on real Kafka and Redis: asked for once, whoever is killed half-way."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter
from typing import Final

import msgspec

from services.installation import PREFIX, Installation, until
from streams.survey_schedule import SCHEDULES, Schedule, encode_schedule

HOUR_MS: Final = 3_600_000
CUSTOMERS: Final = 40
#: `tenure worker` that dies once Kafka has acknowledged requests, before Redis can be told of it
DIES_AFTER_SENDING: Final = """
import os, signal
from streams.surveys import SurveyScheduler
from tenure.cli import main

send = SurveyScheduler._send

async def send_and_die(self, held):
    await send(self, held)
    os.kill(os.getpid(), signal.SIGKILL)

SurveyScheduler._send = send_and_die
main()
"""


def schedules(installation: Installation) -> dict[int, Schedule]:
    """Return what Redis holds of each partition's schedule."""
    with installation.redis.client() as client:
        found = client.mget([f"{PREFIX}:{{{SCHEDULES + number}}}:h" for number in range(installation.partitions)])
    return {n: msgspec.msgpack.decode(head, type=Schedule) for n, head in enumerate(found) if head}


def test_worker_killed_after_sending_asks_each_customer_once(installation: Installation) -> None:
    """The receiver drops ids that it knows; what is left is each customer once, and nobody is forgotten."""
    now = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    began_ms = int((now - dt.timedelta(days=1)).timestamp() * 1000)
    topic = f"{installation.prefix}survey-requests"
    installation.environment |= {"TENURE_SURVEY_REQUESTS": "true", "TENURE_INSTANCE_ID": "the-one"}
    installation.create_topics()
    installation.kafka.create_topics([topic], installation.partitions)
    with installation.redis.client() as client:  # as if surveys had been switched on yesterday
        for number in range(installation.partitions):
            client.set(f"{PREFIX}:{{{SCHEDULES + number}}}:h", encode_schedule(Schedule(1, began_ms, began_ms)))
    customers = [f"c{n}" for n in range(CUSTOMERS)]
    signed_up = now - dt.timedelta(days=7, hours=3)
    signups = [
        {"id": customer, "type": "signup", "customer_id": customer, "time": signed_up.isoformat(), "plan": "pro",
         "mrr_minor": 100}
        for customer in customers
    ]  # fmt: skip
    installation.publish(installation.file_of(json.dumps(signup).encode() for signup in signups))
    environment = {**installation.environment, "TENURE_METRICS_PORT": "0"}
    killed = installation._start_process([sys.executable, "-c", DIES_AFTER_SENDING, "worker"], environment)
    assert killed.wait(seconds=60) == -9
    in_doubt = sum(len(schedule.pending) for schedule in schedules(installation).values())
    assert in_doubt > 0
    worker = installation.worker()
    settled_ms = int((dt.datetime.now(dt.UTC) - dt.timedelta(minutes=11)).timestamp() * 1000) // HOUR_MS * HOUR_MS
    until(
        lambda: all(s.until_ms >= settled_ms and not s.pending for s in schedules(installation).values()),
        "all schedules up to now",
        seconds=60,
    )
    requests = [json.loads(record.value() or b"") for record in installation.records_in(topic)]
    assert len(requests) > CUSTOMERS
    kept = {request["id"]: request for request in requests}
    assert Counter(request["customer_id"] for request in kept.values()) == Counter(customers)
    assert {(request["rule"], request["kind"], request["via"]) for request in requests} == {
        ("first_week", "csat", "in_app")
    }
    assert worker.total("tenure_survey_requests_total", rule="first_week") >= in_doubt
    assert worker.process.stop(seconds=15) == 0
    installation.kafka.admin.delete_topics([topic])[topic].result(timeout=30)
