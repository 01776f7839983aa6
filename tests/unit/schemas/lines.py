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
    {**CANCEL, "subscription_id": "s" * 128},
    say("pause"),
    say("pause", subscription_id="s1", effective_at="2026-02-01T00:00:00Z"),
    say("resume", subscription_id="s1"),
    say("upgrade", plan="pro", mrr_minor=1),
    say("upgrade", plan="pro", mrr_minor=1, trial=True, subscription_id="s1", effective_at="2026-02-01T00:00:00Z"),
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
#: Sent in another form than is kept.
BENT: list[dict[str, object]] = [
    {**SIGNUP, "id": 7, "customer_id": -8, "subscription_id": 0, "currency": "usd", "trial": True},
    {**SIGNUP, "source": None, "sequence": None, "test": None, "currency": None, "trial": None, "country": None},
    {**SIGNUP, "effective_at": None, "subscription_id": "", "channel": None, "amount_minor": None, "interval": None},
    {**without(SIGNUP, "mrr_minor"), "amount_minor": 1, "interval": "year", "interval_count": 2, "quantity": 0},
    {**SIGNUP, "mrr_minor": None, "amount_minor": 10**13, "interval": "year", "quantity": None},
    say("upgrade", plan="pro", amount_minor=1, interval="day"),
    {**SIGNUP, "country": "de", "channel": "other"},
    {**SIGNUP, "country": "", "channel": 7},
    {**SIGNUP, "country": ["DE"], "channel": "x" * 65},
    {**CANCEL, "reason": "Too expensive!"},
    {**CANCEL, "reason": ""},
    {**CANCEL, "reason": {"is": "no text"}, "involuntary": None},
    say("revoke", revokes=17),
    {**SURVEY, "via": "sms", "reason": "ä"},
    {**SURVEY, "via": "other", "status": None},
    {**SURVEY, "via": 7},
    say("activity", feature="Reports"),
]
