"""What tables promise, wherever they lie: a commit is all or nothing, and only its expected predecessor lets it in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from kpis.names import TABLES
from streams.embedded.tables import MemoryTables
from streams.errors import CommitTorn, Conflict
from streams.redo import states_of
from streams.tables import (
    RESTATEMENTS_KEPT,
    Commit,
    Erasure,
    PeriodUpdate,
    StreamMark,
    Tables,
    Under,
    Written,
    decode_head,
)
from tests.contract.tables import (
    EmbeddedRedis,
    Everything,
    a_commit,
    a_head,
    amounts_of,
    cells_of,
    names_of,
    redis_tables,
    tear,
    write_all,
)

KINDS = ("memory", "redis", "embedded", "cluster")
FIRST = a_commit(
    None,
    a_head(1, signup=10),
    states={"a": b"state of a", "b": b"\x00\xff"},
    cells={0: {5: 1, 7: -2}, 1 << 16 | 3: {2**36 - 1: 2**62}},
    names={"plan": ["none", "pro"], "profile": ['["USD","DE","ads"]']},
)
#: partitions, and how many customers each has
SIZES = ((0, 12_001), (1, 1), (10, 700))
LOOK = Everything(["a", "b", "c"], [0, 1, 1 << 16 | 3])


@pytest.fixture(scope="module")
def embedded_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """One for all tests here; each has its own prefix."""
    server = EmbeddedRedis(tmp_path_factory.mktemp("embedded"))
    try:
        server.start()
        yield server
    finally:
        server.process.kill()


@pytest.fixture(params=KINDS)
async def tables(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[Tables]:
    """Empty tables of each kind."""
    if request.param == "memory":
        yield MemoryTables()
        return
    servers = {"redis": "redis_server", "embedded": "embedded_redis", "cluster": "redis_cluster"}
    async with redis_tables(request.getfixturevalue(servers[request.param]).url, prefix) as under_test:
        yield under_test


async def test_a_partition_without_a_commit_holds_nothing(tables: Tables) -> None:
    """A new stream starts at zero, not at an error."""
    assert await LOOK.of(tables) == (None, {}, [None, None, None], {0: {}, 1: {}, 1 << 16 | 3: {}})
    assert amounts_of(await tables.read_spans(0, [5])) == amounts_of(await tables.read_group(0, 0)) == {}
    assert await tables.read_written(0, ["a"]) == [None]
    assert await tables.read_redo(0) == (None, [])


async def test_a_commit_stores_head_states_cells_and_names_together(tables: Tables) -> None:
    """Positions and numbers may never disagree."""
    await tables.commit(0, FIRST)
    stored = await tables.load(0)
    assert stored.head == FIRST.head
    assert names_of(stored) == {"plan": ["none", "pro"], "profile": ['["USD","DE","ads"]']}
    assert await tables.read_states(0, ["b", "c", "a", "b"]) == [b"\x00\xff", None, b"state of a", b"\x00\xff"]
    found, cells = await tables.snapshot(0, [1 << 16 | 3, 0])
    assert (found, amounts_of(cells)) == (stored, {1 << 16 | 3: {2**36 - 1: 2**62}, 0: {5: 1, 7: -2}})


async def test_a_commit_replaces_amounts_and_states_and_appends_names(tables: Tables) -> None:
    """Amounts are absolute, so that a commit may be sent again; names keep the numbers that their places are."""
    await tables.commit(0, FIRST)
    second = a_commit(FIRST.head, a_head(2, signup=20), states={"a": b"new"}, cells={0: {7: 0}}, names={"plan": ["x"]})
    await tables.commit(0, second)
    head, names, states, cells = await LOOK.of(tables)
    assert head == second.head
    assert names == {"plan": ["none", "pro", "x"], "profile": ['["USD","DE","ads"]']}
    assert states == [b"new", b"\x00\xff", None]
    assert cells == {0: {5: 1}, 1: {}, 1 << 16 | 3: {2**36 - 1: 2**62}}


async def test_a_commit_of_nothing_but_positions_is_stored(tables: Tables) -> None:
    """A batch of dead letters and tests moves on all the same."""
    await tables.commit(0, a_commit(None, a_head(1, signup=3)))
    assert (await tables.load(0)).head == a_head(1, signup=3)


@pytest.mark.parametrize("expected", [None, a_head(1, signup=9), a_head(2, signup=10), FIRST.head[:-1] + b"\x07"])
async def test_a_commit_that_expects_another_head_changes_nothing(tables: Tables, expected: bytes | None) -> None:
    """A zombie may know anything; whatever it thinks is stored, it does not get in."""
    await tables.commit(0, FIRST)
    before = await LOOK.of(tables)
    second = a_commit(
        expected,
        a_head(3, signup=20, cancel=4),
        states={"a": b"z", "c": b"z"},
        cells={0: {5: 9}, 1: {1: 1}},
        names={"plan": ["zombie"]},
    )
    with pytest.raises(Conflict) as conflict:
        await tables.commit(0, second)
    assert (conflict.value.partition, conflict.value.stored) == (0, {"signup": 10})
    assert await LOOK.of(tables) == before


async def test_a_conflict_tells_what_was_expected_and_what_is_stored(tables: Tables) -> None:
    """Whoever reads the log has to see who was ahead of whom."""
    await tables.commit(0, FIRST)
    with pytest.raises(Conflict) as conflict:
        await tables.commit(0, a_commit(a_head(4, signup=40, cancel=7), a_head(5, signup=50, cancel=7)))
    assert conflict.value.expected == {"signup": 40, "cancel": 7}
    assert conflict.value.stored == {"signup": 10}


async def test_restatements_are_stored_with_the_commit_that_makes_them(tables: Tables) -> None:
    """A revision that counts what is not in the numbers, or misses what is, is worse than none."""
    assert await tables.restated(0, ["2026-10"]) == {}
    october = PeriodUpdate("2026-10", [b"one", b"\x00two"], 2, {"mrr": -5, "survey/nps/in_app/sent": 2**40})
    year = PeriodUpdate("2025", [b"one"], 1, {"mrr": 7})
    first = a_commit(None, a_head(1), restated=[october, year])
    await tables.commit(0, first)
    await tables.commit(0, first)  # its answer was lost
    november = PeriodUpdate("2026-11", [b"three"], 1, {})
    again = PeriodUpdate("2026-10", [b"three"], 3, {"mrr": 1, "upgrades": 1})
    await tables.commit(0, a_commit(a_head(1), a_head(2), restated=[again, november]))
    with pytest.raises(Conflict):
        await tables.commit(0, a_commit(a_head(1), a_head(3), restated=[again]))
    assert await tables.restated(0, ["2026-10", "2026-11", "1999"]) == {
        "2026-10": (3, {"mrr": 1, "survey/nps/in_app/sent": 2**40, "upgrades": 1}, [b"one", b"\x00two", b"three"]),
        "2026-11": (1, {}, [b"three"]),
        "2025": (1, {"mrr": 7}, []),
    }
    assert await tables.restated(1, ["2026-10"]) == {}
    assert await tables.restatements(0, "2026-10") == [b"one", b"\x00two", b"three"]
    assert await tables.restatements(0, "1999") == await tables.restatements(1, "2026-10") == []


async def test_the_newest_restatements_are_kept_and_all_of_them_counted(tables: Tables) -> None:
    """Late events may come for years; what is forgotten one by one must stay in the sum."""
    size = RESTATEMENTS_KEPT // 2 + 1
    for n in range(3):
        entries = [b"%d" % place for place in range(n * size, (n + 1) * size)]
        update = PeriodUpdate("2026", entries, (n + 1) * size, {"mrr": n})
        await tables.commit(0, a_commit(a_head(n) if n else None, a_head(n + 1), restated=[update]))
    found = (await tables.restated(0, ["2026"]))["2026"]
    assert (found.revision, found.changes) == (3 * size, {"mrr": 2})
    assert found.entries == [b"%d" % place for place in range(3 * size - RESTATEMENTS_KEPT, 3 * size)]


async def test_a_commit_to_tables_that_lost_everything_is_refused(tables: Tables) -> None:
    """A Redis that came back empty must not take up in the middle of the log."""
    with pytest.raises(Conflict) as conflict:
        await tables.commit(0, FIRST._replace(expected=a_head(7, signup=70)))
    assert conflict.value.stored == {}
    assert await LOOK.of(tables) == (None, {}, [None, None, None], {0: {}, 1: {}, 1 << 16 | 3: {}})


async def test_a_commit_that_is_sent_again_is_stored_once(tables: Tables) -> None:
    """Its answer was lost: it must pass for done, and its names may not be there twice."""
    await tables.commit(0, FIRST)
    before = await LOOK.of(tables)
    await tables.commit(0, FIRST)
    assert await LOOK.of(tables) == before


async def test_of_two_writers_at_once_one_gets_in(tables: Tables) -> None:
    """That is what a zombie and its successor are, for a moment."""
    await tables.commit(0, FIRST)
    rivals = [
        a_commit(FIRST.head, a_head(2, signup=20 + n), states={"c": b"%d" % n}, cells={1: {1: n}}) for n in range(8)
    ]
    answers = await asyncio.gather(*(tables.commit(0, rival) for rival in rivals), return_exceptions=True)
    winners = [n for n, answer in enumerate(answers) if answer is None]
    assert len(winners) == 1
    assert [type(answer) for n, answer in enumerate(answers) if n not in winners] == [Conflict] * 7
    assert (await tables.load(0)).head == rivals[winners[0]].head
    assert await tables.read_states(0, ["c"]) == [b"%d" % winners[0]]
    assert amounts_of((await tables.snapshot(0, [1]))[1]) == ({1: {1: winners[0]}} if winners[0] else {})


async def test_a_writer_that_reloads_after_a_conflict_gets_in(tables: Tables) -> None:
    """One rule for zombies, fail-overs and restored backups: load, and go on from there."""
    await tables.commit(0, FIRST)
    with pytest.raises(Conflict):
        await tables.commit(0, a_commit(None, a_head(1, signup=30)))
    stored = await tables.load(0)
    await tables.commit(0, a_commit(stored.head, a_head(2, signup=30)))
    assert (await tables.load(0)).head == a_head(2, signup=30)


async def test_partitions_do_not_share_anything(tables: Tables) -> None:
    """Each has its own writer, and on a cluster its own node."""
    for partition in range(20):
        await tables.commit(
            partition,
            a_commit(
                None, a_head(partition), states={"a": b"%d" % partition}, cells={0: {0: partition}},
                names={"plan": [f"plan {partition}"]},
            ),
        )  # fmt: skip
    for partition in range(20):
        stored, cells = await tables.snapshot(partition, [0])
        assert stored.head is not None
        assert decode_head(stored.head).commits == partition
        assert names_of(stored) == {"plan": [f"plan {partition}"]}
        assert await tables.read_states(partition, ["a"]) == [b"%d" % partition]
        assert amounts_of(cells, [0]) == {0: {0: partition} if partition else {}}


@pytest.mark.parametrize(
    "customer", ["Ünïcödé 🙂", "a b\nc\td", "{0}", "}{", "x" * 128, "🙂" * 128, "h", "*", ":", "\x00", "none"]
)
async def test_a_customer_may_be_called_anything(tables: Tables, customer: str) -> None:
    """Ids are the producers' business; a key that two of them share would mix up two people."""
    await tables.commit(0, a_commit(None, a_head(1), states={customer: b"this", "somebody": b"other"}))
    assert await tables.read_states(0, [customer, "somebody", customer + "x"]) == [b"this", b"other", None]
    assert (await tables.load(0)).head == a_head(1)


async def test_what_is_read_under_a_head_is_of_that_head_or_refused(tables: Tables) -> None:
    """A zombie must not learn what its successor has stored: Redis may lose that before the zombie commits."""
    await tables.commit(0, FIRST)
    under, other = Under(FIRST.head), Under(a_head(7))
    period = PeriodUpdate("2025-01", [b"r"], 1, {"customers_active": 1})
    assert await tables.read_written(0, ["a"], under=under) == await tables.read_written(0, ["a"])
    assert (await tables.read_group(0, 0, under=under)).keys.tolist() == (await tables.read_group(0, 0)).keys.tolist()
    await tables.commit(0, a_commit(FIRST.head, a_head(2))._replace(restated=[period]))
    for refused in (under, other, Under(None)):
        for reading in (
            tables.read_written(0, ["a"], under=refused),
            tables.read_spans(0, [0], under=refused),
            tables.read_group(0, 0, under=refused),
            tables.restated(0, ["2025-01"], under=refused),
            tables.restatements(0, "2025-01", under=refused),
        ):
            with pytest.raises(Conflict):
                await reading
    now = Under(a_head(2))
    assert (await tables.restated(0, ["2025-01"], under=now))["2025-01"].entries == [b"r"]
    assert await tables.restatements(0, "2025-01", under=now) == [b"r"]
    assert await tables.read_written(1, ["a"], under=Under(None)) == [None]


async def test_tables_of_names_are_all_there_before_they_have_any(tables: Tables) -> None:
    """Whoever reads while the first name of a table comes asks how many it had before."""
    assert (await tables.load(0)).names == {table: [] for table in TABLES}
    await tables.commit(0, FIRST)
    assert (await tables.load(0)).names.keys() == {*TABLES}


async def test_names_may_be_anything_and_keep_their_order(tables: Tables) -> None:
    """A name's number is its place: any other order would give the counts of one plan to another."""
    plans = [f"plan {n} é\n" for n in range(9_000, 0, -1)]
    await tables.commit(0, a_commit(None, a_head(1), names={"plan": plans[:5_000], "reason": ["", "bugs"]}))
    await tables.commit(0, a_commit(a_head(1), a_head(2), names={"plan": plans[5_000:], "currency": ["USD"]}))
    assert names_of(await tables.load(0)) == {"plan": plans, "reason": ["", "bugs"], "currency": ["USD"]}


@pytest.mark.parametrize("written", [False, True])
async def test_a_large_commit_is_stored_whole(written: bool, tables: Tables) -> None:
    """A backlog is read in large batches of customers and hours that nobody has seen yet."""
    states = {f"customer-{n}": b"state %d" % n for n in range(12_001)}
    cells = {group: {field * 3: group + field for field in range(8_001)} for group in (0, 7, 1 << 16, 2 << 16 | 9)}
    commit = a_commit(None, a_head(1), states=states, cells=cells, names={"plan": ["pro"]})
    if written:
        commit = write_all([commit])
    await tables.commit(0, commit)
    assert await tables.read_states(0, list(states)) == list(states.values())
    stored, found = await tables.snapshot(0, list(cells))
    assert (stored.head, amounts_of(found)) == (a_head(1), amounts_of(cells_of(cells)))


async def test_a_commit_as_large_as_settings_allow_is_stored_whole(tables: Tables) -> None:
    """Redis takes a million arguments a command and no more; a partition must not wait for ever for a batch to pass."""
    cells = {group: dict.fromkeys(range(265_000), group + 1) for group in (0, 1 << 16)}
    first = a_commit(None, a_head(1), cells=cells)
    await tables.commit(0, first)
    await tables.commit(0, write_all([first, a_commit(first.head, a_head(2))]))
    assert amounts_of(await tables.read_group(0, 1 << 16)) == {1 << 16: cells[1 << 16]}
    assert (await tables.load(0)).head == a_head(2)


async def test_a_snapshot_is_of_one_instant_while_commits_go_on(tables: Tables) -> None:
    """A report that mixes two commits breaks its identities."""

    def nth(n: int) -> Commit:
        expected = a_head(n - 1) if n > 1 else None
        return a_commit(expected, a_head(n), cells={0: {0: n}, 1: {0: n}}, names={"plan": [f"plan {n}"]})

    async def write() -> None:
        for n in range(1, 301):
            commit = nth(n)
            await tables.commit(0, commit if n % 7 else write_all([commit], kept=50))
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    seen: set[int] = set()
    while not writing.done():
        stored, cells = await tables.snapshot(0, [0, 1])
        commits = decode_head(stored.head).commits if stored.head else 0
        assert amounts_of(cells) == ({0: {0: commits}, 1: {0: commits}} if commits else {})
        assert len(stored.names.get("plan", ())) == commits
        seen.add(commits)
        await asyncio.sleep(0)
    await writing
    assert len(seen) > 1


async def test_a_cleared_partition_holds_nothing_and_the_others_keep_theirs(tables: Tables) -> None:
    """What cannot be trusted is counted anew; nothing of it may be left to be found again."""
    october = PeriodUpdate("2026-10", [b"one"], 1, {"mrr": -5})
    await tables.commit(0, FIRST._replace(restated=[october]))
    await tables.commit(1, FIRST)
    empty = await LOOK.of(tables, 2)
    await tear(tables, 0)
    for reading in (
        tables.load(0), tables.read_head(0), tables.snapshot(0, [0]), tables.restated(0), tables.restatements(0, "x"),
    ):  # fmt: skip
        with pytest.raises(CommitTorn):
            await reading
    await tables.clear(0)
    assert await LOOK.of(tables) == empty
    assert await tables.restated(0, ["2026-10"]) == {}
    assert await LOOK.of(tables, 1) != empty
    with pytest.raises(Conflict):
        await tables.commit(0, a_commit(FIRST.head, a_head(2, signup=20)))
    await tables.commit(0, FIRST)
    assert (await tables.load(0)).head == FIRST.head


async def test_a_partition_with_which_nothing_is_wrong_is_not_cleared(tables: Tables) -> None:
    """Whoever has slept since it was torn would remove what his successor has counted anew, or a backup."""
    await tables.commit(0, FIRST)
    with pytest.raises(Conflict):
        await tables.clear(0)
    with pytest.raises(Conflict):
        await tables.clear(1)
    assert (await tables.load(0)).head == FIRST.head


async def test_the_first_mark_stays(tables: Tables) -> None:
    """The second stream finds out that the tables are taken."""
    assert await tables.read_mark() is None
    first = StreamMark("tenure", 4, '{"windows_days":[1,7]}')
    assert await tables.mark(first) == first
    assert await tables.mark(StreamMark("another", 8, "{}")) == first
    assert await tables.read_mark() == first


async def test_a_mark_without_an_identifier_is_given_one_and_keeps_it(tables: Tables) -> None:
    """Streams that an earlier version began have none; what is signed with it must stay readable."""
    await tables.mark(StreamMark("tenure", 4, "{}"))
    named = StreamMark("tenure", 4, "{}", "0" * 32)
    assert await tables.mark(named) == named
    assert await tables.mark(named._replace(id="1" * 32)) == named
    assert await tables.read_mark() == named


async def test_a_generation_has_partitions_of_its_own_and_shares_the_rest(tables: Tables) -> None:
    """New tables are built beside those that hold, and nobody who reads these may see any of it."""
    first = await tables.mark(StreamMark("tenure", 1, "{}", "id"))
    await tables.commit(0, FIRST)
    beside = tables.beside(1)
    assert (tables.generation, beside.generation) == (0, 1)
    assert (await beside.load(0)).head is None
    await beside.commit(0, a_commit(None, a_head(9), states={"z": b"new"}))
    assert await scanned(tables, 0) == [("a", b"state of a"), ("b", b"\x00\xff")]
    assert await scanned(beside, 0) == [("z", b"new")]
    await beside.note("shown", b"both")
    await beside.append("targets", b"both")
    assert (await tables.note("shown", None), await tables.entries("targets")) == (b"both", [b"both"])
    assert (await tables.load(0)).head == FIRST.head
    assert await beside.read_mark() == first
    assert beside.generation == 1, "what was asked for stays, whatever the mark says"


async def test_a_mark_gives_way_to_another_in_one_step(tables: Tables) -> None:
    """Of two who would put tables in place, one finds that the other was faster."""
    first = await tables.mark(StreamMark("tenure", 1, "{}", "id"))
    second = first._replace(partitions=8, generation=1)
    assert await tables.switch(first, second)
    assert not await tables.switch(first, first._replace(generation=2))
    assert await tables.read_mark() == second
    assert tables.generation == 0, "whoever writes goes on where they were, until they begin again"


async def test_a_partition_that_is_discarded_leaves_nothing_or_its_head(tables: Tables) -> None:
    """The head keeps a writer that is late from beginning the partition once more."""
    for number in (0, 1):
        await tables.commit(number, FIRST)
    await tables.discard(0)
    with pytest.raises(Conflict):
        await tables.discard(1, held=a_head(3))
    assert await scanned(tables, 1) != []
    await tables.discard(1, held=FIRST.head)
    assert (await tables.load(0)).head is None
    assert (await tables.load(1)).head == FIRST.head
    for number in (0, 1):
        assert await scanned(tables, number) == []
        assert not len((await tables.read_group(number, 0)).keys)
    with pytest.raises(Conflict):
        await tables.commit(1, FIRST._replace(head=a_head(3)))


async def test_notes_are_kept_by_name(tables: Tables) -> None:
    """Workers agree by them on which segment values are shown."""
    assert await tables.note("shown", None) is None
    assert await tables.note("shown", b"\x00one") == b"\x00one"
    assert await tables.note("sizes:0", b"") == b""
    assert await tables.note("shown", b"two") == b"two"
    assert await tables.note("shown", None) == b"two"
    assert await tables.note("sizes:0", None) == b""


async def test_entries_of_a_log_stay_in_the_order_in_which_they_were_added(tables: Tables) -> None:
    """Who changed a target, and when, must not be rewritten by the next who does."""
    assert await tables.entries("targets") == []
    await asyncio.gather(*(tables.append("targets", b"\x00%d" % n) for n in range(20)))
    first = await tables.entries("targets")
    assert sorted(first) == sorted(b"\x00%d" % n for n in range(20))
    await tables.append("targets", b"last")
    assert await tables.entries("targets") == [*first, b"last"]
    assert await tables.entries("targets", 19) == [first[19], b"last"]
    assert await tables.entries("targets", 21) == []
    assert await tables.entries("others") == []


@pytest.mark.parametrize("server", ["redis_server", "redis_cluster"])
async def test_streams_with_two_prefixes_share_a_redis(server: str, request: pytest.FixtureRequest) -> None:
    """A test stream beside the live one may not touch its numbers."""
    url = request.getfixturevalue(server).url
    async with redis_tables(url, "one") as one, redis_tables(url, "one.two") as two:
        await one.commit(0, FIRST)
        await one.mark(StreamMark("one", 1, "{}"))
        assert (await two.load(0)).head is None
        assert await two.read_mark() is None
        await two.commit(0, a_commit(None, a_head(9), states={"a": b"of two"}))
        assert await one.read_states(0, ["a"]) == [b"state of a"]


async def scanned(tables: Tables, partition: int) -> list[tuple[str, bytes]]:
    """Return what a scan of a partition yields, in order of customers."""
    slices = [states async for found, states in tables.scan_states([partition]) if found == partition]
    assert all(slices), "a slice without customers is no slice"
    states = sorted(customer for states in slices for customer in states)
    customers = [customer async for _, some in tables.scan_customers([partition]) for customer in some]
    assert sorted(customers) == [customer for customer, _ in states], "without states the scan finds the same"
    return states


async def test_a_scan_yields_every_customer_of_its_partition_once(tables: Tables) -> None:
    """Cohorts and lifetimes are made of it: one customer twice, or of another partition, is a wrong table."""
    assert await scanned(tables, 1) == []
    states = [{f"customer {n} of {partition}": b"state %d" % n for n in range(size)} for partition, size in SIZES]
    for (partition, _), mine in zip(SIZES, states, strict=True):
        names = {"plan": ["pro"]}
        await tables.commit(partition, a_commit(None, a_head(1), states=mine, cells={0: {0: 1}}, names=names))
    for (partition, _), mine in zip(SIZES, states, strict=True):
        assert await scanned(tables, partition) == sorted(mine.items())


async def test_one_scan_yields_the_customers_of_several_partitions(tables: Tables) -> None:
    """Partitions share a Redis: a scan for each would walk over all keys as often as there are partitions."""
    names = ("0}:s:b", "n:plan", "{2}:s:c", *(f"customer {n}" for n in range(2_500)))
    states = {partition: dict.fromkeys(names, b"%d" % partition) for partition in (0, 2, 7, 1_000_000)}
    for partition, mine in states.items():
        await tables.commit(partition, a_commit(None, a_head(1), states=mine, names={"plan": ["}:s:"]}))
    found: dict[int, list[tuple[str, bytes]]] = {0: [], 5: [], 7: []}
    async for partition, some in tables.scan_states([0, 5, 7]):
        assert some, "a slice without customers is no slice"
        found[partition] += some
    expected = {0: sorted(states[0].items()), 5: [], 7: sorted(states[7].items())}
    alone = [(partition, customer) async for partition, some in tables.scan_customers([0, 5, 7]) for customer in some]
    assert sorted(alone) == sorted((partition, customer) for partition in (0, 7) for customer in names)
    assert {partition: sorted(some) for partition, some in found.items()} == expected


async def test_a_scan_yields_the_states_of_customers_with_any_name(tables: Tables) -> None:
    """A name may look like a pattern, or like a key of another kind."""
    states = {name: name.encode() for name in ("*", "[a]", "{1}", "h", "s:", ":", "🙂", "\x00", "a b\n", "?", "\\")}
    await tables.commit(0, a_commit(None, a_head(1), states=states))
    assert await scanned(tables, 0) == sorted(states.items())


async def test_a_scan_that_commits_overtake_misses_nobody_who_was_there(tables: Tables) -> None:
    """A stream does not stand still while a table is made; growing makes Redis lay out its keys anew meanwhile."""
    known = {f"known {n}": b"old" for n in range(17_000)}
    await tables.commit(0, write_all([a_commit(None, a_head(0), states=known)]))
    found: list[str] = []
    n = 0
    async for _, states in tables.scan_states([0]):
        found += [customer for customer, _ in states]
        fresh = {f"fresh {n} {m}": b"new" for m in range(6_000)}
        await tables.commit(0, a_commit(a_head(n), a_head(n + 1), states={**fresh, "known 1": b"new"}))
        n += 1
    assert n > 1
    assert len(found) == len(set(found))
    assert known.keys() - set(found) == set()


async def test_a_commit_that_forgets_removes_state_and_request_and_relists_restatements(tables: Tables) -> None:
    """All in one step: a customer who is half forgotten counts twice, or names themselves."""
    entries = [PeriodUpdate("2025-01", [b"of a", b"of b"], 2, {"customers_at_start": 1})]
    await tables.commit(0, FIRST._replace(restated=entries))
    await tables.ask_to_forget(0, "a", b"first")
    await tables.ask_to_forget(0, "a", b"second")
    await tables.ask_to_forget(0, "a", b"third", b"other")
    await tables.ask_to_forget(0, "b", b"of nobody", b"known")
    await tables.ask_to_forget(0, "b", b"of b")
    assert await tables.forget_requests(0) == {"a": b"first", "b": b"of b"}
    await tables.ask_to_forget(0, "a", b"in its place", b"first")
    assert await tables.forget_requests(0) == {"a": b"in its place", "b": b"of b"}
    assert await tables.forget_requests(1) == {}
    erasure = Erasure(["a"], {"2025-01": [b"nobody", b"of b"]}, {"a": None, "b": b"decided"})
    second = a_commit(FIRST.head, a_head(2), states={"pseudonym": b"state of a"})
    second = write_all([FIRST, second])._replace(erasure=erasure)
    await tables.commit(0, second)
    assert await tables.read_states(0, ["a", "b", "pseudonym"]) == [None, b"\x00\xff", b"state of a"]
    assert await tables.forget_requests(0) == {"b": b"decided"}
    found = (await tables.restated(0, ["2025-01"]))["2025-01"]
    assert (found.revision, found.entries) == (2, [b"nobody", b"of b"])
    with pytest.raises(Conflict):
        await tables.commit(0, second._replace(head=a_head(3), erasure=Erasure(["b"], {}, {"b": None})))
    assert await tables.forget_requests(0) == {"b": b"decided"}
    assert await tables.read_states(0, ["b"]) == [b"\x00\xff"]


async def test_what_a_commit_writes_to_its_place_leaves_the_redo_log(tables: Tables) -> None:
    """What was in the log alone is read from its place from then on; the log stays short."""
    first = a_commit(None, a_head(1), states={"a": b"1", "b": b"1"}, cells={0: {5: 1, 300: 7}, 1: {0: -(2**63)}})
    second = a_commit(first.head, a_head(2), states={"a": b"2", "c": b"2"}, cells={0: {5: 2, 7: -1}})
    await tables.commit(0, first)
    await tables.commit(0, second)
    assert await tables.read_written(0, ["a", "b", "c"]) == [None, None, None]
    assert [states_of(entry) for entry in (await tables.read_redo(0)).entries] == [first.states, second.states]
    before = await LOOK.of(tables)
    third = write_all([first, second, a_commit(second.head, a_head(3))])
    await tables.commit(0, third)
    await tables.commit(0, third)  # its answer was lost
    assert await LOOK.of(tables) == (third.head, *before[1:])
    assert await tables.read_written(0, ["a", "b", "c"]) == [b"2", b"1", b"2"]
    assert amounts_of(await tables.read_group(0, 0)) == {0: {5: 2, 7: -1, 300: 7}}
    assert amounts_of(await tables.read_spans(0, [1 << 28, 0, 1, 2])) == {0: {5: 2, 7: -1, 300: 7}, 1: {0: -(2**63)}}
    found = await tables.read_redo(0)
    assert (found.head, [states_of(entry) for entry in found.entries]) == (third.head, [{}])
    with pytest.raises(Conflict):
        await tables.commit(0, third._replace(expected=a_head(9), head=a_head(10), written=Written({"a": b"zombie"})))
    assert await tables.read_written(0, ["a"]) == [b"2"]


async def test_the_redo_log_holds_what_is_true_whatever_lies_in_its_place(tables: Tables) -> None:
    """Places are behind the log, and a customer who is new lies in the log alone."""
    first = a_commit(None, a_head(1), states={"a": b"old", "b": b"old"}, cells={0: {5: 1, 6: 1}})
    await tables.commit(0, write_all([first]))
    second = a_commit(first.head, a_head(2), states={"a": b"new", "c": b"new"}, cells={0: {5: 0}, 1: {1: 1}})
    await tables.commit(0, second)
    head, _, states, cells = await LOOK.of(tables)
    assert (head, states) == (second.head, [b"new", b"old", b"new"])
    assert cells == {0: {6: 1}, 1: {1: 1}, 1 << 16 | 3: {}}
    assert await scanned(tables, 0) == [("a", b"new"), ("b", b"old"), ("c", b"new")]
    third = a_commit(second.head, a_head(3), states={"a": b"newest"})._replace(written=Written({}, {}, kept=2))
    await tables.commit(0, third)
    assert [states_of(entry) for entry in (await tables.read_redo(0)).entries] == [second.states, third.states]
    assert await scanned(tables, 0) == [("a", b"newest"), ("b", b"old"), ("c", b"new")]


async def test_a_commit_that_forgets_leaves_nothing_in_the_redo_log(tables: Tables) -> None:
    """What a customer did lies there too, for as long as it is not written to its place."""
    first = a_commit(None, a_head(1), states={"a": b"secret", "b": b"of b"})
    await tables.commit(0, first)
    second = a_commit(first.head, a_head(2))._replace(
        erasure=Erasure(["a"]), written=Written({"a": b"secret", "b": b"of b", "pseudonym": b"secret"}, {}, kept=1)
    )
    await tables.commit(0, second)
    assert await tables.read_states(0, ["a", "b", "pseudonym"]) == [None, b"of b", b"secret"]
    assert await scanned(tables, 0) == [("b", b"of b"), ("pseudonym", b"secret")]
    assert [states_of(entry) for entry in (await tables.read_redo(0)).entries] == [{}]


async def test_requests_to_forget_outlive_tables_that_are_cleared(tables: Tables) -> None:
    """They are no part of what is counted anew: somebody waits for them."""
    await tables.commit(0, FIRST)
    await tables.ask_to_forget(0, "a", b"request")
    await tear(tables, 0)
    await tables.clear(0)
    assert await tables.forget_requests(0) == {"a": b"request"}
    assert (await tables.load(0)).head is None
