"""Changes of records: members that are wrong, twice or too large, and bytes that are flipped, cut or repeated.

Seeded: the same chance makes the same record. Records stay short of a megabyte.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

LARGEST_BYTES: Final = 65_536
_TIMES: Final = (
    "2025-02-03T04:05:06Z", "2025-02-03 04:05:06.9999999+05:30", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z",
    "2025-06-30T23:59:60Z", "2025-02-30T00:00:00Z", "0000-00-00T00:00:00Z", "2025-02-03T04:05:06-24:00",
    "2025-02-03T04:05:06." + "1" * 40 + "Z", "9999-12-31T23:59:59Z", "2025-02-03",
)  # fmt: skip
_NUMBERS: Final = (
    0, -0.0, -1, 1, 9, 10, 11, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 10**12, 10**12 + 1, 10**40, 1e308, 1.5,
)  # fmt: skip
_TEXTS: Final = (
    "", " ", "a", "none", "other", "x" * 64, "x" * 65, "x" * 128, "x" * 257, "ß" * 64, "\x00", "\ud800", "\U0001f600",
    "a\r\nb", "../../etc", "{}", "é", "é", "İ", "\u2028", "1e5", "NaN", "true", "2025-02-03T04:05:06Z",
)  # fmt: skip
_NAMES: Final = (
    "id", "source", "type", "customer_id", "time", "sequence", "test", "plan", "mrr_minor", "amount_minor", "interval",
    "interval_count", "quantity", "currency", "trial", "country", "channel", "subscription_id", "effective_at",
    "reason", "involuntary", "revokes", "kind", "status", "score", "via", "outcome", "completed", "feature", "about",
    "ticket", "referred", "measure", "variant", "title", "until", "data", "specversion", "subject", "__proto__",
)  # fmt: skip
_TYPES: Final = (
    "signup", "upgrade", "downgrade", "cancel", "pause", "resume", "revoke", "survey", "renewal", "onboarding",
    "activity", "contact", "support", "referral", "exposure", "mark",
)  # fmt: skip
_PIECES: Final = (
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\u0000", b"\\ud800", b"\\", b"\x00", b"\xff", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"null", b"NaN", b"-Infinity", b"1e999", b"0" * 400, b"[" * 500, b'{"a":' * 200, b"\n", b"\r",
    b'"id":"e1",', b'"type":"signup",', b'"time":"2025-02-03T04:05:06Z",',
)  # fmt: skip


def mutated(record: bytes, random: Random) -> bytes:
    """Return a record with one change, or a few: with more of them nearly all are refused alike."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 4))):
        record = _with_member(record, random) if random.random() < 0.85 else _with_bytes(record, random)
    return record[:LARGEST_BYTES]


def _with_member(record: bytes, random: Random) -> bytes:
    """Change a member anywhere in a JSON object; the bytes where it is none."""
    try:
        document = json.loads(record)
    except (ValueError, RecursionError):
        return _with_bytes(record, random)
    objects = [document] if isinstance(document, dict) else []
    for each in objects:
        objects += [value for value in each.values() if isinstance(value, dict)][:8]
        if len(objects) > 32:
            break
    if not objects:
        return _with_bytes(record, random)
    chosen = random.choice(objects)
    name = random.choice((*chosen, *chosen, *_NAMES))
    way = random.randrange(8)
    if way == 0:
        chosen.pop(name, None)
    elif way == 1:
        chosen[random.choice(_NAMES)] = chosen.get(name)
    elif way == 2:
        chosen[name] = {random.choice(_NAMES): _value(name, random)}
    else:
        chosen[name] = _value(name, random)
    try:
        text = json.dumps(document, ensure_ascii=random.random() < 0.5, separators=(",", ":"))
        written = text.encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return _with_bytes(record, random)
    if way == 7 and written.endswith(b"}"):  # a member that is there twice
        again = json.dumps({name: _value(name, random)}).encode()
        written = written[:-1] + b"," + again[1:]
    return written


def _value(name: str, random: Random) -> Any:
    """Return a value for a member: one of its own kind more often than another."""
    chance = random.random()
    if name == "type" and chance < 0.8:
        return random.choice(_TYPES)
    if name in {"time", "effective_at", "until"} and chance < 0.8:
        return random.choice(_TIMES)
    if name in {"id", "revokes", "customer_id"} and chance < 0.7:
        return f"{name[0]}{random.randrange(6)}"
    if chance < 0.45:
        return random.choice(_TEXTS)
    if chance < 0.8:
        return random.choice(_NUMBERS)
    return random.choice((None, True, False, [], {}, [None], {"a": {}}, [[]] * 3))


def _with_bytes(record: bytes, random: Random) -> bytes:
    out = bytearray(record)
    at = random.randrange(len(out) + 1)
    length = random.randint(1, 12)
    way = random.randrange(6)
    if way == 0 and at < len(out):
        out[at] ^= 1 << random.randrange(8)
    elif way == 1:
        out[at:at] = random.choice(_PIECES)
    elif way == 2:
        del out[at : at + length]
    elif way == 3:
        out[at:at] = out[at : at + length] * random.randint(1, 20)
    elif way == 4:
        del out[at:]
    else:
        out[at : at + length] = random.randbytes(length)
    return bytes(out)
