"""Candidates for the members of a number, out of the states of a partition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kpis.customer.state import decode
from kpis.customer.what_counts import WhatCounts
from kpis.members.explain import Candidate
from kpis.members.view import View, Window
from kpis.names import Names


def candidates(
    window: Window, what: WhatCounts, partition: int, names: Names, states: Iterable[tuple[str, bytes]]
) -> Iterator[Candidate]:
    """Yield customers of a partition one by one, each decoded once.

    Args:
        window: As of when they are looked at; that of whoever takes them.
        what: What counts.
        partition: Theirs.
        names: Of the partition, which know all numbers in the states.
        states: Customers with the states that `kpis.customer.state.encode` wrote.
    """
    for customer_id, state in states:
        yield Candidate(customer_id, partition, names, state, View(decode(state), window, what))
