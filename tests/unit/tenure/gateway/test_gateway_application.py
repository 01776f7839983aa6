"""The gateway as its senders see it: who is let in, what is judged, what is sent, and every answer."""

from __future__ import annotations

import asyncio
import codecs
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from schemas.decoding.adapted import HEADER_ADAPTER, HEADER_REFUSED
from schemas.refusals import HEADER_TRUNCATED, TRUNCATED_BYTES
from streams.errors import LogUnavailable, RecordRefused
from streams.kafka.delivery import OutgoingRecord, RecordTooLarge
from tests.unit.tenure.gateway.served import TIME, TOKEN, Served, hook, signature, signup, stripe


@pytest.mark.parametrize(
    ("body", "content_type", "count"),
    [
        (json.dumps(signup(1)), "application/json", 1),
        (json.dumps([signup(1), signup(2)]), "application/json", 2),
        ("\n".join(json.dumps(signup(n)) for n in (1, 2, 3)), "application/x-ndjson", 3),
    ],
    ids=["one", "array", "lines"],
)
async def test_events_are_sent_to_the_topic_of_their_type_under_their_customer(
    body: str, content_type: str, count: int
) -> None:
    """The key decides the partition: what lies elsewhere has to be forwarded."""
    served = Served(topics="signup=acme.signups")
    answer = await served.send(body, content_type=content_type)
    assert (answer.status_code, answer.json()) == (200, {"accepted": count, "refused": [], "mended": []})
    keys = [(record.topic, record.key) for record in served.log.records]
    assert keys == [("acme.signups", f"c-{n + 1}".encode()) for n in range(count)]
    assert [json.loads(record.value) for record in served.log.records] == [signup(n + 1) for n in range(count)]


async def test_cloudevents_are_sent_as_the_kafka_binding_has_them() -> None:
    """Structured, in a batch, and with the attributes in headers."""
    served = Served()
    data = {name: value for name, value in signup(1).items() if name in ("plan", "mrr_minor")}
    attributes = {"id": "1", "source": "/app", "type": "com.acme.signup", "time": TIME, "subject": "c-1"}
    envelope = {"specversion": "1.0", **attributes, "data": data}
    one = await served.send(json.dumps(envelope), content_type="application/cloudevents+json")
    batch = await served.send(json.dumps([envelope]), content_type="application/cloudevents-batch+json")
    headers = {f"ce-{name}": value for name, value in {"specversion": "1.0", **attributes}.items()}
    binary = await served.send(json.dumps(data), content_type="application/json", **headers)
    assert [answer.json()["accepted"] for answer in (one, batch, binary)] == [1, 1, 1]
    assert {(record.topic, record.key) for record in served.log.records} == {("customer.signup", b"c-1")}
    assert [dict(record.headers).get("ce_type") for record in served.log.records] == [None, None, b"com.acme.signup"]


async def test_wrong_event_keeps_all_from_being_sent_and_is_named() -> None:
    """A producer that is told nothing sends the rest again, or loses it."""
    served = Served()
    events = [signup(1), signup(2, plan=None), signup(3, time="2026-03-01T12:00:00Z"), "x"]
    answer = await served.send(json.dumps(events))
    assert answer.status_code == 422
    assert served.log.records == []
    refused = answer.json()["refused"]
    assert [(each["index"], each["reason"], each.get("member"), each.get("id")) for each in refused] == [
        (1, "missing_member", "plan", "evt-2"),
        (2, "time_out_of_range", "time", "evt-3"),
        (3, "malformed_json", None, None),
    ]
    assert answer.json()["error"].startswith("3 of 4 events would not be applied, so none was sent")
    assert served.samples()['tenure_gateway_refused_total{path="events",reason="missing_member",sender="app"}'] == 1


async def test_answer_does_not_advise_to_send_what_is_right_where_nothing_is() -> None:
    """A producer of one event would try what cannot help."""
    answer = await Served().send(json.dumps(signup(1, plan=None)))
    assert answer.json()["error"] == (
        "1 of 1 events would not be applied, so none was sent; correct them and send all again"
    )


async def test_right_events_are_sent_in_part_where_the_producer_asks_for_it() -> None:
    """A producer that cannot hold back the rest says so."""
    served = Served()
    answer = await served.send(json.dumps([signup(1), signup(2, plan=None)]), "/v1/events?partial=true")
    assert answer.status_code == 207
    assert (answer.json()["accepted"], [each["index"] for each in answer.json()["refused"]]) == (1, [1])
    assert [record.key for record in served.log.records] == [b"c-1"]
    assert (await served.send("{}", "/v1/events?partial=perhaps")).status_code == 400


async def test_members_that_are_mended_are_told_and_the_event_is_sent() -> None:
    """What only describes an event never costs it, and a producer may want to know."""
    served = Served()
    answer = await served.send(json.dumps([signup(1), signup(2, country="pt", test=True), signup(3, country="de")]))
    assert answer.json() == {"accepted": 3, "refused": [], "mended": [{"index": 2, "members": ["country"]}]}


async def test_nothing_is_acknowledged_that_kafka_does_not_have() -> None:
    """An answer that comes too early is an event that is lost."""
    served = Served()
    served.log.opened.clear()
    sending = asyncio.create_task(served.send(json.dumps(signup(1))))
    while not served.room.bytes:
        await asyncio.sleep(0)
    assert not sending.done()
    served.log.opened.set()
    assert (await sending).status_code == 200
    served.log.failure = LogUnavailable("Kafka at k:9092", "it is away")
    answer = await served.send(json.dumps(signup(1)))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Kafka at k:9092 does not answer: it is away; send it again" in answer.json()["error"]
    samples = served.samples()
    assert samples['tenure_gateway_events_total{path="events",sender="app",type="signup"}'] == 1
    assert samples['tenure_gateway_requests_total{path="events",sender="app",status="503"}'] == 1


@pytest.mark.parametrize(
    ("failure", "status"),
    [(RecordTooLarge("customer.signup", "too large"), 413), (RecordRefused("customer.signup", "no right"), 503)],
    ids=["too-large", "no-right"],
)
async def test_what_kafka_refuses_is_told_with_the_topic(failure: Exception, status: int) -> None:
    """The one is the sender's to mend, the other the operator's."""
    served = Served()
    served.log.failure = failure
    answer = await served.send(json.dumps(signup(1)))
    assert answer.status_code == status
    assert "customer.signup" in answer.json()["error"]


@pytest.mark.parametrize("authorization", ["", "Bearer other-token-0123456789", f"Basic {TOKEN}"])
async def test_nobody_without_a_token_is_let_in(authorization: str) -> None:
    """Events are believed: who may send them is all that there is."""
    served = Served()
    answer = await served.send(json.dumps(signup(1)), authorization=authorization)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer TOKEN" in answer.json()["error"]
    assert served.log.records == []


async def test_requests_beyond_the_limits_are_refused_each_with_its_status() -> None:
    """Size, rate, content: a sender has to know which of them it was."""
    served = Served(gateway_max_body_bytes=1024, gateway_requests_per_second=1)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    too_large = await served.send(b" " * 1025)
    unannounced = await served.send(chunks())
    empty = await served.send(b"")
    csv = await served.send(b"{}", content_type="text/csv")
    assert [each.status_code for each in (too_large, unannounced, empty, csv)] == [413, 413, 400, 415]
    assert {each.json()["error"].split(";")[0] for each in (too_large, unannounced)} == {
        "the body is larger than gateway_max_body_bytes, 1,024"
    }
    statuses = [(await served.send(json.dumps(signup(1)))).status_code for _ in range(8)]
    assert statuses == [200] * 7 + [429]
    assert (served.room.requests, served.room.bytes) == (0, 0)


async def test_requests_beyond_the_room_are_told_to_come_again() -> None:
    """Memory is bounded, and what waits for Kafka waits at its sender."""
    served = Served(
        gateway_max_in_flight_requests=2, gateway_max_in_flight_bytes=1_400, gateway_max_body_bytes=1_024
    )  # fmt: skip
    served.log.opened.clear()
    large = asyncio.create_task(served.send(json.dumps(signup(1, note="x" * 700))))
    while not served.room.bytes:
        await asyncio.sleep(0)
    no_bytes = await served.send(json.dumps(signup(2, note="x" * 700)))
    small = asyncio.create_task(served.send(json.dumps(signup(3))))
    while served.room.requests < 2:
        await asyncio.sleep(0)
    no_request = await served.send(json.dumps(signup(4)))
    assert [(each.status_code, each.headers["retry-after"]) for each in (no_bytes, no_request)] == [(503, "1")] * 2
    served.log.opened.set()
    assert [(await each).status_code for each in (large, small)] == [200, 200]


async def test_webhook_that_is_signed_becomes_the_events_that_it_says() -> None:
    """The adapter translates; what is sent is the product's own JSON."""
    served = Served()
    answer = await hook(served, stripe())
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    (record,) = served.log.records
    assert (record.topic, record.key, record.headers) == ("customer.signup", b"cus_1", ())
    assert json.loads(record.value)["id"] == "sub_1:created"
    assert served.samples()['tenure_gateway_events_total{path="webhooks",sender="stripe",type="signup"}'] == 1


async def test_webhook_that_is_not_signed_is_refused() -> None:
    """Anybody can write JSON; the token of a producer does not help either."""
    served = Served()
    unsigned = await served.send(stripe(), "/v1/webhooks/stripe")
    wrong = await served.send(stripe(), "/v1/webhooks/stripe", stripe_signature=signature(stripe(), secret="other"))
    old = await served.send(stripe(), "/v1/webhooks/stripe", stripe_signature=signature(stripe(), at=1_772_350_000))
    assert [each.status_code for each in (unsigned, wrong, old)] == [401] * 3
    assert "the header Stripe-Signature is missing" in unsigned.json()["error"]
    assert served.log.records == []
    assert served.samples()['tenure_gateway_requests_total{path="webhooks",sender="stripe",status="401"}'] == 3


async def test_webhook_that_says_nothing_that_is_counted_is_answered_and_not_sent() -> None:
    """Its sender must not send it again and again."""
    served = Served()
    answer = await hook(served, stripe(type="invoice.created"))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "ignored": "invoice.created"})
    assert served.log.records == []
    assert served.samples()['tenure_gateway_ignored_total{sender="stripe"}'] == 1


def headers_of(record: OutgoingRecord) -> dict[str, bytes]:
    """Return the headers of a record by name."""
    return dict(record.headers)


async def test_webhook_that_the_adapter_does_not_understand_becomes_a_dead_letter() -> None:
    """Its sender cannot mend it; nothing is dropped, and somebody can look at it."""
    served = Served()
    body = stripe(created="yesterday")
    answer = await hook(served, body)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    (letter,) = answer.json()["dead_letters"]
    assert (letter["member"], letter["id"]) == ("created", "evt_1")
    (record,) = served.log.records
    assert (record.topic, record.key, record.value) == ("customer.events", None, body)
    assert headers_of(record)[HEADER_ADAPTER] == b"stripe"
    assert headers_of(record)[HEADER_REFUSED].decode() == f"{letter['reason']} {letter['detail']}"
    assert (
        served.samples()['tenure_gateway_refused_total{path="webhooks",reason="invalid_member",sender="stripe"}'] == 1
    )


async def test_large_webhook_that_is_not_understood_keeps_its_beginning() -> None:
    """Kafka would not take the whole of it, and its sender would send it for days."""
    served = Served(max_record_bytes=100_000)
    body = stripe(created="yesterday", filler="x" * 200_000)
    assert (await hook(served, body)).status_code == 200
    (record,) = served.log.records
    assert record.value == body[:TRUNCATED_BYTES]
    assert headers_of(record)[HEADER_TRUNCATED] == b"true"


@pytest.mark.parametrize("most_bytes", [20_000, 600], ids=["16-kb", "512"])
async def test_webhook_that_is_not_understood_is_sent_ever_smaller_until_kafka_takes_it(most_bytes: int) -> None:
    """Its sender would send it for days, and in the end switch the endpoint off."""
    served = Served()
    served.log.most_bytes = {"customer.events": most_bytes}
    body = stripe(created="yesterday", filler="x" * 200_000)
    answer = await hook(served, body)
    assert (answer.status_code, answer.json()["dead_letters"][0]["reason"]) == (200, "invalid_member")
    (record,) = served.log.records
    assert record.value == body[: 16 * 1024 if most_bytes == 20_000 else 512]
    assert headers_of(record)[HEADER_TRUNCATED] == b"true"


async def test_webhook_whose_event_is_too_large_for_its_topic_becomes_a_dead_letter() -> None:
    """It would never be taken; what else the webhook says is."""
    served = Served()
    served.log.most_bytes = {"customer.signup": 10}
    body = stripe()
    answer = await hook(served, body)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    (letter,) = answer.json()["dead_letters"]
    assert letter["reason"] == "oversized"
    assert letter["detail"] == "stripe: an event of this record is larger than customer.signup takes"
    (record,) = served.log.records
    assert (record.topic, record.value) == ("customer.events", body)
    assert headers_of(record)[HEADER_REFUSED].startswith(b"oversized stripe: an event of this record")
    assert served.samples()['tenure_gateway_refused_total{path="webhooks",reason="oversized",sender="stripe"}'] == 1


async def test_fault_of_ours_is_answered_as_json_logged_and_counted() -> None:
    """A sender comes again, and the operator is told by the metric which every other answer is in, too."""
    served = Served()
    served.log.failure = KeyError("a fault")
    with capture_logs() as lines:
        answers = [await served.send(json.dumps(signup(1))), await hook(served, stripe())]
    assert [(each.status_code, list(each.json())) for each in answers] == [(500, ["error"])] * 2
    assert [line["event"] for line in lines] == ["request_failed"] * 2
    assert served.samples()['tenure_gateway_requests_total{path="events",sender="app",status="500"}'] == 1
    assert (served.room.requests, served.room.bytes) == (0, 0)


async def test_webhooks_that_nobody_signed_leave_room_to_producers() -> None:
    """Anybody may send a body: that of a webhook has to be read before its signature can be checked."""
    served = Served(gateway_max_in_flight_requests=2)
    never = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    reading = asyncio.create_task(served.send(slow(), "/v1/webhooks/stripe"))
    while not served.room.bytes:
        await asyncio.sleep(0)
    refused = await served.send(stripe(), "/v1/webhooks/stripe")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert (await served.send(json.dumps(signup(1)))).status_code == 200
    never.set()
    assert (await reading).status_code == 401


async def test_event_of_a_webhook_that_the_stream_refuses_is_sent_and_told() -> None:
    """The adapter understood it, and the stream's rules do not take it: the dead letter says which."""
    served = Served()
    answer = await hook(served, stripe(created=946_684_700))
    assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
    assert [each["reason"] for each in answer.json()["dead_letters"]] == ["time_out_of_range"]
    assert [record.topic for record in served.log.records] == ["customer.signup"]


async def test_adapter_is_told_its_options(tmp_path: Any) -> None:
    """Plans have the names that the company gave them."""
    options = tmp_path / "adapters.toml"
    options.write_text('[stripe.plans]\np = "gold"\n', encoding="utf-8")
    served = Served(adapter_options=options)
    await hook(served, stripe())
    assert json.loads(served.log.records[0].value)["plan"] == "gold"


async def test_adapter_without_a_secret_is_not_there() -> None:
    """Without a secret nobody could be told from anybody."""
    served = Served(gateway_webhook_secrets=SecretStr(""))
    answer = await hook(served, stripe())
    assert answer.status_code == 404
    assert "those that have: none" in answer.json()["error"]


async def test_health_readiness_and_metrics_are_served_to_whoever_asks() -> None:
    """Probes and Prometheus have no token."""
    served = Served()
    assert (await served.client.get("/healthz")).text == "alive\n"
    assert (await served.client.get("/readyz")).status_code == 200
    served.not_ready = "stopping: it was told to"
    not_ready = await served.client.get("/readyz")
    assert (not_ready.status_code, not_ready.text) == (503, "stopping: it was told to\n")
    metrics = await served.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "tenure_gateway_kafka_up 1.0" in metrics.text


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/events", 405), ("POST", "/v2", 404)])
async def test_what_is_not_there_is_refused_as_json(method: str, path: str, status: int) -> None:
    """A client reads every error the same way."""
    answer = await Served().client.request(method, path)
    assert answer.status_code == status
    assert "/openapi.json lists what there is" in answer.json()["error"]


async def test_paths_are_taken_with_a_slash_at_their_end_too() -> None:
    """A redirect without a body tells nobody what to do, and clients lose token or body on the way."""
    served = Served()
    answer = await served.send(json.dumps(signup(1)), "/v1/events/")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    refused = await served.send(json.dumps(signup(1)), "/v1/events/", authorization="Bearer wrong")
    assert refused.status_code == 401
    assert (await served.client.post("/v1/webhooks/stripe/", content=stripe())).status_code == 401
    elsewhere = await served.client.get("/healthz/")
    assert (elsewhere.status_code, "/openapi.json" in elsewhere.json()["error"]) == (404, True)


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
async def test_byte_order_mark_before_a_body_is_left_out(content_type: str) -> None:
    """Editors and shells of Windows write one, and nobody sees it."""
    served = Served()
    body = codecs.BOM_UTF8 + json.dumps(signup(1)).encode()
    answer = await served.send(body, content_type=content_type)
    assert answer.json() == {"accepted": 1, "refused": [], "mended": []}
    assert served.log.records[0].value.startswith(b"{")
    assert "the body is empty" in (await served.send(codecs.BOM_UTF8)).json()["error"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
async def test_body_that_is_not_utf_8_is_refused_by_its_name(encoding: str) -> None:
    """That it is no JSON would be true, and no help."""
    answer = await Served().send(json.dumps(signup(1)).encode(encoding))
    assert answer.status_code == 400
    assert answer.json()["error"] == (
        f"the body begins with the byte-order mark of {encoding.upper()}; send it as UTF-8"
    )
