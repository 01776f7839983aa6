"""Customers who are forgotten while workers crash and tables fall back: totals stay, and a recount finds the same.

Each run is that of a seed: who is forgotten, when, and what happens meanwhile. Expected is what a recount of the log
says without the records that came after their customer's tombstone. Not compared is the number of conflicts: what was
said under an identity and does not count is remembered as a hash, which is forgotten too. Where a record was sent to
its customer's partition before the tombstone was known there, outcomes of events are compared by their sum, without
what was mended.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Any, Final

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
from tests.simulation.plan import PARTITIONS
from tests.simulation.product import Run

if TYPE_CHECKING:
    from streams.embedded.transport import Cluster

KEY: Final = ForgetKey("a key of thirty-two characters..")
JITTER_MS: Final = 5_000


class ForgettingRun(Run):
    """A run in which some customers are forgotten, and everything is counted anew at the end."""

    async def _end(self) -> None:
        await self.forget(self.chance)
        await self._come_to_rest()
        await asyncio.sleep(40)  # whoever was forgotten before tables fell back is looked for
        await self._come_to_rest()
        await self._compare_without("live")
        if self.plan.seed % 3 == 0:
            self.store.lose_everything()
            await asyncio.sleep(20)
            await self._come_to_rest()
            await self._compare_without("counted anew")

    def _forgotten(self, cluster: Cluster) -> Forgotten:
        return Forgotten(EmbeddedTombstones(cluster, self.settings.forgotten_topic), KEY)

    def _timestamp_ms(self, draws: Random) -> int:
        """Return the time, by the clock of some producer."""
        return int(self.simulation.loop.time() * 1000) + draws.randint(-JITTER_MS, JITTER_MS) + 10 * JITTER_MS

    async def forget(self, draws: Random) -> None:
        """Ask for one of the customers that there are."""
        there = [
            (number, customer)
            for number in range(PARTITIONS)
            for customer in sorted(self.store.states(number))
            if not is_pseudonym(customer)
        ]
        if not there:
            return
        number, customer = draws.choice(there)
        now_ms = int(self.simulation.loop.time() * 1000) + 10 * JITTER_MS
        await self.store.ask_to_forget(number, customer, encode_request(ForgetRequest(now_ms, KEY.check)))
        self.simulation.note("forget", number, customer)
        await asyncio.sleep(draws.uniform(0, 6))

    # -- what must be true

    async def _compare_without(self, when: str) -> None:
        left, swallowed = self._left()
        closely = self.plan.seed % 4 == 0
        at, by = self.log.at[: 2 if closely else 1], ("plan", *self.settings.dimensions) if closely else ()
        expected = recount([record.value or b"" for record in left], at, self.log.options, by)
        at_ms = [milliseconds(moment) for moment in at]
        found = await report_of(self.settings, self.store, partitions=PARTITIONS, at_ms=at_ms, by=by)
        stored = [(await self.store.load(number)).head for number in range(PARTITIONS)]
        has_copies = any(decode_head(head).forgotten_copies for head in stored if head)
        for ours, right in zip(plain(found), expected, strict=True):
            if len(self.store.stream_ids) > 1:
                del ours["events"], right["events"]
            else:
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
