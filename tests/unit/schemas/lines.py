"""Records of single events, as far as decoding looks at them."""

import json
from dataclasses import dataclass

from schemas.decoding.decoder import Decoded, Decoder
from schemas.events import Event
from schemas.refusals import Reason

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
NOON = "2026-01-01T12:00:00Z"
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Line:
    """A record as far as decoding looks at it."""

    value: bytes | None
    timestamp: int = NOON_MS
    headers: tuple[tuple[str, bytes], ...] = ()
    key: bytes | None = None


def say(event_type: object, **members: object) -> dict[str, object]:
    """Return an event of customer c1 at noon."""
    return {"id": "e1", "type": event_type, "customer_id": "c1", "time": NOON, **members}


def line(event: dict[str, object]) -> Line:
    """Return the record of an event."""
    return Line(json.dumps(event, ensure_ascii=False).encode())


SIGNUP = say("signup", plan="pro", mrr_minor=4900)
CANCEL = say("cancel")
SURVEY = say("survey", kind="nps", score=9)


def decode(value: bytes | None, decoder: Decoder | None = None, timestamp_ms: int = NOON_MS) -> Decoded[Line]:
    """Return what a decoder makes of one value."""
    return (decoder or Decoder()).decode([Line(value, timestamp_ms)])


def event_of(event: dict[str, object], decoder: Decoder | None = None) -> Event:
    """Return the event that a record is applied as."""
    decoded = (decoder or Decoder()).decode([line(event)])
    assert decoded.refused == []
    return decoded.events[0]


def reason_of(value: bytes | None, decoder: Decoder | None = None) -> Reason:
    """Return the reason why a value is refused."""
    decoded = decode(value, decoder)
    assert (decoded.events, decoded.times, decoded.records) == ([], [], [])
    return decoded.refused[0][1].reason


def without(event: dict[str, object], *names: str) -> dict[str, object]:
    """Return an event without some of its members."""
    return {name: value for name, value in event.items() if name not in names}


GOOD = [
    SIGNUP,
    {
        **SIGNUP,
        "mrr_minor": 0,
        "currency": "USD",
        "country": "DE",
        "channel": "ads",
        "source": "",
        "sequence": -(2**63),
    },
    {**SIGNUP, "mrr_minor": 10**12, "plan": "p" * 64, "id": "i" * 256, "customer_id": "c" * 128, "sequence": 2**63 - 1},
    {**SIGNUP, "plan": "Größe XL ✓", "channel": "None", "nested": {"deeply": [[{"a": None}]]}},
    {**SIGNUP, "score": "not a member of a signup", "reason": None},
    CANCEL,
    {**CANCEL, "reason": "too_expensive-2", "involuntary": True, "effective_at": "2026-02-01T00:00:00+02:00"},
    say("revoke", revokes="e0"),
    say("upgrade", plan="pro", mrr_minor=1),
    say("downgrade", plan="pro", mrr_minor=1, currency="USD"),
    SURVEY,
    {**SURVEY, "score": 0, "reason": "price", "via": "email"},
    say("survey", kind="csat", score=5, status="answered", via="outreach"),
    say("survey", kind="csat", status="sent"),
    say("survey", kind="nps", status="dismissed"),
    say("renewal", outcome="failed"),
    say("onboarding"),
    say("onboarding", completed=False),
    say("activity"),
    say("activity", feature="a" * 64),
]
