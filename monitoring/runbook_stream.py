"""What people know about the alerts of scores, of the stream and of targets."""

from typing import Final

from monitoring import promql, scores, thresholds
from monitoring.runbook import Runbook
from monitoring.runbook_kpi import COMPLETE, OUTLASTED, SOURCES, explained

_ABOVE_AVERAGE: Final = promql.excess(
    "segment:tenure_cancellations:sum", "segment:tenure_customers_at_start:sum", f'{promql.NAMED},window="7d"'
)
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
_DOCTOR: Final = ("What does a look from here at Kafka, Redis and the topics say?", "tenure topics")
_ANEW: Final = "Count anew: [operating](../operating.md#counting-anew)."

SCORES: Final = {
    "ChurnSpike": Runbook(
        "Far more cancellations in a day than the same weekday lets expect.",
        "The last 24 hours had far more cancellations than the same weekday of up to four weeks before, growth of the"
        " company allowed for. No target is needed for it.",
        "The score is a difference of square roots (Anscombe), divided by how much days of this company vary beyond"
        f" chance. One healthy day in 740 reaches {thresholds.SPIKE_Z_WARN:g} (warning), one in 30,000"
        f" {thresholds.SPIKE_Z_PAGE:g} (page). A weekday is compared with itself, so that weekends make no spike;"
        " days are"
        " 24 hours, so that a change of the clocks makes none. A yearly billing day, a mass cancellation by your own"
        " staff or a clean-up of dead accounts does, and rightly.",
        (
            ("Each of the last 29 days.", "sum by (days_ago) (tenure_daily_cancellations)"),
            ("The score, and what was expected.", scores.SPIKE),
            ("", scores.EXPECTED),
            (
                "Payment failures or decisions?",
                'segment:tenure_cancellations_involuntary:sum{dimension="all",window="1d"}',
            ),
            (
                "Which segments have more than the company's average gives them?",
                f"sort_desc({_ABOVE_AVERAGE})",
            ),
            COMPLETE,
            explained("cancellations", "1d"),
        ),
        (
            "Mostly failed payments: call whoever runs billing. Stop the run, so that it cancels no more.",
            "One reason, plan or country: stop what only they got. A release can be rolled back, an e-mail campaign"
            " stopped.",
            "One producer gone wild, cancelling what nobody cancelled: stop it. Each wrong cancel is taken back with a"
            " `revoke` event, and the past is right again.",
            "None of these: hand it to the owner of the churn target.",
            OUTLASTED,
        ),
    ),
    "InvoluntaryChurnRising": Runbook(
        "More customers are lost to failed payments than in the weeks before.",
        "Cancellations after failed payments in seven days are surely more than in the 23 days before. These customers"
        " did not decide to leave; most can be kept.",
        f"z ≥ {thresholds.RISE_Z:g} against the weeks before, with at least {thresholds.LEAST_LOSSES}. Billing"
        " that runs on"
        " one day of the month makes weeks unequal: see whether this is that week. `involuntary` is what the producer"
        " says; a producer that began to set it makes a rise out of nothing.",
        (
            ("By week and month.", 'segment:tenure_cancellations_involuntary:sum{dimension="all"}'),
            ("Failed renewals.", 'segment:tenure_renewals_failed:sum{dimension="all"}'),
            COMPLETE,
            explained("cancellations_involuntary", "1d"),
        ),
        (
            "Ask the payment provider for declined charges, by reason, brand of card and country.",
            "See that retries and the reminder of an expired card run.",
            "Reactivated customers show as reactivations; nothing needs to be corrected here.",
        ),
    ),
    "VoluntaryChurnRising": Runbook(
        "More customers decide to leave than in the weeks before.",
        "Cancellations that customers decided on in seven days are surely more than in the 23 days before.",
        f"z ≥ {thresholds.RISE_Z:g} against the weeks before, with at least {thresholds.LEAST_LOSSES}. A feed"
        " that was late"
        " for a week would show the same; it was not, or the numbers would have been incomplete.",
        (
            ("By window.", 'segment:tenure_cancellations:sum{dimension="all"}'),
            ("Which segment?", 'segment:churn_standard:ratio{dimension!="all",window="7d"}'),
            COMPLETE,
            explained("cancellations", "1d"),
        ),
        (
            "Read the reasons given in these seven days beside those of the weeks before.",
            "Compare with releases, price changes and e-mails.",
            "Hand it to the owner of the churn target.",
        ),
    ),
    "NpsFalling": Runbook(
        "NPS fell against the window before, beyond chance.",
        "The net promoter score of the window is surely below that of the window before it.",
        f"z ≤ {thresholds.NPS_FALL_Z:g} with {thresholds.LEAST_SAMPLE} answers in both. Other people being asked"
        " makes NPS"
        " move without anybody changing their mind: compare the ways and segments. It cannot fire before Prometheus"
        " remembers a window ago: on a new one not in the first week (30 days for that window), unless its past was"
        " filled by `tenure history`, see [history](../history.md).",
        (
            ("Promoters.", 'segment:tenure_nps_promoters:sum{dimension="all"}'),
            ("Detractors.", 'segment:tenure_nps_detractors:sum{dimension="all"}'),
            ("Answers by way.", 'sum by (via, window) (tenure_surveys{kind="nps",status="answered"})'),
            COMPLETE,
        ),
        ("Read the detractors' reasons.", "See who was asked this time.", "Hand it to the owner of the NPS target."),
    ),
    "SegmentChurnDeparts": Runbook(
        "One segment churns surely more than all others together.",
        "The churn of one plan, country, channel or other dimension is above that of all other customers in the same"
        " window.",
        f"Two proportions, z ≥ {thresholds.DEPARTURE_Z:g}, at least {thresholds.LEAST_LOSSES} lost of"
        f" {thresholds.LEAST_SAMPLE}. Some segments always churn more, a monthly plan beside a yearly one for"
        " example: then"
        " silence it for this segment, with a reason.",
        (
            ("The segment beside all others.", 'segment:churn_standard:ratio{window="30d"}'),
            ("The scores.", f"sort_desc({scores.DEPARTURE})"),
            COMPLETE,
            explained("churn_standard"),
        ),
        (
            "See since when: is it new, or has it always been so?",
            "See what only this segment had.",
            "If it is how this segment is, silence it in Alertmanager for its dimension and value.",
        ),
    ),
    "EventSourceQuiet": Runbook(
        "Events of one type have stopped: data is missing.",
        f"No event of a type has come for so long that at least {thresholds.QUIET_EXPECTED} would have been"
        " usual. The stream"
        " itself is well: they do not reach Kafka. A dead feed of cancels looks like the best day ever. KPI alerts that"
        " depend on this type are held back.",
        "Usual is the mean of the same hours of the last four weeks, of each week the least within an hour"
        " around, so that"
        " neither a change of the clocks nor a late job shows. Days on which history was loaded do not count. A public"
        " holiday may be real silence: then silence the alert for the day. It cannot fire in the first week of a new"
        " Prometheus, which knows nothing usual yet; `tenure history` ([history](../history.md)) does not fill rates of"
        " events.",
        (
            SOURCES,
            ("What is usual now, by span.", scores.QUIET),
            ("Do they come, but cannot be applied?", "sum by (reason) (increase(tenure_dead_letters_total[1h]))"),
            _DOCTOR,
        ),
        (
            "Call the team whose system sends this type; look at its deployments of the last hours.",
            "If dead letters rise instead, read [DeadLettersGrowing](DeadLettersGrowing.md).",
            "When events come again, late ones restate the past by themselves: nothing needs to be repaired here.",
        ),
    ),
}
STREAM: Final = {
    "TenureIncomplete": Runbook(
        "KPIs are not shown, because not every partition is counted exactly once and up to date.",
        "At least one cause makes sums wrong, so that no sum is shown and no KPI alert fires: dashboards have a gap."
        " Nothing is lost: events wait in Kafka.",
        "Always: it is about the stream, not about customers. During a deployment it lasts seconds, and the"
        " warning comes"
        " after two minutes only. The severity `info` is there at once, so that Alertmanager holds KPI alerts back.",
        (_CAUSES, _OWNERS, _WORKERS, _DOCTOR),
        (
            "`no_worker`, `unowned`: start workers; their logs say why they ended.",
            "`owned_twice`, `counted_twice`: one of the two was paused or lost Kafka; it notices within the session"
            " time-out. If not, restart the one with the older log line `partitions_assigned`.",
            "`recovering`, `not_counted` for long: Redis is slow or away, see"
            " [TenureRedisUnreachable](TenureRedisUnreachable.md).",
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
        f" has not become smaller in {thresholds.LAG_NOT_FALLING}; one that is being worked off only warns.",
        "The age is that of the last applied record, as Kafka stamped it, while more wait behind it. Loading"
        " history into"
        " Kafka makes a backlog without any age.",
        (_LAG, ("Records that wait.", "sum by (topic) (tenure_lag_records)"), _COMMITS, _WORKERS),
        (
            "Commits slow: Redis is the matter, its disk first of all.",
            "Commits fast, workers busy: add workers, up to the number of partitions.",
            "One partition only: one producer without keys may send everything there.",
        ),
    ),
    "TenureBackfill": Runbook(
        "History is being loaded, and nothing is judged meanwhile.",
        "Most events are late, or the newest one is days old, while events are applied: somebody loads history. KPI"
        " alerts rest, and so do the machine's pages.",
        "Ask who loads. If nobody does, a producer sends old events: its clock, or a queue that was stuck.",
        (
            ("Late events and all events.", "sum(increase(tenure_events_late_total[15m]))"),
            ("", "sum(increase(tenure_events_applied_total[15m]))"),
            ("The newest event (seconds ago).", "time() - max(tenure_watermark_timestamp_seconds)"),
        ),
        ("Nothing, if somebody is loading; alerts come back by themselves.", "Else find the producer by its source."),
    ),
    "DeadLettersGrowing": Runbook(
        "Records cannot be applied and are missing from the KPIs.",
        "Records went to the dead-letter topic, byte for byte. The page means that they are more than"
        f" {thresholds.DEAD_LETTER_PAGE_SHARE:.0%} of all: KPIs are wrong by that much.",
        "Each one is a record that breaks the contract of events; the header `tenure-detail` says how.",
        (
            ("By reason.", "sum by (reason) (increase(tenure_dead_letters_total[30m]))"),
            SOURCES,
        ),
        (
            "Read one in the topic `tenure.dead-letters`: headers say reason, detail, topic, partition and offset.",
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
        (("Which, and why?", "tenure_partition_halted"), _CAUSES, _DOCTOR),
        (
            "Read `advice` in the log line `partition_halted`.",
            "The causes, and what to do about each: [operating](../operating.md#a-halted-partition).",
        ),
    ),
    "SegmentValuesOverLimit": Runbook(
        "A dimension has more values than the limit.",
        "Values beyond the limit count as `other` for good. Numbers of all customers are right.",
        "It is a count of values, not of customers.",
        (("By dimension.", "sum by (dimension) (tenure_segment_values)"),),
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
        "Kafka has not answered a heartbeat within the session time-out. The worker shows no KPIs: another one may have"
        " its partitions by now.",
        "See whether it is all workers (Kafka) or one (its network, its CPU).",
        (("Which workers?", "tenure_kafka_up == 0"), ("Who withholds?", "tenure_kpis_withheld == 1"), _DOCTOR),
        ("One worker: restart it.", "All of them: see to the brokers. Nothing is lost; workers go on by themselves."),
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
RUNBOOKS: Final = {**SCORES, **STREAM, **TARGETS}
