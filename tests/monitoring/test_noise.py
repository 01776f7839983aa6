"""Six weeks of a healthy and noisy company, hour by hour: no page; and one planted disaster: a page.

Cancellations are drawn with seeds that no threshold was chosen by: a weekly rhythm, good and bad days beyond chance.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitoring import recording, rules, scores
from monitoring.alerts.rule import Group, text_of
from tests.monitoring.scenario import Scenario

HOURS = 42 * 24
BEFORE = 30 * 24
CUSTOMERS = 6000
RHYTHM = (1.2, 1.1, 1.0, 1.0, 0.9, 0.4, 0.3)
A_DAY = 24
SUBJECT = re.compile(r"stream:|kpi:|segment:(churn_standard|tenure_customers_(lost|at_start)):")


def cancellations(seed: int, *, spread: float, disaster_at: int | None = None) -> list[int]:
    """Return cancellations by the hour, `BEFORE` hours of past first.

    Args:
        seed: Of the draws.
        spread: Standard deviation of a day's rate about its weekday's.
        disaster_at: From this hour on, for half a day, six times as many leave.
    """
    draws = random.Random(seed)
    found: list[int] = []
    rate = 0.0
    for hour in range(BEFORE + HOURS):
        if hour % 24 == 0:
            rate = A_DAY * RHYTHM[hour // 24 % 7] / 24 * max(0.1, draws.gauss(1, spread))
        times = 6 if disaster_at is not None and 0 <= hour - BEFORE - disaster_at < 12 else 1
        found.append(sum(draws.random() < rate * times / 60 for _ in range(60)))
    return found


def rules_about_churn(folder: Path) -> str:
    """Write the shipped rules that have to do with churn, and return the file: all of them would take minutes."""
    recorded = [rule for rule in (*recording.rules(), *scores.rules()) if SUBJECT.match(rule.name)]
    churn = [alert for alert in rules.alerts() if alert.name in ("ChurnSpike", "ChurnAboveTarget")]
    file = folder / "churn.yml"
    file.write_text(text_of([Group("churn", [*recorded, *churn])]), encoding="utf-8")
    return str(file)


def company(left: Sequence[int], folder: Path) -> Scenario:
    """Return the scrapes of a company whose customers leave so, with a churn target of exactly its usual churn."""
    scenario = Scenario([rules_about_churn(folder)], HOURS, "1h").put("tenure_partitions_expected", 1, instance="a")
    for name in ("tenure_partition_owned", "tenure_partition_counted"):
        scenario.put(name, 1, instance="a", partition=0)
    total = [0]
    for count in left:
        total.append(total[-1] + count)

    def between(hours_from: int, hours_to: int) -> str:
        sums = (total[BEFORE + t - hours_to] - total[BEFORE + t - hours_from] for t in range(HOURS + 1))
        return " ".join(str(each) for each in sums)

    for ago in range(29):
        labels = {"days_ago": ago, "weeks_ago": -(-ago // 7), "weekday": ago % 7}
        scenario.put("tenure_daily_cancellations", between(24 * (ago + 1), 24 * ago), instance="a", **labels)
        if ago % 7 == 0:
            scenario.put("tenure_daily_customers_at_start", CUSTOMERS, instance="a", **labels)
    for days in (1, 7):
        where = {"instance": "a", "window": f"{days}d", "dimension": "all"}
        scenario.put("tenure_customers_lost", between(24 * days, 0), **where)
        scenario.put("tenure_customers_at_start", CUSTOMERS, **where)
        usual = days * A_DAY * sum(RHYTHM) / 7 / CUSTOMERS
        scenario.put("tenure_target_ratio", usual, instance="a", kpi="churn_standard", window=f"{days}d")
    return scenario


def pages_of(scenario: Scenario) -> dict[str, float]:
    """Return for how many of the hours each alert paged."""
    asked = f'count_over_time(ALERTS{{severity="page",alertstate="firing"}}[{HOURS}h])'
    return {labels.split()[0]: hours for labels, hours in scenario.values(asked, HOURS).items()}


@pytest.mark.parametrize(("seed", "spread"), [(101, 0.0), (202, 0.15), (303, 0.3)])
def test_healthy_and_noisy_company_is_paged_by_nothing(seed: int, spread: float, tmp_path: Path) -> None:
    """Nobody gets up a second time for chance, for weekends or for days that are merely bad."""
    assert pages_of(company(cancellations(seed, spread=spread), tmp_path)) == {}


def test_half_a_day_of_disaster_pages(tmp_path: Path) -> None:
    """The same rules, the same noise: what must not be missed."""
    paged = pages_of(company(cancellations(404, spread=0.15, disaster_at=30 * 24), tmp_path))
    assert set(paged) >= {"ChurnSpike"}
