"""A TCP proxy of the tests' own: links to servers that can be cut, frozen, or slowed down, one way or both.

Each link listens on a loopback port and passes bytes on to a server's port. Who connects is told apart by the address
that it comes from, so that servers can lose sight of one another while clients still reach them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Collection
from typing import Any, Final, Literal, Self

from services.process import free_port

Way = Literal["to server", "to client"]
#: What is passed on at once, and how much of it a slow link passes in a second.
CHUNK_BYTES: Final = 65_536
#: Where clients come from; servers that are told apart come from other addresses.
CLIENTS: Final = "127.0.0.1"


class Link:
    """A way to a server: `port` is where clients connect.

    Args:
        network: The network that the link is part of.
        target_port: The server's own port, on loopback.
    """

    def __init__(self, network: Network, target_port: int) -> None:
        self.port = free_port()
        self._network, self._target_port = network, target_port
        self._frozen: set[Way] = set()
        self._barred: frozenset[str] = frozenset()
        self._everyone_barred = False
        self._bytes_a_second: int | None = None
        self._delay_seconds = 0.0
        self._open: dict[asyncio.StreamWriter, str] = {}
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None

    def cut(self, sources: Collection[str] = ()) -> None:
        """End all connections, and those to come as soon as they are made; with `sources` only theirs."""
        self._barred, self._everyone_barred = frozenset(sources), not sources
        self._network.call(self._end)

    def freeze(self, *ways: Way) -> None:
        """Let connections stand, and pass nothing on, in the ways named or in both."""
        self._frozen = set(ways or ("to server", "to client"))

    def slow(self, *, bytes_a_second: int, delay_seconds: float) -> None:
        """Pass on so much a second in each way of each connection, each piece that much later."""
        self._bytes_a_second, self._delay_seconds = bytes_a_second, delay_seconds

    def heal(self) -> None:
        """Pass on everything again, also what was held back."""
        self._barred, self._everyone_barred, self._frozen = frozenset(), False, set()
        self._bytes_a_second, self._delay_seconds = None, 0.0
        self._network.call(self._wake)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _end(self) -> None:
        for writer, source in list(self._open.items()):
            if self._bars(source):
                writer.transport.abort()

    def _bars(self, source: str) -> bool:
        return self._everyone_barred or source in self._barred

    async def serve(self) -> None:
        """Take connections; called by the network, in its thread."""
        self._server = await asyncio.start_server(self._connected, CLIENTS, self.port, limit=CHUNK_BYTES)

    def close(self) -> None:
        """Take no more connections; called by the network, in its thread."""
        if self._server is not None:
            self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source: str = writer.get_extra_info("peername")[0]
        if self._bars(source):
            writer.transport.abort()
            return
        try:
            there, to_there = await asyncio.open_connection(CLIENTS, self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._open[writer] = self._open[to_there] = source
        for each in (writer, to_there):
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        passing = [
            asyncio.create_task(self._pass_on(reader, to_there, "to server")),
            asyncio.create_task(self._pass_on(there, writer, "to client")),
        ]
        await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
        for each in (writer, to_there):
            self._open.pop(each, None)
            each.transport.abort()
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(CHUNK_BYTES):
                if self._bytes_a_second is not None:
                    await self._pause(self._delay_seconds + len(piece) / self._bytes_a_second)
                while way in self._frozen:
                    await self._changed.wait()
                writer.write(piece)
                await writer.drain()
            # The other side sees the end once it has all of it.
            while writer.transport.get_write_buffer_size():
                await asyncio.sleep(0.01)

    async def _pause(self, seconds: float) -> None:
        """Wait, no longer than the link is slow."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)


class Network:
    """Links, all served by one thread: use it in a `with` statement."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.links: list[Link] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(timeout=30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        """End all connections, and take no more."""
        for link in self.links:
            link.close()
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def link(self, target_port: int) -> Link:
        """Return a new link to a port of this machine; nobody needs to listen there yet."""
        link = Link(self, target_port)
        asyncio.run_coroutine_threadsafe(link.serve(), self._loop).result(timeout=30)
        self.links.append(link)
        return link

    def heal(self) -> None:
        """Have all links pass on everything."""
        for link in self.links:
            link.heal()

    def call(self, function: Callable[[], Any]) -> None:
        """Call a function in the network's thread."""
        self._loop.call_soon_threadsafe(function)
