"""Reasons and features, recomputed from timelines by the words of the definitions.

Definitions: docs/definitions.md, section 5.
"""

from collections import Counter
from collections.abc import Iterable

from tests.oracle.timelines import Timeline

#: (by value of the dimension, name) -> count
Found = Counter[tuple[str, str]]


def cancellations(
    timelines: Iterable[Timeline], start_ms: int, end_ms: int, by: str | None, *, involuntary: bool = False
) -> Found:
    """Return the cancellations in [start_ms, end_ms) by reason; with `involuntary` only those that were."""
    found: Found = Counter()
    for timeline in timelines:
        for step in timeline.steps:
            if step.effect != "cancellation" or not start_ms <= step.at_ms < end_ms:
                continue
            if step.fact.involuntary or not involuntary:
                found[_value(timeline, by, step.before.plan), step.fact.reason] += 1
    return found


def answers(timelines: Iterable[Timeline], start_ms: int, end_ms: int, by: str | None) -> Found:
    """Return the answered surveys in [start_ms, end_ms) by reason; `none` where there is none."""
    found: Found = Counter()
    for timeline in timelines:
        for survey in timeline.surveys:
            at_ms = survey.occurred_at_ms
            if survey.status == "answered" and start_ms <= at_ms < end_ms:
                found[_value(timeline, by, timeline.state_at(at_ms).plan), survey.reason or "none"] += 1
    return found


def features(timelines: Iterable[Timeline], start_ms: int, end_ms: int, by: str | None) -> Found:
    """Return the customers active at end_ms with an activity of a feature in [start_ms, end_ms), by feature."""
    found: Found = Counter()
    for timeline in timelines:
        state = timeline.state_at(end_ms)
        if not state.active:
            continue
        used = {
            feature or "none"
            for at_ms, feature in zip(timeline.activities_ms, timeline.features, strict=True)
            if start_ms <= at_ms < end_ms
        }
        for feature in used:
            found[_value(timeline, by, state.plan), feature] += 1
    return found


def _value(timeline: Timeline, by: str | None, plan: str) -> str:
    if by is None:
        return ""
    return plan if by == "plan" else timeline.attributes[by]
