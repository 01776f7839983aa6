"""A customer's state as an object: facts, surveys and renewals, activity, onboarding; decoding and encoding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final

from kpis.customer.facts import Feedback, LifecycleFact, encode_fact, facts_of
from kpis.customer.state import Customer


def life_of(customer: Customer) -> list[LifecycleFact]:
    """Return the facts in the order of the timeline, revoked ones included."""
    return facts_of(customer.life, customer.facts) if customer.facts else []


def set_life(customer: Customer, life: Iterable[LifecycleFact]) -> None:
    """Store facts, which must be in the order of the timeline."""
    parts = [encode_fact(fact) for fact in life]
    customer.facts = len(parts)
    customer.life = b"".join(parts)


# ------------------------------------------------------------------------- surveys and renewals

_packed = Struct("<QQ8s")  # time << 16 | code, reference << 16 | reason, identity
FEEDBACK_SIZE: Final = _packed.size


def pack_feedback(at_ms: int, code: int, identity: bytes, reason: int, reference: int) -> bytes:
    """Return one survey or renewal as FEEDBACK_SIZE bytes."""
    return _packed.pack(at_ms << 16 | code, reference << 16 | reason, identity)


def feedback_of(customer: Customer) -> list[Feedback]:
    """Return surveys and renewals, earliest first."""
    feedback = [
        Feedback(head >> 16, head & 0xFFFF, identity, tail & 0xFFFF, tail >> 16)
        for head, tail, identity in _packed.iter_unpack(customer.feedback)
    ]
    feedback.sort()
    return feedback


def set_feedback(customer: Customer, feedback: Iterable[Feedback]) -> None:
    """Store surveys and renewals."""
    customer.feedback = b"".join([pack_feedback(*item) for item in feedback])


# ------------------------------------------------------------------------- activity

_ONE_BYTE: Final = [bytes((n,)) for n in range(128)]


def gap_bytes(gap: int) -> bytes:
    """Return a gap between two buckets in base 128, the high bit set on all bytes but the last."""
    assert gap >= 0, gap
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
    """Return whether an instant lies in [start, end)."""
    return any(start_ms <= at_ms < end_ms for at_ms in times)
