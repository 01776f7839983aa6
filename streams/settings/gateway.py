"""Rules for the settings of the gateway: tokens of producers, secrets of webhooks, forms of signatures, TLS, limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from pydantic import SecretStr

from schemas.adapters.registry import ADAPTERS, known_adapters
from schemas.wording import in_words
from streams.paths import is_file
from streams.settings.rules import RuleBrokenError, check_known_keys

SIGNATURES: Final[Mapping[str, str]] = {
    "stripe": "stripe",
    "paddle": "paddle",
    "recurly": "recurly",
    "chargebee": "basic",
    "segment": "sha1:X-Signature",
}
"""How the vendors sign, as they document it; docs/gateway.md names the pages."""
SIGNED_BY_VENDOR: Final = ("stripe", "paddle", "recurly")
NOT_SIGNED: Final = ("basic", "bearer")
"""A password, or a token, with each request in place of a signature."""
HMAC_FORM: Final = re.compile(r"(sha1|sha256|sha512):([A-Za-z0-9-]{1,64})(?::(hex|base64))?")
TOKEN_CHARACTERS_MIN: Final = 16

_ENTRIES: Final = re.compile(r"[\s,]+")
_SENDER: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class NamedSecret(NamedTuple):
    """A secret, and whose it is."""

    name: str
    secret: str


def named_secrets(value: SecretStr | None) -> tuple[NamedSecret, ...]:
    """Return the secrets of a setting, in its order; a name may come several times.

    Args:
        value: `name=secret`, separated by commas, blanks or line ends; none where it is empty.

    Raises:
        ValueError: An entry is not of that form; its place is named, and nothing of it shown.
    """
    found = []
    for number, entry in enumerate(filter(None, _ENTRIES.split("" if value is None else value.get_secret_value())), 1):
        name, equals, secret = entry.partition("=")
        if not (equals and secret and _SENDER.fullmatch(name)):
            raise ValueError(
                f"entry {number} is not of the form name=secret; write name=secret,name=secret or one a line, the name "
                "of 1 to 64 letters, digits, dots, hyphens or underscores"
            )
        found.append(NamedSecret(name, secret))
    return tuple(found)


def check_tokens(value: SecretStr | None) -> SecretStr | None:
    """Tokens that can stand in a header, and that nobody guesses."""
    for number, (_, token) in enumerate(tokens := named_secrets(value), 1):
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"entry {number} has characters that a bearer token may not have")
        if len(token) < TOKEN_CHARACTERS_MIN:
            raise ValueError(
                f"the token of entry {number} is shorter than {TOKEN_CHARACTERS_MIN} characters; make one by "
                "`openssl rand -hex 32`"
            )
    if len({token for _, token in tokens}) < len(tokens):
        raise ValueError("a token stands in it twice; every producer needs one of its own")
    return value


def check_webhook_secrets(value: SecretStr | None) -> SecretStr | None:
    """Secrets of adapters that there are."""
    for number, (name, _) in enumerate(named_secrets(value), 1):
        if name not in ADAPTERS:
            # The name is not shown: of an entry that was written wrongly it is part of the secret.
            raise ValueError(f"entry {number} is of no adapter; {known_adapters()}")
    return value


def complete_signatures(value: dict[str, str]) -> dict[str, str]:
    """Return how every adapter's requests are signed; those not named keep their default.

    Raises:
        ValueError: A name is no adapter's, or a form is not known.
    """
    check_known_keys(value, (*SIGNATURES, *(name for name in ADAPTERS if name not in SIGNATURES)))
    for name, form in value.items():
        if form not in (*SIGNED_BY_VENDOR, *NOT_SIGNED) and not HMAC_FORM.fullmatch(form):
            raise ValueError(
                f"{name} has {form!r}; write {in_words((*SIGNED_BY_VENDOR, *NOT_SIGNED), 'or')}, or for example "
                "sha256:X-Signature or sha256:X-Signature:base64"
            )
    return {**SIGNATURES, **value}


class GatewaySettings(Protocol):
    """The settings that are looked at together."""

    @property
    def gateway_certificate_file(self) -> Path | None:
        """See `streams.settings.settings`, as of all of them."""

    @property
    def gateway_key_file(self) -> Path | None:
        """The private key."""

    @property
    def gateway_webhook_secrets(self) -> SecretStr | None:
        """The secrets of webhooks."""

    @property
    def gateway_signatures(self) -> dict[str, str]:
        """The form of each adapter's signature."""

    @property
    def gateway_max_body_bytes(self) -> int:
        """The largest request."""

    @property
    def gateway_max_in_flight_bytes(self) -> int:
        """All requests together."""


def check_certificate(prefix: str, certificate: Path | None, key: Path | None) -> None:
    """Refuse files of TLS that are not there, or a key alone; `prefix` is what the two settings begin with.

    Raises:
        RuleBrokenError: It names the one to change.
    """
    names = (f"{prefix}_certificate_file", f"{prefix}_key_file")
    if certificate is None and key is not None:
        raise RuleBrokenError(names[0], f"{names[1]} has no effect without it; set both", names[1])
    for name, file in zip(names, (certificate, key), strict=True):
        if file is not None and not is_file(file):
            raise RuleBrokenError(name, "there is no such file; correct the path")


def check_gateway(settings: GatewaySettings) -> None:
    """Refuse settings of the gateway that do not go together.

    Raises:
        RuleBrokenError: It names the one to change.
    """
    check_certificate("gateway", settings.gateway_certificate_file, settings.gateway_key_file)
    if settings.gateway_max_in_flight_bytes < settings.gateway_max_body_bytes:
        raise RuleBrokenError(
            "gateway_max_in_flight_bytes",
            f"it is less than gateway_max_body_bytes ({settings.gateway_max_body_bytes}), so that the largest request "
            "never fits; raise it",
            "gateway_max_body_bytes",
        )
    for number, (name, secret) in enumerate(named_secrets(settings.gateway_webhook_secrets), 1):
        form = settings.gateway_signatures.get(name)
        if form is None:
            raise RuleBrokenError(
                "gateway_signatures",
                f"it does not say how {name} signs, of which gateway_webhook_secrets has a secret; write for example "
                f"{name}=sha256:X-Signature",
                "gateway_webhook_secrets",
            )
        if form == "basic" and ":" not in secret:
            raise RuleBrokenError(
                "gateway_webhook_secrets", f"entry {number}, of {name}, is not of the form {name}=user:password"
            )
