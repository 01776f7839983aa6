"""docs/settings.md: what each setting means, as `streams.settings.settings` says it."""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.catalogue.windows import WINDOW_DAYS
from streams.settings.loading import DEFAULT_FILE, FILE_VARIABLE, as_written
from streams.settings.secrets import FILE_SUFFIX
from streams.settings.settings import ENVIRONMENT_PREFIX, MEANING, SECRETS, Settings

_SECTIONS: Final = (
    ("Kafka", "kafka_bootstrap"),
    ("Topics", "topics"),
    ("Redis", "redis_url"),
    ("What is counted", "windows_days"),
    ("Surveys", "survey_requests"),
    ("Limits", "future_tolerance_seconds"),
    ("The worker", "batch_max_records"),
    ("Metrics and logs", "metrics_host"),
    ("The gateway", "gateway_host"),
)
"""Title of each section, and the field that it begins with."""

_HEAD: Final = f"""# Settings

Every setting is an environment variable, or a key of a TOML file: the one that `{FILE_VARIABLE}` (or `--config`) names,
or `{DEFAULT_FILE}` in the working directory. A variable wins over the file; an option of a command wins over both. All
of them are checked before anything starts: a value that cannot work, or a name that is none of these, ends the command
with exit status 2 and one line that says what to change.

In variables, lists are written `a,b,c` and tables `name=value,name=value`; in the file they are TOML's own:

```toml
kafka_bootstrap = "kafka-1:9092,kafka-2:9092"
windows_days = {list(WINDOW_DAYS)}
business_time_zone = "Europe/Lisbon"

[topics]
signup = "acme.signups"

[currency_rates]
EUR = "1.0825"
"EUR@2026-01-01" = "1.10"
```

A setting that is a secret can stand in a file, as Docker and Kubernetes mount them:
`{ENVIRONMENT_PREFIX}REDIS_URL{FILE_SUFFIX.upper()}` (or the key `redis_url{FILE_SUFFIX}`) names the file that holds
`redis_url`. The end of its last line is not part of the secret. It is read at the start: after a change, restart. No
message and no log line shows a secret.

Settings marked with **¹** decide what stored numbers mean. Redis remembers them: a worker that is started with others
under the same group and prefix refuses to go on, and names the setting that differs.
"""


class Described(NamedTuple):
    """One setting as people need it.

    Attributes:
        name: The file's key.
        variable: The environment variable.
        default: As it would be written in a variable; empty where there is none.
        unit: What its value is measured in, or what kind of thing it is.
        meaning: What it decides.
        example: A value as it would be written in a variable.
        decides_meaning: Whether stored numbers depend on it.
    """

    name: str
    variable: str
    default: str
    unit: str
    meaning: str
    example: str
    decides_meaning: bool


def describe() -> list[Described]:
    """Return every setting, in the order of the documentation."""
    described = []
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), f"{name} has no unit"
        assert field.description, f"{name} has no meaning"
        assert field.examples, f"{name} has no example"
        described.append(
            Described(
                name,
                ENVIRONMENT_PREFIX + name.upper(),
                as_written(field.default),
                str(extra["unit"]),
                field.description,
                str(field.examples[0]),
                name in MEANING,
            )
        )
    return described


def page() -> str:
    """Return docs/settings.md as it should be."""
    lines = [_HEAD]
    titles = {first: title for title, first in _SECTIONS}
    for setting in describe():
        if setting.name in titles:
            lines += [f"## {titles[setting.name]}", ""]
        mark = " ¹" if setting.decides_meaning else ""
        default = f"`{setting.default}`" if setting.default else "not set"
        secret = f" A secret: `{setting.variable}{FILE_SUFFIX.upper()}` names a file that holds it."
        lines += [
            f"### `{setting.name}`{mark}",
            "",
            setting.meaning + (secret if setting.name in SECRETS else ""),
            "",
            "| environment variable | unit | default | example |",
            "| --- | --- | --- | --- |",
            f"| `{setting.variable}` | {setting.unit} | {default} | `{setting.example}` |",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"
