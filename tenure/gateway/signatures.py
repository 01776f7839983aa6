"""Signatures of webhooks: each vendor's form, a plain HMAC, and passwords and tokens in their place.

Pure: headers, body and the present time come in, and out comes what is wrong, in words that hold no secret. Secrets are
compared in constant time, and all of them each time.
Sources: Stripe, "Resolve webhook signature verification errors"; Paddle, "Verify webhook signatures"; Recurly,
"Signature verification"; Chargebee, "Webhook settings" (basic authentication); Segment, "Webhooks Destination".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from streams.settings.gateway import HMAC_FORM

_STAMP_DIGITS_MAX: Final = 15
_MILLISECONDS_FROM: Final = 100_000_000_000
"""A time of so many seconds lies in the year 5138, one of so many milliseconds in 1973."""
BASIC: Final = "Basic"
BEARER: Final = "Bearer"


class Signature(Protocol):
    """The check of one adapter's requests.

    Attributes:
        challenge: What a refusal says in `WWW-Authenticate`; empty where HTTP has no name for the form.
    """

    challenge: str

    def fault(self, headers: Mapping[str, str], body: bytes, now_seconds: float) -> str | None:
        """Return what is wrong with a request; None where it is signed.

        Args:
            headers: By name; whoever looks up need not care for case.
            body: Byte for byte.
            now_seconds: Seconds since 1970.
        """


class _Stamp(NamedTuple):
    """The parts of a signature with a time: the time as it was signed, and the signatures of several secrets."""

    time: str
    signatures: list[str]


class _VendorForm(NamedTuple):
    """A vendor's header, as the vendor documents it."""

    header: str
    shape: str
    #: between the time and the body, in what is signed
    joint: str
    read: Callable[[str], _Stamp | None]


def _pairs(text: str, separator: str, time: str, signature: str) -> _Stamp | None:
    """Return the parts of "t=1,v1=a,v1=b"; None where there is no time in it."""
    pairs = [part.strip().partition("=") for part in text.split(separator)]
    times = [value for name, _, value in pairs if name == time]
    if len(times) != 1:
        return None
    return _Stamp(times[0], [value for name, _, value in pairs if name == signature])


def _listed(text: str) -> _Stamp:
    """Return the parts of "1,a,b"."""
    time, *signatures = (part.strip() for part in text.split(","))
    return _Stamp(time, signatures)


_VENDORS: Final[Mapping[str, _VendorForm]] = {
    "stripe": _VendorForm(
        "Stripe-Signature", "t=TIME,v1=SIGNATURE", ".", lambda text: _pairs(text, ",", "t", "v1")
    ),
    "paddle": _VendorForm(
        "Paddle-Signature", "ts=TIME;h1=SIGNATURE", ":", lambda text: _pairs(text, ";", "ts", "h1")
    ),
    "recurly": _VendorForm("Recurly-Signature", "TIME,SIGNATURE", ".", _listed),
}  # fmt: skip


def signature_of(form: str, secrets: Sequence[str], tolerance_seconds: int) -> Signature:
    """Return the check of a form.

    Args:
        form: As the setting `gateway_signatures` has it, checked.
        secrets: Each of which will do.
        tolerance_seconds: How far the time in a signature may be off.
    """
    if form == "basic":
        return _Authorization(BASIC, [base64.b64encode(secret.encode()) for secret in secrets])
    if form == "bearer":
        return _Authorization(BEARER, [secret.encode() for secret in secrets])
    if form in _VENDORS:
        return _Vendor(_VENDORS[form], secrets, tolerance_seconds)
    found = HMAC_FORM.fullmatch(form)
    assert found is not None, "the settings have been checked"
    return _PlainHmac(found[1], found[2], secrets, in_base64=found[3] == "base64")


class _Authorization:
    """A password or a token in `Authorization`, which stands for no body."""

    def __init__(self, scheme: str, credentials: Sequence[bytes]) -> None:
        self.challenge = scheme
        self._scheme = scheme
        self._credentials = credentials

    def fault(self, headers: Mapping[str, str], body: bytes, now_seconds: float) -> str | None:
        """See `Signature`."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != self._scheme.lower():
            return f"the header Authorization is missing, or is not {self._scheme}; set it at the sender"
        if not _is_one_of([given.strip()], self._credentials):
            return "Authorization is none that gateway_webhook_secrets has; correct one of the two"
        return None


class _Vendor:
    """A signature of time and body, under several secrets at once while they are changed."""

    challenge = ""

    def __init__(self, form: _VendorForm, secrets: Sequence[str], tolerance_seconds: int) -> None:
        self._form = form
        self._secrets = [secret.encode() for secret in secrets]
        self._tolerance_seconds = tolerance_seconds

    def fault(self, headers: Mapping[str, str], body: bytes, now_seconds: float) -> str | None:
        """See `Signature`."""
        header, shape, joint, read = self._form
        text = headers.get(header.lower())
        if not text:
            return f"the header {header} is missing: a request must be signed; send {header}: {shape}"
        stamp = read(text)
        if stamp is None or not _is_time(stamp.time) or not any(stamp.signatures):
            return f"{header} is not of the form {shape}, with a time in digits"
        signed = stamp.time.encode() + joint.encode() + body
        expected = [hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in self._secrets]
        if not _is_one_of(stamp.signatures, expected):
            return (
                f"{header} is not the signature of this body under any secret that gateway_webhook_secrets has; is the "
                "secret that of this endpoint, and does anything in between change the body?"
            )
        seconds = int(stamp.time)
        seconds = seconds // 1000 if seconds >= _MILLISECONDS_FROM else seconds
        off = now_seconds - seconds
        if abs(off) > self._tolerance_seconds:
            return (
                f"the time in {header}, {stamp.time}, lies {abs(off):.0f} s {'before' if off > 0 else 'after'} this "
                f"machine's, more than {self._tolerance_seconds} s; have it sent again, or correct the clock"
            )
        return None


class _PlainHmac:
    """A signature of the body alone, in a header that is chosen by a setting."""

    challenge = ""

    def __init__(self, algorithm: str, header: str, secrets: Sequence[str], *, in_base64: bool) -> None:
        self._algorithm = algorithm
        self._header = header
        self._secrets = [secret.encode() for secret in secrets]
        self._in_base64 = in_base64

    def fault(self, headers: Mapping[str, str], body: bytes, now_seconds: float) -> str | None:
        """See `Signature`."""
        text = headers.get(self._header.lower())
        if not text:
            return f"the header {self._header} is missing: a request must be signed with the HMAC of its body"
        given = text.strip().removeprefix(f"{self._algorithm}=")
        if not _is_one_of([given], [self._expected(secret, body) for secret in self._secrets]):
            return (
                f"{self._header} is not the HMAC of this body by {self._algorithm} under any secret that "
                "gateway_webhook_secrets has; is the secret that of this endpoint, and does anything in between change "
                "the body?"
            )
        return None

    def _expected(self, secret: bytes, body: bytes) -> bytes:
        made = hmac.new(secret, body, self._algorithm)
        return base64.b64encode(made.digest()) if self._in_base64 else made.hexdigest().encode()


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _STAMP_DIGITS_MAX


def _is_one_of(given: Iterable[str], expected: Sequence[bytes]) -> bool:
    """Tell whether one of the given is one of the expected, in a time that does not tell which."""
    found = False
    for text in given:
        candidate = text.encode("utf-8", "surrogatepass")
        for each in expected:
            found |= hmac.compare_digest(candidate, each)
    return found
