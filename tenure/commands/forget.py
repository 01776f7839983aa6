"""`tenure forget`: one customer is erased, and the totals stay."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from schemas.wording import counted
from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config
from tenure.commands.say import say, say_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.documents.forgetting import Forgetting

_PLACES_SHOWN = 10


def forget(
    customer_id: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id, as events have it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Forget them; without it nothing is done.")] = False,
    still_active: Annotated[
        bool,
        typer.Option("--still-active", help="Also a customer with an open subscription, which then counts for ever."),
    ] = False,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait until it is done.")
    ] = 60.0,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Erase one customer and keep the totals; a dry run unless --yes is given.

    What is counted moves to a pseudonym that only the setting forget_key leads to; id, subscription ids and the places
    of records go. Later events of the customer count nowhere, and tables that are counted anew forget them too. It
    cannot be undone. Says where the id still stands. Ends with 1 if there is no such customer, if they have an open
    subscription, or if no worker has carried it out in time.
    docs/forgetting.md says more.
    """
    from streams.clock import WallClock
    from streams.errors import CheckFailed
    from streams.readable import all_readable, readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    from tenure.operations.forgetting import forget_customer, look_at_customer

    with quiet_logs():
        found = run_until_stopped(look_at_customer(settings, customer_id, say_error))
        refused = found.open and not still_active
        if yes and not refused and found.outcome == "to_confirm":
            asked = forget_customer(settings, found, now_ms=WallClock().now_ms(), wait_seconds=wait)
            found = run_until_stopped(asked)
    if as_json:
        print_json(found)
    else:
        say("\n".join(_lines(all_readable(found))))
    if refused:
        raise CheckFailed(
            f"customer {readable(customer_id)} has an open subscription, which would count for ever: cancel it first, "
            "or add --still-active"
        )
    if found.outcome == "asked":
        raise CheckFailed(
            f"no worker has carried it out within {wait:g} s; it will be once partition {found.partition} has an owner "
            "with the same forget_key, and is not halted"
        )


def _lines(found: Forgetting) -> Iterator[str]:
    yield _outcome(found)
    if found.outcome != "forgotten_before":
        ids = counted(found.subscriptions, "subscription ids")
        yield f"  {'gone' if found.outcome == 'forgotten' else 'to go'}: the id, {ids}, the places of events"
        facts = counted(found.events, "events")
        yield f"  to stay: what numbers are made of, {facts}, under a pseudonym; no total changes"
    yield "Not ours to erase, or not here:"
    yield from _places("dead letters that hold the id", found.dead_letters)
    yield from _places("survey requests that name them", found.survey_requests)
    yield "  records in Kafka stay as long as it is told, `tenure topics` says how long; a topic of another system too"
    yield "  the billing system and the logs of gateways and proxies, which have their own retention"


def _outcome(found: Forgetting) -> str:
    where = f"customer {found.customer_id}"
    if found.outcome == "to_confirm":
        return f"{where}, partition {found.partition}: nothing is done; add --yes to forget them for good"
    if found.outcome == "asked":
        return f"{where}, partition {found.partition}: asked for, and not done yet"
    before = " before" if found.outcome == "forgotten_before" else ""
    return f"{where}: forgotten{before}; what Kafka got after {found.at} counts nowhere"


def _places(what: str, places: list[str]) -> Iterator[str]:
    yield f"  {what}: {len(places):,}"
    yield from (f"    {place}" for place in places[:_PLACES_SHOWN])
    if len(places) > _PLACES_SHOWN:
        yield f"    and {len(places) - _PLACES_SHOWN:,} more: --json"
