"""The replay of dead letters up to what is sent: which are chosen, edited and translated, and their origin."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from schemas.decoding.adapted import HEADER_ADAPTED, headers_of_refused
from schemas.documents.dead_letters import DeadLetterReplay
from schemas.refusals import HEADER_REPLAYED, Reason, Refusal
from streams.kafka.schema_registry import SchemaRegistry, registry_of
from streams.partition.outbox import DeadLetter
from streams.records import Headers, Record
from streams.settings.meaning import decoder_of
from streams.settings.settings import Settings
from tenure.dead_letters import replay, whole
from tenure.dead_letters.judging import Judge
from tenure.dead_letters.mending import Mending
from tenure.dead_letters.replay import ReplayOrder, lines_to_edit, replay_letters
from tenure.dead_letters.translating import Translators
from tenure.operations.dead_letters import Choice, LetterPlace
from tests.unit.streams.kafka.fake_registry import FakeRegistry
from tests.unit.tenure.dead_letters.letters import SENT_MS, SIGNUP, whole_letter
from tests.unit.tenure.dead_letters.test_judging import STRIPE

ORIGIN = (HEADER_ADAPTED, b"stripe/stripe.events/0/7")


def stored(offset: int, value: bytes = SIGNUP, headers: Headers = ()) -> Record:
    """Return the dead letter of a record, as it lies in its topic."""
    refused = Record("customer.signup", 0, offset, SENT_MS, b"c1", value, headers)
    sent = DeadLetter(refused, Refusal(Reason.INVALID_MEMBER, "plan: must be a text"), "dead").form(0)
    assert sent is not None
    return Record("dead", 0, offset, SENT_MS, sent.key, sent.value, sent.headers)


def marked(offset: int) -> Record:
    """Return the mark of a dead letter that was sent again."""
    mark = replay._mark(Settings(), LetterPlace("customer.signup", 0, offset), "ada", 1)
    return Record("dead", 0, 100 + offset, SENT_MS, mark.key, mark.value, mark.headers)


def order(*, registry: SchemaRegistry | None = None, **more: Any) -> ReplayOrder:
    """Return an order that sends nothing."""
    translators = Translators(Settings(), registry=registry)
    made = ReplayOrder(Choice(), "ada", Mending(), translators, lambda _: None, dry_run=True)
    return made._replace(**more)


@pytest.fixture(name="lie")
def _lie(monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> Callable[..., list[int]]:
    """Let records lie in the topic of dead letters; return what holds how often it is read, as its length."""
    del nothing_set

    def lie(*records: Record) -> list[int]:
        passes: list[int] = []

        async def dead_letter_records(*_: object) -> AsyncIterator[Record]:
            passes.append(len(records))
            for record in records:
                yield record

        for module in (replay, whole):
            monkeypatch.setattr(module, "dead_letter_records", dead_letter_records)
        return passes

    return lie


def test_events_of_a_letter_that_is_translated_anew_say_which_record_they_are_from(nothing_set: None) -> None:
    """Whoever asks where a number comes from is led to the other system's topic, as by all others of it."""
    del nothing_set
    refused = headers_of_refused("stripe", Refusal(Reason.MISSING_MEMBER, "stripe: data: is required"))
    settings = Settings()
    judge = Judge(settings, decoder_of(settings), Translators(settings), anyway=False)
    for own, carried in (((*refused, ORIGIN), [ORIGIN]), (refused, [])):
        letter = whole_letter(STRIPE, headers=own, topic="customer.events")
        (sent,) = judge.judge(letter, letter.key, letter.value).records
        assert list(sent.headers) == [*carried, (HEADER_REPLAYED, b"customer.events/3/1")]
    letter = whole_letter(b"{", headers=(*refused, ORIGIN), topic="customer.events")
    again = Judge(settings, decoder_of(settings), Translators(settings), anyway=True)
    (sent,) = again.judge(letter, letter.key, letter.value).records
    assert [header for header in sent.headers if header[0] == HEADER_ADAPTED] == [ORIGIN], "once"


async def test_letters_to_edit_are_read_in_one_pass_without_those_that_were_sent_again(
    lie: Callable[..., list[int]],
) -> None:
    """A mark may come long after its letter, and a topic of millions is read for a minute."""
    passes = lie(stored(1), stored(2), stored(2), marked(1), stored(3), marked(3))
    for again, only_left, offsets in ((False, False, [2]), (True, False, [1, 2, 3]), (True, True, [2])):
        wanted = order(again=again, choice=Choice(only_left=only_left))
        lines = await lines_to_edit(Settings(), wanted)
        assert [json.loads(line)["place"] for line in lines] == [f"customer.signup/0/{offset}" for offset in offsets]
    assert len(passes) == 3


async def dry(settings: Settings, registry: SchemaRegistry | None) -> DeadLetterReplay:
    """Return what a replay of all letters would send."""
    return (await replay_letters(settings, order(registry=registry))).document


async def test_framed_value_is_translated_anew_with_the_registry_of_the_settings(lie: Callable[..., list[int]]) -> None:
    """The record was refused while the registry was unknown; without it the line says what is missing."""
    refused = headers_of_refused("confluent", Refusal(Reason.MALFORMED_JSON, "confluent: the schema 1 is not at hand"))
    fake = FakeRegistry()
    async with fake.running():
        number = fake.register("s", {"schema": '"string"', "schemaType": "JSON"})
        lie(stored(1, b"\0" + number.to_bytes(4, "big") + b" [7]", refused))
        found = await dry(Settings(), None)
        assert found.outcomes == {"refused_again": 1}
        assert "say where the schema registry is" in found.letters[0].detail
        lie(stored(1, b"\0" + number.to_bytes(4, "big") + SIGNUP, refused))
        settings = Settings(schema_registry_url=fake.url, schema_registry_password=SecretStr("x"))
        found = await dry(settings, registry_of(settings, ["confluent"]))
    assert (found.outcomes, found.events) == ({"ready": 1}, {"signup": 1})
    assert fake.asked == [f"/schemas/ids/{number}"]
