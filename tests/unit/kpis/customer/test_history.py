"""Histories, and the rows that are made of them, whatever a customer does."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from kpis.customer.history import history_after, history_of
from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from kpis.fold.contribution import contribution, shared_with
from kpis.rows import Row, difference
from tests.property.cases import bounded
from tests.unit.kpis import recounts
from tests.unit.kpis.customers import (
    FIRST,
    FREE_COUNT,
    HOUR_MS,
    PAUSED_LOST,
    folded,
    known_history,
    pure_rows,
    step_text,
    written,
)

WHAT = st.sampled_from([BY_DEFAULT, FREE_COUNT, PAUSED_LOST, BY_DEFAULT._replace(trial_days=7)])
#: Hours: within one bucket, in its neighbours, and where first weeks and trials mature.
HOURS = st.sampled_from(["0", "0.5", "0.9", "1", "2", "24", "24.5", "168", "168.5", "300", "336", "336.5", "888"])
#: Few of them, so that ties are the rule.
TIED = st.sampled_from(["0", "1", "1", "2"])
SEQUENCE = st.sampled_from(["", "", " sequence=1"])


def facts(hours: st.SearchStrategy[str], *subscriptions: str) -> st.SearchStrategy[str]:
    """Return a strategy of facts of the timeline."""
    at = st.sampled_from(["", *(f"@{each}" for each in subscriptions)])
    priced = st.builds(
        "{} {}{} {} {}{}{}{}".format,
        hours,
        st.sampled_from(["signup", "signup", "upgrade", "downgrade"]),
        at,
        st.sampled_from(["basic", "pro", "team"]),
        st.sampled_from(["0", "10", "10", "30"]),
        st.sampled_from(["", "", " trial"]),
        SEQUENCE,
        st.sampled_from(["", "", " country=DE"]),
    )
    other = st.builds("{} {}{}{}".format, hours, st.sampled_from(["pause", "resume", "cancel", "cancel"]), at, SEQUENCE)
    return priced | other


FACTS = facts(HOURS, "A", "B")
SIGNS = st.builds(
    "{} {}".format,
    HOURS,
    st.sampled_from(["activity", "onboarding", "survey kind=nps score=9", "survey kind=csat status=sent"]),
)
REVOKES = st.builds("{} revoke revokes=e{}".format, HOURS, st.integers(0, 8))


#: So many that one later than all others is the rule, once they are in order.
ANY_HOUR = st.integers(0, 2000).map(lambda half: str(half / 2))


def _by_hour(lines: list[str]) -> list[str]:
    return sorted(lines, key=lambda line: float(line.split(maxsplit=1)[0]))


@bounded(300)
@given(lines=st.lists(FACTS | facts(TIED, "A", "B"), min_size=1, max_size=12), what=WHAT)
def test_each_step_is_that_of_the_recount(lines: list[str], what: WhatCounts) -> None:
    """The recount was written from the definitions alone."""
    steps = [recounts.step_text(step) for step in recounts.recounted(lines, what).steps]
    assert [step_text(step) for step in known_history(lines, what).steps] == steps


@bounded(300)
@given(
    before=st.lists(st.one_of(facts(TIED), facts(TIED, "A"), SIGNS), max_size=6),
    more=st.lists(st.one_of(facts(TIED), facts(TIED, "A"), SIGNS, REVOKES), min_size=1, max_size=2),
    in_order=st.booleans(),
    what=WHAT,
)
# A cancel of the same instant as the last fact lies behind it, and comes before it.
@example(before=["0 signup basic 10", "1 signup pro 30"], more=["1 cancel"], in_order=True, what=BY_DEFAULT)
@example(before=["0 signup basic 10"], more=["1 signup pro 30", "2 cancel"], in_order=True, what=BY_DEFAULT)
def test_a_history_that_goes_on_is_the_history_from_the_beginning(
    before: list[str], more: list[str], in_order: bool, what: WhatCounts
) -> None:
    """It spares a replay an event; where it took a late fact for a later one, numbers would tell of another life."""
    lines = _by_hour([*before, *more]) if in_order else [*before, *more]
    first, _ = folded(lines[: len(before)], what=what)
    then, _ = folded(lines, what=what)
    known = history_of(first, HOUR_MS, what)
    assert history_after(then, first, known, HOUR_MS, what) == history_of(then, HOUR_MS, what)


@bounded(300)
@given(
    before=st.lists(st.one_of(FACTS, SIGNS), max_size=8),
    more=st.lists(st.one_of(FACTS, SIGNS), min_size=1, max_size=3),
    what=WHAT,
)
def test_rows_before_the_first_change_can_be_left_out(before: list[str], more: list[str], what: WhatCounts) -> None:
    """A fact changes no row that its bucket cannot reach; so a long life costs no more than its end."""
    first, _ = folded(before, what=what)
    then, _ = folded([*before, *more], what=what)
    # Other segments, and all that the customer ever did moves to them.
    since = min(_bucket(line) for line in more) if first.profile == then.profile else 0
    differences = []
    for start in (0, since):
        changed: list[Row] = []
        difference(
            contribution(first, HOUR_MS, what, since=start), contribution(then, HOUR_MS, what, since=start), changed
        )
        differences.append(written(changed))
    assert differences[0] == differences[1]


@bounded(300)
@given(
    before=st.lists(st.one_of(FACTS, SIGNS), max_size=10),
    more=st.lists(st.one_of(FACTS, SIGNS, REVOKES), min_size=1, max_size=3),
    what=WHAT,
)
# What both have before and after the change is a piece of the one, and two of the other.
@example(
    before=["0 signup basic 10", "300 upgrade pro 30"],
    more=["24 upgrade team 10", "24.5 upgrade basic 10"],
    what=BY_DEFAULT,
)
def test_pairs_of_what_two_histories_share_can_be_left_out(
    before: list[str], more: list[str], what: WhatCounts
) -> None:
    """They are alike in both, and many: a fact changes a few movements and pieces of thousands."""
    first, _ = folded(before, what=what)
    then, _ = folded([*before, *more], what=what)
    then.profile = first.profile
    was, now = history_of(first, HOUR_MS, what), history_of(then, HOUR_MS, what)
    differences = []
    for one, other in (
        (None, None),
        (shared_with(was.movements, now.movements), shared_with(now.movements, was.movements)),
    ):
        changed: list[Row] = []
        difference(
            contribution(first, HOUR_MS, what, history=was, shared=one),
            contribution(then, HOUR_MS, what, history=now, shared=other),
            changed,
        )
        differences.append(written(changed))
    assert differences[0] == differences[1]


def _bucket(line: str) -> int:
    return FIRST + int(float(line.split(maxsplit=1)[0]))


@bounded(200)
@given(
    lines=st.lists(st.one_of(FACTS, SIGNS, REVOKES), max_size=9),
    short_cuts=st.booleans(),
    batch=st.integers(1, 9),
    what=WHAT,
)
def test_rows_that_were_written_add_up_to_those_of_the_state(
    lines: list[str], short_cuts: bool, batch: int, what: WhatCounts
) -> None:
    """Counters are sums of what each batch wrote, and never looked at again."""
    customer, rows = folded(lines, short_cuts=short_cuts, what=what, batch=batch)
    assert rows == pure_rows(customer, what)


@bounded(60)
@given(
    lines=st.lists(st.one_of(facts(ANY_HOUR, "A"), facts(ANY_HOUR), SIGNS), min_size=10, max_size=40),
    batch=st.sampled_from([7, 1000]),
    what=WHAT,
)
def test_what_is_remembered_of_many_facts_is_what_they_say(lines: list[str], batch: int, what: WhatCounts) -> None:
    """In order of time each of them goes on from the past before it, which is worked out once a batch."""
    customer, rows = folded(_by_hour(lines), batch=batch, what=what)
    assert rows == pure_rows(customer, what)
