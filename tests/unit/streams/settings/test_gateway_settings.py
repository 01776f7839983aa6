"""Settings of the gateway: names and their secrets, forms of signatures, and what does not go together."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from streams.settings.gateway import SIGNATURES, NamedSecret, named_secrets
from streams.settings.loading import load_settings
from tests.unit.streams.refusals import refusal

pytestmark = pytest.mark.usefixtures("nothing_set")

TOKEN = "0123456789abcdef"


@pytest.mark.parametrize(
    "text",
    ["a=x,b=y==,a=z", "a=x\nb=y==\na=z\n", " a=x b=y== , a=z "],
    ids=["commas", "lines", "blanks"],
)
def test_secrets_are_read_with_their_names_however_they_are_separated(text: str) -> None:
    """A variable has commas, a file has lines, and base64 ends with the sign that stands behind a name."""
    found = named_secrets(SecretStr(text))
    assert found == (NamedSecret("a", "x"), NamedSecret("b", "y=="), NamedSecret("a", "z"))
    assert named_secrets(None) == named_secrets(SecretStr(" ")) == ()


def test_tokens_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Docker and Kubernetes hand them over."""
    file = tmp_path / "tokens"
    file.write_text(f"app={TOKEN}\nbilling={TOKEN}0\n", encoding="utf-8")
    monkeypatch.setenv("TENURE_GATEWAY_TOKENS_FILE", str(file))
    assert [name for name, _ in named_secrets(load_settings().gateway_tokens)] == ["app", "billing"]


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("GATEWAY_TOKENS", f"app={TOKEN},s3cr3t", "entry 2 is not of the form name=secret"),
        ("GATEWAY_TOKENS", f"app={TOKEN},c2VjcmV0=s3cr3t", "the token of entry 2 is shorter than 16 characters"),
        ("GATEWAY_TOKENS", f"app={TOKEN}äs3cr3t", "entry 1 has characters that a bearer token may not have"),
        ("GATEWAY_TOKENS", f"app={TOKEN},billing={TOKEN}", "a token stands in it twice"),
        ("GATEWAY_WEBHOOK_SECRETS", "stripe=s3cr3t,c2VjcmV0=s3cr3t", "entry 2 is of no adapter; known are"),
        ("GATEWAY_SIGNATURES", "strip=basic", "'strip' is none of stripe"),
        ("GATEWAY_SIGNATURES", "stripe=md5:X-Mac", "or for example sha256:X-Signature"),
        ("GATEWAY_KEY_FILE", __file__, "gateway_key_file has no effect without it; set both"),
        ("GATEWAY_CERTIFICATE_FILE", "/none", "there is no such file"),
        ("GATEWAY_MAX_IN_FLIGHT_BYTES", "1024", "less than gateway_max_body_bytes (4194304)"),
        ("GATEWAY_HOST", "a b", "it is no address"),
    ],
)
def test_setting_that_cannot_work_is_refused_without_a_secret(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written wrongly is often a secret without its name."""
    message = refusal(monkeypatch, **{f"TENURE_{variable}": value})
    assert words in message
    assert [secret for secret in ("s3cr3t", "c2VjcmV0", TOKEN) if secret in message] == []


def test_password_of_basic_has_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one no request could ever match."""
    variables = {"TENURE_GATEWAY_SIGNATURES": "stripe=basic", "TENURE_GATEWAY_WEBHOOK_SECRETS": "stripe=s3cr3t"}
    message = refusal(monkeypatch, **variables)
    assert "entry 1, of stripe, is not of the form stripe=user:password" in message
    assert "s3cr3t" not in message


def test_forms_that_are_not_named_keep_their_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendor's own form is written down once, here."""
    monkeypatch.setenv("TENURE_GATEWAY_SIGNATURES", "segment=sha256:X-Hub-Signature-256")
    assert load_settings().gateway_signatures == {**SIGNATURES, "segment": "sha256:X-Hub-Signature-256"}
