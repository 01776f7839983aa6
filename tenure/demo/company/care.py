"""Care that the demo's company takes of its customers: tickets, follow-ups of bad answers, referrals, an offer tried.

Each has its own generator of random numbers, and none decides anything about subscriptions: a demo without them sees
the same customers come and go. Marks say what happened to all at once.
"""

import random
from collections.abc import Iterable

from schemas.instants import DAY_MS
from tenure.demo.company.customers import CompanyCustomer, Diary
from tenure.demo.company.ledger import Post
from tenure.demo.company.market import HOUR_MS, MINUTE_MS, working_moment_ms

_TICKET_EVERY_DAYS_MEAN = 120
_REFERRALS = 0.06
_FOLLOWED_UP = 0.6
_MEASURE = "guided_tour"
_RELEASE_EVERY_DAYS = 42
_NOBODY = ""


class CustomerCare:
    """Tickets, follow-ups, referrals and exposures of everybody who has an account, and the company's marks.

    Args:
        seed: Decides everything that happens.
        post: Takes (event type, customer id, instant in ms, members as JSON text) and returns the event's id.
        include: Event types that somebody wants to hear of; the rest is not even worked out.
        price_rise_days: Days (day numbers) on which prices rise.
        from_day: Since when it is recorded (day number).
    """

    def __init__(
        self, seed: int, post: Post, *, include: frozenset[str], price_rise_days: Iterable[int], from_day: int
    ) -> None:
        self._post = post
        self._include = include
        self._price_rise_days = frozenset(price_rise_days)
        self._from_day = from_day
        self._tickets = random.Random(f"{seed}/support")
        self._contacts = random.Random(f"{seed}/contact")
        self._referrals = random.Random(f"{seed}/referral")
        self._exposures = random.Random(f"{seed}/exposure")
        self._ticket_diary: Diary[CompanyCustomer] = Diary()
        self._last = _NOBODY
        self._ticket = 0

    def joined(self, day: int, customer: CompanyCustomer, joined_at_ms: int) -> None:
        """Plan what will pass between the company and a customer who came on a day, at an instant in ms since 1970."""
        if day < self._from_day:
            return
        if "exposure" in self._include:
            variant = "tour" if self._exposures.random() < 0.5 else "control"
            seen_at_ms = joined_at_ms + int(self._exposures.random() * 10 * MINUTE_MS)
            self._post("exposure", customer.id, seen_at_ms, f',"measure":"{_MEASURE}","variant":"{variant}"')
        if "referral" in self._include and self._referrals.random() < _REFERRALS and self._last:
            self._post("referral", self._last, joined_at_ms, f',"referred":"{customer.id}"')
        self._last = customer.id
        self._plan_ticket(day, customer)

    def begin(self, customers: Iterable[CompanyCustomer]) -> None:
        """Begin to record the tickets of those who were there before `from_day`, the day on which this is called."""
        for customer in customers:
            self._plan_ticket(self._from_day - 1, customer)

    def answered(self, customer: CompanyCustomer, survey_id: str, at_ms: int) -> None:
        """Follow up a bad answer, at an instant in ms since 1970, most of the time."""
        if "contact" in self._include and self._contacts.random() < _FOLLOWED_UP:
            hours = 1 + self._contacts.expovariate(1 / 30)
            self._post("contact", customer.id, at_ms + int(hours * HOUR_MS), f',"about":"{survey_id}"')

    def live(self, day: int) -> None:
        """Let a day happen (day number); days come in order, each once."""
        self._ticket_diary.live(day)
        if "mark" not in self._include or day < self._from_day:
            return
        if day in self._price_rise_days:
            self._post("mark", _NOBODY, day * DAY_MS + 6 * HOUR_MS, ',"kind":"price","title":"Prices rise by 15 %"')
        if (day - self._from_day) % _RELEASE_EVERY_DAYS == _RELEASE_EVERY_DAYS - 1:
            number = 1 + (day - self._from_day) // _RELEASE_EVERY_DAYS
            self._post("mark", _NOBODY, day * DAY_MS + 9 * HOUR_MS, f',"kind":"release","title":"Release {number}"')

    def _plan_ticket(self, day: int, customer: CompanyCustomer) -> None:
        if "support" in self._include:
            days = 1 + int(self._tickets.expovariate(customer.satisfaction * 1.6 / _TICKET_EVERY_DAYS_MEAN))
            self._ticket_diary.write(day + days, self._open_ticket, customer)

    def _open_ticket(self, day: int, customer: CompanyCustomer) -> None:
        draw = self._tickets.random
        if not customer.subscription.is_paused:
            self._ticket += 1
            at_ms = working_moment_ms(day, customer.country, draw(), draw())
            self._tell_ticket(customer, "opened", at_ms)
            at_ms += int(self._tickets.expovariate(1 / 3) * HOUR_MS) + MINUTE_MS
            self._tell_ticket(customer, "answered", at_ms)
            if draw() < 0.9:
                self._tell_ticket(customer, "solved", at_ms + int(self._tickets.expovariate(1 / 20) * HOUR_MS))
        self._plan_ticket(day, customer)

    def _tell_ticket(self, customer: CompanyCustomer, status: str, at_ms: int) -> None:
        self._post("support", customer.id, at_ms, f',"ticket":"t-{self._ticket:05}","status":"{status}"')
