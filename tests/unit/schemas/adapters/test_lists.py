"""Lists and exports of billing systems: which entries say nothing, which are refused, what a newer list corrects."""

import json
from typing import Any

import pytest

from schemas.adapters.adapter import Members, Translation
from schemas.adapters.registry import adapter_of
from schemas.refusals import Reason
from tests.unit.schemas.adapters.golden import golden_files
from tests.unit.schemas.adapters.stripe.records import DAY_S, NEXT_TERM_S, TERM_S, item, said, subscription


def listed(name: str, place: int, **members: Any) -> dict[str, Any]:
    """Return an entry of a golden list, with members of its subscription that differ."""
    (file,) = (file for file in golden_files(name) if file.name == f"{name}-list/subscriptions")
    page = json.loads(file.values[0])
    entry: dict[str, Any] = page["list" if name == "chargebee" else "data"][place]
    if name == "chargebee":
        return {**entry, "subscription": {**entry["subscription"], **members}}
    return {**entry, **members}


def page_of(name: str, *entries: dict[str, Any]) -> dict[str, Any]:
    """Return a list of a source that has these entries."""
    return {"list": list(entries)} if name == "chargebee" else {"object": "list", "data": list(entries)}


def translated(name: str, record: object) -> Translation:
    """Return what a record comes to."""
    return adapter_of(name).translate(json.dumps(record).encode())


def events_of(name: str, record: object) -> list[Members]:
    """Return the events of a record, which must be understood."""
    found = translated(name, record)
    assert found.refusal is None
    return list(found.events)


NOTHING: dict[str, Members] = {
    "chargebee": {"status": "future", "started_at": None},
    "recurly": {"state": "failed"},
}


@pytest.mark.parametrize("name", NOTHING)
def test_entry_that_says_nothing_leaves_out_none_of_the_others(name: str) -> None:
    """A page holds a hundred subscriptions, and each may be one that never began."""
    page = page_of(name, listed(name, 0, **NOTHING[name]), listed(name, 1))
    assert events_of(name, page) == events_of(name, listed(name, 1))


@pytest.mark.parametrize("name", NOTHING)
def test_list_of_which_no_entry_says_anything_is_ignored_by_the_kind_of_the_first(name: str) -> None:
    """A record that comes to nothing at all is counted nowhere, and looks like one that was lost."""
    kind = f"subscription, {next(iter(NOTHING[name].values()))}"
    assert translated(name, page_of(name, listed(name, 0, **NOTHING[name]))) == Translation(ignored=kind)


@pytest.mark.parametrize("name", ["chargebee", "paddle", "recurly", "stripe"])
def test_list_without_entries_is_ignored(name: str) -> None:
    """The last page of an API is empty."""
    assert translated(name, page_of(name)) == Translation(ignored="empty list")


@pytest.mark.parametrize(
    ("name", "member"), [("chargebee", "subscription.status"), ("paddle", "status"), ("recurly", "state")]
)
def test_subscription_in_a_state_that_is_not_known_is_refused(name: str, member: str) -> None:
    """Guessed to be a customer's, it would be one for ever."""
    refusal = translated(name, listed(name, 0, **{member.rpartition(".")[2]: "asleep"})).refusal
    assert refusal is not None
    assert refusal.reason is Reason.INVALID_MEMBER
    assert f"{member}: must be " in refusal.detail
    assert refusal.detail.endswith("got asleep")


def test_subscription_of_chargebee_that_was_cancelled_before_it_started_is_ignored() -> None:
    """It would be a customer from the day on which it was made."""
    entry = listed("chargebee", 3, started_at=None, start_date=1772323200)
    assert translated("chargebee", entry).ignored == "subscription, cancelled"


def test_webhook_about_a_subscription_of_recurly_that_failed_says_nothing() -> None:
    """Its first payment never came, though the webhook says that it was made."""
    webhook = {"object_type": "subscription", "event_type": "created", "event_time": "2026-03-01T00:00:00Z"}
    found = translated("recurly", {**webhook, "subscription": listed("recurly", 0, state="failed")})
    assert found.ignored == "subscription, failed"


def test_subscription_of_recurly_that_ends_before_it_begins_never_was_a_customers() -> None:
    """A list of last week said its signup, which counts from the day on which it was to begin."""
    later = {"activated_at": "2026-05-01T00:00:00Z", "expires_at": "2026-04-01T00:00:00Z"}
    (revoke,) = events_of("recurly", listed("recurly", 3, **later))
    assert (revoke["type"], revoke["revokes"]) == ("revoke", "d4:created")
    assert translated("recurly", listed("recurly", 2, **later)).ignored == "subscription, canceled before it begins"


NEWER: dict[str, tuple[Members, Members]] = {
    "chargebee": ({"resource_version": 1772323200209}, {"resource_version": 1772323200210}),
    "paddle": ({"updated_at": "2026-03-15T15:00:00.1Z"}, {"updated_at": "2026-03-15T15:00:00.100001Z"}),
    "recurly": ({"updated_at": "2026-03-01T00:00:00Z"}, {"updated_at": "2026-03-01T00:00:01Z"}),
}


@pytest.mark.parametrize("name", NEWER)
def test_newer_list_corrects_an_older_one_and_no_webhook(name: str) -> None:
    """A list has today's price from the beginning on: of two the newer is right, and a webhook knows the first one."""
    older, newer = (events_of(name, listed(name, 0, **version))[0] for version in NEWER[name])
    assert older["id"] == newer["id"]
    assert older["sequence"] < newer["sequence"] < 0


def test_newer_list_without_a_version_is_like_the_oldest() -> None:
    """Recurly's older versions have no instant of the last change."""
    (signup,) = events_of("recurly", listed("recurly", 2, updated_at=None))[:1]
    assert signup["sequence"] < events_of("recurly", listed("recurly", 2))[0]["sequence"]


def test_next_pause_in_a_list_of_chargebee_is_another_pause() -> None:
    """Under one id the first of two pauses would never have been."""
    first, next_ = (
        events_of("chargebee", listed("chargebee", 1, pause_date=date))[-1] for date in (1772323200, 1775001600)
    )
    assert (first["type"], first["id"]) == ("pause", "rui_sub:listed:paused:2026-03-01T00:00:00Z")
    assert next_["id"] == "rui_sub:listed:paused:2026-04-01T00:00:00Z"


def test_next_end_in_a_list_of_chargebee_is_another_end() -> None:
    """A subscription that is reactivated may end once more."""
    ids = [events_of("chargebee", listed("chargebee", 3, cancelled_at=at))[-1]["id"] for at in (1769904000, 1772323200)]
    assert ids == ["tom_sub:listed:ended:2026-02-01T00:00:00Z", "tom_sub:listed:ended:2026-03-01T00:00:00Z"]


@pytest.mark.parametrize("changes", [{"status": "unpaid"}, {"pause_collection": {"behavior": "void"}}], ids=str)
def test_pause_or_end_in_the_next_export_of_stripe_is_another_one(changes: dict[str, Any]) -> None:
    """Moved to the next term under its old id, it would take back what the export before had said rightly."""
    ids = [
        said(subscription(item(current_period_start=start, current_period_end=start + 28 * DAY_S), **changes))[-1]["id"]
        for start in (TERM_S, NEXT_TERM_S)
    ]
    assert ids[0].endswith(f":{TERM_S}")
    assert ids[1].endswith(f":{NEXT_TERM_S}")
