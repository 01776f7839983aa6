"""The customers of the demo's company, and the diary in which what they are going to do is written down.

A customer here is the simulation's own record of a person's subscription; it is not the product's state of a customer.
"""

from collections.abc import Callable

from tenure.demo.company.market import LAST_PLAN, PLANS, Channel, Country

_ANNUAL_DISCOUNT = 0.8


class CompanyCustomer:
    """One customer of the company, as the company's own systems know it.

    Args:
        number: Counts customers from 1; the id is made of it.
        country: Where it is; decides its working hours.
        channel: Where it came from.
        industry: Segment value.
        size: Segment value.
        satisfaction: How well the product suits it, in (0, 1); drives use, scores and churn.
        silent: Whether it never uses the product.
    """

    __slots__ = (
        "active",
        "anchor",
        "annual",
        "changes",
        "channel",
        "country",
        "ends_on",
        "episode",
        "id",
        "industry",
        "mrr_minor",
        "notice_id",
        "plan",
        "satisfaction",
        "seats",
        "silent",
        "size",
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
        self.country = country
        self.channel = channel
        self.industry = industry
        self.size = size
        self.satisfaction = satisfaction
        self.silent = silent
        self.plan = 0
        self.seats = 1
        self.annual = False
        self.active = False
        self.mrr_minor = 0
        self.changes = 0
        self.anchor = 1
        self.ends_on: int | None = None
        self.notice_id = ""
        # Counts its starts and ends: what was written into the diary for an earlier episode is void.
        self.episode = 0

    def price_minor(self, price_level: float) -> int:
        """Return what its subscription costs a month, in minor units, at a price level (1 is the first price list)."""
        seat_price = PLANS[self.plan].seat_price_minor * price_level * (_ANNUAL_DISCOUNT if self.annual else 1.0)
        # Seats get cheaper in larger numbers; whole dollars, as price lists have them.
        return int(seat_price * self.seats**0.85 / 100) * 100

    def loyalty(self) -> float:
        """Return what its satisfaction makes of a plan's churn: below 1 for the satisfied, above for the others."""
        return 2.2 - 1.85 * self.satisfaction

    def larger_plan(self) -> int:
        """Return the number of the next larger plan, or of its own when there is none."""
        return min(self.plan + 1, LAST_PLAN)


Action = Callable[[int, CompanyCustomer], None]


class Diary:
    """A diary of what customers are going to do, by day; what an end or a return makes void is left out when read."""

    def __init__(self) -> None:
        self._pages: dict[int, list[tuple[Action, CompanyCustomer, int]]] = {}
        self._lived_day = -1

    def write(self, day: int, action: Action, customer: CompanyCustomer) -> None:
        """Plan an action (called with the day and the customer) for a day that has not begun yet."""
        assert day > self._lived_day, f"day {day} has been lived already"
        page = self._pages.get(day)
        if page is None:
            page = self._pages[day] = []
        page.append((action, customer, customer.episode))

    def live(self, day: int) -> None:
        """Do what is planned for the day, in the order in which it was planned."""
        self._lived_day = day
        for action, customer, episode in self._pages.pop(day, ()):
            if episode == customer.episode:
                action(day, customer)
