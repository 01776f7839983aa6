"""Looking into the dead-letter topic: each letter once, whoever wrote to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.documents.document import plain
from schemas.refusals import Reason, Refusal
from streams.partition.outbox import DeadLetter
from streams.records import Record
from tenure.operations.dead_letters import SHOWN_CHARACTERS, Found, letter_of

TOPIC = "tenure.dead-letters"


def letter(offset: int, *, place: int = 0, at_ms: int = 0, reason: Reason = Reason.MALFORMED_JSON) -> Record:
    """Return a dead letter as it lies in its topic: of the record at an offset."""
    refused = Record("customer.signup", 3, offset, 7, b"c1", b"not JSON", [("tenure-topic", b"forged"), ("h", b"v")])
    sent = DeadLetter(refused, Refusal(reason, "what is wrong"), TOPIC).form(0)
    assert sent is not None
    return Record(TOPIC, 0, place, at_ms, sent.key, sent.value, sent.headers)


def test_a_dead_letter_says_where_its_record_lay_and_what_was_wrong() -> None:
    """A re-sent dead letter has the headers of its first refusal too: the last ones are of this one."""
    found = letter_of(letter(5, at_ms=1_772_323_200_000))
    assert found is not None
    assert plain(found.document()) == {
        "reason": "malformed_json", "detail": "what is wrong", "topic": "customer.signup", "partition": 3, "offset": 5,
        "truncated": False, "key": "c1", "value": "not JSON", "value_bytes": 8, "refused_at": "2026-03-01T00:00:00Z",
    }  # fmt: skip


def test_a_letter_that_was_sent_twice_is_one() -> None:
    """A batch that is applied again after a crash sends its dead letters again; nothing went wrong twice."""
    found = Found(10)
    for record in (letter(1), letter(2, place=1), letter(1, place=2), letter(3, place=3, reason=Reason.OVERSIZED)):
        found.take(record)
    listed = plain(found.document(TOPIC))
    assert (listed["dead_letters"], listed["repeated"], listed["foreign"]) == (3, 1, 0)
    assert listed["reasons"] == {"malformed_json": 2, "oversized": 1}


def test_the_latest_are_shown_and_no_more_than_are_asked_for() -> None:
    """Whoever is called wants to know what goes wrong now."""
    found = Found(2)
    for n in (3, 9, 1, 7, 5):
        found.take(letter(n, place=n, at_ms=n))
    assert [each["offset"] for each in plain(found.document(TOPIC))["latest"]] == [9, 7]
    assert plain(Found(0).document(TOPIC))["latest"] == []


@given(
    st.binary() | st.none(), st.lists(st.tuples(st.sampled_from(["tenure-offset", "tenure-topic", "x"]), st.binary()))
)
def test_records_of_others_are_counted_and_break_nothing(value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    """Anybody may write to a topic."""
    found = Found(1)
    found.take(Record(TOPIC, 0, 1, -1, value, value, headers))
    found.take(Record(TOPIC, 0, 2, -1, None, None, [*headers, *letter(4).headers, ("tenure-detail", b"\xff")]))
    assert (found.foreign, found.reasons.total()) == (1, 1)


def test_of_a_long_value_the_beginning_is_shown() -> None:
    """A record of a megabyte hides the others."""
    record = letter(1)
    long = Record(TOPIC, 0, 1, 1, b"k" * 9999, "é".encode() * 9999, record.headers)
    shown = letter_of(long)
    assert shown is not None
    assert shown.value == "é" * SHOWN_CHARACTERS
    assert shown.value_bytes == 2 * 9999
