"""Facts of a customer, as they are stored: facts of the timeline by type, surveys and renewals, revocations.

Touchpoints: `kpis.customer.touchpoints`.
"""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

import msgspec

#: Written in front of every table; a change of layout is a new number and a rebuild.
STATE_VERSION: Final = 4
#: Earlier versions whose facts are the same: `tenure rebuild` makes tables of this version out of theirs.
CONVERTIBLE_VERSIONS: Final = frozenset({3})

# Kinds in the order in which events of one identity are compared, those of the timeline in its order too.
SIGNUP: Final = 0
CHANGE: Final = 1
PAUSE: Final = 2
RESUME: Final = 3
CANCEL: Final = 4
REVOKE: Final = 5
SURVEY: Final = 6
RENEWAL: Final = 7
CONTACT: Final = 8
SUPPORT: Final = 9
REFERRAL: Final = 10
EXPOSURE: Final = 11
MARK: Final = 12
#: The tag of surveys on further scales, as they are stored; in the order of kinds they are surveys.
RATING: Final = 13

#: Kinds, as reports and explanations name them.
WORDS: Final = {
    SIGNUP: "signup", CHANGE: "change", PAUSE: "pause", RESUME: "resume", CANCEL: "cancel", REVOKE: "revoke",
    SURVEY: "survey", CONTACT: "contact", SUPPORT: "support", REFERRAL: "referral", EXPOSURE: "exposure", MARK: "mark",
}  # fmt: skip


class Fact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The members of all facts of the timeline; a state holds the kinds below.

    Attributes:
        KIND: Its kind.
        at_ms: Event time (ms since 1970).
        sequence: As sent; 0 where there was none.
        identity: The hash that stands for (source, id).
        reference: Where its record lies, see `kpis.references`.
        subscription: The id of the subscription that it belongs to.
        own_ms: The member `time` where `effective_at` is the event time, else 0 (ms since 1970).
    """

    KIND: ClassVar[int]

    at_ms: int
    sequence: int
    identity: bytes
    reference: int
    subscription: str
    own_ms: int

    @property
    def time_ms(self) -> int:
        """The member `time` (ms since 1970)."""
        return self.own_ms or self.at_ms


class PricedFact(Fact, frozen=True, gc=False):
    """A fact with a plan and a price.

    Attributes:
        plan: Its number.
        mrr: In minor units of the default currency.
        price: MRR in minor units of its own currency; 0 where that is the default one.
        currency: Its number; 0 is the default one.
        trial: Whether a trial begins, or goes on.
    """

    plan: int
    mrr: int
    price: int
    currency: int
    trial: bool

    @property
    def own_price(self) -> int:
        """MRR in minor units of its own currency, also where that is the default one."""
        return self.price if self.currency else self.mrr


class SignupFact(PricedFact, tag=SIGNUP, frozen=True, gc=False):
    """A subscription starts; `profile` is the number of the segments that the signup names."""

    KIND = SIGNUP

    profile: int


class ChangeFact(PricedFact, tag=CHANGE, frozen=True, gc=False):
    """Another plan or another price."""

    KIND = CHANGE


class PauseFact(Fact, tag=PAUSE, frozen=True, gc=False):
    """A subscription pauses."""

    KIND = PAUSE


class ResumeFact(Fact, tag=RESUME, frozen=True, gc=False):
    """A paused subscription goes on."""

    KIND = RESUME


class CancelFact(Fact, tag=CANCEL, frozen=True, gc=False):
    """A subscription ends; `reason` is the reason's number."""

    KIND = CANCEL

    reason: int
    involuntary: bool


LifecycleFact = SignupFact | ChangeFact | PauseFact | ResumeFact | CancelFact


class Feedback(NamedTuple):
    """A survey or a renewal."""

    #: event time (ms since 1970)
    at_ms: int
    #: see `kpis.customer.feedback_codes`
    code: int
    #: the hash that stands for (source, id)
    identity: bytes
    #: the reason's number; 0 is none
    reason: int
    #: see `kpis.references`
    reference: int


class Revocation(NamedTuple):
    """A revoke: what it names never counts."""

    #: the hash that stands for (source, id)
    identity: bytes
    #: event time (ms since 1970)
    at_ms: int
    sequence: int
    #: the id that it names
    revokes: str
    #: whether it names its source; where not, the id is taken back under every default one
    names_source: bool
    #: the hashes that it takes back
    targets: tuple[bytes, ...]
    #: see `kpis.references`
    reference: int


CONTENT_SIZE: Final = 8
#: Contents that do not count, of all identities of a customer, that are told apart (count).
MOST_OUTDONE: Final = 256

encode_fact: Final = msgspec.msgpack.Encoder().encode
_decode_facts: Final = msgspec.msgpack.Decoder(list[LifecycleFact]).decode
#: what msgpack begins a short list with, by its length
_LIST_OF: Final = [bytes((0x90 | n,)) for n in range(16)]


def facts_of(stored: bytes, count: int) -> list[LifecycleFact]:
    """Return so many facts, one after the other as `encode_fact` wrote them."""
    return _decode_facts((_LIST_OF[count] if count < 16 else b"\xdd" + count.to_bytes(4, "big")) + stored)


class Rare(msgspec.Struct, array_like=True):
    """Members that few customers have; with what counts of it every event takes the general path."""

    revocations: list[Revocation] = []
    #: sequence by identity, of surveys and renewals that have one
    sequences: dict[bytes, int] = {}
    #: by identity, hashes of what was said under it and does not count, CONTENT_SIZE bytes each
    outdone: dict[bytes, bytes] = {}

    def counts(self) -> bool:
        """Return whether it holds anything that numbers depend on."""
        return bool(self.revocations or self.sequences)

    def revoked(self) -> frozenset[bytes]:
        """Return the hashes of all that was taken back."""
        return frozenset(target for revocation in self.revocations for target in revocation.targets)
