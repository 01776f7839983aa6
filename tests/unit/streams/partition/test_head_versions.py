"""Heads of other versions are refused, not misread."""

import pytest

from kpis.customer.facts import STATE_VERSION
from streams.errors import StateUnreadable
from streams.partition.state import read_head
from streams.tables import Head, Stored, encode_head


@pytest.mark.parametrize("version", [STATE_VERSION - 1, STATE_VERSION + 1])
def test_a_head_of_another_version_is_refused_with_what_to_do(version: int) -> None:
    """Tables of an older worker, or of a newer one, would be counted on wrongly, and nobody would notice."""
    stored = Stored(encode_head(Head(version, {"customer.signup": 7})), {})
    said = f"version {version}, this program reads {STATE_VERSION}; run the program that wrote them.*tenure rebuild"
    with pytest.raises(StateUnreadable, match=said):
        read_head(3, stored)


@pytest.mark.parametrize("head", [b"\x00", b"garbage", b"\x91\xa1x"])
def test_bytes_that_are_no_head_are_refused(head: bytes) -> None:
    """Somebody else's key under our prefix is an error of theirs or ours, not an empty partition."""
    with pytest.raises(StateUnreadable, match="no head of ours"):
        read_head(0, Stored(head, {}))


def test_a_partition_that_was_never_written_begins_with_an_empty_head() -> None:
    """The first start is no error."""
    assert read_head(0, Stored(None, {})) == Head(STATE_VERSION)
