"""Options of the commands about dead letters: which of them are meant, and how they are sent again."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.refusals import Reason
from streams.errors import UsageError
from tenure.commands.options import checked_names, checked_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.settings.settings import Settings
    from tenure.operations.dead_letters import Choice, LetterPlace

OfReason = Annotated[
    list[str] | None,
    typer.Option("--reason", metavar="R", help="Only those refused for this reason, as docs/events.md. Repeatable."),
]
OfAdapter = Annotated[
    list[str] | None,
    typer.Option("--adapter", metavar="NAME", help="Only those that this adapter did not understand. Repeatable."),
]
OfMember = Annotated[
    list[str] | None,
    typer.Option("--member", metavar="M", help="Only those whose detail begins with this member. Repeatable."),
]
OfTopic = Annotated[
    list[str] | None,
    typer.Option("--topic", metavar="NAME", help="Only those of records that lay in this topic. Repeatable."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="T", help="Refused from T on: an instant, a date, or an age such as 90m, 2h, 7d."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="T", help="Refused before T: an instant, a date, or an age.")
]
Places = Annotated[
    list[str] | None,
    typer.Option("--place", metavar="PLACE", help="Only this one: topic/partition/offset, as lists show. Repeatable."),
]
OnlyLeft = Annotated[bool, typer.Option("--not-replayed", help="Only those that were not sent again.")]

Everything = Annotated[bool, typer.Option("--all", help="All dead letters that were not sent again.")]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="MEMBER=VALUE",
        help="Write this value, JSON or text, to a member; data.plan is one inside another. Repeatable.",
    ),
]
Renames = Annotated[
    list[str] | None,
    typer.Option("--rename", metavar="OLD=NEW", help="Give a member another name, before --set. Repeatable."),
]
Drops = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="MEMBER", help="Leave a member out, before --set. Repeatable."),
]
OptionsFile = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="Options of adapters: TOML, a table for each.",
        show_default="the setting adapter_options",
    ),
]
Edit = Annotated[bool, typer.Option("--edit", help="Edit them first, with $EDITOR; what is not changed is not sent.")]
Edited = Annotated[
    Path | None, typer.Option("--edited", metavar="FILE", help="Send what an earlier --edit has left in its file.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Send nothing; say what each would become.")]
Anyway = Annotated[bool, typer.Option("--anyway", help="Send those too that would be refused again.")]
Again = Annotated[bool, typer.Option("--again", help="Send those too that were sent again before.")]
ReplayedBy = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="Who does it.", show_default="the user who is logged in")
]


def checked_choice(
    settings: Settings,
    *,
    reason: Sequence[str] | None,
    adapter: Sequence[str] | None,
    member: Sequence[str] | None,
    topic: Sequence[str] | None,
    since: str | None,
    until: str | None,
    place: Sequence[str] | None,
    only_left: bool,
) -> Choice:
    """Return which dead letters options mean.

    Raises:
        UsageError: A reason that is none, an instant that is none, a place of another form, or a span that is empty.
    """
    from tenure.operations.dead_letters import Choice

    reasons = checked_names("--reason", reason, [each.value for each in Reason])
    from_ms, to_ms = checked_span(settings, since, until)
    return Choice(
        reasons=frozenset(reasons),
        adapters=frozenset(adapter or ()),
        members=frozenset(member or ()),
        topics=frozenset(topic or ()),
        places=frozenset(checked_place(one) for one in place or ()),
        since_ms=from_ms,
        until_ms=to_ms,
        only_left=only_left,
    )


def checked_place(text: str) -> LetterPlace:
    """Return the place of a dead letter.

    Raises:
        UsageError: It has another form.
    """
    from tenure.operations.dead_letters import place_of

    found = place_of(text)
    if found is None:
        raise UsageError(f"{text}: not the place of a dead letter; write topic/partition/offset, as `tenure dlq list`")
    return found
