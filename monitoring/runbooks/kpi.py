"""Runbooks of the alerts that compare KPIs with their targets."""

from typing import Final

from monitoring import phrases, promql
from monitoring.alerts import thresholds
from monitoring.runbooks.runbook import Runbook
from schemas.catalogue.ratios import RATIO_BY_NAME, has_windows

COMPLETE: Final = (
    "Are the numbers complete? 1 or nothing; while nothing comes back, read [TenureIncomplete](TenureIncomplete.md)"
    " instead.",
    "stream:complete:bool",
)
SOURCES: Final = (
    "Do events of every type still come, from every source? One that stands still makes KPIs lie.",
    "sum by (type, source) (increase(tenure_feed_events_total[1h]))",
)
DOCTOR: Final = ("What does a look from here at Kafka and the topics say?", "tenure topics")
_REAL_INTERVAL: Final = (
    "The interval of Wilson is beyond the target, not the value alone: chance would do that in one case of 40 (warning)"
    f" or 750 (page), and it wants {thresholds.LEAST_LOSSES} bad outcomes of {thresholds.LEAST_SAMPLE}. A page"
    " needs the"
    " last day and the last seven days together. What can still fool it: a feed that lacks events (then"
    " [EventSourceQuiet](EventSourceQuiet.md) fires, or soon will), a producer that sends something twice under"
    " new ids,"
    " or a target that was set too tight (`tenure target history`)."
)
_REAL_PLAIN: Final = (
    "No interval is known for this ratio: the plain value is compared, over at least"
    f" {thresholds.LEAST_SAMPLE} customers or answers. Small samples swing; compare the longer window. It only warns."
)


def explained(kpi: str, window: str = "7d") -> tuple[str, str]:
    """Return the command that names the customers of a count or a ratio, and what it is for."""
    return "Which customers are it, by which events, and why?", f"tenure explain {kpi} --window {window}"


#: Of pages about churn.
OUTLASTED: Final = (
    f"It does not resolve by itself if churn ends during an outage that is longer than {thresholds.SHIPPED.keep}"
    f" ({thresholds.SHIPPED.outlast} for a spike): while numbers are missing its end is held back, as its beginning"
    " would be. When numbers are back and this alert does not fire, close the incident by hand."
)


def _proportion(
    kpi: str, short: str, means: str, do: tuple[str, ...], *more: tuple[str, str], window: str = "7d"
) -> Runbook:
    ratio = RATIO_BY_NAME[kpi]
    name = f"{promql.level_of(ratio)}:{kpi}"
    allowed = f'{promql.TARGET}{{kpi="{kpi}"}}'
    allowed = f"(1 - {allowed})" if ratio.higher_is_better else allowed
    segments = f'dimension!="all",window="{"30d" if window == "365d" else window}"'
    look = (
        ("The value, its sample and its target, by window.", f"{name}:ratio{{{promql.ALL}}}"),
        ("", f"{name}:sample{{{promql.ALL}}}"),
        ("", f'{promql.TARGET}{{kpi="{kpi}"}}'),
        (
            "Which segments have more bad outcomes than the target allows them, in customers.",
            f"sort_desc(segment:{kpi}:losses{{{segments}}}\n"
            f"  - segment:{kpi}:sample{{{segments}}} * on (window) group_left () {allowed})",
        ),
        *more,
        COMPLETE,
        SOURCES,
        explained(kpi, window),
    )
    return Runbook(short, means, _REAL_INTERVAL, look, do)


def _plain(kpi: str, short: str, means: str, do: tuple[str, ...], *more: tuple[str, str]) -> Runbook:
    ratio, name = RATIO_BY_NAME[kpi], f"segment:{kpi}"
    scale = phrases.on_scale(ratio)
    order, window = "sort" if ratio.higher_is_better else "sort_desc", ',window="30d"' if has_windows(ratio) else ""
    look = (
        ("The value, what it is about, and its target, by window.", f"{scale}{name}:ratio{{{promql.ALL}}}"),
        ("", f"{name}:sample{{{promql.ALL}}}"),
        ("", f'{scale}{promql.TARGET}{{kpi="{kpi}"}}'),
        ("The segments, the worst first.", f'{order}({scale}{name}:ratio{{dimension!="all"{window}}})'),
        *more,
        COMPLETE,
        SOURCES,
        explained(kpi, "30d"),
    )
    return Runbook(short, means, _REAL_PLAIN, look, do)


_INVOLUNTARY: Final = (
    "How many of the cancellations were failed payments?",
    f"segment:tenure_cancellations_involuntary:sum{{{promql.ALL}}} / segment:tenure_cancellations:sum{{{promql.ALL}}}",
)
_MOVEMENTS: Final = (
    "The five movements of MRR (minor units).",
    "\nor ".join(
        f'label_replace(segment:tenure_mrr_{name}:sum{{dimension="all",window="30d"}}, "movement", "{name}", "", "")'
        for name in ("new", "expansion", "reactivated", "contraction", "churned")
    ),
)
_CHURN_DO: Final = (
    "See whether many of the cancellations are failed payments. If so, this is the payment provider's or the billing"
    " job's: call whoever runs them, and read [InvoluntaryChurnRising](InvoluntaryChurnRising.md).",
    "See whether one plan, country or channel carries it. Stop what only they got: a release, a price, an e-mail.",
    "If it is everywhere and began at one hour, compare with deployments of that hour, and roll back.",
    "If nothing explains it, it is no emergency: hand it to the owner of the target (`tenure target list`) in the"
    " morning, with the segment and the reasons.",
    OUTLASTED,
)

RUNBOOKS: Final = {
    "ChurnAboveTarget": _proportion(
        "churn_standard",
        "More customers are lost than the target allows.",
        "Of the customers at the start of the window, more are gone at its end than the target allows. It counts"
        " people:"
        " who left and came back inside the window is not lost.",
        _CHURN_DO,
        _INVOLUNTARY,
    ),
    "RetentionBelowTarget": _proportion(
        "retention",
        "Fewer customers stay than the target wants.",
        "Retention is 1 − churn: of the customers at the start of the window, too few are still customers at its end."
        " Where churn has a target as well, its alert holds this one back.",
        _CHURN_DO,
        _INVOLUNTARY,
    ),
    "DropOffAboveTarget": _proportion(
        "dropoff_7d",
        "More new signups are gone on their seventh day than the target allows.",
        "Of the first signups, trials and free plans among them, whose first seven days ended in the window, too many"
        " had no open subscription any more. It is about"
        " signups of a week ago and before: today's damage shows in a week. It is judged at the last closed hour, since"
        " the running one is not over for those whose seventh day ends in it.",
        (
            "Sign up, pay and use the product once yourself. A broken step hits everybody.",
            "Compare channels: one bad campaign brings customers who never meant to stay; stop it.",
            "Compare onboarding and activity of the same days; hand it to the owner of the target in the morning.",
        ),
    ),
    "SilentDropOffAboveTarget": _proportion(
        "dropoff_silent_7d",
        "More new signups fall silent in their second week than the target allows.",
        "Of the first signups with an open subscription after seven days, too many had no activity and answered no"
        " survey in the seven days after. They are still there; silence comes before the cancel.",
        (
            "Look first whether activity events come at their usual rate: a broken tracker looks exactly like this.",
            "See what the silent ones did last, and in which segment they are.",
            "Hand it to whoever writes to new customers; nobody needs to be woken for more.",
        ),
    ),
    "OnboardingBelowTarget": _proportion(
        "onboarding",
        "Fewer new signups complete the onboarding than the target wants.",
        "Of the first signups whose first seven days ended in the window, too few completed the onboarding in them.",
        (
            "Go through the onboarding yourself; look for the step that does not end.",
            "Look whether its completion is still sent: `onboarding` events per hour.",
            "Compare channels and plans; hand it to the owner of the target.",
        ),
    ),
    "TrialConversionBelowTarget": _proportion(
        "trial_conversion",
        "Fewer trials become customers than the target wants.",
        "Of the first trials whose time to convert (the setting `trial_days`) ended in the window, too few led to a"
        " subscription that counts. People who had been customers before are not among them. It is about trials that"
        " began so long ago: today's damage shows when they mature.",
        (
            "Turn a trial into a subscription once yourself: a checkout that is broken loses all of them.",
            "Look whether the end of a trial is still sent: a signup or change without `trial`, for the same"
            " `subscription_id` ([FactsWithoutEffect](FactsWithoutEffect.md) says if it goes elsewhere).",
            "See that `trial_days` is more than the longest trial: what converts later does not count.",
            "Compare channels and plans; hand it to the owner of the target.",
        ),
    ),
    "RenewalBelowTarget": _proportion(
        "renewal",
        "Fewer terms are renewed than the target wants.",
        "Of the terms that ended in the window, too few were renewed: the customers declined, or the renewal failed.",
        (
            "Tell failed from declined. Failed renewals are payments: see that retries run, call the provider.",
            "Declined ones: see the plan and the price they would have renewed at.",
            "Hand declined ones to the owner of the target.",
        ),
        (
            "Failed and declined renewals.",
            'segment:tenure_renewals_failed:sum{dimension="all"}\n'
            'or segment:tenure_renewals_declined:sum{dimension="all"}',
        ),
    ),
    "EngagementBelowTarget": _proportion(
        "engagement",
        "Fewer customers use the product than the target wants.",
        "Of the active customers, too few did anything or answered a survey in the window. Targets of engagement"
        " are not"
        " converted between windows: the day's, the week's and the month's are three targets.",
        (
            "Look whether activity events come at their usual rate. If not, it is the tracker.",
            "Look whether the product can be reached, by country.",
            "Mind holidays: the same weekday a year ago is the fair comparison.",
        ),
    ),
    "RetentionBelowStandard": _proportion(
        "retention",
        f"A year's retention is surely below {thresholds.RETENTION_STANDARD:.0%}, the standard of most SaaS companies.",
        f"Of the customers of a year ago, fewer than {thresholds.RETENTION_STANDARD:.0%} are left, with chance allowed"
        " for. A window of a year moves slowly: this does not come overnight and does not go overnight.",
        (
            "Nothing tonight.",
            "See in the cohort table which months' customers left, and after how long.",
            "Bring it to those who decide on product and price.",
        ),
        window=thresholds.RETENTION_WINDOW,
    ),
    "RetentionBelowBest": _proportion(
        "retention",
        f"A year's retention is surely below {thresholds.RETENTION_BEST:.0%}, the line of the best.",
        f"Of the customers of a year ago, fewer than {thresholds.RETENTION_BEST:.0%} are left. Most companies"
        " live there;"
        " it is shown, and nobody is told.",
        ("Nothing, unless it is your goal.", "See in the cohort table which months' customers left."),
        window=thresholds.RETENTION_WINDOW,
    ),
    "ChurnLensAboveTarget": _plain(
        "churn_stripe",
        "Churn by the definition of Stripe, Baremetrics or ProfitWell is above its target.",
        "One of the other definitions of churn (label `kpi`) has a target of its own and is above it. They count"
        " cancellations, not people, so that they are higher where customers leave and come back.",
        (
            "Compare the standard lens, which has statistics: if it is fine, this is customers who come and go.",
            "Otherwise follow [ChurnAboveTarget](ChurnAboveTarget.md).",
        ),
        _INVOLUNTARY,
    ),
    "ExpansionBelowTarget": _plain(
        "expansion",
        "Fewer customers upgrade than the target wants.",
        "Upgrades, customers who stay and pay more, per customer at the start of the window are below the target.",
        (
            "Look whether an upgrade can be bought: do it once.",
            "Look whether `upgrade` events come at their usual rate.",
            "Hand it to the owner of the target.",
        ),
    ),
    "CrossSellBelowTarget": _plain(
        "cross_sell",
        "Fewer customers have several subscriptions than the target wants.",
        "Of the active customers, too few have two or more subscriptions that count. It is as of now and has no"
        " window: targets of all windows are compared with the same number. It moves slowly, and only warns.",
        (
            "Look whether a second subscription can be bought: do it once.",
            "See that each signup names a `subscription_id` of its own: without, the second one changes the first.",
            "Hand it to the owner of the target.",
        ),
    ),
    "GrossRevenueRetentionBelowTarget": _plain(
        "gross_revenue_retention",
        "More recurring revenue is lost than the target allows.",
        "Of the MRR at the start of the window, too little is left, growth not counted: customers left or moved to"
        " cheaper plans.",
        (
            "Tell churned from contracted MRR. One large customer may be all of it.",
            "If it is downgrades, see which plan they leave and since when.",
            "Hand it to the owner of the target.",
        ),
        _MOVEMENTS,
    ),
    "NetRevenueRetentionBelowTarget": _plain(
        "net_revenue_retention",
        "Those who were customers pay less than the target wants.",
        "The MRR of the customers of the start, over their MRR then, is below the target: more loss, or less"
        " expansion.",
        (
            "Compare gross revenue retention: if it stands, expansion is what is missing.",
            "See the movements of MRR; one large customer may be all of it.",
            "Hand it to the owner of the target.",
        ),
        _MOVEMENTS,
    ),
    "QuickRatioBelowTarget": _plain(
        "quick_ratio",
        "Revenue won is small against revenue lost.",
        "MRR won (new, expansion, reactivated) over MRR lost (contraction, churned) is below the target.",
        ("See which of the five movements changed.", "Hand it to the owner of the target."),
        _MOVEMENTS,
    ),
    "NpsBelowTarget": _plain(
        "nps",
        "Customers recommend the product less than the target wants.",
        "Promoters less detractors, over all NPS answers of the window, from −100 to 100, is below the target.",
        (
            "Read the reasons of the detractors of this window.",
            "See who was asked: another segment or another way (in the product, by e-mail) answers differently.",
            "Hand it to the owner of the target.",
        ),
    ),
    "CsatBelowTarget": _plain(
        "csat",
        "Customers are less satisfied than the target wants.",
        "The share of CSAT answers of 4 and 5 is below the target.",
        ("Read the reasons of answers of 1 and 2.", "See who was asked.", "Hand it to the owner of the target."),
    ),
    "SurveyResponseBelowTarget": _plain(
        "survey_response",
        "Fewer surveys are answered than the target wants.",
        "Surveys answered over surveys sent in the window are below the target.",
        (
            "See by `via` which way is answered less (`tenure_surveys`): one that is not shown is not answered.",
            "Look whether more were sent than usual: asking twice halves the answers.",
        ),
        ("Surveys by way and status.", 'sum by (via, status) (tenure_surveys{window="30d"})'),
    ),
}
