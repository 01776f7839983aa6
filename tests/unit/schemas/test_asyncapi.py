"""The AsyncAPI document: right by the specification, and whole."""

import json
from typing import Any

import jsonschema
import pytest

from docgen.asyncapi import VERSION, asyncapi_document
from schemas.events import EVENT_TYPES
from schemas.refusals import Reason, Refusal
from schemas.topics import DEAD_LETTER_TOPIC, DEFAULT_TOPIC_NAMES, SURVEY_REQUEST_TOPIC
from streams.partition.outbox import DeadLetter
from streams.records import Record
from tests.docs.pages import ROOT

SPECIFICATION = ROOT / "build/services/specifications/node_modules/@asyncapi/specs/schemas"


@pytest.fixture(name="document")
def _document() -> dict[str, Any]:
    return asyncapi_document()


def test_document_keeps_to_the_specification(document: dict[str, Any]) -> None:
    """Generators of clients refuse what does not."""
    schema = json.loads((SPECIFICATION / f"{VERSION}-without-$id.json").read_text(encoding="utf-8"))
    errors = jsonschema.Draft7Validator(schema).iter_errors(document)
    assert [f"{error.json_path}: {error.message}"[:200] for error in errors] == []


def test_every_topic_and_every_type_is_there(document: dict[str, Any]) -> None:
    """A producer finds its topic by its type."""
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {*DEFAULT_TOPIC_NAMES.values(), DEAD_LETTER_TOPIC, SURVEY_REQUEST_TOPIC}
    kinds = {message["name"] for message in document["components"]["messages"].values()}
    assert kinds == {*(event_type.TYPE for event_type in EVENT_TYPES), "survey_request", "dead_letter"}


def test_dead_letter_has_the_headers_that_are_sent_and_needs_those_of_each(document: dict[str, Any]) -> None:
    """Whoever generates a reader of dead letters knows them by this document alone."""
    record = Record("customer.cancel", 0, 5, 1, b"c", b"{}", ())
    letter = DeadLetter(record, Refusal(Reason.MISSING_MEMBER, "id: is required"), DEAD_LETTER_TOPIC)
    whole, cut = (form for form in (letter.form(0), letter.form(1)) if form is not None)
    described = document["components"]["messages"]["DeadLetter"]["headers"]
    assert set(described["required"]) == {name for name, _ in whole.headers}
    assert set(described["properties"]) == {name for name, _ in cut.headers}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """The schema of the specification does not follow them."""
    assert [path for path in references(document) if place_of(path, document) is None] == []


def place_of(path: str, document: dict[str, Any]) -> Any:
    """Return what a reference leads to; None where there is nothing."""
    found: Any = document
    for part in path.removeprefix("#/").split("/"):
        found = found.get(part, {})
    return found or None


def references(found: Any) -> list[str]:
    """Return all references in a document."""
    if isinstance(found, list):
        return [path for each in found for path in references(each)]
    if not isinstance(found, dict):
        return []
    inner = [path for each in found.values() for path in references(each)]
    return [found["$ref"], *inner] if isinstance(found.get("$ref"), str) else inner
