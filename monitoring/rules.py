"""Writes the files of Prometheus and the pages, or checks that they are up to date.

`python -m monitoring.rules` writes them; `--check` exits with 1 and names those that differ. Run in a checkout.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Final

from monitoring import bands, dead_letters, feeds, freshness, recording, scores, segments, withheld
from monitoring.alerts import kpi as kpi_alerts
from monitoring.alerts import scores as score_alerts
from monitoring.alerts import stream as stream_alerts
from monitoring.alerts.rule import Alert, Group, Rule, text_of
from monitoring.alerts.thresholds import SHIPPED, Pace
from monitoring.runbooks import kpi as kpi_runbooks
from monitoring.runbooks import pages
from monitoring.runbooks import scores as score_runbooks
from monitoring.runbooks import stream as stream_runbooks

ROOT: Final = Path(__file__).resolve().parent.parent


def _as_it_is(rule: Rule) -> Rule:
    return rule


def rule_files(pace: Pace = SHIPPED, change: Callable[[Rule], Rule] = _as_it_is) -> dict[str, str]:
    """Return the text of every file of rules by its name in prometheus/rules/; `change` is made to each rule."""
    families = (recording, withheld, freshness, dead_letters, segments, scores)
    kpis = Group("tenure-kpis", [rule for family in families for rule in family.rules()])
    sources = Group("tenure-sources", [*feeds.rules(), *freshness.budget()], pace.sources)
    days = Group("tenure-bands", list(bands.rules()), pace.bands)
    files = {
        "bands.yml": days,
        "recording.yml": kpis,
        "sources.yml": sources,
        "alerts-kpi.yml": Group("tenure-kpi-alerts", list(kpi_alerts.alerts(pace))),
        "alerts-scores.yml": Group("tenure-score-alerts", list(score_alerts.alerts(pace))),
        "alerts-stream.yml": Group("tenure-stream-alerts", list(stream_alerts.alerts(pace))),
    }
    return {name: text_of([replace(group, rules=[change(r) for r in group.rules])]) for name, group in files.items()}


def alerts(pace: Pace = SHIPPED) -> list[Alert]:
    """Return all alerts."""
    return [*kpi_alerts.alerts(pace), *score_alerts.alerts(pace), *stream_alerts.alerts(pace)]


def documents() -> dict[str, str]:
    """Return the text of every generated file by its path inside the repository."""
    rules = {f"prometheus/rules/{name}": text for name, text in rule_files().items()}
    known = {**kpi_runbooks.RUNBOOKS, **score_runbooks.RUNBOOKS, **stream_runbooks.RUNBOOKS}
    return rules | pages.pages(alerts(), known)


def outdated(root: Path) -> list[str]:
    """Return the paths of files that are missing, differ from what they should be, or are nobody's any more."""
    return sorted(_writer().outdated(root, documents(), _present(root)))


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write or check the files; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.rules", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file is not up to date")
    parser.add_argument("--write", action="store_true", help="write the files; the default")
    if parser.parse_args(arguments).check:
        return int(_writer().complain(outdated(root), "is not up to date: run python -m monitoring.rules"))
    _writer().write(root, documents(), _present(root))
    return 0


def _writer() -> ModuleType:
    """Return what writes files of the repository; where the rules are installed, it is not."""
    from docgen import files  # noqa: PLC0415 - see above

    return files


def _present(root: Path) -> set[str]:
    folders = (root / "prometheus" / "rules", root / "docs" / "runbooks")
    return {str(path.relative_to(root)) for folder in folders for path in folder.glob("*.*")}


if __name__ == "__main__":
    sys.exit(main())
