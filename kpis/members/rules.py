"""Members of each count of the catalogue, with the facts that make them members, straight from its definition.

Independent of `kpis.rows` and `kpis.counting.cells` on purpose: the sum over members must equal what those make of
the same facts, and `tenure explain` compares the two each time.
Definitions: docs/definitions.md, section Counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from kpis.customer import feedback_codes as codes
from kpis.customer.facts import CANCEL, CHANGE, NEVER, SIGNUP
from kpis.customer.feedback_codes import ANSWERED, CLASS
from kpis.customer.timeline import FORTNIGHT_MS, WEEK_MS, Step
from kpis.instants import instant_text
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


Memberships = Callable[[View], Iterator[Membership]]

# ------------------------------------------------------------------------- where customers stand


def _active(view: View) -> Iterator[Membership]:
    if view.end.active:
        yield Membership(1, view.end.plan, "active at {end}", view.end.facts)


def _mrr(view: View) -> Iterator[Membership]:
    if view.end.active:
        yield Membership(view.end.mrr, view.end.plan, "MRR at {end}", view.end.facts)


def _at_start(view: View) -> Iterator[Membership]:
    if view.start.active:
        yield Membership(1, view.start.plan, "active at {start}", view.start.facts)


def _mrr_at_start(view: View) -> Iterator[Membership]:
    if view.start.active:
        yield Membership(view.start.mrr, view.start.plan, "MRR at {start}", view.start.facts)


def _lost(view: View) -> Iterator[Membership]:
    if view.start.active and not view.end.active:
        facts = (*view.start.facts, *view.end.facts)
        yield Membership(1, view.start.plan, "active at {start}, not active at {end}", facts)


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
    later = [fact for fact in view.end.facts if fact not in view.start.facts]
    return (*view.start.facts, *later)


# ------------------------------------------------------------------------- what happened in the window


def _new(step: Step) -> bool:
    return step.fact[2] == SIGNUP and step.was == NEVER


def _reactivated(step: Step) -> bool:
    return step.fact[2] == SIGNUP and step.was != NEVER


def _cancelled(step: Step) -> bool:
    return step.fact[2] == CANCEL


def _involuntary(step: Step) -> bool:
    return step.fact[2] == CANCEL and step.fact[5] == 1


def _raised(step: Step) -> bool:
    return step.fact[2] == CHANGE and step.next_mrr > step.mrr


def _lowered(step: Step) -> bool:
    return step.fact[2] == CHANGE and step.next_mrr < step.mrr


def _steps(chosen: Callable[[Step], bool], why: str, *, money: bool = False) -> Memberships:
    """Return the shares of effective facts in the window: 1 each, or by how much they moved the MRR."""

    def shares(view: View) -> Iterator[Membership]:
        for step in view.inside:
            if chosen(step):
                plan = step.next_plan if step.fact[2] == SIGNUP else step.plan
                amount = abs(step.next_mrr - step.mrr) if money else 1
                yield Membership(amount, plan, why, (step.fact,))

    return shares


def _of_new(view: View) -> Iterator[Membership]:
    if not view.start.active:
        yield from _steps(_cancelled, "cancelled in the window, not active at {start}")(view)


# ------------------------------------------------------------------------- the first weeks


def _matured(view: View, after_ms: int) -> Step | None:
    """Return the first signup if so long after it lies in the window."""
    first = view.first
    return first if first is not None and view.holds(first.fact[0] + after_ms) else None


def _dropoff_matured(view: View) -> Iterator[Membership]:
    if first := _matured(view, WEEK_MS):
        yield Membership(1, first.next_plan, "the first seven days ended in the window", (first.fact,))


def _dropoff_cancelled(view: View) -> Iterator[Membership]:
    if first := _matured(view, WEEK_MS):
        then = view.standing(first.fact[0] + WEEK_MS)
        if not then.active:
            yield Membership(
                1, first.next_plan, "not active seven days after the first signup", (first.fact, *then.facts)
            )


def _silent_matured(view: View) -> Iterator[Membership]:
    first = _matured(view, FORTNIGHT_MS)
    if first and view.standing(first.fact[0] + WEEK_MS).active:
        why = "active seven days after the first signup; the fourteenth day ended in the window"
        yield Membership(1, first.next_plan, why, (first.fact,))


def _silent(view: View) -> Iterator[Membership]:
    for share in _silent_matured(view):
        first_ms = share.facts[0][0]
        if not view.lived_between(first_ms + WEEK_MS, first_ms + FORTNIGHT_MS):
            why = "no activity and no answered survey from day seven to day fourteen after the first signup"
            yield share._replace(why=why)


def _onboarded(view: View) -> Iterator[Membership]:
    if first := _matured(view, WEEK_MS):
        first_ms = first.fact[0]
        if any(first_ms <= at_ms < first_ms + WEEK_MS for at_ms in view.customer.onboarded):
            yield Membership(1, first.next_plan, "onboarding completed in the first seven days", (first.fact,))


# ------------------------------------------------------------------------- engagement, surveys, renewals


def _engaged(view: View) -> Iterator[Membership]:
    if not view.end.active:
        return
    answered = [item for item in view.feedback if item[1] in ANSWERED]
    hours = view.active_buckets
    if answered or hours:
        why = "active at {end}, with " + _hours_text(view, hours) if hours else "active at {end}, with answered surveys"
        yield Membership(1, view.end.plan, why, (*view.end.facts, *answered))


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
                if CLASS[item[1]] in chosen:
                    yield Membership(1, view.plan_of_feedback(item), why, (item,))

    return shares


def _three(first: int) -> range:
    return range(first, first + 3)


MEMBERSHIPS: Final[Mapping[str, Memberships]] = {
    "customers_active": _active,
    "customers_at_start": _at_start,
    "customers_lost": _lost,
    "customers_retained": _retained,
    "customers_new": _steps(_new, "became a customer in the window"),
    "customers_reactivated": _steps(_reactivated, "came back in the window"),
    "cancellations": _steps(_cancelled, "cancelled in the window"),
    "cancellations_involuntary": _steps(_involuntary, "cancelled in the window, not of their own will"),
    "cancellations_of_new": _of_new,
    "upgrades": _steps(_raised, "a change in the window that raised the MRR"),
    "downgrades": _steps(_lowered, "a change in the window that lowered the MRR"),
    "dropoff_matured": _dropoff_matured,
    "dropoff_cancelled": _dropoff_cancelled,
    "dropoff_silent_matured": _silent_matured,
    "dropoff_silent": _silent,
    "onboarding_matured": _dropoff_matured,
    "onboarding_completed": _onboarded,
    "customers_engaged": _engaged,
    "renewals_renewed": _feedback(codes.RENEWED, why="a term that was renewed in the window"),
    "renewals_declined": _feedback(codes.DECLINED, why="a term that the customer ended in the window"),
    "renewals_failed": _feedback(codes.FAILED, why="a term whose renewal failed in the window"),
    "mrr": _mrr,
    "mrr_at_start": _mrr_at_start,
    "mrr_retained_gross": _retained_gross,
    "mrr_retained_net": _retained_net,
    "mrr_new": _steps(_new, "became a customer in the window", money=True),
    "mrr_expansion": _steps(_raised, "a change in the window that raised the MRR", money=True),
    "mrr_contraction": _steps(_lowered, "a change in the window that lowered the MRR", money=True),
    "mrr_churned": _steps(_cancelled, "cancelled in the window", money=True),
    "mrr_reactivated": _steps(_reactivated, "came back in the window", money=True),
    "survey_sent": _feedback(*range(codes.SENT, codes.DISMISSED), why="a survey sent in the window"),
    "survey_answered": _feedback(*range(codes.PROMOTERS, codes.DECLINED), why="a survey answered in the window"),
    "survey_dismissed": _feedback(*range(codes.DISMISSED, codes.PROMOTERS), why="a survey dismissed in the window"),
    "nps_promoters": _feedback(*_three(codes.PROMOTERS), why="an NPS answer of 9 or 10 in the window"),
    "nps_passives": _feedback(*_three(codes.PASSIVES), why="an NPS answer of 7 or 8 in the window"),
    "nps_detractors": _feedback(*_three(codes.DETRACTORS), why="an NPS answer from 0 to 6 in the window"),
    "csat_satisfied": _feedback(*_three(codes.SATISFIED), why="a CSAT answer of 4 or 5 in the window"),
    "csat_answered": _feedback(*range(codes.SATISFIED, codes.DECLINED), why="a CSAT answer in the window"),
}
"""The shares of each count of `schemas.catalogue.counts`, by name."""
