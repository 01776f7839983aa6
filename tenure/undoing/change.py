"""Change of the KPIs by revokes, exactly: each customer's state is folded with them, and counted before and after.

Nothing is written. Counts are sums over customers, so that what the customers with revokes add less is what all add
less (`kpis.members.rules`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from kpis.customer.deduplication import identity_of, known_content
from kpis.customer.state import Customer, decode
from kpis.fold.fold import Fold
from kpis.members.rules import MEMBERSHIPS
from kpis.members.view import View, Window
from schemas.decoding.decoder import Decoder
from streams.records import NO_HEADERS
from tenure.dead_letters.judging import JudgedRecord
from tenure.reports.explain import EXPLAINABLE, window_until
from tenure.stored.customers import StoredCustomer, read_states_of
from tenure.undoing.finding import WildEvent
from tenure.undoing.revokes import revoke_json

if TYPE_CHECKING:
    from streams.settings.settings import Settings
    from streams.tables import Tables

#: The name under which counts as of T stand.
TOTALS: Final = ""
_CUSTOMERS_AT_ONCE: Final = 1_000


class WildRevoke(NamedTuple):
    """A revoke to send: whose, of which event, and its bytes."""

    customer_id: str
    event_id: str
    event: WildEvent
    value: bytes


@dataclass
class Effect:
    """The effect of revokes on a stream.

    Attributes:
        revokes: To send, in no order.
        changes: By window, and TOTALS: by how much each count changes.
        revoked_before, not_counted_yet, over_limit: Events that are revoked already, that no state holds, and that
            cannot be revoked (counts).
    """

    revokes: list[WildRevoke] = field(default_factory=list)
    changes: dict[str, Counter[str]] = field(default_factory=dict)
    revoked_before: int = 0
    not_counted_yet: int = 0
    over_limit: int = 0


class Effects:
    """Works out what revokes of a source's events do to a stream.

    Args:
        settings: Of the stream.
        decoder: As the stream's.
        source: Whose events they are.
        windows: Names of the windows whose counts are wanted.
        at_ms: T (ms since 1970).
    """

    def __init__(self, settings: Settings, decoder: Decoder, source: str, windows: Sequence[str], at_ms: int) -> None:
        self._settings, self._decoder, self._source = settings, decoder, source
        bucket_ms = settings.bucket_minutes * 60_000
        self._spans = {TOTALS: Window(0, at_ms, bucket_ms)}
        self._spans |= {name: window_until(settings, name, at_ms) for name in windows}
        self.effect = Effect(changes={name: Counter() for name in self._spans})

    async def of(self, tables: Tables, partitions: int, found: Mapping[str, Mapping[str, WildEvent]]) -> Effect:
        """Return the effect of revoking events.

        Args:
            tables: The stream's.
            partitions: How many there are (count).
            found: By customer and id.
        """
        customers = list(found)
        for first in range(0, len(customers), _CUSTOMERS_AT_ONCE):
            some = customers[first : first + _CUSTOMERS_AT_ONCE]
            stored: dict[str, StoredCustomer] = {}
            for partition in range(partitions):
                part = await read_states_of(self._settings, tables, partition, some)
                if part is not None:
                    stored |= {each: StoredCustomer(partition, part.names, state) for each, state in part.states}
            for customer_id in some:
                self._take(customer_id, found[customer_id], stored.get(customer_id))
        return self.effect

    def _take(self, customer_id: str, events: Mapping[str, WildEvent], stored: StoredCustomer | None) -> None:
        """Take a customer, with the state where there is one."""
        customer = Customer() if stored is None else decode(stored.state)
        revoked = frozenset() if customer.rare is None else customer.rare.revoked()
        wanted = []
        for event_id, event in events.items():
            identity = identity_of(self._source, event_id)
            if identity in revoked:
                self.effect.revoked_before += 1
                continue
            revoke = revoke_json(customer_id, self._source, event_id, event.time_ms)
            wanted.append(WildRevoke(customer_id, event_id, event, revoke))
            self.effect.not_counted_yet += stored is None or known_content(customer, identity, stored.names) is None
        if stored is not None and wanted:
            wanted = self._folded(customer_id, stored, wanted)
        self.effect.revokes += wanted

    def _folded(self, customer_id: str, stored: StoredCustomer, wanted: list[WildRevoke]) -> list[WildRevoke]:
        """Count a customer before and after revokes; return those that can be applied."""
        what = self._settings.what_counts
        decoded = self._decoder.decode([JudgedRecord(each.value, each.event.time_ms, NO_HEADERS) for each in wanted])
        assert len(decoded.events) == len(wanted), decoded.refused
        fold = Fold(
            stored.names,
            bucket_ms=self._settings.bucket_minutes * 60_000,
            what=what,
            max_facts=self._settings.max_facts_per_customer,
        )
        states = {customer_id: stored.state}
        fold.fold(decoded.events, decoded.times, states)
        self.effect.over_limit += len(fold.refused)
        before, after = decode(stored.state), decode(states[customer_id])
        for name, span in self._spans.items():
            changes = self.effect.changes[name]
            changes.update(_counts_of(View(after, span, what), is_stock=name == TOTALS))
            changes.subtract(_counts_of(View(before, span, what), is_stock=name == TOTALS))
        refused = set(fold.refused)
        return [each for number, each in enumerate(wanted) if number not in refused]


def _counts_of(view: View, *, is_stock: bool) -> Counter[str]:
    """Return what a customer adds to the counts as of T, or to those of the view's window."""
    found: Counter[str] = Counter()
    for name, shares in MEMBERSHIPS.items():
        if (EXPLAINABLE[name].kind == "stock") is is_stock:
            found[name] += sum(share.amount for share in shares(view))
    return found
