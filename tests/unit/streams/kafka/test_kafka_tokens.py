"""Tokens for Kafka: read anew out of a file, or kept for most of their life; nobody else is sent the secret."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from services import tokens
from streams.kafka.tokens import TokenEndpoint, TokenFile, TokenUnavailable

ID: Final = "cl:ient"
SECRET: Final = "s&cr et/+"


@pytest.fixture
def issuer() -> Iterator[tokens.TokenEndpoint]:
    """An endpoint that issues tokens to one client."""
    endpoint = tokens.TokenEndpoint(ID, SECRET)
    endpoint.start()
    yield endpoint
    endpoint.stop()


async def test_token_is_read_anew_each_time(tmp_path: Path) -> None:
    """Whoever keeps the file fresh replaces it while the worker runs."""
    file = tmp_path / "token"
    provider = TokenFile(file)
    for token in ("abc.def.", "ghi-_~+/=="):
        file.write_text(f" {token}\n", encoding="utf-8")
        assert await provider.token() == token


@pytest.mark.parametrize("content", [None, b"", b"\n", b"two words", b"two\nlines", b"a\x01auth=other", b"\xff"])
async def test_file_without_a_token_is_told_without_what_it_holds(tmp_path: Path, content: bytes | None) -> None:
    """Kafka would be sent something else, or nothing, and would only close the connection."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TokenUnavailable) as caught:
        await TokenFile(file).token()
    assert caught.value.setting == "TENURE_KAFKA_TOKEN_FILE"
    assert not caught.value.may_mend
    assert "words" not in str(caught.value)


async def test_token_is_kept_for_most_of_its_life(issuer: tokens.TokenEndpoint) -> None:
    """Every connection asks for one; an endpoint that were asked each time would soon refuse."""
    now = [0.0]
    issuer.seconds = 100.0
    provider = TokenEndpoint(issuer.url, client_id=ID, client_secret=SECRET, scope="kafka", clock=lambda: now[0])
    for at, issued in ((0.0, 1), (79.0, 1), (81.0, 2), (100.0, 2), (162.0, 3)):
        now[0] = at
        await provider.token()
        assert len(issuer.issued) == issued, at
    assert issuer.asked[0] == {"grant_type": ["client_credentials"], "scope": ["kafka"]}


@pytest.mark.parametrize(
    ("status", "body", "may_mend", "said"),
    [
        (401, b'{"error": "invalid_client"}', False, "401 invalid_client"),
        (400, b'{"error": "<script>"}', False, "answers 400; correct"),
        (429, b"", True, "answers 429"),
        (503, b"", True, "answers 503"),
        (302, b"http://127.0.0.1:1/elsewhere", False, "answers 302"),
        (200, b"<html>", False, "no access_token"),
        (200, b'{"access_token": "two words"}', False, "no access_token"),
        (200, b'["access_token"]', False, "no access_token"),
        (200, b'{"access_token": "' + b"x" * 256 * 1024 + b'"}', False, "larger than 262,144 bytes"),
    ],
)
async def test_endpoint_that_gives_no_token_is_told_with_what_it_says_and_without_the_secret(
    issuer: tokens.TokenEndpoint, status: int, body: bytes, may_mend: bool, said: str
) -> None:
    """What waiting may mend is waited for; a secret is never sent on to where an endpoint points."""
    issuer.fault = (status, body)
    with pytest.raises(TokenUnavailable, match=said) as caught:
        await TokenEndpoint(issuer.url, client_id=ID, client_secret=SECRET).token()
    assert caught.value.may_mend == may_mend
    assert SECRET not in str(caught.value)
    assert base64.b64encode(SECRET.encode()).decode() not in str(caught.value)
    assert len(issuer.asked) == 1


async def test_answer_that_comes_in_many_segments_is_read_to_its_end(issuer: tokens.TokenEndpoint) -> None:
    """A token that lists a user's rights may be long; its first segment alone is no JSON."""
    token = "x" * 200_000
    issuer.fault = (200, b'{"access_token": "%b", "expires_in": 60}' % token.encode())
    assert await TokenEndpoint(issuer.url, client_id=ID, client_secret=SECRET).token() == token


async def test_endpoint_that_is_away_may_be_back() -> None:
    """A worker waits for it as it waits for Kafka."""
    with pytest.raises(TokenUnavailable, match="does not answer") as caught:
        await TokenEndpoint("http://127.0.0.1:1/token", client_id=ID, client_secret=SECRET).token()
    assert caught.value.may_mend
