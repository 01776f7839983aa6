"""The list of boards, and their files."""

from collections.abc import Callable

from monitoring.dashboards import (
    cohorts,
    executive,
    feedback,
    feeds,
    measures,
    onboarding,
    retention,
    revenue,
    stream,
    workers,
)
from monitoring.dashboards.board import Board, text_of


def boards() -> list[Board]:
    """Return the boards in the order of the links between them."""
    modules = (executive, retention, cohorts, onboarding, revenue, feedback, measures, stream, feeds, workers)
    return [module.board() for module in modules]


def _as_it_is(query: str) -> str:
    return query


def documents(change: Callable[[str], str] = _as_it_is) -> dict[str, str]:
    """Return the text of every file by its name in grafana/dashboards; `change` is made to each query."""
    return {f"{board.uid.removeprefix('tenure-')}.json": text_of(board, change) for board in boards()}
