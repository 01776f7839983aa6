"""Phrases of annotations: numbers that Prometheus looks up at the moment an alert fires, as people write them.

A template's query stands in back quotes, so that PromQL needs no escapes; `%q` in it takes the alert's window.
"""

from monitoring import promql
from schemas.formulas import Ratio

COUNT = 'printf "%.0f"'
SHARE = "humanizePercentage"
PLAIN = 'printf "%.2f"'


def looked_up(query: str, shown: str, otherwise: str = "unknown") -> str:
    """Return the first value of a query.

    Args:
        query: PromQL; with one `%q` for the alert's window, or none.
        shown: A function of Prometheus' templates that writes a number.
        otherwise: Where the query finds nothing.
    """
    asked = f"printf `{query}` $labels.window | query" if "%q" in query else f"query `{query}`"
    return f"{{{{ with {asked} }}}}{{{{ . | first | value | {shown} }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}"


def own(shown: str) -> str:
    """Return the alert's own value."""
    return f"{{{{ $value | {shown} }}}}"


def shown_as(ratio: Ratio) -> str:
    """Return how a ratio is written: shares as percentages, NPS and quotients of money as they are."""
    return SHARE if ratio.name not in ("nps", "quick_ratio") else PLAIN


def of_window(series: str, window: str, shown: str) -> str:
    """Return a recorded series of all customers; `%q` as window stands for the alert's own."""
    quoted = window if window == "%q" else f'"{window}"'
    return looked_up(f"{series}{{{promql.ALL},window={quoted}}}", shown)


def target_of(ratio: Ratio, window: str) -> str:
    """Return a KPI's target."""
    quoted = window if window == "%q" else f'"{window}"'
    return looked_up(f'{promql.TARGET}{{kpi="{ratio.name}",window={quoted}}}', shown_as(ratio), "none")


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


def most_beyond_target(ratio: Ratio, bad: str) -> str:
    """Return the segments that lose most beyond what the target allows them; wants `SEGMENTS_WINDOW` before it."""
    target = f'{promql.TARGET}{{kpi="{ratio.name}"}}'
    allowed = f"(1 - {target})" if ratio.higher_is_better else target
    name = f"segment:{ratio.name}"
    where = 'dimension!="all",value!="other"'
    excess = f"{name}:losses{{{where},window=%q}} - {name}:sample{{{where}}} * on (window) group_left () {allowed}"
    query = f"sort_desc(topk(3, ({excess}) > 0))"
    return "Beyond what the target allows: " + listed(
        query, f"{_SEGMENT} by {{{{ .Value | {COUNT} }}}} {bad}", "no segment stands out"
    )


def worst_segments(ratio: Ratio) -> str:
    """Return the segments whose plain value is worst; wants `SEGMENTS_WINDOW` before it."""
    name, order = f"segment:{ratio.name}", ("bottomk", "sort") if ratio.higher_is_better else ("topk", "sort_desc")
    enough = f'{name}:sample{{dimension!="all",value!="other",window=%q}} >= 20'
    query = f"{order[1]}({order[0]}(3, {name}:ratio and {enough}))"
    each = f"{_SEGMENT} {{{{ .Value | {shown_as(ratio)} }}}}"
    return "Furthest off: " + listed(query, each, "no segment is large enough to tell")


def more_than_usual(count: str) -> str:
    """Return the segments that had most more of a count in seven days than in an average week of the last thirty."""

    def of(window: str) -> str:
        return f'sum by (dimension, value) ({count}{{dimension!="all",value!="other",window="{window}"}})'

    query = f"sort_desc(topk(3, ({of('7d')} - {of('30d')} * 7 / 30) > 0))"
    each = f"{_SEGMENT} by {{{{ .Value | {COUNT} }}}}"
    return "More than in an average week: " + listed(query, each, "no segment stands out")
