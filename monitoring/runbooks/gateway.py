"""Runbooks of the alerts about the gateway."""

from typing import Final

from monitoring.alerts.gateway import ANSWERING, FAILED, NOT_LET_IN
from monitoring.runbooks.runbook import Runbook

_ANSWERS: Final = ("Which gateways answer?", ANSWERING)
_BY_STATUS: Final = (
    "What is answered, by path, sender and status (requests a second)?",
    "sum by (path, sender, status) (rate(tenure_gateway_requests_total[5m]))",
)
_KAFKA: Final = ("Which gateways does Kafka answer?", "tenure_gateway_kafka_up")

RUNBOOKS: Final = {
    "TenureGatewayDown": Runbook(
        "A gateway does not answer; as a page: none does.",
        "The [gateway](../gateway.md) takes events and webhooks over HTTP. What it does not take waits at its senders:"
        " those of webhooks come again for hours or days, our own producers as long as they were written to. What was"
        " acknowledged is in Kafka.",
        "A deployment replaces gateways one by one, in seconds. If no gateway is meant to be there, take the job"
        " `tenure-gateway` out of Prometheus's configuration.",
        (_ANSWERS, _BY_STATUS),
        (
            "See whether the process runs. A gateway that ended by itself says why in its last line: a setting, topics"
            " that are missing, a right, a port that is taken.",
            "Killed again and again: its memory limit is below what `gateway_max_in_flight_bytes` allows; raise the one"
            " or lower the other.",
            "Once it is back, have the senders of webhooks send again what they gave up: each lists its failed"
            " deliveries. What arrives twice counts once.",
        ),
    ),
    "TenureGatewayFailing": Runbook(
        "The gateway tells many requests to come again.",
        "It answers 503: Kafka has not taken events in time, or more is under way than there is room for. Nothing is"
        " lost as long as senders come again, and what arrives twice counts once.",
        "A broker that restarts makes it for seconds. Lasting, it is Kafka, or more load than one gateway is for.",
        (
            _BY_STATUS,
            _KAFKA,
            ("How much waits for Kafka (bytes)?", "tenure_gateway_in_flight_bytes"),
            ("The share?", FAILED),
        ),
        (
            "`tenure_gateway_kafka_up` is 0: see whether the brokers answer, as in"
            " [TenureKafkaUnreachable](TenureKafkaUnreachable.md).",
            "It is 1, and the log line `request_refused` names a topic: a right is missing"
            " ([rights](../rights.md#publisher)), or fewer replicas are in step than `min.insync.replicas` wants.",
            "It is 1, and there is no room: add gateways, or raise `gateway_max_in_flight_requests` and"
            " `gateway_max_in_flight_bytes` with the memory for them.",
        ),
    ),
    "TenureGatewayNotLetIn": Runbook(
        "Webhooks of a sender are not signed as they should be.",
        "More than half of what comes for an adapter is refused with 401. The sender comes again for hours or days, and"
        " then gives up, or switches the endpoint off.",
        "Anybody can send what is not signed: where requests are few and answers of 200 are there too, it is noise from"
        " the network. The sender's own list of deliveries shows whether its deliveries fail.",
        (
            _BY_STATUS,
            ("How large is the share by sender?", NOT_LET_IN),
        ),
        (
            "The log line `request_refused` says what is wrong. No secret: the one at the sender was changed; set both,"
            " `gateway_webhook_secrets` takes several of one adapter. A time: mend the clock of this machine or of what"
            " stands before it.",
            "Something in between changes bodies: a proxy that decodes, or writes JSON anew. Signatures are of the body"
            " byte for byte.",
            "Have the sender send again what it gave up.",
        ),
    ),
}
