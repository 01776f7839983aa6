"""What `tenure mark` sends is an event that the stream takes, the same one for the same mark."""

from __future__ import annotations

import json

import pytest

from kpis.instants import instant_text
from schemas.decoding.decoder import Decoder
from schemas.events import NO_CUSTOMER, Mark
from schemas.topics import DEFAULT_TOPIC_NAMES
from streams.errors import UsageError
from streams.routing import Router
from streams.settings.settings import Settings
from tenure.operations.marks import KINDS, event_of, mark_of
from tests.unit.schemas.lines import Line

AT_MS = 1_767_225_600_000
NOW_MS = AT_MS + 5_000


def sent(**changes: object) -> bytes:
    """Return the record of a mark."""
    wanted: dict[str, object] = {
        "kind": "release",
        "at_ms": AT_MS,
        "until_ms": None,
        "corrects": None,
        "now_ms": NOW_MS,
    }
    return json.dumps(event_of(mark_of("Release 2", **{**wanted, **changes}))).encode()  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_mark_is_an_event_of_no_customer(kind: str) -> None:
    """A mark that the stream refused would be a dead letter that nobody reads."""
    decoded = Decoder().decode([Line(sent(kind=kind, until_ms=AT_MS + 1_000), timestamp=NOW_MS)])
    assert decoded.refused == []
    (event,) = decoded.events
    assert isinstance(event, Mark)
    assert (event.customer_id, event.kind, event.title) == (NO_CUSTOMER, kind, "Release 2")


def test_a_mark_goes_to_its_topic_under_the_key_of_nobody() -> None:
    """All marks lie on one partition: what comes twice is known there."""
    route = Router(Settings()).route(sent())
    assert (route.topic, route.key, route.event_type) == (DEFAULT_TOPIC_NAMES["marks"], b"", "mark")


def test_the_same_mark_has_the_same_id_and_a_correction_that_of_what_it_corrects() -> None:
    """A command that is run twice marks nothing twice."""
    first, again, other = sent(), sent(now_ms=NOW_MS + 9), sent(at_ms=AT_MS + 1)
    assert first == again
    assert json.loads(first)["id"] != json.loads(other)["id"]
    correction = json.loads(sent(corrects="m1", now_ms=NOW_MS))
    assert (correction["id"], correction["sequence"]) == ("m1", NOW_MS)


def test_what_is_no_mark_is_refused_before_it_is_sent() -> None:
    """A line that says what to change, and not a dead letter later on."""
    with pytest.raises(UsageError, match=r"release, price, campaign, incident, other.*did you mean release"):
        sent(kind="releases")
    with pytest.raises(UsageError, match="--until lies before"):
        sent(until_ms=AT_MS - 1)
    with pytest.raises(UsageError, match="title"):
        mark_of(" ", kind="other", at_ms=AT_MS, until_ms=None, corrects=None, now_ms=NOW_MS)
    assert json.loads(sent())["time"] == instant_text(AT_MS)
