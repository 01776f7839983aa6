"""Records as other systems send them come to the events that are written beside them, and the stream accepts these."""

import msgspec
import pytest

from schemas.decoding.decoder import Decoder
from tests.unit.schemas.adapters.golden import GoldenFile, golden_files, outcome
from tests.unit.schemas.lines import Line

FILES = golden_files("confluent", "debezium", "segment", "table")
LATEST_MS = 4_102_444_800_000


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_golden_records_come_to_the_events_beside_them(file: GoldenFile) -> None:
    """A change of what a source's records mean must be seen, record by record."""
    found = [outcome(file.adapter.translate(value)) for value in file.values]
    assert found == file.expected


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_events_of_golden_records_are_accepted_as_they_are(file: GoldenFile) -> None:
    """An event that the stream refuses or has to mend would be the adapter's fault, and none of the source's."""
    decoder = Decoder(
        dimensions=("industry",), default_currency="USD", currencies={"EUR": 0, "JPY": 0}, latest_ms=LATEST_MS
    )
    events = [event for value in file.values for event in file.adapter.translate(value).events]
    decoded = decoder.decode([Line(msgspec.json.encode(event)) for event in events])
    assert decoded.refused == []
    assert decoded.mended == {}
    assert len(decoded.events) + decoded.tests == len(events)
