"""Values in the framing of Confluent: Avro and JSON Schema, of own events or of records of another system.

Avro cannot be read without the schema that it was written with, which lies in a registry: whoever translates hands in
where it is had. JSON is read without one. Avro needs fastavro, which is only needed here and loaded only then.
Source: Confluent, Formats, Serializers, and Deserializers, section Wire format; Apache Avro specification, section
Logical Types; docs/adapters/confluent.md.
"""

import importlib
import io
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from schemas.adapters.adapter import Adapter, Translation
from schemas.adapters.options import read_options
from schemas.adapters.reading import refused, translated
from schemas.decoding.framing import MAGIC, Frame, frame_of
from schemas.refusals import Reason

NAME: Final = "confluent"
#: What fastavro raises of schemas and values that are wrong: it checks few of them.
_RAISED_BY_FASTAVRO: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, RecursionError, TypeError, ValueError,
    struct.error,
)  # fmt: skip


class RegisteredSchema(NamedTuple):
    """A schema as a registry has it.

    Attributes:
        kind: `AVRO`, `JSON` or `PROTOBUF`.
        text: The schema itself.
        references: The schemas that it refers to by name, each after those that it refers to itself.
    """

    kind: str
    text: str
    references: tuple[str, ...] = ()


class _NotAvro(ValueError):
    """A schema that is none of Avro, or a value that does not fit it; the argument says why, in words."""


class SchemaRefused(LookupError):
    """The registry answers, and what it says of an id is no schema to read with; the argument says why, in words."""


SchemaOf = Callable[[int], RegisteredSchema]
"""The port to a registry: returns the schema of an id.

It raises SchemaRefused where the registry does not have it, or has it wrongly: the record is refused. Whatever else it
raises, such as that the registry is away, is for whoever translates to wait for.
"""


class ConfluentOptions(msgspec.Struct, frozen=True, kw_only=True, rename={"inner": "as"}):
    """The options of a topic: what differs between two of them.

    Attributes:
        inner: The adapter for what is in the frames, such as `debezium`; empty where these are the product's own
            events.
        options: Its options.
    """

    inner: str = ""
    options: dict[str, Any] = {}


def build(
    options: Mapping[str, Any],
    adapter_of: Callable[[str, Mapping[str, Any]], Adapter],
    schema_of: SchemaOf | None = None,
) -> Adapter:
    """Return the adapter.

    Args:
        options: As a table of a TOML file has them.
        adapter_of: Returns the adapter for what is in the frames.
        schema_of: Where schemas are had; without it JSON alone is read.

    Raises:
        OptionsFault: An option is unknown or wrong.
    """
    read = read_options(NAME, options, ConfluentOptions)
    return Confluent(adapter_of(read.inner, read.options) if read.inner else None, schema_of)


class Confluent:
    """Translates framed values.

    Args:
        inner: The adapter for what is in the frames; None where these are the product's own events.
        schema_of: Where schemas are had; without it JSON alone is read.
    """

    name = NAME

    def __init__(self, inner: Adapter | None = None, schema_of: SchemaOf | None = None) -> None:
        self._inner = inner
        self._schema_of = schema_of
        self._readers: dict[int, Callable[[bytes], Any]] = {}

    def translate(self, value: bytes) -> Translation:
        """Return what a value says, framed or not; see `schemas.adapters.adapter.Adapter`.

        Raises:
            Exception: Whatever the registry's port raises, but for what it answers about an id.
        """
        frame = frame_of(value)
        if frame is None:
            if value.startswith(MAGIC):
                return refused(
                    NAME, Reason.MALFORMED_JSON, f"{len(value)} bytes are no frame, which has 5 before its value"
                )
            return self._within(value)
        if self._schema_of is None:
            if frame.payload.lstrip()[:1] == b"{":
                return self._within(frame.payload)
            advice = "say where the schema registry is: without it JSON alone can be read"
            return refused(NAME, Reason.MALFORMED_JSON, f"the schema {frame.schema_id} is not at hand; {advice}")
        try:
            schema = self._schema_of(frame.schema_id)
        except SchemaRefused as fault:
            return refused(NAME, Reason.MALFORMED_JSON, str(fault))
        return self._by_schema(frame, schema)

    def _by_schema(self, frame: Frame, schema: RegisteredSchema) -> Translation:
        if schema.kind == "JSON":
            return self._within(frame.payload)
        if schema.kind != "AVRO":
            advice = "have it written as Avro, JSON Schema or JSON"
            return refused(NAME, Reason.MALFORMED_JSON, f"the schema {frame.schema_id} is of {schema.kind}; {advice}")
        try:
            read = self._readers.get(frame.schema_id) or _avro_reader(schema)
            self._readers[frame.schema_id] = read
            json = read(frame.payload)
        except ImportError:
            advice = "pip install 'tenure[avro]'"
            return refused(
                NAME, Reason.MALFORMED_JSON, f"reading Avro needs fastavro, which is not installed: {advice}"
            )
        except _NotAvro as fault:
            return refused(NAME, Reason.MALFORMED_JSON, f"the schema {frame.schema_id}: {fault}")
        return self._within(json)

    def _within(self, json: bytes) -> Translation:
        if self._inner is not None:
            return self._inner.translate(json)
        return translated(NAME, json, lambda record: iter((dict(record.members),)))


def _avro_reader(schema: RegisteredSchema) -> Callable[[bytes], bytes]:
    """Return what reads the values of a schema, as JSON; it raises _NotAvro of a value that does not fit.

    Raises:
        ImportError: fastavro is not installed.
        _NotAvro: It is no schema.
    """
    avro: Any = importlib.import_module("fastavro")
    named: dict[str, Any] = {}
    try:
        for reference in schema.references:
            avro.parse_schema(msgspec.json.decode(reference), named_schemas=named)
        parsed = avro.parse_schema(msgspec.json.decode(schema.text), named_schemas=named)
    except (avro.schema.SchemaParseException, *_RAISED_BY_FASTAVRO) as error:
        raise _NotAvro(f"it is no schema of Avro: {_why_no_schema(error)}") from error

    def read(payload: bytes) -> bytes:
        stream = io.BytesIO(payload)
        try:
            json = msgspec.json.encode(avro.schemaless_reader(stream, parsed))
        except _RAISED_BY_FASTAVRO as error:
            raise _NotAvro(f"the value cannot be read as Avro by it: {_why_unreadable(error)}") from error
        left = len(payload) - stream.tell()
        if left:
            raise _NotAvro(f"the value cannot be read as Avro by it: {left} bytes are left over")
        return json

    return read


def _why_no_schema(error: Exception) -> str:
    if isinstance(error, msgspec.DecodeError):
        return f"it is not JSON ({error})"
    if isinstance(error, ValueError):
        return f"there is no type {error}"
    if isinstance(error, LookupError):
        return f"it lacks {error}"
    return "a part of it has the wrong form" if isinstance(error, _RAISED_BY_FASTAVRO) else str(error)


def _why_unreadable(error: Exception) -> str:
    if isinstance(error, EOFError | struct.error):
        return "it ends too early"
    if isinstance(error, UnicodeDecodeError):
        return "a text in it is not UTF-8"
    if isinstance(error, ArithmeticError):
        return "a number or an instant in it is out of range"
    return "its bytes mean nothing in this schema; was it written with another one?"
