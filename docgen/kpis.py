"""docs/kpis.md: what every number means, made of the catalogue; its examples are computed, not typed."""

from string import Template
from typing import Final

from docgen.kpi_examples import EXAMPLES, GOLDEN
from kpis.rows import KINDS_WITHOUT_EFFECT
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.formulas import Count, Formula, Ratio
from schemas.catalogue.ratios import RATIOS
from schemas.catalogue.windows import MONTH, WINDOW_DAYS
from schemas.events import LIFECYCLE_TYPES
from schemas.wording import in_words

HEAD: Final = """\
# KPI reference

Every count and ratio, with formula, unit and example: a reference, generated from the catalogue that reports and metrics are
made from. The rules that all of them rest on stand in the [definitions](definitions.md), which bind. Where a KPI is
there because one of the two articles that Tenure implements asks for it, its section says so: the *retention and
expansion article* (“What is customer retention and expansion?”) and the *retention KPIs article* (“How to improve SaaS
retention with KPIs”).

[Time](#time) · [Subscriptions and customers](#subscriptions-and-customers) · [Counts](#counts) ·
[Identities](#identities) · [Ratios](#ratios) · [One month, four churn rates](#one-month-four-churn-rates)

## Time

- Numbers use **event time**: when something happened, never when it arrived. A fact with `effective_at` counts at that
  instant. Event time is cut to milliseconds.
- A number is **as of T**, and includes exactly the events before T. T is the boundary of a **bucket** of one hour (a
  setting). Live, T is the end of the running bucket, so that an event counts the moment it is processed.
- A **window** of d days is [T − d, T): $windows days (a setting). The window `$month` is the calendar month,
  in the business time zone, of the instant just before T: from its first instant to T.
- Late events restate the past, repeated ones change nothing, and order never matters: **any permutation of a log, with any
  repetition, yields the same numbers.**

## Subscriptions and customers

A customer has any number of **subscriptions**. Each lifecycle fact belongs to one of them, by its `subscription_id`;
facts without one belong to the same one. The facts of a subscription, sorted by event time, then `sequence`, then kind in
the order of this table (a cancel that ends something comes before the others of its instant), drive this machine:

| state | signup | upgrade, downgrade | pause | resume | cancel |
| --- | --- | --- | --- | --- | --- |
| closed | open, with its plan and MRR | – | – | – | – |
| open | its plan and MRR hold from now on | its plan and MRR hold from now on | paused | – | closed |
| paused | open, with its plan and MRR | its plan and MRR hold, still paused | – | open | closed |

“–” is **without effect**: it does nothing, and is counted. It is kept: a signup that arrives late can bring a cancel that
came before it to life. A signup or change with `trial` puts the subscription on trial, the next one without `trial` ends it.

A subscription **counts** if it is not closed, not on trial and its MRR is above 0. With the setting `free_plans` =
`customers` one with an MRR of 0 counts too; with `paused_customers` = `lost` a paused one does not. The MRR of one that is
paused is taken as 0.

A customer is **active** if a subscription counts; the MRR is the sum over those that count, the plan that of the one with
the greatest MRR. What a customer does within one bucket is netted, by the states at its begin and at its end:

| before | after | movement |
| --- | --- | --- |
| active | active | **upgrade** if the MRR rose, **downgrade** if it fell, neither if equal (a pause and a resume are neither, but move the MRR) |
| not active | active | **new** if the customer was never active before, else **reactivation** |
| active | not active | **cancellation** |
| not active | not active, but active between | new or reactivation, then cancellation |

So a plan that is switched by ending one subscription and beginning another is a change and no cancellation, as long as both
lie in one bucket. Where they lie in two, it is a cancellation and a reactivation: send both with one time.

Three events of one customer, in whatever order they arrive:

| event time | event | state after it | counts it adds to |
| --- | --- | --- | --- |
| 3 March | signup, plan `pro`, 4 900 | active | `signups`, `customers_new`, `subscriptions_started`, `mrr_new` 4 900 |
| 10 March | upgrade, plan `team`, 19 900 | active | `upgrades` and `mrr_expansion` 15 000, both under plan `pro` |
| 28 March | cancel | inactive | `cancellations`, `subscriptions_ended` and `mrr_churned` 19 900, all under plan `team` |

As of 1 April the window `month` of March has one signup, one new customer, one upgrade and one cancellation, which is also
one of `cancellations_of_new`. The customer was not there at the start, so `customers_lost` is 0.

**Segments.** All counts but one exist for all customers and for each value of a dimension. Country, channel and further
dimensions come from the first signup and hold for everything the customer ever did. The plan varies over time; which plan
decides is said with each count: *start plan* is the plan at T − d, *plan before* and *plan after* those at the bucket's
begin and end, *the fact's plan* that of the signup or trial, *plan at the time* that just before the event, *the
subscription's own* that of the subscription and not of its customer. Customers without a value are under `none`.

## Counts

All counts are sums over customers, so they add up over partitions, workers and segment values. As metrics they carry
`tenure_` before their names. Money is in minor units (cents) of the default currency. *Lifecycle* stands for the event
types $lifecycle.
"""  # noqa: E501 - rows of a table stay in one line

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "Customers": (
        "customers_active",
        "customers_paused",
        "customers_with_several",
        "customers_at_start",
        "customers_retained",
        "customers_lost",
        "signups",
        "customers_new",
        "customers_reactivated",
        "customers_engaged",
    ),
    "Cancellations and changes": (
        "cancellations",
        "cancellations_involuntary",
        "cancellations_of_new",
        "upgrades",
        "downgrades",
    ),
    "The first two weeks": (
        "dropoff_matured",
        "dropoff_cancelled",
        "dropoff_silent_matured",
        "dropoff_silent",
        "onboarding_matured",
        "onboarding_completed",
    ),
    "Trials": ("trials_matured", "trials_converted"),
    "Subscriptions": (
        "subscriptions_active",
        "subscriptions_started",
        "subscriptions_ended",
        "subscription_mrr",
    ),
    "Renewals": ("renewals_renewed", "renewals_declined", "renewals_failed"),
    "Recurring revenue": (
        "mrr",
        "mrr_at_start",
        "mrr_retained_gross",
        "mrr_retained_net",
        "mrr_new",
        "mrr_expansion",
        "mrr_reactivated",
        "mrr_contraction",
        "mrr_churned",
    ),
    "Surveys": (
        "survey_sent",
        "survey_answered",
        "survey_dismissed",
        "nps_promoters",
        "nps_passives",
        "nps_detractors",
        "csat_satisfied",
        "csat_answered",
    ),
}

SURVEY_NOTE: Final = """
The first three also exist for each kind (`nps`, `csat`) and way (`in_app`, `email`, `outreach`, and `other` for what is
none of these): `surveys` in reports, `tenure_surveys` as a metric.
"""

WITHOUT_EFFECT: Final = """
### Facts without effect

`facts_without_effect` counts, in the window, the lifecycle facts without effect and the revocations that hit no event,
by kind ($kinds), for all customers alone. Like all counts it is a property
of the log: a late signup can bring such a fact to life, and then it is not counted any more. Many of them mean that a
producer leaves out `subscription_id`, or that signups are missing; `tenure explain facts_without_effect` names them.
"""

IDENTITIES: Final = """
## Identities

They hold at every T and for every window; the worker checks them and exports `tenure_identities_violated`.

- `customers_at_start` = `customers_retained` + `customers_lost`, for every segment.
- `customers_active` − `customers_at_start` = `customers_new` + `customers_reactivated` − `cancellations`
- `subscriptions_active` at T − that at T − d = `subscriptions_started` − `subscriptions_ended`
- `subscription_mrr` = `mrr`
- `mrr` − `mrr_at_start` = `mrr_new` + `mrr_expansion` + `mrr_reactivated` − `mrr_contraction` − `mrr_churned`

All but the first hold for all customers and for every dimension but plan, where the moves between plans come in.

## Ratios

A ratio whose denominator is 0 is **absent** (`null` in reports): no sample is neither 0 % nor 100 %. Ratios are not
exported as metrics; divide the sums of the counts. Cross-sell is made of stocks alone: reports have it in every window,
and it is the same in each.

| ratio | in reports | formula | range |
| --- | --- | --- | --- |
"""

GOLDEN_TEXT: Final = """
## One month, four churn rates

100 customers at the start of the window; 10 sign up in it; 12 cancellations fall in it: 10 by customers of the start
who stay away, 1 by a customer of the start who comes back inside the window, 1 by one of the 10 new.

| lens | formula | churn |
| --- | --- | --- |
"""

GOLDEN_END: Final = """
None of them is wrong; they answer different questions. The standard one is 1 − retention and counts people, so it never
exceeds 100 %; the others count cancellations.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(COUNT_BY_NAME)
    lifecycle = in_words(f"`{name}`" for name in LIFECYCLE_TYPES)
    parts = [Template(HEAD).substitute(windows=in_words(WINDOW_DAYS), month=MONTH, lifecycle=lifecycle)]
    for title, names in GROUPS.items():
        parts.append(f"\n### {title}\n\n| count | as of T, window d | unit | segment by plan uses | fed by |\n")
        parts.append("| --- | --- | --- | --- | --- |\n")
        parts += [_count_row(COUNT_BY_NAME[name]) for name in names]
    kinds = in_words(f"`{kind}`" for kind in KINDS_WITHOUT_EFFECT)
    parts += [SURVEY_NOTE, Template(WITHOUT_EFFECT).substitute(kinds=kinds), IDENTITIES]
    parts += [_ratio_row(ratio) for ratio in RATIOS]
    parts += [_ratio_section(ratio) for ratio in RATIOS]
    parts.append(GOLDEN_TEXT)
    for ratio in RATIOS:
        if ratio.path[0] == "churn":
            quotient = f"{ratio.numerator.evaluate(GOLDEN)} / {ratio.denominator.evaluate(GOLDEN)}"
            parts.append(f"| {ratio.path[1]} | {_formula(ratio)} | {quotient} = {_shown(ratio, GOLDEN)} |\n")
    parts.append(GOLDEN_END)
    return "".join(parts)


def _count_row(count: Count) -> str:
    fed_by = ", ".join(f"`{name}`" for name in count.fed_by)
    if set(LIFECYCLE_TYPES) <= set(count.fed_by):
        rest = [f"`{name}`" for name in count.fed_by if name not in LIFECYCLE_TYPES]
        fed_by = ", ".join(["lifecycle", *rest])
    return f"| `{count.name}` | {count.meaning} | {count.unit} | {count.segment_plan} | {fed_by} |\n"


def _ratio_row(ratio: Ratio) -> str:
    anchor = "".join(letter for letter in ratio.title.lower() if letter.isalnum() or letter in " -").replace(" ", "-")
    path = ".".join(("totals" if ratio.kind == "stock" else "ratios", *ratio.path))
    return f"| [{ratio.title}](#{anchor}) | `{path}` | {_formula(ratio)} | {_range(ratio)} |\n"


def _ratio_section(ratio: Ratio) -> str:
    sense = "Higher is better." if ratio.higher_is_better else "Lower is better."
    source = f" From the *{ratio.article}*." if ratio.article else ""
    counts = EXAMPLES[ratio.name]
    given = ", ".join(f"`{name}` = {_grouped(counts[name])}" for name in ratio.counts)
    return (
        f"\n### {ratio.title}\n\n{ratio.meaning}\n\n> {_formula(ratio)}\n\n{ratio.why}{source} {sense}\n\n"
        f"*Example:* {given}: **{_shown(ratio, counts)}**.\n"
    )


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _formula(ratio: Ratio) -> str:
    return f"{_side(ratio.numerator)} / {_side(ratio.denominator)}"


def _side(formula: Formula) -> str:
    text = " ".join(f"{'+' if sign > 0 else '−'} `{name}`" for sign, name in formula.terms).removeprefix("+ ")
    return f"({text})" if len(formula.terms) > 1 else text


def _range(ratio: Ratio) -> str:
    lowest = "" if ratio.lowest is None else f"{ratio.lowest:g}".replace("-", "−")
    return f"{lowest} to {ratio.highest:g}" if ratio.highest is not None else f"{lowest} and more"


def _shown(ratio: Ratio, counts: dict[str, int]) -> str:
    value = ratio.evaluate(counts)
    assert value is not None
    if ratio.unit != "ratio":
        return f"{_grouped(round(value))} {ratio.unit}"
    if ratio.lowest == 0 and ratio.name != "quick_ratio":
        return f"{100 * value:.5g} %"
    return f"{value:.3g}"
