"""The running company of the demo: a seeded, believable stream of a SaaS company's events, in the order of arrival.

Growth, weekdays and seasons; trials, five plans of which one is free, bills by month or year, add-ons, pauses, failed
payments, price rises after which churn spikes, returning customers, surveys and usage; and deliveries as they are in
life: late, repeated, out of order, sometimes damaged. Simulated time only: no clock is read, and the same arguments
give the same bytes on every machine.

    market      what is sold, to whom, in which seasons: tables
    customers   one customer, its subscriptions, and the diary of what is going to happen
    ledger      what becomes of subscriptions, and the events that tell it
    business    signing up, trying, the free plan, coming back
    paying      bills, changes, pauses, leaving
    add_ons     a second subscription beside the customer's own
    usage       onboarding, activity, surveys
    care        tickets, follow-ups, referrals, an offer on trial, marks
    delivery    from what happened to records and their arrival

The members of the events and their meaning: docs/events.md.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from schemas.instants import DAY_MS, EPOCH
from tenure.demo.company.business import Business
from tenure.demo.company.care import CustomerCare
from tenure.demo.company.delivery import EVENT_TYPES, Arrival, EventDelivery, Flaws
from tenure.demo.company.usage import CustomerUsage

__all__ = ["EVENT_TYPES", "Arrival", "Company", "Flaws"]


class Company:
    """A SaaS company and everything that its systems tell about its customers.

    It was founded `founded_days` before `start`. Its subscriptions (signup, change, pause, cancel) are told since then,
    renewals, onboarding, usage and surveys since `history_days` before `start`, so that every window has content when
    the demo goes live at `start`. The stream has no end.

    Args:
        seed: Decides everything; equal arguments give equal streams.
        start: The live start, an aware instant; what arrives before it is history.
        customers: About how many shall pay at the live start (count, at least 1).
        history_days: For how many days before the start everything is recorded (at least 0).
        founded_days: How many days before the start the company began (at least `history_days`).
        yearly_growth: By what the signups of a day grow in a year; 1.5 is half as many again.
        activity: Multiplies how often customers use the product (above 0).
        price_rises: Days relative to the start on which prices rise by 15 % and churn spikes.
        include: Event types to tell; leaving one out changes nothing about the others.
        flaws: Memberships of late, repeated, slow, damaged and test events.

    Raises:
        AssertionError: An argument is out of its range, or `start` has no time zone; the caller is wrong.
    """

    def __init__(
        self,
        seed: int,
        start: datetime,
        *,
        customers: int = 1_500,
        history_days: int = 400,
        founded_days: int = 1_100,
        yearly_growth: float = 1.5,
        activity: float = 1.0,
        price_rises: Sequence[int] = (-150, 3),
        include: frozenset[str] = EVENT_TYPES,
        flaws: Flaws = Flaws(),  # noqa: B008 - a tuple of numbers, immutable
    ) -> None:
        assert start.tzinfo is not None, f"the start {start} has no time zone"
        assert customers >= 1, f"{customers} customers are none"
        assert 0 <= history_days <= founded_days, f"history of {history_days} days, founded {founded_days} days ago"
        assert activity > 0, f"an activity of {activity} is none"
        assert include <= EVENT_TYPES, f"unknown event types: {sorted(include - EVENT_TYPES)}"
        self.start_ms = (start - EPOCH) // timedelta(milliseconds=1)
        self._seed = seed
        self._customers = customers
        self._live_day = self.start_ms // DAY_MS
        self._recorded_day = self._live_day - history_days
        self._founded_day = self._live_day - founded_days
        self._yearly_growth = yearly_growth
        self._activity = activity
        self._price_rise_days = tuple(self._live_day + days for days in price_rises)
        self._include = include
        self._flaws = flaws

    def events(self) -> Iterator[Arrival]:
        """Yield every record in the order of arrival, from the company's first day on, without end.

        Lazy: a simulated day is worked out when its first record is asked for. History is what has
        `arrived_at_ms < start_ms`. Each call begins anew and yields the same records.
        """
        delivery = EventDelivery(self._seed, self._include, self._flaws)
        care = CustomerCare(
            self._seed,
            delivery.post,
            include=self._include,
            price_rise_days=self._price_rise_days,
            from_day=self._recorded_day,
        )
        usage = CustomerUsage(
            self._seed,
            delivery.post,
            include=self._include,
            activity=self._activity,
            care=care,
            price_rise_days=self._price_rise_days,
            from_day=self._recorded_day,
        )
        business = Business(
            self._seed,
            delivery.post,
            usage,
            customers=self._customers,
            founded_day=self._founded_day,
            live_day=self._live_day,
            yearly_growth=self._yearly_growth,
            price_rise_days=self._price_rise_days,
            renewals_from_day=self._recorded_day,
        )
        day = self._founded_day
        while True:
            if day == self._recorded_day:
                usage.begin(business.present.values())
            business.live(day)
            usage.live(day)
            yield from delivery.take(day)
            day += 1
