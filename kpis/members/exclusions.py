"""Exclusions: customers that look like members of a count and are none, with the rule that excludes them.

A near exclusion shares all but one condition with the members: somebody who cancelled and came back inside the window
is one of the lost. No number depends on this.
Definitions: docs/definitions.md, section Counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from kpis.customer import feedback_codes as codes
from kpis.customer.facts import CANCEL, CHANGE, NEVER, SIGNUP
from kpis.customer.feedback_codes import ANSWERED, CLASS, RENEWAL_BASE
from kpis.customer.timeline import FORTNIGHT_MS, WEEK_MS
from kpis.members.view import Mention, View


class Exclusion(NamedTuple):
    """A customer who is not counted, and why."""

    #: the rule that excluded them; `{start}` and `{end}` stand for the ends of the window
    why: str
    facts: tuple[Mention, ...]


Exclusions = Callable[[View], Iterator[Exclusion]]


def _active(view: View) -> Iterator[Exclusion]:
    if view.end.facts and not view.end.active:
        yield Exclusion("a customer once, not active at {end}", view.end.facts)


def _at_start(view: View) -> Iterator[Exclusion]:
    if not view.start.active and view.end.active:
        yield Exclusion("active at {end}, not active at {start}", view.end.facts)


def _lost(view: View) -> Iterator[Exclusion]:
    cancels = tuple(step.fact for step in view.inside if step.fact[2] == CANCEL)
    if not cancels:
        for fact, why in view.left_out(CANCEL):
            yield Exclusion(f"a cancel in the window, {why}", (fact,))
    elif view.start.active and view.end.active:
        yield Exclusion("cancelled and came back inside the window, so active at {end}", (*cancels, *view.end.facts))
    elif not view.start.active:
        yield Exclusion("cancelled in the window, but not active at {start}", cancels)


def _retained(view: View) -> Iterator[Exclusion]:
    if view.start.active and not view.end.active:
        yield Exclusion("active at {start}, not active at {end}", (*view.start.facts, *view.end.facts))
    yield from _at_start(view)


def _new(view: View) -> Iterator[Exclusion]:
    for step in view.inside:
        if step.fact[2] == SIGNUP and step.was != NEVER:
            yield Exclusion("a customer before, so this signup is a reactivation", (step.fact,))
    yield from _ignored(SIGNUP)(view)


def _reactivated(view: View) -> Iterator[Exclusion]:
    for step in view.inside:
        if step.fact[2] == SIGNUP and step.was == NEVER:
            yield Exclusion("never a customer before, so this signup is a first one", (step.fact,))
    yield from _ignored(SIGNUP)(view)


def _ignored(kind: int) -> Exclusions:
    def exclusions(view: View) -> Iterator[Exclusion]:
        for fact, why in view.left_out(kind):
            yield Exclusion(why, (fact,))

    return exclusions


def _involuntary(view: View) -> Iterator[Exclusion]:
    for step in view.inside:
        if step.fact[2] == CANCEL and not step.fact[5]:
            yield Exclusion("cancelled in the window of their own will", (step.fact,))


def _of_new(view: View) -> Iterator[Exclusion]:
    if view.start.active:
        for step in view.inside:
            if step.fact[2] == CANCEL:
                yield Exclusion("cancelled in the window, but active at {start}", (step.fact,))


def _changes(sign: int) -> Exclusions:
    def exclusions(view: View) -> Iterator[Exclusion]:
        for step in view.inside:
            moved = (step.next_mrr - step.mrr) * sign
            if step.fact[2] == CHANGE and moved <= 0:
                yield Exclusion("the MRR stayed" if not moved else "the MRR went the other way", (step.fact,))
        yield from _ignored(CHANGE)(view)

    return exclusions


def _unripe(view: View, after_ms: int, what: str) -> Iterator[Exclusion]:
    first = view.first
    end_ms = view.window.end_ms
    if first is not None and first.fact[0] < end_ms <= first.fact[0] + after_ms:
        yield Exclusion(f"signed up, but the {what} day is not over at {{end}}", (first.fact,))


def _matured(view: View) -> Iterator[Exclusion]:
    yield from _unripe(view, WEEK_MS, "seventh")


def _dropoff_cancelled(view: View) -> Iterator[Exclusion]:
    first = view.first
    if first is not None and view.holds(first.fact[0] + WEEK_MS):
        stayed = view.standing(first.fact[0] + WEEK_MS).active
        if stayed and not view.end.active:
            yield Exclusion("left, but was active seven days after the first signup", (first.fact, *view.end.facts))
    yield from _matured(view)


def _silent_matured(view: View) -> Iterator[Exclusion]:
    first = view.first
    if first is not None and view.holds(first.fact[0] + FORTNIGHT_MS):
        then = view.standing(first.fact[0] + WEEK_MS)
        if not then.active:
            yield Exclusion("not active seven days after the first signup", (first.fact, *then.facts))
    yield from _unripe(view, FORTNIGHT_MS, "fourteenth")


def _silent(view: View) -> Iterator[Exclusion]:
    first = view.first
    if first is not None and view.holds(first.fact[0] + FORTNIGHT_MS):
        first_ms = first.fact[0]
        active = view.standing(first_ms + WEEK_MS).active
        if active and view.lived_between(first_ms + WEEK_MS, first_ms + FORTNIGHT_MS):
            yield Exclusion("activity or an answered survey from day seven to day fourteen", (first.fact,))
    yield from _silent_matured(view)


def _onboarded(view: View) -> Iterator[Exclusion]:
    first = view.first
    if first is not None and view.holds(first.fact[0] + WEEK_MS):
        first_ms = first.fact[0]
        if not any(first_ms <= at_ms < first_ms + WEEK_MS for at_ms in view.customer.onboarded):
            late = any(at_ms >= first_ms + WEEK_MS for at_ms in view.customer.onboarded)
            yield Exclusion("onboarding completed too late" if late else "no onboarding completed", (first.fact,))
    yield from _matured(view)


def _engaged(view: View) -> Iterator[Exclusion]:
    answered = tuple(item for item in view.feedback if item[1] in ANSWERED)
    if view.end.active and not answered and not view.active_buckets:
        yield Exclusion("active at {end}, but no activity and no answered survey in the window", view.end.facts)
    elif not view.end.active and (answered or view.active_buckets):
        yield Exclusion(
            "activity or an answered survey in the window, but not active at {end}", (*view.end.facts, *answered)
        )


def _other_notes(*, renewals: bool, counted: range | tuple[int, ...], among: range, why: str) -> Exclusions:
    def exclusions(view: View) -> Iterator[Exclusion]:
        for item in view.feedback if view.customer.feedback else ():
            if (item[1] >= RENEWAL_BASE) == renewals and CLASS[item[1]] in among and CLASS[item[1]] not in counted:
                yield Exclusion(why, (item,))

    return exclusions


def _surveys(first: int, count: int, why: str, among: range = range(codes.DECLINED)) -> Exclusions:
    return _other_notes(renewals=False, counted=range(first, first + count), among=among, why=why)


def _renewals(code: int) -> Exclusions:
    everything = range(codes.DECLINED, codes.CLASSES)
    return _other_notes(renewals=True, counted=(code,), among=everything, why="a term with another outcome")


_NPS: Final = range(codes.PROMOTERS, codes.SATISFIED)
_CSAT: Final = range(codes.SATISFIED, codes.DECLINED)
_ANSWERS: Final = range(codes.PROMOTERS, codes.DECLINED)
_NPS_WHY: Final = "an NPS answer with another score"

EXCLUSIONS: Final[Mapping[str, Exclusions]] = {
    "customers_active": _active,
    "customers_at_start": _at_start,
    "customers_lost": _lost,
    "customers_retained": _retained,
    "customers_new": _new,
    "customers_reactivated": _reactivated,
    "cancellations": _ignored(CANCEL),
    "cancellations_involuntary": _involuntary,
    "cancellations_of_new": _of_new,
    "upgrades": _changes(1),
    "downgrades": _changes(-1),
    "dropoff_matured": _matured,
    "dropoff_cancelled": _dropoff_cancelled,
    "dropoff_silent_matured": _silent_matured,
    "dropoff_silent": _silent,
    "onboarding_matured": _matured,
    "onboarding_completed": _onboarded,
    "customers_engaged": _engaged,
    "renewals_renewed": _renewals(codes.RENEWED),
    "renewals_declined": _renewals(codes.DECLINED),
    "renewals_failed": _renewals(codes.FAILED),
    "mrr": _active,
    "mrr_at_start": _at_start,
    "mrr_retained_gross": _retained,
    "mrr_retained_net": _retained,
    "mrr_new": _new,
    "mrr_expansion": _changes(1),
    "mrr_contraction": _changes(-1),
    "mrr_churned": _ignored(CANCEL),
    "mrr_reactivated": _reactivated,
    "survey_sent": _surveys(codes.SENT, 6, "a survey of the window that is not noted as sent"),
    "survey_answered": _surveys(codes.PROMOTERS, 15, "a survey of the window that was not answered"),
    "survey_dismissed": _surveys(codes.DISMISSED, 6, "a survey of the window that was not dismissed"),
    "nps_promoters": _surveys(codes.PROMOTERS, 3, _NPS_WHY, _NPS),
    "nps_passives": _surveys(codes.PASSIVES, 3, _NPS_WHY, _NPS),
    "nps_detractors": _surveys(codes.DETRACTORS, 3, _NPS_WHY, _NPS),
    "csat_satisfied": _surveys(codes.SATISFIED, 3, "a CSAT answer from 1 to 3", _CSAT),
    "csat_answered": _surveys(codes.SATISFIED, 6, "an answer to another kind of survey", _ANSWERS),
}
"""The near exclusions of each count of `schemas.catalogue.counts`, by name."""
