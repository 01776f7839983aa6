"""Panels whose queries become one frame of rows and columns: tables, cohorts, upright bars, curves.

Grafana's transformations put the answers together; a label or a name that differs between queries keeps rows apart.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from grafana_foundation_sdk.builders import barchart, common, table, trend
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model

from monitoring.dashboards.letters import width
from monitoring.dashboards.panels import (
    CALM,
    NONE,
    Placed,
    Steps,
    coloured_by,
    draw_band,
    framed,
    overridden,
    steps_of,
    withheld_as,
)
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import About

LEAST_WIDTH: Final = 70
"""Of a column, in pixels: Grafana's own 150 put the last columns of most tables out of sight."""
TITLE_PIXELS: Final = 14
CELL_PADDING: Final = 14
NUMBERS_WIDTH: Final = 60
"""Room for "100.0 %" and "12,345"."""
COHORT_WIDTH: Final = 36
NOTHING: Final = "nothing yet, or withheld: see Numbers"


@dataclass(frozen=True, slots=True)
class Column:
    """Looks of a column of a table.

    Attributes:
        name: Its title, after renaming.
        unit: A name of Grafana's units; empty for the table's.
        steps: Colours of its cells from which value on; none: no colours.
        width: In pixels; None leaves it to Grafana.
        least: The least width, in pixels, where it may be wider; None for `LEAST_WIDTH`.
        decimals: Of its numbers; None leaves them to Grafana.
        mappings: Words and colours in place of its values.
        leads_to: Where a click on a cell leads, and what the link is called; empty: nowhere.
        hidden: Whether it is there for links alone.
        text: Whether it names rows, be it by numbers: they have a unit, and the words of withheld rows are none.
    """

    name: str
    unit: str = ""
    steps: Steps = ()
    width: int | None = None
    least: int | None = None
    decimals: int | None = None
    mappings: Sequence[Any] = ()
    leads_to: tuple[str, str] = ("", "")
    hidden: bool = False
    text: bool = False


@dataclass(frozen=True, slots=True)
class Arranged:
    """Arrangement of a table: how the frame of its queries becomes its columns.

    Attributes:
        renamed: Title by label or column, in the order of the columns; those that are not named are left out.
        columns: How they look.
        sort_by: The column that decides the order of the rows.
        descending: Whether the largest comes first.
        first: Transformations before the columns are put into order.
        empty: What stands there without any row, and in cells without a value.
    """

    renamed: Mapping[str, str]
    columns: Sequence[Column] = ()
    sort_by: str = ""
    descending: bool = True
    first: Sequence[Any] = field(default_factory=list)
    empty: str = " "


def columns(about: About, query: Query, *, across: str, size: tuple[int, int] = (12, 8), **options: Any) -> Placed:
    """Return upright bars as of now, one for each value of a label, in the order of its text.

    Args:
        about: What it says.
        query: One series for each value of the label; its legend names what is counted.
        across: The label.
        size: Width and height on the grid.
        options: `highest`.
    """
    panel = framed(barchart.Panel(), about, [query], now=True, as_table=True)
    # Not `no_value`: Grafana would write it below each bar.
    panel.x_field(across).orientation(looks.VizOrientation.VERTICAL).stacking(looks.StackingMode.NONE).min(0)
    panel.show_value(looks.VisibilityMode.NEVER).bar_width(0.9).group_width(0.7).x_tick_label_spacing(60)
    panel.axis_grid_show(axis_grid_show=True)
    panel.fill_opacity(80).line_width(1).full_highlight(full_highlight=False)
    panel.legend(common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(show_legend=False))
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.SINGLE).sort(looks.SortOrder.NONE))
    panel.color_scheme(coloured_by(model.FieldColorModeId.FIXED).fixed_color(CALM))
    # Labels that look like numbers would get the panel's unit: an age of 2000 %.
    panel.override_by_name(across, [overridden("unit", "none")])
    # Prometheus answers in no order.
    order = model.DataTransformerConfig(id_val="sortBy", options={"sort": [{"field": across}]})
    panel.transformations(_arranging(Arranged({across: across, "Value": query.legend}, first=[order]), 1))
    if (highest := options.get("highest")) is not None:
        panel.max(highest)
    return Placed(panel, *size)


def rows(about: About, arranged: Arranged, *queries: Query, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return a table as of now: a row for each set of labels, a column for each query.

    The values of the n-th query stand in the column `Value #A`, `Value #B` and so on until they are renamed; of a
    single query in `Value`.
    """
    panel = framed(table.Panel(), about, queries, now=True, as_table=True)
    panel.show_header(show_header=True).cell_height(looks.TableCellHeight.SM)
    panel.align(looks.FieldTextAlignment.AUTO).filterable(filterable=False)
    panel.cell_options(looks.TableAutoCellOptions()).min_width(LEAST_WIDTH)
    panel.thresholds(steps_of([(None, NONE)])).no_value(arranged.empty)
    panel.transformations(_arranging(arranged, len(queries)))
    if arranged.sort_by:
        order = common.TableSortByFieldState().display_name(arranged.sort_by).desc(arranged.descending)
        panel.sort_by([order])
    for column in _with_room(arranged):
        panel.override_by_name(column.name, _column_properties(column))
    return Placed(panel, *size)


def curve(
    about: About,
    arranged: Arranged,
    *queries: Query,
    across: str,
    label: str,
    band: tuple[str, str],
    size: tuple[int, int] = (24, 9),
) -> Placed:
    """Return lines as of now over a number that is not the time.

    Args:
        about: What it says.
        arranged: How the frame becomes one row for each point, in ascending order.
        queries: One for each line.
        across: The column that goes from left to right.
        label: What it is, below its axis.
        band: The columns of an interval's upper and lower bound.
        size: Width and height on the grid.
    """
    panel = framed(trend.Panel(), about, queries, now=True, as_table=True)
    panel.no_value(NOTHING).x_field(across).transformations(_arranging(arranged, len(queries)))
    panel.draw_style(looks.GraphDrawStyle.LINE).line_interpolation(looks.LineInterpolation.STEP_AFTER).line_width(2)
    panel.show_points(looks.VisibilityMode.NEVER).span_nulls(span_nulls=True)
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(show_legend=True)
    panel.legend(legend.placement(looks.LegendPlacement.BOTTOM).calcs([]))
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.NONE))
    panel.color_scheme(coloured_by(model.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    for column in arranged.columns:
        panel.override_by_name(column.name, _column_properties(column))
    panel.override_by_name(across, [overridden("custom.axisLabel", label)])
    draw_band(panel, *band)
    return Placed(panel, *size)


def matrix(
    about: About, query: Query, *, rows: str, columns: str, order: Sequence[Any], size: tuple[int, int] = (24, 12)
) -> Placed:
    """Return a table of shares, coloured from red to green: a row and a column for each value of two labels.

    Args:
        about: What it says.
        query: Shares from 0 to 1 by both labels.
        rows: The label whose values name the rows.
        columns: The label whose values name the columns.
        order: Transformations before: a column stands where its first value does.
        size: Width and height on the grid.
    """
    corner = f"{rows}\\{columns}"
    panel = framed(table.Panel(), about, [query], now=True, as_table=True)
    panel.show_header(show_header=True).cell_height(looks.TableCellHeight.SM).decimals(0).min(0).max(1)
    panel.align(looks.FieldTextAlignment.CENTER).filterable(filterable=False)
    panel.cell_options(looks.TableColoredBackgroundCellOptions(mode=looks.TableCellBackgroundDisplayMode.BASIC))
    panel.min_width(COHORT_WIDTH).no_value(NOTHING)
    panel.color_scheme(coloured_by(model.FieldColorModeId.CONTINUOUS_RD_YL_GR))
    # A cell without data would be painted like 0.
    empty = [
        model.SpecialValueMap(
            options=model.DashboardSpecialValueMapOptions(
                match=match, result=model.ValueMappingResult(text=" ", color="transparent", index=place)
            )
        )
        for place, match in enumerate((model.SpecialValueMatch.EMPTY, model.SpecialValueMatch.NULL_AND_NAN))
    ]
    everything = model.MatcherConfig(id_val="byRegexp", options="/^[0-9]+$/")
    panel.with_override(everything, [overridden("mappings", empty)])
    plain = {"type": "auto"}
    panel.override_by_name(corner, [overridden("custom.cellOptions", plain), overridden("custom.width", 90)])
    for transformation in order:
        panel.with_transformation(transformation)
    options = {"rowField": rows, "columnField": columns, "valueField": "Value", "emptyValue": "null"}
    panel.with_transformation(model.DataTransformerConfig(id_val="groupingToMatrix", options=options))
    panel.sort_by([common.TableSortByFieldState().display_name(corner).desc(desc=True)])
    return Placed(panel, *size)


def _with_room(arranged: Arranged) -> list[Column]:
    """Return the columns, each at least as wide as its title: an equal share of a narrow table is not."""
    known = {column.name: column for column in arranged.columns}
    found = [known.pop(title, Column(title)) for title in arranged.renamed.values()]
    return [
        column if column.hidden or column.width or column.least else replace(column, least=title_width(column.name))
        for column in (*found, *known.values())
    ]


def title_width(title: str) -> int:
    """Return how wide a column is at least, so that its title and numbers of six letters are whole (pixels)."""
    return max(NUMBERS_WIDTH, math.ceil(width(title, TITLE_PIXELS)) + CELL_PADDING)


def _arranging(arranged: Arranged, queries: int) -> list[model.DataTransformerConfig]:
    """Return the transformations that put the queries' frames together and make them what `arranged` says."""
    return [model.DataTransformerConfig(id_val="merge", options={}), *arranged.first, _organized(arranged, queries)]


def _organized(arranged: Arranged, queries: int) -> model.DataTransformerConfig:
    """Return the transformation that renames and orders columns, and leaves out those that are not named.

    Values are left out by name too: Grafana 9 and 10 know no `includeByName`, and each query has a column.
    """
    renamed = dict(arranged.renamed)
    if queries > 1 and "Value #A" in renamed:
        # Where the first query alone has an answer, Grafana gives its values no letter.
        renamed["Value"] = renamed["Value #A"]
    places = {name: place for place, name in enumerate(renamed)}
    values = ["Value"] if queries == 1 else [f"Value #{chr(ord('A') + place)}" for place in range(queries)]
    left_out = ["Time", *(value for value in values if value not in renamed)]
    options = {"includeByName": dict.fromkeys(renamed, True), "indexByName": places}
    return model.DataTransformerConfig(
        id_val="organize",
        options={"excludeByName": dict.fromkeys(left_out, True), **options, "renameByName": renamed},
    )


def _column_properties(column: Column) -> list[model.DynamicConfigValue]:
    found = [overridden("unit", column.unit)] if column.unit else []
    if column.decimals is not None:
        found.append(overridden("decimals", column.decimals))
    if (column.decimals is not None or column.unit) and not column.text:
        # On columns of text it would stand for every text, which is no number.
        found.append(overridden("mappings", withheld_as(" ")))
    if column.mappings:
        found.append(overridden("mappings", column.mappings))
        found.append(overridden("custom.cellOptions", {"type": "color-text"}))
    if all(column.leads_to):
        title, url = column.leads_to
        found.append(overridden("links", [{"title": title, "url": url}]))
    if column.hidden:
        found.append(overridden("custom.hidden", True))
    if column.width is not None:
        found.append(overridden("custom.width", column.width))
    if column.least is not None:
        found.append(overridden("custom.minWidth", column.least))
    if column.steps:
        found.append(overridden("thresholds", steps_of(column.steps).build()))
        found.append(overridden("color", {"mode": "thresholds"}))
        found.append(overridden("custom.cellOptions", {"type": "color-text"}))
    return found
