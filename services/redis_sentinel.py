"""A real primary of Redis, its replica, and a Sentinel that puts one into the other's place."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from services.certificates import Certificates
from services.process import Process, free_port, wait_until
from services.redis import Redis

SERVICE = "orders"
DOWN_AFTER_MS = 2_000


class RedisSentinel:
    """`servers`, of which the first begins as the primary, and `sentinel`; `url` leads to whichever is the primary."""

    def __init__(self, folder: Path, *, password: str | None = None, certificates: Certificates | None = None) -> None:
        """Lay out the servers, whose data lie in folders inside `folder`, which exists.

        Args:
            folder: Where all data lie.
            password: What servers and Sentinel ask for; it stands in `url`.
            certificates: With them all speak TLS alone, and want the certificate of a client.

        Raises:
            FileNotFoundError: redis-server is missing.
        """
        program = shutil.which("redis-server")
        if program is None:
            message = "no redis-server: run `make services`"
            raise FileNotFoundError(message)
        asks = {"password": password, "certificates": certificates, "knows_clients": certificates is not None}
        self.servers: list[Redis] = []
        for number in range(2):
            place = folder / f"server-{number}"
            place.mkdir()
            options: tuple[str, ...] = () if password is None else ("--masterauth", password)
            if certificates is not None:
                options += ("--tls-replication", "yes")
            options += ("--repl-diskless-sync-delay", "0")
            if self.servers:
                options += ("--replicaof", "127.0.0.1", str(self.servers[0].port))
            self.servers.append(Redis(place, options=options, **asks))  # type: ignore[arg-type]
        place = folder / "sentinel"
        place.mkdir()
        self._file = place / "sentinel.conf"
        # A Sentinel is a Redis whose first argument is its file, which it writes to.
        self.sentinel = Redis(place, fsync=None, **asks)  # type: ignore[arg-type]
        self.sentinel.process = Process([program, str(self._file), "--sentinel"], log=place / "sentinel.log")
        self._write(password, certificates)
        nobody = free_port()  # the first of two Sentinels is away
        scheme, _, rest = self.sentinel.url.partition("://")
        user = f":{password}@" if password else ""
        query = rest.partition("?")[2]
        more = [query] if query else []
        more += [f"sentinel_password={password}"] if password else []
        self.url = f"{scheme}+sentinel://{user}127.0.0.1:{nobody},127.0.0.1:{self.sentinel.port}/{SERVICE}/0"
        self.url += f"?{'&'.join(more)}" if more else ""

    def _write(self, password: str | None, certificates: Certificates | None) -> None:
        port = self.sentinel.port
        lines = ["bind 127.0.0.1", f"dir {self._file.parent}"]
        lines += [f"port {port}"] if certificates is None else ["port 0", f"tls-port {port}", "tls-replication yes"]
        if certificates is not None:
            lines += [f"tls-ca-cert-file {certificates.authority}", f"tls-key-file {certificates.key}"]
            lines += [f"tls-cert-file {certificates.certificate}", "tls-auth-clients yes"]
        lines += [f"sentinel monitor {SERVICE} 127.0.0.1 {self.servers[0].port} 1"]
        lines += [f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}"]
        lines += [f"sentinel failover-timeout {SERVICE} 2000"]
        if password is not None:
            lines += [f"requirepass {password}", f"sentinel auth-pass {SERVICE} {password}"]
        self._file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def start(self) -> None:
        """Start all, and wait until the replica follows and the Sentinel knows of it."""
        for server in self.servers:
            server.start()
        wait_until(self._follows, seconds=30.0, what="a replica that follows")
        self.sentinel.start()  # it asks at once, and then every ten seconds
        wait_until(self._is_known, seconds=30.0, what="a Sentinel that knows the replica")

    def _follows(self) -> bool:
        with self.servers[1].client() as replica:
            return bool(replica.info("replication")["master_link_status"] == "up")

    def _is_known(self) -> bool:
        with self.sentinel.client() as sentinel:
            return len(sentinel.sentinel_slaves(SERVICE)) == 1

    def primary(self) -> Redis:
        """Return the server that the Sentinel takes for the primary."""
        with self.sentinel.client() as sentinel:
            _, port = sentinel.sentinel_get_master_addr_by_name(SERVICE)
        return next(server for server in self.servers if server.port == port)

    def until_failed_over(self) -> None:
        """Wait until the second server is the primary, takes writes, and the Sentinel leads to it."""

        def is_done() -> bool:
            with self.servers[1].client() as client, self.sentinel.client() as sentinel:
                known: Any = sentinel.sentinel_master(SERVICE)
                is_led_to = not known["is_sdown"] and not known["is_odown"]
                is_primary = client.info("replication")["role"] == "master"
                return self.primary() is self.servers[1] and is_primary and is_led_to

        _wait_until_told(is_done, what="a fail-over")

    def until_demoted(self) -> None:
        """Wait until the first server, which is back, follows the second."""

        def is_done() -> bool:
            with self.servers[0].client() as client:
                return bool(client.info("replication")["role"] == "slave")

        _wait_until_told(is_done, what="a primary that has become a replica")

    def stop(self) -> None:
        """End all."""
        for server in (self.sentinel, *self.servers):
            server.kill()


def _wait_until_told(is_done: Callable[[], bool], *, what: str) -> None:
    """Poll `is_done`; the Sentinel closes a server's connections when it gives it another role: no answer yet."""

    def is_told_done() -> bool:
        try:
            return is_done()
        except redis.ConnectionError:
            return False

    wait_until(is_told_done, seconds=30.0, what=what)
