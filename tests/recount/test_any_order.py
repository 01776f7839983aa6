"""Any permutation of a log, with any repetition, yields the same numbers, and the identities between counts hold.

The logs are nasty on purpose: few customers, subscriptions, ids and instants, so that ties and conflicts are the rule.
Definitions: sections 1 and 3.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recount.cohorts import cohort_rows
from tests.recount.customers import read
from tests.recount.equations import broken
from tests.recount.instants import instant_ms
from tests.recount.lifetime import lifetimes
from tests.recount.options import Options
from tests.recount.records import lines_of
from tests.recount.report import Json, recount
from tests.recount.short_events import Event, T

BY = ("plan", "country", "channel", "size")
#: Within one bucket, in its neighbours, at T, and in other windows; the first two are one instant written twice.
TIMES = (
    "2026-01-09T10:00:00Z",
    "2026-01-09 10:00:00.0004+00",
    "2026-01-09T10:00:00.001Z",
    "2026-01-09T10:59:59.999Z",
    "2026-01-09T11:00:00Z",
    "2026-01-09T09:59:59.999Z",
    "2025-12-03T10:00:00Z",
    "2025-12-31T23:30:00-01:00",
    "2026-01-16T10:00:00Z",
    "2026-01-23T10:00:00Z",
    "2026-02-01T00:00:00Z",
)


def some(**choices: list[object]) -> st.SearchStrategy[Event]:
    """Return a strategy of members, of which each may be absent."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in choices.items()})


def drawn(**choices: list[object]) -> st.SearchStrategy[Event]:
    """Return a strategy of members that are all there."""
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in choices.items()})


def joined(*parts: st.SearchStrategy[Event]) -> st.SearchStrategy[Event]:
    """Return a strategy of the members of all parts."""
    return st.tuples(*parts).map(lambda each: {name: value for part in each for name, value in part.items()})


COMMON = joined(
    drawn(id=["1", "2", "3", "4", 5, 6, "7", "8"], customer_id=["a", "b"], time=list(TIMES)),
    some(sequence=[-1, 0, 1], source=["s", "customer.signup", "customer.cancel"], test=[True, False, False, False]),
)
LIFECYCLE = some(subscription_id=["", "A", "B", 7], effective_at=list(TIMES))
PRICE = joined(
    drawn(plan=["p", "q"], mrr_minor=[0, 1, 3, 3]),
    some(trial=[True, False], currency=["EUR", "usd"]),
)
VALUES = some(country=["PT", "pt", ""], channel=["ads", "none"], size=["s", "m"])
EVENTS = st.one_of(
    joined(COMMON, drawn(type=["signup"]), PRICE, LIFECYCLE, VALUES),
    joined(COMMON, drawn(type=["signup", "upgrade", "downgrade"]), PRICE, LIFECYCLE),
    joined(COMMON, drawn(type=["cancel"]), LIFECYCLE, some(reason=["x", "Y z", ""], involuntary=[True, False])),
    joined(COMMON, drawn(type=["pause", "resume", "cancel"]), LIFECYCLE),
    joined(COMMON, drawn(type=["revoke"], revokes=["1", "2", "3", 5, "never"])),
    joined(
        COMMON,
        drawn(type=["survey"], kind=["nps", "csat"], score=[1, 4, 5]),
        some(status=["sent", "answered", "dismissed"], via=["email", "fax"], reason=["x"]),
    ),
    joined(COMMON, drawn(type=["renewal"], outcome=["renewed", "declined", "failed", "odd"])),
    joined(COMMON, drawn(type=["onboarding"]), some(completed=[True, False])),
    joined(COMMON, drawn(type=["activity"]), some(feature=["x", "y"])),
)
LOGS = st.lists(EVENTS, max_size=25)
SETTINGS = st.builds(
    Options,
    free_plans=st.sampled_from(["leads", "customers"]),
    paused_customers=st.sampled_from(["kept", "lost"]),
    bucket_minutes=st.sampled_from([30, 60]),
    trial_days=st.sampled_from([7, 37]),
    dimensions=st.just(("size",)),
    currency_rates=st.just({"EUR": "2", "EUR@2026-01-09": "0.5"}),
)


def arrivals(log: list[Event]) -> st.SearchStrategy[list[Event]]:
    """Return a strategy of permutations of a log with repetitions; each event arrives at least once."""
    repeated = st.lists(st.sampled_from(log), max_size=10) if log else st.just([])
    return repeated.flatmap(lambda more: st.permutations([*log, *more]))


def everything(log: list[Event], options: Options) -> Json:
    """Return all that is told of a log, without the fates that count records."""
    at = [T, datetime(2026, 1, 9, 11, tzinfo=UTC)]
    documents = recount(log, at, options, BY)
    conflicts = [_events(document).get("conflict") for document in documents]
    book = read(log, options)
    return {
        "reports": [{name: each for name, each in document.items() if name != "events"} for document in documents],
        "conflicts": conflicts,
        "cohorts": cohort_rows(book, T, "week", "plan"),
        "lifetimes": lifetimes(book, T, "plan"),
    }


def _events(document: Json) -> Mapping[str, object]:
    events = document["events"]
    assert isinstance(events, dict)
    return events


@settings(max_examples=300, deadline=None)
@given(data=st.data(), log=LOGS, options=SETTINGS)
def test_any_order_and_any_repetition_yield_the_same_numbers(
    data: st.DataObject, log: list[Event], options: Options
) -> None:
    """Producers are not ordered across topics, and send again when in doubt."""
    assert everything(data.draw(arrivals(log)), options) == everything(log, options)


@settings(max_examples=300, deadline=None)
@given(log=LOGS, options=SETTINGS)
def test_identities_between_counts_hold_whatever_was_sent(log: list[Event], options: Options) -> None:
    """A movement that was counted twice, or not at all, would break one."""
    book = read(log, options)
    for at in (T, datetime(2026, 1, 9, 11, tzinfo=UTC), datetime(2026, 1, 16, 11, tzinfo=UTC)):
        assert broken(book, instant_ms(at), BY) == []


@settings(max_examples=100, deadline=None)
@given(log=LOGS, options=SETTINGS)
def test_every_record_meets_one_fate_whichever_way_it_is_written(log: list[Event], options: Options) -> None:
    """Nothing is dropped silently; and a file of lines is the same log."""
    events = _events(recount(log, [T], options)[0])
    dead_letters = events["dead_letters"]
    assert isinstance(dead_letters, dict)
    fates = [events[name] for name in ("applied", "duplicate", "test")]
    assert sum(fate for fate in fates if isinstance(fate, int)) + sum(dead_letters.values()) == len(log)
    lines = lines_of("\n".join(json.dumps(each) for each in log).encode())
    assert recount(lines, [T], options) == recount(log, [T], options)


@settings(max_examples=100, deadline=None)
@given(log=LOGS, options=SETTINGS)
def test_segments_of_a_dimension_add_up_to_all_customers(log: list[Event], options: Options) -> None:
    """All counts are sums over customers, so they add up over the values of any dimension."""
    (document,) = recount(log, [T], options, BY)
    whole = _flat(document)
    segments = document["segments"]
    assert isinstance(segments, dict)
    for dimension, values in segments.items():
        parts = [_flat(value) for value in values.values()]
        added = {name: sum(part.get(name, 0) for part in parts) for name in whole}
        assert added == whole, dimension


def _flat(numbers: Mapping[str, object]) -> dict[str, int]:
    """Return the integers of totals and windows, by their paths; facts without effect are of all customers only."""
    found: dict[str, int] = {}
    for name in ("totals", "windows"):
        _collect(numbers[name], name, found)
    return found


def _collect(part: object, path: str, found: dict[str, int]) -> None:
    if isinstance(part, int):
        found[path] = part
    if isinstance(part, dict):
        for name, each in part.items():
            if name not in {"facts_without_effect", "ratios"}:
                _collect(each, f"{path}.{name}", found)
