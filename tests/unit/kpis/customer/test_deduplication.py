"""Several contents under one identity: which one counts, which are conflicts, and how much of them is remembered."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

import pytest

from kpis.customer.customer import feedback_of
from kpis.customer.deduplication import identity_of
from kpis.customer.facts import MOST_OUTDONE
from kpis.customer.feedback_codes import survey_of
from kpis.customer.history import revocations_without_effect
from kpis.customer.state import decode
from kpis.fold.fold import Fold
from schemas.decoding.decoder import Decoder
from schemas.events import EVENT_TYPES
from tests.property.folding import LATEST_MS, Line
from tests.recount.customers import read
from tests.recount.options import DEFAULTS
from tests.unit.kpis import recounts
from tests.unit.kpis.customers import FIRST, HOUR_MS, folded, known_history, plan_names, record, step_text


def _with_ids(lines: Iterable[str]) -> list[str]:
    """Return lines with the id e0, unless they have another one."""
    return [line if " id=" in line else f"{line} id=e0" for line in lines]


def _folded(lines: Iterable[str], *, short_cuts: bool = True) -> tuple[Fold, bytes]:
    """Fold lines, each in a batch of its own; return the fold, and the customer's state."""
    fold, states = Fold(plan_names(), short_cuts=short_cuts), dict[str, bytes]()
    for line in _with_ids(lines):
        decoded = Decoder(latest_ms=LATEST_MS).decode([Line(record(line, 0))])
        fold.fold(decoded.events, decoded.times, states)
    return fold, states["c"]


#: Contents under one id, that which counts first.
WINNERS = [
    ["1 signup pro 5", "1 signup pro 6"],
    ["1 signup basic 6", "1 signup pro 5"],
    ["1 signup pro 5", "2 signup basic 4"],
    ["1 signup pro 5", "1 signup pro 5 trial"],
    ["1 signup pro 5", "1 signup@A pro 5"],
    ["1 signup pro 5", "1 signup pro 5 country=DE"],
    ["2 signup team 9 sequence=1", "1 signup pro 5"],
    ["2 signup team 9 sequence=2", "1 signup pro 5", "1 signup basic 1 sequence=1"],
    ["1 signup team 9 sequence=10", "1 signup basic 1 sequence=9"],
    [
        "1 signup pro 5 source=s",
        "1 pause source=s",
        "1 resume source=s",
        "1 cancel source=s",
        "1 revoke revokes=x source=s",
    ],
    ["1 cancel reason=a source=s", "1 cancel reason=b source=s", "1 cancel reason=a involuntary source=s"],
    ["1 signup pro 5 time=2025-01-01T00:00:00Z effective_at=2025-01-01T01:00:00Z", "1 signup pro 5"],
]


@pytest.mark.parametrize("lines", WINNERS, ids=str)
def test_the_content_that_counts_is_the_first_of_the_table_whatever_comes_first(lines: list[str]) -> None:
    """A producer corrects an event by sending it again under its id with a greater sequence."""
    first = ["0 signup basic 1 id=first"]  # so that a cancel has an effect
    expected = [step_text(step) for step in known_history([*first, *_with_ids(lines[:1])]).steps]
    for order in permutations(lines):
        arrived = [*first, *_with_ids(order)]
        assert [step_text(step) for step in known_history(arrived).steps] == expected, order
        assert [recounts.step_text(step) for step in recounts.recounted(arrived).steps] == expected, order


@pytest.mark.parametrize(
    ("lines", "score"),
    [
        (["1 survey kind=nps score=8", "1 survey kind=nps score=9"], 8),
        (["2 survey kind=nps score=9 sequence=1", "1 survey kind=nps score=8"], 9),
        (["2 survey kind=nps score=9 sequence=1", "3 survey kind=nps score=8 sequence=2"][::-1], 8),
        (["1 survey kind=nps score=3 reason=a", "1 survey kind=nps score=3 reason=b"], 3),
    ],
)
def test_surveys_are_corrected_by_sequence_too(lines: list[str], score: int) -> None:
    """Their sequence is kept beside them, since few have one."""
    (expected,) = known_history(_with_ids(lines[:1])).feedback
    for order in permutations(lines):
        for short_cuts in (True, False):
            state = decode(_folded([*order, *order], short_cuts=short_cuts)[1])
            (found,) = feedback_of(state)
            assert (found.at_ms, found.code) == (expected.at_ms, expected.code)
            assert survey_of(found.code).score == score
            assert state.feedback_at == found.at_ms


@pytest.mark.parametrize(
    ("lines", "conflicts"),
    [
        (["1 signup pro 5", "1 signup pro 5", "1 signup pro 5"], 0),
        (["1 signup pro 5", "1 signup pro 6", "1 signup pro 6", "1 signup pro 5"], 1),
        (["1 signup pro 5", "1 signup pro 5 sequence=1", "2 signup pro 5", "2 signup pro 5"], 2),
        (["1 signup pro 5", "1 signup@A pro 5", "1 signup pro 5 trial"], 2),
        (["1 upgrade pro 5", "1 downgrade pro 5"], 0),
        (["1 pause", "1 resume", "1 pause sequence=1"], 2),
        (["1 survey kind=nps score=9", "1 survey kind=nps score=8", "2 survey kind=nps score=9"], 2),
        (["1 survey kind=nps score=9 sequence=-1", "1 survey kind=nps score=8"], 1),
        (["1 renewal outcome=renewed", "1 renewal outcome=renewed sequence=1"], 1),
        (["1 revoke revokes=a source=s", "1 revoke revokes=b source=s", "1 signup pro 5 source=s"], 2),
        (["1 revoke revokes=a source=customer.cancel", "1 revoke revokes=a"], 1),
    ],
    ids=str,
)
def test_conflicts_are_the_different_contents_but_one(lines: list[str], conflicts: int) -> None:
    """Counted by order of arrival, a replay would tell of another number than the live stream did."""
    for order in permutations(lines):
        for short_cuts in (True, False):
            folding = _folded([*order, *order], short_cuts=short_cuts)[0].context
            assert (folding.applied, folding.duplicates) == (1, 2 * len(lines) - 1)
            assert folding.conflicts == conflicts, order
    fates = read([record(line, 0) for line in _with_ids(lines)], DEFAULTS).fates
    assert (fates.applied, fates.conflict) == (1, conflicts)


@pytest.mark.parametrize(
    ("lines", "corrections"),
    [
        (["1 signup pro 5", "1 signup pro 6"], 0),
        (["1 signup pro 5", "1 signup pro 6 sequence=1"], 1),
        (["1 cancel reason=a sequence=3", "2 cancel reason=a sequence=2"], 1),
        (["1 survey kind=nps score=9", "1 survey kind=nps score=8"], 0),
        (["1 survey kind=nps score=9 sequence=-1", "1 survey kind=nps score=8"], 1),
    ],
    ids=str,
)
def test_an_event_with_another_sequence_is_a_correction(lines: list[str], corrections: int) -> None:
    """Billing systems correct events daily: an alert about contradictions must not count these."""
    for order in permutations(lines):
        for short_cuts in (True, False):
            folding = _folded([*order, *order], short_cuts=short_cuts)[0].context
            assert (folding.conflicts, folding.corrections) == (1, corrections), order


#: A signup e0, a cancel e1 and a revoke; and whether that takes back the signup, the cancel, or nothing.
REVOCATIONS = [
    ("revoke revokes=e0", "signup"),
    ("revoke revokes=e1", "cancel"),
    ("revoke revokes=e0 source=customer.signup", "signup"),
    ("revoke revokes=e0 source=customer.cancel", "nothing"),
    ("revoke revokes=e0 source=crm", "nothing"),
    ("revoke revokes=e2", "nothing"),  # itself
    ("revoke revokes=never", "nothing"),
]


@pytest.mark.parametrize(("revoke", "hit"), REVOCATIONS)
def test_a_revocation_without_a_source_names_every_default_one(revoke: str, hit: str) -> None:
    """A producer with one topic need not know under which source it sent what it takes back."""
    lines = ["0 signup basic 10", "5 cancel", f"7 {revoke}"]
    for order in permutations(range(3)):
        arrived = [f"{lines[n]} id=e{n}" for n in order]
        customer, _ = folded(arrived)
        kinds = [step.fact.KIND for step in known_history(arrived).steps]
        assert kinds == {"signup": [4], "cancel": [0], "nothing": [0, 4]}[hit]
        assert revocations_without_effect(customer) == ([(FIRST + 7) * HOUR_MS] if hit == "nothing" else [])


def test_a_revocation_takes_back_surveys_and_renewals() -> None:
    """A survey that was sent to the wrong customer counts for nobody."""
    lines = ["0 survey kind=nps score=9", "1 renewal outcome=failed", "2 revoke revokes=e0", "3 revoke revokes=e1"]
    customer, rows = folded(lines)
    assert (rows, revocations_without_effect(customer)) == ([], [])


@pytest.mark.parametrize("source", sorted({kind.TOPIC for kind in EVENT_TYPES if kind.HAS_CUSTOMER}))
def test_every_default_source_is_among_those_that_a_revocation_without_one_names(source: str) -> None:
    """The table of topics says which they are."""
    customer, _ = folded(["0 revoke revokes=x"])
    assert customer.rare is not None
    assert identity_of(source, "x") in customer.rare.revoked()


def test_two_revocations_of_one_event_both_hit_it() -> None:
    """One more is no fault of the producer's that anybody could mend."""
    customer, _ = folded(["0 signup pro 5", "1 revoke revokes=e0", "2 revoke revokes=e0"])
    assert revocations_without_effect(customer) == []


def test_a_revocation_is_without_effect_until_what_it_names_arrives() -> None:
    """It is a property of the log: a late fact that it hits makes it one that hit."""
    lines = ["7 revoke revokes=e1", "0 signup pro 5"]
    assert folded(lines[:1])[1] == ["WITHOUT_EFFECT/revoke none 7 7 1 0"]
    for batch in (1, 2):
        assert folded(lines, batch=batch)[1] == []


def test_a_revocation_cannot_be_revoked() -> None:
    """The second one hits no event."""
    customer, _ = folded(["0 signup basic 10", "1 cancel", "2 revoke revokes=e1", "3 revoke revokes=e2"])
    assert revocations_without_effect(customer) == [(FIRST + 3) * HOUR_MS]
    assert (customer.is_open, customer.active) == (True, True)


def test_of_revocations_under_one_id_the_one_that_counts_takes_back() -> None:
    """The greater sequence says what was meant."""
    lines = [
        "0 signup basic 10 id=a",
        "1 signup pro 20 id=b",
        "2 revoke revokes=a id=r",
        "2 revoke revokes=b id=r sequence=1",
    ]
    for order in permutations(lines):
        assert [step_text(step) for step in known_history(order).steps] == ["0 signup -> basic 10 : active basic 10"]


def test_a_revocation_holds_for_what_is_sent_under_that_id_later() -> None:
    """It names the identity, not one of its contents."""
    for more in ("0 signup pro 99 id=e0", "0 signup pro 99 id=e0 sequence=5"):
        lines = ["0 signup basic 10", "1 revoke revokes=e0", more]
        assert known_history(lines).steps == []
        assert known_history([*lines[1:], f"{lines[0]} id=e0"]).steps == []


def test_contents_that_are_remembered_are_bounded() -> None:
    """A producer that sends an event again and again with another time may not grow the customer without end."""
    times = [f"{hours} signup pro 5" for hours in range(MOST_OUTDONE + 51)]
    fold, state = _folded([*times, *times])
    rare = decode(state).rare
    assert rare is not None
    assert sum(map(len, rare.outdone.values())) == 8 * MOST_OUTDONE
    # Those beyond are new each time.
    assert fold.context.conflicts == MOST_OUTDONE + 50 + 50
    assert len(state) < 4096
