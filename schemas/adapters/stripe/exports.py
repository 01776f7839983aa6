"""Exported subscriptions of Stripe: when each began, with today's price, what is known since, its end.

An export knows no price of the past. Its events stand before those of webhooks of the same instant, so that what a
webhook says of the beginning holds; of two exports the one of the later term does. When a pause began it does not know
either: the start of the term is taken, and part of the id, so that the next pause is another one.
"""

from collections.abc import Iterator

from schemas.adapters.accounts import listed_sequence
from schemas.adapters.adapter import Members
from schemas.adapters.reading import Node, epoch_text
from schemas.adapters.stripe.options import StripeOptions
from schemas.adapters.stripe.subscription import CANCELED, NEVER, PAUSED, StripeSubscription, seconds_of
from schemas.adapters.stripe.terms import Terms
from schemas.adapters.stripe.updates import trial_paused


def listed_subscription(node: Node, options: StripeOptions, customer: Node | None = None) -> Iterator[Members]:
    """Yield what a subscription says that was exported.

    Args:
        node: The subscription.
        options: Of the account.
        customer: The customer that holds it, in an export of customers.

    Raises:
        SourceFault: A member is missing or wrong.
    """
    now = StripeSubscription(node, options, customer)
    if now.status in NEVER:
        return
    sequence, since_s = listed_sequence(now.term_start_s), now.term_start_s
    yield from _beginning(now, sequence)
    if now.status == CANCELED:
        if now.ended_s is None:
            raise node.missing("ended_at")
        yield from now.end(now.ended_s)
    elif now.is_unpaid:
        event_id = f"{now.id}:listed:unpaid:{since_s}"
        yield now.event("cancel", event_id, since_s, reason="unpaid", involuntary=True, sequence=sequence)
    else:
        if now.status == PAUSED:
            yield trial_paused(now, since_s)
        if now.is_paused:
            yield now.event("pause", f"{now.id}:listed:pause:{since_s}", since_s, sequence=sequence)
        if now.scheduled_end is not None:
            yield now.scheduled_end


def _beginning(now: StripeSubscription, sequence: int) -> Iterator[Members]:
    """Yield the signup, and what is known of a trial."""
    trial_start_s, trial_end_s = seconds_of(now.node, "trial_start"), seconds_of(now.node, "trial_end")
    terms = now.terms._replace(trial=False)
    on_trial = terms._replace(trial=True)
    had_trial = trial_start_s is not None
    at_once = trial_start_s is not None and trial_start_s <= now.start_s
    yield now.signup(f"{now.id}:listed", on_trial if at_once else terms, sequence=sequence)
    if trial_start_s is not None and not at_once:
        yield _changed(now, on_trial, trial_start_s, sequence)
    if had_trial and trial_end_s is not None and _outlived(now, trial_end_s):
        yield _changed(now, terms, trial_end_s, sequence)


def _outlived(now: StripeSubscription, trial_end_s: int) -> bool:
    """Tell whether a subscription went on after its trial."""
    return now.status not in ("trialing", PAUSED) and (now.ended_s is None or now.ended_s > trial_end_s)


def _changed(now: StripeSubscription, terms: Terms, at_s: int, sequence: int) -> Members:
    event_id = f"{now.id}:listed:{at_s}"
    members = {**terms.members(), "effective_at": epoch_text(at_s), "sequence": sequence}
    return now.event("upgrade", event_id, now.created_s, **members)
