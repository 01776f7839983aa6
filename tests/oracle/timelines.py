"""From a log to one timeline a customer: who was active when, on which plan, for how much.

Holds the whole log in memory and sorts it; nothing here is incremental.
Definitions: docs/definitions.md, sections 1 and 2.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.oracle.decoding import Event, Reason, RefusedError, decode
from tests.oracle.options import Options

KIND_ORDER = ("signup", "change", "cancel", "revoke", "survey", "renewal")
LIFECYCLE = ("signup", "change", "cancel")


@dataclass(frozen=True)
class State:
    """What is true of a customer at one instant; mrr_minor is in minor units of the default currency."""

    active: bool
    plan: str
    mrr_minor: int


NEVER_ACTIVE = State(active=False, plan="none", mrr_minor=0)


@dataclass(frozen=True)
class Step:
    """What one lifecycle fact did: new, reactivation, upgrade, downgrade, move (equal MRR) or cancellation."""

    effect: str
    fact: Event
    before: State
    after: State

    @property
    def at_ms(self) -> int:
        """The fact's event time (milliseconds since 1970)."""
        return self.fact.occurred_at_ms


@dataclass(frozen=True)
class Timeline:
    """All that counts of one customer.

    Attributes:
        steps: Lifecycle facts that did something, in the order of the sort; ignored facts are not among them.
        attributes: Country, channel and further dimensions of the fact that made the customer new.
        activities_ms: Instants of activity.
        features: The feature of each of those, "" where it has none.
        onboardings_ms: Instants of completed onboarding.
    """

    steps: tuple[Step, ...]
    attributes: Mapping[str, str]
    surveys: tuple[Event, ...]
    renewals: tuple[Event, ...]
    activities_ms: tuple[int, ...]
    onboardings_ms: tuple[int, ...]
    features: tuple[str, ...] = ()

    def state_at(self, instant_ms: int) -> State:
        """Return the state after all facts with an event time before the instant."""
        state = NEVER_ACTIVE
        for step in self.steps:
            if step.at_ms < instant_ms:
                state = step.after
        return state

    def first_signup(self) -> Event | None:
        """Return the fact that made the customer new; None when that never happened."""
        for step in self.steps:
            if step.effect == "new":
                return step.fact
        return None


@dataclass(frozen=True)
class Reading:
    """What was read from a log: valid events without tests and repeats, and how many records met which fate.

    `conflict` is no fate of its own: of each identity, how many different contents there are beyond one.
    """

    timelines: Mapping[str, Timeline]
    applied: int
    duplicate: int
    conflict: int
    test: int
    dead_letters: Mapping[str, int]


def conflict_rank(event: Event) -> tuple[int, int, int, int, tuple[str | int, ...]]:
    """Return what decides between two events of one identity: the smaller counts."""
    assert event.kind in KIND_ORDER, event.kind
    time_of_cancel_ms = event.time_ms if event.kind == "cancel" else 0
    kind = KIND_ORDER.index(event.kind)
    return (event.occurred_at_ms, kind, time_of_cancel_ms, event.sequence, event.own_members())


def lifecycle_rank(event: Event) -> tuple[int, int, int, tuple[str | int, ...]]:
    """Return what orders the lifecycle facts of one customer."""
    return (event.occurred_at_ms, event.sequence, LIFECYCLE.index(event.kind), event.own_members())


def read(log: Iterable[bytes | Mapping[str, object]], options: Options) -> Reading:
    """Decode a log, drop what is refused, repeated, revoked or a test, and build every customer's timeline.

    Args:
        log: Records in the order of arrival.
        options: Settings that validity and conversion depend on.

    Returns:
        The timelines by customer id, and the fate of every record; the four fates add up to the records.
    """
    versions: dict[str, dict[tuple[str, str], list[Event]]] = defaultdict(lambda: defaultdict(list))
    instants: dict[str, list[Event]] = defaultdict(list)
    applied = duplicate = test = 0
    dead_letters = dict.fromkeys(Reason, 0)
    for record in log:
        try:
            event = decode(record, options)
        except RefusedError as refused:
            dead_letters[refused.reason] += 1
            continue
        if event.test:
            test += 1
            continue
        if event.kind in {"activity", "onboarding"}:
            instants[event.customer].append(event)
            applied += 1
            continue
        identity = (event.source, event.id)
        known = versions[event.customer]
        if identity in known:
            duplicate += 1
        elif len(known) >= options.max_facts:
            dead_letters[Reason.TOO_MANY_FACTS] += 1
            continue
        else:
            applied += 1
        known[identity].append(event)
    customers = sorted(versions.keys() | instants.keys())
    return Reading(
        timelines={
            customer: timeline([*counting_facts(versions[customer]), *instants[customer]], options)
            for customer in customers
        },
        applied=applied,
        duplicate=duplicate,
        conflict=sum(
            len({conflict_rank(event) for event in events}) - 1
            for known in versions.values()
            for events in known.values()
        ),
        test=test,
        dead_letters={str(reason): count for reason, count in dead_letters.items()},
    )


def counting_facts(versions: Mapping[tuple[str, str], list[Event]]) -> list[Event]:
    """Return one customer's facts that count: of each identity the smallest version, unless it is revoked.

    A revoke cannot be revoked: naming one is without effect.
    """
    winners = {identity: min(events, key=conflict_rank) for identity, events in versions.items()}
    revoked = {(event.source, event.revokes) for event in winners.values() if event.kind == "revoke"}
    return [event for identity, event in winners.items() if event.kind != "revoke" and identity not in revoked]


def timeline(events: list[Event], options: Options) -> Timeline:
    """Return the timeline that one customer's counting events make."""
    of_kind: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        of_kind[event.kind].append(event)
    steps = lifecycle_steps([*of_kind["signup"], *of_kind["change"], *of_kind["cancel"]])
    names = ("country", "channel", *options.dimensions)
    attributes = dict.fromkeys(names, "none")
    for step in steps:
        if step.effect == "new":
            attributes = dict(zip(names, step.fact.attributes, strict=True))
    return Timeline(
        steps=tuple(steps),
        attributes=attributes,
        surveys=tuple(of_kind["survey"]),
        renewals=tuple(of_kind["renewal"]),
        activities_ms=tuple(event.occurred_at_ms for event in of_kind["activity"]),
        onboardings_ms=tuple(event.occurred_at_ms for event in of_kind["onboarding"] if event.completed),
        features=tuple(event.feature for event in of_kind["activity"]),
    )


def lifecycle_steps(facts: list[Event]) -> list[Step]:
    """Drive the state machine with the sorted facts and return those that did something."""
    steps: list[Step] = []
    was_active = False
    state = NEVER_ACTIVE
    for fact in sorted(facts, key=lifecycle_rank):
        if fact.kind == "signup" and not state.active:
            effect = "reactivation" if was_active else "new"
            after = State(active=True, plan=fact.plan, mrr_minor=fact.mrr_minor)
        elif fact.kind == "change" and state.active:
            effect = "move"
            if fact.mrr_minor > state.mrr_minor:
                effect = "upgrade"
            if fact.mrr_minor < state.mrr_minor:
                effect = "downgrade"
            after = State(active=True, plan=fact.plan, mrr_minor=fact.mrr_minor)
        elif fact.kind == "cancel" and state.active:
            effect = "cancellation"
            after = State(active=False, plan=state.plan, mrr_minor=0)
        else:
            continue
        was_active = True
        steps.append(Step(effect, fact, state, after))
        state = after
    return steps
