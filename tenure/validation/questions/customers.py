"""Questions about customers: those who never signed up, and ids that may be one customer's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kpis.customer.customer import feedback_of, life_of
from kpis.customer.facts import SIGNUP
from kpis.references import offset_of
from schemas.events import Signup
from tenure.validation.questions.question import (
    EXAMPLES_KEPT,
    HASHES_KEPT,
    Asked,
    Kept,
    Mention,
    Question,
    SeenTotals,
    Weight,
)

_PREFIX: Final = re.compile(r"^(?:cus|cust|customer|usr|user|acct|account)[_:.-]+(?=.)")


class WithoutSignup(Question):
    """Customers of whom something is told, but no signup; nor was one refused."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = self._used = 0
        self._examples: dict[bool, list[Mention]] = {True: [], False: []}

    def look(self, kept: Kept) -> None:
        """See a customer."""
        customer = kept.view.customer
        if kept.has_refused or customer.first_at >= 0 or any(fact.KIND == SIGNUP for fact in life_of(customer)):
            return
        moved = bool(customer.facts)
        if not (moved or customer.feedback or customer.acts or customer.onboarded):
            return
        self._moved += moved
        self._used += not moved
        examples = self._examples[moved]
        if len(examples) < EXAMPLES_KEPT:
            held = kept.facts or feedback_of(customer)
            examples.append(Mention(f"customer {kept.customer_id}", offset_of(held[0].reference) if held else None))

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask where they come from."""
        if not totals.by_type.get(Signup.TYPE):
            return  # another question says so of all
        if self._moved:
            yield Asked(
                "without_signup",
                Weight.HIGH,
                self._moved,
                totals.customers,
                "customers have cancels, changes or pauses, and no signup",
                "none of these has an effect: send the signups that lie before the beginning of this export too",
                self._examples[True],
            )
        if self._used:
            yield Asked(
                "used_without_signup",
                Weight.MEDIUM,
                self._used,
                totals.customers,
                "customers have activity, surveys or renewals, and no signup",
                "only customers with a subscription are engaged; look whether these ids are of users, or of visitors, "
                "and not of customers",
                self._examples[False],
            )


class AlikeCustomers(Question):
    """Ids of customers that differ in case, spaces, leading zeros or a usual prefix alone."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[int, str] = {}
        self._count = 0
        self._examples: list[Mention] = []

    def look(self, kept: Kept) -> None:
        """See a customer."""
        key = hash(_essence(kept.customer_id))
        known = self._known.get(key)
        if known is not None:
            self._count += 1
            if len(self._examples) < EXAMPLES_KEPT:
                one, other = sorted((known, kept.customer_id))
                facts = kept.facts
                number = offset_of(facts[0].reference) if facts else None
                self._examples.append(Mention(f'"{one}" and "{other}"', number))
        elif len(self._known) < HASHES_KEPT:
            self._known[key] = kept.customer_id
        else:
            self.gave_up = f"ids of customers that look alike: no more than {HASHES_KEPT:,} are compared"

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask whether they are one."""
        if self._count:
            yield Asked(
                "alike_customers",
                Weight.HIGH,
                self._count,
                totals.customers,
                "customers have the id of another one but for case, spaces, leading zeros or a prefix",
                "each id is a customer of its own, who seems never to use the product, or never to leave; let all "
                "systems send the same id",
                self._examples,
            )


def _essence(customer_id: str) -> str:
    """Return what is left of an id without what systems write in several ways."""
    text = _PREFIX.sub("", "".join(customer_id.casefold().split()))
    return text.lstrip("0") or "0" if text.isdigit() else text
