"""The examples of producers, run against a real Kafka: their events count, on the partition where they belong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from http.client import HTTPConnection
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.process import free_port
from streams.batching.partitioner import partition_of
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.installation import Installation
    from services.process import StartProcess

PRODUCERS: Final = ROOT / "examples" / "producers"
BUILT: Final = ROOT / "build" / "services"
LANGUAGES: Final = ("python", "javascript", "go", "java", "cloudevents")
PARTITIONS: Final = 4


def javascript(folder: Path) -> list[str]:
    """Return the command of the example, copied to where its library is."""
    shutil.copy(PRODUCERS / "javascript" / "signup.mjs", folder)
    (folder / "node_modules").symlink_to(BUILT / "producers" / "javascript" / "node_modules")
    return ["node", str(folder / "signup.mjs")]


def command_of(language: str, folder: Path) -> Sequence[str]:
    """Return how an example is run."""
    if language == "javascript":
        return javascript(folder)
    if language == "go":
        return [str(BUILT / "producers" / "signup-go")]
    if language == "java":
        return ["java", "-cp", f"{BUILT / 'kafka'}/*", str(PRODUCERS / "java" / "Signup.java")]
    return [sys.executable, str(PRODUCERS / language / "signup.py")]


def test_examples_of_all_languages_count_and_partition_as_kafka_does(
    installation: Installation, tmp_path: Path
) -> None:
    """People copy them: what they get wrong, a hundred producers get wrong."""
    installation.create_topics()
    topic = installation.topics["signup"]
    environment = {**os.environ, "KAFKA": installation.kafka.bootstrap, "TOPIC": topic}
    customers = {language: {f"{language}-{n}" for n in range(40)} for language in LANGUAGES}
    for language in LANGUAGES:
        command = [*command_of(language, tmp_path), *customers[language]]
        subprocess.run(command, env=environment, check=True, timeout=120)

    records = installation.records_in(topic)
    keys = [(record.key() or b"").decode() for record in records]
    assert sorted(keys) == sorted(chain.from_iterable(customers.values()))
    misplaced = {
        key
        for key, record in zip(keys, records, strict=True)
        if record.partition() != partition_of(key.encode(), PARTITIONS)
    }
    assert misplaced == set()
    installation.worker()
    installation.until_applied()
    (report,) = installation.kpi()
    assert report["totals"]["customers_active"] == report["events"]["applied"] == len(keys)
    assert report["totals"]["mrr"] == 4900 * len(keys)


def test_versions_of_the_example_application_are_those_it_is_tested_with() -> None:
    """An image with another version is another program."""
    image = (PRODUCERS / "saas" / "Dockerfile").read_text(encoding="utf-8")
    locked = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    pins = re.findall(r"[a-z-]+==[0-9.]+", image)
    assert len(pins) == 3
    assert [pin for pin in pins if f"\n{pin} " not in f"\n{locked}"] == []


def test_example_application_answers_when_its_event_counts(
    installation: Installation, start_process: StartProcess
) -> None:
    """The shape that most products have: requests that publish."""
    installation.create_topics()
    port = free_port()
    process = start_process(
        [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--app-dir", str(PRODUCERS / "saas")],
        {"KAFKA": installation.kafka.bootstrap, "TOPIC": installation.topics["events"]},
    )
    process.wait_until(lambda: _post(port, "/nowhere") == 404)
    for path in (
        "c-1/signup?plan=pro",
        "c-2/signup",
        "c-1/use/reports",
        "c-1/nps/9",
        "c-2/cancel?reason=too_expensive",
    ):
        assert _post(port, f"/customers/{path}") == 201
    assert _post(port, "/customers/c-3/signup?plan=gold") == 422
    installation.worker()
    installation.until_applied()
    (report,) = installation.kpi("--window", "1d")
    assert report["totals"]["customers_active"] == 1
    assert report["totals"]["mrr"] == 4900
    counts = report["windows"]["1d"]
    assert (counts["signups"], counts["nps_promoters"], counts["customers_engaged"]) == (2, 1, 1)
    assert set(report["events"]["dead_letters"].values()) == {0}


def _post(port: int, path: str) -> int:
    """Return the status that a request is answered with; 0 where nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
