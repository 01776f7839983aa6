"""One customer's timeline: its lifecycle facts one by one, its state after each, and its movements by bucket.

Definitions: section 2 (a subscription's timeline, the customer at an instant, movements).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from tests.recount.events import Event
from tests.recount.options import Options
from tests.recount.subscriptions import Subscription, after_fact, has_effect

NO_VALUE = "none"


@dataclass(frozen=True)
class State:
    """A customer at an instant.

    Attributes:
        subscriptions: Those that are not closed, by id.
        closed_plan: The plan where all are closed: the one before the last was closed.
    """

    subscriptions: Mapping[str, Subscription]
    closed_plan: str

    @cached_property
    def counting(self) -> tuple[Subscription, ...]:
        """The subscriptions that count."""
        return tuple(each for each in self.subscriptions.values() if each.counts)

    @property
    def active(self) -> bool:
        """Whether a subscription counts."""
        return bool(self.counting)

    @property
    def open(self) -> bool:
        """Whether a subscription is not closed."""
        return bool(self.subscriptions)

    @cached_property
    def mrr_minor(self) -> int:
        """The sum over the subscriptions that count."""
        return sum(each.mrr_minor for each in self.counting)

    @cached_property
    def full_mrr_minor(self) -> int:
        """The same with paused ones at their full price."""
        return sum(each.full_mrr_minor for each in self.counting)

    @cached_property
    def plan(self) -> str:
        """The plan of the leading subscription."""
        if self.counting:
            return min(self.counting, key=lambda each: (-each.mrr_minor, each.counting_since_ms, each.id)).plan
        if self.subscriptions:
            return min(self.subscriptions.values(), key=lambda each: (each.open_since_ms, each.id)).plan
        return self.closed_plan

    @property
    def paused(self) -> bool:
        """Whether one is paused that would count were it not, and none counts without being paused."""
        would = any(each.phase == "paused" and each.would_count for each in self.subscriptions.values())
        return would and not any(each.phase == "open" for each in self.counting)


NOTHING = State({}, NO_VALUE)


@dataclass(frozen=True)
class Step:
    """One lifecycle fact, and the customer before and after it."""

    fact: Event
    before: State
    after: State
    has_effect: bool


@dataclass(frozen=True, kw_only=True)
class Movement:
    """A customer's movement in one bucket.

    Attributes:
        name: `new`, `reactivation`, `cancellation`; of who stays active `upgrade`, `downgrade`, or `stay`.
        bucket_start_ms: Begin of the bucket (milliseconds since 1970).
        fact_ms: Of new and reactivation the event time of the first fact of the bucket after which the customer was
            active; of a cancellation that of the fact that made it inactive last; else the bucket's begin.
        plan: The plan by which the movement is segmented.
        mrr_minor: What a new or reactivated customer brings, or a cancelled one takes along.
        expansion_minor: What the MRR rose, of who stays active.
        contraction_minor: What it fell.
        reason: Of a cancellation.
        involuntary: Of a cancellation.
    """

    name: str
    bucket_start_ms: int
    fact_ms: int
    plan: str
    mrr_minor: int = 0
    expansion_minor: int = 0
    contraction_minor: int = 0
    reason: str = ""
    involuntary: bool = False


@dataclass(frozen=True)
class SubscriptionMovement:
    """A subscription that began (`started`) or ceased (`ended`) to count over one bucket, with its own plan."""

    name: str
    bucket_start_ms: int
    plan: str


class Timeline:
    """The lifecycle of one customer.

    Attributes:
        steps: Every lifecycle fact in order, those without effect too.
    """

    def __init__(self, facts: Iterable[Event], options: Options) -> None:
        """Drive the machines with the facts, in their order."""
        self._options = options
        self.steps = _steps(facts, options)
        self._times_ms = [step.fact.at_ms for step in self.steps]

    def state_at(self, instant_ms: int) -> State:
        """Return the state after all facts with an event time before the instant."""
        count = bisect_left(self._times_ms, instant_ms)
        return self.steps[count - 1].after if count else NOTHING

    @cached_property
    def first_signup(self) -> Event | None:
        """The first of the signups."""
        return next((step.fact for step in self.steps if step.fact.kind == "signup"), None)

    @cached_property
    def first_trial(self) -> Event | None:
        """The first signup or change with `trial` that has an effect."""
        return next((step.fact for step in self.steps if step.has_effect and step.fact.trial), None)

    @cached_property
    def first_active_ms(self) -> int | None:
        """The event time of the fact after which the customer was first active."""
        return next((step.fact.at_ms for step in self.steps if step.after.active), None)

    def is_active_after_fact(self, start_ms: int | None, end_ms: int) -> bool:
        """Return whether the customer is active after a fact with event time in [start_ms, end_ms)."""
        return any(
            step.after.active
            for step in self.steps
            if (start_ms is None or start_ms <= step.fact.at_ms) and step.fact.at_ms < end_ms
        )

    @cached_property
    def movements(self) -> list[Movement]:
        """The movements of all buckets, by bucket."""
        found: list[Movement] = []
        was_active = False
        for start_ms, steps in self._buckets():
            found += _movements(start_ms, steps, was_active=was_active)
            was_active = was_active or any(step.after.active for step in steps)
        return found

    @cached_property
    def subscription_movements(self) -> list[SubscriptionMovement]:
        """The subscriptions that started or ended, of all buckets."""
        found = []
        for start_ms, steps in self._buckets():
            before = {each.id: each.plan for each in steps[0].before.counting}
            after = {each.id: each.plan for each in steps[-1].after.counting}
            found += [SubscriptionMovement("started", start_ms, after[each]) for each in sorted(after.keys() - before)]
            found += [SubscriptionMovement("ended", start_ms, before[each]) for each in sorted(before.keys() - after)]
        return found

    def _buckets(self) -> list[tuple[int, list[Step]]]:
        """Return the facts of each bucket that has some, with the bucket's begin."""
        bucket_ms = self._options.bucket_ms
        grouped = groupby(self.steps, key=lambda step: step.fact.at_ms // bucket_ms * bucket_ms)
        return [(start_ms, list(steps)) for start_ms, steps in grouped]


def _steps(facts: Iterable[Event], options: Options) -> list[Step]:
    steps: list[Step] = []
    state = NOTHING
    ordered = sorted(facts, key=Event.order_in_timeline)
    for _, same in groupby(ordered, key=lambda fact: (fact.at_ms, fact.sequence)):
        together = list(same)
        # Of one event time and sequence, a cancel comes first if its subscription is not closed just before them.
        first = [fact for fact in together if fact.kind == "cancel" and fact.subscription_id in state.subscriptions]
        for fact in [*first, *(fact for fact in together if fact not in first)]:
            step = _step(state, fact, options)
            steps.append(step)
            state = step.after
    return steps


def _step(before: State, fact: Event, options: Options) -> Step:
    subscription = before.subscriptions.get(fact.subscription_id)
    if not has_effect(subscription, fact):
        return Step(fact, before, before, has_effect=False)
    subscriptions = dict(before.subscriptions)
    after = after_fact(subscription, fact, options)
    if after is None:
        del subscriptions[fact.subscription_id]
    else:
        subscriptions[fact.subscription_id] = after
    return Step(fact, before, State(subscriptions, before.plan), has_effect=True)


def _movements(start_ms: int, steps: list[Step], *, was_active: bool) -> list[Movement]:
    """Return the movements of one bucket, by the table of movements."""
    before, after = steps[0].before, steps[-1].after
    if before.active and after.active:
        return [_stay(start_ms, before, after)]
    came = [step for step in steps if step.after.active]
    went = [step for step in steps if step.before.active and not step.after.active]
    arrival = "reactivation" if was_active else "new"
    if after.active:
        return [_arrival(arrival, start_ms, came[0], after)]
    if before.active:
        return [_departure(start_ms, went[-1], before)]
    if came:
        last = went[-1].before
        return [_arrival(arrival, start_ms, came[0], last), _departure(start_ms, went[-1], last)]
    return []


def _stay(start_ms: int, before: State, after: State) -> Movement:
    name = "stay"
    if after.full_mrr_minor > before.full_mrr_minor:
        name = "upgrade"
    if after.full_mrr_minor < before.full_mrr_minor:
        name = "downgrade"
    return Movement(
        name=name,
        bucket_start_ms=start_ms,
        fact_ms=start_ms,
        plan=before.plan,
        expansion_minor=max(0, after.mrr_minor - before.mrr_minor),
        contraction_minor=max(0, before.mrr_minor - after.mrr_minor),
    )


def _arrival(name: str, start_ms: int, step: Step, state: State) -> Movement:
    return Movement(
        name=name, bucket_start_ms=start_ms, fact_ms=step.fact.at_ms, plan=state.plan, mrr_minor=state.mrr_minor
    )


def _departure(start_ms: int, step: Step, state: State) -> Movement:
    reason, involuntary = _reason_of(step.fact)
    return Movement(
        name="cancellation",
        bucket_start_ms=start_ms,
        fact_ms=step.fact.at_ms,
        plan=state.plan,
        mrr_minor=state.mrr_minor,
        reason=reason,
        involuntary=involuntary,
    )


def _reason_of(fact: Event) -> tuple[str, bool]:
    """Return the reason that a fact gives a cancellation, and whether it was involuntary."""
    if fact.kind == "cancel":
        return fact.reason, fact.involuntary
    if fact.kind == "pause":
        return "paused", False
    assert fact.kind in {"signup", "change"}, f"a {fact.kind} makes nobody inactive"
    return ("trial" if fact.trial else "free_plan"), False
