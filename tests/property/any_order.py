"""Logs of `tests.recount.test_any_order` through the pure part of the product: decoding, fold, states and cells.

No streams and no tables. The other side of each comparison is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Final, NamedTuple

from hypothesis import strategies as st

from tests.property.folding import Folded, Line
from tests.recount.options import Options
from tests.recount.short_events import Event as Sent
from tests.recount.short_events import T
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

    log: list[Sent]
    options: Options
    #: records of a batch, and partitions that customers are spread over (count)
    batch: int = 50
    partitions: int = 1
    short_cuts: bool = True


def arrivals_of(logs: st.SearchStrategy[list[Sent]] = LOGS) -> st.SearchStrategy[Arrival]:
    """Return a strategy of arrivals."""
    return st.builds(
        Arrival,
        logs.flatmap(arrivals),
        SETTINGS,
        batch=st.sampled_from((1, 2, 7, 50)),
        partitions=st.sampled_from((1, 2)),
        short_cuts=st.booleans(),
    )


class FoldedLog(Folded):
    """An arrival's states and cells, by partition.

    Attributes:
        lines: The records, by the offset that each has.
    """

    def __init__(self, arrival: Arrival) -> None:
        """Fold all of it."""
        super().__init__(arrival.options, partitions=arrival.partitions, short_cuts=arrival.short_cuts)
        self.lines = [Line(json.dumps(sent).encode(), number) for number, sent in enumerate(arrival.log)]
        self.batches([line.value for line in self.lines], arrival.batch)
