"""From a log to its customers: which events count, what is revoked, and what became of every record.

Definitions: section 1 (identity); the contract, `revoke` and the JSON of events.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.recount.decoding import decode
from tests.recount.events import (
    DEFAULT_SOURCES,
    IDENTIFIED,
    INSTANTS,
    LIFECYCLE,
    TOUCHPOINTS,
    WITHOUT_CUSTOMER,
    Event,
    Identity,
)
from tests.recount.options import Options
from tests.recount.records import Sent, record_of
from tests.recount.refusals import Reason, RefusedError
from tests.recount.timelines import NO_VALUE, Timeline


@dataclass(frozen=True)
class Customer:
    """All that counts of one customer.

    Attributes:
        segments: The value of every dimension but `plan`, of the first signup.
        surveys: With the plan at the time of each.
        renewals: With the plan at the time of each.
        activities: Instant (milliseconds since 1970) and feature, empty where absent.
        completions_ms: Instants of completed onboarding.
        touchpoints: Contacts, tickets, referrals, exposures and surveys on further scales, earliest first.
        revokes_without_effect_ms: The `time` of each revocation that hits no event.
    """

    id: str
    timeline: Timeline
    segments: Mapping[str, str]
    surveys: tuple[tuple[Event, str], ...]
    renewals: tuple[tuple[Event, str], ...]
    activities: frozenset[tuple[int, str]]
    completions_ms: frozenset[int]
    touchpoints: tuple[Event, ...]
    revokes_without_effect_ms: tuple[int, ...]

    def signs_of_life_ms(self) -> list[int]:
        """Return the instants of activity and of answered surveys."""
        answers = [survey.at_ms for survey, _ in self.surveys if survey.status == "answered"]
        return [*(at_ms for at_ms, _ in self.activities), *answers]


@dataclass
class Fates:
    """Fates of the records: applied, duplicate, test and dead letters add up to all of them.

    Attributes:
        conflict: Of the duplicates, contents beyond the first of each identity.
        mended: Records that count, or are duplicates, by member that was mended.
    """

    applied: int = 0
    duplicate: int = 0
    conflict: int = 0
    test: int = 0
    mended: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[Reason] = field(default_factory=Counter)


@dataclass(frozen=True)
class Book:
    """A log as it was read: customers by id, marks earliest first, and the fates of the records."""

    customers: Mapping[str, Customer]
    marks: tuple[Event, ...]
    fates: Fates
    options: Options


def read(records: Iterable[Sent], options: Options) -> Book:
    """Return the customers that a log of records, in the order of arrival, makes."""
    fates = Fates()
    versions: dict[str, dict[Identity, list[Event]]] = defaultdict(lambda: defaultdict(list))
    instants: dict[str, list[Event]] = defaultdict(list)
    for sent in records:
        try:
            event = decode(record_of(sent), options)
            _sort_in(event, versions, instants, fates, options)
        except RefusedError as refused:
            fates.dead_letters[refused.reason] += 1
    for known in versions.values():
        for events in known.values():
            fates.conflict += len({event.order_among_versions() for event in events}) - 1
    marks = [min(events, key=Event.order_among_versions) for events in versions.pop("", {}).values()]
    ids = sorted(versions.keys() | instants.keys())
    customers = {each: _customer(each, versions[each], instants[each], options) for each in ids}
    return Book(customers, tuple(sorted(marks, key=_by_time)), fates, options)


def _sort_in(
    event: Event,
    versions: dict[str, dict[Identity, list[Event]]],
    instants: dict[str, list[Event]],
    fates: Fates,
    options: Options,
) -> None:
    if event.test:
        fates.test += 1
        return
    if event.kind in INSTANTS:
        instants[event.customer_id].append(event)
        fates.applied += 1
    else:
        known = versions[event.customer_id]
        is_known = event.identity in known
        if not is_known and len(known) >= options.max_facts:
            raise RefusedError(Reason.TOO_MANY_FACTS, event.customer_id)
        known[event.identity].append(event)
        fates.duplicate += is_known
        fates.applied += not is_known
    fates.mended.update(event.mended)


def _customer(
    customer_id: str, versions: Mapping[Identity, list[Event]], instants: list[Event], options: Options
) -> Customer:
    winners = {identity: min(events, key=Event.order_among_versions) for identity, events in versions.items()}
    revocable = {identity for identity, event in winners.items() if event.kind != "revoke"}
    revoked: set[Identity] = set()
    revokes_without_effect_ms = []
    for event in winners.values():
        if event.kind == "revoke":
            hit = revoked_by(event) & revocable
            revoked |= hit
            if not hit:
                revokes_without_effect_ms.append(event.time_ms)
    counting = [winners[identity] for identity in revocable - revoked]
    timeline = Timeline((event for event in counting if event.kind in LIFECYCLE), options)
    first = timeline.first_signup
    values = first.segment_values if first else ("",) * len(options.segment_members)

    def with_plan(kind: str) -> tuple[tuple[Event, str], ...]:
        return tuple((event, timeline.state_at(event.at_ms).plan) for event in counting if event.kind == kind)

    def of_kinds(kinds: tuple[str, ...]) -> list[Event]:
        return [event for event in counting if event.kind in kinds]

    further = [event for event in of_kinds(("survey",)) if not event.is_counted_survey()]
    return Customer(
        id=customer_id,
        timeline=timeline,
        segments={name: value or NO_VALUE for name, value in zip(options.segment_members, values, strict=True)},
        surveys=tuple(each for each in with_plan("survey") if each[0].is_counted_survey()),
        renewals=with_plan("renewal"),
        activities=frozenset((event.at_ms, event.feature) for event in instants if event.kind == "activity"),
        completions_ms=frozenset(event.at_ms for event in instants if event.kind == "onboarding" and event.completed),
        touchpoints=tuple(sorted((*of_kinds(TOUCHPOINTS), *further), key=_by_time)),
        revokes_without_effect_ms=tuple(revokes_without_effect_ms),
    )


def revoked_by(revoke: Event) -> set[Identity]:
    """Return the identities that a revocation names: of its source, or without one of each default source."""
    own = {topic for kind, topic in DEFAULT_SOURCES.items() if kind not in WITHOUT_CUSTOMER}
    sources = {revoke.source} if revoke.names_source else own
    return {(source, revoke.revokes) for source in sources}


def _by_time(event: Event) -> tuple[object, ...]:
    return event.at_ms, event.sequence, IDENTIFIED.index(event.kind), event.known_members(), event.identity
