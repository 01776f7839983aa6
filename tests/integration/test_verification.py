"""Counters and states that somebody damages in Redis behind a running worker: found by its recount, paged, mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kpis.counting.cells import Cells
from kpis.counting.spans import keys_of, packed, unpacked
from kpis.customer.state import decode, encode
from services.installation import PREFIX, Installation, WorkerProcess, until
from services.paging import Paging

if TYPE_CHECKING:
    from services.redis import Redis

EVENTS = [
    {"id": f"s{n}", "type": "signup", "customer_id": f"c{n}", "time": "2026-03-01T10:00:00Z", "plan": "pro",
     "mrr_minor": 4900, "country": "PT", "channel": "ads"}
    for n in range(60)
] + [
    {"id": f"x{n}", "type": "cancel", "customer_id": f"c{n}", "time": "2026-03-09T10:00:00Z"} for n in range(9)
]  # fmt: skip
SPANS = f"{PREFIX}:*:c:*"
STATES = f"{PREFIX}:*:s:*"


@pytest.fixture
def worker(installation: Installation) -> Iterator[WorkerProcess]:
    """A worker that recounts as often as it can, and all it has is written to its place."""
    installation.create_topics()
    worker = installation.worker(TENURE_VERIFY_CPU_SHARE="1")
    installation.publish(installation.file_of([json.dumps(event).encode() for event in EVENTS]))
    installation.until_applied()
    with installation.redis.client() as client:
        until(lambda: len(client.keys(STATES)) == 60, "states in their places")
    until(lambda: worker.total("tenure_verified_cells_total") > 0, "a recount")
    assert worker.total("tenure_verification_differences") == 0
    yield worker
    worker.process.stop()


def differences(worker: WorkerProcess, kind: str) -> float:
    """Return how much differs, by the worker's last recount of each partition."""
    return worker.total("tenure_verification_differences", kind=kind)


def add_one_to_a_counter(server: Redis) -> None:
    """Add one to a stored counter, as somebody with a script might."""
    with server.client() as client:
        key = min(client.keys(SPANS))
        field, blob = min(client.hgetall(key).items())
        cells: Cells = unpacked([0], [blob])
        amounts = keys_of(cells.keys[:1] >> 8) * 0
        amounts[cells.keys & 0xFF] = cells.amounts
        amounts[int(cells.keys[0]) & 0xFF] += 1
        client.hset(key, field, packed(amounts)[0])


def test_a_counter_that_was_changed_in_redis_pages_until_the_tables_are_built_anew(
    installation: Installation, worker: WorkerProcess, tmp_path: Path
) -> None:
    """A number that is off by one for ever is what nobody would ever find by looking."""
    with Paging(tmp_path / "paging", worker.port) as paging:
        add_one_to_a_counter(installation.redis)
        page = paging.next_page("TenureCountersDiffer", seconds=60)
        assert page.body["alerts"][0]["annotations"]["summary"].startswith("1 cells in Redis are not what")
        assert (differences(worker, "cells"), differences(worker, "customers")) == (1, 0)
        (line,) = [line for line in worker.process.output.splitlines() if "verification_differs" in line]
        assert json.loads(line)["examples"][0].endswith(": +1")
        done = installation.run("rebuild", "--yes", "--accept-differences")
        assert done.returncode == 0, done.stderr
        paging.next_page("TenureCountersDiffer", "resolved", seconds=60)
    until(lambda: worker.total("tenure_verified_cells_total") > 0, "a recount of the new tables")
    assert worker.total("tenure_verification_differences") == 0


def test_a_customer_who_was_deleted_in_redis_is_missed(installation: Installation, worker: WorkerProcess) -> None:
    """Counters do not know whose they are: only the sum says that somebody is missing."""
    with installation.redis.client() as client:
        client.delete(min(client.keys(STATES)))
    until(lambda: differences(worker, "cells") > 0, "the difference", seconds=60)
    assert differences(worker, "customers") == 0


def test_a_state_that_was_changed_in_redis_is_named(installation: Installation, worker: WorkerProcess) -> None:
    """Its facts are whole and say what it must be; the next event would have been counted by what stands beside."""
    with installation.redis.client() as client:
        key = min(client.keys(STATES))
        customer = decode(client.get(key))
        customer.active = not customer.active
        client.set(key, encode(customer))
    until(lambda: differences(worker, "customers") == 1, "the difference", seconds=60)
    assert differences(worker, "cells") == 0
    (line,) = [line for line in worker.process.output.splitlines() if "verification_differs" in line][:1]
    assert json.loads(line)["customer_ids"] == [key.decode().rpartition(":s:")[2]]


def test_a_counter_that_cannot_be_read_is_found(installation: Installation, worker: WorkerProcess) -> None:
    """Whoever loads the partition next would halt: better said before."""
    with installation.redis.client() as client:
        key = min(client.keys(SPANS))
        client.hset(key, min(client.hkeys(key)), b"\x05damaged")
    until(lambda: differences(worker, "cells") > 0, "the difference", seconds=60)
