"""What people know about the alerts of the stream and of targets."""

from typing import Final

from monitoring import promql, thresholds
from monitoring.runbook import Runbook
from monitoring.runbook_kpi import DOCTOR, SOURCES

_CAUSES: Final = (
    "Why are the numbers incomplete? The causes, with how many partitions or workers.",
    "stream:incomplete:partitions",
)
_OWNERS: Final = (
    "Who owns what? Each partition once is right.",
    "sum by (partition, instance) (tenure_partition_owned)",
)
_WORKERS: Final = ("Which workers answer?", 'up{job="tenure"}')
_LAG: Final = ("How far is each partition behind (seconds)?", "stream:lag_seconds:max")
_COMMITS: Final = (
    "How long does a commit to Redis take (seconds, 99 of 100)?",
    "histogram_quantile(0.99, sum by (le) (rate(tenure_commit_seconds_bucket[5m])))",
)
_ANEW: Final = "Count anew: [operating](../operating.md#counting-anew)."

STREAM: Final = {
    "TenureIncomplete": Runbook(
        "KPIs are not shown, because not every partition is counted exactly once and up to date.",
        "At least one cause makes sums wrong, so that no sum is shown and no KPI alert fires: dashboards have a gap."
        " Nothing is lost: events wait in Kafka.",
        "Always: it is about the stream, not about customers. During a deployment it lasts seconds, and the"
        " warning comes"
        " after two minutes only. The severity `info` is there at once, so that Alertmanager holds KPI alerts back.",
        (
            _CAUSES,
            _OWNERS,
            (
                "Which partitions have an owner that does not count them?",
                "tenure_partition_owned unless on (instance, partition) tenure_partition_counted",
            ),
            _WORKERS,
            DOCTOR,
        ),
        (
            "`no_worker`, `unowned`: a worker that answers (`up` is 1) and has no partition waits for Kafka or Redis:"
            " `/readyz` says for which, see [TenureKafkaUnreachable](TenureKafkaUnreachable.md) and"
            " [TenureRedisUnreachable](TenureRedisUnreachable.md). None answers: start workers; their logs say why"
            " they ended.",
            "`owned_twice`, `counted_twice`: one of the two was paused or lost Kafka; it notices within the session"
            " time-out. If not, restart the one with the older log line `partitions_assigned`.",
            "`recovering` for long: Redis is slow or away, see [TenureRedisUnreachable](TenureRedisUnreachable.md).",
            "`not_counted` beside another cause comes of it. Alone: a worker cannot compute its counts, a fault of"
            " ours. Its log line `refresh_failed` has the traceback: keep it and report it. Restart that worker, and go"
            " back to the version before if it comes again.",
            "`halted`: [TenurePartitionHalted](TenurePartitionHalted.md). `withheld`:"
            " [TenureKafkaUnreachable](TenureKafkaUnreachable.md). `behind`: [TenureLagging](TenureLagging.md).",
            "`different_counts`: workers started with topics of different sizes; restart all of them.",
        ),
    ),
    "TenureOftenIncomplete": Runbook(
        "KPIs go missing again and again: the objective's budget burns.",
        f"KPIs are to be complete {thresholds.OBJECTIVE:.1%} of the time. They go missing so often that the"
        " budget of a month"
        " would be gone much too soon, though each gap may be too short for its own page.",
        "It looks over a long and a short window together: it was much, and it still goes on. It wants"
        f" {thresholds.BURN_LEAST_GAPS} gaps: one long one is [TenureIncomplete](TenureIncomplete.md). And it wants"
        " Prometheus to have been there for nine tenths of the long window: a new one is silent for an hour.",
        (
            ("The share of the last hour without KPIs.", "avg_over_time(stream:incomplete:bool[1h])"),
            ("Rebalances.", "sum by (instance) (increase(tenure_rebalances_total[1h]))"),
            _CAUSES,
            _WORKERS,
        ),
        (
            "A worker that starts again and again: its last log lines, its memory.",
            "Rebalances without restarts: heartbeats are late; raise TENURE_SESSION_TIMEOUT_SECONDS, or give"
            " workers more"
            " CPU.",
            "Give every worker its TENURE_INSTANCE_ID, so that a restart moves no partition.",
        ),
    ),
    "TenureLagging": Runbook(
        "Events are applied late.",
        f"At least one partition is more than {thresholds.LAG_LIMIT_SECONDS} seconds behind. The page comes when"
        " the backlog"
        f" has not become smaller in {thresholds.LAG_NOT_FALLING}; one that is being worked off only warns. Each"
        " partition is looked at by itself.",
        "The age is that of the last applied record, as Kafka stamped it, while more wait behind it. Loading"
        " history into"
        " Kafka makes a backlog without any age.",
        (_LAG, ("Records that wait.", "sum by (partition, topic) (tenure_lag_records)"), _COMMITS, _WORKERS),
        (
            "Commits slow: Redis is the matter, its disk first of all.",
            "Commits fast, workers busy: add workers, up to the number of partitions.",
            "One partition only: its worker's log lines; else one producer without keys may send everything there.",
        ),
    ),
    "TenureBackfill": Runbook(
        "History is being loaded, and nothing is judged meanwhile.",
        "Most events are late, or the newest one is days old, while events are applied: somebody loads history. KPI"
        " alerts rest, and so do most of the machine's pages; what no loading explains still calls: no worker,"
        " partitions without one or with two, halted ones. The warning says that it does not end"
        f" ({thresholds.SHIPPED.loading}): nothing has been judged for so long.",
        "Ask who loads. If nobody does, a producer sends old events: its clock, or a queue that was stuck, or it sends"
        f" every event hours late. {thresholds.BACKFILL_LATE_EVENTS} late events in {thresholds.BACKFILL_SPAN} that are"
        f" {thresholds.BACKFILL_LATE_SHARE:.0%} of all are enough.",
        (
            ("Late events and all events.", "sum(increase(tenure_events_late_total[15m]))"),
            ("", "sum(increase(tenure_events_applied_total[15m]))"),
            ("The newest event (seconds ago).", "time() - max(tenure_watermark_timestamp_seconds)"),
        ),
        (
            "Nothing, if somebody is loading; alerts come back by themselves. Until then look at the stream's board"
            " yourself: backlog and dead letters call nobody.",
            "Else find the producer: its records are stamped by Kafka long after the time in them. Have it send sooner,"
            " or set its clock; alerts come back as soon as most events are in time.",
        ),
    ),
    "DeadLettersGrowing": Runbook(
        "Records cannot be applied and are missing from the KPIs.",
        "Records went to the dead-letter topic, byte for byte. The page means that they are more than"
        f" {thresholds.DEAD_LETTER_PAGE_SHARE:.0%} of all: KPIs are wrong by that much.",
        "Each one is a record that breaks the contract of events; the header `tenure-detail` says how.",
        (
            ("By reason.", "sum by (reason) (increase(tenure_dead_letters_total[30m]))"),
            (
                "What do the last ones say? The topic is the one that the setting `dead_letter_topic` names.",
                "kafka-console-consumer.sh --bootstrap-server HOST:9092 --topic tenure.dead-letters"
                " --property print.timestamp=true --property print.headers=true --property print.key=true"
                " --from-beginning --timeout-ms 10000 | tail -n 5",
            ),
            SOURCES,
        ),
        (
            "Read some of them: headers say reason, detail, topic, partition and offset.",
            "Tell the producer's team; most are fixed by their last deployment being rolled back.",
            "Send the mended records again, under their own ids: what was applied already does not count twice.",
        ),
    ),
    "EventsConflicting": Runbook(
        "Two events share one id and say different things.",
        "Customer, source and id name an event; here two differ under one name. One of them counts, always the"
        " same one,"
        " whichever came first.",
        "It is counted, not guessed. A producer that sends an event again with a changed time makes one each time.",
        (("Conflicts an hour.", "sum(increase(tenure_events_conflicting_total[1h]))"),),
        ("Find the source, and have it make an id for each event.", "Corrections are a `revoke` and a new event."),
    ),
    "RecordsForwarded": Runbook(
        "A producer sends records to wrong partitions.",
        "Records lie on another partition than their customer's. They are forwarded and count once, at the cost of a"
        " second way through Kafka.",
        "It is counted record by record, by the topic they came from.",
        (("By topic.", "sum by (topic) (increase(tenure_records_forwarded_total[1h]))"),),
        ("Have the producer set the customer id as key and use Kafka's own partitioner (murmur2).",),
    ),
    "TenureIdentityViolated": Runbook(
        "Counts disagree with each other: KPIs are wrong.",
        "Equations that hold at any time for any log do not hold: a fault of the program, or state that was damaged"
        " from outside. KPI alerts are held back.",
        "It has no other reading: no order and no repetition of events can break them.",
        (
            ("How many, on which worker?", "tenure_identities_violated > 0"),
            ("Was a commit refused about then?", "increase(tenure_commit_conflicts_total[1h])"),
        ),
        (
            "Keep the log lines `identities_violated`: they name the equations.",
            "See whether somebody wrote to Redis, or restored a part of it.",
            f"{_ANEW} Report it, with log and time.",
        ),
    ),
    "TenureCommitConflicts": Runbook(
        "Redis refuses commits all the time: somebody else writes the same partitions.",
        "A commit is refused when the positions stored are not those it expects. After a rebalance a few are normal.",
        "No number is wrong by it: that is what the refusal is for.",
        (("By worker.", "increase(tenure_commit_conflicts_total[15m])"), _OWNERS),
        (
            "See whether two streams use one TENURE_REDIS_PREFIX: give one of them another.",
            "See whether a worker is paused and resumed (a virtual machine that is moved, a debugger).",
        ),
    ),
    "TenurePartitionHalted": Runbook(
        "A partition is stopped, because going on could lose events.",
        "The worker does not know how to go on without losing something, and asks. All KPIs are incomplete meanwhile.",
        "Always. It does not pass by itself.",
        (("Which, and why?", "tenure_partition_halted"), _CAUSES, DOCTOR),
        (
            "Read `advice` in the log line `partition_halted`.",
            "The causes, and what to do about each: [operating](../operating.md#a-halted-partition).",
        ),
    ),
    "SegmentValuesOverLimit": Runbook(
        "A dimension has more values than the limit.",
        "Values beyond the limit count as `other` for good. Numbers of all customers are right.",
        "It counts how often such a value came since a worker took its partitions, not customers. `reason` and"
        " `feature` are no dimensions: with them only the rankings of reasons and features know less. `combination` is"
        " none either: a partition keeps 16 combinations of country, channel and further dimensions for each value that"
        " one of them may have; customers with another one count as `other` in all of these dimensions, not by plan.",
        (
            ("Of what?", "sum by (dimension) (tenure_segment_values_over_limit) > 0"),
            ("Values that are kept.", "max by (dimension) (tenure_segment_values)"),
        ),
        (
            "See whether an id or free text is sent as a segment; have it mended.",
            f"Raise the limit if they are real. {_ANEW}",
        ),
    ),
    "TenureRedisUnreachable": Runbook(
        "Workers do not reach Redis.",
        "Workers wait for Redis and go on by themselves. Numbers stand still; a page follows when they go missing.",
        "The last request was not answered. A quiet stream asks seldom, and notices late.",
        (
            ("Which workers?", "tenure_redis_up == 0"),
            _COMMITS,
            ("Attempts.", "increase(tenure_commit_retries_total[5m])"),
        ),
        (
            "`redis-cli ping` from a worker's machine.",
            "Redis answers with errors: its memory is full (`noeviction`), or its disk is.",
            "A restored or failed-over Redis needs nothing: each partition reads on from the stored position.",
        ),
    ),
    "TenureRedisUnsafe": Runbook(
        "Redis may lose what it was told to keep.",
        "The tables lie in Redis and nowhere else. It evicts keys when its memory is full, or keeps nothing across a"
        " restart: somebody changed its configuration while workers were running.",
        "Workers ask Redis for its configuration once a minute.",
        (("Which workers say so?", "tenure_redis_unsafe == 1"),),
        (
            "`redis-cli config get appendonly` is to be yes, `config get maxmemory-policy` noeviction.",
            "Mend its configuration file too, or the next restart undoes it.",
            f"If keys are gone already: {_ANEW[0].lower()}{_ANEW[1:]}",
        ),
    ),
    "TenureKafkaUnreachable": Runbook(
        "Workers do not reach Kafka.",
        "Kafka has not answered a heartbeat within the session time-out, or nothing at all since the worker started."
        " The worker shows no KPIs: another one may have its partitions by now.",
        "See whether it is all workers (Kafka) or one (its network, its CPU).",
        (("Which workers?", "tenure_kafka_up == 0"), ("Who withholds?", "tenure_kpis_withheld == 1"), DOCTOR),
        (
            "One worker: see that it reaches Kafka's address, then restart it.",
            "All of them: see to the brokers. Nothing is lost; workers go on by themselves.",
        ),
    ),
    "TenureMemoryNearLimit": Runbook(
        "A worker is close to the limit of its memory.",
        "At the limit the kernel ends it. Nothing is lost, but its partitions move to others, which then hold more.",
        "Memory of the process over the limit of its container, else of the machine.",
        (
            ("By worker.", "tenure_memory_bytes / tenure_memory_limit_bytes"),
            ("What it holds.", "tenure_state_cache_customers"),
            ("", "tenure_cells"),
        ),
        ("Lower TENURE_STATE_CACHE_CUSTOMERS.", "Give it more memory, or add a worker before it ends."),
    ),
    "TenureWorkerAbsent": Runbook(
        "A worker does not answer Prometheus.",
        "It ended, hangs, or cannot be reached. Others take its partitions over after the session time-out.",
        "Prometheus asked and got nothing. During a deployment this is normal, and the alert waits for two minutes.",
        (_WORKERS, _OWNERS, _CAUSES),
        (
            "See whether it is being deployed or was taken away on purpose: then take it out of prometheus.yml.",
            "Else its last log lines; a worker that ended with status 2 says in one line what is wrong.",
        ),
    ),
}
TARGETS: Final = {
    "TargetMissing": Runbook(
        "A main KPI has no target.",
        "Without a target no alert compares this KPI with anything.",
        "It is shown only; nobody is told.",
        (("The targets that there are.", promql.TARGET), ("", "tenure target list")),
        ("Agree on a value with whoever answers for it.", "`tenure target set KPI 30d VALUE --owner NAME`."),
    ),
    "TargetReviewOverdue": Runbook(
        "A target was to be reviewed and was not.",
        "The day on which its owner wanted to look at the target again is over. It still holds.",
        "Always.",
        (("The days.", "tenure_target_review_timestamp_seconds"), ("", "tenure target list")),
        ("Its owner looks at it, and sets it anew with the next review day.", "An owner who left: set another one."),
    ),
}
RUNBOOKS: Final = {**STREAM, **TARGETS}
