"""Panels about the gateway: what is sent over HTTP, and whether Kafka takes it.

A gateway is a job of its own, so that the chosen jobs, which are those of workers, do not narrow these.
"""

from typing import Final

from monitoring.dashboards.panels import BAD, CALM, GOOD, Placed, number
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import COUNT, of_metric
from schemas import instruments as known

_EMPTY: Final = "no gateway runs"


def answers() -> Placed:
    """Return how many requests were answered with each status."""
    about = of_metric(
        "Requests to the gateway in the last hour, by status",
        known.GATEWAY_REQUESTS,
        "200 is taken, 207 in part; 401 is not let in; 413 is too large, 422 wrong, with reasons; 429, 500 and 503 are"
        " to come again. An estimate from counters.",
        COUNT,
        runbooks=("TenureGatewayFailing", "TenureGatewayNotLetIn"),
    )
    asked = Query(f"round(sum by (status) (increase({known.GATEWAY_REQUESTS.name}[1h])))", "{{status}}")
    return number(about, asked, steps=[(None, CALM)], size=(18, 4), empty="no request, or no gateway", names=True)


def served() -> Placed:
    """Return of how many gateways Kafka takes what they send."""
    about = of_metric(
        "Gateways that work",
        known.GATEWAY_KAFKA_UP,
        "Gateways that answer Prometheus and reach Kafka.",
        COUNT,
        runbooks=("TenureGatewayDown",),
    )
    asked = Query(f"sum({known.GATEWAY_KAFKA_UP.name})", "gateways")
    return number(about, asked, steps=[(None, BAD), (1.0, GOOD)], size=(6, 4), empty=_EMPTY)
