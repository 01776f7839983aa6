"""Members that only describe an event: what is made of them, and what is said of it."""

import pytest

from schemas.decoding.decoder import Decoder
from schemas.events import Activity, Signup, Survey
from tests.unit.schemas.lines import CANCEL, SIGNUP, SURVEY, Line, line, say

SLUGS = [
    ("reports", "reports", False),
    ("__a__", "__a__", False),
    ("Reports", "reports", True),
    ("Too expensive!", "too_expensive", True),
    ("  much   too -- dear ", "much_too_--_dear", True),
    ("größe", "gr_e", True),
    ("\u212a", "k", True),
    ("x" * 63 + " yz", "x" * 63, True),
    ("x" * 65, "x" * 64, True),
    ("", "", True),
    ("!?", "", True),
    (7, "", True),
    (["a"], "", True),
]


@pytest.mark.parametrize(("sent", "kept", "is_mended"), SLUGS, ids=str)
def test_text_that_is_no_slug_is_made_one(sent: object, kept: str, is_mended: bool) -> None:
    """People type reasons; the event that carries one must count all the same."""
    decoded = Decoder().decode([line(say("activity", feature=sent))])
    (event,) = decoded.events
    assert isinstance(event, Activity)
    assert (event.feature, decoded.mended) == (kept, {0: ("feature",)} if is_mended else {})


WAYS = [
    ("email", "email", False),
    ("E-Mail", "other", True),
    ("In App", "in_app", True),
    ("sms", "other", True),
    ("other", "other", True),
    ("", "in_app", True),
    ("?", "in_app", True),
    (7, "in_app", True),
]


@pytest.mark.parametrize(("sent", "kept", "is_mended"), WAYS, ids=str)
def test_way_that_is_none_of_the_three_is_other(sent: object, kept: str, is_mended: bool) -> None:
    """A new way of asking must not cost its answers."""
    decoded = Decoder().decode([line({**SURVEY, "via": sent})])
    (event,) = decoded.events
    assert isinstance(event, Survey)
    assert (event.via, decoded.mended) == (kept, {0: ("via",)} if is_mended else {})


COUNTRIES = [
    ("DE", "DE", False),
    ("DEU", "DEU", False),
    ("de", "DE", True),
    ("Germany", "GERMANY", True),
    ("None", "NONE", True),
    ("none", "", True),
    ("other", "", True),
    ("ß" * 64, "SS" * 64, True),
    ("x" * 65, "", True),
    ("", "", True),
    (49, "", True),
]


@pytest.mark.parametrize(("sent", "kept", "is_mended"), COUNTRIES, ids=str)
def test_country_is_put_in_capitals_last_of_all(sent: object, kept: str, is_mended: bool) -> None:
    """One country in two spellings would be two segments."""
    decoded = Decoder().decode([line({**SIGNUP, "country": sent})])
    (event,) = decoded.events
    assert isinstance(event, Signup)
    assert (event.country, decoded.mended) == (kept, {0: ("country",)} if is_mended else {})


def test_mended_members_are_told_by_the_place_of_their_event() -> None:
    """They are counted with the event: not those of tests and of refused records, which are counted elsewhere."""
    mended = {**SIGNUP, "country": "de", "channel": ""}
    lines = [
        line({**CANCEL, "reason": "Dear"}),
        line(CANCEL),
        line({**mended, "test": True}),
        line({**mended, "plan": "none"}),
        Line(b"nonsense"),
        line(mended),
    ]
    decoded = Decoder().decode(lines)
    assert (len(decoded.events), decoded.tests, len(decoded.refused)) == (3, 1, 2)
    assert decoded.mended == {0: ("reason",), 2: ("country", "channel")}


def test_mended_members_stay_with_their_events_when_others_are_taken_away() -> None:
    """A batch is put in order, and what belongs elsewhere leaves it, before anything is counted."""
    lines = [line({**CANCEL, "id": name, "reason": name}) for name in ("a", "B", "c", "D")]
    decoded = Decoder().decode(lines)
    decoded.pick([3, 2, 0])
    assert ([event.id for event in decoded.events], decoded.mended) == (["D", "c", "a"], {0: ("reason",)})
    assert decoded.records == [lines[3], lines[2], lines[0]]


def test_null_is_absence_and_not_mended() -> None:
    """Libraries write members that have no value as null."""
    decoded = Decoder().decode([line({**SIGNUP, "country": None, "channel": None}), line({**CANCEL, "reason": None})])
    assert (len(decoded.events), decoded.mended) == (2, {})
