"""Follow-up of answers: how long they wait until somebody of ours gets in touch, and whose still waits.

A contact follows an answer up if it comes no earlier and is about it, or about no survey in particular. Customers are
taken one at a time; what is kept of them are sums, and of the detractors who wait the largest.
Pure: who reads the states is `tenure.reports.feedback`. Definitions: docs/definitions.md, section "What keeps
customers".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from kpis.customer.facts import Feedback
from kpis.customer.feedback_codes import SurveySaid
from kpis.customer.pseudonyms import is_pseudonym
from kpis.customer.state import Customer
from kpis.customer.touchpoints import ContactFact, touchpoints_of
from kpis.names import Names
from kpis.population.feedback import AnswerSpell, band_of
from kpis.population.lifetime import Durations
from kpis.population.stays import PastStays
from schemas.catalogue.feedback_bands import DETRACTORS, NPS
from schemas.instants import DAY_MS

#: Answers of so many days before T are asked how long they waited.
FOLLOW_UP_DAYS: Final = 90
#: Detractors whom somebody got in touch with so soon are compared with those nobody did (days).
CONTACT_DAYS: Final = 7
_HOUR_MS: Final = 3_600_000


class OpenDetractor(NamedTuple):
    """A customer whose last NPS answer is a detractor's and waits."""

    mrr: int
    customer_id: str
    plan: str
    score: int
    #: the slug; empty where there was none
    reason: str
    answered_ms: int


class FollowUps:
    """Takes the answers of customers with what came after them."""

    def __init__(self, at_ms: int, *, limit: int) -> None:
        """Begin without answers.

        Args:
            at_ms: T (ms since 1970).
            limit: Open detractors that are kept by name, those with the most MRR (count).
        """
        self._at_ms, self._limit = at_ms, limit
        self._hours: dict[tuple[str, str], tuple[Counter[int], Counter[int]]] = {}
        #: detractors after CONTACT_DAYS, whom nobody got in touch with by then, and the others
        self._after: tuple[tuple[Counter[int], Counter[int]], ...] = ((Counter(), Counter()), (Counter(), Counter()))
        self.open_customers = self.open_mrr = 0
        self._open: list[OpenDetractor] = []

    def take(
        self,
        names: Names,
        customer_id: str,
        customer: Customer,
        past: PastStays,
        answers: Sequence[tuple[Feedback, SurveySaid]],
        spells: Sequence[AnswerSpell],
    ) -> None:
        """Take a customer with the answers and spells of one kind that are chosen, in order."""
        contacts = _contacts_of(customer, self._at_ms)
        for item, said in answers:
            followed_ms = _followed_ms(item, contacts)
            if item.at_ms >= self._at_ms - FOLLOW_UP_DAYS * DAY_MS:
                self._note_wait(item, said, followed_ms, past)
        for spell in spells:
            if spell.begun.band == DETRACTORS and spell.begun.answer is not None:
                self._note_after(spell, _followed_ms(spell.begun.answer, contacts))
        if answers and answers[-1][1].kind == NPS and past.now.active:
            item, said = answers[-1]
            if band_of(said) == DETRACTORS and _followed_ms(item, contacts) is None:
                self._note_open(names, customer_id, past, item, said)

    def add(self, other: FollowUps) -> None:
        """Take the answers of another scan too, which keeps as many open detractors by name."""
        for key, both in other._hours.items():
            for mine, its in zip(self._hours.setdefault(key, (Counter(), Counter())), both, strict=True):
                mine.update(its)
        for pair, its_pair in zip(self._after, other._after, strict=True):
            for mine, its in zip(pair, its_pair, strict=True):
                mine.update(its)
        self.open_customers += other.open_customers
        self.open_mrr += other.open_mrr
        self._open += other._open

    def waits(self) -> Mapping[tuple[str, str], Durations]:
        """Return by kind and band how many hours answers waited: until a contact, or are waiting still."""
        return {key: Durations(followed, waiting) for key, (waiting, followed) in sorted(self._hours.items())}

    def after(self) -> tuple[Durations, Durations]:
        """Return how long detractors stay from CONTACT_DAYS after their answer on: contacted by then, and not."""
        (not_censored, not_left), (censored, left) = self._after
        return Durations(left, censored), Durations(not_left, not_censored)

    def open(self) -> list[OpenDetractor]:
        """Return the open detractors with the most MRR; forgotten customers are counted and not named."""
        self._open.sort(key=lambda each: (-each.mrr, each.answered_ms, each.customer_id))
        return self._open[: self._limit]

    def _note_wait(self, item: Feedback, said: SurveySaid, followed_ms: int | None, past: PastStays) -> None:
        stay = past.stay_at(item.at_ms)
        if stay is None:
            return
        # Who has left waits no more, and is not followed up any more.
        is_followed = followed_ms is not None and followed_ms <= stay.end_ms
        until_ms = min(self._at_ms if followed_ms is None else followed_ms, stay.end_ms)
        counts = self._hours.setdefault((said.kind, band_of(said)), (Counter(), Counter()))
        counts[is_followed][(until_ms - item.at_ms) // _HOUR_MS] += 1

    def _note_after(self, spell: AnswerSpell, followed_ms: int | None) -> None:
        if spell.days < CONTACT_DAYS:
            return
        limit_ms = spell.begun.at_ms + CONTACT_DAYS * DAY_MS
        was_contacted = followed_ms is not None and followed_ms < limit_ms
        self._after[was_contacted][spell.has_left][spell.days - CONTACT_DAYS] += 1

    def _note_open(self, names: Names, customer_id: str, past: PastStays, item: Feedback, said: SurveySaid) -> None:
        self.open_customers += 1
        self.open_mrr += past.now.mrr
        if not self._limit or is_pseudonym(customer_id):
            return
        plan, reason = names.plan_names[past.now.plan], names.reason_names[item.reason]
        self._open.append(OpenDetractor(past.now.mrr, customer_id, plan, said.score, reason, item.at_ms))
        if len(self._open) > 4 * self._limit + 64:
            self._open = self.open()


def _contacts_of(customer: Customer, until_ms: int) -> list[ContactFact]:
    found = touchpoints_of(customer)
    return [each for each in found if isinstance(each, ContactFact) and each.at_ms < until_ms]


def _followed_ms(answer: Feedback, contacts: Sequence[ContactFact]) -> int | None:
    """Return when an answer was followed up (ms since 1970); None where it was not."""
    for contact in contacts:
        is_about = not contact.about or answer.identity in contact.surveys
        if contact.at_ms >= answer.at_ms and is_about:
            return contact.at_ms
    return None
