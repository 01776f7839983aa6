"""Panels about what comes in: whether everything is counted, how events flow, what waits."""

from typing import Final

from monitoring import feeds as fed
from monitoring import freshness as fresh
from monitoring import promql
from monitoring.alerts import producers, thresholds
from monitoring.dashboards import queries, sentences
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import (
    BAD,
    CALM,
    FAIR,
    GOOD,
    NONE,
    Placed,
    bars,
    lines,
    number,
    shown_as,
    states,
    withheld_as,
    worded,
)
from monitoring.dashboards.queries import Query, own
from monitoring.dashboards.wording import CAUSES, COUNT, PERCENT, PLAIN, SECONDS, SEEN_UNTIL, About, of_metric
from schemas import instruments as known
from schemas.catalogue.counts import FACTS_WITHOUT_EFFECT

RATE: Final = "suffix:/s"
_NOT_KNOWN: Final = "not known"
_TYPE: Final = 'type=~"$type"'
_HALF: Final = 0.5
_A_DAY: Final = 5_760
"""Samples of a day, one each 15 s (count)."""
_COMPLETENESS: Final = ("TenureIncomplete", "TenureOftenIncomplete")


def owned() -> Placed:
    """Return how many partitions have an owner, and of how many."""
    about = of_metric(
        "Partitions",
        known.PARTITION_OWNED,
        "Partitions with an owner, and how many there are. Less: nobody counts the others.",
        COUNT,
        runbooks=("TenureIncomplete", "TenureWorkerAbsent"),
    )
    own_it = f"count(sum by (partition) ({own(known.PARTITION_OWNED)}))"
    expected = f"max({own(known.PARTITIONS_EXPECTED)})"
    of_all = sentences.number(expected, "of", "of $1 have an owner", step="1")
    asked = Query(f"({own_it} or 0 * {expected}) * on () group_left (of) ({of_all})", "{{of}}")
    return number(
        about, asked, size=(6, 6), empty="no worker", names=True, decimals=0, steps=[(None, NONE), (0.0, CALM)]
    )


def checks() -> Placed:
    """Return how many equations between counts do not hold, and how many counters a recount refutes."""
    each = (known.VERIFICATION_DIFFERENCES, known.VERIFIED_CUSTOMERS, known.VERIFICATION_SECONDS)
    about = of_metric(
        "Checks that fail",
        known.IDENTITIES_VIOLATED,
        "Equations between counts, and counters that customers' facts refute: 0, or the KPIs are wrong.\n\n"
        + "\n".join(f"- `{metric.name}`: {metric.help}" for metric in each),
        COUNT,
        runbooks=("TenureIdentityViolated", "TenureCountersDiffer"),
    )
    asked = [
        Query(f"max({own(known.IDENTITIES_VIOLATED)})", "equations"),
        Query(f"sum({own(known.VERIFICATION_DIFFERENCES)})", "recounted"),
    ]
    return number(
        about, *asked, steps=[(None, NONE), (0.0, GOOD), (1.0, BAD)], size=(6, 6), empty="no worker", names=True
    )


def budget() -> Placed:
    """Return how much of the freshness objective's budget is left."""
    about = About(
        "Freshness budget left",
        f"Of the {thresholds.FRESH_WINDOW_DAYS} days' budget of instants at which what Kafka has had for"
        f" {thresholds.FRESH_LIMIT_SECONDS} s was not in the numbers that are shown; below 0 the objective of"
        f" {thresholds.FRESH_OBJECTIVE:.1%} is missed.\n\n`{fresh.LEFT}`",
        PERCENT,
        ("FreshnessBudgetBurning",),
    )
    conditions = {
        "spent: the objective is missed": f"{fresh.LEFT} < 0",
        "less than half": f"{fresh.LEFT} >= 0 < {_HALF}",
        f"for {thresholds.FRESH_WINDOW_DAYS} days": f"{fresh.LEFT} >= {_HALF}",
    }
    said = " or ".join(sentences.said(condition, "verdict", words) for words, condition in conditions.items())
    asked = Query(f"max({fresh.LEFT}) * on () group_left (verdict) ({said})", "{{verdict}}")
    coloured = {"/^spent/": BAD, "/^less/": FAIR, "/^for/": GOOD}
    return number(about, asked, size=(6, 3), decimals=0, names=True, coloured=coloured, empty="not known yet")


def objective(*, size: tuple[int, int] = (6, 3)) -> Placed:
    """Return the share of the time in which the KPIs were complete."""
    about = About(
        "Complete, last 30 days",
        f"The objective is {thresholds.OBJECTIVE:.1%} of the time; backfills do not count against it. A Prometheus that"
        " knows less than a day of the stream judges nothing.\n\n`1 − avg of stream:incomplete:bool`",
        PERCENT,
        _COMPLETENESS,
    )
    share = "(1 - avg_over_time(stream:incomplete:bool[30d]))"
    young = f"count_over_time(stream:incomplete:bool[30d]) < {_A_DAY}"
    conditions = {
        "less than a day is known": young,
        f"on target ≥ {thresholds.OBJECTIVE:.1%}": f"{share} >= {thresholds.OBJECTIVE} unless {young}",
        f"missed target ≥ {thresholds.OBJECTIVE:.1%}": f"{share} < {thresholds.OBJECTIVE} unless {young}",
    }
    said = " or ".join(sentences.said(condition, "verdict", words) for words, condition in conditions.items())
    asked = Query(f"{share} * on () group_left (verdict) ({said})", "{{verdict}}")
    coloured = {"/^on target/": GOOD, "/^missed/": BAD}
    return number(about, asked, size=size, decimals=2, names=True, coloured=coloured, empty="not known yet")


def causes() -> Placed:
    """Return what makes numbers incomplete now."""
    about = About(
        "Why numbers are withheld",
        "Nothing, or each cause and how many partitions it concerns; the runbook says what to do.\n\n"
        "`stream:incomplete:partitions`",
        COUNT,
        _COMPLETENESS,
    )
    known_causes = (
        f'(label_replace(stream:incomplete:partitions, "cause", "{SEEN_UNTIL}", "until", "(.+)") or 0 / 0 *'
        ' label_replace(stream:backfill:bool unless on () stream:incomplete:partitions, "cause", "loading", "", ""))'
    )
    nothing = f'label_replace(vector(0), "cause", "nothing", "", "") unless on () {known_causes}'
    columns = [
        Column(
            "cause",
            mappings=worded({"nothing": "nothing: they are complete", "loading": "history is being loaded", **CAUSES}),
            width=380,
        ),
        Column("partitions", COUNT, decimals=0),
    ]
    arranged = Arranged({"cause": "cause", "Value": "partitions"}, columns, sort_by="partitions")
    return rows(about, arranged, Query(f"max by (cause) ({known_causes} or {nothing})"), size=(12, 6))


def completeness() -> Placed:
    """Return over time whether numbers were shown."""
    about = About(
        "Numbers over time",
        "When KPIs were shown, when they were withheld, and when history was being loaded; nothing where Prometheus did"
        " not look. A step in which they were withheld at any time counts as such.\n\n"
        "`stream:incomplete:bool`, `stream:backfill:bool`",
        PLAIN,
        (*_COMPLETENESS, "TenureBackfill"),
    )
    values = shown_as({"0": ("withheld", BAD), "1": ("shown", GOOD), "2": ("history is loading", CALM)})
    loading = "2 * max_over_time(stream:backfill:bool[$__rate_interval])"
    asked = f"{loading} or on () 1 - max_over_time(stream:incomplete:bool[$__rate_interval])"
    return states(about, Query(asked, "numbers"), size=(12, 6), mappings=values)


def applied() -> Placed:
    """Return the flow of events by type."""
    about = of_metric(
        "Events applied, by type",
        known.EVENTS_APPLIED,
        "A feed that died looks like a good day: no cancels.",
        RATE,
        runbooks=("EventSourceQuiet",),
    )
    asked = f"sum by (type) (rate({own(known.EVENTS_APPLIED, _TYPE)}[$__rate_interval]))"
    return lines(about, Query(asked, "{{type}}"), size=(12, 8), stacked=True, filled=30)


def flow() -> Placed:
    """Return how many events came, and how many were usual."""
    about = of_metric(
        "Events of the last hour and the last day",
        known.EVENTS_APPLIED,
        "*usual*: as many came in the same hours of the last four weeks; none before the first week is over. They are"
        f" estimates from counters.\n\n`{fed.EXPECTED_OF_TYPE}`",
        COUNT,
        runbooks=("EventSourceQuiet",),
    )
    came = own(known.EVENTS_APPLIED, _TYPE)
    asked = []
    for span in ("1h", "1d"):
        asked.append(Query(f"round(sum by (type) (increase({came}[{span}])))"))
        usual = f'sum by (type) ({fed.EXPECTED_OF_TYPE}{{span="{span}",{_TYPE}}})'
        asked.append(Query(f"round({usual} or {_not_known(came, 'type')})"))
    names = {
        "Value #A": "last hour",
        "Value #B": "usual in an hour",
        "Value #C": "last day",
        "Value #D": "usual in a day",
    }
    columns = [Column(name, COUNT, decimals=0, mappings=withheld_as(_NOT_KNOWN)) for name in names.values()]
    arranged = Arranged({"type": "type", **names}, columns, sort_by="type", descending=False)
    return rows(about, arranged, *asked, size=(12, 8))


def _not_known(counter: str, labels: str) -> str:
    """Return no number for each that is counted: without any series Grafana leaves a column out."""
    return f"0 / 0 * sum by ({labels}) ({counter})"


def by_feed() -> Placed:
    """Return of each feed how many events came, are usual, were refused and were mended."""
    about = About(
        "Feeds, of the last 24 hours",
        "A feed is an event type from one source: what came, what usually comes, what could not be applied, and in"
        " how many a member was mended. Estimates from counters; what came is not known for a day after a load of"
        " history, nor what is usual on the first days.\n\n"
        f"`{fed.came('1d')}`, `{fed.EXPECTED}`, `{known.FEED_DEAD_LETTERS.name}`, `{known.FEED_MENDED.name}`",
        COUNT,
        ("EventSourceSlow", "EventSourceQuiet", "DeadLettersGrowing"),
    )
    counted = [f"increase({own(metric)}[24h])" for metric in (known.FEED_DEAD_LETTERS, known.FEED_MENDED)]
    unknown = _not_known(own(known.FEED_EVENTS), fed.FEED)
    flows = (fed.came("1d"), f'{fed.EXPECTED}{{span="1d"}}')
    asked = [*(f"sum by ({fed.FEED}) ({flow}) or {unknown}" for flow in flows), *counted]
    names = ("came", "usual", "refused", "mended")
    columns = [
        *(Column(name, COUNT, decimals=0, mappings=withheld_as(_NOT_KNOWN)) for name in ("came", "usual")),
        Column("refused", COUNT, [(None, NONE), (1.0, FAIR)], decimals=0),
        Column("mended", COUNT, decimals=0),
    ]
    renamed = {"type": "type", "source": "source"}
    renamed |= {f"Value #{letter}": name for letter, name in zip("ABCD", names, strict=True)}
    arranged = Arranged(renamed, columns, sort_by="type", descending=False)
    each = (Query(f"round(sum by (type, source) ({expr}))") for expr in asked)
    return rows(about, arranged, *each, size=(24, 10))


def oddities() -> Placed:
    """Return events that are not simply applied."""
    found = {
        "repeated": known.EVENTS_DUPLICATE,
        "late": known.EVENTS_LATE,
        "tests": known.EVENTS_TEST,
        "conflicting": known.EVENTS_CONFLICTING,
        "forgotten": known.EVENTS_FORGOTTEN,
        "forwarded": known.RECORDS_FORWARDED,
    }
    listed = "\n".join(f"- {name}: `{metric.name}`. {metric.help}" for name, metric in found.items())
    about = About(
        "Events that are not simply applied",
        f"None of them is lost.\n\n{listed}",
        RATE,
        ("EventsConflicting", "RecordsForwarded"),
    )
    # Some have a label and no series before the first of them.
    asked = [Query(f"sum(rate({own(metric)}[$__rate_interval])) or vector(0)", name) for name, metric in found.items()]
    return lines(about, *asked, size=(12, 8), lowest=0)


def without_effect() -> Placed:
    """Return the facts of the last day that did nothing, by kind."""
    about = About(
        "Facts without effect, of the last 24 hours by kind",
        f"{FACTS_WITHOUT_EFFECT.meaning} A producer sends facts of subscriptions that are not open, most often without"
        " `subscription_id`, or signups are missing; what is missing brings them to life, however late. There is a"
        f" warning from {thresholds.WITHOUT_EFFECT_SHARE:.0%} of a kind on. `tenure explain facts_without_effect` names"
        f" them.\n\n`{FACTS_WITHOUT_EFFECT.metric}`",
        COUNT,
        ("FactsWithoutEffect",),
    )
    asked = queries.trend(f'{producers.WITHOUT_EFFECT}{{{promql.ALL},window="{producers.DAY}"}}')
    return lines(about, Query(f"sum by (kind) ({asked})", "{{kind}}"), size=(12, 8), lowest=0)


def mended() -> Placed:
    """Return in how many events of the last day members were mended."""
    about = of_metric(
        "Mended members, of the last 24 hours",
        known.EVENTS_MENDED,
        "They cost no event: a slug or a country is mended, what cannot be mended is left out, and segments, reasons"
        " and features know less. An estimate from counters.",
        COUNT,
        runbooks=("MendedMembersRising",),
    )
    asked = f"sort_desc(round(sum by (member) (increase({own(known.EVENTS_MENDED)}[24h]))) > 0)"
    return bars(about, Query(asked, "{{member}}"), steps=[(None, CALM)], size=(12, 8), empty="none")


def conflicts() -> Placed:
    """Return how many events of the last day contradicted another one of their id."""
    about = of_metric(
        "Conflicts, of the last 24 hours",
        known.EVENTS_CONFLICTING,
        "The number is of contradictions: of each two one counts, always the same. Corrections, with a greater"
        " `sequence`, are no fault and left out. An estimate from counters.",
        COUNT,
        runbooks=("EventsConflicting",),
    )
    of_kind = own(known.EVENTS_CONFLICTING, f'kind="{known.CONTRADICTION}"')
    asked = f"round(sum(increase({of_kind}[24h])))"
    return number(about, Query(asked), steps=[(None, NONE), (1.0, FAIR)], size=(12, 8), decimals=0, empty="none")


def dead_letters() -> Placed:
    """Return records that could not be applied, by reason."""
    about = of_metric(
        "Dead letters of the last 24 hours, by reason",
        known.DEAD_LETTERS,
        "What a producer sends and nobody can apply is missing from the KPIs. An estimate from counters.",
        COUNT,
        runbooks=("DeadLettersGrowing",),
    )
    asked = f"sort_desc(round(sum by (reason) ({queries.risen(own(known.DEAD_LETTERS))})) > 0)"
    return bars(about, Query(asked, "{{reason}}"), steps=[(None, NONE), (1.0, FAIR)], size=(12, 8), empty="none")


def lag_seconds() -> Placed:
    """Return how far behind the partitions are."""
    about = About(
        "Behind",
        "How old the oldest event is that waits, by partition; KPIs are withheld from"
        f" {thresholds.LAG_LIMIT_SECONDS} s on.\n\n`stream:lag_seconds:max`, the larger of `{known.LAG_SECONDS.name}`"
        f" and `{known.OLDEST_UNAPPLIED.name}` that lasts for {thresholds.LAG_SUSTAINED}",
        SECONDS,
        ("TenureLagging",),
    )
    marks = [(float(thresholds.LAG_LIMIT_SECONDS), BAD)]
    return lines(about, Query("stream:lag_seconds:max", "partition {{partition}}"), size=(12, 8), marks=marks, lowest=0)


def lag_records() -> Placed:
    """Return how many records wait."""
    about = of_metric(
        "Records that wait, by topic",
        known.LAG_RECORDS,
        "A backlog that falls is being worked off.",
        COUNT,
        runbooks=("TenureLagging",),
    )
    asked = f"sum by (topic) ({own(known.LAG_RECORDS)})"
    return lines(about, Query(asked, "{{topic}}"), size=(12, 8), stacked=True, filled=30)


def watermark() -> Placed:
    """Return the age of the latest event."""
    meaning = "How long ago the latest event happened, by partition. On a quiet partition it grows without any fault."
    about = of_metric("Age of the latest event", known.WATERMARK, meaning, SECONDS)
    # It is 0 until a partition's first event: a worker that has just begun would be 57 years behind.
    # While history is being loaded it is years.
    asked = f"(time() - (max by (partition) ({own(known.WATERMARK)}) > 0)) {queries.NO_BACKFILL}"
    return lines(about, Query(asked, "partition {{partition}}"), size=(12, 8), lowest=0)


def unapplied() -> Placed:
    """Return how long read records wait for their commit."""
    meaning = "How long the oldest record waits that was read, by partition."
    about = of_metric("Oldest record that is not applied", known.OLDEST_UNAPPLIED, meaning, SECONDS)
    asked = f"max by (partition) ({own(known.OLDEST_UNAPPLIED)})"
    return lines(about, Query(asked, "partition {{partition}}"), size=(12, 8), lowest=0)


def untranslated() -> Placed:
    """Return how long records of other systems wait to be translated."""
    about = of_metric(
        "Records of other systems wait, by topic",
        known.ADAPTER_LAG_SECONDS,
        "How old the oldest record is that waits to be translated; what it says is in no KPI yet, and KPIs are shown"
        " all the same.",
        SECONDS,
        runbooks=("TranslationLagging",),
    )
    asked = Query(f"max by (topic) ({own(known.ADAPTER_LAG_SECONDS)})", "{{topic}}")
    steps = [(None, NONE), (float(thresholds.ADAPTER_LAG_LIMIT_SECONDS), BAD)]
    return number(about, asked, steps=steps, size=(12, 8), empty="no topic of another system is read", names=True)
