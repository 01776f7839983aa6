"""What can be a target, and what is refused in one line that says what can."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from schemas.catalogue.ratios import RATIO_BY_NAME, WINDOW_RATIOS
from schemas.documents.document import plain
from streams.errors import UsageError
from streams.settings.settings import Settings
from streams.targets import Audited, TargetChange
from tenure.commands.target import shown
from tenure.operations.targets import (
    WantedTarget,
    audited,
    checked_kpi,
    checked_value,
    checked_window,
    listed,
    review_ms,
)

#: 2026-11-22T12:00:00Z
NOW_MS = 1_795_348_800_000
DAY_MS = 86_400_000


def wanted(settings: Settings | None = None, **parts: Any) -> WantedTarget:
    """Return a request that is right but for the parts given."""
    right: dict[str, Any] = {
        "kpi": "retention",
        "window": "365d",
        "value": "90%",
        "owner": "anna",
        "review": None,
        "changed_by": "bob",
        "note": "",
        "now_ms": NOW_MS,
    }
    return WantedTarget(settings or Settings(), **{**right, **parts})


def test_a_new_target_has_owner_review_and_author() -> None:
    """A threshold that nobody answers for is silenced, not mended."""
    change = wanted(note=" the best ").change(None, now_ms=NOW_MS)
    midnight = NOW_MS - NOW_MS % DAY_MS
    assert change == TargetChange("retention", "365d", 0.9, "anna", midnight + 90 * DAY_MS, "bob", NOW_MS, "the best")


def test_a_change_keeps_the_owner_and_begins_a_new_term() -> None:
    """Who sets a target anew has looked at it; its owner is the same until somebody says otherwise."""
    before = wanted().change(None, now_ms=NOW_MS)
    after = wanted(owner=None, value="0.85", now_ms=NOW_MS + 10 * DAY_MS).change(before, now_ms=NOW_MS + 10 * DAY_MS)
    assert (after.owner, after.value) == ("anna", 0.85)
    assert after.review_at_ms == before.review_at_ms + 10 * DAY_MS
    assert wanted(owner="eve").change(before, now_ms=NOW_MS).owner == "eve"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"owner": None}, "--owner is missing"),
        ({"value": "none"}, "no target of retention in the window 365d to take back"),
    ],
)
def test_what_only_an_older_target_allows_is_refused_without_one(parts: dict[str, Any], said: str) -> None:
    """Nobody inherits the ownership of nothing."""
    with pytest.raises(UsageError, match=said):
        wanted(**parts).change(None, now_ms=NOW_MS)


def test_a_target_can_be_taken_back() -> None:
    """A KPI that is no goal any more must not page."""
    before = wanted().change(None, now_ms=NOW_MS)
    assert wanted(value="none", owner=None).change(before, now_ms=NOW_MS).value is None


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"kpi": "retenton"}, "did you mean retention?"),
        ({"kpi": "churn"}, "did you mean churn_"),
        ({"kpi": "arpa"}, "arpa has none"),
        ({"window": "31"}, "there is only 1d, 7d, 30d, 90d, 365d, month"),
        ({"window": "year"}, "there is only 1d"),
        ({"value": "90"}, "for 90 % write 90%"),
        ({"value": "110%"}, "retention lies between 0 and 1"),
        ({"value": "-0.1"}, "retention lies between 0 and 1"),
        ({"value": "nan"}, "not a number"),
        ({"value": "inf%"}, "not a number"),
        ({"value": "high"}, "write for example 0.9 or 90%"),
        ({"kpi": "nps", "value": "140"}, "nps lies between -100 and 100"),
        ({"kpi": "nps", "value": "-120%"}, "nps lies between -100 and 100"),
        ({"kpi": "nps", "value": "1"}, "Write 1% for the one, 100 for the other"),
        ({"kpi": "nps", "value": "-1"}, "Write -1% for the one, -100 for the other"),
        ({"kpi": "quick_ratio", "value": "1000"}, "between 0 and 100"),
        ({"owner": " "}, "--owner"),
        ({"owner": "a\nb"}, "--owner"),
        ({"owner": "x" * 101}, "--owner"),
        ({"changed_by": ""}, "--as"),
        ({"review": "soon"}, "not a day"),
        ({"review": "2026-11-22"}, "after today"),
        ({"review": "2027-11-24"}, "by 2027-11-23"),
        ({"note": "x" * 501}, "0 to 500 characters"),
        ({"note": "above\x1b[1Abelow"}, "on one line"),
        ({"note": "\udcff"}, "in UTF-8"),
        ({"owner": "\udcff"}, "in UTF-8"),
    ],
)
def test_what_cannot_be_a_target_is_refused_with_what_can(parts: dict[str, Any], said: str) -> None:
    """A target that can never be met, or never be missed, is worse than none."""
    with pytest.raises(UsageError) as refused:
        wanted(**parts)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("kpi", "text", "value"),
    [
        ("retention", "0.9", 0.9),
        ("retention", " 90 % ", 0.9),
        ("churn_standard", "2.9%", 0.029),
        ("churn_standard", "0", 0.0),
        ("retention", "1", 1.0),
        ("nps", "-20%", -0.2),
        ("nps", "0.4", 0.4),
        ("nps", "40", 0.4),
        ("nps", "-32.5", -0.325),
        ("nps", "100", 1.0),
        ("nps", "1%", 0.01),
        ("net_revenue_retention", "110%", 1.1),
        ("quick_ratio", "4", 4.0),
    ],
)
def test_a_value_is_read_as_the_kpi_is_counted(kpi: str, text: str, value: float) -> None:
    """Metrics and rules know fractions only; people say percentages."""
    assert checked_value(text, RATIO_BY_NAME[kpi]) == value


def test_every_ratio_of_a_window_can_have_a_target_and_be_shown() -> None:
    """The catalogue decides what a KPI is; nothing here may forget one."""
    assert [checked_kpi(ratio.name) for ratio in WINDOW_RATIOS] == list(WINDOW_RATIOS)
    assert [shown(ratio.name, 0.5)[0] in "+05" for ratio in WINDOW_RATIOS] == [True] * len(WINDOW_RATIOS)


def test_windows_are_those_that_the_settings_count() -> None:
    """A target of a window that is not counted is compared with nothing, for ever."""
    settings = Settings(windows_days=(14, 28), segment_windows_days=(14,))
    assert [checked_window(name, settings) for name in ("14", "28d", "month")] == ["14d", "28d", "month"]
    with pytest.raises(UsageError, match="only 14d, 28d, month"):
        checked_window("30d", settings)


def test_a_review_begins_with_its_local_day() -> None:
    """An owner in Auckland is asked on the morning of the day that they named."""
    there = review_ms("2026-12-01", time_zone="Pacific/Auckland", now_ms=NOW_MS)
    assert dt.datetime.fromtimestamp(there / 1000, dt.UTC) == dt.datetime(2026, 11, 30, 11, tzinfo=dt.UTC)
    # There it is the 23rd already.
    with pytest.raises(UsageError, match="after today"):
        review_ms("2026-11-23", time_zone="Pacific/Auckland", now_ms=NOW_MS)


def test_json_of_list_and_history_says_all_there_is() -> None:
    """Scripts hold on to these members."""
    first = wanted(note="why").change(None, now_ms=NOW_MS)
    second = wanted(value="none", changed_by="eve").change(first, now_ms=NOW_MS + 1000)
    assert plain(listed([first], now_ms=first.review_at_ms)) == [
        {
            "kpi": "retention",
            "window": "365d",
            "value": 0.9,
            "owner": "anna",
            "review": "2027-02-20T00:00:00Z",
            "overdue": True,
            "set_by": "bob",
            "set_at": "2026-11-22T12:00:00Z",
            "note": "why",
            "dimension": "all",
            "segment": "",
        }
    ]
    assert listed([first], now_ms=NOW_MS)[0].overdue is False
    assert plain(audited([Audited(second, first)])) == [
        {
            "at": "2026-11-22T12:00:01Z",
            "by": "eve",
            "kpi": "retention",
            "window": "365d",
            "old": 0.9,
            "new": None,
            "owner": "anna",
            "review": "2027-02-20T00:00:00Z",
            "note": "",
            "dimension": "all",
            "segment": "",
        }
    ]


def test_target_of_a_segment_is_its_own_and_must_be_judged_somewhere() -> None:
    """One that no rule looks at would seem to be kept."""
    pro = wanted(kpi="churn_standard", window="30d", value="3%", by="plan", segment="pro").change(None, now_ms=NOW_MS)
    assert pro.place == ("churn_standard", "30d", "plan", "pro")
    for changed, said in (
        ({"window": "365d"}, "segments are counted in 7d, 30d only"),
        ({"kpi": "nps", "value": "0.3"}, "KPI nps: chance is known of"),
        ({"by": "plans"}, "--by plans: there is only plan, country, channel; did you mean plan?"),
        ({"segment": None}, "--by and --value belong together"),
    ):
        asked: dict[str, Any] = {
            "kpi": "churn_standard",
            "window": "30d",
            "value": "3%",
            "by": "plan",
            "segment": "pro",
            **changed,
        }
        with pytest.raises(UsageError, match=re.escape(said)):
            wanted(**asked)
