"""What bad input gets on a real Kafka: a dead letter with all that the record was; the rest of its batch counts."""

from __future__ import annotations

import datetime as dt
import json
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from schemas.refusals import TRUNCATED_BYTES
from services.installation import Installation, header_list, headers_of, until
from streams.batching.partitioner import partition_of
from tests.logs.refused_records import MALFORMED, valid_members
from tests.recount.equations import part
from tests.recount.instants import instant_ms, moment_of
from tests.recount.report import recount
from tests.recount.short_events import Event, cancel, signup

if TYPE_CHECKING:
    from confluent_kafka import Message, Producer

HOUR_MS = 3_600_000
#: the timestamp of every record here
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NOW_MS = instant_ms(NOW)
#: text that compression makes smaller by a quarter only
DENSE = b64encode(Random(3).randbytes(9_000_000)).decode()
HEADERS = [("trace", b"\x00\xff"), ("trace", b"again"), ("empty", None), ("tenure-forwarded-not", b"ours")]
OWN_HEADERS = ("tenure-reason", "tenure-detail", "tenure-topic", "tenure-partition", "tenure-offset")


@dataclass(frozen=True)
class Bad:
    """A record that must be refused, and why."""

    reason: str
    value: bytes | None
    topic: str = "events"
    key: bytes | None = b"c0"


def without(name: str, kind: str = "signup") -> bytes:
    """Return an event that lacks a member."""
    members = valid_members(kind)
    del members[name]
    return json.dumps(members).encode()


def with_(kind: str, **members: object) -> bytes:
    """Return an event with other members than it should have."""
    return json.dumps(valid_members(kind) | members).encode()


def raw(text: str, kind: str = "signup") -> bytes:
    """Return an event with a piece of JSON put into it as it stands."""
    return json.dumps(valid_members(kind) | {"x": 0}).replace('"x": 0', text).encode()


def at(milliseconds: int) -> str:
    """Return an instant as RFC 3339."""
    return moment_of(milliseconds).isoformat()


BAD = [
    *(Bad("malformed_json", value) for value in MALFORMED),
    Bad("malformed_json", None),
    Bad("malformed_json", None, key=None),
    Bad("malformed_json", b"", key=None),
    Bad("malformed_json", b"\x00" * 100, key=b"\xff\xfe"),
    Bad("malformed_json", json.dumps(valid_members("signup")).encode("utf-16"), "signup"),
    Bad("malformed_json", b"[" * 200_000),
    Bad("malformed_json", b'{"a":' * 100_000, "survey"),
    Bad("malformed_json", raw('"x": ' + "[" * 50_000 + "]" * 50_000)),
    Bad("malformed_json", raw('"mrr_minor": NaN'), "signup"),
    Bad("malformed_json", raw('"mrr_minor": Infinity'), "signup"),
    Bad("malformed_json", b'{"id":"\xff\xfe","type":"signup"}', "cancel"),
    Bad("missing_member", without("id"), "signup"),
    Bad("missing_member", without("type"), "upgrade"),
    Bad("missing_member", without("customer_id"), "signup", None),
    Bad("missing_member", without("mrr_minor")),
    Bad("missing_member", b"{}"),
    Bad("unknown_type", with_("signup", type="login")),
    Bad("unknown_type", with_("signup", type="com.example.billing")),
    Bad("invalid_member", with_("signup", mrr_minor="2900"), "signup"),
    Bad("invalid_member", with_("signup", mrr_minor=29.5), "signup"),
    Bad("invalid_member", with_("signup", mrr_minor=10**30)),
    Bad("invalid_member", raw('"mrr_minor": ' + "9" * 4000)),
    Bad("missing_member", with_("signup", plan=None), "signup"),
    Bad("invalid_member", with_("signup", plan=["pro"])),
    Bad("invalid_member", with_("signup", customer_id=7.5), "signup"),
    Bad("invalid_member", with_("signup", customer_id="x" * 129)),
    Bad("invalid_member", with_("upgrade", amount_minor=1, interval="month"), "upgrade"),
    Bad("invalid_member", with_("survey", score="9"), "survey"),
    Bad("invalid_member", with_("signup", time=1_735_689_600)),
    Bad("invalid_member", with_("cancel", subscription_id=["A"]), "cancel"),
    Bad("time_out_of_range", with_("signup", time="1999-12-31T23:59:59.999Z")),
    Bad("time_out_of_range", with_("signup", time=at(NOW_MS + HOUR_MS + 1)), "signup"),
    Bad("time_out_of_range", with_("cancel", effective_at="2032-01-01T00:00:00Z"), "cancel"),
    Bad("currency_mismatch", with_("upgrade", currency="XTS"), "upgrade"),
    Bad("currency_mismatch", with_("signup", currency="EUR"), "signup"),
    Bad("oversized", with_("signup", note=DENSE[:2_000_000])),
]


def good_events() -> list[Event]:
    """Return events that lie between the bad ones, for every partition."""
    return [signup(f"good-{n}", f"2025-{1 + n % 12:02}-03", mrr_minor=n) for n in range(40)]


def send(producer: Producer, topic: str, key: bytes | None, value: bytes | None, **options: Any) -> None:
    """Send a record under a key to the partition where a customer's records lie."""
    partition = 0 if key is None else partition_of(key, 4)
    producer.produce(topic, value, key, partition=partition, timestamp=NOW_MS, **options)
    producer.poll(0)


def send_good(installation: Installation, producer: Producer, events: list[Event]) -> None:
    """Send good events."""
    for event in events:
        customer = str(event["customer_id"]).encode()
        send(producer, installation.topics["events"], customer, json.dumps(event).encode())


def letters_of(installation: Installation) -> dict[tuple[str, int, int], Message]:
    """Return the dead letters by the place of what they were; nothing was killed, so each was sent once."""
    letters: dict[tuple[str, int, int], Message] = {}
    for letter in installation.records_in(installation.dead_letter_topic):
        headers = headers_of(letter)
        topic, partition, offset = (headers[f"tenure-{name}"] or b"" for name in ("topic", "partition", "offset"))
        place = (topic.decode(), int(partition), int(offset))
        assert place not in letters
        letters[place] = letter
    return letters


def test_every_bad_record_becomes_a_dead_letter_and_everything_else_counts(installation: Installation) -> None:
    """Nothing is dropped silently, and no record stops the stream."""
    installation.create_topics(config={"max.message.bytes": "20000000"})
    producer = installation.producer()
    good = good_events()
    for n, bad in enumerate(BAD):
        send_good(installation, producer, good[n : n + 1])
        headers = [*HEADERS, ("number", str(n).encode())]
        send(producer, installation.topics[bad.topic], bad.key, bad.value, headers=headers)
    send_good(installation, producer, good[len(BAD) :])
    assert producer.flush(30) == 0
    worker = installation.worker()
    installation.until_applied()

    expected = recount(good, at=[NOW])
    refusals = Counter(bad.reason for bad in BAD)
    part(expected[0], "events", "dead_letters").update(refusals)
    assert installation.kpi("--at", NOW.isoformat()) == expected
    assert worker.total("tenure_dead_letters_total") == len(BAD)
    originals = {
        (record.topic(), record.partition(), record.offset()): record
        for topic in installation.topics.values()
        for record in installation.records_in(topic)
    }
    letters = letters_of(installation)
    assert len(letters) == len(BAD)
    for place, letter in letters.items():
        check_letter(letter, originals[place])
    assert worker.process.stop(seconds=15) == 0


def check_letter(letter: Message, original: Message) -> None:
    """Hold a dead letter against the record that it was."""
    given, found = header_list(original), header_list(letter)
    bad = BAD[int(dict(given)["number"] or b"")]
    assert found[: len(given)] == given
    added = found[len(given) :]
    names = [name for name, _ in added]
    assert names[: len(OWN_HEADERS)] == list(OWN_HEADERS)
    own = dict(added)
    assert own["tenure-reason"] == bad.reason.encode()
    assert 0 < len((own["tenure-detail"] or b"").decode()) < 1000
    assert letter.key() == original.key()
    if bad.reason == "oversized":
        assert own["tenure-truncated"] == b"true"
        assert letter.value() == (original.value() or b"")[:TRUNCATED_BYTES]
    else:
        assert "tenure-truncated" not in names
        # A record that is nothing at all, neither key nor value, is sent with an empty value.
        nothing = original.key() is None and original.value() is None
        assert letter.value() == (b"" if nothing else original.value())


@pytest.mark.parametrize("limit", [None, "20000000"], ids=["refused by Kafka", "taken by Kafka"])
def test_records_of_ten_megabytes_do_not_stop_the_stream(limit: str | None, installation: Installation) -> None:
    """A topic may allow what no worker should hold: beginning and header must do, whatever dead letters may be."""
    installation.create_topics(config={"max.message.bytes": "20000000"})
    if limit is not None:
        configure(installation, installation.dead_letter_topic, "max.message.bytes", limit)
    producer = installation.producer()
    good = good_events()
    sent: dict[bytes, bytes] = {}
    for n in range(4):
        send_good(installation, producer, good[10 * n : 10 * n + 10])
        key, value = b"large-%d" % n, b'{"note":"%d%s"}' % (n, DENSE[:10_000_000].encode())
        send(producer, installation.topics["signup"], key, value)
        sent[key] = value
    assert producer.flush(60) == 0
    installation.worker()
    installation.until_applied()
    expected = recount(good, at=[NOW])
    part(expected[0], "events", "dead_letters")["oversized"] = 4
    assert installation.kpi("--at", NOW.isoformat()) == expected
    letters = letters_of(installation).values()
    assert {letter.key(): letter.value() for letter in letters} == {
        key: value[:TRUNCATED_BYTES] for key, value in sent.items()
    }
    assert {"tenure-truncated" in headers_of(letter) for letter in letters} == {True}


def test_records_that_no_dead_letter_can_hold_do_not_stop_the_stream(installation: Installation) -> None:
    """One hostile record would be enough to stand still for good: its headers and key go into the letter."""
    installation.create_topics()
    producer = installation.producer()
    noise = Random(3).randbytes(1_048_000)
    hostile: list[dict[str, Any]] = [
        {"key": b"k", "headers": [("h", noise)]},
        {"key": b"k", "headers": [(f"h{n}", noise[n * 8 : n * 8 + 8]) for n in range(60_000)]},
        {"key": noise},
        {"key": None, "headers": [("tenure-truncated", noise)]},
    ]
    good = good_events()
    send_good(installation, producer, good[:20])
    for number, record in enumerate(hostile):
        producer.produce(installation.topics["signup"], b"not json", partition=number, timestamp=NOW_MS, **record)
    send_good(installation, producer, good[20:])
    assert producer.flush(60) == 0
    worker = installation.worker()
    installation.until_applied()
    expected = recount(good, at=[NOW])
    part(expected[0], "events", "dead_letters")["malformed_json"] = len(hostile)
    assert installation.kpi("--at", NOW.isoformat()) == expected
    letters = letters_of(installation).values()
    assert [letter.value() for letter in letters] == [b"not json"] * len(hostile)
    assert worker.get("/readyz")[0] == 200


def test_dead_letters_that_a_topic_does_not_take_at_all_are_said_until_it_does(installation: Installation) -> None:
    """No record is at fault then: an operator must see which topic is, and nothing may be lost meanwhile."""
    installation.create_topics()
    configure(installation, installation.dead_letter_topic, "max.message.bytes", "100")
    producer = installation.producer()
    worker = installation.worker()
    until(lambda: worker.owned() == {0, 1, 2, 3}, "the assignment")
    send(producer, installation.topics["events"], b"c0", b"bad")
    assert producer.flush(30) == 0
    until(lambda: worker.total("tenure_partition_refused", topic=installation.dead_letter_topic) == 1, "the refusal")
    status, said = worker.get("/readyz")
    assert (status, f"it does not take a record for {installation.dead_letter_topic} " in said) == (503, True)
    assert "record_refused" in worker.process.output
    assert "MessageSizeTooLargeError" in worker.process.output
    assert installation.heads() == {}
    configure(installation, installation.dead_letter_topic, "max.message.bytes", "1048588")
    installation.until_applied()
    assert [letter.value() for letter in letters_of(installation).values()] == [b"bad"]
    until(lambda: worker.get("/readyz")[0] == 200, "a worker that is ready again")


def configure(installation: Installation, topic: str, name: str, value: str) -> None:
    """Change a setting of a topic."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for changed in installation.kafka.admin.incremental_alter_configs([resource]).values():
        changed.result(timeout=30)


def test_a_batch_commits_only_after_its_dead_letters_are_in_kafka(installation: Installation) -> None:
    """Otherwise a crash between the two loses a record without a trace."""
    installation.create_topics()
    producer = installation.producer()
    worker = installation.worker()
    until(lambda: worker.owned() == {0, 1, 2, 3}, "the assignment")
    installation.kafka.delete_topics([installation.dead_letter_topic])
    good = good_events()
    by_partition = {n: [event for event in good if home_of(event) == n] for n in range(4)}
    ill = partition_of(b"c0", 4)
    well = (ill + 1) % 4
    send(producer, installation.topics["events"], b"c0", b"bad")
    send_good(installation, producer, by_partition[ill] + by_partition[well])
    assert producer.flush(30) == 0
    waiting = 1 + len(by_partition[ill])
    until(lambda: worker.total("tenure_lag_records", partition=str(ill)) == waiting, "the batch with the bad record")
    until(lambda: well in installation.heads(), "the other partition's commit")
    assert ill not in installation.heads()
    installation.kafka.create_topics([installation.dead_letter_topic])
    installation.until_applied()
    assert [letter.value() for letter in letters_of(installation).values()] == [b"bad"]
    assert installation.heads()[ill].dead_letters == {"malformed_json": 1}
    assert sum(head.applied for head in installation.heads().values()) == len(by_partition[ill] + by_partition[well])


def home_of(event: Event) -> int:
    """Return the partition of an event's customer."""
    return partition_of(str(event["customer_id"]).encode(), 4)


def test_times_are_judged_by_the_timestamp_of_the_record(installation: Installation) -> None:
    """Not by the worker's clock: a replay of the topic in a year must refuse the same records."""
    installation.create_topics()
    producer = installation.producer()
    inside = [
        signup("edge", at(NOW_MS + HOUR_MS)),
        signup("scheduled", "2025-06-01"),
        cancel("scheduled", at(NOW_MS), effective_at="2030-12-31T00:00:00Z"),
    ]
    send_good(installation, producer, inside)
    beyond = json.dumps(signup("edge", at(NOW_MS + HOUR_MS + 1))).encode()
    send(producer, installation.topics["signup"], b"edge", beyond)
    assert producer.flush(30) == 0
    installation.worker()
    installation.until_applied()
    (letter,) = letters_of(installation).values()
    assert (letter.value(), headers_of(letter)["tenure-reason"]) == (beyond, b"time_out_of_range")
    moments = [NOW, NOW.replace(year=2031)]
    expected = recount(inside, at=moments)
    for report in expected:
        part(report, "events", "dead_letters")["time_out_of_range"] = 1
    assert installation.kpi(*(word for moment in moments for word in ("--at", moment.isoformat()))) == expected
