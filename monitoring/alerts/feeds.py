"""Alerts of feeds: one is silent, one has lost most of its events, or what it sends is refused.

Source: docs/alerting.md, section Feeds.
"""

from collections.abc import Iterator
from typing import Final

from monitoring import dead_letters, feeds, phrases, promql
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Alert, Labels
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import COUNT, SHARE, looked_up, own

STREAM_BOARD: Final = "/d/tenure-stream"
NOT_LOADING: Final = "\nunless on () stream:backfill:bool == 1"
_FEED: Final = "{{ $labels.type }} from {{ $labels.source }}"
_MINE: Final = "type=%q,source=%q"
FEEDS_BOARD: Final = "/d/tenure-feeds"
"""It has a row for each feed: what came, what is usual, and what was refused."""
_LATE_ONES: Final = "When events come again, late ones restate the past by themselves."


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield all of them."""
    yield _quiet(pace)
    yield _slow(pace)
    yield from _dead_letters(pace)


def of_feed(query: str, shown: str) -> str:
    """Return the first value of a query with the alert's feed as two `%q`."""
    asked = f"printf `{query}` $labels.type $labels.source | query"
    return f"{{{{ with {asked} }}}}{{{{ . | first | value | {shown} }}}}{{{{ else }}}}unknown{{{{ end }}}}"


def _still_counted() -> str:
    """Return the condition that workers count the feed under its name: one that they do not is not silent."""
    return f"and on ({feeds.FEED}) group by ({feeds.FEED}) (tenure_feed_events_total)"


def _quiet(pace: Pace) -> Alert:
    """Return the page of a silence in which at least ten events were usual, whatever its length.

    Of a span that was not seen nearly throughout nothing is said: without samples every source looks silent.
    """
    spans = [
        f'({feeds.EXPECTED}{{span="{span}"}} >= {thresholds.QUIET_EXPECTED}\n'
        f"    unless on ({feeds.FEED}) sum by ({feeds.FEED}) (increase(tenure_feed_events_total[{span}])) > 0\n"
        f"    and on () {promql.seen('stream:complete:bool', span)})"
        for span in thresholds.QUIET_SPANS
    ]
    either = "\n  or ".join(spans)
    usual = f"{feeds.EXPECTED}{{{_MINE}}}"
    spans_usual = (
        f"{{{{ with printf `sort({usual} >= 1)` $labels.type $labels.source | query }}}}{{{{ range $n, $found := . }}}}"
        f"{{{{ if $n }}}}, {{{{ end }}}}{{{{ with $found }}}}{{{{ .Value | {COUNT} }}}} in {{{{ .Labels.span }}}}"
        "{{ end }}{{ end }}{{ end }}"
    )
    return Alert(
        "EventSourceQuiet",
        "page",
        "stream",
        f"max by ({feeds.FEED}) (\n  {either}\n)\n{_still_counted()}{promql.GUARD}",
        pace.glance,
        f"No {_FEED}, where {own(COUNT)} events were usual in the same time: data is missing",
        f"No event of type {{{{ $labels.type }}}} has come from {{{{ $labels.source }}}} for so long that {own(COUNT)}"
        f" would have been usual (same hours of the last weeks, or days; usual now: {spans_usual}).\n"
        "All partitions are read and none is behind: the events do not reach the numbers. What was not sent is lost"
        " unless its producer sends it later. KPIs fed by them look better or worse than they are; do not trust them"
        " until events come again.\n"
        "First: see on the board whether they are refused; else ask the team of the system that sends them, and look"
        " at its deployments of the last hours.",
        FEEDS_BOARD,
    )


def _slow(pace: Pace) -> Alert:
    """Return the warning of a feed that has lost most of its events, beyond chance."""
    spans = [_less(span) for span in thresholds.SLOW_SPANS]
    counts = "".join(_came_of_usual(span) for span in thresholds.SLOW_SPANS)
    return Alert(
        "EventSourceSlow",
        "warn",
        "stream",
        f"min by ({feeds.FEED}) (\n  " + "\n  or ".join(spans) + f"\n)\n{_still_counted()}{promql.GUARD}",
        pace.patient,
        f"{_FEED}: only {own(SHARE)} of the usual events come",
        f"Of type {{{{ $labels.type }}}} from {{{{ $labels.source }}}} only {own(SHARE)} of what is usual in the same"
        f" hours has come, far less than chance makes of it.{counts} What is missing is missing from the KPIs.\n"
        "First: ask the team of the system that sends them which of its parts was deployed, or stands still.",
        FEEDS_BOARD,
    )


def _came_of_usual(span: str) -> str:
    """Return a sentence of what came in a span, with a space before; nothing where a new Prometheus knows no usual."""
    usual = f'{feeds.EXPECTED}{{{_MINE},span="{span}"}}'
    came = of_feed(f"{feeds.came(span)}{{{_MINE}}}", COUNT)
    return (
        f"{{{{ with printf `{usual}` $labels.type $labels.source | query }}}} In {span} {came} came, where"
        f" {{{{ . | first | value | {COUNT} }}}} are usual.{{{{ end }}}}"
    )


def _less(span: str) -> str:
    """Return the share of the usual that came in a span, where it is small beyond chance.

    Both are Poisson counts but for good and bad days, which the limit of the share allows for.
    """
    now, usual = feeds.came(span), f'sum by ({feeds.FEED}) ({feeds.EXPECTED}{{span="{span}"}})'
    below = promql.number(thresholds.ANSCOMBE)
    score = f"2 * (sqrt({usual} + {below}) - sqrt({now} + {below}))"
    return (
        f"label_replace(\n    {now} / ({usual} >= {thresholds.SLOW_EXPECTED}) < {thresholds.SLOW_SHARE}\n"
        f"    and {score} >= {promql.number(thresholds.SLOW_Z)}\n"
        f'    and on () {promql.seen("stream:complete:bool", span)}, "span", "{span}", "", "")'
    )


#: What cannot be read names no source.
_FROM: Final = "from {{ if .Labels.source }}{{ .Labels.source }}{{ else }}an unnamed source{{ end }}"


def _dead_letters(pace: Pace) -> Iterator[Alert]:
    dead, applied = f"sum({dead_letters.BY_REASON})", dead_letters.APPLIED
    share, least = thresholds.DEAD_LETTER_PAGE_SHARE, thresholds.DEAD_LETTER_PAGE_EVENTS
    reasons = phrases.listed(
        f"sort_desc({dead_letters.BY_REASON} > 0)",
        f"{{{{ .Labels.reason }}}} {{{{ .Value | {COUNT} }}}}",
        "none any more",
    )
    whose = phrases.listed(
        f"sort_desc(topk(5, {dead_letters.of_feeds(dead_letters.SPAN)} > 0))",
        f"{{{{ .Labels.type }}}} {_FROM} {{{{ .Value | {COUNT} }}}}",
        "none any more",
    )
    text = (
        f"Records that cannot be applied are missing from the KPIs. In half an hour, about, by reason: {reasons};"
        f" by type and source: {whose}; applied: {looked_up(applied, COUNT)}. They are kept in the dead-letter topic,"
        " byte for byte, as long as Kafka keeps that.\n"
        "First: tenure dlq list --since 1h: it says by member what is wrong, and tenure dlq show who sent it."
    )
    yield _stream(
        "DeadLettersGrowing",
        "page",
        f"{dead} / ({dead} + {applied}) > {share}\nand on () {dead} >= {least}{NOT_LOADING}",
        pace.page,
        f"{own(SHARE)} of all events cannot be applied: KPIs miss them",
        text,
    )
    yield _stream(
        "DeadLettersGrowing",
        "page",
        "max by (type) (\n  "
        + "\n  or ".join(_refused(span) for span in thresholds.REFUSED_SPANS)
        + f"\n){NOT_LOADING}",
        pace.page,
        f"{own(SHARE)} of all {{{{ $labels.type }}}} events cannot be applied: KPIs miss them",
        text,
        {"scope": "type"},
    )
    yield _stream(
        "DeadLettersGrowing",
        "warn",
        f"{dead_letters.BY_REASON} >= 1",
        pace.patient,
        f"About {own(COUNT)} dead letters in half an hour: {{{{ $labels.reason }}}}",
        text,
    )


def _refused(span: str) -> str:
    """Return the share of a type's events that is refused, where that is most of them, however much else comes."""
    dead = f'sum by (type) ({dead_letters.of_feeds(span)}{{type!="unknown"}})'
    applied = f"sum by (type) ({dead_letters.taken_of_feeds(span)})"
    share = f"{dead} / ({dead} + {applied}) > {thresholds.REFUSED_SHARE}"
    return f'label_replace({share} and {dead} >= {thresholds.REFUSED_LEAST}, "span", "{span}", "", "")'


def _stream(
    name: str, severity: str, expr: str, lasting: str, summary: str, description: str, labels: Labels | None = None
) -> Alert:
    return Alert(name, severity, "stream", expr, lasting, summary, description, FEEDS_BOARD, labels=labels or {})
