"""Settings: what is accepted, what is refused and how, and that the page of settings is true."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from docgen import settings
from schemas import events
from services.certificates import Certificates
from streams.errors import ConfigurationError, UnknownSetting
from streams.settings.buckets import zone_offsets
from streams.settings.loading import load_settings
from streams.settings.rules import without_password
from streams.settings.settings import MEANING, Settings
from tests.unit.streams.refusals import refusal

pytestmark = pytest.mark.usefixtures("nothing_set")


def test_the_defaults_are_settings_that_work() -> None:
    """A newcomer starts without writing a single one."""
    settings = load_settings()
    assert settings.windows_days == (1, 7, 30, 90, 365)
    assert settings.topics["signup"] == "customer.signup"
    assert settings.input_topics[-1] == "customer.events"
    assert settings.redis_address == "redis://127.0.0.1:6379/0"


def test_lists_and_tables_are_written_plainly_in_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody should have to quote JSON inside of a shell."""
    monkeypatch.setenv("TENURE_WINDOWS_DAYS", "7, 30")
    monkeypatch.setenv("TENURE_DIMENSIONS", "industry,company_size")
    monkeypatch.setenv("TENURE_CURRENCY_RATES", "EUR=1.0825,EUR@2026-01-01=1.10,GBP=1.27")
    monkeypatch.setenv("TENURE_TOPICS", "signup=acme.signups")
    settings = load_settings()
    assert settings.windows_days == (7, 30)
    assert settings.dimensions == ("industry", "company_size")
    dated = {"EUR@2026-01-01": Decimal("1.10")}
    assert settings.currency_rates == {"EUR": Decimal("1.0825"), **dated, "GBP": Decimal("1.27")}
    assert settings.topics["signup"] == "acme.signups"
    assert settings.topics["cancel"] == "customer.cancel"


def test_json_is_accepted_in_variables_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools that write variables often write JSON; a rate must not pass through a float on its way."""
    monkeypatch.setenv("TENURE_WINDOWS_DAYS", "[7, 30]")
    monkeypatch.setenv("TENURE_CURRENCY_RATES", '{"EUR": 1.08251234567890123456}')
    settings = load_settings()
    assert settings.windows_days == (7, 30)
    assert settings.currency_rates["EUR"] == Decimal("1.08251234567890123456")


def test_option_beats_variable_beats_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The nearer a value stands to the command, the more it was meant."""
    file = tmp_path / "other.toml"
    file.write_text('group = "from-file"\nredis_prefix = "from-file"\nmetrics_port = 1\n', encoding="utf-8")
    monkeypatch.setenv("TENURE_CONFIG", str(file))
    monkeypatch.setenv("TENURE_GROUP", "from-variable")
    monkeypatch.setenv("TENURE_METRICS_PORT", "2")
    settings = load_settings(metrics_port=3)
    assert (settings.redis_prefix, settings.group, settings.metrics_port) == ("from-file", "from-variable", 3)


def test_the_file_of_the_working_directory_is_read_without_being_named(tmp_path: Path) -> None:
    """A project keeps its settings next to its events."""
    lines = '[currency_rates]\nEUR = 1.0825\n"EUR@2026-01-01" = 1.1\n'
    (tmp_path / "tenure.toml").write_text(lines, encoding="utf-8")
    assert load_settings().currency_rates == {"EUR": Decimal("1.0825"), "EUR@2026-01-01": Decimal("1.1")}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TENURE_BUCKET_MINUTES", "50", "divide a day"),
        ("TENURE_BUCKET_MINUTES", "x", "it must be a whole number; write for example 30"),
        ("TENURE_BUSINESS_TIME_ZONE", "Europe/Lisbn", "did you mean Europe/Lisbon?"),
        ("TENURE_WINDOWS_DAYS", "7,1", "1,7"),
        ("TENURE_WINDOWS_DAYS", "7,x", "'x' must be a whole number; write for example 7,30,365"),
        ("TENURE_WINDOWS_DAYS", "7,7,30", "7,30"),
        ("TENURE_WINDOWS_DAYS", "0,7", "1 to 365"),
        ("TENURE_WINDOWS_DAYS", "400", "1 to 365"),
        ("TENURE_WINDOWS_DAYS", "", "at least one"),
        ("TENURE_SEGMENT_WINDOWS_DAYS", "3", "none of windows_days"),
        ("TENURE_DIMENSIONS", "plan", "leave it out"),
        ("TENURE_DIMENSIONS", "mrr_minor", "already has a meaning"),
        ("TENURE_DIMENSIONS", "all", "already has a meaning"),
        ("TENURE_DIMENSIONS", "company size", "cannot name a member"),
        ("TENURE_DIMENSIONS", "class", "cannot name a member"),
        ("TENURE_DIMENSIONS", "a,a", "twice"),
        ("TENURE_CURRENCY_RATES", "EUR=0", "above zero"),
        ("TENURE_CURRENCY_RATES", "EUR=-1", "above zero"),
        ("TENURE_CURRENCY_RATES", "EUR=NaN", "finite"),
        ("TENURE_CURRENCY_RATES", "EUR=cheap", "'cheap' at 'EUR' must be a number; write for example EUR=1.08"),
        ("TENURE_CURRENCY_RATES", "euro=1", "three capital letters"),
        ("TENURE_CURRENCY_RATES", "USD=1", "leave it out"),
        ("TENURE_CURRENCY_RATES", "EUR=1,USD@2026-01-01=1", "leave it out"),
        ("TENURE_CURRENCY_RATES", "EUR@=1", "'EUR@' has no day after the @; write for example EUR@2026-01-01=1.10"),
        ("TENURE_CURRENCY_RATES", "EUR@2026-02-30=1", "has no day after the @"),
        ("TENURE_CURRENCY_RATES", "EUR@20260101=1", "has no day after the @"),
        ("TENURE_CURRENCY_RATES", "EUR@2026-01-01=0", "the rate of EUR@2026-01-01 must be above zero"),
        ("TENURE_CURRENCY_RATES", "EUR", "name=value"),
        ("TENURE_CURRENCY_RATES", "EUR=1,EUR=2", "twice"),
        ("TENURE_SURVEY_RULES", "weekly=nps/email", "none of cancel, first_week, regular"),
        ("TENURE_SURVEY_RULES", "regular=nps", "a slash and a way"),
        ("TENURE_SURVEY_RULES", "regular=nps/letter", "in_app, email, outreach"),
        ("TENURE_SURVEY_RULES", "regular=nps/other", "in_app, email, outreach"),
        ("TENURE_SURVEY_RULES", "regular=smile/email", "nps, csat"),
        ("TENURE_SURVEY_QUIET_DAYS", "91", "longer than survey_regular_days (90)"),
        ("TENURE_SURVEY_QUIET_DAYS", "0", "it must be at least 1"),
        ("TENURE_DEFAULT_CURRENCY", "usd", "three capital letters"),
        ("TENURE_TOPICS", "signups=x", "did you mean signup?"),
        ("TENURE_TOPICS", "signup=two words", "no topic name"),
        ("TENURE_DEAD_LETTER_TOPIC", "customer.events", "every purpose needs its own"),
        ("TENURE_KAFKA_BOOTSTRAP", "kafka", "host:port"),
        ("TENURE_KAFKA_BOOTSTRAP", "kafka:0", "host:port"),
        ("TENURE_KAFKA_SECURITY_PROTOCOL", "TLS", "SASL_SSL"),
        ("TENURE_KAFKA_SASL_MECHANISM", "PLAIN", "no effect"),
        ("TENURE_KAFKA_CA_FILE", "/nowhere/ca.pem", "no effect"),
        ("TENURE_REDIS_URL", "http://redis", "redis://"),
        ("TENURE_REDIS_URL", "redis://", "names no host"),
        ("TENURE_REDIS_PREFIX", "a{b}", "braces"),
        ("TENURE_GROUP", "", "1 to 128"),
        ("TENURE_METRICS_PORT", "99999", "65535"),
        ("TENURE_MAX_SEGMENT_VALUES", "15", "16"),
        ("TENURE_MAX_SEGMENT_VALUES", "65001", "65000"),
        ("TENURE_METRICS_REFRESH_SECONDS", "nan", "finite"),
        ("TENURE_LOG_LEVEL", "loud", "'warning'"),
        ("TENURE_ALLOW_UNSAFE_REDIS", "maybe", "it must be true or false"),
        ("TENURE_CONFIG", "/nowhere/tenure.toml", "correct the path"),
    ],
)
def test_wrong_value_is_refused_by_its_variable_with_the_value_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """One line tells everything that is needed to put it right."""
    line = refusal(monkeypatch, **{name: value})
    assert said in line
    assert name in line or "TENURE_KAFKA_SECURITY_PROTOCOL" in line
    assert value in line or "PLAINTEXT" in line


def test_bucket_that_does_not_divide_an_offset_names_the_offset_and_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Month starts must lie on bucket boundaries, or months would count hours of their neighbours."""
    line = refusal(monkeypatch, TENURE_BUSINESS_TIME_ZONE="Asia/Kathmandu")
    assert "+05:45" in line
    assert "use 15" in line
    monkeypatch.setenv("TENURE_BUCKET_MINUTES", "15")
    assert load_settings().bucket_minutes == 15


def test_zone_that_only_once_had_half_an_hour_is_refused_all_the_same() -> None:
    """Caracas was at -04:30 until 2016: months of those years must be right too."""
    offsets = zone_offsets("America/Caracas")
    assert {offset % 3600 for offset in offsets} == {0, 1800}


@pytest.mark.parametrize(("zone", "offset"), [("UTC", 0), ("Etc/GMT-6", 6 * 3600)])
def test_zone_without_changes_has_one_offset_from_the_first_day_on(zone: str, offset: int) -> None:
    """No day of such a zone is looked at: that would cost each start of a worker in UTC 40,000 looks."""
    assert zone_offsets(zone) == {offset: datetime(1998, 12, 31, tzinfo=UTC)}


def test_unknown_variable_is_refused_with_the_name_that_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting would otherwise silently keep its default."""
    line = refusal(monkeypatch, TENURE_BUCKET_MINUTE="30")
    assert line == "TENURE_BUCKET_MINUTE: there is no such setting; did you mean TENURE_BUCKET_MINUTES?"


def test_unknown_key_of_the_file_is_refused_with_the_name_that_was_meant(tmp_path: Path) -> None:
    """As for variables."""
    file = tmp_path / "tenure.toml"
    file.write_text("window_days = [7]\n", encoding="utf-8")
    with pytest.raises(UnknownSetting, match="did you mean windows_days"):
        load_settings()


def test_wrong_value_in_the_file_names_the_file_and_the_key(tmp_path: Path) -> None:
    """Whoever is told about a variable looks in the wrong place."""
    file = tmp_path / "mine.toml"
    file.write_text("windows_days = [30, 7]\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    assert str(caught.value).startswith(f"windows_days in {file} is")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('windows_days = ["x"]', "'x' must be a whole number; write for example [7, 30, 365]"),
        ("windows_days = [1.5]", "1.5 must be a whole number; write for example [7, 30, 365]"),
        ("windows_days = 7", "it must be a list; write for example [7, 30, 365]"),
        ("dimensions = [5]", '5 must be a text; write for example ["industry", "company_size"]'),
        ("topics = 5", 'it must be a table; write for example {signup = "acme.signups", cancel = "acme.cancels"}'),
        ("group = 5", 'it must be a text; write for example "tenure-eu"'),
        ('bucket_minutes = "x"', "it must be a whole number; write for example 30"),
        ("kafka_ca_file = 5", 'it must be the path of a file; write for example "/etc/ssl/kafka-ca.pem"'),
    ],
)
def test_wrong_value_in_the_file_is_told_with_what_the_file_would_hold(tmp_path: Path, line: str, said: str) -> None:
    """What is written in a variable is no TOML; a list may be long, and one part of it is what is wrong."""
    (tmp_path / "tenure.toml").write_text(line, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert str(caught.value).endswith(f": {said}")


def test_file_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    """The parser knows where it failed; so shall the user."""
    (tmp_path / "tenure.toml").write_text("group = \n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="line 1"):
        load_settings()


def test_variables_that_kubernetes_sets_for_a_service_called_tenure_are_no_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every container of its namespace gets them; a worker must start there."""
    for name, value in {
        "TENURE_SERVICE_HOST": "10.0.0.1",
        "TENURE_SERVICE_PORT": "9464",
        "TENURE_SERVICE_PORT_METRICS": "9464",
        "TENURE_PORT": "tcp://10.0.0.1:9464",
        "TENURE_PORT_9464_TCP": "tcp://10.0.0.1:9464",
        "TENURE_PORT_9464_TCP_ADDR": "10.0.0.1",
        "TENURE_REDIS_SERVICE_HOST": "10.0.0.2",
    }.items():
        monkeypatch.setenv(name, value)
    assert load_settings().metrics_port == 9464


@pytest.mark.parametrize(
    "url", ["http://u:hunter2@h", "redis://u:hunter2@h/x", "redis://u:hun/ter2#@h", "redis://u:hunter2"]
)
def test_password_of_redis_is_in_no_message(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Messages end in logs and tickets."""
    line = refusal(monkeypatch, TENURE_REDIS_URL=url)
    assert "ter2" not in line
    assert "****" in line


def test_passwords_are_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are logged when a worker starts."""
    monkeypatch.setenv("TENURE_REDIS_URL", "redis://:hunter2@h:6379/0")
    monkeypatch.setenv("TENURE_KAFKA_SECURITY_PROTOCOL", "sasl_plaintext")
    monkeypatch.setenv("TENURE_KAFKA_SASL_MECHANISM", "plain")
    monkeypatch.setenv("TENURE_KAFKA_USERNAME", "tenure")
    monkeypatch.setenv("TENURE_KAFKA_PASSWORD", "hunter2")
    settings = load_settings()
    assert "hunter2" not in f"{settings!r}{settings}{settings.redis_address}"
    assert settings.redis_address == "redis://:****@h:6379/0"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://u:p:w@h/0", "redis://u:****@h/0"),
        ("redis://u:s/e#c@r@h/0", "redis://u:****@h/0"),
        ("redis://a:1,b:2,[::1]:3/0", "redis://a:1,b:2,[::1]:3/0"),
        (
            "redis+sentinel://u:p@a:1,b:2/x/0?sentinel_password=p",
            "redis+sentinel://u:****@a:1,b:2/x/0?sentinel_password=****",
        ),
        ("redis://u:123,secret", "redis://u:****"),
        ("rediss://u:p@[::1]:6379/0", "rediss://u:****@[::1]:6379/0"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("unix:///run/redis.sock?password=p&db=1", "unix:///run/redis.sock?password=****&db=1"),
    ],
)
def test_url_is_shown_without_its_password_and_otherwise_whole(url: str, shown: str) -> None:
    """Which Redis it is must be seen."""
    assert without_password(url) == shown


def test_sasl_needs_a_mechanism_a_name_and_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka would only say that the connection was closed."""
    line = refusal(monkeypatch, TENURE_KAFKA_SECURITY_PROTOCOL="SASL_SSL", TENURE_KAFKA_SASL_MECHANISM="PLAIN")
    assert line.startswith("TENURE_KAFKA_USERNAME is not set")


def test_fingerprint_is_of_meaning_alone() -> None:
    """Ports and limits may change between two starts; what a stored number means may not."""
    ours = Settings(redis_prefix="a", metrics_port=1, max_facts_per_customer=99, log_level="debug")
    assert ours.fingerprint() == Settings().fingerprint()
    assert Settings(currency_rates={"EUR": Decimal("1.10")}).fingerprint() == (
        Settings(currency_rates={"EUR": Decimal("1.1")}).fingerprint()
    )
    dated = Settings(currency_rates={"EUR": Decimal("1.1"), "EUR@2026-01-01": Decimal("1.1")})
    assert dated.fingerprint() != Settings(currency_rates={"EUR": Decimal("1.1")}).fingerprint()


def test_tables_counted_under_other_settings_are_refused_by_name() -> None:
    """Going on would mix numbers of two meanings in one table, and nobody could tell them apart."""
    stored = Settings().fingerprint()
    Settings().check_fingerprint(stored)
    with pytest.raises(ConfigurationError) as caught:
        Settings(default_currency="EUR").check_fingerprint(stored)
    assert caught.value.setting == "TENURE_DEFAULT_CURRENCY"
    assert '"USD"' in str(caught.value)


def test_tables_of_a_version_without_a_setting_are_refused_without_asking_to_set_it_back() -> None:
    """There is no value to go back to: only counting anew helps, and the page that says how is named."""
    stored = json.loads(Settings().fingerprint())
    del stored["free_plans"]
    with pytest.raises(ConfigurationError) as caught:
        Settings().check_fingerprint(json.dumps(stored))
    assert caught.value.setting == "TENURE_FREE_PLANS"
    assert "docs/upgrading.md" in str(caught.value)
    assert "set it back" not in str(caught.value)


def test_every_member_of_an_event_is_reserved() -> None:
    """A dimension of that name would be read from a member that means something else."""
    members = {
        name
        for kind in vars(events).values()
        if isinstance(kind, type) and hasattr(kind, "__struct_fields__")
        for name in kind.__struct_fields__
    } - {"names_source"}  # the decoder says it, no event has it
    assert members
    assert members <= events.RESERVED_DIMENSIONS


def test_every_setting_stands_on_the_page() -> None:
    """A setting that nobody can find does not exist."""
    page = settings.page()
    for setting in settings.describe():
        assert f"### `{setting.name}`" in page
        assert f"| `{setting.variable}` |" in page
        assert setting.meaning.endswith(".")
        assert setting.unit
    assert {setting.name for setting in settings.describe() if setting.decides_meaning} == set(MEANING)


_SASL: Final = {"kafka_sasl_mechanism": "PLAIN", "kafka_username": "u", "kafka_password": "p"}
_TLS: Final = {"kafka_security_protocol": "SSL"}
_TOKENS: Final = {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_mechanism": "OAUTHBEARER"}
_CLIENT: Final = {"kafka_username": "u", "kafka_password": "p"}
#: What each needs beside it.
NEEDED: Final[dict[str, dict[str, str]]] = {
    "kafka_security_protocol": _SASL,
    "kafka_sasl_mechanism": {**_SASL, "kafka_security_protocol": "SASL_SSL"},
    "kafka_username": {**_SASL, "kafka_security_protocol": "SASL_SSL"},
    "kafka_password": {**_SASL, "kafka_security_protocol": "SASL_SSL"},
    "kafka_ca_file": _TLS,
    "kafka_certificate_file": _TLS,
    "kafka_key_file": {**_TLS, "kafka_certificate_file": "A-FILE"},
    "kafka_key_password": {**_TLS, "kafka_certificate_file": "A-FILE"},
    "kafka_token_file": _TOKENS,
    "kafka_token_url": {**_TOKENS, **_CLIENT},
    "kafka_token_scope": {**_TOKENS, **_CLIENT, "kafka_token_url": "https://login/token"},
    "gateway_key_file": {"gateway_certificate_file": "A-FILE"},
    "api_key_file": {"api_certificate_file": "A-FILE"},
}


@pytest.mark.parametrize("setting", settings.describe(), ids=lambda setting: str(setting.name))
def test_example_and_default_of_every_setting_are_accepted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: settings.Described
) -> None:
    """Examples are copied."""
    file = tmp_path / "a-file"
    file.write_text("", encoding="utf-8")
    context = {f"TENURE_{name.upper()}": value for name, value in NEEDED.get(setting.name, {}).items()}
    for name, value in context.items():
        monkeypatch.setenv(name, value.replace("A-FILE", str(file)))
    example = str(file) if setting.unit.startswith("file") else setting.example
    if setting.name == "kafka_ca_file":
        example = str(Certificates(tmp_path / "certificates").authority)
    for value in (setting.default, example):
        if value and not ("KAFKA_SASL_MECHANISM" in str(context) and value == "PLAINTEXT"):
            monkeypatch.setenv(setting.variable, value)
            assert load_settings().fingerprint()


@pytest.mark.parametrize("rate", ["100000.1", "1e20", "0", "-1", "nan"])
def test_a_rate_that_could_leave_64_bits_is_refused_at_the_start(rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would otherwise stop a partition with the first large amount, long after the start."""
    monkeypatch.setenv("TENURE_CURRENCY_RATES", f"EUR={rate}")
    with pytest.raises(ConfigurationError):
        load_settings()
