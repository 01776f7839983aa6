"""Writes the files of Prometheus and the pages, or checks that they are up to date.

`python -m monitoring.rules` writes them; `--check` exits with 1 and names those that differ. Run in a checkout.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from docgen import files
from monitoring import bands, feeds, freshness, recording, scores
from monitoring.alerts import kpi as kpi_alerts
from monitoring.alerts import scores as score_alerts
from monitoring.alerts import stream as stream_alerts
from monitoring.alerts.rule import Alert, Group, text_of
from monitoring.alerts.thresholds import SHIPPED, Pace
from monitoring.runbooks import kpi as kpi_runbooks
from monitoring.runbooks import pages
from monitoring.runbooks import scores as score_runbooks
from monitoring.runbooks import stream as stream_runbooks

ROOT: Final = Path(__file__).resolve().parent.parent


def rule_files(pace: Pace = SHIPPED) -> dict[str, str]:
    """Return the text of every file of rules by its name in prometheus/rules/."""
    kpis = Group("tenure-kpis", [*recording.rules(), *freshness.rules(), *scores.rules()])
    sources = Group("tenure-sources", [*feeds.rules(), *freshness.budget()], pace.sources)
    days = Group("tenure-bands", list(bands.rules()), pace.bands)
    return {
        "bands.yml": text_of([days]),
        "recording.yml": text_of([kpis]),
        "sources.yml": text_of([sources]),
        "alerts-kpi.yml": text_of([Group("tenure-kpi-alerts", list(kpi_alerts.alerts(pace)))]),
        "alerts-scores.yml": text_of([Group("tenure-score-alerts", list(score_alerts.alerts(pace)))]),
        "alerts-stream.yml": text_of([Group("tenure-stream-alerts", list(stream_alerts.alerts(pace)))]),
    }


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
    return sorted(files.outdated(root, documents(), _present(root)))


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write or check the files; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.rules", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a file is not up to date")
    parser.add_argument("--write", action="store_true", help="write the files; the default")
    if parser.parse_args(arguments).check:
        return files.complain(outdated(root), "is not up to date: run python -m monitoring.rules")
    files.write(root, documents(), _present(root))
    return 0


def _present(root: Path) -> set[str]:
    folders = (root / "prometheus" / "rules", root / "docs" / "runbooks")
    return {str(path.relative_to(root)) for folder in folders for path in folder.glob("*.*")}


if __name__ == "__main__":
    sys.exit(main())
