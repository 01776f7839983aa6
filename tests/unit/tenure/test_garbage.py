"""Looking for garbage: rare while a program loads, as Python does it once there is work."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tenure.garbage import end_loading, look_seldom, spare_loading


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    usual = gc.get_threshold()
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()


def test_work_begins_with_pythons_own_limits_and_what_was_loaded_set_aside() -> None:
    """A gateway runs for months: its cycles of garbage may hold bodies of a megabyte each."""
    usual = gc.get_threshold()
    spare_loading()
    assert gc.get_threshold()[0] > 100 * usual[0]
    end_loading()
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() > 0


def test_nothing_changes_where_no_loading_was_spared() -> None:
    """Whoever calls a command's functions, as these tests do, has a collector of its own."""
    before = gc.get_threshold(), gc.get_freeze_count()
    end_loading()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_worker_that_looks_seldom_keeps_to_it() -> None:
    """The limits of a worker are not those of its start."""
    spare_loading()
    look_seldom()
    limits = gc.get_threshold()
    end_loading()
    assert gc.get_threshold() == limits
