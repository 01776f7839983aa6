"""The business of the demo's company: customers sign up, pay, change plans, leave and come back.

Decides what happens, a day at a time, and posts it; how it is written down and delivered is `delivery`.
Not a forecast of anything: rates are in `market` and in the named values below.
"""

import math
import random
from collections.abc import Callable, Sequence
from typing import Protocol

from schemas.instants import DAY_MS
from tenure.demo.company.customers import CompanyCustomer, Diary
from tenure.demo.company.delivery import instant_text
from tenure.demo.company.market import (
    CHANNEL_TABLE,
    COUNTRY_TABLE,
    EARLY_REASONS,
    HOUR_MS,
    HOUR_STARTS_MS,
    INDUSTRY_TABLE,
    LEAVING_REASONS,
    PLAN_TABLE,
    PLANS,
    SEATS_OF_SIZE,
    SIZE_TABLES,
    Country,
    date_of,
    next_bill_day,
    signup_season,
)

PRICE_RISE = 1.15
_FREE_REVIEW_DAYS = 30
_FREE_TO_PAID = 0.045
_PAYMENT_FAILS = 0.013
_PAYMENT_RECOVERS = 0.62
_DUNNING_DAYS = 14
_PLAN_CHANGE_A_BILL = 0.022
_DOWNGRADE_SHARE = 0.3
_NOTICE_SHARE_MONTHLY = 0.3
_NOTICE_SHARE_ANNUAL = 0.6
_NOTICE_WITHDRAWN = 0.15
_COMES_BACK = 0.11
_COMES_BACK_AFTER_FAILED_PAYMENT = 0.35
_LEAVES_OVER_PRICE = 0.065
_DOWNGRADES_OVER_PRICE = 0.02
# Share of a day's signups still there after n days: found by running the company, used only to size the signups.
_SURVIVAL_FIRST, _SURVIVAL_LATER, _SURVIVAL_DAYS = 0.20, 0.85, (60.0, 2400.0)


class Usage(Protocol):
    """The listener that is told when customers come and go."""

    def joined(self, day: int, customer: CompanyCustomer, joined_at_ms: int) -> None:
        """A customer became active on a day (day number), at an instant in ms since 1970 UTC."""


Post = Callable[[str, str, int, str], str]


def working_moment_ms(day: int, country: Country, draw: Callable[[], float]) -> int:
    """Return an instant (ms since 1970 UTC) of a day (day number) at which people of a country are likely at work."""
    local_ms = HOUR_STARTS_MS[int(draw() * 256)] + int(draw() * HOUR_MS)
    return day * DAY_MS + (local_ms - country.utc_offset_hours * HOUR_MS) % DAY_MS


class Business:
    """The company's subscriptions.

    Args:
        seed: Decides everything that happens.
        post: Takes (event type, customer id, instant in ms, members as JSON text) and returns the event's id.
        usage: Is told of those who join.
        customers: About how many shall be active on `live_day` (count).
        founded_day: The first day (day number).
        live_day: The day to which `customers` refers.
        yearly_growth: By what the signups of a day grow in a year; 1.5 is half as many again.
        price_rise_days: Days (day numbers) on which the price list rises by 15 %.
        renewals_from_day: Since when renewals are recorded (day number).
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
        self._random = random.Random(f"{seed}/business")
        self._draw = self._random.random
        self._post = post
        self._usage = usage
        self._diary = Diary()
        self._founded_day = founded_day
        self._live_day = live_day
        self._growth_a_day = math.log(yearly_growth) / 365
        self._price_rise_days = frozenset(price_rise_days)
        self._renewals_from_day = renewals_from_day
        self._price_level = PRICE_RISE ** sum(day < founded_day for day in price_rise_days)
        self._count = 0
        self.active: dict[str, CompanyCustomer] = {}
        self._signups_at_live_day = customers / sum(
            math.exp(-self._growth_a_day * age) * _share_left(age) for age in range(live_day - founded_day)
        )

    def live(self, day: int) -> None:
        """Let a day happen (day number); days come in order, each once."""
        if day in self._price_rise_days:
            self._raise_prices(day)
        for _ in range(self._how_many(self._signups_on(day))):
            self._welcome(day)
        self._diary.live(day)

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
        self._sign_up(day, customer)
        if draw() < channel.early_churn:
            self._diary.write(day + 1 + int(draw() * 6), self._leave_early, customer)

    def _sign_up(self, day: int, customer: CompanyCustomer) -> None:
        signed_up_at_ms = working_moment_ms(day, customer.country, self._draw)
        customer.active = True
        customer.episode += 1
        customer.mrr_minor = customer.price_minor(self._price_level)
        self.active[customer.id] = customer
        self._post(
            "signup",
            customer.id,
            signed_up_at_ms,
            f',"plan":"{PLANS[customer.plan].name}","mrr_minor":{customer.mrr_minor},"currency":"USD"'
            f',"country":"{customer.country.code}","channel":"{customer.channel.name}"'
            f',"industry":"{customer.industry}","company_size":"{customer.size}"',
        )
        if customer.plan == 0:
            self._diary.write(day + _FREE_REVIEW_DAYS, self._review_free, customer)
        else:
            self._subscribe(day, customer)
        self._usage.joined(day, customer, signed_up_at_ms)

    def _come_back(self, day: int, customer: CompanyCustomer) -> None:
        if self._draw() < 0.3 and customer.plan > 1:
            customer.plan -= 1
        self._sign_up(day, customer)

    # Paying

    def _subscribe(self, day: int, customer: CompanyCustomer) -> None:
        customer.anchor = date_of(day).day
        self._start_period(day, customer)

    def _start_period(self, day: int, customer: CompanyCustomer) -> None:
        """Decide, at a bill, what the customer does until the next one."""
        next_bill = next_bill_day(day, customer.anchor, 12 if customer.annual else 1)
        self._diary.write(next_bill, self._bill, customer)
        plan, draw = PLANS[customer.plan], self._draw
        churn = plan.annual_churn if customer.annual else plan.monthly_churn
        if draw() < churn * customer.loyalty():
            self._decide_to_leave(day, next_bill, customer)
        elif draw() < _PLAN_CHANGE_A_BILL * (8 if customer.annual else 1):
            change = self._downgrade if draw() < _DOWNGRADE_SHARE else self._upgrade
            self._diary.write(day + 1 + int(draw() * (next_bill - day - 1)), change, customer)

    def _decide_to_leave(self, day: int, next_bill: int, customer: CompanyCustomer) -> None:
        draw = self._draw
        if draw() < (_NOTICE_SHARE_ANNUAL if customer.annual else _NOTICE_SHARE_MONTHLY):
            notice_days = min(next_bill - day - 1, 1 + int(draw() * 40))
            self._diary.write(next_bill - notice_days, self._give_notice, customer)
            customer.ends_on = next_bill
        elif customer.annual:
            customer.ends_on = next_bill
        else:
            self._diary.write(day + 1 + int(draw() * (next_bill - day - 1)), self._leave, customer)

    def _bill(self, day: int, customer: CompanyCustomer) -> None:
        if customer.ends_on == day:
            self._renewal(day, customer, "declined")
            self._end(day, customer, was_announced=bool(customer.notice_id))
        elif self._draw() < _PAYMENT_FAILS:
            self._renewal(day, customer, "failed")
            if self._draw() < _PAYMENT_RECOVERS:
                self._diary.write(day + 1 + int(self._draw() * (_DUNNING_DAYS - 4)), self._renew, customer)
            else:
                self._diary.write(day + _DUNNING_DAYS, self._leave_unpaid, customer)
        else:
            self._renew(day, customer)

    def _renew(self, day: int, customer: CompanyCustomer) -> None:
        self._renewal(day, customer, "renewed")
        price_minor = customer.price_minor(self._price_level)
        if price_minor > customer.mrr_minor:
            self._change(day, customer)
        self._start_period(day, customer)

    def _renewal(self, day: int, customer: CompanyCustomer, outcome: str) -> None:
        # Billing runs in the first three hours of the day, all over the world at once.
        if day >= self._renewals_from_day:
            billed_at_ms = day * DAY_MS + int(self._draw() * 3 * HOUR_MS)
            self._post("renewal", customer.id, billed_at_ms, f',"source":"billing","outcome":"{outcome}"')

    # Changing

    def _review_free(self, day: int, customer: CompanyCustomer) -> None:
        fraction = self._draw()
        if fraction < _FREE_TO_PAID:
            customer.plan = 1
            self._change(day, customer)
            self._subscribe(day, customer)
            return
        if fraction < _FREE_TO_PAID + PLANS[0].monthly_churn * customer.loyalty():
            self._diary.write(day + 1 + int(self._draw() * (_FREE_REVIEW_DAYS - 1)), self._leave, customer)
        self._diary.write(day + _FREE_REVIEW_DAYS, self._review_free, customer)

    def _upgrade(self, day: int, customer: CompanyCustomer) -> None:
        if self._draw() < 0.5:
            customer.plan = customer.larger_plan()
        else:
            customer.seats += 1 + customer.seats // 3
        self._change(day, customer)

    def _downgrade(self, day: int, customer: CompanyCustomer) -> None:
        if customer.seats > 1:
            customer.seats -= 1 + customer.seats // 4
        elif customer.plan > 1:
            customer.plan -= 1
        self._change(day, customer)

    def _change(self, day: int, customer: CompanyCustomer) -> None:
        """Post what the plan, the seats and the price list now amount to."""
        mrr_minor = customer.price_minor(self._price_level)
        if mrr_minor == customer.mrr_minor:
            return
        customer.changes += 1
        self._post(
            "upgrade" if mrr_minor > customer.mrr_minor else "downgrade",
            customer.id,
            working_moment_ms(day, customer.country, self._draw),
            f',"sequence":{customer.changes},"plan":"{PLANS[customer.plan].name}","mrr_minor":{mrr_minor},"currency":"USD"',
        )
        customer.mrr_minor = mrr_minor

    def _raise_prices(self, day: int) -> None:
        """Make the price list rise: some of those who pay by the month leave within days, most of them at once."""
        self._price_level *= PRICE_RISE
        for customer in self.active.values():
            if customer.plan == 0 or customer.annual:
                continue
            fraction = self._draw()
            if fraction < _LEAVES_OVER_PRICE * customer.loyalty():
                self._diary.write(day + int(self._random.expovariate(0.45)), self._leave_over_price, customer)
            elif fraction > 1 - _DOWNGRADES_OVER_PRICE:
                self._diary.write(day + int(self._random.expovariate(0.2)), self._downgrade, customer)

    # Leaving

    def _leave(self, day: int, customer: CompanyCustomer) -> None:
        self._cancel(day, customer, LEAVING_REASONS[int(self._draw() ** 1.4 * len(LEAVING_REASONS))])

    def _leave_early(self, day: int, customer: CompanyCustomer) -> None:
        self._cancel(day, customer, EARLY_REASONS[int(self._draw() * len(EARLY_REASONS))])

    def _leave_over_price(self, day: int, customer: CompanyCustomer) -> None:
        self._cancel(day, customer, "too_expensive")

    def _leave_unpaid(self, day: int, customer: CompanyCustomer) -> None:
        self._post(
            "cancel",
            customer.id,
            day * DAY_MS + int(self._draw() * 3 * HOUR_MS),
            ',"source":"billing","reason":"payment_failed","involuntary":true',
        )
        self._end(day, customer, was_announced=True, comes_back=_COMES_BACK_AFTER_FAILED_PAYMENT)

    def _cancel(self, day: int, customer: CompanyCustomer, reason: str) -> None:
        moment_ms = working_moment_ms(day, customer.country, self._draw)
        # One in nine tells no reason.
        members = "" if self._draw() < 0.11 else f',"reason":"{reason}"'
        self._post("cancel", customer.id, moment_ms, members)
        self._end(day, customer, was_announced=True)

    def _give_notice(self, day: int, customer: CompanyCustomer) -> None:
        assert customer.ends_on is not None, f"{customer.id} gives notice without an end"
        ends_at_ms = customer.ends_on * DAY_MS + 4 * HOUR_MS
        reason = LEAVING_REASONS[int(self._draw() * len(LEAVING_REASONS))]
        customer.notice_id = self._post(
            "cancel",
            customer.id,
            working_moment_ms(day, customer.country, self._draw),
            f',"reason":"{reason}","effective_at":"{instant_text(ends_at_ms)}"',
        )
        if self._draw() < _NOTICE_WITHDRAWN and customer.ends_on - day > 1:
            withdrawn_day = day + 1 + int(self._draw() * (customer.ends_on - day - 1))
            self._diary.write(withdrawn_day, self._withdraw_notice, customer)

    def _withdraw_notice(self, day: int, customer: CompanyCustomer) -> None:
        self._post(
            "revoke",
            customer.id,
            working_moment_ms(day, customer.country, self._draw),
            f',"revokes":"{customer.notice_id}"',
        )
        customer.ends_on = None
        customer.notice_id = ""

    def _end(
        self, day: int, customer: CompanyCustomer, *, was_announced: bool, comes_back: float = _COMES_BACK
    ) -> None:
        if not was_announced:
            self._post(
                "cancel",
                customer.id,
                day * DAY_MS + 4 * HOUR_MS + int(self._draw() * HOUR_MS),
                f',"reason":"{LEAVING_REASONS[int(self._draw() * len(LEAVING_REASONS))]}"',
            )
        customer.active = False
        customer.episode += 1
        customer.ends_on = None
        customer.notice_id = ""
        del self.active[customer.id]
        if self._draw() < comes_back:
            self._diary.write(day + 4 + int(self._random.expovariate(1 / 45)), self._come_back, customer)


def _share_left(age_days: int) -> float:
    first, later = (math.exp(-age_days / days) for days in _SURVIVAL_DAYS)
    return _SURVIVAL_FIRST * first + _SURVIVAL_LATER * later
