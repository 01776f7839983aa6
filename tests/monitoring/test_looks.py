"""Traps of Grafana that a look at the boards has shown, each as a test over the committed JSON."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest

from monitoring import rules
from monitoring.dashboards.letters import width
from monitoring.dashboards.wording import AXES, CAUSES, SEEN_UNTIL
from schemas.catalogue.ratios import RATIOS
from tests.monitoring.boards import END, Json, boards, panels

BOARDS = boards()
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in panels(board)]
TILES = [(uid, panel) for uid, panel in PANELS if panel["type"] == "stat" and "maxDataPoints" in panel]
LINES = [(uid, panel) for uid, panel in PANELS if panel["type"] == "timeseries"]
KPI_BOARDS = sorted(set(BOARDS) - {"tenure-stream", "tenure-feeds", "tenure-workers"})
GRID_PIXELS: Final = (1_440 - 300 - 32) / 24
"""Of a column on a screen of 1,440 pixels, without the docked menu and the margins."""
LETTER_PIXELS: Final = 7.6
"""Of a panel's title, on average."""
BESIDE_TITLE_PIXELS: Final = 8 + 16 + 28
"""The gap between panels, the padding, and the (i)."""
ALARMING: Final = {"red", "orange", "yellow"}


def defaults(panel: Json) -> Json:
    """Return the looks of a panel's fields."""
    found: Json = panel["fieldConfig"]["defaults"]
    return found


def test_every_board_asks_one_question_with_twenty_panels_at_most() -> None:
    """Nobody reads 42 panels; who does not find the question does not find the answer."""
    for uid, board in BOARDS.items():
        assert board["description"].endswith("?"), uid
        assert len(panels(board)) <= 20, uid
    assert sum(len(panel["targets"]) for panel in panels(BOARDS["tenure-executive"])) <= 30


def test_executive_has_eight_to_ten_tiles_and_their_year() -> None:
    """How are we doing is answered at a glance, or not at all."""
    assert 8 <= len([panel for uid, panel in TILES if uid == "tenure-executive"]) <= 10
    assert BOARDS["tenure-executive"]["time"] == {"from": "now-1y", "to": "now"}
    assert "The last 30 days against the 30 before" in {p["title"] for p in panels(BOARDS["tenure-executive"])}


@pytest.mark.parametrize("uid", KPI_BOARDS)
def test_every_board_begins_with_whether_its_numbers_are_shown(uid: str) -> None:
    """A number that is not to be believed must say so before it is read."""
    first, second = panels(BOARDS[uid])[:2]
    assert [first["title"], second["title"]] == ["Numbers", "Alerts that fire"]
    assert defaults(first)["links"][0]["url"].startswith("/d/tenure-stream?")


def test_stream_opens_with_alerts_and_workers_also_those_that_are_missing() -> None:
    """At night that is all that one wants to know; a worker that is dead answers no query."""
    first = {panel["title"]: panel for panel in panels(BOARDS["tenure-stream"])[:5]}
    opened = ["Numbers", "Complete, last 30 days", "Freshness budget left", "Alerts that fire", "Workers"]
    assert list(first) == opened
    (alerts,) = first["Alerts that fire"]["targets"]
    assert "ALERTS_FOR_STATE" in alerts["expr"]
    assert "max_over_time(tenure_build_info" in first["Workers"]["targets"][0]["expr"]


def test_numbers_of_now_are_of_now_whatever_the_range() -> None:
    """An instant query, and a line's last point, lie up to a step before now: half a day at a year's range."""
    for uid, panel in PANELS:
        for target in panel["targets"]:
            if target.get("instant"):
                assert panel["timeFrom"] == "15m", (uid, panel["title"])
        if panel["type"] == "stat" and "timeFrom" not in panel:
            (target,) = panel["targets"]
            assert f"@ {END}" in target["expr"], (uid, panel["title"])
            assert f"vector(time()) > {END} - $__interval_ms / 1000" in target["expr"], (uid, panel["title"])
            # The last point is the number, be it none: the last that is a number may be old.
            assert panel["options"]["reduceOptions"]["calcs"] == ["last"], (uid, panel["title"])


def test_whatever_shows_a_kpi_now_says_that_numbers_are_withheld() -> None:
    """A target, "no sample" or "no cancellation" in place of a number that is withheld is a lie."""
    count = 0
    for uid, panel in PANELS:
        asked = " ".join(target["expr"] for target in panel["targets"])
        of_kpis = uid in KPI_BOARDS and re.search(r"segment:|tenure_(survival|cohort|cancel|engaged|answers)", asked)
        if panel["type"] in ("stat", "bargauge", "table") and of_kpis:
            count += 1
            assert "stream:withheld:timestamp_seconds" in asked, (uid, panel["title"])
            for target in panel["targets"] if panel["type"] == "table" else ():
                # While history was loaded, intervals and samples stood beside the row that says "withheld".
                assert "stream:withheld:timestamp_seconds" in target["expr"], (uid, panel["title"], target["refId"])
            if panel["type"] == "stat":
                nan = [each["options"] for each in defaults(panel)["mappings"] if each["type"] == "special"]
                assert [(each["match"], each["result"]["text"]) for each in nan] == [("nan", "withheld")]
    assert count > 40


def test_a_tile_is_one_number_in_one_size_and_says_the_rest_in_small_type() -> None:
    """Four numbers in four sizes, the sample the largest, are read as four KPIs."""
    assert len(TILES) > 25
    for uid, panel in TILES:
        where = (uid, panel["title"])
        assert len(panel["targets"]) == 1, where
        assert "{{change}}" in panel["targets"][0]["legendFormat"], where
        assert panel["options"]["graphMode"] == "area", where
        assert panel["options"]["textMode"] == "value_and_name", where
    sizes = {json.dumps(panel["options"]["text"], sort_keys=True) for _, panel in PANELS if panel["type"] == "stat"}
    assert sizes == {'{"titleSize": 13, "valueSize": 32}'}
    assert {panel["options"]["wideLayout"] for _, panel in PANELS if panel["type"] == "stat"} == {False}


def test_titles_are_whole_on_a_small_screen_with_the_menu_open() -> None:
    """Nobody knows what "Custom…", "Churn b…" and "Equ…" stand for; links of a panel take the place of one."""
    for uid, panel in PANELS:
        assert panel["links"] == [], (uid, panel["title"])
        title = panel["title"].replace("$dimension", "channel").replace("$lens", "baremetrics")
        room = panel["gridPos"]["w"] * GRID_PIXELS - BESIDE_TITLE_PIXELS
        assert len(title) * LETTER_PIXELS <= room, (uid, panel["title"])


def test_words_are_those_of_people() -> None:
    """Names of code, of scores and of nothing are no words."""
    for uid, panel in PANELS:
        shown = [panel["title"], *(target["legendFormat"] for target in panel["targets"])]
        for text in shown:
            assert not re.search(r"\bz in\b|^z$|^Came$|_7d|^value$|^none$", text), (uid, panel["title"], text)
    (reviews,) = [panel for _, panel in PANELS if panel["title"] == "Days until targets are reviewed"]
    assert '"kpi", "Customer retention", "kpi", "retention"' in reviews["targets"][0]["expr"]


def test_every_alert_that_fires_says_of_what() -> None:
    """A feed that is quiet has a type and a source, and somebody has to mend that one."""
    (table,) = [p for p in panels(BOARDS["tenure-stream"]) if p["title"] == "Alerts that fire"]
    (asked,) = [target["expr"] for target in table["targets"]]
    said = set(re.findall(r'"(\w+)"', asked.partition("label_join")[2]))
    # Spaces alone, of an alert without labels, were shown as 0.
    assert '"what", "$1", "what", " *(.*?) *")' in asked
    for alert in rules.alerts():
        # Each has the label `service`, which is that of the product.
        known = set(re.findall(r"\$labels\.(\w+)", alert.summary + alert.description)) - {"service"}
        assert known <= said, alert.name
        kpi = alert.labels.get("kpi")
        assert kpi is None or f'"kpi", "{kpi}")' in asked, f"{alert.name}: {kpi} has no title"


def test_nothing_that_is_good_is_red_or_orange() -> None:
    """A red 0 where no alert fires, and a red "none", are looked at in vain until nobody looks."""
    for uid, panel in PANELS:
        if panel["type"] in ("stat", "bargauge"):
            lowest = defaults(panel)["thresholds"]["steps"][0]
            assert lowest["value"] is None, (uid, panel["title"])
            good_is_high = panel["title"] == "Gateways that work"
            assert good_is_high or lowest["color"] not in ALARMING, (uid, panel["title"])


def test_lines_show_gaps_and_carry_the_samples_of_loaded_history_only() -> None:
    """Loaded history has one sample a day; a line over it must not hide that numbers were withheld for an hour."""
    assert len(LINES) > 25
    for uid, panel in LINES:
        where = (uid, panel["title"])
        assert defaults(panel)["custom"]["spanNulls"] is False, where
        assert panel["maxDataPoints"] == 1_000, where
        for target in panel["targets"]:
            if re.search(r"segment:\w+:(?:sum|ratio)", target["expr"]):
                assert "[25h]) unless on () max_over_time(stream:incomplete:bool[25h])" in target["expr"], where
                # Nor does a line show how counts grow from nothing while history is being loaded.
                assert "unless on () max_over_time(stream:backfill:bool[$__rate_interval])" in target["expr"], where


def test_targets_and_intervals_reach_over_the_loaded_past() -> None:
    """Rules do not run on the past: what only they record is a dot at the right border."""
    targets = [(panel, each) for _, panel in LINES for each in panel["targets"] if each["legendFormat"] == "target"]
    assert len(targets) >= 8
    for panel, target in targets:
        assert re.search(r"kpi:target:ratio\{[^}]*\}\[25h\] @ \$\{__to", target["expr"]), panel["title"]
    for uid, panel in LINES:
        for target in panel["targets"]:
            assert "wilson" not in target["expr"], (uid, panel["title"])


def test_stacks_begin_at_zero() -> None:
    """A stack from 960 on shows a tenth of what it says as half."""
    stacked = 0
    for uid, panel in LINES:
        if defaults(panel)["custom"].get("stacking", {}).get("mode") == "normal":
            stacked += 1
            mirrored = any(target["expr"].startswith("-") for target in panel["targets"])
            assert mirrored or defaults(panel)["min"] == 0, (uid, panel["title"])
    assert stacked > 5


def test_axes_of_kpis_neither_flatten_nor_exaggerate() -> None:
    """101.15 to 101.35 % over the whole height of a panel is a catastrophe that does not happen."""
    assert set(AXES) == {ratio.name for ratio in RATIOS}
    for uid, panel in LINES:
        custom = defaults(panel)["custom"]
        if any(re.search(r"segment:\w+:ratio", target["expr"]) for target in panel["targets"]):
            bounded = "axisSoftMin" in custom or "min" in defaults(panel)
            assert bounded, (uid, panel["title"])


def test_bars_have_labels() -> None:
    """A length of 0 cuts every label away; and the panel's unit makes an age of 2000 %."""
    bars = [(uid, panel) for uid, panel in PANELS if panel["type"] == "barchart"]
    assert len(bars) == 3
    for uid, panel in bars:
        assert "xTickLabelMaxLength" not in panel["options"], uid
        across = panel["options"]["xField"]
        (override,) = [each for each in panel["fieldConfig"]["overrides"] if each["matcher"]["options"] == across]
        assert override["properties"] == [{"id": "unit", "value": "none"}], uid
        assert "noValue" not in defaults(panel), "it would stand below each bar"


def test_completeness_can_be_red() -> None:
    """Bands that are merged have the colour of their first value: days without numbers were green."""
    (states,) = [panel for _, panel in PANELS if panel["type"] == "state-timeline"]
    assert states["options"]["mergeValues"] is False
    (mapping,) = defaults(states)["mappings"]
    assert {each["text"]: each["color"] for each in mapping["options"].values()}["withheld"] == "red"


def test_columns_of_tables_fit() -> None:
    """Grafana gives each 150 pixels if nothing is said, and the last ones are out of sight."""
    for uid, panel in PANELS:
        if panel["type"] == "table":
            assert defaults(panel)["custom"]["minWidth"] <= 70, (uid, panel["title"])


def test_newest_cohorts_come_first_and_all_fit() -> None:
    """Whether newer customers stay better is seen in the last cohorts, which were out of sight."""
    (cohorts,) = [panel for _, panel in PANELS if panel["title"] == "Cohorts"]
    assert cohorts["options"]["sortBy"] == [{"displayName": "cohort\\age", "desc": True}]
    assert cohorts["gridPos"]["h"] >= 25
    assert defaults(cohorts)["custom"]["minWidth"] <= 36


def test_one_name_has_one_colour_on_all_boards() -> None:
    """The palette by name gave two of four definitions of churn one green, and three windows one white."""
    colours: dict[str, set[str]] = {}
    for _, panel in LINES:
        by_letter = {target["refId"]: target["legendFormat"] for target in panel["targets"]}
        for override in panel["fieldConfig"]["overrides"]:
            fixed = [each["value"]["fixedColor"] for each in override["properties"] if each["id"] == "color"]
            named = override["matcher"]["options"]
            name = by_letter[named] if override["matcher"]["id"] == "byFrameRefID" else named
            if fixed and "{{" not in name:
                colours.setdefault(name, set()).update(fixed)
    assert {name: found for name, found in colours.items() if len(found) > 1} == {}
    for together in (["30d", "90d", "365d"], ["standard", "stripe", "baremetrics", "profitwell"]):
        assert len(set().union(*(colours[name] for name in together))) == len(together)
    for uid, panel in LINES:
        if any(target["legendFormat"] == "{{value}}" for target in panel["targets"]):
            # By place, and a place for each value: two boards then agree.
            assert defaults(panel)["color"]["mode"] == "palette-classic", (uid, panel["title"])
            assert "or 0 / 0 * max by (value)" in panel["targets"][0]["expr"], (uid, panel["title"])


def test_shares_are_written_with_one_decimal_and_days_as_days() -> None:
    """8.14e-17 %, 12.9 weeks and 2 years are what Grafana makes of them by itself."""
    for uid, panel in PANELS:
        units = {defaults(panel)["unit"]}
        units |= {e["value"] for o in panel["fieldConfig"]["overrides"] for e in o["properties"] if e["id"] == "unit"}
        assert "d" not in units, (uid, panel["title"])
        if panel["type"] == "timeseries" and defaults(panel)["unit"] == "percentunit":
            assert defaults(panel)["decimals"] == 1, (uid, panel["title"])
        if panel["type"] == "table" and defaults(panel)["unit"] == "percentunit" and panel["title"] != "Cohorts":
            named = {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]}
            assert named, (uid, panel["title"])


def test_estimates_of_counters_are_whole_numbers() -> None:
    """51,008.444 events are none."""
    for uid, panel in PANELS:
        for target in panel["targets"]:
            if "increase(" in target["expr"] and panel["type"] != "timeseries":
                assert "round(" in target["expr"], (uid, panel["title"])


def test_the_age_of_the_latest_event_begins_with_the_first_event() -> None:
    """A worker that has just begun has a watermark of 0: it is 57 years behind, and no axis survives that."""
    (age,) = [panel for _, panel in PANELS if panel["title"] == "Age of the latest event"]
    assert re.search(r"tenure_watermark_timestamp_seconds\{[^}]*\}\) > 0", age["targets"][0]["expr"])


def test_ranges_of_words_have_no_open_end() -> None:
    """Grafana takes null for 0: a KPI that is worse by three standard errors was shown as -300 %, without a word."""
    found = [
        each["options"]
        for _, panel in PANELS
        for override in panel["fieldConfig"]["overrides"]
        for property_ in override["properties"]
        if property_["id"] == "mappings"
        for each in property_["value"]
        if each["type"] == "range"
    ]
    assert len(found) >= 10
    for options in found:
        assert None not in (options["from"], options["to"]), options
    texts = {options["result"]["text"] for options in found if abs(options["from"]) > 1e9 or options["to"] > 1e9}
    assert texts == {"worse", "better", "lower", "higher"}


def test_small_lines_of_tiles_do_not_exaggerate() -> None:
    """NPS from 20 to 22 over the whole height of a tile is a leap; of shares Grafana knows the range."""
    for uid, panel in TILES:
        found, where = defaults(panel), (uid, panel["title"])
        if panel["title"] == "Net promoter score":
            assert (found["min"], found["max"]) == (-100, 100), where
        elif found["unit"] != "percentunit" and panel["title"] != "Net new MRR":
            assert found["min"] == 0, where


def test_names_beside_bars_are_whole_and_no_larger_than_words() -> None:
    """Two bars had names in letters of 36 pixels, twelve had names that were cut."""
    bars = [(uid, panel) for uid, panel in PANELS if panel["type"] == "bargauge"]
    assert len(bars) > 5
    for uid, panel in bars:
        above = panel["options"]["namePlacement"] == "top"
        assert panel["options"]["text"]["titleSize"] == (13 if above else 11), (uid, panel["title"])
        assert above or panel["options"]["namePlacement"] == "left", (uid, panel["title"])


def test_tables_know_the_values_of_a_query_that_alone_has_an_answer() -> None:
    """Grafana then leaves the letter away: "no survey in 90 days" stood beside the column "Value" with NaN."""
    count = 0
    for uid, panel in PANELS:
        if panel["type"] != "table" or len(panel["targets"]) < 2:
            continue
        (organized,) = [each["options"] for each in panel["transformations"] if each["id"] == "organize"]
        count += 1
        renamed = organized["renameByName"]
        assert renamed["Value"] == renamed["Value #A"], (uid, panel["title"])
        assert organized["includeByName"]["Value"] is True, (uid, panel["title"])
    assert count > 8


def test_ages_are_not_those_of_loaded_history() -> None:
    """While a year is loaded the latest event is a year old, and that flattens the day after."""
    (age,) = [panel for _, panel in PANELS if panel["title"] == "Age of the latest event"]
    assert "unless on () max_over_time(stream:backfill:bool[$__rate_interval])" in age["targets"][0]["expr"]


def test_what_is_money_says_of_which_currency() -> None:
    """An MRR of 1,993 is none without the currency, which tiles write beside their number."""
    said = [target["expr"] for _, panel in PANELS for target in panel["targets"] if "an MRR of" in target["expr"]]
    assert len(said) == 2
    assert all("with an MRR of USD $1" in text for text in said)


def test_legends_name_nothing_that_is_not_there() -> None:
    """Six red names of limits that nobody has reached are looked at in vain."""
    (values,) = [panel for _, panel in PANELS if panel["title"] == "Values of dimensions"]
    assert values["targets"][1]["expr"].endswith("> 0")


def test_marks_outside_of_the_range_are_not_drawn_at_its_border() -> None:
    """A release of last spring is not one of today."""
    for board in BOARDS.values():
        (marks,) = [each for each in board["annotations"]["list"] if each["name"] == "marks"]
        assert ">= ${__from} <= ${__to}" in marks["expr"]


def test_nothing_is_blank_while_numbers_are_withheld() -> None:
    """A table without a row, and a curve without a point, look like a company without customers."""
    of_lifetime = ("Cohorts", "Who stays for so long", "Survival curve")
    for uid, panel in PANELS:
        if panel["title"] in of_lifetime:
            assert defaults(panel)["noValue"] == "nothing yet, or withheld: see Numbers", (uid, panel["title"])


def test_states_that_are_not_known_are_not_green() -> None:
    """What nobody could look at was written in the colour of checks that hold."""
    found = [p for _, p in PANELS if p["type"] == "stat" and defaults(p)["noValue"] == "no worker"]
    assert len(found) == 2
    assert {defaults(panel)["thresholds"]["steps"][0]["color"] for panel in found} == {"text"}


def test_the_column_that_names_rows_has_room_for_names() -> None:
    """An equal share of a narrow table cut "priority_support"; a fixed width cut "numbers withheld since…"."""
    tables = [p for _, p in PANELS if p["type"] == "table" and p["title"].endswith("with sample")]
    assert len(tables) == 6
    for panel in tables:
        (override,) = [e for e in panel["fieldConfig"]["overrides"] if e["matcher"]["options"] == "segment"]
        assert override["properties"] == [{"id": "custom.minWidth", "value": 125}], panel["title"]
        assert width("priority_support", 14) + 12 <= 125


def test_days_that_name_rows_are_no_shares() -> None:
    """A label of digits gets the unit of its panel: 30 days were 3000 %."""
    for uid, panel in PANELS:
        if panel["type"] == "table" and defaults(panel)["unit"] == "percentunit":
            (organized,) = [each["options"] for each in panel["transformations"] if each["id"] == "organize"] or [{}]
            if "days" in organized.get("renameByName", {}).values():
                (days,) = [e for e in panel["fieldConfig"]["overrides"] if e["matcher"]["options"] == "days"]
                assert {"id": "unit", "value": "none"} in days["properties"], (uid, panel["title"])


def test_columns_that_name_rows_have_no_words_for_what_is_no_number() -> None:
    """Every text is no number: the row that says that numbers are withheld was blank."""
    for uid, panel in PANELS:
        if panel["type"] != "table" or not any("numbers withheld since" in each["expr"] for each in panel["targets"]):
            continue
        (organized,) = [each["options"] for each in panel["transformations"] if each["id"] == "organize"]
        places = organized["indexByName"]
        first = organized["renameByName"][min(places, key=places.__getitem__)]
        for override in panel["fieldConfig"]["overrides"]:
            if override["matcher"]["options"] == first:
                mappings = [m for each in override["properties"] if each["id"] == "mappings" for m in each["value"]]
                assert "special" not in {each["type"] for each in mappings}, (uid, panel["title"], first)


def test_what_no_worker_withholds_is_shown_while_history_is_loaded() -> None:
    """Targets and losses are no KPIs: they are as they were."""
    for title in ("Days until targets are reviewed", "Windows that miss events for good"):
        (panel,) = [panel for _, panel in PANELS if panel["title"] == title]
        assert "stream:withheld" not in panel["targets"][0]["expr"], title
    (causes,) = [panel for _, panel in PANELS if panel["title"] == "Why numbers are withheld"]
    assert "stream:backfill:bool" in causes["targets"][0]["expr"], "history that is loading is a reason, too"


def test_axes_have_no_words_between_whole_numbers() -> None:
    """Without decimals Grafana leaves out the ticks between, and writes what stands for no number in their place."""
    for uid, panel in LINES:
        assert defaults(panel).get("decimals") != 0, (uid, panel["title"])


def test_a_tile_without_a_past_says_so() -> None:
    """Beside a number without words Grafana writes "Value": in a stream's first days, and where no past is loaded."""
    said = 0
    for uid, panel in TILES:
        (target,) = panel["targets"]
        if '"verdict", "no target"' not in target["expr"]:
            said += 1
            assert '"change", "no change is known in 30 d"' in target["expr"], (uid, panel["title"])
    assert said >= 8


def test_titles_of_columns_about_others_are_whole() -> None:
    """Seven columns share the table evenly, and the last title lost its end."""
    found = [e for _, p in PANELS for e in p["fieldConfig"]["overrides"] if e["matcher"]["options"] == "than others"]
    assert found
    for override in found:
        assert {"id": "custom.minWidth", "value": 95} in override["properties"]


WORDS_PIXELS: Final = 13
LINE_HEIGHT: Final = 1.2
LONGEST_IN_TILE: Final = "may miss target ≥ 123.5 % · −12.3 points in 30 d, loaded since · of 1,234,567"


def lines_of(text: str, room: float) -> int:
    """Return over how many lines Grafana breaks a text in small type."""
    found, line = 1, ""
    for word in text.split():
        if line and width(f"{line} {word}", WORDS_PIXELS) > room:
            found, line = found + 1, ""
        line = f"{line} {word}".strip()
    return found


def test_estimated_widths_are_those_of_the_picture() -> None:
    """Measured on docs/images/boards/executive.png, in pixels: what is too small would let text be cut."""
    measured = {
        "may miss target ≥ 80 % · −2 points in 30 d · of 210": 312,
        "on target ≤ 10 % · +0 points in 30 d · of 377": 271,
        "complete, as of": 91,
    }
    for text, pixels in measured.items():
        assert 1 <= width(text, WORDS_PIXELS) / pixels < 1.08, text


def test_small_type_of_tiles_has_room_for_all_its_lines() -> None:
    """It breaks into lines, and what is below the tile is cut; `loaded since` made it a line longer."""
    texts = (LONGEST_IN_TILE, "history is loading, since 12-01 10:40 UTC", "no change is known in 30 d")
    for uid, panel in TILES:
        room = panel["gridPos"]["w"] * GRID_PIXELS - 8 - 2 - 2 * 12
        inside = panel["gridPos"]["h"] * 38 - 8 - 40 - 2 * 12 - 32 * LINE_HEIGHT
        for text in texts:
            assert lines_of(text, room) * WORDS_PIXELS * LINE_HEIGHT <= inside, (uid, panel["title"], text)


def test_words_of_low_panels_are_one_line() -> None:
    """The first line of each board is three rows high: a second line of small type has no place there."""
    causes = [*CAUSES.values(), SEEN_UNTIL.replace("$1", "12-01 04:31 UTC")]
    texts = {
        "Numbers": [f"withheld: {cause}, since" for cause in causes] + ["complete; alerts wait for a load; as of"],
        "Alerts that fire": ["nothing fires; 1,234 pending", "with pages: look now"],
    }
    low = [(uid, panel) for uid, panel in PANELS if panel["type"] == "stat" and panel["gridPos"]["h"] <= 3]
    found = [(uid, panel) for uid, panel in low if panel["title"] in texts]
    assert len(found) >= 2 * len(KPI_BOARDS)
    for uid, panel in found:
        room = panel["gridPos"]["w"] * GRID_PIXELS - 8 - 2 - 2 * 8
        for text in texts[panel["title"]]:
            assert width(text, WORDS_PIXELS) <= room, (uid, panel["title"], text)


def test_all_columns_of_a_table_are_in_sight_and_their_titles_whole() -> None:
    """The last column of churn by segment lay beyond the border, and "usual in an hour" lost its end."""
    count = 0
    for uid, panel in PANELS:
        organized = [each["options"] for each in panel.get("transformations", []) if each["id"] == "organize"]
        if panel["type"] != "table" or not organized:
            continue
        widths = {"": 0}
        hidden = set()
        for override in panel["fieldConfig"]["overrides"]:
            for each in override["properties"]:
                if each["id"] in ("custom.width", "custom.minWidth"):
                    widths[override["matcher"]["options"]] = each["value"]
                if each["id"] == "custom.hidden":
                    hidden.add(override["matcher"]["options"])
        titles = set(organized[0]["renameByName"].values()) - hidden
        assert sum(widths[title] for title in titles) <= panel["gridPos"]["w"] * GRID_PIXELS - 8 - 2, (
            uid,
            panel["title"],
        )
        for title in titles:
            count += 1
            assert width(title, 14) + 12 <= widths[title], (uid, panel["title"], title)
    assert count > 80
