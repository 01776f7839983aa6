"""The registry is asked once for each schema, lets in who it should, and its faults say what to do."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from schemas.adapters.confluent import RegisteredSchema, SchemaRefused
from schemas.adapters.registry import adapter_of
from services.process import free_port
from streams.kafka.schema_registry import RegistryUnavailable, SchemaRegistry, registry_of
from streams.settings.settings import Settings
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


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"user": "anna", "password": "pass:é"}, "Basic YW5uYTpwYXNzOsOp"),
        ({}, ""),
    ],
    ids=["basic", "none"],
)
async def test_registry_is_asked_as_whom_the_options_say(
    fake: FakeRegistry, options: dict[str, str], header: str
) -> None:
    """Registries in the cloud know users, those in a company often nobody."""
    fake.wants = header
    fake.register("event", {"schema": "S", "schemaType": "JSON"})
    assert await asked(SchemaRegistry(fake.url, **options)) == RegisteredSchema("JSON", "S")  # type: ignore[arg-type]
    assert fake.authorizations == [header]


async def test_schema_that_is_registered_later_is_found_after_a_while(fake: FakeRegistry) -> None:
    """A registry has replicas, and one may be behind; yet a producer that frames wrongly is not asked for each time."""
    now = [0.0]
    registry = SchemaRegistry(fake.url, clock=lambda: now[0])
    for _ in range(3):
        await registry.load(FRAMED)
        with pytest.raises(SchemaRefused, match="has no schema 1; is this the registry of its producer"):
            registry.schema_of(1)
    assert len(fake.asked) == 1
    fake.register("event", {"schema": "S"})
    now[0] = 61.0
    assert (await asked(registry)).text == "S"


async def test_schema_that_is_larger_than_one_segment_is_read_to_its_end(fake: FakeRegistry) -> None:
    """A schema of a thousand fields comes in many segments, of which the first alone is no JSON."""
    text = "x" * 1_000_000
    fake.register("event", {"schema": text})
    assert (await asked(SchemaRegistry(fake.url))).text == text


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (401, "", "refuses us: it answers 401 to /schemas/ids/1; correct the user or the password"),
        (403, "{}", "refuses us: it answers 403"),
        (404, "<html>", "it answers 404 to /schemas/ids/1; is this the URL of a schema registry?"),
        (404, '{"error_code": "none"}', "is this the URL of a schema registry?"),
        (302, "", "it answers 302"),
        (429, "", "it answers 429"),
        (500, '{"error_code": 50001}', "it answers 500"),
        (200, "<html>", "it answers 200 to /schemas/ids/1; is this the URL of a schema registry?"),
    ],
    ids=["unauthorized", "forbidden", "proxy", "code", "redirect", "too-many", "down", "page"],
)
async def test_answer_of_no_registry_is_waited_for_and_makes_no_dead_letter(
    fake: FakeRegistry, status: int, text: str, said: str
) -> None:
    """Records wait for a registry that is away; a wrong address would make dead letters of them all."""
    fake.answers = (status, text)
    with pytest.raises(RegistryUnavailable, match=r"the schema registry at http://127\.0\.0\.1") as caught:
        await asked(SchemaRegistry(fake.url, user="anna", password="secret"))
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (200, '{"schema": 7}', "answer to /schemas/ids/1 is no schema"),
        (200, '{"schema": "' + "x" * 4 * 1024 * 1024 + '"}', "larger than 4,194,304 bytes"),
        (422, '{"error_code": 42201, "message": "Invalid schema"}', "answers 422 to /schemas/ids/1: Invalid schema"),
        (200, '{"schema": "S", "references": [{"subject": "m"}]}', "is no schema"),
    ],
    ids=["number", "endless", "invalid", "reference"],
)
async def test_answer_about_one_schema_alone_refuses_its_records(
    fake: FakeRegistry, status: int, text: str, said: str
) -> None:
    """Waiting mends none of these, and would hold up the records of all other schemas behind it."""
    fake.answers = (status, text)
    with pytest.raises(SchemaRefused) as caught:
        await asked(SchemaRegistry(fake.url))
    assert said in str(caught.value)


async def test_registry_that_is_away_is_waited_for() -> None:
    """It comes back, and has the schema then."""
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        await asked(SchemaRegistry(f"http://127.0.0.1:{free_port()}"))


async def test_reference_that_is_missing_refuses_what_refers_to_it(fake: FakeRegistry) -> None:
    """Somebody has deleted it: records of other schemas go on."""
    fake.register("event", {"schema": "S", "references": [{"name": "M", "subject": "m", "version": 1}]})
    with pytest.raises(SchemaRefused, match="the registry does not have /subjects/m/versions/1"):
        await asked(SchemaRegistry(fake.url))


def test_registry_is_only_asked_where_an_adapter_reads_framed_values() -> None:
    """A worker of other topics opens no connection to it, and needs nothing of it."""
    settings = Settings(schema_registry_url="http://127.0.0.1:8081")
    assert registry_of(settings, ["stripe"]) is None
    assert registry_of(settings, ["stripe", "confluent"]) is not None
