"""Alerts of the gateway: nobody takes what is sent over HTTP, or what is sent is not taken.

Source: docs/gateway.md. Where there is no gateway there is no series, and none of them fires.
"""

from collections.abc import Iterator
from typing import Final

from monitoring.alerts import thresholds
from monitoring.alerts.feeds import STREAM_BOARD
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import COUNT, SHARE, looked_up, own

ANSWERING: Final = 'up{job="tenure-gateway"}'
_REQUESTS: Final = "tenure_gateway_requests_total"
FAILED: Final = f'sum(rate({_REQUESTS}{{status=~"5.."}}[5m]))\n/ sum(rate({_REQUESTS}[5m]))'
NOT_LET_IN: Final = (
    f'sum by (sender) (rate({_REQUESTS}{{sender!="",status="401"}}[15m]))\n'
    f'/ sum by (sender) (rate({_REQUESTS}{{sender!=""}}[15m]))'
)


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield all of them."""
    answering = f"{looked_up(f'sum({ANSWERING})', COUNT)} of {looked_up(f'count({ANSWERING})', COUNT)} answer."
    yield _gateway(
        "TenureGatewayDown",
        "warn",
        f"{ANSWERING} == 0",
        pace.glance,
        "Gateway {{ $labels.instance }} does not answer",
        f"Gateway {{{{ $labels.instance }}}} does not answer Prometheus; {answering} The others take what is sent, if"
        " what stands before them knows.\nFirst: see whether it is being deployed; else its last log lines.",
    )
    yield _gateway(
        "TenureGatewayDown",
        "page",
        f"max({ANSWERING}) == 0",
        pace.symptom,
        f"None of {looked_up(f'count({ANSWERING})', COUNT)} gateways answers: what is sent over HTTP waits outside",
        f"No gateway answers Prometheus, for {pace.symptom}. Senders of webhooks come again for hours or days,"
        " producers of our own as long as they were written to; then events are lost.\n"
        "First: see whether their processes run, and their last log lines.",
    )
    yield _gateway(
        "TenureGatewayFailing",
        "warn",
        f"{FAILED} > {thresholds.GATEWAY_FAILED_SHARE}",
        pace.glance,
        f"The gateway tells {own(SHARE)} of all requests to come again",
        f"{own(SHARE)} of the requests of the last minutes were not taken: Kafka is away, or there is no room for more."
        f" Kafka takes what {looked_up('sum(tenure_gateway_kafka_up)', COUNT)} of"
        f" {looked_up('count(tenure_gateway_kafka_up)', COUNT)} gateways send. Nothing is lost as long as senders come"
        " again.\nFirst: the log lines kafka_unreachable and request_refused say why.",
    )
    yield _gateway(
        "TenureGatewayNotLetIn",
        "warn",
        f"{NOT_LET_IN} > {thresholds.GATEWAY_NOT_LET_IN_SHARE}",
        pace.patient,
        f"{own(SHARE)} of what {{{{ $labels.sender }}}} sends is not signed as it should be",
        f"Of the webhooks of {{{{ $labels.sender }}}}, {own(SHARE)} are refused: their signature is that of no secret"
        " that is set, or their time is too far off. The sender comes again for hours or days, and then gives up.\n"
        "First: the log line request_refused says what is wrong; compare the secret with the sender's.",
    )


def _gateway(name: str, severity: str, expr: str, lasting: str, summary: str, description: str) -> Alert:
    return Alert(name, severity, "stream", expr, lasting, summary, description, STREAM_BOARD)
