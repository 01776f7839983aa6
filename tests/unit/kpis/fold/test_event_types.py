"""Every type of event reaches the fold."""

from docgen.events import EXAMPLES
from kpis.fold.fold import Fold
from kpis.names import Names
from schemas.decoding.decoder import Decoder
from schemas.events import EVENT_TYPES
from tests.unit.schemas.lines import NOON_MS, Line


def test_every_type_of_event_can_be_folded() -> None:
    """A type that can be decoded and not folded would halt each partition that it comes to."""
    common = '"customer_id":"c1","time":"2026-01-01T12:00:00Z"'
    lines = [
        Line(f'{{"id":"{name}","type":"{name}",{common},{own}}}'.encode(), 2 * NOON_MS)
        for name, own in EXAMPLES.items()
    ]
    decoded = Decoder(future_tolerance_ms=0).decode(lines)
    assert {type(event) for event in decoded.events} == set(EVENT_TYPES)
    fold = Fold(Names())
    fold.fold(decoded.events, decoded.times, {})
    assert (fold.refused, fold.context.applied) == ([], len(EVENT_TYPES))
