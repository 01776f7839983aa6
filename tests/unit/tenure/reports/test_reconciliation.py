"""`tenure reconcile`: an export beside a log of events, row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from kpis.customer.facts import STATE_VERSION
from streams.embedded.tables import MemoryTables
from streams.holding import held_head
from streams.tables import Head, encode_head
from tenure.cli import app
from tenure.reports.reconciliation import _latest_ms
from tests.contract.tables import a_commit

AT: Final = ("--at", "2026-02-01")
BEGAN: Final = 1_767_607_200  # 2026-01-05T10:00:00Z

pytestmark = pytest.mark.usefixtures("nothing_set")


def stripe_event(number: int, kind: str = "created", *, amount: int = 4900, currency: str = "usd") -> dict[str, Any]:
    """Return an event of Stripe about a customer's subscription."""
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    price = {
        "id": "pro",
        "object": "price",
        "billing_scheme": "per_unit",
        "unit_amount": amount,
        "currency": currency,
        "recurring": recurring,
    }
    item = {"id": f"si_{number}", "object": "subscription_item", "quantity": 1, "price": price}
    created = BEGAN + (86_400 if kind == "deleted" else 0)
    subscription = {
        "id": f"sub_{number}",
        "object": "subscription",
        "customer": f"cus_{number}",
        "created": BEGAN,
        "start_date": BEGAN,
        "currency": currency,
        "status": "canceled" if kind == "deleted" else "active",
        "items": {"object": "list", "data": [item]},
        **({"canceled_at": created, "ended_at": created} if kind == "deleted" else {}),
    }
    return {
        "id": f"evt_{number}_{kind}",
        "object": "event",
        "type": f"customer.subscription.{kind}",
        "created": created,
        "livemode": True,
        "data": {"object": subscription},
    }


def own_event(number: int, kind: str = "signup", **members: Any) -> dict[str, Any]:
    """Return an event of the product about the same subscription."""
    common = {
        "id": f"{kind}_{number}",
        "type": kind,
        "customer_id": f"cus_{number}",
        "subscription_id": f"sub_{number}",
        "time": "2026-01-05T10:00:00Z" if kind == "signup" else "2026-01-06T10:00:00Z",
    }
    return {**common, **({"plan": "pro", "mrr_minor": 4900} if kind == "signup" else {}), **members}


def write(tmp_path: Path, name: str, records: list[dict[str, Any]]) -> str:
    """Return a file with a record in each line."""
    path = tmp_path / name
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    return str(path)


def reconciled(*arguments: str, status: int) -> Any:
    """Run the command in this process."""
    result = CliRunner().invoke(app, ["reconcile", *arguments])
    assert result.exit_code == status, result.stderr
    return result


def test_books_that_agree_end_with_zero(tmp_path: Path) -> None:
    """Then the numbers may be believed."""
    export = write(tmp_path, "export.ndjson", [stripe_event(n) for n in range(3)])
    log = write(tmp_path, "log.ndjson", [own_event(n) for n in range(3)])
    result = reconciled(export, "--as", "stripe", "--file", log, *AT, "--json", status=0)
    document = json.loads(result.stdout)
    assert (document["compared"], document["agree"], document["differences"]) == (3, 3, [])
    assert document["total"] == {
        "export_subscriptions": 3,
        "stream_subscriptions": 3,
        "export_mrr": 14700,
        "stream_mrr": 14700,
    }
    assert document["as_of"] == "2026-02-01T00:00:00Z"
    assert document["export_until"] == document["stream_until"] == "2026-01-05T10:00:00Z"


def test_every_difference_is_named_with_its_row(tmp_path: Path) -> None:
    """Sums that differ by 40 dollars may hide a hundred rows that do."""
    export = write(
        tmp_path,
        "export.ndjson",
        [
            *(stripe_event(n) for n in range(1, 6)),
            stripe_event(4, "deleted"),
            stripe_event(6, currency="eur"),
            {"id": "evt_p", "object": "event", "type": "product.created"},
        ],
    )
    log = write(
        tmp_path,
        "log.ndjson",
        [
            own_event(1),
            own_event(2, mrr_minor=5900),
            own_event(3),
            own_event(3, "cancel"),
            own_event(4),
            own_event(7, plan="team"),
        ],
    )
    result = reconciled(export, "--as", "stripe", "--file", log, *AT, "--json", status=1)
    document = json.loads(result.stdout)
    assert {each["customer_id"]: each["causes"] for each in document["differences"]} == {
        "cus_2": ["amount"],
        "cus_3": ["ended_in_stream"],
        "cus_4": ["ended_in_export"],
        "cus_5": ["missing_in_stream"],
        "cus_6": ["currency_without_rate"],
        "cus_7": ["missing_in_export"],
    }
    assert document["causes"]["amount"] == 1
    assert (document["compared"], document["agree"]) == (7, 1)
    assert document["totals"] == {
        "USD": {"export_subscriptions": 4, "stream_subscriptions": 4, "export_mrr": 19600, "stream_mrr": 20600}
    }
    two = document["differences"][0]
    assert (two["export"]["mrr"], two["stream"]["mrr"]) == (4900, 5900)
    assert two["detail"] == (
        "the amount differs: export active, plan pro, USD 49.00, since 2026-01-05T10:00:00Z; "
        "stream active, plan pro, USD 59.00, since 2026-01-05T10:00:00Z"
    )
    assert document["translation"]["ignored"] == {"product.created": 1}
    assert "tenure: 6 of 7 subscriptions differ; see above\n" in result.stderr


def test_text_names_as_many_as_are_wanted(tmp_path: Path) -> None:
    """Thousands of lines would hide the totals."""
    export = write(tmp_path, "export.ndjson", [stripe_event(n) for n in range(5)])
    log = write(tmp_path, "log.ndjson", [own_event(9)])
    result = reconciled(export, "--as", "stripe", "--file", log, *AT, "--limit", "2", status=1)
    assert result.stdout.count("customer cus_") == 2
    assert "and 4 more; --limit and --json name them" in result.stdout
    assert "missing in the stream: 5" in result.stdout


def test_currencies_are_added_up_each_by_itself(tmp_path: Path) -> None:
    """A billing system shows no sum over currencies to compare with."""
    settings = tmp_path / "tenure.toml"
    settings.write_text('currency_rates = { EUR = "2" }\n', encoding="utf-8")
    export = write(tmp_path, "export.ndjson", [stripe_event(1), stripe_event(2, currency="eur")])
    log = write(tmp_path, "log.ndjson", [own_event(1), own_event(2, currency="EUR")])
    arguments = (export, "--as", "stripe", "--file", log, *AT, "--json", "--config", str(settings))
    document = json.loads(reconciled(*arguments, status=0).stdout)
    assert {currency: total["export_mrr"] for currency, total in document["totals"].items()} == {
        "EUR": 4900,
        "USD": 4900,
    }
    assert document["total"]["stream_mrr"] == 3 * 4900


def test_record_that_is_not_understood_is_no_agreement(tmp_path: Path) -> None:
    """What it would have said is compared with nothing."""
    broken = stripe_event(2)
    del broken["data"]["object"]["customer"]
    export = write(tmp_path, "export.ndjson", [stripe_event(1), broken])
    log = write(tmp_path, "log.ndjson", [own_event(1)])
    result = reconciled(export, "--as", "stripe", "--file", log, *AT, status=1)
    assert "all subscriptions agree, but 1 record of the export does not count; see above" in result.stderr
    assert "line 2: evt_2_created (customer.subscription.created): stripe: data.object.customer" in result.stderr


def test_record_that_is_not_understood_is_no_subscription_whatever_its_members_are_named(tmp_path: Path) -> None:
    """Other systems have a customer_id too, and a record of theirs may be as deep as it likes."""
    named = {**stripe_event(2), "customer_id": "cus_9", "subscription_id": "sub_9"}
    del named["data"]["object"]["customer"]
    export = write(tmp_path, "export.ndjson", [stripe_event(1), named])
    with Path(export).open("a", encoding="utf-8") as file:
        file.write('\n{"id": "evt_3", "object": "event", "x": ' + "[" * 50_000 + "]" * 50_000 + "}")
    log = write(tmp_path, "log.ndjson", [own_event(1)])
    result = reconciled(export, "--as", "stripe", "--file", log, *AT, status=1)
    assert "all subscriptions agree, but 2 records of the export do not count; see above" in result.stderr


def test_adapter_has_to_be_named(tmp_path: Path) -> None:
    """There is no export that is nobody's."""
    export = write(tmp_path, "export.ndjson", [stripe_event(1)])
    result = reconciled(export, status=2)
    assert "say whose export this is, with --as" in result.stderr


async def test_partition_that_a_command_holds_still_says_when_its_latest_event_was() -> None:
    """While tables are rebuilt a held head stands in place of the partition's own."""
    tables, head = MemoryTables(), encode_head(Head(STATE_VERSION, watermark_ms=1_700_000_000_000))
    await tables.commit(0, a_commit(None, held_head("somebody", head)))
    assert await _latest_ms(tables, 2) == 1_700_000_000_000
