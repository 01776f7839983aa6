"""`tenure dlq` on a real Kafka: what a worker refused is listed once, mended, sent again once, and counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from schemas.decoding.adapted import headers_of_refused
from schemas.refusals import Reason, Refusal
from services.installation import Installation, header_list
from streams.partition.outbox import DeadLetter
from streams.records import Record


def test_dead_letters_are_listed_each_once_and_the_topic_stays_as_it_is(installation: Installation) -> None:
    """It is the first thing that somebody who is called at night runs."""
    missing = installation.run("dlq", "list")
    assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (1, "", 1)
    assert installation.dead_letter_topic in missing.stderr
    assert installation.run("topics", "--create").returncode == 0
    empty = installation.run("dlq", "list")
    assert (empty.stdout, empty.stderr) == (f"{installation.dead_letter_topic}: 0 dead letters\n", "")
    producer = Producer({"bootstrap.servers": installation.kafka.bootstrap})
    for offset in (1, 2, 2, 3):
        refused = Record("customer.signup", 0, offset, 0, b"c1", b"{", [])
        sent = DeadLetter(refused, Refusal(Reason.MALFORMED_JSON, "not an object"), "").form(0)
        assert sent is not None
        producer.produce(installation.dead_letter_topic, sent.value, sent.key, headers=list(sent.headers))
    producer.produce(installation.dead_letter_topic, b"of somebody else")
    producer.flush(30)
    for _ in range(2):
        found = json.loads(installation.run("dlq", "list", "--json", "--limit", "2").stdout)
        assert (found["dead_letters"], found["repeated"], found["foreign"]) == (3, 1, 1)
        assert found["reasons"] == {"malformed_json": 3}
        assert len(found["latest"]) == 2
    text = installation.run("dlq", "list").stdout
    assert "3  malformed_json" in text
    assert "customer.signup/0/3" in text


def signup(number: int, **members: object) -> bytes:
    """Return a signup of a customer, in March."""
    event = {"id": f"e{number}", "type": "signup", "customer_id": f"c{number}", "time": "2026-03-01T09:30:00Z"}
    return json.dumps({**event, "plan": "pro", "mrr_minor": 4900, **members}).encode()


class Letters:
    """A stream that has refused records."""

    def __init__(self, stream: Installation, records: list[tuple[str, bytes]]) -> None:
        """Send records, each to the topic of a setting, and have a worker refuse what it will."""
        stream.create_topics()
        self.stream = stream
        self.worker = stream.worker()
        producer = stream.producer(partitioner="murmur2_random")
        for topic, value in records:
            producer.produce(stream.topics[topic], value, key=b"k", headers=[("trace", b"\x00\xff")])
        assert producer.flush(30) == 0
        stream.until_applied()

    def replay(self, *arguments: str, status: int = 0, **settings: str) -> dict[str, Any]:
        """Return what `dlq replay --json` prints, once the stream has what it sent."""
        done = self.stream.run("dlq", "replay", *arguments, "--as", "ada", "--json", **settings)
        assert done.returncode == status, done.stderr
        self.stream.until_applied()
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def events(self) -> tuple[int, int, int]:
        """Return how many events were applied, were repetitions, and were refused."""
        (report,) = self.stream.kpi()
        events = report["events"]
        return events["applied"], events["duplicate"], sum(events["dead_letters"].values())


def test_dead_letters_are_mended_sent_again_once_and_counted(installation: Installation) -> None:
    """A producer sent dollars for an hour: its events must count before its next release, and once."""
    letters = Letters(
        installation,
        [
            ("signup", signup(1)),
            ("signup", signup(2, mrr_minor=49.5)),
            ("signup", signup(3, mrr_minor=49.5)),
            ("events", signup(4, mrr_minor="free")),
            ("cancel", b"not JSON"),
        ],
    )
    assert letters.events() == (1, 0, 4)
    dollars = ("--member", "mrr_minor", "--money", "major")
    before = installation.ends()
    dry = letters.replay(*dollars, "--dry-run", status=1)
    assert (dry["dry_run"], dry["outcomes"]) == (True, {"ready": 2, "refused_again": 1})
    ready = [letter for letter in dry["letters"] if letter["outcome"] == "ready"]
    assert [letter["becomes"][0].endswith("mrr_minor 4950") for letter in ready] == [True, True]
    assert installation.ends() == before, "a dry run sends nothing"
    sent = letters.replay(*dollars, status=1)
    assert (sent["outcomes"], sent["events"]) == ({"refused_again": 1, "sent": 2}, {"signup": 2})
    assert letters.events() == (3, 0, 4)
    again = letters.replay(*dollars, status=1)
    assert again["outcomes"] == {"refused_again": 1, "replayed_before": 2}
    assert letters.events() == (3, 0, 4)
    forced = letters.replay(*dollars, "--again", status=1)
    assert forced["outcomes"] == {"refused_again": 1, "sent": 2}
    assert letters.events() == (3, 2, 4), "an event that is sent twice changes no number"
    listed = json.loads(installation.run("dlq", "list", "--json").stdout)
    assert (listed["dead_letters"], listed["replayed"], listed["foreign"]) == (4, 2, 0)
    assert {each["replayed_by"] for each in listed["latest"] if each["replayed_at"]} == {"ada"}
    left = json.loads(installation.run("dlq", "list", "--not-replayed", "--json").stdout)
    assert (left["dead_letters"], left["members"]) == (2, {"mrr_minor": 1})
    assert letters.worker.process.running


def test_what_is_sent_again_has_its_own_key_headers_and_timestamp(installation: Installation) -> None:
    """Whoever follows a trace finds it; and the rules compare with the time that the record had."""
    letters = Letters(installation, [("signup", signup(1, plan="none"))])
    (original,) = installation.records_in(installation.topics["signup"])
    place = f"{installation.topics['signup']}/{original.partition()}/{original.offset()}"
    shown = installation.run("dlq", "show", place)
    assert shown.returncode == 0, shown.stderr
    assert '"plan": "none"' in shown.stdout
    assert "header trace: " in shown.stdout
    missing = installation.run("dlq", "show", "nowhere/0/1")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    letters.replay("--place", place, "--set", "plan=team")
    _, sent = installation.records_in(installation.topics["signup"])
    assert header_list(sent) == [("trace", b"\x00\xff"), ("tenure-replayed", place.encode())]
    assert (sent.key(), sent.timestamp()[1]) == (original.key(), original.timestamp()[1])
    assert sent.partition() == original.partition()
    assert letters.events() == (1, 0, 1)


def test_what_is_edited_by_hand_is_sent_and_what_is_not_stays(installation: Installation, tmp_path: Path) -> None:
    """Faults that no mapping describes are mended one by one; a mistake there costs nothing that was written."""
    letters = Letters(
        installation, [("signup", signup(n, plan="none")) for n in (1, 2)] + [("cancel", b'{"id":"x" "type"')]
    )
    wrong = letters.replay("--all", "--edit", status=1, EDITOR=r"sed -i s/\"none\"/1/", TMPDIR=str(tmp_path))
    assert wrong["outcomes"] == {"refused_again": 2, "unchanged": 1}
    file = Path(wrong["edited"])
    file.write_bytes(file.read_bytes().replace(b'"plan":1', b'"plan":"team"', 1))
    mended = letters.replay("--edited", str(file), status=1)
    assert mended["outcomes"] == {"refused_again": 1, "sent": 1, "unchanged": 1}
    assert letters.events() == (1, 0, 3)
    done = letters.replay("--all", "--edit", EDITOR=r"sed -i s/\"none\"/\"team\"/", TMPDIR=str(tmp_path))
    assert done["outcomes"] == {"sent": 1, "unchanged": 1}
    assert done["edited"] is None
    assert letters.events() == (2, 0, 3)
    assert list(tmp_path.glob("tenure-dead-letters-*")) == [file], "what is sent leaves no file"


def test_record_that_an_adapter_did_not_understand_is_translated_anew(
    installation: Installation, tmp_path: Path
) -> None:
    """The mapping was incomplete when it came; its events belong to the day on which they happened."""
    price = {"id": "price_1", "unit_amount": 4900, "currency": "usd", "recurring": {"interval": "month"}}
    subscription = {"id": "sub_1", "customer": "cus_1", "items": {"data": [{"quantity": 1, "price": price}]}}
    event = {
        "id": "evt_1", "type": "customer.subscription.created", "created": 1_772_323_200, "livemode": True,
        "data": {"object": subscription},
    }  # fmt: skip
    installation.create_topics()
    worker = installation.worker()
    refusal = Refusal(Reason.MISSING_MEMBER, "stripe: data.object.items: is required")
    producer = installation.producer()
    headers: list[tuple[str, str | bytes | None]] = [*headers_of_refused("stripe", refusal)]
    producer.produce(installation.topics["events"], json.dumps(event).encode(), headers=headers)
    assert producer.flush(30) == 0
    installation.until_applied()
    options = tmp_path / "map.toml"
    options.write_text('[stripe.plans]\nprice_1 = "gold"\n', encoding="utf-8")
    arguments = (
        "dlq",
        "replay",
        "--adapter",
        "stripe",
        "--set",
        "data.object.items.data.0.price.recurring.interval_count=1",
    )
    done = installation.run(*arguments, "--map", str(options))
    assert done.returncode == 0, done.stderr
    assert "signup sub_1:created of cus_1 at 2026-03-01T00:00:00Z, plan gold, mrr_minor 4900" in done.stdout
    installation.until_applied()
    (report,) = installation.kpi("--at", "2026-03-02", "--by", "plan")
    assert report["segments"]["plan"]["gold"]["totals"]["mrr"] == 4900
    assert worker.process.stop() == 0
