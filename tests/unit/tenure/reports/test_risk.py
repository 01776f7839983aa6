"""Who is about to go: known cancellations, nothing from the future, a model that is judged and refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score
from typer.testing import CliRunner

from docgen.report_schema import report_schema
from kpis.customer.state import decode
from kpis.population import risk
from kpis.population.risk import SIGNS, Observations, RiskScan
from schemas.documents.risk import CustomersAtRisk, LeavingCustomer, LeavingCustomers, RiskReport, RiskyCustomer
from streams.errors import Undelivered, UsageError
from streams.settings.loading import load_settings
from tenure.cli import app
from tenure.operations import risks
from tenure.reports.risk_model import ModelJudgement, RiskScores, fitted, judged
from tests.property.folding import Folded
from tests.recount.short_events import Event, activity, cancel, change, event, renewal, revoke, signup, survey
from tests.unit.kpis.population.invented import company_with_signs, folded_company
from tests.unit.tenure.reports.lives import day

TOPIC = "tenure.risks"
DAY_MS = 86_400_000
FIRST_MS = 1_735_689_600_000


def scanned(folded: Folded, days: float) -> RiskScan:
    """Return who is about to go so many days after the beginning of 2025."""
    scan = RiskScan(at_ms=FIRST_MS + int(days * DAY_MS), bucket_ms=folded.windows.bucket_ms, what=folded.what)
    for customer_id, state in folded.states[0].items():
        scan.take(folded.names[0], customer_id, decode(state))
    return scan


def by_customer(found: Observations, step: int) -> dict[str, tuple[Any, ...]]:
    """Return what the observations of a step say, by customer."""
    places = np.flatnonzero(found.step == step)
    return {
        found.customer_ids[found.customer[n]]: (
            found.age_days[n],
            found.plans[found.plan[n]],
            found.mrr[n],
            *found.signs[n],
        )
        for n in places
    }


def ticket(customer: str, time: str, name: str, status: str) -> Event:
    """Return an event of a ticket."""
    return event("support", customer, time, {}, id=f"{name} {status}", ticket=name, status=status)


LATER = {"effective_at": day(120)}


@pytest.mark.parametrize(
    ("events", "leaving"),
    [
        ([], []),
        ([cancel("a", day(90), **LATER)], [("a", 90, 120)]),
        ([cancel("a", day(90))], []),
        ([cancel("a", day(101), **LATER)], []),
        ([cancel("a", day(90), **LATER, id="x"), revoke("a", day(95), "x", source="customer.cancel")], []),
        ([cancel("a", day(90), **LATER), signup("a", day(95), "pro", effective_at=day(120.01))], []),
        ([cancel("a", day(90), **LATER), signup("a", day(95), "pro", effective_at=day(130))], [("a", 90, 120)]),
        ([signup("a", day(50), subscription_id="b"), cancel("a", day(90), **LATER)], []),
        (
            [
                signup("a", day(50), subscription_id="b"),
                cancel("a", day(90), **LATER),
                cancel("a", day(91), subscription_id="b", effective_at=day(140)),
            ],
            [("a", 91, 140)],
        ),
        ([change("a", day(90), "free", 0, **LATER)], []),
    ],
)
def test_a_customer_is_leaving_by_a_cancel_that_is_known_and_ends_the_last_that_counts(
    events: list[Event], leaving: list[tuple[str, int, int]]
) -> None:
    """What is scheduled, taken back, or followed by another subscription in time is known as well."""
    found = scanned(folded_company([signup("a", day(1), "pro", 4_900), *events]), 100)
    said = [
        (each.customer_id, (each.said_ms - FIRST_MS) // DAY_MS, (each.ends_ms - FIRST_MS) // DAY_MS)
        for each in found.leaving
    ]
    assert said == leaving
    assert all(each.mrr > 0 and each.reason == "unspecified" for each in found.leaving)
    # Who is leaving is not scored as well; who has left is neither.
    is_scored = "a" in by_customer(found.observations(), 0)
    assert is_scored == (not leaving and events[:1] != [cancel("a", day(90))])


def test_signs_are_of_what_came_before_the_instant() -> None:
    """Each by hand."""
    events = [
        signup("a", day(1), "pro", 4_900),
        *(activity("a", day(n)) for n in (45, 50, 75, 99, 99.5)),
        survey("a", day(60), kind="nps", score=3),
        survey("a", day(80), kind="csat", score=2),
        renewal("a", day(90), "failed"),
        activity("a", day(101)),
        survey("a", day(102), kind="nps", score=10),
        ticket("a", day(50), "t1", "opened"),
        ticket("a", day(85), "t1", "solved"),
        ticket("a", day(30), "t2", "opened"),
        ticket("a", day(31), "t2", "answered"),
        ticket("a", day(100.5), "t2", "solved"),
        signup("b", day(20), "pro", 4_900),
    ]
    row = by_customer(scanned(folded_company(events), 100).observations(), 0)["a"]
    signs = dict(zip(SIGNS, row[3:], strict=True))
    assert row[:3] == (99, "pro", 4_900)
    assert signs["days_since_use"] == pytest.approx(np.log1p(0.5))
    assert signs["days_of_use"] == pytest.approx(np.log1p(3))
    assert (signs["use_falls"], signs["use_rises"]) == (pytest.approx(0), pytest.approx(0))
    said = {"detractor": 1, "promoter": 0, "unsatisfied": 1, "renewal_failed": 1, "never_used": 0}
    said |= {"ticket_opened": 0, "ticket_open": 1}
    assert {name: signs[name] for name in said} == said


def test_nothing_that_came_later_is_in_an_observation() -> None:
    """A model that sees the future is wonderful on the past, and worth nothing."""
    folded = folded_company(company_with_signs(1, customers=60))
    latest = scanned(folded, 600).observations()
    for step in (1, 2, 7):
        then = scanned(folded, 600 - 30 * step).observations()
        assert by_customer(latest, step) == by_customer(then, 0)
    assert latest.has_left[latest.step > 0].any()
    assert not latest.has_left[latest.step == 0].any()


@pytest.fixture(scope="module")
def telling() -> Observations:
    """Observations of a company whose customers use the product less before they leave."""
    return scanned(folded_company(company_with_signs(2)), 600).observations()


def test_a_model_that_sees_signs_is_better_than_plan_and_age_and_calibrated(telling: Observations) -> None:
    """Judged on the last quarter, by figures that scikit-learn computes as well."""
    found = judged(telling)
    assert isinstance(found, ModelJudgement)
    assert found.is_better
    assert 0.75 < found.left / found.expected < 1.3
    assert found.lift > 1.5
    last = telling.chosen((telling.step > 0) & (telling.step <= 3))
    model = fitted(telling.chosen(telling.step > 3))
    chances = model.probabilities(last)
    assert found.concordance == pytest.approx(roc_auc_score(last.has_left, chances), rel=1e-9)
    assert found.log_loss == pytest.approx(log_loss(last.has_left, chances), rel=1e-9)
    assert sum(each.left for each in found.bins) == found.left == last.has_left.sum()
    assert sum(each.expected for each in found.bins) == pytest.approx(chances.sum())
    assert [each.expected / each.observations for each in found.bins] == sorted(
        each.expected / each.observations for each in found.bins
    )


def test_scores_come_with_what_raises_the_odds(telling: Observations) -> None:
    """Somebody is to call these customers, and asks why."""
    now = telling.chosen(telling.step == 0)
    scored = RiskScores(fitted(telling.chosen(telling.step > 0)), now)
    found = scored.listed(10_000, lambda customer_id: customer_id != "c5")
    assert scored.listed(3, lambda _: True)[:1] == found[:1]
    assert scored.listed(0, lambda _: True) == []
    assert {each.customer_id for each in found} == {telling.customer_ids[n] for n in now.customer} - {"c5"}
    assert [each.probability for each in found] == sorted((each.probability for each in found), reverse=True)
    assert {found[0].reasons[0][0]} <= {"days_since_use", "days_of_use", "never_used", "use_falls"}
    assert all(odds > 1 for each in found for _, odds in each.reasons)
    assert found[0].probability > 3 * found[-1].probability


def test_a_model_of_chance_is_refused() -> None:
    """One that is no better than plan and age would send people to the wrong customers."""
    refused = 0
    for seed in (1, 2, 3):
        events = company_with_signs(seed, customers=500, telling=False)
        found = judged(scanned(folded_company(events), 600).observations())
        assert isinstance(found, ModelJudgement)
        refused += not found.is_better
    assert refused >= 2


def test_too_few_who_left_are_no_model() -> None:
    """What cannot be judged is not used."""
    found = judged(scanned(folded_company(company_with_signs(1, customers=20)), 600).observations())
    assert isinstance(found, str)
    assert "are needed to" in found


def test_customers_beyond_the_sample_are_scored_and_not_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million customers would take minutes to learn from, and teach no more."""
    folded = folded_company(company_with_signs(4, customers=200))
    whole = scanned(folded, 600).observations()
    monkeypatch.setattr(risk, "MOST_LEARNT", 20)
    part = scanned(folded, 600).observations()
    assert by_customer(part, 0) == by_customer(whole, 0)
    learnt = set(part.customer[part.step > 0].tolist())
    assert 5 <= len(learnt) <= 60
    for step in (1, 5):
        assert by_customer(part, step).items() <= by_customer(whole, step).items()


def test_the_sample_and_what_is_learnt_from_it_are_the_same_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis names customers in any order; a risk that another look changes is believed by nobody."""
    folded = folded_company(company_with_signs(4, customers=300))
    monkeypatch.setattr(risk, "MOST_LEARNT", 20)
    found = []
    for seed in range(4):
        states = list(folded.states[0].items())
        Random(seed).shuffle(states)
        scan = RiskScan(at_ms=FIRST_MS + 600 * DAY_MS, bucket_ms=folded.windows.bucket_ms, what=folded.what)
        for customer_id, state in states:
            scan.take(folded.names[0], customer_id, decode(state))
        found.append(scan.observations())
    for other in found[1:]:
        assert (other.customer_ids, other.plans) == (found[0].customer_ids, found[0].plans)
        for mine, theirs in zip(found[0][2:], other[2:], strict=True):
            assert np.array_equal(mine, theirs)


HOSTILE = "\x1b[2Jx"


def test_the_command_prints_what_it_knows_and_ends_with_one_where_it_refuses(tmp_path: Path) -> None:
    """Both lists, their documents as the schema says, and no name that a terminal obeys."""
    file = tmp_path / "events.ndjson"
    call = ["risk", "--file", str(file), "--at", day(600)[:10], "--limit", "5"]
    events = [
        *company_with_signs(2),
        signup(HOSTILE, day(500), HOSTILE, 5),
        cancel(HOSTILE, day(590), reason="price", effective_at=day(610)),
    ]
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    result = CliRunner().invoke(app, [*call, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    schema = report_schema()
    jsonschema.Draft202012Validator({**schema, **schema["$defs"]["risk"]}).validate(found)
    assert [each["customer_id"] for each in found["leaving"]["listed"]] == [HOSTILE]
    assert len(found["at_risk"]["listed"]) == 5
    assert found["at_risk"]["mrr_at_risk"] > sum(each["mrr_at_risk"] for each in found["at_risk"]["listed"])
    text = CliRunner().invoke(app, call)
    assert text.exit_code == 0
    assert "\x1b" not in text.stdout
    assert r"\x1b[2Jx" in text.stdout
    assert "Log loss" in text.stdout
    file.write_text("".join(json.dumps(event) + "\n" for event in [*events[-2:], *events[:50]]))
    few = CliRunner().invoke(app, call)
    assert few.exit_code == 1
    assert "tenure: nobody is scored:" in few.stderr
    assert "Nobody else is scored" in few.stdout


class OneTopicProducer:
    """A producer that takes what it is given, or nothing."""

    def __init__(self, *, takes: bool = True) -> None:
        """Take nothing yet."""
        self.sent: list[tuple[str, bytes, bytes]] = []
        self._takes = takes

    async def send(self, topic: str, value: bytes, *, key: bytes, **_: object) -> asyncio.Future[None]:
        """Take a record."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._takes:
            self.sent.append((topic, key, value))
            done.set_result(None)
        else:
            done.set_exception(OSError("full"))
        return done


@pytest.fixture
def some_risks() -> RiskReport:
    """Return a report of two customers."""
    leaving = LeavingCustomer(customer_id="a", plan="pro", mrr=5, reason="price", cancelled_at=day(1), ends_at=day(9))
    risky = RiskyCustomer(customer_id="b", plan="pro", mrr=9, probability=0.5, mrr_at_risk=4.5, reasons=[])
    return RiskReport(
        as_of=day(5),
        currency="USD",
        leaving=LeavingCustomers(customers=1, mrr=5, listed=[leaving]),
        held_out=None,
        refused=None,
        at_risk=CustomersAtRisk(customers=1, expected=0.5, mrr_at_risk=4.5, listed=[risky]),
    )


async def test_risks_are_sent_one_a_customer_under_its_key(
    some_risks: RiskReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever acts on them reads one customer at a time, in the order of its partition."""
    producer = OneTopicProducer()

    @asynccontextmanager
    async def connected(_: object) -> AsyncIterator[tuple[OneTopicProducer, frozenset[str]]]:
        yield producer, frozenset({TOPIC})

    monkeypatch.setattr(risks, "connected", connected)
    assert await risks.send_risks(load_settings(None), some_risks, TOPIC) == 2
    assert [(topic, key) for topic, key, _ in producer.sent] == [(TOPIC, b"a"), (TOPIC, b"b")]
    values = [json.loads(value) for *_, value in producer.sent]
    assert [(each["status"], each["as_of"], each["mrr"]) for each in values] == [
        ("leaving", day(5), 5),
        ("at_risk", day(5), 9),
    ]
    with pytest.raises(UsageError, match="topic elsewhere does not exist"):
        await risks.send_risks(load_settings(None), some_risks, "elsewhere")
    producer = OneTopicProducer(takes=False)
    with pytest.raises(Undelivered, match="OSError: full; run the command again"):
        await risks.send_risks(load_settings(None), some_risks, TOPIC)
