"""Contacts, tickets, referrals, exposures, further surveys and marks are kept exactly, in whatever order they arrive.

The other side is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

from hypothesis import given

from kpis.customer.state import decode
from kpis.customer.touchpoints import hash_of_customer, touchpoints_of
from schemas.events import NO_CUSTOMER
from tests.logs.logs import Log
from tests.property.cases import Case, bounded, cases, check_log
from tests.property.folding import Folded
from tests.recount import customers as recounted
from tests.recount.events import Event

Said = tuple[object, ...]


def _kept(case: Case, log: Log, *, native: bool = True) -> dict[str, list[Said]]:
    """Return what the states hold, by customer: time, sequence and members of each."""
    folded = Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts, native=native)
    folded.batches(log.records, case.batch)
    out: dict[str, list[Said]] = {}
    for states in folded.states:
        for customer_id, state in states.items():
            found = touchpoints_of(decode(state))
            if found:
                out[customer_id] = [(fact.at_ms, fact.sequence, *fact.said()) for fact in found]
    return out


def _sent(event: Event) -> Said:
    members: dict[str, Said] = {
        "survey": (event.survey_kind, event.status, event.score, event.reason, event.via, event.incentive),
        "contact": (event.about,),
        "support": (event.ticket, event.status),
        "referral": (hash_of_customer(event.referred),),
        "exposure": (event.measure, event.variant),
        "mark": (event.survey_kind, event.title, event.until_ms),
    }
    return (event.at_ms, event.sequence, *members[event.kind])


def _expected(log: Log) -> dict[str, list[Said]]:
    book = recounted.read(log.records, log.options)
    out = {each.id: [_sent(event) for event in each.touchpoints] for each in book.customers.values()}
    out[NO_CUSTOMER] = [_sent(event) for event in book.marks]
    return {customer_id: found for customer_id, found in out.items() if found}


def _disagreement(case: Case, log: Log) -> list[str]:
    expected = _expected(log)
    return [] if _kept(case, log) == expected == _kept(case, log, native=False) else [str(expected)]


@bounded(60)
@given(cases("everything"))
def test_touchpoints_equal_a_naive_recount(case: Case) -> None:
    """Who was followed up, and who saw what first, is worked out of them long after they came."""
    check_log(case, case.log(), lambda log: _disagreement(case, log))
