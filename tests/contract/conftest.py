"""The logs under contract, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.logs import EmbeddedLogUnderTest, KafkaUnderTest, LogUnderTest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(params=["embedded", "kafka"])
async def log(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[LogUnderTest]:
    """One log after the other."""
    under_test: LogUnderTest
    if request.param == "embedded":
        under_test = EmbeddedLogUnderTest(prefix.rstrip("."))
    else:
        under_test = KafkaUnderTest(request.getfixturevalue("kafka_bootstrap"))
    yield under_test
    await under_test.close()


@pytest.fixture
async def topic(log: LogUnderTest, prefix: str) -> str:
    """A topic of two partitions."""
    name = f"{prefix}events"
    await log.create_topic(name, 2)
    return name
