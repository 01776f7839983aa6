"""The feed of a refused record: whose it is, as far as its bytes say."""

from __future__ import annotations

import pytest

from schemas.feeds import FeedKey, feed_of_refused, types_of_topics


@pytest.mark.parametrize(
    ("value", "topic_type", "feed"),
    [
        (b'{"type": "cancel", "source": "billing", "time": 7}', None, FeedKey("cancel", "billing")),
        (b'{"type": "cancel"}', "signup", FeedKey("cancel", "customer.cancel")),
        (b'{"type": "cancelled", "source": "billing"}', "cancel", FeedKey("cancel", "billing")),
        (b'{"type": "cancelled", "source": "billing"}', None, FeedKey("unknown", "billing")),
        (b'{"type": 7, "source": {}}', "renewal", FeedKey("renewal", "customer.renewal")),
        (b"not JSON", "renewal", FeedKey("renewal", "")),
        (b"\xff\xfe", None, FeedKey("unknown", "")),
        (b"[1]", None, FeedKey("unknown", "")),
        (b"[" * 10_000, "cancel", FeedKey("cancel", "")),
        (b'{"source": "' + b"s" * 1_000 + b'"}', "cancel", FeedKey("cancel", "s" * 256)),
        (None, None, FeedKey("unknown", "")),
    ],
)
def test_refused_record_belongs_to_the_feed_that_it_names(
    value: bytes | None, topic_type: str | None, feed: FeedKey
) -> None:
    """Whoever is called must know whom to ask; nothing that a producer sends may raise."""
    assert feed_of_refused(value, topic_type) == feed


def test_topic_of_all_types_has_no_type() -> None:
    """A record on it that names no type could be any."""
    assert types_of_topics({"cancel": "acme.cancel", "events": "acme.events"}) == {"acme.cancel": "cancel"}
