"""Archives of other systems as files, each with the events that it must become, and the numbers that it must come to.

Beside each `NAME.ndjson` stands `NAME.events.ndjson`. Both were worked out by hand from the source's documentation.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from typer.testing import CliRunner

from schemas.adapters.adapter import Members
from schemas.adapters.registry import adapter_of
from streams.settings.settings import ENVIRONMENT_PREFIX
from tenure.cli import app
from tests.recount.options import Options
from tests.recount.report import recount

GOLDEN: Final = Path(__file__).parent


@dataclass(frozen=True)
class Story:
    """An archive, and what is counted of it.

    Attributes:
        source: The adapter's name.
        name: The archive's.
        numbers: Counts by the day as of which they hold; those of a window are of the calendar month before it.
        options: Of the adapter.
        rates: Of currencies, as the setting has them.
    """

    source: str
    name: str
    numbers: Mapping[str, Mapping[str, int]]
    options: Mapping[str, Any] = field(default_factory=dict)
    rates: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.source}-{self.name}"

    def records(self) -> list[bytes]:
        """Return the archive's records."""
        return (GOLDEN / self.source / f"{self.name}.ndjson").read_bytes().splitlines()

    def expected(self) -> list[Members]:
        """Return the events that the archive must become."""
        lines = (GOLDEN / self.source / f"{self.name}.events.ndjson").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def translated(self) -> list[Members]:
        """Return the events that the archive becomes."""
        return translated(self.source, self.records(), self.options)


def translated(source: str, records: Iterable[bytes], options: Mapping[str, Any] | None = None) -> list[Members]:
    """Return what an adapter makes of records that it must understand."""
    adapter = adapter_of(source, options or {})
    found = [adapter.translate(record) for record in records]
    assert [each.refusal for each in found if each.refusal] == []
    return [event for each in found for event in each.events]


def lines_of(events: Iterable[Members]) -> list[str]:
    """Return events as lines of NDJSON."""
    return [json.dumps(event) for event in events]


def replayed(story: Story, lines: Iterable[str], file: Path) -> dict[str, dict[str, Any]]:
    """Return what `tenure replay` reports of events, by the story's days."""
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rates = ",".join(f"{currency}={rate}" for currency, rate in story.rates.items())
    variables = {f"{ENVIRONMENT_PREFIX}CURRENCY_RATES": rates} if rates else {}
    days = [argument for day in story.numbers for argument in ("--at", day)]
    done = CliRunner().invoke(app, ["replay", str(file), *days, "--by", "plan", "--json"], env=variables)
    assert done.exit_code == 0, done.output
    return dict(zip(story.numbers, json.loads(done.stdout), strict=True))


def recounted(story: Story, lines: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what the recount, which shares no code with the product, says of events, by the story's days."""
    days = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in story.numbers]
    options = Options(currency_rates=dict(story.rates))
    reports = recount([line.encode() for line in lines], days, options, by=["plan"])
    return dict(zip(story.numbers, reports, strict=True))


def number_of(report: Mapping[str, Any], count: str) -> int:
    """Return a count of a report: a total, one of the calendar month, or one of its events."""
    name, _, kind = count.partition(".")
    for part in (report["totals"], report["windows"]["month"], report["events"]):
        if name in part:
            found = part[name][kind] if kind else part[name]
            assert isinstance(found, int), f"{count} is no count"
            return found
    raise AssertionError(f"{count} is no count")
