"""Credentials for Kafka's clients: TLS, client certificates, name and password, tokens.

The settings have been checked (`streams.settings.security`); what only shows when a file is opened is found here.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

import faust

from streams.errors import ConfigurationError
from streams.kafka.tokens import TokenEndpoint, TokenFile
from streams.tls import load_identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faust.types.auth import CredentialsT

    from streams.settings.settings import Settings

_KEY_PASSWORD: Final = "TENURE_KAFKA_KEY_PASSWORD"  # noqa: S105 - its name


def client_options(settings: Settings) -> dict[str, Any]:
    """Return what any aiokafka client needs to reach the Kafka of the settings.

    Raises:
        ConfigurationError: A file of certificates or keys cannot be used.
    """
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {"bootstrap_servers": settings.kafka_bootstrap, "security_protocol": protocol}
    if protocol.endswith("SSL"):
        options["ssl_context"] = _context(settings)
    if protocol.startswith("SASL"):
        options |= _sasl(settings)
    return options


def _sasl(settings: Settings) -> dict[str, Any]:
    mechanism, username, file = settings.kafka_sasl_mechanism, settings.kafka_username, settings.kafka_token_file
    found: dict[str, Any] = {"sasl_mechanism": mechanism}
    if file is not None:
        return {**found, "sasl_oauth_token_provider": TokenFile(file)}
    assert username is not None, "the settings have been checked"
    assert settings.kafka_password is not None, "the settings have been checked"
    password = settings.kafka_password.get_secret_value()
    if settings.kafka_token_url is None:
        return {**found, "sasl_plain_username": username, "sasl_plain_password": password}
    scope = settings.kafka_token_scope
    endpoint = TokenEndpoint(settings.kafka_token_url, client_id=username, client_secret=password, scope=scope)
    return {**found, "sasl_oauth_token_provider": endpoint}


def _context(settings: Settings) -> ssl.SSLContext:
    file = settings.kafka_ca_file
    try:
        context = ssl.create_default_context(cafile=None if file is None else str(file))
    except OSError as error:
        advice = f"no certificates can be read from it ({error.strerror or error}); it must hold them as PEM"
        raise ConfigurationError("TENURE_KAFKA_CA_FILE", str(file), advice) from error
    certificate, key, secret = settings.kafka_certificate_file, settings.kafka_key_file, settings.kafka_key_password
    if certificate is not None:
        password = None if secret is None else secret.get_secret_value()
        fault = load_identity(context, certificate, key, password, password_setting=_KEY_PASSWORD)
        if fault is not None:
            setting = "TENURE_KAFKA_KEY_FILE" if fault.of_key else "TENURE_KAFKA_CERTIFICATE_FILE"
            raise ConfigurationError(setting, str(key if fault.of_key else certificate), fault.advice)
    return context


def credentials(options: Mapping[str, Any]) -> CredentialsT | None:
    """Return what `client_options` returned for Faust, which names it otherwise; None for plain text."""
    context = options.get("ssl_context")
    if "sasl_oauth_token_provider" in options:
        return faust.OAuthCredentials(oauth_cb=options["sasl_oauth_token_provider"], ssl_context=context)
    if "sasl_mechanism" in options:
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context)
