"""A record on its way to the partition of its customer, and the header by which a stream knows what it has sent.

The header `tenure-forwarded` says where the record lay, and proves it: `<topic>/<partition>/<offset>/<proof>`. The key
of the proof is the identifier of the stream's tables. A header that proves nothing to this stream, because somebody
else has set it, is never believed, and is left as it is.

Streams with other partition counts may read the same topics. Each has its own home for a customer, and forwards what
the others have forwarded. It ends because a stream knows its own copy, once another stream has forwarded that on.
Sending: `streams.partition.outbox`.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NamedTuple

from schemas.decoding.wire_formats import carries_event, is_read
from schemas.refusals import HEADER_FORWARDED
from streams.batching.sender import Outgoing
from streams.records import Headers, ReadableRecord, Record

_PROOF_BYTES: Final = 16
#: the longest topic's name that Kafka takes, two numbers, three slashes and the proof
_LONGEST_BYTES: Final = 249 + 10 + 19 + 3 + 2 * _PROOF_BYTES
LOOKED_AT: Final = 16
"""So many of a record's last `tenure-forwarded` headers are looked at, and kept in its smallest form (count): as many
streams may read the same topics; and who writes thousands of them costs us nothing."""


class Seal:
    """Makes and verifies the proofs of one stream.

    Args:
        stream_id: Of the mark in its tables; a stream without one proves nothing, and believes nothing.
    """

    def __init__(self, stream_id: str) -> None:
        self._key = stream_id.encode()

    def header_of(self, record: Record) -> bytes:
        """Return the value of the header for a record as it lies here."""
        origin = f"{record.topic}/{record.partition}/{record.offset}".encode()
        return origin if not self._key else b"%b/%b" % (origin, self._proof(origin, _digest(record)))

    def own(self, record: ReadableRecord) -> list[int]:
        """Return which of a record's headers, by their place, are this stream's `tenure-forwarded`.

        Only the last LOOKED_AT headers of that name are looked at.
        """
        if not self._key:
            return []
        places = _forwarded_places(record.headers)[-LOOKED_AT:]
        digest = _digest(record) if places else b""
        return [place for place in places if self._verifies(record.headers[place][1], digest)]

    def _verifies(self, header: bytes | None, digest: bytes) -> bool:
        if not header or len(header) > _LONGEST_BYTES:
            return False
        origin, _, proof = header.rpartition(b"/")
        return hmac.compare_digest(proof, self._proof(origin, digest))

    def _proof(self, origin: bytes, digest: bytes) -> bytes:
        return hmac.digest(self._key, origin + b"\0" + digest, "sha256")[:_PROOF_BYTES].hex().encode()


def was_forwarded_on(record: Record, seal: Seal) -> bool:
    """Return whether this stream has sent the record home, and another stream has sent our copy on.

    Then the event counts at home by our copy, and this one is known; forwarding it again would never end.
    """
    if not record.headers:
        return False
    own = seal.own(record)
    return bool(own) and any(place > own[0] and place not in own for place in _forwarded_places(record.headers))


def is_copy(record: ReadableRecord, seal: Seal) -> bool:
    """Return whether this stream itself has sent a record to where it lies."""
    places = _forwarded_places(record.headers)
    return bool(places) and places[-1] in seal.own(record)


class Forward(NamedTuple):
    """A record that is sent to the partition of its customer: unchanged but for its key and one header more."""

    record: Record
    topic: str
    partition: int
    customer_id: str
    seal: Seal
    #: whether its event has one: of activity and onboarding each is applied
    has_identity: bool = True

    def form(self, step: int) -> Outgoing | None:
        """Return the record whole, then without headers that carry nothing of the event, then with few of the rest.

        Which events it carries is the same in all forms. The header of this stream replaces one of its own that is the
        last one: such a record was sent again by somebody.
        """
        record = self.record
        headers = [*_without_own(record, self.seal), (HEADER_FORWARDED, self.seal.header_of(record))]
        if step == 1:
            headers = [each for each in headers if each[0] == HEADER_FORWARDED or carries_event(each[0])]
        elif step == 2:
            last = set(_forwarded_places(headers)[-LOOKED_AT:])
            headers = [
                (name, header)
                for place, (name, header) in enumerate(headers)
                if is_read(name) or (place in last and len(header or b"") <= _LONGEST_BYTES)
            ]
        elif step > 2:
            return None
        key = self.customer_id.encode()
        return Outgoing(self.topic, self.partition, key, record.value, record.timestamp, headers)

    @property
    def place(self) -> bytes:
        """Its key: it always has one."""
        return self.customer_id.encode()

    @property
    def gives_way(self) -> bool:
        """See `streams.batching.sender.Parcel`: it becomes a dead letter with the reason `oversized`."""
        return True


def _without_own(record: Record, seal: Seal) -> Headers:
    """Return a record's headers without this stream's `tenure-forwarded`, where that is the last of its name."""
    own = seal.own(record) if record.headers else []
    return [each for place, each in enumerate(record.headers) if place not in own]


def _forwarded_places(headers: Headers) -> list[int]:
    return [place for place, (name, _) in enumerate(headers) if name == HEADER_FORWARDED]


def _digest(record: ReadableRecord) -> bytes:
    """Return a hash of what an event is made of: the record's value, and the headers that are read."""
    parts = [record.value or b""]
    for name, header in record.headers:
        if is_read(name):
            parts += [name.encode(), header or b""]
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.digest()
