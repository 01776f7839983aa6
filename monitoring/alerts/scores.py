"""Alerts of what is judged against the past, without any target: spikes, rises, falls, departures.

Source: docs/definitions.md, section 6.
"""

from collections.abc import Iterator

from monitoring import phrases, promql, scores
from monitoring.alerts import bands, measures, segments, thresholds
from monitoring.alerts.kpi import FEEDBACK_BOARD, RETENTION_BOARD, REVENUE_BOARD
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import COUNT, PLAIN, SCORE, SHARE, looked_up, own
from schemas.catalogue.ratios import RATIO_BY_NAME

_VARIES = 1.05
"""Days that vary less beyond chance need no words."""


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield all of them."""
    yield _spike("page", thresholds.SPIKE_Z_PAGE, pace.page, pace)
    yield _spike("warn", thresholds.SPIKE_Z_WARN, pace.warn, pace)
    yield _rise(
        "InvoluntaryChurnRising",
        "involuntary",
        "cancellations after failed payments",
        "Ask the payment provider for declined charges by reason, card brand and country; see that retries run.",
        pace,
    )
    yield _rise(
        "VoluntaryChurnRising",
        "voluntary",
        "cancellations that customers decided on",
        "Read the reasons given; compare with releases and price changes of the last two weeks.",
        pace,
    )
    yield _nps(pace)
    yield _departure(pace)
    yield from bands.alerts(pace)
    yield from segments.alerts(pace)
    yield from measures.alerts(pace)


def _segments(count: str) -> str:
    return phrases.above_average(count, "segment:tenure_customers_at_start:sum", "7d", "")


def _spike(severity: str, z: float, lasting: str, pace: Pace) -> Alert:
    last, usual = scores.LAST_DAY, looked_up(scores.EXPECTED, COUNT)
    varied = (
        f"{{{{ with query `{scores.DISPERSION} > {_VARIES}` }}}}, days vary"
        f" {{{{ . | first | value | {PLAIN} }}}} times as much as pure chance would{{{{ end }}}}"
    )
    page = severity == "page"
    return Alert(
        "ChurnSpike",
        severity,
        "kpi",
        f"{last}\nand on () {scores.SPIKE} >= {promql.number(z)}\nand on () {last} >= {thresholds.SPIKE_LEAST}"
        f"{promql.GUARD}",
        lasting,
        f"{own(COUNT)} cancellations in the last 24 hours, usually {usual}",
        f"{own(COUNT)} cancellations in the last 24 hours of"
        f" {phrases.of_window('segment:tenure_customers_at_start:sum', '1d', COUNT)} customers at the start;"
        f" the same weekday of the last {looked_up(scores.WEEKS, COUNT)} weeks has {usual}, at today's size.\n"
        f"It is real beyond chance: z = {looked_up(scores.SPIKE, PLAIN)} (a page from"
        f" {promql.number(thresholds.SPIKE_Z_PAGE)} on){varied}.\n"
        "Failed payments among them:"
        f" {phrases.of_window('segment:tenure_cancellations_involuntary:sum', '1d', COUNT)}."
        f"{phrases.reasons('7d') if page else ''}\n"
        f"{_segments('segment:tenure_cancellations:sum')} in 7 days.\n"
        "First: see whether they have one reason or one segment; many failed payments at once are a payment provider's"
        " fault, one reason or plan is a release, a price or an e-mail of ours.",
        f"{RETENTION_BOARD}?var-window=1d",
        pace.outlast if page else pace.keep,
        {"kpi": "cancellations", "dimension": "all", "window": "1d"},
    )


def _rise(name: str, cause: str, what: str, first: str, pace: Pace) -> Alert:
    failed = promql.of_all("segment:tenure_cancellations_involuntary:sum", "7d")
    everything = promql.of_all("segment:tenure_cancellations:sum", "7d")
    count = failed if cause == "involuntary" else f"({everything} - {failed})"
    score = f'{scores.RISE}{{cause="{cause}"}}'
    segments = (
        _segments("segment:tenure_cancellations_involuntary:sum")
        if cause == "involuntary"
        else _segments("segment:tenure_cancellations:sum")
    )
    return Alert(
        name,
        "warn",
        "kpi",
        f"{count}\nand on () {score} >= {promql.number(thresholds.RISE_Z)}\n"
        f"and on () {count} >= {thresholds.LEAST_LOSSES}{promql.GUARD}",
        pace.warn,
        f"{own(COUNT)} {what} in 7 days, more than in the weeks before (z = {looked_up(score, PLAIN)})",
        f"{own(COUNT)} {what} in the last 7 days of"
        f" {phrases.of_window('segment:tenure_customers_at_start:sum', '7d', COUNT)} customers; against the 23 days"
        f" before them z = {looked_up(score, PLAIN)} (a warning from {promql.number(thresholds.RISE_Z)} on).\n"
        f"{segments}.\nFirst: {first}",
        f"{REVENUE_BOARD if cause == 'involuntary' else RETENTION_BOARD}?var-window=7d",
        pace.keep,
        {"kpi": f"cancellations_{cause}", "dimension": "all", "window": "7d"},
    )


def _nps(pace: Pace) -> Alert:
    where = f"{{{promql.ALL},window=%q}}"
    score = looked_up(f"{scores.NPS_FALL}{where}", PLAIN)
    answers = looked_up(f"segment:nps:sample{where}", COUNT)
    scale = phrases.on_scale(RATIO_BY_NAME["nps"])
    return Alert(
        "NpsFalling",
        "warn",
        "kpi",
        f"{scale}segment:nps:ratio{{{promql.ALL}}}\nand {scores.NPS_FALL} <= {promql.number(thresholds.NPS_FALL_Z)}"
        f"{promql.GUARD}",
        pace.warn,
        f"NPS fell to {own(SCORE)} in the window {{{{ $labels.window }}}}, from {answers} answers",
        f"NPS is {own(SCORE)} (from −100 to 100) in the window {{{{ $labels.window }}}}, from {answers} answers;"
        f" against the window before it z = {score} (a warning from {promql.number(thresholds.NPS_FALL_Z)} down).\n"
        "First: read the reasons of the detractors, and see whether another group is asked than before (way, segment).",
        f"{FEEDBACK_BOARD}?var-window={{{{ $labels.window }}}}",
        pace.keep,
        {"kpi": "nps_fall"},
    )


def _departure(pace: Pace) -> Alert:
    segments = 'dimension!="all",value!="other"'
    mine = "dimension=%q,value=%q,window=%q"

    def asked(series: str, shown: str) -> str:
        query = f"printf `{series}{{{mine}}}` $labels.dimension $labels.value $labels.window | query"
        return f"{{{{ with {query} }}}}{{{{ . | first | value | {shown} }}}}{{{{ end }}}}"

    others = asked("segment:churn_of_others:losses", COUNT), asked("segment:churn_of_others:sample", COUNT)
    k, n = asked("segment:churn_standard:losses", COUNT), asked("segment:churn_standard:sample", COUNT)
    where = "{{ $labels.dimension }} {{ $labels.value }}"
    return Alert(
        "SegmentChurnDeparts",
        "warn",
        "kpi",
        f"segment:churn_standard:ratio{{{segments}}}\n"
        f"and {scores.DEPARTURE} >= {promql.number(thresholds.DEPARTURE_Z)}\n"
        f"and segment:churn_standard:losses >= {thresholds.LEAST_LOSSES}\n"
        f"and segment:churn_standard:sample >= {thresholds.LEAST_SAMPLE}{promql.GUARD}",
        pace.warn,
        f"Churn of {where} is {own(SHARE)} in the window {{{{ $labels.window }}}} ({k} of {n}), above all the rest",
        f"{where}: {k} lost of {n} customers at the start of the window {{{{ $labels.window }}}}, churn {own(SHARE)};"
        f" all others: {others[0]} of {others[1]}. z = {asked(scores.DEPARTURE, PLAIN)} (a warning from"
        f" {promql.number(thresholds.DEPARTURE_Z)} on).\n"
        "First: see what only this segment has had: a price, a release, a campaign, a failed payment method.",
        f"{RETENTION_BOARD}?var-window={{{{ $labels.window }}}}&var-dimension={{{{ $labels.dimension }}}}"
        "&var-value={{ $labels.value }}",
        pace.keep,
        {"kpi": "churn_departure"},
    )
