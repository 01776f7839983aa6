"""How many replicas whoever sends waits for: all that Kafka says must have a record."""

from __future__ import annotations

from typing import Any, cast

import pytest

from streams.kafka.producer_options import producer_options
from streams.kafka.transport import KafkaProducer
from streams.settings.settings import Settings


@pytest.mark.parametrize("idempotent", [False, True])
def test_commands_and_gateway_wait_for_all_replicas_that_must_have_a_record(idempotent: bool) -> None:
    """What one broker alone has acknowledged is gone with its disk, and nobody would send it again."""
    assert producer_options(Settings(), idempotent=idempotent)["acks"] == "all"


def test_worker_waits_for_all_replicas_that_must_have_a_record() -> None:
    """A dead letter is all that is left of a record once its batch is committed."""
    assert KafkaProducer._settings_extra(cast("Any", None)) == {"acks": "all"}
