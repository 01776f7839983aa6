"""Judgement of dead letters: what would be sent, byte for byte, and what would be refused again."""

from __future__ import annotations

import pytest

from schemas.decoding.adapted import HEADER_REFUSED, headers_of_refused
from schemas.refusals import HEADER_FORWARDED, HEADER_REPLAYED, Reason, Refusal
from streams.settings.meaning import decoder_of
from streams.settings.settings import Settings
from tenure.dead_letters.judging import Judge, Judgement
from tenure.dead_letters.translating import Translators
from tenure.dead_letters.whole import WholeLetter
from tests.unit.tenure.dead_letters.letters import SENT_MS, SIGNUP, whole_letter

STRIPE = (
    b'{"id":"evt_1","type":"customer.subscription.deleted","created":1772323200,"livemode":true,'
    b'"data":{"object":{"id":"sub_1","customer":"cus_1"}}}'
)


def judged(whole: WholeLetter, *, anyway: bool = False, value: bytes | None = None) -> Judgement:
    """Return the judgement of a letter, with its own value or another one."""
    settings = Settings()
    judge = Judge(settings, decoder_of(settings), Translators(settings), anyway=anyway)
    return judge.judge(whole, whole.key, whole.value if value is None else value)


def test_letter_goes_to_where_it_lay_with_all_that_was_its_own() -> None:
    """Headers of ours say where it lay once; a trace of the producer's is still looked for under its own."""
    whole = whole_letter(SIGNUP, headers=(("trace", b"\x00\xff"), (HEADER_FORWARDED, b"t/0/1/x"), ("trace", b"2")))
    found = judged(whole)
    (sent,) = found.records
    assert found.outcome == "ready"
    assert (sent.topic, sent.partition, sent.key, sent.value) == ("customer.signup", None, b"c1", SIGNUP)
    assert sent.timestamp_ms == SENT_MS
    assert sent.headers == (("trace", b"\x00\xff"), ("trace", b"2"), (HEADER_REPLAYED, b"customer.signup/3/1"))
    assert found.becomes == ("signup e1 of c1 at 2026-03-01T09:30:00Z, plan pro, mrr_minor 4900",)


def test_letter_of_a_topic_that_is_no_input_any_more_goes_to_the_mixed_one() -> None:
    """A topic that nobody reads would swallow it."""
    (sent,) = judged(whole_letter(SIGNUP, topic="old.signup")).records
    assert sent.topic == "customer.events"


def test_what_would_be_refused_again_is_left_unless_it_is_wanted() -> None:
    """Otherwise each try would add one more dead letter of the same record."""
    whole = whole_letter(SIGNUP.replace(b'"pro"', b"1"))
    left = judged(whole)
    assert (left.outcome, left.records) == ("refused_again", ())
    assert left.detail.startswith("invalid_member: plan: ")
    sent = judged(whole, anyway=True)
    assert (sent.outcome, len(sent.records)) == ("ready", 1)


def test_event_of_the_future_is_compared_with_the_timestamp_that_it_had() -> None:
    """A replay of next week would else let in what a wrong clock made."""
    late = SIGNUP.replace(b"T09:30:00Z", b"T12:30:00Z")
    assert judged(whole_letter(late)).detail.startswith("time_out_of_range: time: ")


def test_shortened_letter_is_never_sent() -> None:
    """Half a record would be malformed, or, worse, another event."""
    whole = whole_letter(SIGNUP, step=5)
    assert judged(whole, anyway=True).outcome == "truncated"


def test_test_event_is_sent_and_said_to_be_one() -> None:
    """It is valid, and counts not."""
    found = judged(whole_letter(SIGNUP[:-1] + b',"test":true}'))
    assert (found.outcome, found.types) == ("ready", ("test",))


def foreign(value: bytes) -> WholeLetter:
    """Return a record that the adapter of Stripe did not understand."""
    headers = headers_of_refused("stripe", Refusal(Reason.MISSING_MEMBER, "stripe: data: is required"))
    return whole_letter(value, key=None, headers=headers, topic="customer.events")


def test_record_of_another_system_is_translated_anew_and_its_events_are_sent() -> None:
    """The adapter has learned, or the mapping says what was missing."""
    found = judged(foreign(STRIPE))
    (sent,) = found.records
    assert (found.outcome, found.types) == ("ready", ("cancel",))
    assert (sent.topic, sent.key, sent.timestamp_ms) == ("customer.cancel", b"cus_1", SENT_MS)
    assert [name for name, _ in sent.headers] == [HEADER_REPLAYED]


def test_record_that_its_adapter_still_refuses_is_left_with_the_fault_of_now() -> None:
    """The old header would go on saying what was wrong before it was mended."""
    broken = foreign(STRIPE.replace(b'"customer":"cus_1"', b'"customer":null'))
    left = judged(broken)
    assert left.outcome == "refused_again"
    assert "data.object.customer" in left.detail
    (sent,) = judged(broken, anyway=True).records
    (said,) = [value for name, value in sent.headers if name == HEADER_REFUSED]
    assert b"data.object.customer" in said


def test_record_that_says_nothing_that_is_counted_is_done() -> None:
    """An adapter that ignores it now leaves nothing to send."""
    found = judged(foreign(STRIPE.replace(b"customer.subscription.deleted", b"invoice.created")))
    assert (found.outcome, found.records) == ("nothing_to_count", ())
    assert "invoice.created" in found.detail


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"{", b'{"data":[]}'])
def test_whatever_lies_there_is_judged(value: bytes | None) -> None:
    """Anybody may have sent it."""
    for whole in (whole_letter(value), foreign(value or b"")):
        assert judged(whole).outcome == "refused_again"
    unknown = foreign(STRIPE)
    renamed = unknown._replace(letter=unknown.letter._replace(adapter="gone"))
    assert judged(renamed).detail.startswith("gone: there is no such adapter; known are ")
