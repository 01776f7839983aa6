"""What tiles say, as the real Prometheus evaluates the committed queries: verdicts, and numbers that are withheld."""

from __future__ import annotations

import math

import pytest

from monitoring.withheld import LAST_SHOWN, WITHHELD
from tests.monitoring.boards import boards, filled_in, panels
from tests.monitoring.scenario import Scenario, healthy, put_counts, put_partition

RECORDING = ("recording.yml",)
AT = 20
BOARDS = boards()
COUNTS = {"customers_at_start": 1000, "customers_lost": 60, "customers_retained": 940}


def said(scenario: Scenario, board: str, title: str, at: int = AT, **chosen: str) -> tuple[str, float]:
    """Return what a tile says at a minute: the words beside the number, and the number."""
    (panel,) = [panel for panel in panels(BOARDS[board]) if panel["title"] == title]
    (target,) = panel["targets"]
    ((words, number),) = scenario.values(filled_in(target["expr"], end=60 * at, **chosen), at).items()
    return words, number


def stream(**targets: float) -> Scenario:
    """Return a stream with a churn of 6 % in 30 days, and targets by KPI."""
    scenario = put_counts(healthy(RECORDING, minutes=40), dict(COUNTS), window="30d")
    for kpi, value in targets.items():
        scenario.put("tenure_target_ratio", value, instance="a", kpi=kpi, window="30d")
    return scenario


def verdict(words: str) -> str:
    """Return the verdict among the words of a tile."""
    (found,) = [each for each in ("on target", "may miss target", "missed target", "no target") if each in words]
    return found


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ({}, "no target"),
        ({"retention": 0.9}, "on target"),
        ({"churn_standard": 0.1}, "on target"),
        ({"retention": 0.945}, "may miss target"),
        ({"churn_standard": 0.055}, "may miss target"),
        ({"retention": 0.97}, "missed target"),
        ({"churn_standard": 0.03}, "missed target"),
        ({"retention": 0.97, "churn_standard": 0.1}, "missed target"),
        ({"retention": 0.9, "churn_standard": 0.03}, "missed target"),
    ],
)
def test_retention_and_churn_have_one_colour(targets: dict[str, float], expected: str) -> None:
    """They are one fact: a green churn beside a red retention is believed by nobody."""
    scenario = stream(**targets)
    retention, kept = said(scenario, "tenure-retention", "Customer retention")
    churn, lost = said(scenario, "tenure-retention", "Customer churn, $lens")
    assert (verdict(retention), verdict(churn)) == (expected, expected)
    assert kept == pytest.approx(0.94)
    assert lost == pytest.approx(0.06)


def test_another_definition_of_churn_is_judged_by_its_own_target() -> None:
    """Retention is the complement of the standard definition alone."""
    scenario = stream(retention=0.97)
    put_counts(scenario, {"cancellations": 60, "cancellations_of_new": 0, "customers_new": 0}, window="30d")
    words, _ = said(scenario, "tenure-retention", "Customer churn, $lens", lens="baremetrics")
    assert verdict(words) == "no target"


def test_a_tile_says_target_and_sample_in_words() -> None:
    """A number without what it is about is not to be judged."""
    words, _ = said(stream(retention=0.9), "tenure-retention", "Customer retention")
    assert "≥ 90 %" in words
    assert "of 1,000" in words


@pytest.mark.parametrize(("answers", "expected"), [(125, "may miss target"), (12_500, "missed target")])
def test_satisfaction_allows_for_chance(answers: int, expected: str) -> None:
    """78.4 % of 125 answers are no proof that 80 % is missed."""
    scenario = healthy(RECORDING, minutes=40)
    put_counts(scenario, {"csat_answered": answers, "csat_satisfied": round(0.784 * answers)}, window="30d")
    scenario.put("tenure_target_ratio", 0.8, instance="a", kpi="csat", window="30d")
    words, number = said(scenario, "tenure-feedback", "Customer satisfaction")
    assert verdict(words) == expected
    assert number == pytest.approx(0.784)


@pytest.mark.parametrize(("answers", "expected"), [(100, "may miss target"), (10_000, "missed target")])
def test_net_promoter_score_allows_for_chance(answers: int, expected: str) -> None:
    """A score of 22 of 100 answers has an error of 16."""
    scenario = healthy(RECORDING, minutes=40)
    parts = {"nps_promoters": 0.5, "nps_passives": 0.22, "nps_detractors": 0.28}
    put_counts(scenario, {name: round(share * answers) for name, share in parts.items()}, window="30d")
    scenario.put("tenure_target_ratio", 0.3, instance="a", kpi="nps", window="30d")
    words, number = said(scenario, "tenure-feedback", "Net promoter score")
    assert verdict(words) == expected
    assert number == pytest.approx(22)


def test_a_tile_without_numbers_says_since_when() -> None:
    """Nobody may take a target for the number, or "no sample" for a day without customers."""
    scenario = stream(retention=0.9)
    put_partition(scenario, "a", 0, [(0, 1), (30, None)])
    assert verdict(said(scenario, "tenure-retention", "Customer retention", at=29)[0]) == "on target"
    words, number = said(scenario, "tenure-retention", "Customer retention", at=35)
    assert words == "since 01-01 00:29 UTC"
    assert math.isnan(number)
    assert said(scenario, "tenure-executive", "Numbers", at=35) == (
        ": a partition has no worker , since 01-01 00:29 UTC withheld",
        29 * 60_000,
    )


def test_boards_say_until_when_prometheus_sees_old_workers() -> None:
    """It mends itself at a known time; whoever looks in the meantime can only wait for that."""
    scenario = stream(retention=0.9).put("process_start_time_seconds", 1_770, job="prometheus", instance="p")
    for name in ("tenure_partition_owned", "tenure_partition_counted"):
        scenario.drop(name, partition=0)
        scenario.put(name, "1x29 _x10", instance="b", partition=0).put(name, "_x30 1x10", instance="a", partition=0)
    until = "Prometheus sees old workers until 01-01 00:34 UTC"
    words, _ = said(scenario, "tenure-executive", "Numbers", at=32)
    assert words.startswith(f": {until} , since")
    (panel,) = [panel for panel in panels(BOARDS["tenure-stream"]) if panel["title"] == "Why numbers are withheld"]
    assert scenario.values(filled_in(panel["targets"][0]["expr"], end=60 * 32), 32) == {until: 1}


def test_numbers_that_were_never_shown_are_withheld_since_the_start() -> None:
    """A Prometheus that has just begun knows no other time; "since a few seconds ago" would be said for ever."""
    scenario = put_counts(healthy(RECORDING, minutes=40), dict(COUNTS), window="30d")
    put_partition(scenario, "a", 0, [(0, None)])
    assert scenario.values(LAST_SHOWN, AT) == {}
    assert scenario.values(WITHHELD, AT) == {"the start withheld": 0}
    words, number = said(scenario, "tenure-executive", "Customer retention")
    assert words == "since the start"
    assert math.isnan(number)


def test_numbers_are_not_shown_while_history_is_loading() -> None:
    """Customers grow from 0 to what they were: that is no growth, and complete."""
    scenario = stream(retention=0.9)
    for worker in "ab":
        scenario.put("tenure_events_late_total", "0x20 0+4000x20", instance=worker)
        for kind in ("signup", "activity"):
            scenario.put("tenure_events_applied_total", "0x20 0+1000x20", instance=worker, type=kind)
    assert verdict(said(scenario, "tenure-executive", "Customer retention", at=18)[0]) == "on target"
    words, number = said(scenario, "tenure-executive", "Customer retention", at=35)
    assert "history is loading" in words
    assert math.isnan(number)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((), ("nothing fires", 0)),
        (("pending", "pending"), ("nothing fires; 2 pending", 0)),
        (("pending", "firing"), ("warnings, no pages", 1)),
    ],
    ids=["calm", "pending", "firing"],
)
def test_alerts_that_are_pending_are_said_where_none_fires(
    states: tuple[str, ...], expected: tuple[str, float]
) -> None:
    """Somebody who looks at the board while a condition holds is told that all is quiet."""
    scenario = healthy(RECORDING, minutes=40)
    for number, state in enumerate(states):
        labels = {"alertname": f"A{number}", "alertstate": state, "service": "tenure", "severity": "warn"}
        scenario.put("ALERTS", 1, **labels)
    assert said(scenario, "tenure-executive", "Alerts that fire") == expected


@pytest.mark.parametrize(
    ("track", "expected"),
    [
        ([(1400, 37.0)], 37),  # loaded before the first look
        ([(1400, 37.0), (1420, 40.0)], 40),
        ([(0, 100.0), (1440, 100.0)], 0),  # known for longer than a day
        ([(0, 100.0), (1500, 103.0)], 3),
    ],
    ids=["before-the-first-look", "and-after-it", "old", "old-and-rising"],
)
def test_dead_letters_of_a_load_are_there_whenever_prometheus_first_looked(
    track: list[tuple[int, float | None]], expected: int
) -> None:
    """Feeds show them, and a reason that does not adds up to less for a day."""
    end = 1560
    scenario = Scenario(RECORDING, minutes=end)
    scenario.put("tenure_dead_letters_total", track, instance="a", job="tenure", reason="unknown_type")
    title = "Dead letters of the last 24 hours, by reason"
    (panel,) = [panel for panel in panels(BOARDS["tenure-feeds"]) if panel["title"] == title]
    found = scenario.values(filled_in(panel["targets"][0]["expr"], end=60 * end), end)
    assert found == ({"unknown_type": pytest.approx(expected, abs=1)} if expected else {})


@pytest.mark.parametrize(
    ("live_since", "load", "expected"),
    [
        (0, None, "+20 % in 30 d"),
        (0, 100, "+20 % in 30 d, loaded since"),
        (500, 600, "+20 % in 30 d"),  # what it is compared with was loaded itself
    ],
    ids=["no-load", "load", "first-load"],
)
def test_a_change_against_numbers_of_before_a_load_says_so(live_since: int, load: int | None, expected: str) -> None:
    """A company does not grow by a fifth because somebody loaded the year before last."""
    end = 24 * 31
    scenario = Scenario((), minutes=end, interval="1h")
    scenario.put("segment:tenure_customers_active:sum", [(0, 1000.0), (700, 1200.0)], dimension="all", value="")
    scenario.put("stream:incomplete:bool", [(live_since, 0.0)])
    if load is not None:
        scenario.put("stream:backfill:bool", [(load, 1.0), (load + 2, None)])
    (panel,) = [panel for panel in panels(BOARDS["tenure-executive"]) if panel["title"] == "Customers"]
    asked = filled_in(panel["targets"][0]["expr"], end=3600 * end)
    (words,) = scenario.values(asked, end)
    assert words.replace(" , ", ", ") == expected  # each label's words, with a space between
    scenario.put("segment:retention:ratio", 0.9, dimension="all", window="30d")
    title = "The last 30 days against the 30 before"
    (table,) = [panel for panel in panels(BOARDS["tenure-executive"]) if panel["title"] == title]
    (compared,) = scenario.values(filled_in(table["targets"][6]["expr"], end=3600 * end), end).values()
    assert compared == ("loaded" in expected)


def test_columns_of_feeds_are_there_after_a_load_though_nothing_is_known() -> None:
    """A column that vanishes looks like a board that is broken."""
    (table,) = [panel for panel in panels(BOARDS["tenure-feeds"]) if panel["title"] == "Feeds, of the last 24 hours"]
    scenario = Scenario((), minutes=5)
    labels = {"instance": "a", "job": "tenure", "type": "cancel", "source": "billing"}
    scenario.put("tenure_feed_events_total", 7, **labels)
    for place in (0, 1):
        asked = table["targets"][place]["expr"]
        (unknown,) = scenario.values(filled_in(asked, end=300), 5).values()
        assert math.isnan(unknown)
    scenario.put("feed:events_applied:increase1d", 7, type="cancel", source="billing")
    assert scenario.values(filled_in(table["targets"][0]["expr"], end=300), 5) == {"billing cancel": 7}
