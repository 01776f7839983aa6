"""Times as producers write them: one instant in many ways.

Definitions: the contract, `time`.
"""

from datetime import timedelta
from random import Random

from tests.logs.shapes import Shape
from tests.recount.instants import MINUTE_MS, moment_of

OFFSETS_MINUTES = (0, 0, 330, -480, 840, -210, 60)


def time_text(random: Random, shape: Shape, at_ms: int) -> str:
    """Return an instant (milliseconds since 1970) as RFC 3339, in one of many ways that all cut to it."""
    offset_minutes = random.choice(OFFSETS_MINUTES) if shape.offsets else 0
    local = moment_of(at_ms) + timedelta(minutes=offset_minutes)
    zone = _zone(random, shape, offset_minutes)
    if shape.submilliseconds and at_ms % MINUTE_MS == 0 and random.random() < 0.2:
        return (local - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:60") + random.choice(("", ".5")) + zone
    fraction = f"{at_ms % 1_000:03}"
    if shape.submilliseconds and random.random() < 0.3:
        fraction += random.choice(("9999", "5", "000", "999999", "".join(random.choices("0123456789", k=9))))
    elif random.random() < 0.5:
        fraction = fraction.rstrip("0")
    between = random.choice("TTTTTTTT t") if shape.odd_times else "T"
    return local.strftime(f"%Y-%m-%d{between}%H:%M:%S") + (f".{fraction}" if fraction else "") + zone


def _zone(random: Random, shape: Shape, offset_minutes: int) -> str:
    """Return `Z` or an offset."""
    if not offset_minutes and not (shape.offsets and random.random() < 0.2):
        return random.choice("ZZZZZZZz") if shape.odd_times else "Z"
    hours, minutes = divmod(abs(offset_minutes), 60)
    sign = "-" if offset_minutes < 0 else "+"
    if shape.odd_times and random.random() < 0.3:
        return f"{sign}{hours:02}{minutes:02}" if minutes or random.random() < 0.5 else f"{sign}{hours:02}"
    return f"{sign}{hours:02}:{minutes:02}"
