"""A schema registry, asked over HTTP for the schemas that framed values were written with, each once.

Every registry that speaks Confluent's API: Confluent's own, Karapace, Apicurio, Redpanda. Loading is asynchronous, and
looking up what was loaded is not, so that translation stays a pure function between the two.
Source: Confluent, Schema Registry API Reference.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

import aiohttp
import msgspec

from schemas.adapters.confluent import RegisteredSchema, UnknownSchema
from schemas.decoding.framing import frame_of
from streams.errors import ConfigurationError, Unavailable
from streams.settings.settings import Settings

_TIMEOUT_SECONDS: Final = 10.0
_MAX_BYTES: Final = 4 * 1024 * 1024
_REFERENCES_MAX: Final = 64
_ACCEPTED: Final = "application/vnd.schemaregistry.v1+json, application/json"
_UNAUTHORIZED: Final = frozenset({401, 403})
_NOT_FOUND: Final = 404


class RegistryUnavailable(Unavailable):
    """The schema registry does not answer, or refuses."""


class _Schema(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    schema: str
    schema_type: str = "AVRO"
    references: list[_Reference] = []


class _Reference(msgspec.Struct, frozen=True, kw_only=True):
    subject: str
    version: int


class SchemaRegistry:
    """The schemas of one registry, as far as they were needed.

    Args:
        url: Of the registry, such as https://registry.example.com.
        user: For basic authentication, with the password; None sends none.
        password: Of the user.
        token: For bearer authentication; None sends none.
        context: For TLS: authorities and our certificate; None trusts those of the machine.

    Raises:
        ConfigurationError: The URL is none of HTTP.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        token: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")) or not _has_host(url):
            shown = "****" if "@" in url else url
            raise ConfigurationError(
                "the schema registry", shown, "write its URL, such as https://registry.example.com"
            )
        parts = urlsplit(url)
        # They do not belong in a URL, which is shown in messages; many have them there all the same.
        if parts.username and not user:
            user, password = unquote(parts.username), unquote(parts.password or "")
        self._url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self._headers = {"Accept": _ACCEPTED, **_authorization(user, password, token)}
        self._context = context
        self._session: aiohttp.ClientSession | None = None
        self._loaded: dict[int, RegisteredSchema] = {}

    @property
    def loaded(self) -> Mapping[int, RegisteredSchema]:
        """The schemas that are at hand, by id."""
        return MappingProxyType(self._loaded)

    def schema_of(self, schema_id: int) -> RegisteredSchema:
        """Return a schema that `load` has looked for; see `schemas.adapters.confluent.SchemaOf`.

        Raises:
            UnknownSchema: The registry does not have it.
        """
        if schema_id not in self._loaded:
            raise UnknownSchema(schema_id)
        return self._loaded[schema_id]

    async def load(self, value: bytes) -> None:
        """Have the schema of a framed value at hand, if the registry has it; do nothing for all other values.

        Raises:
            RegistryUnavailable: It does not answer, or refuses.
        """
        frame = frame_of(value)
        if frame is None or frame.schema_id in self._loaded:
            return
        found = await self._asked(f"/schemas/ids/{frame.schema_id}")
        if found is not None:
            references = await self._references(found)
            self._loaded[frame.schema_id] = RegisteredSchema(found.schema_type, found.schema, references)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _references(self, schema: _Schema) -> tuple[str, ...]:
        """Return the schemas that one refers to, each after those that it refers to itself."""
        texts: dict[tuple[str, int], str] = {}
        await self._follow(schema, texts, set())
        return tuple(texts.values())

    async def _follow(self, schema: _Schema, texts: dict[tuple[str, int], str], begun: set[tuple[str, int]]) -> None:
        for reference in schema.references:
            key = (reference.subject, reference.version)
            if key in begun:
                continue
            begun.add(key)
            if len(begun) > _REFERENCES_MAX:
                raise self._unavailable(f"a schema refers to more than {_REFERENCES_MAX} others", cause="unable")
            path = f"/subjects/{quote(reference.subject, safe='')}/versions/{reference.version}"
            found = await self._asked(path)
            if found is None:
                raise self._unavailable(f"it does not have {path}, to which a schema refers", cause="unable")
            await self._follow(found, texts, begun)
            texts[key] = found.schema

    async def _asked(self, path: str) -> _Schema | None:
        """Return the schema that the registry answers with; None where it has none."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context) if self._context is not None else None
            timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
            self._session = aiohttp.ClientSession(headers=self._headers, connector=connector, timeout=timeout)
        try:
            async with self._session.get(self._url + path, allow_redirects=False) as answer:
                body = await answer.content.read(_MAX_BYTES)
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._unavailable(str(error) or type(error).__name__) from error
        if status in _UNAUTHORIZED:
            advice = "correct the user, the password or the token with which it is asked, and their rights"
            raise self._unavailable(f"it answers {status} to {path}; {advice}", cause="refused")
        if status == _NOT_FOUND and _error_code(body) is not None:
            return None
        if status != 200:
            raise self._unavailable(f"it answers {status} to {path}; is this the URL of a schema registry?")
        try:
            return msgspec.json.decode(body, type=_Schema)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._unavailable(f"its answer to {path} is no schema: {error}", cause="unable") from error

    def _unavailable(self, reason: str, *, cause: Any = "unreachable") -> RegistryUnavailable:
        return RegistryUnavailable(f"the schema registry at {self._url}", reason, cause=cause)


def _error_code(body: bytes) -> int | None:
    """Return the registry's own code of an error; None where somebody else answers, such as a proxy."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    code = found.get("error_code") if isinstance(found, dict) else None
    return code if isinstance(code, int) else None


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _authorization(user: str | None, password: str | None, token: str | None) -> dict[str, str]:
    if token:
        return {"Authorization": f"Bearer {token}"}
    if not user:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password or ''}".encode()).decode()}


def registry_of(settings: Settings) -> SchemaRegistry | None:
    """Return the schema registry of the settings; None where they name none."""
    if settings.schema_registry_url is None:
        return None
    secret = settings.schema_registry_password
    return SchemaRegistry(
        settings.schema_registry_url,
        user=settings.schema_registry_username,
        password=None if secret is None else secret.get_secret_value(),
    )
