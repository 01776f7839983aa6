"""A real PostgreSQL for the tests, with a database of its own, which ends with the test.

The server refuses to run as root: where the tests do, it runs as the user that its package brings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from services.process import Process, free_port

PASSWORD: Final = "corr3ct-h0rse-postgres"
USER: Final = "tenure"
_DEBIAN: Final = Path("/usr/lib/postgresql")
_SERVER_USER: Final = "postgres"


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, which Debian keeps beside the PATH.

    Raises:
        FileNotFoundError: It is missing.
    """
    versions = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parents[1].name))
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        message = f"no {name}: run `make services`"
        raise FileNotFoundError(message)
    return found


class Postgres:
    """One server; `dsn` is its address with the password, `open_dsn` without one."""

    def __init__(self) -> None:
        """Lay out a server in a folder of its own."""
        self._folder = Path(tempfile.mkdtemp(prefix="tenure-postgres-"))
        self._as_user: list[str] = []
        if os.getuid() == 0:
            shutil.chown(self._folder, _SERVER_USER, _SERVER_USER)
            self._as_user = ["setpriv", f"--reuid={_SERVER_USER}", f"--regid={_SERVER_USER}", "--clear-groups"]
        self.port = free_port()
        self.open_dsn = f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"
        self.dsn = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/postgres"
        self.process = Process(
            [
                *self._as_user, program("postgres"), "-D", str(self._folder / "data"), "-p", str(self.port),
                "-h", "127.0.0.1", "-k", str(self._folder), "-c", "fsync=off",
            ],
            log=self._folder / "log.txt",
        )  # fmt: skip

    def start(self) -> None:
        """Make the database, start the server and wait until it answers."""
        secret = self._folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        initdb = [program("initdb"), "-D", str(self._folder / "data"), "-U", USER, "-E", "UTF8", "--no-sync"]
        initdb += ["--auth-host=scram-sha-256", f"--pwfile={secret}"]
        subprocess.run([*self._as_user, *initdb], check=True, capture_output=True)
        self.process.start()
        self.process.wait_until(self._answers, what=f"PostgreSQL on port {self.port}")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query is answered with."""
        import psycopg  # noqa: PLC0415 - few tests need it

        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def execute(self, *statements: str) -> None:
        """Carry out statements that have no answer."""
        import psycopg  # noqa: PLC0415 - few tests need it

        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for each in statements:
                connection.execute(each.encode())

    def stop(self) -> None:
        """End the server, and remove its folder."""
        self.process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        import psycopg  # noqa: PLC0415 - few tests need it

        try:
            return bool(self.rows("SELECT 1"))
        except psycopg.OperationalError:
            return False
