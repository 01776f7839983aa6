"""Logs of `tests.recount.test_any_order` in some order of arrival, folded by the product.

Hypothesis makes them smaller where a test fails, unlike those of `tests.property.cases`. The other side of each
comparison is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Final, NamedTuple

from hypothesis import strategies as st

from tests.property.folding import Folded
from tests.recount.options import Options
from tests.recount.short_events import Event, T
from tests.recount.test_any_order import LOGS, SETTINGS, arrivals

#: Instants within the logs, at their end, and after what matures in them; each a boundary of buckets.
INSTANTS: Final = (
    T,
    dt.datetime(2026, 1, 9, 11, tzinfo=dt.UTC),
    dt.datetime(2026, 1, 16, 11, tzinfo=dt.UTC),
    dt.datetime(2026, 2, 15, 10, tzinfo=dt.UTC),
)


class Arrival(NamedTuple):
    """A log in some order of arrival, with repetitions, and how it is folded."""

    log: list[Event]
    options: Options
    #: records of a batch, and partitions that customers are spread over (count)
    batch: int = 50
    partitions: int = 1
    short_cuts: bool = True

    @property
    def records(self) -> list[bytes]:
        """The log as it is sent."""
        return [json.dumps(event).encode() for event in self.log]

    def folded(self) -> Folded:
        """Return its states and cells."""
        found = Folded(self.options, partitions=self.partitions, short_cuts=self.short_cuts)
        found.batches(self.records, self.batch)
        return found


def arrivals_of(logs: st.SearchStrategy[list[Event]] = LOGS) -> st.SearchStrategy[Arrival]:
    """Return a strategy of arrivals of logs."""
    return st.builds(
        Arrival,
        logs.flatmap(arrivals),
        SETTINGS,
        batch=st.sampled_from((1, 2, 7, 50)),
        partitions=st.sampled_from((1, 2)),
        short_cuts=st.booleans(),
    )
