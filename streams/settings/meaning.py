"""Parts that settings give their meaning: windows, money, intern tables and the decoder.

Nothing here knows of a stream, so that commands which read tables or files load no client of Kafka and no Faust.
"""

from __future__ import annotations

from kpis.counting.windows import Windows
from kpis.money import Money
from kpis.names import Names
from schemas.decoding.decoder import Decoder
from schemas.dimensions import BUILT_IN_DIMENSIONS
from streams.settings.settings import Settings


def windows_of(settings: Settings, *, native: bool = True) -> Windows:
    """Return the windows that settings ask for; `native` is as `Windows` takes it."""
    return Windows(
        settings.windows_days,
        time_zone=settings.business_time_zone,
        bucket_ms=settings.bucket_minutes * 60_000,
        trial_days=settings.trial_days,
        native=native,
    )


def money_of(settings: Settings) -> Money:
    """Return the default currency and the rates that settings ask for."""
    return Money(settings.default_currency, settings.currency_rates, settings.business_time_zone)


def names_of(settings: Settings) -> Names:
    """Return the empty intern tables of a partition, with the money, dimensions and limit that settings ask for."""
    return Names(
        money=money_of(settings),
        dimensions=settings.dimensions,
        max_values=settings.max_segment_values,
    )


def dimensions_of(settings: Settings) -> tuple[str, ...]:
    """Return every dimension that settings ask for, the plan first."""
    return (*BUILT_IN_DIMENSIONS, *settings.dimensions)


def decoder_of(settings: Settings, *, latest_ms: int | None = None) -> Decoder:
    """Return the decoder that settings ask for; `latest_ms` is for files, whose records have no time of their own."""
    return Decoder(
        dimensions=settings.dimensions,
        default_currency=settings.default_currency,
        currencies=money_of(settings).rated_from_ms(),
        future_tolerance_ms=settings.future_tolerance_seconds * 1000,
        latest_ms=latest_ms,
        max_record_bytes=settings.max_record_bytes,
    )
