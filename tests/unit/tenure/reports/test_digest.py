"""The digest: the right week, the right numbers, what was corrected, and texts in which no name does anything."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt
from msgspec import UnsetType
from msgspec.structs import replace
from scipy.stats import binomtest

from kpis.instants import instant_text
from kpis.proportions import proportions_apart, scores_apart, wilson_bounds
from schemas.catalogue.ratios import RATIO_BY_NAME
from schemas.documents.digest import DigestReport
from streams.clock import ManualClock
from streams.digests import DIGEST_LOG, DigestStore, IssuedDigest
from streams.embedded.tables import MemoryTables
from streams.errors import CheckFailed, UsageError
from streams.partition.losses import AcceptedLoss, Loss, StreamLosses
from streams.settings.settings import Settings
from streams.tables import StreamMark
from streams.targets import TargetChange, TargetStore
from tenure.files.replay import replayed
from tenure.reports import customers
from tenure.reports.customers import Scope
from tenure.reports.digest import read_digest, target_verdict, week_of
from tenure.reports.digest_text import FORMATS, lead, markdown, page_of, slack
from tests.recount.short_events import cancel, event, signup, survey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOW_MS = 1_773_054_000_000  # Monday, 9 March 2026, 11:00 UTC
BEFORE = [
    *(signup(f"c{n}", "2026-01-01", "pro" if n % 2 else "basic", 1000, country="PT") for n in range(100)),
    *(cancel(f"c{n}", "2026-03-03", reason="price") for n in range(6)),
    *(survey(f"c{n}", "2026-03-04", "nps", 9) for n in range(20, 40)),
    cancel("c7", "2026-02-25"),
]
NO_LOSSES = StreamLosses([], [])
LATE = [cancel("c8", "2026-02-24", reason="unused")]


async def tables_of(folder: Path, events: list[dict[str, Any]]) -> MemoryTables:
    """Return the tables that events make."""
    file = folder / "events.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return (await replayed(str(file), Settings())).tables


def digest_of(
    monkeypatch: pytest.MonkeyPatch,
    tables: MemoryTables,
    week: str | None = None,
    *,
    by: tuple[str, ...] = (),
    losses: StreamLosses = NO_LOSSES,
    now_ms: int = NOW_MS,
    issue: bool = False,
) -> DigestReport:
    """Return the digest of a running stream that has these tables."""

    @asynccontextmanager
    async def counted_tables(settings: Settings) -> AsyncIterator[Any]:
        del settings
        yield tables, StreamMark("group", 4, ""), losses

    monkeypatch.setattr(customers, "counted_tables", counted_tables)
    return asyncio.run(read_digest(Settings(), Scope(by=by), week, clock=ManualClock(now_ms), issue=issue))


def test_numbers_are_those_of_the_week_and_of_the_week_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever reads it on Monday reads of the week that is over."""
    digest = digest_of(monkeypatch, asyncio.run(tables_of(tmp_path, BEFORE)))
    known = {number.name: number for number in digest.numbers}
    assert (digest.week, digest.ends_at) == ("2026-W10", "2026-03-09T00:00:00Z")
    assert (known["customers_active"].now, known["customers_active"].before) == (93, 99)
    assert (known["cancellations"].now, known["cancellations"].before) == (6, 1)
    churn = known["churn_standard"]
    assert churn.now == pytest.approx(6 / 99)
    expected = binomtest(6, 99).proportion_ci(method="wilson")
    assert churn.low == pytest.approx(expected.low, abs=1e-4)
    assert churn.high == pytest.approx(expected.high, abs=1e-4)
    assert churn.verdict == "within_chance"
    assert next((each.reason, each.count) for each in digest.reasons) == ("price", 6)
    assert {each.value for each in digest.segments} == {"basic", "pro"}


def test_what_late_events_corrected_of_the_last_digest_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody has decided by last week's numbers; they must not change silently."""
    first = asyncio.run(tables_of(tmp_path, BEFORE))
    shown = digest_of(monkeypatch, first, "2026-W09", issue=True)
    assert shown.corrected.issued_at is None
    entries = asyncio.run(first.entries(DIGEST_LOG))
    second = asyncio.run(tables_of(tmp_path, [*BEFORE, *LATE]))
    for entry in entries:
        asyncio.run(second.append(DIGEST_LOG, entry))
    digest = digest_of(monkeypatch, second, "2026-W10")
    changed = {each.name: (each.shown, each.now) for each in digest.corrected.corrections}
    assert digest.corrected.week == "2026-W09"
    assert changed["cancellations"] == (1, 2)
    assert changed["customers_active"] == (99, 98)
    assert "upgrades" not in changed
    assert digest.corrected.issued_at == instant_text(NOW_MS)
    for form in FORMATS.values():
        assert "Corrected since: 2026-W09" in form(digest)
    assert any("have been corrected since" in line for line in lead(digest))


def test_digest_is_issued_once_and_what_was_shown_first_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A timer that fires twice must not hide what changed in between."""
    tables = asyncio.run(tables_of(tmp_path, BEFORE))
    for _ in range(2):
        digest_of(monkeypatch, tables, issue=True)
    assert len(asyncio.run(tables.entries(DIGEST_LOG))) == 1
    store = DigestStore(tables)
    assert asyncio.run(store.issue(IssuedDigest("2026-W10", 0, {}))) is False
    asyncio.run(tables.append(DIGEST_LOG, b"{"))
    with pytest.raises(CheckFailed, match="digest 2 in Redis"):
        asyncio.run(store.first_issue("2020-W01"))


def test_week_that_ends_with_the_running_bucket_is_not_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A digest that is issued before the week ends would call the rest of the week a correction."""
    tables, midnight_ms = asyncio.run(tables_of(tmp_path, BEFORE)), 1_773_014_400_000
    assert digest_of(monkeypatch, tables, now_ms=midnight_ms - 60_000, issue=True).week == "2026-W09"
    assert digest_of(monkeypatch, tables, now_ms=midnight_ms).week == "2026-W10"
    with pytest.raises(UsageError, match="not over before 2026-03-09T00:00:00Z"):
        digest_of(monkeypatch, tables, "2026-W10", now_ms=midnight_ms - 60_000)


def test_targets_are_compared_in_their_own_window(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A target of 30 days says nothing about seven."""
    tables = asyncio.run(tables_of(tmp_path, BEFORE))
    for kpi, window, value in (("retention", "30d", 0.99), ("churn_standard", "7d", 0.5), ("csat", "30d", 0.9)):
        change = TargetChange(kpi, window, value, "ada", 0, "ada", 0)
        asyncio.run(TargetStore(tables).append(change))
    found = {(each.kpi, each.window): each for each in digest_of(monkeypatch, tables).targets}
    assert found["churn_standard", "7d"].verdict == "met"
    assert found["retention", "30d"].verdict == "missed_for_sure"
    assert found["retention", "30d"].now == pytest.approx(0.93)
    assert found["csat", "30d"].verdict == "no_data"


def test_target_of_a_segment_is_judged_by_its_own_customers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Six of fifty on basic left, and none on pro: the company's churn says nothing of either."""
    tables = asyncio.run(tables_of(tmp_path, [*BEFORE, *(cancel(f"c{n}", "2026-03-04") for n in range(8, 20, 2))]))
    for segment in ("basic", "pro", "gone"):
        change = TargetChange("churn_standard", "7d", 0.08, "ada", 0, "ada", 0, dimension="plan", segment=segment)
        asyncio.run(TargetStore(tables).append(change))
    digest = digest_of(monkeypatch, tables, by=("country",))
    found = {(each.dimension, each.segment): each for each in digest.targets}
    assert found["plan", "basic"].now == pytest.approx(9 / 50)
    assert found["plan", "basic"].verdict == "missed_for_sure"
    assert found["plan", "pro"].now == pytest.approx(3 / 49)
    assert found["plan", "pro"].before == pytest.approx(1 / 50)
    assert (found["plan", "gone"].now, found["plan", "gone"].verdict) == (None, "no_data")
    assert {each.dimension for each in digest.segments} <= {"country"}
    assert "| Customer churn, standard lens, 7d | `plan basic` | `ada` | 8.00 % | 18.00 % |" in markdown(digest)


def test_targets_are_written_as_their_kpi_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An NPS of +40 is no 40 per cent, and a quick ratio of 4 no 400."""
    tables = asyncio.run(tables_of(tmp_path, BEFORE))
    for kpi, value in (("nps", 0.4), ("quick_ratio", 4.0)):
        asyncio.run(TargetStore(tables).append(TargetChange(kpi, "7d", value, "ada", 0, "ada", 0)))
    rows = [line for line in markdown(digest_of(monkeypatch, tables)).splitlines() if "`ada`" in line]
    assert ["+40.0 | +100.0 |" in rows[0], "4.00 | 0.00 |" in rows[1]] == [True, True]


def test_marks_and_what_is_missing_stand_beside_the_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the end of the week that is told, not of now; and in every form."""
    marks = [event("mark", "", time, {}, kind="price", title=f"rise <{time}>") for time in ("2026-02-20", "2026-03-05")]
    tables = asyncio.run(tables_of(tmp_path, [*BEFORE, *marks]))
    early = Loss(1, [], 1_771_804_800_000, 1_771_891_200_000)  # 23 to 24 February
    late = Loss(2, [], 1_772_668_800_000)  # from 5 March on
    losses = StreamLosses([late], [AcceptedLoss(each, "ada", NOW_MS, "disk <full>") for each in (early, late)])
    digest = digest_of(monkeypatch, tables, "2026-W09", losses=losses)
    assert not isinstance(digest.marks, UnsetType)
    assert [mark.at for mark in digest.marks] == ["2026-02-20T00:00:00Z"]
    assert not isinstance(digest.losses, UnsetType)
    assert [(loss.partition, loss.windows[:2]) for loss in digest.losses] == [(1, ["7d", "30d"])]
    for form in FORMATS.values():
        text = form(digest)
        assert "2026-02-20T00:00:00Z" in text
        assert "Partition 1" in text
        assert "see tenure resume" in text
        assert "<full>" not in text.replace("`disk <full>`", "")
    assert "may be incomplete" in " ".join(lead(digest))


@pytest.mark.parametrize(
    ("kpi", "counts", "expected"),
    [
        ("retention", {"customers_retained": 95, "customers_at_start": 100}, "met"),
        ("retention", {"customers_retained": 88, "customers_at_start": 100}, "missed"),
        ("retention", {"customers_retained": 70, "customers_at_start": 100}, "missed_for_sure"),
        ("retention", {"customers_retained": 7, "customers_at_start": 10}, "missed"),
        ("churn_standard", {"customers_lost": 95, "customers_at_start": 100}, "missed"),
        ("churn_standard", {"customers_lost": 99, "customers_at_start": 100}, "missed_for_sure"),
        ("churn_standard", {"customers_lost": 9, "customers_at_start": 100}, "met"),
        ("gross_revenue_retention", {"mrr_retained_gross": 8, "mrr_at_start": 10, "customers_at_start": 99}, "missed"),
        ("retention", {"customers_retained": 0, "customers_at_start": 0}, "no_data"),
        ("retention", {}, "no_data"),
    ],
)
def test_target_is_missed_for_sure_where_the_alerts_would_warn(kpi: str, counts: dict[str, int], expected: str) -> None:
    """The same rule decides warnings."""
    assert target_verdict(RATIO_BY_NAME[kpi], counts, 0.9) == expected


@pytest.mark.parametrize(
    ("now_ms", "zone", "name", "end"),
    [
        (NOW_MS, "UTC", "2026-W10", "2026-03-09T00:00:00Z"),
        (1_773_014_399_999, "UTC", "2026-W09", "2026-03-02T00:00:00Z"),
        (1_773_014_400_000, "UTC", "2026-W10", "2026-03-09T00:00:00Z"),
        (1_774_828_800_000, "Europe/Lisbon", "2026-W13", "2026-03-29T23:00:00Z"),
        (1_767_571_200_000, "UTC", "2026-W01", "2026-01-05T00:00:00Z"),
    ],
)
def test_last_week_is_the_one_that_is_over_in_the_business_time_zone(
    now_ms: int, zone: str, name: str, end: str
) -> None:
    """Weeks begin on Monday, at midnight on the wall."""
    week = week_of(None, zone, now_ms=now_ms)
    assert (week.name, instant_text(week.end_ms)) == (name, end)


@pytest.mark.parametrize("name", ["2026-W54", "2026-11", "2026-W00", "W47", "2026-W11"])
def test_week_that_is_none_or_is_not_over_is_refused(name: str) -> None:
    """What is wrong is said, and what to write."""
    with pytest.raises(UsageError, match="--week"):
        week_of(name, "UTC", now_ms=NOW_MS)
    assert week_of("2026w09", "UTC", now_ms=NOW_MS).name == "2026-W09"


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (10, 10), (3, 17), (500, 1_000), (1, 100_000)])
def test_interval_is_that_of_a_known_library(successes: int, trials: int) -> None:
    """Wilson's, without correction."""
    found = wilson_bounds(successes=successes, trials=trials, z=1.959963984540054)
    expected = binomtest(successes, trials).proportion_ci(method="wilson")
    assert found is not None
    assert found.low == pytest.approx(expected.low, abs=1e-9)
    assert found.high == pytest.approx(expected.high, abs=1e-9)


def test_samples_apart_are_those_of_the_textbook() -> None:
    """By hand: 30 of 100 against 10 of 100, and an NPS of 50 against one of 0."""
    assert proportions_apart((30, 100), (10, 100)) == pytest.approx(0.2 / math.sqrt(0.2 * 0.8 * 0.02))
    assert scores_apart((60, 10, 100), (30, 30, 100)) == pytest.approx(0.5 / math.sqrt(0.45 / 100 + 0.6 / 100))
    assert wilson_bounds(successes=0, trials=0) is None
    assert proportions_apart((0, 0), (1, 2)) is None
    assert proportions_apart((0, 5), (0, 5)) is None
    assert scores_apart((0, 0, 0), (1, 0, 1)) is None


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


OF_A_PAGE = ("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "code")
OF_A_TABLE = ("table", "thead", "tbody", "tr", "th", "td")
HOSTILE = (
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "a|b", "`code`", "*bold*", "<!channel>", "http://evil.test",
    "\x1b[2J", "\n# heading", "&amp;", "![x](http://evil.test)", "\u202eltr",
)  # fmt: skip


def test_no_name_does_anything_in_any_form(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Plans are named by whoever sends events; a digest goes to the whole company."""
    digest = digest_of(monkeypatch, asyncio.run(tables_of(tmp_path, BEFORE)))
    segments = [replace(digest.segments[0], value=name, dimension=name) for name in HOSTILE]
    digest = replace(digest, segments=segments)
    tags = _Tags()
    tags.feed(page_of(digest))
    assert tags.found <= {*OF_A_PAGE, *OF_A_TABLE}
    assert tags.attributes <= {"lang", "charset", "name", "content", "class"}
    tokens = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").parse(markdown(digest))
    inner = {child.type for token in tokens for child in token.children or ()}
    assert inner <= {"text", "code_inline", "softbreak"}
    assert {token.type for token in tokens} & {"html_block", "fence"} == set()
    text = slack(digest)
    assert "<" not in text
    for form in FORMATS.values():
        assert all(character.isprintable() or character == "\n" for character in form(digest))
