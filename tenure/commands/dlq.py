"""`tenure dlq`: looking into the dead-letter topic, and sending what lies there again."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.wording import counted
from streams.readable import all_readable
from tenure.commands.as_json import print_json
from tenure.commands.dead_letter_options import (
    Again,
    Anyway,
    Drops,
    DryRun,
    Edit,
    Edited,
    Everything,
    OfAdapter,
    OfMember,
    OfReason,
    OfTopic,
    OnlyLeft,
    OptionsFile,
    Places,
    Renames,
    ReplayedBy,
    Sets,
    Since,
    Until,
    checked_choice,
    checked_place,
)
from tenure.commands.file_options import FileOptions, Money, Times, TimeZone, checked_notation
from tenure.commands.groups import group_of
from tenure.commands.options import AsJson, Config
from tenure.commands.say import say, say_error
from tenure.files.notation import MoneyForm, TimeForm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from schemas.documents.dead_letters import DeadLetterEntry, DeadLetterList, DeadLetterReplay, WholeDeadLetter
    from streams.settings.settings import Settings
    from tenure.dead_letters.replay import ReplayOrder
    from tenure.dead_letters.translating import Translators
    from tenure.files.notation import Notation
    from tenure.operations.dead_letters import Choice

_VALUE_CHARACTERS: Final = 200
_MEMBERS_SHOWN: Final = 20

group = group_of("dlq", about="Look into the dead letters, records that could not be applied, and send them again.")


@group.command("list")
def list_dead_letters(
    reason: OfReason = None,
    adapter: OfAdapter = None,
    member: OfMember = None,
    topic: OfTopic = None,
    since: Since = None,
    until: Until = None,
    place: Places = None,
    not_replayed: OnlyLeft = False,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="Show the latest N in detail at most.")
    ] = 10,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print how many dead letters there are by reason and member, and the latest of them in detail.

    Each is counted once, by topic, partition and offset of the record that was refused; the topic may hold it twice.
    Those that were sent again are told. The whole topic is read, and nothing in it is changed. docs/dead-letters.md
    says more.
    """
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    choice = checked_choice(
        settings, reason=reason, adapter=adapter, member=member, topic=topic, since=since, until=until, place=place,
        only_left=not_replayed,
    )  # fmt: skip
    from tenure.operations.dead_letters import (
        read_dead_letters,  # slow to import, so not before the settings are checked
    )

    with quiet_logs():
        found = run_until_stopped(read_dead_letters(settings, limit=limit, choice=choice, tell=say_error))
    if as_json:
        print_json(found)
        return
    say("\n".join(_lines(all_readable(found))))


@group.command("show")
def show_dead_letters(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PLACE]...",
            help="Which ones: topic/partition/offset, as `dlq list` shows.",
            show_default="the latest of those that the options choose",
        ),
    ] = None,
    reason: OfReason = None,
    adapter: OfAdapter = None,
    member: OfMember = None,
    topic: OfTopic = None,
    since: Since = None,
    until: Until = None,
    not_replayed: OnlyLeft = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Show the latest N at most.")] = 1,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print dead letters whole: why each was refused, what mends it, and its key, headers and value.

    Ends with 1 if there is none of those that are named.
    """
    from streams.errors import CheckFailed
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    named = places or ()
    choice = checked_choice(
        settings, reason=reason, adapter=adapter, member=member, topic=topic, since=since, until=until, place=named,
        only_left=not_replayed,
    )  # fmt: skip
    notation = checked_notation(settings, FileOptions())
    from tenure.dead_letters.whole import show_letters  # slow to import, so not before the settings are checked

    with quiet_logs():
        wanted = show_letters(settings, choice, notation, limit=max(limit, len(named)), tell=say_error)
        found = run_until_stopped(wanted)
    if as_json:
        print_json(found)
    else:
        say("\n\n".join("\n".join(_whole_lines(each)) for each in found) or "There is no such dead letter.")
    missing = {str(checked_place(one)) for one in named} - {each.letter.place for each in found}
    if missing:
        raise CheckFailed(f"{settings.dead_letter_topic} has no dead letter of {', '.join(sorted(missing))}")


@group.command("replay")
def replay_dead_letters(
    reason: OfReason = None,
    adapter: OfAdapter = None,
    member: OfMember = None,
    topic: OfTopic = None,
    since: Since = None,
    until: Until = None,
    place: Places = None,
    everything: Everything = False,
    sets: Sets = None,
    renames: Renames = None,
    drops: Drops = None,
    money: Money = MoneyForm.MINOR,
    times: Times = TimeForm.RFC3339,
    time_zone: TimeZone = None,
    options_file: OptionsFile = None,
    edit: Edit = False,
    edited: Edited = None,
    dry_run: DryRun = False,
    anyway: Anyway = False,
    again: Again = False,
    replayed_by: ReplayedBy = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Tell the first N of each outcome.")] = 5,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Send dead letters again, mended or as they are, to the topic from which they came.

    Each keeps its key, value, headers and Kafka's timestamp, but for what is mended. One that the stream would refuse
    again, by its rules and settings of now, is left. What an adapter did not understand is translated anew. What was
    sent again is marked in the dead-letter topic, and is not sent twice. Ends with 1 if any that is chosen was refused
    again or cannot be sent. docs/dead-letters.md says more.
    """
    from streams.errors import Undelivered, UsageError
    from streams.settings.loading import load_settings
    from tenure.commands.user import current_user

    settings = load_settings(config)
    if edit and edited is not None:
        raise UsageError("--edit and --edited exclude each other; leave one out")
    if not everything and not any((reason, adapter, member, topic, since, until, place)):
        if edited is None:
            raise UsageError("say which dead letters, such as --reason invalid_member; or --all")
        place = _places_in(edited)
    choice = checked_choice(
        settings, reason=reason, adapter=adapter, member=member, topic=topic, since=since, until=until, place=place,
        only_left=everything and not again,
    )  # fmt: skip
    notation = checked_notation(settings, FileOptions(money=money, times=times, time_zone=time_zone))
    by = current_user() if replayed_by is None else replayed_by
    translators = _translators(settings, options_file)
    order = _order(choice, by, sets, renames, drops, notation, translators)
    order = order._replace(anyway=anyway, again=again, dry_run=dry_run, limit=limit)
    found, undelivered, first_reason = _replayed(settings, order, edit=edit, edited=edited)
    if as_json:
        print_json(found)
    else:
        say("\n".join(_replay_lines(all_readable(found))))
    if undelivered:
        raise Undelivered(undelivered, first_reason)
    _check_nothing_left(found)


def _places_in(edited: Path) -> list[str]:
    from tenure.dead_letters.editing import edited_in

    return [str(place) for place in edited_in(edited)]


def _order(
    choice: Choice,
    by: str,
    sets: Sequence[str] | None,
    renames: Sequence[str] | None,
    drops: Sequence[str] | None,
    notation: Notation,
    translators: Translators,
) -> ReplayOrder:
    # Slow to import, so not before the settings are checked.
    from tenure.dead_letters.mending import mending_of
    from tenure.dead_letters.replay import ReplayOrder
    from tenure.operations.lines import LONGEST_NAME, one_line

    return ReplayOrder(
        choice,
        one_line("--as", by, least=1, most=LONGEST_NAME),
        mending_of(sets or (), renames or (), drops or (), notation),
        translators,
        say_error,
    )


def _translators(settings: Settings, options_file: Path | None) -> Translators:
    from schemas.adapters.registry import ADAPTERS
    from streams.kafka.schema_registry import registry_of
    from tenure.dead_letters.translating import Translators

    return Translators(settings, options_file, registry_of(settings, ADAPTERS))


def _replayed(
    settings: Settings, order: ReplayOrder, *, edit: bool, edited: Path | None
) -> tuple[DeadLetterReplay, int, str]:
    """Replay, with an editor in between where that is wanted; its file stays as long as something in it is not sent."""
    from msgspec.structs import replace

    from tenure.commands.quiet import quiet_logs
    from tenure.dead_letters.editing import edited_in, new_file, run_editor
    from tenure.dead_letters.replay import lines_to_edit, replay_letters
    from tenure.worker.signals import run_until_stopped

    file = edited
    if edit:
        with quiet_logs():
            lines = run_until_stopped(lines_to_edit(settings, order))
        if lines:  # else there is nothing to edit
            file = new_file(lines)
            run_editor(file)
        order = order._replace(edited={})
    if file is not None:
        order = order._replace(edited=edited_in(file))
    with quiet_logs():
        found = run_until_stopped(replay_letters(settings, order))
    document = found.document
    if file is not None and (order.dry_run or document.outcomes.keys() & {"refused_again", "undelivered"}):
        document = replace(document, edited=str(file))
    elif file is not None and edit:
        with suppress(OSError):  # it was sent, whatever became of the file
            file.unlink()
    return document, found.undelivered, found.first_reason


def _check_nothing_left(found: DeadLetterReplay) -> None:
    from streams.errors import CheckFailed

    again, truncated = (found.outcomes.get(outcome, 0) for outcome in ("refused_again", "truncated"))
    if not again and not truncated:
        return
    parts = [
        *([f"{again:,} would be refused again: mend them, or say --anyway"] if again else ()),
        *([f"{truncated:,} were shortened to be stored, and cannot be sent from here"] if truncated else ()),
    ]
    raise CheckFailed(f"of {found.chosen:,} dead letters {'; '.join(parts)}")


def _lines(found: DeadLetterList) -> Iterator[str]:
    count = found.dead_letters
    yield f"{found.topic}: {counted(count, 'dead letters')}"
    if found.replayed:
        yield f"{found.replayed:,} of them {'was' if found.replayed == 1 else 'were'} sent again"
    if found.foreign:
        yield f"{counted(found.foreign, 'records')} there of somebody else: no dead letters"
    for reason, number in found.reasons.items():
        yield f"{number:>9,}  {reason}"
    if found.members:
        yield ""
        yield "By the member that was wrong:"
    for number_of, (member, number) in enumerate(found.members.items()):
        if number_of == _MEMBERS_SHOWN:
            yield f"{'…':>9}  and {len(found.members) - number_of:,} more"
            break
        yield f"{number:>9,}  {member}"
    if found.latest:
        yield ""
        yield "The latest:" if len(found.latest) < count else "All of them, the latest first:"
    for letter in found.latest:
        yield f"{letter.refused_at}  {letter.reason}  {letter.place}{_sent_again(letter)}"
        yield f"    {letter.detail}"
        yield f"    key {_text(letter.key)}, value {_text(letter.value)}"


def _sent_again(letter: DeadLetterEntry) -> str:
    if letter.replayed_at is None:
        return ""
    return f"  sent again {letter.replayed_at}" + (f" by {letter.replayed_by}" if letter.replayed_by else "")


def _whole_lines(whole: WholeDeadLetter) -> Iterator[str]:
    letter = all_readable(whole.letter)
    yield f"{letter.place}  {letter.reason}{_sent_again(letter)}"
    yield f"  {letter.detail}"
    if whole.advice:
        yield f"  what to do: {all_readable(whole.advice)}"
    sent = "" if whole.sent_at is None else f", its record's timestamp is {whole.sent_at}"
    yield f"  refused {letter.refused_at}{sent}"
    yield f"  key {'none' if whole.key is None else all_readable(whole.key)}"
    for header in all_readable(whole.headers):
        yield f"  header {header.name}: {'none' if header.value is None else header.value}"
    yield f"  value, {letter.value_bytes:,} bytes{' of a longer one' if letter.truncated else ''}:"
    for line in _pretty(whole):
        yield f"    {line}"


def _pretty(whole: WholeDeadLetter) -> Iterator[str]:
    """Yield the lines of a value: JSON with a member a line, other text as it is, bytes in base 64."""
    import msgspec

    if whole.value is None:
        yield "none" if whole.value_base64 is None else f"not UTF-8; in base 64: {whole.value_base64}"
        return
    try:
        text = msgspec.json.format(whole.value)
    except (msgspec.DecodeError, RecursionError):
        text = whole.value
    yield from text.splitlines()  # content and no name: a backslash stays one, so that it can be copied


_OUTCOMES: Final = {
    "ready": "would be sent",
    "sent": "sent",
    "undelivered": "Kafka did not take",
    "refused_again": "would be refused again",
    "truncated": "shortened, cannot be sent",
    "replayed_before": "were sent again before",
    "unchanged": "not changed in the editor",
    "nothing_to_count": "say nothing that is counted",
}


def _replay_lines(found: DeadLetterReplay) -> Iterator[str]:
    yield f"{found.topic}: {found.chosen:,} chosen{', nothing is sent: --dry-run' if found.dry_run else ''}"
    for outcome, words in _OUTCOMES.items():
        if outcome not in found.outcomes:
            continue
        yield f"{found.outcomes[outcome]:>9,}  {words}"
        told = [letter for letter in found.letters if letter.outcome == outcome]
        for letter in told:
            yield f"           {letter.place}  {letter.reason}"
            for line in (*letter.becomes, *([letter.detail] if letter.detail else ())):
                yield f"             {line}"
        if 0 < len(told) < found.outcomes[outcome]:
            yield f"           … and {found.outcomes[outcome] - len(told):,} more: --limit"
    if found.events:
        yield "events: " + ", ".join(f"{number:,} {name}" for name, number in found.events.items())
    if found.edited is not None:
        yield f"what was edited is kept in {found.edited}; send it with --edited"


def _text(text: str | None) -> str:
    if text is None:
        return "none"
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[:_VALUE_CHARACTERS]} …"
