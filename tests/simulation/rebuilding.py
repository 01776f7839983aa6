"""Runs whose tables are built anew, out of the facts or out of the log, while everything else happens."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from schemas.decoding import rules
from streams.errors import TenureError
from streams.forgetting.forgotten import Forgotten
from streams.tables import StreamMark
from tenure.rebuilding.rebuild import Wish, rebuild
from tenure.worker.composition import build_worker
from tests.simulation.product import Run
from tests.simulation.workers import BROKER, SimulatedWorker

if TYPE_CHECKING:
    from streams.settings.settings import Settings
    from tests.simulation.store import Connection

_KAFKA: Final = "tenure.rebuilding.from_kafka"


class _Rebuilder:
    """The command, as something that can be killed."""

    app: Any = None

    async def start(self) -> None:
        """Do nothing yet."""

    async def stop(self) -> None:
        """Do nothing any more."""


class RebuildingRun(Run):
    """A run in which `tenure rebuild` is called, now and then killed over it, and called again."""

    rebuilds = True

    async def _scenario(self) -> None:
        with _embedded_log():
            await super()._scenario()

    async def rebuild(self, draws: Random) -> None:
        """Build tables anew; a command that is killed, or refuses, changes nothing."""
        name = f"r{len(self.commands) + 1}"
        tables = self._connection(name).anew()
        command = SimulatedWorker(self.simulation, name, lambda _cluster, _name: _Rebuilder())
        wish = Wish(draws.choice(("tables", "tables", "kafka")), None, True, False, "somebody", "")
        await command.start()
        command.running = False  # no worker of the stream
        self.commands.append(command)
        if draws.random() < 0.3:
            self.simulation.loop.call_later(draws.uniform(0.1, 12), command.crash)
        losses = self.store.losses
        outcome = await command.inside(self._build(tables, wish))
        self.simulation.note("rebuild", wish.source, outcome or "killed")
        # Where Redis loses something meanwhile, of both or of one of them, it is right to refuse.
        if outcome == "different" and losses == self.store.losses:
            self.problems.append("tables that were built anew count otherwise")

    async def _build(self, tables: Connection, wish: Wish) -> str:
        mark = await _mark_of(tables)
        if mark is None:
            return "no stream"

        @contextlib.asynccontextmanager
        async def opened(settings: Settings) -> AsyncIterator[tuple[Connection, StreamMark]]:
            del settings
            yield tables, mark

        try:
            with mock.patch("tenure.rebuilding.rebuild._opened", opened):
                return (await rebuild(self.settings, wish, lambda _: None)).outcome
        except TenureError as error:
            return type(error).__name__


async def _mark_of(tables: Connection) -> StreamMark | None:
    with contextlib.suppress(TenureError):
        return await tables.read_mark()
    return None


@contextlib.contextmanager
def _embedded_log() -> Iterator[None]:
    """Have rebuilds read the log of the simulation instead of Kafka."""

    @contextlib.asynccontextmanager
    async def nobody(*_: object) -> AsyncIterator[Forgotten]:
        yield Forgotten()

    async def whole(*_: object) -> None:
        """Find that the log has all: nothing is deleted in these runs."""

    with contextlib.ExitStack() as stack:
        for name, fake in (
            ("client_options", lambda _: {}),
            ("credentials", lambda _: None),
            ("broker_url", lambda _: BROKER),
            ("known_forgotten", nobody),
            ("check_beginning", whole),
            ("build_worker", partial(build_worker, latest_ms=rules.LATEST_MS)),
        ):
            stack.enter_context(mock.patch(f"{_KAFKA}.{name}", fake))
        yield
