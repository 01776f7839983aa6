"""Framed values as Confluent's own serializers write them, and what cannot be read of them."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas.adapters.adapter import OptionsFault
from schemas.adapters.confluent import RegisteredSchema, SchemaRefused
from schemas.adapters.registry import adapter_of
from schemas.refusals import Refusal

SIGNUP = {
    "id": "e1",
    "type": "signup",
    "customer_id": "anna",
    "time": "2026-01-05T09:00:00Z",
    "plan": "pro",
    "mrr_minor": 4900,
}
AVRO_SIGNUP = {
    "type": "record",
    "name": "Signup",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "type", "type": {"type": "enum", "name": "Type", "symbols": ["signup", "cancel"]}},
        {"name": "customer_id", "type": "long"},
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "plan", "type": ["null", "string"]},
        {"name": "mrr_minor", "type": "int"},
        {"name": "country", "type": ["null", "string"], "default": None},
    ],
}
AVRO_ROW = {
    "type": "record",
    "name": "Value",
    "fields": [
        {"name": "customer_id", "type": "string"},
        {"name": "plan", "type": "string"},
        {"name": "mrr", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "start", "type": {"type": "int", "logicalType": "date"}},
        {"name": "end", "type": ["null", {"type": "long", "logicalType": "local-timestamp-micros"}]},
    ],
}
JSON_SCHEMA = {"title": "Signup", "type": "object", "properties": {"id": {"type": "string"}}}


class Registry:
    """The registry inside of Confluent's client that keeps schemas in memory, as both sides of a topic know it."""

    def __init__(self) -> None:
        self.client = SchemaRegistryClient.new_client({"url": "mock://registry"})

    def schema_of(self, schema_id: int) -> RegisteredSchema:
        """Return a schema that a serializer has registered."""
        try:
            schema = self.client.get_schema(schema_id)
        except Exception as error:
            raise SchemaRefused(f"the registry has no schema {schema_id}; is it that of its producer?") from error
        return RegisteredSchema(schema.schema_type or "AVRO", schema.schema_str or "")

    def avro(self, schema: object, value: object) -> bytes:
        """Return a value as Confluent's serializer of Avro writes it."""
        written: bytes = AvroSerializer(self.client, json.dumps(schema))(value, _CONTEXT)
        return written

    def json(self, schema: object, value: object) -> bytes:
        """Return a value as Confluent's serializer of JSON Schema writes it."""
        written: bytes = JSONSerializer(json.dumps(schema), self.client)(value, _CONTEXT)
        return written


_CONTEXT = SerializationContext("customer.signup", MessageField.VALUE)


@pytest.fixture
def registry() -> Registry:
    """A registry of its own."""
    return Registry()


def refusal_of(value: bytes, schema_of: Callable[[int], RegisteredSchema] | None = None) -> Refusal:
    """Return why a value is refused."""
    refusal = adapter_of("confluent", {}, schema_of).translate(value).refusal
    assert refusal is not None
    return refusal


def test_own_event_in_avro_is_the_event_with_its_logical_types(registry: Registry) -> None:
    """A producer on Avro has timestamps and enumerations, which are texts in an event."""
    at = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    value = registry.avro(AVRO_SIGNUP, {**SIGNUP, "customer_id": 7, "time": at, "country": None})
    (event,) = adapter_of("confluent", {}, registry.schema_of).translate(value).events
    assert event == {**SIGNUP, "customer_id": 7, "country": None}


def test_own_event_in_json_schema_needs_no_registry(registry: Registry) -> None:
    """The value is JSON behind five bytes, whatever its schema says."""
    value = registry.json(JSON_SCHEMA, SIGNUP)
    assert value[:1] == b"\x00"
    for schema_of in (None, registry.schema_of):
        assert adapter_of("confluent", {}, schema_of).translate(value).events == (SIGNUP,)


def test_value_without_framing_is_read_as_it_is() -> None:
    """A topic on which some producers frame and others do not is common while one replaces the other."""
    assert adapter_of("confluent").translate(msgspec.json.encode(SIGNUP)).events == (SIGNUP,)


def test_row_in_avro_comes_to_what_the_adapter_inside_makes_of_it(registry: Registry) -> None:
    """Decimals, dates and local times of Avro are read as those of any other table."""
    row = {
        "customer_id": "anna",
        "plan": "pro",
        "mrr": Decimal("49.00"),
        "start": dt.date(2026, 1, 5),
        "end": dt.datetime(2026, 2, 1, 12),  # noqa: DTZ001 - a local time
    }
    options = {"as": "table", "options": {"time_zone": "Europe/Bucharest"}}
    adapter = adapter_of("confluent", options, registry.schema_of)
    signup, cancel = adapter.translate(registry.avro(AVRO_ROW, row)).events
    assert (signup["mrr_minor"], signup["time"], cancel["time"]) == (
        4900,
        "2026-01-04T22:00:00Z",
        "2026-02-01T10:00:00Z",
    )


def test_schema_that_refers_to_others_is_read_with_them(registry: Registry) -> None:
    """Shared types lie under subjects of their own."""
    price = {"type": "record", "name": "Price", "fields": [{"name": "mrr_minor", "type": "int"}]}
    outer = {"type": "record", "name": "Outer", "fields": [{"name": "price", "type": "Price"}]}
    inlined = {**outer, "fields": [{"name": "price", "type": price}]}
    value = registry.avro(inlined, {"price": {"mrr_minor": 4900}})
    schema = RegisteredSchema("AVRO", json.dumps(outer), (json.dumps(price),))
    adapter = adapter_of("confluent", {}, lambda _: schema)
    assert adapter.translate(value).events == ({"price": {"mrr_minor": 4900}},)


def test_avro_without_a_registry_and_unknown_ids_are_refused_with_what_to_do(registry: Registry) -> None:
    """Nothing can be read of Avro without its schema; the dead letter says which one it was."""
    value = registry.avro(AVRO_ROW["fields"][0]["type"], "anna")  # type: ignore[index]
    schema_id = int.from_bytes(value[1:5], "big")
    assert f"the schema {schema_id} is not at hand" in refusal_of(value).detail
    unknown = b"\x00\x00\x01\x00\x00" + value[5:]
    assert "the registry has no schema 65536; is it that" in refusal_of(unknown, registry.schema_of).detail


@pytest.mark.parametrize(
    ("kind", "text", "payload", "said"),
    [
        ("AVRO", '"string"', b"\x08ann", "the schema 7: the value cannot be read as Avro by it: it ends too early"),
        ("AVRO", '"string"', b"\x06annx", "1 bytes are left over"),
        ("AVRO", '"string"', b"\x06\xff\xff\xff", "a text in it is not UTF-8"),
        ("AVRO", '"string"', b"", "it ends too early"),
        (
            "AVRO",
            '["null", "string"]',
            b"\x08ann",
            "its bytes mean nothing in this schema; was it written with another",
        ),
        ("AVRO", '{"type": "int", "logicalType": "date"}', b"\xfe\xff\xff\xff\x0f", "an instant in it is out of range"),
        ("AVRO", '"string"', b"\x06ann", "is not a JSON object"),
        (
            "AVRO",
            '{"type": "nothing"}',
            b"\x06ann",
            "the schema 7: it is no schema of Avro: there is no type {'type': 'nothing'}",
        ),
        ("AVRO", '{"type": "record"}', b"\x06ann", '"name" is a required field missing from the schema'),
        ("AVRO", '{"type": "array"}', b"\x06ann", "the schema 7: it is no schema of Avro: it lacks 'items'"),
        ("AVRO", "5", b"\x06ann", "the schema 7: it is no schema of Avro: a part of it has the wrong form"),
        ("AVRO", "{", b"\x06ann", "it is no schema of Avro: it is not JSON (Input data was truncated)"),
        ("JSON", "{}", b"\x06ann", "is not JSON"),
        ("PROTOBUF", "message A {}", b"\x00\x0a", "is of PROTOBUF; have it written as Avro, JSON Schema or JSON"),
    ],
)
def test_payload_that_does_not_fit_its_schema_is_refused(kind: str, text: str, payload: bytes, said: str) -> None:
    """A producer with another registry writes ids that mean something else here."""
    refusal = refusal_of(b"\x00\x00\x00\x00\x07" + payload, lambda _: RegisteredSchema(kind, text))
    assert said in refusal.detail


@pytest.mark.parametrize("length", range(1, 5))
def test_value_that_is_shorter_than_a_frame_is_refused(length: int) -> None:
    """It begins like one, and JSON never does."""
    assert f"{length} bytes are no frame" in refusal_of(b"\x00" * length).detail


def test_registry_that_is_away_is_no_fault_of_the_record() -> None:
    """Whoever translates waits for it; as a dead letter the event would be lost."""

    def away(_: int) -> RegisteredSchema:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        adapter_of("confluent", {}, away).translate(b"\x00\x00\x00\x00\x07\x06ann")


def test_option_of_the_adapter_inside_is_named() -> None:
    """A fault two tables deep is found by its name alone."""
    with pytest.raises(OptionsFault, match=r"\[table\] mony: there is no such option; did you mean money"):
        adapter_of("confluent", {"as": "table", "options": {"mony": "major"}})
    with pytest.raises(OptionsFault, match="tablee: there is no such adapter; did you mean table"):
        adapter_of("confluent", {"as": "tablee"})


def test_numbers_that_json_does_not_have_are_left_out() -> None:
    """A float of Avro may be no number at all."""
    schema = '{"type": "record", "name": "A", "fields": [{"name": "x", "type": "float"}]}'
    value = b"\x00\x00\x00\x00\x07" + b"\x00\x00\xc0\x7f"
    found: Any = adapter_of("confluent", {}, lambda _: RegisteredSchema("AVRO", schema)).translate(value)
    assert found.events == ({"x": None},)
