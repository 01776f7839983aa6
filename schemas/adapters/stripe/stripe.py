"""The adapter for Stripe: tells records apart and hands each to the module that reads it.

A record is an event of a webhook, an object of the API, or a list of either. Schedules say nothing: when one of their
phases begins, the update of the subscription does, whatever became of the schedule before.
Source: Stripe API reference, *Types of events* and *Pagination*; docs/adapters/stripe.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.adapters.adapter import Adapter, Members, Translation
from schemas.adapters.reading import IgnoredRecord, Node, each_of, translated
from schemas.adapters.stripe import options as known
from schemas.adapters.stripe import updates
from schemas.adapters.stripe.exports import listed_subscription
from schemas.adapters.stripe.invoices import OUTCOMES, invoice_events, listed_invoice
from schemas.adapters.stripe.options import StripeOptions, stripe_options
from schemas.adapters.stripe.updates import subscription_events

NAME: Final = known.NAME
_LISTS: Final = ("list", "search_result")


def build(options: Mapping[str, Any]) -> Adapter:
    """Return the adapter; see `schemas.adapters.adapter.Builder`."""
    return Stripe(stripe_options(options))


class Stripe:
    """Translates events and exports of Stripe.

    Args:
        options: Of the account.
    """

    name = NAME

    def __init__(self, options: StripeOptions) -> None:
        self._options = options

    def translate(self, value: bytes) -> Translation:
        """Return what a record says; see `schemas.adapters.adapter.Adapter`."""
        return translated(self.name, value, self._said)

    def _said(self, record: Node) -> Iterator[Members]:
        """Yield the events of a record; one that says nothing that is counted is ignored under its kind."""
        kind, events = self._read(record)
        found = list(events)
        if not found:
            raise IgnoredRecord(kind)
        yield from found

    def _read(self, record: Node) -> tuple[str, Iterator[Members]]:
        """Return the kind of a record, and its events."""
        if not record.get("object") and any(" " in name for name in record.members):
            raise record.missing("object", "is required; a table, such as the dashboard's export, is read --as table")
        kind = "event" if record.get("type") and not record.get("object") else record.text("object")
        if kind == "event":
            return record.text("type"), self._of_event(record)
        if kind in _LISTS:
            return kind, each_of(record.objects("data"), self._said)
        if kind == "subscription":
            return kind, listed_subscription(record, self._options)
        if kind == "customer":
            return kind, self._of_customer(record)
        if kind == "invoice":
            return kind, listed_invoice(record, self._options)
        return kind, iter(())

    def _of_event(self, event: Node) -> Iterator[Members]:
        kind = event.text("type")
        if kind.startswith(updates.PREFIX):
            yield from subscription_events(event, self._options)
        elif kind in OUTCOMES:
            yield from invoice_events(event.object("data").object("object"), OUTCOMES[kind], self._options)

    def _of_customer(self, customer: Node) -> Iterator[Members]:
        held = customer.optional_object("subscriptions")
        for subscription in held.objects("data") if held else ():
            yield from listed_subscription(subscription, self._options, customer)
