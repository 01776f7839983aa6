"""`tenure topics`: the topics that the settings name, as Kafka has them; `--create` makes the missing ones."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenure.topics import Topic

_ABSENT = "\N{EN DASH}"


def topics(
    create: Annotated[bool, typer.Option("--create", help="Create the topics that are missing.")] = False,
    partitions: Annotated[
        int | None,
        typer.Option(
            "--partitions",
            metavar="N",
            min=1,
            help="Partitions of each topic that is created.",
            show_default="as the input topics that exist, else 4",
        ),
    ] = None,
    replication: Annotated[
        int | None,
        typer.Option(
            "--replication", metavar="N", min=1, help="Replicas of each topic that is created.", show_default="1"
        ),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List the topics that the settings name, or create those that are missing.

    The number of partitions limits how many workers can share the work, and it stays: it decides on which partition a
    customer lies. What exists is never changed. Ends with 1 if a topic is missing, or if the input topics do not have
    equally many partitions.
    """
    from streams.errors import CheckFailed, UsageError
    from streams.settings_loading import load_settings
    from tenure.running import run_until_stopped

    for option, value in (("--partitions", partitions), ("--replication", replication)):
        if value is not None and not create:
            raise UsageError(f"{option} {value} is for topics that are created; add --create, or leave it out")
    settings = load_settings(config)
    from tenure.topics import create_missing, fault_of, look  # slow to import, so not before the settings are checked

    found = run_until_stopped(
        create_missing(settings, partitions=partitions, replication=replication or 1) if create else look(settings)
    )
    if as_json:
        print_json([topic._asdict() for topic in found])
    else:
        typer.echo(_table(found))
    fault = fault_of(found)
    if fault is not None:
        raise CheckFailed(fault)


def _table(found: Sequence[Topic]) -> str:
    width = max(len("Topic"), *(len(topic.topic) for topic in found))
    rows = [("Topic", "Partitions", "Replicas", "State")]
    for topic in found:
        size, copies = (_ABSENT if number is None else str(number) for number in (topic.partitions, topic.replication))
        rows.append((topic.topic, size, copies, topic.state))
    return "\n".join(f"{name:{width}}  {size:>10}  {copies:>8}  {state}" for name, size, copies, state in rows)
