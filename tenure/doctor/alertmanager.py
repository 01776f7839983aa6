"""Diagnosis of Alertmanager: the receiver of each severity, and a test page on request.

Source: Alertmanager's documentation, Configuration (route, matcher, receiver), and its API, version 2.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec
import yaml

from tenure.doctor.findings import Diagnosed, fault, ok, warning
from tenure.doctor.web import NoAnswer, Web

AREA: Final = "alertmanager"
SEVERITIES: Final = ("page", "warn")
"""Those that somebody has to hear of; `info` is for boards."""
TEST_ALERT: Final = "TenureTestPage"
_TEST_LASTS: Final = dt.timedelta(minutes=5)
_MATCHER: Final = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^",{}]*?))\s*')
_ESCAPED: Final = re.compile(r'\\([\\"n])')
_GIVE_ONE: Final = "give it one in the section `receivers` of alertmanager.yml"
_START: Final = "start Alertmanager, or name its address with --alertmanager"


class Unreadable(Exception):
    """A matcher of a route cannot be judged here: a pattern of RE2, or a form that we do not read."""


class _Original(msgspec.Struct):
    original: str


class _Status(msgspec.Struct):
    config: _Original


class _State(msgspec.Struct):
    state: str


class _Silence(msgspec.Struct, rename="camel"):
    status: _State
    created_by: str = "somebody"
    ends_at: str = "an unknown time"


class _Receiver(msgspec.Struct):
    name: str


class _TakenAlert(msgspec.Struct):
    labels: dict[str, str]
    receivers: list[_Receiver]


class _Route(msgspec.Struct):
    receiver: str | None = None
    routes: list[_Route] | None = None
    matchers: list[str] | None = None
    match: dict[str, Any] | None = None
    match_re: dict[str, Any] | None = None


class _Config(msgspec.Struct):
    route: _Route
    receivers: list[dict[str, Any]] | None = None


async def alertmanager_findings(web: Web) -> AsyncIterator[Diagnosed]:
    """Yield what there is to say of an Alertmanager; nothing but a fault where it does not answer."""
    try:
        config = await _config_of(web)
        silences = await web.get("/api/v2/silences", list[_Silence])
    except NoAnswer as silence:
        yield fault(AREA, str(silence), _START)
        return
    for severity in SEVERITIES:
        yield _of_severity(config, severity)
    active = [each for each in silences if each.status.state == "active"]
    if active:
        who = ", ".join(f"{each.created_by} until {each.ends_at}" for each in active)
        yield warning(AREA, f"silenced now: {who}", "expire the silence in Alertmanager if it is no longer wanted")


async def _config_of(web: Web) -> _Config:
    """Return the configuration that an Alertmanager works with.

    Raises:
        NoAnswer: It does not answer, or what it shows is none.
    """
    original = (await web.get("/api/v2/status", _Status)).config.original
    try:
        return msgspec.convert(yaml.safe_load(original), _Config)
    except (yaml.YAMLError, msgspec.ValidationError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise NoAnswer(f"the configuration that {web.url} shows is none of Alertmanager ({said})") from error


def _of_severity(config: _Config, severity: str) -> Diagnosed:
    labels = {"severity": severity, "service": "tenure", "alertname": TEST_ALERT}
    try:
        name = _descended(config.route, labels, "")
    except Unreadable as matcher:
        return warning(
            AREA,
            f"who gets alerts of severity {severity} cannot be told here: a route has the matcher {matcher}",
            f"ask Alertmanager: amtool config routes test severity={severity} service=tenure",
        )
    if name in _heard(config):
        return ok(AREA, f"alerts of severity {severity} go to the receiver {name}")
    return fault(
        AREA,
        f"alerts of severity {severity} go to the receiver {name}, which has no destination: nobody hears them",
        _GIVE_ONE,
    )


def _heard(config: _Config) -> set[str]:
    """Return the names of the receivers that have a destination."""
    return {str(each.get("name")) for each in config.receivers or () if has_destination(each)}


def _descended(route: _Route, labels: Mapping[str, str], inherited: str) -> str:
    """Return the name of the receiver that a tree of routes chooses first for an alert.

    Raises:
        Unreadable: Whether a route on the way matches cannot be told.
    """
    receiver = route.receiver or inherited
    for child in route.routes or ():
        if _matches(child, labels):
            return _descended(child, labels, receiver)
    return receiver


def _matches(route: _Route, labels: Mapping[str, str]) -> bool:
    wanted: list[tuple[str, str, str]] = []
    for text in route.matchers or ():
        match = _MATCHER.fullmatch(text)
        if match is None:
            raise Unreadable(text)
        value = match[4] if match[3] is None else _ESCAPED.sub(lambda found: found[1].replace("n", "\n"), match[3])
        wanted.append((match[1], match[2], value))
    wanted += [(name, "=", str(value)) for name, value in (route.match or {}).items()]
    wanted += [(name, "=~", str(value)) for name, value in (route.match_re or {}).items()]
    return all(_holds(labels.get(name, ""), operator, value) for name, operator, value in wanted)


def _holds(found: str, operator: str, value: str) -> bool:
    if operator in ("=", "!="):
        return (found == value) is (operator == "=")
    try:
        return bool(re.fullmatch(value, found)) is (operator == "=~")
    except re.error as error:  # RE2 has patterns that Python has not
        raise Unreadable(value) from error


def has_destination(receiver: Mapping[str, Any]) -> bool:
    """Tell whether a receiver sends alerts anywhere."""
    return any(name.endswith("_configs") and entries for name, entries in receiver.items())


async def send_test_page(web: Web, severity: str) -> AsyncIterator[Diagnosed]:
    """Send an alert that ends by itself, and yield which receivers have it: a fault where none has a destination."""
    now = dt.datetime.now(dt.UTC)
    alert = {
        "labels": {"alertname": TEST_ALERT, "severity": severity, "service": "tenure"},
        "annotations": {
            "summary": "A test by `tenure doctor --test-page`: nothing is wrong.",
            "description": "If you were to be paged and were not, look at the receivers in alertmanager.yml.",
        },
        "startsAt": now.isoformat(),
        "endsAt": (now + _TEST_LASTS).isoformat(),
    }
    try:
        heard = _heard(await _config_of(web))
        await web.post("/api/v2/alerts", [alert])
        taken = await web.get("/api/v2/alerts", list[_TakenAlert], filter=f'alertname="{TEST_ALERT}"')
    except NoAnswer as silence:
        yield fault(AREA, f"the test page was not taken: {silence}", _START)
        return
    of_severity = [each for each in taken if each.labels.get("severity") == severity]
    yield _of_test_page(severity, {receiver.name for each in of_severity for receiver in each.receivers}, heard)


def _of_test_page(severity: str, given: set[str], heard: set[str]) -> Diagnosed:
    page = f"a test page of severity {severity}"
    if not given:
        return warning(AREA, f"{page} was taken, and no receiver has it yet", "look for it in Alertmanager")
    if given & heard:
        return ok(AREA, f"{page} was given to: {', '.join(sorted(given & heard))}; it ends in five minutes")
    names = ", ".join(sorted(given))
    return fault(AREA, f"{page} was given to: {names}; without a destination nobody hears it", _GIVE_ONE)
