"""Scans that are kept between questions: the same documents as without, and only what has changed is read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kpis.filters import parse_filter
from schemas.dimensions import BUILT_IN_DIMENSIONS
from streams.errors import UsageError
from streams.settings.settings import Settings
from tenure.files.replay import Replayed, replayed
from tenure.reports import (
    drivers,
    experiments,
    explain,
    feedback,
    reasons,
    referrals,
    risk,
    support,
    usage,
    value,
)
from tenure.reports.customers import Scope, Source
from tenure.reports.kept import MOST_KEPT, KeptScans
from tests.recount.short_events import Event, activity, cancel, change, event, signup, survey
from tests.unit.tenure.reports.lives import day

SETTINGS = Settings()
T_DAY = 420
AT_MS = 1_735_689_600_000 + T_DAY * 86_400_000
PLANS = ("basic", "pro", "team", "business", "free")
CONDITIONS = (
    None,
    "plan = pro and country in (DE, AT) and not channel = ads",
    "country = PT or plan != basic",
    "plan in (pro, team, free) and (channel = ads or country = DE)",
    "not plan in (pro, none) and not country = AT and channel in (ads, none)",
)
Reading = Callable[[Settings, Scope], Awaitable[Any]]
REPORTS: dict[str, Reading] = {
    "explain": lambda settings, scope: explain.read_explanation(
        settings, "churn_standard", explain.ExplainQuery(scope, "30d")
    ),
    "feedback": lambda settings, scope: feedback.read_feedback(settings, scope, limit=5),
    "drivers": drivers.read_drivers,
    "experiments": experiments.read_experiments,
    "support": lambda settings, scope: support.read_support(settings, scope, window="30d"),
    "usage": usage.read_usage,
    "value": lambda settings, scope: value.read_value(settings, scope._replace(by=("plan", "channel"))),
    "reasons": lambda settings, scope: reasons.read_reasons(settings, scope._replace(by=("plan",)), window="30d"),
    "referrals": referrals.read_referrals,
    "risk": lambda settings, scope: risk.read_risk(settings, scope, limit=5),
}


def lives(seed: int, customers: int, name: str) -> Iterator[Event]:
    """Yield what customers do who change their plans up to five times."""
    random = Random(seed)
    for n in range(customers):
        who, at = f"{name}{n}", random.uniform(0, 380)
        segments = {"country": random.choice(["DE", "AT", "PT"]), "channel": random.choice(["ads", "partner"])}
        known = segments if n % 9 else {}
        yield signup(who, day(at), random.choice(PLANS), random.randrange(900, 9_000), **known)
        for k in range(random.choice([0, 0, 1, 2, 5])):
            yield change(who, day(at + 3 + 9 * k), random.choice(PLANS), random.randrange(900, 9_000))
        yield activity(who, day(at + 1), feature=random.choice(["reports", "export"]))
        yield activity(who, day(random.uniform(380, 419)), feature="export")
        for k in range(random.choice([0, 1, 2])):
            score, when = random.randint(0, 10), at + random.uniform(1, 60)
            yield survey(who, day(when), score=score, reason="price", id=f"s{name}{n}-{k}")
            yield event("support", who, day(when + 1), {}, ticket=f"t{n}-{k}", status="opened", id=f"o{name}{n}-{k}")
            if score % 2:
                yield event("contact", who, day(when + 3), {}, id=f"c{name}{n}-{k}")
                yield event(
                    "support", who, day(when + 2), {}, ticket=f"t{n}-{k}", status="solved", id=f"p{name}{n}-{k}"
                )
        variant = random.choice(["control", "annual"])
        yield event("exposure", who, day(at + 2), {}, measure="offer", variant=variant, id=f"e{name}{n}")
        if n % 7 == 0:
            yield event("referral", who, day(at + 4), {}, referred=f"{name}{n + 1}", id=f"r{name}{n}")
        if random.random() < 0.5:
            yield cancel(who, day(at + random.uniform(5, 200)), reason="price")


def tables_of(events: Sequence[Event], path: Path) -> Replayed:
    """Return the tables that events come to, without what is of the future."""
    past = [each for each in events if str(each["time"]) < day(T_DAY)]
    path.write_text("".join(json.dumps(each) + "\n" for each in past))
    return asyncio.run(replayed(str(path), SETTINGS))


def ask(monkeypatch: pytest.MonkeyPatch, tables: Replayed, name: str, where: str | None, kept: KeptScans | None) -> Any:
    """Return a report of tables, as of T_DAY, of those for whom a condition holds."""
    condition = None if where is None else parse_filter(where, BUILT_IN_DIMENSIONS)

    @asynccontextmanager
    async def opened(settings: Settings, scope: Scope) -> AsyncIterator[Source]:
        tables_and_log = settings, tables.tables, tables.partitions, AT_MS, tables.log
        yield Source(*tables_and_log, where=scope.where, kept=scope.kept)

    monkeypatch.setattr(f"tenure.reports.{name}.open_source", opened)
    return asyncio.run(REPORTS[name](SETTINGS, Scope(AT_MS, where=condition, kept=kept)))  # type: ignore[arg-type]


def watched(monkeypatch: pytest.MonkeyPatch, tables: Replayed) -> list[list[int]]:
    """Return what notes the partitions of each scan of tables from now on."""
    read: list[list[int]] = []
    scan_states = tables.tables.scan_states

    def scan(partitions: Any) -> Any:
        read.append(list(partitions))
        return scan_states(partitions)

    monkeypatch.setattr(tables.tables, "scan_states", scan)
    return read


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_of_kept_scans_equals_one_that_looks_at_every_customer(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that depends on what was asked before would be none; events that come between must be in it."""
    before = list(lives(1, 240, "c"))
    further = [*before, *lives(2, 5, "d"), cancel("c3", day(T_DAY - 1))]
    kept, answers = KeptScans(), []
    for tables in (tables_of(before, tmp_path / "before.ndjson"), tables_of(further, tmp_path / "further.ndjson")):
        for where in CONDITIONS:
            answers.append(ask(monkeypatch, tables, name, where, kept))
            assert answers[-1] == ask(monkeypatch, tables, name, where, None)
    assert answers[0] != answers[len(CONDITIONS)], "what came between can be seen"
    assert len({repr(each) for each in answers[: len(CONDITIONS)]}) == len(CONDITIONS)
    with pytest.raises(UsageError, match="no customer has the plan gold"):
        ask(monkeypatch, tables, name, "plan = gold", kept)


def test_explanation_of_a_further_filter_reads_no_customer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The members of a number are kept by groups, as the number itself is."""
    tables, kept = tables_of(list(lives(3, 30, "c")), tmp_path / "events.ndjson"), KeptScans()
    read = watched(monkeypatch, tables)
    for where in ("plan = pro", "country = DE or channel = ads", "not plan in (pro, basic)"):
        ask(monkeypatch, tables, "explain", where, kept)
    assert read == [[0, 1, 2, 3]] * 2, "members, and counts"


def test_a_further_question_reads_no_customer_and_the_oldest_scan_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory has a limit, and reading is what takes the time."""
    tables, kept = tables_of(list(lives(3, 30, "c")), tmp_path / "events.ndjson"), KeptScans()
    read = watched(monkeypatch, tables)
    for where in ("plan = pro", "country = DE or channel = ads", None):
        ask(monkeypatch, tables, "usage", where, kept)
    assert read == [[0, 1, 2, 3]]
    for number in range(MOST_KEPT):
        monkeypatch.setitem(REPORTS, "feedback", lambda *asked, n=number: feedback.read_feedback(*asked, limit=n))
        ask(monkeypatch, tables, "feedback", None, kept)
    ask(monkeypatch, tables, "usage", "plan = pro", kept)
    assert len(read) == 1 + MOST_KEPT + 1
