"""The variables of the boards: data source, job, window, lens, dimension, value, event type.

Their names are those of the links in alerts: `var-window`, `var-dimension`, `var-value`, `var-type`.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

from monitoring.dashboards.panels import SOURCE
from monitoring.promql import recorded
from schemas.catalogue.lenses import Lens
from schemas.catalogue.windows import WINDOWS
from schemas.instruments import EVENTS_APPLIED, PARTITIONS_EXPECTED

Variable = dashboard.DatasourceVariable | dashboard.QueryVariable | dashboard.CustomVariable

ALL: Final = "$__all"
USUAL_WINDOW: Final = "30d"
LENSES: Final = tuple(lens.value for lens in Lens)
#: As Grafana's own editor names a question for the values of a label.
_REF_ID: Final = "PrometheusVariableQueryEditor-VariableQuery"
_LABEL_VALUES: Final = 1


def source() -> Variable:
    """Return the choice of the Prometheus; without a current one no panel would ask any."""
    chosen = model.VariableOption(selected=True, text="Prometheus", value="prometheus")
    return (
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .description("The Prometheus that reads the workers and evaluates the rules.")
        .type("prometheus")
        .current(chosen)
    )


def job() -> Variable:
    """Return the choice of jobs, for a worker's own metrics; recorded series hold the company as a whole."""
    asked = f"label_values({PARTITIONS_EXPECTED.name}, job)"
    return _of_label("job", "Job", asked, "Of the workers' own metrics. KPIs are of the company as a whole.", many=True)


def window() -> Variable:
    """Return the choice of a window of the KPIs."""
    return _of_list("window", "Window", WINDOWS, USUAL_WINDOW, "The stretch of time that KPIs are counted over.")


def lens() -> Variable:
    """Return the choice of a definition of churn."""
    return _of_list("lens", "Lens", LENSES, LENSES[0], "The definition of customer churn.")


def dimension() -> Variable:
    """Return the choice of what customers are divided by."""
    asked = f'label_values({recorded("segment", "customers_active")}{{dimension!="all"}}, dimension)'
    found = _of_label("dimension", "Dimension", asked, "What customers are divided by.", many=False)
    return found.current(model.VariableOption(selected=True, text="plan", value="plan"))


def value() -> Variable:
    """Return the choice of values of the dimension."""
    asked = f'label_values({recorded("segment", "customers_active")}{{dimension="$dimension"}}, value)'
    return _of_label("value", "Value", asked, "Segments of the dimension.", many=True)


def event_type() -> Variable:
    """Return the choice of types of events."""
    asked = f"label_values({EVENTS_APPLIED.name}, type)"
    return _of_label("type", "Event type", asked, "Types of events that are applied.", many=True)


def _of_label(name: str, label: str, asked: str, description: str, *, many: bool) -> dashboard.QueryVariable:
    found = dashboard.QueryVariable(name).label(label).description(description).datasource(SOURCE)
    found.query({"qryType": _LABEL_VALUES, "query": asked, "refId": _REF_ID})
    # Jobs, dimensions and values come and go while a dashboard is open.
    found.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
    found.multi(many).include_all(many)
    if many:
        # Segments without a value are called `none`: an empty label is no segment.
        found.all_value(".+").current(model.VariableOption(selected=True, text=["All"], value=[ALL]))
    return found


def _of_list(name: str, label: str, values: tuple[str, ...], chosen: str, description: str) -> Variable:
    options = [model.VariableOption(selected=each == chosen, text=each, value=each) for each in values]
    return (
        dashboard.CustomVariable(name)
        .label(label)
        .description(description)
        .values(",".join(values))
        .options(options)
        .current(model.VariableOption(selected=True, text=chosen, value=chosen))
        .multi(False)
        .include_all(False)
    )
