"""Usage by customers of the demo's company, and their answers to surveys.

Onboarding, activity by feature, NPS and CSAT surveys. Each has its own generator of random numbers, and none of them
decides anything about subscriptions: a demo without them sees the same customers come and go.
"""

import math
import random
from collections.abc import Iterable

from schemas.instants import DAY_MS
from tenure.demo.company.care import CustomerCare
from tenure.demo.company.customers import CompanyCustomer, Diary
from tenure.demo.company.ledger import Post
from tenure.demo.company.market import (
    COMPLAINT_REASONS,
    FEATURES,
    HOUR_MS,
    MINUTE_MS,
    PLANS,
    PRAISE_REASONS,
    weekday_of,
    working_moment_ms,
)

_ONBOARDING_DAYS_MEAN = 2.6
_NPS_FIRST_DAYS = 30
_NPS_EVERY_DAYS = 90
_SUPPORT_EVERY_DAYS_MEAN = 150
# After a price rise people are less pleased, for a while: points of an NPS score.
_PRICE_ANGER, _PRICE_ANGER_DAYS = 1.6, 35
_SATURDAY = 5
# Share answered and share dismissed, by the way a survey is brought.
_RESPONSES = {"in_app": (0.34, 0.30), "email": (0.19, 0.06), "outreach": (0.58, 0.10)}
# Small plans use few features: feature n comes up half as often as the one before it, less steeply in large plans.
_FEATURE_MEMBERS = tuple(
    tuple(
        ""
        if slot % 12 == 0
        else f',"feature":"{FEATURES[min(len(FEATURES) - 1, int((slot / 256) ** (1.6 - 0.2 * plan) * (4 + plan)))]}"'
        for slot in range(256)
    )
    for plan in range(len(PLANS))
)


class CustomerUsage:
    """Onboarding, activity and surveys of everybody who has an account; who has paused does nothing.

    Args:
        seed: Decides everything that happens.
        post: Takes (event type, customer id, instant in ms, members as JSON text) and returns the event's id.
        include: Event types that somebody wants to hear of; the rest is not even worked out.
        activity: Multiplies how often the product is used; 1 is about once in nine days.
        care: Is told of those who join, and of bad answers.
        price_rise_days: Days (day numbers) after which scores are lower for a while.
        from_day: Since when usage is recorded (day number).
    """

    def __init__(
        self,
        seed: int,
        post: Post,
        *,
        include: frozenset[str],
        activity: float,
        care: CustomerCare,
        price_rise_days: Iterable[int],
        from_day: int,
    ) -> None:
        self._post = post
        self._care = care
        self._include = include
        self._surveys = bool(include & {"survey", "contact"})
        self._activity = activity
        self._price_rise_days = tuple(price_rise_days)
        self._from_day = from_day
        self._draw_activity = random.Random(f"{seed}/activity").random
        self._onboarding = random.Random(f"{seed}/onboarding")
        self._survey = random.Random(f"{seed}/survey")
        # A diary each: the order in which one kind is written down may not move the draws of another.
        self._activity_diary: Diary[CompanyCustomer] = Diary()
        self._onboarding_diary: Diary[CompanyCustomer] = Diary()
        self._survey_diary: Diary[CompanyCustomer] = Diary()

    def joined(self, day: int, customer: CompanyCustomer, joined_at_ms: int) -> None:
        """Plan what a customer will do who came on a day (day number), at an instant in ms since 1970 UTC."""
        self._care.joined(day, customer, joined_at_ms)
        if day < self._from_day:
            return
        if "onboarding" in self._include:
            self._plan_onboarding(day, customer, joined_at_ms)
        if "activity" in self._include and not customer.silent:
            if self._draw_activity() < 0.85:
                first_use_ms = joined_at_ms + int(self._draw_activity() * 20 * MINUTE_MS)
                self._post("activity", customer.id, first_use_ms, ',"feature":"dashboards"')
            self._plan_use(day, customer)
        if self._surveys:
            self._survey_diary.write(day + _NPS_FIRST_DAYS, self._ask_nps, customer)
            self._plan_support(day, customer)

    def begin(self, customers: Iterable[CompanyCustomer]) -> None:
        """Begin to record the usage of those who were there before `from_day`, the day on which this is called."""
        day = self._from_day - 1
        customers = list(customers)
        self._care.begin(customers)
        for customer in customers:
            if "activity" in self._include and not customer.silent:
                self._plan_use(day, customer)
            if self._surveys:
                first_day = day + 1 + int(self._survey.random() * _NPS_EVERY_DAYS)
                self._survey_diary.write(first_day, self._ask_nps, customer)
                self._plan_support(day, customer)

    def live(self, day: int) -> None:
        """Let a day happen (day number); days come in order, each once."""
        self._onboarding_diary.live(day)
        self._activity_diary.live(day)
        self._survey_diary.live(day)
        self._care.live(day)

    def _plan_onboarding(self, day: int, customer: CompanyCustomer, joined_at_ms: int) -> None:
        draw = self._onboarding.random
        if draw() >= customer.channel.onboarded:
            return
        days = int(self._onboarding.expovariate(1 / _ONBOARDING_DAYS_MEAN))
        if days == 0:
            finished_at_ms = joined_at_ms + MINUTE_MS * (5 + int(draw() * 115))
            self._post("onboarding", customer.id, finished_at_ms, ',"completed":true')
        else:
            self._onboarding_diary.write(day + days, self._finish_onboarding, customer)

    def _finish_onboarding(self, day: int, customer: CompanyCustomer) -> None:
        finished_at_ms = working_moment_ms(day, customer.country, self._onboarding.random(), self._onboarding.random())
        self._post("onboarding", customer.id, finished_at_ms, ',"completed":true')

    def _plan_use(self, day: int, customer: CompanyCustomer) -> None:
        draw = self._draw_activity
        days_between = 7.0 / (PLANS[customer.plan].active_days_a_week * self._activity * 1.2 * customer.satisfaction)
        next_day = day + 1 + int(-math.log(1.0 - draw()) * days_between)
        weekday = weekday_of(next_day)
        if weekday >= _SATURDAY and draw() < 0.7:
            next_day += 7 - weekday
        self._activity_diary.write(next_day, self._use, customer)

    def _use(self, day: int, customer: CompanyCustomer) -> None:
        if customer.subscription.is_paused:
            self._plan_use(day, customer)
            return
        draw = self._draw_activity
        used_at_ms = working_moment_ms(day, customer.country, draw(), draw())
        members = _FEATURE_MEMBERS[customer.plan]
        self._post("activity", customer.id, used_at_ms, members[int(draw() * 256)])
        if draw() < 0.25:
            self._post("activity", customer.id, used_at_ms + 1 + int(draw() * HOUR_MS), members[int(draw() * 256)])
        self._plan_use(day, customer)

    def _plan_support(self, day: int, customer: CompanyCustomer) -> None:
        days = 1 + int(self._survey.expovariate(1 / _SUPPORT_EVERY_DAYS_MEAN))
        self._survey_diary.write(day + days, self._ask_csat, customer)

    def _ask_nps(self, day: int, customer: CompanyCustomer) -> None:
        fraction = self._survey.random()
        if customer.plan >= 3:
            via = "outreach" if fraction < 0.5 else "email"
        else:
            via = "in_app" if fraction < 0.6 else "email"
        mean = 2.7 + 8.0 * customer.satisfaction - self._anger(day)
        self._ask(day, customer, "nps", via, min(10, max(0, round(self._survey.gauss(mean, 1.5)))), praised_from=9)
        self._survey_diary.write(day + _NPS_EVERY_DAYS, self._ask_nps, customer)

    def _ask_csat(self, day: int, customer: CompanyCustomer) -> None:
        mean = 1.7 + 3.9 * customer.satisfaction - self._anger(day) / 3
        via = "in_app" if self._survey.random() < 0.7 else "email"
        self._ask(day, customer, "csat", via, min(5, max(1, round(self._survey.gauss(mean, 0.8)))), praised_from=4)
        self._plan_support(day, customer)

    def _anger(self, day: int) -> float:
        rises = (rise for rise in self._price_rise_days if 0 <= day - rise < _PRICE_ANGER_DAYS)
        return sum(_PRICE_ANGER * (1 - (day - rise) / _PRICE_ANGER_DAYS) for rise in rises)

    def _ask(self, day: int, customer: CompanyCustomer, kind: str, via: str, score: int, *, praised_from: int) -> None:
        if customer.subscription.is_paused:
            return
        draw = self._survey.random
        asked_at_ms = working_moment_ms(day, customer.country, draw(), draw())
        self._post("survey", customer.id, asked_at_ms, f',"kind":"{kind}","status":"sent","via":"{via}"')
        answered, dismissed = _RESPONSES[via]
        fraction = draw()
        if fraction >= answered + dismissed:
            return
        # Two out of three react within minutes, the last ones after two days.
        reacted_at_ms = asked_at_ms + 20_000 + int((DAY_MS if via == "in_app" else 2 * DAY_MS) * draw() ** 6)
        if fraction >= answered:
            self._post("survey", customer.id, reacted_at_ms, f',"kind":"{kind}","status":"dismissed","via":"{via}"')
            return
        reasons = PRAISE_REASONS if score >= praised_from else COMPLAINT_REASONS
        reason = f',"reason":"{reasons[int(draw() ** 1.5 * len(reasons))]}"' if draw() < 0.7 else ""
        if self._anger(day) > _PRICE_ANGER / 2 and score < praised_from and draw() < 0.5:
            reason = ',"reason":"too_expensive"'
        members = f',"kind":"{kind}","status":"answered","score":{score}{reason},"via":"{via}"'
        survey_id = self._post("survey", customer.id, reacted_at_ms, members)
        if score < praised_from - 2:
            self._care.answered(customer, survey_id, reacted_at_ms)
