"""A type of event says all about itself once: what else there is follows from its class."""

from typing import ClassVar

import msgspec
import pytest

from schemas.decoding import decoder, diagnosis
from schemas.decoding.decoder import Decoder
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.events import (
    COMMON_MEMBERS,
    EVENT_TYPES,
    REQUIRED_MEMBERS,
    RESERVED_DIMENSIONS,
    Event,
    Instant,
    Label,
    Signup,
    Slug,
    forms_of,
)
from schemas.refusals import Reason
from schemas.topics import DEFAULT_TOPIC_NAMES
from tests.unit.schemas.lines import Line, line, say


class Visit(Event, tag="visit", frozen=True, kw_only=True):
    """An invented type, which nothing but this class knows."""

    TYPE: ClassVar[str] = "visit"
    OWN_MEMBERS: ClassVar[tuple[str, ...]] = ("page", "from_whom", "effective_at")

    page: Slug
    from_whom: Label = ""
    effective_at: Instant | None = None


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> Decoder:
    """A decoder that knows one type more."""
    for module in (decoder, diagnosis):
        monkeypatch.setattr(module, "EVENT_TYPES", (*EVENT_TYPES, Visit))
    return Decoder()


def visit(**members: object) -> Line:
    """Return a record of the invented type."""
    return line({**say("visit", page="prices"), **members})


def test_type_that_no_other_module_names_is_decoded(visits: Decoder) -> None:
    """A new type is a class and a place in the list; forgetting a third place would lose its events."""
    decoded = visits.decode([visit(), visit(from_whom="a friend", effective_at="2026-01-01T12:30:00Z")])
    assert decoded.refused == []
    assert [type(event) for event in decoded.events] == [Visit, Visit]
    assert decoded.times[1] - decoded.times[0] == 1_800_000


@pytest.mark.parametrize(
    "members",
    [{"page": "No Slug"}, {"from_whom": "none"}, {"effective_at": "soon"}],
    ids=["slug", "label", "instant"],
)
def test_members_of_a_new_type_are_judged_by_their_forms(visits: Decoder, members: dict[str, object]) -> None:
    """What a slug or a label may be is said once, for all types; what slips by would fill tables with anything."""
    decoded = visits.decode([visit(**members)])
    assert [refusal.reason for _, refusal in decoded.refused] == [Reason.INVALID_MEMBER]


def test_instant_of_a_new_type_is_held_to_the_range_of_times(visits: Decoder) -> None:
    """An instant to come decides where an event counts, of whatever type it is."""
    decoded = visits.decode([visit(effective_at="2099-01-01T00:00:00Z")])
    assert [refusal.reason for _, refusal in decoded.refused] == [Reason.TIME_OUT_OF_RANGE]


def test_members_of_a_type_are_those_of_its_struct() -> None:
    """A member that is read and not listed would be neither checked in order nor documented."""
    for event_type in EVENT_TYPES:
        fields = set(event_type.__struct_fields__) - {"names_source"}  # the decoder says it, no event has it
        assert {*event_type.OWN_MEMBERS, *COMMON_MEMBERS} - {"type"} == fields, event_type
        assert event_type.__struct_config__.tag == event_type.TYPE


def test_members_that_all_types_need_are_those_without_a_default() -> None:
    """Files ask for these columns, and the diagnosis for these members."""
    required = {name for name in COMMON_MEMBERS if name == "type" or _is_required(name)}
    assert set(REQUIRED_MEMBERS) == required


def _is_required(name: str) -> bool:
    names, defaults = Event.__struct_fields__, Event.__struct_defaults__
    return name in names[: len(names) - len(defaults)]


def test_source_of_an_event_is_by_default_the_topic_of_its_type() -> None:
    """Identities depend on it, whatever name the settings give the topic."""
    for event_type in EVENT_TYPES:
        defaults = {field.name: field.default for field in msgspec.structs.fields(event_type)}
        assert defaults["source"] == event_type.TOPIC
        assert event_type.TOPIC in DEFAULT_TOPIC_NAMES.values()


def test_built_in_dimensions_are_the_segments_that_a_signup_names() -> None:
    """Profiles are stored in their order, the plan apart; a member of that form beside them would segment nothing."""
    segments = {name for name, form in forms_of(Signup).items() if form in {"label", "segment", "country"}}
    assert set(BUILT_IN_DIMENSIONS) == segments
    assert BUILT_IN_DIMENSIONS[0] == "plan"
    assert segments < RESERVED_DIMENSIONS


def test_every_instant_of_a_type_has_the_form_of_one() -> None:
    """Time ranges are checked by form: an instant without it would be taken as it is."""
    for event_type in EVENT_TYPES:
        found = {name for name in event_type.__struct_fields__ if name in {"time", "until"} or name.endswith("_at")}
        assert found == {name for name, form in forms_of(event_type).items() if form == "instant"}
