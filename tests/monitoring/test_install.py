"""Rules and boards for somebody else's servers: what is overridden, and what is wrong with an override."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring import install, rules
from monitoring.alerts.thresholds import SHIPPED
from monitoring.install import Names, WrongOverrideError, changed, narrowed, overrides_of

ROOT = Path(__file__).parents[2]
OVERRIDES = """
[names]
job = "billing-tenure"
selector = 'env="prod"'
runbooks = "https://wiki.example/runbooks"
runbook_page = ".html"
dashboards = "https://grafana.example"
labels = {team = "retention"}
currency = "JPY"
[thresholds]
Z_PAGE = 3.5
TIME_ZONE_HOURS = 5.5
QUIET_SPANS = ["1h", "1d"]
[durations]
page = "10m"
"""
WITHOUT_DOCGEN = "import sys; sys.modules['docgen'] = None; from monitoring.install import main; sys.exit(main())"


def installed(folder: Path, overrides: str) -> subprocess.CompletedProcess[str]:
    """Run it as from a wheel, in a process of its own: thresholds are set once for good."""
    file = folder / "overrides.toml"
    file.write_text(overrides, encoding="utf-8")
    command = [sys.executable, "-c", WITHOUT_DOCGEN, "--config", str(file), "--out", str(folder / "out")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_overrides_are_in_the_rules_and_boards_and_prometheus_takes_them(tmp_path: Path) -> None:
    """Whoever patches files by hand loses it with the next version."""
    done = installed(tmp_path, OVERRIDES)
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "out" / "rules").glob("*.yml"))
    checked = subprocess.run(
        ["promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    found = [
        rule
        for file in files
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]
    page = next(r for r in found if r.get("alert") == "DropOffAboveTarget" and r["labels"]["severity"] == "page")
    assert page["for"] == "10m"
    assert page["labels"]["team"] == "retention"
    assert page["annotations"]["runbook_url"] == "https://wiki.example/runbooks/DropOffAboveTarget.html"
    assert page["annotations"]["dashboard_url"].startswith("https://grafana.example/d/")
    spans = {r["labels"]["span"] for r in found if r.get("record") == "feed:events_expected:sum"}
    assert spans == {"1h", "1d"}
    bound = next(r for r in found if r.get("record") == "segment:churn_standard:wilson_page")
    assert "3.5 * sqrt" in bound["expr"]
    day = next(r for r in found if r.get("record") == "band:kpi:day")
    assert "offset 19860s)[1d:1d]" in day["expr"], "a day of India ends at half past six in the evening, UTC"
    boards = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out" / "dashboards").iterdir()}
    assert len(boards) == len(list((ROOT / "grafana" / "dashboards").glob("*.json")))
    assert "currencyJPY" in boards["revenue.json"]
    assert ") / 1\\n* on" in boards["revenue.json"], "a yen has no hundredths"
    assert ") / 100\\n* on" not in boards["revenue.json"]
    assert "currencyUSD" not in "".join(boards.values())
    assert "127.0.0.1" not in "".join(boards.values()), "links lead to somebody's own pages"
    assert "https://wiki.example/runbooks/${__value.raw}.html" in boards["stream.json"]
    assert "(https://wiki.example/runbooks/ChurnSpike.html)" in boards["retention.json"]
    queries = [query for text in boards.values() for query in queries_of(json.loads(text))]
    assert not [query for query in queries if re.search(r'(?<![\w:])tenure_\w+(?!\w|:|\{env="prod")', query)]
    assert any('up{env="prod",job=~"$job"}' in query for query in queries)
    assert (tmp_path / "out" / "alertmanager" / "templates" / "email.tmpl").is_file()


def queries_of(document: Any) -> Iterator[str]:
    """Yield all queries of a board, those of its annotations and choices too."""
    for node in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        yield from queries_of(node)
    if isinstance(document, dict):
        asked = document.get("query")
        yield from (document[key] for key in ("expr", "definition") if isinstance(document.get(key), str))
        yield from [asked["query"]] if isinstance(asked, dict) and "query" in asked else []


def test_without_overrides_the_rules_are_those_that_are_shipped() -> None:
    """Every alert goes through the same door."""
    assert rules.rule_files(SHIPPED, lambda rule: changed(rule, Names())) == rules.rule_files()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sum(tenure_lag_records)", 'sum(tenure_lag_records{env="prod"})'),
        ('tenure_target_ratio{kpi="x"} > 0', 'tenure_target_ratio{env="prod",kpi="x"} > 0'),
        ("segment:tenure_mrr:sum", "segment:tenure_mrr:sum"),
        ("rate(tenure_commit_seconds_bucket[5m])", 'rate(tenure_commit_seconds_bucket{env="prod"}[5m])'),
        ('up{job="tenure"} == 0', 'up{env="prod",job="w"} == 0'),
        ('max(up{job="tenure-gateway"})', 'max(up{env="prod",job="tenure-gateway"})'),
    ],
)
def test_selector_narrows_metrics_and_no_recorded_series(query: str, expected: str) -> None:
    """Two streams in one Prometheus would be added up."""
    assert narrowed(query, Names(job="w", selector='env="prod"')) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[threshold]", "threshold is none of names, thresholds, durations"),
        ("[thresholds]\nZ_PAG = 3", "thresholds.Z_PAG is none of"),
        ('[thresholds]\nZ_PAGE = "3"', "thresholds.Z_PAGE = '3': it is of another kind than what is shipped, 3.0"),
        ("[thresholds]\nLEAST_LOSSES = 2.5", "LEAST_LOSSES = 2.5: it is of another kind"),
        ("[durations]\npage = 5", 'durations.page = 5: write a duration such as "5m"'),
        ("[thresholds]\nQUIET_SPANS = [15]", 'thresholds.QUIET_SPANS[0] = 15: write a duration such as "5m"'),
        ("[thresholds]\nQUIET_SPANS = []", "thresholds.QUIET_SPANS = []: it needs an element at least"),
        ("[thresholds]\nBURN_PAGES = [[14.4, '1h']]", "BURN_PAGES[0] = [14.4, '1h']: it needs 3 elements"),
        ("[thresholds]\nBURN_PAGES = [['x', '1h', '5m']]", "BURN_PAGES[0][0] = 'x': it is of another kind"),
        ("[thresholds]\nBURN_PAGES = ['1h']", "BURN_PAGES[0] = '1h': it is of another kind"),
        ("[thresholds]\nTIME_ZONE_HOURS = 5.3", "TIME_ZONE_HOURS = 5.3: write -12 to 14, in quarters"),
        ("[names]\nlabels = {team = 1}", "names.labels.team = 1: it is of another kind"),
        ("[names]\nminor_per_major = 1", "names.minor_per_major is none of job"),
        ("[names]\ncurrency = 'euro'", "names.currency = 'euro': write three capital letters"),
        ("[names", "no TOML"),
    ],
)
def test_wrong_override_is_named_with_what_can_be(text: str, said: str) -> None:
    """A misspelt threshold that changes nothing is found out at night."""
    with pytest.raises(WrongOverrideError) as found:
        overrides_of(text)
    assert said in str(found.value)


def test_wrong_file_writes_nothing_and_ends_with_2(tmp_path: Path) -> None:
    """Half of a set of rules is worse than none."""
    done = installed(tmp_path, "[durations]\npage = 5")
    assert done.returncode == 2
    assert done.stderr.endswith('durations.page = 5: write a duration such as "5m"\n')
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    """Where a file stands in the way, whoever runs it: root may write everywhere."""
    (tmp_path / "out").write_text("in the way", encoding="utf-8")
    done = installed(tmp_path, "")
    assert done.returncode == 2
    assert done.stderr.startswith(f"--out {tmp_path / 'out'}: it cannot be written: ")
    assert done.stderr.count("\n") == 1


def test_all_that_can_be_overridden_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody should have to read our source for the name of a threshold."""
    assert install.main(["--list"]) == 0
    said = capsys.readouterr().out
    assert '# job = "tenure"' in said
    assert "# Z_PAGE = 3.0" in said
    assert '# page = "5m"' in said
