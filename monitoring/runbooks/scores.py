"""Runbooks of the alerts that compare KPIs with their past."""

from typing import Final

from monitoring import promql, scores
from monitoring.alerts import thresholds
from monitoring.runbooks import bands, measures, segments
from monitoring.runbooks.kpi import COMPLETE, OUTLASTED, explained
from monitoring.runbooks.runbook import Runbook

_ABOVE_AVERAGE: Final = promql.excess(
    "segment:tenure_cancellations:sum", "segment:tenure_customers_at_start:sum", f'{promql.NAMED},window="7d"'
)

RUNBOOKS: Final = {
    "ChurnSpike": Runbook(
        "Far more cancellations in a day than the same weekday lets expect.",
        "The last 24 hours had far more cancellations than the same weekday of up to four weeks before, growth of the"
        " company allowed for. No target is needed for it.",
        "The score is a difference of square roots (Anscombe), divided by how much days of this company vary beyond"
        f" chance. One healthy day in 740 reaches {thresholds.SPIKE_Z_WARN:g} (warning), one in 30,000"
        f" {thresholds.SPIKE_Z_PAGE:g} (page). A weekday is compared with itself, so that weekends make no spike;"
        " days are"
        " 24 hours, so that a change of the clocks makes none. A yearly billing day, a mass cancellation by your own"
        " staff or a clean-up of dead accounts does, and rightly.",
        (
            ("Each of the last 29 days.", "sum by (days_ago) (tenure_daily_cancellations)"),
            ("The score, and what was expected.", scores.SPIKE),
            ("", scores.EXPECTED),
            (
                "Payment failures or decisions?",
                'segment:tenure_cancellations_involuntary:sum{dimension="all",window="1d"}',
            ),
            (
                "Which segments have more than the company's average gives them?",
                f"sort_desc({_ABOVE_AVERAGE})",
            ),
            COMPLETE,
            ("Which reasons were given, and how many more than before?", "tenure reasons --window 1d"),
            explained("cancellations", "1d"),
            (
                "One source gone wild? What its revokes would change; nothing is sent yet.",
                "tenure undo --source customer.cancel --since 2h --type cancel --window 1d",
            ),
            (
                "The same, once the producer is stopped and the dry run is right: this writes the revokes.",
                "tenure undo --source customer.cancel --since 2h --type cancel --yes",
            ),
        ),
        (
            "Mostly failed payments: call whoever runs billing. Stop the run, so that it cancels no more.",
            "One reason, plan or country: stop what only they got. A release can be rolled back, an e-mail campaign"
            " stopped.",
            "One producer gone wild, cancelling what nobody cancelled: stop it, then take its cancels back by"
            " `tenure undo` as above, with the source that `tenure explain` shows and the time at which they began to"
            " arrive as `--since`: it takes back all of the source from then on, right ones too. The past is right"
            " again ([undo](../undo.md)).",
            "None of these: hand it to the owner of the churn target.",
            OUTLASTED,
        ),
    ),
    "InvoluntaryChurnRising": Runbook(
        "More customers are lost to failed payments than in the weeks before.",
        "Cancellations after failed payments in seven days are surely more than in the 23 days before. These customers"
        " did not decide to leave; most can be kept.",
        f"z ≥ {thresholds.RISE_Z:g} against the weeks before, with at least {thresholds.LEAST_LOSSES}. Billing"
        " that runs on"
        " one day of the month makes weeks unequal: see whether this is that week. `involuntary` is what the producer"
        " says; a producer that began to set it makes a rise out of nothing.",
        (
            ("By week and month.", 'segment:tenure_cancellations_involuntary:sum{dimension="all"}'),
            ("Failed renewals.", 'segment:tenure_renewals_failed:sum{dimension="all"}'),
            COMPLETE,
            explained("cancellations_involuntary", "1d"),
        ),
        (
            "Ask the payment provider for declined charges, by reason, brand of card and country.",
            "See that retries and the reminder of an expired card run.",
            "Reactivated customers show as reactivations; nothing needs to be corrected here.",
        ),
    ),
    "VoluntaryChurnRising": Runbook(
        "More customers decide to leave than in the weeks before.",
        "Cancellations that customers decided on in seven days are surely more than in the 23 days before.",
        f"z ≥ {thresholds.RISE_Z:g} against the weeks before, with at least {thresholds.LEAST_LOSSES}. A feed"
        " that was late"
        " for a week would show the same; it was not, or the numbers would have been incomplete.",
        (
            ("By window.", 'segment:tenure_cancellations:sum{dimension="all"}'),
            ("Which segment?", 'segment:churn_standard:ratio{dimension!="all",window="7d"}'),
            COMPLETE,
            explained("cancellations", "1d"),
        ),
        (
            "Read the reasons given in these seven days beside those of the weeks before.",
            "Compare with releases, price changes and e-mails.",
            "Hand it to the owner of the churn target.",
        ),
    ),
    "NpsFalling": Runbook(
        "NPS fell against the window before, beyond chance.",
        "The net promoter score of the window is surely below that of the window before it.",
        f"z ≤ {thresholds.NPS_FALL_Z:g} with {thresholds.LEAST_SAMPLE} answers in both. Other people being asked"
        " makes NPS"
        " move without anybody changing their mind: compare the ways and segments. It cannot fire before Prometheus"
        " remembers a window ago: on a new one not in the first week (30 days for that window), unless its past was"
        " filled by `tenure history`, see [history](../history.md).",
        (
            ("Promoters.", 'segment:tenure_nps_promoters:sum{dimension="all"}'),
            ("Detractors.", 'segment:tenure_nps_detractors:sum{dimension="all"}'),
            ("Answers by way.", 'sum by (via, window) (tenure_surveys{kind="nps",status="answered"})'),
            COMPLETE,
        ),
        ("Read the detractors' reasons.", "See who was asked this time.", "Hand it to the owner of the NPS target."),
    ),
    "SegmentChurnDeparts": Runbook(
        "One segment churns surely more than all others together.",
        "The churn of one plan, country, channel or other dimension is above that of all other customers in the same"
        " window.",
        f"Two proportions, z ≥ {thresholds.DEPARTURE_Z:g}, at least {thresholds.LEAST_LOSSES} lost of"
        f" {thresholds.LEAST_SAMPLE}. Some segments always churn more, a monthly plan beside a yearly one for"
        " example: then"
        " silence it for this segment, with a reason.",
        (
            ("The segment beside all others.", 'segment:churn_standard:ratio{window="30d"}'),
            ("The scores.", f"sort_desc({scores.DEPARTURE})"),
            COMPLETE,
            explained("churn_standard"),
        ),
        (
            "See since when: is it new, or has it always been so?",
            "See what only this segment had.",
            "If it is how this segment is, silence it in Alertmanager for its dimension and value.",
        ),
    ),
    **bands.RUNBOOKS,
    **segments.RUNBOOKS,
    **measures.RUNBOOKS,
}
