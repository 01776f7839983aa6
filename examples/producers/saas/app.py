"""A tiny SaaS application that publishes what its customers do: sign up, use, answer, cancel.

Each request answers when Kafka has the event. Needs: pip install confluent-kafka starlette uvicorn.
Run: `uvicorn app:app`.
"""

import asyncio
import json
import os
import uuid
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaException, Producer
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PRICES = {"basic": 1900, "pro": 4900}
TOPIC = os.environ.get("TOPIC", "customer.events")  # takes events of any type

producer = Producer(
    {
        "bootstrap.servers": os.environ.get("KAFKA", "127.0.0.1:9092"),
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        "delivery.timeout.ms": 10_000,
    }
)


async def publish(event_type: str, customer_id: str, **members: Any) -> JSONResponse:
    """Send an event and answer with it once Kafka has it; with 503 where Kafka does not take it."""
    event = {"id": str(uuid.uuid4()), "type": event_type, "customer_id": customer_id,
             "time": datetime.now(UTC).isoformat(), **members}  # fmt: skip
    loop = asyncio.get_running_loop()
    taken: asyncio.Future[None] = loop.create_future()

    def settle(error: Any, _record: Any) -> None:
        if error:
            loop.call_soon_threadsafe(taken.set_exception, KafkaException(error))
        else:
            loop.call_soon_threadsafe(taken.set_result, None)

    producer.produce(TOPIC, json.dumps(event), key=customer_id, on_delivery=settle)
    await run_in_threadpool(producer.flush, 15)
    try:
        await taken
    except KafkaException as error:
        return JSONResponse({"error": f"not recorded, try again: {error}"}, status_code=503)
    return JSONResponse(event, status_code=201)


async def sign_up(request: Request) -> JSONResponse:
    """Open a subscription."""
    plan = request.query_params.get("plan", "basic")
    if plan not in PRICES:
        return JSONResponse({"error": f"no such plan: {plan}; there are {', '.join(PRICES)}"}, status_code=422)
    customer = request.path_params["customer"]
    return await publish("signup", customer, plan=plan, mrr_minor=PRICES[plan], currency="USD", channel="website")


async def use(request: Request) -> JSONResponse:
    """Note that a feature was used."""
    return await publish("activity", request.path_params["customer"], feature=request.path_params["feature"])


async def answer(request: Request) -> JSONResponse:
    """Record an answer to the NPS survey."""
    score = int(request.path_params["score"])
    return await publish("survey", request.path_params["customer"], kind="nps", score=score)


async def cancel(request: Request) -> JSONResponse:
    """End the subscription."""
    reason = request.query_params.get("reason", "unspecified")
    return await publish("cancel", request.path_params["customer"], reason=reason)


app = Starlette(
    routes=[
        Route("/customers/{customer}/signup", sign_up, methods=["POST"]),
        Route("/customers/{customer}/use/{feature}", use, methods=["POST"]),
        Route("/customers/{customer}/nps/{score:int}", answer, methods=["POST"]),
        Route("/customers/{customer}/cancel", cancel, methods=["POST"]),
    ]
)
