"""Runbooks of the alerts about the stream and about targets."""

from typing import Final

from monitoring import dead_letters, promql
from monitoring.alerts import thresholds
from monitoring.runbooks import adapters, feeds, freshness, gateway, producers
from monitoring.runbooks.kpi import DOCTOR, SOURCES
from monitoring.runbooks.runbook import Runbook

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
_ANEW: Final = "Build the tables anew: [`tenure rebuild`](../rebuilding.md)."
_NOT_IN_KAFKA: Final = (
    "What is in Redis alone comes from a backup, or from you: `tenure target list` says whether targets are gone, with"
    " which their alerts rest. A loss that was accepted before halts its partition once more: accept it again."
)

STREAM: Final = {
    "TenureIncomplete": Runbook(
        "KPIs are not shown, because not every partition is counted exactly once and up to date.",
        "At least one cause makes sums wrong, so that no sum is shown and no KPI alert fires: dashboards have a gap."
        " Nothing is lost, events wait in Kafka; unless [TenurePartitionHalted](TenurePartitionHalted.md) pages too.",
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
            "`seen_before`: wait. Prometheus was started anew while workers were too, and for five minutes it still"
            " shows what it read of them before. The label `until` says when that is over.",
            "`recovering` for long: Redis is slow or away, see [TenureRedisUnreachable](TenureRedisUnreachable.md); or"
            " tables are counted anew, see [TenurePartitionRecounted](TenurePartitionRecounted.md).",
            "`not_counted` beside another cause comes of it. Alone: a worker cannot compute its counts, a fault of"
            " ours. Its log line `counts_failed` has the traceback: keep it and report it. Restart that worker, and go"
            " back to the version before if it comes again.",
            "`halted`: [TenurePartitionHalted](TenurePartitionHalted.md). `withheld`:"
            " [TenureKafkaUnreachable](TenureKafkaUnreachable.md). `behind`: [TenureLagging](TenureLagging.md).",
            "`different_counts`: topics got more partitions, and workers notice within half a minute. For longer: one"
            " has lost Kafka; restart it.",
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
        " partitions without one or with two, halted ones. The warning says that it does not end:"
        f" for {thresholds.SHIPPED.loading} no {thresholds.BACKFILL_PAUSE} were without it, and little or nothing was"
        " judged.",
        "Ask who loads. If nobody does, a producer sends old events: its clock, or a queue that was stuck, or it sends"
        f" every event hours late. {thresholds.BACKFILL_LATE_EVENTS} late events in {thresholds.BACKFILL_SPAN} that are"
        f" {thresholds.BACKFILL_LATE_SHARE:.0%} of all are enough.",
        (
            ("Late events and all events.", f"sum(increase(tenure_events_late_total[{thresholds.BACKFILL_SPAN}]))"),
            ("", f"sum(increase(tenure_events_applied_total[{thresholds.BACKFILL_SPAN}]))"),
            ("What do KPI alerts wait for?", "stream:waits:bool"),
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
        "Records went to the dead-letter topic, byte for byte. A page means that they are more than"
        f" {thresholds.DEAD_LETTER_PAGE_SHARE:.0%} of all, or more than {thresholds.REFUSED_SHARE:.0%} of one type"
        " however much else comes: KPIs are wrong by that much. What they say is missing until it is mended and sent"
        " again, and gone once Kafka deletes them.",
        "Each one is a record that breaks the contract of events; the header `tenure-detail` says how.",
        (
            ("By reason.", dead_letters.BY_REASON),
            (
                "Of which type, from which source?",
                f"sort_desc({dead_letters.of_feeds(dead_letters.SPAN)} > 0)",
            ),
            (
                "By reason and member, and what the last ones say.",
                "tenure dlq list --since 1h --limit 5",
            ),
            ("The last one whole, with what mends it.", "tenure dlq show --since 1h"),
            SOURCES,
        ),
        (
            "Read some of them: each comes with reason, detail and place, and `tenure dlq show` with the place shows"
            " the whole record.",
            "Tell the producer's team; most are fixed by their last deployment being rolled back.",
            "Send again what was refused for a setting of ours, such as a currency without a rate, once that is right:"
            " `tenure dlq replay --reason currency_mismatch --since 1h --dry-run`, then without `--dry-run`.",
            "Mend what has one fault in common on the way, by `--set`, `--rename`, `--drop`, `--money` or `--time`, and"
            " what has not by `--edit` ([dead letters](../dead-letters.md)). What would be refused again is left, and"
            " what was sent again is not sent twice.",
            "Else have the producer send the mended records again, under their own ids: what was applied already does"
            " not count twice.",
        ),
    ),
    "EventsConflicting": Runbook(
        "Two events share one id and say different things.",
        "Customer, source and id name an event; here two differ under one name, and neither has a greater `sequence`."
        " One of them counts, always the same, whichever came first: it need not be the newer one.",
        "It is counted, not guessed. Corrections with a greater `sequence` are no conflict of this kind. A producer"
        " that sends an event again with a changed time makes one.",
        (
            ("Conflicts an hour.", 'sum(increase(tenure_events_conflicting_total{kind="contradiction"}[1h]))'),
            ("Corrections an hour.", 'sum(increase(tenure_events_conflicting_total{kind="correction"}[1h]))'),
        ),
        (
            "Find the source: `tenure validate --topic NAME` names the ids that say two things, with examples.",
            "Have it make an id for each event. A correction has the id of what it corrects and a greater `sequence`.",
        ),
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
    "TenureCountersDiffer": Runbook(
        "Stored counters are not what customers' facts come to: KPIs are wrong.",
        "Workers recount all customers from their facts, again and again, and compare with the counters in Redis. What"
        " two recounts in a row found alike is a fault of the program, or state that was damaged from outside:"
        " `kind` is `cells` for counters, `customers` for states that are not what their own facts make them.",
        "It has no other reading: counters that commits touch meanwhile are left to the next recount, and a recount"
        " of a partition that is reloaded, moved or erased from says nothing.",
        (
            ("Which kind, on which worker?", "tenure_verification_differences > 0"),
            ("Are recounts made at all?", "increase(tenure_verified_customers_total[1h])"),
            ("Was a commit refused about then?", "increase(tenure_commit_conflicts_total[1d])"),
        ),
        (
            "Keep the log lines `verification_differs`: they name partition, customers, and counters with the hour"
            " and by how much these are off.",
            "See whether somebody wrote to Redis, or restored a part of it.",
            "Where `kind` is `cells` alone the facts may be whole: `tenure rebuild --yes --accept-differences`"
            " [builds the tables anew](../rebuilding.md) from them. Where it is `customers`, or you do not know who"
            " wrote, add `--from kafka`.",
            "The alert ends with the next full round; `tenure_verification_round_seconds` says how long one takes. It"
            " ends too where the partition goes to another worker or its worker starts again, and comes back with the"
            " first round there: until one is through, believe the log lines.",
            "Report it, with log and time, unless you know who wrote.",
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
    "TenurePartitionRecounted": Runbook(
        "The tables of a partition are counted anew from Kafka.",
        "Redis started without them; or a crash cut its append-only file within a commit, so that Redis carried out"
        " that commit in part: the worker notices, and trusts nothing there. Kafka has all that was counted.",
        "Always. The partition is `recovering`, and KPIs are incomplete, until all is counted that was counted before;"
        " then they are exact. Refused records are counted again too: of [DeadLettersGrowing](DeadLettersGrowing.md),"
        " `tenure dlq list` says which are new.",
        (
            ("How far is it?", "sum by (partition) (tenure_lag_records)"),
            ("How often?", "increase(tenure_recounts_total[1d])"),
        ),
        (
            "Wait until the lag is zero.",
            "See in the log of Redis why it ended: memory, disk, power. `redis-check-aof` names a file that is cut.",
            "Let Redis write its file anew (`redis-cli BGREWRITEAOF`): a cut transaction is not in the new one.",
            _NOT_IN_KAFKA,
        ),
    ),
    "TenurePartitionHalted": Runbook(
        "A partition is stopped, because going on could lose events; or has lost some.",
        "The worker does not know how to go on without losing something, and asks. All KPIs are incomplete meanwhile."
        " The page means that something is lost: the cause `position` says that Kafka does not have the stored"
        " position, or that Redis has lost what Kafka cannot give back; `topicrecreated` that a topic was deleted and"
        " made anew.",
        "Always. It does not pass by itself. A worker that finds that somebody has accepted the loss goes on within"
        " seconds.",
        (
            ("Which, and why?", "tenure_partition_halted"),
            ("What is lost, of which time?", "tenure resume"),
            ("Does Kafka delete events one day?", "tenure_retention_finite == 1"),
            _CAUSES,
            DOCTOR,
        ),
        (
            "Read `advice` in the log line `partition_halted`. Causes other than `position` and `topicrecreated`:"
            " [operating](../operating.md#a-halted-partition).",
            "Stop Kafka from deleting more while you look: `tenure topics --keep`.",
            "Redis lost its tables (`tenure resume` says that what was counted is stored no more): look why it started"
            " empty. Its disk may be another one, or its append-only file is gone. A `dump.rdb` is not read under"
            " `appendonly yes`: [restore it](../operating.md#backup-and-restore). The worker notices a restored Redis"
            " by itself, or after its restart.",
            "The prefix is new and the group is old: give the new prefix a new group too, and restart the workers.",
            "A topic was shortened or made anew: if it can be restored with its offsets, do that and restart the"
            " worker. If producers still have what is missing, they may send it again under its own ids, now or later:"
            " what was counted does not count twice.",
            "Another copy of all events exists elsewhere: publish it into topics of a new prefix and group.",
            "Nothing brings it back: `tenure resume PARTITION --accept-loss --reason TEXT` for each partition that"
            " waits. Who, when and why are kept. The worker goes on within seconds; `tenure kpi` and the boards name"
            " the loss as long as a window touches it. What is lost after that halts again.",
            _NOT_IN_KAFKA,
            "Then keep it from coming again: events for good in Kafka (`retention.ms=-1`), and backups of Redis.",
        ),
    ),
    "TenureRecordsRefused": Runbook(
        "Kafka does not take what a partition has to send.",
        "A dead letter, or a record that belongs to another partition, is refused, and its batch cannot be committed"
        " without it. The partition's customers stand still; the worker is not ready.",
        "Always. A record that is too large is no reason for it: that is sent in a smaller form.",
        (
            ("Which, and for which topic?", "tenure_partition_refused"),
            ("Records that wait.", "sum by (partition, topic) (tenure_lag_records)"),
            DOCTOR,
        ),
        (
            "Read `reason` in the log line `record_refused`; the broker's log may say more.",
            "`TopicAuthorizationFailedError`: let the worker write to the topic.",
            "`UnknownTopicOrPartitionError`: the topic was deleted; `tenure topics --create`.",
            "`PolicyViolationError`, `InvalidRecordError`: a policy or a schema of the broker forbids it; take it off"
            " this topic.",
            "`InvalidTimestampError`: the worker's clock and the broker's differ; set them.",
            "`MessageSizeTooLargeError`: the topic's `max.message.bytes` is below 1 KB; raise it.",
            "Nothing else is to do: the partition tries again every few seconds.",
        ),
    ),
    "TenureForgettingWaits": Runbook(
        "Requests to forget customers wait.",
        "`tenure forget` has left requests, and the owners of the customers' partitions have not carried them out. Who"
        " asked may have a deadline by law. Counts do not depend on it.",
        "A request is carried out within six seconds, many thousands take longer; an hour is too long, unless the"
        " number falls.",
        (
            ("Which partitions, and does it fall?", "sum by (partition) (tenure_forget_requests)"),
            ("How many are forgotten.", "sum(increase(tenure_customers_forgotten_total[15m]))"),
            ("Whom does it wait for?", "tenure_waiting"),
            DOCTOR,
        ),
        (
            "It falls: wait.",
            "A worker logs `forget_request_waits`: it has another TENURE_FORGET_KEY than whoever asked, or none. Give"
            " all workers the one key with which customers are forgotten.",
            "A request was made with a wrong key: ask again with the right one, `tenure forget CUSTOMER --yes`, which"
            " replaces it.",
            "A service is waited for: the tombstone cannot be sent, or Redis is away. See `/readyz`, and the topic of"
            " tombstones: [forgetting](../forgetting.md).",
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
            ("What does it answer?", "curl HOST:9464/readyz"),
            _COMMITS,
            ("Attempts.", "increase(tenure_commit_retries_total[5m])"),
        ),
        (
            "The worker's own words come first: `/readyz` and the log line `waiting_for_service` say what Redis"
            " answered, or that it did not.",
            "No answer at all: ask the address of TENURE_REDIS_URL itself, `timeout 5 redis-cli -u URL ping`. Refused:"
            " the server is down, start it. Nothing within five seconds: it stands still, or the network does; look at"
            " its machine's memory, disk and CPU, and restart it if it stays so. Workers wait.",
            "An error: Redis' memory is full (`noeviction`), or its disk is.",
            "A restored or failed-over Redis needs nothing: each partition reads on from the stored position.",
        ),
    ),
    "TenureRefused": Runbook(
        "Kafka or Redis refuses workers what they need.",
        "The service answers, and says that we may not: rights were taken away, or a password was changed, while"
        " workers were running. What needs the right waits, and goes on by itself; events wait in Kafka meanwhile.",
        "Always: it is an answer, not a silence.",
        (
            ("Who refuses whom?", 'tenure_waiting{cause="refused"} == 1'),
            (
                "What exactly? With the user, the topic or the command.",
                "curl HOST:9464/readyz",
            ),
        ),
        (
            "Give the user the rights that it needs again: [rights](../rights.md).",
            "Put a password that was changed into TENURE_REDIS_URL or TENURE_KAFKA_PASSWORD, and restart the workers.",
            "Nothing else: once it is allowed again, workers go on within some seconds.",
        ),
    ),
    "TenureInstanceIdTaken": Runbook(
        "Two workers use one instance id.",
        "Kafka knows a worker by its TENURE_INSTANCE_ID and gives the partitions to whoever came last under it. The"
        " other one has given its partitions up, shows no counts, is not ready, and waits until the id is free.",
        "A copied setting; or a machine that stood still, was replaced under its id, and came back. Each worker"
        " needs an id of its own, such as the name of its host or pod; it may also have none.",
        (
            ("Which worker waits?", "tenure_instance_id_taken == 1"),
            _OWNERS,
        ),
        (
            "Read the log line `instance_id_taken` of the worker that waits: it names the id and the other one's host.",
            "Give one of the two another TENURE_INSTANCE_ID and restart it. The one that waits then goes on by itself.",
            "A machine that came back from a pause and was replaced: end its worker.",
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
        "It ended, hangs, or cannot be reached. Others take its partitions over after the session time-out, and no"
        " event is lost meanwhile.",
        "Prometheus asked and got nothing. During a deployment this is normal, and the alert waits for two minutes.",
        (_WORKERS, _OWNERS, _CAUSES),
        (
            "See whether it is being deployed or was taken away on purpose: then take it out of prometheus.yml.",
            "Its process has ended: read its last log lines; one that ended with status 2 says in one line what is"
            " wrong. Without a last line it was killed, most often for its memory (`dmesg`, or `OOMKilled`): see"
            " [TenureMemoryNearLimit](TenureMemoryNearLimit.md). Start it again.",
            "Its process runs: ask it on its own machine, `curl --max-time 5 http://ADDRESS/healthz`, with the address"
            " that the page names as `instance`. It answers: what lies between it and Prometheus does not let it"
            " through. It does not: it hangs; end it by `kill -9`, with which nothing is lost, and start it again.",
            "It gets partitions again when it is back, and the alert is over with Prometheus' next look.",
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
_FAMILIES: Final = (producers, feeds, freshness, adapters, gateway)
RUNBOOKS: Final = {**STREAM, **{name: page for each in _FAMILIES for name, page in each.RUNBOOKS.items()}, **TARGETS}
