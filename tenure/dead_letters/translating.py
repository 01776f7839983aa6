"""Translation anew of dead letters that an adapter did not understand, with its options out of a file."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.adapters.adapter import OptionsFault
from schemas.adapters.registry import ADAPTERS, adapter_of, known_adapters
from schemas.wording import nearest_name
from streams.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.adapters.adapter import Adapter

Options = dict[str, dict[str, Any]]


def read_options_file(path: Path) -> Options:
    """Return the options of adapters, by the adapter's name.

    Args:
        path: A TOML file with a table for each adapter.

    Raises:
        InputError: It cannot be read, or is no such file.
        UsageError: A table has the name of no adapter.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise InputError(str(path), f"the file cannot be read ({error.strerror}); correct the path") from error
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), f"the file is no TOML ({error}); correct it") from error
    for name, table in found.items():
        if name not in ADAPTERS:
            hint = nearest_name(name, tuple(ADAPTERS))
            raise UsageError(f"--map {path}: there is no adapter {name}{hint}; {known_adapters()}")
        if not isinstance(table, dict):
            raise UsageError(f"--map {path}: {name} must be a table, [{name}]")
    return found


class Translators:
    """The adapters that dead letters need, each built once.

    Args:
        options: By the adapter's name.

    Raises:
        UsageError: An option of an adapter is unknown, missing or wrong.
    """

    def __init__(self, options: Mapping[str, Mapping[str, Any]]) -> None:
        self._options = options
        self._built: dict[str, Adapter] = {name: self._build(name) for name in options}

    def of(self, name: str) -> Adapter | None:
        """Return an adapter; None where this version has none of the name."""
        if name not in self._built and name in ADAPTERS:
            self._built[name] = self._build(name)
        return self._built.get(name)

    def _build(self, name: str) -> Adapter:
        try:
            return adapter_of(name, self._options.get(name, {}))
        except OptionsFault as fault:
            raise UsageError(f"--map: {fault}") from fault
