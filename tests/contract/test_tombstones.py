"""The topic of tombstones as its readers find it, in the embedded log and in Kafka: the same tests for both."""

from __future__ import annotations

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from kpis.customer.pseudonyms import ForgetKey
from schemas.tombstones import Tombstone, encode_tombstone
from streams.errors import ForgetKeyUnfit, LogUnavailable
from streams.forgetting.embedded import EmbeddedTombstones
from streams.forgetting.forgotten import Forgotten, TombstoneLog
from streams.forgetting.kafka import KafkaTombstones
from tests.contract.logs import EmbeddedLogUnderTest, KafkaUnderTest, LogUnderTest

KEY = ForgetKey("a key of thirty-two characters..")


def reader_of(log: LogUnderTest, topic: str) -> TombstoneLog:
    """Return what reads a topic of tombstones."""
    if isinstance(log, EmbeddedLogUnderTest):
        return EmbeddedTombstones(log.cluster, topic)
    assert isinstance(log, KafkaUnderTest)
    return KafkaTombstones(topic, {"bootstrap_servers": log.bootstrap})


async def bury(log: LogUnderTest, topic: str, customer: str, *, at_ms: int, key: ForgetKey = KEY) -> None:
    """Append a tombstone."""
    value = encode_tombstone(Tombstone(at_ms, [], key.check, "stream", 0))
    await log.append(topic, [value], key=key.hash_of(customer).encode(), partition=0)


async def test_nobody_is_forgotten_where_there_is_no_topic_and_none_is_made(log: LogUnderTest, prefix: str) -> None:
    """An installation that forgets nobody needs no topic; and one that a reader made would not be compacted."""
    topic = f"{prefix}forgotten"
    reader = reader_of(log, topic)
    assert await reader.read(0) == ([], 0)
    if isinstance(log, KafkaUnderTest):
        admin = AIOKafkaAdminClient(bootstrap_servers=log.bootstrap)
        await admin.start()
        assert topic not in await admin.list_topics()
        await admin.close()
    await reader.close()


async def test_tombstones_are_read_once_and_new_ones_later(log: LogUnderTest, prefix: str) -> None:
    """A worker reads the topic at each assignment: most of it is known."""
    topic = f"{prefix}forgotten"
    await log.create_topic(topic, 1)
    forgotten = Forgotten(reader_of(log, topic), KEY)
    await forgotten.refresh()
    assert (forgotten.any, forgotten.end) == (False, 0)
    await bury(log, topic, "a", at_ms=1)
    await bury(log, topic, "b", at_ms=2)
    await log.append(topic, [b"somebody else's"], key=b"x", partition=0)
    await forgotten.refresh()
    assert [forgotten.find(customer) is None for customer in ("a", "b", "c")] == [False, False, True]
    await bury(log, topic, "a", at_ms=3)
    await forgotten.refresh()
    found = forgotten.find("a")
    assert found is not None
    assert found.at_ms == 3
    assert (forgotten.end, list(forgotten.since(1)), list(forgotten.since(4))) == (
        4,
        [KEY.hash_of("b"), KEY.hash_of("a")],
        [],
    )
    await forgotten.close()


async def test_a_topic_that_was_cut_or_made_anew_is_read_from_its_beginning(log: LogUnderTest, prefix: str) -> None:
    """Compaction takes the beginning away; a topic that was restored has other offsets."""
    topic = f"{prefix}forgotten"
    await log.create_topic(topic, 2)
    for number in range(4):
        await bury(log, topic, f"c{number}", at_ms=number)
    await log.delete_before(topic, 0, 2)
    forgotten = Forgotten(reader_of(log, topic), KEY)
    await forgotten.refresh()
    assert [forgotten.find(f"c{number}") is not None for number in range(4)] == [False, False, True, True]
    await log.recreate_topic(topic)
    await bury(log, topic, "new", at_ms=1)
    while forgotten.find("new") is None:
        try:
            await forgotten.refresh()
        except LogUnavailable:  # a broker may not know yet
            continue
    assert list(forgotten.since(4)) == list(forgotten.since(0)) == [KEY.hash_of("new")]
    await forgotten.close()


@pytest.mark.parametrize("key", [None, ForgetKey("another key of thirty-two characters")], ids=["none", "another"])
async def test_tombstones_of_another_key_are_an_error(key: ForgetKey | None, log: LogUnderTest, prefix: str) -> None:
    """Whose events are to be left out could not be known, and they would count again."""
    topic = f"{prefix}forgotten"
    await log.create_topic(topic, 1)
    await bury(log, topic, "a", at_ms=1)
    forgotten = Forgotten(reader_of(log, topic), key)
    with pytest.raises(ForgetKeyUnfit, match="TENURE_FORGET_KEY"):
        await forgotten.refresh()
    await forgotten.close()
