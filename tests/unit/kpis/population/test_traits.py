"""What goes with staying: planted effects are found, invented ones are not, and groups are of one age."""

from __future__ import annotations

from datetime import datetime

import pytest
from lifelines import KaplanMeierFitter
from lifelines.statistics import logrank_test

from kpis.population.traits import LEAST_GROUP, Trait, TraitEffect, TraitScan
from schemas.instants import DAY_MS
from tests.recount.short_events import Event, activity, cancel, change, onboarding, signup, survey
from tests.unit.kpis.population.invented import company
from tests.unit.kpis.population.null_companies import FIRST_MS, scanned, told
from tests.unit.tenure.reports.lives import day


def reported(scan: TraitScan) -> dict[Trait, TraitEffect]:
    """Return what the report says can be told from chance."""
    return {each.trait: each for each in scan.effects() if each.is_reported}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_effects_are_found_with_their_direction(seed: int) -> None:
    """Half, or twice, the rate of leaving is what a product team would act on."""
    scan = scanned(company(seed, customers=1_500, effects={"export": 0.4, "onboarded": 0.5, "ads": 2.0}))
    found = reported(scan)
    signs = {Trait("feature", "export"): 1, Trait("onboarding", "completed"): 1, Trait("channel", "ads"): -1}
    for trait, sign in signs.items():
        difference = found[trait].difference
        assert difference is not None
        assert difference.value * sign > 0
    # Of what is reported one in twenty may be false; who did not come by ads came by another channel.
    others = set(found) - set(signs) - {Trait("channel", "organic"), Trait("channel", "partner")}
    assert len(others) <= 1, others


def test_companies_without_effects_report_none() -> None:
    """Twenty traits at 5 % each would find something nearly always, and send somebody after it."""
    found = told(range(8), customers=400, half_life_days=90)
    assert len(found.reported) <= 1, found


def test_a_comparison_is_that_of_lifelines_on_customers_of_one_age() -> None:
    """From the landmark on, and only of those who are still there."""
    events = company(5, customers=800, effects={"api": 0.6})
    scan = scanned(events)
    (effect,) = (each for each in scan.effects() if each.trait == Trait("feature", "api"))
    lives: dict[str, dict[str, float]] = {}
    for event in events:
        at = (instant_ms(str(event["time"])) - FIRST_MS) / DAY_MS
        life = lives.setdefault(str(event["customer_id"]), {})
        if event["type"] == "signup":
            life["begun"] = at
        elif event["type"] == "cancel":
            life["ended"] = at
        elif event.get("feature") == "api":
            life["used"] = at
    groups: dict[bool, list[tuple[int, bool]]] = {True: [], False: []}
    for life in lives.values():
        landmark = life["begun"] + 30
        if landmark < 400 and life.get("ended", 400) >= landmark:
            has_it = "used" in life  # all use of this company is within 20 days
            groups[has_it].append((int(life.get("ended", 400) - landmark), "ended" in life))
    having, lacking = (tuple(zip(*groups[has_it], strict=True)) for has_it in (True, False))
    assert (effect.having.episodes, effect.lacking.episodes) == (len(having[0]), len(lacking[0]))
    theirs = logrank_test(having[0], lacking[0], having[1], lacking[1])
    assert effect.test.p == pytest.approx(theirs.p_value, rel=1e-9)
    shares = [float(KaplanMeierFitter().fit(*group).predict(90)) for group in (having, lacking)]
    assert effect.difference is not None
    assert effect.difference.value == pytest.approx(shares[0] - shares[1], abs=1e-9)


def test_traits_are_those_of_the_landmark() -> None:
    """What came later cannot have kept anybody until then; who had left by then is not looked at."""
    events: list[Event] = []
    for n in range(2 * LEAST_GROUP):
        who, first = f"c{n}", n < LEAST_GROUP
        events.append(signup(who, day(0), "basic", channel="ads"))
        if first:
            events += [activity(who, day(29.9), feature="x"), onboarding(who, day(10)), change(who, day(20), "pro")]
            events.append(survey(who, day(3), kind="csat", score=5, reason="speed"))
        else:
            events += [activity(who, day(31), feature="x"), onboarding(who, day(30.5)), change(who, day(40), "pro")]
            events.append(survey(who, day(33), kind="csat", score=5, reason="speed"))
        events.append(cancel(who, day(100 + n)))
    events += [signup("gone", day(0), "basic"), cancel("gone", day(29))]
    scan = scanned(events)
    assert scan.customers() == 2 * LEAST_GROUP
    effects = {each.trait: each for each in scan.effects()}
    assert set(effects) == {
        Trait("feature", "x"),
        Trait("onboarding", "completed"),
        Trait("plan", "pro"),
        Trait("plan", "basic"),
        Trait("answer", "csat"),
        Trait("reason", "speed"),
    }
    assert all(each.having.episodes == each.lacking.episodes == LEAST_GROUP for each in effects.values())
    assert effects[Trait("feature", "x")].having.deaths == {70 + n: 1 for n in range(LEAST_GROUP)}


def instant_ms(text: str) -> int:
    """Return an instant of an event (ms since 1970)."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)
