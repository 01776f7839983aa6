"""Alerts of the machine: symptoms page (numbers are missing or wrong), causes warn (a service away, a worker absent).

Source: docs/operating.md, section What to watch.
"""

from collections.abc import Iterator

from monitoring import phrases
from monitoring.alerts import adapters, feeds, freshness, gateway, producers, thresholds
from monitoring.alerts.feeds import NOT_LOADING, STREAM_BOARD
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import COUNT, SHARE, looked_up, own
from monitoring.promql import TARGET, number, seen

_WORDS = {
    "no_worker": "no worker is at work",
    "unowned": "partitions without a worker: {{ .Value }}",
    "owned_twice": "partitions with two workers: {{ .Value }}",
    "not_counted": "partitions not counted: {{ .Value }}",
    "counted_twice": "partitions counted twice: {{ .Value }}",
    "seen_before": "Prometheus was started, and still sees old workers of partitions: {{ .Value }}"
    "{{ with .Labels.until }}; that ends at {{ . }}{{ end }}",
    "recovering": "partitions still being loaded: {{ .Value }}",
    "halted": "partitions halted: {{ .Value }}",
    "withheld": "workers without Kafka: {{ .Value }}",
    "behind": "partitions behind: {{ .Value }}",
    "different_counts": "workers know different numbers of partitions",
}
_WORD = (
    "{{ if "
    + "{{ else if ".join(f'eq .Labels.cause "{cause}" }}}}{word}' for cause, word in _WORDS.items())
    + "{{ else }}{{ .Labels.cause }} {{ .Value }}{{ end }}"
)
_CAUSES = phrases.listed("stream:incomplete:partitions > 0", _WORD, "complete again by now")
_LOST = f'tenure_partition_halted{{cause=~"{"|".join(thresholds.LOSS_CAUSES)}"}} == 1'
_WHETHER_LOST = (
    f"{{{{ with query `{_LOST}` }}}}Events are lost, or were: a partition is halted because Kafka does not have what"
    " comes next; see TenurePartitionHalted.{{ else }}Nothing is lost: events wait in Kafka.{{ end }}"
)
_DURATION = "humanizeDuration"
_MISSED = "stream:incomplete:bool"
_WORKERS = 'up{job="tenure"}'
_WAITING = "sum by (partition) (tenure_lag_records)"


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield all of them."""
    yield from _completeness(pace)
    yield from _budget(pace)
    yield from freshness.alerts(pace)
    yield from _lag(pace)
    yield from adapters.alerts(pace)
    yield from _backfill(pace)
    yield from feeds.alerts(pace)
    yield from _events(pace)
    yield from producers.alerts(pace)
    yield from _correctness(pace)
    yield from _tables(pace)
    yield from _forgetting(pace)
    yield from _dependencies(pace)
    yield from gateway.alerts(pace)
    yield from _targets(pace)


def _stream(name: str, severity: str, expr: str, lasting: str, summary: str, description: str) -> Alert:
    return Alert(name, severity, "stream", expr, lasting, summary, description, STREAM_BOARD)


def _completeness(pace: Pace) -> Iterator[Alert]:
    """Yield the alert of incomplete numbers: at once for Alertmanager, soon as a warning, then as a page.

    A backlog alone makes no page here: `TenureLagging` knows whether it is being worked off. While history is loaded
    only what that cannot be the reason of makes one.
    """
    text = (
        f"KPIs are incomplete and not shown: {_CAUSES}.\n"
        f"{_WHETHER_LOST} KPI alerts rest until it is over; churn that seems to end meanwhile has not ended.\n"
        'First: see which workers run (up{job="tenure"}), then their /readyz and their last log lines.'
    )
    for severity, lasting in (("info", "0s"), ("warn", pace.glance)):
        yield _stream(
            "TenureIncomplete",
            severity,
            f"stream:incomplete:bool == 1{NOT_LOADING}",
            lasting,
            f"KPIs are incomplete: {_CAUSES}",
            text,
        )
    other = 'stream:incomplete:partitions{cause!="behind"} > 0'
    unexplained = f'stream:incomplete:partitions{{cause!~"{"|".join(thresholds.BACKFILL_EXPLAINS)}"}} > 0'
    yield _stream(
        "TenureIncomplete",
        "page",
        f"group({unexplained})\nor stream:incomplete:bool == 1 and on () {other}{NOT_LOADING}",
        pace.symptom,
        f"Data is missing: {_CAUSES}; churn and all KPIs are unknown, not falling, for {pace.symptom}",
        text,
    )


def _is_often(long: str) -> str:
    """Return the condition that a window was seen nearly whole, and that the objective was missed in several gaps."""
    return f"\n  and changes({_MISSED}[{long}]) >= {2 * thresholds.BURN_LEAST_GAPS - 1} and {seen(_MISSED, long)}"


def _budget(pace: Pace) -> Iterator[Alert]:
    """Yield the burn rates of the objective that KPIs are complete: they see short gaps that come again and again."""
    allowed = 1 - thresholds.OBJECTIVE
    for severity, rates, lasting in (
        ("page", thresholds.BURN_PAGES, pace.glance),
        ("warn", thresholds.BURN_WARNINGS, pace.patient),
    ):
        either = "\nor ".join(
            f"(avg_over_time({_MISSED}[{long}]) > {number(rate * allowed)}"
            f" and avg_over_time({_MISSED}[{short}]) > {number(rate * allowed)}"
            f"{_is_often(long)})"
            for rate, long, short in rates
        )
        long = rates[-1][1]
        yield _stream(
            "TenureOftenIncomplete",
            severity,
            f"({either}){NOT_LOADING}",
            lasting,
            f"KPIs were incomplete for {own(SHARE)} of the last hours; {allowed:.1%} is allowed",
            f"KPIs keep going missing: {own(SHARE)} of the time over the window that was exceeded"
            f" ({' or '.join(each[1] for each in rates)}), and still now."
            f" In {long}: {looked_up(f'avg_over_time(stream:incomplete:bool[{long}])', SHARE)}; the objective allows"
            f" {allowed:.1%}. Now: {_CAUSES}.\n"
            "First: look for workers that start again and again, and for rebalances (tenure_rebalances_total).",
        )


def _lag(pace: Pace) -> Iterator[Alert]:
    """Yield the alerts of a backlog.

    The page looks at each partition by itself: in a sum one that stands still is hidden by those that recover.
    """
    limit = thresholds.LAG_LIMIT_SECONDS
    behind = f"stream:lag_seconds:max > {limit}"
    earlier = f"sum by (partition) (tenure_lag_records offset {thresholds.LAG_NOT_FALLING})"
    stuck = f"{behind} unless on (partition) {_WAITING} < {earlier}"
    late = f"Events are applied {own(_DURATION)} late"
    yield _stream(
        "TenureLagging",
        "page",
        f"max({stuck}){NOT_LOADING}",
        pace.patient,
        f"{late}, and the backlog does not shrink",
        _of_backlog(stuck, "that do not become fewer"),
    )
    yield _stream("TenureLagging", "warn", f"max({behind})", pace.patient, late, _of_backlog(behind, "that wait"))


def _of_backlog(partitions: str, which: str) -> str:
    """Return what is known of the backlog of some partitions."""
    listed = phrases.listed(
        f"sort_desc(topk(3, {_WAITING} and on (partition) ({partitions})))",
        f"{{{{ .Value | {COUNT} }}}} of partition {{{{ .Labels.partition }}}}",
        "none any more",
    )
    total, before = "stream:lag_records:sum", thresholds.LAG_NOT_FALLING
    return (
        f"The furthest partition is {own(_DURATION)} behind (limit {thresholds.LAG_LIMIT_SECONDS} s). Records {which}:"
        f" {listed}. In all {looked_up(total, COUNT)} wait, {looked_up(f'{total} offset {before}', COUNT)} did"
        f" {before} ago. KPIs are not shown meanwhile, and no KPI alert fires.\n"
        "First: see whether Redis is slow (tenure_commit_seconds) or a worker is missing; more workers help up to the"
        " number of partitions."
    )


def _backfill(pace: Pace) -> Iterator[Alert]:
    """Yield the alert of loaded history: at once for Alertmanager, and as a warning when it does not end."""
    text = (
        "Most events are late, or the newest is days old: somebody loads history. KPI alerts and most of the machine's"
        f" pages rest until {thresholds.BACKFILL_REST} after it.\n"
        "First: nothing, if somebody is loading. Else find out who sends old events (tenure_events_late_total)."
    )
    yield _stream(
        "TenureBackfill",
        "info",
        "stream:backfill:bool == 1",
        "0s",
        "History is being loaded: nothing is judged",
        text,
    )
    yield _stream(
        "TenureBackfill",
        "warn",
        f"max_over_time(stream:backfill:bool[{thresholds.BACKFILL_PAUSE}]) == 1",
        pace.loading,
        f"Little or nothing is judged for more than {pace.loading}: history is being loaded, or a producer is always"
        " late",
        text,
    )


def _events(pace: Pace) -> Iterator[Alert]:
    yield _stream(
        "EventsConflicting",
        "warn",
        'sum(increase(tenure_events_conflicting_total{kind="contradiction"}[1h])) >= 1',
        pace.patient,
        f"About {own(COUNT)} events in an hour share id and sequence with another event that says something else",
        "A producer gives one id to different events, of which one counts, always the same. Corrections, with another"
        " sequence, are not counted here.\n"
        "First: look which source has changed how it makes ids, or corrects events without a greater sequence.",
    )
    forwarded = "sum by (topic) (increase(tenure_records_forwarded_total[1h]))"
    records = "on () group_left () sum(increase(tenure_events_applied_total[1h]))"
    yield _stream(
        "RecordsForwarded",
        "warn",
        f"{forwarded} / {records} > {thresholds.FORWARDED_SHARE}",
        pace.day,
        f"{own(SHARE)} of the events lie on a wrong partition: {{{{ $labels.topic }}}}",
        "Their producer sends without the customer's id as key, or with another partitioner. All of them count, at the"
        " cost of a second way through Kafka.\nFirst: tell the producer's team the topic and the page on producing.",
    )


def _correctness(pace: Pace) -> Iterator[Alert]:
    yield _stream(
        "TenureIdentityViolated",
        "page",
        "sum(tenure_identities_violated) > 0",
        pace.page,
        f"{own(COUNT)} equations between counts do not hold: KPIs are wrong",
        f"{own(COUNT)} equations that must hold at any time do not: a fault of the program, or damaged state. KPI"
        " alerts"
        " rest. The log line identities_violated names them.\n"
        "First: note time and log lines; do not restart before. Then run tenure rebuild.",
    )
    yield _stream(
        "TenureCountersDiffer",
        "page",
        "sum by (kind) (tenure_verification_differences) > 0",
        pace.page,
        f"{own(COUNT)} {{{{ $labels.kind }}}} in Redis are not what customers' facts come to: KPIs are wrong",
        f"Workers have recounted customers from their facts, twice, and {own(COUNT)} of the stored"
        " {{ $labels.kind }} are not what these come to: a fault of the program, or state that was damaged from"
        " outside. The log line verification_differs names them.\n"
        "First: note time and log lines, and see who has written to Redis. Then run tenure rebuild.",
    )


def _tables(pace: Pace) -> Iterator[Alert]:
    yield _stream(
        "TenureCommitConflicts",
        "warn",
        f"sum(increase(tenure_commit_conflicts_total[15m])) > {thresholds.COMMIT_CONFLICTS}",
        pace.patient,
        f"Redis refused {own(COUNT)} commits in a quarter of an hour: two write the same partition",
        "A few after a rebalance are normal; these go on. No number is wrong: the one who is late reloads.\n"
        "First: look whether two streams share one TENURE_REDIS_PREFIX, and whether workers are paused and resumed.",
    )
    yield _stream(
        "TenurePartitionRecounted",
        "warn",
        "sum(increase(tenure_recounts_total[15m])) > 0",
        pace.glance,
        f"{own(COUNT)} partitions are counted anew from Kafka: Redis lost their tables, or half of a commit",
        "Redis started empty, or a crash cut its append-only file within a commit. KPIs are withheld until the"
        " partitions have caught up. Targets lie in Redis alone.\n"
        "First: look at the lag, at the disk and the log of Redis, and at tenure target list.",
    )
    yield _stream(
        "TenurePartitionHalted",
        "page",
        f"count by (partition, cause) ({_LOST})",
        "0s",
        "Partition {{ $labels.partition }} has lost events ({{ $labels.cause }}): it is halted",
        "Kafka does not have what this partition is to read next, or Redis has lost what was counted of it. Waiting"
        " mends neither, and Kafka's retention may go on deleting. All KPIs are withheld meanwhile.\n"
        "First: tenure resume says what is lost; the runbook, what may bring it back, and how to go on without it.",
    )
    yield _stream(
        "TenurePartitionHalted",
        "warn",
        "count by (partition, cause) (tenure_partition_halted == 1)",
        pace.glance,
        "Partition {{ $labels.partition }} is halted ({{ $labels.cause }}): its customers stand still",
        "Going on could lose events, so that this partition waits for a decision; others go on. Its customers' numbers"
        " are missing, and all KPIs with them.\nFirst: read the log line partition_halted: its advice says what to do.",
    )
    yield _stream(
        "TenureRecordsRefused",
        "warn",
        "count by (partition, topic) (tenure_partition_refused == 1)",
        pace.glance,
        "Partition {{ $labels.partition }} waits: Kafka does not take its records for {{ $labels.topic }}",
        "A dead letter or a forwarded record is refused for what the topic is set to, and not for its size. The"
        " partition waits, so that nothing is lost; others go on.\n"
        "First: read the log line record_refused: its reason is what Kafka said.",
    )
    yield _stream(
        "SegmentValuesOverLimit",
        "warn",
        "sum by (dimension) (tenure_segment_values_over_limit) > 0",
        pace.day,
        f"A {{{{ $labels.dimension }}}} was beyond the limit {own(COUNT)} times and counts as other",
        "Numbers of all customers are right; those of the values beyond the limit cannot be told apart any more.\n"
        "First: look whether a producer sends an id or free text as a segment.",
    )


def _forgetting(pace: Pace) -> Iterator[Alert]:
    yield _stream(
        "TenureForgettingWaits",
        "warn",
        "sum(tenure_forget_requests) > 0",
        pace.day,
        f"{own(COUNT)} requests to forget customers wait",
        "Customers are to be forgotten, and still stand under their ids in Redis. A request takes two seconds where the"
        " worker has its key. No number is wrong.\n"
        "First: look whether workers log forget_request_waits: they lack the key of whoever asked.",
    )


def _dependencies(pace: Pace) -> Iterator[Alert]:
    for service, metric, first in (
        ("Redis", "tenure_redis_up", "timeout 5 redis-cli ping on a worker's machine; then its disk and memory."),
        ("Kafka", "tenure_kafka_up", "see whether the brokers answer, and whether the workers reach them."),
    ):
        yield _stream(
            f"Tenure{service}Unreachable",
            "warn",
            f"count({metric} == 0)",
            pace.glance,
            f"{own(COUNT)} workers do not reach {service}",
            f"{service} does not answer {own(COUNT)} of {looked_up(f'count({metric})', COUNT)} workers. They wait"
            " and go"
            " on by themselves; nothing is lost. A page follows when KPIs go missing by it.\n"
            f"First: {first}",
        )
    yield _stream(
        "TenureRefused",
        "warn",
        'count by (service) (tenure_waiting{cause="refused"} == 1)',
        pace.glance,
        f"{{{{ $labels.service }}}} refuses {own(COUNT)} workers what they need",
        "Somebody has taken rights away, or changed a password: {{ $labels.service }} answers, and refuses. The"
        " workers wait and go on by themselves once they have the rights again; nothing is lost. A page follows when"
        " KPIs go missing by it.\nFirst: /readyz of a worker says who refuses what; see what was changed about users"
        " and rights.",
    )
    yield _stream(
        "TenureInstanceIdTaken",
        "warn",
        "tenure_instance_id_taken == 1",
        thresholds.TWINS_LASTING,
        "Worker {{ $labels.instance }} does nothing: another one uses its instance id",
        "Two workers have one TENURE_INSTANCE_ID. The one that came last has the partitions, this one waits until it is"
        " gone. No number is wrong; there is one worker less than it seems.\n"
        "First: the log line instance_id_taken names the id and the other one's host; give one of the two another id.",
    )
    yield _stream(
        "TenureRedisUnsafe",
        "warn",
        "max(tenure_redis_unsafe) > 0",
        pace.glance,
        "Redis may lose what it was told to keep",
        "Redis evicts keys, or keeps nothing across a restart. All numbers are there now; a restart or full memory"
        " would take them away.\nFirst: look at appendonly (yes) and maxmemory-policy (noeviction) of Redis.",
    )
    memory = "tenure_memory_bytes / tenure_memory_limit_bytes"
    yield _stream(
        "TenureMemoryNearLimit",
        "warn",
        f"{memory} > {thresholds.MEMORY_SHARE}",
        pace.patient,
        f"Worker {{{{ $labels.instance }}}} occupies {own(SHARE)} of its memory",
        f"Worker {{{{ $labels.instance }}}} occupies {own(SHARE)} of what it may; at 100 % it is killed. Nothing"
        " is lost"
        " then, but its partitions move.\nFirst: lower state_cache_customers, give it more memory, or add a worker.",
    )
    yield _stream(
        "TenureWorkerAbsent",
        "warn",
        f"{_WORKERS} == 0",
        pace.glance,
        "Worker {{ $labels.instance }} does not answer",
        "Worker {{ $labels.instance }} does not answer Prometheus;"
        f" {looked_up(f'sum({_WORKERS})', COUNT)} of {looked_up(f'count({_WORKERS})', COUNT)} do."
        " The others take its partitions over within the session time-out. A page follows if they do not.\n"
        "First: see whether it is being deployed; else its last log lines, and whether it was killed for its memory.",
    )


def _targets(pace: Pace) -> Iterator[Alert]:
    window = thresholds.TARGET_WINDOW
    for kpi in thresholds.MAIN_TARGETS:
        yield Alert(
            "TargetMissing",
            "info",
            "targets",
            f'stream:complete:bool == 1\nunless on () {TARGET}{{kpi="{kpi}",window="{window}"}}',
            pace.day,
            f"{kpi} has no target for {window}: no alert watches it",
            f"Without a target nothing is compared, and {kpi} may be as bad as it likes.\n"
            f"First: agree on one with whoever answers for it, then: tenure target set {kpi} {window} VALUE"
            " --owner NAME",
            "/d/tenure-executive",
            labels={"kpi": kpi, "window": window},
        )
    mine = "kpi=%[1]q,window=%[2]q"
    # As people know it: see `phrases.on_scale`.
    own_target = f'{phrases.SCORE_FACTOR} * {TARGET}{{{mine},kpi="nps"}} or {TARGET}{{{mine}}}'
    yield Alert(
        "TargetReviewOverdue",
        "warn",
        "targets",
        "time() - max by (kpi, window, owner) (tenure_target_review_timestamp_seconds) > 0",
        pace.day,
        "The target of {{ $labels.kpi }} in {{ $labels.window }} was to be reviewed by {{ $labels.owner }}",
        f"The review is overdue by {own(_DURATION)}. The target"
        f" {{{{ with printf `{own_target}` $labels.kpi $labels.window | query }}}}"
        '({{ . | first | value | printf "%.4g" }}){{ end }} still holds.\n'
        "First: {{ $labels.owner }} looks whether it is still the right one, and sets it anew with a new review day.",
        "/d/tenure-executive",
    )
