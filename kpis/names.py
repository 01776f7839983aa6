"""The intern tables of one partition: strings that repeat become small integers.

States and counters hold the integers; the tables are stored beside them and grow in the same commit. Numbers are
given in order of arrival, so they differ from partition to partition: whoever reads joins by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np

from kpis.arrays import Ints
from kpis.money import Money
from kpis.references import TOPICS
from schemas.dimensions import BUILT_IN_DIMENSIONS

#: The value of a segment where there is none.
NONE: Final = "none"
#: Values beyond the limit of a dimension, and values that are not shown.
OTHER: Final = "other"
#: Features that can be told apart, the one without a name included: see `kpis.customer.features`.
FEATURES: Final = 0xD800 // 2
#: The tables of names, as they are stored.
TABLES: Final = ("plan", "reason", "currency", "profile", "feature", "topic")
PLAN: Final = BUILT_IN_DIMENSIONS[0]
REASON: Final = "reason"
FEATURE: Final = "feature"
COMBINATION: Final = "combination"
#: What is no dimension, but has a limit of its own.
NAMED: Final = (REASON, FEATURE, COMBINATION)
#: Profiles that a partition may have, for each value that a dimension may have.
PROFILES_A_VALUE: Final = 16
#: A cell has 16 bits for a value, a state for a reason; one is left for `other`.
MOST_VALUES: Final = (1 << 16) - 1

Profile = tuple[str, ...]  # value in every dimension but plan

_encode = msgspec.json.Encoder().encode
_decode_profile = msgspec.json.Decoder(tuple[str, ...]).decode


class Names:
    """Plans, reasons, currencies, features, topics and profiles of one partition.

    A *profile* is what a signup says for good: its value in every dimension but plan.
    """

    def __init__(self, *, money: Money | None = None, dimensions: Sequence[str] = (), max_values: int = 4096) -> None:
        """Start empty.

        Args:
            money: Default currency and rates; US dollars alone when None.
            dimensions: Further dimensions, by the name of the signup's member.
            max_values: Values that a dimension may have before the rest is counted as `other`, at most MOST_VALUES;
                a partition may have PROFILES_A_VALUE times as many profiles, before customers with another one count
                as `other` in every dimension but plan.
        """
        assert max_values <= MOST_VALUES, max_values
        self.money = money or Money()
        self.dimensions: tuple[str, ...] = (*BUILT_IN_DIMENSIONS, *dimensions)
        #: what a signup says for good, as `profiles` has it
        self.key_of: Callable[[Any], Profile] = attrgetter(*self.dimensions[1:])
        self.max_values = max_values
        self.max_profiles = PROFILES_A_VALUE * max_values
        #: values beyond the limit, by dimension; that of what is no dimension by NAMED (times)
        self.over_limit: dict[str, int] = {}
        self.plans: dict[str, int] = {}
        self.reasons: dict[str, int] = {}
        self.currencies: dict[str, int] = {}
        self.features: dict[str, int] = {}
        self.topics: dict[str, int] = {}
        self.profiles: dict[Profile, int] = {}
        self.plan_names: list[str] = []
        self.reason_names: list[str] = []
        self.currency_names: list[str] = []
        self.feature_names: list[str] = []
        self.topic_names: list[str] = []
        self.profile_names: list[Profile] = []
        self._values: list[dict[str, int]] = [{NONE: 0} for _ in self.dimensions[1:]]
        self._of_profile: list[list[int]] = [[] for _ in self.dimensions[1:]]
        self._texts: dict[str, str] = {}
        self._columns: Ints = np.empty((len(self._of_profile), 0), np.int64)
        self._new: dict[str, list[str]] = {}
        self.plan(NONE)
        self.reason("")
        self.currency("")
        self.feature("")
        self.profile(("",) * (len(self.dimensions) - 1))
        self._new.clear()

    # -- words to numbers

    def plan(self, name: str) -> int:
        """Return the number of a plan, a new one if need be."""
        n = self.plans.get(name)
        return self._number(PLAN, self.plans, self.plan_names, name, self.max_values) if n is None else n

    def reason(self, slug: str) -> int:
        """Return the number of a reason; 0 is none."""
        n = self.reasons.get(slug)
        return self._number(REASON, self.reasons, self.reason_names, slug, self.max_values) if n is None else n

    def currency(self, code: str) -> int:
        """Return the number of a currency; 0 is the default one, also when the event names none."""
        code = code or self.money.default
        n = self.currencies.get(code)
        # Only currencies with a rate get here, and settings bound those.
        return self._add("currency", self.currencies, self.currency_names, code) if n is None else n

    def feature(self, slug: str) -> int:
        """Return the number of a feature; 0 is none."""
        n = self.features.get(slug)
        if n is not None:
            return n
        return self._number(FEATURE, self.features, self.feature_names, slug, min(self.max_values, FEATURES - 1))

    def topic(self, name: str) -> int:
        """Return the number of a topic, below TOPICS; those that come last share one number."""
        n = self.topics.get(name)
        if n is not None:
            return n
        if len(self.topic_names) >= TOPICS - 1:
            name = OTHER
            if name in self.topics:
                return self.topics[name]
        return self._add("topic", self.topics, self.topic_names, name)

    def _number(self, table: str, numbers: dict[str, int], names: list[str], name: str, limit: int) -> int:
        """Return a new number for a name that has none; beyond the limit that of `other`, the same for all."""
        if len(names) >= limit:
            self._note_over_limit(table)
            name = OTHER
            if name in numbers:
                return numbers[name]
        return self._add(table, numbers, names, name)

    def _add(self, table: str, numbers: dict[str, int], names: list[str], name: str) -> int:
        n = numbers[name] = len(names)
        names.append(name)
        self._new.setdefault(table, []).append(name)
        return n

    def profile(self, values: Profile) -> int:
        """Return the number of a profile; an empty value stands for none."""
        n = self.profiles.get(values)
        return self._new_profile(values) if n is None else n

    def _new_profile(self, asked: Profile) -> int:
        bounded: list[str] = []
        for dimension, table, value in zip(self.dimensions[1:], self._values, asked, strict=True):
            name = value or NONE
            if name not in table and len(table) >= self.max_values:
                self._note_over_limit(dimension)
                name = OTHER
            bounded.append(name)
        known = tuple(bounded)
        n = self.profiles.get(known)
        if n is None and len(self.profile_names) >= self.max_profiles:
            self._note_over_limit(COMBINATION)
            known = tuple(OTHER for _ in self._values)
            n = self.profiles.get(known)
        if n is None:
            n = self._add_profile(known)
        if len(self.profiles) < 2 * len(self.profile_names) + 1024:
            self.profiles[asked] = n  # the way it was asked for; bounded, since asking can take any form
        return n

    def _add_profile(self, known: Profile) -> int:
        known = tuple([self._one_text(text) for text in known])
        n = self.profiles[known] = len(self.profile_names)
        self.profile_names.append(known)
        for table, column, name in zip(self._values, self._of_profile, known, strict=True):
            column.append(table.setdefault(name, len(table)))
        self._new.setdefault("profile", []).append(_encode(known).decode())
        return n

    def _one_text(self, text: str) -> str:
        """Return the text that was met first: profiles hold few different ones, each many times."""
        return self._texts.setdefault(text, text)

    def _note_over_limit(self, dimension: str) -> None:
        self.over_limit[dimension] = self.over_limit.get(dimension, 0) + 1

    def adopt(self, table: str, name: Any) -> int:
        """Return the number of a name of another partition's tables, a new one if need be, whatever the limits are.

        Args:
            table: One of TABLES.
            name: As these tables have it; a profile is a tuple.
        """
        if table == "profile":
            known = self.profiles.get(name)
            return self._add_profile(name) if known is None else known
        numbers, names = self._tables()[table]
        found: int | None = numbers.get(name)
        return self._add(table, numbers, names, name) if found is None else found

    def names_of(self, table: str) -> Sequence[Any]:
        """Return the names of a table, one of TABLES, in the order of their numbers; a profile is a tuple."""
        return self.profile_names if table == "profile" else self._tables()[table][1]

    def _tables(self) -> dict[str, tuple[dict[str, int], list[str]]]:
        return {
            "currency": (self.currencies, self.currency_names),
            PLAN: (self.plans, self.plan_names),
            REASON: (self.reasons, self.reason_names),
            FEATURE: (self.features, self.feature_names),
            "topic": (self.topics, self.topic_names),
        }

    # -- numbers to words

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension, in the order of their numbers."""
        if dimension == PLAN:
            return self.plan_names
        return list(self._values[self.dimensions.index(dimension) - 1])

    def value_of(self, dimension: str, profile: int) -> str:
        """Return the value of a dimension, any but plan, that a profile has."""
        return self.profile_names[profile][self.dimensions.index(dimension) - 1]

    def value_at(self, dimension: str, plan: int, profile: int) -> str:
        """Return the value of a dimension that a customer of a profile has with a plan, by their numbers."""
        return self.plan_names[plan] if dimension == PLAN else self.value_of(dimension, profile)

    def numbered(self, dimension: str, plans: Ints, profiles: Ints) -> tuple[list[str], Ints]:
        """Return the values of a dimension, and the number of each of some customers'.

        Args:
            dimension: One of these.
            plans: The numbers of their plans.
            profiles: Those of their profiles, in the same order.
        """
        if dimension == PLAN:
            return self.plan_names, plans
        column = self.dimensions.index(dimension) - 1
        return self.values(dimension), self.value_columns()[column][profiles]

    def sizes(self) -> list[int]:
        """Return how many values each dimension has."""
        return [len(self.plan_names), *(len(table) for table in self._values)]

    def value_columns(self) -> Ints:
        """Return value numbers of profiles: shape (dimensions but plan, profiles)."""
        known, size = self._columns, len(self.profile_names)
        if known.shape[1] < size:
            new = [column[known.shape[1] :] for column in self._of_profile]
            known = self._columns = np.concatenate((known, np.array(new, np.int64)), axis=1)
        return known

    # -- storing

    def take_new(self) -> dict[str, list[str]]:
        """Return what was added since the last call, by table: the caller stores it."""
        new, self._new = self._new, {}
        return new

    def restore(self, tables: Mapping[str, Sequence[str]]) -> None:
        """Add what was stored, in the order in which it was stored: all of it, whatever the limits are now.

        States and counters hold the numbers that it was given; what is known already changes nothing.
        """
        for table, (numbers, names) in self._tables().items():
            for name in tables.get(table, ()):
                if name not in numbers:
                    self._add(table, numbers, names, name)
        for text in tables.get("profile", ()):
            known = _decode_profile(text)
            if known not in self.profiles:
                self._add_profile(known)
        self._new.clear()
