"""Changes of Debezium beyond the golden ones: encodings of values, positions in logs, and what repetition changes."""

import base64
from typing import Any

import msgspec
import pytest

from schemas.adapters.adapter import OptionsFault, Translation
from schemas.adapters.log_positions import POSITION_MAX, position_of
from schemas.adapters.reading import Node
from schemas.adapters.registry import adapter_of
from tests.property.folding import Folded
from tests.recount.options import Options

Members = dict[str, Any]
MS = 1_767_600_000_000  # 2026-01-05T08:00:00Z
ROW = {"id": 1, "customer_id": "anna", "plan": "pro", "mrr": "49.00", "started_at": "2026-01-05T08:00:00Z"}


def change(
    op: str, before: Members | None = None, after: Members | None = None, *, lsn: int = 1, ms: int = MS
) -> Members:
    """Return a change of PostgreSQL without its schema."""
    return {"op": op, "before": before, "after": after, "source": {"lsn": lsn, "ts_ms": ms, "table": "subs"}}


def translated(record: object, **options: Any) -> Translation:
    """Return what a record comes to."""
    return adapter_of("debezium", options).translate(msgspec.json.encode(record))


def numbers_of(*changes: Members) -> object:
    """Return what all counts of some changes are made of."""
    folded = Folded(Options())
    found = [translated(each) for each in changes]
    assert [each.refusal for each in found] == [None] * len(changes)
    folded.batches([msgspec.json.encode(event) for each in found for event in each.events], 50)
    return folded.named_cells()


def with_schema(column: str, field: Members, value: object) -> Members:
    """Return a change in whose schema a column has a semantic type."""
    fields = [{"field": "after", "type": "struct", "fields": [{"field": column, **field}]}]
    return {"schema": {"type": "struct", "fields": fields}, "payload": change("c", after={**ROW, column: value})}


def decimal(units: int) -> str:
    """Return the bytes of a decimal in base 64."""
    return base64.b64encode(units.to_bytes(4, "big", signed=True)).decode()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (decimal(4950), {"name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}}),
        (decimal(49500000), {"name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "6"}}),
        ({"scale": 2, "value": decimal(4950)}, {"name": "io.debezium.data.VariableScaleDecimal"}),
        ({"scale": 1, "value": decimal(495)}, {}),
        ("49.50", {}),
        (49.5, {}),
    ],
    ids=["bytes", "six-decimals", "variable", "variable-without-schema", "text", "double"],
)
def test_decimals_are_read_in_every_mode_that_connectors_have(value: object, field: Members) -> None:
    """`decimal.handling.mode` is precise, string or double; bytes that are taken for digits are another price."""
    assert translated(with_schema("mrr", field, value)).events[0]["mrr_minor"] == 4950


@pytest.mark.parametrize(
    ("kind", "value", "instant"),
    [
        ("io.debezium.time.Date", 20458, "2026-01-04T22:00:00Z"),
        ("io.debezium.time.Timestamp", MS, "2026-01-05T06:00:00Z"),
        ("io.debezium.time.MicroTimestamp", MS * 1000 + 1, "2026-01-05T06:00:00.000001Z"),
        ("io.debezium.time.NanoTimestamp", MS * 10**6, "2026-01-05T06:00:00Z"),
        ("io.debezium.time.ZonedTimestamp", "2026-01-05T08:00:00Z", "2026-01-05T08:00:00Z"),
        ("org.apache.kafka.connect.data.Date", 20458, "2026-01-04T22:00:00Z"),
        ("org.apache.kafka.connect.data.Timestamp", MS, "2026-01-05T06:00:00Z"),
        ("io.debezium.time.IsoDate", "2026-01-05", "2026-01-04T22:00:00Z"),
        (None, 20458, "2026-01-04T22:00:00Z"),
        (None, MS, "2026-01-05T06:00:00Z"),
        (None, "2026-01-05T08:00:00+00:00", "2026-01-05T08:00:00Z"),
    ],
)
def test_columns_without_a_zone_are_times_of_the_option_and_those_with_one_are_instants(
    kind: str | None, value: object, instant: str
) -> None:
    """Connectors write a local time as if it were UTC; two hours of a day move a cancellation into another month."""
    record = with_schema("started_at", {"name": kind} if kind else {}, value)
    assert translated(record, time_zone="Europe/Bucharest").events[0]["time"] == instant


@pytest.mark.parametrize("value", ["x", "", "AAAA" * 40, True, []], ids=str)
def test_decimal_that_is_none_is_refused(value: object) -> None:
    """Whatever a column holds, it costs one record and stops nothing."""
    field = {"name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": 2}}
    refusal = translated(with_schema("mrr", field, value)).refusal
    assert refusal is not None
    assert "mrr" in refusal.detail


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"lsn": 23576304}, {"lsn": 23576305}),
        ({"file": "mysql-bin.000009", "pos": 4_000_000_000}, {"file": "mysql-bin.000010", "pos": 4}),
        ({"file": "mysql-bin.000009", "pos": 154, "row": 0}, {"file": "mysql-bin.000009", "pos": 154, "row": 1}),
        ({"change_lsn": "00000025:00000d98:00a2"}, {"change_lsn": "00000025:00000d98:00a3"}),
        ({"change_lsn": "00000025:00ffffff:00a2"}, {"change_lsn": "00000026:00000001:0001"}),
        ({"scn": "1999999"}, {"scn": "2000000"}),
        ({"scn": 5}, {"scn": "2000000"}),
    ],
    ids=str,
)
def test_positions_grow_along_the_log(earlier: Members, later: Members) -> None:
    """Two changes of one millisecond are in the order of the log, in whatever order they arrive."""
    assert 0 <= position_of(Node(earlier), None, MS) < position_of(Node(later), None, MS) <= POSITION_MAX


def test_changes_without_a_position_are_in_the_order_of_time_and_transaction() -> None:
    """Some connectors and transformations leave out the position."""
    orders = [position_of(Node({}), Node({"total_order": order}), ms) for ms, order in ((MS, 1), (MS, 2), (MS + 1, 1))]
    assert orders == sorted(set(orders))
    assert orders[-1] <= POSITION_MAX


def test_another_snapshot_and_repeated_changes_change_no_number() -> None:
    """A connector that is set up anew reads the whole table again, with today's prices."""
    team = {**ROW, "plan": "team", "mrr": "199.00"}
    log = [change("c", after=ROW, lsn=1), change("u", ROW, team, lsn=2, ms=MS + 40 * 86_400_000)]
    snapshot = change("r", after=team, lsn=3, ms=MS + 80 * 86_400_000)
    assert numbers_of(*log) == numbers_of(snapshot, *log) == numbers_of(*log, *reversed(log), snapshot, snapshot)


def test_end_may_be_scheduled_withdrawn_and_scheduled_again_for_the_same_day() -> None:
    """Customers cancel, regret it and cancel again within one paid month; the last word counts."""
    ending = {**ROW, "ended_at": "2026-03-01"}
    day = 86_400_000
    scheduled = change("u", ROW, ending, lsn=2, ms=MS + day)
    withdrawn = change("u", ending, ROW, lsn=3, ms=MS + 2 * day)
    again = change("u", ROW, ending, lsn=4, ms=MS + 3 * day)
    begun = change("c", after=ROW, lsn=1)
    assert numbers_of(begun, scheduled, withdrawn) == numbers_of(begun)
    assert numbers_of(begun, scheduled, withdrawn, again) == numbers_of(begun, scheduled)
    assert numbers_of(again, withdrawn, scheduled, begun) == numbers_of(begun, scheduled)


def test_update_without_what_the_row_was_says_what_it_is() -> None:
    """PostgreSQL says only the new row by default; prices and plans are right from then on."""
    team = {**ROW, "plan": "team", "mrr": "199.00"}
    later = MS + 40 * 86_400_000
    begun = change("c", after=ROW, lsn=1)
    assert numbers_of(begun, change("u", None, team, lsn=2, ms=later)) == numbers_of(
        begun, change("u", ROW, team, lsn=2, ms=later)
    )


def test_changes_of_other_tables_and_deletes_can_be_left_out() -> None:
    """One connector writes many tables; rows that are purged after years end nothing."""
    record = change("d", ROW)
    assert translated(record, table="public.other").ignored == "of the table subs, not public.other"
    assert translated(record, deletes="ignore").ignored == "delete"
    assert translated(record, table="subs").events[0]["type"] == "cancel"


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (None, "tombstone"),
        ({"ts_ms": MS}, "heartbeat"),
        ({"status": "END", "id": "1", "ts_ms": MS}, "transaction"),
        ({"source": {}, "ddl": "CREATE TABLE subs (id INT)", "ts_ms": MS}, "schema change"),
        (change("t"), "truncate"),
        (change("m"), "message"),
    ],
    ids=["tombstone", "heartbeat", "transaction", "schema", "truncate", "message"],
)
def test_records_that_are_no_changes_of_a_row_are_known_by_their_kind(record: object, kind: str) -> None:
    """They lie on the same topics, and are nobody's fault."""
    assert translated(record).ignored == kind


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"id": 1}, "op: is required; is this a change event of Debezium?"),
        (change("x"), "op: must be one of c, d, r, u, got x"),
        (change("c"), "after: is required"),
        ({"op": "c", "after": ROW, "source": {}}, "source.ts_ms: is required"),
        (change("c", after={**ROW, "mrr": None}), "after.mrr: a price is required"),
        (change("d", {"id": 1}), "before.customer: is not in what the row was"),
    ],
    ids=["no-op", "op", "after", "time", "price", "before"],
)
def test_change_that_cannot_be_told_is_refused_with_its_member(record: object, said: str) -> None:
    """The dead letter has to say which setting of the connector is missing."""
    refusal = translated(record).refusal
    assert refusal is not None
    assert refusal.detail.startswith(f"debezium: {said}")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "before.customer: no column is recognised as it: name it in the option columns.customer; with a value"),
        ({"customer": "account"}, "before.account: there is no such column for customer"),
    ],
    ids=["recognised", "named"],
)
def test_delete_of_a_whole_row_without_the_customers_column_says_what_the_options_lack(
    columns: dict[str, str], said: str
) -> None:
    """Who has set REPLICA IDENTITY FULL and is told to set it looks in the wrong place for hours."""
    row = {"id": 1, "acct": "anna", "plan": "pro", "mrr": "49.00"}
    refusal = translated(change("d", row), columns=columns).refusal
    assert refusal is not None
    assert refusal.detail.startswith(f"debezium: {said}")
    assert "REPLICA" not in refusal.detail


def test_wrong_option_of_debezium_is_named() -> None:
    """Column maps are written by hand."""
    with pytest.raises(OptionsFault, match=r"scales.price: 40 is none"):
        adapter_of("debezium", {"scales": {"price": 40}})
    with pytest.raises(OptionsFault, match="deletes"):
        adapter_of("debezium", {"deletes": "keep"})


EXTRACTED: Members = {**ROW, "__op": "c", "__source_ts_ms": MS, "__source_lsn": 7}


@pytest.mark.parametrize("added", [{"__ts_ms": MS + 3_600_000}, {"__ts_us": MS * 1000 + 1}], ids=str)
def test_time_of_an_extracted_record_is_that_of_the_commit_wherever_it_stands(added: Members) -> None:
    """The connector's own time may be hours later, and the order of members says nothing."""
    row = {name: value for name, value in EXTRACTED.items() if name != "started_at"}
    for record in ({**row, **added}, {**added, **row}):
        assert translated(record).events[0]["time"] == "2026-01-05T08:00:00Z"


def test_time_of_the_connector_counts_where_an_extracted_record_has_no_other() -> None:
    """So it is with `add.fields=op,ts_ms`."""
    record = {**ROW, "__op": "u", "__ts_ms": MS + 1000, "__lsn": 7}
    assert translated(record).events[-1]["time"] == "2026-01-05T08:00:01Z"


def test_extracted_record_of_another_table_is_ignored() -> None:
    """One topic may hold several tables."""
    named = {"__source_schema": "public", "__source_table": "subs"}
    assert len(translated({**EXTRACTED, **named}, table="public.subs").events) == 1
    assert len(translated({**EXTRACTED, "__table": "subs"}, table="subs").events) == 1
    assert (
        translated({**EXTRACTED, **named}, table="public.invoices").ignored == "of the table subs, not public.invoices"
    )


@pytest.mark.parametrize(
    ("record", "table"), [(EXTRACTED, "subs"), ({**EXTRACTED, "__source_table": "subs"}, "public.subs")]
)
def test_extracted_record_that_does_not_name_its_table_is_refused_where_one_is_asked_for(
    record: Members, table: str
) -> None:
    """Another table's rows would count as subscriptions, or ours as nothing."""
    refusal = translated(record, table=table).refusal
    assert refusal is not None
    assert refusal.detail.startswith(
        "debezium: __source_table: is required where the option table is set: set add.fields=op,source.ts_ms,source.lsn"
    )


@pytest.mark.parametrize(
    "kind", ["io.debezium.time.Date", "io.debezium.time.Timestamp", "io.debezium.time.NanoTimestamp"]
)
def test_column_beyond_every_calendar_is_refused_with_its_name(kind: str) -> None:
    """A default of the largest integer is no instant."""
    refusal = translated(with_schema("started_at", {"name": kind}, 2**62 * 1000)).refusal
    assert refusal is not None
    assert refusal.detail.startswith(f"debezium: payload.after.started_at: must be an instant, as {kind}")


def test_end_on_the_last_day_of_the_calendar_is_none_in_a_change() -> None:
    """Databases write it for rows that hold until further notice."""
    row = {**ROW, "ended_at": 2_932_896}
    field = {"name": "io.debezium.time.Date"}
    assert [event["type"] for event in translated(with_schema("ended_at", field, 2_932_896)).events] == ["signup"]
    assert [event["type"] for event in translated(change("c", after=row)).events] == ["signup"]
