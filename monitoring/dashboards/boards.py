"""The list of boards, and their files."""

from monitoring.dashboards import cohorts, executive, feedback, onboarding, retention, revenue, stream
from monitoring.dashboards.board import Board, text_of


def boards() -> list[Board]:
    """Return the boards in the order of the links between them."""
    modules = (executive, retention, cohorts, onboarding, revenue, feedback, stream)
    return [module.board() for module in modules]


def documents() -> dict[str, str]:
    """Return the text of every file by its name in grafana/dashboards."""
    all_of_them = boards()
    return {f"{board.uid.removeprefix('tenure-')}.json": text_of(board, all_of_them) for board in all_of_them}
