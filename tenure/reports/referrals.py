"""Referrals as a document: what `tenure referrals --json` prints.

In the terminal: `tenure.reports.care_text`. What the numbers mean: docs/support.md.
"""

from __future__ import annotations

from kpis.choosing.groups import ScanQuestion
from kpis.instants import instant_text
from kpis.population.comparison import log_rank
from kpis.population.lifetime import Durations
from kpis.population.referrals import ReferralScan
from schemas.documents.referrals import ReferralGroup, ReferralsReport
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, lacking, open_source, scanned, where_text
from tenure.reports.feedback import churn_of, tested
from tenure.reports.lifetime import curve_of


async def read_referrals(settings: Settings, scope: Scope) -> ReferralsReport:
    """Return the referrals of the running stream, or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Of whom.

    Raises:
        TenureError: As `tenure.reports.customers.open_source` and `scanned`.
    """
    async with open_source(settings, scope) as source:
        question = ScanQuestion[ReferralScan](
            ("referrals", source.at_ms),
            lambda choice: ReferralScan(
                at_ms=source.at_ms, bucket_ms=settings.bucket_minutes * 60_000, what=settings.what_counts, where=choice
            ),
            lambda scan, each: scan.take(each.names, each.customer_id, each.customer),
        )
        scan = await scanned(source, question)
    found = scan.referrals()
    brought, others = found.stays
    report = ReferralsReport(
        as_of=instant_text(source.at_ms),
        referrers=found.referrers,
        referred=found.referred,
        brought=_group(brought),
        others=_group(others),
        log_rank=tested(log_rank([brought, others])),
        where=where_text(scope),
    )
    return lacking(report, source)


def _group(found: Durations) -> ReferralGroup:
    return ReferralGroup(churn=churn_of(found), curve=curve_of(found))
