"""Prices: by MRR or by amount, and the currencies in which they are sent."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoding.decoder import Decoder
from schemas.decoding.prices import mrr_of
from schemas.events import MRR_MINOR_MAX, Upgrade
from schemas.refusals import Reason
from tests.unit.schemas.lines import NOON_MS, SIGNUP, decode, line, reason_of, say

PER_MONTH = {"day": Fraction(365, 12), "week": Fraction(365, 84), "month": Fraction(1), "year": Fraction(1, 12)}
MRRS = [
    ({"amount_minor": 4900, "interval": "month"}, 4900),
    ({"amount_minor": 19900, "interval": "year", "quantity": 3}, 4975),
    ({"amount_minor": 30, "interval": "year"}, 2),
    ({"amount_minor": 42, "interval": "year"}, 4),
    ({"amount_minor": 100, "interval": "day"}, 3042),
    ({"amount_minor": 100, "interval": "week", "interval_count": 2}, 217),
    ({"amount_minor": 10**30, "interval": "month", "quantity": 0}, 0),
    ({"amount_minor": MRR_MINOR_MAX * 12, "interval": "year"}, MRR_MINOR_MAX),
]


@pytest.mark.parametrize(("price", "mrr_minor"), MRRS, ids=str)
def test_price_by_amount_is_an_mrr(price: dict[str, object], mrr_minor: int) -> None:
    """Billing systems send amounts; the fold adds up months."""
    (event,) = decode(line(say("upgrade", plan="pro", **price)).value).events
    assert isinstance(event, Upgrade)
    assert (event.mrr_minor, event.amount_minor) == (mrr_minor, msgspec.UNSET)


@given(
    st.integers(0, 10**15),
    st.sampled_from(sorted(PER_MONTH)),
    st.integers(1, 10**6),
    st.integers(0, 10**6),
)
def test_mrr_is_exact_and_rounded_half_to_even(amount_minor: int, interval: str, count: int, quantity: int) -> None:
    """A float would lose a cent somewhere, and nobody would find it."""
    expected = round(Fraction(amount_minor * quantity, count) * PER_MONTH[interval])
    found = mrr_of(amount_minor=amount_minor, interval=interval, interval_count=count, quantity=quantity)
    assert expected == found


def test_currency_is_kept_in_capitals() -> None:
    """One currency in two spellings would be two in every comparison of events."""
    (event,) = decode(line(say("upgrade", plan="pro", mrr_minor=1, currency="uSd")).value).events
    assert isinstance(event, Upgrade)
    assert event.currency == "USD"


@pytest.mark.parametrize("extra", [{}, {"sequence": None}], ids=["fast", "slow"])
def test_currency_has_to_have_a_rate_at_the_time_of_the_event(extra: dict[str, object]) -> None:
    """A rate that begins later says nothing of what was paid before."""
    decoder = Decoder(currencies={"EUR": NOON_MS, "CHF": -(2**63)})
    noon = {**SIGNUP, "currency": "EUR", **extra}
    before = {**noon, "time": "2026-01-01T11:59:59.999Z"}
    assert decode(line(noon).value, decoder).refused == []
    assert reason_of(line(before).value, decoder) == Reason.CURRENCY_MISMATCH
    assert decode(line({**before, "currency": "CHF"}).value, decoder).refused == []
    assert decode(line({**before, "effective_at": "2026-01-01T12:00:00Z"}).value, decoder).refused == []
    assert reason_of(line({**noon, "effective_at": before["time"]}).value, decoder) == Reason.CURRENCY_MISMATCH
    free = {**before, "mrr_minor": 0}
    assert reason_of(line(free).value, decoder) == Reason.CURRENCY_MISMATCH
