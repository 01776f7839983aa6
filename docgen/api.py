"""docs/api.md: the API and its tools, made of the list of reports."""

from __future__ import annotations

from typing import Final

from tenure.api.openapi import FAULTS
from tenure.api.reports import REPORTS, ApiReport

HEAD: Final = """\
# All reports over HTTP, and for assistants

`tenure api` answers with the reports of the commands, as JSON, over HTTP or as tools of an assistant. It reads the
Redis of a running stream, and Kafka where `explain` and `customer` look records up. It cannot change anything.

## Over HTTP

```text
tenure api
curl -s '127.0.0.1:8465/v1/kpi?as_of=2026-03-01&by=plan&window=30d'
curl -s '127.0.0.1:8465/v1/explain?kpi=churn&window=7d'
```

- **Answers** are the documents that the commands print with `--json`: [report.md](report.md). `/openapi.json`
  describes them (OpenAPI 3.1).
- **As of.** Every report that has an instant takes `as_of`: a date, or an instant on a bucket boundary. It restates the
  past with all that arrived since; without it the answer is as of now.
- **A parameter that may be given several times** is repeated: `by=plan&by=country`.

| status | means |
| --- | --- |
| 200 | The report. |
$faults

## Who may ask

It listens on 127.0.0.1, port 8465, and whoever is on this machine may ask. To listen on another address
(`TENURE_API_HOST`) it wants tokens: `TENURE_API_TOKENS`, or a file of them (`TENURE_API_TOKENS_FILE`), as
`name=token`. A request then needs `Authorization: Bearer TOKEN`, also from this machine. Without tokens it answers
no page of another site that a browser here shows. With a certificate
(`TENURE_API_CERTIFICATE_FILE`) it speaks TLS; otherwise put a proxy before it. Answers hold customers' ids, and
`customer_id` stands in the address: have the proxy log no queries. A token may read everything.

Each report is made in a thread of its own, at most `api_max_requests` at once, and for `api_timeout_seconds` at most.
Those that look at every customer
(`explain`, `cohorts`, `reasons`, `sql` and others) take memory and seconds where there are millions. Where looking
takes longer than that, it goes on: ask again ([filters.md](filters.md#what-it-costs)). A query of `sql`
has limits, and reads nothing but its relations ([sql.md](sql.md#limits)). Install the extra: `pip install
'tenure[gateway]'`, and `tenure[duckdb]` for `sql`.

## For an assistant

```text
tenure api --mcp
```

is a server of the [Model Context Protocol](https://modelcontextprotocol.io) on standard input and output, by the
official SDK: `pip install 'tenure[mcp]'`. Each report is a tool that only reads, with the parameters below. An entry
for an assistant that starts its servers itself:

```json
{
  "mcpServers": {
    "tenure": {"command": "tenure", "args": ["api", "--mcp"], "env": {"TENURE_CONFIG": "/etc/tenure/tenure.toml"}}
  }
}
```

Whoever runs the assistant sees what a reader sees ([rights.md](rights.md)). Names of plans, reasons and customers come
from events, which others send; they reach the assistant as data, and the server says that they are no instructions.
Give such an assistant no tools that act on what it reads, or look at what it is about to do.

## Reports
"""


def page() -> str:
    """Return docs/api.md as it should be."""
    faults = "\n".join(f"| {status} | {meaning} |" for status, meaning in FAULTS.items())
    return HEAD.replace("$faults", faults) + "".join(_section(report) for report in REPORTS)


def _section(report: ApiReport) -> str:
    rows = [
        f"| `{each.name}` | {each.meaning}{_values(each.values)} | {_presence(each.required, each.many)} |"
        for each in report.parameters
    ]
    table = "\n".join(["| parameter | meaning | |", "| --- | --- | --- |", *rows]) if rows else "It takes no parameter."
    return f"\n### /v1/{report.name}\n\n{report.meaning}\n\n{table}\n"


def _values(values: tuple[str, ...]) -> str:
    return f" One of {', '.join(f'`{value}`' for value in values)}." if values else ""


def _presence(required: bool, many: bool) -> str:
    words = [word for word, holds in (("**required**", required), ("repeatable", many)) if holds]
    return ", ".join(words)
