"""Panels in the style of all boards: numbers, lines, bars, states. Tables: `frames`.

Numbers that say "now" are instant queries over the last quarter of an hour: Grafana puts an instant query at the end of
the time range, rounded down to the step, which is hours ago where the range is long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    dashboard,
    stat,
    statetimeline,
    table,
    timeseries,
    trend,
)
from grafana_foundation_sdk.builders import prometheus as source
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as asked

from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import COUNT, RUNBOOKS, About

SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
NOW: Final = "15m"
NULLS_SPANNED_MS: Final = 25 * 3_600_000
"""Lines go on over gaps of at most a day and an hour: loaded history has one sample a day. Where numbers were withheld,
the annotation `incomplete` says so."""
TREND_POINTS: Final = 1_000
"""Steps of a line, whatever its width: a week goes in steps of ten minutes, so that a young stream is seen."""
GOOD, FAIR, BAD, CALM, NONE = "green", "orange", "red", "blue", "text"
Panel = (
    stat.Panel | timeseries.Panel | table.Panel | bargauge.Panel | barchart.Panel | statetimeline.Panel | trend.Panel
)
AnyPanel = TypeVar(
    "AnyPanel",
    stat.Panel,
    timeseries.Panel,
    table.Panel,
    bargauge.Panel,
    barchart.Panel,
    statetimeline.Panel,
    trend.Panel,
)
Steps = Sequence[tuple[float | None, str]]


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel and its size on the grid, which is 24 wide."""

    panel: Panel
    width: int
    height: int


def number(about: About, *queries: Query, steps: Steps = (), size: tuple[int, int] = (4, 4), **options: Any) -> Placed:
    """Return one or a few numbers as of now.

    Args:
        about: What it says.
        queries: Each may bring one number or several.
        steps: Colours from which value on; none: no colours but the queries' own.
        size: Width and height on the grid.
        options: `mappings`, `empty` (what stands there without data), `decimals`, `line` (with a small line over time:
            the number is then the last of the range), `names` (show the series' names).
    """
    line = options.get("line", False)
    panel = framed(stat.Panel(), about, queries, now=not line)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    panel.graph_mode(looks.BigValueGraphMode.AREA if line else looks.BigValueGraphMode.NONE)
    if line:
        panel.max_data_points(TREND_POINTS)
    panel.color_mode(looks.BigValueColorMode.VALUE).justify_mode(looks.BigValueJustifyMode.AUTO)
    named = options.get("names", len(queries) > 1)
    panel.text_mode(looks.BigValueTextMode.VALUE_AND_NAME if named else looks.BigValueTextMode.VALUE)
    panel.orientation(looks.VizOrientation.AUTO).wide_layout(wide_layout=True)
    panel.thresholds(steps_of(steps or [(None, NONE)])).color_scheme(coloured_by(model.FieldColorModeId.THRESHOLDS))
    panel.no_value(options.get("empty", "–"))
    if mappings := options.get("mappings"):
        panel.mappings(mappings)
    if (decimals := options.get("decimals")) is not None:
        panel.decimals(decimals)
    return Placed(panel, *size)


def lines(about: About, *queries: Query, size: tuple[int, int] = (12, 8), **options: Any) -> Placed:
    """Return lines over time.

    Args:
        about: What it says.
        queries: Each may bring one line or several; those with a colour are drawn in it.
        size: Width and height on the grid.
        options: `stacked`, `filled` (0 to 100), `marks` (horizontal lines: value and colour), `lowest`, `highest`,
            `dashed` (legends whose lines are dashed), `band` (legends of an interval's upper and lower bound), `soft`
            (the least range of the axis).
    """
    panel = framed(timeseries.Panel(), about, queries, now=False)
    panel.max_data_points(TREND_POINTS).span_nulls(NULLS_SPANNED_MS).show_points(looks.VisibilityMode.NEVER)
    panel.draw_style(looks.GraphDrawStyle.LINE).line_width(2).fill_opacity(options.get("filled", 0))
    panel.color_scheme(coloured_by(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(show_legend=True)
    panel.legend(legend.placement(looks.LegendPlacement.BOTTOM).calcs([]))
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING))
    if options.get("stacked"):
        panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    if marks := options.get("marks"):
        panel.thresholds(steps_of([(None, "transparent"), *marks]))
        style = common.GraphThresholdsStyleConfig().mode(looks.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(style)
    if (lowest := options.get("lowest")) is not None:
        panel.min(lowest)
    if (highest := options.get("highest")) is not None:
        panel.max(highest)
    if soft := options.get("soft"):
        panel.axis_soft_min(soft[0]).axis_soft_max(soft[1])
    for name in options.get("dashed", ()):
        panel.override_by_name(name, [overridden("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})])
    if band := options.get("band"):
        draw_band(panel, *band)
    return Placed(panel, *size)


def bars(about: About, *queries: Query, size: tuple[int, int] = (12, 8), **options: Any) -> Placed:
    """Return horizontal bars as of now, one for each series; `options` are `steps`, `lowest`, `highest` and `empty`."""
    panel = framed(bargauge.Panel(), about, queries, now=True)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    panel.orientation(looks.VizOrientation.HORIZONTAL).display_mode(looks.BarGaugeDisplayMode.BASIC)
    panel.value_mode(looks.BarGaugeValueMode.COLOR).show_unfilled(show_unfilled=True)
    panel.name_placement(looks.BarGaugeNamePlacement.LEFT).min(options.get("lowest", 0))
    panel.thresholds(steps_of(options.get("steps") or [(None, CALM)])).no_value(options.get("empty", "–"))
    panel.color_scheme(coloured_by(model.FieldColorModeId.THRESHOLDS))
    if (highest := options.get("highest")) is not None:
        panel.max(highest)
    return Placed(panel, *size)


def states(about: About, *queries: Query, size: tuple[int, int] = (24, 5), mappings: Sequence[Any] = ()) -> Placed:
    """Return states over time, a band for each series."""
    panel = framed(statetimeline.Panel(), about, queries, now=False)
    panel.max_data_points(TREND_POINTS).merge_values(merge_values=True).row_height(0.8)
    panel.show_value(looks.VisibilityMode.NEVER).fill_opacity(80).mappings(list(mappings))
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(show_legend=True)
    panel.legend(legend.placement(looks.LegendPlacement.BOTTOM).calcs([]))
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.SINGLE).sort(looks.SortOrder.NONE))
    panel.thresholds(steps_of([(None, GOOD)])).color_scheme(coloured_by(model.FieldColorModeId.THRESHOLDS))
    return Placed(panel, *size)


def shown_as(values: Mapping[str, tuple[str, str]]) -> list[Any]:
    """Return what stands for values: text and colour of each."""
    results = {
        value: model.ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(values.items())
    }
    return [model.ValueMap(options=results)]


def framed(panel: AnyPanel, about: About, queries: Sequence[Query], *, now: bool, as_table: bool = False) -> AnyPanel:
    """Give a panel what all panels have: title, description, unit, source, queries and links."""
    panel.title(about.title).description(about.description).unit(about.unit).datasource(SOURCE)
    for place, query in enumerate(queries):
        ref_id = chr(ord("A") + place)
        target = source.Dataquery().ref_id(ref_id).expr(query.expr).datasource(SOURCE)
        target.editor_mode(asked.QueryEditorMode.CODE)
        target.format(asked.PromQueryFormat.TABLE if as_table else asked.PromQueryFormat.TIME_SERIES)
        target.legend_format(query.legend or "__auto")
        panel.with_target(target.instant() if now else target.range())
        if not as_table and (properties := _query_properties(query)):
            panel.override_by_query(ref_id, properties)
    if now:
        panel.time_from(NOW).hide_time_override(hide_time_override=True)
    links: list[Builder[model.DashboardLink]] = [
        dashboard.DashboardLink(f"Runbook {name}")
        .type(model.DashboardLinkType.LINK)
        .url(f"{RUNBOOKS}/{name}.md")
        .target_blank(target_blank=True)
        for name in about.runbooks
    ]
    panel.links(links)
    return panel


def _query_properties(query: Query) -> list[model.DynamicConfigValue]:
    found = []
    if query.unit:
        found.append(overridden("unit", query.unit))
    if query.unit == COUNT:
        found.append(overridden("decimals", 0))
    if query.colour:
        found.append(overridden("color", {"mode": "fixed", "fixedColor": query.colour}))
    return found


def draw_band(panel: timeseries.Panel | trend.Panel, upper: str, lower: str) -> None:
    """Draw two lines as the borders of a surface, without names in the legend."""
    hidden = overridden("custom.hideFrom", {"legend": True, "tooltip": False, "viz": False})
    thin = overridden("custom.lineWidth", 0)
    surface = [overridden("custom.fillBelowTo", lower), overridden("custom.fillOpacity", 12)]
    panel.override_by_name(upper, [hidden, thin, *surface])
    panel.override_by_name(lower, [hidden, thin])


def overridden(name: str, value: object) -> model.DynamicConfigValue:
    """Return one property of an override."""
    return model.DynamicConfigValue(id_val=name, value=value)


def steps_of(steps: Steps) -> dashboard.ThresholdsConfig:
    """Return the colours from which value on."""
    found = [model.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(found)


def coloured_by(mode: model.FieldColorModeId) -> dashboard.FieldColor:
    """Return by what colours are chosen."""
    return dashboard.FieldColor().mode(mode)
