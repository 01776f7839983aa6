"""Whether a revoke names its source: without one it holds under each default source."""

import pytest

from schemas.decoding.decoder import Decoder
from schemas.events import Revoke
from tests.unit.schemas.lines import Line, event_of, say

REVOKE = say("revoke", revokes="e0")
CASES: list[tuple[dict[str, object], str, bool]] = [
    ({}, "customer.cancel", False),
    ({"source": "billing"}, "billing", True),
    ({"source": "customer.cancel"}, "customer.cancel", True),
    ({"source": ""}, "", True),
    ({"source": None}, "customer.cancel", False),
    ({"note": {"source": "x"}}, "customer.cancel", False),
    ({"note": "source"}, "customer.cancel", False),
    ({"names_source": True}, "customer.cancel", False),
    ({"names_source": "yes"}, "customer.cancel", False),
    ({"names_source": False, "source": "billing"}, "billing", True),
    ({"names_source": False, "source": "customer.cancel"}, "customer.cancel", True),
]


@pytest.mark.parametrize(("members", "source", "names_source"), CASES, ids=str)
def test_revoke_tells_whether_it_names_its_source(
    members: dict[str, object],
    source: str,
    names_source: bool,
) -> None:
    """A producer without sources sends to many topics; its revoke has to reach what it sent to each."""
    event = event_of({**REVOKE, **members})
    assert isinstance(event, Revoke)
    assert (event.source, event.names_source) == (source, names_source)


def test_name_of_the_source_that_is_escaped_is_one_too() -> None:
    """JSON allows any character to be escaped; the rule may not depend on the spelling."""
    value = (
        b'{"id":"a","type":"revoke","customer_id":"c","time":"2026-01-01T12:00:00Z","revokes":"b","sou\\u0072ce":"x"}'
    )
    (event,) = Decoder().decode([Line(value)]).events
    assert isinstance(event, Revoke)
    assert (event.source, event.names_source) == ("x", True)
