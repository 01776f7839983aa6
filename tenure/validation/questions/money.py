"""Questions about money: a wrong unit, and currencies that are missing or do not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Final

from kpis.customer.facts import PricedFact
from kpis.references import offset_of
from schemas.events import Downgrade, Signup, Upgrade
from schemas.money import decimals_of
from tenure.reports.formats import money
from tenure.validation.questions.question import (
    EXAMPLES_KEPT,
    Asked,
    Kept,
    Mention,
    Question,
    SeenEvent,
    SeenTotals,
    Weight,
)

_HUNDREDFOLD: Final = (98.0, 102.1)
"""Dollars for cents: 49 is 4,900, or 4,999 that was cut."""
_PRICED: Final = (Signup, Upgrade, Downgrade)
_PRICES_OF_LIST: Final = 20
"""A plan with more prices than these has none of a list: seats and discounts make them."""
_PLANS_KEPT: Final = 2_000
_TINY_MAJOR: Final = 2
"""Hardly any subscription costs less a month (major units)."""
_FEWEST: Final = 10
_FEWEST_OF_CURRENCY: Final = 5
_SAMPLES_KEPT: Final = 500
_APART: Final = 20.0
_UNIT: Final = (
    "mrr_minor and amount_minor are in minor units (cents), without decimals; --money major reads files in major ones"
)


def _is_hundredfold(one: int, other: int) -> bool:
    low, high = sorted((one, other))
    return low > 0 and _HUNDREDFOLD[0] <= high / low <= _HUNDREDFOLD[1]


class Jumps(Question):
    """Prices of a subscription that become a hundred times as high, or low, on one plan."""

    def __init__(self) -> None:
        super().__init__()
        self._count = self._changes = 0
        self._examples: list[Mention] = []

    def look(self, kept: Kept) -> None:
        """See a customer."""
        last: dict[str, PricedFact] = {}
        for fact in kept.facts:
            if not isinstance(fact, PricedFact):
                continue
            before = last.get(fact.subscription)
            last[fact.subscription] = fact
            if before is None or (before.plan, before.currency) != (fact.plan, fact.currency):
                continue
            was, now = before.own_price, fact.own_price
            self._changes += was != now
            if _is_hundredfold(was, now):
                self._count += 1
                if len(self._examples) < EXAMPLES_KEPT:
                    currency = kept.names.currency_names[fact.currency]
                    said = f"customer {kept.customer_id}: {money(was, currency)} becomes {money(now, currency)}"
                    self._examples.append(Mention(said, offset_of(fact.reference)))

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask for the unit."""
        del totals
        if self._count:
            yield Asked(
                "price_jumps",
                Weight.HIGH,
                self._count,
                self._changes,
                "changes make the price of a subscription a hundred times as high, or as low, on the same plan",
                f"look for a producer that sends another unit: {_UNIT}",
                self._examples,
            )


class _PricesOfPlan:
    """Prices on one plan in one currency (counts), and the first event with each."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.numbers: dict[int, int] = {}


class PricesApart(Question):
    """List prices of a plan of which one is a hundred times another."""

    WANTS = _PRICED

    def __init__(self, default_currency: str) -> None:
        super().__init__()
        self._default = default_currency
        self._plans: dict[tuple[str, str], _PricesOfPlan] = {}

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
        event = seen.event
        if not event.mrr_minor:
            return
        key = (event.plan, event.currency or self._default)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _PLANS_KEPT:
                self.gave_up = f"prices of plans: no more than {_PLANS_KEPT:,} plans are looked at"
                return
            plan = self._plans[key] = _PricesOfPlan()
        if event.mrr_minor in plan.counts or len(plan.counts) <= _PRICES_OF_LIST:
            plan.counts[event.mrr_minor] += 1
            plan.numbers.setdefault(event.mrr_minor, seen.number)

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask for the unit."""
        del totals
        count = of = 0
        examples = []
        for (plan, currency), prices in self._plans.items():
            if len(prices.counts) > _PRICES_OF_LIST:
                continue
            of += prices.counts.total()
            for low in sorted(prices.counts):
                high = next((each for each in prices.counts if each > low and _is_hundredfold(low, each)), None)
                if high is not None:
                    rare, usual = sorted((low, high), key=lambda each: prices.counts[each])
                    count += prices.counts[rare]
                    said = f"plan {plan}: {money(rare, currency)} beside {money(usual, currency)}"
                    examples.append(Mention(said, prices.numbers[rare]))
        if count:
            yield Asked(
                "prices_apart",
                Weight.HIGH,
                count,
                of,
                "prices are a hundredth of another price of their plan, or a hundred times it",
                f"look for a producer that sends another unit: {_UNIT}",
                examples[:EXAMPLES_KEPT],
            )


class TinyPrices(Question):
    """Prices that are mostly below what a subscription costs, as if they were in major units."""

    WANTS = _PRICED

    def __init__(self, default_currency: str) -> None:
        super().__init__()
        self._default = default_currency
        self._all: Counter[str] = Counter()
        self._tiny: Counter[str] = Counter()
        self._examples: dict[str, list[Mention]] = {}

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
        event = seen.event
        if not event.mrr_minor:
            return
        currency = event.currency or self._default
        self._all[currency] += 1
        decimals = decimals_of(currency)
        if decimals and event.mrr_minor < _TINY_MAJOR * 10**decimals:
            self._tiny[currency] += 1
            examples = self._examples.setdefault(currency, [])
            if len(examples) < EXAMPLES_KEPT:
                said = f"{event.mrr_minor} on plan {event.plan} is {money(event.mrr_minor, currency)} a month"
                examples.append(Mention(said, seen.number))

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask for the unit."""
        del totals
        for currency, tiny in self._tiny.items():
            every = self._all[currency]
            least = money(_TINY_MAJOR * 10 ** decimals_of(currency), currency)
            if every >= _FEWEST and 2 * tiny >= every:
                yield Asked(
                    "tiny_prices",
                    Weight.HIGH,
                    tiny,
                    every,
                    f"prices in {currency} are below {least} a month",
                    f"if {currency} is not that weak, they are in major units: {_UNIT}",
                    self._examples[currency],
                )


class CurrencyMissing(Question):
    """Prices without a currency, where others name another one than the default."""

    WANTS = _PRICED

    def __init__(self, default_currency: str) -> None:
        super().__init__()
        self._default = default_currency
        self._named: Counter[str] = Counter()
        self._examples: list[Mention] = []

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
        event = seen.event
        if event.mrr_minor:
            self._named[event.currency] += 1
            if not event.currency and len(self._examples) < EXAMPLES_KEPT:
                self._examples.append(Mention(f"{event.TYPE} of {event.customer_id}, plan {event.plan}", seen.number))

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask for the currency."""
        del totals
        others = sorted(set(self._named) - {"", self._default})
        if others and self._named[""]:
            yield Asked(
                "currency_missing",
                Weight.HIGH,
                self._named[""],
                self._named.total(),
                f"prices name no currency, and count as {self._default}; others name {', '.join(others)}",
                "send the currency with each price",
                self._examples,
            )


class CurrenciesApart(Question):
    """Plans whose usual price in one currency is many times that in another."""

    def __init__(self) -> None:
        super().__init__()
        self._prices: dict[tuple[str, str], list[int]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._default = ""

    def look(self, kept: Kept) -> None:
        """See a customer."""
        names = kept.names
        self._default = names.money.default
        for fact in kept.facts:
            if isinstance(fact, PricedFact) and fact.mrr:
                key = (names.plan_names[fact.plan], names.currency_names[fact.currency])
                prices = self._prices.get(key)
                if prices is None:
                    if len(self._prices) >= _PLANS_KEPT:
                        self.gave_up = f"prices by currency: no more than {_PLANS_KEPT:,} are looked at"
                        return
                    prices = self._prices[key] = []
                    self._numbers[key] = offset_of(fact.reference)
                if len(prices) < _SAMPLES_KEPT:
                    prices.append(fact.mrr)

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask for units and rates."""
        del totals
        medians: dict[str, dict[str, float]] = {}
        for (plan, currency), prices in self._prices.items():
            if len(prices) >= _FEWEST_OF_CURRENCY:
                medians.setdefault(plan, {})[currency] = median(prices)
        examples = []
        for plan, by_currency in medians.items():
            low = min(by_currency, key=lambda currency: by_currency[currency])
            high = max(by_currency, key=lambda currency: by_currency[currency])
            if by_currency[high] >= _APART * by_currency[low]:
                shown = [f"{money(by_currency[each], self._default)} in {each}" for each in (low, high)]
                said = f"plan {plan}: usually {shown[0]} and {shown[1]}, converted"
                examples.append(Mention(said, self._numbers[plan, high]))
        if examples:
            yield Asked(
                "currencies_apart",
                Weight.HIGH,
                len(examples),
                len(medians),
                f"plans cost {_APART:.0f} times as much, or more, in one currency as in another",
                "look at the unit of each (JPY has no decimals, KWD three), and at the setting currency_rates: it says "
                "how many minor units of the default currency one minor unit is worth",
                examples[:EXAMPLES_KEPT],
            )
