"""Mending by a mapping: what it names changes, and every other byte stays."""

from __future__ import annotations

import pytest

from streams.errors import UsageError
from tenure.dead_letters.mending import mending_of
from tenure.files.notation import MoneyForm, Notation, TimeForm

PLAIN = Notation()


@pytest.mark.parametrize(
    ("sets", "renames", "drops", "before", "after"),
    [
        (["plan=pro"], [], [], b'{"plan":1}', b'{"plan":"pro"}'),
        (["mrr_minor=4900"], [], [], b"{}", b'{"mrr_minor":4900}'),
        (['id="7"'], [], [], b'{"id":7}', b'{"id":"7"}'),
        (["reason="], [], [], b"{}", b'{"reason":""}'),
        (["data.plan=pro"], [], [], b'{"data":{"x":1.50}}', b'{"data":{"x":1.50,"plan":"pro"}}'),
        (["items.1.price=3"], [], [], b'{"items":[1,{"price":2}]}', b'{"items":[1,{"price":3}]}'),
        (["items.9.price=3"], [], [], b'{"items":[1]}', b'{"items":[1]}'),
        ([], ["customer=customer_id"], [], b'{"customer":"c","z":0}', b'{"z":0,"customer_id":"c"}'),
        ([], ["data.amount=mrr_minor"], [], b'{"data":{"amount":1}}', b'{"data":{"mrr_minor":1}}'),
        ([], [], ["note", "data.note"], b'{"note":1,"data":{"note":2,"k":3}}', b'{"data":{"k":3}}'),
        (["plan=a"], ["tier=plan"], ["plan"], b'{"tier":"b"}', b'{"plan":"a"}'),
    ],
    ids=[
        "text", "number", "text that looks like a number", "empty text", "inside", "in a list", "past a list's end",
        "renamed", "renamed inside", "dropped", "renamed, then dropped, then set",
    ],
)  # fmt: skip
def test_mapping_changes_what_it_names(
    sets: list[str], renames: list[str], drops: list[str], before: bytes, after: bytes
) -> None:
    """A producer makes the same mistake in each of its records."""
    assert mending_of(sets, renames, drops, PLAIN).mended(before) == after


def test_what_is_not_named_keeps_its_bytes() -> None:
    """A number that is read as a float on the way would be another amount."""
    value = b'{ "id": 123456789012345678901234567890, "rate": 1.10,\n "plan": "pro" }'
    assert mending_of([], ["nothing=else"], ["nor.this"], PLAIN).mended(value) == value
    changed = mending_of(["plan=x"], [], [], PLAIN).mended(value)
    assert changed == b'{"id":123456789012345678901234567890,"rate":1.10,"plan":"x"}'


@pytest.mark.parametrize("value", [None, b"", b"[1]", b'{"a":', b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_stays_as_it_is(value: bytes | None) -> None:
    """The topic holds whatever anybody has sent."""
    assert mending_of(["a=1"], ["b=c"], ["d"], PLAIN).mended(value) == value


def test_notation_reads_money_and_times_of_the_whole_record() -> None:
    """Dollars and epochs are the most frequent faults, and files have an option for them already."""
    notation = Notation(money=MoneyForm.MAJOR, time=TimeForm.EPOCH_S)
    mended = mending_of([], ["at=time"], [], notation).mended(b'{"mrr_minor":49.5,"at":1767607200}')
    assert mended == b'{"mrr_minor":4950,"time":"2026-01-05T10:00:00Z"}'


@pytest.mark.parametrize(
    ("sets", "renames", "drops"),
    [(["plan"], [], []), (["=1"], [], []), ([], ["a="], []), ([], ["a=b.c"], []), ([], [], ["a..b"])],
    ids=["no value", "no member", "no new name", "a path for a name", "an empty part"],
)
def test_option_of_another_form_is_refused(sets: list[str], renames: list[str], drops: list[str]) -> None:
    """Half of a mapping would send half-mended records."""
    with pytest.raises(UsageError):
        mending_of(sets, renames, drops, PLAIN)
