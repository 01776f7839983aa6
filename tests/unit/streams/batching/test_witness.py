"""The witness: a short text in the metadata of a committed offset."""

import pytest

from streams.batching.witness import NEVER_AGAIN, Witness, witness_of


@pytest.mark.parametrize("first", [0, 900, 2**62, NEVER_AGAIN])
@pytest.mark.parametrize("resumed", [None, 0, 2**62])
@pytest.mark.parametrize("counted", [None, 2**62])
def test_what_is_written_is_what_is_read(first: int, resumed: int | None, counted: int | None) -> None:
    """It is read once, after Redis is gone: a misread digit would count from the wrong place."""
    text = Witness(first, resumed, counted).text
    assert witness_of(text) == Witness(first, resumed, counted)
    assert len(text) < 100


@pytest.mark.parametrize("metadata", ["", None, "lag tool was here", "tenure/x first=3"])
def test_offsets_without_a_witness_stand_for_everything_from_the_beginning(metadata: str | None) -> None:
    """Earlier versions wrote none; to halt too often is safe, to halt too seldom is not."""
    assert witness_of(metadata) == Witness(0)


def test_later_versions_may_add_to_it() -> None:
    """A worker of an earlier version must still find what it knows, while a deployment rolls."""
    assert witness_of("tenure/2 first=7 more=x") == Witness(7)
