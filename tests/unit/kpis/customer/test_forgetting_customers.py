"""States and pseudonyms of forgotten customers: nothing leads back to them, and what they add to counts is the same."""

from __future__ import annotations

import json

from kpis.customer.forgetting import forgotten_state, subscriptions_of
from kpis.customer.pseudonyms import ForgetKey, ForgottenCustomer
from kpis.customer.state import decode, encode
from kpis.customer.what_counts import BY_DEFAULT
from kpis.fold.contribution import contribution
from schemas.tombstones import Tombstone
from tests.property.folding import Folded
from tests.recount.options import DEFAULTS
from tests.recount.short_events import cancel, change, revoke, signup, survey

KEY = ForgetKey("a key of thirty-two characters..")
BUCKET_MS = 3_600_000
LIFE = [
    signup("c1", "2026-01-05", "pro", 4900, id="id-one", subscription_id="sub-Z"),
    signup("c1", "2026-01-05", "team", 900, id="id-two", subscription_id="sub-a"),
    change("c1", "2026-01-20", "team", 9900, id="id-three", subscription_id="sub-a"),
    revoke("c1", "2026-01-22", "id-three", id="id-four"),
    survey("c1", "2026-02-05", "nps", 9, id="id-five"),
    cancel("c1", "2026-02-11", id="id-six", subscription_id="sub-Z", reason="price"),
]


def forgotten(customer_id: str, subscriptions: list[str]) -> ForgottenCustomer:
    """Return a customer who is forgotten, with some subscriptions in the order of their ids."""
    listed = [KEY.subscription_hash(customer_id, each) for each in subscriptions]
    return ForgottenCustomer(KEY, customer_id, Tombstone(1, listed, KEY.check, "", 0))


def test_a_forgotten_state_names_nothing_and_adds_the_same_to_every_count() -> None:
    """The order of facts of one instant depends on the ids of subscriptions: their names must sort alike."""
    folded = Folded(DEFAULTS)
    folded.batch([json.dumps(event).encode() for event in LIFE])
    before = decode(folded.states[0]["c1"])
    who = forgotten("c1", subscriptions_of(before))
    after = forgotten_state(before, who.subscription, folded.names[0])
    assert contribution(after, BUCKET_MS, BY_DEFAULT) == contribution(before, BUCKET_MS, BY_DEFAULT)
    assert encode(before) == folded.states[0]["c1"], "the state itself stays as it was"
    assert b"sub-" in encode(before)
    assert b"id-three" in encode(before)
    assert b"sub-" not in encode(after)
    assert b"id-" not in encode(after)


def test_names_of_subscriptions_sort_as_their_ids_do_and_unknown_ones_come_last() -> None:
    """They are compared as texts, by code point."""
    ids = sorted(["", "Z", "a", "ä", "\U0001f600", *(f"s{n}" for n in range(12))])
    who = forgotten("c1", ids[1:])
    named = [who.subscription(each) for each in [*ids, "unknown"]]
    assert named == sorted(named)
    assert len(set(named)) == len(named)
    assert named[0] == ""


def test_hashes_depend_on_the_key_and_on_what_they_are_of() -> None:
    """Else ids could be tried, and one hash could stand for two things."""
    other = ForgetKey("another key of thirty-two characters")
    assert other.check != KEY.check
    assert other.hash_of("c1") != KEY.hash_of("c1")
    assert KEY.hash_of("c1") != KEY.hash_of("c2")
    assert KEY.subscription_hash("ab", "c") != KEY.subscription_hash("a", "bc")
    assert len(KEY.hash_of("")) == 128
