"""What a refusal says is told apart in one way, wherever it is shown."""

from __future__ import annotations

import pytest

from schemas.refusals import member_of


@pytest.mark.parametrize(
    ("detail", "member"),
    [
        ("mrr_minor: must be an integer", "mrr_minor"),
        ("specversion: a CloudEvent must have it", "specversion"),
        ("the value is empty", None),
        ("JSON is malformed: invalid character (byte 0): {", None),
        ("", None),
    ],
)
def test_member_is_the_first_name_of_a_detail(detail: str, member: str | None) -> None:
    """A letter is found, and a finding counted, by what was wrong."""
    assert member_of(detail) == member


@pytest.mark.parametrize(
    ("detail", "member"),
    [
        ("stripe: data.object.items[0].price: is required", "data.object.items[0].price"),
        ("debezium: after.größe: is required", "after.größe"),
        ("stripe: the record is not JSON: it is cut", None),
        ("stripe: the adapter failed on it (KeyError)", None),
    ],
)
def test_member_that_an_adapter_names_stands_behind_the_adapters_own_name(detail: str, member: str | None) -> None:
    """The adapter is no member of its record, also where it is another one's, inside of Confluent's framing."""
    assert member_of(detail, by_adapter=True) == member
