"""docs/metrics.md, made of the catalogue of KPIs and the catalogue of instruments."""

from string import Template
from typing import Final, get_args

from kpis.rows import KINDS_WITHOUT_EFFECT
from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT
from schemas.catalogue.windows import SEGMENT_WINDOW_DAYS, WINDOWS
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.instruments import INSTRUMENTS, Area, Instrument
from schemas.wording import in_words

HEAD: Final = """\
# Metrics

Every worker serves its metrics on `/metrics`, by default on port 9464. There are two sorts: the **KPI counts**, which
say how the company's customers are doing, and the **worker's own metrics**, which say whether the numbers can be
believed.

## KPI counts

Each count of [the KPI reference](kpis.md#counts) is a gauge that carries its name with `tenure_` before it:

```text
tenure_customers_lost{window="30d",dimension="all",value=""} 17
tenure_customers_lost{window="30d",dimension="plan",value="pro"} 9
tenure_customers_active{dimension="all",value=""} 1204
```

| label | values |
| --- | --- |
| `window` | $windows for all customers; $segment_windows for segments (settings). Stocks have none. |
| `dimension` | `all` for all customers, else $dimensions or a dimension of the settings. |
| `value` | Empty for `all`; else the segment, `none` where customers have no value, `other` for those that are not shown one by one. Shown, on all workers alike, are the `segment_values_shown` values with the most active customers, by name where they are equal. |

Three rules keep queries right:

- **Sum over workers, never average.** Each worker shows the customers of its partitions; the company is their sum:
  `sum by (window) (tenure_customers_lost{dimension="all"})`.
- **Choose one dimension.** A customer is in `all` and in one value of every dimension.
- **Sum first, then divide.** Ratios are not exported; divide two sums, as the [formulas](kpis.md#ratios) say. The shipped
  rules record them as `segment:<ratio>:ratio`; one that is made of stocks alone, as `cross_sell`, has no window there either.

**Facts without effect** have a label `kind` besides ($kinds), and are of all customers alone. They are a
property of the log and fall again when what was missing arrives:

```text
$without_effect{window="1d",dimension="all",value="",kind="cancel"} 3
```

These are gauges of rolling windows as known now: no `rate()` and no `increase()` over them. What Prometheus holds
is what was known when it asked; a late event restates the past in `tenure kpi --at`, not in Prometheus.
"""  # noqa: E501 - rows of a table stay in one line

EXAMPLE: Final = """
The 30-day customer churn of the company, and by plan:

```promql
sum(tenure_customers_lost{window="30d",dimension="all"}) / sum(tenure_customers_at_start{window="30d",dimension="all"})

  sum by (value) (tenure_customers_lost{window="30d",dimension="plan"})
/ sum by (value) (tenure_customers_at_start{window="30d",dimension="plan"})
```

## The worker's own metrics
"""

INTRODUCTIONS: Final[dict[Area, str]] = {
    "Events": "What came in, and what became of it.",
    "Batches and commits": "How the worker writes. A commit stores states, counts and positions at once or not at all.",
    "Lag": "How far the numbers are behind. Event time and arrival differ: a standing watermark on a quiet partition is"
    " no fault, a growing age of unapplied records is.",
    "Partitions": "Who owns what. KPIs are complete when every partition has exactly one owner and none is recovering"
    " or halted.",
    "Correctness": "Whether the counts agree with each other.",
    "Population": "What does not add up over workers: cohorts, lifetimes, reasons, features, measures, tickets, value"
    " ([what they are](cohorts-and-lifetime.md)). The owner of partition 0 looks at all customers one by one, again and"
    " again, and shows these behind its counts. While partition 0 changes hands nobody does.",
    "Targets": "What `tenure target set` was last told, by KPI ([names](kpis.md#ratios)) and window. While partition 0"
    " changes hands two workers may show them, or none: compare with `max by (kpi, window) (tenure_target_ratio)`.",
    "Surveys": "What the setting `survey_requests` makes a worker [ask for](survey-requests.md).",
    "State": "How much is held, and what limits have been reached.",
    "Dependencies": "Redis, Kafka and the worker itself.",
    "Gateway": "What [`tenure gateway`](gateway.md) shows on its own `/metrics`; no worker has them.",
}


def page() -> str:
    """Return the whole page as Markdown."""
    stocks = ", ".join(f"`{count.metric}`" for count in COUNTS if count.kind == "stock")
    head = Template(HEAD).substitute(
        windows=in_words(f"`{window}`" for window in WINDOWS),
        segment_windows=in_words(f"`{days}d`" for days in SEGMENT_WINDOW_DAYS),
        dimensions=", ".join(f"`{dimension}`" for dimension in BUILT_IN_DIMENSIONS),
        kinds=in_words(f"`{kind}`" for kind in KINDS_WITHOUT_EFFECT),
        without_effect=FACTS_WITHOUT_EFFECT.metric,
    )
    parts = [head, f"\nStocks, as of now: {stocks}. All other counts have a `window`.\n", EXAMPLE]
    for area in get_args(Area):
        parts += [
            f"\n### {area}\n\n{INTRODUCTIONS[area]}\n\n",
            "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n",
        ]
        parts += [_row(instrument) for instrument in INSTRUMENTS if instrument.area == area]
    return "".join(parts)


def _row(instrument: Instrument) -> str:
    labels = ", ".join(f"`{label}`" for label in instrument.labels)
    return f"| `{instrument.name}` | {instrument.type} | {labels} | {instrument.help} |\n"
