"""Reading the settings: the environment, then one TOML file; every fault is one ConfigurationError of one line.

A name that nobody knows is a fault too: a setting that is misspelt would otherwise silently keep its default.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr, ValidationError

from streams.errors import ConfigurationError, UnknownSetting
from streams.settings.did_you_mean import did_you_mean
from streams.settings.faults import requirement_of
from streams.settings.rules import RuleBrokenError, without_password
from streams.settings.secrets import FILE_SUFFIX, read_secret
from streams.settings.settings import ENVIRONMENT_PREFIX, SECRETS, Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE_VARIABLE: Final = ENVIRONMENT_PREFIX + "CONFIG"
FILE_OPTION: Final = "--config"
DEFAULT_FILE: Final = Path("tenure.toml")
_MOST_BYTES: Final = 1 << 20
_MOST_CHARACTERS: Final = 700
"""Of what is said about a value (count): a message repeats parts of values, and these may be of any length."""

_ADDRESSES: Final = ("kafka_bootstrap", "kafka_token_url", "schema_registry_url")
"""Settings into which people write a name and a password, which do not belong there."""

_written: dict[str, str] = {}
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")

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
    source = _file_to_read(file)
    path = None if source is None else source[1]
    from_file = {} if source is None else _read_file(*source)
    given = {name: value for name, value in overrides.items() if value is not None}
    named = _named_secrets(given)
    behind = {name: value for name, value in from_file.items() if _variable_of(name) is None}
    _written.clear()
    _written.update({name: where for name in Settings.model_fields if (where := _where(name, given, from_file, path))})
    try:
        return Settings(**{**behind, **named, **given})
    except ValidationError as error:
        raise _explained(error, given, {**from_file, **named}) from None  # the original holds what was given


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


def written_as(setting: str) -> str:
    """Return how the user wrote a setting, as settings were last loaded: as an option, a variable or a key of the file.

    Args:
        setting: Its environment variable; what is none, and a setting that was left as it is, comes back unchanged.
    """
    return _written.get(setting.removeprefix(ENVIRONMENT_PREFIX).lower(), setting)


def _where(field: str, given: Mapping[str, Any], from_file: Mapping[str, Any], path: Path | None) -> str | None:
    if field in given:
        return f"--{field.replace('_', '-')}"
    variable = _variable_of(field + FILE_SUFFIX) if field in SECRETS else None
    if variable is not None:
        return f"what {variable} names, {os.environ[variable]},"
    return _variable_of(field) or (f"{field} in {path}" if field in from_file else None)


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


def _file_to_read(file: Path | None) -> tuple[str, Path] | None:
    """Return how the settings file is named, and its path; None where there is none."""
    if file is not None:
        return FILE_OPTION, file
    if os.environ.get(FILE_VARIABLE):
        return FILE_VARIABLE, Path(os.environ[FILE_VARIABLE])
    return ("the settings file of the working directory", DEFAULT_FILE) if os.path.lexists(DEFAULT_FILE) else None


def _read_file(called: str, path: Path) -> dict[str, Any]:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe or a device may never end
            raise ConfigurationError(called, str(path), "it is no regular file; name one")
        if found.st_size > _MOST_BYTES:
            advice = f"a file of {found.st_size:,} bytes is no settings file; name another"
            raise ConfigurationError(called, str(path), advice)
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        advice = f"the file cannot be read ({error.strerror}); correct the path"
        raise ConfigurationError(called, str(path), advice) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        known = isinstance(error, tomllib.TOMLDecodeError | UnicodeDecodeError)
        reason = str(error) if known else "a number that is too long, or brackets that are too deep"
        raise ConfigurationError(called, str(path), f"the file is no TOML ({reason}); correct it") from error
    named = {name + FILE_SUFFIX: name for name in SECRETS}
    for key in content:
        if key not in Settings.model_fields and key not in named:
            raise UnknownSetting(f"{key} in {path}", did_you_mean(key, sorted({*Settings.model_fields, *named})))
    for key in [key for key in content if key in named]:
        if named[key] in content:
            raise ConfigurationError(f"{key} in {path}", content[key], f"{named[key]} is set too; keep one of the two")
        content[named[key]] = read_secret(f"{key} in {path}", content.pop(key))
    return content


def _explained(error: ValidationError, given: Mapping[str, Any], from_file: Mapping[str, Any]) -> ConfigurationError:
    """Turn the first fault that pydantic found into one line that names where the value was written."""
    faults = error.errors(include_url=False)
    first = faults[0]
    cause = first.get("ctx", {}).get("error")
    setting = cause.setting if isinstance(cause, RuleBrokenError) else str(first["loc"][0])
    field, _, key = setting.partition(".")
    advice = _advice(first, field, in_file=field not in given and _variable_of(field) is None)
    if isinstance(cause, RuleBrokenError) and field not in _written:
        default = Settings.model_fields[field].default
        other = next((name for name, _, _ in (name.partition(".") for name in cause.others) if name in _written), None)
        if other is not None:
            # Nobody wrote the setting that is in the way: what was written is named, and what it met.
            met = (
                "not set" if default is None else f"{as_written(default[key] if key else default)} where it is not set"
            )
            advice = f"{field} is {met}, and {advice}"
            field, key = other, ""
    if len(advice) > _MOST_CHARACTERS:
        advice = f"{advice[: _MOST_CHARACTERS // 2]} … {advice[-_MOST_CHARACTERS // 2 :]}"
    if len(faults) > 1:
        advice += f" (and {len(faults) - 1} more)"
    where, value = written_as(ENVIRONMENT_PREFIX + field.upper()), Settings.model_fields[field].default
    variable = _variable_of(field)
    if field in given:
        value = given[field]
    elif variable is not None:
        value = os.environ[variable]
        if _SERVICE_PORT.match(value):
            advice += "; if Kubernetes set it for a service, set enableServiceLinks: false"
    elif field in from_file:
        value = from_file[field]
    return ConfigurationError(where, _without_secret(field, value, key), advice)


def as_written(value: object) -> str:
    """Return a default as it would be written in an environment variable."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case SecretStr():
            return value.get_secret_value()
        case dict():
            return ",".join(f"{name}={content}" for name, content in value.items())
        case tuple():
            return ",".join(str(part) for part in value)
        case str() | int() | float() | Decimal():
            return str(value)
    raise AssertionError(f"no way to write {value!r}")


def _without_secret(field: str, value: object, key: str) -> object:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if field == "redis_url":
        return without_password(value) if isinstance(value, str) else "****"
    if value is not None and (field in SECRETS or (field in _ADDRESSES and "@" in str(value))):
        return "****"
    if key and isinstance(value, Mapping):
        return value.get(key, value)
    return value


def _advice(fault: ErrorDetails, field: str, *, in_file: bool) -> str:
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, Exception):
        return str(cause)
    example = _example(field, in_file=in_file)
    inner = "".join(f" at {key!r}" for key in fault["loc"][1:] if isinstance(key, str))
    requirement = requirement_of(fault)
    if requirement is None:
        message = fault["msg"][0].lower() + fault["msg"][1:]
        return f"{message.removeprefix('input ')}{inner}; write for example {example}"
    part = fault["input"] if len(fault["loc"]) > 1 and field not in SECRETS else None
    subject = repr(part) if isinstance(part, str) else str(part) if isinstance(part, int | Decimal) else "it"
    return f"{subject}{inner} must be {requirement}; write for example {example}"


def _example(field: str, *, in_file: bool) -> str:
    """Return a value that would do: as it is written in a variable, or in the file."""
    described = Settings.model_fields[field]
    example = str((described.examples or [""])[0])
    if not in_file or isinstance(described.default, bool | int | float):
        return example
    if isinstance(described.default, tuple):
        parts = example.split(",")
        return f"[{', '.join(part if part.isdecimal() else _quoted(part) for part in parts)}]"
    if isinstance(described.default, dict):
        pairs = (pair.partition("=") for pair in example.split(","))
        return "{" + ", ".join(f"{_key(name)} = {_quoted(value)}" for name, _, value in pairs) + "}"
    return _quoted(example)


def _key(name: str) -> str:
    """Return a key of TOML, in quotes where it needs them."""
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return f'"{text}"'
