"""Errors of Kafka as the product's own: certificates, passwords, tokens, rights, unavailability.

aiokafka says of all that is wrong with a connection that it cannot connect, and waiting seems right. What waiting does
not mend is found by one more try, whose error is looked at.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from streams.errors import ConfigurationError, LogUnavailable
from streams.kafka.tokens import TokenEndpoint, TokenFile, TokenUnavailable
from streams.settings.settings import Settings
from streams.tls import wants_certificate

_TIMEOUT_MS: Final = 5_000


async def no_kafka(settings: Settings, client_options: Mapping[str, Any], error: Exception) -> LogUnavailable:
    """Return what to say of a command that reached no Kafka.

    Args:
        settings: Where it should be.
        client_options: Of the client that tried.
        error: What the client said.

    Raises:
        ConfigurationError: Kafka answers, and does not let us read; or see `check_admission`.
    """
    refusal = rights_refusal(error, settings)
    if refusal is not None:
        raise refusal
    await check_admission(settings, client_options)
    reason = f"{str(error) or type(error).__name__}; start it, or set kafka_bootstrap"
    return LogUnavailable(f"Kafka at {settings.kafka_bootstrap}", reason)


async def check_admission(settings: Settings, client_options: Mapping[str, Any]) -> None:
    """Find out, after no connection came about, whether the settings of security are why; return where they are not.

    Args:
        settings: They say where files stand, for the message.
        client_options: Of an aiokafka client: addresses and security.

    Raises:
        ConfigurationError: A broker answers, and does not let us in; no secret is in the message.
    """
    ca_file, certificate_file = settings.kafka_ca_file, settings.kafka_certificate_file
    options = dict(client_options)
    servers = options.pop("bootstrap_servers")
    if options.get("security_protocol", "PLAINTEXT") == "PLAINTEXT":
        return
    for host, port, _ in collect_hosts(servers):
        try:
            connection = await create_conn(host, port, request_timeout_ms=_TIMEOUT_MS, **options)
        except (KafkaError, OSError, TimeoutError) as error:
            refusal = _refusal(error, f"{host}:{port}", options, ca_file)
            refusal = refusal or await _certificate_refusal(host, port, options.get("ssl_context"), certificate_file)
            if refusal is not None:
                raise refusal from error
            continue
        if await _takes_no_token(connection) and "sasl_oauth_token_provider" in options:
            raise _token_refusal(f"{host}:{port}", options["sasl_oauth_token_provider"])


async def _takes_no_token(connection: Any) -> bool:
    """Return whether a connection that came about is none; close it.

    Kafka says that it does not take a token where aiokafka does not look, which then takes itself for let in.
    """
    try:
        await connection._do_version_lookup()
    except (KafkaError, OSError):
        return False
    finally:
        connection.close()
    return not connection._versions


def rights_refusal(error: BaseException, settings: Settings) -> ConfigurationError | None:
    """Return what to say where Kafka does not let our user read; None where that is not what is wrong.

    Args:
        error: What a client of Kafka ended with.
        settings: Who we are.
    """
    if not isinstance(error, GroupAuthorizationFailedError | TopicAuthorizationFailedError):
        return None
    named = ", ".join(sorted(str(name) for arg in error.args for name in ([arg] if isinstance(arg, str) else arg)))
    kind = "the topics" if isinstance(error, TopicAuthorizationFailedError) else "as the group"
    advice = f"it may not read {kind} {named or settings.group}; give it the rights that docs/rights.md lists"
    if settings.kafka_username is not None:
        return ConfigurationError("TENURE_KAFKA_USERNAME", settings.kafka_username, advice)
    return ConfigurationError("TENURE_KAFKA_SECURITY_PROTOCOL", settings.kafka_security_protocol, advice)


async def _certificate_refusal(
    host: str, port: int, context: ssl.SSLContext | None, shown: object
) -> ConfigurationError | None:
    if context is None or not await wants_certificate(host, port, context):
        return None
    advice = f"Kafka at {host}:{port} wants a certificate of ours from an authority that it trusts; name its file"
    return ConfigurationError("TENURE_KAFKA_CERTIFICATE_FILE", None if shown is None else str(shown), advice)


def _token_refusal(server: str, provider: TokenFile | TokenEndpoint) -> ConfigurationError:
    advice = f"Kafka at {server} does not take the token; is it fresh, and of an issuer and audience that Kafka knows?"
    if isinstance(provider, TokenFile):
        return ConfigurationError("TENURE_KAFKA_TOKEN_FILE", str(provider.file), advice)
    return ConfigurationError("TENURE_KAFKA_TOKEN_URL", provider.url, advice)


def _refusal(error: Exception, server: str, options: Mapping[str, Any], ca_file: object) -> ConfigurationError | None:
    mechanism = options.get("sasl_mechanism")
    if isinstance(error, TokenUnavailable):
        return None if error.may_mend else ConfigurationError(error.setting, error.value, error.advice)
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConfigurationError(
            "TENURE_KAFKA_CA_FILE",
            None if ca_file is None else str(ca_file),
            f"the certificate of Kafka at {server} is not trusted ({error.verify_message}); "
            "name the file of the authority that signed it, and Kafka as the certificate does",
        )
    if isinstance(error, ssl.SSLError):
        advice = f"Kafka at {server} and we do not agree on TLS ({error.reason or error}); is it a port without TLS?"
        return ConfigurationError("TENURE_KAFKA_SECURITY_PROTOCOL", options["security_protocol"], advice)
    if isinstance(error, UnsupportedSaslMechanismError | IllegalSaslStateError):
        advice = f"Kafka at {server} does not take it; ask its operator which one, or whether it asks for passwords"
        return ConfigurationError("TENURE_KAFKA_SASL_MECHANISM", mechanism, advice)
    if isinstance(error, AuthenticationFailedError | SaslAuthenticationFailed):
        name = options.get("sasl_plain_username")
        advice = f"Kafka at {server} refuses it for {name!r} by {mechanism}; correct it, or TENURE_KAFKA_USERNAME"
        return ConfigurationError("TENURE_KAFKA_PASSWORD", "****", advice)
    return None
