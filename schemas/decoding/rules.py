"""Rules about values that the structs leave to the decoder, and the range of event time.

Pure constants and small functions that the fast path and the diagnosis share, so that both judge alike.
Source: docs/events.md, section Members.
"""

import re
from typing import Final

import numpy as np

from schemas.events import SCORE_MAX, SCORE_MIN
from schemas.instants import DAY_MS

EARLIEST_MS: Final = 946_684_800_000  # 2000-01-01T00:00:00Z; what lies before is a clock that was never set
LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01T00:00:00Z, the first instant that is too late, live and in files
EFFECTIVE_ALLOWANCE_MS: Final = 1_827 * DAY_MS  # five years: no contract's end is announced earlier
NESTING_MAX: Final = 200  # a fixed limit, so that it does not depend on how deep the caller's own stack is

SLUG: Final = re.compile(r"[a-z0-9_-]{1,64}")
CURRENCY: Final = re.compile(r"[A-Z]{3}")
_CAPITALS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COUNTRIES: Final = frozenset(first + second for first in _CAPITALS for second in _CAPITALS)

# Scores that a survey of a kind and status may have; -1 stands for none, which only an answered survey must not have.
_SCORES: Final = {kind: frozenset(range(SCORE_MIN[kind], SCORE_MAX[kind] + 1)) for kind in SCORE_MAX}
SCORES: Final = {
    kind: {"answered": scores, "sent": scores | {-1}, "dismissed": scores | {-1}} for kind, scores in _SCORES.items()
}

_QUOTE: Final = ord('"')
_CASE: Final = 0x20  # what makes `{` of `[`, and `}` of `]`
_NOT_STRUCTURE: Final = bytes(byte for byte in range(256) if byte not in b'"[]{}')


def is_nested_too_deeply(json: bytes) -> bool:
    """Tell whether brackets outside strings open more than `NESTING_MAX` levels; cheap for what has few brackets."""
    if json.count(b"{") + json.count(b"[") <= NESTING_MAX:
        return False
    # Whole passes over all bytes: a step of Python for each of a million brackets or strings takes half a second.
    unescaped = json.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in json else json
    structure = np.frombuffer(unescaped.translate(None, _NOT_STRUCTURE), np.uint8)
    is_outside = np.cumsum(structure == _QUOTE, dtype=np.uint32) % 2 == 0
    brackets = structure[is_outside] | _CASE
    steps = (brackets == ord("{")).astype(np.int8) - (brackets == ord("}")).astype(np.int8)
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0)) > NESTING_MAX
