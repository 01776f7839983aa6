"""Recording rules: completeness, sums over workers, ratios, what they are about, their intervals, their targets.

All of them stand in one group, and completeness is its beginning: a sum that is evaluated later than its guard would
be one worker short before the guard knows.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from monitoring import promql
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Recording
from monitoring.withheld import in_words
from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT, MATURING
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.ratios import RATIOS, WINDOW_RATIOS
from schemas.catalogue.windows import WINDOW_DAYS
from schemas.instruments import MARKS

MARKED: Final = "stream:mark:timestamp_seconds"
_COMPLETE = "and on () stream:complete:bool == 1"
_STARTED: Final = 'process_start_time_seconds{job="prometheus"}'
_LEVELS = ("segment", "closed")


def rules() -> list[Recording]:
    """Return the rules in the order of evaluation."""
    return [*completeness(), *backfill(), *marks(), *sums(), *ratios(), *targets()]


def completeness() -> Iterator[Recording]:
    """Yield what makes numbers incomplete, by cause; `stream:complete:bool`, which is 1 or absent; and its opposite.

    A worker that waits for Kafka or Redis at its start answers, and expects no partitions: it has no say.
    """
    said = "tenure_partitions_expected > 0"
    expected = f"max({said})"
    lag, limit = thresholds.LAG_SUSTAINED, thresholds.LAG_LIMIT_SECONDS
    causes = {
        "no_worker": f"absent({said})",
        "unowned": f"{expected} - (count(sum by (partition) (tenure_partition_owned)) or vector(0)) > 0",
        "owned_twice": _twice("tenure_partition_owned"),
        "not_counted": f"{expected} - (count(sum by (partition) (tenure_partition_counted)) or vector(0)) > 0",
        "counted_twice": _twice("tenure_partition_counted"),
        "seen_before": _until(_seen_before("tenure_partition_owned", "tenure_partition_counted")),
        "recovering": "sum(tenure_partition_recovering) > 0",
        "halted": "count(count by (partition) (tenure_partition_halted))",
        "withheld": "sum(tenure_kpis_withheld) > 0",
        "behind": f"count(stream:lag_seconds:max > {limit})",
        "different_counts": f"{expected} - min({said}) > 0",
    }
    behind = f"max by (partition) (min_over_time(tenure_lag_seconds[{lag}]))"
    waiting = f"max by (partition) (min_over_time(tenure_oldest_unapplied_age_seconds[{lag}]))"
    yield Recording("stream:lag_seconds:max", f"{behind} > {waiting}\nor {waiting}\nor {behind}")
    yield Recording("stream:lag_records:sum", "sum(tenure_lag_records)")
    for cause, expr in causes.items():
        yield Recording("stream:incomplete:partitions", expr, {"cause": cause})
    yield Recording("stream:complete:bool", f"group({said})\nunless on () stream:incomplete:partitions")


def _twice(series: str) -> str:
    """Return how many partitions have a series of two workers, both scraped since Prometheus started."""
    return f"count({_claims(series)} > 1)"


def _seen_before(*series: str) -> str:
    """Return how many partitions have such series of two workers, one of which was scraped before that start alone.

    Prometheus shows the last sample of a series for five minutes; one that is started anew does not know that a worker
    which it had read before is gone, or has other partitions by now. Sums over workers hold its customers twice.
    """
    either = "\n  or ".join(f"(sum by (partition) ({name}) > 1 unless {_claims(name)} > 1)" for name in series)
    return f"count(\n  {either}\n)"


def _until(partitions: str) -> str:
    """Return a number of partitions with a label `until`: when Prometheus shows no old sample any more, by the minute.

    They are counted without the label, too, should that instant not be known.
    """
    seconds = f"max({_before('tenure_partition_owned')}) + {thresholds.LOOK_BACK_SECONDS}"
    minute = f"ceil(({seconds}) / 60) * 60"
    return f"{partitions}\n* on () group_left (until) (0 * {in_words(minute, 'until')} + 1)\nor on () {partitions}"


def _before(series: str) -> str:
    """Return when series were last scraped that were so before Prometheus started, and not since."""
    return f"timestamp({series}) < on () group_left () max({_STARTED})"


def _claims(series: str) -> str:
    """Return how many workers have each partition by what was scraped since Prometheus started.

    Where it does not read itself under its usual name nothing is known of its start, and all counts.
    """
    return f"sum by (partition) ({series} unless {_before(series)})"


def marks() -> Iterator[Recording]:
    """Yield when each mark happened, whoever exports it; boards show it at the value."""
    yield Recording(MARKED, f"max by (mark, kind, title) ({MARKS.name})")


def backfill() -> Iterator[Recording]:
    """Yield `stream:backfill:bool`, which is 1 or absent, and the objective's misses, which are 0 or 1."""
    span = thresholds.BACKFILL_SPAN
    late, applied = (f"sum(increase(tenure_events_{name}_total[{span}]))" for name in ("late", "applied"))
    yield Recording(
        "stream:backfill:bool",
        f"group(\n  {late} > {thresholds.BACKFILL_LATE_EVENTS} and {late} > {thresholds.BACKFILL_LATE_SHARE} *"
        f" {applied}\n"
        f"  or time() - max(tenure_watermark_timestamp_seconds) > {thresholds.BACKFILL_WATERMARK_SECONDS}"
        f" and {applied} > 0\n)",
    )
    yield Recording(
        "stream:incomplete:bool",
        "(1 - (stream:complete:bool or vector(0))) * (1 - (stream:backfill:bool or vector(0)))",
    )
    # What KPI alerts wait for, for boards: 1 for each cause.
    yield Recording("stream:waits:bool", "count by (cause) (stream:incomplete:partitions)")
    yield Recording("stream:waits:bool", "stream:backfill:bool", {"cause": "load"})
    rest = f"max_over_time(stream:backfill:bool[{thresholds.BACKFILL_REST}])"
    yield Recording("stream:waits:bool", f"{rest} unless on () stream:backfill:bool", {"cause": "after_load"})


def sums() -> Iterator[Recording]:
    """Yield each count, summed over workers; what matures also as of the last closed boundary."""
    for count in COUNTS:
        labels = "window, dimension, value" if count.kind == "window" else "dimension, value"
        yield Recording(promql.recorded("segment", count.name), f"sum by ({labels}) ({count.metric})\n{_COMPLETE}")
    by_kind = f"sum by (window, dimension, value, kind) ({FACTS_WITHOUT_EFFECT.metric})\n{_COMPLETE}"
    yield Recording(promql.recorded("segment", FACTS_WITHOUT_EFFECT.name), by_kind)
    for name in MATURING:
        expr = f'sum by (window) (tenure_matured_customers{{count="{name}"}})\n{_COMPLETE}'
        yield Recording(promql.recorded("closed", name), expr, {"dimension": "all"})


def ratios() -> Iterator[Recording]:
    """Yield each ratio, its sample, and of proportions the losses and the bounds of their intervals.

    What is made of stocks alone has no window, as they have none: it is recorded once, though reports show it in each.
    """
    for ratio in RATIOS:
        for level in _LEVELS:
            if level == "closed" and promql.level_of(ratio) != "closed":
                continue
            yield Recording(f"{level}:{ratio.name}:ratio", promql.quotient(ratio, level))
            if ratio.kind == "stock":
                continue
            yield Recording(f"{level}:{ratio.name}:sample", promql.sample(ratio, level))
            if ratio.is_proportion:
                yield Recording(f"{level}:{ratio.name}:losses", promql.losses(ratio, level))
                yield from _bounds(ratio, level)


def _bounds(ratio: Ratio, level: str) -> Iterator[Recording]:
    """Yield the interval at the warning's confidence, and the bound on the good side at the page's."""
    name = f"{level}:{ratio.name}"
    warn, page = thresholds.Z_WARN, thresholds.Z_PAGE
    sides = {"low": "+", "high": "-"} if ratio.higher_is_better else {"low": "-", "high": "+"}
    for end, side in sides.items():
        bound = promql.wilson(f"{name}:losses", f"{name}:sample", warn, side=side)
        yield Recording(f"{name}:wilson_{end}", f"1 - {bound}" if ratio.higher_is_better else bound)
    if level == promql.level_of(ratio):
        where = f'{{{promql.ALL},window=~"{"|".join(thresholds.PAGE_WINDOWS)}"}}'
        bound = promql.wilson(f"{name}:losses{where}", f"{name}:sample{where}", page, side="-")
        yield Recording(f"{name}:wilson_page", f"1 - {bound}" if ratio.higher_is_better else bound)


def targets() -> Iterator[Recording]:
    """Yield the target of each KPI and window: its own, else the 30-day one, converted where that can be done.

    A churn of p in 30 days is one of 1 - (1 - p)^(d/30) in d; retention goes with it. Shares of a cohort or of terms
    are the same for any window. All others, engagement among them, have their own targets or none.
    """
    own = "max by (kpi, window) (tenure_target_ratio)"
    yield Recording(promql.TARGET, own)
    base = int(thresholds.TARGET_WINDOW.removesuffix("d"))
    churn = [ratio.name for ratio in WINDOW_RATIOS if ratio.path[0] == "churn"]
    same = [ratio.name for ratio in WINDOW_RATIOS if promql.level_of(ratio) == "closed"] + ["renewal"]
    for days in WINDOW_DAYS:
        if days == base:
            continue
        power = promql.number(days / base) if days % base == 0 else f"({days} / {base})"
        converted = (
            f"1 - (1 - {_target_of(churn)}) ^ {power}",
            f"{_target_of(['retention'])} ^ {power}",
            _target_of(same),
        )
        own = f'tenure_target_ratio{{window="{days}d"}}'
        yield Recording(promql.TARGET, f"({_either(converted)})\nunless on (kpi) {own}", {"window": f"{days}d"})


def _target_of(kpis: list[str]) -> str:
    chosen = f'tenure_target_ratio{{kpi=~"{"|".join(kpis)}",window="{thresholds.TARGET_WINDOW}"}}'
    return f"max by (kpi) ({chosen})"


def _either(parts: Iterable[str]) -> str:
    return "\n  or ".join(parts)
