"""Rules and boards for somebody else's servers: what is overridden, and what is wrong with an override."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
dashboards = "https://grafana.example"
labels = {team = "retention"}
currency = "EUR"
[thresholds]
Z_PAGE = 3.5
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
    assert page["annotations"]["runbook_url"] == "https://wiki.example/runbooks/DropOffAboveTarget.md"
    assert page["annotations"]["dashboard_url"].startswith("https://grafana.example/d/")
    spans = {r["labels"]["span"] for r in found if r.get("record") == "feed:events_expected:sum"}
    assert spans == {"1h", "1d"}
    bound = next(r for r in found if r.get("record") == "segment:churn_standard:wilson_page")
    assert "3.5 * sqrt" in bound["expr"]
    boards = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "out" / "dashboards").iterdir()}
    assert len(boards) == len(list((ROOT / "grafana" / "dashboards").glob("*.json")))
    assert "currencyEUR" in boards["revenue.json"]
    assert "currencyUSD" not in "".join(boards.values())
    assert (tmp_path / "out" / "alertmanager" / "templates" / "email.tmpl").is_file()


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


def test_all_that_can_be_overridden_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody should have to read our source for the name of a threshold."""
    assert install.main(["--list"]) == 0
    said = capsys.readouterr().out
    assert '# job = "tenure"' in said
    assert "# Z_PAGE = 3.0" in said
    assert '# page = "5m"' in said
