"""The committed dashboards: up to date, whole, and in step with the metrics, the rules and the alerts."""

from __future__ import annotations

import itertools
import json
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as model

from monitoring import recording, rules
from monitoring.dashboards import __main__ as generator
from monitoring.dashboards import wording
from monitoring.dashboards.variables import LENSES
from schemas.catalogue.counts import COUNTS
from schemas.catalogue.ratios import RATIOS
from schemas.catalogue.windows import WINDOWS
from schemas.instruments import INSTRUMENTS, OF_THE_GATEWAY
from tests.monitoring.boards import CHOSEN, Json, boards, filled_in, panels, queries, variables_in
from tests.monitoring.scenario import ROOT

BOARDS = boards()
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in panels(board)]
#: What Grafana knows of units, as far as it is used here.
UNITS = {
    *("percentunit", "locale", "none", "currencyUSD", "s", "dateTimeFromNow", "suffix:/s", "ops"),
    *("suffix: days", "suffix: points"),
}
#: `segment:churn_$lens:ratio` and `segment:retention:ratio`
_RECORDED = re.compile(r"\b(?:segment|closed|before|stream|kpi|type|member|feed|band):[\w$\{\}]+:\w+")
_OWN = re.compile(r"(?<![\w:])tenure_\w+")
_BY_PATTERN = re.compile(r'__name__=~"segment:\(([\w|]+)\):(\w+)"')
#: Prometheus' own.
_ALERTS = re.compile(r"\bALERTS\b")


def test_committed_dashboards_are_those_that_the_code_makes() -> None:
    """A board that was changed by hand is overwritten with the next target that moves."""
    assert generator.outdated(ROOT) == []


def test_check_names_what_is_outdated_and_write_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The gate must fail when a file was forgotten or is nobody's any more, and say what to do."""
    assert generator.main(["--check"], root=tmp_path) == 1
    said = capsys.readouterr().err
    assert "grafana/dashboards/executive.json is not up to date: run python -m monitoring.dashboards" in said
    assert generator.main(["--write"], root=tmp_path) == 0
    assert generator.main(["--check"], root=tmp_path) == 0
    (tmp_path / "grafana" / "dashboards" / "of-yesterday.json").write_text("{}\n", encoding="utf-8")
    assert generator.main(["--check"], root=tmp_path) == 1
    assert generator.main([], root=tmp_path) == 0
    assert generator.main(["--check"], root=tmp_path) == 0
    assert "monitoring.dashboards --check" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_panel_has_title_description_with_a_formula_and_a_unit() -> None:
    """A number that nobody can explain is not believed, and one without a unit is read wrongly."""
    assert len(PANELS) > 100
    for uid, panel in PANELS:
        where = f"{uid} / {panel['title']}"
        assert panel["title"], where
        assert re.search(r"`[^`]+`", panel["description"]), where
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, where
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, where


def test_every_panel_and_every_query_can_be_told_from_the_others() -> None:
    """Grafana mixes up panels with one id, and overrides find queries by their letter."""
    for uid, board in BOARDS.items():
        ids = [panel["id"] for panel in board["panels"]]
        assert sorted(ids) == list(range(1, len(ids) + 1)), uid
        for panel in panels(board):
            letters = [target["refId"] for target in panel["targets"]]
            assert letters == sorted(set(letters)), panel["title"]
        titles = [panel["title"] for panel in board["panels"] if panel["type"] != "row"]
        assert sorted(titles) == sorted(set(titles)), uid


def test_panels_fill_the_grid_and_none_covers_another() -> None:
    """Grafana pushes panels that overlap somewhere else."""
    for uid, board in BOARDS.items():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            cells = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
            assert taken & cells == set(), (uid, panel["title"])
            taken |= cells
        height = 1 + max(y for _, y in taken)
        assert len(taken) == 24 * height, uid


def test_tables_show_their_header_and_cohorts_without_data_no_colour() -> None:
    """Both are seen in a browser only: a table without a header, and a cohort that seems to have lost everybody."""
    tables = [panel for _, panel in PANELS if panel["type"] == "table"]
    assert [panel["options"]["showHeader"] for panel in tables] == [True] * len(tables)
    (cohorts,) = [panel for panel in tables if panel["title"] == "Cohorts"]
    ages = next(each for each in cohorts["fieldConfig"]["overrides"] if each["matcher"]["id"] == "byRegexp")
    (mappings,) = [each["value"] for each in ages["properties"] if each["id"] == "mappings"]
    found = {(each["options"]["match"], each["options"]["result"]["color"]) for each in mappings}
    assert found == {("empty", "transparent"), ("null+nan", "transparent")}


def test_colours_of_queries_find_their_query() -> None:
    """An override of a letter that no query has colours nothing."""
    for uid, panel in PANELS:
        letters = {target["refId"] for target in panel["targets"]}
        for override in panel["fieldConfig"]["overrides"]:
            if override["matcher"]["id"] == "byFrameRefID":
                assert override["matcher"]["options"] in letters, (uid, panel["title"])


def test_columns_that_look_special_are_columns_of_their_table() -> None:
    """An override by a name that no column has does nothing, and Grafana does not say so."""
    for uid, panel in PANELS:
        if panel["type"] not in ("table", "trend", "barchart"):
            continue
        last = panel["transformations"][-1]
        if last["id"] != "organize":
            continue
        options = last["options"]
        columns = set(options["renameByName"].values())
        letters = {f"Value #{target['refId']}" for target in panel["targets"]} if panel["targets"][1:] else {"Value"}
        values = {name for name in options["includeByName"] if name.startswith("Value")}
        if "Value #A" in values:
            values.discard("Value")  # of the first query, where no other has an answer
        assert values <= letters, (uid, panel["title"])
        # What Grafana 9 is not told to leave out is a column of its own at the end.
        assert letters - values == {name for name in options["excludeByName"] if name != "Time"}, (uid, panel["title"])
        named = {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]}
        assert named <= columns, (uid, panel["title"])


def test_metrics_and_recorded_series_of_every_query_exist() -> None:
    """A query of a series that does not exist is an empty panel, and nobody knows whether it should be."""
    metrics = {count.metric for count in COUNTS} | {instrument.name for instrument in INSTRUMENTS}
    recorded = set(re.findall(r"record: (\S+)", "".join(rules.rule_files().values())))
    unknown, names = [], set()
    for where, expr in all_queries():
        for lens in LENSES if "${lens}" in expr else LENSES[:1]:
            asked = filled_in(expr, lens=lens)
            found = set(_RECORDED.findall(asked)) | names_of_patterns(asked)
            # Proportions alone have an interval, and only one lens is one.
            absent = {name for name in found if lens != "standard" and f"churn_{lens}:wilson" in name}
            unknown += [(where, name) for name in found - absent - recorded]
            own = {re.sub(r"_bucket$", "", name) for name in _OWN.findall(_RECORDED.sub("", asked))}
            unknown += [(where, name) for name in own - metrics]
            assert found or own or _ALERTS.search(asked), where
            names |= found | own
    assert unknown == []
    assert len(names) > 100


def test_every_ratio_and_every_metric_of_customers_is_on_a_board() -> None:
    """What is counted and shown nowhere is counted for nobody."""
    asked = "".join(filled_in(expr, lens=lens) for lens in LENSES for _, expr in all_queries())
    assert [ratio.name for ratio in RATIOS if f"segment:{ratio.name}:ratio" not in asked] == []
    asked += next(rule.expr for rule in recording.rules() if rule.name == recording.MARKED and rule.name in asked)
    of_customers = [metric.name for metric in INSTRUMENTS if metric.area == "Population"]
    assert len(of_customers) > 10
    assert [name for name in of_customers if name not in asked] == []


def test_a_workers_own_metrics_are_narrowed_to_the_chosen_jobs() -> None:
    """One Prometheus may read two streams; their partitions have the same numbers."""
    loose = []
    for where, expr in all_queries():
        for found in re.finditer(r"(?<![\w:])tenure_\w+", _RECORDED.sub("", expr)):
            rest = _RECORDED.sub("", expr)[found.end() :]
            of_worker = found[0] not in {metric.name for metric in OF_THE_GATEWAY}  # a gateway has a job of its own
            if of_worker and not rest.startswith('{job=~"$job"'):
                loose.append((where, found[0]))
    assert loose == []


def test_every_variable_is_used_and_every_used_one_is_there() -> None:
    """A choice without effect is a riddle, and a variable that does not exist is sent to Prometheus as it stands."""
    for uid, board in BOARDS.items():
        defined = {variable["name"]: variable for variable in board["templating"]["list"]}
        used = variables_in(json.dumps([board["panels"], board["templating"]["list"], board["annotations"]]))
        assert used == set(defined), uid
        assert {name: "current" in variable for name, variable in defined.items()} == dict.fromkeys(defined, True)
        assert [name for variable in defined.values() for name in variable if name.startswith("auto")] == []
        assert defined["datasource"]["current"]["value"] == "prometheus", uid
    assert set(CHOSEN) | {"datasource"} == {v["name"] for b in BOARDS.values() for v in b["templating"]["list"]}


def test_windows_and_lenses_of_the_choices_are_those_of_the_catalogue() -> None:
    """A window that is not offered cannot be looked at."""
    choices = {v["name"]: v["query"] for v in BOARDS["tenure-retention"]["templating"]["list"] if v["type"] == "custom"}
    assert choices == {"window": ",".join(WINDOWS), "lens": "standard,stripe,baremetrics,profitwell"}


def test_boards_that_alerts_link_to_exist_and_know_what_the_links_choose() -> None:
    """Whoever is called at night follows the link in the page."""
    for alert in rules.alerts():
        address = urllib.parse.urlsplit(alert.dashboard.replace("{{", "").replace("}}", ""))
        board = BOARDS[address.path.removeprefix("/d/")]
        known = {f"var-{variable['name']}" for variable in board["templating"]["list"]}
        assert set(urllib.parse.parse_qs(address.query)) - known == set(), alert.name


def test_every_link_leads_to_a_board_or_to_a_runbook() -> None:
    """A link that leads nowhere costs minutes when there are none."""
    folder = ROOT / "docs" / "runbooks"
    for uid, board in BOARDS.items():
        boards_of, runbooks = board["links"]
        assert (boards_of["type"], boards_of["tags"], boards_of["asDropdown"]) == ("dashboards", ["tenure"], True), uid
        assert runbooks["url"] == f"{wording.RUNBOOKS}/", uid
    names = {name for _, panel in PANELS for name in runbooks_of(panel)}
    assert len(names) > 50
    assert [name for name in names if not (folder / f"{name}.md").is_file()] == []
    chosen = {address for _, panel in PANELS for address in addresses_of(panel)}
    led_to = {
        urllib.parse.urlsplit(address).path.removeprefix("/d/") for address in chosen if address.startswith("/d/")
    }
    assert led_to - {"${__data.fields.board}"} <= set(BOARDS)
    assert {"tenure-retention", "tenure-revenue", "tenure-onboarding", "tenure-feedback", "tenure-stream"} <= led_to


def test_every_alert_has_a_panel_that_links_to_its_runbook() -> None:
    """Who sees the red tile wants the page that says what to do."""
    linked = {name for _, panel in PANELS for name in runbooks_of(panel)}
    assert {alert.name for alert in rules.alerts()} - linked == set()


def test_boards_are_read_only_and_know_the_alerts_of_their_kind() -> None:
    """What is changed in the browser is not kept; an alert that fired is seen where its numbers are, and only there."""
    of_the_stream = {"tenure-stream", "tenure-feeds", "tenure-workers"}
    for uid, board in BOARDS.items():
        assert board["editable"] is False, uid
        assert board["schemaVersion"] == 41, uid
        alerts, _, _, marks = annotations_of(board)
        assert [each["name"] for each in annotations_of(board)] == ["alerts", "withheld", "loading", "marks"], uid
        assert marks["useValueForTime"] is True, "a mark that comes late stands where it happened"
        assert ('kpi=""' if uid in of_the_stream else 'kpi!=""') in alerts["target"]["expr"], uid
        assert [each["hide"] for each in annotations_of(board)] == [True] * 4, uid
        assert board["tags"] == ["tenure"], uid
        # A label that an alert does not have is written as its own name.
        labels = [re.findall(r"{{(\w+)}}", each["titleFormat"] + each["textFormat"]) for each in annotations_of(board)]
        assert {name for names in labels for name in names} == {"alertname", "kind", "title"}, uid


def test_grafana_knows_every_member_of_every_panel() -> None:
    """A misspelt option is ignored: the SDK's model of this Grafana would not hand it on."""
    register_default_plugins()
    for uid, panel in PANELS:
        read = json.loads(json.dumps(model.Panel.from_json(panel), cls=JSONEncoder))
        assert list(lost(panel, read)) == [], (uid, panel["title"])
    wrong = {**PANELS[0][1], "options": {**PANELS[0][1]["options"], "colourMode": "value"}}
    assert list(lost(wrong, json.loads(json.dumps(model.Panel.from_json(wrong), cls=JSONEncoder)))) != []


def runbooks_of(panel: Json) -> list[str]:
    """Return the names of the runbooks that a panel's description links to."""
    return re.findall(rf"\]\({re.escape(wording.RUNBOOKS)}/(\w+)\.md\)", panel["description"])


def addresses_of(panel: Json) -> list[str]:
    """Return where numbers and cells of a panel lead."""
    found = [link["url"] for link in panel["fieldConfig"]["defaults"].get("links", [])]
    for override in panel["fieldConfig"]["overrides"]:
        found += [link["url"] for each in override["properties"] if each["id"] == "links" for link in each["value"]]
    return found


def annotations_of(board: Json) -> list[Json]:
    """Return what is marked in the lines of a dashboard."""
    found: list[Json] = board["annotations"]["list"]
    return found


def all_queries() -> Iterator[tuple[str, str]]:
    """Yield where it stands and what it asks, of panels, annotations and variables."""
    for uid, board in BOARDS.items():
        yield from ((asked.name, asked.expr) for asked in queries(board))
        for annotation in annotations_of(board):
            yield f"{uid} / {annotation['name']}", annotation["target"]["expr"]


def names_of_patterns(expr: str) -> set[str]:
    """Return the series that a pattern of names matches."""
    return {f"segment:{name}:{kind}" for names, kind in _BY_PATTERN.findall(expr) for name in names.split("|")}


def lost(before: Json | list[object] | object, after: object, path: str = "") -> Iterator[str]:
    """Yield the paths of what is in one document and not, or otherwise, in another."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            yield from lost(value, after[name], f"{path}/{name}") if name in after else [f"{path}/{name}"]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{path}/{place}")
    elif before != after:
        yield path
