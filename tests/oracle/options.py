"""The settings that change what the oracle counts, with the product's defaults.

Not the product's settings: the few of them that numbers depend on, under names of their own.
Definitions: docs/definitions.md, sections 1 and 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction

DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_ms(moment: datetime) -> int:
    """Return an aware moment as milliseconds since 1970, cut and not rounded."""
    assert moment.tzinfo is not None, f"{moment} has no time zone"
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


EARLIEST_MS = instant_ms(datetime(2000, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a recomputation may vary.

    Attributes:
        windows_days: Lengths of the rolling windows (days); `month` is always there too.
        time_zone: Business time zone (IANA name), which decides where months begin.
        bucket_minutes: Length of a bucket (minutes); every `at` must be a multiple of it since 1970.
        default_currency: Currency (ISO 4217) that MRR is counted in and that an event without one means.
        rates: Minor units of the default currency per minor unit of the named one (decimal strings).
        dimensions: Further string members of a signup that are segments, in this order.
        latest_ms: First instant that a `time` may not have any more (milliseconds since 1970).
        max_facts: Distinct identities that one customer may have (count).
        max_record_bytes: Longest record that is read (bytes).
    """

    windows_days: tuple[int, ...] = (1, 7, 30, 90, 365)
    time_zone: str = "UTC"
    bucket_minutes: int = 60
    default_currency: str = "USD"
    rates: Mapping[str, str] = field(default_factory=dict)
    dimensions: tuple[str, ...] = ()
    latest_ms: int = instant_ms(datetime(2100, 1, 1, tzinfo=UTC))
    max_facts: int = 4_096
    max_record_bytes: int = 1_048_576

    def converted(self, *, mrr_minor: int, currency: str) -> int:
        """Return the MRR in minor units of the default currency, halves rounded to even.

        Raises:
            KeyError: there is no rate for the currency.
        """
        if currency == self.default_currency:
            return mrr_minor
        return round(mrr_minor * Fraction(self.rates[currency]))


DEFAULTS = Options()
