"""Panels about trials, pauses and subscriptions, of which a customer may have several."""

from typing import Final

from monitoring.dashboards import queries
from monitoring.dashboards.movements import money
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, bars, lines, number
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import of_count, of_counts

_BY_DIMENSION: Final = (
    "By the values of the variable *dimension*: by plan it is the plan of the subscription itself, which may be"
    " another one than the customer's."
)


def stock_tile(name: str, title: str, *more: str, size: tuple[int, int] = (4, 5)) -> Placed:
    """Return a count as of now, with a small line over time."""
    asked = Query(queries.trend(queries.count(name, queries.STOCK)), colour=CALM)
    return number(of_count(name, *more, title=title), asked, size=size, line=True)


def paused_tile() -> Placed:
    """Return the paused customers."""
    return stock_tile("customers_paused", "Customers paused", "They may come back, and bring no revenue meanwhile.")


def several_tile() -> Placed:
    """Return the customers with several subscriptions."""
    return stock_tile("customers_with_several", "With several subscriptions", "What cross-selling has won.")


def subscriptions_tile() -> Placed:
    """Return the subscriptions that count."""
    return stock_tile("subscriptions_active", "Subscriptions")


def paused_line(*, size: tuple[int, int] = (8, 7)) -> Placed:
    """Return the paused customers over time."""
    more = "Whether a pause counts as leaving is a setting (`paused_customers`); they are shown here either way."
    about = of_count("customers_paused", more, title="Customers paused over time")
    asked = queries.trend(queries.count("customers_paused", queries.STOCK))
    return lines(about, Query(asked, "paused", colour=FAIR), size=size, filled=10)


def several_line(*, size: tuple[int, int] = (8, 7)) -> Placed:
    """Return the customers with several subscriptions over time."""
    about = of_count("customers_with_several", title="Customers with several subscriptions over time")
    asked = queries.trend(queries.count("customers_with_several", queries.STOCK))
    return lines(about, Query(asked, "with several", colour=CALM), size=size, filled=10)


def paused_and_several_line(*, size: tuple[int, int] = (8, 7)) -> Placed:
    """Return paused customers and those with several subscriptions over time."""
    names = {"customers_paused": ("paused", FAIR), "customers_with_several": ("with several", CALM)}
    about = of_counts("Paused, and with several subscriptions", "As of each instant.", *names)
    asked = [
        Query(queries.trend(queries.count(name, queries.STOCK)), words, colour=colour)
        for name, (words, colour) in names.items()
    ]
    return lines(about, *asked, size=size)


def subscriptions_line(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return subscriptions and customers over time."""
    meaning = "Where subscriptions grow faster than customers, cross-selling works."
    about = of_counts("Subscriptions and customers over time", meaning, "subscriptions_active", "customers_active")
    asked = [
        Query(queries.trend(queries.count("subscriptions_active", queries.STOCK)), "subscriptions", colour=CALM),
        Query(queries.trend(queries.count("customers_active", queries.STOCK)), "customers", colour=GOOD),
    ]
    return lines(about, *asked, size=size)


def flow(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return subscriptions that began and ceased to count in the chosen window, and the difference."""
    meaning = (
        "Each point is the sum over the window that ends then; what ended is below the axis. The difference is the"
        " growth of the window.\n\n`subscriptions_started − subscriptions_ended`"
    )
    about = of_counts("Subscriptions started and ended", meaning, "subscriptions_started", "subscriptions_ended")
    started, ended = (queries.trend(queries.count(f"subscriptions_{which}")) for which in ("started", "ended"))
    asked = [
        Query(started, "started", colour=GOOD),
        Query(f"-{ended}", "ended", colour=BAD),
        Query(f"{started} - {ended}", "started − ended", colour=CALM),
    ]
    return lines(about, *asked, size=size)


def subscriptions_of_segments(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return the subscriptions by the chosen values over time."""
    about = of_count("subscriptions_active", _BY_DIMENSION, title="Subscriptions by $dimension")
    asked = queries.trend(queries.count("subscriptions_active", queries.SEGMENT))
    return lines(about, Query(asked, "{{value}}"), size=size, stacked=True, filled=30)


def mrr_of_segments(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return the revenue of subscriptions by the chosen values over time."""
    about = of_count("subscription_mrr", _BY_DIMENSION, title="MRR of subscriptions by $dimension")
    asked = money(queries.count("subscription_mrr", queries.SEGMENT))
    return lines(about, Query(asked, "{{value}}"), size=size, stacked=True, filled=30)


def trials(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return what became of the trials of the window, as bars."""
    meaning = "Trials whose time to convert, the setting `trial_days`, ended in the window, and what they led to."
    about = of_counts("What became of trials", meaning, "trials_matured", "trials_converted")
    asked = [
        Query(queries.count("trials_matured"), "their time to convert has ended", colour=CALM),
        Query(queries.count("trials_converted"), "became customers in it", colour=GOOD),
    ]
    return bars(about, *asked, size=size)
