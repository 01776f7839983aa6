"""The business of the demo's company: customers sign up, try, use the free plan, leave and come back.

Decides what happens, a day at a time; those who pay are `paying`'s, and how it is told is `ledger`'s and `delivery`'s.
Not a forecast of anything: rates are in `market` and in the named values below.
"""

import math
from collections.abc import Sequence
from typing import Final, Protocol

from tenure.demo.company.customers import CompanyCustomer, Contract
from tenure.demo.company.ledger import Ledger, Post
from tenure.demo.company.market import (
    CHANNEL_TABLE,
    COUNTRY_TABLE,
    EARLY_REASONS,
    INDUSTRY_TABLE,
    LEAVING_REASONS,
    PLAN_TABLE,
    PLANS,
    SEATS_OF_SIZE,
    SIZE_TABLES,
    TRIAL_REASONS,
    signup_season,
)
from tenure.demo.company.paying import COMES_BACK, Paying

PRICE_RISE: Final = 1.15
TRIAL_DAYS: Final = 14
# What becomes of trials: about 45 in 100 are bought, one in five is cancelled, some fall back to the free plan; the
# others just run out, and a few of those are bought late. The silent buy less, the satisfied more.
_TRIAL_BOUGHT = 0.48
_SILENT_BUYS_FACTOR = 0.4
_TRIAL_BOUGHT_AT_ITS_END = 0.65
_TRIAL_CANCELLED = 0.2
_TRIAL_CANCELLED_FOR_ITS_END = 0.4
_TRIAL_TO_FREE = 0.06
_RUN_OUT_BOUGHT = 0.06
_RUN_OUT_BOUGHT_WITHIN_DAYS = 45
# Accounts whose trial ran out are closed in the end, as companies tidy up.
_RUN_OUT_CLOSED_AFTER_DAYS = 90
# Free people look again every 30 days: the rates keep them a quarter of the open accounts.
_FREE_REVIEW_DAYS = 30
_FREE_TO_PAID = 0.03
_FREE_TRIES_FIRST = 0.4
_FREE_TRIAL_BOUGHT = 0.5
_TRIAL_COMES_BACK = 0.03
_LOWER_PLAN_AFTER_RETURN = 0.3
# Share of a day's signups who pay after n days: found by running the company, used only to size the signups.
_PAYS_AT_ONCE, _PAYS_AFTER_TRIAL = 0.13, 0.34
_SURVIVAL_FIRST, _SURVIVAL_LATER, _SURVIVAL_DAYS = 0.10, 0.95, (60.0, 1500.0)


class Usage(Protocol):
    """The listener that is told when customers come and go."""

    def joined(self, day: int, customer: CompanyCustomer, joined_at_ms: int) -> None:
        """A customer came on a day (day number), at an instant in ms since 1970 UTC."""


class Business:
    """The company's customers.

    Args:
        seed: Decides everything that happens.
        post: Takes (event type, customer id, instant in ms, members as JSON text) and returns the event's id.
        usage: Is told of those who join.
        customers: About how many shall pay on `live_day` (count).
        founded_day: The first day (day number).
        live_day: The day to which `customers` refers.
        yearly_growth: By what the signups of a day grow in a year; 1.5 is half as many again.
        price_rise_days: Days (day numbers) on which the price list rises by 15 %.
        renewals_from_day: Since when renewals are recorded (day number).

    Attributes:
        present: Everybody who has an account and may use it: paying, on trial or on the free plan, by id.
    """

    def __init__(
        self,
        seed: int,
        post: Post,
        usage: Usage,
        *,
        customers: int,
        founded_day: int,
        live_day: int,
        yearly_growth: float,
        price_rise_days: Sequence[int],
        renewals_from_day: int,
    ) -> None:
        self._ledger = Ledger(seed, post)
        self._ledger.price_level = PRICE_RISE ** sum(day < founded_day for day in price_rise_days)
        self._paying = Paying(
            self._ledger, renewals_from_day=renewals_from_day, has_ended=self._has_ended, is_free=self._plan_review
        )
        self._diary = self._ledger.diary
        self._random = self._ledger.random
        self._draw = self._random.random
        self._usage = usage
        self._live_day = live_day
        self._growth_a_day = math.log(yearly_growth) / 365
        self._price_rise_days = frozenset(price_rise_days)
        self._count = 0
        self.present: dict[str, CompanyCustomer] = {}
        self._signups_at_live_day = customers / sum(
            math.exp(-self._growth_a_day * age) * _share_paying(age) for age in range(live_day - founded_day)
        )

    def live(self, day: int) -> None:
        """Let a day happen (day number); days come in order, each once."""
        if day in self._price_rise_days:
            self._raise_prices(day)
        for _ in range(self._how_many(self._signups_on(day))):
            self._welcome(day)
        self._diary.live(day)

    def _raise_prices(self, day: int) -> None:
        self._ledger.price_level *= PRICE_RISE
        for customer in self.present.values():
            self._paying.mind_price(day, customer.subscription)

    def _signups_on(self, day: int) -> float:
        growth = math.exp(self._growth_a_day * (day - self._live_day))
        return self._signups_at_live_day * growth * signup_season(day)

    def _how_many(self, mean: float) -> int:
        if mean > 50:
            return max(0, round(self._random.gauss(mean, math.sqrt(mean))))
        count, left = 0, self._draw()
        limit = math.exp(-mean)
        while left > limit:
            count += 1
            left *= self._draw()
        return count

    # Coming

    def _welcome(self, day: int) -> None:
        draw = self._draw
        self._count += 1
        plan = PLAN_TABLE.pick(draw())
        channel = CHANNEL_TABLE.pick(draw())
        customer = CompanyCustomer(
            self._count,
            country=COUNTRY_TABLE.pick(draw()),
            channel=channel,
            industry=INDUSTRY_TABLE.pick(draw()),
            size=SIZE_TABLES[plan].pick(draw()),
            satisfaction=self._random.betavariate(4.0, 2.2),
            silent=draw() < channel.silent,
        )
        customer.plan = plan
        customer.seats = self._random.randint(*SEATS_OF_SIZE[customer.size])
        customer.annual = draw() < PLANS[plan].annual_share
        self._sign_up(day, customer, trial=draw() < PLANS[plan].trial_share)
        if draw() < channel.early_churn:
            self._diary.write(day + 1 + int(draw() * 6), self._leave_early, customer.subscription)

    def _sign_up(self, day: int, customer: CompanyCustomer, *, trial: bool) -> None:
        subscription = customer.subscription
        at_ms = self._ledger.working_moment_ms(day, customer)
        self._ledger.open(
            subscription,
            at_ms,
            customer.price(self._ledger.price_level),
            trial=trial,
            members=f',"country":"{customer.country.code}","channel":"{customer.channel.name}"'
            f',"industry":"{customer.industry}","company_size":"{customer.size}"',
        )
        if trial:
            self._plan_trial(day, subscription, _TRIAL_BOUGHT)
        elif customer.plan == 0:
            self._plan_review(day, subscription)
        else:
            self._paying.begin(day, subscription)
        self._join(day, customer, at_ms)

    def _join(self, day: int, customer: CompanyCustomer, at_ms: int) -> None:
        customer.episode += 1
        self.present[customer.id] = customer
        self._usage.joined(day, customer, at_ms)

    def _come_back(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        if self._draw() < _LOWER_PLAN_AFTER_RETURN and customer.plan > 1:
            customer.plan -= 1
        customer.subscription = subscription.successor()
        self._sign_up(day, customer, trial=False)

    # Trying

    def _plan_trial(self, day: int, subscription: Contract, bought: float) -> None:
        """Decide, at its begin, what becomes of a trial that is bought by a share of the people."""
        customer, draw = subscription.customer, self._draw
        last_day = day + TRIAL_DAYS
        bought *= 0.35 + customer.satisfaction
        if customer.silent:
            bought *= _SILENT_BUYS_FACTOR
        fraction = draw()
        if fraction < bought:
            at_end = draw() < _TRIAL_BOUGHT_AT_ITS_END
            self._diary.write(last_day if at_end else day + 3 + int(draw() * 11), self._buy, subscription)
        elif (fraction := draw()) < _TRIAL_CANCELLED / (1 - _TRIAL_BOUGHT):
            cancelled_day = day + 7 + int(draw() * 7)
            cancel = self._leave_at_end if draw() < _TRIAL_CANCELLED_FOR_ITS_END else self._leave_trial
            self._diary.write(cancelled_day, cancel, subscription)
            subscription.billed_on = last_day
        elif fraction < (_TRIAL_CANCELLED + _TRIAL_TO_FREE) / (1 - _TRIAL_BOUGHT):
            self._diary.write(last_day, self._fall_back, subscription)
        else:
            self._diary.write(last_day, self._run_out, subscription)

    def _buy(self, day: int, subscription: Contract) -> None:
        """End a trial, or begin to pay."""
        customer = subscription.customer
        at_ms = self._ledger.working_moment_ms(day, customer)
        self._ledger.change(subscription, at_ms, customer.price(self._ledger.price_level))
        self._paying.begin(day, subscription)
        if customer.id not in self.present:
            self._join(day, customer, at_ms)

    def _fall_back(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        customer.plan = 0
        at_ms = self._ledger.working_moment_ms(day, customer)
        self._ledger.change(subscription, at_ms, customer.price(self._ledger.price_level))
        self._plan_review(day, subscription)

    def _run_out(self, day: int, subscription: Contract) -> None:
        """Let a trial run out, of which nothing is told."""
        self._gone(subscription.customer)
        if self._draw() < _RUN_OUT_BOUGHT:
            self._diary.write(day + 1 + int(self._draw() * _RUN_OUT_BOUGHT_WITHIN_DAYS), self._buy, subscription)
        else:
            self._diary.write(day + _RUN_OUT_CLOSED_AFTER_DAYS, self._tidy_up, subscription)

    def _tidy_up(self, day: int, subscription: Contract) -> None:
        at_ms = self._ledger.billing_moment_ms(day, subscription.customer)
        self._ledger.end_by_billing(subscription, at_ms, "trial_ended")

    # On the free plan

    def _plan_review(self, day: int, subscription: Contract) -> None:
        self._diary.write(day + _FREE_REVIEW_DAYS, self._review_free, subscription)

    def _review_free(self, day: int, subscription: Contract) -> None:
        customer = subscription.customer
        fraction = self._draw()
        if fraction < _FREE_TO_PAID:
            customer.plan = 1
            if self._draw() < _FREE_TRIES_FIRST:
                self._try(day, subscription)
            else:
                self._buy(day, subscription)
            return
        if fraction < _FREE_TO_PAID + PLANS[0].monthly_churn * customer.loyalty():
            self._diary.write(day + 1 + int(self._draw() * (_FREE_REVIEW_DAYS - 1)), self._leave, subscription)
        self._plan_review(day, subscription)

    def _try(self, day: int, subscription: Contract) -> None:
        """Begin a trial of a paid plan, from the free one."""
        customer = subscription.customer
        at_ms = self._ledger.working_moment_ms(day, customer)
        self._ledger.change(subscription, at_ms, customer.price(self._ledger.price_level), trial=True)
        ends = self._buy if self._draw() < _FREE_TRIAL_BOUGHT else self._fall_back
        self._diary.write(day + TRIAL_DAYS, ends, subscription)

    # Leaving

    def _leave(self, day: int, subscription: Contract) -> None:
        self._cancel(day, subscription, LEAVING_REASONS)

    def _leave_early(self, day: int, subscription: Contract) -> None:
        self._cancel(day, subscription, EARLY_REASONS)

    def _leave_trial(self, day: int, subscription: Contract) -> None:
        self._cancel(day, subscription, TRIAL_REASONS)

    def _leave_at_end(self, day: int, subscription: Contract) -> None:
        """Cancel a trial for the end of it."""
        at_ms = self._ledger.working_moment_ms(day, subscription.customer)
        reason = TRIAL_REASONS[int(self._draw() * len(TRIAL_REASONS))]
        self._ledger.schedule_end(subscription, at_ms, subscription.billed_on, reason)
        self._diary.write(subscription.billed_on, self._trial_ended, subscription)

    def _trial_ended(self, day: int, subscription: Contract) -> None:
        self._ledger.close(subscription)
        self._has_ended(day, subscription, _TRIAL_COMES_BACK)

    def _cancel(self, day: int, subscription: Contract, reasons: Sequence[str]) -> None:
        pays = subscription.customer.plan > 0 and not subscription.is_trial
        self._paying.cancel(day, subscription, reasons, comes_back=COMES_BACK if pays else _TRIAL_COMES_BACK)

    def _has_ended(self, day: int, subscription: Contract, comes_back: float) -> None:
        self._gone(subscription.customer)
        if self._draw() < comes_back:
            self._diary.write(day + 4 + int(self._random.expovariate(1 / 45)), self._come_back, subscription)

    def _gone(self, customer: CompanyCustomer) -> None:
        customer.episode += 1
        del self.present[customer.id]


def _share_paying(age_days: int) -> float:
    first, later = (math.exp(-age_days / days) for days in _SURVIVAL_DAYS)
    pays = _PAYS_AT_ONCE + (_PAYS_AFTER_TRIAL if age_days >= TRIAL_DAYS else 0.0)
    return pays * (_SURVIVAL_FIRST * first + _SURVIVAL_LATER * later)
