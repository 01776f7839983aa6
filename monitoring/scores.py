"""Recording rules of what is judged against the past: a day's cancellations, NPS, a segment.

The scores' rules follow those of `monitoring.recording` in one group. Source: docs/definitions.md, section 6.
"""

from collections.abc import Iterator

from monitoring import feeds, promql
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Recording
from schemas.catalogue.windows import SEGMENT_WINDOW_DAYS

DAYS = "stream:tenure_daily_cancellations:sum"
STARTS = "stream:tenure_daily_customers_at_start:sum"
HISTORY = "stream:cancellations_history:sum"
WEEKS = "stream:cancellations_weeks:count"
EXPECTED = "stream:cancellations_expected:mean"
DISPERSION = "stream:cancellations_dispersion:ratio"
SPIKE = "stream:churn_spike:zscore"
RISE = "stream:churn_rise:zscore"
NPS_FALL = "segment:nps_fall:zscore"
DEPARTURE = "segment:churn_departure:zscore"
QUIET = feeds.EXPECTED_OF_TYPE
LAST_DAY = f'sum({DAYS}{{days_ago="0"}})'


def rules() -> list[Recording]:
    """Return the rules of scores, in the order of evaluation."""
    return [*spike(), *rises(), *nps_fall(), *departures()]


def spike() -> Iterator[Recording]:
    """Yield the score of the last day's cancellations, and what it is made of.

    Only weeks count before which there were customers: without a full one there is no score.
    """
    for name, metric in ((DAYS, "cancellations"), (STARTS, "customers_at_start")):
        summed = f"sum by (days_ago, weeks_ago, weekday) (tenure_daily_{metric})"
        yield Recording(name, f"{summed}\nand on () stream:complete:bool == 1")
    past = f'{STARTS}{{days_ago!="0"}} > 0'
    yield Recording(HISTORY, f'{DAYS}{{days_ago!="0"}} and on (weeks_ago) ({past})')
    yield Recording(WEEKS, f"count({past})")
    same_day = f'{DAYS}{{weekday="0",days_ago!="0"}}'
    yield Recording(EXPECTED, f'avg({same_day} / ({past})) * sum({STARTS}{{days_ago="0"}})')
    squares = f"sum(({HISTORY} - on (weekday) group_left () avg by (weekday) ({HISTORY})) ^ 2)"
    freedom = f"clamp_min(7 * {WEEKS} - 7, 1)"
    # A company without any cancellation in four weeks has no dispersion to speak of: no division by 0.
    yield Recording(DISPERSION, f"clamp_min(\n  {squares}\n  / {freedom}\n  / clamp_min(avg({HISTORY}), 0.001), 1)")
    yield Recording(SPIKE, promql.anscombe(LAST_DAY, EXPECTED, f"{DISPERSION} * (1 + 1 / {WEEKS})"))


def rises() -> Iterator[Recording]:
    """Yield the score of the last seven days against the 23 before them, payment failures apart from decisions."""

    def count(window: str, *, involuntary: bool) -> str:
        failed = promql.of_all("segment:tenure_cancellations_involuntary:sum", window)
        return failed if involuntary else f"({promql.of_all('segment:tenure_cancellations:sum', window)} - {failed})"

    start = {window: promql.of_all("segment:tenure_customers_at_start:sum", window) for window in ("7d", "30d")}
    for cause in ("involuntary", "voluntary"):
        week, month = (count(window, involuntary=cause == "involuntary") for window in ("7d", "30d"))
        expected = f"(({month} - {week}) * 7 / 23 * {start['7d']} / {start['30d']})"
        score = promql.anscombe(week, expected, f"{DISPERSION} * (1 + 7 / 23)")
        enough = f"{start['30d']} >= {thresholds.LEAST_SAMPLE}"
        yield Recording(RISE, f"{score}\nand on () {enough}", {"cause": cause})


def nps_fall() -> Iterator[Recording]:
    """Yield the score of NPS against the window before it, which Prometheus remembers.

    Loaded history has a sample a day: the last one before the window's start is taken, at most a day older.
    """
    answers = ("nps_promoters", "nps_passives", "nps_detractors")
    for name in answers:
        here = promql.recorded("segment", name)
        before = [
            f'last_over_time({here}{{{promql.ALL},window="{window}"}}[25h] offset {window})'
            for window in thresholds.NPS_FALL_WINDOWS
        ]
        yield Recording(promql.recorded("before", name), "\nor ".join(before))
    for level in ("segment", "before"):
        promoters, passives, detractors = (f"{promql.recorded(level, name)}{{{promql.ALL}}}" for name in answers)
        total = f"(({promoters} + {passives} + {detractors}) > 0)"
        score = f"({promoters} - {detractors}) / {total}"
        yield Recording(f"{level}:nps:variance", f"(({promoters} + {detractors}) / {total} - ({score}) ^ 2) / {total}")
        if level == "before":
            yield Recording("before:nps:ratio", score)
            yield Recording("before:nps:sample", total)
    everyone, least = f"{{{promql.ALL}}}", thresholds.LEAST_SAMPLE
    yield Recording(
        NPS_FALL,
        f"(segment:nps:ratio{everyone} - before:nps:ratio)\n"
        f"/ sqrt((segment:nps:variance{everyone} + before:nps:variance) > 0)\n"
        f"and segment:nps:sample{everyone} >= {least}\nand before:nps:sample >= {least}",
    )


def departures() -> Iterator[Recording]:
    """Yield the score of each segment's churn against that of all others in the window."""
    windows = "|".join(f"{days}d" for days in SEGMENT_WINDOW_DAYS)
    for count in ("losses", "sample"):
        name = f"segment:churn_standard:{count}"
        mine = f'{name}{{dimension!="all",window=~"{windows}"}}'
        total = f"{name}{{{promql.ALL}}}"
        yield Recording(f"segment:churn_of_others:{count}", f"-({mine} - on (window) group_left () {total})")
    k, n = "segment:churn_standard:losses", "segment:churn_standard:sample"
    others, rest = "segment:churn_of_others:losses", "segment:churn_of_others:sample"
    pooled = f"({k} + {others}) / ({n} + {rest})"
    yield Recording(
        DEPARTURE,
        f"({k} / ({n} > 0) - {others} / ({rest} > 0))\n"
        f"/ sqrt(({pooled} * (1 - {pooled}) * (1 / {n} + 1 / {rest})) > 0)",
    )
