"""Survey requests: messages of the stream to the company's systems that a survey is due.

Not an event: nobody may send one to the stream. When a request is due: docs/survey-requests.md.
"""

import hashlib
from typing import Annotated, Final, Literal, get_args

import msgspec

from schemas.events import AskedWay, CustomerId, Instant, SurveyKind

SurveyRule = Literal["cancel", "first_week", "regular"]
#: In order of precedence where two fall due at one instant.
SURVEY_RULES: Final[tuple[SurveyRule, ...]] = get_args(SurveyRule)
RequestId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


class SurveyRequest(msgspec.Struct, tag_field="type", tag="survey_request", frozen=True, kw_only=True):
    """One customer is to be asked one question, once; a receiver drops what comes again under a known `id`."""

    id: RequestId
    customer_id: CustomerId
    rule: SurveyRule
    kind: SurveyKind
    via: AskedWay
    due_at: Instant
    expires_at: Instant


encode: Final = msgspec.json.Encoder().encode
decode: Final = msgspec.json.Decoder(SurveyRequest).decode


def request_id(rule: SurveyRule, customer_id: str, bucket_at_ms: int) -> str:
    """Return the id of a request: the same whenever, and by whomever, it is computed.

    Args:
        rule: Why the survey is due.
        customer_id: Who is to be asked.
        bucket_at_ms: Start of the bucket that the due instant lies in (ms since 1970).
    """
    return hashlib.sha256(f"{rule}/{bucket_at_ms}/{customer_id}".encode()).hexdigest()[:32]


#: (form, meaning) of each member, for docs/events.md
MEMBERS: Final = {
    "type": ("`survey_request`", "What this is."),
    "id": ("32 hexadecimal digits", "Known already: drop it. A request may come again, after a crash."),
    "customer_id": ("string of 1–128 characters", "Whom to ask; also the record's key."),
    "rule": (", ".join(f"`{rule}`" for rule in SURVEY_RULES), "Why the survey is due."),
    "kind": (", ".join(f"`{kind}`" for kind in get_args(SurveyKind)), "Which question to ask."),
    "via": (", ".join(f"`{way}`" for way in get_args(AskedWay)), "How to ask it."),
    "due_at": ("instant, in UTC", "When it was due."),
    "expires_at": ("instant, in UTC", "Do not ask from then on."),
}


def section() -> str:
    """Return the section of docs/events.md."""
    rows = "".join(f"| `{name}` | {form} | {meaning} |\n" for name, (form, meaning) in MEMBERS.items())
    return f"{_HEAD}| member | form | meaning |\n| --- | --- | --- |\n{rows}"


_HEAD: Final = """
## Survey requests

These go the other way: the stream sends them to `tenure.survey-requests`, if the setting `survey_requests` is on, and
the product's own systems ask the customer and answer with `survey` events.
[survey-requests.md](survey-requests.md) says when a survey is due and what a receiver does. The schema has them as
`#/$defs/SurveyRequest`. All members are always there.

"""
