"""The board *Measures, tickets and value*: whether a measure keeps customers, what tickets cost, what one is worth.

Like all that is looked at customer by customer, it comes from the worker that owns partition 0 alone.
"""

from collections.abc import Sequence
from typing import Final

from monitoring.alerts import thresholds
from monitoring.dashboards import freshness, queries, sentences, tiles, variables
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, Placed, lines
from monitoring.dashboards.queries import NOT_WITHHELD, Query, own
from monitoring.dashboards.wording import COUNT, DAYS, MINOR_PER_MAJOR, MONEY, PERCENT, PLAIN, SECONDS, About, of_metric
from schemas import instruments as known
from schemas.catalogue.feedback_bands import CHURN_DAYS
from schemas.dimensions import CHANNEL
from schemas.instruments import Instrument

UID: Final = "tenure-measures"
_VARIANT: Final = "measure, variant"
_STAYS: Final = CHURN_DAYS[-1]
_RUNBOOKS: Final = ("MeasureLosesCustomers",)
_P: Final = "chance"
_LEFT: Final = 'end="left"'
_ALL: Final = 'dimension="all"'
_CHANNELS: Final = f'dimension="{CHANNEL}"'


def board() -> Board:
    """Return the board."""
    return Board(
        UID,
        "Measures, tickets and value",
        "Did the measure work, do tickets cost customers, and what is a customer worth?",
        [variables.source(), variables.job()],
        [
            Section("", freshness.first_line()),
            Section("Did the measure work?", [different(), measures(), chance(), odds()]),
            Section("Do tickets cost customers?", [answered(), solved(), after_a_ticket(), waiting(), within_a_day()]),
            Section("What is a customer worth?", [worth(), by_channel(), worth_over_time()]),
        ],
    )


def different() -> Placed:
    """Return of how many variants it is certain that customers leave otherwise than with the control."""
    p = f"max by ({_VARIANT}) ({own(known.EXPERIMENT_P)})"
    about = of_metric(
        "Variants that differ",
        known.EXPERIMENT_P,
        f"Variants of which it is certain: p is at most {thresholds.MEASURE_P:g}. It may be looked at every day"
        " (docs/experiments.md).",
        COUNT,
        runbooks=_RUNBOOKS,
    )
    words = sentences.number(f"count({p})", "compared", "of $1 that are compared", step="1")
    asked = sentences.joined(f"sum({p} <= bool {thresholds.MEASURE_P:g})", p, {"compared": words})
    return tiles.plain_tile(about, asked, words="compared", empty="nothing to compare", size=(6, 9))


def measures() -> Placed:
    """Return the variants of each measure: who saw them, who left, and how they compare with the control."""
    about = of_metric(
        "Measures and their variants",
        known.EXPERIMENT_ODDS,
        "Active customers by the variant that they saw first, those who left, the share that stays longer than"
        f" {_STAYS} days, and the odds of leaving against the control, which has none, with their range. *{_P}* is the"
        f" always-valid p-value: from {thresholds.MEASURE_P:g} down the variant differs. *seen last*: when somebody"
        " saw the measure for the first time last.",
        PERCENT,
        runbooks=_RUNBOOKS,
    )
    left, active = (_customers(where) for where in (_LEFT, 'end!="not_active"'))
    asked = [active, left, _variants(known.EXPERIMENT_SURVIVAL, f'days="{_STAYS}"')]
    asked += [_variants(known.EXPERIMENT_ODDS), _variants(known.EXPERIMENT_ODDS_LOWER)]
    newest = f"1000 * max by (measure) ({own(known.EXPERIMENT_NEWEST)})"
    asked += [_variants(known.EXPERIMENT_ODDS_UPPER), _variants(known.EXPERIMENT_P)]
    asked += [f"{newest} * on (measure) group_right () (0 * {active} + 1)"]
    names = ("customers", "left", f"stay {_STAYS} days", "odds", "at least", "at most", _P, "seen last")
    columns = [
        Column("measure", least=130),
        *(Column(name, COUNT, decimals=0) for name in names[:2]),
        Column(names[2], PERCENT, decimals=1),
        *(Column(name, PLAIN, decimals=2) for name in names[3:6]),
        Column(_P, PLAIN, decimals=4),
        Column("seen last", "dateTimeFromNow", width=130),
    ]
    none = _row("measure", "nobody saw a measure", own(known.EXPERIMENT_CUSTOMERS))
    return _table(about, ("measure", "variant"), names, columns, [f"{asked[0]} or {none}", *asked[1:]], size=(18, 9))


def chance() -> Placed:
    """Return the always-valid p-values over time."""
    about = of_metric(
        "How likely chance alone is, over time",
        known.EXPERIMENT_P,
        f"It never rises, but for late events. From {thresholds.MEASURE_P:g} down, the dashed line, a variant differs.",
        PLAIN,
        runbooks=_RUNBOOKS,
    )
    asked = Query(_over_time(known.EXPERIMENT_P, _VARIANT), "{{measure}}: {{variant}}")
    return lines(about, asked, lowest=0, highest=1, marks=[(thresholds.MEASURE_P, FAIR)], decimals=2)


def odds() -> Placed:
    """Return the odds of leaving over time."""
    about = of_metric(
        "Odds of leaving against the control, over time",
        known.EXPERIMENT_ODDS,
        "1 is as fast as with the control; above the dashed line customers leave faster.",
        PLAIN,
        runbooks=_RUNBOOKS,
    )
    asked = Query(_over_time(known.EXPERIMENT_ODDS, _VARIANT), "{{measure}}: {{variant}}")
    return lines(about, asked, lowest=0, soft=(0.0, 2.0), marks=[(1.0, FAIR)], decimals=2)


def answered() -> Placed:
    """Return how long tickets wait for an answer."""
    return _wait("Answered within", "answer")


def solved() -> Placed:
    """Return how long tickets wait for a solution."""
    return _wait("Solved within", "solution")


def _wait(title: str, wait: str) -> Placed:
    meaning = f"Half of the tickets of the last 30 days have their {wait} by then; small: how many wait for it still."
    about = of_metric(title, known.TICKET_MEDIAN, meaning, SECONDS)
    median, waiting = f"max({own(known.TICKET_MEDIAN, _of(wait))})", f"max({_tickets('waiting', wait)})"
    words = sentences.number(waiting, "waiting", "half of them; $1 wait", step="1")
    asked = sentences.joined(median, median, {"waiting": words})
    return tiles.plain_tile(about, asked, words="waiting", empty="fewer than half", size=(6, 8), decimals=1)


def after_a_ticket() -> Placed:
    """Return who stays after a ticket, beside all stays."""
    about = of_metric(
        "Who stays after a ticket, and who stays at all",
        known.TICKET_SURVIVAL,
        "The share of stays that last so many days from a ticket's opening on, until the next ticket, with its 95 %"
        " interval; beside it the share of all stays that last as long from their beginning. Who has a ticket uses the"
        f" product: it need not be the ticket.\n\n`{known.TICKET_SPELLS.name}`: {known.TICKET_SPELLS.help}",
        PERCENT,
    )
    days = f'days=~"{"|".join(map(str, CHURN_DAYS))}"'
    curves = (known.TICKET_SURVIVAL, known.TICKET_SURVIVAL_LOWER, known.TICKET_SURVIVAL_UPPER, known.SURVIVAL)
    asked = [f"max by (days) ({own(metric, days)})" for metric in curves]
    names = ("after a ticket", "at least", "at most", "all stays", "left", "of")
    spells = f"max by (end) ({own(known.TICKET_SPELLS)})"
    left = f"max({own(known.TICKET_SPELLS, _LEFT)})"
    asked += [f"0 * {asked[0]} + on () group_left () {each}" for each in (left, f"sum({spells})")]
    columns = [
        Column("days", "none", text=True),
        Column(names[0], PERCENT, decimals=1, least=115),
        *(Column(name, PERCENT, decimals=1) for name in names[1:4]),
        *(Column(name, COUNT, decimals=0) for name in names[4:]),
    ]
    none = _row("days", "nobody left or stayed so long", own(known.TICKET_SURVIVAL, days))
    return _table(about, ("days",), names, columns, [f"{asked[0]} or {none}", *asked[1:]], size=(12, 8))


def waiting() -> Placed:
    """Return how many tickets wait, over time."""
    about = of_metric(
        "Tickets that wait, over time", known.TICKETS, "Opened in the 30 days before, and not done.", COUNT
    )
    asked = [
        Query(f"max({queries.trend(_tickets('waiting', wait))})", words, colour=colour)
        for wait, words, colour in (("answer", "wait for an answer", BAD), ("solution", "wait for a solution", FAIR))
    ]
    return lines(about, *asked, lowest=0)


def within_a_day() -> Placed:
    """Return the share that is answered and solved within a day, over time."""
    meaning = "Of the tickets that were opened in the 30 days before."
    about = of_metric("Within a day, over time", known.TICKET_WITHIN_DAY, meaning, PERCENT)
    asked = [
        Query(f"max({queries.trend(own(known.TICKET_WITHIN_DAY, _of(wait)))})", words)
        for wait, words in (("answer", "answered"), ("solution", "solved"))
    ]
    return lines(about, *asked, lowest=0, highest=1)


def worth() -> Placed:
    """Return the lifetime value of a customer."""
    about = of_metric("A customer is worth", known.VALUE, "Revenue, not margin, and not discounted.", MONEY)
    value = f"max({own(known.VALUE, _ALL)}) / {MINOR_PER_MAJOR}"
    days = sentences.number(f"max({own(known.VALUE_DAYS, _ALL)})", "days", "in a mean stay of $1 days", step="1")
    asked = sentences.joined(value, value, {"days": days})
    return tiles.plain_tile(about, asked, words="days", empty="nobody yet", size=(6, 8), decimals=2)


def by_channel() -> Placed:
    """Return what a customer of each channel is worth, what one cost, and when that is paid back."""
    about = of_metric(
        "By channel, beside what one cost",
        known.VALUE,
        "What a customer brings, beside the cost of acquiring one where the setting `acquisition_costs` names it:"
        f" `{known.ACQUISITION_COST.name}`, `{known.PAYBACK_DAYS.name}`. `tenure value --by channel` has the ranges.",
        MONEY,
    )
    value, days = (_channels(metric) for metric in (known.VALUE, known.VALUE_DAYS))
    cost, payback = (f"max by (channel) ({own(metric)})" for metric in (known.ACQUISITION_COST, known.PAYBACK_DAYS))
    names = ("worth", "mean stay", "cost", "worth over cost", "paid back after")
    columns = [
        *(Column(name, MONEY, decimals=2) for name in ("worth", "cost")),
        *(Column(name, DAYS, decimals=0) for name in ("mean stay", "paid back after")),
        Column("worth over cost", PLAIN, decimals=2),
    ]
    none = _row("channel", "nobody yet", own(known.VALUE, _CHANNELS))
    per_cost = f"{value} / on (channel) ({cost} > 0)"
    asked = [f"{value} / {MINOR_PER_MAJOR} or {none}", days, f"{cost} / {MINOR_PER_MAJOR}", per_cost, payback]
    return _table(about, ("channel",), names, columns, asked, size=(18, 8))


def worth_over_time() -> Placed:
    """Return the lifetime value over time."""
    meaning = "A company that grows older sees longer stays: the value rises with them."
    about = of_metric("A customer's worth over time", known.VALUE, meaning, MONEY)
    asked = Query(f"max({queries.trend(own(known.VALUE, _ALL))}) / {MINOR_PER_MAJOR}", "all customers", colour=CALM)
    return lines(about, asked, size=(24, 8), lowest=0)


def _variants(metric: Instrument, where: str = "") -> str:
    return f"max by ({_VARIANT}) ({own(metric, where)})"


def _customers(where: str) -> str:
    return f"sum by ({_VARIANT}) (max by ({_VARIANT}, end) ({own(known.EXPERIMENT_CUSTOMERS, where)}))"


def _channels(metric: Instrument) -> str:
    named = f'label_replace({own(metric, _CHANNELS)}, "channel", "$1", "value", "(.*)")'
    return f"max by (channel) ({named})"


def _of(wait: str) -> str:
    return f'wait="{wait}"'


def _tickets(end: str, wait: str) -> str:
    return own(known.TICKETS, f'end="{end}",{_of(wait)}')


def _over_time(metric: Instrument, by: str) -> str:
    return f"max by ({by}) ({queries.trend(own(metric))})"


def _row(label: str, words: str, unless: str) -> str:
    """Return the row that stands alone where there is nothing to tell."""
    return f'label_replace(0 / 0 * vector(1) unless on () {unless}, "{label}", "{words}", "", "")'


def _table(
    about: About,
    labels: Sequence[str],
    names: Sequence[str],
    looks: Sequence[Column],
    asked: Sequence[str],
    *,
    size: tuple[int, int],
) -> Placed:
    """Return a table with a row for each set of labels, and a column for each query."""
    letters = "ABCDEFGH"[: len(names)]
    renamed = {name: name for name in labels}
    renamed |= {f"Value #{letter}": name for letter, name in zip(letters, names, strict=True)}
    first = queries.or_withheld(asked[0], labels[0])
    others = (Query(f"({each}){NOT_WITHHELD}") for each in asked[1:])
    arranged = Arranged(renamed, looks, sort_by=labels[0], descending=False)
    return rows(about, arranged, Query(first), *others, size=size)
