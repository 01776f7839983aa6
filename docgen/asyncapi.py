"""The AsyncAPI 3 document of the topics: channels, messages and payloads, made of the same lists as all else.

An operation is seen from the product: it receives what producers send, and sends what is refused and what is due.
Source: AsyncAPI specification 3.0.0.
"""

from typing import Any, Final

from docgen.json_schema import event_schema
from schemas.events import EVENT_TYPES
from schemas.refusals import (
    HEADER_DETAIL,
    HEADER_OFFSET,
    HEADER_PARTITION,
    HEADER_REASON,
    HEADER_TIMESTAMP,
    HEADER_TOPIC,
    HEADER_TRUNCATED,
    Reason,
)
from schemas.survey_requests import SurveyRequest
from schemas.topics import DEAD_LETTER_TOPIC, INPUT_TOPICS, SURVEY_REQUEST_TOPIC
from schemas.version import installed_version

JsonObject = dict[str, Any]

VERSION: Final = "3.0.0"
_WITHOUT_CUSTOMER: Final = frozenset(event_type.TYPE for event_type in EVENT_TYPES if not event_type.HAS_CUSTOMER)
_NAMES: Final = {event_type.TYPE: event_type.__name__ for event_type in EVENT_TYPES}
_KEY: Final[JsonObject] = {"type": "string", "description": "The customer's id.", "minLength": 1, "maxLength": 128}

_OF_A_DEAD_LETTER: Final = (HEADER_DETAIL, HEADER_TOPIC, HEADER_PARTITION, HEADER_OFFSET, HEADER_TIMESTAMP)


def asyncapi_document() -> JsonObject:
    """Return the document."""
    schema = event_schema()
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Tenure",
            "version": installed_version() or "0",
            "description": "The topics of a stream under their default names. docs/events.md has the rules in words.",
        },
        "defaultContentType": "application/json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": schema["$defs"]},
    }


def _channels() -> JsonObject:
    channels: JsonObject = {
        topic.setting: {
            "address": topic.default_name,
            "description": topic.meaning,
            "messages": {_NAMES[kind]: {"$ref": f"#/components/messages/{_NAMES[kind]}"} for kind in topic.types},
            "bindings": {"kafka": {"topic": topic.default_name}},
        }
        for topic in INPUT_TOPICS
    }
    for name, topic, message, meaning in (
        ("deadLetters", DEAD_LETTER_TOPIC, "DeadLetter", "Records that could not be applied, byte for byte."),
        ("surveyRequests", SURVEY_REQUEST_TOPIC, SurveyRequest.__name__, "Surveys that are due."),
    ):
        channels[name] = {
            "address": topic,
            "description": meaning,
            "messages": {message: {"$ref": f"#/components/messages/{message}"}},
            "bindings": {"kafka": {"topic": topic}},
        }
    return channels


def _operations() -> JsonObject:
    received = {topic.setting: "receive" for topic in INPUT_TOPICS}
    return {
        f"{action}_{channel}": {"action": action, "channel": {"$ref": f"#/channels/{channel}"}}
        for channel, action in {**received, "deadLetters": "send", "surveyRequests": "send"}.items()
    }


def _messages() -> JsonObject:
    messages: JsonObject = {
        name: {
            "name": kind,
            "title": name,
            "payload": {"$ref": f"#/components/schemas/{name}"},
            "bindings": {"kafka": {} if kind in _WITHOUT_CUSTOMER else {"key": _KEY}},
        }
        for kind, name in {**_NAMES, "survey_request": SurveyRequest.__name__}.items()
    }
    messages["DeadLetter"] = {
        "name": "dead_letter",
        "title": "Dead letter",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "required": [HEADER_REASON, *_OF_A_DEAD_LETTER],
            "properties": {
                HEADER_REASON: {"enum": [reason.value for reason in Reason]},
                **{name: {"type": "string"} for name in _OF_A_DEAD_LETTER},
                HEADER_TRUNCATED: {"const": "true", "description": "Only where not all of the record was kept."},
            },
        },
        "payload": {"description": "The value of the record that was refused, as it was sent."},
    }
    return messages
