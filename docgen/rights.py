"""docs/rights.md: the least rights of each part, as `streams.rights` lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from streams import rights
from streams.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD: Final = """# Rights

The least that each part needs in Kafka and in Redis. Tests run every part with exactly these rights on a real Kafka
and a real Redis, and without each of them. Names are those of the default [settings](settings.md): put yours in.
Why there are several users, and what each could do if it fell into wrong hands: [SECURITY.md](../SECURITY.md).

READ and WRITE in Kafka include DESCRIBE. Kafka hides a topic from a user who may not describe it: a topic that is
there, and that `tenure worker` calls missing, is a right that is missing. Before Kafka 2.8 a publisher needs
IDEMPOTENT_WRITE on the cluster too.

Give no user of Tenure a right to delete: no part ever deletes a topic, a record or a key.
"""


def page() -> str:
    """Return docs/rights.md as it should be."""
    lines = [_HEAD]
    for principal in rights.principals(_with_everything()):
        lines += [f"## {principal.name}", "", f"Runs {principal.runs}.", ""]
        if principal.kafka:
            lines += ["| in Kafka | on | named | for |", "| --- | --- | --- | --- |"]
            lines += _rows(principal.kafka)
        if principal.redis is not None:
            rules = " ".join(principal.redis.rules())
            user = f"ACL SETUSER tenure-{principal.name} on >PASSWORD"
            lines += [*([""] if principal.kafka else []), "```text", f"{user} {rules}", "```"]
        if principal.redis is not None and principal.redis.also:
            (_, command), *_ = principal.redis.also
            instead = f"there `+{command}` stands in place of the parentheses, for all keys of the stream"
            lines += ["", f"Redis 6.2 has no selectors: {instead}."]
        lines.append("")
    return "\n".join([*lines, *_elsewhere()]).rstrip() + "\n"


def _with_everything() -> Settings:
    """Return settings under which every right is needed."""
    return Settings.model_construct(
        survey_requests=True, adapter_topics={"stripe.webhooks": "stripe"}, forget_key=SecretStr("")
    )


def _rows(listed: Sequence[rights.KafkaRight]) -> list[str]:
    """Return a row for each operation and purpose, with all that it is about."""
    named: dict[tuple[str, str, str], list[str]] = {}
    for right in listed:
        named.setdefault((right.operation, right.resource, right.why), []).append(f"`{right.name}`")
    return [
        f"| {operation} | {resource.lower()} | {', '.join(names)} | {why} |"
        for (operation, resource, why), names in named.items()
    ]


def _elsewhere() -> list[str]:
    def listed(commands: Sequence[str]) -> str:
        return " ".join(f"+{command}" for command in commands).replace("|", "\\|")

    return [
        "## Clusters and Sentinels",
        "",
        "| where | users need in addition |",
        "| --- | --- |",
        f"| Redis Cluster, each node | `{listed(rights.ON_A_CLUSTER)}` |",
        f"| Redis behind Sentinels, each server | `{listed(rights.BEHIND_SENTINELS)}` |",
        f"| Sentinels: a user of their own, `sentinel_username` in the URL | `{listed(rights.OF_SENTINELS)}` alone |",
        "| a database other than 0 | `+select` |",
    ]
