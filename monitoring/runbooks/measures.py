"""Runbook of the alert of measures that lose customers."""

from typing import Final

from monitoring.alerts import thresholds
from monitoring.runbooks.kpi import COMPLETE
from monitoring.runbooks.runbook import Runbook
from schemas import instruments as known

RUNBOOKS: Final = {
    "MeasureLosesCustomers": Runbook(
        "Customers who saw a variant of a measure leave faster than those with the control.",
        "A measure (a save offer, a tour, a price page) is being shown, and customers with one of its variants surely"
        " leave faster than those with the control.",
        f"The p-value is at most {thresholds.MEASURE_P:g}, and stays valid however often it is looked at: of measures"
        " without any effect one in twenty ever gets here. It is about chance alone: if variants were not given by lot,"
        " customers may have differed before they saw anything. It goes quiet when nobody has seen the measure for the"
        f" first time in {thresholds.MEASURE_RUNS}, and when the odds fall to 1.",
        (
            ("All variants of all measures, with ranges and since when it is certain.", "tenure experiments"),
            ("How likely chance alone is.", f"sort({known.EXPERIMENT_P.name})"),
            ("The odds of leaving against the control.", f"sort_desc({known.EXPERIMENT_ODDS.name})"),
            ("Who saw what, and who left.", known.EXPERIMENT_CUSTOMERS.name),
            ("Is it one plan alone?", "tenure experiments --where 'plan = pro'"),
            COMPLETE,
        ),
        (
            "Ask who gives the variants whether they are given by lot, and to whom.",
            "Stop showing the variant, or show it to those alone whom it does not lose.",
            "Hand it to the owner of the measure, and note the end of it: `tenure mark`.",
        ),
    ),
}
