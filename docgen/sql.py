"""docs/sql.md: the relations that SQL and exports show, made of `schemas.relations`."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING, Final

from schemas.relations import OF_COUNTERS, OF_CUSTOMERS
from tenure.api.reports import MOST_ROWS
from tenure.outlets.sql import LIMITS

if TYPE_CHECKING:
    from schemas.relations import Relation

HEAD: Final = """\
# SQL over customers and counters

`tenure sql` answers one SELECT of [DuckDB](https://duckdb.org) over the stored tables of a running stream, or over a
file that it replays. Counts by SQL are those of `tenure kpi`: a test asks for every count that the tables can tell,
on logs in any order of arrival.

```bash
tenure sql "SELECT kind, count(*) AS movements, sum(mrr_change) AS mrr FROM movements GROUP BY ALL ORDER BY kind" \\
  --file docs/examples/golden.ndjson
```

```text
kind          movements     mrr
cancellation         12  -58800
new                 110  539000
reactivation          1    4900
```

The answer is a table, or CSV with `--csv`, or [JSON](report.md#sql) with `--json`; `--limit` bounds its rows. Install
the extra: `pip install 'tenure[duckdb]'`.

- **As of T.** The tables are as of now, the end of the running bucket, or as of `--at T`, and restate the past with all
  that arrived since. Only what happened before T is in them.
- **Only reading.** A query is one SELECT. It reads the relations below, copied into memory, and nothing else: no file,
  no network, no other database. A relation that it does not name is not read from Redis.
- **Instants** are UTC, without a zone. `at` is a keyword of DuckDB: no column is called so.
- **Money** is in minor units of the default currency.
- **Every dimension** of the settings but the plan is a column, after `plan` or `plan_after`, with the value of the
  first signup. One that is called as another column of the relation begins with `dimension_`.
- **Forgotten customers** count under their pseudonym ([forgetting.md](forgetting.md)).
- **While the stream goes on**, each customer is as of one commit, and two customers may be as of two: for an audit
  name a T that is past.

Retention of the last 30 days, by country, from the two ends of the window:

```bash
tenure sql "
  WITH s AS (SELECT * FROM history WHERE active AND from_at < TIMESTAMP '2025-03-01'
               AND (until_at IS NULL OR until_at >= TIMESTAMP '2025-03-01')),
       e AS (SELECT * FROM customers WHERE active)
  SELECT s.plan, count(*) AS customers_at_start, count(e.customer_id) AS customers_retained
  FROM s LEFT JOIN e USING (customer_id) GROUP BY ALL ORDER BY ALL" --file docs/examples/golden.ndjson --at 2025-04-01
```

```text
plan  customers_at_start  customers_retained
pro                  100                  90
```

A count or a ratio by its name:

```bash
tenure sql "SELECT name, ratio FROM ratios WHERE \\"window\\" = 'month' AND dimension = 'all' AND name LIKE 'churn%'" \\
  --file docs/examples/golden.ndjson --at 2025-04-01 --csv
```

```text
churn_standard,0.1
churn_stripe,0.10909090909090909
churn_baremetrics,0.12
churn_profitwell,0.11
```

Customers who answered as detractors and left within 30 days of it:

```bash
tenure sql "
  SELECT v.customer_id, v.occurred_at AS answered_at, m.occurred_at AS left_at
  FROM surveys AS v JOIN movements AS m ON m.customer_id = v.customer_id AND m.kind = 'cancellation'
   AND m.occurred_at BETWEEN v.occurred_at AND v.occurred_at + INTERVAL 30 DAY
  WHERE v.kind = 'nps' AND v.score <= 6" --file docs/examples/golden.ndjson
```

## Limits

Who asks on this machine has all of it, and Ctrl-C ends a query. A query that comes over HTTP, or from an assistant
([api.md](api.md)), may take $seconds s of DuckDB, $threads threads, and $memory MiB beside its relations; its answer
may have $rows rows and $bytes bytes. DuckDB does not count single values that it has in hand: a query that makes texts
of gigabytes can take more for as long. Give tokens to those whom you trust with that.

The rows of `customers`, `subscriptions`, `history`, `movements`, `surveys` and `renewals` are also what
[`tenure export`](export.md) writes to Parquet and PostgreSQL.
"""
OF_CUSTOMERS_HEAD: Final = """
## Customers

Each row is one customer's, and follows from their events alone. Not there are `dropoff_silent`, which needs the days of
use, and the begin and end of each single subscription: `counts` has these numbers.
"""
OF_COUNTERS_HEAD: Final = """
## Counters

`counts` and `ratios` have the windows of the settings, of all customers and of every segment. `cells` is what Redis
holds, for whoever wants to check Tenure itself: a count is a sum of cells before two boundaries
([0005](decisions/0005-buckets-and-windows.md)), and its measures may change with the version.
"""


def page() -> str:
    """Return docs/sql.md as it should be."""
    limits = {
        "seconds": f"{LIMITS.seconds:g}",
        "threads": str(LIMITS.threads),
        "memory": str(LIMITS.memory_mib),
        "rows": f"{MOST_ROWS:,}",
        "bytes": f"{LIMITS.answer_bytes:,}",
    }
    parts = [Template(HEAD).substitute(limits), OF_CUSTOMERS_HEAD, *(_section(each) for each in OF_CUSTOMERS)]
    return "".join([*parts, OF_COUNTERS_HEAD, *(_section(each) for each in OF_COUNTERS)])


def _section(relation: Relation) -> str:
    rows = [f"| `{each.name}` | {each.kind.value} | {each.meaning} |" for each in relation.columns]
    if relation.segments is not None:
        rows.insert(
            relation.segments, "| by name | text | Each dimension but the plan, `country` and `channel` first. |"
        )
    table = "\n".join(["| column | type | meaning |", "| --- | --- | --- |", *rows])
    return f"\n### {relation.name}\n\n{relation.meaning}\n\n{table}\n"
