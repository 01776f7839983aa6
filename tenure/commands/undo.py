"""`tenure undo`: revokes of what a producer should not have sent."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from schemas.wording import counted
from streams.errors import Undelivered
from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config, Windows, checked_names, checked_span, checked_windows
from tenure.commands.say import say, say_error
from tenure.undoing.clock import ByClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from schemas.documents.undo import ChangedNumber, Undoing
    from streams.settings.settings import Settings
    from tenure.undoing.finding import WildQuery


def undo(
    source: Annotated[
        str,
        typer.Option("--source", metavar="S", help="The source of the events, as `tenure explain` shows it."),
    ],
    since: Annotated[
        str,
        typer.Option("--since", metavar="T", help="From T on: an instant, a date, or an age such as 90m, 2h, 7d."),
    ],
    until: Annotated[
        str | None, typer.Option("--until", metavar="T", help="Before T, likewise.", show_default="up to now")
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Only events of this type. Repeatable.")
    ] = None,
    clock: Annotated[
        ByClock,
        typer.Option("--clock", help="What --since and --until mean: when Kafka got the record, or the event time."),
    ] = ByClock.ARRIVAL,
    window: Windows = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send the revokes; without it nothing is sent.")] = False,
    sent_by: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who does it.", show_default="the user who is logged in"),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Tell the first N events.")] = 5,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Revoke what a producer gone wild has sent; a dry run unless --yes is given.

    Reads the events of one source and a span of time from Kafka, and says how many there are, of how many customers,
    and which KPIs change without them. With --yes it sends a revoke for each. Activity, onboarding and revokes cannot
    be taken back; they are told. Running it again changes nothing. Ends with 1 if there is nothing of this source.
    docs/undo.md says more.
    """
    from streams.settings.loading import load_settings
    from tenure.commands.explain_options import checked_window
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.user import current_user
    from tenure.operations.lines import LONGEST_NAME, one_line
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    query = _query(settings, source, since, until, types, clock)
    windows = checked_windows(window, settings) or tuple(dict.fromkeys((checked_window(None, settings), "month")))
    by = one_line("--as", current_user() if sent_by is None else sent_by, least=1, most=LONGEST_NAME)
    from msgspec.structs import replace

    from tenure.undoing.undo import plan_undo, send_revokes

    with quiet_logs():
        plan = run_until_stopped(plan_undo(settings, query, windows, limit=limit, tell=say_error))
        found, outcome = plan.document, None
        if yes:
            outcome = run_until_stopped(send_revokes(settings, plan.revokes, by=by))
            found = replace(found, sent=outcome.sent)
    if yes:
        _log_undone(settings, found, by)
    if as_json:
        print_json(found)
    else:
        from streams.readable import all_readable

        say("\n".join(_lines(all_readable(found), settings)))
    if outcome is not None and outcome.undelivered:
        raise Undelivered(outcome.undelivered, outcome.first_reason)
    _check_limit(found)


def _query(
    settings: Settings, source: str, since: str, until: str | None, types: Sequence[str] | None, clock: ByClock
) -> WildQuery:
    from schemas.events import EVENT_TYPES
    from tenure.undoing.finding import WildQuery

    chosen = checked_names("--type", types, [event_type.TYPE for event_type in EVENT_TYPES])
    since_ms, until_ms = checked_span(settings, since, until)
    assert since_ms is not None, "the option is required"
    return WildQuery(source, frozenset(chosen), clock, since_ms, until_ms)


def _log_undone(settings: Settings, found: Undoing, by: str) -> None:
    import structlog

    from streams.logs import configure_logs

    configure_logs(settings)
    structlog.get_logger(__name__).warning(
        "events_undone",
        source=found.source,
        since=found.since,
        until=found.until,
        clock=found.clock,
        revokes=found.sent,
        customers=found.customers,
        types=found.events,
        by=by,
    )


def _lines(found: Undoing, settings: Settings) -> Iterator[str]:
    count = sum(found.events.values())
    span = f"from {found.since} " + (f"to {found.until}" if found.until else "up to now")
    yield f"source {found.source}, {span}, by {found.clock} time"
    yield f"{counted(count, 'events')} to revoke, of {counted(found.customers, 'customers')}"
    for name, number in found.events.items():
        yield f"{number:>9,}  {name}"
    if found.revoked_before:
        yield f"revoked already: {found.revoked_before:,} more"
    if found.not_counted_yet:
        yield f"not counted yet, and never to be: {found.not_counted_yet:,} of them"
    if found.over_limit:
        yield f"{found.over_limit:,} cannot be revoked: their customers have as many facts as the settings allow"
    if found.without_identity:
        told = ", ".join(f"{number:,} {name}" for name, number in found.without_identity.items())
        yield f"{told}: cannot be taken back, and stay"
    for each in found.examples:
        yield f"  {each.time}  {each.type} {each.id} of {each.customer_id}"
    yield f"\nas of {found.as_of}, with these events and without"
    yield from _numbers(found.totals, settings)
    for window, numbers in found.windows.items():
        yield f"{window}"
        yield from _numbers(numbers, settings)
    yield ""
    if found.sent is None:
        yield "Nothing was sent: this is a dry run. Say --yes to send the revokes."
    else:
        were = "was" if found.sent == 1 else "were"
        yield f"{counted(found.sent, 'revokes')} {were} sent; the numbers follow within seconds."


def _numbers(numbers: Sequence[ChangedNumber], settings: Settings) -> Iterator[str]:
    if not numbers:
        yield "  nothing changes"
    for each in numbers:
        before, after = (_shown(number, each.unit, settings) for number in (each.before, each.after))
        yield f"  {each.kpi:<28} {before:>20} {after:>20}"


def _shown(number: float | None, unit: str, settings: Settings) -> str:
    from tenure.reports import formats

    if number is None or isinstance(number, int):
        return formats.money(number, settings.default_currency) if unit == "minor units" else formats.count(number)
    return f"{number:,.4f}"


def _check_limit(found: Undoing) -> None:
    from streams.errors import CheckFailed

    if found.over_limit:
        raise CheckFailed(
            f"{counted(found.over_limit, 'events')} cannot be revoked: their customers have as many facts as the "
            "setting max_facts_per_customer allows; raise it, restart the workers, and run this again"
        )
