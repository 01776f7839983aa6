"""`tenure reconcile` beside a running stream: an archive that was sent to it agrees, and each change is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.installation import Installation

GOLDEN: Final = Path(__file__).parents[1] / "golden" / "stripe"
EXPORT: Final = GOLDEN / "export.ndjson"
AT: Final = "2026-04-01"

#: What happened in the stream and not in the export: an end, another plan after it, and somebody new.
CHANGES: Final = (
    {
        "id": "x", "type": "cancel", "customer_id": "cus_ann", "subscription_id": "sub_ann",
        "time": "2026-03-10T10:00:00Z",
    },
    {
        "id": "u", "type": "upgrade", "customer_id": "cus_jo", "subscription_id": "sub_jo",
        "time": "2026-03-28T10:00:00Z", "plan": "enterprise", "mrr_minor": 9900,
    },
    {
        "id": "s", "type": "signup", "customer_id": "cus_new", "subscription_id": "sub_new",
        "time": "2026-03-10T10:00:00Z", "plan": "pro", "mrr_minor": 4900,
    },
)  # fmt: skip


def reconciled(stream: Installation, export: Path, *arguments: str, status: int = 0) -> dict[str, Any]:
    """Return what `reconcile --json` prints."""
    done = stream.run("reconcile", str(export), "--as", "stripe", "--json", *arguments)
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def causes(found: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """Return the causes of each difference."""
    return {(each["customer_id"], each["subscription_id"]): each["causes"] for each in found["differences"]}


def test_export_agrees_with_the_stream_that_it_was_sent_to_and_each_change_is_named(
    installation: Installation,
) -> None:
    """This is the command by which somebody decides to believe the stream."""
    installation.create_topics()
    worker = installation.worker()
    installation.publish(EXPORT, "--as", "stripe")
    installation.until_applied()
    found = reconciled(installation, EXPORT, "--at", AT)
    assert (found["compared"], found["agree"], found["differences"]) == (6, 6, [])
    assert found["total"] == {
        "export_subscriptions": 4, "stream_subscriptions": 4, "export_mrr": 18500, "stream_mrr": 18500,
    }  # fmt: skip
    assert found["export_until"] == found["stream_until"] == "2026-03-25T10:00:00Z"
    installation.publish(installation.file_of([json.dumps(each).encode() for each in CHANGES]))
    installation.until_applied()
    found = reconciled(installation, EXPORT, "--at", AT, status=1)
    assert causes(found) == {
        ("cus_ann", "sub_ann"): ["ended_in_stream"],
        ("cus_jo", "sub_jo"): ["changed_after_export", "plan", "amount"],
        ("cus_new", "sub_new"): ["missing_in_export"],
    }
    assert (found["compared"], found["agree"], found["total"]["stream_mrr"]) == (7, 4, 18500 - 4900 + 6100 + 4900)
    text = installation.run("reconcile", str(EXPORT), "--as", "stripe", "--at", AT)
    assert "customer cus_ann, subscription sub_ann: has ended in the stream: export active" in text.stdout
    assert text.stderr.endswith("tenure: 3 of 7 subscriptions differ; see above\n")
    other = reconciled(installation, GOLDEN / "prices.ndjson", "--at", AT, status=1)
    without_rate = {customer for (customer, _), each in causes(other).items() if each == ["currency_without_rate"]}
    assert without_rate == {"cus_euro", "cus_krona", "cus_yen"}
    assert (other["compared"], other["agree"], other["causes"]["missing_in_stream"]) == (19, 0, 10)
    assert worker.process.stop() == 0
