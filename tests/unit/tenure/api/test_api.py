"""The API: the same documents as the commands', and a clear answer to whoever asks wrongly."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from streams.embedded.tables import MemoryTables
from streams.errors import ConfigurationError, TablesUnavailable
from streams.settings.gateway import NamedSecret
from streams.settings.hosts import is_loopback
from streams.settings.settings import Settings
from tenure.api import reports
from tenure.api.asked import ApiParameter, RequestedReport, in_parameters
from tenure.api.openapi import api_document
from tenure.api.reports import REPORT_BY_NAME, REPORTS, ApiReport
from tenure.api.server import run_api
from tenure.gateway.senders import Tokens
from tests.unit.streams.partitions import on_virtual_time
from tests.unit.tenure.api.asking import AT, SAME, asked, client_of, command, get, put_tables
from tests.unit.tenure.reports.test_periods import late_tables

TOKEN = "dashboard-token-0123"


@pytest.fixture(scope="module")
def late() -> MemoryTables:
    """Tables of a stream with late events."""
    found: list[MemoryTables] = []

    async def fill() -> None:
        found.append((await late_tables()).tables)

    on_virtual_time(fill)
    return found[0]


@pytest.fixture(autouse=True)
def _running(monkeypatch: pytest.MonkeyPatch, late: MemoryTables, nothing_set: None) -> None:
    del nothing_set
    put_tables(monkeypatch, late)


def test_every_report_is_compared_with_its_command() -> None:
    """A report that is added later answers as its command, too."""
    assert set(SAME) == set(REPORT_BY_NAME)


@pytest.mark.parametrize("name", [name for name, calls in SAME.items() if calls])
def test_answers_are_what_the_command_prints(name: str) -> None:
    """Two ways to one number may not differ."""
    for parameters, arguments in SAME[name]:
        found = asked(f"/v1/{name}", parameters)
        assert found.status_code == 200, found.text
        assert found.json() == command(*arguments)
        assert found.headers["cache-control"] == "no-store"


def test_customer_is_answered_and_one_that_is_not_there_is_not_found() -> None:
    """Support asks for one at a time."""
    (someone,) = command("sql", "SELECT min(customer_id) FROM customers")["rows"][0]
    found = asked("/v1/customer", [("customer_id", someone), ("as_of", AT)])
    assert found.json() == command("customer", someone, "--at", AT)
    missing = asked("/v1/customer", [("customer_id", "nobody")])
    assert missing.status_code == 404
    assert "there is no customer 'nobody'" in missing.json()["error"]


@pytest.mark.parametrize(
    ("path", "parameters", "status", "said"),
    [
        ("/v1/kpi", [("as_of", "yesterday")], 400, "as_of yesterday: not an instant"),
        ("/v1/kpi", [("by", "colour")], 400, "by colour: there is only plan"),
        ("/v1/kpi", [("windw", "30d")], 400, "windw: no such parameter"),
        ("/v1/kpi", [("lens", "mine")], 400, "lens=mine: write"),
        ("/v1/explain", [], 400, "kpi is missing"),
        ("/v1/explain", [("kpi", "churn"), ("kpi", "mrr")], 400, "kpi is given 2 times"),
        ("/v1/explain", [("kpi", "churn"), ("value", "pro")], 400, "say of which dimension, with by"),
        ("/v1/explain", [("kpi", "nonsense")], 400, "docs/kpis.md has no count"),
        ("/v1/explain", [("kpi", "mrr"), ("limit", "100000")], 400, "write a whole number from 0 to 1,000"),
        ("/v1/period", [("period", "2026-13")], 400, "period 2026-13: not a month"),
        ("/v1/digest", [("week", "2026-W60")], 400, "week 2026-W60: there is no such week"),
        ("/v1/sql", [("statement", "DROP TABLE customers")], 400, "not one SELECT"),
        ("/v1/sql", [("statement", "SELECT * FROM read_csv('/etc/passwd')")], 400, "not allowed"),
        ("/v1/nothing", [], 404, "/openapi.json lists what there is"),
    ],
)
async def test_who_asks_wrongly_is_told_what_to_write(
    path: str, parameters: list[tuple[str, str]], status: int, said: str
) -> None:
    """Messages speak of parameters, not of options of a command."""
    async with client_of() as client:
        found = await get(client, path, parameters)
    assert found.status_code == status
    assert said in found.json()["error"]
    assert "--" not in found.json()["error"]


async def test_nothing_can_be_changed() -> None:
    """It is read only, whatever the method."""
    async with client_of() as client:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert (await client.request(method, "/v1/kpi")).status_code == 405


async def test_token_is_wanted_where_there_are_tokens() -> None:
    """Customers' ids are in the answers."""
    tokens = Tokens([NamedSecret("dashboard", TOKEN)])
    async with client_of(tokens=tokens, asked="tenure.example.com") as client:
        assert (await get(client, "/v1/targets")).status_code == 401
        assert (await get(client, "/v1/targets", authorization="Bearer wrong")).status_code == 401
        assert (await get(client, "/v1/targets", authorization=f"Bearer {TOKEN}")).status_code == 200
        assert (await get(client, "/healthz")).text == "alive\n"


async def test_page_of_another_name_is_not_answered_without_tokens() -> None:
    """A name that a stranger has point at 127.0.0.1 would let a browser read everything for them."""
    async with client_of(asked="evil.test") as client:
        assert (await get(client, "/v1/targets")).status_code == 421


@pytest.mark.parametrize(
    "host", ["", "evil test", "127.0.0.1 ", "a@127.0.0.1", "127.0.0.1:x", "[::1", "127.0.0.1/x", "127.0.0.1.evil.test"]
)
async def test_host_that_is_none_is_not_taken_for_this_machine(host: str) -> None:
    """What cannot be read says nothing of who was asked."""
    async with client_of() as client:
        assert (await get(client, "/v1/targets", host=host)).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST:8465", "[::1]:80"])
async def test_names_of_this_machine_are_answered(host: str) -> None:
    """Whoever asks on this machine writes one of them."""
    async with client_of() as client:
        assert (await get(client, "/v1/targets", host=host)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://localhost:3000"}, 403),
        ({"origin": "https://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8465"}, 200),
        ({"sec-fetch-site": "none"}, 200),
    ],
)
async def test_page_of_another_site_is_not_answered_without_tokens(headers: dict[str, str], status: int) -> None:
    """It cannot read the answer, but could have a thousand reports made."""
    async with client_of() as client:
        assert (await client.get("/v1/targets", headers=headers)).status_code == status
    tokens = Tokens([NamedSecret("dashboard", TOKEN)])
    async with client_of(tokens=tokens) as client:
        authorized = {**headers, "authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/v1/targets", headers=authorized)).status_code == 200


async def test_more_requests_than_may_be_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each report takes memory and a processor."""
    ends = threading.Event()

    async def slow(*_: Any) -> list[Any]:
        await asyncio.to_thread(ends.wait)
        return []

    _put_report(monkeypatch, slow)
    async with client_of(most=1) as client:
        first = asyncio.create_task(get(client, "/v1/targets"))
        while True:
            await asyncio.sleep(0)
            second = await get(client, "/v1/targets")
            if second.status_code == 503:
                break
        assert second.headers["retry-after"] == "1"
        ends.set()
        assert (await first).status_code == 200
        assert (await get(client, "/v1/targets")).status_code == 200


async def test_report_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it any more."""

    async def endless(*_: Any) -> None:
        await asyncio.Event().wait()

    _put_report(monkeypatch, endless)
    async with client_of(seconds=0.05) as client:
        found = await get(client, "/v1/targets")
    assert found.status_code == 503
    assert "api_timeout_seconds" in found.json()["error"]


async def test_what_is_wrong_with_the_stream_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller cannot mend it, and an operator reads the log."""

    async def away(*_: Any) -> None:
        raise TablesUnavailable("Redis", "connection refused")

    _put_report(monkeypatch, away)
    async with client_of() as client:
        found = await get(client, "/v1/targets")
    assert (found.status_code, found.json()["error"]) == (503, "Redis does not answer: connection refused")

    async def broken(*_: Any) -> None:
        raise ConfigurationError("TENURE_GROUP", "a", "another")

    _put_report(monkeypatch, broken)
    async with client_of() as client:
        assert (await get(client, "/v1/targets")).status_code == 500

    async def fault(*_: Any) -> None:
        raise ZeroDivisionError

    _put_report(monkeypatch, fault)
    async with client_of() as client:
        found = await get(client, "/v1/targets")
    assert (found.status_code, found.json()["error"]) == (500, "a fault of the API, which its log tells of")


def _put_report(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    place = next(n for n, report in enumerate(REPORTS) if report.name == "targets")
    changed: list[ApiReport] = list(REPORTS)
    changed[place] = changed[place]._replace(answer=answer)
    monkeypatch.setattr(reports, "REPORTS", tuple(changed))
    monkeypatch.setattr("tenure.api.application.REPORTS", tuple(changed))


async def test_document_is_valid_and_true_of_the_answers() -> None:
    """Clients are generated from it."""
    document = api_document()
    validate(document)
    async with client_of() as client:
        assert (await get(client, "/openapi.json")).json() == document
        for name, calls in SAME.items():
            for parameters, _ in calls:
                found = await get(client, f"/v1/{name}", parameters)
                described = document["paths"][f"/v1/{name}"]["get"]["responses"]["200"]
                schema = described["content"]["application/json"]["schema"]
                validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
                assert [error.message for error in validator.iter_errors(found.json())] == []


def test_message_of_an_option_is_one_of_a_parameter() -> None:
    """The checks are the commands' own."""
    assert in_parameters("--at x: no; leave --file out") == "as_of x: no; leave file out"


def test_parameter_that_takes_none_is_said_so() -> None:
    """There is nothing to choose."""
    with pytest.raises(Exception, match="it takes none"):
        RequestedReport((), {"a": ["1"]})
    asked = RequestedReport((ApiParameter("limit", "", kind="integer"),), {"limit": ["7"]})
    assert (asked.count("limit", 1, 10), asked.count("other", 1, 10), asked.text("other", "x")) == (7, 1, "x")


async def test_address_that_others_reach_wants_tokens() -> None:
    """An API without a lock on the open network is a leak."""
    with pytest.raises(ConfigurationError, match="TENURE_API_TOKENS"):
        await run_api(Settings(api_host="0.0.0.0"))  # noqa: S104 - it is refused
    assert [host for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "db") if is_loopback(host)] == [  # noqa: S104
        "127.0.0.1",
        "::1",
        "localhost",
    ]
