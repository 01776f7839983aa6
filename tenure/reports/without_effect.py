"""Facts without effect of a file: how many there are of each kind, and the first examples, for the end of a replay.

The number itself is a count like all others; here stands where in the file it comes from.
"""

from __future__ import annotations

from functools import partial
from heapq import nsmallest
from typing import Final, NamedTuple

from kpis.customer.state import decode
from kpis.members.fact_texts import FactText, fact_text
from kpis.members.rules import MEMBERSHIPS
from kpis.members.view import View, Window
from schemas.catalogue.counts import FACTS_WITHOUT_EFFECT
from streams.embedded.log import Log
from streams.records import TP
from streams.settings.settings import Settings
from tenure.files.findings import EXAMPLES_KEPT, Example, Findings
from tenure.files.replay import Replayed
from tenure.stored.customers import scan_all

SECTION: Final = "without effect"
_FOREVER_MS: Final = 1 << 53


class _WithoutEffect(NamedTuple):
    at_ms: int
    customer_id: str
    partition: int
    text: FactText
    why: str


async def note_without_effect(found: Replayed, settings: Settings, findings: Findings) -> None:
    """Add the facts without effect of a replayed file to its findings, the earliest ones as examples."""
    window = Window(0, _FOREVER_MS, settings.bucket_minutes * 60_000)
    counts: dict[str, int] = {}
    first: dict[str, list[_WithoutEffect]] = {}
    async for part in scan_all(settings, found.tables, range(found.partitions)):
        for customer_id, state in part.states:
            view = View(decode(state), window, settings.what_counts)
            for share in MEMBERSHIPS[FACTS_WITHOUT_EFFECT.name](view):
                text = fact_text(share.facts[0], part.names)
                fact = _WithoutEffect(text.at_ms, customer_id, part.partition, text, share.why)
                counts[share.kind] = counts.get(share.kind, 0) + 1
                first[share.kind] = nsmallest(EXAMPLES_KEPT, [*first.get(share.kind, ()), fact])
    for kind, count in counts.items():
        for number, fact in enumerate(first[kind]):
            example = partial(_example, fact, found)
            findings.add(SECTION, kind, example, count=count - len(first[kind]) + 1 if not number else 1)


def _example(fact: _WithoutEffect, found: Replayed) -> Example:
    place = f"{found.place} {_number(found.log, fact):,}"
    return Example(f"{place}: customer {fact.customer_id}: {fact.why} ({fact.text.text})")


def _number(log: Log, fact: _WithoutEffect) -> int:
    """Return the record's number in the file, which a replay gives it for a timestamp."""
    records, _ = log.read(TP(fact.text.topic, fact.partition), fact.text.offset, 1)
    return records[0].timestamp
