"""Golden files of all sources: records come to the events beside them, and stories to numbers worked out by hand.

A story is a golden file with `NAME.kpis.toml` beside it: the settings of the stream, and counts by the day as of which
they hold, those of a window for the calendar month before it. What is said there was counted from the records by hand.
"""

import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from typer.testing import CliRunner

from schemas.adapters.registry import ADAPTERS
from schemas.decoding.decoder import Decoder
from streams.settings.settings import ENVIRONMENT_PREFIX
from tenure.cli import app
from tests.unit.schemas.adapters.golden import GOLDEN, GoldenFile, golden_files, outcome
from tests.unit.schemas.lines import Line

FILES = [file for file in golden_files(*ADAPTERS) if (file.records.parent / "options.toml").exists()]
STORY = ".kpis.toml"
LATEST_MS = 4_102_444_800_000
#: Counts that a clean archive has none of.
WITHOUT_EFFECT = ("change", "pause", "resume", "cancel", "revoke")


class Story(NamedTuple):
    """A golden file, and what is counted of it."""

    file: GoldenFile
    settings: dict[str, str]
    numbers: dict[str, dict[str, int]]

    @property
    def name(self) -> str:
        """That of its file."""
        return self.file.name


def stories() -> list[Story]:
    """Return the golden files that have numbers beside them."""
    found = []
    for file in FILES:
        told = file.records.with_name(file.records.stem + STORY)
        if told.exists():
            numbers = tomllib.loads(told.read_text(encoding="utf-8"))
            found.append(Story(file, numbers.pop("settings", {}), numbers))
    return found


def events_of(file: GoldenFile) -> list[dict[str, Any]]:
    """Return the events that the records of a file come to."""
    return [event for value in file.values for event in file.adapter.translate(value).events]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_records_come_to_the_events_beside_them(file: GoldenFile) -> None:
    """A change of what a source's records mean must be seen, record by record."""
    assert [outcome(file.adapter.translate(value)) for value in file.values] == file.expected


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_events_are_accepted_by_the_stream(file: GoldenFile) -> None:
    """An event that the stream refuses would be the adapter's fault, and none of the source's."""
    decoder = Decoder(
        dimensions=("industry",), default_currency="USD", currencies={"EUR": 0, "JPY": 0}, latest_ms=LATEST_MS
    )
    events = events_of(file)
    decoded = decoder.decode([Line(msgspec.json.encode(event)) for event in events])
    assert decoded.refused == []
    assert len(decoded.events) + decoded.tests == len(events)


@pytest.mark.parametrize("source", sorted({file.records.parent.name.split("-")[0] for file in FILES}))
def test_each_source_with_golden_files_is_told_in_a_page(source: str) -> None:
    """What a record becomes is looked up in the page, not in the code."""
    assert (GOLDEN.parents[1] / "docs" / "adapters" / f"{source}.md").exists()


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
def test_story_comes_to_the_numbers_worked_out_by_hand(story: Story, tmp_path: Path) -> None:
    """This is what a company reads on the day on which it plugs its billing system in."""
    archive = tmp_path / "archive.ndjson"
    archive.write_bytes(b"\n".join(map(msgspec.json.encode, events_of(story.file))) + b"\n")
    variables = {f"{ENVIRONMENT_PREFIX}{name.upper()}": value for name, value in story.settings.items()}
    days = [argument for day in story.numbers for argument in ("--at", day)]
    done = CliRunner().invoke(app, ["replay", str(archive), *days, "--json"], env=variables)
    assert done.exit_code == 0, done.output
    for (day, told), report in zip(story.numbers.items(), json.loads(done.stdout), strict=True):
        counts = report["totals"] | report["windows"]["month"]
        assert {name: counts[name] for name in told} == told, day
        assert counts["facts_without_effect"] == dict.fromkeys(WITHOUT_EFFECT, 0), day
