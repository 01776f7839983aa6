"""The document of `tenure risk`: who is about to go, and what the model that says so is worth."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember

Amount = Annotated[int, Meta(description="MRR at T (minor units).")]


class LeavingCustomer(Document, frozen=True, kw_only=True):
    """A customer who has cancelled, and whose last subscription that counts has not ended yet."""

    customer_id: Annotated[str, Meta(description="Who.")]
    plan: Annotated[str, Meta(description="The plan at T.")]
    mrr: Amount
    reason: Annotated[str, Meta(description="The reason of the cancel.")]
    cancelled_at: Annotated[str, Meta(description="The `time` of the cancel, in UTC.")]
    ends_at: Annotated[str, Meta(description="When it ends, in UTC.")]


class LeavingCustomers(Document, frozen=True, kw_only=True):
    """All customers whose cancellation is known."""

    customers: Annotated[int, Meta(description="How many (customers).")]
    mrr: Amount
    listed: Annotated[list[LeavingCustomer], Meta(description="Those who end first, as many as `--limit` says.")]


class RiskReason(Document, frozen=True, kw_only=True):
    """A sign, and what it does to the odds of leaving."""

    sign: Annotated[str, Meta(description="Its name, such as `plan` or `days_since_use`: docs/risk.md.")]
    odds: Annotated[float, Meta(description="By how much it multiplies the odds, beside the average customer.")]


class RiskyCustomer(Document, frozen=True, kw_only=True):
    """A customer, and the probability to leave within 30 days."""

    customer_id: Annotated[str, Meta(description="Who.")]
    plan: Annotated[str, Meta(description="The plan at T.")]
    mrr: Amount
    probability: Annotated[float, Meta(description="To leave within 30 days, in [0, 1].")]
    mrr_at_risk: Annotated[float, Meta(description="MRR times the probability (minor units).")]
    reasons: Annotated[list[RiskReason], Meta(description="What raises the odds most, three at most.")]


class CustomersAtRisk(Document, frozen=True, kw_only=True):
    """All customers at T but those whose cancellation is known."""

    customers: Annotated[int, Meta(description="How many (customers).")]
    expected: Annotated[float, Meta(description="How many of them are expected to leave within 30 days (customers).")]
    mrr_at_risk: Annotated[float, Meta(description="The MRR that is expected to leave with them (minor units).")]
    listed: Annotated[
        list[RiskyCustomer], Meta(description="The greatest probability first, as many as `--limit` says.")
    ]


class CalibrationTenth(Document, frozen=True, kw_only=True):
    """A tenth of the held-out observations, by probability."""

    observations: Annotated[int, Meta(description="How many (count).")]
    expected: Annotated[float, Meta(description="How many the model expected to leave (count).")]
    left: Annotated[int, Meta(description="How many left (count).")]


class HeldOutQuarter(Document, frozen=True, kw_only=True):
    """The last quarter, which the model has not seen, in three steps of 30 days."""

    observations: Annotated[int, Meta(description="Customers at the beginnings of the steps (count).")]
    left: Annotated[int, Meta(description="How many left within the step (count).")]
    expected: Annotated[float, Meta(description="How many the model expected to leave (count).")]
    log_loss: Annotated[float, Meta(description="Mean logarithmic loss; less is better.")]
    log_loss_plan_and_age: Annotated[float, Meta(description="The same of the hazard by plan and age alone.")]
    z: Annotated[float, Meta(description="By how many standard errors the first is lower; 1.645 is wanted.")]
    concordance: Annotated[
        float, Meta(description="How often who left had the greater probability than who stayed (area under the ROC).")
    ]
    lift: Annotated[
        float, Meta(description="The share that left of the tenth with the greatest probabilities, over that of all.")
    ]
    calibration: Annotated[list[CalibrationTenth], Meta(description="By tenths, the least probability first.")]


class RiskReport(Document, frozen=True, kw_only=True):
    """Customers who are about to go."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    currency: Annotated[str, Meta(description="What MRR is counted in (ISO 4217).")]
    leaving: Annotated[LeavingCustomers, Meta(description="Whose cancellation is known.")]
    held_out: Annotated[
        HeldOutQuarter | None, Meta(description="What the model is worth; `null`: there is too little to judge by.")
    ]
    refused: Annotated[str | None, Meta(description="Why nobody is scored, in words; `null` where the model is used.")]
    at_risk: Annotated[CustomersAtRisk | None, Meta(description="All others; `null` where nobody is scored.")]
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
