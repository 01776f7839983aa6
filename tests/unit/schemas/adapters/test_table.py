"""Rows of a table of subscriptions: what is recognised, what is refused with which advice, what another export adds."""

from typing import Any

import msgspec
import pytest

from schemas.adapters.adapter import OptionsFault
from schemas.adapters.registry import adapter_of
from schemas.adapters.table import SubscriptionTable, TableOptions
from schemas.refusals import Reason, Refusal

ROW = {"subscription_id": "s1", "customer_id": "anna", "plan": "pro", "mrr": "49.00", "start": "2026-01-05", "end": ""}
Members = dict[str, Any]


def events_of(row: Members, **options: Any) -> list[Members]:
    """Return the events of a row, which must be understood."""
    found = adapter_of("table", options).translate(msgspec.json.encode(row))
    assert found.refusal is None
    return list(found.events)


def refusal_of(row: Members, **options: Any) -> Refusal:
    """Return why a row is refused."""
    found = adapter_of("table", options).translate(msgspec.json.encode(row))
    assert found.events == ()
    assert found.refusal is not None
    return found.refusal


def test_columns_are_recognised_however_their_names_are_written_and_said() -> None:
    """Exports name columns as their makers like; whoever imports one wants to see what was taken for what."""
    columns = ("Account ID", "planName", "MRR (cents)", "START_DATE", "created_at", "Cancelled At", "notes")
    assert dict(SubscriptionTable(TableOptions()).roles_of(columns)) == {
        "customer": "Account ID",
        "plan": "planName",
        "mrr": "MRR (cents)",
        "start": "START_DATE",
        "end": "Cancelled At",
    }


STRIPES_DASHBOARD = (
    "id", "Customer ID", "Customer Description", "Customer Email", "Plan", "Quantity", "Currency", "Interval", "Amount",
    "Status", "Created (UTC)", "Start (UTC)", "Current Period Start (UTC)", "Current Period End (UTC)",
    "Trial Start (UTC)", "Trial End (UTC)", "Canceled At (UTC)", "Ended At (UTC)",
)  # fmt: skip


def test_columns_of_stripes_dashboard_are_recognised_and_their_times_are_utc() -> None:
    """It is the export that is a click away; its names say the time zone, whatever the option is."""
    found = SubscriptionTable(TableOptions()).roles_of(STRIPES_DASHBOARD)
    assert {role: found[role] for role in ("start", "trial_start", "trial_end", "end", "cancelled_at")} == {
        "start": "Start (UTC)",
        "trial_start": "Trial Start (UTC)",
        "trial_end": "Trial End (UTC)",
        "end": "Ended At (UTC)",
        "cancelled_at": "Canceled At (UTC)",
    }
    row = {"id": "sub_1", "Customer ID": "cus_1", "Plan": "pro", "Amount": "49.00", "Interval": "month"}
    (signup,) = events_of({**row, "Start (UTC)": "2026-01-05 09:00"}, time_zone="Europe/Bucharest")
    assert signup["time"] == "2026-01-05T09:00:00Z"


def test_row_that_goes_on_and_was_cancelled_names_the_option_that_helps() -> None:
    """Stripe's dashboard says of a subscription when it was cancelled while its paid term still runs."""
    row = {**ROW, "status": "active", "Canceled At (UTC)": "2026-02-05 09:00", "Ended At (UTC)": None}
    assert 'say columns.cancelled_at = "", and in columns.end the column' in refusal_of({**row, "end": None}).detail
    del row["end"]
    assert 'say columns.cancelled_at = "", and in columns.end the column' in refusal_of(row).detail
    (signup,) = events_of(row, columns={"cancelled_at": "", "end": "Ended At (UTC)"})
    assert signup["type"] == "signup"


def test_column_that_options_name_goes_before_what_is_recognised_and_an_empty_one_is_not_read() -> None:
    """`end_date` is the end of a paid term in many tables, and a status that is not about this is common too."""
    row = {**ROW, "end": "2026-02-05", "left_on": "2026-03-01", "status": "vip"}
    (_, cancel) = events_of(row, columns={"end": "left_on", "status": ""})
    assert cancel["time"] == "2026-03-01T00:00:00Z"
    assert len(events_of(row, columns={"end": "", "status": ""})) == 1


@pytest.mark.parametrize(
    ("cell", "options", "minor"),
    [
        ("49.00", {}, 4900),
        ("49.5", {}, 4950),
        (49.5, {}, 4950),
        ("0", {}, 0),
        (0, {}, 0),
        ("49", {"money": "major"}, 4900),
        ("4900", {"money": "minor"}, 4900),
        ("4900.0", {"money": "minor"}, 4900),
        ("$1,249.50", {"defaults": {"currency": "USD"}}, 124950),
        ("1 249.50 USD", {}, 124950),
        ("1.249,50 €", {"decimal_comma": True}, 124950),
        ("8.333333", {}, 833),
        ("0.125", {}, 12),
        ("1.249", {"decimal_comma": False}, 125),
        ("1,249", {"decimal_comma": False, "money": "major"}, 124900),
        ("1,249", {"decimal_comma": True}, 125),
        ("1.249", {"decimal_comma": True, "money": "major"}, 124900),
        (1.249, {}, 125),
        ("1.249", {"defaults": {"currency": "KWD"}}, 1249),
        ("4,900", {"money": "minor"}, 4900),
        ("1,249,000", {"money": "major"}, 124900000),
    ],
    ids=str,
)
def test_amounts_are_read_as_people_and_programs_write_them(cell: object, options: Members, minor: int) -> None:
    """A price a hundred times too high is the worst fault of a first import, and the least visible one."""
    assert events_of({**ROW, "mrr": cell}, **options)[0]["mrr_minor"] == minor


@pytest.mark.parametrize(
    ("cell", "column", "default", "currency"),
    [
        ("EUR 49.00", "", "", "EUR"),
        ("49.00 eur", "", "", "eur"),
        ("€49.00", "", "", "EUR"),
        ("£49.00", "", "USD", "GBP"),
        ("£49.00", "", "GIP", "GIP"),
        ("49.00 EUR", "", "USD", "EUR"),
        ("49.00 EUR", "EUR", "USD", "EUR"),
        ("€49.00 EUR", "eur", "", "eur"),
        ("$49.00", "CAD", "USD", "CAD"),
        ("$49.00", "", "AUD", "AUD"),
        ("$49.00 SGD", "", "", "SGD"),
        ("49.00", "", "SEK", "SEK"),
    ],
)
def test_currency_that_an_amount_says_is_its_currency(cell: str, column: str, default: str, currency: str) -> None:
    """49 EUR that are counted as 49 USD are wrong by a tenth, and nothing shows it."""
    options = {"defaults": {"currency": default}} if default else {}
    (signup,) = events_of({**ROW, "mrr": cell, "currency": column}, **options)
    assert (signup["mrr_minor"], signup["currency"]) == (4900, currency)


@pytest.mark.parametrize(
    ("cell", "column", "said"),
    [
        ("EUR 49.00", "USD", "is in EUR, and the currency of its row is USD"),
        ("EUR 49.00 USD", "", "is in USD, and its other currency is EUR"),
        ("€49.00", "USD", "has the sign €, which USD, its currency, has not"),
        ("$49.00", "EUR", "has the sign $, which EUR, its currency, has not"),
        ("$49.00", "", "which several currencies have; name its column in columns.currency, or say defaults"),
        ("¥4900", "", "has the sign ¥, which several currencies have"),
        ("49.00 %", "USD", "must be an amount"),
    ],
)
def test_amount_whose_currency_is_contradicted_or_open_is_refused(cell: str, column: str, said: str) -> None:
    """Which of two currencies is meant, only who has the table can say."""
    refusal = refusal_of({**ROW, "mrr": cell, "currency": column}, money="major")
    assert refusal.reason is Reason.INVALID_MEMBER
    assert said in refusal.detail


@pytest.mark.parametrize("cell", ["49", 49, 4900.0, "4900.0"], ids=str)
def test_amount_that_may_be_dollars_or_cents_is_refused_until_an_option_says_which(cell: object) -> None:
    """A guess would be right for most tables and wrong by a factor of 100 for the others."""
    refusal = refusal_of({**ROW, "mrr": cell})
    assert refusal.reason is Reason.INVALID_MEMBER
    assert 'set money = "major"' in refusal.detail


@pytest.mark.parametrize("cell", ["1.249", "2.400", "1,249", "€1.249", "12.000", "-1.249"])
@pytest.mark.parametrize("money", [None, "major"])
def test_amount_of_which_the_point_may_stand_before_thousands_is_refused(cell: str, money: str | None) -> None:
    """1.249 is more than a thousand where a comma stands before decimals, and less than two where a point does."""
    refusal = refusal_of({**ROW, "mrr": cell}, money=money)
    assert refusal.reason is Reason.INVALID_MEMBER
    assert "say decimal_comma = false where a point stands before decimals, true where" in refusal.detail


@pytest.mark.parametrize("cell", ["49,00", "about 50", "-1.00", "1.2.3", True, [], "9" * 40, "1e5"], ids=str)
def test_amount_that_is_none_is_refused(cell: object) -> None:
    """The column is the wrong one, or the table is written otherwise; the message says which cell it was."""
    assert refusal_of({**ROW, "mrr": cell}).detail.startswith("table: mrr: ")


@pytest.mark.parametrize(
    ("cell", "interval", "count"),
    [
        ("month", "month", 1),
        ("Monthly", "month", 1),
        ("quarterly", "month", 3),
        ("ANNUAL", "year", 1),
        ("semi-annual", "month", 6),
        ("3 months", "month", 3),
        ("every 2 weeks", "week", 2),
        ("P1Y", "year", 1),
        ("per month", "month", 1),
        ("2_quarters", "month", 6),
    ],
)
def test_intervals_are_read_in_the_words_of_billing_systems(cell: str, interval: str, count: int) -> None:
    """A year that is taken for a month makes twelve times the MRR."""
    row = {**ROW, "mrr": None, "amount": "588.00", "interval": cell}
    (signup,) = events_of(row)
    assert (signup["interval"], signup.get("interval_count", 1)) == (interval, count)


@pytest.mark.parametrize("cell", ["once", "lifetime", "0 months", "12", ""])
def test_interval_that_is_none_is_refused(cell: str) -> None:
    """An amount that is paid once has no MRR, and "12" is twelve of something."""
    assert "interval" in refusal_of({**ROW, "mrr": None, "amount": "588.00", "interval": cell}).detail


@pytest.mark.parametrize(
    ("cell", "options", "instant"),
    [
        ("2026-01-05", {}, "2026-01-05T00:00:00Z"),
        ("2026-01-05", {"time_zone": "Europe/Bucharest"}, "2026-01-04T22:00:00Z"),
        ("2026-01-05 09:00:00", {"time_zone": "Europe/Bucharest"}, "2026-01-05T07:00:00Z"),
        ("2026-01-05 09:00:00+02", {}, "2026-01-05T07:00:00Z"),
        ("2026-01-05 09:00:00.25 UTC", {"time_zone": "Asia/Tokyo"}, "2026-01-05T09:00:00.250000Z"),
        ("20260105", {}, "2026-01-05T00:00:00Z"),
        (20458, {"day_numbers": "epoch"}, "2026-01-05T00:00:00Z"),
        ("46027", {"day_numbers": "excel"}, "2026-01-05T00:00:00Z"),
        (46027.375, {"day_numbers": "excel", "time_zone": "Europe/Bucharest"}, "2026-01-05T07:00:00Z"),
        ("20260105", {"day_numbers": "excel"}, "2026-01-05T00:00:00Z"),
        ("1767607200", {}, "2026-01-05T10:00:00Z"),
        (1767607200.5, {}, "2026-01-05T10:00:00.500000Z"),
        (1767607200000, {}, "2026-01-05T10:00:00Z"),
        (1767607200000001, {}, "2026-01-05T10:00:00.000001Z"),
        (1767607200000000000, {}, "2026-01-05T10:00:00Z"),
        ("05/01/2026", {"date_format": "%d/%m/%Y"}, "2026-01-05T00:00:00Z"),
        ("2026-01-05", {"date_format": "%d/%m/%Y"}, "2026-01-05T00:00:00Z"),
    ],
    ids=str,
)
def test_times_are_read_as_databases_and_sheets_write_them(cell: object, options: Members, instant: str) -> None:
    """Counts since 1970 show by their size what they count: from 2000 to 2100 no two units overlap."""
    assert events_of({**ROW, "start": cell}, **options)[0]["time"] == instant


@pytest.mark.parametrize(
    "cell", ["05/01/2026", "soon", "2026-13-01", "1", 10**30, "2026-01-05T09:00:00+99:00", False], ids=str
)
def test_time_that_is_none_is_refused_with_advice(cell: object) -> None:
    """Days before months, or months before days: nobody can tell from one row."""
    detail = refusal_of({**ROW, "start": cell}).detail
    assert detail.startswith("table: start: must be ")


@pytest.mark.parametrize("cell", ["45967", 45967, "45967.5", "20458"], ids=str)
def test_bare_number_of_days_is_refused_until_an_option_says_what_it_counts(cell: object) -> None:
    """A serial date of Excel would be read as a day 70 years later, and days since 1970 as one 70 years before."""
    refusal = refusal_of({**ROW, "start": cell})
    assert refusal.reason is Reason.INVALID_MEMBER
    assert 'day_numbers = "excel" where these are serial dates of Excel, "epoch" where days' in refusal.detail


def test_last_day_of_excels_calendar_is_no_end() -> None:
    """A sheet that holds 9999-12-31 for no end has it as a serial date."""
    assert len(events_of({**ROW, "end": "2958465"})) == 1


def test_last_day_of_a_subscription_is_a_day_of_it_where_options_say_so() -> None:
    """The next row of a table of periods begins on the day after; a gap of a day would be a cancellation."""
    row = {**ROW, "end": "2026-03-28"}
    zone = {"time_zone": "Europe/Bucharest"}
    assert events_of(row, **zone)[1]["time"] == "2026-03-27T22:00:00Z"
    # The night in which the clock goes forward has 23 hours.
    assert events_of({**row, "end": "2026-03-29"}, **zone, ends="inclusive")[1]["time"] == "2026-03-29T21:00:00Z"
    last_second = {**row, "end": "2026-03-28 23:59:59.999"}
    assert events_of(last_second, **zone, ends="inclusive")[1]["time"] == "2026-03-28T22:00:00Z"
    instant = {**row, "end": "2026-03-28 12:00:00"}
    assert events_of(instant, **zone, ends="inclusive")[1]["time"] == "2026-03-28T10:00:00Z"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"customer_id": ""}, "customer_id: is required as the customer"),
        ({"plan": None}, "plan: is required as the plan"),
        ({"mrr": "NULL"}, "mrr: a price is required"),
        ({"mrr": "NULL", "end": "2026-02-05"}, "mrr: a price is required"),
        ({"plan": None, "end": "2026-02-05"}, "plan: is required as the plan"),
        ({"start": None}, "start: no column is recognised as it"),
        ({"end": "2026-01-04"}, "end: 2026-01-04T00:00:00Z must not lie before 2026-01-05T00:00:00Z"),
        ({"status": "active", "end": "2026-02-05"}, "end: status says that the subscription goes on"),
        ({"status": "cancelled"}, "end: is required where status says that the subscription has ended"),
        ({"status": "paused"}, "paused_at: is required where status says paused"),
        ({"status": "vip"}, "status: is not known: say what it is in the option statuses"),
        ({"is_trial": "perhaps"}, "is_trial: must be true or false"),
        ({"customer_id": ["anna"]}, "customer_id: must be a text"),
    ],
    ids=lambda cells: "-".join(cells) if isinstance(cells, dict) else "",
)  # fmt: skip
def test_row_that_cannot_be_told_is_refused_with_column_and_advice(cells: Members, said: str) -> None:
    """Each of them, guessed, would be a wrong number that nobody sees."""
    assert refusal_of({**ROW, **cells}).detail.startswith(f"table: {said}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": {"begin": "x"}}, r"\[table\] columns.begin: a column cannot be that"),
        ({"columns": {"startt": "x"}}, "did you mean start"),
        ({"defaults": {"plann": "x"}}, r"defaults.plann: there is no such value of a row; did you mean plan"),
        ({"statuses": {"x": "gone"}}, r"statuses.x: gone is none of none, trial, active, ending, paused, ended"),
        ({"intervals": {"x": "sometimes"}}, "intervals.x: sometimes is none"),
        ({"time_zone": "Mars/Base"}, "time_zone Mars/Base: there is no such time zone"),
        ({"exported_at": "yesterday"}, "exported_at: must be a date"),
        ({"money": "cents"}, "Invalid enum value 'cents'"),
    ],
    ids=str,
)
def test_wrong_option_is_named_with_what_to_write(options: Members, said: str) -> None:
    """Options are typed by hand, once, by someone who has not read the page."""
    with pytest.raises(OptionsFault, match=said):
        adapter_of("table", options)


def test_next_export_adds_the_end_and_says_the_rest_again_as_it_was() -> None:
    """A table is exported anew each night: what it said before must be recognised."""
    before, after = events_of(ROW), events_of({**ROW, "end": "2026-03-01"})
    assert after[: len(before)] == before
    assert [event["type"] for event in after[len(before) :]] == ["cancel"]


def test_newest_version_of_a_row_counts_whatever_it_says() -> None:
    """A price that was corrected, and an end that was taken away, are the same two events with a greater sequence."""
    ended = events_of({**ROW, "end": "2026-03-01", "updated_at": "2026-03-01T09:00:00Z"})
    mended = events_of({**ROW, "mrr": "59.00", "updated_at": "2026-03-02T09:00:00Z"})
    assert [event["id"] for event in ended] == [event["id"] for event in mended]
    assert all(old["sequence"] < new["sequence"] for old, new in zip(ended, mended, strict=True))
    assert [event["type"] for event in mended] == ["signup", "upgrade"]


def test_rows_without_an_id_are_subscriptions_of_their_own() -> None:
    """Two products bought on one day are two subscriptions, though no column says so."""
    row = {name: cell for name, cell in ROW.items() if name != "subscription_id"}
    one, other = events_of(row), events_of({**row, "plan": "mail"})
    assert one[0]["subscription_id"] != other[0]["subscription_id"]
    assert one[0]["id"] != other[0]["id"]


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("9999-12-31", {}),
        ("99991231", {}),
        ("9999-12-31 23:59:59.999", {"ends": "inclusive"}),
        ("9999-12-31", {"time_zone": "America/New_York"}),
        ("31.12.9999", {"date_format": "%d.%m.%Y"}),
        ("infinity", {}),
        ("2932896", {}),
        ("253402300799", {}),
        ("253402300799999", {}),
        ("253402214400000000", {}),
    ],
    ids=str,
)
def test_end_on_the_last_day_of_the_calendar_is_no_end(cell: str, options: Members) -> None:
    """So do databases write that a row holds until further notice; the day after it is in no calendar."""
    assert events_of({**ROW, "end": cell, "status": "active"}, **options) == events_of(
        {**ROW, "end": None, "status": "active"}, **options
    )


@pytest.mark.parametrize("column", ["start", "end", "trial_end", "paused_at"])
@pytest.mark.parametrize("cell", ["9999-12-30", "9998-12-31T23:59:59Z", "1999-12-31", "0001-01-01", "2100-01-01"])
def test_instant_beyond_the_years_of_events_is_refused_with_its_column(column: str, cell: str) -> None:
    """There may be no day after it to count on, and the stream would refuse it without the column's name."""
    refusal = refusal_of({**ROW, column: cell})
    assert refusal.reason is Reason.TIME_OUT_OF_RANGE
    assert refusal.detail.startswith(f"table: {column}: must lie from 2000 to 2099, and is ")


def test_version_may_lie_in_any_year() -> None:
    """Some databases write 1970 for what was never changed; such a version is the oldest."""
    never, once = (events_of({**ROW, "updated_at": at})[0] for at in ("1970-01-01", "2026-02-01"))
    assert (never["sequence"], once["sequence"]) == (0, 1769904000000)


def test_start_on_the_last_day_of_the_calendar_is_refused() -> None:
    """Only what ends can have no end."""
    assert refusal_of({**ROW, "start": "9999-12-31"}).reason is Reason.TIME_OUT_OF_RANGE


@pytest.mark.parametrize(
    ("date_format", "said"),
    [
        ("%d/%m/%Q", "cannot be read"),
        ("%d.%d.%Y", "cannot be read"),
        ("%m/%Y", "says no day of a year"),
        ("%H:%M", "says no day of a year"),
        ("today", "says no day of a year"),
    ],
)
def test_format_by_which_no_day_can_be_read_is_refused_at_start(date_format: str, said: str) -> None:
    """At the first record it would be one dead letter for each row, or an exception for each."""
    with pytest.raises(OptionsFault, match=rf"\[table\] date_format {date_format}: {said}.*such as %d/%m/%Y"):
        adapter_of("table", {"date_format": date_format})


@pytest.mark.parametrize("name", ["table", "debezium", "segment"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"plans": {"P1": "other"}}, "plans.P1: must be 1–64 characters, and not none or other, got 'other'"),
        ({"members": {"plan": "Tarif"}}, "members.plan: is a member of events; name country, channel or"),
    ],
    ids=["plans", "members"],
)
def test_plans_and_members_that_no_event_may_have_are_refused_at_start(name: str, options: Members, said: str) -> None:
    """Each event would be refused, or would say another price than the one that was read."""
    with pytest.raises(OptionsFault, match=rf"\[{name}\] {said}"):
        adapter_of(name, options)


def test_plan_of_the_defaults_must_be_one() -> None:
    """It goes before what `plans` makes of it."""
    with pytest.raises(OptionsFault, match=r"\[table\] defaults.plan: must be 1–64 characters"):
        adapter_of("table", {"defaults": {"plan": "none"}})
    assert adapter_of("table", {"defaults": {"plan": "none"}, "plans": {"none": "free"}}).name == "table"


@pytest.mark.parametrize("name", ["Nat", "NAN", "nan", "nat"])
def test_name_that_looks_like_no_number_is_a_name(name: str) -> None:
    """Nat is a customer; pandas writes NaN and NaT, and nothing else."""
    assert events_of({**ROW, "customer_id": name})[0]["customer_id"] == name


@pytest.mark.parametrize("cell", ["NaN", "NaT", "None", "none", "NULL", "-"])
def test_cell_that_says_that_there_is_no_value_is_no_customer(cell: str) -> None:
    """All rows without a customer would be one customer under that name."""
    assert refusal_of({**ROW, "customer_id": cell}).detail.startswith("table: customer_id: is required")


def test_status_none_is_one_and_none_of_python_is_not() -> None:
    """A subscription that has not begun was counted as an active one."""
    row = {**ROW, "status": "none"}
    assert adapter_of("table").translate(msgspec.json.encode(row)).ignored == "a subscription that has not begun"
    assert events_of({**ROW, "status": "None"}) == events_of({**ROW, "status": None})


def test_what_lies_after_the_export_is_scheduled() -> None:
    """A stream takes nothing that is said to have happened an hour from now; what is announced it takes years ahead."""
    row = {
        **ROW, "start": "2026-02-01", "trial_end": "2026-02-15", "paused_at": "2026-03-01", "resumed_at": "2026-04-01",
        "end": "2026-05-01",
    }  # fmt: skip
    events = events_of(row, exported_at="2026-01-20")
    assert {event["time"] for event in events} == {"2026-01-20T00:00:00Z"}
    assert [(event["type"], event["effective_at"][:10]) for event in events] == [
        ("signup", "2026-02-01"), ("upgrade", "2026-02-15"), ("pause", "2026-03-01"), ("resume", "2026-04-01"),
        ("cancel", "2026-05-01"),
    ]  # fmt: skip
    past = events_of(row, exported_at="2026-06-01")
    assert [(event["type"], event["time"][:10]) for event in past if "effective_at" not in event] == [
        ("signup", "2026-02-01"), ("pause", "2026-03-01"), ("resume", "2026-04-01"), ("cancel", "2026-05-01"),
    ]  # fmt: skip
    assert [event["id"] for event in past] == [event["id"] for event in events]
