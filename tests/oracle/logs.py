"""Nasty little logs: few customers, many ties, and everything that producers get wrong.

A pure function of a `random.Random`; no clock. The logs are within the limits of the contract (no customer has too many
facts), so that order of arrival and repetition may not matter to them.
Definitions: docs/events.md; docs/definitions.md, sections 1 and 2.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from tests.oracle.decoding import SOURCES
from tests.oracle.options import DAY_MS, EPOCH, Options, instant_ms
from tests.oracle.refused_records import refused_record

EVERY_TYPE = tuple(SOURCES)
FIRST_TYPES = ("signup", "upgrade", "downgrade", "cancel", "survey")
HOUR_MS = 3_600_000
ENDS = (
    datetime(2024, 3, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2025, 1, 1, tzinfo=UTC),
    datetime(2025, 3, 31, 2, tzinfo=UTC),
    datetime(2025, 11, 1, 3, tzinfo=UTC),
    datetime(2026, 5, 17, 13, tzinfo=UTC),
)
SPANS_HOURS = (2, 26, 8 * 24, 16 * 24, 40 * 24, 100 * 24, 400 * 24, 730 * 24)
OFFSETS_MINUTES = (0, 0, 330, -480, 840, -210, 60)
Members = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How large a log is, and which nasty features it may have; all of them by default.

    Attributes:
        types: Event types that occur. Revokes need both `revoke` here and the switch.
        events: Regular events (count); conflicts, revokes, repeats, tests and bad records come on top.
        customers: Different customers (count).
        spans_hours: Time from the first to the last regular event; one is chosen (hours).
        zones: Business time zone and bucket (minutes); one is chosen.
        ties: Events at the same millisecond, in the same bucket, and on the edges of windows.
        sequences: Members `sequence`, also negative.
        late_cancels: `effective_at` before `time`.
        future_cancels: `effective_at` after `time`, at times beyond the last instant.
        moves: Plan changes with equal MRR.
        conflicts: One identity with different contents, also across types.
        repeats: Events again, byte for byte or written differently.
        revokes: Revokes, also of what never comes, of revokes, and before their target.
        currencies: Foreign currencies, with rates in the options.
        dimensions: Extra dimensions, with their names in the options.
        submilliseconds: Fractions of a second of up to 12 digits, such as .9999999, and leap seconds.
        offsets: Time zone offsets in times.
        tests: Test events.
        bad_records: Records of each dead-letter reason but `too_many_facts`.
        shuffled: Arrival in no order; otherwise regular events come by event time, and all others after them.
    """

    types: tuple[str, ...] = EVERY_TYPE
    events: int = 60
    customers: int = 4
    spans_hours: tuple[int, ...] = SPANS_HOURS
    zones: tuple[tuple[str, int], ...] = (
        ("UTC", 60),
        ("UTC", 60),
        ("Europe/Berlin", 60),
        ("America/Sao_Paulo", 60),
        ("Asia/Kolkata", 30),
    )
    ties: bool = True
    sequences: bool = True
    late_cancels: bool = True
    future_cancels: bool = True
    moves: bool = True
    conflicts: bool = True
    repeats: bool = True
    revokes: bool = True
    currencies: bool = True
    dimensions: bool = True
    submilliseconds: bool = True
    offsets: bool = True
    tests: bool = True
    bad_records: bool = True
    shuffled: bool = True


EVERYTHING = Shape()
PLAIN = Shape(
    zones=(("UTC", 60),),
    ties=False,
    sequences=False,
    late_cancels=False,
    future_cancels=False,
    moves=False,
    conflicts=False,
    repeats=False,
    revokes=False,
    currencies=False,
    dimensions=False,
    submilliseconds=False,
    offsets=False,
    tests=False,
    bad_records=False,
    shuffled=False,
)
FIRST_SLICE = Shape(types=FIRST_TYPES, revokes=False)


@dataclass(frozen=True, kw_only=True)
class Log:
    """A generated log with all that is needed to ask for its numbers.

    Attributes:
        records: In the order of arrival.
        at: Instants worth asking for; bucket boundaries, on whole UTC days when more than a year before the end.
        by: Every dimension there is.
        refusals: How many records must be refused for each reason that occurs.
    """

    records: tuple[bytes, ...]
    at: tuple[datetime, ...]
    by: tuple[str, ...]
    options: Options
    refusals: Mapping[str, int] = field(default_factory=dict)


def generate(random: Random, shape: Shape = EVERYTHING) -> Log:
    """Return a log that depends on nothing but the arguments."""
    writing = _Writing(random, shape)
    for occurred_at_ms in writing.moments():
        writing.events.append(writing.regular_event(occurred_at_ms))
    writing.add_conflicts()
    writing.add_revokes()
    writing.add_tests()
    records = [written(random, members) for members in writing.events]
    if shape.repeats and records:
        for _ in range(random.randint(0, 1 + len(records) // 4)):
            members = random.choice(writing.events)
            records.append(random.choice((random.choice(records), written(random, members | {"note": None}))))
    refusals: Counter[str] = Counter()
    if shape.bad_records:
        for _ in range(random.randint(0, 4)):
            reason, record = refused_record(random, writing.options)
            refusals[reason] += 1
            records.append(record)
    if shape.shuffled:
        random.shuffle(records)
    return Log(
        records=tuple(records),
        at=tuple(writing.at),
        by=("plan", "country", "channel", *writing.options.dimensions),
        options=writing.options,
        refusals=refusals,
    )


def rearranged(records: Sequence[bytes], random: Random) -> list[bytes]:
    """Return the records in another order, some of them several times; each at least once."""
    arrivals = [*records, *random.choices(records, k=random.randint(0, len(records)))] if records else []
    random.shuffle(arrivals)
    return arrivals


def smallest_failing(log: Log, fails: Callable[[Log], bool]) -> Log:
    """Return the log with as many records left out as possible while it still fails; it must fail to begin with."""
    assert fails(log), "only a failing log can be made smaller"
    chunk = max(1, len(log.records) // 2)
    while True:
        start = 0
        while start < len(log.records):
            smaller = replace(log, records=log.records[:start] + log.records[start + chunk :])
            if fails(smaller):
                log = smaller
            else:
                start += chunk
        if chunk == 1:
            return log
        chunk //= 2


def written(random: Random, members: Mapping[str, object]) -> bytes:
    """Return the members as JSON, in any order and with or without spaces and escapes."""
    names = list(members)
    if random.random() < 0.3:
        random.shuffle(names)
    separators = random.choice(((",", ":"), (", ", ": ")))
    shuffled = {name: members[name] for name in names}
    return json.dumps(shuffled, ensure_ascii=random.random() < 0.5, separators=separators).encode()


class _Writing:
    """The log under construction: its settings, instants, and events so far."""

    def __init__(self, random: Random, shape: Shape) -> None:
        self.random = random
        self.shape = shape
        zone, bucket_minutes = random.choice(shape.zones)
        self.options = Options(
            time_zone=zone,
            bucket_minutes=bucket_minutes,
            rates={"EUR": "1.0837", "JPY": "0.0067", "CHF": "0.5", "KWD": "3.255"} if shape.currencies else {},
            dimensions=random.choice(((), ("team",), ("team", "size"))) if shape.dimensions else (),
        )
        self.end_ms = instant_ms(random.choice(ENDS))
        self.start_ms = self.end_ms - random.choice(shape.spans_hours) * HOUR_MS
        self.at = self._instants()
        self.customers = [f"c{number}" for number in range(shape.customers)]
        self.events: list[Members] = []
        self.is_active = dict.fromkeys(self.customers, False)
        self.mrr_minor = dict.fromkeys(self.customers, 0)
        self.ids: Counter[tuple[str, str]] = Counter()

    def _instants(self) -> list[datetime]:
        bucket_ms = self.options.bucket_minutes * 60_000
        instants = [self.end_ms, self.end_ms + self.random.choice((1, 7, 14, 31)) * DAY_MS]
        inside_ms = self.random.randrange(self.start_ms, self.end_ms) // bucket_ms * bucket_ms
        if self.end_ms - inside_ms > 300 * DAY_MS:
            # Instants long ago are answered for day boundaries only, and these are those of UTC.
            inside_ms = inside_ms // DAY_MS * DAY_MS if self.options.time_zone == "UTC" else self.end_ms - 300 * DAY_MS
        return [EPOCH + timedelta(milliseconds=instant) for instant in (*instants, inside_ms)]

    def moments(self) -> list[int]:
        """Return the event times of the regular events (milliseconds since 1970), ascending."""
        moments: list[int] = []
        for _ in range(self.shape.events):
            if self.shape.ties and self.random.random() < 0.6:
                moments.append(self._nasty_moment(moments))
            else:
                moments.append(self.random.randrange(self.start_ms, self.end_ms))
        return sorted(moments)

    def _nasty_moment(self, moments: Sequence[int]) -> int:
        near_ms = self.random.choice((0, 0, -1, 1))
        bucket_ms = self.options.bucket_minutes * 60_000
        if moments and self.random.random() < 0.6:
            earlier_ms = self.random.choice(moments)
            same_bucket_ms = earlier_ms // bucket_ms * bucket_ms + self.random.randrange(bucket_ms)
            later_ms = earlier_ms + self.random.choice((1, 7, 7, 14, 30)) * DAY_MS + near_ms
            soon_ms = earlier_ms + self.random.randrange(16 * DAY_MS)
            return self.random.choice((earlier_ms, earlier_ms, same_bucket_ms, later_ms, soon_ms))
        at_ms = instant_ms(self.random.choice(self.at))
        edge_ms = at_ms - self.random.choice((0, *self.options.windows_days)) * DAY_MS + near_ms
        day_ms = self.random.randrange(self.start_ms, self.end_ms) // DAY_MS * DAY_MS + near_ms
        month = EPOCH + timedelta(milliseconds=day_ms)
        month_ms = instant_ms(month.replace(day=1, hour=0, minute=0, second=0, microsecond=0)) + near_ms
        return self.random.choice((edge_ms, edge_ms, day_ms, month_ms))

    def regular_event(self, occurred_at_ms: int) -> Members:
        """Return an event that mostly suits the customer's state, with an identity of its own."""
        customer = self.random.choice(self.customers)
        kinds = [kind for kind in self.shape.types if kind != "revoke"]
        lifecycle = [kind for kind in kinds if kind in {"upgrade", "downgrade", "cancel"}]
        if self.random.random() < 0.5 and "signup" in kinds and not self.is_active[customer]:
            kinds = ["signup"]
        elif self.random.random() < 0.4 and lifecycle and self.is_active[customer]:
            kinds = lifecycle
        members = self._members(self.random.choice(kinds), occurred_at_ms, customer)
        if members["type"] in {"signup", "cancel"}:
            self.is_active[customer] = members["type"] == "signup"
        return members

    def _members(self, kind: str, occurred_at_ms: int, customer: str) -> Members:
        source = SOURCES[kind]
        members: Members = {"type": kind, "customer_id": customer}
        if self.shape.conflicts and self.random.random() < 0.2:
            source = members["source"] = "billing"
        elif self.random.random() < 0.1:
            members["source"] = source
        self.ids[customer, source] += 1
        members["id"] = f"e{self.ids[customer, source]}"
        if self.shape.sequences and self.random.random() < 0.3:
            members["sequence"] = self.random.choice((-1, 0, 1, 2, 10))
        if self.random.random() < 0.05:
            members["test"] = False
        return members | self._own_members(kind, occurred_at_ms, customer)

    def _own_members(self, kind: str, occurred_at_ms: int, customer: str) -> Members:
        members: Members = {"time": self.time(occurred_at_ms)}
        match kind:
            case "signup" | "upgrade" | "downgrade":
                members |= self._money(kind, customer)
                members |= self._attributes() if kind == "signup" else {}
            case "cancel":
                members |= self._maybe(reason=("too-expensive", "bugs", "unspecified"), involuntary=(True, True, False))
                members |= self._schedule(occurred_at_ms)
            case "survey":
                members |= self._survey()
            case "renewal":
                members["outcome"] = self.random.choice(("renewed", "declined", "failed"))
            case "onboarding":
                members |= self._maybe(completed=(True, False))
            case "activity":
                members |= self._maybe(feature=("export", "search_2"))
        return members

    def _maybe(self, **choices: Sequence[object]) -> Members:
        return {name: self.random.choice(values) for name, values in choices.items() if self.random.random() < 0.5}

    def _money(self, kind: str, customer: str) -> Members:
        random = self.random
        mrr_minor = random.choice((0, 1, 1_000, 1_000, 2_900, 2_901, 9_900, random.randrange(10**6), 10**12))
        if self.shape.moves and kind != "signup" and random.random() < 0.3:
            mrr_minor = self.mrr_minor[customer]
        self.mrr_minor[customer] = mrr_minor
        members: Members = {"plan": random.choice(("basic", "pro", "team")), "mrr_minor": mrr_minor}
        if random.random() < 0.2:
            members["currency"] = self.options.default_currency
        if self.shape.currencies and random.random() < 0.25:
            members["currency"] = random.choice(tuple(self.options.rates))
        return members

    def _attributes(self) -> Members:
        members = self._maybe(country=("DE", "US", "BR"), channel=("ads", "partner", "café"))
        return members | self._maybe(**dict.fromkeys(self.options.dimensions, ("red", "blue")))

    def _schedule(self, occurred_at_ms: int) -> Members:
        """Return `effective_at` and the `time` that goes with it; nothing for a cancel of the moment."""
        random = self.random
        apart_ms = random.choice((1, HOUR_MS, random.randrange(40 * DAY_MS)))
        if self.shape.late_cancels and random.random() < 0.2:
            return {"time": self.time(occurred_at_ms + apart_ms), "effective_at": self.time(occurred_at_ms)}
        if self.shape.future_cancels and random.random() < 0.3:
            if random.random() < 0.2:
                return {"effective_at": self.time(self.end_ms + random.randrange(1_000 * DAY_MS))}
            return {"time": self.time(occurred_at_ms - apart_ms), "effective_at": self.time(occurred_at_ms)}
        return {"effective_at": self.time(occurred_at_ms)} if random.random() < 0.1 else {}

    def _survey(self) -> Members:
        random = self.random
        kind = random.choice(("nps", "csat"))
        members: Members = {"kind": kind}
        members |= self._maybe(via=("in_app", "email", "outreach"), status=("sent", "answered", "dismissed"))
        members |= self._maybe(reason=("price", "bugs"))
        if members.get("status", "answered") == "answered" or random.random() < 0.1:
            members["score"] = random.randint(0, 10) if kind == "nps" else random.randint(1, 5)
        return members

    def add_conflicts(self) -> None:
        """Write some identities again with another content, now and then with another type."""
        if not self.shape.conflicts or not self.events:
            return
        for _ in range(self.random.randint(0, 1 + len(self.events) // 8)):
            first = self.random.choice(self.events)
            kinds = [kind for kind in self.shape.types if kind != "revoke"] if "source" in first else [first["type"]]
            somewhere_ms = self.random.randrange(self.start_ms, self.end_ms)
            occurred_at_ms = self.random.choice((self.start_ms, somewhere_ms, somewhere_ms, self.end_ms - 1))
            customer = str(first["customer_id"])
            other = self._members(str(self.random.choice(kinds)), occurred_at_ms, customer)
            identity = {name: first[name] for name in ("id", "source") if name in first}
            other.pop("source", None)
            if self.random.random() < 0.4:
                other = first | self._own_members(str(first["type"]), occurred_at_ms, customer)
            elif self.random.random() < 0.4:
                other["time"] = first["time"]
            self.events.append(other | identity)

    def add_revokes(self) -> None:
        """Take some events back, and some that never were."""
        if not self.shape.revokes or "revoke" not in self.shape.types or not self.events:
            return
        for _ in range(self.random.randint(0, 1 + len(self.events) // 10)):
            target = self.random.choice(self.events)
            occurred_at_ms = self.random.randrange(self.start_ms, self.end_ms)
            revoke = self._members("revoke", occurred_at_ms, str(target["customer_id"]))
            revoke["revokes"] = self.random.choice((target["id"], target["id"], target["id"], "never-sent"))
            revoke["source"] = target.get("source", SOURCES[str(target["type"])])
            if self.random.random() < 0.2:
                revoke["source"] = SOURCES["revoke"]
            revoke["id"] = f"r{len(self.events)}"
            if self.shape.conflicts and self.random.random() < 0.1:
                revoke["id"] = self.random.choice(self.events)["id"]
            self.events.append(revoke)

    def add_tests(self) -> None:
        """Write some events as tests too, so that they share identities with real ones."""
        if not self.shape.tests or not self.events:
            return
        for _ in range(self.random.randint(0, 3)):
            self.events.append(self.random.choice(self.events) | {"test": True})

    def time(self, instant: int) -> str:
        """Return an instant (milliseconds since 1970) as RFC 3339, in one of many ways that all cut to it."""
        random = self.random
        offset_minutes = random.choice(OFFSETS_MINUTES) if self.shape.offsets else 0
        local = EPOCH + timedelta(milliseconds=instant, minutes=offset_minutes)
        zone = "Z"
        if offset_minutes or (self.shape.offsets and random.random() < 0.2):
            hours, minutes = divmod(abs(offset_minutes), 60)
            zone = f"{'-' if offset_minutes < 0 else '+'}{hours:02}:{minutes:02}"
        if self.shape.submilliseconds and instant % 60_000 == 0 and random.random() < 0.2:
            return (local - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:60") + random.choice(("", ".5")) + zone
        fraction = f"{instant % 1_000:03}"
        if self.shape.submilliseconds and random.random() < 0.3:
            fraction += random.choice(("9999", "5", "000", "999999", "".join(random.choices("0123456789", k=9))))
        elif random.random() < 0.5:
            fraction = fraction.rstrip("0")
        return local.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "") + zone
