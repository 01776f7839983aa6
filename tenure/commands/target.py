"""`tenure target`: the targets that alerts compare with, and who changed them when."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.readable import all_readable, readable
from tenure.commands.as_json import print_json
from tenure.commands.completion import complete_ratio, complete_window
from tenure.commands.groups import group_of
from tenure.commands.options import AsJson, Config
from tenure.commands.say import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.documents.targets import ChangedTarget, FiringSpell, ListedTarget, TargetTrial

_Ratio = Annotated[
    str,
    typer.Argument(metavar="KPI", help="A ratio of docs/kpis.md, such as retention.", autocompletion=complete_ratio),
]
_Window = Annotated[
    str,
    typer.Argument(
        metavar="WINDOW", help="A window of the settings, such as 30d, or month.", autocompletion=complete_window
    ),
]

_By = Annotated[
    str | None,
    typer.Option("--by", metavar="DIMENSION", help="Of a segment by this one.", show_default="all customers"),
]
_Segment = Annotated[str | None, typer.Option("--value", metavar="V", help="Of this segment; with --by.")]

_Review = Annotated[
    str | None,
    typer.Option(
        "--review",
        metavar="DATE",
        help="The day of its next review, at most a year ahead.",
        show_default="90 days from today",
    ),
]
_Note = Annotated[
    str, typer.Option("--note", metavar="TEXT", help="Why, for those who look back.", show_default="nothing")
]
_ChangedBy = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="Who sets it.", show_default="the user who is logged in")
]

group = group_of("target", about="List, set and look back on the targets that alerts compare KPIs with.")


@group.command("list")
def list_targets(as_json: AsJson = False, config: Config = None) -> None:
    """Print the targets that hold, with owner and next review."""
    from streams.clock import WallClock
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    from tenure.operations.targets import current, listed  # slow to import, so not before the settings are checked

    now_ms = WallClock().now_ms()
    with quiet_logs():
        found = listed(run_until_stopped(current(settings)), now_ms=now_ms)
    if as_json:
        print_json(found)
        return
    if not found:
        say("No target is set; set one: tenure target set retention 365d 90% --owner NAME")
        return
    rows = [
        (
            entry.kpi,
            entry.window,
            _whose(entry),
            shown(entry.kpi, entry.value),
            entry.owner,
            entry.review[:10] + (" overdue" if entry.overdue else ""),
            entry.note,
        )
        for entry in found
    ]
    say(_table(("KPI", "Window", "Of", "Target", "Owner", "Review", "Note"), rows))


@group.command("set")
def set_target(
    kpi: _Ratio,
    window: _Window,
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE",
            help="As the KPI is counted, such as 0.9, or a percentage, such as 90%; NPS in points, such as 40. none "
            "takes the target back. Write -- before a value below 0.",
        ),
    ],
    by: _By = None,
    segment: _Segment = None,
    owner: Annotated[
        str | None,
        typer.Option(
            "--owner", metavar="NAME", help="Who answers for it; a new target needs one.", show_default="as it is"
        ),
    ] = None,
    review: _Review = None,
    note: _Note = "",
    changed_by: _ChangedBy = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Set a target, or take it back.

    Workers export the change within a second. For example:
    tenure target set churn_standard 30d 3% --owner retention-team
    """
    from streams.clock import WallClock
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.user import current_user
    from tenure.worker.signals import run_until_stopped

    settings, now_ms = load_settings(config), WallClock().now_ms()
    # Slow to import, so not before the settings are checked.
    from tenure.operations.targets import WantedTarget, audited, put

    wanted = WantedTarget(
        settings,
        kpi=kpi,
        window=window,
        value=value,
        owner=owner,
        review=review,
        changed_by=current_user() if changed_by is None else changed_by,
        note=note,
        now_ms=now_ms,
        by=by,
        segment=segment,
    )
    with quiet_logs():
        entry = audited([run_until_stopped(put(settings, wanted, now_ms=now_ms))])[0]
    if as_json:
        print_json(entry)
    else:
        say(_sentence(all_readable(entry)))


def _whose(entry: ListedTarget | ChangedTarget | TargetTrial) -> str:
    return "all" if entry.dimension == "all" else f"{entry.dimension} {entry.segment}"


def _sentence(entry: ChangedTarget) -> str:
    before = f"it was {shown(entry.kpi, entry.old)}" if entry.old is not None else "there was none"
    of = "" if entry.dimension == "all" else f" of {_whose(entry)}"
    what = f"{entry.kpi}{of} in the window {entry.window}"
    if entry.new is None:
        return f"{what} has no target any more; {before}."
    after = f"Owner: {entry.owner}, review: {entry.review[:10]}."
    return f"{what} has the target {shown(entry.kpi, entry.new)}; {before}. {after}"


@group.command("test")
def try_target(
    kpi: _Ratio,
    window: _Window,
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE",
            help="As the KPI is counted, such as 0.9, or a percentage, such as 90%; NPS in points, such as 40.",
        ),
    ],
    by: _By = None,
    segment: _Segment = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say how often a target would have warned and paged in the last year; nothing is saved.

    The counts as of each local midnight are judged as the alert rules judge them. For example:
    tenure target test churn_standard 30d 3%
    """
    from streams.clock import WallClock
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings, now_ms = load_settings(config), WallClock().now_ms()
    # Slow to import, so not before the settings are checked.
    from tenure.operations.targets import checked_kpi, checked_segment, checked_value, checked_window
    from tenure.reports.target_trials import Tried, trial_of

    ratio, named = checked_kpi(kpi), checked_window(window, settings)
    tried = Tried(ratio, named, checked_value(value, ratio), *checked_segment(ratio, named, by, segment, settings))
    with quiet_logs():
        found = run_until_stopped(trial_of(settings, tried, now_ms=now_ms))
    if as_json:
        print_json(found)
    else:
        say(_trial_text(all_readable(found)))


def _trial_text(found: TargetTrial) -> str:
    of = "" if found.dimension == "all" else f" of {_whose(found)}"
    what = f"{found.kpi}{of} in the window {found.window}"
    if found.first is None or found.last is None:
        return f"{what}: there are no events before the last midnight yet; nothing can be tried."
    target, last = shown(found.kpi, found.value), found.last[:10]
    lines = [f"{what}, target {target}: {found.midnights} midnights, the last {last}."]
    if found.with_value:
        values = (shown(found.kpi, each) for each in (found.lowest, found.median, found.highest))
        lines.append("It was {} at the lowest, {} in the middle, {} at the highest.".format(*values))
    lines += [_spells_text("warned", found.warnings), _spells_text("paged", found.pages)]
    if not found.can_page:
        lines[-1] = (
            "It cannot page: only proportions of all customers do, in counted windows of 1d and 7d with targets."
        )
    return "\n".join(lines)


def _spells_text(verb: str, spells: Sequence[FiringSpell]) -> str:
    if not spells:
        return f"It would not have {verb}."
    total = sum(spell.midnights for spell in spells)
    times = "once" if len(spells) == 1 else f"{len(spells)} times"
    rows = [f"  {spell.first[:10]} to {spell.last[:10]}, {spell.midnights} midnights" for spell in spells[-10:]]
    left = ["  (the last 10 of them)"] if len(spells) > len(rows) else []
    return "\n".join([f"It would have {verb} {times}, at {total} midnights:", *left, *rows])


@group.command("history")
def target_history(
    kpi: Annotated[
        str | None, typer.Argument(metavar="[KPI]", help="Only changes of this one.", show_default="all")
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print every change that was made to targets: when, who, from what to what, and why; the latest last."""
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    from streams.targets import audit
    from tenure.operations.targets import (  # slow to import, so not before the settings are checked
        audited,
        changes,
        checked_kpi,
    )

    name = None if kpi is None else checked_kpi(kpi).name
    with quiet_logs():
        made = run_until_stopped(changes(settings))
    found = audited(audit(change for change in made if name in {None, change.kpi}))
    if as_json:
        print_json(found)
        return
    if not found:
        say("No target was ever set.")
        return
    rows = [
        (
            entry.at,
            entry.by,
            entry.kpi,
            entry.window,
            _whose(entry),
            shown(entry.kpi, entry.old),
            shown(entry.kpi, entry.new),
            entry.owner,
            entry.note,
        )
        for entry in found
    ]
    say(_table(("At", "By", "KPI", "Window", "Of", "Old", "New", "Owner", "Note"), rows))


def shown(kpi: str, value: float | None) -> str:
    """Return a target as people read its KPI: "90 %", "+40.0", "4.00"."""
    from tenure.reports.kpi_rows import SHOWN

    return SHOWN[kpi](value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rows = [[readable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    )
