"""What `tenure feedback` prints: spells by band against lifelines, and curves that are told apart."""

from __future__ import annotations

import io
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from rich.console import Console
from typer.testing import CliRunner

from schemas.catalogue.feedback_bands import COMPARED
from schemas.documents.document import read
from schemas.documents.feedback import FeedbackReport
from tenure.cli import app
from tenure.reports.curves_text import MARKS
from tenure.reports.feedback_text import feedback_tables
from tests.recount.customers import read as read_book
from tests.recount.feedback import spells
from tests.recount.instants import moment_of
from tests.recount.options import DEFAULTS
from tests.recount.short_events import Event, cancel, signup, survey
from tests.unit.tenure.reports.lives import day

T_DAY = 400


def answers(seed: int, customers: int = 300) -> list[Event]:
    """Return customers who answer once or twice, and leave the sooner the worse."""
    random = Random(seed)
    events: list[Event] = []
    for n in range(customers):
        who, begun = f"c{n}", random.uniform(0, 250)
        events.append(signup(who, day(begun), random.choice(["basic", "pro"])))
        at, score = begun, 10
        for k in range(random.choice([0, 1, 1, 2])):
            at += random.uniform(10, 60)
            score = random.randint(0, 10)
            if random.random() < 0.2:
                events.append(survey(who, day(at), kind="nps", status="sent", id=f"s{n}{k}"))
            else:
                events.append(survey(who, day(at), kind="nps", score=score, id=f"a{n}{k}"))
        if random.random() < 0.7:
            events.append(cancel(who, day(at + random.expovariate(1 / (20 + 20 * score)))))
    return [event for event in events if str(event["time"]) < day(T_DAY)]


def printed(events: list[Event], tmp_path: Path, *arguments: str) -> Any:
    """Return what the command prints as JSON of some events, as of day T_DAY."""
    file = tmp_path / "events.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    result = CliRunner().invoke(app, ["feedback", "--file", str(file), "--at", day(T_DAY)[:10], "--json", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def text_of(report: Any, width: int = 80) -> str:
    """Return what a terminal without colours would show."""
    output = io.StringIO()
    Console(width=width, file=output, color_system=None).print(feedback_tables(read(FeedbackReport, report), width))
    return output.getvalue()


@pytest.mark.parametrize("seed", [1, 2])
def test_bands_are_those_of_lifelines_on_spells_of_the_recount(seed: int, tmp_path: Path) -> None:
    """Neither the spells nor the estimate have any code in common with the other side."""
    events = answers(seed)
    report = printed(events, tmp_path)
    expected = spells(read_book(events, DEFAULTS), moment_of_day(T_DAY))
    bands = report["kinds"]["nps"]["bands"]
    assert set(bands) == {band for kind, band in expected if kind == "nps"}
    for band, found in bands.items():
        mine = expected["nps", band]
        fitted = KaplanMeierFitter().fit([e.days for e in mine], [e.ended for e in mine])
        bounds = fitted.confidence_interval_survival_function_
        for churn in found["churn"]:
            days = churn["days"]
            if churn["share"] is None:
                assert days > max(e.days for e in mine)
                continue
            assert churn["share"] == pytest.approx(1 - float(fitted.predict(days)), abs=1e-9)
            if churn["low"] is not None:
                upper, lower = (float(1 - bounds.loc[:days].iloc[-1, column]) for column in (0, 1))
                assert (churn["low"], churn["high"]) == (pytest.approx(lower, abs=1e-9), pytest.approx(upper, abs=1e-9))
    flat = [(band, episode) for band in COMPARED["nps"] for episode in expected.get(("nps", band), ())]
    theirs = multivariate_logrank_test([e.days for _, e in flat], [b for b, _ in flat], [e.ended for _, e in flat])
    test = report["kinds"]["nps"]["log_rank"]
    assert test["statistic"] == pytest.approx(theirs.test_statistic, rel=1e-9)
    assert test["p"] == pytest.approx(theirs.p_value, rel=1e-9)
    assert test["p"] < 0.05


def moment_of_day(number: int) -> Any:
    """Return the first instant of a day as the recount takes it."""
    return moment_of(1_735_689_600_000 + number * 86_400_000)


def test_a_filter_chooses_by_the_plan_at_the_beginning_of_a_spell(tmp_path: Path) -> None:
    """Two plans that are everybody's share all spells between them."""
    events = answers(3)
    whole, *parts = (
        printed(events, tmp_path, *arguments)["kinds"]["nps"]["bands"]
        for arguments in ((), ("--where", "plan = pro"), ("--where", "not plan = pro"))
    )
    for band, found in whole.items():
        counts = [part[band]["curve"]["episodes"] for part in parts]
        assert found["curve"]["episodes"] == sum(counts)
        assert all(counts)


def test_the_chart_tells_curves_apart_without_colours(tmp_path: Path) -> None:
    """A terminal may have none, and a reader may not see them."""
    text = text_of(printed(answers(1), tmp_path))
    for mark, band in zip(MARKS, COMPARED["nps"], strict=True):
        assert f"{mark} {band.replace('_', ' ')}" in text
    assert "They leave at different rates" in text
    assert "CSAT" not in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_nobody_who_was_asked_is_no_curve(tmp_path: Path) -> None:
    """A page of zeros would look like an answer."""
    report = printed([signup("a", day(1))], tmp_path)
    assert report["kinds"]["csat"]["log_rank"] is None
    assert set(report["kinds"]["nps"]["bands"]) == {"never_asked"}
    text = text_of(report)
    assert "Nobody has been asked so far." in text
    assert not set(MARKS[:3]) & set(text)
