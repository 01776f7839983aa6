"""Groups of customers: what does not depend on the choice is worked out once a customer."""

from __future__ import annotations

from typing import Any, cast

from kpis.choosing.chooser import Choice, Chooser, chooser_of
from kpis.choosing.groups import GroupCollector, ScanQuestion, Taken, summed_up
from kpis.customer.layout import Customer
from kpis.filters import parse_filter
from kpis.names import Names
from schemas.dimensions import BUILT_IN_DIMENSIONS

CUSTOMERS = ("anna", "bert")


class _Visits:
    """A scan that counts the customers for whom one of two plans is chosen, and works something out."""

    def __init__(self, choice: Choice, worked_out: list[str]) -> None:
        self.found: list[str] = []
        self._chooser, self._worked_out = chooser_of(choice), worked_out

    def take(self, taken: Taken) -> None:
        def work_out() -> str:
            self._worked_out.append(taken.customer_id)
            return taken.customer_id.upper()

        known = self._chooser.once("name", work_out)
        if [plan for plan in (0, 1) if self._chooser.holds(taken.names, plan, taken.customer.profile)]:
            self.found.append(known)

    def add(self, other: _Visits) -> None:
        self.found += other.found


def test_what_is_of_the_customer_alone_is_worked_out_once() -> None:
    """Groups take a customer of two plans four times; most of the time goes into what is the same each time."""
    worked_out: list[str] = []
    names = Names()
    assert names.plan("pro") == 1, "plan 0 is that of nobody"
    question = ScanQuestion[_Visits](("visits",), lambda choice: _Visits(choice, worked_out), _Visits.take)
    collector = GroupCollector(names, question)
    collector.take(Taken(0, names, each, b"", cast("Any", Customer())) for each in CUSTOMERS)
    assert worked_out == list(CUSTOMERS)
    assert summed_up([collector.groups()], question, None).found == ["ANNA", "BERT"]
    nobody = parse_filter("plan = gold", BUILT_IN_DIMENSIONS)
    assert summed_up([collector.groups()], question, nobody).found == []


def test_chooser_of_one_look_works_out_each_time() -> None:
    """It sees a customer once: what it kept would be of another one."""
    chooser = Chooser(None)
    numbers = iter([1, 2])
    assert [chooser.once("n", lambda: next(numbers)) for _ in range(2)] == [1, 2]
