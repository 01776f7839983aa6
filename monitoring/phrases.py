"""Phrases of annotations: numbers that Prometheus looks up at the moment an alert fires, as people write them.

A template's query stands in back quotes, so that PromQL needs no escapes; `%q` in it takes the alert's window.
"""

from monitoring import promql
from monitoring.alerts import thresholds
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.ratios import has_windows

COUNT = 'printf "%.0f"'
SHARE = "humanizePercentage"
PLAIN = 'printf "%.2f"'
SCORE = 'printf "%+.1f"'
SCORE_FACTOR = 100
"""NPS is counted from −1 to 1 and shown, as people write it, from −100 to 100."""


def looked_up(query: str, shown: str, otherwise: str = "unknown", *, label: str = "window") -> str:
    """Return the first value of a query.

    Args:
        query: PromQL; with one `%q` for a label of the alert, or none.
        shown: A function of Prometheus' templates that writes a number.
        otherwise: Where the query finds nothing.
        label: The label.
    """
    asked = f"printf `{query}` $labels.{label} | query" if "%q" in query else f"query `{query}`"
    return f"{{{{ with {asked} }}}}{{{{ . | first | value | {shown} }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}"


def own(shown: str) -> str:
    """Return the alert's own value."""
    return f"{{{{ $value | {shown} }}}}"


def shown_as(ratio: Ratio) -> str:
    """Return how a ratio is written: shares as percentages, NPS in points with its sign, quotients as they are."""
    return SCORE if ratio.is_score else PLAIN if ratio.name == "quick_ratio" else SHARE


def on_scale(ratio: Ratio) -> str:
    """Return what stands before a query of a ratio, or of its target, so that it is on the scale on which it is shown.

    NPS is counted from −1 to 1, and people know it from −100 to 100.
    """
    return f"{SCORE_FACTOR} * " if ratio.is_score else ""


def of_window(series: str, window: str, shown: str) -> str:
    """Return a recorded series of all customers; `%q` as window stands for the alert's own."""
    quoted = window if window == "%q" else f'"{window}"'
    return looked_up(f"{series}{{{promql.ALL},window={quoted}}}", shown)


def target_of(ratio: Ratio, window: str) -> str:
    """Return a KPI's target."""
    quoted = window if window == "%q" else f'"{window}"'
    asked = f'{on_scale(ratio)}{promql.TARGET}{{kpi="{ratio.name}",window={quoted}}}'
    return looked_up(asked, shown_as(ratio), "none")


def listed(query: str, each: str, otherwise: str) -> str:
    """Return one phrase for each result of a query, or another where there is none.

    Args:
        query: PromQL; with one `%q` for the template's variable `$segments`, or none.
        each: The phrase; `.Labels` and `.Value` are the result's.
        otherwise: The phrase of no result.
    """
    asked = f"printf `{query}` $segments | query" if "%q" in query else f"query `{query}`"
    results = f"{{{{ range $n, $found := . }}}}{{{{ if $n }}}}; {{{{ end }}}}{{{{ with $found }}}}{each}{{{{ end }}}}"
    return f"{{{{ with {asked} }}}}{results}{{{{ end }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}"


#: Segments have two windows: the one that is nearest to the alert's.
SEGMENTS_WINDOW = (
    '{{ $segments := "30d" }}'
    '{{ if or (eq $labels.window "1d") (eq $labels.window "7d") }}{{ $segments = "7d" }}{{ end }}'
)
_SEGMENT = "{{ .Labels.dimension }} {{ .Labels.value }}"


def above_average(bad: str, sample: str, window: str, what: str) -> str:
    """Return the segments that have most more of a count than the company's average gives them.

    Args:
        bad: A recorded series of the count.
        sample: A recorded series of the customers that it is about.
        window: Of segments; `%q` stands for `SEGMENTS_WINDOW`'s, which must be before it.
        what: The count in a word, or nothing.
    """
    where = f"{promql.NAMED},window={window}" if window == "%q" else f'{promql.NAMED},window="{window}"'
    query = f"sort_desc(topk(3, ({promql.excess(bad, sample, where)}) >= 1))"
    each = f"{_SEGMENT} by {{{{ .Value | {COUNT} }}}}{what}"
    return "Above the company's average: " + listed(query, each, "no segment stands out")


def reasons(window: str) -> str:
    """Return a sentence of the most frequent reasons of cancellations, with a space before it; nothing without any.

    Reasons are counted when a worker looks at all customers, now and then: it says of how many cancellations they are.

    Args:
        window: One in which they are counted.
    """
    cancellations = f'tenure_cancellations_by_reason{{reason!="none",window="{window}"}}'
    query = f"sort_desc(topk(3, max by (reason, involuntary) ({cancellations}) > 0))"
    each = (
        "{{ if $n }}; {{ end }}{{ with $found }}{{ .Labels.reason }}"
        '{{ if eq .Labels.involuntary "true" }} (payment failed){{ end }}'
        f" {{{{ .Value | {COUNT} }}}}{{{{ end }}}}"
    )
    known = looked_up(f'sum(max by (reason, involuntary) (tenure_cancellations_by_reason{{window="{window}"}}))', COUNT)
    total = of_window(promql.recorded("segment", "cancellations"), window, COUNT)
    return (
        f"{{{{ with query `{query}` }}}} Most frequent reasons in {window}, known of {known} of {total} cancellations:"
        f" {{{{ range $n, $found := . }}}}{each}{{{{ end }}}}.{{{{ end }}}}"
    )


def converted(ratio: Ratio, window: str) -> str:
    """Return of which target another window's was made, in brackets and with a space before; nothing if of none."""
    if ratio.path[0] not in ("churn", "retention"):
        return ""
    target = f'tenure_target_ratio{{kpi="{ratio.name}",window='
    query = f'{target}"{thresholds.TARGET_WINDOW}"}} unless on (kpi) {target}"{window}"}}'
    days = thresholds.TARGET_WINDOW.removesuffix("d")
    return f"{{{{ with query `{query}` }}}} (from {{{{ . | first | value | {SHARE} }}}} in {days} days){{{{ end }}}}"


def owner_of(ratio: Ratio) -> str:
    """Return a sentence about who owns the target, with a space before; nothing where no day of review names one."""
    query = f'tenure_target_review_timestamp_seconds{{kpi="{ratio.name}"}}'
    return f'{{{{ with query `{query}` }}}} The target is owned by {{{{ . | first | label "owner" }}}}.{{{{ end }}}}'


def worst_segments(ratio: Ratio) -> str:
    """Return the segments whose plain value is worst; wants `SEGMENTS_WINDOW` before it."""
    name, order = f"segment:{ratio.name}", ("bottomk", "sort") if ratio.higher_is_better else ("topk", "sort_desc")
    window = ",window=%q" if has_windows(ratio) else ""
    enough = f"{name}:sample{{{promql.NAMED}{window}}} >= 20"
    query = f"{order[1]}({on_scale(ratio)}{order[0]}(3, {name}:ratio and {enough}))"
    each = f"{_SEGMENT} {{{{ .Value | {shown_as(ratio)} }}}}"
    return "Furthest off: " + listed(query, each, "no segment is large enough to tell")
