"""Options of adapters: read into a struct, with an error that names the option."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from schemas.adapters.adapter import OptionsFault
from schemas.wording import nearest_name

Options = TypeVar("Options", bound=msgspec.Struct)


def read_options(name: str, given: Mapping[str, Any], kind: type[Options]) -> Options:
    """Return the options of an adapter.

    Args:
        name: The adapter's, for errors.
        given: As a table of a TOML file has them.
        kind: Their struct.

    Raises:
        OptionsFault: One is unknown, missing or wrong.
    """
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    for option in given:
        if option not in known:
            hint = nearest_name(option, known)
            raise OptionsFault(f"[{name}] {option}: there is no such option{hint}; known are {', '.join(known)}")
    try:
        return msgspec.convert(dict(given), kind)
    except msgspec.ValidationError as error:
        raise OptionsFault(f"[{name}] {error}") from error
