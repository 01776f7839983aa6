"""Turn IBM's sample of telephone customers (telco.csv) into events, one JSON object a line.

    python examples/telco/telco_events.py > telco.ndjson

The table is a snapshot: one row a customer, as of one day. Each row becomes a signup and, for those who left in the
month before the snapshot, a cancel. The table knows months only; the days are spread by a hash of the customer's id,
so that the same snapshot day gives the same events everywhere. How, in all detail: README.md beside this script.
"""

import argparse
import calendar
import csv
import datetime as dt
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

TABLE = Path(__file__).with_name("telco.csv")


def months_before(day: dt.date, months: int) -> dt.date:
    """Return the same day of an earlier month, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def instant_within(first: dt.date, end: dt.date, name: str) -> dt.datetime:
    """Return the instant (UTC, whole seconds) in [first, end) that a name's hash falls on.

    Args:
        first: First day of the interval.
        end: The day after its last one.
        name: What is hashed: the first 8 bytes of its SHA-256, big-endian, modulo the interval's seconds.
    """
    seconds = (end - first).days * 86_400
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % seconds
    return dt.datetime.combine(first, dt.time(), dt.UTC) + dt.timedelta(seconds=place)


def events_of(row: Mapping[str, str], snapshot: dt.date) -> Iterator[dict[str, object]]:
    """Yield the events of one customer.

    Args:
        row: The customer's row, by column.
        snapshot: The day as of which the table was taken (its first instant, UTC).
    """
    customer_id = row["customerID"]
    tenure = int(row["tenure"])
    signed_up_at = instant_within(
        months_before(snapshot, tenure + 1), months_before(snapshot, tenure), f"signup {customer_id}"
    )
    yield {
        "id": f"signup-{customer_id}",
        "type": "signup",
        "customer_id": customer_id,
        "time": instant_text(signed_up_at),
        "plan": row["Contract"],
        "mrr_minor": int(Decimal(row["MonthlyCharges"]) * 100),
        "currency": "USD",
        "internet_service": row["InternetService"],
        "payment_method": row["PaymentMethod"],
    }
    if row["Churn"] != "Yes":
        return
    left_at = signed_up_at + dt.timedelta(days=1)
    if tenure >= 1:
        left_at = instant_within(months_before(snapshot, 1), snapshot, f"cancel {customer_id}")
    yield {
        "id": f"cancel-{customer_id}",
        "type": "cancel",
        "customer_id": customer_id,
        "time": instant_text(left_at),
    }


def instant_text(instant: dt.datetime) -> str:
    """Return an instant in UTC as RFC 3339 with Z."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> None:
    """Read the table and print its events."""
    parser = argparse.ArgumentParser(description="Turn telco.csv into events, one JSON object a line.")
    parser.add_argument("table", nargs="?", type=Path, default=TABLE, help="the table (default: telco.csv beside this)")
    parser.add_argument(
        "--snapshot",
        type=dt.date.fromisoformat,
        default=dt.date(2026, 1, 1),
        metavar="DAY",
        help="the day as of which the table was taken (default: 2026-01-01)",
    )
    arguments = parser.parse_args()
    with arguments.table.open(newline="", encoding="utf-8") as table:
        for row in csv.DictReader(table):
            for event in events_of(row, arguments.snapshot):
                sys.stdout.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    main()
