"""The board *Revenue*: what is earned from whom, what is won and lost, and whether expansion makes up for churn."""

from typing import Final

from monitoring.dashboards import freshness, movements, subscriptions, tiles, variables
from monitoring.dashboards.board import Board, Section
from schemas.catalogue.ratios import RATIO_BY_NAME

UID: Final = "tenure-revenue"
TILES: Final = ("net_revenue_retention", "gross_revenue_retention", "quick_ratio", "expansion")


def board() -> Board:
    """Return the board."""
    net, gross = RATIO_BY_NAME["net_revenue_retention"], RATIO_BY_NAME["gross_revenue_retention"]
    expansion, quick = RATIO_BY_NAME["expansion"], RATIO_BY_NAME["quick_ratio"]
    cross_sell = RATIO_BY_NAME["cross_sell"]
    now = [*tiles.tiles_of(TILES), movements.net_tile(), movements.arpa_tile()]
    return Board(
        UID,
        "Revenue",
        "What is earned from whom, and whether expansion makes up for churn.",
        [variables.source(), variables.job(), variables.window(), variables.dimension(), variables.value()],
        [
            Section("", [*freshness.first_line(), movements.mrr_tile()]),
            Section("Now, against the targets", now),
            Section("Recurring revenue", [movements.mrr_line(), movements.arpa_line(), movements.movements()]),
            Section(
                "Retention of revenue",
                [
                    tiles.line(net, "Above 100 % those who stay pay more than all did before.", size=(12, 8)),
                    tiles.line(gross, size=(12, 8)),
                    tiles.by_window(net),
                    tiles.by_window(quick),
                ],
            ),
            Section(
                "By $dimension", [movements.mrr_of_segments(), tiles.by_value(net), tiles.segments(gross, size=(24, 8))]
            ),
            Section(
                "Expansion",
                [
                    tiles.line(expansion, size=(12, 8)),
                    movements.changes(),
                    tiles.line(cross_sell, size=(12, 8)),
                    tiles.by_value(cross_sell),
                ],
            ),
            Section(
                "Subscriptions",
                [
                    subscriptions.subscriptions_line(),
                    subscriptions.flow(),
                    subscriptions.subscriptions_of_segments(),
                    subscriptions.mrr_of_segments(),
                ],
            ),
            Section("Failed payments", [movements.failed_payments(), tiles.by_value(gross)]),
        ],
    )
