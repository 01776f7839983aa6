"""One record of another system comes to the same records, whoever sends them."""

from __future__ import annotations

import msgspec
from structlog.testing import capture_logs

from schemas.adapters.adapter import Translation
from schemas.adapters.registry import adapter_of
from schemas.decoding.adapted import HEADER_ADAPTER, HEADER_REFUSED
from schemas.refusals import Reason, Refusal
from streams.records import NO_HEADERS, Record
from streams.routing import Router
from streams.settings.settings import Settings
from streams.translation.foreign_records import TOMBSTONE, UNNAMED_KIND, records_of
from streams.translation.parcels import RecordTranslator
from tests.unit.streams.translation.test_translator import stripe_event

CANCEL = {"id": "e1", "type": "cancel", "customer_id": 7, "time": "2026-01-05T09:00:00Z"}


class Fixed:
    """An adapter that says the same of every record, or fails."""

    name = "stripe"

    def __init__(self, said: Translation | Exception) -> None:
        self._said = said

    def translate(self, value: bytes) -> Translation:
        """Return it."""
        if isinstance(self._said, Exception):
            raise self._said
        return self._said


def test_events_are_sent_as_json_and_what_is_not_understood_as_it_is() -> None:
    """The headers make a dead letter of it, which says why."""
    (event,) = records_of(adapter_of("stripe"), stripe_event(0)).records
    assert (msgspec.json.decode(event.value)["customer_id"], event.headers) == ("cus_0", NO_HEADERS)
    found = records_of(adapter_of("stripe"), b"no JSON")
    ((value, headers),) = found.records
    assert (value, dict(headers)[HEADER_ADAPTER]) == (b"no JSON", b"stripe")
    assert dict(headers)[HEADER_REFUSED].startswith(b"malformed_json stripe: the record is not JSON")


def test_record_that_says_nothing_is_ignored_whether_its_adapter_names_its_kind_or_not() -> None:
    """Else it would count as translated here and as nothing there."""
    kinds = [
        records_of(adapter_of("stripe"), b'{"id":"evt_x","type":"invoice.created"}'),
        records_of(adapter_of("stripe"), None),
        records_of(Fixed(Translation()), b"{}"),
    ]
    assert [each.ignored for each in kinds] == ["invoice.created", TOMBSTONE, UNNAMED_KIND]
    assert {each.records for each in kinds} == {()}


def test_adapter_that_fails_costs_the_record_alone_and_is_logged() -> None:
    """A fault of ours must not stop a topic, a file or a webhook's sender for good."""
    with capture_logs() as lines:
        found = records_of(Fixed(KeyError("a")), b"{}", "t/0/5")
    assert found.refusal == Refusal(Reason.MALFORMED_JSON, "stripe: the adapter failed on it (KeyError)")
    assert [record.value for record in found.records] == [b"{}"]
    assert [(line["event"], line["origin"], line["exc_info"]) for line in lines] == [("adapter_failed", "t/0/5", True)]


def test_event_of_a_topic_lies_under_its_customers_id_also_where_that_is_an_integer() -> None:
    """Without a key it lies on any partition, and has to be forwarded."""
    record = Record("t", 0, 5, 1, None, msgspec.json.encode(CANCEL), NO_HEADERS)
    (parcel,) = RecordTranslator({"t": adapter_of("confluent")}, Router(Settings())).translate(record).parcels
    sent = parcel.form(0)
    assert sent is not None
    assert (sent.topic, sent.key) == ("customer.cancel", b"7")


def test_cloud_event_in_a_frame_is_sent_as_one() -> None:
    """Its customer and type do not lie where those of the product's own JSON do."""
    event = {"specversion": "1.0", "id": "e1", "source": "s", "type": "com.example.cancel", "data": {"customer_id": 7}}
    record = Record("t", 0, 5, 1, None, b"\0\0\0\0\7" + msgspec.json.encode(event), NO_HEADERS)
    (parcel,) = RecordTranslator({"t": adapter_of("confluent")}, Router(Settings())).translate(record).parcels
    sent = parcel.form(0)
    assert sent is not None
    assert (sent.topic, sent.key) == ("customer.cancel", b"7")
    assert ("content-type", b"application/cloudevents+json") in sent.headers
