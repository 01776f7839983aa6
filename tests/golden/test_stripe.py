"""Archives of Stripe become the events that they must become, and come to the numbers that were worked out by hand."""

import json
import re
from pathlib import Path

import pytest

from schemas.adapters.stripe.invoices import OUTCOMES
from tests.golden.stories import GOLDEN, Story, lines_of, number_of, recounted, replayed

STORIES = (
    # A checkout, a renewal that fails first, another plan, seats, an end that is scheduled, withdrawn, and comes.
    Story("stripe", "one_life", {
        "2026-02-01": {"customers_active": 1, "mrr": 4900, "signups": 1, "customers_new": 1, "mrr_new": 4900},
        "2026-03-01": {
            "customers_active": 1, "mrr": 7600, "upgrades": 1, "downgrades": 1, "mrr_expansion": 4600,
            "mrr_contraction": 1900, "renewals_renewed": 1, "renewals_failed": 0,
        },
        "2026-04-01": {"customers_active": 1, "mrr": 7600, "cancellations": 0, "renewals_renewed": 1},
        "2026-05-01": {
            "customers_active": 0, "mrr": 0, "cancellations": 1, "cancellations_involuntary": 0, "mrr_churned": 7600,
            "renewals_declined": 1, "conflict": 0,
        },
    }),
    # Three trials: one converts, one is cancelled, one is paused for want of a card and goes on a week later.
    Story("stripe", "trials", {
        "2026-03-20": {"customers_active": 1, "mrr": 4900, "customers_new": 1, "cancellations": 0},
        "2026-04-01": {
            "customers_active": 2, "mrr": 9800, "signups": 3, "customers_new": 2, "mrr_new": 9800, "cancellations": 0,
            "renewals_declined": 0,
        },
        "2026-05-01": {"customers_active": 2, "trials_matured": 3, "trials_converted": 2},
    }),
    # Given up and paid after all; cancelled by the last failure; disputed; never paid at all.
    Story("stripe", "failed_payments", {
        "2026-02-01": {
            "customers_active": 2, "mrr": 9800, "signups": 3, "mrr_new": 14700, "cancellations": 1,
            "cancellations_involuntary": 1, "mrr_churned": 4900,
        },
        "2026-03-01": {
            "customers_active": 0, "cancellations": 2, "cancellations_involuntary": 2, "mrr_churned": 9800,
            "renewals_renewed": 1, "renewals_failed": 1,
        },
        "2026-04-01": {
            "customers_active": 1, "customers_reactivated": 1, "mrr": 4900, "mrr_reactivated": 4900, "conflict": 1,
        },
    }),
    # One pauses, changes plan meanwhile and goes on; one pauses and leaves.
    Story("stripe", "pauses", {
        "2026-03-01": {
            "customers_active": 2, "customers_paused": 2, "mrr": 0, "mrr_contraction": 9800, "upgrades": 1,
            "mrr_expansion": 0,
        },
        "2026-04-01": {
            "customers_active": 1, "customers_paused": 0, "mrr": 9500, "mrr_expansion": 9500, "cancellations": 1,
            "mrr_churned": 0,
        },
    }),
    # 13750 + 4345 + 4000 + 1 + 500 × 0.7 + 2500 × 0.75 + 2000 + 7900 + 6900 + 900 + 2000 + 4500 × 1.1 + 0.
    Story("stripe", "prices", {
        "2026-04-01": {"customers_active": 12, "signups": 13, "mrr": 48971, "mrr_new": 48971},
    }, rates={"JPY": "0.7", "ISK": "0.75", "EUR": "1.1"}),
    # 3650 + 3900 + 4900 + 1950; in March the one of 1000 ends with its term, and the one of 25.5 % is taken away.
    Story("stripe", "discounts", {
        "2026-02-01": {"customers_active": 4, "mrr": 14400, "mrr_new": 14400},
        "2026-04-01": {"mrr": 16650, "upgrades": 2, "mrr_expansion": 2250, "customers_active": 4},
    }),
    # Pages of subscriptions, a customer with subscriptions, invoices; one is of the test mode.
    Story("stripe", "export", {
        "2026-04-01": {
            "customers_active": 5, "customers_paused": 1, "mrr": 18500, "signups": 2, "customers_new": 1,
            "cancellations": 2, "cancellations_involuntary": 1, "mrr_churned": 10600, "mrr_contraction": 4900,
            "renewals_renewed": 1, "renewals_failed": 1, "test": 1, "conflict": 0,
        },
        "2026-05-01": {"customers_active": 4, "mrr": 13600, "cancellations": 1},
    }),
    # A phase that is scheduled, scheduled otherwise, and begins; the next is withdrawn. Updates alone tell of it.
    Story("stripe", "schedules", {
        "2026-04-01": {"customers_active": 1, "mrr": 9500, "upgrades": 1, "mrr_expansion": 4600},
        "2026-06-01": {"customers_active": 1, "mrr": 9500, "downgrades": 0, "conflict": 0},
    }),
    # The beginning as the webhook has it, an older customer as the export has it, and the export once more at the end.
    Story("stripe", "export_and_webhooks", {
        "2026-02-01": {"customers_active": 2, "mrr": 9800, "signups": 1, "customers_new": 1},
        "2026-03-01": {"customers_active": 2, "mrr": 14400, "upgrades": 1, "mrr_expansion": 4600},
        "2026-05-01": {
            "customers_active": 1, "mrr": 1900, "cancellations": 1, "mrr_churned": 9500, "downgrades": 1,
            "mrr_contraction": 3000, "renewals_declined": 1, "conflict": 0,
        },
    }),
)  # fmt: skip
PAGE = GOLDEN.parents[1] / "docs" / "adapters" / "stripe.md"
WITHOUT_EFFECT = tuple(f"facts_without_effect.{kind}" for kind in ("change", "pause", "resume", "cancel", "revoke"))


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_archive_becomes_the_events_that_stand_beside_it(story: Story) -> None:
    """Who reads a mapping wants to see it happen, record by record."""
    assert story.translated() == story.expected()


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_archive_comes_to_the_numbers_worked_out_by_hand(story: Story, tmp_path: Path) -> None:
    """What a company sees an hour after it has connected Stripe must be right; nothing sent may come to nothing."""
    for day, report in replayed(story, lines_of(story.translated()), tmp_path / "events.ndjson").items():
        told = story.numbers[day]
        assert {count: number_of(report, count) for count in told} == told, day
        assert [count for count in WITHOUT_EFFECT if number_of(report, count)] == [], day
        assert not any(report["events"]["dead_letters"].values())
        assert not any(report["events"]["mended"].values())


@pytest.mark.parametrize("story", STORIES, ids=str)
def test_product_and_recount_agree_on_the_archive(story: Story, tmp_path: Path) -> None:
    """The events of an adapter lean on sequences and revokes more than those of other producers."""
    lines = lines_of(story.translated())
    found, expected = replayed(story, lines, tmp_path / "events.ndjson"), recounted(story, lines)
    for day in story.numbers:
        for part in ("totals", "windows", "segments", "events"):
            assert found[day][part] == expected[day][part], f"{day}: {part}"


def test_every_archive_is_a_story() -> None:
    """A file that no test reads goes stale."""
    files = {path.name.removesuffix(".ndjson") for path in (GOLDEN / "stripe").glob("*.ndjson")}
    assert files == {name for story in STORIES for name in (story.name, f"{story.name}.events")}


def test_archives_show_every_kind_of_record_that_is_read_and_the_page_names_each() -> None:
    """A story that nobody tells is mapped by guessing."""
    records = [json.loads(record) for story in STORIES for record in story.records()]
    kinds = {record.get("type", record["object"]) for record in records}
    table = PAGE.read_text(encoding="utf-8").split("\n## What each record becomes\n")[1].split("\n## ")[0]
    read = {
        *OUTCOMES,
        *(f"customer.subscription.{kind}" for kind in ("created", "updated", "deleted", "paused", "resumed")),
    }
    assert {name for name in re.findall(r"`([a-z_.]+)`", table) if name.count(".")} - {
        "cancellation_details.feedback"
    } == read
    assert kinds >= {
        "list", "customer", "subscription", "invoice.paid", "invoice.payment_failed", "subscription_schedule.released",
        *(f"customer.subscription.{kind}" for kind in ("created", "updated", "deleted", "paused", "resumed")),
    }  # fmt: skip
