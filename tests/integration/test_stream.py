"""The whole way on real parts: `tenure publish`, Kafka, `tenure worker`, Redis, `tenure kpi`; every number compared."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from services.installation import Installation
from tests.logs.logs import generate
from tests.logs.shapes import EVERYTHING, FIRST_SLICE, PLAIN, Shape
from tests.recount.options import Options
from tests.recount.report import recount
from tests.unit.test_telco import SNAPSHOT, TABLE, telco_expected

LARGE_RECORDS = {"max.message.bytes": "20000000"}
#: logs end in 2026, whatever this machine's clock says
ANY_TIME = {"TENURE_FUTURE_TOLERANCE_SECONDS": str(86_400 * 366)}
EXAMPLE = Path(__file__).parents[2] / "examples" / "telco" / "telco_events.py"


@pytest.mark.parametrize(
    ("shape", "seed"),
    [
        (replace(PLAIN, events=400, customers=30), 1),
        (replace(FIRST_SLICE, events=400, customers=30), 2),
        (replace(FIRST_SLICE, events=400, customers=30), 3),
        (replace(EVERYTHING, events=400, customers=30), 4),
    ],
    ids=["plain", "first-slice-2", "first-slice-3", "everything"],
)
def test_every_number_of_a_published_log_equals_the_recount(
    shape: Shape, seed: int, installation: Installation
) -> None:
    """This is the product's promise, on the parts that it runs on."""
    log = generate(Random(seed), shape)
    records = [record for record in log.records if record.strip()]  # a blank line of a file is no record
    installation.environment |= {**_settings_of(log.options), **ANY_TIME}
    installation.create_topics(config=LARGE_RECORDS)
    installation.worker()
    installation.publish(installation.file_of(records))
    installation.until_applied()
    instants = [argument for moment in log.at for argument in ("--at", moment.isoformat())]
    reports = installation.kpi(*instants, *(word for name in log.by for word in ("--by", name)))
    marks = [report.pop("marks", []) for report in reports]  # said beside the numbers
    assert all(mark["at"] <= report["as_of"] for report, said in zip(reports, marks, strict=True) for mark in said)
    expected = recount(records, log.at, log.options, log.by)
    assert reports == expected


def test_telephone_customers_count_as_the_table_says(installation: Installation) -> None:
    """Real input: a plain count over the rows of the table must find what the stream finds."""
    told = subprocess.run([sys.executable, str(EXAMPLE)], check=True, capture_output=True, env={**os.environ}).stdout
    installation.create_topics()
    workers = [installation.worker() for _ in range(2)]
    installation.publish(installation.file_of(told.splitlines()))
    installation.until_applied()
    days = ["2020-03-01", "2025-12-20", "2026-01-01", "2026-02-15"]
    moments = [dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) for day in days]
    reports = installation.kpi(*(word for day in days for word in ("--at", day)), "--by", "plan")
    for moment, report in zip(moments, reports, strict=True):
        for window_days in (1, 30, 90, 365):
            for plan in (None, *report["segments"]["plan"]):
                numbers = report if plan is None else report["segments"]["plan"][plan]
                found = {**numbers["totals"], **numbers["windows"][f"{window_days}d"]}
                expected = telco_expected(TABLE, SNAPSHOT, moment, window_days, plan)
                assert {name: found[name] for name in expected} == expected, (moment, window_days, plan)
    assert set(reports[-1]["segments"]["plan"]) == {"Month-to-month", "One year", "Two year"}
    assert reports[2]["windows"]["month"]["ratios"]["churn"]["standard"] == 1869 / 7032
    assert reports[0]["events"]["applied"] == 7043 + 1869
    assert [worker.process.stop(seconds=15) for worker in workers] == [0, 0]


def _settings_of(options: Options) -> dict[str, str]:
    """Return the settings that count what the recount counts with its options."""
    return {
        "TENURE_WINDOWS_DAYS": ",".join(str(days) for days in options.windows_days),
        "TENURE_BUSINESS_TIME_ZONE": options.business_time_zone,
        "TENURE_BUCKET_MINUTES": str(options.bucket_minutes),
        "TENURE_DEFAULT_CURRENCY": options.default_currency,
        "TENURE_CURRENCY_RATES": ",".join(f"{currency}={rate}" for currency, rate in options.currency_rates.items()),
        "TENURE_DIMENSIONS": ",".join(options.dimensions),
        "TENURE_FREE_PLANS": options.free_plans,
        "TENURE_PAUSED_CUSTOMERS": options.paused_customers,
        "TENURE_TRIAL_DAYS": str(options.trial_days),
    }
