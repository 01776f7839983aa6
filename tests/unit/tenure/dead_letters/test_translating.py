"""Options of the adapters that translate dead letters anew: whoever named the file is told that it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import ConfigurationError, UsageError
from streams.settings.settings import Settings
from tenure.dead_letters.translating import Translators


@pytest.mark.usefixtures("nothing_set")
def test_fault_of_options_names_the_setting_or_the_option_that_named_the_file(tmp_path: Path) -> None:
    """Who never wrote `--map` would look for it in vain."""
    file = tmp_path / "wrong.toml"
    file.write_text("[strip]\n", encoding="utf-8")
    said = f"{file}: [strip]: there is no such adapter; did you mean stripe?"
    with pytest.raises(UsageError) as of_option:
        Translators(Settings(), file)
    assert str(of_option.value).startswith(f"--map: {said}")
    with pytest.raises(ConfigurationError) as of_setting:
        Translators(Settings(adapter_options=file))
    assert str(of_setting.value).startswith(f"TENURE_ADAPTER_OPTIONS is {str(file)!r}: {said}")


@pytest.mark.usefixtures("nothing_set")
def test_options_of_the_command_come_before_those_of_the_settings(tmp_path: Path) -> None:
    """Whoever replays may have to translate otherwise than workers do now."""
    (file := tmp_path / "plans.toml").write_text("[stripe]\n", encoding="utf-8")
    found = Translators(Settings(adapter_options=tmp_path / "missing.toml"), file)
    assert found.of("stripe") is not None
