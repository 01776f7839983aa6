"""The list of adapters, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from schemas.adapters import chargebee, confluent, debezium, paddle, recurly, segment, table
from schemas.adapters.adapter import Adapter, Builder, OptionsFault
from schemas.adapters.confluent import SchemaOf
from schemas.adapters.stripe import stripe
from schemas.wording import nearest_name


def adapter_of(
    name: str, options: Mapping[str, Any] = MappingProxyType({}), schema_of: SchemaOf | None = None
) -> Adapter:
    """Return an adapter.

    Args:
        name: One of `ADAPTERS`.
        options: Its options, as a table of a TOML file has them.
        schema_of: Where the schemas of framed values are had; None reads of these JSON alone.

    Raises:
        OptionsFault: There is no such adapter, or an option is unknown, missing or wrong.
    """
    if name == confluent.NAME:
        return confluent.build(options, adapter_of, schema_of)
    build = _BUILDERS.get(name)
    if build is None:
        raise OptionsFault(f"{name}: {no_such_adapter(name)}")
    return build(options)


_BUILDERS: Final[Mapping[str, Builder]] = MappingProxyType(
    {
        chargebee.NAME: chargebee.build,
        debezium.NAME: debezium.build,
        paddle.NAME: paddle.build,
        recurly.NAME: recurly.build,
        segment.NAME: segment.build,
        stripe.NAME: stripe.build,
        table.NAME: table.build,
    }
)
ADAPTERS: Final = tuple(sorted((*_BUILDERS, confluent.NAME)))
"""The names of all adapters; `confluent` reads what is within by another one of them."""


def no_such_adapter(name: str) -> str:
    """Return what to say of a name that is no adapter's."""
    return f"there is no such adapter{nearest_name(name, ADAPTERS)}; {known_adapters()}"


def known_adapters() -> str:
    """Return the names of all adapters in words."""
    return f"known are {', '.join(ADAPTERS)}"
