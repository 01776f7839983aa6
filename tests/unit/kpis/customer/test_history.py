"""Histories, and the rows that are made of them, whatever a customer does: small customers made to be nasty.

Few subscriptions, instants and sequences, so that ties are the rule.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kpis.customer.history import history_after, history_of
from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from kpis.fold.contribution import contribution
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
AT = st.sampled_from(["", "@A", "@B", "@C"])
SEQUENCE = st.sampled_from(["", " sequence=1", " sequence=2"])
PRICED = st.builds(
    "{} {}{} {} {}{}{}".format,
    HOURS,
    st.sampled_from(["signup", "signup", "upgrade", "downgrade"]),
    AT,
    st.sampled_from(["basic", "pro", "team"]),
    st.sampled_from(["0", "10", "10", "30"]),
    st.sampled_from(["", "", " trial"]),
    SEQUENCE,
)
OTHER = st.builds("{} {}{}{}".format, HOURS, st.sampled_from(["pause", "resume", "cancel", "cancel"]), AT, SEQUENCE)
FACTS = st.one_of(PRICED, OTHER)
SIGNS = st.builds(
    "{} {}".format,
    HOURS,
    st.sampled_from(["activity", "onboarding", "survey kind=nps score=9", "survey kind=csat status=sent"]),
)
REVOKES = st.builds("{} revoke revokes=e{}".format, HOURS, st.integers(0, 8))


def _by_hour(lines: list[str]) -> list[str]:
    return sorted(lines, key=lambda line: float(line.split()[0]))


@bounded(300)
@given(lines=st.lists(FACTS, min_size=1, max_size=12), what=WHAT)
def test_each_step_is_that_of_the_recount(lines: list[str], what: WhatCounts) -> None:
    """The recount was written from the definitions alone."""
    steps = [recounts.step_text(step) for step in recounts.recounted(lines, what).steps]
    assert [step_text(step) for step in known_history(lines, what).steps] == steps


@bounded(300)
@given(
    before=st.lists(st.one_of(FACTS, SIGNS), max_size=8),
    more=st.lists(st.one_of(FACTS, FACTS, SIGNS, REVOKES), max_size=4),
    in_order=st.booleans(),
    what=WHAT,
)
def test_a_history_that_goes_on_is_the_history_from_the_beginning(
    before: list[str], more: list[str], in_order: bool, what: WhatCounts
) -> None:
    """It spares a replay per event; where it took a late fact for a later one the numbers would tell of another life."""
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
    since = min(_bucket(line) for line in more)
    differences = []
    for start in (0, since):
        changed: list[Row] = []
        difference(
            contribution(first, HOUR_MS, what, since=start), contribution(then, HOUR_MS, what, since=start), changed
        )
        differences.append(written(changed))
    assert differences[0] == differences[1]


def _bucket(line: str) -> int:
    return FIRST + int(float(line.split()[0]))


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
