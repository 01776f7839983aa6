"""The freshness row of every board: age of the numbers, completeness, faults.

A tile shows the last number that it has: only its age tells that there has been none since.
"""

from typing import Final

from monitoring.alerts import thresholds
from monitoring.dashboards import queries
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, NONE, Placed, bars, number, shown_as
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import COUNT, PLAIN, SECONDS, About, of_count, of_metric
from schemas.instruments import KPIS_AS_OF, LOSSES

_LONG: Final = "6h"
_ANY: Final = queries.count("customers_active", queries.STOCK)


def age(*, size: tuple[int, int] = (4, 4)) -> Placed:
    """Return the age of the last complete numbers, which grows while there are none."""
    about = About(
        "Age of the numbers",
        "How long ago the KPIs were complete for the last time: every partition counted exactly once and up to date."
        " While they are withheld, other tiles may show what was last.\n\n"
        "`time() − timestamp of the last segment:tenure_customers_active:sum`",
        SECONDS,
        ("TenureIncomplete", "TenureLagging"),
    )
    asked = f"time() - max(max_over_time(timestamp({_ANY})[{_LONG}:15s]))"
    steps = [(None, GOOD), (120.0, FAIR), (float(thresholds.LAG_LIMIT_SECONDS), BAD)]
    return number(about, Query(asked, "age"), steps=steps, size=size, empty=f"older than {_LONG}", decimals=0)


def complete(*, size: tuple[int, int] = (4, 4)) -> Placed:
    """Return whether the numbers are complete."""
    about = About(
        "Complete",
        "Whether every partition is counted exactly once, none recovers or is halted, and none is more than"
        f" {thresholds.LAG_LIMIT_SECONDS} s behind. KPIs are withheld meanwhile.\n\n`stream:complete:bool`",
        PLAIN,
        ("TenureIncomplete",),
    )
    values = shown_as({"1": ("complete", GOOD), "0": ("incomplete", BAD)})
    return number(about, Query("stream:complete:bool or vector(0)", "complete"), mappings=values, size=size)


def as_of(*, size: tuple[int, int] = (4, 4)) -> Placed:
    """Return the instant that the numbers are as of."""
    about = of_metric("As of", KPIS_AS_OF, "The KPIs hold exactly the events before this instant.", "dateTimeAsIso")
    asked = f"1000 * max({queries.own(KPIS_AS_OF)})"
    return number(about, Query(asked, "T"), steps=[(None, NONE)], size=size)


def firing(*, size: tuple[int, int] = (4, 4)) -> Placed:
    """Return how many alerts fire, by severity."""
    about = About(
        "Alerts that fire",
        "How many alerts of Tenure fire now, by severity; what each means and what to do stands in its runbook.\n\n"
        '`count of ALERTS{alertstate="firing",service="tenure"}`',
        COUNT,
    )

    def asked(severity: str, colour: str) -> Query:
        chosen = f'ALERTS{{alertstate="firing",service="tenure",severity="{severity}"}}'
        return Query(f"count({chosen}) or vector(0)", severity, colour=colour)

    return number(about, asked("page", BAD), asked("warn", FAIR), size=size)


def customers(*, size: tuple[int, int] = (4, 4)) -> Placed:
    """Return the customers who are active."""
    about = of_count("customers_active", title="Customers")
    return number(about, Query(queries.trend(_ANY), "customers", colour=CALM), size=size, line=True)


def losses(*, size: tuple[int, int] = (24, 4)) -> Placed:
    """Return the windows that miss events which somebody has given up."""
    about = of_metric(
        "Windows that miss events for good",
        LOSSES,
        "Events were lost, and somebody has accepted it: `tenure resume` says who, when and what. A window is here"
        " until it has left the loss behind.",
        COUNT,
        runbooks=("TenurePartitionHalted",),
    )
    asked = Query(f"max by (window) ({queries.own(LOSSES)}) > 0", "{{window}}")
    return bars(about, asked, steps=[(None, BAD)], size=size, empty="nothing was given up")


def first_line() -> list[Placed]:
    """Return the line of tiles that boards of KPIs begin with."""
    return [age(), complete(), as_of(), firing(), customers()]
