"""The state of one customer: facts, and a cache of what they say now, so that the usual event needs no replay.

A state is stored, and cached, as the bytes that `encode` makes: small, free of the collector, never half-changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final

import msgspec

#: Written in front of every table; a change of layout is a new number and a rebuild.
STATE_VERSION: Final = 2

SIGNUP: Final = 0
CHANGE: Final = 1
CANCEL: Final = 2
REVOKE: Final = 3
SURVEY: Final = 4
RENEWAL: Final = 5

NEVER: Final = 0
ACTIVE: Final = 1
INACTIVE: Final = 2

#: (event time ms, sequence, kind, identity, plan | reason, MRR in the default currency | involuntary,
#: profile | currency | the cancel's own time or 0, MRR as given in a foreign currency or 0, place)
Fact = tuple[int, int, int, bytes, int, int, int, int, int]
#: (event time ms, code, identity, reason, place); codes are those of `kpis.notes`, places those of `kpis.places`
Note = tuple[int, int, bytes, int, int]
#: (identity, event time ms, sequence, identity that is revoked, place)
Revocation = tuple[bytes, int, int, bytes, int]

encode_fact = msgspec.msgpack.Encoder().encode
_decode_facts = msgspec.msgpack.Decoder(list[Fact]).decode
#: what msgpack begins a short list with, by its length
_LIST_OF: Final = [bytes((0x90 | n,)) for n in range(16)]


class Rare(msgspec.Struct, array_like=True):
    """What few customers have; with any of it every event takes the general path."""

    revocations: list[Revocation] = []
    #: sequence by identity, of surveys and renewals that have one
    sequences: dict[bytes, int] = {}

    def is_empty(self) -> bool:
        """Whether nothing is left to remember."""
        return not self.revocations and not self.sequences


class Customer(msgspec.Struct, array_like=True, gc=False):
    """Facts (life, notes, acts, used, recent, runs, onboarded, rare) and their cache; times in ms, -1: none."""

    phase: int = NEVER
    plan: int = 0  # stays after a cancel
    mrr: int = 0
    profile: int = 0  # of the fact that made the customer new
    first_plan: int = 0
    first_at: int = -1
    last_at: int = -1  # last lifecycle fact
    noted_at: int = -1  # last survey or renewal
    engaged_bucket: int = -1  # last bucket with activity or an answered survey
    active_bucket: int = -1  # last bucket with activity
    simple: bool = False  # the only effective fact so far is the first signup
    facts: int = 0
    life: bytes = b""  # facts, each as msgpack, in the order of the timeline
    notes: bytes = b""  # surveys and renewals, NOTE_SIZE bytes each, in order of arrival
    acts: bytes = b""  # buckets with activity: gaps in base 128
    used: str = ""  # features of all those buckets but the last, see `kpis.features`
    recent: str = ""  # features of the last one
    runs: tuple[int, ...] = ()  # first and last instant of each run of activity, ms; between them seven days without
    onboarded: tuple[int, ...] = ()  # completions, ms, thinned
    rare: Rare | None = None


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Customer).decode


def life_of(customer: Customer) -> list[Fact]:
    """Return the lifecycle facts in the order of the timeline, revoked ones included."""
    n = customer.facts
    return _decode_facts((_LIST_OF[n] if n < 16 else b"\xdc" + n.to_bytes(2, "big")) + customer.life)


def set_life(customer: Customer, life: Iterable[Fact]) -> None:
    """Store lifecycle facts, which must be in the order of the timeline."""
    parts = [encode_fact(fact) for fact in life]
    customer.facts = len(parts)
    customer.life = b"".join(parts)


# ------------------------------------------------------------------------- surveys and renewals

_note = Struct("<QQ8s")  # time << 16 | code, place << 16 | reason, identity
NOTE_SIZE: Final = _note.size


def pack_note(at_ms: int, code: int, identity: bytes, reason: int, place: int) -> bytes:
    """Return one survey or renewal as NOTE_SIZE bytes."""
    return _note.pack(at_ms << 16 | code, place << 16 | reason, identity)


def notes_of(customer: Customer) -> list[Note]:
    """Return surveys and renewals, earliest first."""
    notes = [
        (head >> 16, head & 0xFFFF, identity, tail & 0xFFFF, tail >> 16)
        for head, tail, identity in _note.iter_unpack(customer.notes)
    ]
    notes.sort()
    return notes


def set_notes(customer: Customer, notes: Iterable[Note]) -> None:
    """Store surveys and renewals."""
    customer.notes = b"".join([pack_note(*note) for note in notes])


# ------------------------------------------------------------------------- activity

_ONE_BYTE: Final = [bytes((n,)) for n in range(128)]


def gap_bytes(gap: int) -> bytes:
    """Return a gap between two buckets in base 128, the high bit set on all bytes but the last."""
    if gap < 128:
        return _ONE_BYTE[gap]
    out = [gap & 127]
    gap >>= 7
    while gap:
        out.append(gap & 127 | 128)
        gap >>= 7
    return bytes(reversed(out))


def activity_of(customer: Customer) -> list[int]:
    """Return the buckets with activity, in order."""
    out: list[int] = []
    gap = bucket = 0
    for byte in customer.acts:
        gap = gap << 7 | byte & 127
        if byte < 128:
            bucket += gap
            out.append(bucket)
            gap = 0
    return out


def set_activity(customer: Customer, buckets: Iterable[int]) -> None:
    """Store buckets with activity, which must be in order and without repeats."""
    parts: list[bytes] = []
    before = 0
    for bucket in buckets:
        parts.append(gap_bytes(bucket - before))
        before = bucket
    customer.acts = b"".join(parts)
    customer.active_bucket = before if parts else -1


def thinned(times: Sequence[int], at_ms: int, span_ms: int) -> tuple[int, ...]:
    """Return instants with one more, without what no window of `span_ms` can tell from its neighbours.

    A window of the span that holds the middle one of three instants at most a span apart holds one of the others too.
    """
    out = sorted({*times, at_ms})
    k = 1
    while k < len(out) - 1:
        if out[k + 1] - out[k - 1] <= span_ms:
            del out[k]
        else:
            k += 1
    return tuple(out)


def any_within(times: Iterable[int], start_ms: int, end_ms: int) -> bool:
    """Whether an instant lies in [start, end)."""
    return any(start_ms <= at_ms < end_ms for at_ms in times)
