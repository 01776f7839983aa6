"""Panels about trials, pauses and subscriptions, of which a customer may have several."""

from monitoring.dashboards import queries
from monitoring.dashboards.panels import CALM, FAIR, GOOD, Placed, bars, lines
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import of_counts


def paused_and_several_line(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return paused customers and those with several subscriptions over time."""
    names = {"customers_paused": ("paused", FAIR), "customers_with_several": ("with several", CALM)}
    about = of_counts("Paused, and with several subscriptions", "As of each instant.", *names)
    asked = [
        Query(queries.trend(queries.count(name, queries.STOCK)), words, colour=colour)
        for name, (words, colour) in names.items()
    ]
    return lines(about, *asked, size=size, lowest=0)


def subscriptions_line(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return subscriptions and customers over time."""
    meaning = "Where subscriptions grow faster than customers, cross-selling works."
    about = of_counts("Subscriptions and customers over time", meaning, "subscriptions_active", "customers_active")
    asked = [
        Query(queries.trend(queries.count("subscriptions_active", queries.STOCK)), "subscriptions", colour="purple"),
        Query(queries.trend(queries.count("customers_active", queries.STOCK)), "customers", colour=CALM),
    ]
    return lines(about, *asked, size=size, lowest=0)


def trials(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return what became of the trials of the window, as bars."""
    meaning = "Trials whose time to convert, the setting `trial_days`, ended in the window, and what they led to."
    about = of_counts("What became of trials", meaning, "trials_matured", "trials_converted")
    asked = [
        Query(queries.count("trials_matured"), "their time to convert has ended", colour=CALM),
        Query(queries.count("trials_converted"), "became customers in it", colour=GOOD),
    ]
    return bars(about, *asked, queries.withheld_bars(), size=size, empty="nobody yet", above=True)
