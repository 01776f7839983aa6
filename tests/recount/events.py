"""Events: what one valid record says, and the order in which two of them are compared.

Not validation, and not the machine that events drive.
Definitions: section 1 (identity), section 2 (order of facts); the contract, events.
"""

from dataclasses import dataclass
from typing import TypeAlias

import xxhash

LIFECYCLE = ("signup", "change", "pause", "resume", "cancel")
#: Kinds of surveys that counts know.
COUNTED_SURVEYS = ("nps", "csat")
#: Kinds with an identity, in the order that decides between two events of one.
IDENTIFIED = (*LIFECYCLE, "revoke", "survey", "renewal", "contact", "support", "referral", "exposure", "mark")
#: What passed between us and a customer; no count is made of it.
TOUCHPOINTS = ("contact", "support", "referral", "exposure")
#: Of no customer.
WITHOUT_CUSTOMER = ("mark",)
#: Sets of instants, without identity.
INSTANTS = ("onboarding", "activity")

#: The topic of each type, which is the source of an event that names none.
DEFAULT_SOURCES = {
    "signup": "customer.signup",
    "cancel": "customer.cancel",
    "revoke": "customer.cancel",
    "upgrade": "customer.upgrade",
    "downgrade": "customer.upgrade",
    "pause": "customer.upgrade",
    "resume": "customer.upgrade",
    "survey": "customer.survey",
    "renewal": "customer.renewal",
    "onboarding": "customer.onboarding",
    "activity": "customer.activity",
    "contact": "customer.contact",
    "support": "customer.contact",
    "referral": "customer.contact",
    "exposure": "customer.contact",
    "mark": "tenure.marks",
}

Comparable: TypeAlias = tuple[str | int, ...]
#: Source and id: an event's identity within its customer.
Identity: TypeAlias = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Event:
    """One valid event; members that its kind does not have keep their defaults.

    Attributes:
        kind: The type, where upgrade and downgrade are both `change`.
        at_ms: Event time: `effective_at` of a lifecycle event that has one, else `time` (milliseconds since 1970).
        time_ms: The member `time` (milliseconds since 1970).
        names_source: Whether the event names its source; a revoke without one revokes under each default source.
        price_minor: MRR in minor units of `currency`.
        mrr_minor: The same in minor units of the default currency.
        segment_values: Values of country, channel and the further dimensions; empty where absent.
        reason: Slug of a cancel or survey; empty where a survey has none.
        score: -1 where absent.
        feature: Empty where absent.
        mended: Names of the members that were mended or count as absent.
    """

    kind: str
    customer_id: str
    source: str
    names_source: bool
    id: str
    at_ms: int
    time_ms: int
    sequence: int
    test: bool
    subscription_id: str = ""
    plan: str = ""
    price_minor: int = 0
    currency: str = ""
    mrr_minor: int = 0
    trial: bool = False
    segment_values: tuple[str, ...] = ()
    reason: str = ""
    involuntary: bool = False
    revokes: str = ""
    survey_kind: str = ""
    status: str = ""
    score: int = -1
    via: str = ""
    incentive: bool = False
    outcome: str = ""
    completed: bool = True
    feature: str = ""
    about: str = ""
    ticket: str = ""
    referred: str = ""
    measure: str = ""
    variant: str = ""
    title: str = ""
    until_ms: int = -1
    mended: frozenset[str] = frozenset()

    @property
    def identity(self) -> Identity:
        """The identity within the customer."""
        return self.source, self.id

    def known_members(self) -> Comparable:
        """Return the members in the order in which they are compared.

        An absent one is its default or, without one, before all others. Only kinds with an identity have them.
        """
        change = (self.plan, self.price_minor, self.currency, int(self.trial))
        own: dict[str, Comparable] = {
            "signup": (*change, *self.segment_values),
            "change": change,
            "pause": (),
            "resume": (),
            "cancel": (self.reason, int(self.involuntary)),
            "revoke": (self.revokes,),
            "survey": (self.survey_kind, self.status, self.score, self.reason, self.via, *self._incentive()),
            "renewal": (self.outcome,),
            "contact": (self.about,),
            "support": (self.ticket, self.status),
            # Kept and compared is a hash of the id: whoever is forgotten shall not be named by whom brought them.
            "referral": (xxhash.xxh3_64_intdigest(self.referred.encode()),),
            "exposure": (self.measure, self.variant),
            "mark": (self.survey_kind, self.title, self.until_ms),
        }
        # Whether it names its source decides what a revoke revokes, and nothing of any other kind.
        last = (int(self.names_source),) if self.kind == "revoke" else ()
        return (*own[self.kind], self.subscription_id, self.time_ms, *last)

    def is_counted_survey(self) -> bool:
        """Return whether it is a survey that counts know; the others are touchpoints."""
        return self.kind == "survey" and self.survey_kind in COUNTED_SURVEYS

    def _incentive(self) -> tuple[int, ...]:
        """Return whether there was an incentive, which is kept of the surveys that counts do not know."""
        return () if self.is_counted_survey() else (int(self.incentive),)

    def order_in_timeline(self) -> tuple[int, int, int, Comparable]:
        """Return the key by which the lifecycle facts of a customer are sorted."""
        return self.at_ms, self.sequence, LIFECYCLE.index(self.kind), self.known_members()

    def order_among_versions(self) -> tuple[int, int, int, Comparable]:
        """Return the key by which events of one identity are compared: the smallest counts, equal ones say the same."""
        return -self.sequence, self.at_ms, IDENTIFIED.index(self.kind), self.known_members()
