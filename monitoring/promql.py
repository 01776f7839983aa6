"""Pieces of PromQL out of which rules are made: sums of formulas, bounds of Wilson, guards.

Pure text. A *level* is what a recorded series is about: `segment` for every dimension and value as of T, `closed` for
all customers as of the last closed boundary.
"""

from datetime import timedelta
from typing import Final

from monitoring.alerts import thresholds
from schemas.catalogue.counts import COUNT_BY_NAME, MATURING
from schemas.catalogue.formulas import Formula, Ratio

ALL: Final = 'dimension="all"'
#: Segments that can be named: neither what is beyond the limit nor those without a value.
NAMED: Final = 'dimension!="all",value!~"other|none"'
TARGET: Final = "kpi:target:ratio"

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}

#: Nothing is judged while numbers are incomplete, nor during a backfill and shortly after.
GUARD: Final = (
    "\nand on () stream:complete:bool == 1"
    f"\nunless on () max_over_time(stream:backfill:bool[{thresholds.BACKFILL_REST}]) == 1"
)


def number(value: float) -> str:
    """Return a number as PromQL takes it, without superfluous digits."""
    return f"{value:.10g}"


def span_of(text: str) -> timedelta:
    """Return a duration in one unit, as Prometheus writes it."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def seen(series: str, span: str) -> str:
    """Return the condition that a series was there nearly throughout a span, whatever happened to Prometheus.

    Args:
        series: One without labels, or one of which one sample is enough.
        span: A duration in one unit, as Prometheus writes it.
    """
    step = int(span_of(span).total_seconds()) // thresholds.SEEN_SAMPLES
    return f"count_over_time({series}[{span}:{step}s]) >= {thresholds.SEEN_LEAST}"


def level_of(ratio: Ratio) -> str:
    """Return the level that alerts read: what matures with time is judged at the last closed boundary."""
    return "closed" if set(ratio.counts) & set(MATURING) else "segment"


def recorded(level: str, count: str) -> str:
    """Return the name of a count's sum over workers."""
    return f"{level}:tenure_{count}:sum"


def summed(formula: Formula, level: str) -> str:
    """Return a formula over sums; in brackets where it has several terms."""
    first, *rest = formula.terms
    assert first[0] > 0, formula
    text = recorded(level, first[1]) + "".join(f" {'+' if s > 0 else '-'} {recorded(level, n)}" for s, n in rest)
    return f"({text})" if rest else text


def is_of_stocks(formula: Formula) -> bool:
    """Return whether all counts of a formula are stocks, which have no window."""
    kinds = {COUNT_BY_NAME[name].kind for _, name in formula.terms}
    assert len(kinds) == 1, formula
    return kinds == {"stock"}


def is_of_money(formula: Formula) -> bool:
    """Return whether a formula is over money; its size then says nothing about how many customers it is about."""
    return {COUNT_BY_NAME[name].unit for _, name in formula.terms} == {"minor units"}


def quotient(ratio: Ratio, level: str) -> str:
    """Return a ratio of sums, absent where its denominator is 0."""
    above, below = summed(ratio.numerator, level), summed(ratio.denominator, level)
    if is_of_stocks(ratio.denominator) and not is_of_stocks(ratio.numerator):
        return f"{above} / on (dimension, value) group_left () ({below} > 0)"
    return f"{above} / ({below} > 0)"


def sample(ratio: Ratio, level: str) -> str:
    """Return what the ratio is about: customers, answers or terms, with a window where the ratio has one."""
    if is_of_money(ratio.denominator):
        return recorded(level, "customers_at_start")
    below = summed(ratio.denominator, level)
    if is_of_stocks(ratio.denominator) and not is_of_stocks(ratio.numerator):
        return f"0 * {summed(ratio.numerator, level)} + on (dimension, value) group_left () {below}"
    return below


def losses(ratio: Ratio, level: str) -> str:
    """Return the bad outcomes of a proportion."""
    above = summed(ratio.numerator, level)
    return f"{level}:{ratio.name}:sample - {above}" if ratio.higher_is_better else above


def wilson(bad: str, trials: str, z: float, *, side: str) -> str:
    """Return a bound of the Wilson score interval of bad / trials; absent where there are no trials.

    Args:
        bad: Series of bad outcomes.
        trials: Series of all outcomes, with the same labels.
        z: Quantile of the normal distribution.
        side: `-` for the lower bound, `+` for the upper.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212.
    """
    half, quarter, whole = number(z * z / 2), number(z * z / 4), number(z * z)
    root = f"sqrt({bad} * ({trials} - {bad}) / ({trials} > 0) + {quarter})"
    return f"({bad} + {half} {side} {number(z)} * {root}) / ({trials} + {whole})"


def anscombe(count: str, expected: str, variance: str) -> str:
    """Return the z score of a count against its expectation, made alike for all means by Anscombe's root.

    Args:
        count: Counted now; no labels.
        expected: What was to be expected; no labels.
        variance: How many times that of a Poisson count the variance of the difference is; no labels.
    """
    below = number(thresholds.ANSCOMBE)
    return f"2 * (sqrt({count} + {below}) - sqrt({expected} + {below})) / sqrt({variance})"


def excess(bad: str, sample: str, where: str) -> str:
    """Return how much more of a count segments have than the company's average gives them, in the same window.

    Args:
        bad: A recorded series of the count.
        sample: A recorded series of the customers that it is about.
        where: Which segments, in which windows; once in the text, so that it may hold a `%q`.
    """
    average = f"sum by (window) ({bad}{{{ALL}}}) / sum by (window) ({sample}{{{ALL}}} > 0)"
    segments = "dimension, value, window"
    return (
        f"sum by ({segments}) ({bad}{{{where}}}) - on ({segments}) sum by ({segments}) ({sample}{{{NAMED}}})"
        f" * on (window) group_left () ({average})"
    )


def of_all(name: str, window: str) -> str:
    """Return a series of all customers in one window, without labels."""
    return f'sum({name}{{{ALL},window="{window}"}})'
