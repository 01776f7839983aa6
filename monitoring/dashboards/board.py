"""A dashboard: its rows of panels on the grid, its variables, annotations and links, as the JSON that Grafana reads."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from monitoring.dashboards.panels import SOURCE, Panel, Placed
from monitoring.dashboards.variables import Variable
from monitoring.dashboards.wording import RUNBOOKS, runbook
from monitoring.recording import MARKED

TAG: Final = "tenure"
GRID: Final = 24
#: Members that the SDK leaves in variables and that belong to other kinds of them.
_LEFTOVERS: Final = ("auto", "auto_min", "auto_count")
#: What annotations say, which the SDK's model does not have.
_ALERT_TEXT: Final = {
    "titleFormat": "{{alertname}}",
    # Where an alert lacks a label, Grafana would write the label's name into the text; tags are left out.
    "textFormat": f'<a href="{runbook("{{alertname}}")}">runbook</a>',
    "tagKeys": "severity,kpi,window,dimension,value,type,partition",
}
#: A mark stands where it happened, whenever it came: its time is the value, in milliseconds.
_MARK_TEXT: Final[Mapping[str, Any]] = {
    "titleFormat": "{{title}}",
    "textFormat": "{{kind}}",
    "tagKeys": "kind",
    "useValueForTime": True,
}
#: Where alerts begin to fire: drawn for as long as they do they would cover the lines.
_FIRING: Final = (
    'ALERTS{alertstate="firing",service="tenure",severity=~"page|warn",kpi%(kpi)s""}'
    ' unless ALERTS{alertstate="firing",service="tenure",severity=~"page|warn",kpi%(kpi)s""} offset $__interval'
)
#: Name, colour, query and words of the marks of alerts: of KPIs on boards of KPIs, of the stream on all others.
_ALERTS_OF_KPIS: Final = ("alerts", "red", _FIRING % {"kpi": "!="}, _ALERT_TEXT)
_ALERTS_OF_THE_STREAM: Final = ("alerts", "red", _FIRING % {"kpi": "="}, _ALERT_TEXT)
#: The same of the other annotations.
_ALWAYS: Final[tuple[tuple[str, str, str, Mapping[str, Any]], ...]] = (
    (
        "withheld",
        "#8e8e8e",
        "max(stream:incomplete:bool) == 1",
        {"titleFormat": "withheld", "textFormat": "Numbers are withheld: a partition is not counted exactly once."},
    ),
    (
        "loading",
        "blue",
        "max(stream:backfill:bool) == 1",
        {"titleFormat": "history is loading", "textFormat": "Nothing is shown or judged meanwhile."},
    ),
    ("marks", "purple", f"{MARKED} * 1000 >= ${{__from}} <= ${{__to}}", _MARK_TEXT),
)


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a heading, laid out from left to right and from top to bottom.

    Attributes:
        title: The heading; empty for the first rows of a board.
        panels: In the order of reading; the panels of one line have one height.
    """

    title: str
    panels: Sequence[Placed]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard.

    Attributes:
        uid: As in its address, `/d/<uid>`; alerts link to it.
        title: For people.
        description: What questions it answers.
        variables: In the order of the choices at its top.
        sections: From top to bottom.
        since: The begin of its time range.
        refresh: How often it asks anew.
        of_the_stream: Whether it is about the stream, not about customers.
    """

    uid: str
    title: str
    description: str
    variables: Sequence[Variable]
    sections: Sequence[Section]
    since: str = "now-7d"
    refresh: str = "1m"
    of_the_stream: bool = False

    @property
    def annotations(self) -> tuple[tuple[str, str, str, Mapping[str, str]], ...]:
        """The marks in its lines: name, colour, query and words of each."""
        return (_ALERTS_OF_THE_STREAM if self.of_the_stream else _ALERTS_OF_KPIS, *_ALWAYS)


def text_of(board: Board, change: Callable[[str], str]) -> str:
    """Return the JSON of a board; the same bytes for the same board. `change` is made to each of its queries."""
    document: dict[str, Any] = json.loads(json.dumps(_built(board), cls=JSONEncoder))
    for annotation, (_, _, expr, words) in zip(document["annotations"]["list"], board.annotations, strict=True):
        annotation.update(words)
        annotation["expr"] = change(expr)
        annotation["target"] = {"expr": change(expr), "interval": "", "refId": "Anno"}
    for variable in document["templating"]["list"]:
        for member in _LEFTOVERS:
            variable.pop(member, None)
        if isinstance(variable["query"], dict):
            variable["definition"] = variable["query"]["query"] = change(variable["query"]["query"])
    for panel in document["panels"]:
        # It says how copies of a panel are laid out, and nothing is copied.
        panel.pop("repeatDirection", None)
        # Labels of bars: 0 cuts them all away.
        panel.get("options", {}).pop("xTickLabelMaxLength", None)
        for target in panel.get("targets", ()):
            target["expr"] = change(target["expr"])
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _built(board: Board) -> model.Dashboard:
    found = dashboard.Dashboard(board.title).uid(board.uid).description(board.description).tags([TAG])
    found.readonly().refresh(board.refresh).time(board.since, "now").timezone("browser")
    found.tooltip(model.DashboardCursorSync.CROSSHAIR)
    found.variables(list(board.variables))
    found.annotations([_annotation(name, colour, expr) for name, colour, expr, _ in board.annotations])
    found.links([_link_to_boards(), _link_to_runbooks()])
    built = found.build()
    built.panels = list(_laid_out(board.sections))
    return built


def _annotation(name: str, colour: str, expr: str) -> dashboard.AnnotationQuery:
    # One switch for each would fill two lines above the numbers.
    found = dashboard.AnnotationQuery().name(name).datasource(SOURCE).expr(expr)
    return found.enable(enable=True).hide(hide=True).icon_color(colour)


def _link_to_boards() -> dashboard.DashboardLink:
    found = dashboard.DashboardLink("Boards").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    found.tooltip("The other boards, with the same choices and the same time.").icon("dashboard").url("")
    found.as_dropdown(as_dropdown=True)
    return found.keep_time(keep_time=True).include_vars(include_vars=True).target_blank(target_blank=False)


def _link_to_runbooks() -> dashboard.DashboardLink:
    found = dashboard.DashboardLink("Runbooks").type(model.DashboardLinkType.LINK).url(f"{RUNBOOKS}/")
    found.tooltip("What to do when an alert fires.").icon("doc").tags([]).as_dropdown(as_dropdown=False)
    return found.keep_time(keep_time=False).include_vars(include_vars=False).target_blank(target_blank=True)


def _laid_out(sections: Sequence[Section]) -> list[model.Panel | model.RowPanel]:
    """Place panels on the grid and number them.

    Raises:
        AssertionError: The panels of a line do not fill it, or differ in height: Grafana would move them.
    """
    found: list[model.Panel | model.RowPanel] = []
    y = 0
    for section in sections:
        if section.title:
            found.append(_heading(section.title, y, len(found) + 1))
            y += 1
        x, height = 0, 0
        for placed in section.panels:
            assert height in (0, placed.height), (section.title, placed)
            found.append(_positioned(placed.panel, x, y, placed, len(found) + 1))
            x, height = x + placed.width, placed.height
            assert x <= GRID, (section.title, placed)
            if x == GRID:
                x, y, height = 0, y + height, 0
        assert x == 0, f"{section.title}: the last line is not full"
    return found


def _heading(title: str, y: int, number: int) -> model.RowPanel:
    where = model.GridPos(x=0, y=y, w=GRID, h=1)
    return dashboard.Row(title).collapsed(collapsed=False).grid_pos(where).id(number).build()


def _positioned(panel: Panel, x: int, y: int, placed: Placed, number: int) -> model.Panel:
    where = model.GridPos(x=x, y=y, w=placed.width, h=placed.height)
    return panel.grid_pos(where).id(number).build()
