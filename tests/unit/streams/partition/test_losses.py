"""What is lost, and what was given up: kept in the tables, matched by its offsets, seen in windows."""

from __future__ import annotations

import pytest

from kpis.counting.windows import Windows
from schemas.instants import DAY_MS
from streams.embedded.tables import MemoryTables
from streams.errors import CheckFailed, PositionOutOfRange, StateLost, TopicRecreated
from streams.partition.losses import (
    AcceptedLoss,
    Loss,
    LossStore,
    LostRange,
    count_by_window,
    covers,
    lost_range,
    touched_windows,
)

NOW_MS = 1_780_000_000_000 // DAY_MS * DAY_MS
SIGNUPS = LostRange("signup", "records", 500, 900)
CANCELS = LostRange("cancel", "records", 10, 20)
LOSS = Loss(3, [SIGNUPS, CANCELS], NOW_MS - 3 * DAY_MS, NOW_MS - 2 * DAY_MS)


def accepted(loss: Loss = LOSS) -> AcceptedLoss:
    """Return a loss that somebody has accepted."""
    return AcceptedLoss(loss, "ada", NOW_MS, "no backup")


async def test_what_waits_and_what_was_accepted_is_kept_in_the_tables() -> None:
    """The command, and a worker that starts later, know of it from nowhere else."""
    store = LossStore(MemoryTables())
    assert (await store.waiting(3), await store.accepted()) == (None, [])
    await store.put_waiting(3, LOSS)
    await store.accept(accepted())
    assert (await store.waiting(3), await store.waiting(2), await store.accepted()) == (LOSS, None, [accepted()])
    await store.put_waiting(3, None)
    assert await store.waiting(3) is None


async def test_entries_of_another_version_are_refused_by_name() -> None:
    """A traceback in the middle of an outage helps nobody."""
    tables = MemoryTables()
    await tables.append("losses", b"{}")
    with pytest.raises(CheckFailed, match="accepted loss 1 in Redis cannot be read"):
        await LossStore(tables).accepted()


@pytest.mark.parametrize(
    ("loss", "covered"),
    [
        (LOSS, True),
        (Loss(3, [CANCELS]), True),  # the worker ended when the first topic had gone on
        (Loss(3, [SIGNUPS, CANCELS], None, None), True),  # times are for people
        (Loss(3, [LostRange("signup", "records", 500, 950)]), False),  # retention went on
        (Loss(3, [LostRange("signup", "records", 950, 990)]), False),  # a second loss
        (Loss(3, [LostRange("signup", "topic", 500, 900, "id")]), False),  # of another kind
        (Loss(4, [SIGNUPS]), False),  # of another partition
    ],
)
def test_acceptance_covers_the_offsets_that_were_shown_and_no_others(loss: Loss, covered: bool) -> None:
    """Whoever accepted a loss of ten records has not accepted the next one of a million."""
    assert (covers([accepted()], loss) is not None) is covered


@pytest.mark.parametrize(
    ("since_days", "until_days", "touched"),
    [
        (3, 2, ["7d", "30d"]),
        (None, 2, ["7d", "30d"]),
        (40, 31, []),
        (None, 31, []),
        (0.5, 0, ["1d", "7d", "30d"]),
        (40, 20, ["30d"]),
        (2, 5, ["7d", "30d"]),  # what is left came before what was applied last: rather named too often
    ],
)
def test_windows_that_touch_a_loss_are_named(since_days: float | None, until_days: float, touched: list[str]) -> None:
    """A number that misses events must not look like one that does not; one that is whole again must."""
    since_ms = None if since_days is None else NOW_MS - int(since_days * DAY_MS)
    loss = accepted(Loss(0, [SIGNUPS], since_ms, NOW_MS - int(until_days * DAY_MS)))
    windows = Windows((1, 7, 30))
    found = touched_windows(loss, windows, NOW_MS // windows.bucket_ms)
    assert [name for name in found if name != "month"] == touched


def test_losses_are_counted_by_window() -> None:
    """The board shows windows, each with how many losses it misses events by."""
    windows = Windows((1, 7))
    counts = count_by_window([accepted(), accepted()], windows, NOW_MS // windows.bucket_ms)
    assert (counts["1d"], counts["7d"]) == (0, 2)


def test_loss_without_any_record_left_lasts_until_it_was_accepted() -> None:
    """Nothing in the log says when it ended."""
    assert accepted(Loss(0, [SIGNUPS])).until_ms == NOW_MS
    assert accepted().until_ms == LOSS.until_ms


def test_halts_say_what_is_lost() -> None:
    """What is accepted is matched with what a worker finds later, field by field."""
    assert lost_range(PositionOutOfRange("t", 0, 5, 7, 9, topic_id="x")) == LostRange("t", "records", 5, 7, "x")
    cut_off = lost_range(PositionOutOfRange("t", 0, 12, 7, 9, topic_id="x"))
    assert (cut_off.goes_on_at, cut_off.records) == (9, None)
    may_be_another_topic = lost_range(PositionOutOfRange("t", 0, 12, 7, 9))
    assert may_be_another_topic.goes_on_at == 7
    assert lost_range(StateLost("t", 0, 5, 7, 9)).records == 2
    assert lost_range(StateLost("t", 0, -1, 7, 9)).records is None
    assert lost_range(StateLost("t", 0, 12, 0, 9, topic_id="x")).goes_on_at == 0
    recreated = lost_range(TopicRecreated("t", 0, 5, beginning=0, topic_id="new", known_id="old"))
    assert (recreated.lost, recreated.goes_on_at, recreated.topic_id, recreated.records) == ("topic", 0, "new", None)
