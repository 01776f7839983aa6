"""A worker with one more agent: it counts the events that name a country, in a metric of its own."""

from faust import StreamT
from prometheus_client import Counter

from streams.batching.batches import Batch, BatchSchema
from streams.giving_way import giving_way
from streams.settings.loading import load_settings
from tenure.commands.one_line import one_line_errors
from tenure.worker.composition import Worker
from tenure.worker.worker import serve


def add_countries(worker: Worker) -> None:
    """Add the agent to a worker that has not started yet."""
    by_country = Counter(
        "acme_events", "Events, by the country they name.", ["country"], registry=worker.meters.registry
    )
    topics = worker.app.topic(*worker.context.topics, schema=BatchSchema())

    @worker.app.agent(topics, name="acme.countries")
    async def countries(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            if batch.stale:
                continue  # it is read again, here or by another worker
            decoded = await giving_way(worker.context.decoder.decode_in_steps(batch.records))
            for event in decoded.events:
                if country := getattr(event, "country", ""):
                    by_country.labels(country).inc()


if __name__ == "__main__":
    with one_line_errors():
        serve(load_settings(), add_countries)
