"""The board *Revenue*: what is earned from whom, what is won and lost, and whether expansion makes up for churn."""

from typing import Final

from monitoring.dashboards import freshness, movements, subscriptions, tiles, trends, variables
from monitoring.dashboards.board import Board, Section
from schemas.catalogue.ratios import RATIO_BY_NAME

UID: Final = "tenure-revenue"


def board() -> Board:
    """Return the board."""
    net, gross = RATIO_BY_NAME["net_revenue_retention"], RATIO_BY_NAME["gross_revenue_retention"]
    expansion, quick = RATIO_BY_NAME["expansion"], RATIO_BY_NAME["quick_ratio"]
    return Board(
        UID,
        "Revenue",
        "What is earned from whom, and does expansion make up for churn?",
        [variables.source(), variables.window(), variables.dimension(), variables.value()],
        [
            Section("", freshness.first_line()),
            Section(
                "What is earned, and kept",
                [
                    movements.mrr_tile(),
                    movements.net_tile(),
                    tiles.tile(net),
                    tiles.tile(gross),
                    movements.arpa_tile(),
                    tiles.tile(quick),
                    tiles.tile(expansion),
                    tiles.tile(RATIO_BY_NAME["cross_sell"]),
                ],
            ),
            Section("Recurring revenue", [movements.mrr_line(), movements.movements(size=(12, 8))]),
            Section(
                "Retention of revenue",
                [trends.line(net, "Above 100 % those who stay pay more than all did before."), trends.line(gross)],
            ),
            Section("By $dimension", [movements.mrr_of_segments(), trends.by_value(net)]),
            Section("Expansion, and failed payments", [movements.changes(), movements.failed_payments()]),
            Section("Subscriptions", [subscriptions.subscriptions_line(), subscriptions.paused_and_several_line()]),
        ],
    )
