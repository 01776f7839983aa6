"""Every record is read as the recount reads it: hostile members, prices, times, envelopes.

The recount is written from the published texts alone and reads slowly, one check after the other; the two have only
the texts in common.
"""

import json
from typing import Any, Final

from hypothesis import example, given
from hypothesis import strategies as st

from kpis.money import Money
from schemas.decoding.decoder import Decoder
from schemas.decoding.rules import LATEST_MS
from schemas.instants import milliseconds
from tests.property.cases import bounded
from tests.recount.decoding import decode
from tests.recount.events import Event
from tests.recount.options import Options
from tests.recount.records import Record
from tests.recount.refusals import RefusedError
from tests.unit.schemas.lines import NOON_MS, Line

RATES: Final = {"EUR": "1.5", "EUR@2026-01-01": "0.3", "CHF@2026-01-01": "2", "CHF@2026-06-01": "0.7"}
OPTIONS: Final = Options(
    currency_rates=RATES, dimensions=("team",), business_time_zone="America/New_York", max_record_bytes=3_000
)
MONEY: Final = Money(OPTIONS.default_currency, OPTIONS.currency_rates, OPTIONS.business_time_zone)
DECODER: Final = Decoder(dimensions=("team",), currencies=MONEY.rated_from_ms(), max_record_bytes=3_000)
OF_FILES: Final = Decoder(
    dimensions=("team",), currencies=MONEY.rated_from_ms(), max_record_bytes=3_000, latest_ms=LATEST_MS
)

SOUND: Final[dict[str, dict[str, object]]] = {
    "signup": {"plan": "pro", "mrr_minor": 4900},
    "upgrade": {"plan": "pro", "mrr_minor": 4900},
    "downgrade": {"plan": "pro", "amount_minor": 4900, "interval": "year"},
    "cancel": {},
    "pause": {},
    "resume": {},
    "revoke": {"revokes": "e0"},
    "survey": {"kind": "nps", "score": 9},
    "renewal": {"outcome": "renewed"},
    "onboarding": {},
    "activity": {},
}
TIMES: Final = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(
        ["2026-01-01", "2025-12-31", "2026-01-02", "1999-12-31", "2031-01-02", "2100-01-01", "0000-02-29", "2026-02-30"]
    ),
    st.sampled_from("TTt _"),
    st.sampled_from(["12:00:00", "04:59:59", "05:00:00", "23:59:60", "24:00:00", "12:60:00", "12:00", "13:00:00"]),
    st.sampled_from(["", "", ".5", ".0009999", ".9999999", ".", ".123456789012345678901"]),
    st.sampled_from(["Z", "z", "+00:00", "-05", "+0530", "+24:00", "+05:60", "-23:59", "", "+5", " Z"]),
)
IDS: Final = st.sampled_from(
    ["e1", "", "x" * 128, "x" * 129, "x" * 257, 0, 7, -8, 10**127, 10**128, 10**256, 7.0, True]
)
WORDS: Final = st.sampled_from(
    [
        "pro",
        "none",
        "other",
        "None",
        "OTHER",
        "",
        "x" * 64,
        "x" * 65,
        "ß" * 64,
        "Größe XL",
        "de",
        "DE",
        "\x00",
        "\u212a",
    ]
)
SLUGS: Final = st.text("aZ0_- !ä\u0130", max_size=8) | st.sampled_from(["__a__", "a" * 63 + " bc", "_" * 70, "x" * 70])
INTEGERS: Final = st.sampled_from([0, 1, 2, 3, 5, 6, 7, 10, 11, 12, -1, 4900, 10**12, 10**12 + 1, 12 * 10**12, 10**400])
POOLS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "id": IDS,
    "customer_id": IDS,
    "subscription_id": IDS,
    "revokes": IDS,
    "source": WORDS,
    "time": TIMES,
    "effective_at": TIMES,
    "sequence": st.integers(-(2**63), 2**63 - 1),
    "plan": WORDS,
    "channel": WORDS,
    "country": WORDS,
    "team": WORDS,
    "mrr_minor": INTEGERS,
    "amount_minor": INTEGERS,
    "interval": st.sampled_from(["day", "week", "month", "year", "Month"]),
    "interval_count": INTEGERS,
    "quantity": INTEGERS,
    "currency": st.sampled_from(["USD", "usd", "EUR", "eUr", "chf", "CHF", "XTS", "", "EURO", "u\u017fd"]),
    "reason": SLUGS,
    "feature": SLUGS,
    "via": SLUGS | st.sampled_from(["in_app", "e-mail", "email", "E Mail", "other", "In App", "outreach"]),
    "kind": st.sampled_from(["nps", "csat", "NPS"]),
    "status": st.sampled_from(["sent", "answered", "dismissed", "opened"]),
    "score": INTEGERS,
    "outcome": st.sampled_from(["renewed", "declined", "failed", "lapsed"]),
    "type": st.sampled_from(["signup", "Signup", "mark", "change", "sign_up", ""]),
    "names_source": st.booleans(),
}
BOOLEANS: Final = ("test", "trial", "involuntary", "completed")
NAMES: Final = sorted({*POOLS, *BOOLEANS})
HOSTILE: Final = (
    st.none() | st.booleans() | st.sampled_from([7, 7.5, "7", "", "\ud800", [], {}, [None], {"source": "x"}])
)


@st.composite
def members(draw: st.DrawFn) -> dict[str, object]:
    """Return an event with some members changed, added or left out."""
    event_type = draw(st.sampled_from(sorted(SOUND)))
    event: dict[str, object] = {"id": "e1", "type": event_type, "customer_id": "c1", "time": "2026-01-01T12:00:00Z"}
    event |= SOUND[event_type]
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True)):
        usual = POOLS.get(name, st.booleans())
        event[name] = draw(st.one_of(usual, usual, HOSTILE))
    for name in draw(st.lists(st.sampled_from([*event, "note"]), max_size=1)):
        event.pop(name, None)
    return event


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Return a record: plain, or a CloudEvent in one of its modes, with any of its parts left out."""
    event = draw(members())
    mode = draw(st.sampled_from(["plain", "plain", "structured", "binary"]))
    headers: dict[str, bytes] = {}
    envelope: dict[str, object] = {}
    if mode != "plain":
        given_type = event.pop("type", None)
        envelope = {
            "specversion": draw(st.sampled_from(["1.0", "1.0", "1.0", "0.3", None])),
            "type": f"com.example.{given_type}" if isinstance(given_type, str) else given_type,
            "source": draw(st.sampled_from(["/billing", "", None])),
            **{name: event.pop(name) for name in ("id", "time") if name in event},
        }
        if draw(st.booleans()):
            envelope["subject"] = event.pop("customer_id", None)
        for name in draw(st.lists(st.sampled_from(sorted(envelope)), max_size=1)):
            envelope.pop(name)
    if mode == "structured":
        headers["content-type"] = b"application/cloudevents+json; charset=UTF-8"
        keeps_data = draw(st.booleans())
        event = {**envelope, "data": event if event or keeps_data else None}
    elif mode == "binary":
        texts = {f"ce_{name}": value for name, value in envelope.items() if isinstance(value, str)}
        headers |= {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}
    ascii_only = draw(st.booleans())
    value = json.dumps(event, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    headers |= dict(draw(st.sampled_from([(), (), (), (("traceparent", b"00-4b"),), (("ce_partitionkey", b"c1"),)])))
    timestamp_ms = draw(st.sampled_from([NOON_MS, NOON_MS - 3_600_000, NOON_MS + 1, 2**62, None]))
    return Record(value=value, topic="customer.events", headers=tuple(headers.items()), timestamp_ms=timestamp_ms)


#: The recount's names of what a decoded event says under another one.
OTHER_NAMES: Final = {"survey_kind": "kind", "price_minor": "mrr_minor"}
SAID_OF_ALL: Final = ("customer_id", "source", "id", "sequence")
SAID_BY_TYPE: Final[dict[str, tuple[str, ...]]] = {
    "revoke": ("revokes", "names_source"),
    "survey": ("survey_kind", "status", "score", "reason", "via"),
    "renewal": ("outcome",),
    "onboarding": ("completed",),
    "activity": ("feature",),
    "cancel": ("subscription_id", "reason", "involuntary"),
    "pause": ("subscription_id",),
    "resume": ("subscription_id",),
    "contact": ("about",),
    "support": ("ticket", "status"),
    "referral": ("referred",),
    "exposure": ("measure", "variant"),
    "mark": ("survey_kind", "title"),
}
SAID_OF_PRICED: Final = ("subscription_id", "plan", "price_minor", "trial")


def decoded(record: Record) -> dict[str, object] | str:
    """Return what the decoder reads in a record, by the recount's names; the reason where it is refused."""
    decoder = OF_FILES if record.timestamp_ms is None else DECODER
    found = decoder.decode([Line(record.value, record.timestamp_ms or 0, record.headers)])
    if found.refused:
        return found.refused[0][1].reason.value
    if found.tests:
        return "test"
    event: Any = found.events[0]
    names = (*SAID_OF_ALL, *SAID_BY_TYPE.get(event.TYPE, SAID_OF_PRICED))
    said: dict[str, object] = {name: getattr(event, OTHER_NAMES.get(name, name)) for name in names}
    said["kind"] = "change" if event.TYPE in {"upgrade", "downgrade"} else event.TYPE
    said["at_ms"], said["time_ms"] = found.times[0], milliseconds(event.time)
    said["mended"] = frozenset(found.mended.get(0, ()))
    if event.TYPE == "signup":
        said["segment_values"] = (event.country, event.channel, event.team)
    if "plan" in names:
        said["currency"] = event.currency or OPTIONS.default_currency
        said["mrr_minor"] = MONEY.convert(event.mrr_minor, event.currency, found.times[0])
    return said


def recounted(record: Record) -> Event | str:
    """Return what the recount reads in a record; the reason where it is refused."""
    try:
        event = decode(record, OPTIONS)
    except RefusedError as refused:
        return refused.reason.value
    return "test" if event.test else event


@bounded(1_000)
@given(records())
@example(Record(value=b'{"id":1e400}', topic="t", timestamp_ms=NOON_MS))
def test_every_record_is_read_as_the_recount_reads_it(record: Record) -> None:
    """One wrong reading of a sentence is one wrong number in every report."""
    found, expected = decoded(record), recounted(record)
    if isinstance(found, str) or isinstance(expected, str):
        assert expected == found
        return
    assert {name: getattr(expected, name) for name in found} == found
