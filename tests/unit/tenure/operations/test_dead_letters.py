"""Looking into the dead-letter topic: each letter once, whoever wrote to it."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents.document import plain
from schemas.refusals import HEADER_OFFSET, HEADER_PARTITION, HEADER_REPLAYED, HEADER_TOPIC, Reason, Refusal
from streams.partition.outbox import DeadLetter
from streams.records import Record
from tenure.operations.dead_letters import (
    SHOWN_CHARACTERS,
    Choice,
    Found,
    LetterPlace,
    letter_of,
    mark_of,
    place_of,
)

TOPIC = "tenure.dead-letters"


def letter(
    offset: int,
    *,
    place: int = 0,
    at_ms: int = 0,
    reason: Reason = Reason.MALFORMED_JSON,
    detail: str = "what is wrong",
    headers: tuple[tuple[str, bytes], ...] = (),
) -> Record:
    """Return a dead letter as it lies in its topic: of the record at an offset."""
    own = [("tenure-topic", b"forged"), ("h", b"v"), *headers]
    refused = Record("customer.signup", 3, offset, 7, b"c1", b"not JSON", own)
    sent = DeadLetter(refused, Refusal(reason, detail), TOPIC).form(0)
    assert sent is not None
    return Record(TOPIC, 0, place, at_ms, sent.key, sent.value, sent.headers)


def mark(offset: int, *, at_ms: int = 0, value: bytes = b'{"by":"ada"}') -> Record:
    """Return the mark that a dead letter was sent again."""
    place = LetterPlace("customer.signup", 3, offset)
    headers = [(HEADER_TOPIC, place.topic.encode()), (HEADER_PARTITION, b"3"), (HEADER_OFFSET, b"%d" % offset)]
    return Record(TOPIC, 0, 99, at_ms, b"", value, [*headers, (HEADER_REPLAYED, str(place).encode())])


def test_a_dead_letter_says_where_its_record_lay_and_what_was_wrong() -> None:
    """A re-sent dead letter has the headers of its first refusal too: the last ones are of this one."""
    found = letter_of(letter(5, at_ms=1_772_323_200_000))
    assert found is not None
    assert plain(found.document()) == {
        "place": "customer.signup/3/5", "reason": "malformed_json", "detail": "what is wrong", "member": None,
        "adapter": None, "topic": "customer.signup", "partition": 3, "offset": 5, "truncated": False, "key": "c1",
        "value": "not JSON", "value_bytes": 8, "refused_at": "2026-03-01T00:00:00Z", "replayed_at": None,
        "replayed_by": None,
    }  # fmt: skip
    assert found.sent_at_ms == 7


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


def test_letter_that_was_sent_again_says_so_and_is_not_left() -> None:
    """Two people who are called at once mend the same thing; the second sees that it is done."""
    found, left = Found(9), Found(9, Choice(only_left=True), dict([marked]) if (marked := mark_of(mark(1))) else {})
    for each in (found, left):
        for record in (letter(1), letter(2, place=1), mark(1, at_ms=1_772_323_200_000), mark(7)):
            each.take(record)
    listed = plain(found.document(TOPIC))
    assert (listed["dead_letters"], listed["replayed"], listed["foreign"]) == (2, 1, 0)
    by_place = {each["place"]: (each["replayed_at"], each["replayed_by"]) for each in listed["latest"]}
    assert by_place == {
        "customer.signup/3/1": ("2026-03-01T00:00:00Z", "ada"),
        "customer.signup/3/2": (None, None),
    }
    assert [each["offset"] for each in plain(left.document(TOPIC))["latest"]] == [2]


def test_record_that_was_refused_again_after_its_replay_is_a_dead_letter_of_its_own() -> None:
    """It carries the header of the replay too, and must not count as the mark of one."""
    again = letter(8, headers=((HEADER_REPLAYED, b"customer.signup/3/1"),))
    assert mark_of(again) is None
    assert letter_of(again) is not None
    broken = mark_of(mark(1, value=b"[]"))
    assert broken is not None, "the headers alone make it a mark"
    assert broken[1].by == ""


CHOICES: Final[tuple[tuple[Choice, list[int]], ...]] = (
    (Choice(), [1, 2, 3]),
    (Choice(reasons=frozenset({"invalid_member"})), [2]),
    (Choice(members=frozenset({"plan", "mrr_minor"})), [2, 3]),
    (Choice(members=frozenset({"plan"}), reasons=frozenset({"invalid_member"})), []),
    (Choice(adapters=frozenset({"stripe"})), [3]),
    (Choice(topics=frozenset({"customer.cancel"})), []),
    (Choice(topics=frozenset({"customer.signup"}), since_ms=20, until_ms=30), [2]),
    (Choice(places=frozenset({LetterPlace("customer.signup", 3, 1)})), [1]),
)


@pytest.mark.parametrize(("choice", "offsets"), CHOICES, ids=range(len(CHOICES)))
def test_filters_choose_what_all_of_them_take(choice: Choice, offsets: list[int]) -> None:
    """What is replayed by mistake cannot be taken back by this command."""
    found = Found(9, choice)
    for record in (
        letter(1, at_ms=10),
        letter(2, at_ms=20, reason=Reason.INVALID_MEMBER, detail="mrr_minor: must be an integer"),
        letter(
            3,
            at_ms=30,
            reason=Reason.MISSING_MEMBER,
            detail="stripe: plan: is required",
            headers=(("tenure-adapter", b"stripe"),),
        ),
    ):
        found.take(record)
    assert sorted(each["offset"] for each in plain(found.document(TOPIC))["latest"]) == offsets


def test_place_is_read_as_it_is_written() -> None:
    """It is copied from a listing into the next command."""
    place = LetterPlace("acme.customer-signup", 3, 1204)
    assert place_of(str(place)) == place
    assert [place_of(text) for text in ("", "t", "t/1", "t/1/x", "/1/2", "t/-1/2", "t/1/2/3", "t/\u0661/2")] == [
        None
    ] * 8
