"""Dead letters for tests."""

from __future__ import annotations

from schemas.refusals import Reason, Refusal
from streams.partition.outbox import DeadLetter
from streams.records import Headers, Record
from tenure.dead_letters.whole import WholeLetter, whole_letter_of

#: Kafka's timestamp of all records: 2026-03-01T10:00:00Z.
SENT_MS = 1_772_359_200_000
SIGNUP = b'{"id":"e1","type":"signup","customer_id":"c1","time":"2026-03-01T09:30:00Z","plan":"pro","mrr_minor":4900}'


def whole_letter(
    value: bytes | None,
    *,
    offset: int = 1,
    key: bytes | None = b"c1",
    headers: Headers = (("h", b"v"),),
    topic: str = "customer.signup",
    step: int = 0,
) -> WholeLetter:
    """Return a dead letter as it is read from its topic; `step` shortens it."""
    refused = Record(topic, 3, offset, SENT_MS, key, value, headers)
    sent = DeadLetter(refused, Refusal(Reason.INVALID_MEMBER, "plan: must be a text"), "dead").form(step)
    assert sent is not None
    found = whole_letter_of(Record("dead", 0, 9, SENT_MS + 5_000, sent.key, sent.value, sent.headers))
    assert found is not None
    return found
