"""The catalogue names every KPI once, and its formulas divide as the definitions say."""

import re

import pytest

from schemas.catalogue.counts import COUNT_BY_NAME, COUNTS
from schemas.catalogue.formulas import evaluate
from schemas.catalogue.lenses import Lens
from schemas.catalogue.ratios import RATIO_BY_NAME, RATIOS, STOCK_RATIOS, WINDOW_RATIOS
from schemas.catalogue.windows import WINDOWS
from schemas.events import EVENT_TYPES
from schemas.instruments import INSTRUMENTS
from schemas.refusals import Reason
from schemas.topics import DEFAULT_TOPIC_OF_TYPE, INPUT_TOPICS

NOTHING = dict.fromkeys(COUNT_BY_NAME, 0)


def test_names_are_unique() -> None:
    """Two KPIs of one name would overwrite each other in every report."""
    for names in (
        [count.name for count in COUNTS],
        [ratio.name for ratio in RATIOS],
        [str(ratio.path) for ratio in RATIOS],
        [instrument.name for instrument in INSTRUMENTS] + [count.metric for count in COUNTS],
        list(WINDOWS),
    ):
        assert len(names) == len(set(names))


def test_every_formula_is_over_counts_that_exist() -> None:
    """A misspelt count would only be noticed in production."""
    assert {name for ratio in RATIOS for name in ratio.counts} <= set(COUNT_BY_NAME)


def test_every_count_is_fed_by_types_that_exist() -> None:
    """The page of a KPI says which events it needs; they must be events that can be sent."""
    types = {event_type.TYPE for event_type in EVENT_TYPES}
    assert {name for count in COUNTS for name in count.fed_by} <= types


def test_golden_case_gives_each_lens_its_own_churn() -> None:
    """100 at the start, 10 new, 12 cancellations: the four definitions differ, and each is known."""
    counts = {
        **NOTHING,
        "customers_at_start": 100,
        "customers_lost": 10,
        "customers_retained": 90,
        "customers_new": 10,
        "customers_reactivated": 1,
        "cancellations": 12,
        "cancellations_of_new": 1,
    }
    churn = evaluate(WINDOW_RATIOS, counts)["churn"]
    assert churn == {"standard": 10 / 100, "stripe": 12 / 110, "baremetrics": 12 / 100, "profitwell": 11 / 100}
    assert RATIO_BY_NAME["retention"].evaluate(counts) == 90 / 100


def test_every_lens_has_one_ratio_of_churn() -> None:
    """An option that names a definition must find it."""
    assert [(ratio.name, ratio.path[1]) for ratio in RATIOS if ratio.path[0] == "churn"] == [
        (lens.ratio, lens.value) for lens in Lens
    ]


@pytest.mark.parametrize(
    ("name", "counts", "expected"),
    [
        ("nps", {"nps_promoters": 6, "nps_passives": 3, "nps_detractors": 1}, 0.5),
        ("nps", {"nps_detractors": 3}, -1.0),
        (
            "quick_ratio",
            {"mrr_new": 30, "mrr_expansion": 5, "mrr_reactivated": 5, "mrr_churned": 8, "mrr_contraction": 2},
            4,
        ),
        ("renewal", {"renewals_renewed": 8, "renewals_declined": 1, "renewals_failed": 1}, 0.8),
        ("arpa", {"mrr": 10_000, "customers_active": 4}, 2_500.0),
        ("csat", {"csat_satisfied": 1, "csat_answered": 3}, 1 / 3),
        ("survey_response", {"survey_answered": 2}, None),
    ],
)
def test_ratio_is_the_quotient_of_its_formulas(name: str, counts: dict[str, int], expected: float | None) -> None:
    """One small case for each shape of formula."""
    assert RATIO_BY_NAME[name].evaluate({**NOTHING, **counts}) == expected


def test_ratio_without_a_sample_is_absent() -> None:
    """No data is neither 0 % nor 100 %."""
    assert [ratio.evaluate(NOTHING) for ratio in RATIOS] == [None] * len(RATIOS)


def test_ratios_stand_in_the_report_where_the_contract_has_them() -> None:
    """Scripts read these paths."""
    assert evaluate(STOCK_RATIOS, NOTHING) == {"arpa": None}
    assert evaluate(WINDOW_RATIOS, NOTHING) == {
        "retention": None,
        "churn": {"standard": None, "stripe": None, "baremetrics": None, "profitwell": None},
        "dropoff_7d": None,
        "dropoff_silent_7d": None,
        "onboarding": None,
        "engagement": None,
        "trial_conversion": None,
        "cross_sell": None,
        "renewal": None,
        "expansion": None,
        "gross_revenue_retention": None,
        "net_revenue_retention": None,
        "quick_ratio": None,
        "nps": None,
        "csat": None,
        "survey_response": None,
    }


def test_metrics_are_named_by_the_rules_of_the_exposition() -> None:
    """Base units, `_total` on counters only, buckets on histograms only, help on all."""
    for instrument in INSTRUMENTS:
        assert re.fullmatch(r"tenure_[a-z_]+", instrument.name)
        assert instrument.name.endswith("_total") == (instrument.type == "counter"), instrument.name
        assert bool(instrument.buckets) == (instrument.type == "histogram"), instrument.name
        assert instrument.help.endswith("."), instrument.name
        assert "customer_id" not in instrument.labels


def test_every_type_has_one_topic_and_the_mixed_one_has_all() -> None:
    """A producer has to know where to send what."""
    types = [event_type.TYPE for event_type in EVENT_TYPES]
    assert list(DEFAULT_TOPIC_OF_TYPE) == types
    assert set(INPUT_TOPICS[-1].types) == set(types)


def test_reasons_are_in_the_order_of_the_contract() -> None:
    """The order is the order of the checks."""
    assert list(Reason) == [
        "oversized", "malformed_json", "missing_member", "unknown_type", "invalid_member", "time_out_of_range",
        "currency_mismatch", "too_many_facts",
    ]  # fmt: skip
