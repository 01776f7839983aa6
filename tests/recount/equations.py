"""The identities between counts that hold at every T and over every window.

Definitions: section 3, "Identities that hold at every T and window".
"""

from collections.abc import Sequence

from tests.recount.customers import Book
from tests.recount.report import Json, report, windows_at


def broken(book: Book, at_ms: int, by: Sequence[str]) -> list[str]:
    """Return the identities that do not hold as of T, in words; none, by right.

    Args:
        book: The log as it was read.
        at_ms: T (milliseconds since 1970).
        by: Dimensions whose segments are looked at too.
    """
    found = []
    now = report(book, at_ms, windows_at(at_ms, book.options), by)
    for window, start_ms in windows_at(at_ms, book.options).items():
        then = report(book, start_ms, {}, by)
        found += _broken("all", "", window, now, then)
        for dimension in by:
            current, former = part(now, "segments", dimension), part(then, "segments", dimension)
            for value in sorted(current.keys() | former.keys()):
                found += _broken(dimension, value, window, current.get(value), former.get(value))
    return found


def part(document: object, *path: str) -> Json:
    """Return the part of a report that lies at the path, which is an object."""
    for name in path:
        assert isinstance(document, dict), f"{name} lies in no object"
        document = document[name]
    assert isinstance(document, dict), f"{path} is no object"
    return document


def _broken(dimension: str, value: str, window: str, now: object, then: object) -> list[str]:
    """Return the identities that do not hold for one segment; a segment that is not there has zeros."""

    def count(name: str) -> int:
        return _number(now, name, "windows", window)

    def rise(name: str) -> int:
        return _number(now, name, "totals") - _number(then, name, "totals")

    holds = {
        "customers_at_start": count("customers_at_start") == count("customers_retained") + count("customers_lost"),
        "subscription_mrr": dimension == "plan"
        or _number(now, "subscription_mrr", "totals") == _number(now, "mrr", "totals"),
        "customers_active": dimension == "plan"
        or rise("customers_active") == count("customers_new") + count("customers_reactivated") - count("cancellations"),
        "subscriptions_active": dimension == "plan"
        or rise("subscriptions_active") == count("subscriptions_started") - count("subscriptions_ended"),
        "mrr": dimension == "plan"
        or rise("mrr")
        == count("mrr_new")
        + count("mrr_expansion")
        + count("mrr_reactivated")
        - count("mrr_contraction")
        - count("mrr_churned"),
        "customers_at_start as of then": count("customers_at_start") == _number(then, "customers_active", "totals"),
        "mrr_at_start as of then": count("mrr_at_start") == _number(then, "mrr", "totals"),
    }
    return [f"{name}, {window}, {dimension} {value}" for name, is_kept in holds.items() if not is_kept]


def _number(document: object, name: str, *path: str) -> int:
    if document is None:
        return 0
    number = part(document, *path)[name]
    assert isinstance(number, int), f"{name} is no count"
    return number
