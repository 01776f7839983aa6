"""The registry is asked once for each schema, lets in who it should, and its faults say what to do."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas.adapters.confluent import RegisteredSchema, UnknownSchema
from schemas.adapters.registry import adapter_of
from services.process import free_port
from streams.errors import ConfigurationError
from streams.kafka.schema_registry import RegistryUnavailable, SchemaRegistry
from tests.unit.streams.kafka.fake_registry import FakeRegistry

EVENT = {"id": "e1", "type": "cancel", "customer_id": "anna", "time": "2026-01-05T09:00:00Z"}
AVRO = {
    "type": "record",
    "name": "Cancel",
    "fields": [{"name": name, "type": "string"} for name in EVENT],
}
FRAMED = b"\x00\x00\x00\x00\x01\x06abc"


@pytest.fixture
async def fake() -> AsyncIterator[FakeRegistry]:
    """A registry that runs."""
    async with FakeRegistry().running() as registry:
        yield registry


async def asked(registry: SchemaRegistry, value: bytes = FRAMED) -> RegisteredSchema:
    """Return the schema of a framed value."""
    try:
        await registry.load(value)
        return registry.schema_of(int.from_bytes(value[1:5], "big"))
    finally:
        await registry.close()


async def test_event_that_confluents_serializer_wrote_is_read_with_the_schema_that_it_registered(
    fake: FakeRegistry,
) -> None:
    """Framing, registration and Avro of an independent hand, over HTTP."""
    client = SchemaRegistryClient({"url": fake.url})
    context = SerializationContext("customer.cancel", MessageField.VALUE)
    serialize = AvroSerializer(client, json.dumps(AVRO))
    value = await asyncio.to_thread(serialize, EVENT, context)
    registry = SchemaRegistry(fake.url)
    for _ in range(3):
        await registry.load(value)
    assert adapter_of("confluent", {}, registry.schema_of).translate(value).events == (EVENT,)
    assert [path for path in fake.asked if path.startswith("/schemas/ids/")] == ["/schemas/ids/1"]
    assert len(registry.loaded) == 1
    await registry.close()


async def test_schemas_that_one_refers_to_come_before_it(fake: FakeRegistry) -> None:
    """Two levels, and one that is referred to twice."""
    fake.register("money", {"schema": "M"})
    of_money = {"name": "Money", "subject": "money", "version": 1}
    fake.register("a/b", {"schema": "P", "references": [of_money]})
    of_price = {"name": "Price", "subject": "a/b", "version": 1}
    number = fake.register("event", {"schema": "E", "references": [of_price, of_money]})
    found = await asked(SchemaRegistry(fake.url + "/"), b"\x00" + number.to_bytes(4, "big"))
    assert found == RegisteredSchema("AVRO", "E", ("M", "P"))


async def test_values_without_framing_ask_nothing(fake: FakeRegistry) -> None:
    """Own JSON lies on the same topics."""
    registry = SchemaRegistry(fake.url)
    for value in (b"", b"{}", b"\x00\x01"):
        await registry.load(value)
    assert fake.asked == []
    await registry.close()


async def test_user_in_the_url_is_the_user_and_is_shown_nowhere(fake: FakeRegistry) -> None:
    """So it stands in many configurations."""
    fake.wants = "Basic YW5uYTpwYXNzOsOp"
    registry = SchemaRegistry(fake.url.replace("//", "//anna:pass%3A%C3%A9@"))
    with pytest.raises(UnknownSchema):
        await asked(registry)
    assert fake.authorizations == [fake.wants]


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"user": "anna", "password": "pass:é"}, "Basic YW5uYTpwYXNzOsOp"),
        ({"token": "abc"}, "Bearer abc"),
        ({}, ""),
    ],
    ids=["basic", "bearer", "none"],
)
async def test_registry_is_asked_as_whom_the_options_say(
    fake: FakeRegistry, options: dict[str, str], header: str
) -> None:
    """Registries in the cloud know users, those in a company tokens."""
    fake.wants = header
    fake.register("event", {"schema": "S", "schemaType": "JSON"})
    assert await asked(SchemaRegistry(fake.url, **options)) == RegisteredSchema("JSON", "S")  # type: ignore[arg-type]
    assert fake.authorizations == [header]


async def test_schema_that_is_registered_later_is_found_then(fake: FakeRegistry) -> None:
    """A registry has replicas, and one may be behind."""
    registry = SchemaRegistry(fake.url)
    await registry.load(FRAMED)
    with pytest.raises(UnknownSchema):
        registry.schema_of(1)
    fake.register("event", {"schema": "S"})
    assert (await asked(registry)).text == "S"


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (401, "", "refuses us: it answers 401 to /schemas/ids/1; correct the user, the password or the token"),
        (403, "{}", "refuses us: it answers 403"),
        (404, "<html>", "it answers 404 to /schemas/ids/1; is this the URL of a schema registry?"),
        (404, '{"error_code": "none"}', "is this the URL of a schema registry?"),
        (302, "", "it answers 302"),
        (500, '{"error_code": 50001}', "it answers 500"),
        (200, "<html>", "cannot do it now: its answer to /schemas/ids/1 is no schema"),
        (200, '{"schema": 7}', "is no schema"),
    ],
    ids=["unauthorized", "forbidden", "proxy", "code", "redirect", "down", "page", "number"],
)
async def test_answer_that_is_no_schema_is_a_fault_of_the_registry_and_of_no_record(
    fake: FakeRegistry, status: int, text: str, said: str
) -> None:
    """Records wait for a registry that is away; a wrong address would make dead letters of them all."""
    fake.answers = (status, text)
    with pytest.raises(RegistryUnavailable, match=r"the schema registry at http://127\.0\.0\.1") as caught:
        await asked(SchemaRegistry(fake.url.replace("//", "//anna:secret@"), token="abc"))
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_registry_that_is_away_and_reference_that_is_missing_are_told(fake: FakeRegistry) -> None:
    """The one is waited for; the other somebody has deleted."""
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        await asked(SchemaRegistry(f"http://127.0.0.1:{free_port()}"))
    fake.register("event", {"schema": "S", "references": [{"name": "M", "subject": "m", "version": 1}]})
    with pytest.raises(RegistryUnavailable, match="it does not have /subjects/m/versions/1"):
        await asked(SchemaRegistry(fake.url))


def test_url_that_is_none_is_refused_at_once() -> None:
    """Host and port alone are what Kafka's settings have."""
    for url in ("registry:8081", "http://", "http://[", "ftp://registry"):
        with pytest.raises(ConfigurationError, match="write its URL, such as"):
            SchemaRegistry(url)
