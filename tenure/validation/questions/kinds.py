"""Questions about what kinds of events there are: types that are missing, tests, and what looks like tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from schemas.events import EVENT_TYPES, Cancel, LifecycleEvent, PricedEvent, Signup
from schemas.instants import DAY_MS
from schemas.wording import counted
from tenure.validation.questions.question import EXAMPLES_KEPT, Asked, Mention, Question, SeenEvent, SeenTotals, Weight

_MANY_SIGNUPS: Final = 100
_LONG_MS: Final = 60 * DAY_MS
_WORDS: Final = re.compile(r"[^a-z0-9]+")
_OF_TESTS: Final = frozenset({"test", "tests", "testing", "tester"})
_LIFECYCLE: Final = frozenset(each.TYPE for each in EVENT_TYPES if issubclass(each, LifecycleEvent))


class MissingTypes(Question):
    """Types without which the others say little."""

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask for signups, and for cancels."""
        if not totals.events:
            return
        signups = totals.by_type.get(Signup.TYPE, 0)
        lifecycle = sum(count for kind, count in totals.by_type.items() if kind in _LIFECYCLE)
        if not signups and totals.refused_signups:
            yield Asked(
                "signups_refused",
                Weight.HIGH,
                totals.refused_signups,
                totals.refused_signups,
                f"signups were refused, all there are; events of {counted(totals.customers, 'customers')} are left",
                "signups open subscriptions: without them the rest has no effect. Mend what is refused, and validate "
                "again",
            )
        elif not signups:
            yield Asked(
                "no_signup",
                Weight.HIGH if lifecycle else Weight.LOW,
                totals.events,
                totals.events,
                f"events of {counted(totals.customers, 'customers')}, and no signup among them",
                "signups open subscriptions: without them the rest has no effect. Validate all that belongs together "
                "at once: one file with all types, or --topic several times",
            )
        elif (
            signups >= _MANY_SIGNUPS
            and totals.last_ms - totals.first_ms >= _LONG_MS
            and not totals.by_type.get(Cancel.TYPE)
        ):
            yield Asked(
                "no_cancel",
                Weight.HIGH,
                signups,
                None,
                f"signups over {(totals.last_ms - totals.first_ms) // DAY_MS:,} days, and not one cancel",
                "churn would be 0: export the subscriptions that have ended too",
            )


class Tests(Question):
    """Events that are marked as tests, where they are many."""

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask whether the right mode was exported."""
        every = totals.events + totals.tests
        if totals.tests * 10 > every:
            yield Asked(
                "many_tests",
                Weight.MEDIUM,
                totals.tests,
                every,
                "events are marked as tests, and count nowhere",
                "look whether a test mode was exported instead of the live one",
            )


class LooksLikeTest(Question):
    """Customers and plans that are named like tests, in events that are not marked so."""

    WANTS = EVENT_TYPES

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._examples: dict[str, Mention] = {}

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
        event = seen.event
        names = (event.customer_id, event.plan) if isinstance(event, PricedEvent) else (event.customer_id,)
        for name in names:
            lower = name.lower()
            if "test" in lower and not _OF_TESTS.isdisjoint(_WORDS.split(lower)):
                self._count += 1
                if len(self._examples) < EXAMPLES_KEPT and name not in self._examples:
                    of = "plan" if name is not event.customer_id else "customer"
                    self._examples[name] = Mention(f"{event.TYPE} of {of} {name}", seen.number)
                return

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask whether these are tests."""
        if self._count:
            yield Asked(
                "looks_like_test",
                Weight.LOW,
                self._count,
                totals.events,
                "events have a customer or a plan that is named like a test, and count",
                'mark them with "test": true, or leave them out, if they are tests',
                list(self._examples.values()),
            )
