"""What validation says the stream would do with events: the same as the stream, told by type and with examples."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.decoding.adapted import headers_of_refused
from schemas.instants import milliseconds
from schemas.refusals import Reason, Refusal
from streams.records import Record
from streams.settings.settings import Settings
from tenure.files.findings import REFUSED
from tenure.files.reader import EventFile
from tenure.files.tables import FileRecord
from tenure.validation.files import validate_file
from tenure.validation.topics import TopicSource
from tenure.validation.validation import SourceTold, Validation
from tests.tidy.repository import ROOT
from tests.unit.tenure.validation.events import AS_OF, event, instant, validated


def test_events_add_up_by_what_becomes_of_them(tmp_path: Path) -> None:
    """Numbers that do not add up are not believed."""
    report = validated(
        tmp_path,
        [event(1), event(1), event(1, mrr_minor=1), event(2, test=True), event(3, plan="none"), {"type": "bought"}],
    )
    counts = (report.records, report.applied, report.repeated, report.conflicts, report.tests, report.refused)
    assert counts == (6, 1, 2, 1, 1, 2)
    signup = report.types["signup"]
    assert (signup.records, signup.applied, signup.repeated, signup.tests, signup.refused) == (5, 1, 2, 1, 1)
    assert report.types["?"].refused == 1
    assert {name: found.count for name, found in report.refusals.items()} == {
        "invalid_member, plan": 1,
        "missing_member, id": 1,
    }
    assert (report.first, report.last, report.customers) == (instant(minutes=1), instant(minutes=1), 1)


def test_time_is_judged_as_of_when_the_file_is_sent(tmp_path: Path) -> None:
    """A file that replay counts may be refused by the stream, which knows what time it is."""
    events = [event(1, time="2026-07-01T01:00:00Z"), event(2, time="2026-07-01T01:00:01Z")]
    report = validated(tmp_path, events, as_of=AS_OF)
    assert report.refusals[f"{Reason.TIME_OUT_OF_RANGE}, time"].examples[0].startswith("line 2: ")
    assert report.refused == 1
    assert validated(tmp_path, events, as_of=datetime(2026, 7, 2, tzinfo=UTC)).refused == 0


def test_customer_with_too_many_facts_is_refused_with_the_place(tmp_path: Path) -> None:
    """Only the states of customers tell: no look at a single record does."""
    upgrades = [event(1, "upgrade", id=f"u-{n}", time=instant(hours=n)) for n in range(17)]
    report = validated(tmp_path, [event(1), *upgrades], Settings(max_facts_per_customer=16))
    found = report.refusals[Reason.TOO_MANY_FACTS]
    assert (report.applied, report.refused, found.count) == (16, 2, 2)
    assert found.examples[0] == "line 17: customer c-1 has 16 facts, as many as are kept"
    assert report.types["upgrade"].refused == 2


def test_fact_without_effect_is_told_with_its_place(tmp_path: Path) -> None:
    """A cancel that names another subscription is formally right, and does nothing."""
    report = validated(tmp_path, [event(1), event(1, "cancel", subscription_id="s", time=instant(hours=3))])
    (example,) = report.without_effect["cancel"].examples
    assert example.startswith("line 2: customer c-1: a cancel of subscription s, which never began")
    assert report.applied == 2


def test_ignored_members_and_absent_types_are_named(tmp_path: Path) -> None:
    """A member that nobody reads is the quietest of all mistakes."""
    report = validated(tmp_path, [event(1, county="PT")])
    assert report.ignored
    assert report.ignored.members["county"].meant == "country"
    assert "activity" in report.absent
    assert "signup" not in report.absent


def test_customers_without_room_are_judged_one_by_one_and_the_report_says_so(tmp_path: Path) -> None:
    """A file may have more customers than the machine has memory; its refusals are told all the same."""
    path = tmp_path / "events.ndjson"
    events = [event(1), event(2), event(2), event(3, plan="none"), event(1)]
    path.write_text("".join(json.dumps(each) + "\n" for each in events), encoding="utf-8")
    file = EventFile(str(path))
    validation = Validation(Settings(), file, states_bytes=1)
    for record in file.records():
        validation.take(record, milliseconds(AS_OF))
    report = validation.report(SourceTold(file.path))
    assert (report.applied, report.repeated, report.refused, report.customers) == (3, 1, 1, 1)
    (said,) = report.gave_up
    assert said.startswith("states: there was room for one customer alone; 2 events of others were judged one by one")


def test_record_of_a_log_is_what_its_headers_say(tmp_path: Path) -> None:
    """A CloudEvent without its content type is refused by the stream; a file's is recognised."""
    envelope = {
        "specversion": "1.0",
        "id": "a",
        "source": "/billing",
        "type": "com.example.signup",
        "subject": "c-1",
        "time": instant(),
        "data": {"plan": "pro", "mrr_minor": 4900},
    }
    value = json.dumps(envelope).encode()
    source = TopicSource({"customer.events": 3}, "USD", None)
    for headers, refused in (((), 1), ((("content-type", b"application/cloudevents+json"),), 0)):
        validation = Validation(Settings(), source)
        validation.take_logged(FileRecord(7, value, "", headers), milliseconds(AS_OF))
        report = validation.report(SourceTold("customer.events"))
        assert report.refused == refused, headers
    report = validated(tmp_path, [envelope])
    assert report.refused == 0


@pytest.mark.parametrize(
    ("adapter", "finding"),
    [("stripe", "invalid_member, stripe, data[].price"), ("\x1b[2Jgone", "invalid_member")],
    ids=["known", "unknown"],
)
def test_record_of_a_topic_that_an_adapter_has_refused_is_found_under_the_adapters_name(
    adapter: str, finding: str
) -> None:
    """Such records lie on the mixed topic, and their header alone says whose they are; anybody may write it."""
    refusal = Refusal(Reason.INVALID_MEMBER, "stripe: data[3].price: must be an object, got 7")
    validation = Validation(Settings(), TopicSource({"customer.events": 3}, "USD", None))
    validation.take_logged(FileRecord(7, b"{}", "", headers_of_refused(adapter, refusal)), milliseconds(AS_OF))
    assert validation.report(SourceTold("customer.events")).refused == 1
    assert list(validation.findings.sections[REFUSED]) == [finding]


def test_first_record_of_a_topic_is_told_where_it_is_the_one_that_counts() -> None:
    """Its number is 0, which is a number like any other."""
    source = TopicSource({"customer.events": 3}, "USD", None)
    validation = Validation(Settings(), source)
    for number, members in ((0, {}), (3, {"mrr_minor": 5900})):
        value = json.dumps({**event(1), **members}).encode()
        validation.take_logged(FileRecord(number, value), milliseconds(AS_OF))
    (found,) = validation.report(SourceTold("customer.events")).questions
    assert found.examples[0].endswith("in mrr_minor; the first counts")


def test_places_of_topics_are_told_apart_and_read_back() -> None:
    """Topic, partition and offset are what one asks Kafka for."""
    source = TopicSource({"a": 4, "b": 2}, "USD", None)
    record = Record("b", 1, 123_456, 0, None, None, [])
    assert source.place_of(source.number_of(record)) == "b/1/123456"


def test_example_of_the_documents_raises_no_question() -> None:
    """Who tries the command on what is right must be told so."""
    report = validate_file(
        EventFile(str(ROOT / "docs" / "examples" / "golden.ndjson")), Settings(), as_of_ms=milliseconds(AS_OF)
    )
    assert (report.applied, report.refused, report.questions) == (report.records, 0, [])
