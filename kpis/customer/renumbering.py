"""A customer's state among other intern tables: the same facts, with the numbers that these tables give to their words.

Needed where customers of several partitions come to lie on one: each partition has given its own numbers.
"""

from __future__ import annotations

import msgspec

from kpis.customer.customer import feedback_of, life_of, set_feedback, set_life
from kpis.customer.facts import CancelFact, LifecycleFact, PricedFact, SignupFact
from kpis.customer.features import letters_of
from kpis.customer.state import Customer, decode
from kpis.customer.touchpoints import set_touchpoints, stored_touchpoints
from kpis.names import TABLES, Names
from kpis.references import moved_from, topic_of


class Renumbering:
    """Translates states of one partition into those of another.

    Args:
        old: Intern tables of the partition that the states come from; they may grow.
        new: Of the one that they go to: what is missing there is added, whatever its limits.
        partition: The number of the partition that they come from.
    """

    def __init__(self, old: Names, new: Names, *, partition: int) -> None:
        self.old = old
        self._new = new
        self._partition = partition
        self._numbers: dict[str, list[int]] = {table: [] for table in TABLES}

    def state(self, stored: bytes) -> Customer:
        """Return a stored state with other numbers; what it caches is as it was."""
        found = decode(stored)
        found.plan, found.first_plan = self._plan(found.plan), self._plan(found.first_plan)
        found.profile = self._number("profile", found.profile)
        # The order of the timeline is one of words, so that it stays.
        set_life(found, [self._fact(fact) for fact in life_of(found)])
        set_feedback(
            found,
            [
                item._replace(reason=self._number("reason", item.reason), reference=self._reference(item.reference))
                for item in feedback_of(found)
            ],
        )
        if found.touchpoints:
            moved = [
                msgspec.structs.replace(each, reference=self._reference(each.reference))
                for each in stored_touchpoints(found)
            ]
            set_touchpoints(found, moved)
        feature = self._letter
        found.used = "".join([feature(letter) for letter in found.used])
        found.recent = "".join([feature(letter) for letter in found.recent])
        if found.rare is not None:
            found.rare.revocations = [
                each._replace(reference=self._reference(each.reference)) for each in found.rare.revocations
            ]
        return found

    def _fact(self, fact: LifecycleFact) -> LifecycleFact:
        changes: dict[str, int] = {"reference": self._reference(fact.reference)}
        if isinstance(fact, PricedFact):
            changes |= {"plan": self._plan(fact.plan), "currency": self._number("currency", fact.currency)}
            if isinstance(fact, SignupFact):
                changes["profile"] = self._number("profile", fact.profile)
        elif isinstance(fact, CancelFact):
            changes["reason"] = self._number("reason", fact.reason)
        return msgspec.structs.replace(fact, **changes)

    def _plan(self, number: int) -> int:
        return self._number("plan", number)

    def _letter(self, letter: str) -> str:
        code = ord(letter)
        first, later = letters_of(self._number("feature", code >> 1))
        return first if code & 1 else later

    def _reference(self, reference: int) -> int:
        topic = topic_of(reference)
        known = topic < len(self.old.topic_names)
        return moved_from(reference, self._partition, self._number("topic", topic) if known else 0)

    def _number(self, table: str, number: int) -> int:
        known = self._numbers[table]
        if number >= len(known):
            known += [self._new.adopt(table, name) for name in self.old.names_of(table)[len(known) :]]
        return known[number]
