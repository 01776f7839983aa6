"""Members of each count of the catalogue, with the facts that make them members, straight from its definition.

Independent of `kpis.rows` and `kpis.counting` on purpose: the sum over members must equal what those make of the same
facts, and `tenure explain` compares the two each time.
Definitions: docs/definitions.md, section Counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from kpis.customer import feedback_codes as codes
from kpis.customer.facts import PAUSE, REVOKE, WORDS
from kpis.customer.feedback_codes import ANSWERED, CLASS
from kpis.customer.movements import Movement, is_involuntary
from kpis.customer.timeline import FORTNIGHT_MS, WEEK_MS, Step, Subscription, is_active_within
from kpis.instants import instant_text
from kpis.members.fact_texts import subscription_text
from kpis.members.view import Mention, View


class Membership(NamedTuple):
    """A customer's share of a count, by one fact or by where they stand."""

    #: count, or minor units
    amount: int
    #: the plan that decides in segments by plan, as a number
    plan: int
    #: the rule that included it; `{start}` and `{end}` stand for the ends of the window
    why: str
    facts: tuple[Mention, ...]
    #: of a count that is told by kind: which
    kind: str = ""


Memberships = Callable[[View], Iterator[Membership]]

# ------------------------------------------------------------------------- where customers stand


def _active(view: View) -> Iterator[Membership]:
    if view.end.active:
        yield Membership(1, view.end.plan, "active at {end}", view.end_facts)


def _mrr(view: View) -> Iterator[Membership]:
    if view.end.active:
        yield Membership(view.end.mrr, view.end.plan, "MRR at {end}", view.end_facts)


def _at_start(view: View) -> Iterator[Membership]:
    if view.start.active:
        yield Membership(1, view.start.plan, "active at {start}", view.start_facts)


def _mrr_at_start(view: View) -> Iterator[Membership]:
    if view.start.active:
        yield Membership(view.start.mrr, view.start.plan, "MRR at {start}", view.start_facts)


def _lost(view: View) -> Iterator[Membership]:
    if view.start.active and not view.end.active:
        yield Membership(1, view.start.plan, "active at {start}, not active at {end}", _both(view))


def _retained(view: View) -> Iterator[Membership]:
    if view.start.active and view.end.active:
        yield Membership(1, view.start.plan, "active at {start} and at {end}", _both(view))


def _retained_gross(view: View) -> Iterator[Membership]:
    if view.start.active and view.end.active:
        least = min(view.start.mrr, view.end.mrr)
        yield Membership(least, view.start.plan, "the smaller of the MRR at {start} and at {end}", _both(view))


def _retained_net(view: View) -> Iterator[Membership]:
    if view.start.active and view.end.active:
        yield Membership(view.end.mrr, view.start.plan, "active at {start}; MRR at {end}", _both(view))


def _both(view: View) -> tuple[Mention, ...]:
    later = [fact for fact in view.end_facts if fact not in view.start_facts]
    return (*view.start_facts, *later)


def _paused(view: View) -> Iterator[Membership]:
    if view.end.is_paused:
        why = "paused at {end}, and nothing counts that is not paused"
        paused = [each for each in view.end.subscriptions if each.is_paused and each.would_count]
        yield Membership(1, view.end.plan, why, _of_subscriptions(view, paused))


def _several(view: View) -> Iterator[Membership]:
    if view.end.has_several:
        counting = view.end.counting
        yield Membership(1, view.end.plan, f"{len(counting)} subscriptions that count at {{end}}", view.end_facts)


def _of_subscriptions(view: View, subscriptions: list[Subscription]) -> tuple[Mention, ...]:
    return tuple(fact for each in subscriptions for fact in view.facts_of(each.id, view.window.end_ms))


def _subscriptions(view: View) -> Iterator[Membership]:
    for each in view.end.counting:
        yield Membership(1, each.plan, "a subscription that counts at {end}", _of_subscriptions(view, [each]))


def _subscription_mrr(view: View) -> Iterator[Membership]:
    for each in view.end.counting:
        yield Membership(each.mrr, each.plan, "MRR of a subscription at {end}", _of_subscriptions(view, [each]))


# ------------------------------------------------------------------------- what moves in the window


def _facts_of(view: View, movement: Movement) -> tuple[Mention, ...]:
    return tuple(step.fact for step in view.steps_in(movement))


def _arrivals(why: str, *, back: bool, money: bool = False) -> Memberships:
    """Return the shares of customers who became active, for the first time or back again."""

    def shares(view: View) -> Iterator[Membership]:
        for movement in view.movements:
            if movement.arrival is not None and movement.is_known == back:
                arrived = movement.arrived
                yield Membership(arrived.mrr if money else 1, arrived.plan, why, (movement.arrival.fact,))

    return shares


def _departures(why: str, *, chosen: Callable[[View, Step], bool] | None = None, money: bool = False) -> Memberships:
    """Return the shares of cancellations, or of some: `chosen` takes the fact that made the customer inactive."""

    def shares(view: View) -> Iterator[Membership]:
        for movement in view.movements:
            if movement.departure is not None and (chosen is None or chosen(view, movement.departure)):
                departed = movement.departed
                yield Membership(departed.mrr if money else 1, departed.plan, why, (movement.departure.fact,))

    return shares


def _involuntary(_: View, departure: Step) -> bool:
    return is_involuntary(departure)


def _of_new(view: View, _: Step) -> bool:
    return not view.start.active


def _changes(sign: int, why: str) -> Memberships:
    """Return the buckets in which a customer who stayed active paid more (1) or less (-1), pauses left aside."""

    def shares(view: View) -> Iterator[Membership]:
        for movement in view.movements:
            if movement.stays and (movement.after.full_mrr - movement.before.full_mrr) * sign > 0:
                yield Membership(1, movement.before.plan, why, _facts_of(view, movement))

    return shares


def _growth(sign: int, why: str) -> Memberships:
    """Return by how much the MRR of customers who stayed active rose (1) or fell (-1)."""

    def shares(view: View) -> Iterator[Membership]:
        for movement in view.movements:
            amount = (movement.after.mrr - movement.before.mrr) * sign
            if movement.stays and amount > 0:
                yield Membership(amount, movement.before.plan, why, _facts_of(view, movement))

    return shares


def _begun(view: View) -> Iterator[Membership]:
    for movement in view.movements:
        counted = {each.id for each in movement.before.counting}
        for each in movement.after.counting:
            if each.id not in counted:
                yield Membership(
                    1, each.plan, "a subscription that began to count in the window", _own(view, movement, each)
                )


def _ended(view: View) -> Iterator[Membership]:
    for movement in view.movements:
        counting = {each.id for each in movement.after.counting}
        for each in movement.before.counting:
            if each.id not in counting:
                yield Membership(
                    1, each.plan, "a subscription that ceased to count in the window", _own(view, movement, each)
                )


def _own(view: View, movement: Movement, subscription: Subscription) -> tuple[Mention, ...]:
    """Return the facts of a movement's bucket that are a subscription's own."""
    return tuple(step.fact for step in view.steps_in(movement) if step.fact.subscription == subscription.id)


# ------------------------------------------------------------------------- the first signup and the first trial


def _signups(view: View) -> Iterator[Membership]:
    first = view.first
    if first is not None and view.holds(first.at_ms):
        yield Membership(1, first.plan, "the first signup lies in the window", (first,))


def _matured(why: str, after_ms: int, chosen: Callable[[View, int], bool] | None = None) -> Memberships:
    """Return the first signups so long after which an instant of the window lies, or some of them.

    `chosen` takes the event time of the first signup (ms since 1970).
    """

    def shares(view: View) -> Iterator[Membership]:
        first = view.first
        if first is None or not view.holds(first.at_ms + after_ms):
            return
        if chosen is None or chosen(view, first.at_ms):
            yield Membership(1, first.plan, why, (first,))

    return shares


def is_open_after_a_week(view: View, first_ms: int) -> bool:
    """Return whether a subscription is open seven days after the first signup."""
    return view.standing(first_ms + WEEK_MS).is_open


def _dropoff_cancelled(view: View) -> Iterator[Membership]:
    first = view.first
    if first is not None and view.holds(first.at_ms + WEEK_MS) and not is_open_after_a_week(view, first.at_ms):
        ends = [step.fact for step in view.steps if first.at_ms <= step.fact.at_ms < first.at_ms + WEEK_MS]
        why = "no open subscription seven days after the first signup"
        yield Membership(1, first.plan, why, (first, *(fact for fact in ends[-1:] if fact is not first)))


def is_lively(view: View, first_ms: int) -> bool:
    """Return whether there is activity or an answered survey in the second week after the first signup."""
    return view.lived_between(first_ms + WEEK_MS, first_ms + FORTNIGHT_MS)


def is_onboarded(view: View, first_ms: int) -> bool:
    """Return whether onboarding was completed in the first week."""
    return any(first_ms <= at_ms < first_ms + WEEK_MS for at_ms in view.customer.onboarded)


def _trials_matured(view: View) -> Iterator[Membership]:
    trial = view.trial
    if trial is not None and view.holds(trial.at_ms + view.what.trial_ms):
        why = f"{view.what.trial_days} days after the first trial lie in the window; not a customer before it"
        yield Membership(1, trial.plan, why, (trial,))


def _trials_converted(view: View) -> Iterator[Membership]:
    trial = view.trial
    if trial is None or not view.holds(trial.at_ms + view.what.trial_ms):
        return
    if is_active_within(view.steps, trial.at_ms, trial.at_ms + view.what.trial_ms):
        made = next(step.fact for step in view.steps if step.after.active and step.fact.at_ms >= trial.at_ms)
        yield Membership(1, trial.plan, f"active within {view.what.trial_days} days of the first trial", (trial, made))


# ------------------------------------------------------------------------- engagement, surveys, renewals


def _engaged(view: View) -> Iterator[Membership]:
    if not view.end.active:
        return
    answered = [item for item in view.feedback if item.code in ANSWERED]
    hours = view.active_buckets
    if answered or hours:
        why = "active at {end}, with " + _hours_text(view, hours) if hours else "active at {end}, with answered surveys"
        yield Membership(1, view.end.plan, why, (*view.end_facts, *answered))


def _hours_text(view: View, buckets: list[int]) -> str:
    """Return the buckets with activity in words: the state remembers them, and not where their records lie."""
    minutes = view.window.bucket_ms // 60_000
    first, last = (instant_text(bucket * view.window.bucket_ms) for bucket in (buckets[0], buckets[-1]))
    length = "" if minutes == 60 else f" of {minutes} minutes"
    kind = "hour" if minutes == 60 else "bucket"
    if len(buckets) == 1:
        return f"activity in the {kind}{length} from {first}"
    return f"activity in {len(buckets):,} {kind}s{length} from {first} to {last}"


def _feedback(*classes: int, why: str) -> Memberships:
    chosen = frozenset(classes)

    def shares(view: View) -> Iterator[Membership]:
        if view.customer.feedback:
            for item in view.feedback:
                if CLASS[item.code] in chosen:
                    yield Membership(1, view.plan_of_feedback(item), why, (item,))

    return shares


# ------------------------------------------------------------------------- what is without effect


def _without_effect(view: View) -> Iterator[Membership]:
    for step in view.without_effect:
        yield Membership(1, 0, why_without_effect(view, step), (step.fact,), WORDS[step.fact.KIND])
    for each in view.revocations_without_effect:
        whose = "its source" if each.names_source else "any of the default sources"
        why = f"a revoke of id {each.revokes}, which no event of {whose} has"
        yield Membership(1, 0, why, (each,), WORDS[REVOKE])


def why_without_effect(view: View, step: Step) -> str:
    """Return why a fact has no effect."""
    fact = step.fact
    known = step.before.find(fact.subscription)
    others = ", ".join(each.id or "one without an id" for each in step.before.subscriptions)
    state = f"which {view.closed_as(fact)}"
    state += f"; open were: {others}" if others else ""
    if known is not None:
        state = "which was paused already" if fact.KIND == PAUSE else "which was not paused then"
    return f"a {WORDS[fact.KIND]} of {subscription_text(fact.subscription)}, {state}"


# -------------------------------------------------------------------------

_NEW: Final = "became active for the first time in the window"
_BACK: Final = "became active again in the window"
_LEFT: Final = "became inactive in the window"
_MORE: Final = "stayed active and paid more at the end of a bucket than at its start"
_LESS: Final = "stayed active and paid less at the end of a bucket than at its start"
_ROSE: Final = "stayed active, and the MRR rose over a bucket"
_FELL: Final = "stayed active, and the MRR fell over a bucket"
_SEVENTH: Final = "the first seven days ended in the window"

MEMBERSHIPS: Final[Mapping[str, Memberships]] = {
    "customers_active": _active,
    "customers_at_start": _at_start,
    "customers_lost": _lost,
    "customers_retained": _retained,
    "signups": _signups,
    "customers_new": _arrivals(_NEW, back=False),
    "customers_reactivated": _arrivals(_BACK, back=True),
    "cancellations": _departures(_LEFT),
    "cancellations_involuntary": _departures(f"{_LEFT}, not of their own will", chosen=_involuntary),
    "cancellations_of_new": _departures(f"{_LEFT}, not active at {{start}}", chosen=_of_new),
    "upgrades": _changes(1, _MORE),
    "downgrades": _changes(-1, _LESS),
    "dropoff_matured": _matured(_SEVENTH, WEEK_MS),
    "dropoff_cancelled": _dropoff_cancelled,
    "dropoff_silent_matured": _matured(
        "a subscription open seven days after the first signup; the fourteenth day ended in the window",
        FORTNIGHT_MS,
        is_open_after_a_week,
    ),
    "dropoff_silent": _matured(
        "no activity and no answered survey from day seven to day fourteen after the first signup",
        FORTNIGHT_MS,
        lambda view, first_ms: is_open_after_a_week(view, first_ms) and not is_lively(view, first_ms),
    ),
    "onboarding_matured": _matured(_SEVENTH, WEEK_MS),
    "onboarding_completed": _matured("onboarding completed in the first seven days", WEEK_MS, is_onboarded),
    "trials_matured": _trials_matured,
    "trials_converted": _trials_converted,
    "customers_engaged": _engaged,
    "renewals_renewed": _feedback(codes.RENEWED, why="a term that was renewed in the window"),
    "renewals_declined": _feedback(codes.DECLINED, why="a term that the customer ended in the window"),
    "renewals_failed": _feedback(codes.FAILED, why="a term whose renewal failed in the window"),
    "customers_paused": _paused,
    "customers_with_several": _several,
    "subscriptions_active": _subscriptions,
    "subscriptions_started": _begun,
    "subscriptions_ended": _ended,
    "subscription_mrr": _subscription_mrr,
    "mrr": _mrr,
    "mrr_at_start": _mrr_at_start,
    "mrr_retained_gross": _retained_gross,
    "mrr_retained_net": _retained_net,
    "mrr_new": _arrivals(_NEW, back=False, money=True),
    "mrr_expansion": _growth(1, _ROSE),
    "mrr_contraction": _growth(-1, _FELL),
    "mrr_churned": _departures(_LEFT, money=True),
    "mrr_reactivated": _arrivals(_BACK, back=True, money=True),
    "survey_sent": _feedback(*codes.classes_of("sent"), why="a survey sent in the window"),
    "survey_answered": _feedback(*codes.classes_of("answered"), why="a survey answered in the window"),
    "survey_dismissed": _feedback(*codes.classes_of("dismissed"), why="a survey dismissed in the window"),
    "nps_promoters": _feedback(*codes.PROMOTERS, why="an NPS answer of 9 or 10 in the window"),
    "nps_passives": _feedback(*codes.PASSIVES, why="an NPS answer of 7 or 8 in the window"),
    "nps_detractors": _feedback(*codes.DETRACTORS, why="an NPS answer from 0 to 6 in the window"),
    "csat_satisfied": _feedback(*codes.SATISFIED, why="a CSAT answer of 4 or 5 in the window"),
    "csat_answered": _feedback(*codes.SATISFIED, *codes.UNSATISFIED, why="a CSAT answer in the window"),
    "facts_without_effect": _without_effect,
}
"""The shares of each count of `schemas.catalogue.counts`, by name."""
