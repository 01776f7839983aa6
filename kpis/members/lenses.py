"""Comparison of the four churn definitions: customers that one of them counts and another does not.

With `customers_lost` these shares add up to all cancellations: lost + returned + repeated is what profitwell counts,
and with those of new customers it is what baremetrics and stripe count.
Definitions: docs/definitions.md, section Ratios.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from kpis.members.rules import MEMBERSHIPS, Membership, Memberships
from kpis.members.view import View

_cancellations: Final = MEMBERSHIPS["cancellations"]


def _returned(view: View) -> Iterator[Membership]:
    """Yield the cancellations of customers of the start who are there at the end all the same."""
    if view.start.active and view.end.active:
        for share in _cancellations(view):
            yield share._replace(why="became inactive and active again inside the window")


def _repeated(view: View) -> Iterator[Membership]:
    """Yield the cancellations but one of customers of the start who are gone at the end."""
    if view.start.active and not view.end.active:
        for share in list(_cancellations(view))[:-1]:
            yield share._replace(why="became inactive more than once in the window; this is not the last time")


def _of_new(view: View) -> Iterator[Membership]:
    """Yield the cancellations of customers who were not active at the start."""
    if not view.start.active:
        for share in _cancellations(view):
            yield share._replace(why="not active at {start}, so new in the window or back in it, and inactive again")


DIFFERENCES: Final[Mapping[str, Memberships]] = {"returned": _returned, "repeated": _repeated, "of_new": _of_new}
"""What some lenses count and others do not, by name."""
