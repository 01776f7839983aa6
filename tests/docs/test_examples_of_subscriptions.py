"""The examples of docs/subscriptions.md count what the page says, in the product and in the recount."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.settings.settings import ENVIRONMENT_PREFIX
from tenure.cli import app
from tests.docs.pages import text_of
from tests.recount.options import Options
from tests.recount.report import recount

PAGE = "docs/subscriptions.md"
#: "2026-04-01 with `paused_customers` = `lost`"
COLUMN = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)(?: with `(?P<setting>\w+)` = `(?P<value>\w+)`)?")
#: Counts that are 0 where a table does not name them.
TOLD = ("signups", "customers_new", "customers_reactivated", "cancellations", "upgrades", "downgrades")
KINDS_WITHOUT_EFFECT = ("change", "pause", "resume", "cancel", "revoke")


@dataclass
class Example:
    """One log of the page, and the table of its counts.

    Attributes:
        section: The heading that it stands under.
        lines: Its events, as NDJSON.
        settings: Of the section's TOML, by name.
        columns: What stands above the numbers.
        rows: The numbers of each count, by column.
    """

    section: str
    lines: list[str]
    settings: dict[str, str]
    columns: list[str] = field(default_factory=list)
    rows: dict[str, list[int]] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.section


def examples() -> Iterator[Example]:
    """Yield every log of the page with the table that follows it."""
    for section in re.split(r"^## ", text_of(PAGE), flags=re.MULTILINE)[1:]:
        heading = section.split("\n", 1)[0]
        configured = re.search(r"^```toml\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
        settings = tomllib.loads(configured[1]) if configured else {}
        for block in re.split(r"^```json\n", section, flags=re.MULTILINE)[1:]:
            events, rest = block.split("\n```\n", 1)
            example = Example(heading, events.splitlines(), settings)
            table = rest.lstrip("\n").split("\n\n", 1)[0].splitlines()
            cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
            assert cells[0][0] == "count", f"{heading}: a table of counts must follow its events"
            example.columns = cells[0][1:]
            example.rows = {row[0].strip("`"): [int(cell) for cell in row[1:]] for row in cells[2:]}
            yield example


def settings_of(example: Example, column: str) -> tuple[datetime, dict[str, str]]:
    """Return the instant of a column, and the settings that its numbers are of."""
    said = COLUMN.fullmatch(column)
    assert said, f"{example}: {column!r} is no day, and no day with a setting"
    own = {said["setting"]: said["value"]} if said["setting"] else {}
    return datetime.fromisoformat(said["day"]).replace(tzinfo=UTC), example.settings | own


def number_of(report: dict[str, Any], count: str) -> int:
    """Return a count of a report: a total, or one of the calendar month; `facts_without_effect.cancel` is of a kind."""
    name, _, kind = count.partition(".")
    found = report["totals"].get(name, report["windows"]["month"].get(name))
    number = found[kind] if kind else found
    assert isinstance(number, int), f"{count} is no count"
    return number


def replayed(example: Example, at: datetime, settings: dict[str, str], file: Path) -> dict[str, Any]:
    """Return what `tenure replay` reports of an example."""
    file.write_text("\n".join(example.lines) + "\n", encoding="utf-8")
    variables = {f"{ENVIRONMENT_PREFIX}{name.upper()}": value for name, value in settings.items()}
    asked = ["replay", str(file), "--at", f"{at:%Y-%m-%d}", "--by", "plan", "--json"]
    done = CliRunner().invoke(app, asked, env=variables)
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)
    assert isinstance(report, dict)
    return report


def recounted(example: Example, at: datetime, settings: dict[str, str]) -> dict[str, Any]:
    """Return what the recount says of an example."""
    said: dict[str, Any] = dict(settings)
    if rates := said.get("currency_rates"):
        said["currency_rates"] = dict(pair.split("=") for pair in rates.split(","))
    (report,) = recount([line.encode() for line in example.lines], [at], Options(**said), by=["plan"])
    return report


@pytest.mark.parametrize("example", list(examples()), ids=str)
def test_example_counts_what_its_table_says(example: Example) -> None:
    """Whoever connects a billing system copies these lines and trusts these numbers."""
    for n, column in enumerate(example.columns):
        at, settings = settings_of(example, column)
        report = recounted(example, at, settings)
        told = {count: numbers[n] for count, numbers in example.rows.items()}
        assert {count: number_of(report, count) for count in told} == told, column
        assert report["events"]["applied"] + report["events"]["duplicate"] == len(example.lines)
        untold = {*TOLD, *(f"facts_without_effect.{kind}" for kind in KINDS_WITHOUT_EFFECT)} - told.keys()
        assert [count for count in sorted(untold) if number_of(report, count)] == [], column


@pytest.mark.parametrize("example", list(examples()), ids=str)
def test_product_and_recount_agree_on_the_example(example: Example, tmp_path: Path) -> None:
    """The page is of the product: what it prints is what the recount, which shares no code with it, finds."""
    for column in example.columns:
        at, settings = settings_of(example, column)
        found, expected = replayed(example, at, settings, tmp_path / "events.ndjson"), recounted(example, at, settings)
        for part in ("totals", "windows", "segments", "events"):
            assert found[part] == expected[part], f"{column}: {part}"


def test_page_has_examples_of_everything_that_it_explains() -> None:
    """The tests above would pass for a page whose tables are not found."""
    found = list(examples())
    assert len(found) >= 12
    assert {"Trials", "Free plans", "Pauses", "Prices", "Currencies", "What was wrong"} <= {
        each.section for each in found
    }
    assert all(each.rows and each.columns for each in found)
