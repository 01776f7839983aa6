"""Cohorts and curves as Prometheus reads them: names and labels that dashboards are written for, and how many."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from kpis.customer.touchpoints import MarkFact
from kpis.population.cohorts import Cohort
from kpis.population.comparison import log_rank
from kpis.population.experiments import FewMeasures, Measure, Variant
from kpis.population.frequency import Sleepers
from kpis.population.lifetime import Durations, Interval, survival
from kpis.population.reasons import SHOWN, Line, Ranking
from kpis.population.scales import AskedOn
from kpis.population.sequential import ALPHA, SequentialComparison
from kpis.population.summary import (
    AGES,
    CHANNELS,
    COHORTS,
    CURVE_DAYS,
    FEEDBACK_DAYS,
    MEASURES,
    SUPPORT_DAYS,
    VARIANTS,
    WINDOWS_DAYS,
    PopulationSummary,
    Rankings,
    TicketSummary,
)
from kpis.population.value import StaySums
from monitoring.alerts import thresholds
from schemas import instruments
from schemas.catalogue.feedback_bands import BANDS
from schemas.catalogue.windows import LIFETIME_DAYS
from schemas.instruments import OF_THE_POPULATION
from streams.metrics.population_exposition import MARKS_SHOWN, population_exposition

#: One worker shows as many at most; a scrape of a worker has some 1,500 besides (count).
BUDGET = 2_150
NOBODY = survival(Durations({}, {}))
NOTHING = Ranking([], Line("", 0, 0))


NONE = Durations({}, {})
SURE = SequentialComparison(0.01, 20_000, 2.0, Interval(1.5, 4.0), 40)


def stays_of(mrr: int) -> StaySums:
    """Return two stays of 60 days that go on, and what both pay together."""
    found = StaySums()
    found.going_on[60], found.mrr = 2, mrr
    return found


def cohort(name: str, size: int, matured: tuple[int, ...], active: tuple[int, ...]) -> Cohort:
    """Return a cohort without MRR, which is not shown."""
    nothing = (0,) * len(matured)
    return Cohort(name, size, matured, active, (0, *nothing), nothing, nothing)


def families_of(summary: PopulationSummary) -> dict[str, Metric]:
    """Return what a parser makes of it."""
    text = population_exposition(summary, cpu_seconds=0.25).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def samples_of(summary: PopulationSummary, name: str) -> dict[tuple[str, ...], float]:
    """Return the values of a family by those of its labels."""
    return {tuple(sample.labels.values()): sample.value for sample in families_of(summary)[name].samples}


def test_all_families_are_there_with_help_and_type() -> None:
    """A dashboard that finds no family cannot tell a missing worker from a company without customers."""
    families = families_of(PopulationSummary(0, [], NOBODY, {}))
    assert list(families) == [declared.name for declared in OF_THE_POPULATION]
    assert [family.documentation for family in families.values()] == [declared.help for declared in OF_THE_POPULATION]
    assert {family.type for family in families.values()} == {"gauge"}


def test_limits_that_help_and_alerts_name_are_those_that_hold() -> None:
    """Neither may import them: the help of a metric is declared below, and rules are written without the product."""
    helps = {each.name: each.help for each in OF_THE_POPULATION}
    measures = helps["tenure_experiment_customers"]
    assert f"the {MEASURES} measures" in measures
    assert f"the {VARIANTS} largest variants" in measures
    assert f"at most {ALPHA}" in helps["tenure_experiment_p_value"]
    assert f"last {SUPPORT_DAYS} days" in helps["tenure_support_tickets"]
    assert f"the {CHANNELS} with the most" in helps["tenure_customer_value_minor"]
    assert thresholds.MEASURE_P == ALPHA


def test_a_cohort_is_shown_by_age_in_months_with_two_digits() -> None:
    """Ages sort as text in a table, and a share is customers over matured at every age."""
    summary = PopulationSummary(0, [cohort("2026-01", 10, (9, 4), (8, 1)), cohort("2026-03", 5, (), ())], NOBODY, {})
    assert samples_of(summary, "tenure_cohort_customers") == {
        ("month", "2026-01", "00"): 10,
        ("month", "2026-01", "01"): 8,
        ("month", "2026-01", "02"): 1,
        ("month", "2026-03", "00"): 5,
    }
    assert samples_of(summary, "tenure_cohort_matured") == {
        ("month", "2026-01", "00"): 10,
        ("month", "2026-01", "01"): 9,
        ("month", "2026-01", "02"): 4,
        ("month", "2026-03", "00"): 5,
    }


def test_the_curve_ends_where_nobody_was_observed_for_longer() -> None:
    """What lies beyond is not known; the bounds are absent where nobody has left so far."""
    lifetime = survival(Durations({20: 5}, {40: 5}))
    summary = PopulationSummary(1_767_225_600_000, [], lifetime, {})
    shares = samples_of(summary, "tenure_survival_ratio")
    assert shares == {(str(days),): 1.0 if days < 20 else 0.5 for days in CURVE_DAYS if days <= 40}
    point = lifetime.at(30)
    assert point is not None
    assert point.interval is not None
    low, high = point.interval
    assert samples_of(summary, "tenure_survival_lower_ratio") == {("21",): low, ("30",): low}
    assert samples_of(summary, "tenure_survival_upper_ratio") == {("21",): high, ("30",): high}
    assert samples_of(summary, "tenure_survival_median_days") == {(): 20}
    assert samples_of(summary, "tenure_survival_mean_days") == {(): 30.0}
    assert samples_of(summary, "tenure_scan_timestamp_seconds") == {(): 1_767_225_600}
    assert samples_of(summary, "tenure_scan_cpu_seconds") == {(): 0.25}


def test_reasons_and_features_are_shown_by_window() -> None:
    """Involuntary cancellations are nobody's decision: what is to be done about them differs."""
    lines = [Line("price", 5, 9, involuntary=1), Line("other", 2, 0)]
    found = Ranking(lines, Line("", 7, 9, 1))
    summary = PopulationSummary(
        0, [], NOBODY, {"7d": Rankings(found, NOTHING, NOTHING), "30d": Rankings(NOTHING, found, found)}
    )
    assert samples_of(summary, "tenure_cancellations_by_reason") == {
        ("7d", "price", "false"): 4,
        ("7d", "price", "true"): 1,
        ("7d", "other", "false"): 2,
        ("7d", "other", "true"): 0,
    }
    assert samples_of(summary, "tenure_answers_by_reason") == {("30d", "price"): 5, ("30d", "other"): 2}
    assert samples_of(summary, "tenure_engaged_by_feature") == {("30d", "price"): 5, ("30d", "other"): 2}


def test_who_is_on_the_way_out_or_back_is_shown() -> None:
    """The numbers of `tenure risk` and `tenure usage`, between two looks at these."""
    sleepers = {"30d": Sleepers(Counter({"pro": 2, "team": 1}), Counter({"pro": 4}))}
    summary = PopulationSummary(0, [], NOBODY, {}, leaving=(5, 12_300), sleepers=sleepers)
    assert samples_of(summary, "tenure_customers_leaving") == {(): 5}
    assert samples_of(summary, "tenure_customers_leaving_mrr_minor") == {(): 12_300}
    assert samples_of(summary, "tenure_customers_dormant") == {("30d",): 3}
    assert samples_of(summary, "tenure_customers_resurrected") == {("30d",): 4}


def test_spells_after_answers_are_shown_by_kind_and_band() -> None:
    """What is compared is told with the test that compares it; who was never asked is in none."""
    feedback = {
        ("nps", "promoters"): Durations({40: 1}, {100: 3}),
        ("nps", "detractors"): Durations({3: 2, 20: 1}, {60: 1}),
        ("nps", "never_asked"): Durations({}, {400: 9}),
    }
    summary = PopulationSummary(0, [], NOBODY, {}, feedback)
    spells = samples_of(summary, "tenure_feedback_spells")
    assert spells["nps", "detractors", "left"] == 3
    assert spells["nps", "never_asked", "goes_on"] == 9
    shares = samples_of(summary, "tenure_feedback_survival_ratio")
    assert shares["nps", "promoters", "30"] == 1
    assert shares["nps", "promoters", "90"] == pytest.approx(3 / 4)
    assert ("nps", "promoters", "180") not in shares
    assert samples_of(summary, "tenure_feedback_survival_lower_ratio")["nps", "detractors", "30"] < 1 / 4
    assert samples_of(summary, "tenure_feedback_survival_upper_ratio")["nps", "detractors", "30"] > 1 / 4
    compared = log_rank([feedback["nps", "promoters"], feedback["nps", "detractors"]])
    assert compared is not None
    assert samples_of(summary, "tenure_feedback_log_rank_p_value") == {("nps",): pytest.approx(compared.p)}


def test_answers_on_further_scales_are_shown_by_score_and_incentive() -> None:
    """A board divides the good ones by all; no text of an answer is in a label."""
    asked = AskedOn("ces", incentive=True)
    summary = PopulationSummary(0, [], NOBODY, {})._replace(
        scale_surveys={asked: Counter({"answered": 3, "sent": 4})}, scale_answers={asked: Counter({7: 2, 3: 1})}
    )
    assert samples_of(summary, "tenure_scale_answers") == {("ces", "7", "true"): 2, ("ces", "3", "true"): 1}
    assert samples_of(summary, "tenure_scale_surveys") == {("ces", "answered", "true"): 3, ("ces", "sent", "true"): 4}


def test_variants_are_shown_with_what_decides_and_the_rest_as_one() -> None:
    """A bound of nothing or of infinity is none; who saw what has no place on a board is counted all the same."""
    unsure = SequentialComparison(1.0, None, None, Interval(0.0, math.inf), 0)
    spells, few = Durations({3: 1}, {100: 3}), Durations({}, {5: 2})
    variants = {"control": Variant(spells, 2), "a": Variant(spells, 0), "b": Variant(few, 0)}
    measures = {"tour": Measure(86_400_000, "control", variants, {"a": SURE, "b": unsure})}
    summary = PopulationSummary(0, [], NOBODY, {})._replace(measures=FewMeasures(measures, Variant(few, 1)))
    customers = samples_of(summary, "tenure_experiment_customers")
    assert customers["tour", "control", "not_active"] == 2
    assert [customers["tour", "a", end] for end in ("left", "goes_on", "not_active")] == [1, 3, 0]
    assert [customers["other", "other", end] for end in ("left", "goes_on", "not_active")] == [0, 2, 1]
    assert samples_of(summary, "tenure_experiment_survival_ratio") == {
        ("tour", name, days): 0.75 for name, days in itertools.product(("control", "a"), ("30", "90"))
    }
    assert samples_of(summary, "tenure_experiment_newest_timestamp_seconds") == {("tour",): 86_400}
    assert samples_of(summary, "tenure_experiment_p_value") == {
        ("tour", "a", "control"): 0.01,
        ("tour", "b", "control"): 1.0,
    }
    for bound, value in (("odds", 2.0), ("odds_lower", 1.5), ("odds_upper", 4.0)):
        assert samples_of(summary, f"tenure_experiment_{bound}_ratio") == {("tour", "a", "control"): value}
    without = summary._replace(measures=FewMeasures(measures, Variant(NONE, 0)))
    assert ("other", "other", "left") not in samples_of(without, "tenure_experiment_customers")


def test_a_channel_has_its_cost_where_it_is_set_and_its_payback_where_the_stays_say() -> None:
    """A channel that nobody set a cost of has none, and not one of 0."""
    channels = {"ads": stays_of(300), "partner": stays_of(0), "seo": stays_of(300)}
    summary = PopulationSummary(0, [], NOBODY, {})._replace(channels=channels, stays=stays_of(100))
    text = population_exposition(summary, cpu_seconds=0.0, costs={"ads": 100, "partner": 50, "none": 1}).decode()
    found = {family.name: family.samples for family in text_string_to_metric_families(text)}
    values = {tuple(each.labels.values()): each.value for each in found["tenure_customer_value_minor"]}
    assert values["channel", "partner"] == 0
    assert values["all", ""] == pytest.approx(60 * 100 / 2 / (365 / 12))
    costs = {each.labels["channel"]: each.value for each in found["tenure_acquisition_cost_minor"]}
    payback = {each.labels["channel"]: each.value for each in found["tenure_acquisition_payback_days"]}
    assert (costs, payback) == ({"ads": 100, "partner": 50}, {"ads": 21})


def test_numbers_that_do_not_exist_are_absent() -> None:
    """Nobody has no median; while more than half stay on, neither."""
    assert samples_of(PopulationSummary(0, [], NOBODY, {}), "tenure_survival_median_days") == {}
    assert samples_of(PopulationSummary(0, [], NOBODY, {}), "tenure_survival_mean_days") == {}
    few = survival(Durations({1: 1}, {9: 9}))
    assert samples_of(PopulationSummary(0, [], few, {}), "tenure_survival_median_days") == {}


def test_a_summary_of_anybody_stays_within_its_budget_of_series() -> None:
    """Prometheus pays for series: years of history and any number of reasons may not add any."""
    cohorts = [cohort(f"{2020 + n // 12}-{n % 12 + 1:02}", 9, (9,) * 60, (5,) * 60) for n in range(COHORTS)]
    lifetime = survival(Durations(dict.fromkeys(range(3_000), 2), dict.fromkeys(range(3_000), 1)))
    found = Ranking([Line(f"reason-{n}", 9, 9, 3) for n in range(SHOWN + 1)], Line("", 9, 9, 3))
    rankings = {f"{days}d": Rankings(found, found, found) for days in WINDOWS_DAYS}
    spells = Durations(dict.fromkeys(range(400), 2), dict.fromkeys(range(400), 1))
    feedback = {(kind, band): spells for kind, bands in BANDS.items() for band in bands}
    measure = Measure(
        0, "control", dict.fromkeys(("control", *"abcd"), Variant(spells, 1)), dict.fromkeys("abcd", SURE)
    )
    measures = FewMeasures({f"m{n}": measure for n in range(MEASURES)}, Variant(spells, 1))
    assert len(measure.comparisons) == VARIANTS
    names = [*(f"c{n}" for n in range(CHANNELS)), "other"]
    summary = PopulationSummary(0, cohorts, lifetime, rankings, feedback)._replace(
        measures=measures, tickets=TicketSummary(spells, spells, spells), channels=dict.fromkeys(names, stays_of(5))
    )
    text = population_exposition(summary, cpu_seconds=0.0, costs=dict.fromkeys(names, 1)).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert len(families["tenure_acquisition_payback_days"].samples) == CHANNELS + 1
    assert len(families["tenure_experiment_p_value"].samples) == MEASURES * VARIANTS
    assert set(LIFETIME_DAYS) <= set(CURVE_DAYS)
    assert len(families["tenure_feedback_survival_ratio"].samples) == len(feedback) * len(FEEDBACK_DAYS)
    assert len(families["tenure_cohort_customers"].samples) == COHORTS * AGES
    assert sum(len(family.samples) for family in families.values()) <= BUDGET


def test_the_newest_marks_are_shown_with_their_time_as_value() -> None:
    """A board takes the value as the time: a mark that comes late stands where it happened."""
    marks = [MarkFact(1_000 * n, 0, n.to_bytes(8), 0, "price", f"Prices {n}", -1) for n in range(MARKS_SHOWN + 5)]
    text = population_exposition(PopulationSummary(0, [], NOBODY, {}), cpu_seconds=0.0, marks=marks).decode()
    (family,) = (each for each in text_string_to_metric_families(text) if each.name == instruments.MARKS.name)
    shown = {sample.labels["title"]: sample.value for sample in family.samples}
    assert shown == {f"Prices {n}": float(n) for n in range(5, MARKS_SHOWN + 5)}
