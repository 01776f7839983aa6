"""Customers who are forgotten while workers crash and tables fall back: totals stay, and a recount finds the same.

Each run is that of a seed: who is forgotten, when, and what happens meanwhile. Expected is what a recount of the log
says without the records that came after their customer's tombstone. Not compared is the number of conflicts: what was
said under an identity and does not count is remembered as a hash, which is forgotten too. Where a record was sent to
its customer's partition before the tombstone was known there, outcomes of events are compared by their sum, without
what was mended.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from kpis.customer.pseudonyms import ForgetKey, is_pseudonym
from schemas.documents.document import plain
from schemas.instants import milliseconds
from schemas.tombstones import ForgetRequest, Tombstone, decode_tombstone, encode_request
from streams.forgetting.embedded import EmbeddedTombstones
from streams.forgetting.forgotten import Forgotten
from streams.records import TP, Record
from streams.tables import decode_head
from tenure.stored.reading import report_of
from tests.property.cases import differences
from tests.recount.decoding import decode
from tests.recount.records import record_of
from tests.recount.refusals import RefusedError
from tests.recount.report import recount
from tests.simulation.product import PARTITIONS, Run

if TYPE_CHECKING:
    from streams.embedded.transport import Cluster

KEY: Final = ForgetKey("a key of thirty-two characters..")
JITTER_MS: Final = 5_000
INCIDENTS: Final = ("forget", "forget", "restore", "crash", "freeze", "outage", "lose_commits", "restart")


class ForgettingRun(Run):
    """A run in which some customers are forgotten, and everything is counted anew at the end."""

    async def _scenario(self) -> None:
        #: who was asked to be forgotten
        self.asked: set[str] = set()
        feeding = self.simulation.loop.create_task(self._feed())
        for _ in range(self.plan.randint(1, 2)):
            await self._join()
        for _ in range(self.plan.randint(2, 6)):
            await self._pause(0.2, 6)
            incident = self.plan.choice(INCIDENTS)
            self.simulation.note("incident", incident)
            await getattr(self, f"_{incident}")()
        await feeding
        await self._forget()
        await self._come_to_rest()
        await asyncio.sleep(40)  # whoever was forgotten before tables fell back is looked for
        await self._come_to_rest()
        await self._compare("live")
        self.store.lose_everything()
        await asyncio.sleep(20)
        await self._come_to_rest()
        await self._compare("counted anew")
        for worker in self._running():
            await worker.stop()

    def _forgotten(self, cluster: Cluster) -> Forgotten:
        return Forgotten(EmbeddedTombstones(cluster, self.settings.forgotten_topic), KEY)

    def _timestamp_ms(self, draws: Random) -> int:
        """Return the time, by the clock of some producer."""
        return int(self.simulation.loop.time() * 1000) + draws.randint(-JITTER_MS, JITTER_MS) + 10 * JITTER_MS

    async def _forget(self) -> None:
        """Ask for one of the customers that there are."""
        there = [
            (number, customer)
            for number in range(PARTITIONS)
            for customer in sorted(self.store.states(number))
            if not is_pseudonym(customer)
        ]
        if not there:
            return
        number, customer = self.plan.choice(there)
        self.asked.add(customer)
        now_ms = int(self.simulation.loop.time() * 1000) + 10 * JITTER_MS
        await self.store.ask_to_forget(number, customer, encode_request(ForgetRequest(now_ms, KEY.check)))
        self.simulation.note("forget", number, customer)
        await self._pause(0, 6)

    async def _restore(self) -> None:
        """Have tables come back as they were before somebody was forgotten, and without the request."""
        self.store.remember()
        await self._forget()
        await self._pause(3, 9)
        self.store.fall_back()

    # -- what must be true

    async def _compare(self, when: str) -> None:
        left, swallowed = self._left()
        at, by = self.log.at[:2], ("plan", *self.settings.dimensions)
        expected = recount([record.value or b"" for record in left], at, self.log.options, by)
        at_ms = [milliseconds(moment) for moment in at]
        found = await report_of(self.settings, self.store, partitions=PARTITIONS, at_ms=at_ms, by=by)
        stored = [(await self.store.load(number)).head for number in range(PARTITIONS)]
        has_copies = any(decode_head(head).forgotten_copies for head in stored if head)
        for ours, right in zip(plain(found), expected, strict=True):
            ours["events"] = _outcomes(ours["events"], 0, whole=has_copies)
            right["events"] = _outcomes(right["events"], swallowed, whole=has_copies)
            self.problems += differences(ours, right, f"{when}/{right['as_of']}")
        for number in range(PARTITIONS):
            forgotten = {KEY.hash_of(customer) for customer in self.store.states(number)} & self._tombstones().keys()
            self.problems += [f"{when}: partition {number} knows a forgotten customer" for _ in forgotten]
            self.problems += [f"{when}: a request is left" for _ in await self.store.forget_requests(number)]

    def _tombstones(self) -> dict[str, Tombstone]:
        topics, topic = self.simulation.cluster.log.topics, self.settings.forgotten_topic
        if topic not in topics:
            return {}
        part = self.simulation.cluster.log.partition(TP(topic, 0))
        return {
            (record.key or b"").decode(): decode_tombstone(record.value or b"") for record in part.read(0, part.end)[0]
        }

    def _left(self) -> tuple[list[Record], int]:
        """Return the records that count, and how many of the others are events."""
        tombstones, left, swallowed = self._tombstones(), list[Record](), 0
        for record in self.produced:
            try:
                event = decode(record_of(record.value or b""), self.log.options)
            except RefusedError:
                left.append(record)
                continue
            tombstone = tombstones.get(KEY.hash_of(event.customer_id))
            if event.test or tombstone is None or record.timestamp <= tombstone.at_ms:
                left.append(record)
            else:
                swallowed += 1
        return left, swallowed


def _outcomes(events: Any, swallowed: int, *, whole: bool) -> dict[str, Any]:
    """Return what became of events, without conflicts; `swallowed` are those that were left out before."""
    found = {name: count for name, count in events.items() if name != "conflict"}
    found["forgotten"] += swallowed
    if whole:
        found["together"] = sum(found.pop(name) for name in ("applied", "duplicate", "forgotten"))
        del found["mended"]
    return found


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_forgotten_customers_leave_totals_as_they_were_also_when_all_is_counted_anew(first: int) -> None:
    """Whoever is forgotten must not come back with a crash, a backup or a recount, and take no number along."""
    runs = {seed: ForgettingRun(seed) for seed in range(first, first + 10)}
    wrong = {seed: run.problems[:5] for seed, run in runs.items() if run.problems}
    assert wrong == {}
    tombstones = Counter(bool(run._tombstones()) for run in runs.values())
    assert tombstones[True] > tombstones[False], "hardly anybody was forgotten"
