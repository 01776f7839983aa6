"""Reading the settings: the environment, then one TOML file; every fault is one ConfigurationError of one line.

A name that nobody knows is a fault too: a setting that is misspelt would otherwise silently keep its default.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr, ValidationError

from streams.errors import ConfigurationError, UnknownSetting
from streams.settings import ENVIRONMENT_PREFIX, SECRETS, Settings
from streams.settings_rules import RuleBrokenError, did_you_mean, without_password
from streams.settings_secrets import FILE_SUFFIX, read_secret

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE_VARIABLE: Final = ENVIRONMENT_PREFIX + "CONFIG"
DEFAULT_FILE: Final = Path("tenure.toml")

# Kubernetes gives every container variables for the services of its namespace; one that is called "tenure" is likely.
_SERVICE_LINK: Final = re.compile(r"TENURE(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
_SERVICE_PORT: Final = re.compile(r"(tcp|udp|sctp)://")


def load_settings(file: Path | None = None, **overrides: Any) -> Settings:
    """Build the settings that a command starts with.

    Args:
        file: A TOML file; without it, the one that TENURE_CONFIG names, or tenure.toml in the working directory if
            there is one.
        overrides: Fields that win over the environment and the file, as options of a command do. None is no override.

    Returns:
        Settings that have passed every check.

    Raises:
        ConfigurationError: An unknown name, or a value that cannot work; it names the variable or the file's key.
    """
    _refuse_unknown_variables(os.environ)
    path = _file_to_read(file)
    from_file = {} if path is None else _read_file(path)
    given = {name: value for name, value in overrides.items() if value is not None}
    named = _named_secrets(given)
    behind = {name: value for name, value in from_file.items() if _variable_of(name) is None}
    try:
        return Settings(**{**behind, **named, **given})
    except ValidationError as error:
        raise _explained(error, given, {**from_file, **named}, path) from None  # the original holds what was given


def _named_secrets(given: Mapping[str, Any]) -> dict[str, SecretStr]:
    """Return the secrets that variables name a file for.

    Raises:
        ConfigurationError: A file cannot be read as a secret, or the secret stands in a variable of its own too.
    """
    found: dict[str, SecretStr] = {}
    for name in SECRETS:
        variable = _variable_of(name + FILE_SUFFIX)
        if variable is None or name in given:
            continue
        other = _variable_of(name)
        if other is not None:
            raise ConfigurationError(variable, os.environ[variable], f"{other} is set too; keep one of the two")
        found[name] = read_secret(variable, os.environ[variable])
    return found


def _variable_of(field: str) -> str | None:
    """Return the name of the environment variable that sets a field, as it is written there."""
    wanted = ENVIRONMENT_PREFIX + field.upper()
    return next((name for name in os.environ if name.upper() == wanted), None)


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    names = {*Settings.model_fields, *(name + FILE_SUFFIX for name in SECRETS)}
    known = {ENVIRONMENT_PREFIX + name.upper() for name in names} | {FILE_VARIABLE}
    for name, value in sorted(environment.items()):
        upper = name.upper()
        if not upper.startswith(ENVIRONMENT_PREFIX) or upper in known:
            continue
        if _SERVICE_LINK.fullmatch(upper) or (upper.endswith("_PORT") and _SERVICE_PORT.match(value)):
            continue
        raise UnknownSetting(name, did_you_mean(upper, sorted(known)))


def _file_to_read(file: Path | None) -> Path | None:
    if file is not None:
        return file
    if os.environ.get(FILE_VARIABLE):
        return Path(os.environ[FILE_VARIABLE])
    return DEFAULT_FILE if DEFAULT_FILE.is_file() else None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(
            FILE_VARIABLE, str(path), f"the file cannot be read ({error.strerror}); correct the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(FILE_VARIABLE, str(path), f"the file is no TOML ({error}); correct it") from error
    named = {name + FILE_SUFFIX: name for name in SECRETS}
    for key in content:
        if key not in Settings.model_fields and key not in named:
            raise UnknownSetting(f"{key} in {path}", did_you_mean(key, sorted({*Settings.model_fields, *named})))
    for key in [key for key in content if key in named]:
        if named[key] in content:
            raise ConfigurationError(f"{key} in {path}", content[key], f"{named[key]} is set too; keep one of the two")
        content[named[key]] = read_secret(f"{key} in {path}", content.pop(key))
    return content


def _explained(
    error: ValidationError, given: Mapping[str, Any], behind: Mapping[str, Any], path: Path | None
) -> ConfigurationError:
    """Turn the first fault that pydantic found into one line that names where the value was written."""
    faults = error.errors()
    first = faults[0]
    cause = first.get("ctx", {}).get("error")
    setting = cause.setting if isinstance(cause, RuleBrokenError) else str(first["loc"][0])
    field, _, key = setting.partition(".")
    advice = _advice(first, field)
    if len(faults) > 1:
        advice += f" (and {len(faults) - 1} more)"
    variable = _variable_of(field)
    where, value = ENVIRONMENT_PREFIX + field.upper(), Settings.model_fields[field].default
    if field in given:
        where, value = f"--{field.replace('_', '-')}", given[field]
    elif variable is not None:
        where, value = variable, os.environ[variable]
        if _SERVICE_PORT.match(str(value)):
            advice += "; if Kubernetes set it for a service, set enableServiceLinks: false"
    elif _variable_of(field + FILE_SUFFIX) is not None:
        where, value = _named_by(field), behind[field]
    elif field in behind:
        where, value = f"{field} in {path}", behind[field]
    return ConfigurationError(where, _without_secret(field, value, key), advice)


def _named_by(field: str) -> str:
    """Return where a secret stands that a variable names a file for."""
    variable = _variable_of(field + FILE_SUFFIX)
    assert variable is not None, "the caller has looked"
    return f"what {variable} names, {os.environ[variable]},"


def _without_secret(field: str, value: object, key: str) -> object:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if field == "redis_url":
        return without_password(str(value))
    if field in SECRETS and value is not None:
        return "****"
    if key and isinstance(value, Mapping):
        return value.get(key, value)
    return value


def _advice(fault: ErrorDetails, field: str) -> str:
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, Exception):
        return str(cause)
    example = (Settings.model_fields[field].examples or [""])[0]
    message = fault["msg"][0].lower() + fault["msg"][1:]
    inner = "".join(f" at {part!r}" for part in fault["loc"][1:] if isinstance(part, str))
    return f"{message.removeprefix('input ')}{inner}; write for example {example}"
