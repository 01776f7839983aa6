"""The JSON Schema of the events, made of the structs and of the rules that the structs leave to the decoder.

It accepts what the decoder accepts and refuses what the decoder refuses as missing, unknown or invalid, with two
exceptions that JSON Schema cannot state: which texts are instants is up to the validator's format checks, and a member
that comes twice. Time ranges and currency rates depend on settings and are not in it.
"""

from typing import Any, Final, Union

import msgspec

from schemas.decoding.rules import CURRENCY, SLUG
from schemas.events import COMMON_MEMBERS, EVENT_TYPES, RESERVED_LABELS, SCORE_MAX, SCORE_MIN, Event, Form, forms_of
from schemas.survey_requests import SurveyRequest

JsonObject = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
NOT_RESERVED: Final = {"not": {"enum": sorted(RESERVED_LABELS)}}
RULES: Final[dict[Form, JsonObject]] = {
    "label": NOT_RESERVED,
    "country": {"pattern": "^[A-Z]{2}$"},
    "currency": {"pattern": f"^{CURRENCY.pattern}$"},
    "slug": {"pattern": f"^{SLUG.pattern}$"},
    "instant": {},
}


def event_schema() -> JsonObject:
    """Return the schema of one event, with one definition for each type."""
    generated = msgspec.json.schema(Union[EVENT_TYPES])  # noqa: UP007 - built at run time
    definitions = {event_type.__name__: _definition(event_type, generated) for event_type in EVENT_TYPES}
    definitions["Survey"]["allOf"] = _survey_rules()
    return {
        "$schema": DIALECT,
        "title": "Event",
        "description": "One event of a customer, as docs/events.md describes it. Unknown members are ignored.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in definitions],
        "$defs": {**definitions, SurveyRequest.__name__: _survey_request()},
    }


def _survey_request() -> JsonObject:
    """Return the definition of what the stream sends: no event, so none of the choices."""
    generated = msgspec.json.schema(SurveyRequest)
    definition: JsonObject = dict(generated["$defs"][SurveyRequest.__name__])
    definition["properties"] |= {"type": {"const": "survey_request"}}
    return definition


def _definition(event_type: type[Event], generated: JsonObject) -> JsonObject:
    definition: JsonObject = dict(generated["$defs"][event_type.__name__])
    members: JsonObject = {}
    forms = forms_of(event_type)
    for name, member in definition["properties"].items():
        rules = next((choice for choice in member.get("anyOf", ()) if choice["type"] != "null"), member)
        members[name] = {**rules, **(RULES[forms[name]] if name in forms else {})}
        if members[name].get("default") in ("", -1, None):  # Stands for absence inside the program only.
            members[name].pop("default", None)
    members["type"] = {"const": event_type.TYPE}
    order = ("type", *(name for name in COMMON_MEMBERS if name != "type"), *event_type.OWN_MEMBERS)
    definition["properties"] = {name: members[name] for name in order}
    definition["required"] = [name for name in order if name in definition["required"]]
    return definition


def _survey_rules() -> list[JsonObject]:
    not_answered = {"required": ["status"], "properties": {"status": {"enum": ["sent", "dismissed"]}}}
    ranges = [
        {
            "if": {"properties": {"kind": {"const": kind}}},
            "then": {"properties": {"score": {"minimum": SCORE_MIN[kind], "maximum": SCORE_MAX[kind]}}},
        }
        for kind in SCORE_MAX
    ]
    return [{"if": {"not": not_answered}, "then": {"required": ["score"]}}, *ranges]
