"""The OpenAPI document of the gateway, made of the JSON Schema of the events and of the structs of the answers."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

import msgspec

from schemas.adapters.registry import ADAPTERS
from schemas.version import installed_version
from tenure.gateway.answers import ErrorAnswer, EventsAnswer, WebhookAnswer
from tenure.gateway.bodies import CONTENT_TYPES, ENVELOPE, ENVELOPES, EVENTS_MAX, JSON, LINES

JsonObject = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/"
_NO_VERSION: Final = "0"
_AGAIN: Final = {
    "Retry-After": {"description": "After how many seconds to send it again.", "schema": {"type": "integer"}}
}
_ERRORS: Final = {
    "400": "The body is empty, or cannot be taken apart.",
    "401": "There is no token or signature, or none that is known.",
    "404": "No adapter of this name has a secret.",
    "408": "The body did not arrive in time.",
    "413": "The body, an event, or the number of events is too large.",
    "415": "The content type is not read.",
    "422": "Events are wrong, which are named; none was sent.",
    "429": "More requests a second than the setting allows.",
    "500": "A fault of the gateway, which its log tells of.",
    "503": "Kafka does not take it now, or there is no room. What arrives twice counts once.",
}
_OF_BOTH: Final = ("401", "408", "413", "429", "500", "503")


def openapi() -> JsonObject:
    """Return the document (OpenAPI 3.1)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tenure gateway",
            "version": installed_version() or _NO_VERSION,
            "description": "Takes events and webhooks, and answers when Kafka has them.",
        },
        "paths": {
            "/v1/events": {"post": _events()},
            "/v1/webhooks/{adapter}": {"post": _webhooks()},
            "/healthz": {"get": _text("healthz", "Whether the process lives.")},
            "/readyz": {"get": _text("readyz", "Whether requests are taken.", "503")},
            "/metrics": {"get": _text("metrics", "Metrics in Prometheus' text format.")},
            "/openapi.json": {"get": _described("openapi", "This document.")},
        },
        "components": {
            "schemas": {**_events_schema(), **_answer_schemas()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "One of the setting `gateway_tokens`."},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Stripe-Signature",
                    "description": "Or the header of another form, as the setting `gateway_signatures` says.",
                },
                "basic": {"type": "http", "scheme": "basic", "description": "Of adapters with the form `basic`."},
            },
        },
    }


def _events() -> JsonObject:
    event = {"$ref": f"{_SCHEMAS}Event"}
    envelope = {"type": "object", "description": "A CloudEvent 1.0; its data are the members of an event."}
    schemas = {
        JSON: {"oneOf": [event, {"type": "array", "items": event, "maxItems": EVENTS_MAX}]},
        LINES: {"type": "string", "description": "One event a line."},
        ENVELOPE: envelope,
        ENVELOPES: {"type": "array", "items": envelope, "maxItems": EVENTS_MAX},
    }
    assert tuple(schemas) == CONTENT_TYPES, "each is described"
    return {
        "operationId": "sendEvents",
        "summary": "Send events of your own.",
        "security": [{"token": []}],
        "parameters": [
            {
                "name": "partial",
                "in": "query",
                "description": "Send the events that are right where others are wrong.",
                "schema": {"type": "boolean", "default": False},
            }
        ],
        "requestBody": {"required": True, "content": {name: {"schema": schema} for name, schema in schemas.items()}},
        "responses": {
            "200": _answer("Kafka has all events.", "EventsAnswer"),
            "207": _answer("Kafka has the accepted events; the refused ones were not sent.", "EventsAnswer"),
            **_errors("400", "415", "422"),
        },
    }


def _webhooks() -> JsonObject:
    return {
        "operationId": "sendWebhook",
        "summary": "Deliver a webhook of another system.",
        "security": [{"signature": []}, {"basic": []}, {"token": []}],
        "parameters": [
            {
                "name": "adapter",
                "in": "path",
                "required": True,
                "description": "The system that it is from; the setting `gateway_webhook_secrets` has a secret of it.",
                "schema": {"type": "string", "enum": sorted(ADAPTERS)},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"type": "object", "description": "As that system sends it."}}},
        },
        "responses": {
            "200": _answer(
                "Kafka has what it says; what of it cannot be applied becomes dead letters.", "WebhookAnswer"
            ),
            **_errors("404"),
        },
    }


def _errors(*more: str) -> JsonObject:
    found = {}
    for status in sorted({*_OF_BOTH, *more}):
        found[status] = _answer(_ERRORS[status], "ErrorAnswer")
        if status in ("429", "503"):
            found[status]["headers"] = _AGAIN
    return found


def _answer(description: str, schema: str) -> JsonObject:
    return {"description": description, "content": {JSON: {"schema": {"$ref": f"{_SCHEMAS}{schema}"}}}}


def _described(operation: str, summary: str) -> JsonObject:
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {"200": {"description": summary, "content": {JSON: {"schema": {"type": "object"}}}}},
    }


def _text(operation: str, summary: str, *failures: str) -> JsonObject:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {status: {"description": summary, "content": content} for status in ("200", *failures)},
    }


def _answer_schemas() -> JsonObject:
    _, schemas = msgspec.json.schema_components(
        [EventsAnswer, WebhookAnswer, ErrorAnswer], ref_template=f"{_SCHEMAS}{{name}}"
    )
    # Defaults are tuples, which are no arrays of JSON.
    found: JsonObject = msgspec.json.decode(msgspec.json.encode(schemas))
    return found


def _events_schema() -> JsonObject:
    """Return the schema of an event and those of the types, out of the shipped schema of the events."""
    text = resources.files("schemas").joinpath("events.schema.json").read_text(encoding="utf-8")
    shipped = json.loads(text.replace("#/$defs/", _SCHEMAS))
    types = shipped.pop("$defs")
    named = {each["$ref"].removeprefix(_SCHEMAS) for each in shipped["oneOf"]}
    event = {name: value for name, value in shipped.items() if name != "$schema"}
    return {"Event": event, **{name: schema for name, schema in types.items() if name in named}}
