"""Cohorts and curves as Prometheus reads them: names and labels that dashboards are written for, and how many."""

from __future__ import annotations

from collections import Counter

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from kpis.customer.touchpoints import MarkFact
from kpis.population.cohorts import Cohort
from kpis.population.comparison import log_rank
from kpis.population.frequency import Sleepers
from kpis.population.lifetime import Durations, survival
from kpis.population.reasons import SHOWN, Line, Ranking
from kpis.population.scales import AskedOn
from kpis.population.summary import AGES, COHORTS, CURVE_DAYS, FEEDBACK_DAYS, WINDOWS_DAYS, PopulationSummary, Rankings
from schemas import instruments
from schemas.catalogue.feedback_bands import BANDS
from schemas.catalogue.windows import LIFETIME_DAYS
from schemas.instruments import OF_THE_POPULATION
from streams.metrics.population_exposition import MARKS_SHOWN, population_exposition

#: One worker shows as many at most; a scrape of a worker has some 1,500 besides (count).
BUDGET = 1_650
NOBODY = survival(Durations({}, {}))
NOTHING = Ranking([], Line("", 0, 0))


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
    families = families_of(PopulationSummary(0, cohorts, lifetime, rankings, feedback))
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
