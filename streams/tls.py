"""TLS contexts from the settings: trusted authorities and our certificate; files are read before connecting.

Knows neither Kafka nor Redis; whoever asks names the setting that is to be changed.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Final, NamedTuple

_TIMEOUT_SECONDS: Final = 5.0
#: OpenSSL's words for "the other side wants our certificate"
_WANTED: Final = ("ALERT_CERTIFICATE", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_HANDSHAKE_FAILURE")


class Fault(NamedTuple):
    """A fault of our certificate.

    Attributes:
        of_key: Whether the file of the key is at fault, and not that of the certificate.
        advice: What is wrong with it and what to do.
    """

    of_key: bool
    advice: str


def load_identity(
    context: ssl.SSLContext, certificate: Path, key: Path | None, password: str | None, *, password_setting: str
) -> Fault | None:
    """Have a context show a certificate; return what is wrong with it, or None where all is well.

    Args:
        context: It is changed.
        certificate: A file of PEM: our certificate, and those between it and the authority.
        key: A file of PEM: its private key; None where the key stands with the certificate.
        password: Of the key; None where it is not encrypted.
        password_setting: How the password is set, for the advice.
    """
    try:
        # A password in any case: without one, OpenSSL asks whoever sits at the terminal.
        context.load_cert_chain(certificate, key, password=password or "")
    except ssl.SSLError as error:
        return _fault(error, certificate, key, password_setting)
    except OSError as error:
        return Fault(key is not None and not _is_readable(key), f"it cannot be read ({error.strerror}); correct it")
    return None


def server_context(certificate: Path, key: Path | None) -> tuple[ssl.SSLContext, Fault | None]:
    """Return the context of a server, and what is wrong with its certificate.

    Args:
        certificate: See `load_identity`.
        key: Likewise; nobody is there to open one that is encrypted.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    wanted = "the file: it must hold the key without a password"
    return context, load_identity(context, certificate, key, None, password_setting=wanted)


def _fault(error: ssl.SSLError, certificate: Path, key: Path | None, password_setting: str) -> Fault:
    of_key = key is not None
    if "-----BEGIN CERTIFICATE-----" not in certificate.read_text(errors="replace"):
        return Fault(of_key=False, advice="no certificate can be read from it; it must hold it as PEM")
    text = (key or certificate).read_text(errors="replace")
    if "PRIVATE KEY-----" not in text:
        return Fault(of_key, "no private key can be read from it; it must hold it as PEM")
    if error.reason == "KEY_VALUES_MISMATCH":
        return Fault(of_key, "its key is not that of the certificate; name the two that belong together")
    if "ENCRYPTED" in text:
        return Fault(of_key, f"its key is encrypted, and the password does not open it; correct {password_setting}")
    return Fault(of_key, f"the certificate and its key cannot be read ({error.reason or error}); correct them")


def _is_readable(file: Path) -> bool:
    try:
        file.read_bytes()
    except OSError:
        return False
    return True


def is_about_ours(error: ssl.SSLError) -> bool:
    """Return whether the other side says that it wants a certificate of ours, or another one."""
    return any(word in (error.reason or "") for word in _WANTED)


async def wants_certificate(host: str, port: int, context: ssl.SSLContext) -> bool:
    """Return whether a server ends a connection of ours for lack of a certificate that it trusts.

    In TLS 1.3 it says so after the handshake: whoever has sent something by then learns of a broken connection only.
    """
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                await reader.read(1)
            finally:
                writer.close()
    except ssl.SSLError as error:
        return is_about_ours(error)
    except (OSError, TimeoutError):
        return False  # it waits for us to speak, as it should; or it is away
    return False


def check_authorities(path: str | Path, what: str) -> None:
    """A file of certificates in PEM form that can be read.

    Args:
        path: Of the file.
        what: The beginning of the message, such as "it names a file that".

    Raises:
        ValueError: It is not there, cannot be read, or holds no certificate.
    """
    _check_readable(path, what)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=str(path))
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ValueError(f"{what} holds no certificate in PEM form; name the file of the authority") from error


def _check_readable(path: str | Path, what: str) -> None:
    try:
        regular = Path(path).is_file()
        if regular:
            with Path(path).open("rb"):
                return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"{what} cannot be read ({reason}); correct the path") from error
    raise ValueError(f"{what} is not there; correct the path")
