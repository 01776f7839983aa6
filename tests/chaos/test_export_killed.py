"""An export that is killed, and whenever: the next one goes on, and every row is there once."""

from __future__ import annotations

import random
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from schemas.relations import OF_CUSTOMERS
from services.installation import TENURE
from services.postgres import Postgres
from services.process import Process, StartProcess, wait_until
from tests.unit.tenure.outlets.exported import in_parquet, to_parquet

pytestmark = pytest.mark.alone

KILLS: Final = 4
SEED: Final = 20261129


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with some thousand customers."""
    file = tmp_path_factory.mktemp("company") / "company.ndjson"
    with file.open("wb") as output:
        subprocess.run([TENURE, "company", "--days", "60", "--seed", "3"], stdout=output, check=True)
    return file


def in_postgres(server: Postgres, schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of each relation."""
    return {each.name: server.rows(f"SELECT * FROM {schema}.{each.name} ORDER BY 1, 2, 3") for each in OF_CUSTOMERS}  # noqa: S608 - names of ours


def test_export_to_postgres_that_is_killed_again_and_again_has_every_row_once(
    company: Path, postgres: Postgres, start_process: StartProcess
) -> None:
    """Transactions hold whole customers, with the digests by which the next export knows them."""
    command = [TENURE, "export", "--to", "postgres", "--file", str(company)]
    environment = {"TENURE_EXPORT_POSTGRES": postgres.dsn}
    there = 0
    for _ in range(KILLS):
        process = start_process([*command, "--schema", "killed"], environment)
        process.wait_until(partial(_has_more, postgres, there), seconds=120, what="more customers")
        process.kill()
        there = _customers(postgres, "killed")
    done = start_process([*command, "--schema", "killed"], environment)
    assert done.wait(seconds=240) == 0, done.output
    whole = start_process([*command, "--schema", "whole"], environment)
    assert whole.wait(seconds=240) == 0, whole.output
    found = in_postgres(postgres, "killed")
    assert found == in_postgres(postgres, "whole")
    assert len(found["customers"]) > 1_000
    assert sum(len(rows) for rows in found.values()) > len(found["customers"])


def _has_more(server: Postgres, there: int) -> bool:
    return _customers(server, "killed") > there


def _customers(server: Postgres, schema: str) -> int:
    ((is_there,),) = server.rows(f"SELECT to_regclass('{schema}.customers') IS NOT NULL")
    return int(server.rows(f"SELECT count(*) FROM {schema}.customers")[0][0]) if is_there else 0  # noqa: S608 - a name of ours


def test_export_to_parquet_that_is_killed_again_and_again_has_every_row_once(
    company: Path, tmp_path: Path, start_process: StartProcess
) -> None:
    """Readers of the folder find whole files at any time."""
    out, chance = tmp_path / "killed", random.Random(SEED)
    command = [TENURE, "export", "--to", "parquet", str(out), "--file", str(company)]
    for _ in range(KILLS):
        before = _written(out)
        process = start_process(command)
        wait_until(partial(_has_moved, out, before, process), seconds=120, what="a file")
        time.sleep(chance.random() / 4)
        process.kill()
        in_parquet(out)
    done = start_process(command)
    assert done.wait(seconds=240) == 0, done.output
    to_parquet(tmp_path / "whole", company)
    found = in_parquet(out)
    assert found == in_parquet(tmp_path / "whole")
    assert len(found["customers"]) > 1_000


def _has_moved(out: Path, before: int, process: Process) -> bool:
    return _written(out) != before or not process.running


def _written(out: Path) -> int:
    """Return what changes whenever a file is put in its place."""
    return sum(path.stat().st_mtime_ns for path in out.rglob("*.parquet"))
