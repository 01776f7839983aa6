"""Where the record of a fact lies: kept with the fact that counts, and of no weight in any decision."""

from __future__ import annotations

from kpis.customer.customer import feedback_of, life_of
from kpis.customer.state import Customer, decode
from kpis.fold.fold import Fold
from kpis.names import Names
from schemas.decoding.decoder import Decoder
from tests.property.folding import LATEST_MS, Line
from tests.unit.kpis.customers import record

SIGNUP = record("0 signup pro 1000", 0)


def customer_of(*records: bytes, short_cuts: bool = True) -> Customer:
    """Return the customer after records that lie at places 100, 101 and so on."""
    decoded = Decoder(latest_ms=LATEST_MS).decode([Line(each) for each in records])
    fold = Fold(Names(), short_cuts=short_cuts)
    states, _ = fold.fold(decoded.events, decoded.times, {}, range(100, 100 + len(records)))
    return decode(states["c"])


def test_every_kind_of_fact_remembers_its_place() -> None:
    """Facts of the timeline, surveys, renewals and revocations can all decide on a number."""
    records = (
        SIGNUP,
        record("1 upgrade pro 2000", 1),
        record("2 survey kind=nps score=9", 2),
        record("3 renewal outcome=renewed", 3),
        record("4 pause", 4),
        record("5 resume", 5),
        record("6 cancel", 6),
        record("7 revoke source=customer.cancel revokes=e6", 7),
    )
    for short_cuts in (True, False):
        customer = customer_of(*records, short_cuts=short_cuts)
        assert [fact.reference for fact in life_of(customer)] == [100, 101, 104, 105, 106]
        assert [item.reference for item in feedback_of(customer)] == [102, 103]
        assert customer.rare is not None
        assert [revocation.reference for revocation in customer.rare.revocations] == [107]


def test_a_duplicate_keeps_the_first_place() -> None:
    """A record that comes again changes nothing: the state stays as it is, and is not stored."""
    assert _places(SIGNUP, SIGNUP) == [100]


def test_of_two_contents_the_winner_brings_its_place() -> None:
    """The record that is shown must say what counted."""
    larger = SIGNUP.replace(b"1000", b"2000")
    assert _places(larger, SIGNUP) == [101]
    assert _places(SIGNUP, larger) == [100]
    corrected = record("0 signup pro 2000 sequence=1", 0)
    assert _places(SIGNUP, corrected) == [101]
    assert _places(corrected, SIGNUP) == [100]


def _places(*records: bytes) -> list[int]:
    return [fact.reference for fact in life_of(customer_of(*records))]
