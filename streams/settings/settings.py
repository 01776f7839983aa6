"""The settings of a stream: one frozen object, built from the environment and one file, checked before anything starts.

`load_settings` in `streams.settings.loading` is the way in for commands: it adds the checks for unknown names and turns
every fault into one ConfigurationError. Each field states its meaning here; `docs/settings.md` is generated from it.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from schemas.catalogue.windows import SEGMENT_WINDOW_DAYS, WINDOW_DAYS
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.topics import (
    DEAD_LETTER_TOPIC,
    DEFAULT_TOPIC_NAMES,
    FORGOTTEN_TOPIC,
    INPUT_TOPICS,
    MIXED_TOPIC_SETTING,
    MOVEMENT_TOPIC,
    SURVEY_REQUEST_TOPIC,
)
from schemas.wording import in_words
from streams.errors import ConfigurationError
from streams.settings import buckets, gateway, rules, security

ENVIRONMENT_PREFIX: Final = "TENURE_"

MEANING: Final = (
    "topics",
    "windows_days",
    "dimensions",
    "business_time_zone",
    "bucket_minutes",
    "default_currency",
    "currency_rates",
    "free_plans",
    "paused_customers",
    "trial_days",
)
"""The settings that change what stored numbers mean; limits, addresses and what is shown are not among them."""

_Integers = Annotated[tuple[int, ...], NoDecode]
_Names = Annotated[tuple[str, ...], NoDecode]
_Topics = Annotated[dict[str, str], NoDecode]
_Rates = Annotated[dict[str, Decimal], NoDecode]
_SurveyRules = Annotated[dict[str, str], NoDecode]
_Costs = Annotated[dict[str, Annotated[int, BeforeValidator(rules.check_size)]], NoDecode]
_Signatures = Annotated[dict[str, str], NoDecode]
_FROM_STORE: Final = "(from your secret store)"
_Port = Annotated[int, Field(ge=0, le=65535)]


def _setting(default: Any, meaning: str, *, unit: str, example: str) -> Any:
    return Field(default=default, description=meaning, examples=[example], json_schema_extra={"unit": unit})


def _certificate_setting(server: str, example: str) -> Any:
    meaning = (
        f"The certificate that {server} shows, and those between it and the authority: it then speaks TLS alone. "
        "Without one, TLS is up to the proxy in front of it."
    )
    return _setting(None, meaning, unit="file, PEM", example=example)


def _key_setting(example: str) -> Any:
    meaning = "The certificate's private key; not needed where it stands in the certificate's file."
    return _setting(None, meaning, unit="file, PEM", example=example)


class Settings(BaseSettings):
    """Everything about a stream that may differ between two installations.

    Values come from arguments, then environment variables (`TENURE_` and the field's name), then the file.

    Raises:
        pydantic.ValidationError: A value that cannot work; `load_settings` turns it into a ConfigurationError.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    kafka_bootstrap: str = _setting(
        "127.0.0.1:9092",
        "Kafka brokers to begin with, separated by commas.",
        unit="host:port",
        example="kafka-1:9092,kafka-2:9092",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = _setting(
        "PLAINTEXT", "How connections to Kafka are secured.", unit="name", example="SASL_SSL"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = _setting(
        None, "How the worker proves who it is; needed with SASL_PLAINTEXT and SASL_SSL.", unit="name", example="PLAIN"
    )
    kafka_username: str | None = _setting(
        None,
        "The name that Kafka knows the worker by; with `kafka_token_url` the client's id there.",
        unit="text",
        example="tenure",
    )
    kafka_password: SecretStr | None = _setting(
        None, "The password, or the client's secret, that goes with the name.", unit="secret", example=_FROM_STORE
    )
    kafka_ca_file: Path | None = _setting(
        None,
        "Certificate authorities that the brokers' certificates are checked against; "
        "without it, those of the operating system.",
        unit="file, PEM",
        example="/etc/ssl/kafka-ca.pem",
    )
    kafka_certificate_file: Path | None = _setting(
        None,
        "The certificate that the worker shows to brokers that ask for one, and those between it and the authority.",
        unit="file, PEM",
        example="/etc/ssl/tenure.pem",
    )
    kafka_key_file: Path | None = _key_setting("/etc/ssl/tenure-key.pem")
    kafka_key_password: SecretStr | None = _setting(
        None, "The password of the private key, if it is encrypted.", unit="secret", example=_FROM_STORE
    )
    kafka_token_file: Path | None = _setting(
        None, "A token for OAUTHBEARER, read anew at each connection: whoever writes it keeps it fresh.",
        unit="file", example="/run/tokens/kafka",
    )  # fmt: skip
    kafka_token_url: str | None = _setting(
        None,
        "Where tokens for OAUTHBEARER are had instead, by OpenID Connect's client credentials. Its certificate is "
        "checked against the authorities of the operating system, or those in the file that `SSL_CERT_FILE` names.",
        unit="https://",
        example="https://login.example.com/oauth2/token",
    )
    kafka_token_scope: str | None = _setting(
        None, "What these tokens are asked for, if the endpoint wants to know.", unit="text", example="kafka"
    )
    group: str = _setting(
        "tenure",
        "The consumer group: workers of one group share the partitions of one stream.",
        unit="name",
        example="tenure-eu",
    )
    topics: _Topics = _setting(
        dict(DEFAULT_TOPIC_NAMES),
        "The topic of each event type, and of `events`, the mixed one. Those not named keep their default.",
        unit="type=topic",
        example="signup=acme.signups,cancel=acme.cancels",
    )
    dead_letter_topic: str = _setting(
        DEAD_LETTER_TOPIC, "Where records go that cannot be applied.", unit="topic", example="acme.dead-letters"
    )
    survey_request_topic: str = _setting(
        SURVEY_REQUEST_TOPIC,
        "Where surveys that are due are announced, if `survey_requests` is on.",
        unit="topic",
        example="acme.surveys-due",
    )
    forgotten_topic: str = _setting(
        FORGOTTEN_TOPIC,
        "Where tombstones of forgotten customers are kept, for good: compacted, with one partition.",
        unit="topic",
        example="acme.forgotten",
    )
    forget_key: SecretStr | None = _setting(
        None,
        "The key of the hashes that stand for forgotten customers, for `tenure forget` and all workers. It has "
        f"{rules.FORGET_KEY_CHARACTERS_MIN} characters or more, and cannot be changed once a customer is forgotten.",
        unit="secret",
        example="FROM-YOUR-SECRET-STORE-32-CHARACTERS",
    )
    adapter_topics: _Topics = _setting(
        {},
        "Topics that hold records of other systems, and the adapter that translates each; the events go to `topics`. "
        "[adapters.md](adapters.md#topics) says how.",
        unit="topic=adapter",
        example="stripe.webhooks=stripe",
    )
    adapter_options: Path | None = _setting(
        None,
        "Options of adapters, in a table for each; also what `--map` is where it is not given.",
        unit="file, TOML",
        example="/etc/tenure/adapters.toml",
    )
    schema_registry_url: str | None = _setting(
        None,
        "The registry of the schemas of framed values, for the adapter `confluent`.",
        unit="http:// or https://",
        example="https://registry.example.com",
    )
    schema_registry_username: str | None = _setting(
        None, "The name, or the API key, that the registry knows us by.", unit="text", example="tenure"
    )
    schema_registry_password: SecretStr | None = _setting(
        None, "The password, or the secret of the API key.", unit="secret", example=_FROM_STORE
    )
    redis_url: SecretStr = _setting(
        SecretStr(rules.DEFAULT_REDIS_URL),
        "The Redis that holds the tables; a password in it is never printed. `rediss://` is TLS, several hosts are "
        "nodes of a cluster, `redis+sentinel://` names Sentinels: [how each is written](deploying.md#redis).",
        unit="redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://",
        example="rediss://tenure:secret@redis:6379/0",
    )
    redis_prefix: str = _setting(
        "tenure",
        "What all keys in Redis begin with; two streams in one Redis need two.",
        unit="name",
        example="tenure-eu",
    )
    allow_unsafe_redis: bool = _setting(
        False,
        "Start even if Redis does not persist or may evict keys. Numbers are then lost with Redis: for trials only.",
        unit="true or false",
        example="true",
    )
    windows_days: _Integers = _setting(
        WINDOW_DAYS,
        "The rolling windows that every KPI is counted over, ascending; the calendar month is always there.",
        unit="days",
        example="7,30,365",
    )
    segment_windows_days: _Integers = _setting(
        SEGMENT_WINDOW_DAYS,
        "The windows that segments are exported for; some of `windows_days`. Where it is not set, those of "
        f"{in_words(SEGMENT_WINDOW_DAYS)} "
        "that are among them, or else the one nearest to 30.",
        unit="days",
        example="30",
    )
    dimensions: _Names = _setting(
        (),
        f"Members of `signup` to segment by, besides {in_words(BUILT_IN_DIMENSIONS)}.",
        unit="member names",
        example="industry,company_size",
    )
    business_time_zone: str = _setting(
        "UTC", "The time zone whose calendar decides where months begin.", unit="IANA name", example="Europe/Lisbon"
    )
    bucket_minutes: int = _setting(
        60,
        "The width of a bucket: every KPI is as of a multiple of it. It divides a day and every offset that the "
        "business time zone has had since 2000.",
        unit="minutes",
        example="30",
    )
    default_currency: str = _setting(
        "USD", "The currency that MRR is counted in, and of events that name none.", unit="ISO 4217", example="EUR"
    )
    currency_rates: _Rates = _setting(
        {},
        "Minor units of the default currency for one minor unit of another. A rate with a day holds from the first "
        "instant of that day in the business time zone, one without a day before all of these; the event's time "
        "decides. Events in a currency without a rate at their time become dead letters.",
        unit="currency=rate or currency@day=rate",
        example="EUR=1.08,EUR@2026-01-01=1.10,GBP=1.27",
    )
    free_plans: Literal["leads", "customers"] = _setting(
        "leads",
        "Whether people on a plan with an MRR of 0 are customers. As `leads` they are none of the numbers about "
        "customers.",
        unit="name",
        example="customers",
    )
    paused_customers: Literal["kept", "lost"] = _setting(
        "kept",
        "Whether a customer whose subscriptions are all paused is kept, with an MRR of 0, or `lost` until one resumes.",
        unit="name",
        example="lost",
    )
    trial_days: Annotated[int, Field(ge=1, le=rules.MAX_WINDOW_DAYS)] = _setting(
        BY_DEFAULT.trial_days,
        "So long after their first trial it is decided who has become a customer: more than the longest trial lasts, "
        "since what converts at its very end counts only before.",
        unit="days",
        example="21",
    )
    acquisition_costs: _Costs = _setting(
        {},
        "What it costs to acquire one customer, by channel: minor units of the default currency. `tenure value` and a "
        "board put them beside what a customer brings.",
        unit="channel=minor units",
        example="ads=12000,partner=4500",
    )
    survey_requests: bool = _setting(
        False,
        "Announce surveys that are due, on `survey_request_topic`. Switch it on once something there asks customers: "
        "what fell due before is never asked for.",
        unit="true or false",
        example="true",
    )
    survey_rules: _SurveyRules = _setting(
        {"cancel": "csat/email", "first_week": "csat/in_app", "regular": "nps/email"},
        "When a survey is due, which one, and how to ask it. A rule that is not named asks for nothing.",
        unit="rule=kind/way",
        example="first_week=nps/in_app,regular=nps/email",
    )
    survey_regular_days: Annotated[int, Field(ge=1, le=3650)] = _setting(
        90,
        "The rule `regular`: so often an active customer is asked, from the first signup on.",
        unit="days",
        example="180",
    )
    survey_quiet_days: Annotated[int, Field(ge=1, le=rules.MAX_WINDOW_DAYS)] = _setting(
        30,
        "No customer is asked twice within so many days, nor so soon after any survey that was sent, answered or "
        "dismissed.",
        unit="days",
        example="60",
    )
    future_tolerance_seconds: Annotated[int, Field(ge=0, le=86_400 * 366)] = _setting(
        3600,
        "How far an event's time may lie beyond its record's Kafka timestamp before it is refused.",
        unit="seconds",
        example="300",
    )
    max_record_bytes: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = _setting(
        1_048_576, "Larger records become dead letters.", unit="bytes", example="262144"
    )
    max_facts_per_customer: Annotated[int, Field(ge=16, le=1_000_000)] = _setting(
        4096, "Facts kept for one customer; what comes beyond becomes a dead letter.", unit="facts", example="10000"
    )
    # A cell has 16 bits for the value that it counts.
    max_segment_values: Annotated[int, Field(ge=16, le=65_000)] = _setting(
        4096,
        "Values kept for one dimension, far above what it should have. A partition keeps 16 times as many combinations "
        "of values. What comes beyond counts as `other`.",
        unit="values",
        example="1000",
    )
    segment_values_shown: Annotated[int, Field(ge=1, le=1000)] = _setting(
        20, "Values of a dimension that are exported by name; the rest adds up as `other`.", unit="values", example="50"
    )
    batch_max_records: Annotated[int, Field(ge=1, le=100_000)] = _setting(
        10_000,
        "Records of one partition that are fetched, applied and committed together, at most.",
        unit="records",
        example="1000",
    )
    state_cache_customers: Annotated[int, Field(ge=0, le=100_000_000)] = _setting(
        200_000, "Customers whose state a worker keeps in memory, at most.", unit="customers", example="1000000"
    )
    session_timeout_seconds: Annotated[int, Field(ge=1, le=1800)] = _setting(
        10, "A worker that Kafka has not heard from for so long loses its partitions.", unit="seconds", example="45"
    )
    instance_id: str | None = _setting(
        None,
        "A name of this worker that outlives its process (static membership): a worker that comes back under it keeps "
        "its partitions. No two running workers may share one.",
        unit="name",
        example="worker-0",
    )
    metrics_host: str = _setting(
        "127.0.0.1", "The address that `/metrics` is served on; `0.0.0.0` for all.", unit="address", example="10.0.0.7"
    )
    metrics_port: _Port = _setting(
        9464, "The port that `/metrics` is served on; 0 takes any free one.", unit="port", example="9100"
    )
    metrics_refresh_seconds: Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)] = _setting(
        1.0,
        "How often a worker looks after what `/metrics` shows beside the counts, which are made when it is read: "
        "targets, accepted losses, the values that are shown by name.",
        unit="seconds",
        example="5",
    )
    verify_cpu_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = _setting(
        0.01,
        "The part of a core that a worker spends on recounting its customers from their facts, and comparing with the "
        "stored counters; 0 switches it off.",
        unit="ratio",
        example="0.05",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", "The least severe log line that is written.", unit="name", example="warning"
    )
    log_format: Literal["auto", "json", "console"] = _setting(
        "auto",
        "How log lines are written: `auto` is `console` on a terminal and `json` elsewhere.",
        unit="name",
        example="json",
    )

    movement_topic: str = _setting(
        MOVEMENT_TOPIC,
        "Where `tenure export --to kafka` keeps the movements of customers: compacted, made where it is missing.",
        unit="topic",
        example="acme.movements",
    )
    export_postgres: SecretStr | None = _setting(
        None,
        "The connection string of the PostgreSQL that `tenure export --to postgres` writes to; never printed.",
        unit="secret, postgresql://",
        example="postgresql://tenure:secret@db/analytics",
    )

    gateway_host: str = _setting(
        "127.0.0.1",
        "The address that `tenure gateway` listens on; `0.0.0.0` for all.",
        unit="address",
        example="10.0.0.7",
    )
    gateway_port: _Port = _setting(
        8464, "The port that `tenure gateway` listens on; 0 takes any free one.", unit="port", example="8080"
    )
    gateway_certificate_file: Path | None = _certificate_setting("the gateway", "/etc/ssl/gateway.pem")
    gateway_key_file: Path | None = _key_setting("/etc/ssl/gateway-key.pem")
    gateway_tokens: SecretStr | None = _setting(
        None,
        "The bearer tokens of producers that send events of their own: `name=token`, separated by commas or one a "
        "line. A producer may have several: add the new one, let it change over, take the old one away. "
        f"A token has {gateway.TOKEN_CHARACTERS_MIN} characters or more.",
        unit="secret, name=token",
        example="app=FROM-YOUR-SECRET-STORE",
    )
    gateway_webhook_secrets: SecretStr | None = _setting(
        None,
        "The secrets that webhooks are signed with: `adapter=secret`, separated by commas or one a line; of `basic` "
        "`adapter=user:password`. Several of one adapter hold at once. Webhooks of an adapter without a secret are "
        "refused.",
        unit="secret, adapter=secret",
        example="stripe=FROM-YOUR-SECRET-STORE",
    )
    gateway_signatures: _Signatures = _setting(
        dict(gateway.SIGNATURES),
        "How the webhooks of each adapter are signed: `stripe`, `paddle` or `recurly`, as these do; `basic` and "
        "`bearer` for a password or a token in `Authorization`; or `sha1`, `sha256` or `sha512` and a header that "
        "holds the HMAC of the body, in hexadecimal or `:base64`. Those not named keep their default.",
        unit="adapter=form",
        example="segment=sha256:X-Hub-Signature-256",
    )
    gateway_clock_tolerance_seconds: Annotated[int, Field(ge=1, le=86_400)] = _setting(
        300,
        "How far the time in a signature may lie from this machine's, before or after.",
        unit="seconds",
        example="60",
    )
    gateway_max_body_bytes: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = _setting(
        4_194_304, "Larger requests are refused.", unit="bytes", example="1048576"
    )
    gateway_max_in_flight_bytes: Annotated[int, Field(ge=1024, le=4 * 1024**3)] = _setting(
        67_108_864,
        "Bytes of requests that the gateway holds at once, until Kafka has them; more are told to come again.",
        unit="bytes",
        example="268435456",
    )
    gateway_max_in_flight_requests: Annotated[int, Field(ge=1, le=100_000)] = _setting(
        256, "Requests that the gateway serves at once; more are told to come again.", unit="requests", example="1000"
    )
    gateway_requests_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = _setting(
        100,
        "Requests a second of one producer, or of one adapter's webhooks, on average over ten seconds; more are told "
        "to come again.",
        unit="requests a second",
        example="20",
    )
    gateway_timeout_seconds: Annotated[int, Field(ge=1, le=600)] = _setting(
        10,
        "How long a request may take to arrive, and then, how long Kafka may take for its events.",
        unit="seconds",
        example="5",
    )
    gateway_drain_seconds: Annotated[int, Field(ge=0, le=600)] = _setting(
        0,
        "How long the gateway still takes requests once it was told to stop, with `/readyz` failing: as long as what "
        "stands before it needs to notice.",
        unit="seconds",
        example="10",
    )

    api_host: str = _setting(
        "127.0.0.1",
        "The address that `tenure api` listens on; any that other machines reach wants `api_tokens`.",
        unit="address",
        example="10.0.0.7",
    )
    api_port: _Port = _setting(
        8465, "The port that `tenure api` listens on; 0 takes any free one.", unit="port", example="8081"
    )
    api_tokens: SecretStr | None = _setting(
        None,
        "The bearer tokens of those who may ask the API: `name=token`, separated by commas or one a line. Without "
        f"tokens whoever is on this machine may. A token has {gateway.TOKEN_CHARACTERS_MIN} characters or more.",
        unit="secret, name=token",
        example="dashboard=FROM-YOUR-SECRET-STORE",
    )
    api_certificate_file: Path | None = _certificate_setting("the API", "/etc/ssl/api.pem")
    api_key_file: Path | None = _key_setting("/etc/ssl/api-key.pem")
    api_max_requests: Annotated[int, Field(ge=1, le=64)] = _setting(
        2, "Reports that the API makes at once; whoever asks for more is told to come again.", unit="reports",
        example="4",
    )  # fmt: skip
    api_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = _setting(
        120, "How long the API may take for a report.", unit="seconds", example="60"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings names the parameters
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments first, then the environment; `load_settings` puts the file's values behind both."""
        return init_settings, env_settings

    _split_lists = field_validator("windows_days", "segment_windows_days", "dimensions", mode="before")(
        rules.split_list
    )
    _split_pairs = field_validator(
        "topics",
        "adapter_topics",
        "currency_rates",
        "survey_rules",
        "gateway_signatures",
        "acquisition_costs",
        mode="before",
    )(rules.split_pairs)
    _log_names = field_validator("log_level", "log_format", "free_plans", "paused_customers", mode="before")(
        rules.lower_case
    )
    _kafka_names = field_validator("kafka_security_protocol", "kafka_sasl_mechanism", mode="before")(rules.upper_case)
    _bootstrap = field_validator("kafka_bootstrap")(rules.check_bootstrap)
    _token_url = field_validator("kafka_token_url")(security.check_token_url)
    _group = field_validator("group", "instance_id")(rules.check_group)
    _topic = field_validator("dead_letter_topic", "survey_request_topic", "forgotten_topic", "movement_topic")(
        rules.check_topic
    )
    _forget_key = field_validator("forget_key")(rules.check_forget_key)
    _registry_url = field_validator("schema_registry_url")(rules.check_registry_url)
    _adapter_topics = field_validator("adapter_topics")(rules.check_adapter_topics)
    _costs = field_validator("acquisition_costs")(rules.check_costs)
    _survey_rules = field_validator("survey_rules")(rules.check_survey_rules)
    _redis_url = field_validator("redis_url")(rules.check_redis_url)
    _hosts = field_validator("metrics_host", "gateway_host", "api_host")(rules.check_metrics_host)
    _tokens = field_validator("gateway_tokens", "api_tokens")(gateway.check_tokens)
    _webhook_secrets = field_validator("gateway_webhook_secrets")(gateway.check_webhook_secrets)
    _signatures = field_validator("gateway_signatures")(gateway.complete_signatures)
    _redis_prefix = field_validator("redis_prefix")(rules.check_redis_prefix)
    _windows = field_validator("windows_days", "segment_windows_days")(rules.check_windows)
    _dimensions = field_validator("dimensions")(rules.check_dimensions)
    _time_zone = field_validator("business_time_zone")(buckets.check_time_zone)
    _bucket = field_validator("bucket_minutes")(buckets.check_bucket)
    _currency = field_validator("default_currency")(rules.check_currency)
    _rates = field_validator("currency_rates")(rules.check_rates)

    @field_validator("topics")
    @classmethod
    def _complete_topics(cls, topics: dict[str, str]) -> dict[str, str]:
        rules.check_known_keys(topics, tuple(DEFAULT_TOPIC_NAMES))
        for topic in topics.values():
            rules.check_topic(topic)
        return {**DEFAULT_TOPIC_NAMES, **topics}

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        own = ("dead_letter_topic", "survey_request_topic", "forgotten_topic", "movement_topic")
        rules.check_topics_distinct(self.topics, {name: getattr(self, name) for name in own}, self.adapter_topics)
        rules.check_survey_days(regular=self.survey_regular_days, quiet=self.survey_quiet_days)
        if "segment_windows_days" not in self.model_fields_set:
            # Past pydantic, which lets nobody change what is frozen: nobody has seen this object yet.
            object.__setattr__(self, "segment_windows_days", rules.usual_segment_windows(self.windows_days))
        rules.check_segment_windows(self.segment_windows_days, self.windows_days)
        buckets.check_bucket_fits_zone(self.bucket_minutes, self.business_time_zone)
        rules.check_rates_foreign(self.currency_rates, self.default_currency)
        security.check_kafka_security(self)
        gateway.check_gateway(self)
        gateway.check_certificate("api", self.api_certificate_file, self.api_key_file)
        return self

    @property
    def redis_address(self) -> str:
        """The URL of Redis without its password, for logs and messages."""
        return rules.without_password(self.redis_url.get_secret_value())

    @property
    def input_topics(self) -> tuple[str, ...]:
        """The names of the topics that the stream reads, the mixed one last."""
        return tuple(self.topics[name] for name in DEFAULT_TOPIC_NAMES)

    @property
    def adapter_group(self) -> str:
        """The consumer group that shares the topics of other systems."""
        return f"{self.group}-adapters"

    @property
    def topic_of_type(self) -> dict[str, str]:
        """The name of the topic of each event type."""
        return {
            event_type: self.topics[known.setting]
            for known in INPUT_TOPICS
            if known.setting != MIXED_TOPIC_SETTING
            for event_type in known.types
        }

    @property
    def what_counts(self) -> WhatCounts:
        """The settings that make a subscription count."""
        return WhatCounts(self.free_plans == "customers", self.paused_customers == "kept", self.trial_days)

    def fingerprint(self) -> str:
        """Return what decides the meaning of stored numbers, as one line of JSON in a fixed order.

        It is stored with the tables; `check_fingerprint` compares. Limits, addresses and what is merely shown are not
        part of it: they may change from one start to the next.
        """
        meaning: dict[str, object] = {name: getattr(self, name) for name in MEANING}
        meaning["currency_rates"] = {
            name: format(rate.normalize(), "f") for name, rate in sorted(self.currency_rates.items())
        }
        return json.dumps(meaning, separators=(",", ":"), sort_keys=True)

    def check_fingerprint(self, stored: str) -> None:
        """Refuse to go on with tables that were counted under other settings.

        Args:
            stored: What `fingerprint` returned when the tables were begun.

        Raises:
            ConfigurationError: It names the first setting that differs, with both values.
        """
        ours: dict[str, object] = json.loads(self.fingerprint())
        theirs: dict[str, object] = json.loads(stored)
        for name in MEANING:
            if name in theirs and ours[name] == theirs[name]:
                continue
            counted = f"the tables of group {self.group!r} under {self.redis_prefix!r} in Redis were counted "
            if name in theirs:
                counted += f"with {json.dumps(theirs[name])}; set it back, or run `tenure rebuild`: docs/rebuilding.md"
            else:
                counted += (
                    "by a version that did not have this setting, and cannot be read; choose another group and "
                    "redis_prefix, and count again from Kafka: docs/upgrading.md"
                )
            raise ConfigurationError(ENVIRONMENT_PREFIX + name.upper(), json.dumps(ours[name]), counted)


SECRETS: Final = tuple(
    name for name, field in Settings.model_fields.items() if field.annotation in (SecretStr, SecretStr | None)
)
"""The settings that are never shown; each may be named by a file instead (`streams.settings.secrets`)."""
