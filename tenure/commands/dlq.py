"""`tenure dlq`: looking into the dead-letter topic; it changes nothing there."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.wording import counted
from streams.readable import all_readable
from tenure.commands.as_json import print_json
from tenure.commands.groups import group_of
from tenure.commands.options import AsJson, Config
from tenure.commands.say import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.documents.dead_letters import DeadLetterList

_VALUE_CHARACTERS: Final = 200

group = group_of("dlq", about="Look into the dead letters: records that could not be applied.")


@group.command("list")
def list_dead_letters(
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="Show the latest N in detail at most.")
    ] = 10,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print how many dead letters there are by reason, and the latest of them in detail.

    Each is counted once, by topic, partition and offset of the record that was refused; the topic may hold it twice.
    The whole topic is read, and nothing in it is changed.
    """
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    from tenure.operations.dead_letters import (
        read_dead_letters,  # slow to import, so not before the settings are checked
    )

    with quiet_logs():
        found = run_until_stopped(read_dead_letters(settings, limit=limit))
    if as_json:
        print_json(found)
        return
    say("\n".join(_lines(all_readable(found))))


def _lines(found: DeadLetterList) -> Iterator[str]:
    count = found.dead_letters
    yield f"{found.topic}: {counted(count, 'dead letters')}"
    if found.foreign:
        yield f"{found.foreign:,} records there are no dead letters: somebody else wrote them"
    for reason, number in found.reasons.items():
        yield f"{number:>9,}  {reason}"
    if found.latest:
        yield ""
        yield "The latest:" if len(found.latest) < count else "All of them, the latest first:"
    for letter in found.latest:
        where = f"{letter.topic}, partition {letter.partition}, offset {letter.offset}"
        yield f"{letter.refused_at}  {letter.reason}  {where}"
        yield f"    {letter.detail}"
        yield f"    key {_text(letter.key)}, value {_text(letter.value)}"


def _text(text: str | None) -> str:
    if text is None:
        return "none"
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[:_VALUE_CHARACTERS]} …"
