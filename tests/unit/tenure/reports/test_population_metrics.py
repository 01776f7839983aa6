"""What the worker of partition 0 shows of measures, tickets and value is what the commands print, to the last digit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kpis.population.experiments import Comparisons
from kpis.population.local_time import local_time
from kpis.population.summary import SUPPORT_DAYS, PopulationScan, PopulationSummary
from schemas.documents.comparisons import ChurnAfter
from schemas.instants import milliseconds
from streams.metrics.population_exposition import population_exposition
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, open_source
from tenure.reports.experiments import read_experiments
from tenure.reports.support import read_support
from tenure.reports.value import read_value
from tenure.stored.customers import scan_all

Samples = dict[tuple[str, ...], float]

SETTINGS = Settings(acquisition_costs={"ads": 12_000, "partner": 4_500, "nowhere": 1})
#: Early enough that some tickets wait, and that a variant differs for certain.
SCOPE = Scope(
    at_ms=milliseconds(datetime(2025, 6, 1, tzinfo=UTC)),
    by=("channel",),
    file=str(Path(__file__).parents[4] / "docs" / "examples" / "care.ndjson"),
)


async def summary_of(known: Comparisons | None = None) -> PopulationSummary:
    """Return the summary of the customers of the example."""
    async with open_source(SETTINGS, SCOPE) as source:
        clock, bucket_ms = local_time(SETTINGS.business_time_zone), SETTINGS.bucket_minutes * 60_000
        what = SETTINGS.what_counts
        scan = PopulationScan(at_ms=source.at_ms, clock=clock, bucket_ms=bucket_ms, what=what, known=known)
        async for part in scan_all(SETTINGS, source.tables, range(source.partitions)):
            scan.take(part.names, [state for _, state in part.states])
        return scan.summary()


def samples_of(text: str, name: str) -> Samples:
    """Return the values of a family by those of its labels."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return {tuple(sample.labels.values()): sample.value for sample in families[name].samples}


@pytest.fixture(scope="module")
def shown() -> str:
    """What Prometheus reads."""
    summary = asyncio.run(summary_of())
    return population_exposition(summary, cpu_seconds=0.0, costs=SETTINGS.acquisition_costs).decode()


def stays(churn: list[ChurnAfter], bound: str = "share") -> dict[str, float]:
    """Return which shares stay, by days; a lower bound of those who left is an upper one of those who stay."""
    return {str(each.days): 1 - getattr(each, bound) for each in churn if getattr(each, bound) is not None}


async def test_measures_are_those_of_the_command(shown: str) -> None:
    """A board that contradicts the command is believed by nobody, and so is the command."""
    found = partial(samples_of, shown)
    (name, measure), *_ = (await read_experiments(SETTINGS, SCOPE)).measures.items()
    assert measure.control in measure.variants
    customers = found("tenure_experiment_customers")
    for variant, told in measure.variants.items():
        assert customers[name, variant, "not_active"] == told.not_active
        assert customers[name, variant, "left"] == told.curve.deaths
        assert customers[name, variant, "goes_on"] == told.curve.censored
        shares = found("tenure_experiment_survival_ratio")
        assert {days: shares[name, variant, days] for days in stays(told.churn)} == pytest.approx(stays(told.churn))
    compared = {
        (name, each, measure.control): told.comparison for each, told in measure.variants.items() if told.comparison
    }
    assert len(compared) == len(measure.variants) - 1
    assert [each for each in compared.values() if each.differs]
    for family, member in (("p_value", "p"), ("odds_ratio", "odds_ratio"), ("odds_lower_ratio", "low")):
        assert found(f"tenure_experiment_{family}") == {
            key: getattr(each, member) for key, each in compared.items() if getattr(each, member) is not None
        }
    assert found("tenure_experiment_odds_upper_ratio") == {key: each.high for key, each in compared.items()}


async def test_tickets_are_those_of_the_command(shown: str) -> None:
    """Of the window that the command has when none is named."""
    found = partial(samples_of, shown)
    report = await read_support(SETTINGS, SCOPE, window=f"{SUPPORT_DAYS}d")
    waits = {"answer": report.answer, "solution": report.solution}
    assert report.opened
    assert found("tenure_support_tickets") == {
        (wait, end): count
        for wait, told in waits.items()
        for end, count in (("done", told.done), ("waiting", told.waiting))
    }
    assert found("tenure_support_median_seconds") == {
        (wait,): 60 * told.median_minutes for wait, told in waits.items() if told.median_minutes is not None
    }
    assert found("tenure_support_within_day_ratio") == {
        (wait,): told.within_day for wait, told in waits.items() if told.within_day is not None
    }
    spells = {("left",): report.curve.deaths, ("goes_on",): report.curve.censored}
    assert found("tenure_support_spells") == spells
    for family, bound in (("ratio", "share"), ("lower_ratio", "high"), ("upper_ratio", "low")):
        shown_shares = found(f"tenure_support_survival_{family}")
        assert {days: share for (days,), share in shown_shares.items()} == pytest.approx(stays(report.churn, bound))


async def test_value_is_that_of_the_command(shown: str) -> None:
    """By another way: the command looks at each stay, the worker at sums of them."""
    found = partial(samples_of, shown)
    report = await read_value(SETTINGS, SCOPE)
    assert report.segments
    told = {("all", ""): report.all, **{("channel", name): each for name, each in report.segments["channel"].items()}}
    assert len(told) > 3
    assert found("tenure_customer_value_minor") == {key: each.value for key, each in told.items()}
    assert found("tenure_customer_value_days") == {key: each.mean_days for key, each in told.items()}
    costs = {key[1:]: each for key, each in told.items() if each.acquisition_cost}
    assert found("tenure_acquisition_cost_minor") == {key: each.acquisition_cost for key, each in costs.items()}
    assert found("tenure_acquisition_payback_days") == {key: each.payback_days for key, each in costs.items()}
    assert set(costs) == {("ads",), ("partner",)}


async def test_a_comparison_is_not_made_again_where_nobody_has_left_since(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take a second, and the customers are looked at every minute."""
    known = Comparisons()
    first = await summary_of(known)
    monkeypatch.delattr("kpis.population.experiments.compared_tables")
    assert (await summary_of(known)).measures == first.measures
    with pytest.raises(NameError):
        await summary_of(Comparisons())
