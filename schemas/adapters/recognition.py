"""Recognition of records of other systems by their members: for advice, and to name a record to people.

It decides nothing: what is not recognised is read as its user says that it is.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

_OWN_MEMBERS: Final = frozenset({"customer_id", "type"})
"""Every event of the product has them at the top, and no record of these systems."""
_NAME_SHOWN: Final = 80
_read: Final = msgspec.json.Decoder(dict[str, Any]).decode


class RecordSignature(NamedTuple):
    """The members that all records of a system have in common.

    Attributes:
        adapter: The name of its adapter.
        members: That all of them have.
        values: What some members may be; none is without them.
        kind: The member that says what has happened; "" where none does.
        id: The member that is the record's id; "" where there is none.
        inside: The member in which some of its writers put the whole record.
    """

    adapter: str
    members: frozenset[str]
    values: Mapping[str, frozenset[str]] = MappingProxyType({})
    kind: str = ""
    id: str = ""
    inside: str = ""

    def fits(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a record has all of it."""
        return self.members <= record.keys() and all(
            isinstance(found := record.get(name), str) and found in known for name, known in self.values.items()
        )


SIGNATURES: Final = (
    RecordSignature(
        "paddle", frozenset({"event_id", "event_type", "occurred_at", "data"}), kind="event_type", id="event_id"
    ),
    RecordSignature("paddle", frozenset({"customer_id", "currency_code", "billing_cycle", "items"}), id="id"),
    RecordSignature("chargebee", frozenset({"event_type", "occurred_at", "content"}), kind="event_type", id="id"),
    RecordSignature("chargebee", frozenset({"subscription", "customer"})),
    RecordSignature("recurly", frozenset({"object_type", "event_type", "event_time"}), kind="event_type", id="id"),
    RecordSignature("recurly", frozenset({"object", "uuid", "account", "state"}), id="uuid"),
    RecordSignature(
        "stripe",
        frozenset({"object", "livemode"}),
        {"object": frozenset({"event", "subscription", "customer", "invoice", "subscription_schedule"})},
        kind="type",
        id="id",
    ),
    RecordSignature(
        "segment",
        frozenset({"messageId", "type"}),
        {"type": frozenset({"alias", "group", "identify", "page", "screen", "track"})},
        kind="type",
        id="messageId",
    ),
    RecordSignature(
        "debezium",
        frozenset({"op", "after"}),
        {"op": frozenset({"c", "d", "r", "t", "u"})},
        kind="op",
        inside="payload",
    ),
)
"""The first that fits counts."""


def adapter_for(value: bytes) -> str:
    """Return the name of the adapter that a JSON record seems to be for; empty where it seems to be for none.

    Args:
        value: The bytes of one record; whatever they are.
    """
    signature = next(iter(_found(value)), None)
    return "" if signature is None else signature[0].adapter


def event_named(adapter: str, value: bytes) -> str:
    """Return how a record of a system names itself, such as `evt_1 (invoice.created)`; empty where it does not."""
    for signature, record in _found(value, adapter):
        said = [record.get(member) if member else None for member in (signature.id, signature.kind)]
        identity, kind = (each[:_NAME_SHOWN] if isinstance(each, str) else "" for each in said)
        return f"{identity} ({kind})" if identity and kind else identity or kind
    return ""


def _found(value: bytes, adapter: str = "") -> list[tuple[RecordSignature, Mapping[str, Any]]]:
    try:
        record = _read(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    if record.keys() >= _OWN_MEMBERS:
        return []
    found: list[tuple[RecordSignature, Mapping[str, Any]]] = []
    for signature in SIGNATURES:
        inner = record.get(signature.inside) if signature.inside else None
        whole = inner if isinstance(inner, dict) else record
        if adapter in ("", signature.adapter) and signature.fits(whole):
            found.append((signature, whole))
    return found
