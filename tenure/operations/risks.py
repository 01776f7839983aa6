"""Sending of risks to a topic, for systems that act on them: one record for each customer that `tenure risk` lists.

They go out when the command runs, and say as of when they are; whoever reads them keeps the last of each customer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import json as msgspec_json

from schemas.documents.document import plain
from schemas.documents.risk import RiskReport
from streams.batching.sender import Outgoing
from streams.errors import Undelivered
from streams.settings.settings import Settings
from tenure.files.publish import check_topic, connected, deliver, reason_of

_AT_ONCE: Final = 1_000


async def send_risks(settings: Settings, report: RiskReport, topic: str) -> int:
    """Send the customers that a report lists, each under its own key, and return how many (count).

    Args:
        settings: Where Kafka is.
        report: Whose customers.
        topic: Which topic.

    Raises:
        UsageError: The topic does not exist; nothing was sent.
        Undelivered: Kafka did not take everything; to send it again is right.
        TenureError: As `tenure.files.publish.connected`.
    """
    records = [Outgoing(topic, None, key, value, None, ()) for key, value in records_of(report)]
    faults: list[Exception] = []
    async with connected(settings) as (producer, existing):
        check_topic(topic, existing, settings)
        for first in range(0, len(records), _AT_ONCE):
            found = await deliver(producer, records[first : first + _AT_ONCE])
            faults += [fault for fault in found if fault is not None]
    if faults:
        raise Undelivered(len(faults), f"{reason_of(faults[0])}; run the command again")
    return len(records)


def records_of(report: RiskReport) -> Iterator[tuple[bytes, bytes]]:
    """Yield the key and the value of each record: those who are leaving, then those at risk."""
    at_risk = () if report.at_risk is None else report.at_risk.listed
    for status, customers in (("leaving", report.leaving.listed), ("at_risk", at_risk)):
        for customer in customers:
            value = {"as_of": report.as_of, "currency": report.currency, "status": status, **plain(customer)}
            yield customer.customer_id.encode(), msgspec_json.encode(value)
