"""Leaving: customers whose cancellation is known, and will end the last subscription that counts.

Definitions: docs/definitions.md, section "What keeps customers".
"""

from __future__ import annotations

from kpis.customer.facts import CancelFact
from kpis.customer.state import Customer
from kpis.customer.timeline import effective_facts, steps_of
from kpis.customer.what_counts import WhatCounts
from kpis.population.stays import past_of


def leaving_at(customer: Customer, at_ms: int, bucket_ms: int, what: WhatCounts) -> CancelFact | None:
    """Return the cancel that is known at an instant, and ends the last subscription that counts at a later one.

    Known are the facts whose `time` is before the instant; who goes on by another one of them is not leaving.
    """
    if customer.last_at < at_ms:
        return None
    known = [fact for fact in effective_facts(customer) if fact.time_ms < at_ms]
    if not known or known[-1].at_ms < at_ms:
        return None
    past = past_of(steps_of(known, what), bucket_ms)
    end_ms = next((stay.end_ms for stay in past.stays if stay.start_ms < at_ms <= stay.end_ms), at_ms)
    ends = [step.fact for step in past.steps if step.fact.at_ms == end_ms and not step.after.active]
    fact = ends[-1] if ends else None
    return fact if isinstance(fact, CancelFact) else None
