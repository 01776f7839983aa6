"""The product's settings for the options of a recount: a stream that counts what the recount counts."""

from __future__ import annotations

from typing import Any

from streams.settings.settings import Settings
from tests.recount.options import Options


def settings_of(options: Options, **further: Any) -> Settings:
    """Return settings by which a stream counts as a recount does by its options, with further ones beside."""
    return Settings(
        bucket_minutes=options.bucket_minutes,
        windows_days=options.windows_days,
        business_time_zone=options.business_time_zone,
        default_currency=options.default_currency,
        currency_rates=dict(options.currency_rates),
        dimensions=options.dimensions,
        free_plans=options.free_plans,
        paused_customers=options.paused_customers,
        trial_days=options.trial_days,
        max_facts_per_customer=options.max_facts,
        max_record_bytes=options.max_record_bytes,
        **further,
    )
