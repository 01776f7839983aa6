"""Conversion of money: by the rate that holds at the event's time."""

from decimal import Decimal

import pytest

from kpis.money import Money

JANUARY_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
HOUR_MS = 3_600_000


def test_rate_holds_from_the_first_instant_of_its_day() -> None:
    """Finance sets rates by day; the event's time decides, whenever the event arrives."""
    money = Money("USD", {"EUR@2026-01-01": "1.10", "EUR": "1.08", "EUR@2026-02-01": Decimal("0.5")})
    at_ms = [0, JANUARY_MS - 1, JANUARY_MS, JANUARY_MS + 31 * 24 * HOUR_MS]
    assert [money.convert(1000, "EUR", each) for each in at_ms] == [1080, 1080, 1100, 500]


@pytest.mark.parametrize(
    ("time_zone", "first_ms"),
    [("America/New_York", JANUARY_MS + 5 * HOUR_MS), ("Asia/Kolkata", JANUARY_MS - 11 * HOUR_MS // 2)],
)
def test_day_begins_in_the_business_time_zone(time_zone: str, first_ms: int) -> None:
    """It is the day of the company's books."""
    money = Money("USD", {"EUR": "1", "EUR@2026-01-01": "2"}, time_zone)
    assert [money.convert(1, "EUR", at_ms) for at_ms in (first_ms - 1, first_ms)] == [1, 2]


def test_day_whose_midnight_is_left_out_begins_after_the_gap() -> None:
    """Clocks in Brazil went from midnight to one o'clock."""
    money = Money("USD", {"EUR": "1", "EUR@2018-11-04": "2"}, "America/Sao_Paulo")
    first_ms = 1_541_300_400_000  # 2018-11-04T03:00:00Z
    assert [money.convert(1, "EUR", at_ms) for at_ms in (first_ms - 1, first_ms)] == [1, 2]


def test_rate_without_a_day_is_older_than_any_with_one() -> None:
    """It holds before all of these, whichever year they are of."""
    money = Money("USD", {"EUR": "1", "EUR@1960-01-01": "2"})
    assert money.convert(1, "EUR", JANUARY_MS) == 2
    assert Money("USD", {"EUR@0001-01-01": "3"}, "Asia/Tokyo").convert(1, "EUR", JANUARY_MS) == 3


def test_currency_without_a_rate_at_that_time_has_none() -> None:
    """Decoding refuses such events; converting one by a later rate would invent revenue."""
    money = Money("USD", {"EUR@2026-01-01": "2"})
    assert money.rated_from_ms() == {"EUR": JANUARY_MS}
    with pytest.raises(KeyError):
        money.convert(1, "EUR", JANUARY_MS - 1)
    with pytest.raises(KeyError):
        money.convert(1, "CHF", JANUARY_MS)
    assert money.convert(7, "", 0) == money.convert(7, "USD", 0) == 7
