"""Reasons for which a record is refused.

Definitions: the contract, dead letters.
"""

from enum import StrEnum


class Reason(StrEnum):
    """The closed list, in the order in which they apply: the first one counts."""

    OVERSIZED = "oversized"
    MALFORMED_JSON = "malformed_json"
    MISSING_MEMBER = "missing_member"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_MEMBER = "invalid_member"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    CURRENCY_MISMATCH = "currency_mismatch"
    TOO_MANY_FACTS = "too_many_facts"


class RefusedError(Exception):
    """A record that is no event.

    Attributes:
        reason: The first reason that applies.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep the reason apart from the detail, which is for people."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
