"""How many records were refused in a span, as promtool evaluates the rules: what came before the first look counts."""

from __future__ import annotations

import pytest

from tests.monitoring.scenario import Scenario

RECORDING = ("recording.yml",)

_YESTERDAY = -86_400


@pytest.mark.parametrize(
    ("started", "values", "at", "risen"),
    [
        ([(20, 19 * 60)], "_x20 7 9x20", 40, 9),
        ([(0, _YESTERDAY)], "_x20 7 9x20", 40, 9),
        ([(0, _YESTERDAY)], "7 7x40", 5, 0),
        ([(0, _YESTERDAY)], "7 7x60", 45, 0),
        ([(0, _YESTERDAY), (40, 40 * 60)], "500x39 4x20", 45, 4),
        ([(0, _YESTERDAY), (40, 40 * 60)], "500x19 _x20 4x20", 45, 4),
    ],
    ids=["new-worker", "new-reason", "new-prometheus", "old-counter", "restart", "restart-after-a-gap"],
)
def test_what_came_before_the_first_look_counts_where_it_came_in_the_span(
    started: list[tuple[int, float]], values: str, at: int, risen: float
) -> None:
    """Prometheus knows no rise at its first look; a worker that begins with a broken file had lost all of it."""
    scenario = Scenario(RECORDING, 60).put("tenure_start_timestamp_seconds", started, instance="a")
    for name in ("tenure_dead_letters_total", "tenure_feed_dead_letters_total"):
        scenario.put(name, values, instance="a", type="cancel", source="billing", reason="malformed_json")
    for series in ("sum(reason:dead_letters:rise30m)", "sum(feed:dead_letters:rise30m)"):
        (found,) = scenario.values(f"{series} or vector(-1)", at).values()
        # To a rise Prometheus adds what it expects beyond its first and last look.
        assert found == pytest.approx(risen, rel=0.15), series


def test_worker_that_does_not_say_when_it_began_counts_from_the_first_look_on() -> None:
    """Of one of an earlier version nothing is known but its rise."""
    scenario = Scenario(RECORDING, 60).put("tenure_dead_letters_total", "_x20 7 9x20", instance="a", reason="x")
    assert scenario.values("reason:dead_letters:rise30m", 30) == {"x": pytest.approx(2, rel=0.15)}
