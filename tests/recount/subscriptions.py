"""The machine that the facts of one subscription drive, and whether the subscription counts.

Definitions: section 2 (a subscription's timeline, what counts).
"""

from dataclasses import dataclass
from typing import Literal

from tests.recount.events import Event
from tests.recount.options import Options

Phase = Literal["closed", "open", "paused"]

#: Phase after a fact, by the phase before and the kind; what is not here is without effect.
NEXT: dict[tuple[Phase, str], Phase] = {
    ("closed", "signup"): "open",
    ("open", "signup"): "open",
    ("open", "change"): "open",
    ("open", "pause"): "paused",
    ("open", "cancel"): "closed",
    ("paused", "signup"): "open",
    ("paused", "change"): "paused",
    ("paused", "resume"): "open",
    ("paused", "cancel"): "closed",
}


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One subscription at an instant.

    Attributes:
        plan: Of its last signup or change.
        price_minor: MRR of its last signup or change, in minor units of the default currency.
        on_trial: Whether that was with `trial`.
        would_count: Whether it counts or would count were it not paused.
        counts: Whether it counts.
        open_since_ms: The event time since which it has not been closed (milliseconds since 1970).
        counting_since_ms: The event time since which it has counted without a break; of no meaning where it does not.
    """

    id: str
    phase: Phase
    plan: str
    price_minor: int
    on_trial: bool
    would_count: bool
    counts: bool
    open_since_ms: int
    counting_since_ms: int

    @property
    def mrr_minor(self) -> int:
        """MRR: 0 while it is paused or does not count."""
        return self.price_minor if self.counts and self.phase == "open" else 0

    @property
    def full_mrr_minor(self) -> int:
        """MRR at full price: 0 where it does not count, and what it costs while it is paused."""
        return self.price_minor if self.counts else 0


def after_fact(before: Subscription | None, fact: Event, options: Options) -> Subscription | None:
    """Return a subscription after one of its facts that has an effect; None is a closed one, before and after.

    Args:
        before: The subscription before the fact.
        fact: A fact for which `has_effect` is true.
        options: Settings that decide what counts.
    """
    phase = NEXT[before.phase if before else "closed", fact.kind]
    if phase == "closed":
        return None
    if fact.kind in {"signup", "change"}:
        plan, price_minor, on_trial = fact.plan, fact.mrr_minor, fact.trial
    else:
        assert before is not None, "only a signup opens"
        plan, price_minor, on_trial = before.plan, before.price_minor, before.on_trial
    would_count = not on_trial and (price_minor > 0 or options.free_plans == "customers")
    counts = would_count and (phase == "open" or options.paused_customers == "kept")
    return Subscription(
        id=fact.subscription_id,
        phase=phase,
        plan=plan,
        price_minor=price_minor,
        on_trial=on_trial,
        would_count=would_count,
        counts=counts,
        open_since_ms=before.open_since_ms if before else fact.at_ms,
        counting_since_ms=before.counting_since_ms if before and before.counts and counts else fact.at_ms,
    )


def has_effect(before: Subscription | None, fact: Event) -> bool:
    """Return whether a fact does something to its subscription, of which None is a closed one."""
    return (before.phase if before else "closed", fact.kind) in NEXT
