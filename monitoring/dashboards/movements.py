"""Panels about recurring revenue: its sum, its movements, the customers who move between plans."""

from collections.abc import Callable
from typing import Final

from monitoring.dashboards import queries, tiles
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, lines
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import (
    MINOR_PER_MAJOR,
    MONEY,
    PERCENT,
    of_count,
    of_counts,
    of_ratio,
)
from schemas.catalogue.ratios import RATIO_BY_NAME

GAINS: Final = {"mrr_new": GOOD, "mrr_expansion": CALM, "mrr_reactivated": "purple"}
LOSSES: Final = {"mrr_contraction": FAIR, "mrr_churned": BAD}
_MAJOR: Final = f" / {MINOR_PER_MAJOR}"


def money(selector: str) -> str:
    """Return money in whole units over time."""
    return queries.trend(selector) + _MAJOR


def mrr_tile(*, board: str = "") -> Placed:
    """Return the monthly recurring revenue."""
    about = of_count("mrr", title="MRR")
    return tiles.count_tile(about, queries.count("mrr", queries.STOCK), factor=_MAJOR, board=board)


def arpa_tile() -> Placed:
    """Return the revenue of an average customer."""
    ratio = RATIO_BY_NAME["arpa"]
    about = of_ratio(ratio, title="Revenue per account")
    return tiles.count_tile(about, queries.ratio(ratio, queries.STOCK), factor=_MAJOR)


def mrr_line(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return the monthly recurring revenue over time."""
    about = of_count("mrr", title="MRR over time")
    asked = Query(money(queries.count("mrr", queries.STOCK)), "MRR", colour=CALM)
    return lines(about, asked, size=size, filled=10, lowest=0)


def movements(*, size: tuple[int, int] = (24, 9)) -> Placed:
    """Return what moved the revenue in the chosen window: gains above, losses below the axis."""
    about = of_counts(
        "MRR movements",
        "Each point is the sum over the window that ends then; losses are below the axis.",
        *GAINS,
        *LOSSES,
        unit=MONEY,
    )
    won = [Query(money(queries.count(name)), _short(name), colour=colour) for name, colour in GAINS.items()]
    lost = [Query("-" + money(queries.count(name)), _short(name), colour=colour) for name, colour in LOSSES.items()]
    return lines(about, *won, *lost, size=size, mirrored=True, filled=40)


def net_tile() -> Placed:
    """Return by how much the revenue of the window grew or shrank."""
    about = of_counts("Net new MRR", "MRR won less MRR lost in the window.", *GAINS, *LOSSES, unit=MONEY)

    def net(asked: Callable[[str], str]) -> str:
        gains, losses = (" + ".join(asked(queries.count(name)) for name in names) for names in (GAINS, LOSSES))
        return f"({gains} - ({losses}))"

    return tiles.expression_tile(about, net(queries.now), net(queries.trend), net(queries.earlier), factor=_MAJOR)


def mrr_of_segments(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return the revenue by the chosen values over time."""
    about = of_count("mrr", "By the values of the variable *dimension*.", title="MRR by $dimension")
    asked = queries.each_value(f"{money(queries.count('mrr', queries.SEGMENT))} > 0")
    return lines(about, Query(asked, "{{value}}"), size=size, stacked=True, filled=30, values=True)


def changes(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return upgrades and downgrades of the window over time."""
    meaning = (
        "Customers who stayed and whose MRR rose or fell: by another plan or price, or by one subscription more or"
        " less. What a customer does within one bucket is one movement: a plan switched within one is a change."
    )
    about = of_counts("Upgrades and downgrades", meaning, "upgrades", "downgrades")
    up, down = (queries.trend(queries.count(name)) for name in ("upgrades", "downgrades"))
    asked = [Query(up, "upgrades", colour=GOOD), Query(down, "downgrades", colour=FAIR)]
    return lines(about, *asked, size=size, lowest=0)


def failed_payments(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return the share of involuntary cancellations and of failed renewals over time."""
    about = of_counts(
        "Lost to failed payments",
        "The share of the cancellations that nobody decided, and the share of the terms whose renewal failed.\n\n"
        "`cancellations_involuntary` / `cancellations`, and `renewals_failed` / `renewals_renewed + renewals_declined +"
        " renewals_failed`",
        "cancellations_involuntary",
        "renewals_failed",
        unit=PERCENT,
        runbooks=("InvoluntaryChurnRising",),
    )
    over = {name: queries.trend(queries.count(name)) for name in ("cancellations_involuntary", "cancellations")}
    terms = " + ".join(queries.trend(queries.count(f"renewals_{how}")) for how in ("renewed", "declined", "failed"))
    return lines(
        about,
        Query(
            f"{over['cancellations_involuntary']} / ({over['cancellations']} > 0)", "of the cancellations", colour=BAD
        ),
        Query(f"{queries.trend(queries.count('renewals_failed'))} / (({terms}) > 0)", "of the terms", colour=FAIR),
        size=size,
        lowest=0,
    )


def _short(name: str) -> str:
    return name.removeprefix("mrr_")
