"""All checks of `tenure doctor`, in the order in which one part needs another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

import aiohttp

from streams.errors import CheckFailed, ConfigurationError, LogUnavailable, TablesUnavailable, TopicsUnfit, UsageError
from streams.settings.settings import Settings
from tenure.doctor import alertmanager, grafana, producers, prometheus, stream, tables, topics
from tenure.doctor.findings import Diagnosed, Level, fault
from tenure.doctor.web import Web

_FAULTS_OF_THE_WORLD: Final = (
    CheckFailed, ConfigurationError, LogUnavailable, TablesUnavailable, TopicsUnfit, UsageError,
)  # fmt: skip


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
    areas: tuple[tuple[str, Callable[[Settings], AsyncIterator[Diagnosed]]], ...] = (
        (topics.AREA, topics.topic_findings),
        (topics.AREA, topics.group_findings),
        (producers.AREA, producers.producer_findings),
        (tables.AREA, tables.redis_findings),
        (stream.AREA, stream.stream_findings),
    )
    away: set[str] = set()
    for area, check in areas:
        try:
            async for finding in check(settings):
                yield finding
        except _FAULTS_OF_THE_WORLD as error:
            said = str(error)
            if said not in away:  # one service that is away is one finding, whoever asks it
                yield fault(area, said)
            away.add(said)
    async with aiohttp.ClientSession() as session:
        async for finding in _of_watchers(session, addresses, test_page):
            yield finding


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
    if alertmanager_url is None:
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
