"""An export of another system beside the stream: what `tenure reconcile` prints.

The export is translated and replayed into tables of its own, under the stream's settings, and both are looked at as of
one instant. What differs and why: `kpis.population.reconciliation`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from kpis.customer.holdings import Holding, holdings_of
from kpis.customer.pseudonyms import is_pseudonym, pseudonym_of
from kpis.customer.state import decode
from kpis.instants import instant_text
from kpis.population.reconciliation import Holdings, Pair, Until, pairs_of
from schemas.decoding.adapted import is_announced
from schemas.documents.reconciliation import (
    HeldSubscription,
    ReconciledTotal,
    Reconciliation,
    SubscriptionDifference,
)
from schemas.refusals import HEADER_REASON, HEADER_TIMESTAMP, HEADER_TRUNCATED, Reason
from streams.embedded.log import Log
from streams.errors import InputError
from streams.forgetting.forgotten import forget_key_of
from streams.holding import unheld
from streams.records import TP
from streams.routing import id_text
from streams.settings.settings import Settings
from streams.tables import Tables, decode_head
from tenure.files.findings import Findings
from tenure.files.notation import Notation
from tenure.files.replay import replayed
from tenure.reports.customers import Scope, Source, lacking, open_source
from tenure.reports.reconciliation_text import difference_text
from tenure.stored.customers import scan_all
from tenure.stored.reading import stored_heads

_EVERYTHING: Final = 1 << 62
_NOBODY: Final[Holdings] = {}
Refused = dict[str, dict[str, Reason]]


class Reconciled(NamedTuple):
    """The comparison, and what was found about the export's records."""

    document: Reconciliation
    findings: Findings
    #: events of the export that are marked as tests, and records that do not count (counts)
    tests: int
    refused: int


async def reconcile(settings: Settings, export: str, notation: Notation, scope: Scope) -> Reconciled:
    """Compare an export with the running stream, or with a file of events.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        export: The file of the other system's records; "-" is standard input.
        notation: Says their adapter.
        scope: The stream or the file of events, and as of when.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scan_all`; the export cannot be read.
    """
    found = await replayed(export, settings, notation, with_findings=True)
    assert found.translation is not UNSET, "the notation has an adapter"
    async with open_source(settings, scope) as source:
        books = Source(settings, found.tables, found.partitions, source.at_ms)
        exported = {customer: holdings async for customer, holdings in _holdings(books)}
        until = Until(found.last_ms, await _latest_ms(source.tables, source.partitions))
        refused = _refused(found.log, found.partitions, settings.dead_letter_topic, export)
        pairs: list[Pair] = []
        agree = _Agreement()
        forgotten: set[str] = set()
        async for customer, holdings in _holdings(source):
            if is_pseudonym(customer):
                forgotten.add(customer)
                continue
            theirs = exported.pop(customer, _NOBODY)
            agree.take(pairs_of(customer, theirs, holdings, until, refused.pop(customer, {})), pairs)
        is_forgotten = _is_among(forgotten, settings)
        for customer in dict.fromkeys((*exported, *refused)):
            if is_forgotten(customer):
                continue
            theirs = exported.get(customer, _NOBODY)
            agree.take(pairs_of(customer, theirs, _NOBODY, until, refused.get(customer, {})), pairs)
        pairs.sort(key=lambda pair: (pair.customer_id, pair.subscription_id))
        document = Reconciliation(
            as_of=instant_text(source.at_ms),
            export_until=_instant(until.export_ms),
            stream_until=_instant(until.stream_ms),
            compared=agree.compared,
            agree=agree.compared - len(pairs),
            forgotten=len(forgotten),
            totals={currency: total.document() for currency, total in sorted(agree.by_currency.items())},
            total=agree.total.document(),
            causes=dict(Counter(pair.causes[0] for pair in pairs).most_common()),
            differences=[_difference(pair) for pair in pairs],
            translation=found.translation,
        )
        return Reconciled(lacking(document, source), found.findings, found.tests, found.refused.total())


def _is_among(forgotten: Collection[str], settings: Settings) -> Callable[[str], bool]:
    """Return what tells whether a customer of an export is one of the forgotten; without the key nobody can tell."""
    key = forget_key_of(settings)
    if key is None or not forgotten:
        return lambda _: False
    return lambda customer_id: pseudonym_of(key.hash_of(customer_id)) in forgotten


class _Total:
    def __init__(self) -> None:
        self.subscriptions = [0, 0]
        self.mrr = [0, 0]

    def add(self, side: int, mrr: int) -> None:
        self.subscriptions[side] += 1
        self.mrr[side] += mrr

    def document(self) -> ReconciledTotal:
        return ReconciledTotal(
            export_subscriptions=self.subscriptions[0],
            stream_subscriptions=self.subscriptions[1],
            export_mrr=self.mrr[0],
            stream_mrr=self.mrr[1],
        )


class _Agreement:
    """Sums over all subscriptions that are compared."""

    def __init__(self) -> None:
        self.compared = 0
        self.by_currency: dict[str, _Total] = {}
        self.total = _Total()

    def take(self, pairs: Iterable[Pair], differing: list[Pair]) -> None:
        """Add pairs up; those that differ are kept."""
        for pair in pairs:
            self.compared += 1
            for side, holding in enumerate((pair.export, pair.stream)):
                if holding.status == "active":
                    self.by_currency.setdefault(holding.currency, _Total()).add(side, holding.mrr)
                    self.total.add(side, holding.counted)
            if pair.causes:
                differing.append(pair)


async def _holdings(source: Source) -> AsyncIterator[tuple[str, Holdings]]:
    """Yield the subscriptions of all customers, customer by customer."""
    what = source.settings.what_counts
    async for part in scan_all(source.settings, source.tables, range(source.partitions)):
        for customer, state in part.states:
            yield customer, holdings_of(decode(state), part.names, what, source.at_ms)


async def _latest_ms(tables: Tables, partitions: int) -> int:
    """Return the latest event of tables (ms since 1970); 0 where there is none."""
    heads = [unheld(head) for head in (await stored_heads(tables, partitions)).values()]
    return max((decode_head(head).watermark_ms for head in heads if head is not None), default=0)


def _refused(log: Log, partitions: int, topic: str, export: str) -> Refused:
    """Return why events of an export do not count, by customer and subscription.

    Raises:
        InputError: An event of it cannot be read.
    """
    found: Refused = {}
    for number in range(partitions):
        letters, _ = log.read(TP(topic, number), 0, _EVERYTHING)
        for letter in letters:
            headers = dict(letter.headers)
            if is_announced(letter.headers) or HEADER_TRUNCATED in headers:
                continue  # not an event: the record itself, or the beginning of one, which are told with the findings
            try:
                event = _read_event(letter.value or b"")
            except (msgspec.DecodeError, RecursionError) as error:
                where = f"an event of record {headers[HEADER_TIMESTAMP].decode()} cannot be read ({error})"
                raise InputError(export, f"{where}; leave the record out") from error
            customer, subscription = id_text(event.customer_id), id_text(event.subscription_id)
            if customer:
                found.setdefault(customer, {})[subscription or ""] = Reason(headers[HEADER_REASON].decode())
    return found


class _RefusedEvent(msgspec.Struct):
    customer_id: object = None
    subscription_id: object = None


_read_event: Final = msgspec.json.Decoder(_RefusedEvent).decode


def _difference(pair: Pair) -> SubscriptionDifference:
    found = SubscriptionDifference(
        customer_id=pair.customer_id,
        subscription_id=pair.subscription_id,
        causes=list(pair.causes),
        detail="",
        export=_held(pair.export),
        stream=_held(pair.stream),
    )
    return msgspec.structs.replace(found, detail=difference_text(found))


def _held(holding: Holding) -> HeldSubscription:
    return HeldSubscription(
        status=holding.status,
        plan=holding.plan,
        currency=holding.currency,
        mrr=holding.price,
        since=_instant(holding.since_ms),
    )


def _instant(at_ms: int) -> str | None:
    return instant_text(at_ms) if at_ms > 0 else None
