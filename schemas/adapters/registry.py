"""The list of adapters, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from schemas.adapters import chargebee, paddle, recurly, stripe
from schemas.adapters.adapter import Adapter, Builder, OptionsFault
from schemas.wording import nearest_name

ADAPTERS: Final[Mapping[str, Builder]] = MappingProxyType(
    {
        chargebee.NAME: chargebee.build,
        paddle.NAME: paddle.build,
        recurly.NAME: recurly.build,
        stripe.NAME: stripe.build,
    }
)


def adapter_of(name: str, options: Mapping[str, Any] = MappingProxyType({})) -> Adapter:
    """Return an adapter.

    Args:
        name: One of `ADAPTERS`.
        options: Its options, as a table of a TOML file has them.

    Raises:
        OptionsFault: There is no such adapter, or an option is unknown, missing or wrong.
    """
    build = ADAPTERS.get(name)
    if build is None:
        raise OptionsFault(f"{name}: there is no such adapter{nearest_name(name, tuple(ADAPTERS))}; {known_adapters()}")
    return build(options)


def known_adapters() -> str:
    """Return the names of all adapters in words."""
    return f"known are {', '.join(sorted(ADAPTERS))}"
