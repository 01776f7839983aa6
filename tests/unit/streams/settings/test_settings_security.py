"""Settings of connections and secrets: addresses of Redis, what goes with what for Kafka, and secrets out of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.settings.loading import load_settings
from streams.settings.redis_address import RedisAddress, read_address
from streams.settings.secrets import MAX_BYTES
from streams.settings.settings import SECRETS, Settings
from tests.unit.streams.refusals import refusal

pytestmark = pytest.mark.usefixtures("nothing_set")


# -- addresses of Redis

PLAIN = RedisAddress((("h", 6379),), "", tls=False, options={}, sentinel_options={})


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://h", PLAIN),
        ("redis://h:6379/0", PLAIN),
        (
            "redis://u:p%40@h:1/3",
            PLAIN._replace(nodes=(("h", 1),), options={"username": "u", "password": "p@", "db": 3}),
        ),
        ("redis://:p@h", PLAIN._replace(options={"password": "p"})),
        ("redis://a:1,b,[::1]:3", PLAIN._replace(nodes=(("a", 1), ("b", 6379), ("::1", 3)))),
        ("rediss://h", PLAIN._replace(tls=True)),
        ("unix:///run/redis.sock", PLAIN._replace(nodes=(), options={"path": "/run/redis.sock"})),
        ("redis+sentinel://s/orders", PLAIN._replace(nodes=(("s", 26379),), service="orders")),
        (
            "redis+sentinel://u:p@s:1,t:2/orders/4?sentinel_username=v&sentinel_password=q",
            RedisAddress(
                (("s", 1), ("t", 2)),
                "orders",
                tls=False,
                options={"username": "u", "password": "p", "db": 4},
                sentinel_options={"username": "v", "password": "q"},
            ),
        ),
        (
            "rediss+sentinel://s/orders?ssl_check_hostname=no",
            RedisAddress(
                (("s", 26379),),
                "orders",
                tls=True,
                options={"ssl_check_hostname": False},
                sentinel_options={"ssl_check_hostname": False},
            ),
        ),
    ],
)
def test_address_of_redis_is_read_as_it_is_written(url: str, address: RedisAddress) -> None:
    """One server, nodes of a cluster, a socket, and Sentinels are told apart by their text alone."""
    assert read_address(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://a:1,/0", "not host:port"),
        ("redis://a:1,b:99999", "not host:port"),
        ("redis+sentinel://a:1", "does not name the primary"),
        ("redis+sentinel://a:1/orders/x", "number of a database"),
        ("redis://h/0/1", "number of a database"),
        ("redis://h?nonsense=1", "its option 'nonsense' is none of"),
        ("redis://a..b:6379", "not host:port"),
        ("rediss://h?ssl_ca_cert=1", "did you mean ssl_ca_certs?"),
        ("redis://h?db=x", "its option db must be a whole number"),
        ("redis://h?ssl_ca_certs=/nowhere", "no effect without TLS"),
        ("rediss://h?ssl_ca_certs=/nowhere", "ssl_ca_certs names a file that is not there"),
        ("rediss://h?ssl_cert_reqs=maybe", "ssl_cert_reqs must be one of none, optional, required"),
        ("rediss://h?ssl_keyfile=/nowhere", "needs the certificate"),
        ("redis://h?sentinel_password=x", "without redis\\+sentinel"),
        ("redis://u:p/hunter2@h:1/0", "%2F"),
        ("redis://u:p?hunter2@h:1/0", "%3F"),
        ("redis://u:p#hunter2@h:1/0", "%23"),
        ("redis://[::1/0", "cannot be read"),
    ],
)
def test_address_that_cannot_work_is_refused_without_being_quoted(url: str, said: str) -> None:
    """The worker would end in a traceback; and what looks like a host may be the end of a password."""
    with pytest.raises(ValueError, match=said) as caught:
        read_address(url)
    assert "hunter2" not in str(caught.value)


# -- Kafka


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"CERTIFICATE_FILE": "/c"},
            "KAFKA_CERTIFICATE_FILE is '/c': kafka_security_protocol is PLAINTEXT where it is not set, and kafka_cert",
        ),
        (
            {"SECURITY_PROTOCOL": "SSL", "KEY_FILE": "/k"},
            "KAFKA_KEY_FILE is '/k': kafka_certificate_file is not set, and kafka_key_file has no",
        ),
        (
            {"SECURITY_PROTOCOL": "SSL", "KEY_PASSWORD": "hunter2"},
            "KAFKA_KEY_PASSWORD is '****': kafka_certificate_file is not set",
        ),
        (
            {"SECURITY_PROTOCOL": "SSL", "CERTIFICATE_FILE": "/c"},
            "KAFKA_CERTIFICATE_FILE is '/c': there is no such file",
        ),
        ({"TOKEN_URL": "https://h/t"}, "KAFKA_TOKEN_URL is 'https://h/t': kafka_sasl_mechanism is not set"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "OAUTHBEARER"}, "KAFKA_TOKEN_FILE is not set"),
        (
            {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "OAUTHBEARER", "TOKEN_URL": "https://h/t"},
            "KAFKA_USERNAME is not set: OAUTHBEARER needs it",
        ),
        (
            {
                "SECURITY_PROTOCOL": "SASL_SSL",
                "SASL_MECHANISM": "OAUTHBEARER",
                "TOKEN_URL": "https://h",
                "TOKEN_FILE": "/t",
            },
            "KAFKA_TOKEN_FILE is '/t': kafka_token_url is set too",
        ),
        ({"TOKEN_URL": "http://login.example.com/t"}, "plain text; use https"),
        ({"TOKEN_URL": "https://u:p@h/t"}, "kafka_username and kafka_password"),
        ({"TOKEN_URL": "login"}, "is no URL of HTTP"),
        (
            {"SECURITY_PROTOCOL": "SSL", "CA_FILE": "/" + "c" * 5000},
            "there is no such file; correct the path",
        ),
    ],
)
def test_what_kafka_needs_is_there_and_what_has_no_effect_is_not(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    """Kafka would only say that the connection was closed; and who sets a certificate that is not shown feels safe."""
    line = refusal(monkeypatch, **{f"TENURE_KAFKA_{name}": value for name, value in variables.items()})
    assert said in line
    assert "hunter2" not in line


# -- secrets out of files


def test_every_secret_is_never_shown_and_can_be_named_by_a_file() -> None:
    """Whoever adds a secret to the settings gets both without thinking of it."""
    of_the_gateway = {"gateway_tokens", "gateway_webhook_secrets"}
    assert set(SECRETS) == {
        "redis_url", "kafka_password", "kafka_key_password", "schema_registry_password", "forget_key",
        "export_postgres", "api_tokens", *of_the_gateway,
    }  # fmt: skip
    assert [name for name in Settings.model_fields if "password" in name and name not in SECRETS] == []
    page = (Path(__file__).parents[4] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [name for name in SECRETS if f"`TENURE_{name.upper()}_FILE` names a file" not in page] == []


@pytest.mark.parametrize(
    "written", ["redis://:hunter2@h:1/0", "redis://:hunter2@h:1/0\n", "redis://:hunter2@h:1/0\r\n"]
)
@pytest.mark.parametrize("where", ["variable", "file of settings"])
def test_secret_is_read_from_the_file_without_the_end_of_its_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str, written: str
) -> None:
    """Editors and `echo` end a line; a password with that end is another one."""
    secret = tmp_path / "secret"
    secret.write_text(written, encoding="utf-8", newline="")
    if where == "variable":
        monkeypatch.setenv("TENURE_REDIS_URL_FILE", str(secret))
        (tmp_path / "tenure.toml").write_text('redis_url = "redis://other"\n', encoding="utf-8")
    else:
        (tmp_path / "tenure.toml").write_text(f'redis_url_file = "{secret}"\n', encoding="utf-8")
    assert load_settings().redis_url.get_secret_value() == "redis://:hunter2@h:1/0"


def test_secret_in_the_environment_wins_over_the_file_of_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As for every other setting."""
    secret = tmp_path / "secret"
    secret.write_text("redis://from-file", encoding="utf-8")
    (tmp_path / "tenure.toml").write_text(f'redis_url_file = "{secret}"\n', encoding="utf-8")
    monkeypatch.setenv("TENURE_REDIS_URL", "redis://from-variable")
    assert load_settings().redis_address == "redis://from-variable"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\xff", "no text in UTF-8"),
        (b"hunter2" + b"x" * MAX_BYTES, "larger than 65,536 bytes"),
    ],
    ids=["missing", "empty", "a line's end alone", "no text", "too large"],
)
def test_file_that_holds_no_secret_is_refused_by_its_name_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, said: str
) -> None:
    """A worker that took an empty password would be refused by Kafka, and nobody would look at the file."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    line = refusal(monkeypatch, TENURE_KAFKA_PASSWORD_FILE=str(file))
    assert line.startswith(f"TENURE_KAFKA_PASSWORD_FILE is '{file}': ")
    assert said in line
    assert "hunter2" not in line
    (tmp_path / "tenure.toml").write_text(f'kafka_key_password_file = "{file}"\n', encoding="utf-8")
    monkeypatch.delenv("TENURE_KAFKA_PASSWORD_FILE")
    assert refusal(monkeypatch).startswith("kafka_key_password_file in tenure.toml is ")


def test_folder_and_nothing_are_no_files_of_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Docker makes a folder of a path that does not exist."""
    assert "cannot be read (Is a directory)" in refusal(monkeypatch, TENURE_KAFKA_PASSWORD_FILE=str(tmp_path))
    assert "names no file" in refusal(monkeypatch, TENURE_KAFKA_PASSWORD_FILE="")


def test_secret_that_is_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which of the two holds would be found out by a refused password."""
    secret = tmp_path / "secret"
    secret.write_text("redis://:hunter2@h", encoding="utf-8")
    line = refusal(monkeypatch, TENURE_REDIS_URL_FILE=str(secret), TENURE_REDIS_URL="redis://:hunter2@h")
    assert line == f"TENURE_REDIS_URL_FILE is '{secret}': TENURE_REDIS_URL is set too; keep one of the two"
    for name in ("TENURE_REDIS_URL_FILE", "TENURE_REDIS_URL"):
        monkeypatch.delenv(name)
    text = f'redis_url = "redis://h"\nredis_url_file = "{secret}"\n'
    (tmp_path / "tenure.toml").write_text(text, encoding="utf-8")
    assert "redis_url is set too" in refusal(monkeypatch)


def test_wrong_secret_out_of_a_file_is_refused_with_the_file_and_without_the_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who is told of a variable that is not set looks in the wrong place."""
    secret = tmp_path / "secret"
    secret.write_text("http://:hunter2@h", encoding="utf-8")
    line = refusal(monkeypatch, TENURE_REDIS_URL_FILE=str(secret))
    assert line.startswith(f"what TENURE_REDIS_URL_FILE names, {secret}, is 'http://:****@h': it must begin with")


def test_file_of_a_setting_that_is_no_secret_is_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would silently be ignored."""
    assert "there is no such setting" in refusal(monkeypatch, TENURE_KAFKA_USERNAME_FILE="/run/secrets/name")
