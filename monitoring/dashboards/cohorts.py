"""The board *Cohorts and lifetime*: whether newer customers stay better than older ones did, and for how long."""

from typing import Final

from grafana_foundation_sdk.models import dashboard as model

from monitoring.dashboards import behaviour, freshness, queries, variables
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import columns, matrix
from monitoring.dashboards.panels import Placed, number
from monitoring.dashboards.queries import NOT_WITHHELD, Query, own
from monitoring.dashboards.wording import COUNT, PERCENT, About, of_metric
from schemas import instruments as known

UID: Final = "tenure-cohorts"
PERIOD: Final = 'period="month"'
_PARTS: Final = (known.COHORT_CUSTOMERS, known.COHORT_MATURED)
_SHARE: Final = f"`{known.COHORT_CUSTOMERS.name}` / `{known.COHORT_MATURED.name}`"


def board() -> Board:
    """Return the board."""
    return Board(
        UID,
        "Cohorts and lifetime",
        "Do newer customers stay better than older ones did, and for how long do customers stay?",
        [variables.source(), variables.job()],
        [
            Section("", freshness.first_line()),
            Section("By the month in which they became customers", [shares(), sizes(), by_age()]),
            Section(
                "Lifetime",
                [
                    behaviour.survival_table(),
                    behaviour.median_tile(),
                    behaviour.mean_tile(),
                    behaviour.survival_curve(size=(18, 9)),
                    scanned(),
                ],
            ),
            Section("On their way out, or back", [behaviour.leaving(), behaviour.sleepers()]),
        ],
    )


def scanned() -> Placed:
    """Return how old the numbers of this board are."""
    meaning = "Cohorts and lifetime are counted anew now and then, not with every event: so long ago the last time."
    about = of_metric("Last counted", known.SCAN_AS_OF, meaning, "dateTimeFromNow")
    # It is as of the end of the running hour, which is to come: what is counted until now.
    asked = f"1000 * clamp_max(max({own(known.SCAN_AS_OF)}), time())"
    return number(about, Query(asked, "as of"), size=(6, 9), empty="not yet, or nobody answers")


def shares() -> Placed:
    """Return the cohort table: a row for each cohort, a column for each age, the share that is active as colour."""
    text = (
        "A row is everyone who became a customer for the first time in that month. A column is an age in months after"
        " each customer's own beginning, and shows the share of those who are so old that is active then; 00 is"
        " everyone. Read down a"
        " column to see whether newer customers stay better; read along a row to see when a cohort loses people. Where"
        f" nobody is so old, the cell is empty.\n\n{_SHARE}"
    )
    active, matured = (f"max by (cohort, age) ({own(metric, PERIOD)})" for metric in _PARTS)
    share = f"{active} / ({matured} > 0)"
    order = [model.DataTransformerConfig(id_val="sortBy", options={"sort": [{"field": "age"}]})]
    return matrix(
        About("Cohorts", text, PERCENT),
        Query(f"({share}){NOT_WITHHELD}"),
        rows="cohort",
        columns="age",
        order=order,
        size=(24, 25),
    )


def sizes() -> Placed:
    """Return the size of each cohort."""
    meaning = "How many became customers for the first time in each month: small cohorts say little."
    about = of_metric("Sizes of the cohorts", known.COHORT_CUSTOMERS, meaning, COUNT)
    where = f'{PERIOD},age="00"'
    asked = queries.or_withheld(f"max by (cohort) ({own(known.COHORT_CUSTOMERS, where)})", "cohort")
    return columns(about, Query(asked, "customers"), across="cohort", size=(12, 9))


def by_age() -> Placed:
    """Return the share of all cohorts together that is active at each age."""
    meaning = (
        "The share of all cohorts together that is active after so many months; later ages come from older cohorts"
        f" only.\n\nsums of {_SHARE}"
    )
    about = of_metric("All cohorts together", known.COHORT_MATURED, meaning, PERCENT)
    active, matured = (f"sum by (age) (max by (cohort, age) ({own(metric, PERIOD)}))" for metric in _PARTS)
    asked = queries.or_withheld(f"{active} / ({matured} > 0)", "age")
    return columns(about, Query(asked, "active"), across="age", size=(12, 9), highest=1)
