"""The demo's company as a producer: its past into Kafka at once, then each event when it happens.

Started again it sends the same events again, which are known by their ids and count once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from streams.clock import Clock
from streams.errors import Undelivered, UsageError
from streams.routing import Router
from streams.settings.settings import Settings
from tenure.demo.company.company import Arrival
from tenure.files.publish import Summary, connected, send

_YIELD_EVERY: Final = 500


async def send_as_it_happens(settings: Settings, arrivals: Iterable[Arrival], clock: Clock) -> None:
    """Send arrivals to Kafka, none before its instant; ends with them, or when it is cancelled.

    Args:
        settings: Where Kafka is, and the names of the topics.
        arrivals: In the order of arrival.
        clock: What time it is.

    Raises:
        LogUnavailable: Kafka does not answer.
        UsageError: A topic that is needed does not exist.
        Undelivered: Kafka did not take a record.
    """
    router, summary = Router(settings), Summary()
    async with connected(settings) as (producer, existing):
        missing = sorted(set(settings.input_topics) - existing)
        if missing:
            raise UsageError(
                f"topics do not exist at {settings.kafka_bootstrap}: {', '.join(missing)}; "
                "create them with `tenure topics --create`"
            )
        for number, arrival in enumerate(arrivals):
            early_ms = arrival.arrived_at_ms - clock.now_ms()
            if early_ms > 0 or number % _YIELD_EVERY == 0:
                await asyncio.sleep(max(0, early_ms) / 1000)
                if summary.undelivered:
                    break
            # Under the key that the company's systems gave it: some forget it, as in life.
            await send(producer, summary, router.route(arrival.value)._replace(key=arrival.key), arrival.value)
    if summary.undelivered:
        raise Undelivered(summary.undelivered, summary.first_reason)
