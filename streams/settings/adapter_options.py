"""Options of adapters out of a TOML file that has a table for each adapter, such as `[stripe]`.

What each adapter can be told: docs/adapters.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from schemas.adapters.adapter import Adapter, OptionsFault
from schemas.adapters.confluent import SchemaOf
from schemas.adapters.registry import ADAPTERS, adapter_of, no_such_adapter
from streams.errors import ConfigurationError
from streams.settings.settings import Settings

_MOST_BYTES: Final = 4 << 20


def adapters_named(names: Iterable[str], file: Path | None, schema_of: SchemaOf | None = None) -> dict[str, Adapter]:
    """Return adapters by name, with the options that a file has for them, which is read once.

    Args:
        names: Of the adapters.
        file: TOML; without one, or a table in it, an adapter has no options.
        schema_of: Where the schemas of framed values are had.

    Raises:
        OptionsFault: There is no such adapter, the file cannot be read, or an option in it is unknown or wrong.
    """
    tables = {} if file is None else _read_tables(file)
    return {name: _built(name, tables.get(name, {}), file, schema_of) for name in sorted(set(names))}


def _built(name: str, options: Mapping[str, Any], file: Path | None, schema_of: SchemaOf | None) -> Adapter:
    try:
        return adapter_of(name, options, schema_of)
    except OptionsFault as fault:
        if file is None or name not in ADAPTERS:
            raise
        raise OptionsFault(f"{file}: {fault}") from fault


def adapters_of_settings(names: Iterable[str], settings: Settings, schema_of: SchemaOf | None) -> dict[str, Adapter]:
    """Return adapters by name, with the options of the setting `adapter_options`; see `adapters_named`.

    Raises:
        ConfigurationError: These options cannot work.
    """
    file = settings.adapter_options
    try:
        return adapters_named(names, file, schema_of)
    except OptionsFault as fault:
        raise ConfigurationError("TENURE_ADAPTER_OPTIONS", None if file is None else str(file), str(fault)) from fault


def adapters_of_topics(settings: Settings, schema_of: SchemaOf | None) -> dict[str, Adapter]:
    """Return the adapter of each topic of the setting `adapter_topics`; see `adapters_of_settings`."""
    by_name = adapters_of_settings(settings.adapter_topics.values(), settings, schema_of)
    return {topic: by_name[name] for topic, name in settings.adapter_topics.items()}


def _read_tables(file: Path) -> Mapping[str, Mapping[str, Any]]:
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
            raise OptionsFault(f"{file}: [{name}]: {no_such_adapter(name)}")
        if not isinstance(table, dict):
            raise OptionsFault(f"{file}: {name} is no table; write [{name}] above its options")
    return tables
