"""The generated files: up to date, accepted by the real programs, whole, and in step with each other."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from kpis.rows import KINDS_WITHOUT_EFFECT
from monitoring import rules
from monitoring.alerts import thresholds
from monitoring.alerts.kpi import PLAIN, PROPORTIONS
from monitoring.alerts.producers import TYPES
from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT
from schemas.catalogue.ratios import RATIOS, WINDOW_RATIOS
from schemas.events import LIFECYCLE_TYPES
from schemas.instruments import INSTRUMENTS
from streams.errors import Lost, PositionOutOfRange, StateLost, TopicRecreated
from tests.monitoring import feed_cases, kpi_cases, producer_cases, score_cases, stream_cases
from tests.monitoring.case import Case
from tests.monitoring.scenario import ROOT, RULES

ALERTMANAGER = ROOT / "alertmanager" / "alertmanager.yml"
ALERTS = rules.alerts()


def test_generated_files_are_up_to_date() -> None:
    """A threshold that was changed in monitoring/ and not in Prometheus decides nothing."""
    assert rules.outdated(ROOT) == []


def test_check_names_what_is_outdated_and_write_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The gate must fail when a file was forgotten or is nobody's any more, and say what to do."""
    assert rules.main(["--check"], root=tmp_path) == 1
    assert "prometheus/rules/recording.yml is not up to date: run python -m monitoring.rules" in capsys.readouterr().err
    assert rules.main([], root=tmp_path) == 0
    assert rules.main(["--check"], root=tmp_path) == 0
    (tmp_path / "prometheus" / "rules" / "of-yesterday.yml").write_text("groups: []\n", encoding="utf-8")
    assert rules.main(["--check"], root=tmp_path) == 1
    assert rules.main(["--write"], root=tmp_path) == 0
    assert rules.main(["--check"], root=tmp_path) == 0


def test_every_kind_of_loss_pages_at_once() -> None:
    """Kafka may be deleting more while somebody waits for the half hour of other halts."""
    kinds: list[type[Lost]] = [PositionOutOfRange, StateLost, TopicRecreated]
    assert {each for kind in (Lost, PositionOutOfRange) for each in kind.__subclasses__()} == set(kinds)
    assert {kind.__new__(kind).cause for kind in kinds} == set(thresholds.LOSS_CAUSES)


def test_prometheus_accepts_every_rule() -> None:
    """One rule that it refuses keeps it from starting."""
    done = _run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, sorted(RULES.glob("*.yml"))))
    assert done.count("SUCCESS") == len(rules.rule_files())


def test_alertmanager_accepts_its_configuration_and_its_template() -> None:
    """It would refuse to start with any other."""
    found = _run("amtool", "check-config", str(ALERTMANAGER))
    assert "1 templates" in found


@pytest.mark.parametrize(("severity", "receiver"), [("page", "page"), ("warn", "warn"), ("info", "nobody")])
def test_alerts_go_to_the_receiver_of_their_severity(severity: str, receiver: str) -> None:
    """A page that lands beside the warnings is read in the morning."""
    for area in ("kpi", "stream", "targets"):
        config = f"--config.file={ALERTMANAGER}"
        found = _run("amtool", "config", "routes", "test", config, f"severity={severity}", f"area={area}")
        assert found.strip().splitlines()[0] == receiver


def test_every_name_that_alertmanager_knows_is_an_alert_or_a_label_of_one() -> None:
    """An inhibition of an alert that was renamed holds nothing back."""
    config = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
    names = {alert.name for alert in ALERTS}
    kpis = {alert.labels["kpi"] for alert in ALERTS if "kpi" in alert.labels}
    known = {"alertname": names, "kpi": kpis, "area": {"kpi", "stream"}, "severity": {"page", "warn", "info"}}
    unknown = [
        (label, value)
        for rule in config["inhibit_rules"]
        for label, value in _matched(rule["source_matchers"] + rule["target_matchers"])
        if label in known and value not in known[label]
    ]
    assert unknown == []
    assert len(config["inhibit_rules"]) > 5


def test_commands_of_the_runbooks_say_where_to_run_them() -> None:
    """The settings exist where a worker runs, and nowhere else: at night nobody thinks of that."""
    said = {name: text for name, text in rules.documents().items() if "```console" in text}
    assert len(said) > 20
    index = said.pop("docs/runbooks/README.md")
    assert [name for name, text in said.items() if "(README.md#where-to-run-a-command)" not in text] == []
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert set(re.findall(r"docker compose exec (\S+)", index)) <= set(services)
    worker = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "worker.yaml").read_text(encoding="utf-8"))
    namespace = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "kustomization.yaml").read_text(encoding="utf-8"))
    pod = f"kubectl -n {namespace['namespace']} exec {worker['metadata']['name']}-0 -- tenure "
    assert pod in index


def test_every_alert_is_tried_where_it_fires_and_where_it_does_not() -> None:
    """One that never fired in a test may not be able to; one that was never quiet may never be."""
    wanted = {(alert.name, alert.severity) for alert in ALERTS}
    modules = (feed_cases, kpi_cases, producer_cases, score_cases, stream_cases)
    for cases in ([m.FIRE for m in modules], [m.QUIET for m in modules]):
        tried = {(case.alert, case.severity) for case in _flat(cases)}
        assert wanted - tried - ({("Watchdog", "none")} if cases[0] is feed_cases.QUIET else set()) == set()


def test_every_alert_says_what_is_known_and_where_to_go_on() -> None:
    """At three in the morning nobody searches."""
    for alert in ALERTS:
        assert alert.summary, alert.name
        assert "{{" in alert.summary or alert.severity != "page", alert.name
        assert "\nFirst: " in f"\n{alert.description}", alert.name
        assert alert.dashboard.startswith("/d/tenure-"), alert.name
        assert (ROOT / "docs" / "runbooks" / f"{alert.name}.md").exists()


def test_no_kpi_alert_fires_on_incomplete_numbers_or_during_a_backfill() -> None:
    """Half of the customers are missing while a worker is away: retention has not halved."""
    of_kpis = [alert for alert in ALERTS if alert.area == "kpi"]
    assert len(of_kpis) > 20
    for alert in of_kpis:
        assert "and on () stream:complete:bool == 1" in alert.expr, alert.name
        assert "unless on () max_over_time(stream:backfill:bool" in alert.expr, alert.name
        outlasts = (alert.name, alert.severity) == ("ChurnSpike", "page")
        assert alert.keep == (thresholds.SHIPPED.outlast if outlasts else thresholds.SHIPPED.keep), alert.name


def test_every_ratio_is_recorded_and_every_ratio_with_a_window_can_have_a_target() -> None:
    """A KPI that is left out of the rules is watched by nobody, and nobody notices."""
    text = rules.rule_files()["recording.yml"]
    assert [ratio.name for ratio in RATIOS if f"record: segment:{ratio.name}:ratio\n" not in text] == []
    counts = (*COUNTS, FACTS_WITHOUT_EFFECT)
    assert [count.name for count in counts if f"record: segment:{count.metric}:sum\n" not in text] == []
    assert {watched.kpi for watched in (*PROPORTIONS, *PLAIN)} == {ratio.name for ratio in WINDOW_RATIOS}
    assert {watched.kpi for watched in PROPORTIONS} == {ratio.name for ratio in WINDOW_RATIOS if ratio.is_proportion}


def test_every_kind_of_a_fact_without_effect_is_compared_with_what_is_sent_of_it() -> None:
    """A kind that the alert does not know may fail every day, and nobody hears of it."""
    assert tuple(TYPES) == KINDS_WITHOUT_EFFECT
    assert {kind for types in TYPES.values() for kind in types} == set(LIFECYCLE_TYPES) - {"signup"}


def test_metrics_and_recorded_series_in_the_rules_exist() -> None:
    """A query of a metric that does not exist is never true, and no program says so."""
    text = "".join(rules.documents().values())
    counts = (*COUNTS, FACTS_WITHOUT_EFFECT)
    metrics = {count.metric for count in counts} | {instrument.name for instrument in INSTRUMENTS}
    named = set(re.findall(r"(?<![\w:])tenure_\w+", text))
    assert len(named) > 50
    assert {name.removesuffix("_bucket") for name in named} - metrics == set()
    recorded = set(re.findall(r"record: (\S+)", text))
    used = set(re.findall(r"\b(?:segment|closed|before|stream|kpi|type|member|feed):\w+:\w+", text))
    assert used - recorded == set()
    assert {name for name in recorded if not re.fullmatch(r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+", name)} == set()


def test_a_warning_does_not_come_before_the_page_of_the_same_alert() -> None:
    """Otherwise each page would be announced by a warning, and read twice."""
    lasting = {(alert.name, alert.severity): _seconds(alert.lasting) for alert in ALERTS if alert.area == "kpi"}
    pairs = [(lasting[name, "page"], lasting[name, "warn"]) for name, severity in lasting if severity == "page"]
    assert len(pairs) == 10
    assert [pair for pair in pairs if pair[0] > pair[1]] == []


def test_rules_can_be_made_at_another_pace() -> None:
    """Whoever tries the whole chain on real servers cannot wait for a quarter of an hour."""
    hurried = rules.rule_files(thresholds.Pace(page="1s", after="1s", warn="1s", keep="1s"))["alerts-kpi.yml"]
    durations = {rule["for"] for group in yaml.safe_load(hurried)["groups"] for rule in group["rules"]}
    assert durations == {"1s"}


def _flat(cases: Iterable[Iterable[Case]]) -> list[Case]:
    return [case for some in cases for case in some]


def _matched(matchers: Iterable[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for matcher in matchers:
        label, _, values = re.split(r"\s*(=~|!~|!=|=)\s*", matcher, maxsplit=1)
        found += [(label, value) for value in values.strip('"').split("|")]
    return found


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
