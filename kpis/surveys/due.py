"""Due surveys: a pure function of one customer's facts and of the settings.

Not here: who was asked already although the facts of today would not say so (`kpis.surveys.sent`), and sending
(`streams.surveys`). Definitions: docs/survey-requests.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from kpis.customer.feedback_codes import RENEWAL_BASE
from kpis.customer.history import effective_feedback
from kpis.customer.movements import movements_of
from kpis.customer.state import Customer
from kpis.customer.timeline import WEEK_MS, Step, effective_facts, standing_at, steps_of
from kpis.customer.what_counts import WhatCounts
from kpis.instants import instant_of
from schemas.events import AskedWay, SurveyKind
from schemas.instants import DAY_MS
from schemas.survey_requests import SurveyRequest, SurveyRule, request_id

#: So long after a cancellation its survey is due: a cancel may be late, or be withdrawn.
CANCEL_WAIT_MS: Final = DAY_MS
#: So long a survey may be asked for after it was due.
KEPT_MS: Final = 7 * DAY_MS


class SurveyQuestion(NamedTuple):
    """The survey that is asked for when a rule falls due."""

    rule: SurveyRule
    kind: SurveyKind
    via: AskedWay


class Policy(NamedTuple):
    """The survey policy of the settings, and what counts."""

    #: in order of precedence
    questions: tuple[SurveyQuestion, ...]
    regular_ms: int
    #: nobody is asked twice within less
    quiet_ms: int
    bucket_ms: int
    what: WhatCounts


class Due(NamedTuple):
    """A survey and the instant at which it is due (ms since 1970)."""

    due_ms: int
    question: SurveyQuestion


def surveys_due(customer: Customer, policy: Policy, *, since_ms: int, from_ms: int, to_ms: int) -> list[Due]:
    """Return the surveys of a customer that are due in [from, to), in order of time.

    Of what falls due from `since` on, each counts unless the one that counted before it, or any survey that a producer
    told of, is less than the quiet interval before it; a survey in the rest of its bucket silences it too. How the time
    is cut into calls makes no difference.

    Args:
        customer: The state.
        policy: What the settings ask for.
        since_ms: What was due before was never asked for (ms since 1970).
        from_ms: First instant wanted (ms since 1970, not before `since_ms`).
        to_ms: The instant after the last one wanted (ms since 1970).
    """
    if not _may_be_due(customer, policy, from_ms, to_ms):
        return []
    steps = steps_of(effective_facts(customer), policy.what)
    if next(_candidates(customer, steps, policy, from_ms, to_ms), None) is None:
        return []
    surveys = [item.at_ms for item in effective_feedback(customer) if item.code < RENEWAL_BASE]
    out: list[Due] = []
    last_ms = since_ms - policy.quiet_ms
    for due in sorted(_candidates(customer, steps, policy, since_ms, to_ms), key=lambda due: due.due_ms):
        after_ms = (due.due_ms // policy.bucket_ms + 1) * policy.bucket_ms
        if due.due_ms - last_ms < policy.quiet_ms:
            continue
        if any(due.due_ms - policy.quiet_ms < at_ms < after_ms for at_ms in surveys):
            continue
        last_ms = due.due_ms
        if due.due_ms >= from_ms:
            out.append(due)
    return out


def _may_be_due(customer: Customer, policy: Policy, from_ms: int, to_ms: int) -> bool:
    """Return whether a rule may say something for [from, to): what the state's cache tells without its facts."""
    if customer.first_at < 0:
        return False
    for rule, _, _ in policy.questions:
        if rule == "cancel":
            # One fact alone makes nobody inactive, and none does so after the last one.
            if customer.facts > 1 and customer.last_at + CANCEL_WAIT_MS >= from_ms:
                return True
        elif _since_signup(rule, customer.first_at, policy.regular_ms, from_ms, to_ms):
            return True
    return False


def _candidates(customer: Customer, steps: Sequence[Step], policy: Policy, from_ms: int, to_ms: int) -> Iterator[Due]:
    """Yield what the rules alone say for [from, to): by rule in order of precedence, and then by time."""
    for question in policy.questions:
        is_cancel = question.rule == "cancel"
        if is_cancel:
            instants: Iterable[int] = _after_cancellations(steps, policy.bucket_ms, from_ms, to_ms)
        else:
            instants = _since_signup(question.rule, customer.first_at, policy.regular_ms, from_ms, to_ms)
        for due_ms in instants:
            if standing_at(steps, due_ms).active != is_cancel:
                yield Due(due_ms, question)


def _since_signup(rule: SurveyRule, first_ms: int, regular_ms: int, from_ms: int, to_ms: int) -> Sequence[int]:
    """Return the instants in [from, to) at which a rule that counts from the first signup falls due."""
    if rule == "first_week":
        due_ms = first_ms + WEEK_MS
        return (due_ms,) if from_ms <= due_ms < to_ms else ()
    times = max(1, -((first_ms - from_ms) // regular_ms))
    return range(first_ms + times * regular_ms, to_ms, regular_ms)


def _after_cancellations(steps: Sequence[Step], bucket_ms: int, from_ms: int, to_ms: int) -> Iterator[int]:
    """Yield the instants in [from, to) a day after a fact that made the customer inactive last in its bucket."""
    for movement in movements_of(steps, bucket_ms):
        if movement.departure is not None:
            due_ms = movement.departure.fact.at_ms + CANCEL_WAIT_MS
            if from_ms <= due_ms < to_ms:
                yield due_ms


def request_of(customer_id: str, due: Due, bucket_ms: int) -> SurveyRequest:
    """Return what is sent for a survey that is due; `bucket_ms` is the length of a bucket."""
    rule, kind, via = due.question
    return SurveyRequest(
        id=request_id(rule, customer_id, due.due_ms // bucket_ms * bucket_ms),
        customer_id=customer_id,
        rule=rule,
        kind=kind,
        via=via,
        due_at=instant_of(due.due_ms),
        expires_at=instant_of(due.due_ms + KEPT_MS),
    )
