"""Records that must be refused, with the reason why: every reason but `too_many_facts`, which needs a whole log.

Definitions: the contract, events and dead letters.
"""

import json
from collections.abc import Callable
from random import Random

from tests.recount.options import Options
from tests.recount.refusals import Reason

_TIME = "2025-02-03T04:05:06Z"
VALID: dict[str, dict[str, object]] = {
    "signup": {"plan": "pro", "mrr_minor": 2_900},
    "upgrade": {"plan": "pro", "mrr_minor": 2_900, "currency": "USD"},
    "downgrade": {"plan": "basic", "amount_minor": 12_000, "interval": "year"},
    "cancel": {"reason": "bugs"},
    "pause": {},
    "resume": {"subscription_id": "A"},
    "revoke": {"revokes": "e1"},
    "survey": {"kind": "nps", "score": 9},
    "renewal": {"outcome": "renewed"},
    "onboarding": {"completed": True},
    "activity": {"feature": "export"},
    "contact": {"about": "e1"},
    "support": {"ticket": "t1", "status": "opened"},
    "referral": {"referred": "c1"},
    "exposure": {"measure": "offer", "variant": "a"},
    "mark": {"kind": "price", "title": "Prices of 2025"},
}
MALFORMED = (
    b"",
    b" ",
    b"null",
    b"[]",
    b"7",
    b'"signup"',
    b"{",
    b'{"type":"signup",}',
    b'{"type":"activity"} x',
    b'{"type":NaN}',
    b'{"id":"\xff"}',
    b"\xef\xbb\xbf{}",
)
MISSING = (
    ("signup", "id"),
    ("signup", "type"),
    ("activity", "customer_id"),
    ("renewal", "time"),
    ("signup", "plan"),
    ("signup", "mrr_minor"),
    ("upgrade", "plan"),
    ("upgrade", "mrr_minor"),
    ("downgrade", "amount_minor"),
    ("downgrade", "interval"),
    ("revoke", "revokes"),
    ("survey", "kind"),
    ("survey", "score"),
    ("renewal", "outcome"),
    ("contact", "customer_id"),
    ("support", "ticket"),
    ("support", "status"),
    ("referral", "referred"),
    ("exposure", "measure"),
    ("exposure", "variant"),
    ("mark", "kind"),
    ("mark", "title"),
)
UNKNOWN = ("", "login", "Signup", "change", "marks", "com.example.billing", 7)
INVALID: tuple[tuple[str, str, object], ...] = (
    ("signup", "id", ""),
    ("signup", "id", "x" * 257),
    ("signup", "id", 7.0),
    ("signup", "id", True),
    ("signup", "source", 7),
    ("signup", "customer_id", ""),
    ("signup", "customer_id", "x" * 129),
    ("signup", "time", 1_735_689_600),
    ("signup", "time", "2025-01-01"),
    ("signup", "time", "2025-01-01T00:00:00"),
    ("signup", "time", "2025-02-29T00:00:00Z"),
    ("signup", "time", "2025-01-01T25:00:00Z"),
    ("signup", "time", "2025-01-01T00:00:61Z"),
    ("signup", "time", "2025-01-01T00:00:00.Z"),
    ("signup", "time", "2025-01-01  00:00:00Z"),
    ("signup", "time", "2025-01-01T00:00:00+5"),
    ("signup", "sequence", "1"),
    ("signup", "sequence", True),
    ("signup", "sequence", 1.5),
    ("signup", "test", "true"),
    ("signup", "test", 0),
    ("signup", "plan", ""),
    ("signup", "plan", "x" * 65),
    ("signup", "plan", "none"),
    ("signup", "mrr_minor", -1),
    ("signup", "mrr_minor", 10**12 + 1),
    ("signup", "mrr_minor", 29.5),
    ("signup", "mrr_minor", "2900"),
    ("signup", "mrr_minor", False),
    ("signup", "amount_minor", 0),
    ("signup", "interval_count", 1),
    ("signup", "quantity", 1),
    ("signup", "currency", "EURO"),
    ("signup", "currency", "us"),
    ("signup", "trial", 1),
    ("signup", "subscription_id", "x" * 129),
    ("signup", "effective_at", "tomorrow"),
    ("upgrade", "plan", "other"),
    ("upgrade", "currency", 7),
    ("upgrade", "trial", "yes"),
    ("upgrade", "effective_at", 0),
    ("downgrade", "amount_minor", -1),
    ("downgrade", "amount_minor", 12 * 10**12 + 7),
    ("downgrade", "amount_minor", "12000"),
    ("downgrade", "interval", "Month"),
    ("downgrade", "interval_count", 0),
    ("downgrade", "quantity", -1),
    ("downgrade", "quantity", 1.0),
    ("cancel", "involuntary", "no"),
    ("cancel", "effective_at", "tomorrow"),
    ("pause", "subscription_id", False),
    ("resume", "effective_at", "2026-01-01"),
    ("revoke", "revokes", ""),
    ("revoke", "revokes", 1.5),
    ("survey", "kind", "osat"),
    ("survey", "status", "opened"),
    ("survey", "score", 11),
    ("survey", "score", -1),
    ("survey", "score", "9"),
    ("renewal", "outcome", "Renewed"),
    ("onboarding", "completed", 1),
    ("contact", "about", ""),
    ("support", "ticket", ""),
    ("support", "ticket", "x" * 129),
    ("support", "status", "closed"),
    ("referral", "referred", ""),
    ("exposure", "measure", "No Slug"),
    ("exposure", "variant", "x" * 65),
    ("exposure", "variant", 7),
    ("mark", "kind", "launch"),
    ("mark", "title", ""),
    ("mark", "title", "x" * 201),
    ("mark", "until", "tomorrow"),
)
OUT_OF_RANGE = (
    ("signup", "time", "1999-12-31T23:59:59.9999999Z"),
    ("signup", "time", "2000-01-01T05:29:59.999+05:30"),
    ("activity", "time", "0001-01-01T00:00:00Z"),
    ("renewal", "time", "2100-01-01T00:00:00Z"),
    ("renewal", "time", "9999-12-31T23:59:59Z"),
    ("signup", "time", "9999-12-31T23:59:60Z"),
    ("cancel", "time", "2100-01-01T00:00:00Z"),
    ("cancel", "effective_at", "1999-12-31T23:59:59.999Z"),
    ("cancel", "effective_at", "2105-01-02T00:00:00Z"),
    ("signup", "effective_at", "2105-01-02T00:00:00Z"),
    ("pause", "effective_at", "1999-12-31T23:59:59.999Z"),
    ("mark", "until", "2105-01-02T00:00:00Z"),
)


def valid_members(event_type: str) -> dict[str, object]:
    """Return the members of a valid event of a type."""
    return {"id": "bad-1", "type": event_type, "customer_id": "c0", "time": _TIME} | VALID[event_type]


def refused_record(random: Random, options: Options) -> tuple[Reason, bytes]:
    """Return a record and the one reason for which it must be refused."""
    # A record that is too long is rare: each is a megabyte.
    weights = (1, 10, 10, 5, 20, 10, 5)
    reason = random.choices(tuple(_RECORDS), weights=weights)[0]
    return reason, _RECORDS[reason](random, options)


def _oversized(_random: Random, options: Options) -> bytes:
    return _written(valid_members("signup") | {"note": "x" * options.max_record_bytes})


def _malformed(random: Random, _options: Options) -> bytes:
    return random.choice(MALFORMED)


def _missing(random: Random, _options: Options) -> bytes:
    kind, name = random.choice(MISSING)
    members = valid_members(kind)
    del members[name]
    return _written(members)


def _unknown(random: Random, _options: Options) -> bytes:
    return _written(valid_members("signup") | {"type": random.choice(UNKNOWN), "plan": None})


def _invalid(random: Random, _options: Options) -> bytes:
    kind, name, value = random.choice(INVALID)
    return _written(valid_members(kind) | {name: value})


def _out_of_range(random: Random, _options: Options) -> bytes:
    kind, name, value = random.choice(OUT_OF_RANGE)
    return _written(valid_members(kind) | {name: value})


def _foreign(random: Random, options: Options) -> bytes:
    long_before = {"time": "2001-01-01T00:00:00Z"}
    dated = [{"currency": name.partition("@")[0], **long_before} for name in options.currency_rates if "@" in name]
    unrated = [each for each in dated if each["currency"] not in options.currency_rates]
    return _written(valid_members("upgrade") | random.choice([{"currency": "XTS"}, *unrated]))


def _written(members: dict[str, object]) -> bytes:
    return json.dumps(members).encode()


_RECORDS: dict[Reason, Callable[[Random, Options], bytes]] = {
    Reason.OVERSIZED: _oversized,
    Reason.MALFORMED_JSON: _malformed,
    Reason.MISSING_MEMBER: _missing,
    Reason.UNKNOWN_TYPE: _unknown,
    Reason.INVALID_MEMBER: _invalid,
    Reason.TIME_OUT_OF_RANGE: _out_of_range,
    Reason.CURRENCY_MISMATCH: _foreign,
}
