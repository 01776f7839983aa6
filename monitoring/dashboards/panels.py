"""Panels in the style of all boards: numbers, lines, bars, states. Tables: `frames`.

Numbers that say "now" are instant queries over the last quarter of an hour: Grafana puts an instant query at the end of
the time range, rounded down to the step, which is hours ago where the range is long. Those with a line behind them ask
for the end of the range themselves (`queries.now`).
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
from monitoring.dashboards.wording import COLOURS, COUNT, PERCENT, About, runbook

SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
NOW: Final = "15m"
TREND_POINTS: Final = 1_000
"""Steps of a line, whatever its width: a week goes in steps of ten minutes, so that a young stream is seen."""
TILE_POINTS: Final = 200
"""Steps of the small line behind a number."""
NUMBER_PIXELS, WORDS_PIXELS, BESIDE_PIXELS = 32, 13, 11
"""One size for all numbers of tiles, one for the words beside them, and one for names beside bars."""
ENDLESS: Final = 1e12
"""In place of an end of a range that has none."""
GOOD, FAIR, BAD, CALM, NONE, FAINT = "green", "orange", "red", "blue", "text", "#8e8e8e"
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


def number(about: About, *queries: Query, steps: Steps = (), size: tuple[int, int] = (6, 4), **options: Any) -> Placed:
    """Return one number as of now, and what its legend says in small type.

    Args:
        about: What it says.
        queries: Several bring one series between them, or several numbers of the same rank.
        steps: Colours from which value on; none: no colours but the queries' own.
        size: Width and height on the grid.
        options: `mappings`, `empty` (what stands there without data), `decimals`, `line` (with a small line over time
            behind it), `names` (show the legends), `coloured` (colours by a pattern of legends), `board` (the uid of
            the board that it leads to), `lowest` and `highest` of the small line.
    """
    line = options.get("line", False)
    panel = framed(stat.Panel(), about, queries, now=not line)
    # Not the last that is a number: where the last is none, that is what there is to say.
    panel.reduce_options(common.ReduceDataOptions().calcs(["last"]).fields("").values(False))
    panel.graph_mode(looks.BigValueGraphMode.AREA if line else looks.BigValueGraphMode.NONE)
    if line:
        panel.max_data_points(TILE_POINTS)
    if (lowest := options.get("lowest")) is not None:
        panel.min(lowest)
    if (highest := options.get("highest")) is not None:
        panel.max(highest)
    panel.color_mode(looks.BigValueColorMode.VALUE).justify_mode(looks.BigValueJustifyMode.AUTO)
    named = options.get("names", line or len(queries) > 1)
    panel.text_mode(looks.BigValueTextMode.VALUE_AND_NAME if named else looks.BigValueTextMode.VALUE)
    panel.text(common.VizTextDisplayOptions().title_size(WORDS_PIXELS).value_size(NUMBER_PIXELS))
    panel.orientation(looks.VizOrientation.AUTO).wide_layout(wide_layout=False)
    panel.thresholds(steps_of(steps or [(None, NONE)])).color_scheme(coloured_by(model.FieldColorModeId.THRESHOLDS))
    panel.no_value(options.get("empty", "–"))
    if mappings := options.get("mappings"):
        panel.mappings(mappings)
    if (decimals := options.get("decimals")) is not None:
        panel.decimals(decimals)
    for pattern, colour in options.get("coloured", {}).items():
        panel.override_by_regexp(pattern, [overridden("color", {"mode": "fixed", "fixedColor": colour})])
    if board := options.get("board"):
        panel.data_links([leading_to(board)])
    return Placed(panel, *size)


def lines(about: About, *queries: Query, size: tuple[int, int] = (12, 8), **options: Any) -> Placed:
    """Return lines over time; a stretch without numbers is a gap.

    Args:
        about: What it says.
        queries: Each may bring one line or several; those with a colour are drawn in it.
        size: Width and height on the grid.
        options: `stacked` (from 0), `mirrored` (stacked, with queries below 0), `filled` (0 to 100), `marks`
            (horizontal lines: value and colour), `lowest`, `highest`, `dashed` (legends whose lines are dashed),
            `band` (legends of an interval's upper and lower bound), `soft` (the least range of the axis), `values`
            (whether the lines are values of a dimension, coloured by their place), `decimals`.
    """
    panel = framed(timeseries.Panel(), about, queries, now=False).no_value("no numbers")
    panel.max_data_points(TREND_POINTS).span_nulls(span_nulls=False).show_points(looks.VisibilityMode.AUTO)
    panel.draw_style(looks.GraphDrawStyle.LINE).line_width(2).fill_opacity(options.get("filled", 0)).point_size(4)
    by_place = model.FieldColorModeId.PALETTE_CLASSIC
    by_name = model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME
    panel.color_scheme(coloured_by(by_place if options.get("values") else by_name))
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(show_legend=True)
    panel.legend(legend.placement(looks.LegendPlacement.BOTTOM).calcs([]))
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING))
    if options.get("stacked") or options.get("mirrored"):
        panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    if marks := options.get("marks"):
        panel.thresholds(steps_of([(None, "transparent"), *marks]))
        style = common.GraphThresholdsStyleConfig().mode(looks.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(style)
    if (lowest := options.get("lowest", 0 if options.get("stacked") else None)) is not None:
        panel.min(lowest)
    if (highest := options.get("highest")) is not None:
        panel.max(highest)
    if soft := options.get("soft"):
        panel.axis_soft_min(soft[0]).axis_soft_max(soft[1])
    if (decimals := options.get("decimals", 1 if about.unit == PERCENT else None)) is not None:
        panel.decimals(decimals)
    for name in options.get("dashed", ()):
        panel.override_by_name(name, [overridden("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})])
    if not options.get("values"):
        colour_names(panel, queries)
    if band := options.get("band"):
        draw_band(panel, *band)
    return Placed(panel, *size)


def bars(about: About, *queries: Query, size: tuple[int, int] = (12, 8), **options: Any) -> Placed:
    """Return horizontal bars as of now, one for each series; long names are `above`.

    Further `options` are `steps`, `lowest`, `highest` and `empty`.
    """
    panel = framed(bargauge.Panel(), about, queries, now=True)
    panel.reduce_options(common.ReduceDataOptions().calcs(["last"]).fields("").values(False))
    panel.orientation(looks.VizOrientation.HORIZONTAL).display_mode(looks.BarGaugeDisplayMode.BASIC)
    panel.value_mode(looks.BarGaugeValueMode.TEXT).show_unfilled(show_unfilled=True)
    # Without a size names grow with the bars, and of two bars they fill the panel. Grafana leaves as much room for them
    # as names of 12 pixels need: larger ones are cut.
    size_of_names = WORDS_PIXELS if options.get("above") else BESIDE_PIXELS
    panel.text(common.VizTextDisplayOptions().value_size(WORDS_PIXELS + 3).title_size(size_of_names))
    place = looks.BarGaugeNamePlacement.TOP if options.get("above") else looks.BarGaugeNamePlacement.LEFT
    panel.name_placement(place).min(options.get("lowest", 0)).mappings(withheld_as(" "))
    panel.thresholds(steps_of(options.get("steps") or [(None, CALM)])).no_value(options.get("empty", "–"))
    panel.color_scheme(coloured_by(model.FieldColorModeId.THRESHOLDS))
    if (highest := options.get("highest")) is not None:
        panel.max(highest)
    return Placed(panel, *size)


def states(about: About, *queries: Query, size: tuple[int, int] = (24, 5), mappings: Sequence[Any] = ()) -> Placed:
    """Return states over time, a band for each series; the colours are those of `mappings`."""
    panel = framed(statetimeline.Panel(), about, queries, now=False)
    # Bands that are merged take the colour of their first value, and a long range hides the others.
    panel.max_data_points(TREND_POINTS).merge_values(merge_values=False).row_height(0.8).line_width(0)
    panel.show_value(looks.VisibilityMode.AUTO).fill_opacity(80).mappings(list(mappings))
    # The legend would be one of thresholds: "-∞+".
    panel.legend(common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(show_legend=False))
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.SINGLE).sort(looks.SortOrder.NONE))
    panel.thresholds(steps_of([(None, NONE)])).color_scheme(coloured_by(model.FieldColorModeId.THRESHOLDS))
    return Placed(panel, *size)


def shown_as(values: Mapping[str, tuple[str, str]]) -> list[Any]:
    """Return what stands for values: text and colour of each."""
    results = {
        value: model.ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(values.items())
    }
    return [model.ValueMap(options=results)]


def ranges(found: Sequence[tuple[float | None, float | None, str, str]]) -> list[Any]:
    """Return what stands for ranges of values: from, to, text and colour of each; None has no end."""
    return [
        model.RangeMap(
            options=model.DashboardRangeMapOptions(
                # Grafana takes null for 0: below it nothing would be "worse", and above it nothing "better".
                from_val=-ENDLESS if begin is None else begin,
                to=ENDLESS if end is None else end,
                result=model.ValueMappingResult(text=text, color=colour, index=place),
            )
        )
        for place, (begin, end, text, colour) in enumerate(found)
    ]


def worded(texts: Mapping[str, str]) -> list[Any]:
    """Return the words that stand for values."""
    results = {
        value: model.ValueMappingResult(text=text, index=place) for place, (value, text) in enumerate(texts.items())
    }
    return [model.ValueMap(options=results)]


def withheld_as(text: str) -> list[Any]:
    """Return what stands for a number that is none, as queries say that numbers are withheld."""
    result = model.ValueMappingResult(text=text, color=FAINT, index=0)
    options = model.DashboardSpecialValueMapOptions(match=model.SpecialValueMatch.NA_N, result=result)
    return [model.SpecialValueMap(options=options)]


def leading_to(board: str) -> dashboard.DashboardLink:
    """Return a link from a number to the board that says more, with the same choices and the same time."""
    link = dashboard.DashboardLink("Look closer").type(model.DashboardLinkType.LINK)
    return link.url(f"/d/{board}?${{__url_time_range}}&${{__all_variables}}").target_blank(target_blank=False)


def framed(panel: AnyPanel, about: About, queries: Sequence[Query], *, now: bool, as_table: bool = False) -> AnyPanel:
    """Give a panel what all panels have: title, description with runbooks, unit, source and queries."""
    panel.title(about.title).description(_described(about)).unit(about.unit).datasource(SOURCE)
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
    nowhere: list[Builder[model.DashboardLink]] = []
    panel.links(nowhere)
    return panel


def _described(about: About) -> str:
    """Return the description, and the runbooks: as links of the panel they would take the place of its title."""
    if not about.runbooks:
        return about.description
    pages = ", ".join(f"[{name}]({runbook(name)})" for name in about.runbooks)
    return f"{about.description}\n\nRunbooks: {pages}"


def _query_properties(query: Query) -> list[model.DynamicConfigValue]:
    found = []
    if query.unit:
        found.append(overridden("unit", query.unit))
    if query.unit == COUNT:
        found.append(overridden("decimals", 0))
    if query.colour:
        found.append(overridden("color", {"mode": "fixed", "fixedColor": query.colour}))
    return found


def colour_names(panel: timeseries.Panel, queries: Sequence[Query]) -> None:
    """Give names that come on several panels their one colour; of the palette's two may be alike."""
    if any("{{" in query.legend for query in queries):
        for name, colour in COLOURS.items():
            panel.override_by_name(name, [overridden("color", {"mode": "fixed", "fixedColor": colour})])


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
