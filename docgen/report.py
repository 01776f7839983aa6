"""docs/report.md: what commands print with `--json`, made of the types in `schemas.documents`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from docgen.report_schema import REFERENCE, report_schema
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.ratios import RATIOS

HEAD: Final = """\
# The JSON of the commands

What the commands below print with `--json`, member by member and in this order. The same in machine-readable form:
[reports.schema.json](../schemas/reports.schema.json), with a definition for each command.

Counts are integers, money in minor units. Ratios are numbers, or `null` where the denominator is 0. Instants are
texts in UTC, such as `2026-03-01T00:00:00Z`. A member that is `null` has no value; one that may be absent is there
only where its row says so. Windows, dimensions, segments and counts that an answer picks are keys: *by name* is an
object with one member for each, *by two names* an object of such objects.

New members may be added; what is here stays.
"""

REPORT: Final = """
A list with one object for each `--at`, in the order given. Without `--at` it has one object. `--window` and `--lens`
leave the others out.
"""

AFTER_EVENTS: Final = """
`applied`, `duplicate`, `test`, `forgotten` and the dead letters add up to all records. A record under a known identity
is a duplicate; one that differs from the others in content, `sequence` included, is a conflict too. Activity and
onboarding have no identity: each is applied. `mended` has every member that only describes an event, and counts applied
records and duplicates in which it was mended or left out. All of this follows from the records alone, in whatever order
they came and however often they were read; a record that was sent on to another partition counts once.
"""

AFTER_REPORT: Final = """
The tables in the terminal show a dash where the longest window has no activity, or no completed onboarding, at all:
that feed is missing, rather than the customers. JSON has the numbers as they are.

The standard churn of March in [examples/golden.ndjson](examples/golden.ndjson):

```bash
tenure replay docs/examples/golden.ndjson --at 2025-04-01 --json |
  python -c 'import json, sys; print(json.load(sys.stdin)[0]["windows"]["month"]["ratios"]["churn"]["standard"])'
```
"""

PERIODS: Final = """
Calendar months and years, with their revisions and what moved them: [periods.md](periods.md). `kpi --period` prints a
list with one [PeriodReport](#periodreport) for each period, in the order given; `periods` prints one
[PeriodList](#periodlist).
"""

EXPLAIN: Final = """
Which customers make up a number, by which events, and why: [explain.md](explain.md#explain). One object.
"""

CUSTOMER: Final = """
One customer: [explain.md](explain.md#one-customer). One object.
"""

LENSES: Final = """
Churn by four definitions, and who makes them differ: [explain.md](explain.md#lenses). One object.
"""

REASONS: Final = """
What customers say and use: [explain.md](explain.md#reasons-and-features). One object.
"""

COHORTS: Final = """
Who stays of those that became customers in each month or week:
[cohorts-and-lifetime.md](cohorts-and-lifetime.md#cohorts). One object. To put cohorts together, add up `active` and
`matured`, then divide.
"""

LIFETIME: Final = """
How long customers stay: [cohorts-and-lifetime.md](cohorts-and-lifetime.md#lifetime). One object.
"""

FEEDBACK: Final = """
How long customers stay after an answer: [feedback.md](feedback.md). One object.
"""

EXPERIMENTS: Final = """
Measures, and how their variants compare: [experiments.md](experiments.md). One object.
"""

MARKS: Final = """
What happened, with churn before and after: [marks.md](marks.md). `marks` prints one object, `mark` the one that it
sent.
"""

CARE: Final = """
Tickets and referrals: [support.md](support.md). One object each.
"""

USAGE: Final = """
On how many days customers use the product: [usage.md](usage.md). One object.
"""

VALUE: Final = """
What a customer brings, and costs: [value.md](value.md). One object.
"""

DRIVERS: Final = """
What goes with staying: [drivers.md](drivers.md). One object.
"""

RISK: Final = """
Who is about to go, and what the model that says so is worth: [risk.md](risk.md). One object; exit status 1 where nobody
is scored.
"""

FORECAST: Final = """
Customers and MRR of the next twelve months: [forecast.md](forecast.md). One object.
"""

DIGEST: Final = """
A week in numbers: [digest.md](digest.md). One object.
"""

SQL: Final = """
The rows that a query is answered with: [sql.md](sql.md). One object.
"""

EXPORT: Final = """
What an export has written: [export.md](export.md). One object.
"""

RECONCILE: Final = """
An export of a billing system beside the stream: [adapters.md](adapters.md#reconcile). One object.
"""

VALIDATE: Final = """
What the stream would do with events, and what may be a mistake: [validate.md](validate.md). One object.
"""

PUBLISH: Final = """
What became of a file's events on their way to Kafka: [events.md](events.md). One object.
"""

TOPICS: Final = """
A list with one object for each topic of the stream.
"""

DLQ: Final = """
What was refused, and why: [dead-letters.md](dead-letters.md). `dlq list` prints one [DeadLetterList](#deadletterlist),
`dlq show` a list of [WholeDeadLetter](#wholedeadletter), `dlq replay` one [DeadLetterReplay](#deadletterreplay).
"""

UNDO: Final = """
The events of a producer that are revoked, and what changes without them: [undo.md](undo.md). One object.
"""

FORGET: Final = """
Who is forgotten, and where the id still stands: [forgetting.md](forgetting.md). One object.
"""

RESUME: Final = """
What halted partitions have lost, and what was given up. `resume --accept-loss` prints the one
[ReportedLoss](#reportedloss) that it accepted; a [MissedLoss](#missedloss) in `kpi` is one of these.
"""

TARGETS: Final = """
What KPIs are meant to keep to: [targets.md](targets.md). `target list` prints a list of
[ListedTarget](#listedtarget), `target history` a list of [ChangedTarget](#changedtarget), the latest last, and
`target set` the one that it made; `target test` prints a [TargetTrial](#targettrial).
"""


class Section(NamedTuple):
    """A section of the page: what some commands print.

    Attributes:
        title: Their names.
        commands: Their definitions in the schema.
        before: What to know first.
        after: What to know of it all.
    """

    title: str
    commands: tuple[str, ...]
    before: str
    after: str = ""


SECTIONS: Final = (
    Section("kpi and replay", ("kpi", "replay"), REPORT, AFTER_REPORT),
    Section("kpi --period and periods", ("kpi --period", "periods"), PERIODS),
    Section("explain", ("explain",), EXPLAIN),
    Section("customer", ("customer",), CUSTOMER),
    Section("lenses", ("lenses",), LENSES),
    Section("reasons and features", ("reasons", "features"), REASONS),
    Section("cohorts", ("cohorts",), COHORTS),
    Section("lifetime", ("lifetime",), LIFETIME),
    Section("feedback", ("feedback",), FEEDBACK),
    Section("experiments", ("experiments",), EXPERIMENTS),
    Section("mark and marks", ("mark", "marks"), MARKS),
    Section("support and referrals", ("support", "referrals"), CARE),
    Section("usage", ("usage",), USAGE),
    Section("value", ("value",), VALUE),
    Section("drivers", ("drivers",), DRIVERS),
    Section("risk", ("risk",), RISK),
    Section("forecast", ("forecast",), FORECAST),
    Section("digest", ("digest",), DIGEST),
    Section("sql", ("sql",), SQL),
    Section("export", ("export",), EXPORT),
    Section("reconcile", ("reconcile",), RECONCILE),
    Section("validate", ("validate",), VALIDATE),
    Section("publish", ("publish",), PUBLISH),
    Section("topics", ("topics",), TOPICS),
    Section("dlq", ("dlq list", "dlq show", "dlq replay"), DLQ),
    Section("undo", ("undo",), UNDO),
    Section("forget", ("forget",), FORGET),
    Section("resume", ("resume", "resume --accept-loss"), RESUME),
    Section("target", ("target list", "target set", "target history", "target test"), TARGETS),
)
AFTER: Final = {"Events": AFTER_EVENTS}
"""What to know of a type, by its name."""

_BY_NAMES: Final = {1: "by name", 2: "by two names", 3: "by three names"}
_COUNTS: Final = "Every [count](kpis.md#counts) of this kind, under its own name."
_RATIOS: Final = "Every [ratio](kpis.md#ratios) of this kind, under its own name; `null` where its denominator is 0."
_RATIO_NAMES: Final = {ratio.path[-1] for ratio in RATIOS}
OF_CATALOGUE: Final = ("Totals", "WindowReport", "Ratios", "Lenses")
"""Types whose members the catalogue names."""


def page() -> str:
    """Return the whole page as Markdown; each type stands where it is needed first."""
    types = report_schema()["$defs"]
    parts, shown = [HEAD], set[str]()
    for section in SECTIONS:
        parts.append(f"\n## {section.title}\n{section.before}")
        for command in section.commands:
            for name in _types_of(types[command], types):
                if name not in shown:
                    shown.add(name)
                    parts.append(_type(name, types[name]) + AFTER.get(name, ""))
        parts.append(section.after)
    return "".join(parts)


def _types_of(shape: Any, types: Mapping[str, Any]) -> Iterator[str]:
    """Yield the types that a shape is made of: each before those that it is made of."""
    if isinstance(shape, list):
        for each in shape:
            yield from _types_of(each, types)
    elif isinstance(shape, dict):
        name = str(shape.get("$ref", "")).removeprefix(REFERENCE)
        if name:
            yield name
            yield from _types_of(types[name]["properties"], types)
        for each in shape.values():
            yield from _types_of(each, types)


def _type(name: str, shape: Mapping[str, Any]) -> str:
    required = set(shape.get("required", ()))
    rows: dict[str, None] = {}  # in their order, each once
    for member, about in shape["properties"].items():
        absent = "" if member in required else ", may be absent"
        if name in OF_CATALOGUE and member in COUNT_BY_NAME:
            rows[f"| by name | integer | {_COUNTS} |"] = None
        elif name in OF_CATALOGUE and member in _RATIO_NAMES:
            rows[f"| by name | number or `null`{absent} | {_RATIOS} |"] = None
        else:
            rows[f"| `{member}` | {_form(about)}{absent} | {about['description']} |"] = None
    table = "\n".join(["| member | form | meaning |", "| --- | --- | --- |", *rows])
    return f"\n### {name}\n\n{shape['description']}\n\n{table}\n"


def _form(shape: Mapping[str, Any]) -> str:
    """Return a shape in words."""
    if "$ref" in shape:
        name = shape["$ref"].removeprefix(REFERENCE)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in shape:
        return " or ".join(_form(choice) for choice in shape["anyOf"])
    if "enum" in shape:
        return " or ".join(f"`{choice}`" for choice in shape["enum"])
    match shape["type"]:
        case "null":
            return "`null`"
        case "array":
            return f"list of {_form(shape['items'])}"
        case "object":
            held, names = shape, 0
            while held.get("type") == "object":
                held, names = held["additionalProperties"], names + 1
            return f"{_form(held)} {_BY_NAMES[names]}"
        case kind:
            return str(kind)
