"""Due surveys: a pure function of one customer's facts and of the settings.

Not here: who was asked already although the facts of today would not say so (`kpis.surveys.sent`), and sending
(`streams.surveys`). Definitions: docs/survey-requests.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from kpis.customer.facts import CANCEL
from kpis.customer.feedback_codes import RENEWAL_BASE
from kpis.customer.state import Customer
from kpis.customer.timeline import WEEK_MS, Step, active_at, effective_facts, steps_of
from kpis.fold.contribution import effective_feedback
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
    """The survey policy of the settings."""

    #: in order of precedence
    questions: tuple[SurveyQuestion, ...]
    regular_ms: int
    #: nobody is asked twice within less
    quiet_ms: int
    bucket_ms: int


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
    steps = steps_of(effective_facts(customer))
    if not steps or next(_candidates(steps, policy, from_ms, to_ms), None) is None:
        return []
    surveys = [item[0] for item in effective_feedback(customer) if item[1] < RENEWAL_BASE]
    out: list[Due] = []
    last_ms = since_ms - policy.quiet_ms
    for due in sorted(_candidates(steps, policy, since_ms, to_ms), key=lambda due: due.due_ms):
        after_ms = (due.due_ms // policy.bucket_ms + 1) * policy.bucket_ms
        if due.due_ms - last_ms < policy.quiet_ms:
            continue
        if any(due.due_ms - policy.quiet_ms < at_ms < after_ms for at_ms in surveys):
            continue
        last_ms = due.due_ms
        if due.due_ms >= from_ms:
            out.append(due)
    return out


def _candidates(steps: Sequence[Step], policy: Policy, from_ms: int, to_ms: int) -> Iterator[Due]:
    """Yield what the rules alone say for [from, to): by rule in order of precedence, and then by time."""
    for question in policy.questions:
        for due_ms in _instants(question.rule, steps, policy.regular_ms, from_ms, to_ms):
            if active_at(steps, due_ms) != (question.rule == "cancel"):
                yield Due(due_ms, question)


def _instants(rule: SurveyRule, steps: Sequence[Step], regular_ms: int, from_ms: int, to_ms: int) -> Iterator[int]:
    first_ms = steps[0].fact[0]
    if rule == "first_week":
        if from_ms <= first_ms + WEEK_MS < to_ms:
            yield first_ms + WEEK_MS
    elif rule == "regular":
        times = max(1, -((first_ms - from_ms) // regular_ms))
        yield from range(first_ms + times * regular_ms, to_ms, regular_ms)
    else:
        for step in steps:
            if step.fact[2] == CANCEL and from_ms <= step.fact[0] + CANCEL_WAIT_MS < to_ms:
                yield step.fact[0] + CANCEL_WAIT_MS


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
