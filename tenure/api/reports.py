"""The reports that can be asked for: one list, of which paths, tools, the OpenAPI document and docs/api.md are made.

Each answers with the document that its command prints with `--json`. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Final, NamedTuple

from kpis.instants import end_of_bucket_ms
from schemas.catalogue.lenses import Lens
from schemas.catalogue.windows import MONTH
from schemas.documents.cohorts import CohortReport
from schemas.documents.customer import CustomerTimeline
from schemas.documents.digest import DigestReport
from schemas.documents.drivers import DriversReport
from schemas.documents.experiments import ExperimentsReport
from schemas.documents.explanation import Explanation, LensComparison
from schemas.documents.feedback import FeedbackReport
from schemas.documents.forecast import ForecastReport
from schemas.documents.lifetime import LifetimeReport
from schemas.documents.marks import MarksReport
from schemas.documents.periods import PeriodList, PeriodReport
from schemas.documents.reasons import ReasonsReport
from schemas.documents.referrals import ReferralsReport
from schemas.documents.report import Report
from schemas.documents.risk import RiskReport
from schemas.documents.sql import SqlAnswer
from schemas.documents.support import SupportReport
from schemas.documents.targets import ListedTarget
from schemas.documents.usage import UsageReport
from schemas.documents.value import ValueReport
from streams.clock import WallClock
from streams.errors import UsageError
from streams.settings.settings import Settings
from tenure.api.asked import ApiParameter, RequestedReport
from tenure.commands.explain import checked_explainable
from tenure.commands.explain_options import checked_window
from tenure.commands.options import checked_dimensions, checked_filter, checked_windows
from tenure.commands.printing import only as only_windows
from tenure.operations import targets
from tenure.outlets.sql import LIMITS, answer_sql, checked_sql
from tenure.reports import (
    cohorts,
    customer,
    digest,
    drivers,
    experiments,
    explain,
    feedback,
    forecast,
    kpi,
    lifetime,
    marks,
    periods,
    reasons,
    referrals,
    risk,
    support,
    usage,
    value,
)
from tenure.reports.customers import Scope, StretchPasses, stretch_passes
from tenure.reports.instants import parse_boundary_ms
from tenure.reports.kept import KeptScans
from tenure.reports.scan_thread import ScanThread

MOST_ROWS: Final = 10_000
MOST_MEMBERS: Final = 1_000
MOST_DAYS: Final = 365

_AS_OF: Final = ApiParameter(
    "as_of", "As of T: a date, or an instant such as 2026-03-01T00:00:00Z, on a bucket boundary. Now by default."
)
_BY: Final = ApiParameter("by", "Also by this dimension: plan, country, channel or another.", many=True)
_ONE_BY: Final = _BY._replace(many=False)
_WINDOW: Final = ApiParameter("window", "The window, such as 7d or month; 30d by default.")
_LIMIT: Final = ApiParameter("limit", "Name so many customers of each kind at most.", kind="integer")
_WHERE: Final = ApiParameter("where", "Only customers of these values, such as plan = pro and not channel = ads.")
_LENS: Final = ApiParameter(
    "lens", "Only this definition of churn.", many=True, values=tuple(lens.value for lens in Lens)
)


class ApiReport(NamedTuple):
    """A report that can be asked for.

    Attributes:
        name: Its path, and its tool.
        meaning: What it answers, in a sentence or two.
        parameters: What can be chosen.
        document: The type of the answer, as msgspec takes it.
        answer: Makes it.
    """

    name: str
    meaning: str
    parameters: tuple[ApiParameter, ...]
    document: Any
    answer: Callable[[Settings, RequestedReport], Awaitable[Any]]


def _at_ms(settings: Settings, text: str) -> int:
    minutes, zone = settings.bucket_minutes, settings.business_time_zone
    return parse_boundary_ms(text, bucket_minutes=minutes, time_zone=zone, option="as_of")


def _scope(settings: Settings, asked: RequestedReport) -> Scope:
    text = asked.one("as_of")
    at_ms = None if text is None else _at_ms(settings, text)
    where = checked_filter(asked.one("where"), settings)
    by, passes = checked_dimensions(asked.many("by"), settings), _passes(settings.redis_address, settings.redis_prefix)
    return Scope(at_ms, by, where=where, stretches=passes.stretches, kept=passes.kept)


class _StreamPasses(NamedTuple):
    """The last passes over all customers of a stream, so that a further filter need not make others."""

    stretches: StretchPasses
    kept: KeptScans


@cache
def _passes(redis_address: str, prefix: str) -> _StreamPasses:
    del redis_address, prefix
    return _StreamPasses(stretch_passes(_SCANS), KeptScans(_SCANS))


_SCANS: Final = ScanThread()


def stop_scans() -> None:
    """End all scans that go on after their reports were given up."""
    _SCANS.stop()


def _lenses(asked: RequestedReport) -> list[Lens]:
    return [Lens(text) for text in asked.many("lens")]


async def _kpi(settings: Settings, asked: RequestedReport) -> list[Report]:
    by, windows = checked_dimensions(asked.many("by"), settings), checked_windows(asked.many("window"), settings)
    now_ms = end_of_bucket_ms(WallClock().now_ms(), settings.bucket_minutes)
    instants = [_at_ms(settings, text) for text in asked.many("as_of")] or [now_ms]
    where = checked_filter(asked.one("where"), settings)
    scans = _passes(settings.redis_address, settings.redis_prefix).kept.combined
    found = await kpi.read_report(settings, at_ms=instants, by=by, where=where, scans=scans)
    return [only_windows(entry, windows=windows, lenses=_lenses(asked)) for entry in found]


async def _period(settings: Settings, asked: RequestedReport) -> list[PeriodReport]:
    by = checked_dimensions(asked.many("by"), settings)
    found = await periods.read_periods(settings, asked.many("period"), by=by)
    return [only_windows(entry, windows=(), lenses=_lenses(asked)) for entry in found]


async def _periods(settings: Settings, asked: RequestedReport) -> PeriodList:
    return await periods.read_list(settings, limit=asked.count("limit", 10, MOST_MEMBERS))


async def _explain(settings: Settings, asked: RequestedReport) -> Explanation:
    lens = _lenses(asked)
    name = checked_explainable(asked.text("kpi"), lens[0] if lens else None)
    return await explain.read_explanation(settings, name, _query(settings, asked))


def _query(settings: Settings, asked: RequestedReport) -> explain.ExplainQuery:
    if asked.one("value") is not None and asked.one("by") is None:
        raise UsageError(f"value={asked.one('value')}: say of which dimension, with by")
    limit = asked.count("limit", 20, MOST_MEMBERS)
    window = checked_window(asked.one("window"), settings)
    return explain.ExplainQuery(_scope(settings, asked), window, asked.one("value"), limit)


async def _all_lenses(settings: Settings, asked: RequestedReport) -> LensComparison:
    return await explain.read_lenses(settings, _query(settings, asked))


async def _customer(settings: Settings, asked: RequestedReport) -> CustomerTimeline:
    windows = checked_windows(asked.many("window"), settings)
    chosen = windows or (*(f"{days}d" for days in settings.windows_days), MONTH)
    return await customer.read_customer_timeline(settings, asked.text("customer_id"), _scope(settings, asked), chosen)


async def _cohorts(settings: Settings, asked: RequestedReport) -> CohortReport:
    return await cohorts.read_cohorts(settings, _scope(settings, asked), period=asked.text("period", MONTH))


async def _lifetime(settings: Settings, asked: RequestedReport) -> LifetimeReport:
    return await lifetime.read_lifetime(settings, _scope(settings, asked))


async def _feedback(settings: Settings, asked: RequestedReport) -> FeedbackReport:
    return await feedback.read_feedback(settings, _scope(settings, asked), limit=asked.count("limit", 10, MOST_MEMBERS))


async def _drivers(settings: Settings, asked: RequestedReport) -> DriversReport:
    return await drivers.read_drivers(settings, _scope(settings, asked))


async def _risk(settings: Settings, asked: RequestedReport) -> RiskReport:
    return await risk.read_risk(settings, _scope(settings, asked), limit=asked.count("limit", 20, MOST_MEMBERS))


async def _forecast(settings: Settings, asked: RequestedReport) -> ForecastReport:
    return await forecast.read_forecast(settings, _scope(settings, asked))


async def _experiments(settings: Settings, asked: RequestedReport) -> ExperimentsReport:
    measures, control = asked.many("measure"), asked.one("control")
    return await experiments.read_experiments(settings, _scope(settings, asked), measures=measures, control=control)


async def _marks(settings: Settings, asked: RequestedReport) -> MarksReport:
    return await marks.read_marked(settings, _scope(settings, asked), days=max(1, asked.count("days", 30, MOST_DAYS)))


async def _support(settings: Settings, asked: RequestedReport) -> SupportReport:
    window = checked_window(asked.one("window"), settings)
    return await support.read_support(settings, _scope(settings, asked), window=window)


async def _referrals(settings: Settings, asked: RequestedReport) -> ReferralsReport:
    return await referrals.read_referrals(settings, _scope(settings, asked))


async def _usage(settings: Settings, asked: RequestedReport) -> UsageReport:
    return await usage.read_usage(settings, _scope(settings, asked))


async def _value(settings: Settings, asked: RequestedReport) -> ValueReport:
    return await value.read_value(settings, _scope(settings, asked))


async def _reasons(settings: Settings, asked: RequestedReport) -> ReasonsReport:
    window = checked_window(asked.one("window"), settings)
    found = await reasons.read_reasons(settings, _scope(settings, asked), window=window)
    return reasons.only(found, ["cancellations", "survey_answers"])


async def _features(settings: Settings, asked: RequestedReport) -> ReasonsReport:
    window = checked_window(asked.one("window"), settings)
    return reasons.only(await reasons.read_reasons(settings, _scope(settings, asked), window=window), ["features"])


async def _digest(settings: Settings, asked: RequestedReport) -> DigestReport:
    return await digest.read_digest(settings, _scope(settings, asked), asked.one("week"))


async def _targets(settings: Settings, asked: RequestedReport) -> list[ListedTarget]:
    del asked
    return targets.listed(await targets.current(settings), now_ms=WallClock().now_ms())


async def _sql(settings: Settings, asked: RequestedReport) -> SqlAnswer:
    query = checked_sql(asked.text("statement"), asked.count("limit", 1_000, MOST_ROWS))
    return await answer_sql(settings, _scope(settings, asked), query, limits=LIMITS)


REPORTS: Final = (
    ApiReport(
        "kpi",
        "Every count and ratio, as of now or of any earlier instant, by segment too.",
        (
            _AS_OF._replace(many=True),
            _BY,
            _WHERE,
            _WINDOW._replace(many=True, meaning="Only this window, such as 30d or month; all by default."),
            _LENS,
        ),
        list[Report],
        _kpi,
    ),
    ApiReport(
        "period",
        "A calendar month or year as of its own end, and what late events have changed of it since.",
        (ApiParameter("period", "2026-10 or 2026.", required=True, many=True), _BY, _LENS),
        list[PeriodReport],
        _period,
    ),
    ApiReport(
        "periods",
        "The latest months and years with their revisions, and the latest restatements.",
        (ApiParameter("limit", "Restatements at most.", kind="integer"),),
        PeriodList,
        _periods,
    ),
    ApiReport(
        "explain",
        "Which customers make up a count or a ratio, by which events, and the rule that included or excluded each.",
        (
            ApiParameter("kpi", "A count or a ratio of the catalogue, such as customers_lost or churn.", required=True),
            _AS_OF,
            _WINDOW,
            _ONE_BY,
            ApiParameter("value", "Only this value of the dimension."),
            _LENS._replace(many=False, meaning="Which definition churn means."),
            _WHERE,
            _LIMIT,
        ),
        Explanation,
        _explain,
    ),
    ApiReport(
        "lenses",
        "Churn by four published definitions, and the customers that make them differ.",
        (_AS_OF, _WINDOW, _ONE_BY, _LIMIT),
        LensComparison,
        _all_lenses,
    ),
    ApiReport(
        "customer",
        "One customer's events, subscriptions and movements, and the counts that the customer is in.",
        (
            ApiParameter("customer_id", "Who, letter by letter.", required=True),
            _AS_OF,
            _WINDOW._replace(many=True, meaning="Only the counts of this window; all by default."),
        ),
        CustomerTimeline,
        _customer,
    ),
    ApiReport(
        "cohorts",
        "Who stays of those that became customers in each month or week, and of their first MRR.",
        (ApiParameter("period", "The length of the periods.", values=(MONTH, "week")), _AS_OF, _BY, _WHERE),
        CohortReport,
        _cohorts,
    ),
    ApiReport(
        "lifetime",
        "How long customers stay: the survival curve with its interval.",
        (_AS_OF, _BY, _WHERE),
        LifetimeReport,
        _lifetime,
    ),
    ApiReport(
        "feedback",
        "How long customers stay after what they answered, and the detractors whose answer waits.",
        (_AS_OF, _WHERE, _LIMIT),
        FeedbackReport,
        _feedback,
    ),
    ApiReport(
        "drivers",
        "Which features, answers, plans and other traits go with staying; not what keeps customers.",
        (_AS_OF, _WHERE),
        DriversReport,
        _drivers,
    ),
    ApiReport(
        "risk",
        "Who has cancelled and is still here, and who else may leave within 30 days; it needs scikit-learn.",
        (_AS_OF, _WHERE, _LIMIT),
        RiskReport,
        _risk,
    ),
    ApiReport(
        "forecast",
        "Customers and MRR of the next twelve months, with 80 % bands and how such bands did in the past.",
        (_AS_OF, _WHERE),
        ForecastReport,
        _forecast,
    ),
    ApiReport(
        "experiments",
        "Whether measures keep customers: how long those stay who saw each variant, and how variants compare.",
        (
            _AS_OF,
            _WHERE,
            ApiParameter("measure", "Only this measure.", many=True),
            ApiParameter("control", "The variant that the others are compared with."),
        ),
        ExperimentsReport,
        _experiments,
    ),
    ApiReport(
        "marks",
        "What happened to all customers, each with churn in the days before and after it.",
        (_AS_OF, _WHERE, ApiParameter("days", "Before and after; 30 by default.", kind="integer")),
        MarksReport,
        _marks,
    ),
    ApiReport(
        "support",
        "How long tickets wait for an answer and for a solution, and who leaves after one.",
        (_AS_OF, _WINDOW, _WHERE),
        SupportReport,
        _support,
    ),
    ApiReport(
        "referrals",
        "Who was brought by other customers, and whether those stay longer than the rest.",
        (_AS_OF, _WHERE),
        ReferralsReport,
        _referrals,
    ),
    ApiReport(
        "usage",
        "On how many of the last 30 days customers used the product, who fell asleep and who woke up.",
        (_AS_OF, _WHERE),
        UsageReport,
        _usage,
    ),
    ApiReport(
        "value",
        "What a customer brings in the time that they stay, beside the cost of acquiring one.",
        (_AS_OF, _BY, _WHERE),
        ValueReport,
        _value,
    ),
    ApiReport(
        "reasons",
        "Why customers cancel and what they answer, beside the window before.",
        (_AS_OF, _WINDOW, _BY, _WHERE),
        ReasonsReport,
        _reasons,
    ),
    ApiReport(
        "features",
        "What engaged customers use, beside the window before.",
        (_AS_OF, _WINDOW, _BY, _WHERE),
        ReasonsReport,
        _features,
    ),
    ApiReport(
        "digest",
        "A week in numbers beside the week before and the targets, and what was corrected of the last digest.",
        (ApiParameter("week", "An ISO week, such as 2026-W47; the last one that is over by default."), _BY),
        DigestReport,
        _digest,
    ),
    ApiReport("targets", "The targets that hold, with owner and review.", (), list[ListedTarget], _targets),
    ApiReport(
        "sql",
        "One SELECT of DuckDB over customers, subscriptions, history, movements, surveys, renewals, counts, ratios and"
        " cells; docs/sql.md lists their columns, and so does DESCRIBE.",
        (
            ApiParameter("statement", "The SELECT.", required=True),
            _AS_OF,
            ApiParameter("limit", "Rows at most; 1000 by default.", kind="integer"),
        ),
        SqlAnswer,
        _sql,
    ),
)
"""All of them, in the order of the documents."""
REPORT_BY_NAME: Final = {report.name: report for report in REPORTS}
