"""Reasons and features are exactly what the definitions say, whatever arrived in whatever order.

The other side is `tests.oracle`, which shares no code with the product.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from hypothesis import given

from kpis.customer.state import decode
from kpis.members.view import Window
from kpis.population.reasons import Ranking, Reasons
from schemas.instants import milliseconds
from tests.oracle import reasons as oracle
from tests.oracle.logs import Log
from tests.oracle.timelines import read
from tests.property.cases import Case, bounded, cases, check_log, differences
from tests.property.folding import Folded

#: More names than any log of ours has: nothing is folded into the rest.
ALL = 10_000


def _counted(found: dict[tuple[str, str], Ranking], dimension: str | None) -> dict[str, dict[str, int]]:
    """Return all counts of one dimension, without zeros, by value and name."""
    rankings = {value: ranking for (of, value), ranking in found.items() if of == (dimension or "")}
    parts: dict[str, dict[str, int]] = {"now": {}, "before": {}, "involuntary": {}}
    for value, ranking in rankings.items():
        for line in ranking.lines:
            key = f"{value}/{line.name}"
            amounts = (("now", line.amount), ("before", line.before), ("involuntary", line.involuntary))
            for part, amount in amounts:
                if amount:
                    parts[part][key] = amount
    return parts


def _named(found: oracle.Found) -> dict[str, int]:
    return {f"{value}/{name}": amount for (value, name), amount in found.items()}


def _wrong(case: Case, log: Log) -> Iterable[str]:
    folded = Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts)
    folded.batches(log.records, case.batch)
    random = Random(f"{case.seed}/reasons")
    by = random.choice((None, "plan", "country", *log.options.dimensions))
    window = random.choice(folded.windows.names)
    timelines = read(log.records, log.options).timelines.values()
    out: list[str] = []
    for at in log.at:
        bucket_ms = folded.windows.bucket_ms
        end = milliseconds(at) // bucket_ms
        start = folded.windows.start(window, end)
        before = folded.windows.start(window, start)
        reasons = Reasons(
            Window(start * bucket_ms, end * bucket_ms, bucket_ms), before_ms=before * bucket_ms, by=[by] if by else []
        )
        for names, states in zip(folded.names, folded.states, strict=True):
            reasons.take(names, map(decode, states.values()))
        now, past = (start * bucket_ms, end * bucket_ms, by), (before * bucket_ms, start * bucket_ms, by)
        involuntary = oracle.cancellations(timelines, *now, involuntary=True)
        expected = {
            "cancellations": (oracle.cancellations, reasons.cancellations(shown=ALL), _named(involuntary)),
            "answers": (oracle.answers, reasons.answers(shown=ALL), {}),
            "features": (oracle.features, reasons.features(shown=ALL), {}),
        }
        for what, (count, found, forced) in expected.items():
            right = {"now": _named(count(timelines, *now)), "before": _named(count(timelines, *past))}
            out += differences(_counted(found, by), {**right, "involuntary": forced}, f"{what} {window} {at} {by}")
    return out


@bounded(100)
@given(cases("first slice", "everything", "first weeks"))
def test_every_reason_and_feature_equals_a_naive_recomputation(case: Case) -> None:
    """What is counted twice or forgotten sends a team after the wrong problem."""
    check_log(case, case.log(), lambda log: list(_wrong(case, log)))
