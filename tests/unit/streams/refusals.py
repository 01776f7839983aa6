"""What settings are refused with."""

import pytest

from streams.errors import ConfigurationError
from streams.settings.loading import load_settings


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    """Return the one line that settings are refused with, by their variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    line = str(caught.value)
    assert "\n" not in line
    return line
