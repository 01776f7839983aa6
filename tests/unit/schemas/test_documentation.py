"""The generated documents: complete, and kept up to date."""

import json
from pathlib import Path

import jsonschema
import pytest

from docgen.__main__ import documents, main, outdated
from docgen.json_schema import event_schema
from schemas.catalogue.counts import COUNTS
from schemas.catalogue.ratios import RATIOS
from schemas.events import EVENT_TYPES
from schemas.instruments import INSTRUMENTS
from schemas.refusals import Reason
from tests.unit.schemas.decoding.test_decoding import REFUSED
from tests.unit.schemas.lines import BENT, GOOD

VALIDATOR = jsonschema.Draft202012Validator(event_schema())
SHAPE = {Reason.MISSING_MEMBER, Reason.UNKNOWN_TYPE, Reason.INVALID_MEMBER}


def test_every_kpi_metric_and_member_is_documented() -> None:
    """What is not on a page does not exist for its users."""
    pages = documents()
    assert [count.name for count in COUNTS if f"`{count.name}`" not in pages["docs/kpis.md"]] == []
    assert [ratio.name for ratio in RATIOS if f"### {ratio.title}" not in pages["docs/kpis.md"]] == []
    assert [known.name for known in INSTRUMENTS if f"`{known.name}`" not in pages["docs/metrics.md"]] == []
    for event_type in EVENT_TYPES:
        section = pages["docs/events.md"].split(f"\n### {event_type.TYPE}\n")[1].split("\n### ")[0]
        assert [name for name in event_type.OWN_MEMBERS if f"| `{name}` |" not in section] == []
    assert [reason for reason in Reason if f"| `{reason}` |" not in pages["docs/events.md"]] == []


def test_documents_are_up_to_date() -> None:
    """A catalogue that says one thing and a page that says another are worse than none."""
    assert outdated(Path(__file__).parents[3]) == []


def test_check_names_what_is_outdated_and_write_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The gate must fail when a page was forgotten, and say what to do."""
    assert main(["--check"], root=tmp_path) == 1
    assert "docs/kpis.md is not up to date: run python -m docgen --write" in capsys.readouterr().err
    assert main(["--write"], root=tmp_path) == 0
    assert main(["--check"], root=tmp_path) == 0


def test_examples_of_the_events_page_are_events() -> None:
    """Readers copy them."""
    page = documents()["docs/events.md"]
    examples = [block.split("```")[0] for block in page.split("```json\n")[1:]]
    assert len(examples) == 1 + len(EVENT_TYPES)
    for example in examples:
        assert VALIDATOR.is_valid(json.loads(example))


@pytest.mark.parametrize("event", GOOD + BENT, ids=str)
def test_schema_accepts_what_the_decoder_accepts(event: dict[str, object]) -> None:
    """Producers test against the schema; it may not be stricter than the stream."""
    assert VALIDATOR.is_valid(event)


@pytest.mark.parametrize(
    "event",
    [
        event
        for reason, event in REFUSED
        if reason in SHAPE and not str(event.get("time")).startswith(("2026-0", "2016"))
    ]
    + [event for reason, event in REFUSED if reason in SHAPE and event.get("time") == "2026-01-01T12:00:00Z"],
    ids=str,
)
def test_schema_refuses_what_the_decoder_refuses(event: dict[str, object]) -> None:
    """Nor laxer, but for instants, which are up to the validator's format checks."""
    assert not VALIDATOR.is_valid(event)
