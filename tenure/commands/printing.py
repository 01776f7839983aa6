"""Printing of a report, for `kpi` and `replay`: as JSON of the contract, or as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace
from rich.text import Text

from schemas.documents.named_marks import NamedMark
from streams.readable import all_readable
from tenure.commands.as_json import print_json
from tenure.reports.formats import standard_console
from tenure.reports.kpi_rows import unseen_feeds
from tenure.reports.kpi_text import report_tables
from tenure.reports.marks_text import mark_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.documents.losses import MissedLoss, WaitingLoss
    from schemas.documents.periods import PeriodReport
    from schemas.documents.report import Report, WindowReport
    from streams.settings.settings import Settings

    AnyReport = TypeVar("AnyReport", bound=Report | PeriodReport)


class Lacking(Protocol):
    """A document whose numbers may go without something."""

    @property
    def losses(self) -> list[MissedLoss] | UnsetType:
        """Losses that somebody gave up."""

    @property
    def waiting(self) -> list[WaitingLoss] | UnsetType:
        """Losses that halt partitions."""


def print_report(
    report: Sequence[Report | PeriodReport],
    settings: Settings,
    *,
    windows: Sequence[str],
    lenses: Sequence[str],
    as_json: bool,
) -> None:
    """Print a report on standard output.

    Args:
        report: One object for each instant, or for each period.
        settings: For the currency that MRR is shown in.
        windows: The windows to keep ("30d"); all of them where it is empty.
        lenses: The definitions of churn to keep; all of them where it is empty.
        as_json: JSON instead of tables.
    """
    chosen = [only(entry, windows=windows, lenses=lenses) for entry in report]
    if as_json:
        print_json(chosen)
        return
    console = standard_console()
    for entry, whole in zip(all_readable(chosen), report, strict=True):
        console.print(
            report_tables(entry, currency=settings.default_currency, width=console.width, unseen=unseen_feeds(whole))
        )
        print_losses(entry)


def print_losses(document: Lacking) -> None:
    """Print what stands beside the numbers of a document: marks, what somebody gave up, which partitions are halted.

    Args:
        document: One with the members `losses` and `waiting`, and perhaps `marks`.
    """
    console = standard_console()
    readable: Lacking = all_readable(document)
    marks = getattr(readable, "marks", UNSET)
    for mark in marks or ():
        if isinstance(mark, NamedMark):
            console.print(mark_line(mark))
    for loss in readable.losses or ():
        console.print(_loss_line(loss))
    for halted in readable.waiting or ():
        console.print(
            Text(f"Partition {halted.partition} is halted, and what it counts is missing: see `tenure resume`.")
        )


def _loss_line(loss: MissedLoss) -> Text:
    """Return what somebody gave up, and where it is missing; as plain text, for names are not ours."""
    since = f"from {loss.since}" if loss.since else "since ever"
    missing = ", ".join(loss.windows) or "no window, but in what adds up since"
    why = f" ({loss.reason})" if loss.reason else ""
    return Text(
        f"Events of partition {loss.partition} may be missing {since} until {loss.until}, in: {missing}. Accepted"
        f" {loss.accepted_at} by {loss.accepted_by}{why}."
    )


def only(entry: AnyReport, *, windows: Sequence[str], lenses: Sequence[str]) -> AnyReport:
    """Return one object of a report with nothing but the windows and lenses that were asked for."""
    kept = replace(entry, windows=_only_windows(entry.windows, windows, lenses))
    if entry.segments is UNSET:
        return kept
    segments = {
        dimension: {
            value: replace(segment, windows=_only_windows(segment.windows, windows, lenses))
            for value, segment in values.items()
        }
        for dimension, values in entry.segments.items()
    }
    return replace(kept, segments=segments)


def _only_windows(
    counted: Mapping[str, WindowReport], windows: Sequence[str], lenses: Sequence[str]
) -> dict[str, WindowReport]:
    return {name: _only_lenses(counts, lenses) for name, counts in counted.items() if not windows or name in windows}


def _only_lenses(counts: WindowReport, lenses: Sequence[str]) -> WindowReport:
    if not lenses:
        return counts
    churn = counts.ratios.churn
    left_out = dict.fromkeys(asdict(churn).keys() - set(lenses), UNSET)
    return replace(counts, ratios=replace(counts.ratios, churn=replace(churn, **left_out)))
