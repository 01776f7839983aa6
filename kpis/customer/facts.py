"""Facts of a customer, as they are stored: facts of the timeline, surveys and renewals, revocations."""

from __future__ import annotations

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

#: Kinds of the timeline, as explanations name them, and those after which a customer is active.
WORDS: Final = {SIGNUP: "signup", CHANGE: "change", CANCEL: "cancel"}
ACTIVE_AFTER: Final = (SIGNUP, CHANGE)

NEVER: Final = 0
ACTIVE: Final = 1
INACTIVE: Final = 2

#: (event time ms, sequence, kind, identity, plan | reason, MRR in the default currency | involuntary,
#: profile | currency | the cancel's own time or 0, MRR as given in a foreign currency or 0, reference)
Fact = tuple[int, int, int, bytes, int, int, int, int, int]
#: (event time ms, code, identity, reason, reference); codes are those of `kpis.customer.feedback_codes`,
#: references those of `kpis.references`
Feedback = tuple[int, int, bytes, int, int]
#: (identity, event time ms, sequence, identity that is revoked, reference)
Revocation = tuple[bytes, int, int, bytes, int]

CONTENT_SIZE: Final = 8
#: Contents that do not count, of all identities of a customer, that are told apart (count).
MOST_OUTDONE: Final = 256

encode_fact = msgspec.msgpack.Encoder().encode


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
