"""The OpenAPI document of the API, and the schemas of its tools: made of the list of reports and of their documents."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from schemas.version import installed_version
from tenure.api.asked import ApiParameter
from tenure.api.reports import REPORTS, ApiReport

ApiObject = dict[str, Any]

_SCHEMAS: Final = "#/components/schemas/"
FAULTS: Final = {
    "400": "A parameter is wrong; `error` says what to write.",
    "401": "No token, or none that is known.",
    "403": "It has no tokens, and a page of another site asked.",
    "404": "No such path, no such customer, or a past that is too short to forecast from.",
    "421": "It has no tokens, and was asked under a name that is not this machine's.",
    "500": "The stream cannot be read with these settings, or a fault of the API; the log says why.",
    "503": "Redis does not answer, the report takes too long, or as many are being made as may be: ask again later.",
}
"""What an answer that is no report means, by its status."""


class ApiFault(msgspec.Struct, frozen=True):
    """An answer that is no report; `error` says what is wrong and what to do."""

    error: str


def parameter_schema(parameter: ApiParameter) -> ApiObject:
    """Return the JSON Schema of the values of a parameter."""
    one: ApiObject = {"type": parameter.kind}
    if parameter.values:
        one["enum"] = list(parameter.values)
    return {"type": "array", "items": one} if parameter.many else one


def tool_schema(report: ApiReport) -> ApiObject:
    """Return the JSON Schema of the arguments of a report's tool."""
    return {
        "type": "object",
        "properties": {
            each.name: {**parameter_schema(each), "description": each.meaning} for each in report.parameters
        },
        "required": [each.name for each in report.parameters if each.required],
        "additionalProperties": False,
    }


def api_document() -> ApiObject:
    """Return the document (OpenAPI 3.1)."""
    shapes, types = msgspec.json.schema_components(
        [ApiFault, *(report.document for report in REPORTS)], ref_template=f"{_SCHEMAS}{{name}}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tenure API",
            "version": installed_version() or "0",
            "description": "All reports, read only. Money is in minor units; ratios are null where there is no sample.",
        },
        "security": [{"token": []}, {}],
        "paths": {
            **{
                f"/v1/{report.name}": {"get": _operation(report, shape, shapes[0])}
                for report, shape in zip(REPORTS, shapes[1:], strict=True)
            },
            "/healthz": {"get": _plain("healthz", "Whether the process lives.", "text/plain")},
            "/openapi.json": {"get": _plain("openapi", "This document.", "application/json")},
        },
        "components": {
            "schemas": types,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "One of the setting `api_tokens`."}
            },
        },
    }


def _operation(report: ApiReport, shape: ApiObject, fault: ApiObject) -> ApiObject:
    faults = {
        status: {"description": meaning, "content": {"application/json": {"schema": fault}}}
        for status, meaning in FAULTS.items()
    }
    answer = {"description": report.meaning, "content": {"application/json": {"schema": shape}}}
    return {
        "operationId": report.name,
        "summary": report.meaning,
        "parameters": [
            {
                "name": each.name,
                "in": "query",
                "required": each.required,
                "description": each.meaning,
                "schema": parameter_schema(each),
            }
            for each in report.parameters
        ],
        "responses": {"200": answer, **faults},
    }


def _plain(operation: str, summary: str, content: str) -> ApiObject:
    schema = {"type": "string" if content == "text/plain" else "object"}
    answer = {"description": summary, "content": {content: {"schema": schema}}}
    return {"operationId": operation, "summary": summary, "responses": {"200": answer}}
