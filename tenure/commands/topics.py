"""`tenure topics`: the topics that the settings name, as Kafka has them; options create and mend them."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.readable import readable
from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config
from tenure.commands.say import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streams.settings.settings import Settings
    from tenure.operations.topics import Topic

_ABSENT = "\N{EN DASH}"


def topics(
    create: Annotated[
        bool, typer.Option("--create", help="Create the topics that are missing; events of input topics stay for good.")
    ] = False,
    grow: Annotated[
        bool,
        typer.Option(
            "--grow", help="Raise the partitions of all input topics to those of the widest, or to --partitions."
        ),
    ] = False,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Have Kafka keep the events of input topics for good, where it deletes old ones."),
    ] = False,
    partitions: Annotated[
        int | None,
        typer.Option(
            "--partitions",
            metavar="N",
            min=1,
            help="Partitions of each topic that is created, or grows.",
            show_default="as the input topics that exist, else 4",
        ),
    ] = None,
    replication: Annotated[
        int | None,
        typer.Option(
            "--replication",
            metavar="N",
            min=1,
            max=32767,
            help="Replicas of each topic that is created; all but one must be in step.",
            show_default="3, or as many as there are brokers",
        ),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List the topics that the settings name, create those that are missing, or mend the others.

    The number of partitions limits how many workers can share the work. Tables are counted with the number that they
    were begun with: partitions that are added later carry events as well, and nothing is lost, but no more workers find
    work. Without options nothing is changed, and nothing is ever deleted. Ends with 1 if a topic is missing that the
    settings need, or if the input topics do not have equally many partitions.
    """
    from streams.errors import CheckFailed, UsageError
    from streams.settings.loading import load_settings
    from tenure.worker.signals import run_until_stopped

    if replication is not None and not create:
        raise UsageError(f"--replication {replication} is for topics that are created; add --create, or leave it out")
    if partitions is not None and not (create or grow):
        advice = "is for topics that are created or grow; add --create or --grow, or leave it out"
        raise UsageError(f"--partitions {partitions} {advice}")
    settings = load_settings(config)
    from tenure.operations import topics as operations  # slow to import: after the settings

    wanted = operations.WantedTopics(
        grow=grow, create=create, keep=keep, partitions=partitions, replication=replication
    )
    change = operations.mend(settings, wanted) if create or grow or keep else operations.look(settings)
    found = run_until_stopped(change)
    left_out = _left_out(settings, found)
    if as_json:
        print_json([topic.document() for topic in found])
    else:
        _tell(found, left_out)
    fault = operations.fault_of([each for each in found if each.topic not in left_out])
    if fault is not None:
        raise CheckFailed(fault)


def _left_out(settings: Settings, found: Sequence[Topic]) -> dict[str, str]:
    """Return the topics that are missing and not needed, and why not."""
    from tenure.operations.topics import State, unneeded

    missing = {each.topic for each in found if each.state is State.MISSING}
    return {topic: reason for topic, reason in unneeded(settings).items() if topic in missing}


def _tell(found: Sequence[Topic], left_out: Mapping[str, str]) -> None:
    say(_table(found))
    for topic, reason in left_out.items():
        say(f"{readable(topic)} is missing, and not needed: {reason}.")
    _tell_what_is_deleted(found)


def _table(found: Sequence[Topic]) -> str:
    rows = [("Topic", "Partitions", "Replicas", "Kept", "State")]
    for topic in found:
        size, copies = (_ABSENT if number is None else str(number) for number in (topic.partitions, topic.replication))
        kept = _ABSENT if topic.retention is None else topic.retention.in_words
        rows.append((readable(topic.topic), size, copies, kept, topic.state))
    width, kept_width = (max(len(row[column]) for row in rows) for column in (0, 3))
    return "\n".join(
        f"{name:{width}}  {size:>10}  {copies:>8}  {kept:{kept_width}}  {state}"
        for name, size, copies, kept, state in rows
    )


def _tell_what_is_deleted(found: Sequence[Topic]) -> None:
    from tenure.operations.topics import finite_of

    finite = finite_of(found)
    if finite:
        names = ", ".join(topic.topic for topic in finite)
        say(f"\nKafka does not keep all events of {names}: what it has deleted cannot be counted anew.")
        say("To have it keep them for good: tenure topics --keep")
