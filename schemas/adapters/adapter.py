"""The one seam for records of other systems: what an adapter is, and what it returns.

An adapter turns one record of a billing system, an app or a database into the product's own events: none, one or
several. It is pure and keeps nothing between two records, so that a repeated record gives the same events under the
same ids, and the order in which records come changes no number. Instants are those at which the source says that
something happened, never when its record was written or read. Translation comes before the stream: files, topics of
other systems and the gateway translate, and the stream's topics hold the product's own JSON alone.
What an adapter does not understand is sent on as it is, with the headers of `schemas.decoding.adapted`, and becomes a
dead letter there. The list of adapters: `schemas.adapters.registry`. For its user: docs/adapters.md.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from schemas.refusals import Refusal

Members = dict[str, Any]


class Translation(NamedTuple):
    """The outcome of one record.

    Attributes:
        events: The events that it says, as members of the product's own JSON, in their order.
        refusal: Why it is not understood; there are no events then.
        ignored: The kind of a record that is understood and says nothing that is counted, such as `invoice.created`;
            empty for all others.
    """

    events: tuple[Members, ...] = ()
    refusal: Refusal | None = None
    ignored: str = ""


class Adapter(Protocol):
    """The interface of an adapter.

    Attributes:
        name: As the option `--as` and the settings have it.
    """

    name: str

    def translate(self, value: bytes) -> Translation:
        """Return what a record says, whatever its bytes: what cannot be read is refused.

        What it raises is a fault of its own, and no record's; whoever calls it keeps the record all the same.
        """


class Builder(Protocol):
    """Makes an adapter out of its options: what of a source differs between two installations."""

    def __call__(self, options: Mapping[str, Any]) -> Adapter:
        """Return the adapter.

        Raises:
            OptionsFault: An option is unknown, missing or wrong.
        """


class OptionsFault(ValueError):
    """An option of an adapter that cannot work; says which one and what to do."""
