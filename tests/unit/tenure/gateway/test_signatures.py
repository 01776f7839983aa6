"""Signatures of webhooks: the vendors' own examples hold, and nothing that was changed, is old or unsigned does."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.gateway.signatures import signature_of

NOW = 1_767_225_600
BODY = b'{"id": "evt_1", "type": "customer.subscription.created"}'
SECRETS = ("whsec_new", "whsec_old")
TOLERANCE = 300

# The examples of the vendors' own client libraries: PaddleHQ/paddle-python-sdk, recurly/recurly-client-ruby.
PADDLE_SECRETS = (
    "pdl_ntf_01hbpjmytsa32fhr36nqgc3kgb_TjIG2BXbm83HPXqNfziwe506sBEdqL/4",
    "pdl_ntf_01hbpjmytsa32fhr36nqgc3kgb_WvRO0eL4Bj9rgYYIBZY6wZhG4EHy9jzh",
)
PADDLE_HEADER = "ts=1696195954;h1=dummy;h1=d96299976a6eb066f484d7fde011ac56fc32b38fc9940bc419d6e537fdc6ef02"
RECURLY_SECRET = "354fab5bd35f5a0d50845ee7e30165244468b13c2c343f104e4e730a59326d9d"
RECURLY_BODY = (
    b'{"id":"rjxwmwedwqug","object_type":"account","site_id":"qc326l1hl8k9","event_type":"created",'
    b'"event_time":"2022-09-13T21:18:40Z","account_code":"adfas23zzz14123"}'
)
RECURLY_HEADER = "1663103925004,ad24699f3beaa24c9af2cc7ada3ce4c835da0090194241b9d3add83d27f14bc3"


def mac(secret: str, signed: bytes, algorithm: str = "sha256") -> str:
    """Return an HMAC in hexadecimal, made without the product."""
    return hmac.new(secret.encode(), signed, getattr(hashlib, algorithm)).hexdigest()


def signed(form: str, body: bytes = BODY, secret: str = SECRETS[0], at: int = NOW) -> dict[str, str]:
    """Return the headers of a request that is signed as its sender would."""
    sent = {
        "stripe": ("stripe-signature", f"t={at},v1={mac(secret, b'%d.' % at + body)}"),
        "paddle": ("paddle-signature", f"ts={at};h1={mac(secret, b'%d:' % at + body)}"),
        "recurly": ("recurly-signature", f"{at * 1000},{mac(secret, b'%d.' % (at * 1000) + body)}"),
        "sha1:X-Signature": ("x-signature", mac(secret, body, "sha1")),
        "sha256:X-Hub-Signature-256": ("x-hub-signature-256", f"sha256={mac(secret, body)}"),
        "sha512:X-Mac:base64": (
            "x-mac",
            base64.b64encode(bytes.fromhex(mac(secret, body, "sha512"))).decode(),
        ),
        "basic": ("authorization", f"Basic {base64.b64encode(secret.encode()).decode()}"),
        "bearer": ("authorization", f"Bearer {secret}"),
    }
    return dict([sent[form]])


STAMPED = ("stripe", "paddle", "recurly")
HMACS = ("sha1:X-Signature", "sha256:X-Hub-Signature-256", "sha512:X-Mac:base64")
FORMS = (*STAMPED, *HMACS, "basic", "bearer")


def fault(
    form: str, headers: Mapping[str, str], body: bytes = BODY, *, now: float = NOW, secrets: tuple[str, ...] = SECRETS
) -> str | None:
    """Return what is wrong with a request."""
    return signature_of(form, secrets, TOLERANCE).fault(headers, body, now)


def test_example_of_paddle_is_accepted_and_only_under_its_secret() -> None:
    """It is the vendor's own: two signatures, of which one is of another secret."""
    headers = {"paddle-signature": PADDLE_HEADER}
    assert fault("paddle", headers, b"hello-world", now=1696195954, secrets=PADDLE_SECRETS) is None
    assert fault("paddle", headers, b"hello-world", now=1696195954, secrets=PADDLE_SECRETS[:1]) is not None


def test_example_of_recurly_is_accepted_within_the_tolerance_alone() -> None:
    """Its time counts milliseconds: read as seconds, every request would come from the far future."""
    headers = {"recurly-signature": RECURLY_HEADER}
    assert fault("recurly", headers, RECURLY_BODY, now=1663103925, secrets=(RECURLY_SECRET,)) is None
    late = fault("recurly", headers, RECURLY_BODY, now=1663104326, secrets=(RECURLY_SECRET,))
    assert late == (
        "the time in Recurly-Signature, 1663103925004, lies 401 s before this machine's, more than 300 s; have it sent "
        "again, or correct the clock"
    )


def test_header_of_stripe_with_signatures_of_other_schemes_is_accepted() -> None:
    """Stripe sends a v0 in test mode, and a v1 for each secret while one is rolled."""
    good = signed("stripe")["stripe-signature"]
    text = f"{good.replace(',v1=', ',v1=' + '0' * 64 + ',v1=')},v0={'f' * 64}"
    assert fault("stripe", {"stripe-signature": text}) is None
    only_v0 = good.replace("v1=", "v0=")
    assert fault("stripe", {"stripe-signature": only_v0}) is not None


@pytest.mark.parametrize("form", FORMS)
def test_either_of_two_secrets_is_accepted_and_no_third_one(form: str) -> None:
    """Secrets are changed without a gap: for a while both must do."""
    assert [fault(form, signed(form, secret=secret)) for secret in SECRETS] == [None, None]
    assert fault(form, signed(form, secret="whsec_other")) is not None


@pytest.mark.parametrize("form", FORMS)
def test_request_without_its_header_is_refused_with_what_to_send(form: str) -> None:
    """Whoever sets a webhook up reads this in the vendor's list of attempts."""
    found = fault(form, {})
    assert found is not None
    assert "is missing" in found


@pytest.mark.parametrize("form", STAMPED)
@pytest.mark.parametrize(("seconds", "word"), [(TOLERANCE + 1, "before"), (-TOLERANCE - 1, "after")])
def test_time_beyond_the_tolerance_is_refused_on_both_sides(form: str, seconds: int, word: str) -> None:
    """A request that somebody kept is not taken years later."""
    headers = signed(form)
    assert fault(form, headers, now=NOW + seconds - (1 if seconds > 0 else -1)) is None
    found = fault(form, headers, now=NOW + seconds)
    assert found is not None
    assert f"lies {abs(seconds)} s {word} this machine's" in found


@pytest.mark.parametrize("form", [*STAMPED, *HMACS])
@given(data=st.data())
def test_any_byte_of_the_body_that_is_changed_is_refused(form: str, data: st.DataObject) -> None:
    """The body is what counts; whoever changes it on its way has no secret."""
    place = data.draw(st.integers(0, len(BODY) - 1))
    mask = data.draw(st.integers(1, 255))
    changed = bytearray(BODY)
    changed[place] ^= mask
    assert fault(form, signed(form), bytes(changed)) is not None


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_any_character_of_the_header_that_is_changed_is_refused(form: str, data: st.DataObject) -> None:
    """Neither the time nor the signature can be put right by guessing, and nothing that is sent raises."""
    ((name, text),) = signed(form).items()
    begin = text.index(" ") + 1 if name == "authorization" else 0  # the scheme may be in any case
    place = data.draw(st.integers(begin, len(text) - 1))
    other = data.draw(st.characters(max_codepoint=255).filter(lambda each: each != text[place]))
    changed = text[:place] + other + text[place + 1 :]
    if changed.split() != text.split():
        assert fault(form, {name: changed}) is not None


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text())
def test_header_of_anything_is_refused_and_raises_nothing(form: str, text: str) -> None:
    """It comes from anybody."""
    (name,) = signed(form)
    assert fault(form, {name: text}) is not None


@pytest.mark.parametrize("form", FORMS)
def test_no_message_holds_a_secret_or_the_right_signature(form: str) -> None:
    """Messages are answered to whoever asks, and logged."""
    headers = signed(form)
    (right,) = headers.values()
    found = fault(form, {next(iter(headers)): right[:-8] + "AAAAAAAA"})
    assert found is not None
    assert not [secret for secret in (*SECRETS, right) if secret in found]
