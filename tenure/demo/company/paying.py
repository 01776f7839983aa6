"""Those who pay the demo's company: bills, changes of plan, pauses, and leaving.

Decides what a customer does from one bill to the next; the rates are in `market` and in the named values below.
"""

from collections.abc import Callable, Sequence
from typing import Final

from schemas.instants import DAY_MS
from tenure.demo.company.add_ons import AddOns
from tenure.demo.company.customers import CompanyCustomer, Contract, Price
from tenure.demo.company.ledger import PERIOD_ENDS_MS, Ledger
from tenure.demo.company.market import LEAVING_REASONS, PLANS, SWITCHING_CHANNEL, date_of, next_bill_day

_PAYMENT_FAILS = 0.013
_PAYMENT_RECOVERS = 0.62
_DUNNING_DAYS = 14
_PLAN_CHANGE_A_BILL = 0.022
_ANNUAL_CHANGE_FACTOR = 8
_DOWNGRADE_SHARE = 0.3
# Most who want less have paid for the period: what is scheduled holds from the next bill on, unless they think again.
_DOWNGRADE_SCHEDULED = 0.7
_NOTICE_SHARE_MONTHLY = 0.3
_NOTICE_SHARE_ANNUAL = 0.6
_WITHDRAWN = 0.15
# Of those who decide to leave, some keep their account on the free plan.
_LEAVES_TO_FREE = 0.08
# Some 13 in 100 of those billed monthly pause in a year, for one to three months.
_PAUSES_A_BILL = 0.012
_PAUSE_DAYS: Final = (30, 90)
_PAUSE_WITH_END = 0.3
_LEAVES_PAUSED = 0.15
_LEAVES_OVER_PRICE = 0.065
_DOWNGRADES_OVER_PRICE = 0.02
COMES_BACK: Final = 0.11
_COMES_BACK_AFTER_FAILED_PAYMENT = 0.35


class Paying:
    """Subscriptions that are paid for.

    Args:
        ledger: Where what happens is told.
        renewals_from_day: Since when renewals are recorded (day number).
        has_ended: Is told of a subscription that ended on a day (day number), and how likely its customer comes back.
        is_free: Is told of a subscription that is free from a day on.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        renewals_from_day: int,
        has_ended: Callable[[int, Contract, float], None],
        is_free: Callable[[int, Contract], None],
    ) -> None:
        self._ledger = ledger
        self._diary = ledger.diary
        self._random = ledger.random
        self._draw = ledger.random.random
        self._add_ons = AddOns(ledger)
        self._renewals_from_day = renewals_from_day
        self._has_ended = has_ended
        self._is_free = is_free

    def begin(self, day: int, subscription: Contract) -> None:
        """Begin to bill a subscription on a day (day number)."""
        subscription.anchor = date_of(day).day
        self._add_ons.plan(day, subscription)
        self._start_period(day, subscription)

    def mind_price(self, day: int, subscription: Contract) -> None:
        """Decide what somebody does about a rise of prices on a day: some leave within days, most of them at once."""
        customer = subscription.customer
        if customer.plan == 0 or customer.annual or subscription.is_trial or subscription.is_paused:
            return
        fraction = self._draw()
        if fraction < _LEAVES_OVER_PRICE * customer.loyalty():
            self._diary.write(day + int(self._random.expovariate(0.45)), self._leave_over_price, subscription)
        elif fraction > 1 - _DOWNGRADES_OVER_PRICE:
            self._diary.write(day + int(self._random.expovariate(0.2)), self._downgrade, subscription)

    def cancel(
        self, day: int, subscription: Contract, reasons: Sequence[str], *, comes_back: float = COMES_BACK
    ) -> None:
        """End a subscription at once, on a day, for one of some reasons; what is to end anyway is left to its end."""
        if subscription.ends_on is not None:
            return
        self._withdraw(day, subscription)
        at_ms = self._ledger.working_moment_ms(day, subscription.customer)
        self._ledger.end(subscription, at_ms, reasons)
        self._left(day, subscription, at_ms, comes_back)

    # Bills

    def _start_period(self, day: int, subscription: Contract) -> None:
        """Decide, at a bill, what the customer does until the next one."""
        customer, draw = subscription.customer, self._draw
        next_bill = next_bill_day(day, subscription.anchor, 12 if customer.annual else 1)
        subscription.billed_on = next_bill
        self._diary.write(next_bill, self._bill, subscription)
        plan = PLANS[customer.plan]
        churn = plan.annual_churn if customer.annual else plan.monthly_churn
        if draw() < churn * customer.loyalty():
            self._decide_to_leave(day, next_bill, subscription)
        elif draw() < _PLAN_CHANGE_A_BILL * (_ANNUAL_CHANGE_FACTOR if customer.annual else 1):
            change = self._downgrade if draw() < _DOWNGRADE_SHARE else self._upgrade
            self._diary.write(self._day_between(day, next_bill), change, subscription)
        elif not customer.annual and draw() < _PAUSES_A_BILL:
            self._diary.write(self._day_between(day, next_bill), self._pause, subscription)

    def _day_between(self, day: int, next_bill: int) -> int:
        return day + 1 + int(self._draw() * (next_bill - day - 1))

    def _decide_to_leave(self, day: int, next_bill: int, subscription: Contract) -> None:
        draw, annual = self._draw, subscription.customer.annual
        if draw() < _LEAVES_TO_FREE:
            self._diary.write(self._day_between(day, next_bill), self._go_free, subscription)
        elif draw() < (_NOTICE_SHARE_ANNUAL if annual else _NOTICE_SHARE_MONTHLY):
            notice_days = min(next_bill - day - 1, 1 + int(draw() * 40))
            subscription.ends_on = next_bill
            self._diary.write(next_bill - notice_days, self._give_notice, subscription)
        elif annual:
            subscription.ends_on = next_bill
        else:
            self._diary.write(self._day_between(day, next_bill), self._leave, subscription)

    def _bill(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        if subscription.ends_on == day:
            self._renewal(day, customer, "declined")
            self._end_of_period(day, subscription)
            return
        if subscription.smaller is not None:
            self._reduce(day, subscription)
        if self._draw() < _PAYMENT_FAILS:
            self._renewal(day, customer, "failed")
            if self._draw() < _PAYMENT_RECOVERS:
                self._diary.write(day + 1 + int(self._draw() * (_DUNNING_DAYS - 4)), self._renew, subscription)
            else:
                self._diary.write(day + _DUNNING_DAYS, self._leave_unpaid, subscription)
        else:
            self._renew(day, subscription)

    def _renew(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        self._renewal(day, customer, "renewed")
        price = customer.price(self._ledger.price_level)
        if price.year_minor() > subscription.price.year_minor():
            self._ledger.change(subscription, self._ledger.working_moment_ms(day, customer), price)
        self._start_period(day, subscription)

    def _renewal(self, day: int, customer: CompanyCustomer, outcome: str) -> None:
        if day >= self._renewals_from_day:
            self._ledger.tell_renewal(customer, self._ledger.billing_moment_ms(day, customer), outcome)

    # Changes and pauses

    def _upgrade(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        if self._draw() < 0.5:
            customer.plan = customer.larger_plan()
        else:
            customer.seats += 1 + customer.seats // 3
        self._change(day, subscription)

    def _downgrade(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        if subscription.ends_on is not None or subscription.scheduled_id:
            return
        plan, seats = customer.plan, customer.seats
        if seats > 1:
            seats -= 1 + seats // 4
        else:
            plan = max(1, plan - 1)
        days_left = subscription.billed_on - day
        if days_left > 1 and customer.channel is not SWITCHING_CHANNEL and self._draw() < _DOWNGRADE_SCHEDULED:
            self._schedule_reduction(day, subscription, plan, seats)
        else:
            customer.plan, customer.seats = plan, seats
            self._change(day, subscription)

    def _change(self, day: int, subscription: Contract) -> None:
        """Tell what the plan, the seats and the price list now amount to."""
        customer = subscription.customer
        price = customer.price(self._ledger.price_level)
        if price == subscription.price:
            return
        at_ms = self._ledger.working_moment_ms(day, customer)
        if customer.channel is SWITCHING_CHANNEL:
            self._switch(day, subscription, at_ms, price)
        else:
            self._ledger.change(subscription, at_ms, price)

    def _switch(self, day: int, subscription: Contract, at_ms: int, price: Price) -> None:
        """End a subscription and open another in the same second, by which some billing systems change a plan."""
        customer = subscription.customer
        # In one second of one bucket: to the begin of the next second, and less than a second on.
        ended_at_ms = at_ms - at_ms % 1000 + 1000
        self._ledger.end_by_billing(subscription, ended_at_ms, "plan_changed")
        customer.subscription = subscription.successor()
        customer.told_ms = ended_at_ms + int(self._draw() * 1000)
        self._ledger.open(customer.subscription, customer.told_ms, price)
        self.begin(day, customer.subscription)

    def _schedule_reduction(self, day: int, subscription: Contract, plan: int, seats: int) -> None:
        customer = subscription.customer
        price = customer.price_of(plan, seats, self._ledger.price_level)
        if price == subscription.price:
            return
        at_ms = self._ledger.working_moment_ms(day, customer)
        self._ledger.schedule_change(subscription, at_ms, price, subscription.billed_on)
        subscription.smaller = (plan, seats, price)
        self._think_again(day, subscription)

    def _reduce(self, day: int, subscription: Contract) -> None:
        assert subscription.smaller is not None, f"{subscription.id} is not reduced"
        customer = subscription.customer
        customer.plan, customer.seats, subscription.price = subscription.smaller
        customer.told_ms = max(customer.told_ms, day * DAY_MS + PERIOD_ENDS_MS)
        subscription.scheduled_id = ""
        subscription.smaller = None

    def _think_again(self, day: int, subscription: Contract) -> None:
        """Let some of those who told of something to come with the next bill withdraw it before."""
        if self._draw() < _WITHDRAWN and subscription.billed_on - day > 1:
            self._diary.write(self._day_between(day, subscription.billed_on), self._withdraw, subscription)

    def _withdraw(self, day: int, subscription: Contract) -> None:
        if subscription.scheduled_id:
            self._ledger.withdraw(subscription, self._ledger.working_moment_ms(day, subscription.customer))

    def _go_free(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        self._withdraw(day, subscription)
        customer.plan = 0
        at_ms = self._ledger.working_moment_ms(day, customer)
        self._ledger.change(subscription, at_ms, customer.price(self._ledger.price_level))
        # Bills, and what else was planned of paying, are void.
        subscription.episode += 1
        self._add_ons.end_with(subscription, at_ms)
        self._is_free(day, subscription)

    def _pause(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        self._withdraw(day, subscription)
        at_ms = self._ledger.working_moment_ms(day, customer)
        self._ledger.pause(subscription, at_ms)
        until = day + self._random.randint(*_PAUSE_DAYS)
        if self._draw() < _PAUSE_WITH_END:
            self._ledger.schedule_resume(subscription, at_ms + 1, until)
            self._diary.write(until, self._resumed, subscription)
        else:
            ends = self._leave if self._draw() < _LEAVES_PAUSED else self._resume
            self._diary.write(until, ends, subscription)

    def _resume(self, day: int, subscription: Contract) -> None:
        self._ledger.resume(subscription, self._ledger.working_moment_ms(day, subscription.customer))
        self.begin(day, subscription)

    def _resumed(self, day: int, subscription: Contract) -> None:
        subscription.is_paused = False
        customer = subscription.customer
        customer.told_ms = max(customer.told_ms, day * DAY_MS + PERIOD_ENDS_MS)
        self.begin(day, subscription)

    # Leaving

    def _leave(self, day: int, subscription: Contract) -> None:
        self.cancel(day, subscription, LEAVING_REASONS)

    def _leave_over_price(self, day: int, subscription: Contract) -> None:
        self.cancel(day, subscription, ("too_expensive",))

    def _leave_unpaid(self, day: int, subscription: Contract) -> None:
        at_ms = self._ledger.billing_moment_ms(day, subscription.customer)
        self._ledger.end_unpaid(subscription, at_ms)
        self._left(day, subscription, at_ms, _COMES_BACK_AFTER_FAILED_PAYMENT)

    def _give_notice(self, day: int, subscription: Contract) -> None:
        assert subscription.ends_on is not None, f"{subscription.id} is given notice without an end"
        at_ms = self._ledger.working_moment_ms(day, subscription.customer)
        reason = LEAVING_REASONS[int(self._draw() * len(LEAVING_REASONS))]
        self._ledger.schedule_end(subscription, at_ms, subscription.ends_on, reason)
        self._think_again(day, subscription)

    def _end_of_period(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        at_ms = day * DAY_MS + PERIOD_ENDS_MS
        if subscription.scheduled_id:
            customer.told_ms = max(customer.told_ms, at_ms)
            self._ledger.close(subscription)
        else:
            at_ms = self._ledger.after_ms(at_ms, customer)
            self._ledger.end(subscription, at_ms, LEAVING_REASONS)
        self._left(day, subscription, at_ms, COMES_BACK)

    def _left(self, day: int, subscription: Contract, at_ms: int, comes_back: float) -> None:
        self._add_ons.end_with(subscription, at_ms)
        self._has_ended(day, subscription, comes_back)
