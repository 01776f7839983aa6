"""`tenure doctor` against real servers: quiet where all is well, and with the right advice where it is not."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from services.alertmanager import Alertmanager
from services.installation import until
from services.prometheus import Prometheus
from tests.tidy.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from services.installation import Installation

SIGNUP = (
    b'{"id": "s%d", "type": "signup", "customer_id": "c%d", "time": "2026-01-01T00:00:00Z", "plan": "pro",'
    b' "mrr_minor": 100}'
)
WEBHOOK = {"webhook_configs": [{"url": "http://127.0.0.1:1/"}]}


def findings(installation: Installation, *options: str, **settings: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Return the exit status, and findings by level."""
    result = installation.run("doctor", "--json", *options, **settings)
    assert result.stdout, result.stderr
    found: dict[str, list[dict[str, Any]]] = {"ok": [], "skipped": [], "warning": [], "fault": []}
    for finding in json.loads(result.stdout)["findings"]:
        found[finding["level"]].append(finding)
    return result.returncode, found


def said(found: list[dict[str, Any]]) -> str:
    """Return what findings say, and advise."""
    return "\n".join(f"{each['area']}: {each['what']} -> {each['advice']}" for each in found)


def produce(installation: Installation, partitioner: str, first: int, last: int) -> None:
    """Send signups of customers by a client with another partitioner."""
    producer = installation.producer(partitioner=partitioner)
    for n in range(first, last):
        producer.produce(installation.topics["signup"], SIGNUP % (n, n), key=b"c%d" % n)
    assert producer.flush(30) == 0


@pytest.fixture(name="alertmanager")
def _alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    """The shipped routes, with a destination for pages alone."""
    folder = tmp_path / "alertmanager"
    shutil.copytree(ROOT / "alertmanager", folder)
    config = yaml.safe_load((folder / "alertmanager.yml").read_text(encoding="utf-8"))
    config["receivers"] = [{"name": "page", **WEBHOOK}, {"name": "warn"}, {"name": "nobody"}, {"name": "watchdog"}]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    server = Alertmanager(folder, config=folder / "alertmanager.yml")
    try:
        server.start()
        yield server
    finally:
        server.process.kill()


@pytest.fixture(name="start_prometheus")
def _start_prometheus(tmp_path: Path, alertmanager: Alertmanager) -> Iterator[Callable[[int], Prometheus]]:
    """Start a Prometheus with the shipped rules, which reads one worker."""
    started: list[Prometheus] = []

    def start(port: int) -> Prometheus:
        folder = tmp_path / "prometheus"
        folder.mkdir()
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ROOT / "prometheus" / "rules" / "*.yml")],
            "scrape_configs": [{"job_name": "tenure", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]},
        }
        server = Prometheus(folder, config=yaml.safe_dump(config))
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.process.kill()


def test_installation_that_works_has_no_fault_but_the_receiver_that_nobody_gave_a_destination(
    installation: Installation, alertmanager: Alertmanager, start_prometheus: Callable[[int], Prometheus]
) -> None:
    """Whoever runs it has to believe it: what is well is told as well, and what is not is told with its remedy."""
    installation.create_topics()
    produce(installation, "murmur2_random", 0, 40)
    worker = installation.worker()
    installation.until_applied()
    prometheus = start_prometheus(worker.port)
    until(lambda: prometheus.query("stream:complete:bool == 1") != [], "recording rules")

    status, found = findings(installation, "--prometheus", prometheus.url, "--test-page", "page")
    assert [finding["area"] for finding in found["skipped"]] == ["grafana"]
    assert said(found["fault"]).startswith(
        "alertmanager: alerts of severity warn go to the receiver warn, which has no"
    )
    assert (status, len(found["fault"])) == (1, 1)
    well = said(found["ok"])
    for what in (
        "10 input topics of 4 partitions each", "1 worker in the group",
        "the 40 latest records have their customer's key",
        "appends to disk", "every record in Kafka is applied", "40 events applied", "reads 1 worker",
        "alerts of severity page go to the receiver page", "a test page of severity page was given to: page",
    ):  # fmt: skip
        assert what in well

    worker.process.kill()
    until(lambda: prometheus.query("up == 0") != [], "a scrape that fails")
    _, found = findings(installation, "--prometheus", prometheus.url, "--alertmanager", alertmanager.url)
    assert f"http://127.0.0.1:{worker.port}/metrics is not read" in said(found["fault"])


def test_producers_that_partition_otherwise_and_run_ahead_are_named_with_their_topic(
    installation: Installation,
) -> None:
    """Each of their records costs twice, and nothing else says which client to set."""
    installation.create_topics()
    produce(installation, "consistent_random", 0, 100)
    producer = installation.producer()
    ahead_ms = int(time.time() * 1000) + 3_600_000
    producer.produce(installation.topics["cancel"], b'{"customer_id": "c1"}', timestamp=ahead_ms)
    producer.produce(installation.topics["cancel"], b'{"customer_id": "c1"}', key=b"other")
    assert producer.flush(30) == 0

    status, found = findings(installation)
    assert status == 1
    warnings = said(found["warning"])
    signup, cancel = installation.topics["signup"], installation.topics["cancel"]
    assert f"of the 100 latest records of {signup} lie on another partition" in warnings
    assert f"1 of the 2 latest records of {cancel} have no key" in warnings
    assert f"1 of the 2 latest records of {cancel} have another key" in warnings
    assert f"1 of the 2 latest records of {cancel} are stamped up to 3,5" in warnings
    faults = said(found["fault"])
    assert "no worker is in the group" in faults
    assert "no stream has written under the prefix" in faults


def test_service_that_is_away_is_one_finding_and_the_others_are_looked_at(installation: Installation) -> None:
    """An installation that is half up is when the command is called."""
    status, found = findings(
        installation,
        "--prometheus", "http://127.0.0.1:1", "--alertmanager", "http://127.0.0.1:1", "--grafana", "http://127.0.0.1:1",
        TENURE_KAFKA_BOOTSTRAP="127.0.0.1:1",
    )  # fmt: skip
    assert status == 1
    assert [finding["area"] for finding in found["fault"]].count("kafka") == 1
    assert {finding["area"] for finding in found["fault"]} == {
        "kafka", "stream", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip
    assert "redis: " in said(found["ok"])


def test_tables_of_other_settings_are_a_fault_that_says_which(installation: Installation) -> None:
    """A worker would refuse to start; the operator asks why."""
    installation.create_topics()
    produce(installation, "murmur2_random", 0, 1)
    installation.worker()
    installation.until_applied()
    _, found = findings(installation, TENURE_BUSINESS_TIME_ZONE="Europe/Bucharest")
    assert "TENURE_BUSINESS_TIME_ZONE" in said(found["fault"])
