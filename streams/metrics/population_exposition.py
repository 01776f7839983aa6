"""A summary of all customers as Prometheus reads it: made once a scan, not once a scrape."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from kpis.customer.touchpoints import MarkFact
from kpis.names import OTHER
from kpis.population.cohorts import MONTH, Cohort
from kpis.population.comparison import log_rank
from kpis.population.experiments import FewMeasures
from kpis.population.lifetime import Durations, Lifetime, Point, survival
from kpis.population.marks import newest
from kpis.population.reasons import Ranking
from kpis.population.scales import AskedOn
from kpis.population.summary import AGES, CURVE_DAYS, FEEDBACK_DAYS, PopulationSummary, Rankings, TicketSummary
from kpis.population.support import DAY_MINUTES
from schemas import instruments
from schemas.catalogue.feedback_bands import CHURN_DAYS, COMPARED
from schemas.instruments import Instrument
from streams.metrics.exposition import escaped, escaped_help

#: Marks that are shown, the newest (count).
MARKS_SHOWN: Final = 100

Sample = tuple[tuple[str, ...], float]
_COMPARED: Final = tuple(COMPARED.items())


def population_exposition(
    summary: PopulationSummary,
    *,
    cpu_seconds: float,
    marks: Sequence[MarkFact] = (),
    costs: Mapping[str, int] = MappingProxyType({}),
) -> bytes:
    """Return a summary in Prometheus' text format.

    Args:
        summary: Of all customers.
        cpu_seconds: CPU time that it took (s).
        marks: All there are, earliest first; the newest MARKS_SHOWN are shown.
        costs: Of acquiring a customer, by channel (minor units).
    """
    lines: list[str] = []
    for family, samples in _families(summary, cpu_seconds, newest(marks, MARKS_SHOWN), costs):
        lines.append(f"# HELP {family.name} {escaped_help(family.help)}")
        lines.append(f"# TYPE {family.name} {family.type}")
        lines += [_line(family, *sample) for sample in samples]
    return ("\n".join(lines) + "\n").encode()


def _line(family: Instrument, values: tuple[str, ...], value: float) -> str:
    labels = ",".join(f'{name}="{escaped(text)}"' for name, text in zip(family.labels, values, strict=True))
    return f"{family.name}{{{labels}}} {value}" if labels else f"{family.name} {value}"


def _families(
    summary: PopulationSummary, cpu_seconds: float, marks: Sequence[MarkFact], costs: Mapping[str, int]
) -> Iterator[tuple[Instrument, list[Sample]]]:
    cohorts = [line for cohort in summary.cohorts for line in _ages(cohort)]
    yield instruments.COHORT_CUSTOMERS, [(labels, active) for labels, active, _ in cohorts]
    yield instruments.COHORT_MATURED, [(labels, matured) for labels, _, matured in cohorts]
    yield from _curve(summary.lifetime)
    yield from _rankings(summary.rankings)
    yield from _feedback(summary.feedback)
    yield instruments.SCALE_SURVEYS, _by_incentive(summary.scale_surveys)
    by_score = {
        asked: Counter({str(score): count for score, count in counts.items()})
        for asked, counts in summary.scale_answers.items()
    }
    yield instruments.SCALE_ANSWERS, _by_incentive(by_score)
    yield instruments.MARKS, [((mark.identity.hex(), mark.kind, mark.title), mark.at_ms / 1000) for mark in marks]
    customers, mrr = summary.open_detractors
    yield instruments.OPEN_DETRACTORS, [((), customers)]
    yield instruments.OPEN_DETRACTORS_MRR, [((), mrr)]
    customers, mrr = summary.leaving
    yield instruments.LEAVING, [((), customers)]
    yield instruments.LEAVING_MRR, [((), mrr)]
    sleepers = summary.sleepers.items()
    yield instruments.DORMANT, [((window,), found.dormant.total()) for window, found in sleepers]
    yield instruments.RESURRECTED, [((window,), found.resurrected.total()) for window, found in sleepers]
    medians = {key: survival(waits).median_days() for key, waits in summary.waits.items()}
    yield instruments.FOLLOW_UP_MEDIAN, [(key, hours) for key, hours in medians.items() if hours is not None]
    yield from _measures(summary.measures)
    yield from _tickets(summary.tickets)
    yield from _value(summary, costs)
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


def _feedback(found: Mapping[tuple[str, str], Durations]) -> Iterator[tuple[Instrument, list[Sample]]]:
    ends: list[Sample] = [((*key, end), count) for key, spells in found.items() for end, count in _ends(spells)]
    points = [
        ((*key, str(days)), point) for key, spells in found.items() for days, point in _points(spells, FEEDBACK_DAYS)
    ]
    bounds = [(labels, point.interval) for labels, point in points if point.interval is not None]
    yield instruments.FEEDBACK_SPELLS, ends
    yield instruments.FEEDBACK_SURVIVAL, [(labels, point.survival) for labels, point in points]
    yield instruments.FEEDBACK_SURVIVAL_LOWER, [(labels, interval.low) for labels, interval in bounds]
    yield instruments.FEEDBACK_SURVIVAL_UPPER, [(labels, interval.high) for labels, interval in bounds]
    compared = {
        kind: [found[kind, band] for band in bands if (kind, band) in found] for kind, bands in COMPARED.items()
    }
    tests = {kind: log_rank(groups) for kind, groups in compared.items()}
    yield instruments.FEEDBACK_LOG_RANK, [((kind,), test.p) for kind, test in tests.items() if test is not None]


def _measures(found: FewMeasures) -> Iterator[tuple[Instrument, list[Sample]]]:
    told = [
        ((name, variant), each)
        for name, measure in found.measures.items()
        for variant, each in measure.variants.items()
    ]
    counted = [*told, ((OTHER, OTHER), found.others)] if found.others.customers else told
    yield (
        instruments.EXPERIMENT_CUSTOMERS,
        [
            ((*names, end), count)
            for names, each in counted
            for end, count in (*_ends(each.durations), ("not_active", each.not_active))
        ],
    )
    yield (
        instruments.EXPERIMENT_SURVIVAL,
        [
            ((*names, str(days)), point.survival)
            for names, each in told
            for days, point in _points(each.durations, CHURN_DAYS)
        ],
    )
    yield instruments.EXPERIMENT_NEWEST, [((name,), each.newest_ms / 1000) for name, each in found.measures.items()]
    compared = [
        ((name, variant, measure.control), each)
        for name, measure in found.measures.items()
        for variant, each in measure.comparisons.items()
    ]
    yield instruments.EXPERIMENT_P, [(names, each.p) for names, each in compared]
    yield (
        instruments.EXPERIMENT_ODDS,
        [(names, each.odds_ratio) for names, each in compared if each.odds_ratio is not None],
    )
    bounds = [(names, each.interval) for names, each in compared if each.interval is not None]
    yield instruments.EXPERIMENT_ODDS_LOWER, [(names, bound.low) for names, bound in bounds if bound.low]
    yield instruments.EXPERIMENT_ODDS_UPPER, [(names, bound.high) for names, bound in bounds if bound.high < math.inf]


def _tickets(found: TicketSummary) -> Iterator[tuple[Instrument, list[Sample]]]:
    waits = {"answer": found.answer, "solution": found.solution}
    curves = {name: survival(each) for name, each in waits.items()}
    yield (
        instruments.TICKETS,
        [
            ((name, end), sum(counts.values()))
            for name, each in waits.items()
            for end, counts in (("done", each.deaths), ("waiting", each.censored))
        ],
    )
    medians = [((name,), curve.median_days()) for name, curve in curves.items()]
    yield instruments.TICKET_MEDIAN, [(name, 60 * minutes) for name, minutes in medians if minutes is not None]
    within = [((name,), curve.at(DAY_MINUTES)) for name, curve in curves.items()]
    yield instruments.TICKET_WITHIN_DAY, [(name, 1 - point.survival) for name, point in within if point is not None]
    yield instruments.TICKET_SPELLS, [((end,), count) for end, count in _ends(found.spells)]
    points = [((str(days),), point) for days, point in _points(found.spells, CHURN_DAYS)]
    bounds = [(days, point.interval) for days, point in points if point.interval is not None]
    yield instruments.TICKET_SURVIVAL, [(days, point.survival) for days, point in points]
    yield instruments.TICKET_SURVIVAL_LOWER, [(days, interval.low) for days, interval in bounds]
    yield instruments.TICKET_SURVIVAL_UPPER, [(days, interval.high) for days, interval in bounds]


def _value(summary: PopulationSummary, costs: Mapping[str, int]) -> Iterator[tuple[Instrument, list[Sample]]]:
    found = [
        (("all", ""), summary.stays.value()),
        *((("channel", name), stays.value()) for name, stays in summary.channels.items()),
    ]
    yield instruments.VALUE, [(names, each.value) for names, each in found if each.value is not None]
    yield instruments.VALUE_DAYS, [(names, each.mean_days) for names, each in found if each.mean_days is not None]
    paid = {name: costs[name] for name in summary.channels if name in costs}
    yield instruments.ACQUISITION_COST, [((name,), cost) for name, cost in paid.items()]
    payback = {name: summary.channels[name].payback_days(cost) for name, cost in paid.items()}
    yield instruments.PAYBACK_DAYS, [((name,), days) for name, days in payback.items() if days is not None]


def _ends(found: Durations) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return how many stays ended with the customer's leaving, and how many did not."""
    return ("left", sum(found.deaths.values())), ("goes_on", sum(found.censored.values()))


def _points(found: Durations, days: Sequence[int]) -> list[tuple[int, Point]]:
    """Return the points of a curve at some days, as far as it reaches."""
    curve = survival(found)
    return [(day, point) for day in days if (point := curve.at(day)) is not None]


def _by_incentive(found: Mapping[AskedOn, Counter[str]]) -> list[Sample]:
    return [
        ((asked.kind, name, "true" if asked.incentive else "false"), count)
        for asked, counts in sorted(found.items())
        for name, count in sorted(counts.items())
    ]


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
