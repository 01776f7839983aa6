"""Rules for the settings of Kafka's security together: none is missing, and none is without effect.

Looks up whether files exist, and reads that of the authorities.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from streams.paths import is_file
from streams.settings.hosts import is_loopback
from streams.settings.http_urls import checked_url
from streams.settings.rules import RuleBrokenError
from streams.tls import check_authorities

_OF_TLS: Final = ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file", "kafka_key_password")
_OF_TOKENS: Final = ("kafka_token_file", "kafka_token_url", "kafka_token_scope")
_FILES: Final = ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file", "kafka_token_file")


class KafkaSecurity(Protocol):
    """The settings that are looked at by name; others of them are looked at alike."""

    @property
    def kafka_security_protocol(self) -> str:
        """See `streams.settings.settings`, as of all of them."""

    @property
    def kafka_sasl_mechanism(self) -> str | None:
        """The mechanism by which the worker says who it is."""

    @property
    def kafka_certificate_file(self) -> Path | None:
        """The certificate that it shows."""

    @property
    def kafka_ca_file(self) -> Path | None:
        """The authorities that it trusts."""

    @property
    def kafka_token_file(self) -> Path | None:
        """The file of its token."""

    @property
    def kafka_token_url(self) -> str | None:
        """The address that gives it one."""


def check_kafka_security(settings: KafkaSecurity) -> None:
    """Refuse settings of Kafka's security that do not go together.

    Raises:
        RuleBrokenError: It names the one to change.
    """
    protocol, mechanism = settings.kafka_security_protocol, settings.kafka_sasl_mechanism
    if protocol.startswith("SASL"):
        for name in ("kafka_sasl_mechanism", *_needed(settings)):
            if not getattr(settings, name):
                needing = f"kafka_security_protocol {protocol}" if mechanism is None else str(mechanism)
                raise RuleBrokenError(name, f"{needing} needs it; set it")
    else:
        for name in _set(settings, ("kafka_sasl_mechanism", "kafka_username", "kafka_password")):
            raise RuleBrokenError("kafka_security_protocol", f"{name} has no effect with it; use SASL_SSL", name)
    if mechanism != "OAUTHBEARER":
        for name in _set(settings, _OF_TOKENS):
            raise RuleBrokenError("kafka_sasl_mechanism", f"{name} has no effect with it; use OAUTHBEARER", name)
    if not protocol.endswith("SSL"):
        for name in _set(settings, _OF_TLS):
            raise RuleBrokenError("kafka_security_protocol", f"{name} has no effect with it; use SSL or SASL_SSL", name)
    if settings.kafka_certificate_file is None:
        for name in _set(settings, ("kafka_key_file", "kafka_key_password")):
            raise RuleBrokenError("kafka_certificate_file", f"{name} has no effect without it; set both", name)
    for name in _set(settings, _FILES):
        if not is_file(getattr(settings, name)):
            raise RuleBrokenError(name, "there is no such file; correct the path")
    if settings.kafka_ca_file is not None:
        try:
            check_authorities(settings.kafka_ca_file, "the file")
        except ValueError as error:
            raise RuleBrokenError("kafka_ca_file", str(error)) from error


def _needed(settings: KafkaSecurity) -> tuple[str, ...]:
    """Return what a mechanism needs."""
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        if settings.kafka_token_url is None:
            return ("kafka_token_file",)
        if settings.kafka_token_file is not None:
            raise RuleBrokenError("kafka_token_file", "kafka_token_url is set too; keep one of the two")
    return ("kafka_username", "kafka_password")


def _set(settings: KafkaSecurity, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if getattr(settings, name) is not None]


def check_token_url(value: str | None) -> str | None:
    """An address to which a secret may be sent."""
    if value is None:
        return None
    credentials = "kafka_username and kafka_password"
    parts = checked_url(value, example="https://login.example.com/oauth2/token", credentials=credentials)
    if parts.scheme == "http" and not is_loopback(str(parts.hostname)):
        raise ValueError("the secret would cross the network in plain text; use https://")
    return value
