"""The JSON Schema of the events, made of the structs and of the rules that the structs leave to the decoder.

It accepts what the decoder accepts and refuses what the decoder refuses as missing, unknown or invalid, with exceptions
that JSON Schema cannot state: which texts are instants is up to the validator's format checks, `49.0` is the integer 49
there, an MRR that is beyond the bound only once it is computed, and a member that comes twice. Members that only
describe an event take any value; what is kept of it, their description says. Time ranges and currency rates depend on
settings and are not in it.
"""

from typing import Any, Final, Union

import msgspec

from schemas.decoding.mending import MENDERS
from schemas.decoding.rules import SLUG
from schemas.events import (
    EVENT_TYPES,
    PRICE_BY_AMOUNT,
    RESERVED_LABELS,
    SCORE_MAX,
    SCORE_MIN,
    Event,
    Form,
    PricedEvent,
    common_members,
    forms_of,
    kinds_of_members,
)
from schemas.member_forms import form_in_words
from schemas.survey_requests import SurveyRequest

JsonObject = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
NOT_RESERVED: Final = {"not": {"enum": sorted(RESERVED_LABELS)}}
RULES: Final[dict[Form, JsonObject]] = {
    "id": {"type": ["string", "integer"]},
    "label": NOT_RESERVED,
    "currency": {"pattern": "^[A-Za-z]{3}$"},
    "slug": {"pattern": f"^{SLUG.pattern}$"},
    "instant": {},
}


def event_schema() -> JsonObject:
    """Return the schema of one event, with one definition for each type."""
    generated = msgspec.json.schema(Union[EVENT_TYPES])  # noqa: UP007 - built at run time
    definitions = {event_type.__name__: _definition(event_type, generated) for event_type in EVENT_TYPES}
    definitions["Survey"]["allOf"] = _survey_rules()
    for event_type in EVENT_TYPES:
        if issubclass(event_type, PricedEvent):
            definitions[event_type.__name__]["oneOf"] = _forms_of_the_price()
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
    required = {"type", *definition["required"]} - {"mrr_minor"}
    members: JsonObject = {"type": {"const": event_type.TYPE}}
    for name in (*common_members(event_type), *event_type.OWN_MEMBERS):
        if name != "type":
            default = definition["properties"][name].get("default")
            members[name] = _member(event_type, name, default, is_required=name in required)
    definition["properties"] = members
    definition["required"] = [name for name in members if name in required]
    return definition


def _member(event_type: type[Event], name: str, default: object, *, is_required: bool) -> JsonObject:
    form = forms_of(event_type).get(name)
    if form in MENDERS:
        rules: JsonObject = {"description": f"Made {form_in_words(event_type, name)}, where it is not."}
    else:
        rules = msgspec.json.schema(kinds_of_members(event_type)[name]) | (RULES[form] if form else {})
        if not is_required:
            rules = _or_null(rules)
    # These stand for absence inside the program only.
    return rules if default in ("", -1, None) else {**rules, "default": default}


def _or_null(rules: JsonObject) -> JsonObject:
    """Return rules that take null too, which is absence."""
    if "enum" in rules:
        return {**rules, "enum": [*rules["enum"], None]}
    kinds = rules["type"] if isinstance(rules["type"], list) else [rules["type"]]
    return {**rules, "type": [*kinds, "null"]}


def _there(name: str) -> JsonObject:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def _forms_of_the_price() -> list[JsonObject]:
    by_amount = {"anyOf": [_there(name) for name in PRICE_BY_AMOUNT]}
    return [
        {**_there("mrr_minor"), "not": by_amount},
        {"allOf": [_there("amount_minor"), _there("interval")], "not": _there("mrr_minor")},
    ]


def _survey_rules() -> list[JsonObject]:
    not_answered = {"required": ["status"], "properties": {"status": {"enum": ["sent", "dismissed"]}}}
    ranges = [
        {
            "if": {"properties": {"kind": {"const": kind}}},
            "then": {"properties": {"score": {"minimum": SCORE_MIN[kind], "maximum": SCORE_MAX[kind]}}},
        }
        for kind in SCORE_MAX
    ]
    return [{"if": {"not": not_answered}, "then": _there("score")}, *ranges]
