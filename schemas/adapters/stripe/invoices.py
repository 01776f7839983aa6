"""Invoices of Stripe: whether a term was renewed, or its payment failed for good.

Only invoices of terms that follow one another are renewals. An invoice is one event, whatever comes of it: one that is
paid after all corrects what failed.
Source: Stripe API reference, *The Invoice object*; Stripe documentation, *Using event destinations with
subscriptions*.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from schemas.adapters.adapter import Members
from schemas.adapters.reading import Node
from schemas.adapters.stripe.options import StripeOptions
from schemas.adapters.stripe.subscription import common_members, customer_id_of, seconds_of

RENEWED, FAILED = "renewed", "failed"
#: Types of webhook events, and what they say of a term.
OUTCOMES: Final[Mapping[str, str]] = {
    "invoice.paid": RENEWED,
    "invoice.payment_succeeded": RENEWED,
    "invoice.payment_failed": FAILED,
}


def invoice_events(invoice: Node, outcome: str, options: StripeOptions) -> Iterator[Members]:
    """Yield the renewal that an invoice says.

    Args:
        invoice: The invoice.
        outcome: One of `OUTCOMES`.
        options: Of the account.

    Raises:
        SourceFault: A member is missing or wrong.
    """
    if invoice.optional_text("billing_reason") != "subscription_cycle":
        return
    if outcome == FAILED and seconds_of(invoice, "next_payment_attempt") is not None:
        return
    ended_s = seconds_of(invoice, "created")
    if ended_s is None:
        raise invoice.missing("created")
    event_id = f"{invoice.text('id')}:renewal"
    customer_id = customer_id_of(invoice, tuple(_metadata_of(invoice)), options)
    corrects = {"sequence": 1} if outcome == RENEWED else {}
    common = common_members(invoice, "renewal", event_id, ended_s, customer_id, options)
    yield {**common, "outcome": outcome, **corrects}


def listed_invoice(invoice: Node, options: StripeOptions) -> Iterator[Members]:
    """Yield what an invoice says that was exported.

    Raises:
        SourceFault: A member is missing or wrong.
    """
    status = invoice.optional_text("status")
    if status == "paid":
        yield from invoice_events(invoice, RENEWED, options)
    elif status == "uncollectible" or (status == "open" and _was_charged(invoice)):
        yield from invoice_events(invoice, FAILED, options)


def _was_charged(invoice: Node) -> bool:
    return invoice.flag("attempted") and invoice.optional_text("collection_method") == "charge_automatically"


def _metadata_of(invoice: Node) -> Iterator[Node]:
    """Yield the metadata of an invoice's subscription, where any version of the API has it, and its own."""
    parent = invoice.optional_object("parent")
    for holder in (invoice, parent):
        details = holder.optional_object("subscription_details") if holder else None
        metadata = details.optional_object("metadata") if details else None
        if metadata is not None:
            yield metadata
    own = invoice.optional_object("metadata")
    if own is not None:
        yield own
