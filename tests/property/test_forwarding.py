"""Streams with any partition counts over the same topics: each event comes home in each of them, in few copies.

A model of what workers do with a record, on the functions that they do it with: many more cases than running workers.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.refusals import HEADER_FORWARDED
from streams.partition.forwarding import Forward, Seal, was_forwarded_on
from streams.records import Headers, Record
from tests.property.cases import bounded

MOST_STREAMS = 4
#: forged, copied from elsewhere, or none of ours
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([HEADER_FORWARDED, "trace", "ce_id"]), st.binary(max_size=12) | st.just(b"t/0/0/" + b"0" * 32)
    ),
    max_size=4,
)
STREAMS = st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=1, max_size=MOST_STREAMS)


class Model:
    """Topics of eight partitions, and streams that read them; `home` is a customer's hash."""

    def __init__(self, streams: list[tuple[int, bool]], customer: int) -> None:
        """Begin with an empty log."""
        self.counts = [count for count, _ in streams]
        self.seals = [Seal(f"stream-{n}" if named else "") for n, (_, named) in enumerate(streams)]
        self.customer = customer
        self.log: list[Record] = []
        self.counted: list[int] = [0] * len(streams)
        self.skipped: list[int] = [0] * len(streams)

    def append(self, partition: int, headers: Headers) -> None:
        """Add a record of the customer."""
        self.log.append(Record("t", partition, len(self.log), 1, b"k", b"{}", headers))

    def run(self, limit: int, step: int) -> None:
        """Let all streams read all that is there, until nobody sends anything."""
        for place, record in enumerate(self.log):  # which grows meanwhile
            assert place < limit, "it never ends"
            for n, (count, seal) in enumerate(zip(self.counts, self.seals, strict=True)):
                home = self.customer % count
                if record.partition == home:
                    self.counted[n] += 1
                elif was_forwarded_on(record, seal):
                    self.skipped[n] += 1
                else:
                    sent = Forward(record, "t", home, "c", seal).form(step)
                    assert sent is not None
                    self.append(home, sent.headers)


def _copies(streams: int) -> int:
    """Return how many records one becomes at most: each order in which streams can have sent it on."""
    copies, orders = 1, 1
    for length in range(1, streams + 1):
        orders *= streams - length + 1
        copies += orders
    return copies


@bounded(300)
@given(
    streams=STREAMS,
    customer=st.integers(0, 1_000),
    partition=st.integers(0, 7),
    headers=HEADERS,
    step=st.integers(0, 2),
)
def test_every_event_comes_home_in_each_stream_and_the_log_does_not_grow_for_ever(
    streams: list[tuple[int, bool]], customer: int, partition: int, headers: Headers, step: int
) -> None:
    """An old and a new stream run side by side while tables are built anew; one without an identifier may be there."""
    named = [(count, True) for count, _ in streams]
    named[0] = streams[0]
    model = Model(named, customer)
    model.append(partition, headers)
    model.run(limit=4 * _copies(MOST_STREAMS), step=step)
    assert all(model.counted)


@bounded(100)
@given(
    count=st.integers(1, 8),
    customer=st.integers(0, 1_000),
    partitions=st.lists(st.integers(0, 7), min_size=1, max_size=5),
)
def test_copies_that_are_sent_again_come_home_each_time(count: int, customer: int, partitions: list[int]) -> None:
    """A dead letter that is sent again has our header already: it says where the record lay last, once."""
    headers: Headers = ()
    for partition in partitions:
        model = Model([(count, True)], customer)
        model.append(partition, headers)
        model.run(limit=3, step=0)
        assert (model.counted, model.skipped) == ([1], [0])
        headers = model.log[-1].headers
        assert len(headers) <= 1
