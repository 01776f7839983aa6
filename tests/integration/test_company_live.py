"""`tenure company --live`: the invented company as a producer, from its first day until now and on."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from services.installation import TENURE, Installation, until
from services.process import StartProcess
from tenure.demo.company.company import Company

pytestmark = pytest.mark.alone

DAYS, CUSTOMERS = 20, 40


def test_a_company_sends_its_past_at_once_and_goes_on_until_it_is_stopped(
    installation: Installation, start_process: StartProcess
) -> None:
    """A dashboard that is being worked on wants numbers that move; what is sent again counts once."""
    installation.create_topics()
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    command = [TENURE, "company", "--live", "--seed", "3", "--days", str(DAYS), "--customers", str(CUSTOMERS)]
    command += ["--end", yesterday.isoformat()]
    start = dt.datetime.combine(yesterday, dt.time(), dt.UTC)
    story = Company(3, start, customers=CUSTOMERS, history_days=DAYS, founded_days=DAYS)
    now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    past = sum(1 for _ in itertools.takewhile(lambda arrival: arrival.arrived_at_ms < now_ms, story.events()))
    assert past > 100

    def sent() -> int:
        return sum(installation.ends().values())

    first = start_process(command, installation.environment)
    until(lambda: sent() >= past, "the past of the company")
    # What happened while this test ran; nothing that is still to come.
    assert sent() <= past + 20
    assert first.running
    assert first.interrupt() == 0
    installation.worker()
    installation.until_applied()
    at = ("--at", yesterday.isoformat(), "--by", "plan")
    (before,) = installation.kpi(*at)
    again = start_process(command, installation.environment)
    until(lambda: sent() >= 2 * past, "the past of the company, again")
    assert again.stop() == 0
    installation.until_applied()
    (after,) = installation.kpi(*at)
    assert after["events"]["applied"] + after["events"]["duplicate"] > past + before["events"]["duplicate"]
    assert {**after, "events": None} == {**before, "events": None}
    assert before["totals"]["customers_active"] > 0
    assert sum(head.conflicts for head in installation.heads().values()) == 0


def test_a_company_without_topics_says_which_are_missing(installation: Installation) -> None:
    """As `tenure publish` does: nothing is sent into the void."""
    refused = installation.run("company", "--live", "--days", "1", "--customers", "1")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert installation.topics["signup"] in refused.stderr
    assert "tenure topics --create" in refused.stderr
