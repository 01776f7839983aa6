"""All checks of `tenure doctor`, in the order in which one part needs another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import aiohttp

from streams.errors import TenureError
from streams.settings.settings import Settings
from tenure.doctor import alertmanager, grafana, producers, prometheus, stream, tables, topics
from tenure.doctor.findings import Diagnosed, Level, fault
from tenure.doctor.web import Web
from tenure.operations.topics import Topic, look


class Addresses(NamedTuple):
    """Addresses of the services that watch the stream; None where the user named none.

    Attributes:
        prometheus: Such as http://127.0.0.1:9090.
        alertmanager: Without one, the first that Prometheus knows.
        grafana: Without one it is not looked at.
    """

    prometheus: str | None = None
    alertmanager: str | None = None
    grafana: str | None = None


async def findings(settings: Settings, addresses: Addresses, test_page: str | None = None) -> AsyncIterator[Diagnosed]:
    """Yield what there is to say of an installation, as it is found.

    Args:
        settings: Of the stream.
        addresses: Of what watches it.
        test_page: A severity; sends an alert of it.
    """
    said: set[str] = set()
    there: list[Topic] | None = None
    try:
        there = await look(settings)
    except TenureError as error:
        said.add(str(error))
        yield fault(topics.AREA, str(error))
    inputs = None if there is None else [topic.topic for topic in there if topic.is_input and topic.partitions]
    areas = [
        (topics.AREA, topics.group_findings(settings)),
        (tables.AREA, tables.redis_findings(settings)),
        (stream.AREA, stream.stream_findings(settings, inputs)),
    ]
    if there is not None and inputs is not None:
        areas.insert(0, (topics.AREA, topics.topic_findings(settings, there)))
        areas.insert(2, (producers.AREA, producers.producer_findings(settings, inputs)))
    for area, found in areas:
        async for finding in _told(area, found, said):
            yield finding
    async with aiohttp.ClientSession() as session:
        async for finding in _of_watchers(session, addresses, test_page):
            yield finding


async def _told(area: str, found: AsyncIterator[Diagnosed], said: set[str]) -> AsyncIterator[Diagnosed]:
    """Yield what is found, and as a fault what ends it; one service that is away is one finding, whoever asks it."""
    try:
        async for finding in found:
            yield finding
    except TenureError as error:
        if str(error) not in said:
            yield fault(area, str(error))
        said.add(str(error))


async def _of_watchers(
    session: aiohttp.ClientSession, addresses: Addresses, test_page: str | None
) -> AsyncIterator[Diagnosed]:
    alertmanager_url = addresses.alertmanager
    if addresses.prometheus is None:
        yield _skipped(prometheus.AREA)
    else:
        web = Web(session, addresses.prometheus)
        async for finding in prometheus.prometheus_findings(web):
            yield finding
        alertmanager_url = alertmanager_url or await prometheus.alertmanager_of(web)
    if alertmanager_url is None and test_page is not None:
        advice = "name its address with --alertmanager, or a Prometheus that knows it with --prometheus"
        yield fault(alertmanager.AREA, f"the test page of severity {test_page} was not sent: no Alertmanager", advice)
    elif alertmanager_url is None:
        yield _skipped(alertmanager.AREA)
    else:
        web = Web(session, alertmanager_url)
        async for finding in alertmanager.alertmanager_findings(web):
            yield finding
        if test_page is not None:
            async for finding in alertmanager.send_test_page(web, test_page):
                yield finding
    if addresses.grafana is None:
        yield _skipped(grafana.AREA)
    else:
        async for finding in grafana.grafana_findings(Web(session, addresses.grafana)):
            yield finding


def _skipped(area: str) -> Diagnosed:
    return Diagnosed(area, Level.SKIPPED, "not looked at", f"name its address with --{area}")
