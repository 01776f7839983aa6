"""Settings of adapters: what cannot work is refused before anything starts, with the name of what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import ConfigurationError
from streams.settings.adapter_options import adapters_of_topics
from streams.settings.loading import load_settings

pytestmark = pytest.mark.usefixtures("nothing_set")


def test_topics_and_their_adapters_are_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in every other setting of pairs."""
    monkeypatch.setenv("TENURE_ADAPTER_TOPICS", "stripe.webhooks=stripe, dbz.subs = debezium")
    settings = load_settings()
    assert settings.adapter_topics == {"stripe.webhooks": "stripe", "dbz.subs": "debezium"}
    assert settings.adapter_group == "tenure-adapters"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ADAPTER_TOPICS", "t=strype", "t names 'strype': there is no such adapter; did you mean stripe?; known are"),
        ("ADAPTER_TOPICS", "a b=stripe", "'a b' is no topic name"),
        ("ADAPTER_TOPICS", "customer.cancel=stripe", "every purpose needs its own"),
        ("SCHEMA_REGISTRY_URL", "registry:8081", "it is no URL of HTTP; write for example https://registry"),
        ("SCHEMA_REGISTRY_URL", "http://", "it is no URL of HTTP"),
        ("SCHEMA_REGISTRY_URL", "http://[", "it is no URL of HTTP"),
        ("SCHEMA_REGISTRY_URL", "ftp://registry", "it is no URL of HTTP"),
        (
            "SCHEMA_REGISTRY_URL",
            "https://me:secret@registry",
            "it holds a name or a password; set them as schema_registry_username",
        ),
    ],
    ids=["adapter", "topic", "taken", "url", "no-host", "no-url", "scheme", "password"],
)
def test_value_that_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """A worker that started would translate nothing, and say so to nobody."""
    monkeypatch.setenv(f"TENURE_{name}", value)
    with pytest.raises(ConfigurationError) as error:
        load_settings()
    assert said in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[stripe]\nplan = 1", "[stripe] plan: there is no such option"),
        ("[strip]\n", "[strip]: there is no such adapter; did you mean stripe?"),
        ("stripe = 1", "stripe is no table; write [stripe] above its options"),
        ("[stripe", "it is not TOML"),
        ("\xff", "it is not TOML"),
    ],
    ids=["option", "adapter", "no-table", "no-toml", "no-text"],
)
def test_options_that_cannot_work_are_refused_with_their_file(tmp_path: Path, text: str, said: str) -> None:
    """Which file, which table, which option: the three that one has to know."""
    file = tmp_path / "adapters.toml"
    file.write_bytes(text.encode("latin-1"))
    settings = load_settings(adapter_topics={"t": "stripe"}, adapter_options=file)
    with pytest.raises(ConfigurationError) as error:
        adapters_of_topics(settings, None)
    assert said in str(error.value)
    assert str(file) in str(error.value)


def test_adapter_without_options_needs_no_file() -> None:
    """Stripe works as it is."""
    settings = load_settings(adapter_topics={"t": "stripe"})
    assert {topic: adapter.name for topic, adapter in adapters_of_topics(settings, None).items()} == {"t": "stripe"}
