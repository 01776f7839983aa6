"""Reading of foreign records: whatever a value is, it costs the record alone, and the refusal says what was wrong."""

from collections.abc import Callable, Iterator

import pytest

from schemas.adapters.adapter import Members, Translation
from schemas.adapters.reading import Node, translated
from schemas.adapters.registry import ADAPTERS, adapter_of
from schemas.refusals import Reason, Refusal


def raising(fault: Exception) -> Callable[[Node], Iterator[Members]]:
    """Return what reads a record and fails."""

    def read(record: Node) -> Iterator[Members]:
        yield dict(record.members)
        raise fault

    return read


@pytest.mark.parametrize("name", ADAPTERS)
def test_number_without_end_is_refused_by_every_adapter(name: str) -> None:
    """Its digits are more than a decimal takes; an exception would stop the topic at this record for ever."""
    refusal = adapter_of(name).translate(b'{"a": 1e99999999999999999999}').refusal
    assert refusal is not None
    assert refusal.detail == (
        f"{name}: the record holds a value that cannot be read: a number that is too large, or has too many digits"
    )


def test_operation_of_debezium_that_is_no_text_is_refused_with_its_member() -> None:
    """A list is in no set, and asking for it raises."""
    refusal = adapter_of("debezium").translate(b'{"op": []}').refusal
    assert refusal == Refusal(Reason.INVALID_MEMBER, "debezium: op: must be a text, got []")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OverflowError("int too large to convert to float"), "a number that is too large, or has too many digits"),
        (RecursionError(), "it is nested too deeply"),
        (ValueError("year 10000 is out of range"), "year 10000 is out of range"),
    ],
)
def test_value_that_nobody_thought_of_costs_the_record_alone_and_is_refused_in_words(
    fault: Exception, said: str
) -> None:
    """The record is kept as a dead letter, and those behind it count."""
    found = translated("some", b"{}", raising(fault))
    detail = f"some: the record holds a value that cannot be read: {said}"
    assert found == Translation(refusal=Refusal(Reason.MALFORMED_JSON, detail))


@pytest.mark.parametrize("fault", [KeyError("x"), TypeError(), AttributeError(), AssertionError(), IndexError()])
def test_fault_of_ours_is_raised_and_not_put_down_to_the_record(fault: Exception) -> None:
    """Nobody could mend the record; whoever called logs the traceback, and keeps the record."""
    with pytest.raises(type(fault)):
        translated("some", b"{}", raising(fault))


@pytest.mark.parametrize(
    ("path", "found"),
    [("a", {"b": {"c": 1}}), ("a.b.c", 1), ("a.x.c", None), ("a.b.c.d", None), ("", None), ("a..c", None)],
)
def test_path_ends_in_a_member_or_in_nothing(path: str, found: object) -> None:
    """Options name paths by hand, and sources expand an id into an object as they like."""
    node, name = Node({"a": {"b": {"c": 1}}}).at(path)
    assert node.get(name) == found
