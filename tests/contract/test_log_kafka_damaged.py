"""Records of Kafka that cannot be read halt their partition, and only that one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiokafka.errors import CorruptRecordException

from streams.errors import RecordsUnreadable
from streams.kafka.wire import Unread
from streams.records import TP
from tests.contract.logs import KafkaUnderTest, Ledger, Worker

if TYPE_CHECKING:
    import pytest


async def test_damaged_records_halt_their_partition_and_no_other(
    kafka_bootstrap: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that ended would hand them to the next one, which would end too."""
    log, ledger, topic = KafkaUnderTest(kafka_bootstrap), Ledger(), f"{prefix}events"
    await log.create_topic(topic, 2)
    for partition in (0, 1):
        await log.append(topic, [b"x"] * 5, partition=partition)

    read = Unread.read

    def damaged(unread: Unread, room_bytes: int) -> Any:
        if unread._source._tp.partition == 0:
            raise CorruptRecordException("planted")
        return read(unread, room_bytes)

    monkeypatch.setattr(Unread, "read", damaged)
    async with Worker(log, prefix, [topic], ledger) as worker:
        await ledger.until(lambda: bool(worker.halts) and ledger.total() == 5)
        await log.append(topic, [b"y"], partition=1)
        await ledger.until(lambda: ledger.total() == 6)
        assert worker.app.batch_consumer.reading_position(TP(topic, 0)) == 0
    assert ledger.values(topic, 1) == [*[b"x"] * 5, b"y"]
    (halt,) = worker.halts
    assert isinstance(halt, RecordsUnreadable)
    assert "planted" in halt.advice
    assert f"{topic} from offset 0 on" in halt.advice
    await log.close()
