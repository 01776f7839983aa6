"""Which surveys fall due: one customer a case, one event a line, the requests last.

Definitions: docs/survey-requests.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Final

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docgen.json_schema import event_schema
from kpis.customer.state import Customer, decode
from kpis.customer.what_counts import BY_DEFAULT
from kpis.surveys.due import KEPT_MS, Due, Policy, SurveyQuestion, request_of, surveys_due
from schemas.instants import DAY_MS, milliseconds
from schemas.survey_requests import SurveyRequest, encode, request_id
from schemas.survey_requests import decode as decode_request
from tests.property.any_order import Arrival, arrivals_of
from tests.property.cases import bounded
from tests.property.folding import Folded
from tests.recount.customers import Customer as Recounted
from tests.recount.customers import read
from tests.unit.kpis.customers import FIRST, HOUR_MS, folded

START_MS: Final = FIRST * HOUR_MS
CANCEL: Final = SurveyQuestion("cancel", "csat", "email")
FIRST_WEEK: Final = SurveyQuestion("first_week", "csat", "in_app")
REGULAR: Final = SurveyQuestion("regular", "nps", "email")
POLICY: Final = Policy((CANCEL, FIRST_WEEK, REGULAR), 90 * DAY_MS, 30 * DAY_MS, HOUR_MS, BY_DEFAULT)
DAY: Final = 24


def due_in(customer: Customer, *, days: float = 200, since: float = 0, policy: Policy = POLICY) -> list[str]:
    """Return what is due within some days after START, as `hours rule`."""
    since_ms = START_MS + int(since * DAY_MS)
    found = surveys_due(customer, policy, since_ms=since_ms, from_ms=since_ms, to_ms=START_MS + int(days * DAY_MS))
    return [f"{(due.due_ms - START_MS) / HOUR_MS:g} {due.question.rule}" for due in found]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        (["1 survey kind=nps score=9"], []),  # nobody's customer yet
        (["0 signup pro 100"], ["168 first_week", "2160 regular", "4320 regular"]),
        (["0.5 signup pro 100"], ["168.5 first_week", "2160.5 regular", "4320.5 regular"]),
        # one who left is asked why, a day later, and no more
        (["0 signup pro 100", "1000 cancel"], ["168 first_week", "1024 cancel"]),
        # a cancel within the first week, and one that is taken back within its day
        (["0 signup pro 100", "100 cancel"], ["124 cancel"]),
        (["0 signup pro 100", "1000 cancel", "1010 signup pro 100"],
         ["168 first_week", "2160 regular", "4320 regular"]),
        (["0 signup pro 100", "1000 cancel", "1001 revoke revokes=e1 source=customer.cancel"],
         ["168 first_week", "2160 regular", "4320 regular"]),
        # who comes back is asked again when it is time, counted from the first signup
        (["0 signup pro 100", "1000 cancel", "3000 signup pro 100"], ["168 first_week", "1024 cancel", "4320 regular"]),
        # a regular survey silences the cancel's for a month, and a cancel's the regular one of one who came back
        (["0 signup pro 100", "2500 cancel"], ["168 first_week", "2160 regular"]),
        (["0 signup pro 100", "2000 cancel", "2100 signup pro 1"], ["168 first_week", "2024 cancel", "4320 regular"]),
        # any survey silences for a month, whatever became of it, exactly a month not
        (["0 signup pro 100", "100 survey kind=nps status=sent"], ["2160 regular", "4320 regular"]),
        (["0 signup pro 100", "2000 survey kind=csat status=dismissed"], ["168 first_week", "4320 regular"]),
        (["0 signup pro 100", "1440 survey kind=nps score=1"], ["168 first_week", "2160 regular", "4320 regular"]),
        (["0 signup pro 100", "1440.1 survey kind=nps score=1"], ["168 first_week", "4320 regular"]),
        # one in the rest of the bucket that it is due in is seen too, and none later
        (["0.2 signup pro 100", "168.9 survey kind=nps score=1"], ["2160.2 regular", "4320.2 regular"]),
        (["0.2 signup pro 100", "169 survey kind=nps score=1"],
         ["168.2 first_week", "2160.2 regular", "4320.2 regular"]),
        # a trial is asked as a customer is, once it is one; and nobody is asked why a trial ended
        (["0 signup pro 100 trial=true"], []),
        (["0 signup pro 100 trial=true", "100 upgrade pro 100"], ["168 first_week", "2160 regular", "4320 regular"]),
        (["0 signup pro 100 trial=true", "1000 cancel"], []),
        # another subscription still counts, so this was no cancellation
        (["0 signup pro 100", "1 signup pro 100 subscription_id=b", "1000 cancel"],
         ["168 first_week", "2160 regular", "4320 regular"]),
        # a switch within one bucket is none either, and of two in one bucket the last one is asked about
        (["0 signup pro 100", "1000.1 cancel", "1000.2 signup pro 9 subscription_id=b"],
         ["168 first_week", "2160 regular", "4320 regular"]),
        (["0 signup pro 100", "1000.25 cancel", "1000.5 signup pro 9", "1000.75 cancel"],
         ["168 first_week", "1024.75 cancel"]),
        # a renewal is no survey
        (["0 signup pro 100", "100 renewal outcome=renewed"], ["168 first_week", "2160 regular", "4320 regular"]),
    ],
    ids=str,
)  # fmt: skip
def test_rules_and_silences_of_one_customer(lines: list[str], expected: list[str]) -> None:
    """These are the sentences of the page, one after the other."""
    customer, _ = folded(lines)
    assert due_in(customer) == expected


def test_rules_that_are_not_named_ask_for_nothing() -> None:
    """An operator who wants to be told of cancels alone names that rule alone."""
    customer, _ = folded(["0 signup pro 100", "1000 cancel"])
    assert due_in(customer, policy=POLICY._replace(questions=(CANCEL,))) == ["1024 cancel"]


def test_survey_of_the_first_week_comes_before_a_regular_one_of_the_same_instant() -> None:
    """One of two must go, and which one may not depend on how the settings were written."""
    customer, _ = folded(["0 signup pro 100"])
    both = POLICY._replace(regular_ms=7 * DAY_MS, quiet_ms=7 * DAY_MS)
    assert due_in(customer, days=15, policy=both) == ["168 first_week", "336 regular"]


def test_what_was_due_before_the_schedule_began_is_not_asked_and_silences_nothing() -> None:
    """Surveys that nobody sent cannot be too close to anything."""
    customer, _ = folded(["0 signup pro 100", f"{20 * DAY} cancel"])
    assert due_in(customer) == ["168 first_week"]
    assert due_in(customer, since=8) == ["504 cancel"]


def test_a_request_says_all_that_a_receiver_needs_and_its_id_can_be_computed_by_anybody() -> None:
    """The id is the contract's: a receiver that is rewritten in ten years must find it again."""
    due = Due(START_MS + 90 * DAY_MS + 1234, REGULAR)
    request = request_of("c-771", due, HOUR_MS)
    bucket_at_ms = START_MS + 90 * DAY_MS
    assert request.id == hashlib.sha256(f"regular/{bucket_at_ms}/c-771".encode()).hexdigest()[:32]
    assert json.loads(encode(request)) == {
        "type": "survey_request", "id": request.id, "customer_id": "c-771", "rule": "regular", "kind": "nps",
        "via": "email", "due_at": "2025-04-01T00:00:01.234000Z", "expires_at": "2025-04-08T00:00:01.234000Z",
    }  # fmt: skip
    assert request.expires_at - request.due_at == dt.timedelta(milliseconds=KEPT_MS)
    assert decode_request(encode(request)) == request


def test_example_of_the_page_is_what_would_be_sent() -> None:
    """Who writes a receiver tries it on the example first."""
    page = (Path(__file__).parents[4] / "docs" / "survey-requests.md").read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]
    shown = decode_request(example.encode())
    due = Due(milliseconds(shown.due_at), REGULAR)
    assert shown == request_of(shown.customer_id, due, HOUR_MS)


def test_schema_of_the_contract_takes_what_is_sent_and_no_event() -> None:
    """Receivers are generated from it; and what we send must never be mistaken for an event."""
    schema = event_schema()
    request = json.loads(encode(request_of("c", Due(START_MS, CANCEL), HOUR_MS)))
    own = jsonschema.Draft202012Validator({**schema, "$ref": "#/$defs/SurveyRequest", "oneOf": [True]})
    assert own.is_valid(request)
    for name in SurveyRequest.__struct_fields__:
        assert not own.is_valid({member: value for member, value in request.items() if member != name})
    assert not jsonschema.Draft202012Validator(schema).is_valid(request)


def test_ids_differ_by_rule_customer_and_bucket_alone() -> None:
    """Two requests under one id would be one to the receiver."""
    ids = {
        request_id(rule, customer, bucket)
        for rule in ("cancel", "first_week", "regular")
        for customer in ("c", "c/1", "1/c")
        for bucket in (0, HOUR_MS)
    }
    assert len(ids) == 18


# ------------------------------------------------------------------------- properties


def requests_in(states: dict[str, bytes], policy: Policy, marks: list[int]) -> dict[str, list[Due]]:
    """Return the requests of each customer, asked for piece by piece between marks (ms since 1970)."""
    found: dict[str, list[Due]] = {}
    for customer_id, state in states.items():
        for from_ms, to_ms in pairwise(marks):
            for due in surveys_due(decode(state), policy, since_ms=marks[0], from_ms=from_ms, to_ms=to_ms):
                found.setdefault(customer_id, []).append(due)
    return found


def states_of(folded_log: Folded) -> dict[str, bytes]:
    """Return the states of all partitions."""
    return {customer: state for part in folded_log.states for customer, state in part.items()}


def policy_for(draw: st.DrawFn, folded_log: Folded) -> Policy:
    """Return a policy with short intervals, so that rules collide."""
    regular = draw(st.sampled_from((1, 3, 7, 20, 90)))
    questions = draw(st.sampled_from(((CANCEL, FIRST_WEEK, REGULAR), (CANCEL,), (FIRST_WEEK, REGULAR))))
    quiet = draw(st.integers(1, regular))
    return Policy(questions, regular * DAY_MS, quiet * DAY_MS, folded_log.windows.bucket_ms, folded_log.what)


@st.composite
def folded_with_policy(draw: st.DrawFn) -> tuple[Arrival, Folded, Policy]:
    """Draw a log in some order of arrival, and what is asked for."""
    arrival = draw(arrivals_of())
    found = arrival.folded()
    return arrival, found, policy_for(draw, found)


#: Before and long after all that the logs hold (ms since 1970), each a boundary of buckets.
BEGIN_MS: Final = milliseconds(dt.datetime(2025, 11, 1, tzinfo=dt.UTC))
END_MS: Final = BEGIN_MS + 200 * DAY_MS


def rules_alone(customer: Recounted, policy: Policy) -> list[tuple[int, str]]:
    """Return what the sentences of the page say of one customer, silences left aside, in order of time and rule."""
    timeline, first = customer.timeline, customer.timeline.first_signup
    if first is None:
        return []
    left = [each.fact_ms + DAY_MS for each in timeline.movements if each.name == "cancellation"]
    regular = range(first.at_ms + policy.regular_ms, END_MS, policy.regular_ms)
    instants = {"cancel": left, "first_week": [first.at_ms + 7 * DAY_MS], "regular": list(regular)}
    return sorted(
        (at_ms, rule)
        for rule, _, _ in policy.questions
        for at_ms in instants[rule]
        if at_ms < END_MS and timeline.state_at(at_ms).active != (rule == "cancel")
    )


def recounted(customer: Recounted, policy: Policy) -> list[tuple[int, str]]:
    """Return the requests of one customer: what the rules say, but for what is silenced."""
    asked: list[tuple[int, str]] = []
    told = [survey.at_ms for survey, _ in customer.surveys]
    for at_ms, rule in rules_alone(customer, policy):
        end_ms = at_ms // policy.bucket_ms * policy.bucket_ms + policy.bucket_ms
        silenced = any(at_ms - policy.quiet_ms < before_ms <= at_ms for before_ms, _ in asked)
        if not silenced and not any(at_ms - policy.quiet_ms < other < end_ms for other in told):
            asked.append((at_ms, rule))
    return asked


@bounded(150)
@given(folded_with_policy())
def test_what_is_due_equals_a_naive_recount(drawn: tuple[Arrival, Folded, Policy]) -> None:
    """Whom to ask follows from the facts by the sentences of the page, whatever arrived in whatever order."""
    arrival, folded_log, policy = drawn
    found = requests_in(states_of(folded_log), policy, [BEGIN_MS, END_MS])
    asked = {name: [(due.due_ms, due.question.rule) for due in dues] for name, dues in found.items()}
    customers = read(arrival.log, arrival.options).customers
    expected = {name: recounted(customer, policy) for name, customer in customers.items()}
    assert asked == {name: dues for name, dues in expected.items() if dues}


@bounded(60)
@given(folded_with_policy(), st.lists(st.integers(0, 200 * DAY), max_size=20))
def test_any_restarts_give_the_same_requests(drawn: tuple[Arrival, Folded, Policy], cuts: list[int]) -> None:
    """Workers stop wherever they like; what is asked may depend on the facts alone, and nobody is asked too soon."""
    _, folded_log, policy = drawn
    states = states_of(folded_log)
    whole = requests_in(states, policy, [BEGIN_MS, END_MS])
    marks = sorted(BEGIN_MS + hours * HOUR_MS for hours in cuts)
    assert requests_in(states, policy, [BEGIN_MS, *marks, END_MS]) == whole
    gaps = [after.due_ms - before.due_ms for dues in whole.values() for before, after in pairwise(dues)]
    assert min(gaps, default=policy.quiet_ms) >= policy.quiet_ms
