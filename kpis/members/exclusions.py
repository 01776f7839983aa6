"""Exclusions: customers that look like members of a count and are none, with the rule that excludes them.

A near exclusion shares all but one condition with the members: somebody who became inactive and active again inside the
window is none of the lost. No number depends on this.
Definitions: docs/definitions.md, sections "What counts", "Movements" and "Counts".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from kpis.customer import feedback_codes as codes
from kpis.customer.facts import CANCEL, CHANGE, PAUSE, RESUME, SIGNUP, WORDS, LifecycleFact
from kpis.customer.feedback_codes import ANSWERED, CLASS, RENEWAL_BASE
from kpis.customer.movements import Movement
from kpis.customer.timeline import FORTNIGHT_MS, WEEK_MS, Standing, Step, Subscription, first_trial
from kpis.members.fact_texts import subscription_text
from kpis.members.rules import is_lively, is_onboarded, is_open_after_a_week, why_without_effect
from kpis.members.view import Mention, View


class Exclusion(NamedTuple):
    """A customer who is not counted, and why."""

    #: the rule that excluded them; `{start}` and `{end}` stand for the ends of the window
    why: str
    facts: tuple[Mention, ...]


Exclusions = Callable[[View], Iterator[Exclusion]]


def _all(*parts: Exclusions) -> Exclusions:
    def exclusions(view: View) -> Iterator[Exclusion]:
        for part in parts:
            yield from part(view)

    return exclusions


# ------------------------------------------------------------------------- where customers stand


def _without(view: View, each: Subscription) -> str:
    """Return why a subscription that is open does not count."""
    if each.on_trial:
        return "on a trial"
    if each.price == 0 and not view.what.free_plans:
        return "on a free plan, and free_plans is leads"
    assert each.is_paused, each
    return "paused, and paused_customers is lost"


def _open(view: View, standing: Standing, rule: str, at_ms: int) -> Iterator[Exclusion]:
    """Yield the subscriptions that are open at an instant and do not count; `rule` says what follows."""
    for each in standing.subscriptions:
        if not each.counts:
            named = f"{subscription_text(each.id)} is " if each.id else ""
            yield Exclusion(f"{rule}: {named}{_without(view, each)}", view.facts_of(each.id, at_ms))


def _active(view: View) -> Iterator[Exclusion]:
    if view.end.active:
        return
    end_ms = view.window.end_ms
    yield from _open(view, view.end, "not active at {end}", end_ms)
    if view.end_facts and not view.end.is_open:
        was = view.was_active_before(end_ms)
        yield Exclusion(
            "a customer once, not active at {end}" if was else "not active at {end}, nor ever before", view.end_facts
        )


def _at_start(view: View) -> Iterator[Exclusion]:
    if view.start.active:
        return
    yield from _open(view, view.start, "not active at {start}", view.window.start_ms)
    if view.end.active:
        yield Exclusion("active at {end}, not active at {start}", view.end_facts)


def _lost(view: View) -> Iterator[Exclusion]:
    left = _departures(view)
    if left and view.start.active:
        why = "became inactive and active again inside the window, so active at {end}"
        yield Exclusion(why, (*left, *view.end_facts))
    elif left:
        yield Exclusion("became inactive in the window, but was not active at {start}", left)
    else:
        yield from _stayed(view)


def _departures(view: View) -> tuple[LifecycleFact, ...]:
    return tuple(movement.departure.fact for movement in view.movements if movement.departure is not None)


def _retained(view: View) -> Iterator[Exclusion]:
    if view.start.active and not view.end.active:
        yield Exclusion("active at {start}, not active at {end}", (*view.start_facts, *view.end_facts))
    yield from _at_start(view)


def _paused(view: View) -> Iterator[Exclusion]:
    for each in view.end.subscriptions:
        if each.is_paused:
            named = subscription_text(each.id)
            why = f"{named} is paused at {{end}}, but another subscription counts"
            if not each.would_count:
                trial = "on a trial" if each.on_trial else "on a free plan"
                why = f"{named} is paused at {{end}}, but would not count were it not: {trial}"
            yield Exclusion(why, view.facts_of(each.id, view.window.end_ms))


def _several(view: View) -> Iterator[Exclusion]:
    if len(view.end.subscriptions) > 1 or not view.end.active:
        yield from _open(view, view.end, "does not count at {end}", view.window.end_ms)


# ------------------------------------------------------------------------- what moves in the window


def _bucket(view: View) -> str:
    return "hour" if view.window.bucket_ms == 3_600_000 else "bucket"


def _without_effect(*kinds: int) -> Exclusions:
    """Return the facts of these kinds in the window that have no effect, or are revoked."""

    def exclusions(view: View) -> Iterator[Exclusion]:
        for step in view.without_effect:
            if step.fact.KIND in kinds:
                yield Exclusion(f"{why_without_effect(view, step)}, so without effect", (step.fact,))
        for fact in view.revoked(*kinds):
            yield Exclusion("revoked, so it never counts", (fact,))

    return exclusions


def _stayed(view: View) -> Iterator[Exclusion]:
    """Yield what ends subscriptions in the window, or makes customers inactive, and is no cancellation."""
    for movement in view.movements:
        if movement.departure is None:
            for step in view.steps_in(movement):
                why = _why_no_cancellation(view, step)
                if why:
                    yield Exclusion(why, (step.fact,))
    yield from _without_effect(CANCEL)(view)


def _why_no_cancellation(view: View, step: Step) -> str:
    """Return why a fact that ends a subscription, or its counting, is no cancellation; empty where it ends nothing."""
    fact, before, after = step.fact, step.before, step.after
    if before.active and not after.active:
        return f"inactive and active again within one {_bucket(view)}, which is netted"
    known, left = before.find(fact.subscription), after.find(fact.subscription)
    named = subscription_text(fact.subscription)
    if known is not None and known.counts and (left is None or not left.counts):
        return f"{named} ceased to count, but another subscription still counts"
    if known is not None and fact.KIND == CANCEL:
        return f"a cancel of {named}, which did not count: {_without(view, known)}"
    return ""


def _not_yet(view: View) -> Iterator[Exclusion]:
    """Yield signups and changes of the window after which the customer is not active."""
    for step in view.inside:
        each = step.after.find(step.fact.subscription)
        if step.fact.KIND in (SIGNUP, CHANGE) and not step.after.active and not step.before.active:
            assert each is not None, "a signup and a change leave their subscription open"
            word = "first signup" if step.fact is view.first else WORDS[step.fact.KIND]
            yield Exclusion(f"a {word}, but not active yet: {_without(view, each)}", (step.fact,))


def _beside(view: View) -> Iterator[Exclusion]:
    """Yield signups of the window of customers who were active already."""
    for step in view.inside:
        if step.fact.KIND == SIGNUP and step.before.active:
            known = step.before.find(step.fact.subscription)
            what = "one more subscription" if known is None else "another plan or price of the same subscription"
            yield Exclusion(f"active already, so this signup is {what}", (step.fact,))


def _arrivals(why: str, *, back: bool) -> Exclusions:
    """Return the customers who became active for the first time, or back again."""

    def exclusions(view: View) -> Iterator[Exclusion]:
        for movement in view.movements:
            if movement.arrival is not None and movement.is_known == back:
                yield Exclusion(why, (movement.arrival.fact,))

    return exclusions


_new: Final = _all(
    _arrivals("active before, so this is a reactivation", back=True), _not_yet, _beside, _without_effect(SIGNUP)
)
_reactivated: Final = _all(
    _arrivals("never active before, so this is a new customer", back=False), _not_yet, _beside, _without_effect(SIGNUP)
)


def _signups(view: View) -> Iterator[Exclusion]:
    for step in view.steps:
        if step.fact.KIND == SIGNUP and view.holds(step.fact.at_ms):
            yield Exclusion("a signup in the window, but not the customer's first one", (step.fact,))
    yield from _without_effect(SIGNUP)(view)


def _involuntary(view: View) -> Iterator[Exclusion]:
    for fact in _departures(view):
        yield Exclusion("became inactive in the window, of their own will", (fact,))
    yield from _stayed(view)


def _of_new(view: View) -> Iterator[Exclusion]:
    if view.start.active:
        for fact in _departures(view):
            yield Exclusion("became inactive in the window, but was active at {start}", (fact,))


def _changes(sign: int, amount: Callable[[Standing], int]) -> Exclusions:
    """Return the changes of the window that moved an amount the other way (1: they should have raised it), or not."""

    def exclusions(view: View) -> Iterator[Exclusion]:
        for movement in view.movements:
            facts = tuple(step.fact for step in view.steps_in(movement))
            if not movement.stays:
                changes = tuple(fact for fact in facts if fact.KIND == CHANGE)
                if changes:
                    yield Exclusion(_why_no_stay(view, movement), changes)
                continue
            moved = (amount(movement.after) - amount(movement.before)) * sign
            if moved <= 0:
                yield Exclusion(_why_no_move(movement, moved, amount), facts)
        yield from _without_effect(CHANGE)(view)

    return exclusions


def _why_no_stay(view: View, movement: Movement) -> str:
    if movement.arrival is not None or movement.departure is not None:
        return f"became active or inactive in the same {_bucket(view)}, which holds the change"
    each = movement.after.subscriptions
    return f"not active: {_without(view, each[0])}" if each else "not active"


def _why_no_move(movement: Movement, moved: int, amount: Callable[[Standing], int]) -> str:
    was = {each.id: each.full_mrr for each in movement.before.counting}
    now = {each.id: each.full_mrr for each in movement.after.counting}
    moves = [now.get(name, 0) - was.get(name, 0) for name in {*was, *now}]
    end = "stayed" if not moved else "went the other way"
    if min(moves) < 0 < max(moves):
        return f"the MRR rose in one subscription and fell in another: together it {end}"
    if not moved and movement.after.mrr != movement.before.mrr and amount is _full_mrr:
        return "a pause or its end moved the MRR, and no price"
    return f"the MRR {end}"


def _mrr(standing: Standing) -> int:
    return standing.mrr


def _full_mrr(standing: Standing) -> int:
    return standing.full_mrr


def _started(view: View) -> Iterator[Exclusion]:
    for step in view.inside:
        if step.fact.KIND not in (SIGNUP, CHANGE, RESUME):
            continue
        named, each = subscription_text(step.fact.subscription), step.after.find(step.fact.subscription)
        assert each is not None, "all but a cancel leave their subscription open"
        if not each.counts:
            yield Exclusion(f"{named} is open, but does not count: {_without(view, each)}", (step.fact,))
        elif step.fact.KIND == SIGNUP:
            why = f"{named} counted at the start of the {_bucket(view)}, or no longer at its end"
            yield Exclusion(why, (step.fact,))
    yield from _without_effect(SIGNUP)(view)


def _ended(view: View) -> Iterator[Exclusion]:
    for step in view.inside:
        if step.fact.KIND not in (CANCEL, PAUSE):
            continue
        named, known = subscription_text(step.fact.subscription), step.before.find(step.fact.subscription)
        assert known is not None, "what has an effect finds its subscription open"
        if not known.counts:
            yield Exclusion(f"{named} did not count: {_without(view, known)}", (step.fact,))
        elif step.fact.KIND == CANCEL:
            why = f"{named} did not count at the start of the {_bucket(view)}, or counts again at its end"
            yield Exclusion(why, (step.fact,))
        else:
            yield Exclusion(f"{named} is paused, and counts all the same", (step.fact,))
    yield from _without_effect(CANCEL)(view)


# ------------------------------------------------------------------------- the first signup and the first trial


def _unripe(view: View, after_ms: int, what: str) -> Iterator[Exclusion]:
    first, end_ms = view.first, view.window.end_ms
    if first is not None and first.at_ms < end_ms <= first.at_ms + after_ms:
        yield Exclusion(f"signed up, but the {what} day is not over at {{end}}", (first,))


def _matured(view: View) -> Iterator[Exclusion]:
    yield from _unripe(view, WEEK_MS, "seventh")


def _dropoff_cancelled(view: View) -> Iterator[Exclusion]:
    first = view.first
    if first is not None and view.holds(first.at_ms + WEEK_MS):
        then = view.standing(first.at_ms + WEEK_MS)
        if not view.end.is_open:
            why = "left, but had an open subscription seven days after the first signup"
            yield Exclusion(why, (first, *view.end_facts))
        elif not then.active:
            why = "not active seven days after the first signup, but with an open subscription"
            yield from _open(view, then, why, first.at_ms + WEEK_MS)
    yield from _matured(view)


def _silent_matured(view: View) -> Iterator[Exclusion]:
    first = view.first
    if first is not None and view.holds(first.at_ms + FORTNIGHT_MS) and not is_open_after_a_week(view, first.at_ms):
        yield Exclusion("no open subscription seven days after the first signup", (first,))
    yield from _unripe(view, FORTNIGHT_MS, "fourteenth")


def _silent(view: View) -> Iterator[Exclusion]:
    first = view.first
    if first is None:
        return
    matured = view.holds(first.at_ms + FORTNIGHT_MS) and is_open_after_a_week(view, first.at_ms)
    if matured and is_lively(view, first.at_ms):
        yield Exclusion("activity or an answered survey from day seven to day fourteen", (first,))
    yield from _silent_matured(view)


def _onboarded(view: View) -> Iterator[Exclusion]:
    first = view.first
    if first is not None and view.holds(first.at_ms + WEEK_MS) and not is_onboarded(view, first.at_ms):
        late = any(at_ms >= first.at_ms + WEEK_MS for at_ms in view.customer.onboarded)
        yield Exclusion("onboarding completed too late" if late else "no onboarding completed", (first,))
    yield from _matured(view)


def _trials(view: View) -> Iterator[Exclusion]:
    found, after_ms = first_trial(view.steps), view.what.trial_ms
    if found is None:
        return
    if view.trial is None:
        if view.holds(found.at_ms + after_ms):
            yield Exclusion("a customer before the first trial", (found,))
    elif found.at_ms < view.window.end_ms <= found.at_ms + after_ms:
        yield Exclusion(f"the {view.what.trial_days} days after the first trial are not over at {{end}}", (found,))


def _converted(view: View) -> Iterator[Exclusion]:
    trial, days = view.trial, view.what.trial_days
    if trial is not None and view.holds(trial.at_ms + view.what.trial_ms):
        active = [step.fact for step in view.steps if step.after.active]
        if not active:
            yield Exclusion("not active after the first trial", (trial,))
        elif active[0].at_ms >= trial.at_ms + view.what.trial_ms:
            yield Exclusion(f"active later than {days} days after the first trial", (trial, active[0]))
    yield from _trials(view)


# ------------------------------------------------------------------------- engagement, surveys, renewals


def _engaged(view: View) -> Iterator[Exclusion]:
    answered = tuple(item for item in view.feedback if item.code in ANSWERED)
    if view.end.active and not answered and not view.active_buckets:
        yield Exclusion("active at {end}, but no activity and no answered survey in the window", view.end_facts)
    elif not view.end.active and (answered or view.active_buckets):
        yield Exclusion(
            "activity or an answered survey in the window, but not active at {end}", (*view.end_facts, *answered)
        )


def _other_notes(counted: Iterable[int], among: Iterable[int], why: str, *, renewals: bool = False) -> Exclusions:
    wanted = frozenset(among) - frozenset(counted)

    def exclusions(view: View) -> Iterator[Exclusion]:
        for item in view.feedback if view.customer.feedback else ():
            if (item.code >= RENEWAL_BASE) == renewals and CLASS[item.code] in wanted:
                yield Exclusion(why, (item,))

    return exclusions


_ANSWERS: Final = codes.classes_of("answered")
_SURVEYS: Final = range(codes.DECLINED)
_NPS: Final = (*codes.PROMOTERS, *codes.PASSIVES, *codes.DETRACTORS)
_CSAT: Final = (*codes.SATISFIED, *codes.UNSATISFIED)
_NPS_WHY: Final = "an NPS answer with another score"


def _status(status: str, why: str) -> Exclusions:
    return _other_notes(codes.classes_of(status), _SURVEYS, why)


def _renewals(code: int) -> Exclusions:
    return _other_notes((code,), range(codes.DECLINED, codes.CLASSES), "a term with another outcome", renewals=True)


def _revoked(view: View) -> Iterator[Exclusion]:
    for fact in view.revoked(CHANGE, PAUSE, RESUME, CANCEL):
        yield Exclusion("revoked, so it is not looked at", (fact,))


EXCLUSIONS: Final[Mapping[str, Exclusions]] = {
    "customers_active": _active,
    "customers_at_start": _at_start,
    "customers_lost": _lost,
    "customers_retained": _retained,
    "signups": _signups,
    "customers_new": _new,
    "customers_reactivated": _reactivated,
    "cancellations": _stayed,
    "cancellations_involuntary": _involuntary,
    "cancellations_of_new": _of_new,
    "upgrades": _changes(1, _full_mrr),
    "downgrades": _changes(-1, _full_mrr),
    "dropoff_matured": _matured,
    "dropoff_cancelled": _dropoff_cancelled,
    "dropoff_silent_matured": _silent_matured,
    "dropoff_silent": _silent,
    "onboarding_matured": _matured,
    "onboarding_completed": _onboarded,
    "trials_matured": _trials,
    "trials_converted": _converted,
    "customers_engaged": _engaged,
    "renewals_renewed": _renewals(codes.RENEWED),
    "renewals_declined": _renewals(codes.DECLINED),
    "renewals_failed": _renewals(codes.FAILED),
    "customers_paused": _paused,
    "customers_with_several": _several,
    "subscriptions_active": _active,
    "subscriptions_started": _started,
    "subscriptions_ended": _ended,
    "subscription_mrr": _active,
    "mrr": _active,
    "mrr_at_start": _at_start,
    "mrr_retained_gross": _retained,
    "mrr_retained_net": _retained,
    "mrr_new": _new,
    "mrr_expansion": _changes(1, _mrr),
    "mrr_contraction": _changes(-1, _mrr),
    "mrr_churned": _stayed,
    "mrr_reactivated": _reactivated,
    "survey_sent": _status("sent", "a survey of the window that is not noted as sent"),
    "survey_answered": _status("answered", "a survey of the window that was not answered"),
    "survey_dismissed": _status("dismissed", "a survey of the window that was not dismissed"),
    "nps_promoters": _other_notes(codes.PROMOTERS, _NPS, _NPS_WHY),
    "nps_passives": _other_notes(codes.PASSIVES, _NPS, _NPS_WHY),
    "nps_detractors": _other_notes(codes.DETRACTORS, _NPS, _NPS_WHY),
    "csat_satisfied": _other_notes(codes.SATISFIED, _CSAT, "a CSAT answer from 1 to 3"),
    "csat_answered": _other_notes(_CSAT, _ANSWERS, "an answer to another kind of survey"),
    "facts_without_effect": _revoked,
}
"""The near exclusions of each count of `schemas.catalogue.counts`, by name."""
