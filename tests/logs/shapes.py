"""How large a log is, and which nasty features it may have.

Definitions: the contract, events.
"""

from dataclasses import dataclass

from tests.recount.events import DEFAULT_SOURCES

EVERY_TYPE = tuple(DEFAULT_SOURCES)
FIRST_TYPES = ("signup", "upgrade", "downgrade", "cancel", "survey")
SPANS_HOURS = (2, 26, 8 * 24, 16 * 24, 40 * 24, 100 * 24, 400 * 24, 730 * 24)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Size and features of a log; all features by default.

    Attributes:
        types: Event types that occur. Revokes need both `revoke` here and the switch.
        events: Regular events (count); switches, conflicts, revokes, repeats, tests and bad records come on top.
        customers: Different customers (count).
        spans_hours: Time from the first to the last regular event; one is chosen (hours).
        zones: Business time zone and bucket (minutes); one is chosen.
        settings: Other settings than the defaults of free plans, paused customers and trials.
        ties: Events at the same millisecond, in the same bucket, and on the edges of windows.
        sequences: Members `sequence`, also negative.
        subscriptions: Several subscriptions a customer, under few ids.
        trials: Members `trial`, and ends of trials.
        switches: A subscription that ends, and another that begins: in one instant, in one bucket, across its edge.
        late_facts: `effective_at` before `time`, of all lifecycle events.
        future_facts: `effective_at` after `time`, at times beyond the last instant.
        moves: Plan changes with equal MRR.
        prices: Prices by amount, interval and quantity.
        conflicts: One identity with different contents, also across types, and corrections by a greater `sequence`.
        repeats: Events again, byte for byte or written differently.
        revokes: Revokes, also of what never comes, of revokes, before their target, and without a source.
        currencies: Foreign currencies, with rates in the options, dated ones too.
        dimensions: Extra dimensions, with their names in the options.
        mended: Describing members that must be mended, or count as absent.
        integers: Ids that are JSON integers.
        nulls: Members that are null.
        submilliseconds: Fractions of a second of up to 12 digits, such as .9999999, and leap seconds.
        offsets: Time zone offsets in times.
        odd_times: A space for the T, small letters, offsets `+HH` and `+HHMM`.
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
    settings: bool = True
    ties: bool = True
    sequences: bool = True
    subscriptions: bool = True
    trials: bool = True
    switches: bool = True
    late_facts: bool = True
    future_facts: bool = True
    moves: bool = True
    prices: bool = True
    conflicts: bool = True
    repeats: bool = True
    revokes: bool = True
    currencies: bool = True
    dimensions: bool = True
    mended: bool = True
    integers: bool = True
    nulls: bool = True
    submilliseconds: bool = True
    offsets: bool = True
    odd_times: bool = True
    tests: bool = True
    bad_records: bool = True
    shuffled: bool = True


EVERYTHING = Shape()
PLAIN = Shape(
    zones=(("UTC", 60),),
    settings=False,
    ties=False,
    sequences=False,
    subscriptions=False,
    trials=False,
    switches=False,
    late_facts=False,
    future_facts=False,
    moves=False,
    prices=False,
    conflicts=False,
    repeats=False,
    revokes=False,
    currencies=False,
    dimensions=False,
    mended=False,
    integers=False,
    nulls=False,
    submilliseconds=False,
    offsets=False,
    odd_times=False,
    tests=False,
    bad_records=False,
    shuffled=False,
)
FIRST_SLICE = Shape(types=FIRST_TYPES, revokes=False)
#: Mostly what decides on silent drop-off, revokes of first signups among it.
FIRST_WEEKS = Shape(
    types=("signup", "cancel", "revoke", "activity", "activity", "activity", "survey", "onboarding"),
    customers=2,
    spans_hours=(16 * 24, 40 * 24, 100 * 24),
    bad_records=False,
)
#: Nothing but lifecycle events, close together: states of several subscriptions within and across buckets.
LIFECYCLES = Shape(
    types=("signup", "upgrade", "downgrade", "cancel", "pause", "resume", "revoke"),
    customers=2,
    spans_hours=(2, 26, 16 * 24, 60 * 24),
    bad_records=False,
)
