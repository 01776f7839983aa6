"""The state of a partition in memory: its head, names, counters, and some customers' states.

Everything here can be dropped and read again; what counts is what is stored.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from kpis.arrays import Ints
from kpis.counting.cell_store import CellStore, KnownAmounts, cell_store
from kpis.counting.cells import Cells, groups_of, newest
from kpis.counting.spans import SPAN_FIELD_BITS, spans_of
from kpis.customer.facts import STATE_VERSION
from kpis.fold.fold import Fold
from kpis.fold.restatements import Moved
from kpis.names import Names
from streams.errors import COUNT_ELSEWHERE, StateUnreadable
from streams.holding import unheld
from streams.partition.result import BatchResult
from streams.partition.states import customer_states
from streams.partition.unwritten import Cut, Unwritten
from streams.redo import cells_of
from streams.tables import (
    NOTHING_ERASED,
    Commit,
    Erasure,
    Head,
    PeriodUpdate,
    Restated,
    Stored,
    Written,
    decode_head,
    encode_head,
)

if TYPE_CHECKING:
    from streams.partition.context import PartitionContext

_ADVICE: Final = "run the program that wrote them, or `tenure rebuild`: docs/upgrading.md"


def read_head(number: int, stored: Stored, *, also: Collection[int] = ()) -> Head:
    """Return the head of a partition; a new one where nothing is stored.

    Args:
        number: Of the partition.
        stored: What the tables hold.
        also: Other versions that are read, beside our own.

    Raises:
        StateUnreadable: Another version has stored it.
    """
    found = unheld(stored.head)
    if found is None:
        return Head(STATE_VERSION)
    try:
        head = decode_head(found)
    except msgspec.DecodeError as error:
        raise StateUnreadable(number, f"its head is no head of ours ({error}); {COUNT_ELSEWHERE}") from error
    if head.version != STATE_VERSION and head.version not in also:
        raise StateUnreadable(
            number, f"its tables have version {head.version}, this program reads {STATE_VERSION}; {_ADVICE}"
        )
    return head


class PartitionState:
    """One partition in memory, from the time it was loaded on."""

    def __init__(self, number: int, context: PartitionContext, stored: Stored, *, cache: int) -> None:
        """Take over what is stored.

        Args:
            number: Of the partition, for messages.
            context: Limits, and what numbers mean.
            stored: What the tables hold, with the redo log.
            cache: Customer states to keep (count).

        Raises:
            StateUnreadable: Another version has stored it.
        """
        redo = stored.redo if stored.head else ()
        assert redo is not None, "states that lie in the redo log alone would be taken for none"
        self.stored_head = stored.head
        self._writer = uuid.uuid4().bytes
        self.head = read_head(number, stored)
        self.names: Names = context.new_names()
        self.names.restore(stored.names)
        self.fold = Fold(
            self.names,
            bucket_ms=context.windows.bucket_ms,
            what=context.what_counts,
            max_facts=context.max_facts,
        )
        self.states = customer_states(cache)
        #: restatements of periods, without their entries; None until the first late event asks for them
        self.restated: dict[str, Restated] | None = None
        #: see `Head`; it is stored with the next commit
        self.tombstones = self.head.tombstones
        #: cells of all groups but those in `unread`, and of those too what was written since
        self.cells: CellStore = cell_store()
        #: groups of cells that are not in memory yet
        self.unread: set[int] = set(groups_of(self.names)) if stored.head else set()
        #: spans of those groups of which all cells are in memory
        self._read: set[int] = set()
        #: what the redo log holds; with the cells of its entries, those in memory are what is true
        self.unwritten = Unwritten(redo, context.redo_limits, self.states)
        self.cells.update(*newest([cells_of(entry) for entry in redo]))

    def take_group(self, group: int, cells: Cells) -> None:
        """Take over the cells of a group that were read in their places."""
        self._take(cells)
        self.unread.discard(group)
        if not self.unread:
            self._read.clear()

    def take_spans(self, spans: Sequence[int], cells: Cells) -> None:
        """Take over the cells of spans that were read in their places."""
        self._take(cells)
        self._read.update(spans)

    def _take(self, cells: Cells) -> None:
        """Take over cells that were read; those in memory are as new, or newer."""
        fresh = ~self.cells.look_up(cells.keys).is_known
        self.cells.update(cells.keys[fresh], cells.amounts[fresh])

    def unknown(self, keys: Ints, known: KnownAmounts) -> list[int]:
        """Return, out of keys and what memory has of them, the spans that must be read for the others."""
        return self.unread_of(spans_of(keys[~known.is_known])) if self.unread else []

    def unread_of(self, spans: Ints) -> list[int]:
        """Return those of some spans of which cells may be missing in memory."""
        if not self.unread:
            return []
        return [span for span in spans.tolist() if span >> SPAN_FIELD_BITS in self.unread and span not in self._read]

    def cut_redo(self, states: Mapping[str, bytes], cells: Cells, *, through: bool) -> Cut:
        """Cut the redo log for the next commit; all spans of the cut must be read before it is made.

        Args:
            states: Of the commit.
            cells: Of the commit.
            through: True: its states do not go into the log, but to their places at once, and so do all before them;
                without any, all that the log holds goes to its place.
        """
        # A state in the log would hide the one that is written; cells of the log may stay there.
        everything = through and (self.unwritten.has_states or not states)
        return self.unwritten.cut({} if through else states, cells, everything=everything)

    def commit(
        self,
        *,
        head: Head,
        states: Mapping[str, bytes],
        cells: Cells,
        amounts: Ints,
        moved: Sequence[Moved] = (),
        erasure: Erasure = NOTHING_ERASED,
        cut: Cut | None = None,
        through: bool = False,
    ) -> Commit:
        """Return the commit that stores a new head, states, cells and restatements, and the names that are new.

        Args:
            head: The new one.
            states: That change.
            cells: That change, by how much.
            amounts: Theirs from now on.
            moved: What changes of periods that are over.
            erasure: What goes of customers who are forgotten.
            cut: Of the redo log.
            through: As `cut_redo` was told.
        """
        names = self.names.take_new()
        logged, written = ({}, self._written(cut, states)) if through else (states, self._written(cut, {}))
        return Commit(
            self.stored_head,
            encode_head(head),
            logged,
            Cells(cells.keys, amounts),
            names,
            self._restating(moved),
            erasure,
            written,
        )

    def _written(self, cut: Cut | None, states: Mapping[str, bytes]) -> Written:
        """Return what a commit writes to its place: what a cut leaves to it, and states of its own."""
        if cut is None or cut.kept is None:
            return Written(states)
        spans = dict(zip(cut.spans.tolist(), self.cells.packed(cut.spans), strict=True))
        both = {**cut.states, **states} if cut.states and states else states or cut.states
        return Written(both, spans, cut.kept + 1)

    def _restating(self, moved: Sequence[Moved]) -> list[PeriodUpdate]:
        """Return what a batch changed of periods, added to what is stored."""
        out: list[PeriodUpdate] = []
        for period, entries, changes in moved:
            assert self.restated is not None, "read them first"
            known = self.restated.get(period) or Restated(0, {}, [])
            sums = {name: known.changes.get(name, 0) + change for name, change in changes.items()}
            out.append(PeriodUpdate(period, entries, known.revision + len(entries), sums))
        return out

    def committed(self, commit: Commit, *, head: Head, cells: Cells, amounts: Ints) -> None:
        """Bring what is in memory in line with what is stored now.

        Args:
            commit: What was stored.
            head: The new one.
            cells: That changed, by how much.
            amounts: Theirs from now on.
        """
        self.head, self.stored_head = head, commit.head
        self.states.remove(commit.erasure.gone)
        self.states.let_go()
        self.cells.update(cells.keys, amounts)
        for period, _, revision, changes in commit.restated:
            assert self.restated is not None
            known = self.restated.get(period) or Restated(0, {}, [])
            self.restated[period] = Restated(revision, {**known.changes, **changes}, [])

    def next_head(self, result: BatchResult, *, positions: dict[str, int], topic_ids: dict[str, str]) -> Head:
        """Return the head after a batch; `positions` are the next offsets by topic, in the topics with these ids."""
        old = self.head
        return Head(
            STATE_VERSION,
            positions=positions,
            applied=old.applied + result.applied,
            duplicates=old.duplicates + result.duplicates,
            conflicts=old.conflicts + result.conflicts,
            tests=old.tests + result.tests,
            mended=dict(Counter(old.mended) + result.mended),
            forwarded=old.forwarded + len(result.forwards),
            dead_letters=dict(Counter(old.dead_letters) + result.dead_letters),
            watermark_ms=max(old.watermark_ms, result.latest_ms),
            commits=old.commits + 1,
            writer=self._writer,
            topic_ids=topic_ids,
            away_facts=old.away_facts + result.away_facts,
            away_instants=old.away_instants + result.away_instants,
            forgotten=old.forgotten + result.forgotten,
            forgotten_copies=old.forgotten_copies + result.forgotten_copies,
            latest_record_ms=max(old.latest_record_ms, result.latest_record_ms),
            tombstones=self.tombstones,
        )
