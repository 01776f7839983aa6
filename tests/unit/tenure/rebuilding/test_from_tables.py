"""Tables built anew out of facts: every cell the same, whatever partitions there are; what lies beside goes along."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from pathlib import Path
from typing import Final

import pytest

from kpis.counting.cells import Cells, groups_of
from kpis.customer.customer import feedback_of, life_of
from kpis.customer.facts import STATE_VERSION
from kpis.customer.state import Customer, decode
from kpis.names import Names
from kpis.references import OFFSETS, PARTITIONS, moved_from, offset_of, partition_of, reference_of, topic_of
from kpis.surveys.sent import SentRequests
from schemas.documents.document import plain
from streams.batching.partitioner import partition_of as home_of
from streams.copying import cells_of_groups, copy_commit, head_commit, in_chunks
from streams.embedded.tables import MemoryTables
from streams.errors import StateUnreadable
from streams.partition.state import read_head
from streams.settings.meaning import names_of
from streams.settings.settings import Settings
from streams.survey_schedule import SCHEDULES, Schedule, encode_schedule, read_schedule
from streams.tables import Erasure, Head, Restated, StreamMark, Tables, decode_head, encode_head
from tenure.files.replay import Replayed, replayed
from tenure.rebuilding.comparing import ComparedTables, Side, compare
from tenure.rebuilding.from_tables import TablesBuilder
from tenure.reports.periods import list_of
from tenure.stored.customers import scan_all
from tenure.stored.marks import read_marks
from tests.recount.short_events import activity, cancel, change, signup
from tests.unit.streams.partitions import ALSO_MINE, MINE, on_virtual_time
from tests.unit.tenure.reports.test_periods import NOW_MS, late_tables

GOLDEN: Final = Path(__file__).parents[4] / "docs" / "examples" / "golden.ndjson"
VERSION_3: Final = Path(__file__).parent / "tables_of_version_3.json"
SETTINGS: Final = Settings()
AT_MS: Final = 1_744_675_200_000
LAST: Final = encode_head(Head(STATE_VERSION, commits=99))


@pytest.fixture(scope="module")
def golden() -> Replayed:
    """The published example, replayed into four partitions."""
    return asyncio.run(replayed(str(GOLDEN), SETTINGS))


async def built(source: MemoryTables, before: int, partitions: int, settings: Settings = SETTINGS) -> MemoryTables:
    """Return tables built out of others that nobody writes to."""
    target = source.beside(1)
    for number in range(max(before, partitions)):
        await target.discard(number)
        await target.discard(SCHEDULES + number)
    builder = TablesBuilder(
        settings, source, target, in_use=before, counted_with=before, partitions=partitions, tell=lambda _: None
    )
    await builder.build()
    heads = {number: head for number in range(before) if (head := await source.read_head(number)) is not None}
    await builder.finish({number: decode_head(head) for number, head in heads.items()})
    return target


async def compared(source: Tables, before: int, target: Tables, after: int) -> ComparedTables:
    """Return the comparison of two generations."""
    return await compare(Side(SETTINGS, source, before), Side(SETTINGS, target, after), at_ms=1_743_465_600_000)


@pytest.mark.parametrize("partitions", [4, 5, 8, 13])
def test_every_cell_is_the_same_in_any_number_of_partitions(golden: Replayed, partitions: int) -> None:
    """Facts are all that numbers are made of; a cell that differs would be a count that changed without an event."""

    async def test() -> None:
        target = await built(golden.tables, 4, partitions)
        found = await compared(golden.tables, 4, target, partitions)
        assert found.cells > 100
        assert found == ComparedTables(found.cells, 0, [])
        for number in range(partitions):
            assert all(home_of(name.encode(), partitions) == number for name in target.states(number))

    asyncio.run(test())


def test_a_cell_that_is_wrong_is_found(golden: Replayed) -> None:
    """A comparison that finds nothing must have looked."""

    async def test() -> None:
        target = await built(golden.tables, 4, 8)
        number = next(number for number in range(8) if target.states(number))
        head = await target.read_head(number)
        assert head is not None
        names = names_of(SETTINGS)
        names.restore((await target.load(number)).names)
        keys, amounts = next(in_chunks(await cells_of_groups(target, number, groups_of(names)), 1))
        amounts[0] += 1
        await target.commit(number, copy_commit(head, head + b" ", cells=Cells(keys, amounts)))
        await target.commit(number, head_commit(head + b" ", head))
        assert (await compared(golden.tables, 4, target, 8)).different_cells == 1

    asyncio.run(test())


async def _places(tables: Tables, partitions: int) -> dict[str, list[tuple[str, int, int, str, str]]]:
    """Return by customer where the records of their facts lie, and what the facts name."""
    out: dict[str, list[tuple[str, int, int, str, str]]] = {}
    async for found in scan_all(SETTINGS, tables, range(partitions)):
        for name, state in found.states:
            customer = decode(state)
            out[name] = [
                _place(
                    fact.reference, found.partition, found.names, getattr(fact, "plan", 0), getattr(fact, "reason", 0)
                )
                for fact in (*life_of(customer), *feedback_of(customer))
            ]
    return out


def _place(reference: int, own: int, names: Names, plan: int, reason: int) -> tuple[str, int, int, str, str]:
    partition = partition_of(reference)
    where = own if partition is None else partition
    topic = names.topic_names[topic_of(reference)]
    return topic, where, offset_of(reference), names.plan_names[plan], names.reason_names[reason]


def test_records_are_found_where_they_lie_after_two_moves(golden: Replayed) -> None:
    """Explanations look events up in Kafka, whose records did not move when their customers did."""

    async def test() -> None:
        eight = await built(golden.tables, 4, 8)
        sixteen = eight.beside(2)
        builder = TablesBuilder(SETTINGS, eight, sixteen, in_use=8, counted_with=8, partitions=16, tell=lambda _: None)
        await builder.finish({number: decode_head(await eight.read_head(number) or b"") for number in range(8)})
        assert await _places(sixteen, 16) == await _places(golden.tables, 4)

    asyncio.run(test())


def test_a_reference_that_does_not_fit_says_nothing() -> None:
    """Better none than another record's."""
    place = moved_from(reference_of(OFFSETS - 1, 15), PARTITIONS - 1, 3)
    assert (partition_of(place), offset_of(place), topic_of(place)) == (PARTITIONS - 1, OFFSETS - 1, 3)
    assert place < 1 << 48
    assert moved_from(reference_of(7, 1), PARTITIONS, 1) == 0


def test_restatements_go_with_their_customers_and_are_told_as_before() -> None:
    """A month that was closed has its revisions on record, whatever partitions there are now."""

    async def test() -> None:
        source = (await late_tables()).tables
        before = await list_of(SETTINGS, source, partitions=2, now_ms=NOW_MS, limit=100)
        target = await built(source, 2, 5)
        after = await list_of(SETTINGS, target, partitions=5, now_ms=NOW_MS, limit=100)
        assert plain(after) == plain(before)
        moved = home_of(MINE.encode(), 5)
        assert moved not in (0, 1), "the example must move"
        assert await target.restated(moved)

    on_virtual_time(test)


def test_restatement_that_comes_between_two_looks_goes_with_a_customer_whose_state_was_taken_over_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Restatements are read before customers: an event that comes in between is in the state alone."""

    async def test() -> None:
        source = (await late_tables()).tables
        before = await list_of(SETTINGS, source, partitions=2, now_ms=NOW_MS, limit=100)
        target = source.beside(1)
        builder = TablesBuilder(SETTINGS, source, target, in_use=2, counted_with=2, partitions=5, tell=lambda _: None)

        async def none_yet(*_: object) -> dict[str, Restated]:
            return {}

        with monkeypatch.context() as earlier:
            earlier.setattr(source, "restated", none_yet)
            await builder.build()
        await builder.finish({0: decode_head(await source.read_head(0) or b"")})
        moved = home_of(MINE.encode(), 5)
        assert {name: each.revision for name, each in (await target.restated(moved)).items()} == {
            "2026-01": 2,
            "2026-02": 2,
        }
        after = await list_of(SETTINGS, target, partitions=5, now_ms=NOW_MS, limit=100)
        assert plain(after) == plain(before)

    on_virtual_time(test)


def test_marks_are_of_no_customer(tmp_path: Path) -> None:
    """They lie in a state, so that whoever counts states counts one too many."""
    company = tmp_path / "company.ndjson"
    company.write_text("".join(f"{json.dumps(event)}\n" for event in _events()))
    told: list[int] = []

    async def test() -> None:
        before = await replayed(str(company), SETTINGS)
        target = before.tables.beside(1)
        builder = TablesBuilder(
            SETTINGS, before.tables, target, in_use=4, counted_with=4, partitions=4, tell=told.append
        )
        await builder.build()
        assert (builder.customers, max(told)) == (40, 40)

    asyncio.run(test())


def test_whoever_was_asked_is_not_asked_again_by_another_partition() -> None:
    """A survey that comes twice annoys exactly those whose mind is wanted."""
    day = 86_400_000

    async def test() -> None:
        source = (await late_tables()).tables
        for number, until_ms in ((0, 40 * day), (1, 50 * day)):
            asked = SentRequests({}, from_ms=0)
            for name in (MINE, ALSO_MINE) if number == 0 else ():
                asked.add(name, 39 * day)
            pending = [("regular", MINE, b"request")] if number == 0 else []
            schedule = Schedule(1, 1 * day, until_ms, pending, 7, b"w")
            commit = copy_commit(None, encode_schedule(schedule), states=asked.take_changes())
            await source.commit(SCHEDULES + number, commit)
        target = await built(source, 2, 5)
        for name in (MINE, ALSO_MINE):
            home = SCHEDULES + home_of(name.encode(), 5)
            schedule = read_schedule(0, await target.read_head(home) or b"")
            slots = ["39", "40"]
            values = dict(zip(slots, await target.read_states(home, slots), strict=True))
            assert SentRequests(values, from_ms=0).is_quiet(name, 40 * day, 7 * day)
            assert [each[1] for each in schedule.pending] == [MINE] * (home == SCHEDULES + home_of(MINE.encode(), 5))
            assert schedule.until_ms == 40 * day  # nobody is left out either: the first had got so far

    on_virtual_time(test)


def test_requests_to_forget_somebody_go_where_they_are_carried_out() -> None:
    """Somebody asked to be erased; a rebuild must not lose that."""

    async def test() -> None:
        source = (await late_tables()).tables
        await source.ask_to_forget(0, MINE, b"request")
        target = await built(source, 2, 5)
        assert await target.forget_requests(home_of(MINE.encode(), 5)) == {MINE: b"request"}

    on_virtual_time(test)


def test_what_changes_between_two_looks_is_taken_over() -> None:
    """The stream goes on while its tables are built anew: states change, customers come and go."""

    async def test() -> None:
        earlier, later = await late_tables(cancelled=False), await late_tables()
        source, target = earlier.tables, earlier.tables.beside(1)
        builder = TablesBuilder(SETTINGS, source, target, in_use=2, counted_with=2, partitions=3, tell=lambda _: None)
        await builder.build()
        source._shared = later.tables._shared
        await source.commit(
            0, copy_commit((await source.read_head(0)), LAST, states=source.states(0), erasure=Erasure(gone=["c9"]))
        )
        heads = {0: decode_head(LAST)}
        await builder.finish(heads)
        states = {name for number in range(3) for name in target.states(number)}
        assert states == set(source.states(0))
        anew = source.beside(2)
        again = TablesBuilder(SETTINGS, source, anew, in_use=2, counted_with=2, partitions=3, tell=lambda _: None)
        await again.finish(heads)
        assert (await compared(target, 3, anew, 3)).equal

    on_virtual_time(test)


def test_a_mark_is_put_in_place_of_the_one_that_was_read_alone() -> None:
    """Of two builds that end at once, one has lost."""

    async def test() -> None:
        tables = MemoryTables()
        first = await tables.mark(StreamMark("group", 2, "{}", "id"))
        assert await tables.switch(first, first._replace(generation=1))
        assert not await tables.switch(first, first._replace(generation=2))

    asyncio.run(test())


def test_names_of_another_partition_get_numbers_whatever_the_limit_is() -> None:
    """A limit that was lowered since must not turn a plan into `other` on the way."""
    names = names_of(Settings(max_segment_values=16))
    numbers = [names.adopt("plan", f"plan-{n}") for n in range(40)]
    assert [names.plan_names[number] for number in numbers] == [f"plan-{n}" for n in range(40)]
    assert names.adopt("plan", "plan-3") == numbers[3]


def test_tables_that_version_3_has_written_count_as_ours(golden: Replayed) -> None:
    """The published example, as the program of that version stored it: facts in their places, counters unread."""

    async def test() -> None:
        source = MemoryTables()
        for number, stored in enumerate(json.loads(VERSION_3.read_text())["partitions"]):
            head = b64decode(stored["head"])
            assert decode_head(head).version == 3
            states = {name: b64decode(state) for name, state in stored["states"].items()}
            await source.commit(number, copy_commit(None, head, states=states, names=stored["names"]))
        with pytest.raises(StateUnreadable):
            read_head(0, await source.load(0))
        for partitions in (4, 8):
            target = await built(source, 4, partitions)
            assert (await compared(golden.tables, 4, target, partitions)).equal

    asyncio.run(test())


def test_all_that_a_state_names_by_number_is_renumbered() -> None:
    """A member that is added, and holds numbers of names, belongs into `Renumbering` too."""
    without_names = {
        "is_open", "active", "first_at", "last_at", "feedback_at", "engaged_bucket", "active_bucket", "facts", "acts",
        "runs", "onboarded",
    }  # fmt: skip
    renumbered = {"plan", "profile", "first_plan", "life", "feedback", "used", "recent", "rare", "touchpoints"}
    assert set(Customer.__struct_fields__) == without_names | renumbered


def test_other_settings_count_the_same_facts_as_a_replay_under_them(tmp_path: Path) -> None:
    """A setting that decides what numbers mean may be changed later, and nothing has to be sent again."""
    company = tmp_path / "company.ndjson"
    company.write_text("".join(f"{json.dumps(event)}\n" for event in _events()))
    others = Settings(
        free_plans="customers",
        paused_customers="lost",
        trial_days=10,
        business_time_zone="Asia/Tokyo",
        windows_days=(3,),
    )

    async def test() -> None:
        before, expected = [await replayed(str(company), settings) for settings in (SETTINGS, others)]
        target = await built(before.tables, 4, 6, others)
        found = await compare(Side(others, expected.tables, 4), Side(others, target, 6), at_ms=AT_MS)
        assert found == ComparedTables(found.cells, 0, [])
        as_before = await compare(Side(SETTINGS, before.tables, 4), Side(others, target, 6), at_ms=AT_MS)
        assert as_before.differences
        assert [mark.title for mark in await read_marks(others, target, 6)] == ["Dearer"]

    asyncio.run(test())


def _events() -> list[dict[str, object]]:
    """Return events in which each of the settings makes a difference."""
    out: list[dict[str, object]] = []
    for n in range(40):
        who, day = f"c{n}", f"2025-03-{1 + n % 20:02}"
        out += [
            signup(
                who, f"{day}T19:30:00Z", "free" if n % 3 == 0 else "pro", 0 if n % 3 == 0 else 900, trial=n % 4 == 0
            ),
            activity(who, f"{day}T20:00:00Z"),
            change(who, f"2025-04-{1 + n % 9:02}T18:45:00Z", "team", 2000),
        ]
        if n % 5 == 0:
            out.append({"type": "pause", "id": f"p{n}", "customer_id": who, "time": "2025-04-12T00:00:00Z"})
        if n == 3:
            out.append({"type": "mark", "id": "m", "time": "2025-04-01T00:00:00Z", "kind": "price", "title": "Dearer"})
        if n % 7 == 0:
            out.append(cancel(who, "2025-04-14T23:00:00Z"))
    return out
