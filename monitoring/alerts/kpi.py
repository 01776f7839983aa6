"""Alerts of KPIs against their targets, and of a year's retention against its two lines.

Proportions of customers page and warn by the bounds of their Wilson intervals; all others warn on the plain value.
Source: docs/definitions.md, section 6.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from monitoring import phrases, promql
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.ratios import RATIO_BY_NAME, has_windows

#: By ChurnSpike, which is about the same customers.
_HELD_BACK: Final = ("churn", "retention")


@dataclass(frozen=True, slots=True)
class Watched:
    """A ratio that is compared with its target.

    Attributes:
        alert: The alert's name.
        kpi: The ratio's name.
        bad: What counts against it, as "12 customers lost of 300".
        sample: What it is about, as in "300 customers at the start".
        board: The dashboard's path.
        first: What to do first.
    """

    alert: str
    kpi: str
    bad: str
    sample: str
    board: str
    first: str

    @property
    def ratio(self) -> Ratio:
        """The ratio."""
        return RATIO_BY_NAME[self.kpi]


RETENTION_BOARD: Final = "/d/tenure-retention"
ONBOARDING_BOARD: Final = "/d/tenure-onboarding"
REVENUE_BOARD: Final = "/d/tenure-revenue"
FEEDBACK_BOARD: Final = "/d/tenure-feedback"
AT_START: Final = "customers at the start"
_LOST: Final = (
    "Look which segment and which reason the cancellations have in common; stop a failed payment run or release."
)

PROPORTIONS: Final = (
    Watched("ChurnAboveTarget", "churn_standard", "lost", AT_START, RETENTION_BOARD, _LOST),
    Watched("RetentionBelowTarget", "retention", "lost", AT_START, RETENTION_BOARD, _LOST),
    Watched(
        "DropOffAboveTarget",
        "dropoff_7d",
        "without an open subscription after seven days",
        "first signups",
        ONBOARDING_BOARD,
        "Sign up once yourself: a broken step hits every new customer. Then compare channels.",
    ),
    Watched(
        "SilentDropOffAboveTarget",
        "dropoff_silent_7d",
        "silent in their second week",
        "first signups still open after seven days",
        ONBOARDING_BOARD,
        "Look whether activity events still come at their usual rate; if they do, see what these customers did last.",
    ),
    Watched(
        "OnboardingBelowTarget",
        "onboarding",
        "without a completed onboarding",
        "first signups",
        ONBOARDING_BOARD,
        "Go through the onboarding yourself, and look whether its completion is still sent.",
    ),
    Watched(
        "TrialConversionBelowTarget",
        "trial_conversion",
        "not converted",
        "first trials",
        ONBOARDING_BOARD,
        "Turn a trial into a subscription yourself, and look whether what is sent when a trial ends still comes.",
    ),
    Watched(
        "RenewalBelowTarget",
        "renewal",
        "not renewed",
        "terms that ended",
        REVENUE_BOARD,
        "Tell failed payments from declined renewals: failed ones are a matter of the payment provider.",
    ),
    Watched(
        "EngagementBelowTarget",
        "engagement",
        "not heard of",
        "active customers",
        RETENTION_BOARD,
        "Look whether activity events still come at their usual rate, and whether the product can be reached.",
    ),
)
PLAIN: Final = (
    Watched("ChurnLensAboveTarget", "churn_stripe", "", AT_START, RETENTION_BOARD, _LOST),
    Watched("ChurnLensAboveTarget", "churn_baremetrics", "", AT_START, RETENTION_BOARD, _LOST),
    Watched("ChurnLensAboveTarget", "churn_profitwell", "", AT_START, RETENTION_BOARD, _LOST),
    Watched(
        "ExpansionBelowTarget",
        "expansion",
        "",
        AT_START,
        REVENUE_BOARD,
        "Look whether upgrades can still be bought, and whether upgrade events still come.",
    ),
    Watched(
        "CrossSellBelowTarget",
        "cross_sell",
        "",
        "active customers",
        REVENUE_BOARD,
        "Look whether a second subscription can still be bought, and whether its signup names a subscription_id.",
    ),
    Watched(
        "GrossRevenueRetentionBelowTarget",
        "gross_revenue_retention",
        "",
        AT_START,
        REVENUE_BOARD,
        "Tell lost customers from downgrades: MRR churned against MRR contraction.",
    ),
    Watched(
        "NetRevenueRetentionBelowTarget",
        "net_revenue_retention",
        "",
        AT_START,
        REVENUE_BOARD,
        "Tell more loss from less expansion: compare gross revenue retention over the same window.",
    ),
    Watched(
        "QuickRatioBelowTarget",
        "quick_ratio",
        "",
        AT_START,
        REVENUE_BOARD,
        "See which of the five movements of MRR has changed: new, expansion, reactivated, contraction, churned.",
    ),
    Watched("NpsBelowTarget", "nps", "", "answers", FEEDBACK_BOARD, "Read the reasons that detractors gave."),
    Watched("CsatBelowTarget", "csat", "", "answers", FEEDBACK_BOARD, "Read the reasons of answers of 1 and 2."),
    Watched(
        "SurveyResponseBelowTarget",
        "survey_response",
        "",
        "surveys sent",
        FEEDBACK_BOARD,
        "Look whether surveys are still shown in the product, and answered by each way.",
    ),
)


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield all alerts of KPIs against targets and lines."""
    for watched in PROPORTIONS:
        yield _page(watched, pace)
        yield _warning(watched, pace)
    for watched in PLAIN:
        yield _plain(watched, pace)
    yield _line("RetentionBelowStandard", "warn", thresholds.RETENTION_STANDARD, pace)
    yield _line("RetentionBelowBest", "info", thresholds.RETENTION_BEST, pace)


def _enough(name: str, where: str) -> str:
    return (
        f"and {name}:losses{{{where}}} >= {thresholds.LEAST_LOSSES}\n"
        f"and {name}:sample{{{where}}} >= {thresholds.LEAST_SAMPLE}"
    )


def _segments(watched: Watched) -> str:
    """Return the segments that carry it; they are counted as of T, also where the company is not."""
    name = f"segment:{watched.kpi}"
    listed = phrases.above_average(f"{name}:losses", f"{name}:sample", "%q", f" {watched.bad}")
    return f"{phrases.SEGMENTS_WINDOW}{listed}."


def _page(watched: Watched, pace: Pace) -> Alert:
    """Return the page: beyond the target in both windows, at the page's confidence."""
    ratio, name = watched.ratio, f"{promql.level_of(watched.ratio)}:{watched.kpi}"
    short, long = thresholds.PAGE_WINDOWS
    beyond, bound = ("<", "at most") if ratio.higher_is_better else (">", "at least")

    def breach(window: str) -> str:
        where, target = f'{promql.ALL},window="{window}"', f'{promql.TARGET}{{kpi="{watched.kpi}",window="{window}"}}'
        return (
            f"(\n  {name}:wilson_page{{{where}}} {beyond} on (window) group_left () {target}\n"
            f"  {_enough(name, where)}\n)".replace("\nand", "\n  and")
        )

    def said(window: str, heading: str) -> str:
        k, n = (phrases.of_window(f"{name}:{part}", window, phrases.COUNT) for part in ("losses", "sample"))
        value = phrases.of_window(f"{name}:ratio", window, phrases.SHARE)
        sure = phrases.of_window(f"{name}:wilson_page", window, phrases.SHARE)
        target = phrases.target_of(ratio, window)
        return (
            f"{heading}: {k} {watched.bad} of {n} {watched.sample}: {value},"
            f" target {target}{phrases.converted(ratio, window)}."
            f" Chance allowed for, it is {bound} {sure} (99.87 % sure)."
        )

    k, n = (phrases.of_window(f"{name}:{part}", long, phrases.COUNT) for part in ("losses", "sample"))
    return Alert(
        watched.alert,
        "page",
        "kpi",
        f'{name}:ratio{{{promql.ALL},window="{long}"}}\nand on () {breach(long)}\nand on () {breach(short)}'
        f"{promql.GUARD}",
        pace.after if ratio.path[0] in _HELD_BACK else pace.page,
        f"{ratio.title}: {phrases.own(phrases.SHARE)} in 7 days ({k} of {n}), target {phrases.target_of(ratio, long)}",
        "\n".join(
            (
                said(long, "Last 7 days"),
                said(short, "Last day"),
                _segments(watched)
                + (phrases.reasons(long) if ratio.path[0] in _HELD_BACK else "")
                + phrases.owner_of(ratio),
                f"First: {watched.first}",
            )
        ),
        f"{watched.board}?var-window={long}",
        pace.keep,
        {"kpi": watched.kpi},
    )


def _warning(watched: Watched, pace: Pace) -> Alert:
    """Return the warning, in any window that has a target."""
    ratio, name = watched.ratio, f"{promql.level_of(watched.ratio)}:{watched.kpi}"
    beyond, end, bound = ("<", "high", "at most") if ratio.higher_is_better else (">", "low", "at least")
    k, n = (phrases.of_window(f"{name}:{part}", "%q", phrases.COUNT) for part in ("losses", "sample"))
    target, sure = phrases.target_of(ratio, "%q"), phrases.of_window(f"{name}:wilson_{end}", "%q", phrases.SHARE)
    value = phrases.own(phrases.SHARE)
    return Alert(
        watched.alert,
        "warn",
        "kpi",
        f"{name}:ratio{{{promql.ALL}}}\n"
        f"and ({name}:wilson_{end}{{{promql.ALL}}} {beyond} on (window) group_left ()"
        f' {promql.TARGET}{{kpi="{watched.kpi}"}})\n'
        f"{_enough(name, promql.ALL)}{promql.GUARD}",
        pace.warn,
        f"{ratio.title}: {value} in the window {{{{ $labels.window }}}} ({k} of {n}), target {target}",
        "\n".join(
            (
                f"{k} {watched.bad} of {n} {watched.sample} in the window {{{{ $labels.window }}}}:"
                f" {value}, target {target}. Chance allowed for, it is {bound} {sure} (97.5 % sure).",
                _segments(watched),
                f"First: {watched.first}",
            )
        ),
        f"{watched.board}?var-window={{{{ $labels.window }}}}",
        pace.keep,
        {"kpi": watched.kpi},
    )


def _plain(watched: Watched, pace: Pace) -> Alert:
    """Return the warning of a ratio without an interval; one without a window is held against each of its targets."""
    ratio, name = watched.ratio, f"segment:{watched.kpi}"
    beyond, to_scale = "<" if ratio.higher_is_better else ">", phrases.on_scale(ratio)
    value, target = phrases.own(phrases.shown_as(ratio)), phrases.target_of(ratio, "%q")
    if has_windows(ratio):
        place, labels, to_each, n = (
            "in the window {{ $labels.window }}",
            "on (window) group_left ()",
            "and",
            (phrases.of_window(f"{name}:sample", "%q", phrases.COUNT)),
        )
    else:
        place, labels, to_each, n = (
            "now",
            "on () group_right ()",
            "and on ()",
            (phrases.looked_up(f"{name}:sample{{{promql.ALL}}}", phrases.COUNT)),
        )
    return Alert(
        watched.alert,
        "warn",
        "kpi",
        f'{to_scale}{name}:ratio{{{promql.ALL}}} {beyond} {labels} {to_scale}{promql.TARGET}{{kpi="{watched.kpi}"}}\n'
        f"{to_each} {name}:sample{{{promql.ALL}}} >= {thresholds.LEAST_SAMPLE}{promql.GUARD}",
        pace.warn,
        f"{ratio.title}: {value} {place}, target {target}",
        "\n".join(
            (
                f"{value} over {n} {watched.sample} {place}; the target is {target}."
                " The plain value is compared: no interval is known for it.",
                f"{phrases.SEGMENTS_WINDOW}{phrases.worst_segments(ratio)}.",
                f"First: {watched.first}",
            )
        ),
        f"{watched.board}?var-window={{{{ $labels.window }}}}",
        pace.keep,
        {"kpi": watched.kpi},
    )


def _line(alert: str, severity: str, line: float, pace: Pace) -> Alert:
    """Return the alert of a year's retention that is surely below a line."""
    where = f'{promql.ALL},window="{thresholds.RETENTION_WINDOW}"'
    n = phrases.of_window("segment:retention:sample", thresholds.RETENTION_WINDOW, phrases.COUNT)
    k = phrases.of_window("segment:retention:losses", thresholds.RETENTION_WINDOW, phrases.COUNT)
    sure = phrases.of_window("segment:retention:wilson_high", thresholds.RETENTION_WINDOW, phrases.SHARE)
    value = phrases.own(phrases.SHARE)
    return Alert(
        alert,
        severity,
        "kpi",
        f"segment:retention:ratio{{{where}}}\n"
        f"and segment:retention:wilson_high{{{where}}} < {promql.number(line)}\n"
        f"{_enough('segment:retention', where)}{promql.GUARD}",
        pace.warn,
        f"Retention of a year is {value}, below {line:.0%} ({k} of {n} customers lost)",
        f"{k} of {n} customers of a year ago are gone: {value} are left, with chance allowed for at most {sure}"
        f" (97.5 % sure); the line is {line:.0%}.\nIt moves slowly and stays for long: no night's work.\n"
        "First: see in the cohort table which months' customers left, and when.",
        f"{RETENTION_BOARD}?var-window={thresholds.RETENTION_WINDOW}",
        pace.keep,
        {"kpi": "retention_line"},
    )
