"""Every query of the dashboards against a real Prometheus that reads a real worker: that of `tenure demo`.

What it cannot be: a look at Grafana. What a browser alone shows is listed in docs/dashboards.md.
"""

from __future__ import annotations

import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from monitoring.alerts import thresholds
from monitoring.dashboards.variables import LENSES
from monitoring.withheld import WITHHELD
from schemas.catalogue.ratios import WINDOW_RATIOS
from schemas.catalogue.windows import WINDOWS
from services.installation import TENURE
from services.process import NotReadyError, Process, free_port, wait_until
from services.prometheus import Prometheus
from tests.monitoring.boards import CHOSEN, END, Asked, boards, filled_in, panels, queries
from tests.monitoring.scenario import RULES

pytestmark = pytest.mark.alone

BOARDS = boards()
ASKED = [asked for board in BOARDS.values() for asked in queries(board)]
LEGENDS = {
    (board["uid"], panel["title"], target["refId"]): target["legendFormat"]
    for board in BOARDS.values()
    for panel in panels(board)
    for target in panel["targets"]
}
HISTORY_DAYS = 40
_TARGETS = re.compile(r"(kpi:target:ratio|tenure_target_\w+)\{")
#: Of these a tile says one: which, is what becomes of its target.
VERDICTS = {"on target", "no target", "may miss target", "missed target"}
#: What a young Prometheus beside a healthy demo cannot answer, by panel and letter; and why.
ABSENT = {
    ("The last 30 days against the 30 before", "F"): "a band wants weeks of days",
    ("NPS against window before", "A"): "nothing is remembered of the window before",
    ("Values of dimensions", "B"): "no limit is reached",
    ("Surveys asked for, 24 h", "A"): "the demo does not ask for surveys",
    ("Asking is behind by", "A"): "as above",
    ("Windows that miss events for good", "A"): "nothing was lost",
    ("Records of other systems wait, by topic", "A"): "no topic holds records of another system",
    ("Requests to the gateway in the last hour, by status", "A"): "no gateway runs beside the demo",
    ("Gateways that work", "A"): "as above",
    **dict.fromkeys([("Further scales", letter) for letter in "BCDE"], "the demo asks nobody on further scales"),
}
#: Rows that stand for numbers while they are withheld.
WITHHELD_ROWS = {("What became of trials", "C"), ("What became of signups", "F")}
#: There is no median once the whole past is counted: more than half of the demo's customers are still there. What
#: changed in 30 days is known of some KPIs alone, the past that is loaded below begins some days ago, and answers are
#: not followed up in the first minute.
EITHER = {
    ("Half of them stay for", "A"),
    ("The last 30 days against the 30 before", "E"),
    ("Who stays after an answer", "F"),
    ("Freshness budget left", "A"),  # known after five minutes
    ("Checks that fail", "B"),  # known once a partition was recounted
    ("Dead letters of the last 24 hours, by reason", "A"),
    ("Mended members, of the last 24 hours", "A"),
}
#: As `ABSENT`, of whole panels, which then say so in words.
IN_WORDS = {
    "NPS against window before": "nothing before",
    "Freshness budget left": "not known yet",
    "Half of them stay for": "more than half stay on",
    "Surveys asked for, 24 h": "survey requests are off",
    "Asking is behind by": "survey requests are off",
    "Windows that miss events for good": "nothing was given up",
    "Records of other systems wait, by topic": "no topic of another system is read",
    "Requests to the gateway in the last hour, by status": "no request, or no gateway",
    "Gateways that work": "no gateway runs",
    "Dead letters of the last 24 hours, by reason": "none",
    "Mended members, of the last 24 hours": "none",
}


@pytest.fixture(scope="module")
def port() -> int:
    """Where the demo's worker is scraped."""
    return free_port()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Process]:
    """The demo's worker."""
    # Not a day a second: an event would be behind by minutes of the company's time whenever the machine is busy.
    command = [TENURE, "demo", "--plain", "--seed", "1", "--speed", "600", "--metrics-port", str(port)]
    with Process(command, log=tmp_path_factory.mktemp("demo") / "log") as process:
        yield process


@pytest.fixture(scope="module")
def targets() -> Iterator[str]:
    """What the owner of partition 0 would show if somebody had set a target for every KPI and window."""
    lines = [f'tenure_target_ratio{{kpi="{r.name}",window="{w}"}} 0.5' for r in WINDOW_RATIOS for w in WINDOWS]
    lines.append('tenure_target_review_timestamp_seconds{kpi="nps",window="30d",owner="somebody"} 4e9')

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write("".join(f"{line}\n" for line in lines).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def prometheus(
    demo: Process, port: int, targets: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A hurried Prometheus that was given a past, with the shipped rules, beside a demo whose KPIs all have targets."""
    assert demo.running
    folder = tmp_path_factory.mktemp("prometheus")
    # The demo's company lives in a time of its own, days before ours: to the rules it is history that is being read.
    recording = (RULES / "recording.yml").read_text(encoding="utf-8")
    watermark = f"> {thresholds.BACKFILL_WATERMARK_SECONDS}"
    assert watermark in recording
    (folder / "recording.yml").write_text(recording.replace(watermark, "> Inf"), encoding="utf-8")
    others = [str(path) for path in RULES.glob("*.yml") if path.name != "recording.yml"]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "recording.yml"), *others],
        "scrape_configs": [{"job_name": "tenure", "static_configs": [{"targets": [f"127.0.0.1:{port}", targets]}]}],
    }
    server = Prometheus(folder, config=yaml.safe_dump(config))
    server.load(history_in(folder))
    try:
        server.start()
        yield server
    finally:
        server.process.kill()


def history_in(folder: Path) -> Path:
    """Return a file with the ratios of the last days as `tenure history` writes them: one sample a day, at midnight."""
    today = int(time.time()) // 86_400 * 86_400
    instants = [today - 86_400 * days for days in range(HISTORY_DAYS, 0, -1)]
    lines = []
    for ratio in WINDOW_RATIOS:
        name = f"segment:{ratio.name}:ratio"
        lines.append(f"# TYPE {name} gauge")
        for window in WINDOWS:
            labels = f'{{dimension="all",value="",window="{window}"}}'
            lines += [f"{name}{labels} 0.25 {instant}" for instant in instants]
    file = folder / "history.om"
    file.write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    return file


def without_targets(asked: Asked) -> Asked:
    """Return a query as it fares where nobody has set a target."""
    return replace(asked, expr=_TARGETS.sub(r'\1{kpi="none",', asked.expr))


def has_data(server: Prometheus, asked: Asked, **chosen: str) -> bool:
    """Whether a query brings a number, asked as Grafana would: of now, or of the last minute in steps."""
    expr = filled_in(asked.expr, end=None, **chosen)
    if asked.instant:
        return any(value == value or labels for labels, value in server.query(expr))  # noqa: PLR0124 - not a number
    return any(value != "NaN" for _, values in over_time(server, expr) for _, value in values)


def over_time(server: Prometheus, expr: str) -> list[tuple[dict[str, str], list[tuple[float, str]]]]:
    """Return the series of a query over the last minute, as labels and points."""
    now = time.time()
    parameters = {"query": expr, "start": str(now - 60), "end": str(now), "step": "5"}
    answer = server.get("/api/v1/query_range?" + urllib.parse.urlencode(parameters))
    assert answer["status"] == "success", answer
    return [(found["metric"], found["values"]) for found in answer["data"]["result"]]


def shown_now(server: Prometheus, asked: Asked) -> list[tuple[dict[str, str], float]]:
    """Return what a panel shows of a query: of each series labels and last point."""
    expr = filled_in(asked.expr)
    if asked.instant:
        return server.query(expr)
    return [(labels, float(values[-1][1])) for labels, values in over_time(server, expr)]


def until_answered(server: Prometheus, asked: list[Asked]) -> None:
    """Wait until each of the queries has brought a number.

    Raises:
        NotReadyError: With the names of those that have not.
    """
    waiting = list(asked)

    def all_answered() -> bool:
        waiting[:] = [each for each in waiting if not has_data(server, each)]
        return not waiting

    try:
        wait_until(all_answered, seconds=120, what="data for every query")
    except NotReadyError as error:
        error.add_note(f"still without: {[each.name for each in waiting]}")
        raise


def must_answer() -> list[Asked]:
    """Return the queries that bring a number on a fresh demo whose KPIs have targets."""
    return [asked for asked in ASKED if (asked.panel, asked.ref_id) not in {*ABSENT, *EITHER, *WITHHELD_ROWS}]


def empty_panels(
    server: Prometheus,
    words: dict[str, str],
    holding: str = "",
    *,
    altered: Callable[[Asked], Asked] = lambda asked: asked,
    **chosen: str,
) -> list[str]:
    """Return the panels that neither show a number nor say in words why not.

    Args:
        server: Who is asked.
        words: What panels say that may be empty, by title.
        holding: Only panels with a query that holds this.
        altered: What becomes of each query before it is asked.
        chosen: Values of variables other than the usual ones.
    """
    silent: list[str] = []
    for uid, board in BOARDS.items():
        for panel in panels(board):
            asked = [altered(each) for each in ASKED if (each.board, each.panel) == (uid, panel["title"])]
            if any(LEGENDS[uid, panel["title"], each.ref_id] == "{{value}}" for each in asked):
                continue  # values of a dimension with too few customers to speak of have no line
            if any(holding in each.expr for each in asked) and not any(has_data(server, a, **chosen) for a in asked):
                said = panel["fieldConfig"]["defaults"].get("noValue")
                silent += [] if said is not None and said == words.get(panel["title"]) else [panel["title"]]
    return silent


def verdicts(server: Prometheus, altered: Callable[[Asked], Asked] = lambda asked: asked) -> dict[str, list[str]]:
    """Return what each tile says of its target; `altered` is what becomes of each query before it is asked."""
    found: dict[str, list[str]] = {}
    for asked in ASKED:
        if not asked.instant and '"verdict", "no target"' in asked.expr:
            shown = shown_now(server, altered(asked))
            found[f"{asked.board} / {asked.panel}"] = [labels.get("verdict", "") for labels, _ in shown]
    return found


def test_every_query_brings_data_but_those_that_cannot(prometheus: Prometheus) -> None:
    """An empty panel looks broken; a query that never brings anything hides behind the others of its panel."""
    until_answered(prometheus, must_answer())
    found = {(asked.panel, asked.ref_id) for asked in ASKED if has_data(prometheus, asked)}
    assert set(ABSENT) & found == set()
    assert set(ABSENT) <= {(asked.panel, asked.ref_id) for asked in ASKED}


def test_no_panel_is_empty_in_another_window_lens_or_dimension(prometheus: Prometheus) -> None:
    """Segments and reasons are counted in fewer windows than the KPIs: another one must not empty them."""
    until_answered(prometheus, must_answer())
    # In a day nobody's trial may end.
    tiles = {panel["title"] for board in BOARDS.values() for panel in panels(board) if panel["type"] == "stat"}
    words = dict.fromkeys(tiles, "no sample") | IN_WORDS
    for window in set(WINDOWS) - {CHOSEN["window"]}:
        assert empty_panels(prometheus, words, "$window", window=window) == [], window
    for lens in set(LENSES) - {CHOSEN["lens"]}:
        assert empty_panels(prometheus, IN_WORDS, "${lens}", lens=lens) == [], lens
    assert empty_panels(prometheus, IN_WORDS, "$dimension", dimension="country", value="DE") == []


def test_no_panel_is_empty_where_nobody_has_set_a_target(prometheus: Prometheus) -> None:
    """The first look decides whether there is a second one."""
    until_answered(prometheus, must_answer())
    assert empty_panels(prometheus, IN_WORDS, altered=without_targets) == []


def test_every_tile_gives_one_verdict(prometheus: Prometheus) -> None:
    """Two numbers in one tile, or none, and nobody knows whether the target is kept."""
    until_answered(prometheus, must_answer())
    judged = verdicts(prometheus)
    assert len(judged) > 15
    assert {title: said for title, said in judged.items() if len(said) != 1} == {}
    said = {words for verdict in judged.values() for words in verdict}
    assert {"on target", "missed target"} <= said <= VERDICTS - {"no target"}
    assert {words for verdict in verdicts(prometheus, without_targets).values() for words in verdict} == {"no target"}


def test_tables_get_no_label_that_is_no_column_of_theirs(prometheus: Prometheus) -> None:
    """Grafana puts rows together that agree in every label: one that is not shown keeps the columns of a row apart."""
    until_answered(prometheus, must_answer())
    tables = {
        (uid, panel["title"]): set(panel["transformations"][-1]["options"]["includeByName"])
        for uid, board in BOARDS.items()
        for panel in panels(board)
        if any(each["id"] == "organize" for each in panel.get("transformations", ()))
    }
    assert len(tables) > 10
    for asked in ASKED:
        if (asked.board, asked.panel) in tables:
            labels = {label for found, _ in prometheus.query(filled_in(asked.expr)) for label in found}
            assert labels <= tables[asked.board, asked.panel], asked.name


@pytest.mark.parametrize("step_seconds", [600, 1_800, 3_600, 10_800, 43_200])
def test_lines_pass_through_every_day_of_loaded_history(prometheus: Prometheus, step_seconds: int) -> None:
    """A line that asked for the instants of its steps only would show nothing of last year."""
    lines = [
        asked
        for asked in ASKED
        if not asked.instant and re.match(r"max\(\(\(last_over_time\(segment:\w+:ratio\{.*[^0]$", asked.expr)
    ]
    assert len(lines) > 8
    # As Grafana does: whole steps since 1970, and never less than four times the 15 s between scrapes.
    end = int(time.time()) // step_seconds * step_seconds
    days = 30
    for asked in lines:
        expr = filled_in(asked.expr.replace("$__rate_interval", f"{step_seconds + 15}s"))
        parameters = {"query": expr, "start": end - days * 86_400, "end": end, "step": step_seconds}
        answer = prometheus.get("/api/v1/query_range?" + urllib.parse.urlencode(parameters))
        found = answer["data"]["result"]
        past = [int(at) // 86_400 for each in found[:1] for at, value in each["values"] if value == "0.25"]
        assert len(set(past)) in (days - 1, days, days + 1), asked.name


def test_tiles_show_the_number_of_now_at_a_years_range(prometheus: Prometheus) -> None:
    """The last step of a year in 200 steps lies up to 44 hours before now."""
    until_answered(prometheus, must_answer())
    tiles = [each for each in ASKED if each.board == "tenure-executive" and not each.instant and END in each.expr]
    tiles = [each for each in tiles if "{{verdict}}" in LEGENDS[each.board, each.panel, each.ref_id]]
    assert len(tiles) == 8
    step = 157_680
    now = time.time()
    end = int(now) // step * step
    for asked in tiles:
        expr = filled_in(asked.expr.replace("$__interval_ms", str(step * 1000)), end=now)
        expr = expr.replace("[1m]", f"[{step + 15}s]")
        parameters = {"query": expr, "start": end - 200 * step, "end": end, "step": step}
        (found,) = prometheus.get("/api/v1/query_range?" + urllib.parse.urlencode(parameters))["data"]["result"]
        at, value = found["values"][-1]
        ((_, expected),) = prometheus.query(filled_in(asked.expr, end=now), at_seconds=now)
        assert int(at) == end, asked.name
        assert float(value) == pytest.approx(expected), asked.name


def test_annotations_and_variables_are_understood(prometheus: Prometheus) -> None:
    """Grafana shows an error in a corner, and the boards without choices."""
    until_answered(prometheus, must_answer())
    for board in BOARDS.values():
        for annotation in board["annotations"]["list"]:
            assert isinstance(prometheus.query(filled_in(annotation["target"]["expr"])), list)
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                _, selector, label = variable["query"]["query"].replace("(", ", ").removesuffix(")").split(", ")
                values = {labels[label] for labels, _ in prometheus.query(filled_in(selector))}
                assert values != set(), variable["name"]


def _silent(prometheus: Prometheus) -> list[tuple[str, str, list[Any]]]:
    """Return the panels of KPIs as of now that do not say since when numbers are withheld, or show one."""
    silent: list[tuple[str, str, list[Any]]] = []
    of_kpis = re.compile(r"segment:|tenure_(cancellations_by|engaged_by|answers_by|survival_m)")
    for uid, board in BOARDS.items():
        for panel in panels(board):
            asked = [each for each in ASKED if (each.board, each.panel) == (uid, panel["title"])]
            if panel["type"] not in ("stat", "bargauge", "table") or not of_kpis.search(asked[0].expr):
                continue
            shown = [each for query in asked for each in shown_now(prometheus, query)]
            named = [LEGENDS[query.board, query.panel, query.ref_id] for query in asked if shown_now(prometheus, query)]
            words = " ".join([*named, *(text for labels, _ in shown for text in labels.values())])
            if "since " not in words or any(value == value for _, value in shown):  # noqa: PLR0124 - is it a number
                silent.append((uid, panel["title"], shown))
    return silent


def test_whatever_shows_a_kpi_now_says_since_when_it_is_withheld(prometheus: Prometheus, demo: Process) -> None:
    """Nobody may read a target, or "no sample", where a number is withheld; nor the last number as that of now.

    The last test of this module: the demo is dead after it.
    """
    until_answered(prometheus, must_answer())
    demo.kill()
    wait_until(lambda: prometheus.query(WITHHELD) != [], seconds=30, what="numbers that are withheld")
    wait_until(lambda: _silent(prometheus) == [], seconds=60, what="panels that all say since when")
