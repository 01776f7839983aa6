"""The settings that decide what numbers mean, with their defaults.

Not the product's settings: the few of them that a recount depends on, under names of their own.
Definitions: sections 1 to 3; the contract, events and prices.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from tests.recount.instants import DAY_MS, MINUTE_MS

BUILT_IN_DIMENSIONS = ("country", "channel")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings of one recount.

    Attributes:
        bucket_minutes: Length of a bucket (minutes); it divides a day.
        windows_days: Lengths of the rolling windows (days); the window `month` is always there too.
        business_time_zone: IANA name; decides where months, cohorts' periods and the days of rates begin.
        default_currency: ISO 4217, in capitals; MRR is counted in its minor units.
        currency_rates: Decimal texts by currency, `EUR`, or by currency and first day, `EUR@2026-01-01`.
        dimensions: String members of a signup that are dimensions beside country and channel, in this order.
        free_plans: `customers`: a subscription with MRR 0 counts too; `leads`: it does not.
        paused_customers: `kept`: a paused subscription goes on counting; `lost`: a pause ends its counting.
        trial_days: Age at which a trial has matured (days).
        max_facts: Identities that one customer may have (count).
        max_record_bytes: Longest value that is read (bytes).
        future_tolerance_ms: Time that an event may lie beyond its record's timestamp (milliseconds).
    """

    bucket_minutes: int = 60
    windows_days: tuple[int, ...] = (1, 7, 30, 90, 365)
    business_time_zone: str = "UTC"
    default_currency: str = "USD"
    currency_rates: Mapping[str, str] = field(default_factory=dict)
    dimensions: tuple[str, ...] = ()
    free_plans: Literal["leads", "customers"] = "leads"
    paused_customers: Literal["kept", "lost"] = "kept"
    trial_days: int = 37
    max_facts: int = 4_096
    max_record_bytes: int = 1_048_576
    future_tolerance_ms: int = 60 * MINUTE_MS

    def __post_init__(self) -> None:
        """Refuse a bucket that does not divide a day."""
        assert DAY_MS % self.bucket_ms == 0, f"a bucket of {self.bucket_minutes} minutes does not divide a day"

    @property
    def bucket_ms(self) -> int:
        """Length of a bucket (milliseconds)."""
        return self.bucket_minutes * MINUTE_MS

    @cached_property
    def zone(self) -> ZoneInfo:
        """The business time zone."""
        return ZoneInfo(self.business_time_zone)

    @property
    def segment_members(self) -> tuple[str, ...]:
        """Members of a signup that are dimensions, in the order in which members are compared."""
        return (*BUILT_IN_DIMENSIONS, *self.dimensions)


DEFAULTS = Options()
