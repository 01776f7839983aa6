"""The OpenAPI document: valid, in step with the paths, and true of what is answered."""

from __future__ import annotations

import json
from typing import Any

import httpx
import jsonschema
import pytest
from openapi_spec_validator import validate
from starlette.routing import Route

from schemas.events import EVENT_TYPES
from tenure.gateway.openapi import openapi
from tests.unit.tenure.gateway.served import Served, hook, signup, stripe


def test_document_keeps_to_the_specification() -> None:
    """Generators of clients refuse any other."""
    validate(openapi())


def test_every_path_is_described_and_none_besides() -> None:
    """A path that is not described is found by nobody."""
    gateway: Any = Served().client._transport
    routes = {route.path for route in gateway.app.routes if isinstance(route, Route) and route.include_in_schema}
    assert routes == set(openapi()["paths"])


def test_every_type_of_event_is_described() -> None:
    """The schema is the shipped one, of which nothing may be lost on the way."""
    described = openapi()["components"]["schemas"]
    assert {event_type.__name__ for event_type in EVENT_TYPES} <= set(described)
    named = {each["$ref"].rpartition("/")[2] for each in described["Event"]["oneOf"]}
    assert named == {event_type.__name__ for event_type in EVENT_TYPES}


def conforms(answer: httpx.Response, path: str) -> bool:
    """Tell whether an answer is one that the document describes."""
    document = openapi()
    described = document["paths"][path]["post"]["responses"][str(answer.status_code)]
    schema = described["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())
    return set(described.get("headers", {})) <= {name.title() for name in answer.headers}


@pytest.mark.parametrize(
    ("events", "query", "status"),
    [
        ([signup(1)], "", 200),
        ([signup(1, country="de")], "", 200),
        ([signup(1), {}], "", 422),
        ([signup(1), {}], "?partial=true", 207),
        ([signup(1)], "?partial=x", 400),
    ],
    ids=["right", "mended", "wrong", "in-part", "query"],
)
async def test_answers_to_events_are_as_described(events: list[Any], query: str, status: int) -> None:
    """Clients are generated from it, and read no other."""
    answer = await Served().send(json.dumps(events), f"/v1/events{query}")
    assert answer.status_code == status
    assert conforms(answer, "/v1/events")


async def test_answers_to_webhooks_and_refusals_are_as_described() -> None:
    """As above, of the other path and of what both refuse."""
    served = Served(gateway_requests_per_second=1)
    path = "/v1/webhooks/{adapter}"
    bodies = [stripe(), stripe(type="invoice.created"), stripe(created="x")]
    answers = [await hook(served, body) for body in bodies]
    answers += [await served.send(b"{}", "/v1/webhooks/stripe"), await served.send(b"{}", "/v1/webhooks/other")]
    answers += [await hook(served, stripe()) for _ in range(8)]
    assert [each.status_code for each in answers[:5]] == [200, 200, 200, 401, 404]
    assert answers[-1].status_code == 429
    assert all(conforms(answer, path) for answer in answers)
