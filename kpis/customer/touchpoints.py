"""Touchpoints of a customer: what passed between us and them beside the timeline, as it is stored.

Contacts, tickets, referrals, exposures and surveys on further scales change no count of a report; what is made of them
is worked out when all customers are looked at. Marks, which have no customer, are kept the same way, in a state of
their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

import msgspec
from xxhash import xxh3_64_digest

from kpis.customer.facts import CONTACT, EXPOSURE, MARK, RATING, REFERRAL, SUPPORT, SURVEY
from kpis.customer.state import Customer


class Touchpoint(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The members of all touchpoints; a state holds the kinds below.

    Attributes:
        KIND: Its kind.
        at_ms: Event time (ms since 1970).
        sequence: As sent; 0 where there was none.
        identity: The hash that stands for (source, id).
        reference: Where its record lies, see `kpis.references`.
    """

    KIND: ClassVar[int]

    at_ms: int
    sequence: int
    identity: bytes
    reference: int

    def said(self) -> tuple[str | int | bytes, ...]:
        """Return the members that are compared, in order."""
        raise NotImplementedError


class ContactFact(Touchpoint, tag=CONTACT, frozen=True, gc=False):
    """Somebody of ours followed up.

    Attributes:
        about: The id that it names; "" where it names none.
        surveys: The hashes that this id has under the source of the contact and under the default one of surveys;
            empty where it names none.
    """

    KIND = CONTACT

    about: str
    surveys: tuple[bytes, ...]

    def said(self) -> tuple[str | int | bytes, ...]:
        """Return what it names."""
        return (self.about,)


class SupportFact(Touchpoint, tag=SUPPORT, frozen=True, gc=False):
    """A ticket was opened, answered or solved; `status` is the word."""

    KIND = SUPPORT

    ticket: str
    status: str

    def said(self) -> tuple[str | int | bytes, ...]:
        """Return the ticket and what became of it."""
        return self.ticket, self.status


class ReferralFact(Touchpoint, tag=REFERRAL, frozen=True, gc=False):
    """The customer brought another one; `referred` is `hash_of_customer` of that one's id.

    An id would stay here when that other customer is forgotten.
    """

    KIND = REFERRAL

    referred: bytes

    def said(self) -> tuple[str | int | bytes, ...]:
        """Return who it was."""
        return (self.referred,)


class ExposureFact(Touchpoint, tag=EXPOSURE, frozen=True, gc=False):
    """The customer saw a variant of a measure."""

    KIND = EXPOSURE

    measure: str
    variant: str

    def said(self) -> tuple[str | int | bytes, ...]:
        """Return both."""
        return self.measure, self.variant


class MarkFact(Touchpoint, tag=MARK, frozen=True, gc=False):
    """Something happened, of no customer; `until_ms` is -1 where it has no end (ms since 1970)."""

    KIND = MARK

    kind: str
    title: str
    until_ms: int

    def said(self) -> tuple[str | int | bytes, ...]:
        """Return all three."""
        return self.kind, self.title, self.until_ms


class RatingFact(Touchpoint, tag=RATING, frozen=True, gc=False):
    """A survey on one of `FURTHER_SCALES`; its members are those of the event, and the score is -1 for none."""

    KIND = SURVEY

    kind: str
    status: str
    score: int
    reason: str
    via: str
    incentive: bool

    def said(self) -> tuple[str | int | bytes, ...]:
        """Return all of it, in the order of the event."""
        return self.kind, self.status, self.score, self.reason, self.via, self.incentive


AnyTouchpoint = ContactFact | SupportFact | ReferralFact | ExposureFact | MarkFact | RatingFact

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(AnyTouchpoint).decode


def hash_of_customer(customer_id: str) -> bytes:
    """Return the 64-bit hash by which a referral names a customer."""
    return xxh3_64_digest(customer_id.encode())


def add_touchpoint(customer: Customer, fact: AnyTouchpoint) -> None:
    """Add one; in which order they are stored does not matter."""
    customer.touchpoints = (*customer.touchpoints, _encode(fact))


def set_touchpoints(customer: Customer, facts: Iterable[AnyTouchpoint]) -> None:
    """Store touchpoints in place of those that are there."""
    customer.touchpoints = tuple([_encode(fact) for fact in facts])


def stored_touchpoints(customer: Customer) -> list[AnyTouchpoint]:
    """Return all touchpoints, earliest first, revoked ones included."""
    return sorted(map(_decode, customer.touchpoints), key=touchpoint_order) if customer.touchpoints else []


def touchpoints_of(customer: Customer) -> list[AnyTouchpoint]:
    """Return the touchpoints that count, earliest first: those that are not revoked."""
    found = stored_touchpoints(customer)
    if not found or customer.rare is None or not customer.rare.revocations:
        return found
    revoked = customer.rare.revoked()
    return [fact for fact in found if fact.identity not in revoked]


def touchpoint_order(fact: AnyTouchpoint) -> tuple[int, int, int, tuple[str | int | bytes, ...], bytes]:
    """Return the key that sorts touchpoints: (event time, sequence, kind, members, identity)."""
    return fact.at_ms, fact.sequence, fact.KIND, fact.said(), fact.identity
