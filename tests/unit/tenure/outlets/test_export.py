"""Exports: what is there is what there is now, once, whatever was there before."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from kpis.names import Names
from streams.batching.partitioner import partition_of
from streams.errors import CheckFailed, InputError, UsageError
from streams.settings.settings import Settings
from tenure.operations.topics import DEFAULT_PARTITIONS
from tenure.outlets.export import MIXED_NUMBERING, ExportHead, numbering_of, numbers_alike, owner_of
from tenure.outlets.parquet import HEAD_FILE, LOCK_FILE, ParquetTarget
from tenure.outlets.postgres import _back, _text, check_schema, checked_dsn
from tests.recount.short_events import activity, cancel, change, renewal, signup, survey
from tests.unit.tenure.outlets.exported import file_of, in_parquet, to_parquet

BEFORE = [
    signup("ada", "2026-01-01", "pro", 4900),
    signup("bob", "2026-01-02", "basic", 900),
    activity("bob", "2026-01-20"),
    change("ada", "2026-02-03", "team", 9900),
    survey("ada", "2026-02-04", "nps", 9),
    renewal("bob", "2026-02-05", "renewed"),
    cancel("cyd", "2026-02-10"),
]
#: with a late event of bob's, a new customer, and one who is not there any more
AFTER = [
    *BEFORE[:6],
    cancel("bob", "2026-01-15", reason="price"),
    signup("dan", "2026-02-20", "pro", 4900),
]


def test_export_of_what_was_exported_before_is_that_of_an_empty_folder(tmp_path: Path) -> None:
    """Late events change rows, take some away and bring others: nothing of before may stay."""
    first = to_parquet(tmp_path / "one", file_of(tmp_path, BEFORE))
    assert (first.customers, first.changed, first.removed) == (3, 3, 0)
    second = to_parquet(tmp_path / "one", file_of(tmp_path, AFTER))
    assert (second.customers, second.changed, second.removed) == (3, 2, 1)
    to_parquet(tmp_path / "two", tmp_path / "events.ndjson")
    found = in_parquet(tmp_path / "one")
    assert found == in_parquet(tmp_path / "two")
    left = [row for row in found["movements"] if row["kind"] == "cancellation"]
    assert [(row["customer_id"], row["reason"], row["mrr_change"]) for row in left] == [("bob", "price", -900)]


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    """An export every hour costs what an hour brought."""
    file = file_of(tmp_path, BEFORE)
    to_parquet(tmp_path / "out", file)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")}
    again = to_parquet(tmp_path / "out", file)
    assert (again.changed, sum(again.rows.values())) == (0, 0)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")} == times


def test_what_was_to_come_is_there_when_its_time_has_come_though_nothing_arrived(tmp_path: Path) -> None:
    """The state of a scheduled cancel does not change at the instant at which it counts."""
    file = file_of(tmp_path, [*BEFORE, cancel("ada", "2026-02-11", effective_at="2026-03-05T00:00:00Z")])
    to_parquet(tmp_path / "out", file, at_ms=1_772_323_200_000)  # 1 March
    assert [row["active"] for row in in_parquet(tmp_path / "out")["customers"] if row["customer_id"] == "ada"] == [True]
    later = to_parquet(tmp_path / "out", file, at_ms=1_772_755_200_000)  # 6 March
    assert later.changed == 1
    assert [row["active"] for row in in_parquet(tmp_path / "out")["customers"] if row["customer_id"] == "ada"] == [
        False
    ]


def test_rows_that_a_killed_export_left_are_there_once_after_the_next(tmp_path: Path) -> None:
    """The files of customers come last: what is newer than they is written again, in its own place."""
    to_parquet(tmp_path / "out", file_of(tmp_path, BEFORE))
    old = {path: path.read_bytes() for path in (tmp_path / "out" / "customers").iterdir()}
    head = (tmp_path / "out" / HEAD_FILE).read_bytes()
    to_parquet(tmp_path / "out", file_of(tmp_path, AFTER))
    for path, content in old.items():
        path.write_bytes(content)
    (tmp_path / "out" / HEAD_FILE).write_bytes(head)
    (tmp_path / "out" / "customers" / ".00000.parquet.part").write_bytes(b"half of")
    to_parquet(tmp_path / "out", tmp_path / "events.ndjson")
    to_parquet(tmp_path / "two", tmp_path / "events.ndjson")
    assert in_parquet(tmp_path / "out") == in_parquet(tmp_path / "two")


def test_instants_in_parquet_say_that_they_are_of_utc(tmp_path: Path) -> None:
    """A reader that takes them for local times would move every month."""
    to_parquet(tmp_path / "out", file_of(tmp_path, BEFORE))
    schema = pq.read_schema(next((tmp_path / "out" / "movements").glob("*.parquet")))
    assert str(schema.field("bucket_at").type) == "timestamp[ms, tz=UTC]"


def test_export_of_other_numbers_or_of_an_earlier_instant_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of two meanings in one table are rows of none."""
    file = file_of(tmp_path, BEFORE)
    to_parquet(tmp_path / "out", file, at_ms=1_772_323_200_000)
    with pytest.raises(CheckFailed, match="is as of 2026-03-01T00:00:00Z"):
        to_parquet(tmp_path / "out", file, at_ms=1_772_319_600_000)
    monkeypatch.setenv("TENURE_FREE_PLANS", "customers")
    with pytest.raises(UsageError, match="other settings"):
        to_parquet(tmp_path / "out", file, at_ms=1_772_323_200_000)


def test_folder_that_another_export_writes_or_that_is_no_export_is_refused(tmp_path: Path) -> None:
    """Two at once would put back what the other has replaced."""
    file = file_of(tmp_path, BEFORE)
    to_parquet(tmp_path / "out", file)
    lock = os.open(tmp_path / "out" / LOCK_FILE, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(UsageError, match="another export writes"):
        to_parquet(tmp_path / "out", file)
    os.close(lock)
    (tmp_path / "out" / HEAD_FILE).write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="not what an export has written"):
        to_parquet(tmp_path / "out", file)
    with pytest.raises(UsageError, match="another stream"):
        _with_head(tmp_path / "three", file, stream="x")


def _with_head(folder: Path, file: Path, *, stream: str) -> None:
    to_parquet(folder, file)
    head = json.loads((folder / HEAD_FILE).read_text(encoding="utf-8"))
    (folder / HEAD_FILE).write_text(json.dumps(head | {"stream": stream}), encoding="utf-8")
    to_parquet(folder, file)


def test_disk_that_is_full_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator makes room, and the next export goes on; of what was begun nothing stays."""
    file = file_of(tmp_path, BEFORE)

    def full(_number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(InputError, match="No space left on device"):
            to_parquet(tmp_path / "out", file)
    assert list((tmp_path / "out").rglob("*.part")) == []
    assert to_parquet(tmp_path / "out", file).changed == 3


def test_file_that_cannot_be_read_is_said_in_a_line(tmp_path: Path) -> None:
    """What is damaged, and what is none, want different hands."""
    file = file_of(tmp_path, BEFORE)
    to_parquet(tmp_path / "out", file)
    (content, *_) = [each for each in (tmp_path / "out" / "customers").iterdir() if pq.read_metadata(each).num_rows]
    content.write_bytes(b"not a file of Parquet")
    with pytest.raises(InputError, match="remove the folder"):
        to_parquet(tmp_path / "out", file)
    (tmp_path / "out" / HEAD_FILE).unlink()
    (tmp_path / "out" / HEAD_FILE).mkdir()
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        to_parquet(tmp_path / "out", file)


def test_folder_belongs_to_who_began_it(tmp_path: Path) -> None:
    """An export that was killed at once has left the head: another stream's may not go on with it."""
    target = ParquetTarget(tmp_path / "out", Settings())
    assert target.begin(ExportHead("", "m", 1)) is None
    target.close()
    assert target.begin(ExportHead("other", "m", 1)) == ExportHead("", "m", 0)
    target.close()


def test_stream_owns_a_target_under_a_name_that_signs_nothing() -> None:
    """It proves with its id what it has forwarded: a file that analysts read may not show that."""
    owner = owner_of("0123456789abcdef")
    assert "0123456789abcdef" not in owner
    assert (owner == owner_of("0123456789abcdef"), owner == owner_of("another"), owner_of("")) == (True, False, "")


class Killed(Exception):
    """Stands for the end of the process."""


def test_digests_of_an_export_that_was_killed_are_known_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes mean another plan where plans were numbered anew meanwhile."""
    write = ParquetTarget._write

    def write_and_die(target: ParquetTarget, name: str, partition: int) -> None:
        write(target, name, partition)
        if (name, partition) == ("customers", partition_of(b"ada", DEFAULT_PARTITIONS)):
            raise Killed

    file = file_of(tmp_path, [signup("ada", "2026-01-01", "pro", 4900)])
    with monkeypatch.context() as patched:
        patched.setattr(ParquetTarget, "_write", write_and_die)
        with pytest.raises(Killed):
            to_parquet(tmp_path / "out", file)
    other = to_parquet(tmp_path / "out", file_of(tmp_path, [signup("ada", "2026-01-01", "basic", 4900)]))
    assert other.changed == 1
    assert [row["plan"] for row in in_parquet(tmp_path / "out")["customers"]] == ["basic"]


def test_names_that_were_numbered_anew_are_noticed() -> None:
    """After a recount the same bytes may stand for other plans."""
    first, more, other = Names(), Names(), Names()
    for name in ("pro", "basic"):
        first.plan(name)
        more.plan(name)
    more.plan("team")
    for name in ("basic", "pro"):
        other.plan(name)
    assert not numbers_alike(first, "")
    assert not numbers_alike(first, MIXED_NUMBERING)
    assert numbers_alike(more, numbering_of(first))
    assert not numbers_alike(first, numbering_of(more))
    assert not numbers_alike(other, numbering_of(first))


@pytest.mark.parametrize("name", ["a", "a\0b", "␀", "␀0", "\0␀", "␀␀0\0"])
def test_texts_that_postgres_cannot_hold_come_back_as_they_were(name: str) -> None:
    """An id with a zero byte is an id; and no other may become the same."""
    assert "\0" not in _text(name)
    assert _back(_text(name)) == name


def test_password_in_an_argument_is_refused_and_never_shown() -> None:
    """Everybody on the machine reads the list of processes."""
    with pytest.raises(UsageError, match="holds a password") as refused:
        checked_dsn("postgresql://ada:s3cret@db/x", None)
    assert "s3cret" not in str(refused.value)
    with pytest.raises(UsageError, match="cannot be read") as refused:
        checked_dsn(None, "postgresql://ada:s3cret@db/x?nonsense=1")
    assert "s3cret" not in str(refused.value)
    with pytest.raises(UsageError, match="TENURE_EXPORT_POSTGRES"):
        checked_dsn(None, None)
    assert checked_dsn("postgresql://ada@db/x", None) == "postgresql://ada@db/x"


@pytest.mark.parametrize("secret", ["s3c@ret", "s3/cret", "12/34", "a@b:ret", "s3/c@ret"])
def test_password_that_libpq_would_take_for_a_host_or_a_database_is_never_shown(secret: str) -> None:
    """Its messages name both, and a log keeps them."""
    with pytest.raises(UsageError, match="write %40 for @") as refused:
        checked_dsn(None, f"postgresql://ada:{secret}@db.internal/x")
    assert not any(part in str(refused.value) for part in ("s3", "ret", "12", "34"))
    assert checked_dsn(None, "postgresql://ada:s3c%40ret@db/x") == "postgresql://ada:s3c%40ret@db/x"
    assert checked_dsn(None, "host=db password=s3c@ret dbname=a@b") == "host=db password=s3c@ret dbname=a@b"


@pytest.mark.parametrize("option", ["sslpassword", "oauth_client_secret"])
def test_other_secrets_in_an_argument_are_refused_too(option: str) -> None:
    """The password of a private key opens as much."""
    with pytest.raises(UsageError, match=f"holds a {option}") as refused:
        checked_dsn(f"postgresql://ada@db/x?{option}=hunter2", None)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "Tenure", 'a"b', "a;drop", "1a", "x" * 64])
def test_name_of_a_schema_that_needs_quotes_is_refused(name: str) -> None:
    """It stands in statements."""
    with pytest.raises(UsageError, match="--schema"):
        check_schema(name)
