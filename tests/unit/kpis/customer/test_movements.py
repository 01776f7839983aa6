"""Movements by bucket as tables: the facts, and what they come to in each bucket in which one had an effect.

A line of the expected ones: bucket, and `stays` with plan and MRR before and after (full price in brackets), or `new`,
`back` and `gone` with plan, MRR and hour, `gone` with its reason.
Definitions: docs/definitions.md, section "Movements".
"""

from __future__ import annotations

import pytest

from kpis.customer.movements import Movement, is_involuntary, leaving_of, movements_of
from kpis.customer.timeline import Step
from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from tests.recount import timelines
from tests.unit.kpis.customers import (
    FIRST,
    FREE_COUNT,
    HOUR_MS,
    PAUSED_LOST,
    PLANS,
    known_history,
    plan_names,
)
from tests.unit.kpis.recounts import recounted

CASES: dict[str, tuple[list[str], list[str]]] = {
    "who begins is new, with what there is at the bucket's end": (
        ["0.2 signup basic 10", "0.5 upgrade pro 30"],
        ["0 new pro 30 at 0.2"],
    ),
    "who comes back is not new": (
        ["0 signup basic 10", "5 cancel reason=price", "9.5 signup pro 20"],
        ["0 new basic 10 at 0", "5 gone basic 10 at 5 price", "9 back pro 20 at 9.5"],
    ),
    "who goes goes with what there was at the bucket's start": (
        ["0 signup basic 10", "5.1 upgrade pro 30", "5.5 cancel"],
        ["0 new basic 10 at 0", "5 gone basic 10 at 5.5 unspecified"],
    ),
    "who stays pays more, less, or for another plan": (
        ["0 signup basic 10", "1 upgrade pro 30", "2 downgrade basic 20", "3 upgrade team 20", "4 upgrade team 20"],
        [
            "0 new basic 10 at 0",
            "1 stays basic 10 -> pro 30",
            "2 stays pro 30 -> basic 20",
            "3 stays basic 20 -> team 20",
            "4 stays team 20 -> team 20",
        ],
    ),
    "up and down within a bucket is nothing": (
        ["0 signup basic 10", "1.1 upgrade pro 30", "1.2 downgrade basic 10"],
        ["0 new basic 10 at 0", "1 stays basic 10 -> basic 10"],
    ),
    "a plan switched by ending one subscription and opening another is a change": (
        ["0 signup@A basic 10", "5.1 cancel@A", "5.9 signup@B pro 30"],
        ["0 new basic 10 at 0", "5 stays basic 10 -> pro 30"],
    ),
    "the other way round, too": (
        ["0 signup@A basic 10", "5.1 signup@B pro 30", "5.9 cancel@A"],
        ["0 new basic 10 at 0", "5 stays basic 10 -> pro 30"],
    ),
    "a switch at one instant is one, too": (
        ["0 signup basic 10", "5 cancel", "5 signup pro 30"],
        ["0 new basic 10 at 0", "5 stays basic 10 -> pro 30"],
    ),
    "a switch whose halves lie in two buckets is a cancellation and a reactivation": (
        ["0 signup@A basic 10", "4.99975 cancel@A reason=switch", "5 signup@B pro 30"],
        ["0 new basic 10 at 0", "4 gone basic 10 at 4.99975 switch", "5 back pro 30 at 5"],
    ),
    "ended again and again within a bucket, it is the last end that counts": (
        ["0 signup basic 10", "5.1 cancel reason=a", "5.2 signup pro 30", "5.3 cancel reason=b involuntary"],
        ["0 new basic 10 at 0", "5 gone basic 10 at 5.3 b involuntarily"],
    ),
    "one of two that ends is no cancellation": (
        ["0 signup@A basic 10", "1 signup@B pro 30", "2 cancel@B", "3 cancel@A"],
        [
            "0 new basic 10 at 0",
            "1 stays basic 10 -> pro 40",
            "2 stays pro 40 -> basic 10",
            "3 gone basic 10 at 3 unspecified",
        ],
    ),
    "of two that end the last one's reason counts, and all of the MRR goes": (
        ["0 signup@A basic 10", "0 signup@B pro 30", "2.1 cancel@B reason=b", "2.2 cancel@A reason=a"],
        ["0 new pro 40 at 0", "2 gone pro 40 at 2.2 a"],
    ),
    "who came and went takes what there was just before the end": (
        ["0.1 signup basic 10", "0.2 upgrade pro 30", "0.3 cancel"],
        ["0 new pro 30 at 0.1", "0 gone pro 30 at 0.3 unspecified"],
    ),
    "who came and went twice did so once": (
        ["0.1 signup basic 10", "0.2 cancel reason=a", "0.3 signup pro 30", "0.4 cancel reason=b"],
        ["0 new pro 30 at 0.1", "0 gone pro 30 at 0.4 b"],
    ),
    "who came and went is known from then on": (
        ["0.1 signup basic 10", "0.2 cancel", "3 signup pro 30", "9.1 cancel", "9.2 signup pro 30", "9.3 cancel"],
        [
            "0 new basic 10 at 0.1",
            "0 gone basic 10 at 0.2 unspecified",
            "3 back pro 30 at 3",
            "9 gone pro 30 at 9.3 unspecified",
        ],
    ),
    "a trial is no movement until it ends": (
        ["0 signup basic 10 trial", "5 upgrade basic 10 trial", "9 upgrade basic 10"],
        ["0 nothing", "5 nothing", "9 new basic 10 at 9"],
    ),
    "a change with a trial is a cancellation": (
        ["0 signup basic 10", "5 upgrade pro 30 trial", "9 signup pro 30"],
        ["0 new basic 10 at 0", "5 gone basic 10 at 5 trial", "9 back pro 30 at 9"],
    ),
    "a signup with a trial is one, too": (
        ["0 signup basic 10", "5 signup pro 0 trial"],
        ["0 new basic 10 at 0", "5 gone basic 10 at 5 trial"],
    ),
    "a free plan is a cancellation": (
        ["0 signup basic 10", "5 downgrade basic 0", "6 cancel reason=late"],
        ["0 new basic 10 at 0", "5 gone basic 10 at 5 free_plan", "6 nothing"],
    ),
    "a free plan by another signup is one, too": (
        ["0 signup basic 10", "5 signup basic 0"],
        ["0 new basic 10 at 0", "5 gone basic 10 at 5 free_plan"],
    ),
    "a pause takes the MRR and not the full price": (
        ["0 signup basic 10", "1 pause", "2 upgrade pro 30", "3 downgrade basic 20", "4 resume"],
        [
            "0 new basic 10 at 0",
            "1 stays basic 10 -> basic 0 [10]",
            "2 stays basic 0 [10] -> pro 0 [30]",
            "3 stays pro 0 [30] -> basic 0 [20]",
            "4 stays basic 0 [20] -> basic 20",
        ],
    ),
    "who is paused and goes takes nothing along": (
        ["0 signup basic 10", "1 pause", "2 cancel"],
        ["0 new basic 10 at 0", "1 stays basic 10 -> basic 0 [10]", "2 gone basic 0 at 2 unspecified"],
    ),
    "a pause and an upgrade in one bucket: the MRR falls, the full price rises": (
        ["0 signup basic 10", "1.1 upgrade pro 30", "1.2 pause"],
        ["0 new basic 10 at 0", "1 stays basic 10 -> pro 0 [30]"],
    ),
    "what has no effect moves nothing": (
        ["0 cancel", "1 resume", "2 signup basic 10", "3 resume"],
        ["2 new basic 10 at 2"],
    ),
}
WHERE_PAUSED_ARE_LOST: dict[str, tuple[list[str], list[str]]] = {
    "a pause is a cancellation, a resume a reactivation": (
        ["0 signup basic 10", "1 pause", "2 upgrade pro 30", "3 resume"],
        ["0 new basic 10 at 0", "1 gone basic 10 at 1 paused", "2 nothing", "3 back pro 30 at 3"],
    ),
    "a pause and a resume in one bucket are nothing": (
        ["0 signup basic 10", "1.1 pause", "1.2 resume"],
        ["0 new basic 10 at 0", "1 stays basic 10 -> basic 10"],
    ),
    "what ends while it is paused ended with the pause": (
        ["0 signup basic 10", "1.1 pause", "1.2 cancel reason=a"],
        ["0 new basic 10 at 0", "1 gone basic 10 at 1.1 paused"],
    ),
    "one that came and was paused": (
        ["0.1 signup basic 10", "0.2 pause", "5 resume"],
        ["0 new basic 10 at 0.1", "0 gone basic 10 at 0.2 paused", "5 back basic 10 at 5"],
    ),
    "a pause of one of two takes its price": (
        ["0 signup@A basic 10", "0 signup@B pro 30", "1 pause@B"],
        ["0 new pro 40 at 0", "1 stays pro 40 -> basic 10"],
    ),
}
WHERE_FREE_PLANS_COUNT: dict[str, tuple[list[str], list[str]]] = {
    "who does not pay is new, and then pays more": (
        ["0 signup basic 0", "1 upgrade pro 30", "2 downgrade basic 0", "3 cancel"],
        [
            "0 new basic 0 at 0",
            "1 stays basic 0 -> pro 30",
            "2 stays pro 30 -> basic 0",
            "3 gone basic 0 at 3 unspecified",
        ],
    ),
}
ALL = [
    pytest.param(what, *case, id=name)
    for what, cases in ((BY_DEFAULT, CASES), (PAUSED_LOST, WHERE_PAUSED_ARE_LOST), (FREE_COUNT, WHERE_FREE_PLANS_COUNT))
    for name, case in cases.items()
]


def _hour(at_ms: int) -> str:
    return f"{(at_ms - FIRST * HOUR_MS) / HOUR_MS:.6g}"


def _said(movement: Movement, reasons: list[str]) -> list[str]:
    bucket, before, after = movement.bucket - FIRST, movement.before, movement.after
    if movement.stays:
        was, now = (
            f"{PLANS[each.plan]} {each.mrr}" + f" [{each.full_mrr}]" * (each.full_mrr != each.mrr)
            for each in (before, after)
        )
        return [f"{bucket} stays {was} -> {now}"]
    out = []
    if movement.arrival is not None:
        arrived, word = movement.arrived, "back" if movement.is_known else "new"
        out.append(f"{bucket} {word} {PLANS[arrived.plan]} {arrived.mrr} at {_hour(movement.arrival.fact.at_ms)}")
    if movement.departure is not None:
        departed, hour = movement.departed, _hour(movement.departure.fact.at_ms)
        out.append(f"{bucket} gone {PLANS[departed.plan]} {departed.mrr} at {hour} {_why(movement.departure, reasons)}")
    return out or [f"{bucket} nothing"]


def _why(departure: Step, reasons: list[str]) -> str:
    number, slug, involuntary = leaving_of(departure)
    assert involuntary == is_involuntary(departure)
    return (reasons[number] if number is not None else slug) + " involuntarily" * involuntary


def _reasons(lines: list[str]) -> list[str]:
    """Return the names of reasons in the order in which a fold meets them."""
    names = plan_names()
    for line in lines:
        if "cancel" in line:
            names.reason(next((part[7:] for part in line.split() if part.startswith("reason=")), "unspecified"))
    return names.reason_names


@pytest.mark.parametrize(("what", "lines", "expected"), ALL)
def test_movements_are_those_of_the_table(what: WhatCounts, lines: list[str], expected: list[str]) -> None:
    """The bucket is the resolution of all numbers: what a customer does within one is netted."""
    movements = movements_of(known_history(lines, what).steps, HOUR_MS)
    assert [text for each in movements for text in _said(each, _reasons(lines))] == expected


def _recounted(movement: timelines.Movement) -> str:
    name = {"reactivation": "back", "cancellation": "gone"}.get(movement.name, movement.name)
    text = f"{movement.bucket_start_ms // HOUR_MS - FIRST} {name} {movement.plan}"
    if name not in {"new", "back", "gone"}:
        return f"{text} +{movement.expansion_minor} -{movement.contraction_minor}"
    text += f" {movement.mrr_minor} at {_hour(movement.fact_ms)}"
    return text + f" {movement.reason}" * (name == "gone") + " involuntarily" * movement.involuntary


def _as_recounted(movement: Movement, reasons: list[str]) -> list[str]:
    if not movement.stays:
        return [text for text in _said(movement, reasons) if not text.endswith("nothing")]
    before, after = movement.before, movement.after
    full, rise = after.full_mrr - before.full_mrr, after.mrr - before.mrr
    name = "upgrade" if full > 0 else "downgrade" if full < 0 else "stay"
    return [f"{movement.bucket - FIRST} {name} {PLANS[before.plan]} +{max(rise, 0)} -{max(-rise, 0)}"]


@pytest.mark.parametrize(("what", "lines", "expected"), ALL)
def test_the_recount_finds_the_same_movements(what: WhatCounts, lines: list[str], expected: list[str]) -> None:
    """It was written from the definitions alone; where both are wrong the table says so."""
    movements = movements_of(known_history(lines, what).steps, HOUR_MS)
    ours = [text for each in movements for text in _as_recounted(each, _reasons(lines))]
    assert ours == [_recounted(each) for each in _in_buckets_with_effect(lines, what)]
    assert len(ours) == sum("nothing" not in text for text in expected)


def _in_buckets_with_effect(lines: list[str], what: WhatCounts) -> list[timelines.Movement]:
    """Return the recount's movements, without those of buckets in which nothing had an effect."""
    timeline = recounted(lines, what)
    buckets = {step.fact.at_ms // HOUR_MS for step in timeline.steps if step.has_effect}
    return [each for each in timeline.movements if each.bucket_start_ms // HOUR_MS in buckets]
