"""Whatever a setting is given, in whatever way: settings that work, or one line that says which is wrong and why."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from docgen import settings
from streams.errors import ConfigurationError
from streams.settings.loading import load_settings, written_as
from streams.settings.meaning import decoder_of
from streams.settings.rules import without_password
from streams.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLES = [described.variable for described in settings.describe()]
SECRET = "s3cr3tpw"
HOSTILE = (
    *("", " ", "0", "-1", "1e6", "1e999", "nan", "9" * 5000, "true", "None", "x" * 100_000, "a=b", "a=b,a=c", "a b"),
    *("[", "[" * 50_000, '[1,"x"]', "{", '{"a":' * 5000, '{"EUR": 1e99999999999}', "[[1]]", f"[{'9' * 5000}]", "null"),
    *("\x1b[2J", "a\nb", "\u202e", "\u2028", "\udcff", "é", "😀", "../../etc/passwd", "/dev/zero", ".", "..", "a..b:1"),
    *("EUR=1e-999999", "EUR=0.0000000000000000000001", "USD=1", "signup=x,cancel=x", "signup=..", "Industry", "class"),
    *(
        "redis://",
        "redis://h/x",
        "redis://[::1/0",
        "redis://a..b:1",
        "redis://h:6379/0?nonsense=1",
        "rediss://h?ssl_x=1",
    ),
    *(
        "redis://h?socket_timeout=abc",
        "redis://h?db=x",
        "redis://h?db=",
        "redis://h?db=1&db=2",
        "redis://h?ssl_keyfile=x",
    ),
    *("rediss://h?ssl_cert_reqs=maybe", "rediss://h?ssl_cert_reqs=none", "rediss://h?ssl_ca_certs=/nowhere"),
    *("rediss://h?ssl_certfile=/etc/hostname&ssl_keyfile=/etc/hostname", "rediss://h?ssl_certfile=x", "localhost"),
    *("Mars/X", "Europe", "zone.tab", "/etc/localtime", "localtime", "posixrules", "1,7", "30,7", "365", "tcp://1:2"),
)
#: Values of a TOML file, as they are written there.
HOSTILE_TOML = (
    *("5", "-5", "1.5", "nan", "inf", "true", "[]", "{}", "[1, 7]", "[30, 7]", '["a"]', "[[1], [2]]", "1979-05-27"),
    *(
        '"\\u001b[2J"',
        '""',
        "1979-05-27T07:32:00Z",
        '{a = 1, b = {c = "x"}}',
        "9" * 5000,
        "1e99999999999999999999",
        "07",
    ),
    *("[" * 5000, '"' * 3, "{signup = 5}", "{EUR = [1]}", f'{{password = "{SECRET}"}}', f'["redis://u:{SECRET}@h"]'),
)


pytestmark = pytest.mark.usefixtures("nothing_set")


def loaded(environment: Mapping[str, str], **overrides: object) -> Settings | str:
    """Return the settings, or the line that they are refused with; a traceback fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            return load_settings(**overrides)  # type: ignore[arg-type] # the file is never among them
        except ConfigurationError as error:
            return str(error)


def said(environment: Mapping[str, str], **overrides: object) -> str:
    """Return the line that settings are refused with."""
    line = loaded(environment, **overrides)
    assert isinstance(line, str), environment
    return line


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_hostile_value_of_a_variable_works_or_is_refused_by_its_name(variable: str) -> None:
    """A traceback names neither the setting nor what to do."""
    for value in HOSTILE:
        found = loaded({variable: value})
        if isinstance(found, str):
            assert variable in found
            assert len(found) < 1500
        else:
            assert len(found.fingerprint()) < 5000
            decoder_of(found)


@given(
    variable=st.sampled_from(VARIABLES),
    value=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50),
)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_in_a_variable_works_or_is_refused_by_its_name(variable: str, value: str) -> None:
    """What nobody thought of is tried as well."""
    found = loaded({variable: value})
    assert not isinstance(found, str) or variable in found


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_hostile_value_in_the_file_works_or_is_refused_by_its_key_and_shows_no_secret(name: str) -> None:
    """TOML has types of its own, and a secret may stand in a wrong one."""
    for value in HOSTILE_TOML:
        Path("tenure.toml").write_text(f"{name} = {value}\n", encoding="utf-8")
        found = loaded({})
        if isinstance(found, str):
            assert name in found or "settings file of the working directory" in found
            assert SECRET not in found or not ("password" in name or name == "redis_url")


@pytest.mark.parametrize(("option", "value"), [("group", ""), ("instance_id", "a/b"), ("metrics_port", 99999)])
def test_a_wrong_option_is_refused_by_the_name_of_the_option(option: str, value: object) -> None:
    """Whoever wrote an option looks for no variable."""
    assert said({}, **{option: value}).startswith(f"--{option.replace('_', '-')} is ")
    assert written_as(f"TENURE_{option.upper()}") == f"--{option.replace('_', '-')}"


def test_a_file_that_an_option_names_is_blamed_on_the_option() -> None:
    """As for every other option."""
    with pytest.raises(ConfigurationError, match=r"^--config is '/nowhere.toml': the file cannot be read"):
        load_settings(Path("/nowhere.toml"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x = [\n", "no TOML"),
        (b"\xff\xfe\x00", "no TOML"),
        (b"a = " + b"[" * 5000, "no TOML"),
        (b"#" * (1 << 21), "no settings file"),
    ],
)
def test_a_file_that_nobody_named_is_not_blamed_on_a_variable(content: bytes, words: str) -> None:
    """TENURE_CONFIG is not set: who looks for it looks in vain."""
    Path("tenure.toml").write_bytes(content)
    line = said({})
    assert line.startswith("the settings file of the working directory is 'tenure.toml'")
    assert words in line


def test_a_settings_file_that_never_ends_is_refused() -> None:
    """Reading a device or a pipe to its end takes all memory, or for ever."""
    os.mkfifo("pipe")
    for path in ("pipe", "/dev/zero", "."):
        assert said({"TENURE_CONFIG": path}).startswith(f"TENURE_CONFIG is '{path}': it is no regular file")
    Path("tenure.toml").symlink_to("tenure.toml")
    assert "cannot be read" in said({})


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        (
            {"TENURE_KAFKA_CA_FILE": "x"},
            "TENURE_KAFKA_CA_FILE is 'x': kafka_security_protocol is PLAINTEXT where it is not set, and kafka_ca",
        ),
        (
            {"TENURE_KAFKA_PASSWORD": SECRET},
            "TENURE_KAFKA_PASSWORD is '****': kafka_security_protocol is PLAINTEXT where it is not set, and kafka_pass",
        ),
        (
            {"TENURE_BUSINESS_TIME_ZONE": "Asia/Kolkata"},
            "TENURE_BUSINESS_TIME_ZONE is 'Asia/Kolkata': bucket_minutes is 60 where it is not set, and it does not",
        ),
        (
            {"TENURE_BUSINESS_TIME_ZONE": "Asia/Kolkata", "TENURE_BUCKET_MINUTES": "60"},
            "TENURE_BUCKET_MINUTES is '60': it does not divide the offset +05:30",
        ),
        ({"TENURE_SURVEY_REGULAR_DAYS": "7"}, "TENURE_SURVEY_REGULAR_DAYS is '7': survey_quiet_days is 30 where it is"),
        (
            {"TENURE_TOPICS": "signup=tenure.dead-letters"},
            "TENURE_TOPICS is 'signup=tenure.dead-letters': dead_letter_topic is tenure.dead-letters where",
        ),
        (
            {"TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
            "TENURE_KAFKA_SASL_MECHANISM is not set: kafka_security_protocol SASL_SSL needs it",
        ),
        (
            {"TENURE_WINDOWS_DAYS": "1,7", "TENURE_SEGMENT_WINDOWS_DAYS": "30"},
            "TENURE_SEGMENT_WINDOWS_DAYS is '30': 30 is none of windows_days (1,7)",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_blamed_on_one_that_was_set(
    environment: dict[str, str], line: str
) -> None:
    """A setting that nobody wrote cannot be found in order to be changed."""
    assert said(environment).startswith(line)


@pytest.mark.parametrize(
    ("windows", "segments"), [("1,7", (7,)), ("7,30,90", (7, 30)), ("90", (90,)), ("1,365", (1,)), ("1,28,60", (28,))]
)
def test_windows_of_segments_that_nobody_set_follow_the_windows(windows: str, segments: tuple[int, ...]) -> None:
    """One setting is enough to count other windows."""
    found = loaded({"TENURE_WINDOWS_DAYS": windows})
    assert isinstance(found, Settings)
    assert found.segment_windows_days == segments


def test_a_file_of_authorities_that_holds_no_certificate_is_refused() -> None:
    """Kafka and Redis would look as if they were away, for ever."""
    Path("ca.pem").write_text("not PEM", encoding="utf-8")
    line = said({"TENURE_KAFKA_SECURITY_PROTOCOL": "SSL", "TENURE_KAFKA_CA_FILE": "ca.pem"})
    assert "holds no certificate in PEM form" in line
    assert "holds no certificate" in said({"TENURE_REDIS_URL": "rediss://h?ssl_ca_certs=ca.pem"})


@pytest.mark.parametrize(
    "url",
    [
        f":{SECRET}@h", f"redis:/u:{SECRET}@h", f"u:{SECRET}", f"redis://h?passwd={SECRET}", f"redis://h?ssl_pass={SECRET}",
        f"redis://u:x\n{SECRET}@h", f"redis://h?db=1&Password={SECRET}", f"unix://u:{SECRET}@/x", f"redis://:{SECRET}:1/0",
    ],
)  # fmt: skip
def test_a_password_in_an_address_that_is_written_wrongly_is_not_shown(url: str) -> None:
    """A message ends in logs and tickets, and a misspelt password is still one."""
    assert SECRET not in without_password(url)
    found = loaded({"TENURE_REDIS_URL": url})
    assert not isinstance(found, str) or SECRET not in found
