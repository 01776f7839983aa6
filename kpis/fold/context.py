"""The context of a fold: names, limits and effects that the handlers of all event types share.

Intern tables, the rows that changed, counts of events, and the general path.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Final

from xxhash import xxh3_64_digest

from kpis.customer.customer import FEEDBACK_SIZE
from kpis.customer.deduplication import Content, known_content, outdo, remove, sequence_of
from kpis.customer.features import Letters, letters_of
from kpis.customer.history import CustomerPast, history_after, history_of, past_of, refresh
from kpis.customer.state import Customer
from kpis.customer.what_counts import WhatCounts
from kpis.fold.contribution import contribution_in_steps, shared_with
from kpis.names import FEATURES, Names
from kpis.rows import Row, difference_in_steps

#: Sources whose hash is remembered (count), and how long one may be for that (characters): it may be any text.
SOURCES_REMEMBERED: Final = 10_000
SOURCE_REMEMBERED: Final = 256
#: Customers whose past is remembered within a batch (count), and from how many facts on: fewer are run in no time.
PASTS_REMEMBERED: Final = 16
MANY_FACTS: Final = 8


class TooManyFacts(Exception):
    """The customer has as many facts as the setting allows; the event is refused."""


class FoldContext:
    """The context of a fold; one partition's, not safe for use by two tasks at once."""

    def __init__(self, names: Names, *, bucket_ms: int, what: WhatCounts, max_facts: int, short_cuts: bool) -> None:
        """Start with no rows; see `kpis.fold.fold.Fold` for the arguments."""
        self.names = names
        self.bucket_ms = bucket_ms
        self.what = what
        self.max_facts = max_facts
        #: a customer without touchpoints has room with fewer facts of the timeline and fewer pieces of feedback
        self.few = max_facts // 2
        self.few_bytes = self.few * FEEDBACK_SIZE
        self.short_cuts = short_cuts
        self.rows: list[Row] = []
        #: where the records of the batch's events lie
        self.references: Sequence[int] = ()
        self.applied = self.duplicates = self.conflicts = self.corrections = self.general = 0
        #: the first bucket whose rows the changes of the customer at work can touch that are not written down yet;
        #: None: all are
        self.since: int | None = None
        #: whether the last event that `settle` looked at left something to remember
        self.remembers = False
        #: hashes of sources, remembered up to a limit
        self.sources: dict[str, int] = {}
        #: what stands for a feature in states, by its name
        self.letters: dict[str, Letters] = {}
        #: pasts of customers with many facts whose events are being folded, by their facts as they are stored
        self.pasts: dict[bytes, CustomerPast] = {}

    def letters_of(self, feature: str) -> Letters:
        """Return what stands for a feature in states; remembered, up to the limit of names."""
        letters = letters_of(self.names.feature(feature))
        if len(self.letters) < FEATURES:
            self.letters[feature] = letters
        return letters

    def identity_of(self, source: str, event_id: str) -> bytes:
        """Return the 64-bit hash that stands for (source, id)."""
        seed = self.sources.get(source)
        if seed is None:
            seed = int.from_bytes(xxh3_64_digest(source.encode()), "big")
            if len(source) <= SOURCE_REMEMBERED and len(self.sources) < SOURCES_REMEMBERED:
                self.sources[source] = seed
        return xxh3_64_digest(event_id.encode(), seed)

    def past_of(self, customer: Customer) -> CustomerPast:
        """Return the past of a customer that has revoked nothing; of many facts not worked out again for each event."""
        past = self.pasts.get(customer.life) if customer.facts >= MANY_FACTS else None
        if past is None:
            past = past_of(customer, self.bucket_ms, self.what)
            self.remember(customer, past)
        return past

    def remember(self, customer: Customer, past: CustomerPast, instead_of: bytes = b"") -> None:
        """Keep the past of a customer with many facts until the batch is folded, up to a limit of customers.

        Args:
            customer: The state.
            past: Its past.
            instead_of: The facts before the last one.
        """
        if customer.facts < MANY_FACTS:
            return
        self.pasts.pop(instead_of, None)
        if len(self.pasts) >= PASTS_REMEMBERED:
            self.pasts.pop(next(iter(self.pasts)))
        self.pasts[customer.life] = past

    def settle(self, customer: Customer, identity: bytes, content_of: Callable[[], Content], since: int) -> bool:
        """Decide whether an event whose hash may be known is stored; what it replaces is taken out of the state.

        What differs from all that was ever said under its identity is a conflict, whichever of them counts: so many
        are counted as there are different contents but one, in whatever order and however often they come.

        Args:
            customer: The state.
            identity: The event's.
            content_of: Returns what it says.
            since: The first bucket whose rows it can touch.

        Returns:
            Whether it is to be stored; False where it changes no number. The state may have changed all the same: then
            `remembers` is true.

        Raises:
            TooManyFacts: The event is new and there is no room for it.
        """
        known = known_content(customer, identity, self.names)
        self.remembers = False
        if known is None:
            self.need_room(customer)
            self.applied += 1
            self.touch(since)
            return True
        self.duplicates += 1
        content = content_of()
        if known == content:
            return False
        self.remembers = outdo(customer, identity, max(known, content))
        if self.remembers:
            self.conflicts += 1
            self.corrections += sequence_of(known) != sequence_of(content)
        if content > known:
            return False
        self.touch(0)
        remove(customer, identity)
        return True

    def touch(self, since: int) -> None:
        """Note that the rows of a bucket and of later ones must be computed anew; `write_down` does it, once.

        Until then the customer's cache is stale: only what looks at facts alone may go on with it.
        """
        self.since = since if self.since is None else min(since, self.since)

    def need_room_of_many(self, customer: Customer) -> None:
        """Raise as `need_room` does, at hardly any cost for most customers."""
        if customer.facts >= self.few or len(customer.feedback) >= self.few_bytes or customer.touchpoints:
            self.need_room(customer)

    def need_room(self, customer: Customer) -> None:
        """Raise TooManyFacts where the customer has no room for another one."""
        count = customer.facts + len(customer.feedback) // FEEDBACK_SIZE + len(customer.touchpoints)
        if customer.rare is not None:
            count += len(customer.rare.revocations)
        if count >= self.max_facts:
            raise TooManyFacts

    def write_down(self, customer: Customer, before: Customer, since: int) -> Generator[int, None, None]:
        """Bring the cache up to date after changes of facts, and write down what these changed, in steps.

        Args:
            customer: The state.
            before: The state before the first of the changes.
            since: The first bucket whose rows they can touch.

        Yields:
            How much work a step was (rows).
        """
        bucket_ms, what = self.bucket_ms, self.what
        was = history_of(before, bucket_ms, what)
        now = history_after(customer, before, was, bucket_ms, what)
        refresh(customer, now)
        if customer.profile != before.profile:  # all that the customer ever did moves to other segments
            since = 0
            shared_before = shared_after = None
        else:
            shared_before = shared_with(was.movements, now.movements)
            shared_after = shared_with(now.movements, was.movements)
        rows_before = contribution_in_steps(before, was, bucket_ms, what, since, shared_before)
        rows_after = contribution_in_steps(customer, now, bucket_ms, what, since, shared_after)
        yield from difference_in_steps(rows_before, rows_after, self.rows)
        self.general += 1
