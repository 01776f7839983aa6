"""Validation of targets: the KPI, window, value, owner and review of `tenure target set`.

Pure but for `opened`: the time of day comes in as a number. Where targets are kept: `streams.targets`.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kpis.instants import instant_of, instant_text
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.ratios import RATIO_BY_NAME, WINDOW_RATIOS
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.documents.targets import ChangedTarget, ListedTarget
from schemas.instants import milliseconds
from schemas.wording import in_words, nearest_name
from streams.errors import UsageError
from streams.settings.did_you_mean import nearest_window
from streams.settings.settings import Settings
from streams.targets import ALL, Audited, TargetChange, TargetPlace, TargetStore
from tenure.operations.lines import LONGEST_NAME, one_line
from tenure.stored.opening import tables_of

REVIEW_DAYS: Final = 90
"""How long a target holds without being looked at, where nobody says otherwise (days)."""
LONGEST_REVIEW_DAYS: Final = 366
TAKE_BACK: Final = "none"
"""The value that takes a target back."""

_HIGHEST: Final = 100.0
"""Of ratios without a bound of their own; what is larger was meant as a percentage."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[TargetStore]:
    """Open the targets of the stream of the settings, which need not have begun yet.

    Raises:
        ConfigurationError: The tables belong to another stream.
        TablesUnavailable: Redis does not answer.
    """
    async with tables_of(settings) as (tables, _):
        yield TargetStore(tables)


async def put(settings: Settings, wanted: WantedTarget, *, now_ms: int) -> Audited:
    """Set or take back a target; return the change, and what held before it.

    Raises:
        UsageError: It has no owner yet and none is given, or there is nothing to take back.
        ConfigurationError, TablesUnavailable: See `opened`.
    """
    async with opened(settings) as store:
        before = {target.place: target for target in await store.current()}.get(wanted.place)
        change = wanted.change(before, now_ms=now_ms)
        await store.append(change)
        return Audited(change, before)


async def current(settings: Settings) -> list[TargetChange]:
    """Return the targets that hold; see `opened` for what can go wrong."""
    async with opened(settings) as store:
        return await store.current()


async def changes(settings: Settings) -> list[TargetChange]:
    """Return every change that was ever made; see `opened` for what can go wrong."""
    async with opened(settings) as store:
        return await store.changes()


class WantedTarget:
    """A target as somebody asks for it; each part is checked, none is looked up."""

    def __init__(
        self,
        settings: Settings,
        *,
        kpi: str,
        window: str,
        value: str,
        owner: str | None,
        review: str | None,
        changed_by: str,
        note: str,
        now_ms: int,
        by: str | None = None,
        segment: str | None = None,
    ) -> None:
        """Check what was asked for.

        Args:
            settings: Whose windows and time zone hold.
            kpi: The name of a ratio.
            window: "30d", "30" or "month".
            value: A number, a percentage such as 90%, or "none".
            owner: Who answers for it; None keeps the owner that there is.
            review: The day of the next review, in the business time zone; None is 90 days ahead.
            changed_by: Who asks.
            note: Why; may be empty.
            now_ms: The time of day (ms since 1970 UTC).
            by: The dimension of a segment; None for all customers.
            segment: Its value.

        Raises:
            UsageError: One of them cannot be; the message says what can.
        """
        ratio = checked_kpi(kpi)
        named = checked_window(window, settings)
        self.place = TargetPlace(ratio.name, named, *checked_segment(ratio, named, by, segment, settings))
        self._value = None if value.strip().lower() == TAKE_BACK else checked_value(value, ratio)
        self._owner = None if owner is None else one_line("--owner", owner, least=1, most=LONGEST_NAME)
        self._changed_by = one_line("--as", changed_by, least=1, most=LONGEST_NAME)
        self._review_at_ms = review_ms(review, time_zone=settings.business_time_zone, now_ms=now_ms)
        self._note = one_line("--note", note)

    def change(self, before: TargetChange | None, *, now_ms: int) -> TargetChange:
        """Return the change that makes it so.

        Raises:
            UsageError: See `put`.
        """
        kpi, window, dimension, segment = self.place
        owner = self._owner or (before.owner if before else None)
        if self._value is None and before is None:
            raise UsageError(f"there is no target of {kpi} in the window {window} to take back")
        if owner is None:
            raise UsageError(
                f"--owner is missing: the target of {kpi} in the window {window} is new, "
                "and somebody has to answer for it"
            )
        return TargetChange(
            kpi=kpi,
            window=window,
            value=self._value,
            owner=owner,
            review_at_ms=self._review_at_ms,
            changed_by=self._changed_by,
            changed_at_ms=now_ms,
            note=self._note,
            dimension=dimension,
            segment=segment,
        )


def checked_kpi(name: str) -> Ratio:
    """Return the ratio of a name.

    Raises:
        UsageError: There is none, or it has no window.
    """
    known = [ratio.name for ratio in WINDOW_RATIOS]
    if name in known:
        return RATIO_BY_NAME[name]
    if name in RATIO_BY_NAME:
        raise UsageError(f"KPI {name}: a target belongs to a window, and {name} has none")
    # Half of a name, such as churn, is none of those that begin with it more than another.
    meant = [other for other in known if other.startswith(f"{name}_")]
    hint = f"; did you mean {in_words(meant, 'or')}?" if meant else nearest_name(name, known, cutoff=0.4)
    raise UsageError(f"KPI {name}: there is only {', '.join(known)}{hint}")


def checked_window(name: str, settings: Settings) -> str:
    """Return the name of a window as reports have it; "30" means "30d".

    Raises:
        UsageError: The settings do not count it.
    """
    named = f"{name}d" if name.isdecimal() else name
    known = [*(f"{days}d" for days in settings.windows_days), "month"]
    if named not in known:
        raise UsageError(f"WINDOW {name}: there is only {', '.join(known)}{nearest_window(named, known)}")
    return named


def checked_segment(
    ratio: Ratio, window: str, by: str | None, segment: str | None, settings: Settings
) -> tuple[str, str]:
    """Return the dimension and the value of a segment; `all` and nothing for all customers.

    Raises:
        UsageError: One of both is missing, or nothing is judged there.
    """
    if (by is None) != (segment is None):
        raise UsageError("--by and --value belong together: name the dimension, and one of its values")
    if by is None or segment is None:
        return ALL, ""
    known = [*BUILT_IN_DIMENSIONS, *settings.dimensions]
    if by not in known:
        raise UsageError(f"--by {by}: there is only {', '.join(known)}{nearest_name(by, known)}")
    windows = [f"{days}d" for days in settings.segment_windows_days]
    if window not in windows:
        raise UsageError(f"WINDOW {window}: segments are counted in {', '.join(windows)} only")
    if not ratio.is_proportion:
        allowed = ", ".join(each.name for each in WINDOW_RATIOS if each.is_proportion)
        raise UsageError(f"KPI {ratio.name}: chance is known of {allowed} alone, and segments are judged by it")
    return by, one_line("--value", segment, least=1, most=LONGEST_NAME)


def checked_value(text: str, ratio: Ratio) -> float:
    """Return the value of a target, as the ratio is counted: 90% is 0.9, and an NPS of 40 is 0.4.

    Raises:
        UsageError: It is no number, or the KPI can never have this value.
    """
    stripped = text.strip()
    is_percentage = stripped.endswith("%")
    try:
        value = float(stripped.removesuffix("%").strip())
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"VALUE {text}: not a number; write for example 0.9 or 90%, or {TAKE_BACK} to take it back")
    if ratio.is_score and not is_percentage and abs(value) == 1:
        raise UsageError(
            f"VALUE {text}: one point of NPS, or 100? Write {value:g}% for the one, {100 * value:g} for the other"
        )
    in_points = ratio.is_score and abs(value) > 1
    value = round(value / 100, 12) if is_percentage or in_points else value
    lowest = -_HIGHEST if ratio.lowest is None else ratio.lowest
    highest = _HIGHEST if ratio.highest is None else ratio.highest
    if not lowest <= value <= highest:
        if ratio.is_score:
            raise UsageError(f"VALUE {text}: {ratio.name} lies between {100 * lowest:g} and {100 * highest:g}")
        meant = f"; for {value:g} % write {value:g}%" if not is_percentage and lowest <= value / 100 <= highest else ""
        raise UsageError(f"VALUE {text}: {ratio.name} lies between {lowest:g} and {highest:g}{meant}")
    return value


def review_ms(text: str | None, *, time_zone: str, now_ms: int) -> int:
    """Return the first instant of the day of a review (ms since 1970 UTC).

    Args:
        text: YYYY-MM-DD; None is `REVIEW_DAYS` from today.
        time_zone: The business time zone (IANA name).
        now_ms: The time of day (ms since 1970 UTC).

    Raises:
        UsageError: It is no day, not in the future, or more than a year ahead.
    """
    zone = ZoneInfo(time_zone)
    today = instant_of(now_ms).astimezone(zone).date()
    last = today + timedelta(days=LONGEST_REVIEW_DAYS)
    if text is None:
        day = today + timedelta(days=REVIEW_DAYS)
    else:
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise UsageError(f"--review {text}: not a day; write for example {last}") from error
    if not today < day <= last:
        raise UsageError(f"--review {day}: a review lies after today and at most a year ahead, by {last}")
    return milliseconds(datetime.combine(day, time(), zone))


def listed(targets: Sequence[TargetChange], *, now_ms: int) -> list[ListedTarget]:
    """Return targets as `tenure target list --json` prints them."""
    return [
        ListedTarget(
            kpi=target.kpi,
            window=target.window,
            value=target.value,
            owner=target.owner,
            review=instant_text(target.review_at_ms),
            overdue=target.review_at_ms <= now_ms,
            set_by=target.changed_by,
            set_at=instant_text(target.changed_at_ms),
            note=target.note,
            dimension=target.dimension,
            segment=target.segment,
        )
        for target in targets
    ]


def audited(entries: Sequence[Audited]) -> list[ChangedTarget]:
    """Return changes as `tenure target history --json` prints them."""
    return [
        ChangedTarget(
            at=instant_text(change.changed_at_ms),
            by=change.changed_by,
            kpi=change.kpi,
            window=change.window,
            old=before.value if before else None,
            new=change.value,
            owner=change.owner,
            review=instant_text(change.review_at_ms),
            note=change.note,
            dimension=change.dimension,
            segment=change.segment,
        )
        for change, before in entries
    ]
