"""The company's ledger of subscriptions: what becomes of each, and the lifecycle event that tells it.

Decides nothing: `business`, `paying` and `add_ons` do. What is told of one customer has instants in the order in which
it happened, so that a flawless ledger tells no fact that is without effect. Members: docs/events.md.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final

from schemas.instants import DAY_MS
from tenure.demo.company.customers import CompanyCustomer, Contract, Diary, Price
from tenure.demo.company.delivery import instant_text
from tenure.demo.company.market import HOUR_MS, MINUTE_MS, working_moment_ms

#: Takes (event type, customer id, instant in ms, members as JSON text) and returns the event's id.
Post = Callable[[str, str, int, str], str]

#: When periods end that a scheduled event ends: milliseconds of the day, after the night's bills.
PERIOD_ENDS_MS: Final = 4 * HOUR_MS
_BILLS_TAKE_MS = 3 * HOUR_MS
_BILLED = ',"source":"billing"'
# One in nine who cancel tells no reason.
_SILENT_LEAVER = 0.11


class Ledger:
    """Subscriptions, the diary of what their customers are going to do, and the price list.

    Args:
        seed: Decides everything that happens.
        post: Takes what is told.

    Attributes:
        random: The generator of all that is decided about subscriptions.
        diary: What is going to happen to subscriptions.
        price_level: The price list, as a multiple of the first one.
    """

    def __init__(self, seed: int, post: Post) -> None:
        self.random = random.Random(f"{seed}/business")
        self.diary: Diary[Contract] = Diary()
        self.price_level = 1.0
        self._draw = self.random.random
        self._post = post

    # Instants

    def working_moment_ms(self, day: int, customer: CompanyCustomer) -> int:
        """Return an instant of a day (day number) for something that the customer does, in ms since 1970 UTC."""
        return self.after_ms(working_moment_ms(day, customer.country, self._draw(), self._draw()), customer)

    def billing_moment_ms(self, day: int, customer: CompanyCustomer) -> int:
        """Return an instant of the night's bills, for something that the company's billing does."""
        # Billing runs in the first three hours of the day, all over the world at once.
        return self.after_ms(day * DAY_MS + int(self._draw() * _BILLS_TAKE_MS), customer)

    def after_ms(self, instant_ms: int, customer: CompanyCustomer) -> int:
        """Return an instant, or a somewhat later one if the customer's last fact was not before it."""
        if instant_ms <= customer.told_ms:
            instant_ms = customer.told_ms + 1000 + int(self._draw() * 10 * MINUTE_MS)
        customer.told_ms = instant_ms
        return instant_ms

    # What happens

    def open(self, subscription: Contract, at_ms: int, price: Price, *, trial: bool = False, members: str = "") -> None:
        """Begin a subscription; members are what else its signup says."""
        subscription.is_open = True
        subscription.is_trial = trial
        subscription.price = price
        self._tell("signup", subscription, at_ms, f"{price.members()}{_trial(trial)}{members}")

    def change(self, subscription: Contract, at_ms: int, price: Price, *, trial: bool = False) -> None:
        """Give a subscription another price, begin a trial of it, or end one."""
        self._tell(_direction(subscription, price), subscription, at_ms, _change(subscription, price) + _trial(trial))
        subscription.is_trial = trial
        subscription.price = price

    def schedule_change(self, subscription: Contract, at_ms: int, price: Price, day: int) -> None:
        """Tell of another price from the end of the period on, which is on a day (day number)."""
        members = f"{_change(subscription, price)}{_at_end_of(day)}"
        subscription.scheduled_id = self._tell(_direction(subscription, price), subscription, at_ms, members)

    def pause(self, subscription: Contract, at_ms: int) -> None:
        """Pause a subscription; what was planned for it is void."""
        subscription.is_paused = True
        subscription.episode += 1
        self._tell("pause", subscription, at_ms)

    def resume(self, subscription: Contract, at_ms: int) -> None:
        """Let a paused subscription go on."""
        subscription.is_paused = False
        self._tell("resume", subscription, at_ms)

    def schedule_resume(self, subscription: Contract, at_ms: int, day: int) -> None:
        """Tell of a paused subscription's going on, on a later day (day number)."""
        self._tell("resume", subscription, at_ms, _at_end_of(day))

    def end(self, subscription: Contract, at_ms: int, reasons: Sequence[str]) -> None:
        """End a subscription for one of some reasons, the first ones more often; without any, nobody asks for one."""
        members = ""
        if reasons and self._draw() >= _SILENT_LEAVER:
            members = f',"reason":"{reasons[int(self._draw() ** 1.4 * len(reasons))]}"'
        self._tell("cancel", subscription, at_ms, members)
        self.close(subscription)

    def end_unpaid(self, subscription: Contract, at_ms: int) -> None:
        """End a subscription whose payments failed."""
        self._tell("cancel", subscription, at_ms, f'{_BILLED},"reason":"payment_failed","involuntary":true')
        self.close(subscription)

    def end_by_billing(self, subscription: Contract, at_ms: int, reason: str) -> None:
        """End a subscription as the billing system does without being asked."""
        self._tell("cancel", subscription, at_ms, f'{_BILLED},"reason":"{reason}"')
        self.close(subscription)

    def schedule_end(self, subscription: Contract, at_ms: int, day: int, reason: str) -> None:
        """Tell of an end with the period, on a day (day number)."""
        subscription.ends_on = day
        members = f',"reason":"{reason}"{_at_end_of(day)}'
        subscription.scheduled_id = self._tell("cancel", subscription, at_ms, members)

    def withdraw(self, subscription: Contract, at_ms: int) -> None:
        """Take back the end or the change that was told of."""
        assert subscription.scheduled_id, f"nothing to come is told of {subscription.id}"
        customer = subscription.customer
        self._post("revoke", customer.id, at_ms, f',"revokes":"{subscription.scheduled_id}"')
        subscription.scheduled_id = ""
        subscription.ends_on = None
        subscription.smaller = None

    def close(self, subscription: Contract) -> None:
        """Close a subscription whose end is told already; what was planned for it is void."""
        subscription.is_open = subscription.is_trial = subscription.is_paused = False
        subscription.episode += 1
        subscription.scheduled_id = ""
        subscription.ends_on = None
        subscription.smaller = None

    def tell_renewal(self, customer: CompanyCustomer, at_ms: int, outcome: str) -> None:
        """Tell what became of a bill: `renewed`, `declined` or `failed`."""
        self._post("renewal", customer.id, at_ms, f'{_BILLED},"outcome":"{outcome}"')

    def _tell(self, kind: str, subscription: Contract, at_ms: int, members: str = "") -> str:
        return self._post(kind, subscription.customer.id, at_ms, f',"subscription_id":"{subscription.id}"{members}')


def _direction(subscription: Contract, price: Price) -> str:
    return "downgrade" if price.year_minor() < subscription.price.year_minor() else "upgrade"


def _change(subscription: Contract, price: Price) -> str:
    subscription.changes += 1
    return f',"sequence":{subscription.changes}{price.members()}'


def _trial(trial: bool) -> str:
    return ',"trial":true' if trial else ""


def _at_end_of(day: int) -> str:
    return f',"effective_at":"{instant_text(day * DAY_MS + PERIOD_ENDS_MS)}"'
