"""Values of Kafka Connect's JSON, as texts that say what they are: decimals with their point, dates, local times.

Where the record has its schema, the schema says how a column is encoded; where it has none, dates and times are told
by their size, and decimals that are bytes by an option.
Source: Debezium, data types and their semantic types (io.debezium.time, io.debezium.data); Kafka Connect, logical types
(org.apache.kafka.connect.data).
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from schemas.adapters.reading import Node
from schemas.local_times import local_text

_DECIMAL: Final = "org.apache.kafka.connect.data.Decimal"
_VARIABLE_DECIMAL: Final = "io.debezium.data.VariableScaleDecimal"
_DAY_MICROSECONDS: Final = 86_400_000_000
_SCALE_MAX: Final = 38
_BYTES_MAX: Final = 64

#: Units of integers that count on the clock on the wall since 1970, by their semantic type: microseconds of each.
_LOCAL_TIMES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType({
    "io.debezium.time.Timestamp": (1000, 1),
    "io.debezium.time.MicroTimestamp": (1, 1),
    "io.debezium.time.NanoTimestamp": (1, 1000),
    "org.apache.kafka.connect.data.Timestamp": (1000, 1),
})  # fmt: skip
_DATES: Final = frozenset({"io.debezium.time.Date", "org.apache.kafka.connect.data.Date"})

Fields = Mapping[str, Mapping[str, Any]]


def fields_of(schema: Any, part: str = "") -> Fields:
    """Return the fields of a record, or of a part of it such as `after`, by name, out of the record's schema.

    Args:
        schema: As the record has it; whatever it is, what cannot be read is none.
        part: Of the record; all of it where it is empty.
    """
    if part:
        schema = next((field for field in _fields(schema) if field.get("field") == part), None)
    return {field["field"]: field for field in _fields(schema) if isinstance(field.get("field"), str)}


def _fields(schema: Any) -> list[Mapping[str, Any]]:
    found = schema.get("fields") if isinstance(schema, dict) else None
    return [field for field in found if isinstance(field, dict)] if isinstance(found, list) else []


def plain_row(row: Node, fields: Fields, scales: Mapping[str, int]) -> Node:
    """Return a row with its values as texts that say what they are.

    Args:
        row: As the record has it.
        fields: Of its schema; empty where the record has none.
        scales: Digits after the point of columns whose decimals are bytes, where no schema says so.

    Raises:
        SourceFault: A value is not what the schema or the option says.
    """
    return Node({name: _plain(row, name, fields.get(name, {}), scales) for name in row.members}, row.path)


def _plain(row: Node, name: str, field: Mapping[str, Any], scales: Mapping[str, int]) -> Any:
    value, kind = row.get(name), field.get("name")
    if value is None:
        return None
    if kind == _DECIMAL or name in scales:
        parameters = field.get("parameters")
        said = parameters.get("scale") if isinstance(parameters, dict) else scales.get(name)
        return _decimal(row, name, value, said)
    if isinstance(value, dict) and (kind == _VARIABLE_DECIMAL or value.keys() == {"scale", "value"}):
        return _decimal(row, name, value.get("value"), value.get("scale"))
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise row.wrong(name, f"must be an integer, as {kind}")
    text = read(value)
    if text is None:
        raise row.wrong(name, f"must be an instant, as {kind}")
    return text


def _decimal(row: Node, name: str, value: Any, scale: Any) -> Any:
    """Return a decimal out of its bytes in base 64: an integer, the most significant byte first, and its scale."""
    if not isinstance(value, str):
        return value  # a number: decimals were chosen to be doubles
    text = str(scale)
    digits = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else _SCALE_MAX + 1
    if digits > _SCALE_MAX:
        raise row.wrong(name, f"must be a decimal with a scale from 0 to {_SCALE_MAX}")
    try:
        whole = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise row.wrong(name, "must be the bytes of a decimal in base 64") from error
    if not 0 < len(whole) <= _BYTES_MAX:
        raise row.wrong(name, f"must be a decimal of 1 to {_BYTES_MAX} bytes")
    return format(Decimal(int.from_bytes(whole, "big", signed=True)).scaleb(-digits), "f")


def _date(days: int) -> str | None:
    text = local_text(days * _DAY_MICROSECONDS)
    return None if text is None else text.partition("T")[0]


def _local_time(kind: str) -> Callable[[int], str | None]:
    times, parts = _LOCAL_TIMES[kind]
    return lambda count: local_text(count * times // parts)


_READERS: Final[Mapping[str, Callable[[int], str | None]]] = {
    **dict.fromkeys(_DATES, _date),
    **{kind: _local_time(kind) for kind in _LOCAL_TIMES},
}
