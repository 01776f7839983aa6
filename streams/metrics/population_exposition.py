"""A summary of all customers as Prometheus reads it: made once a scan, not once a scrape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kpis.population.cohorts import MONTH, Cohort
from kpis.population.lifetime import Lifetime
from kpis.population.reasons import Ranking
from kpis.population.summary import AGES, CURVE_DAYS, PopulationSummary, Rankings
from schemas import instruments
from schemas.instruments import Instrument
from streams.metrics.exposition import escaped, escaped_help

Sample = tuple[tuple[str, ...], float]


def population_exposition(summary: PopulationSummary, *, cpu_seconds: float) -> bytes:
    """Return a summary in Prometheus' text format.

    Args:
        summary: Of all customers.
        cpu_seconds: CPU time that it took (s).
    """
    lines: list[str] = []
    for family, samples in _families(summary, cpu_seconds):
        lines.append(f"# HELP {family.name} {escaped_help(family.help)}")
        lines.append(f"# TYPE {family.name} {family.type}")
        lines += [_line(family, *sample) for sample in samples]
    return ("\n".join(lines) + "\n").encode()


def _line(family: Instrument, values: tuple[str, ...], value: float) -> str:
    labels = ",".join(f'{name}="{escaped(text)}"' for name, text in zip(family.labels, values, strict=True))
    return f"{family.name}{{{labels}}} {value}" if labels else f"{family.name} {value}"


def _families(summary: PopulationSummary, cpu_seconds: float) -> Iterator[tuple[Instrument, list[Sample]]]:
    cohorts = [line for cohort in summary.cohorts for line in _ages(cohort)]
    yield instruments.COHORT_CUSTOMERS, [(labels, active) for labels, active, _ in cohorts]
    yield instruments.COHORT_MATURED, [(labels, matured) for labels, _, matured in cohorts]
    yield from _curve(summary.lifetime)
    yield from _rankings(summary.rankings)
    yield instruments.SCAN_AS_OF, [((), summary.at_ms / 1000)]
    yield instruments.SCAN_CPU, [((), cpu_seconds)]


def _ages(cohort: Cohort) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Yield labels, customers who were active at an age, and those who have reached it."""
    active, matured = (cohort.size, *cohort.active), (cohort.size, *cohort.matured)
    for age in range(min(AGES, len(matured))):
        yield (MONTH, cohort.name, f"{age:02}"), active[age], matured[age]


def _curve(lifetime: Lifetime) -> Iterator[tuple[Instrument, list[Sample]]]:
    points = [(days, lifetime.at(days)) for days in CURVE_DAYS]
    known = [((str(days),), point) for days, point in points if point is not None]
    bounds = [(labels, point.interval) for labels, point in known if point.interval is not None]
    yield instruments.SURVIVAL, [(labels, point.survival) for labels, point in known]
    yield instruments.SURVIVAL_LOWER, [(labels, interval.low) for labels, interval in bounds]
    yield instruments.SURVIVAL_UPPER, [(labels, interval.high) for labels, interval in bounds]
    median, mean = lifetime.median_days(), lifetime.restricted_mean_days()
    yield instruments.SURVIVAL_MEDIAN, [] if median is None else [((), median)]
    yield instruments.SURVIVAL_MEAN, [] if mean is None else [((), mean)]


def _rankings(rankings: Mapping[str, Rankings]) -> Iterator[tuple[Instrument, list[Sample]]]:
    cancellations: list[Sample] = []
    for window, found in rankings.items():
        for line in found.cancellations.lines:
            cancellations.append(((window, line.name, "false"), line.amount - line.involuntary))
            cancellations.append(((window, line.name, "true"), line.involuntary))
    yield instruments.CANCELLATIONS_BY_REASON, cancellations
    yield instruments.ANSWERS_BY_REASON, _amounts({window: found.answers for window, found in rankings.items()})
    yield instruments.ENGAGED_BY_FEATURE, _amounts({window: found.features for window, found in rankings.items()})


def _amounts(rankings: Mapping[str, Ranking]) -> list[Sample]:
    return [((window, line.name), line.amount) for window, ranking in rankings.items() for line in ranking.lines]
