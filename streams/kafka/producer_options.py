"""Options of the producers that commands and the gateway make of aiokafka, beside the worker's own through Faust.

Kafka's own default partitioner (murmur2 of the key), and an acknowledgement by every replica that must have a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiokafka.codec import has_lz4

from streams.kafka.security import client_options

if TYPE_CHECKING:
    from streams.settings.settings import Settings

_BATCH_BYTES: Final = 256 * 1024
_LINGER_MS: Final = 5
#: the broker's limit is the one that counts; this only has to be above it
_REQUEST_BYTES: Final = 80 * 1024 * 1024


def producer_options(settings: Settings, *, idempotent: bool) -> dict[str, Any]:
    """Return what makes an `AIOKafkaProducer` for the Kafka of the settings.

    Args:
        settings: Where Kafka is, and who we are there.
        idempotent: Whether what is sent again, because Kafka went away before it answered, is there once. Then one
            record that Kafka refuses, such as one that is too large, leaves a gap in the sequence numbers, and all that
            follow in its partition fail: that is for who sends a file and ends, and not for who serves many.

    Raises:
        ConfigurationError: A file of certificates or keys cannot be used.
    """
    return {
        **client_options(settings),
        "enable_idempotence": idempotent,
        "acks": "all",
        "compression_type": "lz4" if has_lz4() else "gzip",
        "max_batch_size": _BATCH_BYTES,
        "linger_ms": _LINGER_MS,
        "max_request_size": _REQUEST_BYTES,
    }
