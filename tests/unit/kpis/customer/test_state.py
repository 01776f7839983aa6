"""What is stored of a customer: how large it is, and that it is read as it was written."""

from __future__ import annotations

import pytest

from kpis.customer.customer import life_of
from kpis.customer.facts import MOST_OUTDONE, SignupFact, encode_fact
from kpis.customer.state import decode, encode, may_hold
from kpis.fold.fold import Fold
from kpis.names import Names
from kpis.references import reference_of
from schemas.decoding.decoder import Decoder
from tests.property.folding import LATEST_MS, Line
from tests.unit.kpis.customers import PLANS, plan_names, records_of

#: As large as offsets of a partition usually are for their first million records and less.
OFFSET = 50_000
#: As long as the ids of a large billing system.
IDS = [f"sub_1PkZ4a2eZvKYlo2CqJv8QqQ{n}" for n in range(5)]
SIGNUP = "signup pro 4900 country=DE channel=ads"


def state_of(*lines: str, names: Names | None = None) -> bytes:
    """Return the state after lines, the records of which lie one behind the other from OFFSET on."""
    names = names or plan_names()
    decoded = Decoder(latest_ms=LATEST_MS).decode([Line(record) for record in records_of(lines)])
    places = [reference_of(OFFSET + n, names.topic("customer.signup")) for n in range(len(lines))]
    return Fold(names).fold(decoded.events, decoded.times, {}, places)[0]["c"]


#: Lines, and the size of the state (bytes): 42 and, of each signup, 37 and the length of its subscription's id; where
#: the facts take more than 255 their length takes one more.
SIZES = {
    "a signup": ([f"0 {SIGNUP}"], 79),
    "a signup that names its subscription": ([f"0 {SIGNUP}".replace("signup", f"signup@{IDS[0]}")], 107),
    "a signup that was scheduled": ([f"9 {SIGNUP} effective_at=2025-03-01T00:00:00Z"], 87),
    "a signup and a cancel": ([f"0 {SIGNUP}", "900 cancel"], 110),
    "a pause and a resume more": ([f"0 {SIGNUP}", "700 pause", "800 resume", "900 cancel"], 168),
    "five subscriptions without long ids": ([f"{n} signup@{n}x pro 4900" for n in range(5)], 237),
    "five subscriptions": ([f"{n} signup@{each} pro 4900" for n, each in enumerate(IDS)], 368),
}


@pytest.mark.parametrize(("lines", "size"), SIZES.values(), ids=SIZES)
def test_state_is_as_small_as_it_was(lines: list[str], size: int) -> None:
    """A million customers with one subscription are what most of the memory is spent on: 83 bytes are their budget."""
    assert len(state_of(*lines)) == size
    assert size <= 83 or len(lines) > 1 or "@" in lines[0] or "effective_at" in lines[0]


@pytest.mark.parametrize("count", [1, 15, 16, 17, 300])
def test_so_many_facts_are_read_as_they_were_written(count: int) -> None:
    """Fifteen of them are the most that a short list of MessagePack holds."""
    kinds = ["signup@{} basic 10", "upgrade pro 20 trial", "pause@{}", "resume@{}", "cancel@{} reason=r{} involuntary"]
    lines = [f"{n} {kinds[n % 5].format(n, n)} sequence={n}" for n in range(count)]
    facts = life_of(decode(state_of(*lines)))
    assert [fact.sequence for fact in facts] == list(range(count))
    assert [fact.KIND for fact in facts] == [n % 5 for n in range(count)]
    assert b"".join(encode_fact(fact) for fact in facts) == decode(state_of(*lines)).life


def test_every_member_of_a_fact_is_kept() -> None:
    """Whatever decides between two events of one identity must be there when the second one comes."""
    names = plan_names()
    line = "9 signup@A pro 100 trial sequence=7 country=DE effective_at=2025-03-01T00:00:00Z"
    (fact,) = life_of(decode(state_of(line, names=names)))
    assert (fact.at_ms, fact.own_ms, fact.time_ms) == (1_740_787_200_000, 1_735_722_000_000, 1_735_722_000_000)
    assert (fact.sequence, fact.subscription, fact.reference >> 4) == (7, "A", OFFSET)
    assert isinstance(fact, SignupFact)
    assert (fact.plan, fact.mrr, fact.price, fact.currency, fact.trial) == (PLANS.index("pro"), 100, 0, 0, True)
    assert names.profile_names[decode(state_of(line, names=names)).profile] == ("DE", "none")


def test_a_state_that_was_stored_is_the_state() -> None:
    """Rare members lie at its end, and are read as they are."""
    lines = [f"0 {SIGNUP}", "1 survey kind=nps score=9 sequence=3", "2 revoke revokes=x", "0 signup pro 1 id=e0"]
    customer = decode(state_of(*lines))
    assert customer.rare is not None
    assert (len(customer.rare.revocations), list(customer.rare.sequences.values())) == (1, [3])
    assert len(customer.rare.outdone) == 1 < MOST_OUTDONE
    assert decode(encode(customer)) == customer


def test_an_identity_that_only_a_revocation_names_may_be_held() -> None:
    """The event that it waits for must take the longer way."""
    assert not may_hold(decode(state_of(f"0 {SIGNUP}")), b"12345678")
    assert may_hold(decode(state_of(f"0 {SIGNUP}", "1 revoke revokes=later")), b"12345678")
