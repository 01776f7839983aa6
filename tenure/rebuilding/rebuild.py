"""Rebuilding: builds new tables beside those that hold, compares every count, and puts them in their place.

The stream goes on while they are built. Then it is held still for a moment (`streams.holding`): what has come since is
taken over, and everything is compared. One write of the mark puts the new tables in place; workers begin again with
them by themselves. Killed before that, nothing has changed, and workers go on after `SILENCE_SECONDS`;
killed after it, a worker or the next rebuild does the rest (`tenure.stored.switching`).
Design: docs/decisions, rebuilding beside the stream.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from kpis.customer.facts import CONVERTIBLE_VERSIONS, STATE_VERSION
from kpis.instants import end_of_bucket_ms, instant_text
from schemas.documents.rebuilding import PastRebuild, Rebuilding, RebuiltNumber
from streams.clock import WallClock
from streams.errors import COUNT_ELSEWHERE, CheckFailed, ConfigurationError, StateUnreadable, Superseded, UsageError
from streams.holding import Hold, unheld
from streams.partition.added import partitions_in_use
from streams.settings.settings import MEANING, Settings
from streams.survey_schedule import SCHEDULES
from streams.tables import Head, StreamMark, Tables, decode_head, version_of
from tenure.operations.topics import State, look
from tenure.rebuilding.comparing import ComparedTables, Side, compare
from tenure.stored.opening import open_tables
from tenure.stored.switching import REBUILDS, TablesSwitch, finish_switch, note_switch

Source = Literal["tables", "kafka"]
FROM_FACTS: Final = frozenset({"windows_days", "business_time_zone", "free_plans", "paused_customers", "trial_days"})
"""Settings that decide what numbers mean, and on which facts do not depend: they may be others from now on."""
_BUILD: Final = "build"
_DIFFERENCES_TOLD: Final = 1_000


class NewTables(Protocol):
    """A way to fill new tables."""

    @property
    def customers(self) -> int:
        """Return how many customers were taken over (count)."""

    async def build(self) -> None:
        """Fill them as far as that goes while the stream goes on."""

    async def finish(self, heads: Mapping[int, Head]) -> None:
        """Bring them to where the stream is held still."""


class Wish(NamedTuple):
    """A wish for a rebuild.

    Attributes:
        source: What to count: the facts in the tables, or all records in Kafka.
        partitions: Over which customers are to be spread (count); None: as many as now.
        yes: Do it; else only say what would be done.
        accept_differences: Put the new tables in place where they count otherwise, too.
        by: Who says so.
        reason: Why.
    """

    source: Source
    partitions: int | None
    yes: bool
    accept_differences: bool
    by: str
    reason: str


class RebuildPlan(NamedTuple):
    """A rebuild that could be done."""

    mark: StreamMark
    #: the settings that the tables were counted under
    before: Settings
    partitions: int
    #: partitions that have something stored (count)
    in_use: int
    #: settings that change with it
    changed: list[str]
    #: whether an earlier version has stored the tables
    older: bool


async def rebuild(settings: Settings, wish: Wish, tell: Callable[[str], None]) -> Rebuilding:
    """Do what is asked for, and say what became of it.

    Args:
        settings: Of the stream, as they are to be from now on.
        wish: What is asked for.
        tell: Told in a line how far it is, now and then.

    Raises:
        UsageError: There is no stream, or it cannot be spread so.
        ConfigurationError: A setting is another that facts depend on, and Kafka was not asked for.
        CheckFailed: Another command is at work, Kafka lacks records, or the stream went on meanwhile.
        Superseded: Another command has put new tables in place meanwhile.
        StateUnreadable: Nothing says how far a partition was counted.
        TenureError: Kafka or Redis does not answer.
    """
    async with _opened(settings) as (tables, mark):
        plan = await _plan(settings, tables, mark, wish)
        earlier = [msgspec.json.decode(entry, type=PastRebuild) for entry in await tables.entries(REBUILDS)]
        if wish.source == "kafka":
            _check_never_spread(earlier)
        document = Rebuilding(
            outcome="planned",
            source=wish.source,
            partitions_before=mark.partitions,
            partitions=plan.partitions,
            settings=plan.changed,
            customers=None,
            cells=None,
            different_cells=None,
            compared="nothing",
            differences=[],
            held_seconds=None,
            earlier=earlier,
        )
        return await _do(settings, tables, plan, wish, document, tell) if wish.yes else document


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Tables, StreamMark]]:
    async with open_tables(settings) as (tables, mark):
        if mark is None:
            raise UsageError(f"no stream has written to {settings.redis_address} under {settings.redis_prefix!r} yet")
        if mark.group != settings.group:
            raise ConfigurationError(
                "TENURE_GROUP", settings.group, f"the tables belong to the group {mark.group!r}; set that one"
            )
        yield tables, mark


async def _plan(settings: Settings, tables: Tables, mark: StreamMark, wish: Wish) -> RebuildPlan:
    partitions = wish.partitions or mark.partitions
    if partitions < mark.partitions:
        raise UsageError(f"--partitions {partitions}: customers are spread over {mark.partitions}; give more, or none")
    if partitions != mark.partitions:
        if wish.source == "kafka":
            raise UsageError("--partitions goes with the tables; build from Kafka first, and then into more partitions")
        await _check_topics(settings, partitions)
    in_use = await partitions_in_use(tables, mark)
    older = await _is_older(tables, in_use, wish.source)
    meaning = json.loads(mark.meaning)
    ours = json.loads(settings.fingerprint())
    changed = [name for name in MEANING if name not in meaning or meaning[name] != ours[name]]
    if wish.source == "tables":
        for name in changed:
            if name == "topics" and meaning[name].items() <= ours[name].items():
                continue  # this version reads more of them, from their beginning
            if name not in FROM_FACTS or name not in meaning:
                raise ConfigurationError(
                    "TENURE_" + name.upper(),
                    json.dumps(ours[name]),
                    f"stored facts were made with {json.dumps(meaning.get(name))}; set it back, or add --from kafka",
                )
    return RebuildPlan(mark, _settings_of(settings, meaning, changed), partitions, in_use, changed, older)


def _check_never_spread(earlier: list[PastRebuild]) -> None:
    """Refuse to count from Kafka what was spread over more partitions meanwhile.

    What was sent before lies where its customers were then. The stream counted it there and forwarded nothing, so that
    it would be missing from the new tables.

    Raises:
        UsageError: It was.
    """
    for entry in earlier:
        if entry.partitions_before < entry.partitions:
            raise UsageError(
                f"--from kafka: customers were spread over {entry.partitions} partitions instead of "
                f"{entry.partitions_before} at {entry.at}, and what was sent before lies where they were then; leave "
                "it out, or count in another group and redis_prefix: docs/rebuilding.md"
            )


async def _is_older(tables: Tables, in_use: int, source: Source) -> bool:
    """Return whether an earlier version has stored the tables; refuse facts that this one cannot read.

    Raises:
        StateUnreadable: A head is none, as after a commit in part: nothing says how far its partition was counted.
        UsageError: An earlier version has stored facts that this one does not read.
    """
    older = False
    for number in range(in_use):
        head = unheld(await tables.read_head(number))
        version = STATE_VERSION if head is None else version_of(head)
        if version == STATE_VERSION:
            continue
        if version is None:
            raise StateUnreadable(number, f"its head is no head of ours; {COUNT_ELSEWHERE}")
        if source == "tables" and version not in CONVERTIBLE_VERSIONS:
            raise UsageError(
                f"the tables have version {version}, and this program reads facts of {STATE_VERSION}; add --from kafka"
            )
        older = True
    return older


def _settings_of(settings: Settings, meaning: Mapping[str, object], changed: list[str]) -> Settings:
    """Return the settings that tables were counted under."""
    known = {name: meaning[name] for name in changed if name in meaning}
    return Settings(**{**settings.model_dump(exclude={*known}, exclude_unset=True), **known})


async def _check_topics(settings: Settings, partitions: int) -> None:
    for topic in await look(settings):
        if topic.is_input and (topic.state is State.MISSING or (topic.partitions or 0) < partitions):
            raise UsageError(
                f"--partitions {partitions}: {topic.topic} has {topic.partitions or 0}; run "
                f"`tenure topics --grow --partitions {partitions}` first, the stream may go on meanwhile"
            )


def _builder(
    settings: Settings, tables: Tables, target: Tables, plan: RebuildPlan, source: Source, tell: Callable[[str], None]
) -> NewTables:
    # Sums of restatements mean something else where months, or what counts in them, are others.
    keeps = not set(plan.changed) - {"topics"}
    if source == "kafka":
        from tenure.rebuilding.from_kafka import KafkaBuilder  # noqa: PLC0415 - Faust takes a second

        return KafkaBuilder(
            settings, tables, target, plan.mark, in_use=plan.in_use, keeps_restatements=keeps,
            tell=lambda left: tell(f"{left:,} records are left"),
        )  # fmt: skip
    from tenure.rebuilding.from_tables import TablesBuilder  # noqa: PLC0415 - likewise

    return TablesBuilder(
        settings, tables, target, in_use=plan.in_use, counted_with=plan.mark.partitions, partitions=plan.partitions,
        keeps_restatements=keeps,
        tell=lambda customers: tell(f"{customers:,} customers are taken over"),
    )  # fmt: skip


async def _do(
    settings: Settings, tables: Tables, plan: RebuildPlan, wish: Wish, document: Rebuilding, tell: Callable[[str], None]
) -> Rebuilding:
    target = tables.beside(plan.mark.generation + 1)
    spread = max(plan.partitions, plan.in_use)
    builder = _builder(settings, tables, target, plan, wish.source, tell)
    hold = Hold(tables, "tenure rebuild")
    async with hold.beating():
        await finish_switch(tables)
        await _begin(settings, tables, target, plan, wish.source)
        if not plan.older or wish.source == "kafka":  # of older tables states can be read once they are held
            await builder.build()
        heads = await _take(hold, plan.in_use, older=plan.older)
        held_at = time.monotonic()
        tell("the stream is held still")
        await builder.finish(heads)
        comparison = await _compare(settings, tables, target, plan, spread)
        document = _compared(document, comparison, builder.customers)
        if comparison is not None and not comparison.equal and not wish.accept_differences:
            await hold.give_back()
            await _discard(tables, target, spread)
            held = round(time.monotonic() - held_at, 3)
            return replace(document, outcome="different", held_seconds=held)
        await hold.check()
        await _switch(tables, plan, settings, hold, _entry(document, wish))
        held = round(time.monotonic() - held_at, 3)
        await tables.note(_BUILD, b"")
        await finish_switch(tables)
    return replace(document, outcome="switched", held_seconds=held)


async def _switch(tables: Tables, plan: RebuildPlan, settings: Settings, hold: Hold, entry: PastRebuild) -> None:
    """Put the new tables in place.

    Raises:
        CheckFailed: Somebody else has put others there.
        TablesUnavailable: Nothing is known of the outcome; a worker that begins again with the new tables finishes it.
    """
    mark = plan.mark
    new = mark._replace(partitions=plan.partitions, meaning=settings.fingerprint(), generation=mark.generation + 1)
    told = msgspec.json.encode(entry)
    take_back = await note_switch(
        tables, TablesSwitch(mark.generation, plan.in_use, mark.partitions, plan.partitions, told)
    )
    # Redis may have switched and not have answered: then nobody may go on with the old tables. Where it has not,
    # workers go on by themselves.
    hold.keep()
    if not await tables.switch(mark, new):
        await take_back()  # it may be the note of a switch that another command has made
        raise CheckFailed("somebody else has put other tables in place meanwhile; look at `tenure kpi`")


async def _begin(settings: Settings, tables: Tables, target: Tables, plan: RebuildPlan, source: Source) -> None:
    """Remove what an earlier try has left, unless it can be gone on with."""
    wanted = json.dumps([source, plan.partitions, plan.mark.generation, settings.fingerprint(), STATE_VERSION]).encode()
    if source == "kafka" and await tables.note(_BUILD, None) == wanted:
        return
    await _discard(tables, target, max(plan.partitions, plan.in_use))
    await tables.note(_BUILD, wanted)


async def _discard(tables: Tables, target: Tables, partitions: int) -> None:
    """Remove tables that are not in place.

    Raises:
        Superseded: They are by now: this process had stood still, and another command has built them meanwhile.
    """
    for number in range(partitions):
        mark = await tables.read_mark()
        if mark is None or mark.generation >= target.generation:
            raise Superseded(target.generation)
        await target.discard(number)
        await target.discard(SCHEDULES + number)


async def _take(hold: Hold, partitions: int, *, older: bool) -> dict[int, Head]:
    """Hold all partitions, and the schedules of surveys; return the heads of those that have one."""
    heads: dict[int, Head] = {}
    for number in range(partitions):
        head = await hold.take(number, without_log=older)
        if head is not None:
            heads[number] = decode_head(head)
        await hold.take(SCHEDULES + number, if_there=True, without_log=older)
    return heads


async def _compare(
    settings: Settings, tables: Tables, target: Tables, plan: RebuildPlan, partitions: int
) -> ComparedTables | None:
    """Compare; None where this version cannot read what holds."""
    at_ms = end_of_bucket_ms(WallClock().now_ms(), settings.bucket_minutes)
    after = Side(settings, target, partitions)
    try:
        return await compare(Side(plan.before, tables, plan.in_use), after, at_ms=at_ms)
    except StateUnreadable:
        return None


def _compared(document: Rebuilding, comparison: ComparedTables | None, customers: int) -> Rebuilding:
    if comparison is None:
        return replace(document, customers=customers)
    return replace(
        document,
        customers=customers,
        cells=comparison.cells or None,
        different_cells=comparison.different_cells if comparison.cells else None,
        compared="cells" if comparison.cells else "report",
        differences=[
            RebuiltNumber(number=each.number, before=_plain(each.before), after=_plain(each.after))
            for each in comparison.differences[:_DIFFERENCES_TOLD]
        ],
    )


def _plain(value: object) -> int | float | str | None:
    return value if isinstance(value, int | float | str) or value is None else json.dumps(value)


def _entry(document: Rebuilding, wish: Wish) -> PastRebuild:
    return PastRebuild(
        at=instant_text(WallClock().now_ms()),
        by=wish.by,
        reason=wish.reason,
        source=document.source,
        partitions_before=document.partitions_before,
        partitions=document.partitions,
        differences=len(document.differences),
        settings=document.settings,
    )
