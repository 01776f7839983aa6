"""Invented companies whose customers stay by a rule that is known: what is found of them can be judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Final

from tests.property.any_order import Arrival
from tests.property.folding import Folded
from tests.recount.options import Options
from tests.recount.short_events import Event, activity, cancel, onboarding, signup, survey
from tests.unit.tenure.reports.lives import day

PLANS: Final = {"basic": 900, "pro": 4_900, "team": 9_900}
COUNTRIES: Final = ("DE", "AT", "PT", "US")
CHANNELS: Final = ("ads", "organic", "partner")
FEATURES: Final = ("reports", "export", "import", "api", "sso", "search")


def company(
    seed: int,
    *,
    customers: int = 500,
    days: int = 400,
    half_life_days: float = 200.0,
    effects: Mapping[str, float] | None = None,
    surveys: bool = True,
) -> list[Event]:
    """Return the events of a company, in the order of customers.

    Args:
        seed: All randomness.
        customers: Who ever signs up (count); evenly over the days.
        days: How long the company is looked at.
        half_life_days: After so many days half of the customers of no effect have left.
        effects: By plan, country, channel, feature, or "onboarded", by what the rate of leaving is multiplied.
        surveys: Whether there are any.
    """
    random, effects = Random(seed), effects or {}
    events: list[Event] = []
    for n in range(customers):
        who, begun = f"c{n}", random.uniform(0, days)
        plan, country, channel = random.choice(list(PLANS)), random.choice(COUNTRIES), random.choice(CHANNELS)
        traits = [plan, country, channel]
        mine = [signup(who, day(begun), plan, PLANS[plan], country=country, channel=channel)]
        for feature in FEATURES:
            if random.random() < 0.5:
                traits.append(feature)
                mine.append(activity(who, day(begun + random.uniform(0, 20)), feature=feature))
        if random.random() < 0.6:
            traits.append("onboarded")
            mine.append(onboarding(who, day(begun + random.uniform(0, 5))))
        if surveys and random.random() < 0.5:
            reason = random.choice(["price", "support", "speed"])
            at, score = day(begun + random.uniform(5, 28)), random.randint(0, 10)
            mine.append(survey(who, at, kind="nps", score=score, reason=reason))
        rate = math.log(2) / half_life_days * math.prod(effects.get(trait, 1.0) for trait in traits)
        end = begun + random.expovariate(rate)
        mine.append(cancel(who, day(end)))
        events += [event for event in mine if str(event["time"]) < day(min(days, end + 1e-4))]
    return events


def folded_company(events: list[Event]) -> Folded:
    """Return the states of a company's customers, on one partition."""
    return Arrival(events, Options(), batch=5_000).folded()


def company_with_signs(seed: int, *, customers: int = 700, days: int = 600, telling: bool = True) -> list[Event]:
    """Return a company whose customers use the product less before they leave, or, not `telling`, leave by chance."""
    random = Random(seed)
    events: list[Event] = []
    for n in range(customers):
        who, begun = f"c{n}", random.uniform(0, days)
        plan = random.choice(list(PLANS))
        events.append(signup(who, day(begun), plan, PLANS[plan]))
        at, is_using = begun, True
        while at < days:
            uses = random.randint(4, 9) if is_using else random.randint(0, 1)
            end = at + 30
            chance = (0.02 if is_using else 0.25) if telling else 0.06
            if at > begun and random.random() < chance:
                end = at + random.uniform(1, 29)
            mine = [activity(who, day(at + (end - at) * random.random())) for _ in range(uses)]
            events += [event for event in mine if str(event["time"]) < day(days)]
            if end < at + 30:
                if end < days:
                    events.append(cancel(who, day(end)))
                break
            at, is_using = end, random.random() < (0.85 if is_using else 0.3)
    return events
