"""Customers about to go as a document: what `tenure risk --json` prints.

The tables in the terminal are `tenure.reports.risk_text`, the model is `tenure.reports.risk_model`. What the numbers
mean: docs/risk.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from kpis.choosing.groups import ScanQuestion
from kpis.customer.pseudonyms import is_pseudonym
from kpis.instants import instant_text
from kpis.population.risk import Observations, PendingCancellation, RiskScan
from schemas.documents.risk import (
    CalibrationTenth,
    CustomersAtRisk,
    HeldOutQuarter,
    LeavingCustomer,
    LeavingCustomers,
    RiskReason,
    RiskReport,
    RiskyCustomer,
)
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, scanned, where_text
from tenure.reports.risk_model import ModelJudgement, RiskScores, Score, fitted, judged


async def read_risk(settings: Settings, scope: Scope, *, limit: int) -> RiskReport:
    """Return who is about to go of the customers of the running stream, or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Which customers.
        limit: Customers that are listed (count).

    Raises:
        UsageError: scikit-learn is not installed.
        TenureError: As `tenure.reports.customers.open_source` and `scanned`.
    """
    async with open_source(settings, scope) as source:
        question = ScanQuestion[RiskScan](
            ("risk", source.at_ms),
            lambda choice: RiskScan(
                at_ms=source.at_ms, bucket_ms=settings.bucket_minutes * 60_000, what=settings.what_counts, where=choice
            ),
            lambda scan, each: scan.take(each.names, each.customer_id, each.customer),
        )
        scan = await scanned(source, question)
    observations = scan.observations()
    found = judged(observations)
    refused = found if isinstance(found, str) else None if found.is_better else _no_better(found)
    report = RiskReport(
        as_of=instant_text(source.at_ms),
        currency=settings.default_currency,
        leaving=_leaving(scan.leaving, limit),
        held_out=None if isinstance(found, str) else _held_out(found),
        refused=refused,
        at_risk=_at_risk(observations, limit) if refused is None else None,
        where=where_text(scope),
    )
    return lacking(report, source)


def _no_better(found: ModelJudgement) -> str:
    return (
        f"on the last quarter the model is no better than plan and age alone (log loss {found.log_loss:.4f} against"
        f" {found.log_loss_plain:.4f}, {found.z:.1f} standard errors, and 1.645 are wanted)"
    )


def _leaving(found: Sequence[PendingCancellation], limit: int) -> LeavingCustomers:
    named = [each for each in found if not is_pseudonym(each.customer_id)]
    named.sort(key=lambda each: (each.ends_ms, each))
    return LeavingCustomers(
        customers=len(found),
        mrr=sum(each.mrr for each in found),
        listed=[
            LeavingCustomer(
                customer_id=each.customer_id,
                plan=each.plan,
                mrr=each.mrr,
                reason=each.reason,
                cancelled_at=instant_text(each.said_ms),
                ends_at=instant_text(each.ends_ms),
            )
            for each in named[:limit]
        ],
    )


def _held_out(found: ModelJudgement) -> HeldOutQuarter:
    return HeldOutQuarter(
        observations=found.observations,
        left=found.left,
        expected=found.expected,
        log_loss=found.log_loss,
        log_loss_plan_and_age=found.log_loss_plain,
        z=found.z,
        concordance=found.concordance,
        lift=found.lift,
        calibration=[
            CalibrationTenth(observations=each.observations, expected=each.expected, left=each.left)
            for each in found.bins
        ],
    )


def _at_risk(observations: Observations, limit: int) -> CustomersAtRisk:
    now = observations.chosen(observations.step == 0)
    found = RiskScores(fitted(observations.chosen(observations.step > 0)), now)
    return CustomersAtRisk(
        customers=len(found.probabilities),
        expected=float(found.probabilities.sum()),
        mrr_at_risk=found.mrr_at_risk,
        listed=[_risky(score) for score in found.listed(limit, lambda customer_id: not is_pseudonym(customer_id))],
    )


def _risky(score: Score) -> RiskyCustomer:
    return RiskyCustomer(
        customer_id=score.customer_id,
        plan=score.plan,
        mrr=score.mrr,
        probability=score.probability,
        mrr_at_risk=score.probability * score.mrr,
        reasons=[RiskReason(sign=sign, odds=odds) for sign, odds in score.reasons],
    )
