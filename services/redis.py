"""A real Redis for the tests, that can be killed, paused, and brought back without its last moments.

Not the system's: it never touches a Redis that runs as a service, nor its port or folder.
"""

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Literal

import redis

from services.certificates import KEY_PASSWORD, Certificates
from services.process import Process, free_port, listens

Fsync = Literal["everysec", "always", "no"]


def machines_redis() -> str:
    """Return the path of the machine's redis-server, whatever a virtual environment has under that name.

    Raises:
        FileNotFoundError: There is none.
    """
    own = Path(sys.prefix) / "bin"
    folders = [folder for folder in os.get_exec_path() if Path(folder) != own]
    program = shutil.which("redis-server", path=os.pathsep.join(folders))
    if program is None:
        message = "no redis-server: run `make services`"
        raise FileNotFoundError(message)
    return program


class Redis:
    """One server: `url` is its address, `process` what lies beneath."""

    def __init__(
        self,
        folder: Path,
        *,
        fsync: Fsync | None = "everysec",
        options: tuple[str, ...] = (),
        port: int | None = None,
        password: str | None = None,
        certificates: Certificates | None = None,
        knows_clients: bool = False,
    ) -> None:
        """Lay out a server whose data lie in `folder`, which exists.

        Args:
            folder: Where the append-only file lies.
            fsync: How often appends reach the disk; None is a Redis without persistence.
            options: More of redis-server's arguments, for example ("--maxmemory-policy", "allkeys-lru").
            port: Where it listens, on loopback; None takes any free one.
            password: What it asks for; it stands in `url`.
            certificates: With them it speaks TLS alone, and `url` says so.
            knows_clients: Whether it wants their client's certificate too; it then stands in `url`.

        Raises:
            FileNotFoundError: redis-server is missing.
        """
        program = machines_redis()
        self.folder = folder
        self.port = port or free_port()
        address = f"{'' if password is None else f':{password}@'}127.0.0.1:{self.port}/0"
        self.url = f"redis://{address}"
        listen = ["--port", str(self.port)]
        if certificates is not None:
            self.url = f"rediss://{address}?ssl_ca_certs={certificates.authority}"
            if knows_clients:
                self.url += f"&ssl_certfile={certificates.client_certificate}&ssl_keyfile={certificates.client_key}"
                self.url += f"&ssl_password={KEY_PASSWORD}"
            listen = [
                "--port",
                "0",
                "--tls-port",
                str(self.port),
                "--tls-auth-clients",
                "yes" if knows_clients else "no",
            ]
            listen += ["--tls-ca-cert-file", str(certificates.authority), "--tls-key-file", str(certificates.key)]
            listen += ["--tls-cert-file", str(certificates.certificate)]
        if password is not None:
            listen += ["--requirepass", password]
        persistence = ["--appendonly", "no"] if fsync is None else ["--appendonly", "yes", "--appendfsync", fsync]
        self.process = Process(
            [
                program,
                *("--bind", "127.0.0.1", *listen, "--dir", str(folder)),
                *("--save", "", "--enable-debug-command", "yes", *persistence, *options),
            ],
            log=folder / "redis.log",
        )

    def start(self) -> None:
        """Start the server and wait until it has loaded its data and answers."""
        self.process.start()
        self.process.wait_until(self._answers, what=f"Redis on port {self.port}")

    def client(self) -> redis.Redis:
        """Return a new client; close it, or use it in a `with` statement."""
        return redis.Redis.from_url(self.url)

    def kill(self) -> None:
        """Kill the server. What it had acknowledged it still has after `restart`: the kernel keeps what was written."""
        self.process.kill()

    def restart(self) -> None:
        """Kill the server, if it runs, and start it on the data that it left."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Let the server stand still with its connections open."""
        self.process.pause()

    def resume(self) -> None:
        """Let the server go on after a pause."""
        self.process.resume()

    def remember(self) -> Path:
        """Copy what the server has on disk at this moment, and return the copy, for `restart_from`."""
        copy = self.folder / f"remembered-{len(list(self.folder.glob('remembered-*')))}"
        shutil.copytree(self.folder / "appendonlydir", copy)
        return copy

    def restart_from(self, moment: Path) -> None:
        """Kill the server and start it on what `remember` kept: acknowledged writes since then are lost.

        That is what a power cut does to a Redis with `appendfsync everysec`, and a fail-over to a replica that lags.
        """
        self.kill()
        shutil.rmtree(self.folder / "appendonlydir")
        shutil.copytree(moment, self.folder / "appendonlydir")
        self.start()

    def tear(self, share: float) -> None:
        """Cut the append-only file of a killed server within its last transaction, as a power cut may.

        Args:
            share: How much of that transaction stays, from 0 to 1.
        """
        (file,) = (self.folder / "appendonlydir").glob("*.incr.aof")
        content = file.read_bytes()
        start = max(content.rfind(b"*1\r\n$5\r\nMULTI"), 0)
        os.truncate(file, start + int((len(content) - start) * share))

    def _answers(self) -> bool:
        if not listens(self.port):
            return False
        with self.client() as client, contextlib.suppress(redis.ConnectionError):
            # A server that still loads its data raises BusyLoadingError, a ConnectionError.
            return bool(client.ping())
        return False
