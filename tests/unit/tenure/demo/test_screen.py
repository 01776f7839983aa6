"""What the terminal shows, at 80 and at 120 columns: nothing is cut, nothing fails where numbers are absent."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace as replace_members
from rich.console import Console, RenderableType

from schemas.documents.document import plain
from schemas.documents.report import Report
from tenure.commands.printing import only
from tenure.demo.screen.history import KEPT, ShownHistory
from tenure.demo.screen.layout import SHOWN_VALUES, demo_line, demo_screen
from tenure.demo.screen.screen import DemoView, Health, LiveScreen, Notice, PlainScreen, open_screen
from tenure.reports import formats
from tenure.reports.kpi_rows import unseen_feeds
from tenure.reports.kpi_text import report_tables
from tests.unit.tenure.reports.fake_report import empty_report, fake_report, told

WIDTHS = (80, 120)
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def text_of(shown: RenderableType, width: int) -> list[str]:
    """Return the lines that a terminal of this width would show, without colours."""
    console = Console(width=width, file=io.StringIO(), record=True, highlight=False, color_system=None)
    console.print(shown)
    return console.export_text().splitlines()


def view_of(report: Report, **changes: Any) -> DemoView:
    """Return a view of a demo in the best of health."""
    view = DemoView(
        report=report,
        simulated_now=BEGIN + timedelta(days=40, hours=13),
        speed=86_400.0,
        events_per_second=12_345.6,
        metrics_url="http://127.0.0.1:9464/metrics",
        health=Health(applied=1_234_567, duplicates=1_234, late=77, dead_letters={"malformed_json": 7}, commit_ms=2.13),
        notices=(
            Notice(BEGIN + timedelta(days=3), "Prices rise by 15 %"),
            Notice(BEGIN + timedelta(days=9), "Churn of starter is 3.2 times its usual day", warning=True),
        ),
    )
    return replace(view, **changes)


def history_of(days: int) -> tuple[ShownHistory, Report]:
    """Return the course of so many days, and the last report."""
    history, report = ShownHistory(SHOWN_VALUES), told(fake_report())
    for day in range(days):
        at = BEGIN + timedelta(days=day)
        report = told(fake_report(int(2000 + 9 * day + 40 * math.sin(day)), at.isoformat()))
        history.observe(report)
    return history, report


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("report", [fake_report(), fake_report(123_456), fake_report(9), empty_report()])
def test_tables_of_a_report_fit_and_cut_nothing(width: int, report: dict[str, Any]) -> None:
    """A number that ends in an ellipsis is a wrong number."""
    lines = text_of(report_tables(told(report), currency="USD", width=width), width)
    assert max(map(len, lines)) <= width
    assert not [line for line in lines if "…" in line]


def test_report_says_value_and_fraction_in_plain_words() -> None:
    """A rate that cannot be explained is not believed."""
    lines = text_of(report_tables(told(fake_report()), currency="USD", width=120), 120)
    retention = next(n for n, line in enumerate(lines) if line.startswith("Retention"))
    assert lines[retention].split()[1:5] == ["99.90", "%", "99.25", "%"]
    assert "1,905 / 1,970" in lines[retention + 1]
    assert "2,000 customers · MRR USD 98,000.00 · per customer USD 49.00" in lines


def test_four_definitions_of_churn_stand_side_by_side() -> None:
    """Which of them a number is must never be a guess."""
    report = fake_report()
    report["windows"]["30d"]["ratios"]["churn"] = {
        "standard": 0.1, "stripe": 12 / 110, "baremetrics": 0.12, "profitwell": 0.11
    }  # fmt: skip
    lines = text_of(report_tables(told(report), currency="USD", width=80), 80)
    head = next(n for n, line in enumerate(lines) if line.startswith("Churn, as defined by"))
    assert lines[head].split()[4:] == ["Standard", "Stripe", "Baremetrics", "ProfitWell"]
    month = next(line for line in lines[head:] if line.startswith("30 days"))
    assert month.split("  ")[0] == "30 days"
    assert [part for part in month.split() if part != "%"][2:] == ["10.00", "10.91", "12.00", "11.00"]


@pytest.mark.parametrize("width", WIDTHS)
def test_absent_ratio_is_a_dash_with_its_reason(width: int) -> None:
    """No data is not zero churn."""
    lines = text_of(report_tables(told(empty_report()), currency="USD", width=width), width)
    retention = next(n for n, line in enumerate(lines) if line.startswith("Retention"))
    assert lines[retention].split()[1:] == [formats.ABSENT] * 6
    assert ("none at start" if width == 120 else "nobody") in lines[retention + 1]
    assert "0.00 %" not in "\n".join(lines)


FEED_RATIOS = {"dropoff_silent_7d": 1.0, "onboarding": 0.0, "engagement": 0.0}


def report_of_feeds(*, engaged: int, silent: int, onboarded: int) -> dict[str, Any]:
    """Return a report whose year saw so much use of the product, and whose shorter windows saw none."""
    report = fake_report()
    for name, counts in report["windows"].items():
        year = name == "365d"
        counts.update(
            customers_engaged=engaged * year, dropoff_silent=silent if year else 20, dropoff_silent_matured=20,
            onboarding_matured=20, onboarding_completed=onboarded * year,
        )  # fmt: skip
        counts["ratios"].update(FEED_RATIOS)
    return report


def rows_of(report: dict[str, Any], width: int) -> dict[str, list[str]]:
    """Return the cells of the three ratios of feeds, in the first table, with what stands below them."""
    lines = text_of(report_tables(told(report), currency="USD", width=width), width)
    at = {label: next(n for n, line in enumerate(lines) if line.startswith(label)) for label in FEED_LABELS}
    return {label: [lines[n].removeprefix(label).strip(), lines[n + 1].strip()] for label, n in at.items()}


FEED_LABELS = ("Silent in days 8-14", "Onboarded in 7 days", "Used the product")


@pytest.mark.parametrize(("width", "reason"), [(80, "none seen"), (120, "no activity")])
def test_feed_that_never_sent_anything_is_a_dash_and_not_everybody_silent(width: int, reason: str) -> None:
    """Who has not connected the feed would read that nobody uses the product."""
    rows = rows_of(report_of_feeds(engaged=0, silent=20, onboarded=0), width)
    for label, expected in zip(FEED_LABELS, (reason, "none seen", reason), strict=True):
        cells, below = rows[label]
        assert set(cells.split()) == {formats.ABSENT}
        assert below.split() == expected.split() * 6


@pytest.mark.parametrize(
    ("engaged", "silent", "onboarded", "shown"),
    [(1, 20, 0, (True, False, True)), (0, 19, 0, (True, False, True)), (0, 20, 1, (False, True, False))],
)
def test_feed_that_was_seen_once_keeps_its_numbers(
    engaged: int, silent: int, onboarded: int, shown: tuple[bool, ...]
) -> None:
    """A month in which nobody came is a number, and the one that matters most."""
    rows = rows_of(report_of_feeds(engaged=engaged, silent=silent, onboarded=onboarded), 80)
    assert tuple(formats.ABSENT not in rows[label][0] for label in FEED_LABELS) == shown


def test_choosing_a_window_does_not_make_a_quiet_week_a_dead_feed() -> None:
    """`--window 7d` shows less, and nothing else than before."""
    report = told(report_of_feeds(engaged=1, silent=20, onboarded=1))
    shown = only(report, windows=("7d",), lenses=())
    tables = report_tables(shown, currency="USD", width=80, unseen=unseen_feeds(report))
    used = next(line for line in text_of(tables, 80) if line.startswith("Used the product"))
    assert used.split()[-2:] == ["0.00", "%"]


@pytest.mark.parametrize("width", WIDTHS)
def test_facts_without_effect_stand_by_kind_with_the_command_that_names_them(width: int) -> None:
    """A cancel that did nothing is a customer who seems to stay; nobody looks for what is not shown."""
    report = fake_report()
    for counts in report["windows"].values():
        counts["facts_without_effect"] = {"change": 0, "pause": 0, "resume": 0, "cancel": 1_234, "revoke": 5}
    lines = text_of(report_tables(told(report), currency="USD", width=width), width)
    (head,) = [n for n, line in enumerate(lines) if line.startswith("Facts without effect")]
    rows = [line for line in lines[head:] if line.startswith(("Change", "Pause", "Resume", "Cancel ", "Revoke"))]
    assert [row.split() for row in rows] == [["Cancel", *["1,234"] * 6], ["Revoke", *["5"] * 6]]
    assert "Which ones, and of whom: tenure explain facts_without_effect" in lines
    assert max(map(len, lines)) <= width


def test_facts_without_effect_are_not_spoken_of_where_there_are_none() -> None:
    """A table of zeros is read by nobody, nor is what stands beside it."""
    report = fake_report()
    for counts in report["windows"].values():
        counts["facts_without_effect"] = dict.fromkeys(("change", "pause", "resume", "cancel", "revoke"), 0)
    for shown in (report, fake_report()):
        text = "\n".join(text_of(report_tables(told(shown), currency="USD", width=80), 80))
        assert "without effect" not in text
        assert "facts_without_effect" not in text


@pytest.mark.parametrize("width", WIDTHS)
def test_heading_tells_of_pauses_and_of_several_subscriptions_where_there_are_any(width: int) -> None:
    """Customers and subscriptions are two numbers, and each is taken for the other."""
    report = fake_report()
    report["totals"].update(customers_paused=12, customers_with_several=140, subscriptions_active=2_160)
    lines = text_of(report_tables(told(report), currency="USD", width=width), width)
    assert "2,160 subscriptions · 140 customers with several · 12 paused" in lines
    plain_lines = text_of(report_tables(told(fake_report()), currency="USD", width=width), width)
    assert not [line for line in plain_lines if "subscriptions ·" in line]


def test_conflicts_and_mended_members_stand_below_where_there_are_any() -> None:
    """Both are for a producer to look at, and neither cost an event."""
    report = fake_report()
    assert not [n for n in text_of(report_tables(told(report), currency="USD", width=80), 80) if "Mended" in n]
    report["events"].update(conflict=3, mended={"reason": 12, "via": 0, "country": 1_200})
    lines = text_of(report_tables(told(report), currency="USD", width=80), 80)
    assert "Conflicts, repeated events that say something else: 3" in lines
    assert "Mended: country 1,200, reason 12" in lines


def test_dead_letters_stand_below_by_reason() -> None:
    """A number is as good as what went into it."""
    lines = text_of(report_tables(told(fake_report()), currency="USD", width=80), 80)
    assert "Dead letters: malformed_json 7, missing_member 2" in lines


def test_report_of_one_window_and_one_lens_shows_these_alone() -> None:
    """`--window` and `--lens` are for those who know what they want."""
    chosen = only(told(fake_report()), windows=("7d",), lenses=("stripe",))
    found = plain(chosen)
    assert list(found["windows"]) == ["7d"]
    assert list(found["windows"]["7d"]["ratios"]["churn"]) == ["stripe"]
    assert list(found["segments"]["plan"]["team"]["windows"]) == ["7d"]
    text = "\n".join(text_of(report_tables(chosen, currency="USD", width=80), 80))
    assert "By plan, 7 days" in text
    assert "Baremetrics" not in text


def test_choosing_leaves_the_report_as_it_was() -> None:
    """The caller may print it again."""
    report = told(fake_report())
    only(report, windows=("7d",), lenses=("stripe",))
    assert report == told(fake_report())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("height", [24, 50])
def test_live_screen_fits_its_terminal(width: int, height: int) -> None:
    """A screen that scrolls cannot be read."""
    history, report = history_of(40)
    lines = text_of(demo_screen(view_of(report), history, currency="USD", width=width, height=height - 1), width)
    assert len(lines) < height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for words in (
        "2026-04-10 13:00",
        "Retention 30d",
        "96.7 %",
        "enterprise",
        "profitwell",
        "12,346/s",
        "0 identities",
    ):
        assert words in text
    assert "! Churn of starter" in text
    assert "http://127.0.0.1:9464/metrics" in text
    assert "…" not in text


@pytest.mark.parametrize("width", WIDTHS)
def test_live_screen_of_a_stream_without_events_shows_dashes(width: int) -> None:
    """The first second of every demo."""
    history = ShownHistory(SHOWN_VALUES)
    report = told(empty_report())
    history.observe(report)
    view = view_of(report, health=Health(), notices=(), metrics_url=None)
    text = "\n".join(text_of(demo_screen(view, history, currency="USD", width=width, height=23), width))
    assert formats.ABSENT in text
    assert "metrics are not served" in text


def test_breach_of_an_identity_is_said_in_words() -> None:
    """Red alone is no message to those who cannot see it."""
    history, report = history_of(2)
    view = view_of(report, health=Health(identities_violated=3))
    assert "3 identities violated" in "\n".join(
        text_of(demo_screen(view, history, currency="USD", width=80, height=23), 80)
    )


def test_change_has_a_sign_of_its_own() -> None:
    """Up and down must be told apart without colours."""
    history, report = history_of(20)
    lines = text_of(demo_screen(view_of(report), history, currency="USD", width=80, height=23), 80)
    assert "▲" in lines[2] or "▼" in lines[2]


def test_plain_line_tells_the_same_numbers() -> None:
    """Where output goes to a file, nothing may be missing."""
    line = demo_line(view_of(told(fake_report())), currency="USD")
    for words in ("Customers 2,000", "Retention 30d 96.7 %", "MRR USD 98.0k", "NPS 30d +33.7", "identities violated 0"):
        assert words in line
    assert "\n" not in line


def test_plain_screen_prints_a_line_every_few_seconds_and_each_notice_once() -> None:
    """A log that grows by ten lines a second is read by nobody."""
    output, seconds = io.StringIO(), [0.0]
    view = view_of(told(fake_report()))
    with PlainScreen(output, "USD", now_seconds=lambda: seconds[0]) as screen:
        screen.say("starting")
        for tenth in range(41):
            seconds[0] = tenth / 10
            screen.show(view)
    lines = output.getvalue().splitlines()
    assert len([line for line in lines if "Customers" in line]) == 3  # at 0 s, at 3 s, and the last
    assert len([line for line in lines if "Prices rise" in line]) == 1
    assert lines[0] == "starting"


def test_live_screen_leaves_the_last_numbers_and_the_cursor_behind() -> None:
    """The terminal is the user's."""
    output = io.StringIO()
    console = Console(file=output, width=80, height=24, force_terminal=True, color_system=None)
    with LiveScreen(console, "USD") as screen:
        screen.say("starting")
        screen.show(view_of(told(fake_report())))
    text = output.getvalue()
    assert "Retention 30d" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_screen_that_was_never_shown_leaves_nothing() -> None:
    """A demo may be stopped before its first number."""
    output = io.StringIO()
    with LiveScreen(Console(file=output, width=80, force_terminal=True), "USD"):
        pass
    assert output.getvalue() == ""


def test_lines_are_chosen_where_output_is_no_terminal() -> None:
    """Pipes and logs get no escape sequences."""
    assert isinstance(open_screen(currency="USD", console=Console(file=io.StringIO())), PlainScreen)
    terminal = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "xterm"})
    assert isinstance(open_screen(currency="USD", console=terminal), LiveScreen)
    assert isinstance(open_screen(currency="USD", console=terminal, plain=True), PlainScreen)


EMPTY = told(empty_report())


def report_at(as_of: str, customers: int) -> Report:
    """Return a report of so many customers and nothing else."""
    return replace_members(EMPTY, as_of=as_of, totals=replace_members(EMPTY.totals, customers_active=customers))


def customers_of(report: Report) -> float:
    """Read them back."""
    return report.totals.count("customers_active")


def test_history_keeps_a_bounded_course_that_ends_with_the_newest_value() -> None:
    """A demo may run for days."""
    history = ShownHistory({"n": customers_of})
    for hour in range(5 * KEPT):
        history.observe(report_at((BEGIN + timedelta(hours=hour)).isoformat(), hour))
    course = history.course("n")
    assert KEPT / 2 <= len(course) <= KEPT
    assert course[-1] == 5 * KEPT - 1
    assert course == sorted(course, key=lambda value: value or 0)
    assert history.change("n", timedelta(days=7)) == pytest.approx((168.0, timedelta(hours=168)), rel=0.1)


def test_restated_report_replaces_the_last_value() -> None:
    """Late events change the number, not its place in time."""
    history = ShownHistory({"n": customers_of})
    for value in (1, 2):
        history.observe(report_at("2026-03-01T00:00:00Z", value))
    assert history.course("n") == [2.0]
    assert history.change("n", timedelta(days=7)) is None


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_456, "USD", "USD 1,234.56"),
        (-5, "USD", "USD -0.05"),
        (123_456, "JPY", "JPY 123,456"),
        (1_234_567, "KWD", "KWD 1,234.567"),
        (49.6, "EUR", "EUR 0.50"),
        (None, "EUR", formats.ABSENT),
    ],
)
def test_money_has_the_digits_of_its_currency(minor: float | None, currency: str, text: str) -> None:
    """Yen have no cents, and a dinar has three digits after its point."""
    assert formats.money(minor, currency) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (9_999, "9,999"),
        (12_345, "12.3k"),
        (123_456, "123k"),
        (1_234_567, "1.23M"),
        (-45_000, "-45.0k"),
    ],
)
def test_short_number_keeps_three_digits(value: float, text: str) -> None:
    """What is rounded must still be told apart from its neighbours."""
    assert formats.short(value) == text


def test_sparkline_shows_gaps_and_does_not_make_mountains_of_molehills() -> None:
    """A course that moves by a thousandth is flat to people."""
    assert formats.sparkline([1.0, None, 2.0], 8) == "▁ █"
    assert set(formats.sparkline([0.9999, 1.0, 0.9998], 8)) <= {"▄", "▅"}
    assert formats.sparkline([], 8) == ""
    assert formats.sparkline([None, None], 8) == ""
    assert len(formats.sparkline([float(n) for n in range(100)], 8)) == 8
    assert formats.sparkline([0.0, 0.0], 8) == "▁▁"


def test_bar_is_as_long_as_its_share() -> None:
    """Half is half."""
    assert formats.bar(0.5, 8) == "████"
    assert formats.bar(1.0, 8) == "████████"
    assert formats.bar(None, 8) == ""
    assert formats.bar(7.0, 2) == "██"


def test_live_screen_without_the_month_it_speaks_of_shows_dashes() -> None:
    """Another window's number under this title would be wrong."""
    chosen = only(told(fake_report()), windows=("7d",), lenses=())
    assert f"Retention 30d {formats.ABSENT}" in demo_line(view_of(chosen), currency="USD")


def test_a_block_of_lines_stays_one_where_lines_are_plain() -> None:
    """What the demo says at its end are commands to copy, one a line."""
    output = io.StringIO()
    PlainScreen(output, "USD").say("one\ntwo\x1b[2J")
    assert output.getvalue() == "one\ntwo\\x1b[2J\n"
