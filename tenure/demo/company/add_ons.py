"""Add-ons of the demo's company: a second subscription beside the customer's own, opened and ended on its own."""

from tenure.demo.company.customers import Contract, Price
from tenure.demo.company.ledger import Ledger
from tenure.demo.company.market import ADD_ON_REASONS, ADD_ON_TABLE

# Bought late and kept long: after a year some 9 in 100 who pay have one, after three some 14.
_BOUGHT_AFTER_DAYS_MEAN = 1_200
_KEPT_DAYS_MEAN = 420
_PLANNED_DAYS_MAX = 2_000


class AddOns:
    """Add-ons of those who pay."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._random = ledger.random

    def plan(self, day: int, subscription: Contract) -> None:
        """Decide when somebody whose subscription begins on a day (day number) buys an add-on, if ever."""
        if subscription.customer.has_add_on():
            return
        days = 1 + int(self._random.expovariate(1 / _BOUGHT_AFTER_DAYS_MEAN))
        if days < _PLANNED_DAYS_MAX:
            self._ledger.diary.write(day + days, self._buy, subscription)

    def end_with(self, subscription: Contract, at_ms: int) -> None:
        """End the add-on of a customer whose subscription ends at an instant (ms since 1970 UTC): both at once."""
        add_on = subscription.customer.add_on
        if add_on is not None and add_on.is_open:
            self._ledger.end_by_billing(add_on, at_ms, "plan_ended")

    def _buy(self, day: int, subscription: Contract) -> None:
        if subscription.ends_on is not None:
            return
        customer = subscription.customer
        name, amount_minor = ADD_ON_TABLE.pick(self._random.random())
        price = Price(name, int(amount_minor * self._ledger.price_level / 100) * 100)
        add_on = customer.own_add_on()
        self._ledger.open(add_on, self._ledger.working_moment_ms(day, customer), price)
        days = 1 + int(self._random.expovariate(1 / _KEPT_DAYS_MEAN))
        self._ledger.diary.write(day + days, self._drop, add_on)

    def _drop(self, day: int, add_on: Contract) -> None:
        customer = add_on.customer
        self._ledger.end(add_on, self._ledger.working_moment_ms(day, customer), ADD_ON_REASONS)
        self.plan(day, customer.subscription)
