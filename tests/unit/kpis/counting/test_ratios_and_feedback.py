"""Ratios as reports nest them, classes of surveys, and windows by hand.

Definitions: docs/kpis.md, sections Ratios and Counts.
"""

from __future__ import annotations

import datetime as dt

import pytest

from kpis.counting.windows import Windows
from kpis.customer import feedback_codes as codes
from kpis.instants import instant_of
from kpis.money import Money
from schemas.catalogue.counts import COUNTS
from schemas.catalogue.formulas import evaluate
from schemas.catalogue.ratios import STOCK_RATIOS, WINDOW_RATIOS
from schemas.instants import milliseconds

NOTHING = dict.fromkeys((count.name for count in COUNTS), 0)


def _leaves(ratios: dict[str, object]) -> list[object]:
    return [leaf for value in ratios.values() for leaf in (_leaves(value) if isinstance(value, dict) else [value])]


def test_ratio_of_nothing_is_absent() -> None:
    """No data is not zero churn, and not full retention either."""
    assert set(_leaves(evaluate(WINDOW_RATIOS, NOTHING))) == {None}
    assert evaluate(STOCK_RATIOS, NOTHING) == {"arpa": None}


def test_ratios_are_those_of_the_golden_case() -> None:
    """The definitions' own figures."""
    counts = NOTHING | {
        "customers_at_start": 100, "customers_lost": 10, "customers_retained": 90, "customers_new": 10,
        "cancellations": 12, "cancellations_of_new": 1,
    }  # fmt: skip
    ratios = evaluate(WINDOW_RATIOS, counts)
    assert ratios["retention"] == 0.9
    assert ratios["churn"] == {"standard": 0.1, "stripe": 12 / 110, "baremetrics": 0.12, "profitwell": 0.11}


@pytest.mark.parametrize(
    ("status", "kind", "way", "classes"),
    [
        ("sent", None, None, (0, 1, 2, 3, 4, 5, 6, 7)),
        ("sent", "csat", None, (0, 1, 2, 3)),
        ("dismissed", "nps", "email", (12,)),
        ("answered", "nps", "in_app", (17, 21, 25)),
        ("answered", "csat", "other", (30, 34)),
        ("answered", "csat", "outreach", (31, 35)),
    ],
)
def test_classes_of_surveys_by_status_kind_and_way(
    status: str, kind: str | None, way: str | None, classes: tuple[int, ...]
) -> None:
    """A class that is in no sum would not count, one that is in two would count twice."""
    assert codes.classes_of(status, kind, way) == classes


@pytest.mark.parametrize(("score", "first"), [(10, 16), (9, 16), (8, 20), (7, 20), (6, 24), (0, 24)])
def test_nps_scores_fall_into_their_classes(score: int, first: int) -> None:
    """Promoters are 9 and 10, passives 7 and 8, detractors the rest."""
    assert codes.CLASS[codes.CODE["nps", "answered", score, "email"]] == first


def test_codes_of_surveys_order_as_conflicts_compare_them() -> None:
    """The smaller of two contents counts; the code stands for the content."""
    assert codes.survey_code("csat", "sent", 5, "outreach") < codes.survey_code("nps", "answered", -1, "email")
    assert codes.survey_code("nps", "answered", 2, "outreach") < codes.survey_code("nps", "answered", 10, "email")


def _hour(text: str) -> int:
    return milliseconds(dt.datetime.fromisoformat(text)) // 3_600_000


@pytest.mark.parametrize(
    ("zone", "at", "start"),
    [
        ("UTC", "2025-03-01T00:00:00+00:00", "2025-02-01T00:00:00+00:00"),
        ("UTC", "2025-03-01T01:00:00+00:00", "2025-03-01T00:00:00+00:00"),
        ("Europe/Berlin", "2025-04-01T00:00:00+02:00", "2025-03-01T00:00:00+01:00"),
        ("Europe/Berlin", "2025-11-01T00:00:00+01:00", "2025-10-01T00:00:00+02:00"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00+00:00", "2018-11-01T03:00:00+00:00"),
    ],
)
def test_month_begins_in_the_business_time_zone(zone: str, at: str, start: str) -> None:
    """A month of the wrong zone is hours too long or too short."""
    assert Windows(time_zone=zone).start("month", _hour(at)) == _hour(start)


def test_window_of_days_is_so_many_times_twenty_four_hours() -> None:
    """Clocks that change do not change a rolling window."""
    windows = Windows((1, 30), time_zone="Europe/Berlin", bucket_ms=1_800_000)
    assert windows.names == ("1d", "30d", "month")
    assert windows.start("30d", 10_000) == 10_000 - 30 * 48


def test_bucket_that_does_not_divide_the_zone_is_refused() -> None:
    """Months would begin inside of a bucket."""
    with pytest.raises(AssertionError, match="must divide every offset"):
        Windows(time_zone="Asia/Kolkata")


def test_instants_and_money_are_exact() -> None:
    """Milliseconds are cut, halves go to the even side, and a currency without a rate is a fault of the caller."""
    assert milliseconds(instant_of(1_735_689_600_123)) == 1_735_689_600_123
    assert milliseconds(dt.datetime(2025, 1, 1, 0, 0, 0, 999_999, dt.UTC)) == 1_735_689_600_999
    money = Money("USD", {"EUR": "0.5"})
    assert [money.convert(amount, "EUR", 0) for amount in (1, 2, 3, 5)] == [0, 1, 2, 2]
    with pytest.raises(KeyError):
        money.convert(1, "GBP", 0)
