"""Every metric of the worker itself, declared once: name, type, labels, meaning.

Declarations only; `streams.metrics.exposition` makes them, docs/metrics.md lists them, and a test holds both to this
list.
The KPIs' metrics stand in `schemas.catalogue.counts`. Names end in their base unit; only counters end in `_total`.
"""

from dataclasses import dataclass
from typing import Final, Literal

InstrumentType = Literal["counter", "gauge", "histogram", "info"]
Area = Literal[
    "Events",
    "Batches and commits",
    "Lag",
    "Partitions",
    "Correctness",
    "Population",
    "Targets",
    "Surveys",
    "State",
    "Dependencies",
    "Gateway",
]

#: limits of a record's age when it is counted, by the label that says so (ms)
AGES_MS: Final = {"10s": 10_000, "60s": 60_000, "300s": 300_000}
OLDER: Final = "more"

SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
RECORDS_BUCKETS: Final = (1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One family of the exposition.

    Attributes:
        name: As scraped; a histogram's without `_bucket`, `_sum` and `_count`.
        type: As in the exposition format.
        area: The section of docs/metrics.md that it stands in.
        help: One sentence; what a value means.
        labels: Label names; never a customer's id.
        buckets: Upper bounds of a histogram, in the base unit.
    """

    name: str
    type: InstrumentType
    area: Area
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


EVENTS_APPLIED: Final = Instrument(
    "tenure_events_applied_total",
    "counter",
    "Events",
    "Events that are valid and no tests, repetitions included, by type.",
    ("type",),
)
EVENTS_DUPLICATE: Final = Instrument(
    "tenure_events_duplicate_total", "counter", "Events", "Events that were known already and changed nothing."
)
EVENTS_LATE: Final = Instrument(
    "tenure_events_late_total",
    "counter",
    "Events",
    "Events of a bucket that was over when their record reached Kafka; they restate the past.",
)
EVENTS_TEST: Final = Instrument(
    "tenure_events_test_total", "counter", "Events", "Valid events marked as tests, which count nowhere else."
)
EVENTS_FORGOTTEN: Final = Instrument(
    "tenure_events_forgotten_total",
    "counter",
    "Events",
    "Events of forgotten customers that came after they were forgotten, and count nowhere.",
)
#: kinds of conflicting events
CORRECTION: Final = "correction"
CONTRADICTION: Final = "contradiction"
EVENTS_CONFLICTING: Final = Instrument(
    "tenure_events_conflicting_total",
    "counter",
    "Events",
    "Events that share customer, source and id with others and say what none of them has said, by kind: `correction`,"
    " with another `sequence` than the one that counted; `contradiction`, with the same.",
    ("kind",),
)
EVENTS_MENDED: Final = Instrument(
    "tenure_events_mended_total",
    "counter",
    "Events",
    "Events that count, and repetitions, of which a member that only describes them was mended or left out, by member.",
    ("member",),
)
DEAD_LETTERS: Final = Instrument(
    "tenure_dead_letters_total",
    "counter",
    "Events",
    "Records that could not be applied and went to the dead-letter topic, by reason.",
    ("reason",),
)
FEED_EVENTS: Final = Instrument(
    "tenure_feed_events_total",
    "counter",
    "Events",
    "Events that are valid and no tests, repetitions included, by type and source: the 20 most frequent sources, the"
    " rest as `other`.",
    ("type", "source"),
)
FEED_DEAD_LETTERS: Final = Instrument(
    "tenure_feed_dead_letters_total",
    "counter",
    "Events",
    "Dead letters by type and source, as far as the record says them: a type that is none is that of the topic's name,"
    " else `unknown`; no source is empty.",
    ("type", "source"),
)
FEED_MENDED: Final = Instrument(
    "tenure_feed_mended_total",
    "counter",
    "Events",
    "Events that count of which a member was mended or left out, by type and source.",
    ("type", "source"),
)
RECORDS_BY_AGE: Final = Instrument(
    "tenure_records_counted_total",
    "counter",
    "Lag",
    "Records that were counted, by the time from Kafka's timestamp to the commit: `10s`, `60s` and `300s` at most, each"
    " without the one before, and `more`.",
    ("within",),
)
ADAPTED: Final = Instrument(
    "tenure_adapted_total",
    "counter",
    "Events",
    "Records of other systems in `adapter_topics`, by adapter and outcome: `translated`; `ignored`, which say nothing"
    " that is counted; `refused`, which become dead letters; `lost`, which Kafka deleted before.",
    ("adapter", "outcome"),
)
ADAPTED_EVENTS: Final = Instrument(
    "tenure_adapted_events_total", "counter", "Events", "Events that translated records have said.", ("adapter",)
)
RECORDS_FORWARDED: Final = Instrument(
    "tenure_records_forwarded_total",
    "counter",
    "Events",
    "Records that lay on another partition than their customer's and were sent there, by the topic they came from.",
    ("topic",),
)
BATCH_RECORDS: Final = Instrument(
    "tenure_batch_records", "histogram", "Batches and commits", "Records in one commit.", (), RECORDS_BUCKETS
)
COMMIT_SECONDS: Final = Instrument(
    "tenure_commit_seconds",
    "histogram",
    "Batches and commits",
    "Duration of one commit to Redis, retries included.",
    (),
    SECONDS_BUCKETS,
)
FOLD_SECONDS: Final = Instrument(
    "tenure_fold_seconds",
    "histogram",
    "Batches and commits",
    "Time to decode one batch and fold it into its customers.",
    (),
    SECONDS_BUCKETS,
)
COMMIT_CONFLICTS: Final = Instrument(
    "tenure_commit_conflicts_total",
    "counter",
    "Batches and commits",
    "Commits that Redis refused because somebody else had moved the partition's positions; the worker then reloads.",
)
COMMIT_RETRIES: Final = Instrument(
    "tenure_commit_retries_total",
    "counter",
    "Batches and commits",
    "Attempts to commit that failed and were repeated while the partition waited.",
)
PARTITION_RECOUNTS: Final = Instrument(
    "tenure_recounts_total",
    "counter",
    "Batches and commits",
    "Times that a partition was counted anew from Kafka, since Redis had lost its tables, or half of a commit.",
)
LAG_RECORDS: Final = Instrument(
    "tenure_lag_records", "gauge", "Lag", "Records in Kafka beyond the stored position.", ("topic", "partition")
)
LAG_SECONDS: Final = Instrument(
    "tenure_lag_seconds",
    "gauge",
    "Lag",
    "Age of the last applied record while there are more behind it, else 0.",
    ("topic", "partition"),
)
ADAPTER_LAG: Final = Instrument(
    "tenure_adapter_lag_records",
    "gauge",
    "Lag",
    "Records of other systems that wait to be translated; there for the partitions that this worker translates.",
    ("topic", "partition"),
)
ADAPTER_LAG_SECONDS: Final = Instrument(
    "tenure_adapter_lag_seconds",
    "gauge",
    "Lag",
    "Age of the first of these records that was read, or of the last that was translated while there are more, else 0.",
    ("topic", "partition"),
)
WATERMARK: Final = Instrument(
    "tenure_watermark_timestamp_seconds",
    "gauge",
    "Lag",
    "Latest event time applied; on a quiet partition it stands still without anything being wrong.",
    ("partition",),
)
OLDEST_UNAPPLIED: Final = Instrument(
    "tenure_oldest_unapplied_age_seconds",
    "gauge",
    "Lag",
    "Age of the oldest record that was read and is not yet committed; 0 when there is none.",
    ("partition",),
)
PARTITION_OWNED: Final = Instrument(
    "tenure_partition_owned", "gauge", "Partitions", "1 while this worker owns the partition.", ("partition",)
)
PARTITION_RECOVERING: Final = Instrument(
    "tenure_partition_recovering",
    "gauge",
    "Partitions",
    "1 while the partition's counters are loaded, or counted again after Redis lost them; its KPIs are not shown yet.",
    ("partition",),
)
PARTITION_HALTED: Final = Instrument(
    "tenure_partition_halted",
    "gauge",
    "Partitions",
    "1 while the partition is stopped because going on could lose events, by cause.",
    ("partition", "cause"),
)
PARTITIONS_EXPECTED: Final = Instrument(
    "tenure_partitions_expected", "gauge", "Partitions", "Partitions of each input topic; each must have one owner."
)
PARTITIONS_OF_CUSTOMERS: Final = Instrument(
    "tenure_partitions_of_customers", "gauge", "Partitions", "Partitions that customers lie on; fixed from the start."
)
PARTITION_REFUSED: Final = Instrument(
    "tenure_partition_refused", "gauge", "Partitions", "1 while Kafka refuses what it sends.", ("partition", "topic")
)
PARTITION_COUNTED: Final = Instrument(
    "tenure_partition_counted",
    "gauge",
    "Partitions",
    "1 while the KPI counts of this very scrape hold the partition's customers.",
    ("partition",),
)
REBALANCES: Final = Instrument(
    "tenure_rebalances_total", "counter", "Partitions", "Assignments of partitions that this worker was given."
)
KPIS_WITHHELD: Final = Instrument(
    "tenure_kpis_withheld",
    "gauge",
    "Partitions",
    "1 while the worker shows no KPIs because its last heartbeat with Kafka is older than the session time-out.",
)
LOSSES: Final = Instrument(
    "tenure_losses", "gauge", "Correctness", "Accepted losses by which a window may miss events.", ("window",)
)
RETENTION_FINITE: Final = Instrument(
    "tenure_retention_finite", "gauge", "State", "1: Kafka deletes events of this input topic one day.", ("topic",)
)
IDENTITIES_VIOLATED: Final = Instrument(
    "tenure_identities_violated",
    "gauge",
    "Correctness",
    "Equations between counts that do not hold right now; anything but 0 is a bug or damaged state.",
)
VERIFIED_CUSTOMERS: Final = Instrument(
    "tenure_verified_customers_total",
    "counter",
    "Correctness",
    "Customers whose state was recounted from its facts; each once in a recount.",
)
VERIFIED_CELLS: Final = Instrument(
    "tenure_verified_cells_total",
    "counter",
    "Correctness",
    "Stored counters that were compared with the sum of what all customers' facts come to.",
)
VERIFICATION_DIFFERENCES: Final = Instrument(
    "tenure_verification_differences",
    "gauge",
    "Correctness",
    "Stored counters, and customers, that are not what facts come to, by the last recount of each partition; each was "
    "found twice. Anything but 0 is a bug or damaged state.",
    ("kind",),
)
VERIFICATIONS_ABANDONED: Final = Instrument(
    "tenure_verifications_abandoned_total",
    "counter",
    "Correctness",
    "Recounts of a partition that came to no end: it changed hands or was reloaded, or too much was written.",
)
VERIFICATION_SECONDS: Final = Instrument(
    "tenure_verification_round_seconds",
    "gauge",
    "Correctness",
    "How long the last full round took, over all partitions of the worker.",
)
VERIFICATION_COMPLETED: Final = Instrument(
    "tenure_verification_completed_timestamp_seconds",
    "gauge",
    "Correctness",
    "When the last full round ended; 0 before the first.",
)
KPIS_AS_OF: Final = Instrument(
    "tenure_kpis_as_of_timestamp_seconds",
    "gauge",
    "Correctness",
    "The instant T that the KPIs of this scrape are as of: the end of the running bucket.",
)
TARGET: Final = Instrument(
    "tenure_target_ratio",
    "gauge",
    "Targets",
    "The value that a KPI is meant to keep to in a window; from the owner of partition 0 alone.",
    ("kpi", "window"),
)
SEGMENT_TARGET: Final = Instrument(
    "tenure_segment_target_ratio",
    "gauge",
    "Targets",
    "The same of a segment's customers.",
    ("kpi", "window", "dimension", "value"),
)
TARGET_REVIEW: Final = Instrument(
    "tenure_target_review_timestamp_seconds",
    "gauge",
    "Targets",
    "When the owner of a target is to review it; from the owner of partition 0 alone.",
    ("kpi", "window", "owner"),
)
SURVEY_REQUESTS: Final = Instrument(
    "tenure_survey_requests_total",
    "counter",
    "Surveys",
    "Surveys that were due and that Kafka has been told to ask for, by rule; one that was sent again counts again.",
    ("rule",),
)
SURVEY_SCHEDULE: Final = Instrument(
    "tenure_survey_schedule_timestamp_seconds",
    "gauge",
    "Surveys",
    "What was due before it is asked for; there while survey requests are on.",
    ("partition",),
)
CACHED_CUSTOMERS: Final = Instrument(
    "tenure_state_cache_customers", "gauge", "State", "Customers whose state is held in memory; bounded by a setting."
)
CACHE_HITS: Final = Instrument(
    "tenure_state_cache_hits_total", "counter", "State", "Customer states that a batch needed and memory had."
)
CACHE_MISSES: Final = Instrument(
    "tenure_state_cache_misses_total", "counter", "State", "Customer states that had to be read from Redis."
)
CUSTOMERS_FORGOTTEN: Final = Instrument(
    "tenure_customers_forgotten_total", "counter", "State", "Customers whose state was moved to a pseudonym."
)
FORGET_REQUESTS: Final = Instrument(
    "tenure_forget_requests",
    "gauge",
    "State",
    "Requests to forget customers that wait; looked for every few seconds, and between batches.",
    ("partition",),
)
CELLS: Final = Instrument("tenure_cells", "gauge", "State", "Counter cells held in memory for the owned partitions.")
SEGMENT_VALUES: Final = Instrument(
    "tenure_segment_values", "gauge", "State", "Different values of a dimension on this worker.", ("dimension",)
)
SEGMENT_VALUES_OVER_LIMIT: Final = Instrument(
    "tenure_segment_values_over_limit",
    "gauge",
    "State",
    "Times that a value of a dimension, a `reason` or a `feature` was beyond the hard limit and became `other`;"
    " `combination` are customers whose values together were one combination too many.",
    ("dimension",),
)
REDIS_UP: Final = Instrument("tenure_redis_up", "gauge", "Dependencies", "1 while Redis answered the last request.")
REDIS_UNSAFE: Final = Instrument(
    "tenure_redis_unsafe",
    "gauge",
    "Dependencies",
    "1 while Redis may lose what it was told to keep: it evicts, or does not persist; looked at once a minute.",
)
KAFKA_UP: Final = Instrument(
    "tenure_kafka_up", "gauge", "Dependencies", "1 while Kafka has answered a heartbeat within the session time-out."
)
WAITING: Final = Instrument(
    "tenure_waiting", "gauge", "Dependencies", "1 while something waits for a service, by cause.", ("service", "cause")
)
INSTANCE_ID_TAKEN: Final = Instrument(
    "tenure_instance_id_taken", "gauge", "Partitions", "1 while another worker uses this one's `instance_id`."
)
MEMORY: Final = Instrument("tenure_memory_bytes", "gauge", "Dependencies", "Memory that the worker's process occupies.")
MEMORY_LIMIT: Final = Instrument(
    "tenure_memory_limit_bytes",
    "gauge",
    "Dependencies",
    "Memory that the worker may occupy: its container's limit, else the machine's memory.",
)
EXPOSITION_SECONDS: Final = Instrument(
    "tenure_exposition_seconds", "gauge", "Dependencies", "Time that the KPIs took when they were last made."
)
STARTED: Final = Instrument(
    "tenure_start_timestamp_seconds",
    "gauge",
    "Dependencies",
    "When the worker began to count: all that its counters hold has come since.",
)
BUILD_INFO: Final = Instrument(
    "tenure_build_info",
    "gauge",
    "Dependencies",
    "Always 1; the labels say which version runs.",
    ("version", "python", "schema"),
)

SURVEYS_BY_WAY: Final = Instrument(
    "tenure_surveys",
    "gauge",
    "Events",
    "Surveys of a window by kind, way and status, of all customers.",
    ("window", "kind", "via", "status"),
)
DAILY_CANCELLATIONS: Final = Instrument(
    "tenure_daily_cancellations",
    "gauge",
    "Events",
    "Cancellations of each of the last 29 times 24 hours before T, of all customers; days of one `weekday` (`days_ago`"
    " modulo 7) are whole weeks apart, `weeks_ago` is `days_ago` over 7, rounded up.",
    ("days_ago", "weeks_ago", "weekday"),
)
DAILY_CUSTOMERS_AT_START: Final = Instrument(
    "tenure_daily_customers_at_start",
    "gauge",
    "Events",
    "Customers active at the start of the last 24 hours before T, and at that of the same hours 1 to 4 weeks ago.",
    ("days_ago", "weeks_ago", "weekday"),
)
MATURED_CUSTOMERS: Final = Instrument(
    "tenure_matured_customers",
    "gauge",
    "Events",
    "What matures with time, of all customers, as of the last closed boundary instead of T, by count; alerts read it.",
    ("count", "window"),
)

COHORT_CUSTOMERS: Final = Instrument(
    "tenure_cohort_customers",
    "gauge",
    "Population",
    "Customers by the period in which they were first active, who were active `age` periods later (two digits), of"
    " those for whom it is that long ago; age 00 is all of them.",
    ("period", "cohort", "age"),
)
COHORT_MATURED: Final = Instrument(
    "tenure_cohort_matured",
    "gauge",
    "Population",
    "Customers by the period in which they were first active, for whom it is `age` periods ago; those active are a"
    " share of them.",
    ("period", "cohort", "age"),
)
SURVIVAL: Final = Instrument(
    "tenure_survival_ratio",
    "gauge",
    "Population",
    "Share of stays that last longer than `days`, from becoming active to leaving, by Kaplan and Meier.",
    ("days",),
)
SURVIVAL_LOWER: Final = Instrument(
    "tenure_survival_lower_ratio",
    "gauge",
    "Population",
    "Lower bound of that share's 95 % interval, by Greenwood.",
    ("days",),
)
SURVIVAL_UPPER: Final = Instrument(
    "tenure_survival_upper_ratio",
    "gauge",
    "Population",
    "Upper bound of that share's 95 % interval, by Greenwood.",
    ("days",),
)
SURVIVAL_MEDIAN: Final = Instrument(
    "tenure_survival_median_days",
    "gauge",
    "Population",
    "Days after which half of all stays have ended; absent while more than half go on.",
)
SURVIVAL_MEAN: Final = Instrument(
    "tenure_survival_mean_days",
    "gauge",
    "Population",
    "Mean days of a stay, none counted beyond the longest one observed.",
)
CANCELLATIONS_BY_REASON: Final = Instrument(
    "tenure_cancellations_by_reason",
    "gauge",
    "Population",
    "Cancellations of a window by reason: the 20 most frequent, the rest as `other`.",
    ("window", "reason", "involuntary"),
)
ANSWERS_BY_REASON: Final = Instrument(
    "tenure_answers_by_reason",
    "gauge",
    "Population",
    "Answered surveys of a window by the reason given: the 20 most frequent, the rest as `other`.",
    ("window", "reason"),
)
ENGAGED_BY_FEATURE: Final = Instrument(
    "tenure_engaged_by_feature",
    "gauge",
    "Population",
    "Active customers who used a feature in a window: the 20 most used; `other` has a customer once for each of the"
    " rest.",
    ("window", "feature"),
)
FEEDBACK_SPELLS: Final = Instrument(
    "tenure_feedback_spells",
    "gauge",
    "Population",
    "Spells after survey answers, by kind of survey and band: `left` ended with the customer's leaving, `goes_on` have"
    " not, or the next answer ended them. `no_answer` begins 14 days after a survey, `never_asked` with the stay.",
    ("kind", "band", "end"),
)
FEEDBACK_SURVIVAL: Final = Instrument(
    "tenure_feedback_survival_ratio",
    "gauge",
    "Population",
    "Share of those spells that last longer than `days`, by Kaplan and Meier.",
    ("kind", "band", "days"),
)
FEEDBACK_SURVIVAL_LOWER: Final = Instrument(
    "tenure_feedback_survival_lower_ratio",
    "gauge",
    "Population",
    "Lower bound of that share's 95 % interval, by Greenwood.",
    ("kind", "band", "days"),
)
FEEDBACK_SURVIVAL_UPPER: Final = Instrument(
    "tenure_feedback_survival_upper_ratio",
    "gauge",
    "Population",
    "Upper bound of that share's 95 % interval, by Greenwood.",
    ("kind", "band", "days"),
)
FEEDBACK_LOG_RANK: Final = Instrument(
    "tenure_feedback_log_rank_p_value",
    "gauge",
    "Population",
    "The p-value of the log-rank test of whether the bands of a kind, but `never_asked`, leave at the same rate.",
    ("kind",),
)
SCALE_SURVEYS: Final = Instrument(
    "tenure_scale_surveys",
    "gauge",
    "Population",
    "Surveys of the last 90 days on scales beside NPS and CSAT, by kind (`ces`, `ease`, `value`, `pmf`), by what became"
    " of them, and by whether they had an incentive.",
    ("kind", "status", "incentive"),
)
SCALE_ANSWERS: Final = Instrument(
    "tenure_scale_answers",
    "gauge",
    "Population",
    "Their answers by score.",
    ("kind", "score", "incentive"),
)
MARKS: Final = Instrument(
    "tenure_mark_timestamp_seconds",
    "gauge",
    "Population",
    "When a mark happened, of the newest hundred: every board shows it there.",
    ("mark", "kind", "title"),
)
OPEN_DETRACTORS: Final = Instrument(
    "tenure_open_detractors",
    "gauge",
    "Population",
    "Active customers whose last NPS answer is a detractor's and whom no `contact` has followed up.",
)
OPEN_DETRACTORS_MRR: Final = Instrument(
    "tenure_open_detractors_mrr_minor", "gauge", "Population", "Their MRR, in minor units of the default currency."
)
LEAVING: Final = Instrument(
    "tenure_customers_leaving",
    "gauge",
    "Population",
    "Active customers whose cancellation is known, is not revoked, and will end the last subscription that counts.",
)
LEAVING_MRR: Final = Instrument(
    "tenure_customers_leaving_mrr_minor", "gauge", "Population", "Their MRR, in minor units of the default currency."
)
DORMANT: Final = Instrument(
    "tenure_customers_dormant",
    "gauge",
    "Population",
    "Active customers who were engaged in the window before the last one, and not since.",
    ("window",),
)
RESURRECTED: Final = Instrument(
    "tenure_customers_resurrected",
    "gauge",
    "Population",
    "Customers who were active two windows ago and are engaged in the last one, but were not in the one before.",
    ("window",),
)
FOLLOW_UP_MEDIAN: Final = Instrument(
    "tenure_feedback_follow_up_median_hours",
    "gauge",
    "Population",
    "Hours by which half of the answers of the last 90 days are followed up, those that wait counted so far; absent"
    " while fewer than half are.",
    ("kind", "band"),
)
EXPERIMENT_CUSTOMERS: Final = Instrument(
    "tenure_experiment_customers",
    "gauge",
    "Population",
    "Customers by the variant of a measure that they saw first: `left` and `goes_on` were active then, `not_active`"
    " were not. Of the 10 measures that somebody saw for the first time last the control and the 4 largest variants;"
    " all else is measure and variant `other`.",
    ("measure", "variant", "end"),
)
EXPERIMENT_SURVIVAL: Final = Instrument(
    "tenure_experiment_survival_ratio",
    "gauge",
    "Population",
    "Share of those who were active that stays longer than `days`, by Kaplan and Meier.",
    ("measure", "variant", "days"),
)
EXPERIMENT_NEWEST: Final = Instrument(
    "tenure_experiment_newest_timestamp_seconds",
    "gauge",
    "Population",
    "When somebody saw the measure for the first time last: one that is over gets no newer.",
    ("measure",),
)
EXPERIMENT_P: Final = Instrument(
    "tenure_experiment_p_value",
    "gauge",
    "Population",
    "The always-valid p-value of a variant against the control, times the number of comparisons: at most 0.05, and they"
    " differ.",
    ("measure", "variant", "control"),
)
EXPERIMENT_ODDS: Final = Instrument(
    "tenure_experiment_odds_ratio",
    "gauge",
    "Population",
    "The odds of leaving on a day, over those with the control: below 1 customers stay longer.",
    ("measure", "variant", "control"),
)
EXPERIMENT_ODDS_LOWER: Final = Instrument(
    "tenure_experiment_odds_lower_ratio",
    "gauge",
    "Population",
    "Lower bound of the range that holds it on all days at once with 95 %; absent where there is none.",
    ("measure", "variant", "control"),
)
EXPERIMENT_ODDS_UPPER: Final = Instrument(
    "tenure_experiment_odds_upper_ratio",
    "gauge",
    "Population",
    "Upper bound of that range; absent where there is none.",
    ("measure", "variant", "control"),
)
TICKETS: Final = Instrument(
    "tenure_support_tickets",
    "gauge",
    "Population",
    "Tickets that were opened in the last 30 days, by what they wait for (`answer`, `solution`), and whether it came"
    " (`done`) or they wait still (`waiting`).",
    ("wait", "end"),
)
TICKET_MEDIAN: Final = Instrument(
    "tenure_support_median_seconds",
    "gauge",
    "Population",
    "Time by which it came to half of them, those that wait counted so far; absent while fewer than half have it.",
    ("wait",),
)
TICKET_WITHIN_DAY: Final = Instrument(
    "tenure_support_within_day_ratio",
    "gauge",
    "Population",
    "Share of them to which it came within 24 hours, by Kaplan and Meier.",
    ("wait",),
)
TICKET_SPELLS: Final = Instrument(
    "tenure_support_spells",
    "gauge",
    "Population",
    "Stays after a ticket of an active customer was opened: `left` ended with the customer's leaving, `goes_on` have"
    " not, or the next ticket ended them.",
    ("end",),
)
TICKET_SURVIVAL: Final = Instrument(
    "tenure_support_survival_ratio",
    "gauge",
    "Population",
    "Share of those stays that last longer than `days`, by Kaplan and Meier.",
    ("days",),
)
TICKET_SURVIVAL_LOWER: Final = Instrument(
    "tenure_support_survival_lower_ratio",
    "gauge",
    "Population",
    "Lower bound of that share's 95 % interval, by Greenwood.",
    ("days",),
)
TICKET_SURVIVAL_UPPER: Final = Instrument(
    "tenure_support_survival_upper_ratio",
    "gauge",
    "Population",
    "Upper bound of that share's 95 % interval, by Greenwood.",
    ("days",),
)
VALUE: Final = Instrument(
    "tenure_customer_value_minor",
    "gauge",
    "Population",
    "Lifetime value in minor units of the default currency: the mean stay, none counted beyond the longest one seen,"
    " times the MRR of an active customer. Of all, and by channel: the 20 with the most stays, the rest as `other`.",
    ("dimension", "value"),
)
VALUE_DAYS: Final = Instrument(
    "tenure_customer_value_days",
    "gauge",
    "Population",
    "The mean stay that it is made of.",
    ("dimension", "value"),
)
ACQUISITION_COST: Final = Instrument(
    "tenure_acquisition_cost_minor",
    "gauge",
    "Population",
    "Cost of acquiring a customer of a channel, as the setting `acquisition_costs` says, in minor units.",
    ("channel",),
)
PAYBACK_DAYS: Final = Instrument(
    "tenure_acquisition_payback_days",
    "gauge",
    "Population",
    "Days after which a customer of a channel has brought that cost; absent where the stays seen do not say.",
    ("channel",),
)
SCAN_AS_OF: Final = Instrument(
    "tenure_scan_timestamp_seconds", "gauge", "Population", "The instant T that all of these are as of."
)
SCAN_CPU: Final = Instrument(
    "tenure_scan_cpu_seconds",
    "gauge",
    "Population",
    "CPU time that looking at all customers took; the next look comes after 50 times as long, a minute at least.",
)

GATEWAY_REQUESTS: Final = Instrument(
    "tenure_gateway_requests_total",
    "counter",
    "Gateway",
    "Requests that were answered, by path (`events`, `webhooks`), sender (the name of the token, the adapter; empty"
    " where none is known) and status.",
    ("path", "sender", "status"),
)
GATEWAY_EVENTS: Final = Instrument(
    "tenure_gateway_events_total",
    "counter",
    "Gateway",
    "Events that Kafka has and that were answered for, by path, sender and type.",
    ("path", "sender", "type"),
)
GATEWAY_REFUSED: Final = Instrument(
    "tenure_gateway_refused_total",
    "counter",
    "Gateway",
    "Events, and records of adapters, in which something is wrong, by reason. Those of `events` were not sent, those of"
    " `webhooks` became dead letters.",
    ("path", "sender", "reason"),
)
GATEWAY_IGNORED: Final = Instrument(
    "tenure_gateway_ignored_total",
    "counter",
    "Gateway",
    "Records of adapters that say nothing that is counted; they were not sent.",
    ("sender",),
)
GATEWAY_SECONDS: Final = Instrument(
    "tenure_gateway_request_seconds",
    "histogram",
    "Gateway",
    "Duration of requests, from their head to the answer.",
    ("path",),
    SECONDS_BUCKETS,
)
GATEWAY_IN_FLIGHT_REQUESTS: Final = Instrument(
    "tenure_gateway_in_flight_requests", "gauge", "Gateway", "Requests that are being served."
)
GATEWAY_IN_FLIGHT_BYTES: Final = Instrument(
    "tenure_gateway_in_flight_bytes", "gauge", "Gateway", "Bytes of requests that Kafka does not have yet."
)
GATEWAY_KAFKA_UP: Final = Instrument(
    "tenure_gateway_kafka_up", "gauge", "Gateway", "1 while Kafka takes what the gateway sends."
)

OF_THE_GATEWAY: Final = tuple(
    value for value in globals().copy().values() if isinstance(value, Instrument) and value.area == "Gateway"
)
"""What `tenure gateway` shows in place of a worker's metrics."""

OF_THE_POPULATION: Final = tuple(
    value for value in globals().copy().values() if isinstance(value, Instrument) and value.area == "Population"
)
"""What does not add up over workers: shown by the owner of partition 0 alone, behind its counts."""

WITH_THE_COUNTS: Final = (SURVEYS_BY_WAY, DAILY_CANCELLATIONS, DAILY_CUSTOMERS_AT_START, MATURED_CUSTOMERS)
"""Those that are KPIs: in the exposition they stand behind the counts, and are absent when these are."""

INSTRUMENTS: Final = tuple(value for value in globals().copy().values() if isinstance(value, Instrument))
