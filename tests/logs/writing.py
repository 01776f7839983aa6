"""The events of a log under construction: settings, instants, and events so far.

Definitions: the contract, events and prices; the KPI definitions, sections 1 and 2.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Literal

from tests.logs.shapes import Shape
from tests.logs.times import time_text
from tests.recount.events import DEFAULT_SOURCES, WITHOUT_CUSTOMER
from tests.recount.instants import DAY_MS, instant_ms, moment_of, read_instant_ms
from tests.recount.options import DEFAULTS, Options
from tests.recount.prices import rate_at

HOUR_MS = 3_600_000
ENDS = (
    datetime(2024, 3, 1, tzinfo=UTC),
    datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2025, 1, 1, tzinfo=UTC),
    datetime(2025, 3, 31, 2, tzinfo=UTC),
    datetime(2025, 11, 1, 3, tzinfo=UTC),
    datetime(2026, 5, 17, 13, tzinfo=UTC),
)
PRICED = ("signup", "upgrade", "downgrade")
LIFECYCLE = (*PRICED, "pause", "resume", "cancel")
#: What describing members that need mending say.
UNCLEAN: dict[str, tuple[object, ...]] = {
    "reason": ("Too Expensive!", "  price ", "bugs\u212a", "x" * 70, "", "!?", 7, "__a__", "_ _"),
    "feature": ("Export CSV", "search 2", "EXPORT", "", ["export"], "\u00e9t\u00e9"),
    "via": ("E-Mail", "In app", "sms", "other", "", 7),
    "country": ("de", "Germany", "None", "none", "other", "", 49, "stra\u00dfe"),
    "channel": ("none", "other", "x" * 65, "", ["ads"]),
}
Members = dict[str, object]


class Writing:
    """The log under construction.

    Attributes:
        options: The settings that its numbers depend on.
        at: Instants worth asking for.
        events: Members of the events so far.
    """

    def __init__(self, random: Random, shape: Shape) -> None:
        """Choose settings, the time that the log is about, and the instants to ask for."""
        self.random = random
        self.shape = shape
        self.end_ms = instant_ms(random.choice(ENDS))
        self.start_ms = self.end_ms - random.choice(shape.spans_hours) * HOUR_MS
        self.options = self._options()
        self.at = self._instants()
        self.customers: list[object] = [f"c{number}" for number in range(shape.customers)]
        if shape.integers:
            self.customers[-1] = 7
        self.subscriptions: tuple[object, ...] = ("", "", "A", "B", 7) if shape.subscriptions else ("",)
        self.events: list[Members] = []
        self.is_open: dict[tuple[object, object], bool] = {}
        self.mrr_minor: dict[object, int] = {}
        self.ids: Counter[tuple[object, str]] = Counter()

    def _options(self) -> Options:
        random = self.random
        zone, bucket_minutes = random.choice(self.shape.zones)
        middle = moment_of((self.start_ms + self.end_ms) // 2).date()
        free_plans: Literal["leads", "customers"] = DEFAULTS.free_plans
        paused_customers: Literal["kept", "lost"] = DEFAULTS.paused_customers
        trial_days = DEFAULTS.trial_days
        if self.shape.settings:
            free_plans, paused_customers = random.choice(("leads", "customers")), random.choice(("kept", "lost"))
            trial_days = random.choice((7, 14, 37))
        return Options(
            business_time_zone=zone,
            bucket_minutes=bucket_minutes,
            currency_rates=_rates(middle) if self.shape.currencies else {},
            dimensions=random.choice(((), ("team",), ("team", "size"))) if self.shape.dimensions else (),
            free_plans=free_plans,
            paused_customers=paused_customers,
            trial_days=trial_days,
        )

    def _instants(self) -> list[datetime]:
        bucket_ms = self.options.bucket_ms
        instants = [self.end_ms, self.end_ms + self.random.choice((1, 7, 14, 31, 37)) * DAY_MS]
        inside_ms = self.random.randrange(self.start_ms, self.end_ms) // bucket_ms * bucket_ms
        if self.end_ms - inside_ms > 300 * DAY_MS:
            # Instants long ago are answered for day boundaries only, and these are those of UTC.
            is_utc = self.options.business_time_zone == "UTC"
            inside_ms = inside_ms // DAY_MS * DAY_MS if is_utc else self.end_ms - 300 * DAY_MS
        return [moment_of(instant) for instant in (*instants, inside_ms)]

    # -- when

    def _moments(self) -> list[int]:
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
        bucket_ms = self.options.bucket_ms
        if moments and self.random.random() < 0.6:
            earlier_ms = self.random.choice(moments)
            bucket_start_ms = earlier_ms // bucket_ms * bucket_ms
            same_bucket_ms = bucket_start_ms + self.random.randrange(bucket_ms)
            days = self.random.choice((1, 7, 7, 14, 30, self.options.trial_days))
            later_ms = earlier_ms + days * DAY_MS + near_ms
            soon_ms = earlier_ms + self.random.randrange(16 * DAY_MS)
            edge_ms = bucket_start_ms + bucket_ms + near_ms
            return self.random.choice(
                (earlier_ms, earlier_ms, same_bucket_ms, same_bucket_ms, edge_ms, later_ms, soon_ms)
            )
        at_ms = instant_ms(self.random.choice(self.at))
        edge_ms = at_ms - self.random.choice((0, *self.options.windows_days)) * DAY_MS + near_ms
        day_ms = self.random.randrange(self.start_ms, self.end_ms) // DAY_MS * DAY_MS + near_ms
        month = moment_of(day_ms).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return self.random.choice((edge_ms, edge_ms, day_ms, instant_ms(month) + near_ms))

    def _time(self, at_ms: int) -> str:
        return time_text(self.random, self.shape, at_ms)

    # -- regular events

    def add_regular(self) -> None:
        """Write the regular events, each with an identity of its own; most suit the state of their customer."""
        can_switch = self.shape.switches and {"signup", "cancel"} <= {*self.shape.types}
        for at_ms in self._moments():
            self.events.append(self._regular_event(at_ms))
            if can_switch and self.random.random() < 0.1:
                self._add_switch(at_ms)

    def _regular_event(self, at_ms: int) -> Members:
        customer, subscription = self.random.choice(self.customers), self.random.choice(self.subscriptions)
        is_open = self.is_open.get((customer, subscription), False)
        types = [each for each in self.shape.types if each != "revoke"]
        lifecycle = [each for each in types if each in LIFECYCLE and each != "signup"]
        if self.random.random() < 0.5 and "signup" in types and not is_open:
            types = ["signup"]
        elif self.random.random() < 0.4 and lifecycle and is_open:
            types = lifecycle
        return self._members(self.random.choice(types), at_ms, customer, subscription)

    def _add_switch(self, at_ms: int) -> None:
        """End a subscription and begin another, or itself anew: at once, one after the other, or across an edge."""
        random, bucket_ms = self.random, self.options.bucket_ms
        opened = [each for each, is_open in self.is_open.items() if is_open]
        customer, ended = random.choice(opened) if opened else (random.choice(self.customers), "")
        edge_ms = (at_ms // bucket_ms + 1) * bucket_ms
        end_ms, begin_ms = random.choice(
            ((at_ms, at_ms), (at_ms, at_ms + 1), (at_ms + 1, at_ms), (edge_ms - 1, edge_ms), (edge_ms, edge_ms - 1))
        )
        begun = random.choice((ended, *self.subscriptions))
        self.events.append(self._members("cancel", end_ms, customer, ended))
        self.events.append(self._members("signup", begin_ms, customer, begun))

    def _members(self, event_type: str, at_ms: int, customer: object, subscription: object) -> Members:
        source = DEFAULT_SOURCES[event_type]
        members: Members = {"type": event_type, "customer_id": customer}
        if self.shape.conflicts and self.random.random() < 0.2:
            source = members["source"] = "billing"
        elif self.random.random() < 0.1:
            members["source"] = source
        whose = "" if event_type in WITHOUT_CUSTOMER else customer
        self.ids[whose, source] += 1
        number = self.ids[whose, source]
        members["id"] = f"e{number}"
        if self.shape.integers and self.random.random() < 0.5:
            members["id"] = number
        if self.shape.sequences and self.random.random() < 0.3:
            members["sequence"] = self.random.choice((-1, 0, 1, 2, 10))
        if self.random.random() < 0.05:
            members["test"] = False
        if event_type in LIFECYCLE:
            self.is_open[customer, subscription] = event_type != "cancel"
            if subscription != "" or self.random.random() < 0.05:
                members["subscription_id"] = subscription
        return members | self._own_members(event_type, at_ms, customer)

    def _own_members(self, event_type: str, at_ms: int, customer: object) -> Members:
        members: Members = {"time": self._time(at_ms)}
        if event_type in PRICED:
            members |= self._price(customer, is_signup=event_type == "signup")
        if event_type in LIFECYCLE:
            members |= self._schedule(at_ms)
        match event_type:
            case "signup":
                members |= self._segments()
            case "cancel":
                members |= self._maybe(reason=("too-expensive", "bugs", "unspecified"), involuntary=(True, True, False))
            case "survey":
                members |= self._survey()
            case "renewal":
                members["outcome"] = self.random.choice(("renewed", "declined", "failed"))
            case "onboarding":
                members |= self._maybe(completed=(True, False))
            case "activity":
                members |= self._maybe(feature=("export", "search_2"))
            case "contact" | "support" | "referral" | "exposure" | "mark":
                members |= self._touchpoint(event_type, at_ms)
        return members

    def _touchpoint(self, event_type: str, at_ms: int) -> Members:
        choice = self.random.choice
        match event_type:
            case "contact":
                known = [event["id"] for event in self.events if event["type"] == "survey"]
                return self._maybe(about=("e1", *known[-20:]))
            case "support":
                return {"ticket": choice(("t1", "t2", 7)), "status": choice(("opened", "answered", "solved"))}
            case "referral":
                return {"referred": choice(self.customers)}
            case "exposure":
                return {"measure": choice(("offer", "tour")), "variant": choice(("a", "b", "control"))}
        members = self._maybe(until=(self._time(at_ms), self._time(at_ms + choice((1, HOUR_MS, 3 * DAY_MS)))))
        return members | {
            "kind": choice(("release", "price", "other")),
            "title": choice(("v2", "Prices", "\u00e9t\u00e9")),
        }

    def _maybe(self, **choices: Sequence[object]) -> Members:
        """Return about half of the members, some of them in need of mending."""
        found: Members = {}
        for name, values in choices.items():
            if self.random.random() < 0.5:
                is_unclean = self.shape.mended and name in UNCLEAN and self.random.random() < 0.2
                found[name] = self.random.choice(UNCLEAN[name] if is_unclean else values)
        return found

    def _price(self, customer: object, *, is_signup: bool) -> Members:
        random = self.random
        mrr_minor = random.choice((0, 1, 1_000, 1_000, 2_900, 2_901, 9_900, random.randrange(10**6), 10**12))
        if self.shape.moves and not is_signup and random.random() < 0.3:
            mrr_minor = self.mrr_minor.get(customer, 0)
        self.mrr_minor[customer] = mrr_minor
        members: Members = {"plan": random.choice(("basic", "pro", "team")), "mrr_minor": mrr_minor}
        if self.shape.prices and random.random() < 0.2:
            members = {"plan": members["plan"], **self._amount()}
        if self.shape.trials and random.random() < 0.25:
            members["trial"] = random.random() < 0.8
        if random.random() < 0.2:
            members["currency"] = self.options.default_currency
        if self.shape.currencies and random.random() < 0.25:
            currency = random.choice(tuple(self.options.currency_rates)).partition("@")[0]
            members["currency"] = random.choice((currency, currency, currency.lower()))
        return members

    def _amount(self) -> Members:
        """Return a price by amount and interval, with halves to round."""
        random = self.random
        amount = random.choice((0, 1, 6, 18, 2_900, 34_800, random.randrange(10**6)))
        members: Members = {"amount_minor": amount, "interval": random.choice(("day", "week", "month", "year", "year"))}
        if random.random() < 0.05:
            return members | {"amount_minor": 10**30 + 1, "interval": "month", "interval_count": 2 * 10**20}
        return members | self._maybe(interval_count=(1, 2, 3, 12), quantity=(0, 1, 5, 100))

    def _segments(self) -> Members:
        members = self._maybe(country=("DE", "US", "BR"), channel=("ads", "partner", "\u00e9t\u00e9"))
        return members | self._maybe(**dict.fromkeys(self.options.dimensions, ("red", "blue")))

    def _schedule(self, at_ms: int) -> Members:
        """Return `effective_at` and the `time` that goes with it; nothing for an event of the moment."""
        random = self.random
        apart_ms = random.choice((1, HOUR_MS, random.randrange(40 * DAY_MS)))
        if self.shape.late_facts and random.random() < 0.15:
            return {"time": self._time(at_ms + apart_ms), "effective_at": self._time(at_ms)}
        if self.shape.future_facts and random.random() < 0.2:
            if random.random() < 0.1:
                return {"effective_at": self._time(self.end_ms + random.randrange(1_000 * DAY_MS))}
            return {"time": self._time(at_ms - apart_ms), "effective_at": self._time(at_ms)}
        if (self.shape.late_facts or self.shape.future_facts) and random.random() < 0.1:
            return {"effective_at": self._time(at_ms)}
        return {}

    def _survey(self) -> Members:
        random = self.random
        kind = random.choice(("nps", "csat"))
        members: Members = {"kind": kind}
        members |= self._maybe(via=("in_app", "email", "outreach"), status=("sent", "answered", "dismissed"))
        members |= self._maybe(reason=("price", "bugs"))
        scores = {"nps": (0, 10), "csat": (1, 5)}
        if "contact" in self.shape.types and random.random() < 0.25:
            scores = {"ces": (1, 7), "ease": (1, 7), "value": (1, 5), "pmf": (1, 3)}
            kind = random.choice(tuple(scores))
            members |= {"kind": kind} | self._maybe(incentive=(True, False))
        if members.get("status", "answered") == "answered" or random.random() < 0.1:
            members["score"] = random.randint(*scores[kind])
        return members

    # -- what comes on top

    def add_conflicts(self) -> None:
        """Write some identities again with another content, now and then with another type."""
        if not self.shape.conflicts or not self.events:
            return
        for _ in range(self.random.randint(0, 1 + len(self.events) // 8)):
            first = self.random.choice(self.events)
            types = [each for each in self.shape.types if each != "revoke"] if "source" in first else [first["type"]]
            somewhere_ms = self.random.randrange(self.start_ms, self.end_ms)
            at_ms = self.random.choice((self.start_ms, somewhere_ms, somewhere_ms, self.end_ms - 1))
            customer, subscription = first["customer_id"], self.random.choice(self.subscriptions)
            other = self._members(str(self.random.choice(types)), at_ms, customer, subscription)
            identity = {name: first[name] for name in ("id", "source") if name in first}
            other.pop("source", None)
            if self.random.random() < 0.4:
                kept = {
                    name: first[name]
                    for name in ("type", "customer_id", "sequence", "subscription_id")
                    if name in first
                }
                other = kept | self._own_members(str(first["type"]), at_ms, customer)
            elif self.random.random() < 0.4:
                other["time"] = first["time"]
            if self.shape.sequences and self.random.random() < 0.3:
                sequence = first.get("sequence", 0)
                assert isinstance(sequence, int), sequence
                other["sequence"] = sequence + self.random.choice((-1, 1))
            self.events.append(other | identity)

    def add_revokes(self) -> None:
        """Take some events back, and some that never were."""
        if not self.shape.revokes or "revoke" not in self.shape.types or not self.events:
            return
        for _ in range(self.random.randint(0, 1 + len(self.events) // 10)):
            target = self.random.choice(self.events)
            at_ms = self.random.randrange(self.start_ms, self.end_ms)
            revoke = self._members("revoke", at_ms, target["customer_id"], "")
            revoke["revokes"] = self.random.choice((target["id"], target["id"], target["id"], "never-sent"))
            revoke["source"] = target.get("source", DEFAULT_SOURCES[str(target["type"])])
            if self.random.random() < 0.2:
                revoke["source"] = DEFAULT_SOURCES["revoke"]
            if self.random.random() < 0.4:
                del revoke["source"]
            revoke["id"] = f"r{len(self.events)}"
            if self.shape.conflicts and self.random.random() < 0.2:
                revoke["id"] = self.random.choice(self.events)["id"]
            self.events.append(revoke)

    def add_tests(self) -> None:
        """Write some events as tests too, so that they share identities with real ones."""
        if not self.shape.tests or not self.events:
            return
        for _ in range(self.random.randint(0, 3)):
            self.events.append(self.random.choice(self.events) | {"test": True})

    def finished(self, members: Members) -> Members:
        """Return an event's members as they are sent: with nulls, and in a currency that has a rate at its time."""
        found = dict(members)
        at_ms = read_instant_ms(str(members.get("effective_at", members["time"])))
        assert at_ms is not None, members
        currency = str(members.get("currency", self.options.default_currency)).upper()
        rates, zone = self.options.currency_rates, self.options.zone
        if currency != self.options.default_currency and rate_at(rates, currency, at_ms, zone) is None:
            del found["currency"]
        if self.shape.nulls and self.random.random() < 0.1:
            names = ("source", "sequence", "test", "subscription_id", "effective_at", "reason", "feature", "channel")
            found |= {name: None for name in self.random.sample(names, 2) if name not in found}
        return found


def _rates(day: date) -> dict[str, str]:
    """Return rates: of one currency another from a day on, of one none before that day."""
    rates = {"EUR": "1.0837", "JPY": "0.0067", "CHF": "0.5", "KWD": "3.255"}
    return rates | {f"EUR@{day}": "1.1", f"GBP@{day}": "1.25"}
