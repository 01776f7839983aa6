"""What the demo tells beside its tiles: every KPI of the articles, in turn where there is no room for all at once."""

from __future__ import annotations

import io

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from kpis.population.cohorts import Cohort
from kpis.population.lifetime import Durations, survival
from kpis.population.reasons import Line, Ranking
from kpis.population.summary import PopulationSummary, Rankings
from tenure.demo.screen.layout import demo_screen, topic_lines
from tenure.demo.screen.screen import TURN_SECONDS, PlainScreen
from tenure.demo.screen.topics import BY_SEGMENT, OTHERS
from tests.unit.tenure.demo.test_screen import WIDTHS, history_of, text_of, view_of
from tests.unit.tenure.reports.fake_report import fake_report, told


def a_summary() -> PopulationSummary:
    """Return reasons with the longest names, a year of cohorts, and a curve that begins at 100 %."""

    def ranking(*names: str) -> Ranking:
        return Ranking([Line(name, 90_000 >> n, 0) for n, name in enumerate(names)], Line("", 0, 0))

    cohorts = [
        Cohort(
            f"2025-{n:02}", 12_345, (12_000,) * (14 - n), (11_000,) * (14 - n), (0,) * (15 - n), *((0,) * (14 - n),) * 2
        )
        for n in range(1, 13)
    ]
    reasons = ranking("not_what_i_expected", "r" * 64, *(f"reason-{n}" for n in range(18)))
    found = Rankings(reasons, ranking("slow"), ranking("dashboards", "none"))
    curve = survival(Durations({10: 1, 500: 9_000}, {600: 1}))
    return PopulationSummary(0, cohorts, curve, {"30d": found, "7d": found})


#: What the two articles ask for, in the words of the screen.
ASKED_FOR = (
    "Customers", "Retention 30d", "Retention, 365d", "Churn 30d", "Churn, 365d", "Churn, this month", "Left in 7 days",
    "Silent, days 8-14", "Signups", "Onboarded in 7d", "Used it", "Renewed", "Upgraded", "MRR", "Net MRR 30d",
    "Trials converted", "Subscriptions", "Started, ended", "With several", "Paused",
    "Mean stay", "Half leave within", "Stay 7/30/90/365 d", "100/100/100/100 %", "NPS 30d", "CSAT", "survey reply",
    "Why they leave", "not_what_i_expected", "What they answer", "What they use", "dashboards", "By plan",
    "By industry", "By company size", "Still there, by month", "2025-11", "2025-08",
)  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("height", [24, 31, 50])
def test_every_kpi_of_the_demo_comes_up_within_a_minute(width: int, height: int) -> None:
    """Who has read the articles looks for their numbers, on a small terminal too."""
    history, report = history_of(3)
    assert report.segments is not UNSET
    plans = report.segments["plan"]
    segments = {"plan": plans, "industry": plans, "company_size": plans}
    view = view_of(replace(report, segments=segments), population=a_summary())
    text = ""
    for turn in range(int(60 / TURN_SECONDS)):
        drawn = demo_screen(view, history, currency="USD", width=width, height=height - 1, turn=turn)
        lines = text_of(drawn, width)
        assert len(lines) < height
        assert max(map(len, lines)) <= width
        text += "\n".join(lines)
    assert "…" not in text
    assert [words for words in ASKED_FOR if words not in text] == []


def test_plain_lines_tell_every_topic_with_its_numbers() -> None:
    """Where nothing can be redrawn, each topic has a line, and all of them come in the end."""
    output = io.StringIO()
    view = view_of(told(fake_report()), population=a_summary())
    with PlainScreen(output, "USD") as screen:
        screen.show(view)
        screen.show(view)
    lines = topic_lines(view, currency="USD")
    assert output.getvalue().splitlines()[-len(lines) :] == lines
    assert [topic.title for topic in (*BY_SEGMENT, *OTHERS)] == [line.partition(":")[0] for line in lines]
    signups = view.report.windows["30d"].count("signups")
    for words in (
        "starter 1,000, churn 3.2 %",
        f"Signups {signups}",
        "Subscriptions 2,000",
        "not_what_i_expected 90,000",
        "dashboards 90,000",
    ):
        assert words in "\n".join(lines), words
