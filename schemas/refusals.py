"""Refusals: the closed list of reasons why a record is not applied, and their form in a dead letter.

The list is closed and its order is the order of the checks: a record gets the first reason that applies.
Source: docs/events.md, section Dead letters.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """The closed list of reasons, in the order in which they are checked."""

    OVERSIZED = "oversized"
    MALFORMED_JSON = "malformed_json"
    MISSING_MEMBER = "missing_member"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_MEMBER = "invalid_member"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    CURRENCY_MISMATCH = "currency_mismatch"
    TOO_MANY_FACTS = "too_many_facts"


ORDER: Final = {reason: place for place, reason in enumerate(Reason)}

MEANINGS: Final = {
    Reason.OVERSIZED: (
        "The record is larger than the setting `max_record_bytes`; or it lies on another partition than its customer's,"
        " and Kafka takes nothing of its size there."
    ),
    Reason.MALFORMED_JSON: (
        "The value is empty, not UTF-8, not JSON, not an object, or nested deeper than 200 levels;"
        " of a CloudEvent also when its data is not an object."
    ),
    Reason.MISSING_MEMBER: (
        "A required member is absent, or `null`: `id`, `type`, `customer_id`, `time` or one of the type's own."
    ),
    Reason.UNKNOWN_TYPE: "`type` is not a string, or none of the known types.",
    Reason.INVALID_MEMBER: (
        "A member has the wrong type or form, or a value outside its range; or a price is said in both forms."
    ),
    Reason.TIME_OUT_OF_RANGE: (
        "`time` or `effective_at` lies before 2000-01-01 or too far in the future: from 2100 on, or, but in files, more"
        " than the setting `future_tolerance_seconds` beyond the record's Kafka timestamp;"
        " `effective_at` may lie 1,827 days beyond either."
    ),
    Reason.CURRENCY_MISMATCH: (
        "The currency is not the default one and has no rate at the event's time in the setting `currency_rates`."
    ),
    Reason.TOO_MANY_FACTS: "The customer has as many facts as the setting `max_facts_per_customer` allows.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The refusal of one record: its reason, and what was found.

    Attributes:
        reason: Out of the closed list.
        detail: For people: which member, what is wrong with it, and its value, shortened. At most 300 characters.
    """

    reason: Reason
    detail: str


_MEMBER: Final = re.compile(r"([^\W\d][\w.$\[\]-]{0,127}): ")
_ADAPTER: Final = re.compile(r"[a-z][a-z0-9_]*: ")


def member_of(detail: str, *, by_adapter: bool = False) -> str | None:
    """Return the member that a detail begins with; None where it names none.

    Args:
        detail: Of a refusal.
        by_adapter: Whether an adapter says it: its name stands before the member then, which is one of the record.
    """
    opening = _ADAPTER.match(detail) if by_adapter else None
    named = _MEMBER.match(detail, opening.end() if opening else 0)
    return named[1] if named else None


HEADER_REASON: Final = "tenure-reason"
HEADER_DETAIL: Final = "tenure-detail"
HEADER_TOPIC: Final = "tenure-topic"
HEADER_PARTITION: Final = "tenure-partition"
HEADER_OFFSET: Final = "tenure-offset"
HEADER_TRUNCATED: Final = "tenure-truncated"
HEADER_TIMESTAMP: Final = "tenure-timestamp"
"""Kafka's timestamp of the record that was refused (ms since 1970): what `time_out_of_range` compares with."""
HEADER_FORWARDED: Final = "tenure-forwarded"
HEADER_REPLAYED: Final = "tenure-replayed"
"""The place `<topic>/<partition>/<offset>` of the dead letter that a record was sent for again."""
TRUNCATED_BYTES: Final = 64 * 1024
