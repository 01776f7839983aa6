"""Translation anew of dead letters that an adapter did not understand, with its options out of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from schemas.adapters.adapter import OptionsFault
from schemas.adapters.registry import ADAPTERS
from streams.errors import UsageError
from streams.settings.adapter_options import adapters_named, adapters_of_settings

if TYPE_CHECKING:
    from schemas.adapters.adapter import Adapter
    from streams.kafka.schema_registry import SchemaRegistry
    from streams.settings.settings import Settings


class Translators:
    """The adapters that dead letters may need.

    Args:
        settings: Name the file of their options, in `adapter_options`.
        file: Another one, of `--map`: TOML with a table for each adapter.
        registry: Has the schemas of framed values; without one their adapter reads JSON alone, and says so.

    Raises:
        UsageError: The file of `--map` cannot be read, or an option in it is unknown, missing or wrong.
        ConfigurationError: The same of the file of the settings.
    """

    def __init__(self, settings: Settings, file: Path | None = None, registry: SchemaRegistry | None = None) -> None:
        self._registry = registry
        schema_of = None if registry is None else registry.schema_of
        if file is None:
            self._adapters = adapters_of_settings(ADAPTERS, settings, schema_of)
            return
        try:
            self._adapters = adapters_named(ADAPTERS, file, schema_of)
        except OptionsFault as fault:
            raise UsageError(f"--map: {fault}") from fault

    def of(self, name: str) -> Adapter | None:
        """Return an adapter; None where this version has none of the name."""
        return self._adapters.get(name)

    async def load(self, value: bytes) -> None:
        """Have at hand what translating a value needs.

        Raises:
            RegistryUnavailable: The schema registry does not answer, or refuses.
        """
        if self._registry is not None:
            await self._registry.load(value)

    async def close(self) -> None:
        """Close the connections to the registry."""
        if self._registry is not None:
            await self._registry.close()
