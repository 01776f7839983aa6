"""The customers of the demo's company, their subscriptions, and the diary of what they are going to do.

A customer here is the simulation's own record of a person; it is not the product's state of a customer.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

from tenure.demo.company.market import LAST_PLAN, PLANS, Channel, Country

#: What a year costs, in months: two and a half are free.
_MONTHS_OF_A_YEAR_PRICE = 9.6


class Price(NamedTuple):
    """The price of a subscription.

    Args:
        plan: The plan's name.
        amount_minor: Price of a month, of a year where `is_annual`, in US cents.
        is_annual: Whether it is a yearly price.
    """

    plan: str
    amount_minor: int
    is_annual: bool = False

    def year_minor(self) -> int:
        """Return the price of a year, in US cents, by which prices are compared."""
        return self.amount_minor if self.is_annual else self.amount_minor * 12

    def members(self) -> str:
        """Return the members of an event that say it, as JSON text that begins with a comma."""
        if self.is_annual:
            return f',"plan":"{self.plan}","amount_minor":{self.amount_minor},"interval":"year","currency":"USD"'
        return f',"plan":"{self.plan}","mrr_minor":{self.amount_minor},"currency":"USD"'


class CompanyCustomer:
    """One customer of the company, as the company's own systems know it.

    Args:
        number: Counts customers from 1; the ids of the customer and of its subscriptions are made of it.
        country: Where it is; decides its working hours.
        channel: Where it came from.
        industry: Segment value.
        size: Segment value.
        satisfaction: How well the product suits it, in (0, 1); drives use, scores and churn.
        silent: Whether it never uses the product.
    """

    __slots__ = (
        "add_on",
        "annual",
        "channel",
        "country",
        "episode",
        "id",
        "industry",
        "number",
        "plan",
        "satisfaction",
        "seats",
        "silent",
        "size",
        "subscription",
        "told_ms",
    )

    def __init__(
        self,
        number: int,
        *,
        country: Country,
        channel: Channel,
        industry: str,
        size: str,
        satisfaction: float,
        silent: bool,
    ) -> None:
        self.id = f"cus_{number:06d}"
        self.number = number
        self.country = country
        self.channel = channel
        self.industry = industry
        self.size = size
        self.satisfaction = satisfaction
        self.silent = silent
        self.plan = 0
        self.seats = 1
        self.annual = False
        self.subscription = Contract(self, f"sub-{number:06d}")
        self.add_on: Contract | None = None
        # The instant of its last fact: what is told of it next happened later.
        self.told_ms = 0
        # Counts its starts and ends: what was written into the diary for an earlier episode is void.
        self.episode = 0

    def price(self, price_level: float) -> Price:
        """Return what its plan and seats cost at a price level (1 is the first price list)."""
        return self.price_of(self.plan, self.seats, price_level)

    def price_of(self, plan: int, seats: int, price_level: float) -> Price:
        """Return what a plan (its number) with some seats would cost this customer."""
        months = _MONTHS_OF_A_YEAR_PRICE if self.annual else 1.0
        # Seats get cheaper in larger numbers; whole dollars, as price lists have them.
        amount_minor = int(PLANS[plan].seat_price_minor * price_level * months * seats**0.85 / 100) * 100
        return Price(PLANS[plan].name, amount_minor, self.annual and plan > 0)

    def own_add_on(self) -> "Contract":
        """Return the subscription that an add-on is, opened and ended on its own; bought again, it is the same one."""
        if self.add_on is None:
            self.add_on = Contract(self, f"sub-{self.number:06d}-addon")
        return self.add_on

    def has_add_on(self) -> bool:
        """Return whether it has an add-on now."""
        return self.add_on is not None and self.add_on.is_open

    def loyalty(self) -> float:
        """Return what its satisfaction makes of a plan's churn: below 1 for the satisfied, above for the others."""
        return 2.2 - 1.85 * self.satisfaction

    def larger_plan(self) -> int:
        """Return the number of the next larger plan, or of its own when there is none."""
        return min(self.plan + 1, LAST_PLAN)


class Contract:
    """One subscription of a customer, as the company's billing system knows it.

    Attributes:
        price: What was told of it last.
        number: Counts the subscriptions that followed each other, from 1; with the customer's, it makes the id.
        is_open: Whether it began and has not ended.
        is_trial: Whether it is on trial.
        is_paused: Whether it is paused.
        anchor: The day of the month on which its bills come, 1 to 31.
        billed_on: The day (day number) of its next bill; of its last one until that is paid.
        ends_on: The day (day number) on which it ends by what the customer has decided; None without a decision.
        smaller: Number of the plan, seats and price that it is reduced to with the next bill, which is told already.
        scheduled_id: The event that told of an end or a reduction to come; empty where there is none.
        changes: How often its price changed (count).
        episode: Counts its starts, pauses and ends: what was written into the diary for an earlier one is void.
    """

    __slots__ = (
        "anchor",
        "billed_on",
        "changes",
        "customer",
        "ends_on",
        "episode",
        "id",
        "is_open",
        "is_paused",
        "is_trial",
        "number",
        "price",
        "scheduled_id",
        "smaller",
    )

    def __init__(self, customer: CompanyCustomer, subscription_id: str, number: int = 1) -> None:
        self.customer = customer
        self.id = subscription_id
        self.number = number
        self.price = Price(PLANS[0].name, 0)
        self.is_open = False
        self.is_trial = False
        self.is_paused = False
        self.anchor = 1
        self.billed_on = 0
        self.ends_on: int | None = None
        self.smaller: tuple[int, int, Price] | None = None
        self.scheduled_id = ""
        self.changes = 0
        self.episode = 0

    def successor(self) -> "Contract":
        """Return the customer's next one, which is not open yet; billing systems do not open an ended one again."""
        number = self.number + 1
        return Contract(self.customer, f"sub-{self.customer.number:06d}-{number}", number)


class _Subject(Protocol):
    @property
    def episode(self) -> int: ...


Subject = TypeVar("Subject", bound=_Subject)


class Diary(Generic[Subject]):
    """A diary of what is going to happen, by day; what an end or a return makes void is left out when read."""

    def __init__(self) -> None:
        self._pages: dict[int, list[tuple[Callable[[int, Subject], None], Subject, int]]] = {}
        self._lived_day = -1

    def write(self, day: int, action: Callable[[int, Subject], None], subject: Subject) -> None:
        """Plan an action (called with the day and the subject) for a day that has not begun yet."""
        assert day > self._lived_day, f"day {day} has been lived already"
        page = self._pages.get(day)
        if page is None:
            page = self._pages[day] = []
        page.append((action, subject, subject.episode))

    def live(self, day: int) -> None:
        """Do what is planned for the day, in the order in which it was planned."""
        self._lived_day = day
        for action, subject, episode in self._pages.pop(day, ()):
            if episode == subject.episode:
                action(day, subject)
