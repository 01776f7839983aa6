"""The intern tables of one partition: strings that repeat become small integers.

States and counters hold the integers; the tables are stored beside them and grow in the same commit. Numbers are
given in order of arrival, so they differ from partition to partition: whoever reads joins by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from kpis.money import Money
from kpis.places import TOPICS

#: The value of a segment where there is none.
NONE: Final = "none"
#: Values beyond the limit of a dimension, and values that are not shown.
OTHER: Final = "other"
#: Features that can be told apart, the one without a name included: see `kpis.features`.
FEATURES: Final = 0xD800 // 2
#: The tables of names, as they are stored.
TABLES: Final = ("plan", "reason", "currency", "profile", "feature", "topic")
#: What every signup has, before the dimensions that a setting adds.
FIXED_DIMENSIONS: Final = ("country", "channel")
PLAN: Final = "plan"
REASON: Final = "reason"
FEATURE: Final = "feature"
#: What is no dimension, but has a limit of its own.
NAMED: Final = (REASON, FEATURE)

Profile = tuple[str, ...]  # (currency, country, channel, further dimensions…)

_encode = msgspec.json.Encoder().encode
_decode_profile = msgspec.json.Decoder(tuple[str, ...]).decode


class Names:
    """Plans, reasons, currencies, features, topics and profiles of one partition.

    A *profile* is what a signup says for good: its currency and its value in every dimension but plan.
    """

    def __init__(self, *, money: Money | None = None, dimensions: Sequence[str] = (), max_values: int = 4096) -> None:
        """Start empty.

        Args:
            money: Default currency and rates; US dollars alone when None.
            dimensions: Further dimensions, by the name of the signup's member.
            max_values: Values that a dimension may have before the rest is counted as `other`.
        """
        self.money = money or Money()
        self.extra = tuple(dimensions)
        self.dimensions: tuple[str, ...] = (PLAN, *FIXED_DIMENSIONS, *self.extra)
        self.max_values = max_values
        #: values beyond the limit, by dimension; those of reasons and features under `reason` and `feature` (times)
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
        self._new: dict[str, list[str]] = {}
        self.plan(NONE)
        self.reason("")
        self.currency("")
        self.feature("")
        self.profile("", ("",) * (len(self.dimensions) - 1))
        self._new.clear()

    # -- words to numbers

    def plan(self, name: str) -> int:
        """Return the number of a plan, a new one if need be."""
        n = self.plans.get(name)
        if n is None:
            if len(self.plans) >= self.max_values:
                self._note_over_limit(PLAN)
                name = OTHER
                if name in self.plans:
                    return self.plans[name]
            n = self.plans[name] = len(self.plan_names)
            self.plan_names.append(name)
            self._new.setdefault("plan", []).append(name)
        return n

    def reason(self, slug: str) -> int:
        """Return the number of a reason; 0 is none."""
        n = self.reasons.get(slug)
        if n is None:
            if len(self.reasons) >= self.max_values:
                self._note_over_limit(REASON)
                slug = OTHER
                if slug in self.reasons:
                    return self.reasons[slug]
            n = self.reasons[slug] = len(self.reason_names)
            self.reason_names.append(slug)
            self._new.setdefault("reason", []).append(slug)
        return n

    def currency(self, code: str) -> int:
        """Return the number of a currency; 0 is the default one, also when the event names none."""
        code = code or self.money.default
        n = self.currencies.get(code)
        if n is None:
            n = self.currencies[code] = len(self.currency_names)
            self.currency_names.append(code)
            self._new.setdefault("currency", []).append(code)
        return n

    def feature(self, slug: str) -> int:
        """Return the number of a feature; 0 is none."""
        n = self.features.get(slug)
        if n is None:
            if len(self.features) >= min(self.max_values, FEATURES - 1):
                self._note_over_limit(FEATURE)
                slug = OTHER
                if slug in self.features:
                    return self.features[slug]
            n = self.features[slug] = len(self.feature_names)
            self.feature_names.append(slug)
            self._new.setdefault("feature", []).append(slug)
        return n

    def topic(self, name: str) -> int:
        """Return the number of a topic, below TOPICS; those that come last share one number."""
        n = self.topics.get(name)
        if n is None:
            if len(self.topic_names) >= TOPICS - 1:
                name = OTHER
                if name in self.topics:
                    return self.topics[name]
            n = self.topics[name] = len(self.topic_names)
            self.topic_names.append(name)
            self._new.setdefault("topic", []).append(name)
        return n

    def profile(self, currency: str, values: Sequence[str]) -> int:
        """Return the number of a profile; an empty value stands for none."""
        key = (currency, *values)
        n = self.profiles.get(key)
        if n is None:
            n = self._new_profile(key)
        return n

    def _new_profile(self, asked: Profile) -> int:
        bounded: list[str] = [asked[0] or self.money.default]
        for dimension, table, value in zip(self.dimensions[1:], self._values, asked[1:], strict=True):
            name = value or NONE
            if name not in table and len(table) >= self.max_values:
                self._note_over_limit(dimension)
                name = OTHER
            bounded.append(name)
        known = tuple(bounded)
        n = self.profiles.get(known)
        if n is None:
            n = self.profiles[known] = len(self.profile_names)
            self.profile_names.append(known)
            for table, column, name in zip(self._values, self._of_profile, known[1:], strict=True):
                column.append(table.setdefault(name, len(table)))
            self._new.setdefault("profile", []).append(_encode(known).decode())
        if len(self.profiles) < 4 * len(self.profile_names) + 1024:
            self.profiles[asked] = n  # the way it was asked for; bounded, since asking can take any form
        return n

    def _note_over_limit(self, dimension: str) -> None:
        self.over_limit[dimension] = self.over_limit.get(dimension, 0) + 1

    # -- numbers to words

    def values(self, dimension: str) -> list[str]:
        """Return the values of a dimension, in the order of their numbers."""
        if dimension == PLAN:
            return self.plan_names
        return list(self._values[self.dimensions.index(dimension) - 1])

    def sizes(self) -> list[int]:
        """Return how many values each dimension has."""
        return [len(self.plan_names), *(len(table) for table in self._values)]

    def value_columns(self) -> NDArray[np.int64]:
        """Return value numbers of profiles: shape (dimensions but plan, profiles)."""
        return np.array(self._of_profile, np.int64).reshape(len(self._of_profile), -1)

    # -- storing

    def take_new(self) -> dict[str, list[str]]:
        """Return what was added since the last call, by table: the caller stores it."""
        new, self._new = self._new, {}
        return new

    def restore(self, tables: Mapping[str, Sequence[str]]) -> None:
        """Add what was stored, in the order in which it was stored."""
        for name in tables.get("currency", ()):
            self.currency(name)
        for name in tables.get("plan", ()):
            self.plan(name)
        for name in tables.get("reason", ()):
            self.reason(name)
        for name in tables.get("feature", ()):
            self.feature(name)
        for name in tables.get("topic", ()):
            self.topic(name)
        for text in tables.get("profile", ()):
            key = _decode_profile(text)
            self.profile(key[0], key[1:])
        self._new.clear()
