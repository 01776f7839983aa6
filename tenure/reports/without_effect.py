"""Facts without effect of a file: how many there are of each kind, and the first examples, for the end of a command.

The number itself is a count like all others; here stands where in the file it comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from heapq import nsmallest
from typing import TYPE_CHECKING, Final, NamedTuple

from kpis.customer.state import decode
from kpis.members.fact_texts import FactText, fact_text
from kpis.members.rules import MEMBERSHIPS
from kpis.members.view import View, all_time
from kpis.names import Names
from schemas.catalogue.counts import FACTS_WITHOUT_EFFECT
from streams.records import TP
from streams.settings.settings import Settings
from tenure.files.findings import EXAMPLES_KEPT, Example, Findings
from tenure.stored.customers import scan_all

if TYPE_CHECKING:
    from streams.embedded.log import Log
    from tenure.files.replay import Replayed

SECTION: Final = "without effect"


class EffectlessFact(NamedTuple):
    """A fact without effect: when it is, whose, in which partition, and why it has none."""

    at_ms: int
    customer_id: str
    partition: int
    text: FactText
    why: str


class EffectlessFacts:
    """Counts facts without effect, customer by customer.

    Attributes:
        counts: How many there are, by kind.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._first: dict[str, list[EffectlessFact]] = {}

    def take(self, customer_id: str, view: View, names: Names, partition: int = 0) -> None:
        """Take a customer, seen through all time; `names` are the tables of the partition."""
        for share in MEMBERSHIPS[FACTS_WITHOUT_EFFECT.name](view):
            self.counts[share.kind] = self.counts.get(share.kind, 0) + 1
            text = fact_text(share.facts[0], names)
            fact = EffectlessFact(text.at_ms, customer_id, partition, text, share.why)
            self._first[share.kind] = nsmallest(EXAMPLES_KEPT, [*self._first.get(share.kind, ()), fact])

    def note_in(self, findings: Findings, place_of: Callable[[EffectlessFact], str]) -> None:
        """Add them to findings, the earliest ones as examples."""
        for kind, count in self.counts.items():
            first = self._first[kind]
            for number, fact in enumerate(first):
                example = partial(_example, fact, place_of)
                findings.add(SECTION, kind, example, count=count - len(first) + 1 if not number else 1)


async def note_without_effect(found: Replayed, settings: Settings, findings: Findings) -> None:
    """Add the facts without effect of a replayed file to its findings, the earliest ones as examples."""
    window, facts = all_time(settings.bucket_minutes * 60_000), EffectlessFacts()
    async for part in scan_all(settings, found.tables, range(found.partitions)):
        for customer_id, state in part.states:
            facts.take(customer_id, View(decode(state), window, settings.what_counts), part.names, part.partition)
    facts.note_in(findings, lambda fact: f"{found.place} {_number(found.log, fact):,}")


def _example(fact: EffectlessFact, place_of: Callable[[EffectlessFact], str]) -> Example:
    return Example(f"{place_of(fact)}: customer {fact.customer_id}: {fact.why} ({fact.text.text})")


def _number(log: Log, fact: EffectlessFact) -> int:
    """Return the record's number in the file, which a replay gives it for a timestamp."""
    records, _ = log.read(TP(fact.text.topic, fact.partition), fact.text.offset, 1)
    return records[0].timestamp
