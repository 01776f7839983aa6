"""Options of adapters out of a TOML file that has a table for each adapter, such as `[stripe]`.

What each adapter can be told: docs/adapters.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from schemas.adapters.adapter import Adapter, OptionsFault
from schemas.adapters.confluent import SchemaOf
from schemas.adapters.registry import ADAPTERS, adapter_of, known_adapters
from schemas.wording import nearest_name
from streams.errors import ConfigurationError
from streams.settings.settings import Settings

_MOST_BYTES: Final = 4 << 20


def read_adapter(name: str, file: Path | None, schema_of: SchemaOf | None = None) -> Adapter:
    """Return an adapter with the options that a file has for it; without a file, or a table in it, with none.

    Args:
        name: Of the adapter.
        file: TOML.
        schema_of: Where the schemas of framed values are had.

    Raises:
        OptionsFault: There is no such adapter, the file cannot be read, or an option in it is unknown or wrong.
    """
    tables = {} if file is None else read_tables(file)
    try:
        return adapter_of(name, tables.get(name, {}), schema_of)
    except OptionsFault as fault:
        if file is None or name not in ADAPTERS:
            raise
        raise OptionsFault(f"{file}: {fault}") from fault


def adapters_of_topics(settings: Settings, schema_of: SchemaOf | None) -> dict[str, Adapter]:
    """Return the adapter of each topic of the setting `adapter_topics`.

    Args:
        settings: They name the adapters, and the file of their options.
        schema_of: Where the schemas of framed values are had.

    Raises:
        ConfigurationError: The options that the settings name cannot work.
    """
    file = settings.adapter_options
    try:
        by_name = {name: read_adapter(name, file, schema_of) for name in sorted(set(settings.adapter_topics.values()))}
    except OptionsFault as fault:
        raise ConfigurationError("TENURE_ADAPTER_OPTIONS", None if file is None else str(file), str(fault)) from fault
    return {topic: by_name[name] for topic, name in settings.adapter_topics.items()}


def read_tables(file: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the options of all adapters, by name.

    Raises:
        OptionsFault: The file cannot be read, is not TOML, or holds something else than tables of adapters.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise OptionsFault(f"{file}: it is larger than {_MOST_BYTES:,} bytes; is it a file of options?")
        tables = tomllib.loads(text.decode())
    except OSError as error:
        raise OptionsFault(f"{file}: it cannot be read ({error.strerror or error})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OptionsFault(f"{file}: it is not TOML: {error}") from error
    for name, table in tables.items():
        if name not in ADAPTERS:
            hint = nearest_name(name, tuple(ADAPTERS))
            raise OptionsFault(f"{file}: [{name}]: there is no such adapter{hint}; {known_adapters()}")
        if not isinstance(table, dict):
            raise OptionsFault(f"{file}: {name} is no table; write [{name}] above its options")
    return tables
