"""A schema registry, asked over HTTP for the schemas that framed values were written with, each once.

Every registry that speaks Confluent's API: Confluent's own, Karapace, Apicurio, Redpanda. Loading is asynchronous, and
looking up what was loaded is not, so that translation stays a pure function between the two.
Source: Confluent, Schema Registry API Reference.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import msgspec

from schemas.adapters.confluent import NAME as CONFLUENT
from schemas.adapters.confluent import RegisteredSchema, SchemaRefused
from schemas.decoding.framing import frame_of
from streams.errors import Unavailable
from streams.kafka.http_bodies import BodyTooLarge, whole_body
from streams.settings.settings import Settings

_TIMEOUT_SECONDS: Final = 10.0
_MAX_BYTES: Final = 4 * 1024 * 1024
_REFERENCES_MAX: Final = 64
_ACCEPTED: Final = "application/vnd.schemaregistry.v1+json, application/json"
_UNAUTHORIZED: Final = frozenset({401, 403})
_OK: Final = 200
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500
_REFUSED_SECONDS: Final = 60.0
"""So long an id that the registry does not have is not asked for again; of its replicas one may be behind."""
_REFUSED_MAX: Final = 1_000
_SHOWN: Final = 100


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
        url: Of the registry, such as https://registry.example.com; the settings have checked it.
        user: For basic authentication, with the password; None sends none.
        password: Of the user.
        clock: Seconds, from any instant on.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Accept": _ACCEPTED, **_authorization(user, password)}
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._loaded: dict[int, RegisteredSchema] = {}
        #: ids of which the registry has none to read with: why, and when it is asked again, on the clock
        self._refused: dict[int, tuple[str, float]] = {}

    @property
    def loaded(self) -> Mapping[int, RegisteredSchema]:
        """The schemas that are at hand, by id."""
        return MappingProxyType(self._loaded)

    def schema_of(self, schema_id: int) -> RegisteredSchema:
        """Return a schema that `load` has looked for; see `schemas.adapters.confluent.SchemaOf`.

        Raises:
            SchemaRefused: The registry does not have it, or none that can be read with.
        """
        if schema_id in self._loaded:
            return self._loaded[schema_id]
        reason, _ = self._refused.get(schema_id, (_unknown(schema_id), 0.0))
        raise SchemaRefused(reason)

    async def load(self, value: bytes) -> None:
        """Have the schema of a framed value at hand, if the registry has it; do nothing for all other values.

        Raises:
            RegistryUnavailable: It does not answer, or refuses.
        """
        frame = frame_of(value)
        if frame is None or frame.schema_id in self._loaded or self._is_refused(frame.schema_id):
            return
        try:
            self._loaded[frame.schema_id] = await self._registered(frame.schema_id)
        except SchemaRefused as fault:
            self._refuse(frame.schema_id, str(fault))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _registered(self, schema_id: int) -> RegisteredSchema:
        found = await self._asked(f"/schemas/ids/{schema_id}")
        if found is None:
            raise SchemaRefused(_unknown(schema_id))
        return RegisteredSchema(found.schema_type, found.schema, await self._references(found))

    def _is_refused(self, schema_id: int) -> bool:
        return schema_id in self._refused and self._clock() < self._refused[schema_id][1]

    def _refuse(self, schema_id: int, reason: str) -> None:
        """Remember an answer for a while: a producer that frames wrongly would have each of its records asked for."""
        if len(self._refused) >= _REFUSED_MAX:
            self._refused.clear()
        self._refused[schema_id] = (reason, self._clock() + _REFUSED_SECONDS)

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
                raise SchemaRefused(f"the schema refers to more than {_REFERENCES_MAX} others")
            path = f"/subjects/{quote(reference.subject, safe='')}/versions/{reference.version}"
            found = await self._asked(path)
            if found is None:
                raise SchemaRefused(f"the registry does not have {path}, to which the schema refers")
            await self._follow(found, texts, begun)
            texts[key] = found.schema

    async def _asked(self, path: str) -> _Schema | None:
        """Return the schema that the registry answers with; None where it has none.

        Raises:
            RegistryUnavailable: Nobody answers for any schema, or whoever answers is no registry.
            SchemaRefused: The registry answers, and this schema cannot be had from it.
        """
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        try:
            async with self._session.get(self._url + path, allow_redirects=False) as answer:
                body, status = await whole_body(answer, _MAX_BYTES), answer.status
        except BodyTooLarge as error:
            raise SchemaRefused(f"the registry does not give {path}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._unavailable(str(error) or type(error).__name__) from error
        if status in _UNAUTHORIZED:
            advice = "correct the user or the password with which it is asked, and their rights"
            raise self._unavailable(f"it answers {status} to {path}; {advice}", cause="refused")
        said = _object_in(body)
        if status == _TOO_MANY or status >= _SERVER_FAULT:
            raise self._unavailable(f"it answers {status} to {path}")
        # Whatever else stands there, such as a proxy, answers so for every schema: dead letters would be made of all.
        if said is None or (status != _OK and not isinstance(said.get("error_code"), int)):
            raise self._unavailable(f"it answers {status} to {path}; is this the URL of a schema registry?")
        if status == _NOT_FOUND:
            return None
        if status != _OK:
            raise SchemaRefused(f"the registry answers {status} to {path}: {str(said.get('message', ''))[:_SHOWN]}")
        try:
            return msgspec.convert(said, type=_Schema)
        except msgspec.ValidationError as error:
            raise SchemaRefused(f"the registry's answer to {path} is no schema: {error}") from error

    def _unavailable(self, reason: str, *, cause: Any = "unreachable") -> RegistryUnavailable:
        return RegistryUnavailable(f"the schema registry at {self._url}", reason, cause=cause)


def _unknown(schema_id: int) -> str:
    return f"the registry has no schema {schema_id}; is this the registry of its producer?"


def _object_in(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of an answer; None where there is none, as of a proxy."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _authorization(user: str | None, password: str | None) -> dict[str, str]:
    if not user:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password or ''}".encode()).decode()}


def registry_of(settings: Settings, adapters: Collection[str]) -> SchemaRegistry | None:
    """Return the schema registry of the settings; None where they name none, or no adapter reads framed values.

    Args:
        settings: Where it is, and who we are there.
        adapters: The names of those that are used.
    """
    if settings.schema_registry_url is None or CONFLUENT not in adapters:
        return None
    secret = settings.schema_registry_password
    return SchemaRegistry(
        settings.schema_registry_url,
        user=settings.schema_registry_username,
        password=None if secret is None else secret.get_secret_value(),
    )
